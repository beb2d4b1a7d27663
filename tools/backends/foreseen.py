"""What a diffusers pipeline is coming to: the clean latents that its scheduler's steps foretell, and their colours.

Decoding latents midway would have the autoencoder take the denoiser's place in memory. Their colours are a linear
matter, near enough: which one is learned for nothing, from a whole clip and its last latents, and serves every render
of the same weights from then on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kinograph.tools.backends import Preview
from kinograph.tools.previews import Due, chosen, small

if TYPE_CHECKING:
    import torch

SIGMAS = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler", "LMSDiscreteScheduler")
"""Schedulers whose samples are x_0 + sigma n, and not scaled to the same variance at every step."""
OWN = ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler")
"""Schedulers with a scale of their own, which the formulas here do not know."""
SOUND = 0.5
"""Share of the variance of a clip's colours that its latents must explain for previews to be worth a look."""
PLACES = 20_000
"""Most places of a clip from which its colours are learned."""


class Noise(NamedTuple):
    """Where a step stands: the sample is alpha x_0 + sigma n, once it is multiplied by `scale`."""

    kind: str
    """What the network predicts, by diffusers' names: epsilon, v_prediction, sample, flow_prediction."""
    alpha: float
    sigma: float
    scale: float = 1.0


def clean(output: torch.Tensor, sample: torch.Tensor, noise: Noise) -> torch.Tensor:
    """The clean sample that a network's output foretells.

    epsilon: x_0 = (x - sigma eps) / alpha (Ho et al. 2020, eq. 15); v_prediction: x_0 = alpha x - sigma v (Salimans and
    Ho 2022, appendix D); flow_prediction: x_0 = x - sigma v of x = (1 - sigma) x_0 + sigma n (Lipman et al. 2023;
    Esser et al. 2024), where sigma counts from the last step's.
    """
    sample = sample * noise.scale
    if noise.kind == "epsilon":
        return (sample - noise.sigma * output) / noise.alpha
    if noise.kind == "v_prediction":
        return noise.alpha * sample - noise.sigma * output
    return output if noise.kind == "sample" else sample - noise.sigma * output


def noise_at(scheduler: Any, timestep: Any) -> Noise | None:
    """Where a scheduler of diffusers stands at one of its timesteps; None where its samples are scaled in a way that
    is not known here."""
    import torch

    kind, name = str(scheduler.config.get("prediction_type", "epsilon")), type(scheduler).__name__
    if (torch.is_tensor(timestep) and timestep.ndim) or name in OWN:
        return None
    sigmas, spread = getattr(scheduler, "sigmas", None), getattr(scheduler, "_sigma_to_alpha_sigma_t", None)
    if sigmas is None:
        alpha = float(scheduler.alphas_cumprod[int(timestep)]) ** 0.5
        fainter = getattr(scheduler, "scales", None)  # VideoCrafter's, whose clean latents are s_t x_0
        known = alpha if fainter is None else alpha * float(fainter[int(timestep)])
        return Noise(kind, known, (1 - alpha * alpha) ** 0.5)
    found = (scheduler.timesteps.to("cpu") == float(timestep)).nonzero()
    if not len(found):
        return None
    sigma = float(sigmas[int(found[0])])
    if "FlowMatch" in name:
        return Noise("flow_prediction", 1.0, sigma - float(sigmas[-1]))
    if spread is not None:
        alpha, sigma = map(float, spread(torch.tensor(sigma)))
        return Noise(kind, alpha, sigma)
    if name not in SIGMAS:
        return None
    if kind == "v_prediction":
        scale = (sigma * sigma + 1) ** -0.5
        return Noise(kind, scale, sigma * scale, scale)
    return Noise(kind, 1.0, sigma)


class Canvas(NamedTuple):
    """What a call renders, and how its latents lie."""

    clips: int
    frames: int
    height: int
    width: int
    axis: int | None
    """Of frames in the latents, as `Kin.axis`."""
    ratio: int = 1
    """Frames that a frame of packed latents stands for."""


def laid(latents: torch.Tensor, canvas: Canvas) -> torch.Tensor | None:
    """`[B,f,h,w,C]` of a scheduler's sample: `[B,C,f,h,w]`, `[B,f,C,h,w]`, `[B*f,C,h,w]` or packed `[B,tokens,C]`;
    None for what does not lie so."""
    clips = canvas.clips
    if canvas.axis is None or latents.shape[0] % clips:
        return None
    if latents.ndim == 5 and latents.shape[0] == clips:
        return latents.permute(0, 2, 3, 4, 1) if canvas.axis == 2 else latents.permute(0, 1, 3, 4, 2)
    if latents.ndim == 4:
        return latents.unflatten(0, (clips, -1)).permute(0, 1, 3, 4, 2)
    if latents.ndim != 3:
        return None
    frames = (canvas.frames - 1) // canvas.ratio + 1
    cells = latents.shape[1] / frames
    rows = max(1, round((cells * canvas.height / canvas.width) ** 0.5))
    if frames * rows * (columns := round(cells / rows)) != latents.shape[1]:
        return None
    return latents.unflatten(1, (frames, rows, columns))


