"""Lets the renderer do 40 % of its takes wrong and shows what the validator found and what it asked for."""

from kinograph import Settings, Studio

studio = Studio(Settings.load(model="storyworld-render", backends={"storyworld-render": {"fault_rate": 0.4}}))
film = studio.make(studio.brief("A green car drives through the city at night. Then it stops. A cat jumps.", seed=4))
for take in film.takes:
    verdict = take.verdict
    print(f"{take.shot} take {take.attempt}: {'accepted' if take.accepted else 'rejected'}")
    for finding in verdict.findings if verdict else ():
        print("   found:", finding.words)
    for correction in verdict.corrections if verdict else ():
        print("   next take:", correction.action, correction.words)
print(film.folder + "/contact_sheet.png")
