"""The nouns of film-making: every value that travels between kinograph's parts.

All nouns are frozen pydantic models that refuse unknown fields; a change is a changed copy
(`noun.model_copy(update=…)` or `noun.changed(…)`, which validates). Pictures never live in a noun:
a noun names a file or a digest. They are imported from here, not from the files that they stand in.
"""

from kinograph.film.brief import Aspect, Brief, Portrait, Topology, Transition
from kinograph.film.clip import LATER, Blend, Clip, Conditioning, RenderRequest, Task
from kinograph.film.cut import Cut, Film
from kinograph.film.decision import Decision, Rating, Reason, Stock, Strategy, TopologyChange, Visuals
from kinograph.film.nouns import Noun, absent, canonical_json, digest_of
from kinograph.film.review import FilmFinding, Review
from kinograph.film.storyboard import Appearance, Camera, Character, Look, Motion, Scene, Shot, Storyboard, TimeOfDay
from kinograph.film.take import Concession, Failure, Held, Means, Outcome, Take, Trial
from kinograph.film.timing import Due, Sitting, Stint
from kinograph.film.usage import Call, Fallback, Usage
from kinograph.film.verdict import Action, Correction, Finding, FindingKind, Score, Verdict

__all__ = [
    "LATER",
    "Action",
    "Appearance",
    "Aspect",
    "Blend",
    "Brief",
    "Call",
    "Camera",
    "Character",
    "Clip",
    "Concession",
    "Conditioning",
    "Correction",
    "Cut",
    "Decision",
    "Due",
    "Failure",
    "Fallback",
    "Film",
    "FilmFinding",
    "Finding",
    "FindingKind",
    "Held",
    "Look",
    "Means",
    "Motion",
    "Noun",
    "Outcome",
    "Portrait",
    "Rating",
    "Reason",
    "RenderRequest",
    "Review",
    "Scene",
    "Score",
    "Shot",
    "Sitting",
    "Stint",
    "Stock",
    "Storyboard",
    "Strategy",
    "Take",
    "Task",
    "TimeOfDay",
    "Topology",
    "TopologyChange",
    "Transition",
    "Trial",
    "Usage",
    "Verdict",
    "Visuals",
    "absent",
    "canonical_json",
    "digest_of",
]
