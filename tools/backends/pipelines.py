"""Loaded diffusers pipelines: one set of weights, called in every way that it serves."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kinograph.errors import BadSetting, Damaged, RenderFailed
from kinograph.tools.backends.families import FITS, UNSHIFTED, Kin, Way, ends, way
from kinograph.tools.backends.foreseen import Colors
from kinograph.tools.backends.memory_plan import Rung, apply, is_out_of_memory
from kinograph.tools.backends.placing import bare, denoisers
from kinograph.tools.backends.speed import Speed, slow_down, speed_up
from kinograph.tools.backends.weights import Weights, variant
from kinograph.tools.sound import resampled

WINDOW = 32
"""Frames that a motion module of AnimateDiff knows."""
PROMPTS_GB = 0.25
"""Memory that encoded prompts may take, the oldest go first; some models make hundreds of MB of one."""


def class_of(folder: Path) -> str:
    """The pipeline class that a folder in the diffusers layout names. Raises Damaged."""
    try:
        return str(json.loads((folder / "model_index.json").read_text("utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{str(folder / 'model_index.json')!r} names no pipeline: {error}") from error


class Loaded:
    """A pipeline's parts in memory, and the pipelines made of them."""

    def __init__(self, pipeline: Any, kin: Kin) -> None:
        self.kin = kin
        self.first = pipeline
        self.rung: Rung | None = None
        """How it lies on its device; None while nothing was said of that."""
        self.begin = 0
        """Index of the rung that seemed to fit when there was nothing on the device yet."""
        self.wide = False
        """It makes clips in windows."""
        self.computed = 1.0
        """Share of the network's blocks that the last call computed; the others a cache stood in for."""
        self.colors: Colors | None = None
        """What its latents look like; None until a render that somebody watched has come to its end."""
        self._made: dict[str, Any] = {type(pipeline).__name__: pipeline}
        self._prompts: dict[str, Any] = {}
        for one in denoisers(self.first):
            one.eval()
        self._keep_prompts(pipeline)

    def window(self, frames: int) -> None:
        """Has AnimateDiff make more frames than it knows in windows of the same noise, shuffled (FreeNoise, Qiu et al.
        2023). Its blocks are others then, which want to be put on the device anew."""
        wide = frames > WINDOW
        if hasattr(self.first, "enable_free_noise") and wide != self.wide:
            slow_down(self.first)
            bare(self.first)  # hooks would stay with the blocks that go, and their weights wherever those had put them
            self.first.enable_free_noise() if wide else self.first.disable_free_noise()
            self.wide, self.rung = wide, None

    def put(self, rung: Rung, device: str) -> None:
        """Has it lie on the device as a rung says. Raises RenderFailed for a switch that did nothing."""
        if self.rung != rung:
            slow_down(self.first)
            self._prompts.clear()  # they lie where the rung before had them
            self.rung = None  # should it fail half-way, the next one begins anew
            apply(self.first, rung, device)
            for switch in self.kin.decoding:
                getattr(self.first.vae, switch)()
            self.rung = rung

    def reschedule(self, name: str) -> None:
        """Has another scheduler space the steps. Raises BadSetting for one that does not fit."""
        own = self.first.scheduler
        fitting = {kind.__name__: kind for kind in (type(own), *own.compatibles)}
        if name not in fitting:
            raise BadSetting(
                f"scheduler {name!r} does not fit {type(self.first).__name__}: {', '.join(sorted(fitting))}"
            )
        self.first.scheduler = fitting[name].from_config(own.config)

    def ways(self) -> Iterator[Way]:
        """Those in which these parts can be called."""
        for name in self.kin.classes:
            if not self._lacking(found := way(name)) and FITS.get(found.name, bool)(self.first):
                yield found

    def way_for(self, roles: Collection[str]) -> Way:
        """How to render with pictures in these roles. Raises RenderFailed where there is no way."""
        for found in self.ways():
            if found.carries(roles) and ("last" not in roles or ends(found, self.first)):
                return found
        able = "; ".join(f"{one.name}: {_told(one)}" for one in self.ways())
        asked = ", ".join(sorted(roles)) or "none"
        raise RenderFailed(f"these weights cannot be given the pictures asked for ({asked}); {able}")

    def _lacking(self, found: Way) -> list[str]:
        """The parts of a class that are not here."""
        expected, _ = found.pipeline._get_signature_keys(found.pipeline)
        optional, have = found.pipeline._optional_components, self.first.components
        return [name for name in expected if name not in optional and have.get(name) is None]

    def pipeline(self, found: Way) -> Any:
        """A pipeline of this class around the parts."""
        if found.name not in self._made:
            expected, options = found.pipeline._get_signature_keys(found.pipeline)
            parts = {name: part for name, part in self.first.components.items() if name in expected}
            if found.name in UNSHIFTED and parts["scheduler"].config.get("use_dynamic_shifting"):
                parts["scheduler"] = parts["scheduler"].from_config(
                    parts["scheduler"].config, use_dynamic_shifting=False
                )
            settings = {name: self.first.config[name] for name in options if name in self.first.config}
            self._made[found.name] = found.pipeline(**parts, **settings)
            self._keep_prompts(self._made[found.name])
        return self._made[found.name]

    # -------------------------------------------------------------------------------- around a call

    @contextmanager
    def stopping(self, goes_on: Callable[[], None]) -> Iterator[None]:
        """`goes_on` is called before each pass of the network that denoises, and may raise to end the call."""
        with ExitStack() as hooks:
            for one in denoisers(self.first):
                hooks.callback(one.register_forward_pre_hook(lambda *_: goes_on()).remove)
            yield

    @contextmanager
    def hurried(self, pipeline: Any, speed: Speed, steps: int) -> Iterator[None]:
        """Within, a call of so many steps is as quick as is wished. Raises BadInput for what cannot be done here, and
        RenderFailed, in the end, for a cache that did nothing."""
        self.computed = 1.0
        if speed == Speed():
            yield
            return
        fired = speed_up(pipeline, speed, steps)
        yield
        fired.check()
        self.computed = fired.ratio

    def takes_noise(self, found: Way) -> bool:
        """Whether a call of this way can be given the noise that it begins with."""
        return self.kin.axis is not None and self.pipeline(found) is self.first

    @contextmanager
    def noised(self, found: Way, draw: Callable[[Sequence[int], int], Any]) -> Iterator[None]:
        """Within, a call of this way begins with the noise that `draw(shape, axis)` gives, of N(0,1) values.

        For a way that takes noise.
        """
        pipeline, axis = self.pipeline(found), self.kin.axis
        assert axis is not None, "only ways that take noise are given any"
        prepare = pipeline.prepare_latents
        names = inspect.signature(prepare)

        def prepared(*args: Any, **kwargs: Any) -> Any:
            made = prepare(*args, **kwargs)  # for its shape; how noise is scaled and packed is the class's own affair
            plain = made[0] if isinstance(made, tuple) else made
            asked = names.bind(*args, **kwargs)
            shape = list(plain.shape)
            if plain.ndim == 3:
                frames = (asked.arguments["num_frames"] - 1) // pipeline.vae_temporal_compression_ratio + 1
                shape[axis : axis + 1] = [frames, shape[axis] // frames]
            asked.arguments["latents"] = draw(shape, axis).reshape(plain.shape).to(plain.device, plain.dtype)
            return prepare(*asked.args, **asked.kwargs)

        pipeline.prepare_latents = prepared
        try:
            yield
        finally:
            del pipeline.prepare_latents

    def _keep_prompts(self, pipeline: Any) -> None:
        """Has a pipeline remember what its text encoder made of words: shots of a film share many."""
        encode = getattr(pipeline, "encode_prompt", None)
        if encode is None:
            return

        def remembered(*args: Any, **kwargs: Any) -> Any:
            key = _plain((type(pipeline).__name__, args, sorted(kwargs.items())))
            if key is None:
                return encode(*args, **kwargs)
            if key in self._prompts:
                return self._prompts[key]
            made = encode(*args, **kwargs)
            if _gb(made) <= PROMPTS_GB:
                self._prompts[key] = made
                while sum(map(_gb, self._prompts.values())) > PROMPTS_GB:
                    del self._prompts[next(iter(self._prompts))]
            return made

        pipeline.encode_prompt = remembered


def _gb(value: Any) -> float:
    """What tensors take, however they are nested."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size() / 2**30
    return sum(map(_gb, value)) if isinstance(value, (list, tuple)) else 0.0


def _told(one: Way) -> str:
    least = {"none": "", "any": ", at least one", "first": ", at least a first frame", "one": ", one of them"}[
        one.form.least
    ]
    return f"{' or '.join(one.form.roles) or 'no pictures'}{least}"


def _plain(value: Any) -> str | None:
    """What words and options say, for a key; None where they hold tensors."""
    import torch

    parts: list[Any] = [value]
    while parts:
        one = parts.pop()
        if isinstance(one, Mapping):
            parts += one.values()
        elif isinstance(one, (list, tuple)):
            parts += one
        elif not isinstance(one, (str, int, float, bool, type(None), torch.device, torch.dtype)):
            return None
    return repr(value)


def load(weights: Weights, kin: Kin, options: Mapping[str, Any]) -> Loaded:
    """The pipeline of a folder or a single file, on the CPU; `options` are those of `from_pretrained`, where a
    `motion_adapter` is the folder of one.

    Raises RenderFailed for what cannot be loaded as the class it is for.
    """
    _hush()
    place, name, given = weights.folder, kin.classes[0].rpartition(":")[2], dict(options)
    try:
        kind = way(kin.classes[0]).pipeline
        if weights.kind == "file":
            given["torch_dtype"] = given.pop("dtype")["default"]
            given.pop("use_safetensors")
            pipeline = kind.from_single_file(str(place), local_files_only=True, **given)
        else:
            if adapter := given.pop("motion_adapter", None):
                given["motion_adapter"] = _adapter(adapter, given)
            found = variant(weights)
            pipeline = kind.from_pretrained(place, variant=found, local_files_only=True, **given)
    except AttributeError as error:
        raise RenderFailed(f"{str(place)!r} is for {name}, which this version of diffusers does not have") from error
    except Exception as error:  # whatever the libraries make of files that are not what they say
        if is_out_of_memory(error):
            raise
        why = " ".join(str(error).split())[:300]
        raise RenderFailed(f"{str(place)!r} cannot be loaded as {name}: {why}") from error
    pipeline.set_progress_bar_config(disable=True)
    return Loaded(pipeline, kin)


def _adapter(folder: Path, options: Mapping[str, Any]) -> Any:
    from diffusers import MotionAdapter

    own = {"torch_dtype": options["dtype"]["default"], "use_safetensors": options["use_safetensors"]}
    return MotionAdapter.from_pretrained(folder, local_files_only=True, **own)


def _hush() -> None:
    """Keeps the libraries' bars and warnings out of ours."""
    import transformers.utils.logging
    from diffusers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def to_pixels(frames: Any) -> np.ndarray:
    """uint8 `[B,T,H,W,3]` of what a pipeline gives: `[B,T,3,H,W]` tensors or `[B,T,H,W,3]` arrays in 0..1.

    Tensors are rounded where they are: moving bytes is quicker than moving floats.
    """
    import torch

    if isinstance(frames, (list, tuple)):
        frames = torch.stack(list(frames)) if isinstance(frames[0], torch.Tensor) else np.stack(frames)
    if isinstance(frames, torch.Tensor):
        whole = (frames.float().clamp(0, 1) * 255).round().to(torch.uint8)
        return whole.permute(0, 1, 3, 4, 2).contiguous().cpu().numpy()
    return (np.clip(np.nan_to_num(frames), 0, 1) * 255).round().astype(np.uint8)


def sounds_of(given: Any, pipeline: Any) -> list[np.ndarray] | None:
    """What a pipeline's answer can be heard as: stereo of RATE for each clip, -1..1; None for a silent one."""
    audio = getattr(given, "audio", None)
    if audio is None:
        return None
    rate = int(pipeline.vocoder.config.output_sampling_rate)
    found = []
    for one in audio.float().clamp(-1, 1).cpu().numpy():
        channels = [resampled(channel, rate)[0] for channel in (one if one.shape[0] > 1 else one.repeat(2, axis=0))]
        found.append(np.stack(channels[:2]))
    return found


def seeded(seeds: Sequence[int]) -> Any:
    """A generator each, which a clip of its own shares with no other; alone it is not a list, as in a plain call."""
    import torch

    made = [torch.Generator().manual_seed(seed) for seed in seeds]
    return made if len(made) > 1 else made[0]
