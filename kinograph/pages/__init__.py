"""What people read on a terminal: tables of films, plans, models and checks."""

from kinograph.pages.cards import calibration, checks, fetching, models, models_in_brief, offer
from kinograph.pages.films import film, plan, productions, reasons, storyboard
from kinograph.pages.memories import memory, remedies, rows_of, series
from kinograph.pages.paper import console, plain
from kinograph.pages.spending import usage
from kinograph.pages.talks import proposal, sessions, takes, versions

__all__ = [
    "calibration",
    "checks",
    "console",
    "fetching",
    "film",
    "memory",
    "models",
    "models_in_brief",
    "offer",
    "plain",
    "plan",
    "productions",
    "proposal",
    "reasons",
    "remedies",
    "rows_of",
    "series",
    "sessions",
    "storyboard",
    "takes",
    "usage",
    "versions",
]
