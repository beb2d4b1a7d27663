"""A film made in conversation: proposed, approved, changed in words; only what changed is rendered again."""

from kinograph import Studio
from kinograph.events import Finished, Proposed, ShotSettled

with Studio().open() as conversation:
    for words in (
        "A red ball rolls across a meadow at sunset. Then it bounces over the sea at night.",
        "yes",
        "make shot 2 at dawn",
        "yes",
    ):
        print("you:", words)
        for event in conversation.say(words):
            if isinstance(event, Proposed):
                for work in event.works:
                    print(f"  shot {work.number}: {work.does}, {work.why}")
            elif isinstance(event, ShotSettled):
                print(f"  {event.shot}: {event.outcome}")
            elif isinstance(event, Finished):
                print(" ", event.film.path)
