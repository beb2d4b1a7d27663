"""The card of a video model: what it can do, what it needs, and which sizes and lengths it renders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinograph.errors import BadInput
from kinograph.film import Noun, Rating, Task, Topology

FrameRule = Literal["n", "4k+1", "6k+1", "8k+1", "fixed"]
COSTS: dict[Rating, float] = {"low": 0.3, "medium": 0.5, "high": 0.75, "very high": 1.0}
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
