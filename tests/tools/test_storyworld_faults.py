"""Faults: each shows in the pixels and in the truth."""

import numpy as np
import pytest
from pydantic import ValidationError

from kinograph.tools.storyworld.faults import (
    EVERY_KIND,
    FAULT_KINDS,
    OF_A_SUBJECT,
    SEVERITIES,
    Fault,
    FaultKind,
    Severity,
    draw_fault,
    draw_faults,
    possible,
    replacements,
)
from kinograph.tools.storyworld.painter import Painting, backdrop_of, paint
from kinograph.tools.storyworld.world import Subject, World

WORLD = World(
    subjects=(Subject(kind="ball", color="red", motion="moves right"), Subject(kind="cat", color="blue")),
    setting="snow", time="day",
)  # fmt: skip


def clip(*faults: Fault, frames: int = 20) -> Painting:
    return paint(WORLD, frames=frames, width=96, height=64, fps=10, seed=2, faults=faults)


CLEAN = clip().frames.astype(int)


def changes(faulty: Painting) -> np.ndarray:
    """Mean difference to the clean clip in each frame."""
    return np.abs(faulty.frames.astype(int) - CLEAN).mean((1, 2, 3))


def test_wrong_color_is_drawn_and_told():
    faulty = clip(Fault(kind="wrong color", subject=0, first=0, last=19, to="green"))
    assert faulty.truth.world.subjects[0].color == "green"
    assert faulty.truth.asked == WORLD
    assert {moment.subjects[0].color for moment in faulty.truth.moments} == {"green"}
    assert changes(faulty).min() > 0.3


def test_wrong_subject_is_drawn_and_told():
    faulty = clip(Fault(kind="wrong subject", subject=1, first=0, last=19, to="house"))
    assert [moment.subjects[1].kind for moment in faulty.truth.moments] == ["house"] * 20
    assert changes(faulty).min() > 0.3


def test_wrong_motion_is_drawn_and_told():
    faulty = clip(Fault(kind="wrong motion", subject=0, first=0, last=19, to="moves left"))
    xs = [moment.subjects[0].x for moment in faulty.truth.moments]
    assert xs[-1] < xs[0] - 0.3
    assert faulty.truth.world.subjects[0].motion == "moves left"


def test_color_drifts_smoothly_from_one_color_to_the_other():
    faulty = clip(Fault(kind="color drift", subject=0, first=0, last=19, to="green"))
    difference = changes(faulty)
    assert difference[0] == 0
    assert difference[-1] > 0.3
    assert np.diff(difference).max() < 0.5 * difference.max()
    colors = [moment.subjects[0].color for moment in faulty.truth.moments]
    assert (colors[0], colors[-1]) == ("red", "green")


def test_shape_drifts_into_the_other_kind():
    faulty = clip(Fault(kind="shape drift", subject=1, first=0, last=19, to="boat"))
    assert changes(faulty)[0] == 0
    assert changes(faulty)[-1] > 0.1
    kinds = [moment.subjects[1].kind for moment in faulty.truth.moments]
    assert (kinds[0], kinds[-1]) == ("cat", "boat")


def test_flicker_alternates_brightness():
    faulty = clip(Fault(kind="flicker", first=4, last=11))
    brightness = faulty.frames.mean((1, 2, 3))[4:12]
    assert np.all(np.abs(np.diff(brightness)) > 40)
    assert np.all(np.diff(np.sign(np.diff(brightness))) != 0)
    assert changes(faulty)[[*range(4), *range(12, 20)]].max() == 0


def test_frozen_stops_everything_and_the_truth_with_it():
    faulty = clip(Fault(kind="frozen", first=5, last=14))
    assert all(np.array_equal(faulty.frames[5], frame) for frame in faulty.frames[5:15])
    assert not np.array_equal(faulty.frames[14], faulty.frames[15])
    assert len({moment.subjects[0].x for moment in faulty.truth.moments[5:15]}) == 1


def test_dropped_subject_is_gone_for_its_frames_only():
    faulty = clip(Fault(kind="dropped", subject=1, first=6, last=12))
    shown = changes(faulty) > 0.1
    assert list(np.flatnonzero(shown)) == list(range(6, 13))
    assert [moment.subjects[1].visible for moment in faulty.truth.moments[6:13]] == [0.0] * 7
    assert faulty.truth.moments[5].subjects[1].visible > 0.9


def test_black_frames_are_black():
    faulty = clip(Fault(kind="black", first=3, last=5))
    assert faulty.frames[3:6].max() == 0
    assert faulty.frames[[2, 6]].mean() > 20


