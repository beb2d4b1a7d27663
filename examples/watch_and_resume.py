"""Watches a production event by event, stops it in the middle, and finishes it later."""

from kinograph import Studio
from kinograph.errors import Cancelled
from kinograph.events import Opened, ShotSettled, TakeJudged

studio = Studio()
text = "A blue boat sails to the left. A yellow star spins in space. A pink heart grows in the snow."
brief = studio.brief(text, seed=7)
production = ""
try:
    for event in studio.stream(brief):
        if isinstance(event, Opened):
            production = event.id
        elif isinstance(event, TakeJudged):
            print(event.take.shot, "accepted" if event.take.accepted else "rejected")
        elif isinstance(event, ShotSettled):
            studio.cancel()  # as Ctrl-C would
except Cancelled as stopped:
    print(stopped)

film = Studio().resume(production)
print(film.path, f"with {len(film.takes)} takes")
