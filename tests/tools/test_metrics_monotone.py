"""Metrics fall, by their direction, as drift, flicker and swaps of identity grow; frozen and wrong beats nobody."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.memory.embedders import open_embedder
from kinograph.tools.metrics import Beside, measure, metric
from kinograph.tools.storyworld import World, paint

FRAMES = 8
PIXELS = open_embedder("pixels")
READER = open_embedder("storyworld-clip")
PAIRS = (("red", "blue"), ("blue", "orange"), ("purple", "green"), ("orange", "cyan"), ("green", "pink"))
KINDS = ("ball", "car", "star", "heart", "robot", "bird", "box")


class Case(NamedTuple):
    """A clip, the same clip with somebody else in it, and where its subject is."""

    clip: np.ndarray
    other: np.ndarray
    inside: np.ndarray
    """`[T,H,W]` bool."""
    beside: Beside


@cache
def case(kind: str, other: str, colors: tuple[str, str], setting: str, seed: int) -> Case:
    def clip(*subjects: tuple[str, str], seed: int = seed) -> np.ndarray:
        who = [{"kind": kind, "color": color, "motion": "moves right"} for kind, color in subjects]
        world = World.model_validate({"subjects": who, "setting": setting})
        return paint(world, frames=FRAMES, width=112, height=64, fps=8, seed=seed).frames

    whole, empty = clip((kind, colors[0])), clip()
    beside = Beside(
        words=f"a {colors[0]} {kind} in the {setting}",
        embedder=PIXELS,
        reference=whole,
        cast={kind: [clip((kind, colors[0]), seed=seed + 50)[0]]},
        before=whole,
        motion="moves right",
    )
    inside = np.abs(whole.astype(int) - empty).max(-1) > 24
    return Case(whole, clip((other, colors[1])), inside, beside)


cases = st.builds(
    case,
    st.sampled_from(KINDS[:4]),
    st.sampled_from(KINDS[4:]),
    st.sampled_from(PAIRS),
    st.sampled_from(("meadow", "desert", "snow", "hills")),
    st.integers(1, 4),
)
levels = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=2, max_size=2, unique=True).map(sorted)


def drift(one: Case, level: float) -> np.ndarray:
    """The subject's hue turns by up to 80 degrees while the clip goes on."""
    made = one.clip.copy()
    for frame, inside, share in zip(made, one.inside, np.linspace(0, level, FRAMES), strict=True):
        hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV).astype(int)
        hsv[..., 0] = (hsv[..., 0] + round(40 * share)) % 180
        frame[inside] = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)[inside]
    return made


def tint(one: Case, level: float) -> np.ndarray:
    """The whole picture turns grey-blue while the clip goes on."""
    share = np.linspace(0, level, FRAMES)[:, None, None, None]
    return (one.clip * (1 - share) + share * np.array([70, 90, 150])).round().astype(np.uint8)


def flicker(one: Case, level: float) -> np.ndarray:
    """Every second frame is darker, by up to 60 %."""
    light = np.where(np.arange(FRAMES) % 2, 1 - 0.6 * level, 1.0)[:, None, None, None]
    return (one.clip * light).round().astype(np.uint8)


def swap(one: Case, level: float) -> np.ndarray:
    """Somebody else takes the subject's place for up to the last 60 % of the frames."""
    swapped = round(0.6 * level * FRAMES)
    return np.concatenate([one.clip[: FRAMES - swapped], one.other[FRAMES - swapped :]])


def turns(one: Case, level: float) -> np.ndarray:
    """Somebody else is there instead in up to every second frame."""
    made, odd = one.clip.copy(), np.arange(1, FRAMES, 2)
    for frame in odd[: round(level * len(odd))]:
        made[frame] = one.other[frame]
    return made


def grain(one: Case, level: float) -> np.ndarray:
    """Noise that is another in every frame, up to 30 levels of standard deviation."""
    noise = np.random.default_rng(5).normal(0, 30 * level, one.clip.shape)
    return (one.clip + noise).round().clip(0, 255).astype(np.uint8)


FALLS = {
    drift: ("subject consistency", "identity similarity", "cast palette distance", "psnr"),
    tint: ("background consistency", "palette distance", "style distance", "warped coherence", "ssim", "psnr"),
    flicker: (
        "flicker",
        "warping error",
        "warped coherence",
        "motion smoothness",
        "embedding coherence",
        "background consistency",
        "palette distance",
        "style distance",
    ),
    swap: ("subject consistency", "identity similarity", "psnr"),
    turns: ("embedding coherence", "flicker", "background consistency"),
    grain: ("temporal coherence", "warped coherence", "warping error"),
}
"""What each injury must make worse the more there is of it."""


@pytest.mark.parametrize("injury", FALLS, ids=lambda injury: injury.__name__)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(one=cases, two=levels)
def test_metrics_get_worse_as_there_is_more_of_an_injury(injury, one: Case, two: list[float]):
    less, more = (measure(FALLS[injury], injury(one, level), one.beside) for level in two)
    for name in FALLS[injury]:
        better, worse = less[name].value, more[name].value
        assert better is not None
        assert worse is not None
        if metric(name).better == "lower":
            better, worse = worse, better
        assert better >= worse, (name, two, less[name], more[name])


@pytest.mark.parametrize("injury", FALLS, ids=lambda injury: injury.__name__)
@settings(max_examples=1, deadline=None, derandomize=True)
@given(one=cases)
def test_metrics_see_an_injury_at_all(injury, one: Case):
    whole, hurt = (measure(FALLS[injury], injury(one, level), one.beside) for level in (0.0, 1.0))
    for name in FALLS[injury]:
        assert whole[name].value != pytest.approx(hurt[name].value, abs=5e-4), name


@settings(max_examples=2, deadline=None, derandomize=True)
@given(one=cases, two=levels)
def test_gated_consistency_falls_as_somebody_else_takes_over(one: Case, two: list[float]):
    beside = one.beside._replace(embedder=READER)
    less, more = (measure(["gated consistency"], swap(one, level), beside)["gated consistency"].value for level in two)
    assert less is not None
    assert more is not None
    assert less >= more


@settings(max_examples=3, deadline=None, derandomize=True)
@given(one=cases, still=st.integers(0, FRAMES - 1))
def test_a_frozen_clip_of_the_wrong_thing_never_beats_a_moving_one_of_the_right_thing(one: Case, still: int):
    frozen = np.repeat(one.other[still : still + 1], FRAMES, axis=0)
    asked = one.beside._replace(embedder=READER)
    for beside in (asked, asked._replace(motion="")):  # words alone must tell, too
        names = ["gated consistency", "background consistency"]
        right, wrong = (measure(names, frames, beside) for frames in (one.clip, frozen))
        assert wrong["background consistency"].value > right["background consistency"].value  # pyright: ignore
        assert right["gated consistency"].value > wrong["gated consistency"].value + 0.2  # pyright: ignore
