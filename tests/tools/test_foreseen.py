"""What diffusers pipelines are coming to: clean latents by each kind of prediction, and what they look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import diffusers
import numpy as np
import pytest
import tiny_pipelines as tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.film import RenderRequest
from kinograph.tools.backends import Preview, Watched, Workbench, card, foreseen
from kinograph.tools.backends.diffusion import Diffusion
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.backends.foreseen import Canvas, clean, colors_of, laid, noise_at
from kinograph.tools.backends.videocrafter.scheduler import ScaledDDIMScheduler
from kinograph.tools.footage import load, png

STEPS = 6
FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
SCHEDULERS = [
    diffusers.DDIMScheduler(clip_sample=False),
    diffusers.DDIMScheduler(clip_sample=False, prediction_type="v_prediction"),
    diffusers.DDIMScheduler(clip_sample=False, prediction_type="sample"),
    diffusers.CogVideoXDPMScheduler(prediction_type="v_prediction"),
    diffusers.EulerDiscreteScheduler(),
    diffusers.EulerDiscreteScheduler(prediction_type="v_prediction", use_karras_sigmas=True),
    diffusers.EulerAncestralDiscreteScheduler(),
    diffusers.DPMSolverMultistepScheduler(prediction_type="v_prediction"),
    diffusers.UniPCMultistepScheduler(),
    diffusers.UniPCMultistepScheduler(**FLOW),
    diffusers.DPMSolverMultistepScheduler(**FLOW),
    diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
]


def told(scheduler: Any) -> str:
    return f"{type(scheduler).__name__} {scheduler.config.get('prediction_type', '')}"


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=told)
def test_a_network_that_errs_in_nothing_foretells_what_was_noised(scheduler: Any):
    """The scheduler's own noising of known latents, and what a perfect network says of them, at every step."""
    scheduler.set_timesteps(STEPS)
    dice = torch.Generator().manual_seed(1)
    latents, noise = (torch.randn(1, 4, 2, 3, generator=dice) for _ in range(2))
    for timestep in scheduler.timesteps[1:]:
        at = noise_at(scheduler, timestep)
        assert at is not None
        times = timestep[None]
        if "FlowMatch" in type(scheduler).__name__:
            sample = scheduler.scale_noise(latents, times, noise)
        else:
            sample = scheduler.add_noise(latents, noise, times)
        perfect = {
            "epsilon": noise,
            "sample": latents,
            "v_prediction": at.alpha * noise - at.sigma * latents,
            "flow_prediction": noise - latents,
        }[at.kind]
        assert torch.allclose(clean(perfect, sample, at), latents, atol=2e-3)


@pytest.mark.parametrize(
    "scheduler",
    [one for one in SCHEDULERS if type(one).__name__ in ("FlowMatchEulerDiscreteScheduler", "EulerDiscreteScheduler")],
    ids=told,
)
def test_what_the_last_step_foretells_is_what_comes(scheduler: Any):
    scheduler.set_timesteps(STEPS)
    dice = torch.Generator().manual_seed(2)
    sample = foretold = torch.randn(1, 4, 2, 3, generator=dice)
    for timestep in scheduler.timesteps:
        at, output = noise_at(scheduler, timestep), torch.randn(1, 4, 2, 3, generator=dice)
        scheduler.scale_model_input(sample, timestep) if hasattr(scheduler, "scale_model_input") else None
        assert at is not None
        foretold, sample = clean(output, sample, at), scheduler.step(output, timestep, sample, return_dict=False)[0]
    assert torch.allclose(foretold, sample, atol=1e-5)


def test_latents_that_are_fainter_early_are_made_whole():
    """VideoCrafter's scheduler steps onto s_t x_0."""
    scheduler = ScaledDDIMScheduler()
    scheduler.set_timesteps(STEPS)
    dice = torch.Generator().manual_seed(3)
    latents, noise = (torch.randn(1, 4, 2, 3, generator=dice) for _ in range(2))
    for timestep in scheduler.timesteps:
        at, whole = noise_at(scheduler, timestep), float(scheduler.alphas_cumprod[timestep]) ** 0.5
        assert at is not None
        sample = whole * float(scheduler.scales[timestep]) * latents + (1 - whole**2) ** 0.5 * noise
        assert torch.allclose(clean(noise, sample, at), latents, atol=1e-3)


