"""The detectors against the painter's truth: on true pictures, soft and noisy ones, and ones that are wrong."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from kinograph.evals.detectors import Detection, detect, detect_keyframe, temporal_coherence
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import CAMERAS, COLORS, KINDS, LOOKS, MOTIONS, SETTINGS, TIMES, World

SIZES = ((128, 128), (224, 128), (128, 224))
CLIPS = 40


def one(kind="ball", color="red", motion="stays", **fields) -> World:
    return World.model_validate({"subjects": [{"kind": kind, "color": color, "motion": motion}], **fields})


def film(world: World, width: int = 128, height: int = 128, seed: int = 1) -> np.ndarray:
    return paint(world, frames=17, width=width, height=height, fps=8, seed=seed).frames


def degraded(frames: np.ndarray) -> np.ndarray:
    soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in frames])
    noise = np.random.default_rng(1).normal(0, 4, frames.shape)
    return np.clip(soft + noise, 0, 255).round().astype(np.uint8)


@cache
def judged() -> list[tuple[World, Detection, Detection | None]]:
    """Worlds that go evenly through all attributes, what is found in their clips, and in every third one degraded.

    Sizes take turns; every attribute has another stride, so that no two go together.
    """
    found = []
    for n in range(CLIPS):
        world = one(
            KINDS[n % 16],
            COLORS[(n * 3 + n // 16) % 8],
            MOTIONS[(n * 7 + n // 10) % 10],
            setting=SETTINGS[(n * 5 + n // 8) % 8],
            time=TIMES[(n + n // 4) % 4],
            camera=CAMERAS[(n * 2 + n // 7) % 7],
            look=LOOKS[(n * 3 + n // 12) % 4],
        )
        frames = film(world, *SIZES[n % 3], seed=500 + n)
        found.append((world, detect(frames), detect(degraded(frames)) if n % 3 == 0 else None))
    return found


def of(world: World | Detection, attribute: str) -> str:
    """An attribute of the world or of its one subject."""
    return getattr(world, attribute, None) or getattr(world.subjects[0], attribute)


@pytest.mark.parametrize("attribute", ["setting", "time", "look", "camera", "kind", "color", "motion"])
def test_finds_every_attribute_in_true_pictures(attribute: str):
    wrong = [(world, clean) for world, clean, _ in judged() if of(world, attribute) != of(clean, attribute)]
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize("attribute", ["setting", "time", "look", "camera", "kind", "color", "motion"])
def test_finds_every_attribute_in_soft_and_noisy_pictures(attribute: str):
    wrong = [(world, found) for world, _, found in judged() if found and of(world, attribute) != of(found, attribute)]
    assert len(wrong) <= 1, wrong


def test_follows_subjects_through_the_whole_clip():
    assert np.mean([found.subjects[0].seen for _, found, _ in judged()]) > 0.99


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("kind", "cat"), ("color", "purple"), ("motion", "circles"), ("motion", "stays"), ("motion", "spins"),
        ("camera", "pan left"), ("camera", "zoom out"), ("setting", "snow"), ("time", "night"), ("look", "ink"),
    ],
)  # fmt: skip
def test_one_change_to_the_world_changes_that_attribute_alone(attribute: str, value: str):
    asked = {
        "kind": "car", "color": "orange", "motion": "moves right",
        "camera": "tilt up", "setting": "city", "time": "day", "look": "flat",
    }  # fmt: skip
    found = detect(film(one(**asked | {attribute: value}), seed=3))
    assert {name: of(found, name) for name in asked} == asked | {attribute: value}


def test_tells_two_subjects_apart_even_of_one_color():
    for seed, cast in enumerate(
        (
            [("boat", "red", "rises"), ("house", "red", "stays")],
            [("fish", "cyan", "moves left"), ("flower", "green", "grows")],
            [("star", "yellow", "spins"), ("robot", "orange", "bounces")],
            [("bird", "red", "bounces"), ("boat", "red", "stays")],
        )
    ):
        subjects = [{"kind": kind, "color": color, "motion": motion} for kind, color, motion in cast]
        found = detect(film(World.model_validate({"subjects": subjects, "setting": "hills"}), seed=seed), subjects=2)
        assert sorted((one.kind, one.color, one.motion) for one in found.subjects) == sorted(cast)


def test_finds_no_subject_where_there_is_none():
    for setting in SETTINGS:
        frames = film(World(setting=setting, time="sunset", look="flat"))[:1]
        assert detect_keyframe(frames[0]) == ()


def test_keyframe_and_clip_agree_on_kind_and_color():
    for world, clean, _ in judged()[::6]:
        frame = film(world, seed=9)[8]
        assert detect_keyframe(frame)[0] == clean.subjects[0][:2]


def test_camera_and_motion_are_not_confused():
    left = detect(film(one("house", "blue", "moves left", camera="static", setting="forest")))
    right = detect(film(one("house", "blue", "stays", camera="pan right", setting="forest")))
    assert (left.camera, left.subjects[0].motion) == ("static", "moves left")
    assert (right.camera, right.subjects[0].motion) == ("pan right", "stays")


def test_a_clip_played_backwards_does_the_reverse():
    frames = film(one("star", "pink", "falls", camera="pan left", setting="desert"))
    assert detect(frames).camera == "pan left"
    backwards = detect(frames[::-1])
    assert (backwards.camera, backwards.subjects[0].motion) == ("pan right", "rises")


def test_a_shuffled_clip_is_neither_smooth_nor_what_was_asked():
    frames = film(one("cat", "orange", "moves right", setting="meadow"))
    shuffled = frames[np.random.default_rng(3).permutation(len(frames))]
    assert detect(shuffled).subjects[0].motion != "moves right"
    assert temporal_coherence(shuffled) < temporal_coherence(frames)


def test_coherence_is_whole_for_a_still_clip_high_for_a_true_one_and_low_for_noise():
    frames = film(one("rocket", "green", "circles", camera="zoom in", setting="sea"))
    assert temporal_coherence(np.repeat(frames[:1], 4, axis=0)) == 1.0
    true = temporal_coherence(frames)
    assert 0.97 < true < 1.0
    assert temporal_coherence(degraded(frames)) < true
    assert temporal_coherence(np.random.default_rng(1).integers(0, 256, (6, 128, 128, 3), np.uint8)) < 0.8


@pytest.mark.parametrize("frames", [np.zeros((3, 16, 16, 3)), np.zeros((16, 16, 3), np.uint8)])
def test_refuses_what_is_no_clip(frames: np.ndarray):
    for judge in (detect, temporal_coherence):
        with pytest.raises(ValueError, match="is no uint8 RGB"):
            judge(frames)
