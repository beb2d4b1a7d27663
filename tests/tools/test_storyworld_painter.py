"""Paintings and their truth: what the truth says is what the pixels show."""

import hashlib
import itertools
import subprocess
import sys

import cv2
import numpy as np
import pytest

from kinograph.film import Motion
from kinograph.tools.storyworld.development import limit_chroma
from kinograph.tools.storyworld.painter import Painting, paint
from kinograph.tools.storyworld.shapes import RGB, frame_of
from kinograph.tools.storyworld.staging import stage
from kinograph.tools.storyworld.world import (
    CAMERAS,
    COLORS,
    FLYERS,
    KINDS,
    LOOKS,
    MOTIONS,
    SETTINGS,
    TIMES,
    Color,
    Kind,
    Subject,
    World,
    sample,
)  # fmt: skip


def one(kind: Kind = "ball", color: Color = "red", motion: Motion = "stays", **fields) -> World:
    return World(subjects=(Subject(kind=kind, color=color, motion=motion),), **fields)


def clip(world: World, frames=12, width=128, height=96, fps=12, seed=3, **more) -> Painting:
    return paint(world, frames=frames, width=width, height=height, fps=fps, seed=seed, **more)


def chroma_and_hue(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.hypot(lab[..., 1], lab[..., 2]), np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))


def pixels_of(color: Color, frame: np.ndarray) -> np.ndarray:
    """Mask of what has the hue of `color` and more chroma than any scenery."""
    chroma, hue = chroma_and_hue(frame)
    full, wanted = chroma_and_hue(np.array([[RGB[color]]], np.uint8))
    return (np.abs((hue - wanted + 180) % 360 - 180) < 14) & (chroma > 0.6 * full)


WORLD = World(
    subjects=(Subject(kind="cat", color="pink", motion="circles"), Subject(kind="car", color="cyan")),
    setting="city", time="night", camera="pan left", look="neon",
)  # fmt: skip