class Colors(NamedTuple):
    """What latents look like: colour = latent weights + offset, in 0..1."""

    weights: np.ndarray
    """`[C+1,3]`, the last row the offset."""
    explained: float
    """Share of the variance of colours, of the clip that it was learned from."""

    def of(self, latents: np.ndarray) -> np.ndarray:
        """uint8 RGB `[...,3]` of latents `[...,C]`."""
        made = latents @ self.weights[:-1] + self.weights[-1]
        return (np.clip(np.nan_to_num(made), 0, 1) * 255).round().astype(np.uint8)


def colors_of(latents: np.ndarray, frames: np.ndarray) -> Colors:
    """The least squares fit of the clips `[B,T,H,W,3]` uint8, at the latents' size, to their latents `[B,f,h,w,C]`."""
    import cv2

    clips, count, rows, columns, channels = latents.shape
    at = frame_of(count, frames.shape[1])
    area = cv2.INTER_AREA
    seen = [
        cv2.resize(frames[clip, frame], (columns, rows), interpolation=area) for clip in range(clips) for frame in at
    ]
    wanted = np.stack(seen).reshape(-1, 3).astype(np.float32) / 255
    known = np.nan_to_num(latents.reshape(-1, channels))
    step = -(-len(known) // PLACES)
    known, wanted = np.pad(known[::step], ((0, 0), (0, 1)), constant_values=1), wanted[::step]
    weights = np.linalg.lstsq(known, wanted, rcond=None)[0]
    rest, spread = ((known @ weights - wanted) ** 2).sum(), ((wanted - wanted.mean(0)) ** 2).sum()
    return Colors(weights, float(1 - rest / spread) if spread > 0 else 0.0)


def frame_of(latents: int, frames: int) -> list[int]:
    """Which frame of a clip each of its latents' frames stands for."""
    return [round(place * (frames - 1) / max(latents - 1, 1)) for place in range(latents)]


class Foresight:
    """The eyes of whoever wants to see what one call comes to. `colors` is what is known of the weights' latents."""

    def __init__(self, due: Due, canvas: Canvas, colors: Colors | None, see: Callable[[int, Preview], None]) -> None:
        self._due, self._canvas, self._see = due, canvas, see
        self._steps = self._first = 0
        self._last: torch.Tensor | None = None
        self.colors = colors
        self.lacking = ""
        """Why there is nothing to see, in words."""

    @contextmanager
    def over(self, pipeline: Any) -> Iterator[None]:
        """Within, the steps of a pipeline's scheduler are seen."""
        scheduler = pipeline.scheduler
        plain = type(scheduler).step
        names = inspect.signature(plain)

        def stepped(own: Any, *args: Any, **kwargs: Any) -> Any:
            if own is not scheduler:  # a copy, as for the sound that goes with the picture
                return plain(own, *args, **kwargs)
            given = names.bind(own, *args, **kwargs).arguments
            noise = noise_at(own, given["timestep"])  # before the step, which moves on
            made = plain(own, *args, **kwargs)
            after = made[0] if isinstance(made, tuple) else made.prev_sample
            self._hear(own, noise, given, after)
            return made

        scheduler.step = MethodType(stepped, scheduler)  # a method: what copies the scheduler binds it anew
        try:
            yield
        finally:
            del scheduler.step

    def _hear(self, scheduler: Any, noise: Noise | None, given: dict[str, Any], after: torch.Tensor) -> None:
        self._last = after
        if noise is None:
            self.lacking = f"{type(scheduler).__name__} does not tell what comes"
            return
        times = scheduler.timesteps.to("cpu")
        place, count = int((times == float(given["timestep"])).nonzero()[0]), len(times)
        self._first = place if not self._steps else self._first  # what is made anew in part begins later
        self._steps += 1
        share = (place + 1 - self._first) / (count - self._first)
        if self.colors is None or self.colors.explained < SOUND or not self._due.now(share):
            return
        latents = laid(clean(given["model_output"].float(), given["sample"].float(), noise), self._canvas)
        if latents is None:
            self.lacking = f"latents {list(after.shape)} are not those of {self._canvas.clips} clips"
            return
        self._show(latents, share)

    def _show(self, latents: torch.Tensor, share: float) -> None:
        at = chosen(range(latents.shape[1]))
        where = frame_of(latents.shape[1], self._canvas.frames)
        assert self.colors is not None, "without colours there is nothing to show"
        pictures = small(self.colors.of(latents[:, list(at)].cpu().numpy()))
        for index, frames in enumerate(pictures):
            self._see(index, Preview(share, frames, tuple(where[place] for place in at)))

    def learn(self, frames: np.ndarray) -> None:
        """Takes note of what the latents at the end look like, `[B,T,H,W,3]` uint8, unless that is known."""
        if self.colors is not None or self._last is None:
            return
        latents = laid(self._last.float(), self._canvas)
        if latents is None:
            self.lacking = f"latents {list(self._last.shape)} are not those of {self._canvas.clips} clips"
            return
        self.colors = colors_of(latents.cpu().numpy(), frames)
        if self.colors.explained < SOUND:
            self.lacking = f"latents explain {self.colors.explained:.0%} of the colours, {SOUND:.0%} are wanted"
