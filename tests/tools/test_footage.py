"""Frames to files and back."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinograph.errors import BadReference, Damaged
from kinograph.film import RenderRequest
from kinograph.tools.footage import (
    conformed,
    develop,
    import_reference,
    load,
    load_picture,
    pixels_digest,
    png,
    write_mp4,
)
from kinograph.tools.sound import RATE, of_clip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(16, 70), st.integers(16, 70), st.integers(1, 5), st.integers(0, 99))
def test_a_clip_comes_back_pixel_for_pixel_at_any_size(tmp_path: Path, width: int, height: int, count: int, seed: int):
    frames = np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    request = RenderRequest(
        model="m", revision="1", prompt="", seed=seed, frames=count, fps=8, width=width, height=height
    )
    clip = develop(request, frames, tmp_path, 0.0)
    assert (load(clip) == frames).all()
    assert (clip.frames, clip.height, clip.width) == (count, height, width)


def test_one_changed_pixel_is_damage(tmp_path: Path, request_of, noise):
    one, other = noise(1), noise(1)
    other[3, 10, 10, 0] ^= 1
    clip = develop(request_of(seed=1), one, tmp_path, 0.0)
    develop(request_of(seed=2), other, tmp_path, 0.0)
    (tmp_path / f"{request_of(seed=2).digest}.mkv").rename(clip.path)
    with pytest.raises(Damaged, match="does not hold the frames"):
        load(clip)
    assert pixels_digest(one) != pixels_digest(other)


def test_shape_is_part_of_what_frames_look_like():
    assert pixels_digest(np.zeros((1, 4, 6, 3), np.uint8)) != pixels_digest(np.zeros((1, 6, 4, 3), np.uint8))


def test_an_mp4_has_colour_tags_even_sides_and_its_recipe(tmp_path: Path):
    ramp = np.tile(np.linspace(0, 255, 65).astype(np.uint8)[None, None, :, None], (5, 33, 1, 3))
    write_mp4(tmp_path / "a.mp4", ramp, 10, (65, 33), {"brief": "日本"})
    with av.open(str(tmp_path / "a.mp4")) as file:
        context = file.streams.video[0].codec_context
        assert (context.width, context.height, context.pix_fmt) == (66, 34, "yuv420p")
        assert [int(tag) for tag in (context.color_primaries, context.color_trc, context.colorspace)] == [1, 1, 1]
        assert "日本" in file.metadata["comment"]
        back = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    assert np.abs(back[:, :33, :65].astype(int) - ramp).max() <= 6
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_pictures_survive_png_and_strangers_are_refused(tmp_path: Path, noise):
    (tmp_path / "a.png").write_bytes(png(noise(1)[0]))
    assert (load_picture(tmp_path / "a.png") == noise(1)[0]).all()
    (tmp_path / "b.png").write_bytes(import_reference(tmp_path / "a.png"))
    assert (load_picture(tmp_path / "b.png") == noise(1)[0]).all()
    with pytest.raises(BadReference, match="cannot be opened"):
        import_reference(tmp_path)


def test_frames_of_another_size_and_rate_are_made_to_fit(noise):
    frames = noise(1, frames=4, height=24, width=32)
    doubled = conformed(frames, (64, 48), 8)
    assert doubled.shape == (8, 48, 64, 3)
    assert (doubled[0] == doubled[1]).all()
    assert not (doubled[1] == doubled[2]).all()
    assert conformed(frames, (32, 24), 4) is frames


def test_a_shape_that_is_nearly_the_films_fills_it_and_another_gets_bars():
    white = np.full((1, 92, 160, 3), 255, np.uint8)  # 1.74 instead of 1.78
    assert conformed(white, (384, 216), 1).min() > 200
    tall = conformed(np.full((1, 160, 96, 3), 255, np.uint8), (384, 216), 1)[0]
    assert tall[:, 192].min() > 200
    assert tall[:, :100].max() == tall[:, -100:].max() == 0


def test_a_clip_keeps_the_sound_that_was_rendered_with_it(tmp_path: Path, request_of, noise):
    time = np.arange(RATE // 2, dtype=np.float32) / RATE
    tone = np.stack([0.5 * np.sin(2 * np.pi * pitch * time) for pitch in (440, 880)]).astype(np.float32)
    clip = develop(request_of(), noise(1), tmp_path, 0.0, sound=tone)
    assert clip.sound == 0.5
    assert np.array_equal(load(clip), noise(1))
    heard = of_clip(Path(clip.path))
    assert heard.shape == tone.shape
    assert np.abs(heard - tone).max() < 1e-4
    silent = develop(request_of(seed=8), noise(1), tmp_path, 0.0)
    assert silent.sound == 0.0
    with pytest.raises(Damaged, match="the sound of"):
        of_clip(Path(silent.path))
