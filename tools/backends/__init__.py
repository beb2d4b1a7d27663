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
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from pydantic import Field, ValidationError

from kinograph.errors import BadInput, BadSetting, UnknownName
from kinograph.film import Clip, Noun, Rating, RenderRequest, Task, Topology
from kinograph.settings import explain

if TYPE_CHECKING:
    import numpy as np

FrameRule = Literal["n", "4k+1", "6k+1", "8k+1", "fixed"]
COSTS: dict[Rating, float] = {"low": 0.3, "medium": 0.5, "high": 0.75, "very high": 1.0}
SHIPPED = "storyworld"
"""Family of the models that come with kinograph."""
FOLDER = "diffusers:"
"""What the id of a model begins with that is a folder and has no card."""
UNBLENDED = "words and noise of a neighbour are not heard"
"""The note of backends that a request's blend cannot be given."""
_STEP = {"n": 1, "4k+1": 4, "6k+1": 6, "8k+1": 8}


class Ratings(Noun):
    """How hard a model makes the orchestration, on the five scales of the comparison matrix."""

    temporal_consistency: Rating
    character_consistency: Rating
    scene_complexity: Rating
    resource_requirements: Rating
    orchestration_complexity: Rating

    @property
    def topology(self) -> Topology:
        """Light models run as a chain, complex ones under a hierarchy, Sora-like ones distributed."""
        if self.orchestration_complexity == "very high":
            return "distributed"
        return "hierarchical" if self.orchestration_complexity == "high" else "chain"


class Notes(Noun):
    """What a reader of the card should know besides."""

    limits: str = ""


