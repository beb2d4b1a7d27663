"""kinograph: a brief becomes a finished, consistent, multi-shot film.

from kinograph import Studio
film = Studio().make("A red ball rolls across a green meadow at sunset.")
print(film.path)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinograph.errors import KinographError
    from kinograph.film import Brief, Film, Storyboard
    from kinograph.settings import Settings
    from kinograph.studio import Studio

__all__ = ["Brief", "Film", "KinographError", "Settings", "Storyboard", "Studio"]

_HOME = {
    "Brief": "kinograph.film",
    "Film": "kinograph.film",
    "KinographError": "kinograph.errors",
    "Settings": "kinograph.settings",
    "Storyboard": "kinograph.film",
    "Studio": "kinograph.studio",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kinograph' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
