"""The storyworld's nouns, its door and its random worlds."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from kinograph.tools import storyworld
from kinograph.tools.storyworld import world as w


def test_door_exports_exactly_the_pinned_names():
    assert set(storyworld.__all__) == {
        "COLORS", "FAULT_KINDS", "KINDS", "LOOKS", "RGB", "SETTINGS", "Fault", "FaultKind", "Moment",
        "Painting", "Reading", "Seen", "Subject", "Truth", "World", "describe", "draw_faults",
        "paint", "read", "sample", "silhouette",
    }  # fmt: skip
    assert all(getattr(storyworld, name) is not None for name in storyworld.__all__)
    with pytest.raises(AttributeError, match="storyworld has no 'pant'"):
        storyworld.pant  # noqa: B018


def test_door_opens_and_reads_without_opencv():
    code = (
        "import sys; from kinograph.tools.storyworld import World, read, draw_faults;"
        "read('a red ball'); sys.exit('cv2' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_world_has_the_promised_size():
    sizes = [len(options) for options in (w.KINDS, w.COLORS, w.SETTINGS, w.TIMES, w.MOTIONS, w.CAMERAS, w.LOOKS)]
    assert sizes == [16, 8, 8, 4, 10, 7, 4]


def test_twins_are_refused():
    twin = w.Subject(kind="cat", color="red")
    with pytest.raises(ValidationError, match="both a red cat"):
        w.World(subjects=(twin, twin.changed(motion="spins")))


def test_samples_cover_everything_and_two_subjects_come_in_three_of_ten():
    rng = np.random.default_rng(0)
    worlds = [w.sample(rng) for _ in range(1500)]
    counts = Counter(len(world.subjects) for world in worlds)
    assert 0.25 < counts[2] / 1500 < 0.35
    assert 0.01 < counts[0] / 1500 < 0.08
    assert {subject.kind for world in worlds for subject in world.subjects} == set(w.KINDS)
    assert {subject.motion for world in worlds for subject in world.subjects} == set(w.MOTIONS)
    assert {(world.setting, world.time) for world in worlds} == {(s, t) for s in w.SETTINGS for t in w.TIMES}
    assert {world.camera for world in worlds} == set(w.CAMERAS)


def test_samples_depend_on_the_seed_alone():
    first, second = (w.sample(np.random.default_rng(5)) for _ in range(2))
    assert first == second != w.sample(np.random.default_rng(6))