def test_same_arguments_give_the_same_bytes_in_another_process():
    code = (
        "import hashlib; from kinograph.tools.storyworld import World, paint;"
        f"world = World.model_validate_json({WORLD.model_dump_json()!r});"
        "picture = paint(world, frames=3, width=97, height=61, fps=12, seed=9).frames;"
        "print(hashlib.sha256(picture.tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here = paint(WORLD, frames=3, width=97, height=61, fps=12, seed=9).frames
    assert there.strip() == hashlib.sha256(here.tobytes()).hexdigest()
    assert not np.array_equal(here, paint(WORLD, frames=3, width=97, height=61, fps=12, seed=10).frames)


def test_everything_can_be_painted_at_odd_sizes():
    sizes = itertools.cycle([(97, 61), (16, 16), (31, 90), (64, 16)])
    worlds = [one(kind=kind, color=color) for kind, color in zip(KINDS, COLORS * 2, strict=True)]
    worlds += [one(motion=motion) for motion in MOTIONS] + [one(camera=camera) for camera in CAMERAS]
    worlds += [World(setting=s, time=t) for s, t in zip(SETTINGS, TIMES * 2, strict=True)]
    worlds += [one(look=look, setting=setting) for look, setting in itertools.product(LOOKS, SETTINGS[::3])]
    for frames, world, (width, height) in zip(itertools.cycle([1, 1, 3]), worlds, sizes, strict=False):
        picture, truth = paint(world, frames=frames, width=width, height=height, fps=8, seed=1)
        assert picture.shape == (frames, height, width, 3)
        assert picture.dtype == np.uint8
        assert len(truth.moments) == frames
        assert picture.std() > 3


@pytest.mark.parametrize("bad", [{"frames": 0}, {"width": 15}, {"fps": 0}])
def test_sizes_that_cannot_be_painted_are_refused_with_their_value(bad):
    size = {"frames": 1, "width": 16, "height": 16, "fps": 1} | bad
    with pytest.raises(ValueError, match=str(next(iter(bad.values())))):
        paint(World(), seed=0, **size)


@pytest.mark.parametrize("camera", CAMERAS)
def test_truth_tells_where_the_pixels_of_a_subject_are(camera):
    motions: dict[str, Motion] = {"pan left": "bounces", "tilt up": "circles", "zoom in": "grows"}
    motion = motions.get(camera, "moves right")
    world = one("ball", "purple", motion, camera=camera, setting="hills", time="sunset")
    picture, truth = clip(world, frames=9, width=160, height=120)
    for frame, moment in zip(picture, truth.moments, strict=True):
        (seen,) = moment.subjects
        rows, columns = np.nonzero(pixels_of("purple", frame))
        assert abs((columns.mean() + 0.5) / 160 - seen.x) < 0.015
        assert abs((rows.mean() + 0.5) / 120 - seen.y) < 0.02
        left, top, right, bottom = seen.box
        assert abs(columns.min() / 160 - left) < 0.02
        assert abs((columns.max() + 1) / 160 - right) < 0.02
        assert abs(rows.min() / 120 - top) < 0.02
        assert abs((rows.max() + 1) / 120 - bottom) < 0.02


def test_background_is_never_as_colorful_as_a_subject():
    worst = 0.0
    for i, (setting, time, look) in enumerate(itertools.product(SETTINGS, TIMES, LOOKS)):
        world = World(setting=setting, time=time, look=look)
        frame = paint(world, frames=1, width=64, height=48, fps=8, seed=i).frames[0]
        worst = max(worst, float(chroma_and_hue(frame)[0].max()))
        assert not any(pixels_of(color, frame).any() for color in COLORS)
    assert 20 < worst < 45


def test_scenery_too_colorful_is_toned_down_and_keeps_its_hue():
    vivid = np.array([list(RGB.values())], np.float32)
    chroma, hue = chroma_and_hue(limit_chroma(vivid))
    assert chroma.max() < 39
    assert chroma[0, COLORS.index("cyan")] < 22
    assert np.abs((hue - chroma_and_hue(vivid)[1] + 180) % 360 - 180).max() < 3
    dull = np.full((1, 1, 3), 120, np.float32) + np.array([8, 0, -8], np.float32)
    assert np.abs(limit_chroma(dull) - dull).max() < 0.5


@pytest.mark.parametrize(("setting", "look"), [*zip(SETTINGS, LOOKS * 2, strict=True)])
def test_a_subject_stands_out_in_its_color(setting, look):
    for time, color in zip(TIMES, ("cyan", "blue", "green", "orange"), strict=True):
        picture, truth = clip(one("box", color, setting=setting, time=time, look=look), frames=1)
        left, top, right, bottom = truth.moments[0].subjects[0].box
        area = (right - left) * 128 * (bottom - top) * 96
        assert pixels_of(color, picture[0]).sum() > 0.5 * area


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_two_consecutive_frames_of_a_clean_clip_are_equal(setting):
    for time, look in zip(TIMES, LOOKS, strict=True):
        picture = clip(World(setting=setting, time=time, look=look), frames=6, width=64, height=64, fps=24).frames
        assert all((a != b).any() for a, b in itertools.pairwise(picture))


def path(motion: Motion, kind: Kind = "heart", frames=49, width=128, height=128, seed=0, camera="static"):
    world = one(kind, motion=motion, camera=camera)
    short = min(width, height)
    return stage(world, frames, frames / 12, width / short, height / short, seed)[0]


@pytest.mark.parametrize(("width", "height"), [(128, 128), (384, 216), (216, 384)])
@pytest.mark.parametrize("camera", CAMERAS)
def test_motions_go_as_far_as_promised(width, height, camera):
    short = min(width, height)
    for seed, kind in enumerate(KINDS):

        def along(motion: Motion, kind: Kind = kind, seed: int = seed):
            return path(motion, kind, width=width, height=height, seed=seed, camera=camera)

        right, left = along("moves right").x, along("moves left").x
        assert right[-1] - right[0] >= 0.35 * width / short
        assert left[0] - left[-1] >= 0.35 * width / short
        assert np.all(np.diff(right) > 0)
        up, down = along("rises").y, along("falls").y
        assert up[0] - up[-1] >= 0.35 * height / short
        assert down[-1] - down[0] >= 0.35 * height / short
        assert np.ptp(along("spins").angle) >= 360
        grown, shrunk = along("grows").wide, along("shrinks").wide
        assert grown[-1] / grown[0] >= 1.7
        assert shrunk[0] / shrunk[-1] >= 1.7
        circle = along("circles")
        assert min(np.ptp(circle.x), np.ptp(circle.y)) >= 0.3
        stay = along("stays")
        assert max(np.ptp(stay.x), np.ptp(stay.y)) < 0.03
        height_of_hops = along("bounces").y
        tops = (height_of_hops[1:-1] < height_of_hops[:-2]) & (height_of_hops[1:-1] <= height_of_hops[2:])
        assert 2 <= tops.sum() <= 4


def test_spins_turn_at_least_300_degrees_in_short_and_long_clips():
    for frames in (4, 16, 240):
        assert np.ptp(path("spins", frames=frames).angle) >= max(300, 360 * frames / 12 / 3)


def test_subjects_stay_in_the_picture_and_apart():
    rng = np.random.default_rng(1)
    seen = 0
    while seen < 40:
        world = sample(rng)
        if len(world.subjects) < 2:
            continue
        seen += 1
        width, height = [(64, 64), (96, 54), (54, 96)][seen % 3]
        truth = clip(world, frames=9, width=width, height=height, seed=seen).truth
        for moment in truth.moments:
            (a, b) = (subject.box for subject in moment.subjects)
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], world
        for i in range(2):
            inside = [moment.subjects[i].visible > 0.97 for moment in truth.moments]
            assert np.mean(inside) > 0.75, world