def test_corrupt_frames_are_scrambled_the_same_way_every_time():
    fault = Fault(kind="corrupt", first=3, last=5)
    faulty = clip(fault)
    assert changes(faulty)[3:6].min() > 15
    assert np.array_equal(faulty.frames, clip(fault).frames)
    assert faulty.truth.faults == (fault,)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_drawn_faults_are_long_enough_to_be_seen(kind):
    least = {"flicker": 5, "frozen": 0.4 * 24, "dropped": 0.25 * 24, "black": 2, "corrupt": 2}.get(kind, 24)
    for seed in range(30):
        fault = draw_fault(kind, WORLD, 24, np.random.default_rng(seed))
        assert fault.last - fault.first + 1 >= least
        assert fault.last < 24
        assert (fault.subject is not None) == (kind in OF_A_SUBJECT)
        assert fault.to not in {"red", "ball", "moves right"} or fault.subject == 1


def test_rate_is_the_share_of_faulty_clips_and_all_kinds_come():
    drawn = [draw_faults(WORLD, 24, seed, 0.5) for seed in range(600)]
    assert 0.43 < np.mean([bool(faults) for faults in drawn]) < 0.57
    assert {faults[0].kind for faults in drawn if faults} == set(FAULT_KINDS)
    assert all(len(faults) <= 1 for faults in drawn)
    assert drawn[7] == draw_faults(WORLD, 24, 7, 0.5)


def test_faults_that_make_no_sense_are_not_drawn():
    empty = {faults[0].kind for seed in range(80) for faults in [draw_faults(World(), 24, seed, 1.0)]}
    assert empty == {"flicker", "frozen", "black", "corrupt"}
    still = {faults[0].kind for seed in range(80) for faults in [draw_faults(WORLD, 1, seed, 1.0)]}
    assert still == {"wrong color", "wrong subject"}


def test_spinning_is_never_the_wrong_motion_of_a_resting_ring():
    ring = World(subjects=(Subject(kind="ring", color="red"),))
    assert "spins" not in replacements("wrong motion", ring, 0)
    assert "spins" in replacements("wrong motion", World(subjects=(Subject(kind="cat", color="red"),)), 0)


def test_a_wrong_subject_is_never_like_the_other_one():
    assert "ball" not in replacements("wrong subject", WORLD, 1)
    assert "red" not in replacements("wrong color", WORLD, 1)


def test_incomplete_faults_are_refused():
    with pytest.raises(ValidationError, match="have a subject"):
        Fault(kind="wrong color", last=3, to="red")
    with pytest.raises(ValidationError, match="before it starts"):
        Fault(kind="black", first=4, last=3)


ADDED = tuple(kind for kind in EVERY_KIND if kind not in FAULT_KINDS)


def drawn(kind: FaultKind, severity: Severity, seed: int = 3) -> Painting:
    return clip(draw_fault(kind, WORLD, 20, np.random.default_rng(seed), severity))


@pytest.mark.parametrize("kind", ADDED)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_severity_of_what_was_added_changes_the_pixels(kind, severity):
    assert changes(drawn(kind, severity)).max() > 0.1


@pytest.mark.parametrize(
    "kind", ["color drift", "shape drift", "size drift", "wrong color", "wrong setting", "wrong time", "flicker"]
)
def test_a_worse_severity_changes_more(kind):
    mild, medium, gross = (changes(drawn(kind, severity)).mean() for severity in SEVERITIES)
    assert mild < medium < gross


def test_a_mild_fault_leaves_the_truth_what_it_was():
    for kind in ("wrong color", "wrong subject", "wrong motion", "wrong setting"):
        assert drawn(kind, "mild").truth.world == WORLD
        assert drawn(kind, "gross").truth.world != WORLD


def test_a_cut_shows_another_picture_from_its_frame_on():
    faulty = drawn("jump", "gross")
    (fault,) = faulty.truth.faults
    assert changes(faulty)[: fault.first].max() == 0
    assert changes(faulty)[fault.first :].min() > 5


def test_an_identity_swap_shows_another_kind_in_another_color_from_its_frame_on():
    faulty = drawn("identity swap", "gross")
    (fault,) = faulty.truth.faults
    seen = [moment.subjects[fault.subject or 0] for moment in faulty.truth.moments]
    assert f"{seen[-1].color} {seen[-1].kind}" == fault.to
    assert changes(faulty)[: fault.first].max() == 0


def test_what_grows_or_shrinks_has_no_size_to_drift():
    growing = World(subjects=(Subject(kind="cat", color="blue", motion="grows"),))
    assert not possible("size drift", growing, 20)
    assert possible("size drift", WORLD, 20)


def test_a_backdrop_made_before_gives_the_same_pixels():
    painted = paint(WORLD, frames=4, width=96, height=64, fps=10, seed=2, backdrop=backdrop_of(WORLD, 96, 64, 2))
    assert np.array_equal(painted.frames, paint(WORLD, frames=4, width=96, height=64, fps=10, seed=2).frames)
