"""Drawings of the kinds: colors, silhouettes, morphs."""

import itertools

import cv2
import numpy as np
import pytest

from kinograph.tools.storyworld import shapes
from kinograph.tools.storyworld.world import COLORS, KINDS, LOOKS, Kind, LookName


def lab(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CIELAB chroma and hue in degrees of float RGB 0–255 `[..., 3]`."""
    flat = np.asarray(rgb, np.float32).reshape(1, -1, 3) / 255
    a, b = np.moveaxis(cv2.cvtColor(flat, cv2.COLOR_RGB2LAB), -1, 0)[1:]
    return np.hypot(a, b)[0], np.degrees(np.arctan2(b, a))[0] % 360


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs((a - b + 180) % 360 - 180)


def test_body_colors_lie_at_least_25_degrees_of_hue_apart():
    chroma, hue = lab(np.array([shapes.RGB[color] for color in COLORS]))
    distances = apart(hue[:, None], hue[None]) + 360 * np.eye(8)
    assert distances.min() > 25
    assert chroma[[color != "cyan" for color in COLORS]].min() > 60
    assert chroma[COLORS.index("cyan")] > 45


@pytest.mark.parametrize("kind", KINDS)
def test_silhouette_fills_its_box_along_the_longer_side(kind: Kind):
    mask = shapes.silhouette(kind, 64) > 0.5
    assert max(mask.any(0).sum(), mask.any(1).sum()) >= 62
    assert mask[:, ::-1].any()


def test_no_two_silhouettes_are_alike_at_30_pixels():
    masks = [shapes.silhouette(kind, 30) > 0.5 for kind in KINDS]
    overlaps = [(a & b).sum() / (a | b).sum() for i, a in enumerate(masks) for b in masks[:i]]
    assert max(overlaps) < 0.82


@pytest.mark.parametrize("look", LOOKS)
def test_at_least_65_percent_of_a_subject_has_its_hue(look: LookName):
    for kind, color in itertools.product(KINDS, COLORS):
        sprite = shapes.sprite(kind, shapes.RGB[color], look, 96)
        chroma, hue = lab(sprite[sprite[..., 3] > 0.98][:, :3])
        _, wanted = lab(np.array(shapes.RGB[color]))
        share = np.mean((apart(hue, wanted) < 15) & (chroma > 18))
        assert share > 0.65, f"{color} {kind}: {share:.2f}"


def test_turning_a_silhouette_by_90_degrees_is_rotating_its_picture_clockwise():
    upright, turned = shapes.silhouette("cat", 64), shapes.silhouette("cat", 64, angle=90)
    assert np.abs(np.rot90(upright, -1) - turned).max() < 0.02
    assert np.abs(upright - turned).max() > 0.9


def test_morph_starts_at_one_kind_and_ends_at_the_other():
    start, end = (shapes.silhouette("house", 48, into="fish", amount=amount) for amount in (0.0, 1.0))
    middle = shapes.silhouette("house", 48, into="fish", amount=0.5)
    assert np.abs(start - shapes.silhouette("house", 48)).max() < 1e-6
    assert np.abs(end - shapes.silhouette("fish", 48)).max() < 1e-6
    assert min(np.abs(middle - start).mean(), np.abs(middle - end).mean()) > 0.03


def test_body_leaves_out_what_has_another_hue():
    assert shapes.body("car", 64).sum() < 0.85 * shapes.silhouette("car", 64).sum()
    assert np.array_equal(shapes.body("box", 64), shapes.silhouette("box", 64))
