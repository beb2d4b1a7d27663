"""Pipelines of diffusers lent for a call: loaded at the first, left on the shelf, on the device as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from kinograph.film import RenderRequest
from kinograph.tools.backends import ModelCard
from kinograph.tools.backends.calling import beating, free, named
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.backends.families import Kin, kin_of
from kinograph.tools.backends.memory_plan import Remembered, Rung, climb, first, key_of, ladder, needs
from kinograph.tools.backends.pipelines import Loaded, load
from kinograph.tools.backends.placing import denoisers
from kinograph.tools.backends.sourcing import class_for, source_of, weights_at
from kinograph.tools.backends.weights import check, check_part
from kinograph.tools.shelf import shelf

Result = TypeVar("Result")
OVERHEAD = 1.5
"""Memory that a render takes, for each GB of weights."""


class Lender:
    """Lends a model's pipeline, and those of what its options name; knows how much room they need on the device."""

    def __init__(self, card: ModelCard, options: DiffusionOptions, revision: str, learned: Path | None) -> None:
        """`revision` is the backend's, `learned` the folder for what is learned of this machine."""
        self._card, self._options = card, options
        self._revision, self._learned = revision, learned

    @property
    def device(self) -> str:
        """The torch device that is rendered on."""
        import torch

        if self._options.device != "auto":
            return self._options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    def rungs(self, kin: Kin) -> tuple[Rung, ...]:
        """The memory plan of pipelines of a family, the quickest way to lie on the device first."""
        precision = self._options.precision
        return ladder(
            self._card, self.device, precision if precision != "auto" else kin.half if self.device != "cpu" else None
        )

    def lend(self, source: str, cancelled: Callable[[], bool]) -> AbstractContextManager[Loaded]:
        """A loaded pipeline, for one call; every backend of the same weights and options shares it."""
        key = f"{self._card.id} {self._revision} {source} {self._options.base} {self._options.pickles}"
        like = self._like(source)
        least = min(needs(like, rung).device for rung in self.rungs(Kin(()))) if self.device != "cpu" else None

        def load(_: bool) -> Loaded:
            with beating(cancelled):
                return self._load(source)

        return shelf(self.device).lend(key, like.vram_gb, least, load, cancelled)

    def _like(self, source: str) -> ModelCard:
        """The card with the memory that weights of this size take: smaller ones than the card's take less."""
        most = self._card.vram_gb if source == source_of(self._card, self._options) else 1000.0
        gb = max(min(most, OVERHEAD * weights_at(source).gb), 0.01)
        return self._card.changed(vram_gb=gb, offloaded_gb=self._card.offloaded_gb if gb == most else None)

    def _load(self, source: str) -> Loaded:
        import torch

        found = weights_at(source)
        kin, extra = kin_of(class_for(found, self._options)), dict[str, Any]()
        if found.kind == "part":
            check_part(found.folder, self._options.pickles)
            check(base := weights_at(self._options.base), self._options.pickles)
            extra, found = {"motion_adapter": found.folder}, base
        else:
            check(found, self._options.pickles)
        if found.kind == "file" and self._options.base:
            extra = {"config": str(weights_at(self._options.base).folder)}
        rungs, room = self.rungs(kin), free(self.device)
        begin = first(self._like(source), rungs, *room)
        formats = {"default": getattr(torch, rungs[0].dtype)} | ({"vae": torch.float32} if kin.exact else {})
        options = {"dtype": formats, "use_safetensors": None if self._options.pickles else True}
        loaded = load(found, kin, options | extra)
        loaded.begin = begin
        if self._options.scheduler and source == source_of(self._card, self._options):
            loaded.reschedule(self._options.scheduler)
        return loaded

    def fitting(
        self,
        loaded: Loaded,
        requests: Sequence[RenderRequest],
        tell: Callable[[str], object],
        make: Callable[[], Result],
    ) -> Result:
        """What `make` makes with the pipeline on the first rung of the memory plan that has room for it."""
        device, rungs, request = self.device, self.rungs(loaded.kin), requests[0]
        if len(requests) > 1 or not denoisers(loaded.first):
            rungs = rungs[:2]  # fewer clips a call are quicker than a model that lies elsewhere
        what = f"{self._revision} {type(loaded.first).__name__} x{len(requests)}"
        key = key_of(what, request.width, request.height, request.frames, named(device))
        learned = Remembered(self._learned / "memory_plan.json") if self._learned else None
        names = [rung.name for rung in rungs]
        begin = loaded.begin
        if learned is not None and learned.rung(key) in names:
            begin = names.index(str(learned.rung(key)))
        if request.offloaded:
            begin = max(begin, names.index("model" if "model" in names else "piecewise"))
        if loaded.rung is not None and loaded.rung.quantized != "none":
            rungs = (loaded.rung,)  # there is no way back
        begin = min(begin, len(rungs) - 1)
        started = rungs[begin]

        def on(rung: Rung) -> Result:
            loaded.window(request.frames)
            loaded.put(rung, device)
            return make()

        def learn(rung: Rung) -> None:
            if learned is not None and rung != started:
                learned.keep(key, rung.name)

        return climb(on, rungs, begin, tell, learn)