def test_approaching_stops_short_with_a_gap():
    world = World(subjects=(Subject(kind="ball", color="red", motion="moves right"), Subject(kind="box", color="blue")))
    first, *_, last = clip(world).truth.moments
    assert last.subjects[0].box[2] < last.subjects[1].box[0] < last.subjects[0].box[2] + 0.2
    assert first.subjects[1].x - first.subjects[0].x > last.subjects[1].x - last.subjects[0].x + 0.3


@pytest.mark.parametrize("camera", [camera for camera in CAMERAS if camera != "static"])
def test_camera_can_be_found_again_by_tracking_the_background(camera):
    picture, truth = clip(World(camera=camera, setting="hills", time="day"), frames=5, width=192, height=128)
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in picture]
    points = cv2.goodFeaturesToTrack(gray[0], 150, 0.01, 4)
    start = points
    for before, after in itertools.pairwise(gray):
        points, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, points.copy())
        start, points = start[found[:, 0] == 1], points[found[:, 0] == 1]
    matrix, _ = cv2.estimateAffinePartial2D(start, points)
    first, last = truth.moments[0], truth.moments[-1]
    middle = matrix @ [96, 64, 1] - [96, 64]
    assert abs(np.hypot(*matrix[:, 0]) - last.zoom / first.zoom) < 0.06
    assert abs(-middle[0] / 192 - (last.camera_x - first.camera_x)) < 0.04
    assert abs(-middle[1] / 128 - (last.camera_y - first.camera_y)) < 0.04


def test_camera_travels_as_far_as_promised():
    def moments(camera):
        truth = clip(World(camera=camera), frames=3, width=32, height=32).truth
        return truth.moments[0], truth.moments[-1]

    first, last = moments("pan left")
    assert first.camera_x - last.camera_x >= 0.18
    first, last = moments("tilt down")
    assert last.camera_y - first.camera_y >= 0.12
    first, last = moments("zoom out")
    assert first.zoom / last.zoom >= 1.35


def test_composition_does_not_depend_on_resolution():
    world = one("tree", "pink", setting="hills", time="day")
    small, large = (clip(world, frames=1, width=w, height=h).frames[0] for w, h in ((96, 64), (384, 256)))
    shrunk = cv2.resize(large, (96, 64), interpolation=cv2.INTER_AREA).astype(float)
    assert np.corrcoef(shrunk.ravel(), small.ravel().astype(float))[0, 1] > 0.95


def test_travellers_face_where_they_go():
    for kind in ("car", "fish", "bird", "boat"):
        right, left = path("moves right", kind), path("moves left", kind)
        assert not right.mirrored
        assert left.mirrored


def test_grounded_kinds_stand_on_the_ground_and_flyers_do_not():
    for kind in set(KINDS) - {"boat"}:
        pose = path("stays", kind)
        feet = pose.y[0] + frame_of(kind).height * pose.high[0] / 2
        assert (feet > pose.ground - 0.02) == (kind not in FLYERS), kind
