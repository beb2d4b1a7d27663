"""Video models behind one protocol.

A model is a card (data in `cards/*.toml`) and, when this version can run it, a backend: a class named
by the card's `backend` line. Adding a model is a card; adding a family is one file and that line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from pydantic import ValidationError

from kinograph.errors import BadInput, BadSetting, UnknownName
from kinograph.film import Clip, Noun, RenderRequest
from kinograph.settings import explain
from kinograph.tools.backends.model_card import FrameRule, ModelCard, Ratings
from kinograph.tools.backends.progress import Preview, Progress, Watched, counted, once_freed, wanted

__all__ = [
    "FOLDER",
    "SHIPPED",
    "UNBLENDED",
    "FrameRule",
    "ModelCard",
    "Preview",
    "Progress",
    "Ratings",
    "VideoBackend",
    "Watched",
    "Workbench",
    "alike",
    "backend_of",
    "card",
    "cards",
    "counted",
    "lacking",
    "once_freed",
    "open_backend",
    "ready",
    "wanted",
]
"""What is said of cards and of progress is imported from here too, not from the files that it stands in."""

SHIPPED = "storyworld"
"""Family of the models that come with kinograph."""
FOLDER = "diffusers:"
"""What the id of a model begins with that is a folder and has no card."""
UNBLENDED = "words and noise of a neighbour are not heard"
"""The note of backends that a request's blend cannot be given."""


class Workbench(NamedTuple):
    """What a backend is given to work with."""

    scratch: Path
    """Folder for the clips it makes."""
    picture: Callable[[str], Path]
    """Where a conditioning picture of a given digest lies."""
    errands: MutableMapping[str, str] | None = None
    """Request digest -> what a backend must remember of it across crashes; none: nothing outlives this backend."""
    learned: Path | None = None
    """Folder for what backends learn of this machine; none: nothing is kept."""


class VideoBackend(Protocol):
    """Renders requests. Constructed as `Backend(card, workbench, Backend.Options(…))`; loads nothing heavy
    before the first render."""

    Options: ClassVar[type[Noun]]
    """What settings may say of this backend."""
    card: ModelCard
    workbench: Workbench
    revision: str
    """Changes whenever the same request would give other pixels: weights, code, options."""

    @property
    def options(self) -> Noun:
        """What it was opened with: card and options open the same backend in another process."""
        ...

    @staticmethod
    def lacks(card: ModelCard, options: Any) -> str:
        """What keeps it from rendering here, in words that say what to do; "" for nothing. Reads no weights."""
        ...

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        """One clip a request, in order, each reproducible from its own seed.

        `cancelled` is asked often; when it says True, Cancelled is raised. Where `on_progress` is Watched, a backend
        that can shows what comes; what nobody looks at costs nothing. One that says that it is `freed` may be asked for
        more on another thread before it returns. Raises RenderFailed.
        """
        ...


def alike(request: RenderRequest) -> RenderRequest:
    """What requests have in common that one call of a model can render together: all but words, noise and pictures."""
    bare = tuple(given.changed(keyframe="") for given in request.conditioning)
    return request.changed(prompt="", negative="", seed=0, scene_seed=0, conditioning=bare)


@cache
def cards() -> Mapping[str, ModelCard]:
    """All model cards by id, those first that come with kinograph."""
    found = [
        ModelCard.model_validate(tomllib.loads(entry.read_text("utf-8")))
        for entry in files(__name__).joinpath("cards").iterdir()
        if entry.name.endswith(".toml")
    ]
    return {card.id: card for card in sorted(found, key=lambda card: (card.family != SHIPPED, card.id))}


def card(id: str) -> ModelCard:
    """The card of that id; `diffusers:FOLDER` makes one of a pipeline's own folder. Raises UnknownName, BadInput."""
    if id.startswith(FOLDER):
        made = import_module("kinograph.tools.backends.introspection").card_of(
            Path(id.removeprefix(FOLDER)).expanduser().absolute()
        )
        assert isinstance(made, ModelCard)
        return made
    if id not in cards():
        raise UnknownName("model", id, cards())
    return cards()[id]


def open_backend(id: str, workbench: Workbench, options: Mapping[str, Any] | None = None) -> VideoBackend:
    """The backend of a model. Raises UnknownName, BadInput where it cannot render here, BadSetting for options."""
    return backend_of(card(id), workbench, options)


def backend_of(card: ModelCard, workbench: Workbench, options: Mapping[str, Any] | None = None) -> VideoBackend:
    """The backend that a card names. Raises BadSetting for options, BadInput where it cannot render here."""
    if words := lacking(card, options):
        raise BadInput(f"model {card.id!r} cannot render here: {words}")
    backend, chosen = _asked(card, options)
    return backend(card, workbench, chosen)


def lacking(card: ModelCard, options: Mapping[str, Any] | None = None) -> str:
    """What keeps a model from rendering here, in words; "" for nothing. Raises BadSetting for options."""
    if not card.available:
        return "it has a card but no backend in this version"
    backend, chosen = _asked(card, options)
    return backend.lacks(card, chosen)


def ready(options: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The models that can render a film from words here, by id; `options` are those of the settings, by model.

    Raises BadSetting.
    """
    return tuple(
        id
        for id, one in cards().items()
        if ("t2v" in one.tasks or options.get(id, {}).get("before")) and not lacking(one, options.get(id))
    )


def _asked(card: ModelCard, options: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """A backend's class and its options."""
    module, _, attribute = card.backend.partition(":")
    backend = getattr(import_module(module), attribute)
    try:
        return backend, backend.Options(**dict(options or {}))
    except ValidationError as error:
        raise BadSetting(f"backends.{card.id}: {explain(error, ', '.join(backend.Options.model_fields))}") from error
