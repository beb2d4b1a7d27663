"""The embedded models can be trained from nothing: a small run of every command, resumed, exported and sampled."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from kinograph.errors import BadInput
from kinograph.tools.storyworld import World
from kinograph.tools.storyworld.training import clips, words


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything was trained for a few dozen steps."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clips, "SHARD", 24)
        patch.setattr(clips, "BUCKETS", {"square": clips.BUCKETS["square"]._replace(count=24)})
        command(patch, "clips", "--out", folder / "clips")
    with pytest.MonkeyPatch.context() as patch:
        common = ("--batch", 16, "--seed", 3)
        command(patch, "words", "--out", folder / "words", "--steps", 30, *common)
        data = ("--data", folder / "clips")
        command(patch, "autoencoder", *data, "--out", folder / "autoencoder", "--steps", 40, *common)
        command(patch, "latents", *data, "--run", folder)
        command(patch, "layout", *told(folder, "layout"), "--worlds", 64, "--steps", 40, *common)
        command(patch, "draft", *told(folder, "draft"), "--worlds", 32, "--steps", 40, *common)
        command(patch, "locator", *told(folder, "locator"), "--steps", 40, *common)
        for part in ("image", "video"):
            command(patch, "unets", *small(part, folder), "--out", folder / part, "--steps", 40, *common)
        command(patch, "embedder", *data, "--out", folder / "embedder", "--steps", 30, *common)
    return folder


def told(run: Path, part: str) -> tuple[object, ...]:
    return ("--run", run, "--out", run / part)


def small(part: str, run: Path) -> tuple[object, ...]:
    return ("--part", part, "--widths", 16, 32, 32, "--run", run)


def command(patch: pytest.MonkeyPatch, name: str, *arguments: object) -> None:
    patch.setattr(sys, "argv", [name, *map(str, arguments)])
    import_module(f"kinograph.tools.storyworld.training.{name}").main()


def curve(run: Path, part: str) -> list[dict]:
    return [json.loads(line) for line in (run / part / "curve.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("part", ["words", "autoencoder", "layout", "draft", "locator", "image", "video", "embedder"])
def test_the_loss_falls_and_settings_and_commit_are_kept(run: Path, part: str):
    noted = curve(run, part)
    least = 1.0 if part == "autoencoder" else 0.95  # which begins as the inverse of its components
    assert noted[-1]["loss"] < least * noted[0]["loss"]
    kept = json.loads((run / part / "run.json").read_text())
    assert kept["step"] == noted[-1]["step"] > 0
    assert kept["settings"]["seed"] == "3"
    assert kept["commit"]


def test_training_goes_on_from_its_checkpoint(run: Path, monkeypatch: pytest.MonkeyPatch):
    before = torch.load(run / "words" / "state.pt", weights_only=True)
    command(monkeypatch, "words", "--out", run / "words", "--steps", before["step"] + 5, "--batch", 16, "--seed", 3)
    after = torch.load(run / "words" / "state.pt", weights_only=True)
    assert after["step"] == before["step"] + 5
    assert after["seen"] == before["seen"] + 5 * 16


def test_what_was_trained_is_exported_and_sampled(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from kinograph import disk
    from kinograph.tools.storyworld.pipeline import Keyframe, StoryworldPipeline

    folder = tmp_path / "model"
    command(monkeypatch, "export", "--run", run, "--only", "video", "--out", folder)
    disk.verify(folder)
    pipeline = StoryworldPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    picture = np.full((128, 128, 3), 90, np.uint8)

    def sample(seed: int, **more) -> np.ndarray:
        generator = torch.Generator().manual_seed(seed)
        return pipeline(
            "a red ball", num_inference_steps=2, generator=generator, keyframes=[Keyframe(16, picture)], **more
        ).frames

    first = sample(1)
    assert first.shape == (1, 17, 128, 128, 3)
    assert np.array_equal(first, sample(1))
    assert not np.array_equal(first, sample(2))
    with pytest.raises(ValueError, match="sides multiples of 32"):
        sample(1, width=112)


@pytest.mark.parametrize(
    ("known", "frames", "expected"),
    [
        ([0], 17, [[16], [8], [4, 12], [2, 6, 10, 14], [1, 3, 5, 7, 9, 11, 13, 15]]),
        ([16], 17, [[0], [8], [4, 12], [2, 6, 10, 14], [1, 3, 5, 7, 9, 11, 13, 15]]),
        ([0, 3], 6, [[5], [1, 4], [2]]),
        ([2], 3, [[0], [1]]),
        ([0, 1], 2, []),
    ],
)
def test_every_frame_is_made_once_between_frames_that_are_known(known, frames, expected):
    from kinograph.tools.storyworld.pipeline import passes

    assert list(passes(known, frames)) == expected


def test_a_frame_is_told_its_neighbours_and_when_they_are():
    from kinograph.tools.storyworld.draft import Drafts
    from kinograph.tools.storyworld.pipeline import MOMENTS, hints_between, share_of

    times = torch.tensor([[0, 1 / 16, 1 / 4], [0, 1.0, torch.nan], [torch.nan, 0.5, 1.0]])
    assert share_of(times).tolist() == [0.25, 0.0, 1.0]
    base, before, after = (torch.full((3, 2, 1, 1), value) for value in (1.0, 2.0, 3.0))
    drafts = Drafts(base, before, after, torch.zeros(3, 3, 1, 1))
    hints = hints_between(drafts, times)
    assert hints.base.flatten().tolist() == [1.0] * 6
    assert hints.beside[0].flatten().tolist() == [2, 2, 3, 3, 1, 1, 0, 0, 0]
    assert hints.moments.shape == (3, MOMENTS)
    assert hints.moments[:, :3].tolist() == [[0, 1 / 16, 1 / 4], [0, 1, 0], [0, 0.5, 1]]
    assert hints.moments[:, -2:].tolist() == [[1, 1], [1, 0], [0, 1]]


@pytest.mark.parametrize("camera", ["static", "pan left", "tilt up", "zoom in"])
@pytest.mark.parametrize("motion", ["moves left", "bounces", "spins", "grows"])
@pytest.mark.parametrize(("width", "height"), [(128, 128), (224, 128), (128, 224)])
def test_layouts_are_where_the_painter_puts_things(camera: str, motion: str, width: int, height: int):
    from kinograph.tools.storyworld import paint
    from kinograph.tools.storyworld.layout import pose, view
    from kinograph.tools.storyworld.training.layout import layout_of

    subjects = [{"kind": "car", "color": "red", "motion": motion}, {"kind": "star", "color": "blue", "motion": "rises"}]
    world = World.model_validate({"subjects": subjects, "camera": camera})
    truth = paint(world, frames=9, width=width, height=height, fps=8, seed=3).truth
    layout = torch.from_numpy(layout_of(world, 9, width, height, 3))
    looks = view(layout)
    for place, index in enumerate(words.in_order(world)):
        found = pose(layout, place)
        for t, moment in enumerate(truth.moments):
            seen = moment.subjects[index]
            assert float(found.x[t]) == pytest.approx(seen.x, abs=1e-4)
            assert float(found.y[t]) == pytest.approx(seen.y, abs=1e-4)
            assert float(torch.maximum(found.wide, found.high)[t]) == pytest.approx(seen.size, rel=1e-3)
            turned = float(torch.rad2deg(torch.atan2(found.sine[t], found.cosine[t]))) - seen.angle
            assert abs((turned + 180) % 360 - 180) < 0.05
    for t, moment in enumerate(truth.moments):
        assert (float(looks.x[t]), float(looks.y[t])) == pytest.approx((moment.camera_x, moment.camera_y), abs=1e-5)
        assert float(looks.zoom[t]) == pytest.approx(moment.zoom, rel=1e-4)


def test_training_asks_for_what_sampling_asks_for():
    from kinograph.tools.storyworld.pipeline import passes
    from kinograph.tools.storyworld.training.dataset import neighbourhood

    rng = np.random.default_rng(1)
    asked = {neighbourhood(rng, 17) for _ in range(3000)}
    known = [0]
    for targets in passes([0], 17):
        for target in targets:
            left = max(frame for frame in known if frame < target)
            right = min((frame for frame in known if frame > target), default=-1)
            assert (left, target, right) in asked
        known += targets
    for left, now, right in asked:
        assert left < now
        assert right == -1 or now < right < 17
        assert (left, right) != (-1, -1)


def test_training_goes_on_from_exported_weights(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command(monkeypatch, "export", "--run", run, "--only", "video", "--out", tmp_path / "model")
    command(monkeypatch, "adopt", "--run", tmp_path / "runs", "--weights", tmp_path / "model")
    for file in (run / "latents").glob("square*"):
        (tmp_path / "runs" / "latents" / file.name).symlink_to(file)
    before = torch.load(run / "image" / "state.pt", weights_only=True)
    arguments = (*small("image", tmp_path / "runs"), "--batch", 16, "--steps", before["step"] + 3)
    command(monkeypatch, "unets", *arguments, "--out", tmp_path / "runs" / "image")
    after = torch.load(tmp_path / "runs" / "image" / "state.pt", weights_only=True)
    assert after["step"] == before["step"] + 3
    with pytest.raises(BadInput, match="is not empty"):
        command(monkeypatch, "adopt", "--run", tmp_path / "runs", "--weights", tmp_path / "model")


def test_held_out_compositions_are_never_drawn_for_training():
    trained = [clips.draw(index).world for index in range(400)]
    held = [clips.draw(index, "held").world for index in range(400)]

    def compositions(worlds: list[World]) -> set[bool]:
        return {clips.held_out(s.kind, s.color, world.setting) for world in worlds for s in world.subjects}

    assert compositions(trained) == {False}
    assert compositions(held) == {True}
    assert clips.draw(17) == clips.draw(17)


def test_cells_say_where_the_subjects_are():
    from kinograph.tools.storyworld import paint

    world = World.model_validate({"subjects": [{"kind": "ball", "color": "red", "motion": "moves right"}]})
    painting = paint(world, frames=17, width=128, height=128, fps=8, seed=4)
    cells = clips.subject_cells(painting.truth, 128, 128)
    assert cells.shape == (17, 8, 8)
    for t in (0, 16):
        y, x = np.argwhere(cells[t] == cells[t].max()).mean(0)
        seen = painting.truth.moments[t].subjects[0]
        assert abs((x + 0.5) / 8 - seen.x) < 0.1
        assert abs((y + 0.5) / 8 - seen.y) < 0.1
    assert not np.array_equal(cells[0], cells[16])