class ModelCard(Noun):
    """What a video model can do, needs and may be used for."""

    id: str
    name: str
    family: str
    summary: str
    backend: str = ""
    """`module:Class` that runs it; empty while this version cannot."""
    tasks: tuple[Task, ...]
    source: str = ""
    """Hub id of the weights."""
    license: str
    commercial: bool
    width: int
    height: int
    size_multiple: int = 8
    max_pixels: int | None = None
    frames: int
    """Frames a clip has natively."""
    frames_rule: FrameRule = "n"
    min_frames: int
    max_frames: int
    fps: int
    steps: int
    guidance: float
    min_steps: int = 10
    max_steps: int = 50
    min_guidance: float = 1.0
    max_guidance: float = 20.0
    procedural: bool = False
    """Draws by rules, for tests and for truth: chosen by name, or where no generative model can render."""
    weights: bool = True
    """Loads weights: it is worth a process of its own, which keeps them and can be replaced when it hangs or dies."""
    vram_gb: float
    """GPU memory it needs; 0 runs on the CPU."""
    offloaded_gb: float | None = None
    """GPU memory it needs while the parts that are not at work wait in main memory; none: it cannot be so."""
    seconds_per_frame: float | None = None
    """Rough wall seconds for a frame of native size, rendered and judged, on the hardware it is meant for."""
    batch: bool = False
    """Several alike requests in one call give the same clips as one call each, but for a level here and there."""
    negative: bool = True
    """Hears the words of what is to be avoided."""
    references: int = 0
    """Most pictures of its subjects that it takes beside the words; a first frame is none of them."""
    graded: bool = False
    """A first frame can count for less than fully."""
    shared_noise: bool = False
    """Can be given the noise that it begins with, so that shots can have some of it in common."""
    blends: bool = False
    """Words of a neighbour, its noise or both can count too: what `RenderRequest.blend` asks."""
    max_subjects: int = 0
    """Most subjects it draws in one shot; 0 is no limit."""
    audio: bool = False
    ratings: Ratings
    notes: Notes = Field(default_factory=Notes)

    @property
    def least_gb(self) -> float:
        """GPU memory without which it does not run at all."""
        return self.vram_gb if self.offloaded_gb is None else min(self.vram_gb, self.offloaded_gb)

    @property
    def cost(self) -> float:
        """What a render asks of this machine, 0..1: the class by which it may start beside others. Little where it
        loads nothing: the work is light, or another machine's."""
        return COSTS[self.ratings.resource_requirements] if self.weights else COSTS["low"]

    @property
    def available(self) -> bool:
        """This version has a backend for it."""
        return bool(self.backend)

    def legal_frames(self, wanted: int) -> int:
        """The count nearest to `wanted` that the model can render."""
        if self.frames_rule == "fixed":
            return self.frames
        step, offset = _STEP[self.frames_rule], 0 if self.frames_rule == "n" else 1
        lowest = -(-(self.min_frames - offset) // step) * step + offset
        highest = (self.max_frames - offset) // step * step + offset
        return max(lowest, min(highest, round((wanted - offset) / step) * step + offset))

    def legal_side(self, wanted: float) -> int:
        """The side in pixels nearest to `wanted` that the model can render."""
        return max(1, round(wanted / self.size_multiple)) * self.size_multiple

    def legal_size(self, width: int, height: int) -> tuple[int, int]:
        """The size nearest to one that was asked for that the model can render; a little smaller where the nearest has
        too many pixels and what was asked for has not."""
        sides = self.legal_side(width), self.legal_side(height)
        if self.max_pixels and width * height <= self.max_pixels < sides[0] * sides[1]:
            step = self.size_multiple
            sides = max(width // step, 1) * step, max(height // step, 1) * step
        return sides

    def seconds_for(self, frames: int, width: int, height: int) -> float | None:
        """Wall seconds that so many frames of a size take one after the other; None when the card knows no pace."""
        if self.seconds_per_frame is None:
            return None
        return frames * self.seconds_per_frame * width * height / (self.width * self.height)

    def check_size(self, width: int, height: int) -> None:
        """Raises BadInput for a size that the model cannot render."""
        for side in (width, height):
            if side < 16 or side % self.size_multiple:
                raise BadInput(
                    f"size {width}x{height} does not fit {self.id}: sides are multiples of {self.size_multiple} from 16"
                )
        if self.max_pixels and width * height > self.max_pixels:
            raise BadInput(
                f"size {width}x{height} = {width * height} pixels does not fit {self.id}: "
                f"at most {self.max_pixels} pixels"
            )


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


Progress = Callable[[int, float], None]
"""on_progress(index of the request, share done in 0..1); a Watched asks for previews besides."""


class Preview(NamedTuple):
    """What a clip will look like, as far as its render knows before it ends."""

    share: float
    """Of the denoising that is done, 0..1."""
    frames: np.ndarray
    """uint8 RGB `[N,h,w,3]`: a few frames, small."""
    at: tuple[int, ...]
    """Which frames of the clip they are, ascending."""


class Watched(NamedTuple):
    """A progress of somebody who wants to see what comes while it is rendered, or to know when the model is free.
    Backends that cannot show it, and those who know nothing of previews, call it like any other."""

    progress: Progress
    shares: tuple[float, ...]
    """Of the denoising, 0..1, after each of which one preview is wanted."""
    see: Callable[[int, Preview], None]
    """see(index of the request, preview)"""
    freed: Callable[[], None] = lambda: None
    """Called once the model of a render is free for another, and only files are to be written yet."""

    def __call__(self, index: int, share: float) -> None:
        self.progress(index, share)


def counted(on_progress: Progress, start: int) -> Progress:
    """The same progress for requests of which the first has the index `start` among all."""

    def tell(index: int, share: float) -> None:
        on_progress(start + index, share)

    if not isinstance(on_progress, Watched):
        return tell
    watched = on_progress
    return watched._replace(progress=tell, see=lambda index, preview: watched.see(start + index, preview))


def once_freed(on_progress: Progress, then: Callable[[], None]) -> Watched:
    """The same progress, before which `then` hears that the model is free."""
    if not isinstance(on_progress, Watched):
        return Watched(on_progress, (), lambda *_: None, then)
    outer = on_progress.freed

    def both() -> None:
        then()
        outer()

    return on_progress._replace(freed=both)


def wanted(on_progress: Progress) -> tuple[float, ...]:
    """The shares after which previews are wanted; none where nobody looks."""
    return on_progress.shares if isinstance(on_progress, Watched) else ()


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