def test_samples_of_an_unknown_scale_foretell_nothing():
    scheduler = diffusers.EDMEulerScheduler()
    scheduler.set_timesteps(STEPS)
    assert noise_at(scheduler, scheduler.timesteps[1]) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(1, 4))
def test_every_way_that_latents_lie_is_laid_out_alike(clips: int, frames: int, rows: int, columns: int, channels: int):
    plain = torch.arange(clips * frames * rows * columns * channels).reshape(clips, frames, rows, columns, channels)
    size = (8 * rows, 8 * columns)
    for axis, lies in ((2, plain.permute(0, 4, 1, 2, 3)), (1, plain.permute(0, 1, 4, 2, 3))):
        found = laid(lies, Canvas(clips, frames, *size, axis))
        assert found is not None
        assert torch.equal(found, plain)
    found = laid(plain.permute(0, 1, 4, 2, 3).flatten(0, 1), Canvas(clips, frames, *size, 2))
    assert found is not None
    assert torch.equal(found, plain)
    packed = laid(plain.flatten(1, 3), Canvas(clips, 8 * frames - 7, *size, 1, 8))
    assert packed is not None
    assert torch.equal(packed, plain)


@pytest.mark.parametrize("shape", [(3, 4, 2, 2), (1, 7, 4), (1, 4)])
def test_latents_that_lie_in_no_known_way_are_not_laid_out(shape: tuple[int, ...]):
    assert laid(torch.zeros(shape), Canvas(1 if len(shape) < 4 else 2, 2, 16, 16, 1)) is None


def test_colours_that_are_linear_in_the_latents_are_learned_exactly():
    dice = np.random.default_rng(0)
    latents, weights = dice.normal(size=(1, 3, 6, 8, 4)), dice.normal(size=(4, 3)) * 0.05
    frames = ((latents @ weights + 0.5) * 255).round().astype(np.uint8)
    found = colors_of(latents.astype(np.float32), frames)
    assert found.explained > 0.99
    assert np.abs(found.of(latents).astype(int) - frames).max() <= 2


FAMILIES = [
    ("animatediff", "animatediff"),
    ("modelscope", "modelscope"),
    ("svd", "svd"),
    ("wan", "wan-2.1-1.3b"),
    ("ltx", "ltx-video"),
]


@pytest.mark.parametrize(("key", "model"), FAMILIES, ids=[key for key, _ in FAMILIES])
def test_a_second_clip_is_shown_while_it_is_made(key: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The first teaches what latents look like; at its end the second is shown as it comes, near enough."""
    monkeypatch.setattr(foreseen, "SOUND", -1.0)  # latents of random weights explain less of the colours
    width, height, frames = tiny.SIZES[key]
    (tmp_path / "a.png").write_bytes(png(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)))
    bench = Workbench(tmp_path, lambda digest: tmp_path / f"{digest}.png", learned=tmp_path / "machine")
    backend = Diffusion(card(model), bench, DiffusionOptions(weights=str(tiny.built(key, tmp_path / "pipelines"))))
    given = [{"keyframe": "a", "role": "first"}] if key == "svd" else []
    plain = {"model": model, "revision": backend.revision, "prompt": "a red ball", "seed": 1, "frames": frames}
    request = RenderRequest.model_validate(
        plain | {"fps": 8, "width": width, "height": height, "steps": 4, "guidance": 3.0, "conditioning": given}
    )
    shown = list[Preview]()
    watched = Watched(lambda *_: None, (0.25, 1.0), lambda _, preview: shown.append(preview))
    backend.render([request], watched, lambda: False)
    assert shown == []
    (clip,) = backend.render([request], watched, lambda: False)
    assert [one.share for one in shown] == [0.25, 1.0]
    assert "no preview" not in clip.note
    made, errors = load(clip), list[float]()
    for one in shown:
        assert set(one.at) <= set(range(frames))
        rows, columns = one.frames.shape[1:3]
        true = [
            cv2.resize(made[frame], (columns, rows), interpolation=cv2.INTER_AREA).astype(float) for frame in one.at
        ]
        errors.append(float(((one.frames - np.stack(true)) ** 2).mean()))
    assert errors[1] <= errors[0]
    (plain_clip,) = backend.render([request], lambda *_: None, lambda: False)
    assert np.array_equal(load(plain_clip), load(clip))
