"""The validator's eyes, defects, tracks and palettes against the painter's truth."""

from __future__ import annotations

import numpy as np
import pytest

from kinograph.film import Character
from kinograph.tools import colors, defects, eyes, palettes, silhouettes, tracks
from kinograph.tools.camera import camera_path
from kinograph.tools.storyworld.faults import Fault, Severity
from kinograph.tools.storyworld.painter import Painting, paint
from kinograph.tools.storyworld.world import CAMERAS, COLORS, KINDS, MOTIONS, SETTINGS, Subject, World, sample


def painted(world: World, seed: int = 1, *faults: Fault) -> Painting:
    return paint(world, frames=20, width=256, height=144, fps=10, seed=seed, faults=faults)


def one(kind="ball", color="red", motion="stays", **fields) -> World:
    return World.model_validate({"subjects": [{"kind": kind, "color": color, "motion": motion}], **fields})


@pytest.mark.parametrize("color", COLORS)
def test_sees_colour_and_place_of_a_subject(color: str):
    painting = painted(one(color=color, motion="moves right", setting="sea", time="night"))
    (sighting,) = eyes.look(painting.frames, [eyes.Wanted(color, "ball")])
    assert sighting.seen.all()
    assert colors.name_of(float(np.median(sighting.hue))) == color
    truth = np.array([(moment.subjects[0].x, moment.subjects[0].y) for moment in painting.truth.moments])
    assert np.abs(np.stack([sighting.x, sighting.y], 1) - truth).max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_knows_every_kind_by_its_silhouette(kind: str):
    painting = painted(one(kind=kind, color="purple", setting="meadow"))
    (sighting,) = eyes.look(painting.frames, [eyes.Wanted("purple", kind)])
    alike = silhouettes.likeness(sighting.mask)
    assert max(alike, key=alike.__getitem__) == kind


def test_tells_two_subjects_of_one_colour_apart_by_shape():
    world = World(subjects=(Subject(kind="star", color="cyan", motion="spins"), Subject(kind="car", color="cyan")))
    painting = painted(world)
    found = eyes.look(painting.frames, [eyes.Wanted("cyan", "star"), eyes.Wanted("cyan", "car")])
    for index, sighting in enumerate(found):
        truth = [moment.subjects[index].x for moment in painting.truth.moments]
        assert np.nanmedian(np.abs(sighting.x - truth)) < 0.05


def test_sees_nobody_where_nobody_is():
    for setting in SETTINGS:
        (sighting,) = eyes.look(painted(World(setting=setting, time="sunset")).frames, [eyes.Wanted("red", "ball")])
        assert not sighting.seen.any(), setting


@pytest.mark.parametrize("camera", CAMERAS)
def test_follows_the_camera(camera):
    painting = painted(one(motion="moves left", setting="city", camera=camera))
    path = camera_path(painting.frames, eyes.look(painting.frames, [eyes.Wanted("red")]))
    first, last = painting.truth.moments[0], painting.truth.moments[-1]
    assert path.trusted
    assert path.x[-1] == pytest.approx(-(last.camera_x - first.camera_x), abs=0.05)
    assert path.y[-1] == pytest.approx(-(last.camera_y - first.camera_y), abs=0.05)
    assert path.zoom[-1] == pytest.approx(last.zoom / first.zoom, abs=0.08)


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("camera", ["static", "pan right", "zoom in"])
def test_recognises_every_motion_under_a_moving_camera(motion, camera):
    painting = painted(one(kind="car", color="orange", motion=motion, setting="hills", camera=camera))
    (sighting,) = eyes.look(painting.frames, [eyes.Wanted("orange", "car")])
    path = tracks.track(sighting, camera_path(painting.frames, [sighting]), 256, 144)
    assert tracks.does(path) == [motion]


def test_names_that_the_eyes_know_and_do_not():
    def wanted(kind: str, color: str | None) -> eyes.Wanted:
        return eyes.wanted(Character(id="x", kind=kind, color=color, words=kind))

    assert wanted("ball", "red") == eyes.Wanted("red", "ball")
    assert wanted("sphere", "crimson") == eyes.Wanted("red", "ball")
    assert wanted("knight", None) == eyes.Wanted(None, "person", exact=False)
    assert wanted("cat", "white") == eyes.Wanted(None, "cat")


@pytest.mark.parametrize(("kind", "least"), [("black", 0.5), ("corrupt", 0.1), ("flicker", 0.1), ("frozen", 0.2)])
def test_finds_the_frames_that_are_hurt(kind, least):
    world = one(motion="moves right", setting="forest")
    measure = defects.DEFECTS[kind]
    assert not (measure(defects.pulse(painted(world).frames)) > least).any()
    hurt = measure(defects.pulse(painted(world, 1, Fault(kind=kind, first=6, last=13)).frames)) > least
    assert hurt[7:13].all()
    assert not hurt[:5].any()
    assert not hurt[15:].any()


def test_finds_a_hard_cut_inside_a_take():
    frames = np.concatenate(
        [painted(one(setting="snow")).frames[:10], painted(one(setting="city", time="night")).frames[:10]]
    )
    assert defects.spans(defects.cut(defects.pulse(frames)) > 1.5) == [(10, 10)]


@pytest.mark.parametrize("kind", ["black", "corrupt", "flicker", "frozen"])
def test_a_worse_defect_measures_more(kind):
    def worst(severity: Severity) -> float:
        fault = Fault(kind=kind, first=6, last={"gross": 15, "medium": 11, "mild": 9}[severity], severity=severity)
        frames = painted(one(motion="moves right"), 1, fault).frames
        return float(defects.DEFECTS[kind](defects.pulse(frames)).max())

    assert 0 < worst("mild") <= worst("medium") <= worst("gross")
    assert worst("mild") < worst("gross")


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_short_clips_are_measured_without_a_word(frames):
    clip = defects.pulse(painted(one()).frames[:frames])
    assert all(measure(clip).shape == (frames,) for measure in defects.DEFECTS.values())


def test_a_subject_that_falls_into_parts_is_followed_as_one():
    subjects = (Subject(kind="boat", color="red", motion="bounces"), Subject(kind="car", color="green"))
    world = World(subjects=subjects, setting="desert", time="night")
    for seed in range(6):
        frames = paint(world, frames=16, width=192, height=108, fps=8, seed=seed).frames
        boat, _ = eyes.look(frames, [eyes.Wanted(one.color, one.kind) for one in subjects])
        assert boat.seen.all()


def test_spans_are_inclusive_runs():
    assert defects.spans(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 1), (3, 3), (6, 6)]
    assert defects.spans(np.zeros(3, bool)) == []


def test_palettes_fit_the_painter_of_today():
    with np.load(palettes.FILE) as kept:
        for name, made in palettes.model_layouts().items():
            if made.dtype.kind == "f":
                assert np.abs(kept[name].astype(float) - made).max() < 1.5, "run python -m kinograph.tools.palettes"


def test_a_place_fits_its_own_palette_and_not_another():
    rng, own, other = np.random.default_rng(4), [], []
    for seed in range(24):
        world = sample(rng)
        frame = painted(world, seed).frames[10]
        wrong = SETTINGS[(SETTINGS.index(world.setting) + 4) % 8]
        own.append(palettes.compare(frame, world.setting, world.time, world.look).excess)
        other.append(palettes.compare(frame, wrong, world.time, world.look).excess)
    assert max(own) <= palettes.TOLERANCE
    assert np.mean(np.array(other) > palettes.TOLERANCE) > 0.8
