"""Scorers on films with known answers: what is right counts, what is wrong does not, what cannot be said is skipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted import ball, painted

from kinograph import Studio
from kinograph.errors import KinographError, UnknownName
from kinograph.evals.scorers.chatted import SCORER as CHATTED
from kinograph.evals.scorers.chatted import changed
from kinograph.evals.scorers.clips import Clips, said
from kinograph.evals.scorers.crew import SCORER as CREW
from kinograph.evals.scorers.edited import CHANGED, KEPT, SHOWN
from kinograph.evals.scorers.edited import SCORER as EDITED
from kinograph.evals.scorers.ended import SCORER as ENDED
from kinograph.evals.scorers.planned import SCORER as PLANNED
from kinograph.evals.scorers.truth import SCORER as TRUTH
from kinograph.evals.suites import Sample, ShotTruth, SubjectTruth, Turn
from kinograph.evals.systems import Footage, Made, MadeShot
from kinograph.evals.systems.videos import Videos
from kinograph.film import Storyboard
from kinograph.tools.footage import write_mp4

SEA = ShotTruth(subjects=(ball(who="ball"),), setting="sea", time="day", camera="static")
SNOW = ShotTruth(subjects=(ball(motion="spins", who="ball"),), setting="snow", time="night")
BOX = SubjectTruth(kind="box", color="blue", motion="stays")


def sample(*shots: ShotTruth, **more: object) -> Sample:
    return Sample.model_validate({"id": "s", "brief": "a film", "shots": shots} | more)


def film(*shots: ShotTruth) -> Made:
    return Made(shots=tuple(painted(str(number), shot) for number, shot in enumerate(shots, 1)))


def board_of(brief: str) -> Storyboard:
    return Studio(model="storyworld-render").plan(brief).storyboard


def test_a_film_that_shows_what_was_asked_is_right_in_everything():
    found = TRUTH(sample(SEA, SNOW), film(SEA, SNOW))
    assert set(found.scores.values()) == {1.0}
    assert set(found.scores) >= {"kind", "color", "motion", "camera", "identity", "order", "shots", "all right"}
    assert "camera" not in found.shots["2"], "it was left open there"


def test_another_colour_in_one_shot_costs_its_colour_and_its_identity():
    blue = SNOW.changed(subjects=(ball("blue", "spins"),))
    found = TRUTH(sample(SEA, SNOW), film(SEA, blue)).scores
    assert (found["color"], found["identity"], found["identity held"], found["all right"]) == (0.5, 0.5, 0, 0.5)
    assert (found["kind"], found["setting"]) == (1, 1)


def test_an_unsaid_colour_may_be_any_as_long_as_it_stays_so():
    open_ = [shot.changed(subjects=(shot.subjects[0].changed(color=None),)) for shot in (SEA, SNOW)]
    blue = [shot.changed(subjects=(ball("blue", shot.subjects[0].motion or ""),)) for shot in (SEA, SNOW)]
    steady, drifting = TRUTH(sample(*open_), film(*blue)).scores, TRUTH(sample(*open_), film(blue[0], SNOW)).scores
    assert "color" not in steady
    assert (steady["identity held"], drifting["identity held"], drifting["all right"]) == (1, 0, 1)


def test_who_turns_another_colour_is_the_same_one_where_each_shot_has_the_colour_told():
    green = SNOW.changed(subjects=(ball("green", "spins", who="ball"),))
    told = sample(SEA, green)
    right, red = TRUTH(told, film(SEA, green)).scores, TRUTH(told, film(SEA, SNOW)).scores
    assert (right["color"], right["identity"], right["identity held"], right["all right"]) == (1, 1, 1, 1)
    assert (red["color"], red["identity"], red["identity held"], red["all right"]) == (0.5, 0.5, 0, 0.5)
    box = TRUTH(told, film(SEA, green.changed(subjects=(BOX.changed(color="green", motion="spins"),)))).scores
    assert box["identity held"] == 0, "a green box is no ball that turned green"


def test_shots_in_another_order_are_out_of_order():
    third = ShotTruth(subjects=(BOX,), setting="city", time="sunset")
    assert TRUTH(sample(SEA, SNOW, third), film(SNOW, SEA, third)).scores["order"] == pytest.approx(2 / 3)
    assert TRUTH(sample(SEA, SNOW, third), film(third, SNOW, SEA)).scores["order"] == 0


def test_a_shot_that_is_missing_has_nothing_right():
    found = TRUTH(sample(SEA, SNOW), film(SEA)._replace(boards=(None,))).scores
    assert (found["kind"], found["setting"], found["shots"], found["order"]) == (0.5, 0.5, 0, 0)


def test_subjects_that_swap_their_colours_are_not_right():
    asked = ShotTruth(subjects=(ball(motion="stays"), BOX), setting="city", time="day")
    swapped = asked.changed(subjects=(ball("blue", "stays"), BOX.changed(color="red")))
    right, wrong = TRUTH(sample(asked), film(asked)).scores, TRUTH(sample(asked), film(swapped)).scores
    assert (right["color"], wrong["color"], wrong["kind"]) == (1, 0, 1)


def test_two_are_counted_where_a_sample_asks_for_it():
    asked = ShotTruth(subjects=(ball(motion="stays"), BOX), setting="city", time="day")
    lonely = asked.changed(subjects=asked.subjects[:1])
    assert TRUTH(sample(asked, tags=("count",)), film(asked)).scores["count"] == 1
    assert TRUTH(sample(asked, tags=("count",)), film(lonely)).scores["count"] == 0
    assert "count" not in TRUTH(sample(asked), film(asked)).scores


def test_without_truth_or_a_video_for_each_shot_nothing_is_made_up():
    found = TRUTH(sample(), film(SEA))
    assert not found.scores
    assert "needs exact truth" in found.skipped["kind"]
    assert "needs a video for each of its 2 shots" in TRUTH(sample(SEA, SNOW), film(SEA)).skipped["kind"]
    assert CREW(sample(), Made()).skipped == {"accepted": "needs a validator's verdicts"}


def test_a_metric_of_clips_has_the_mean_of_its_shots_and_says_what_it_lacks():
    clips = Clips(("temporal coherence",), "pixels")
    found = clips(sample(SEA, SNOW), film(SEA, SNOW))
    by_shot = [found.shots[name]["temporal coherence"] for name in ("1", "2")]
    assert found.scores["temporal coherence"] == pytest.approx(sum(by_shot) / 2, abs=1e-6)
    assert clips(sample(SEA), Made(shots=(MadeShot("1", "", None),))).skipped == {"temporal coherence": "needs a clip"}
    still = Made(shots=(MadeShot("1", "", Footage(lambda: np.zeros((1, 8, 8, 3), np.uint8), 8)),))
    found = clips(sample(SEA), still)
    assert ("temporal coherence" in found.scores) != ("temporal coherence" in found.skipped)
    with pytest.raises(UnknownName, match="unknown metric 'beauty'"):
        Clips(("beauty",), "pixels")


def test_truth_is_said_alike_for_every_system():
    assert said(SEA) == "a red ball that rises in the sea at day"
    assert said(ShotTruth(setting="space")) == "nobody in the space"


def test_a_plan_is_right_field_by_field():
    board = board_of("A red ball rises by the sea by day, the camera holds still.")
    right = PLANNED(sample(SEA), Made(boards=(board,))).scores
    wrong = PLANNED(sample(SEA.changed(setting="city")), Made(boards=(board,))).scores
    assert set(right.values()) == {1.0}
    assert (wrong["setting"], wrong["subject"]) == (0, 1)
    assert wrong["planned"] == pytest.approx(1 - 1 / 8, abs=1e-6)
    assert PLANNED(sample(SEA), Made()).skipped["planned"] == "needs a storyboard"


def test_a_turn_is_right_only_when_exactly_the_shots_change_that_should():
    before = board_of("A red ball rises by the sea by day. A blue box spins in the snow at night.")
    first, second = before.scenes
    night = second.changed(time="dawn", shots=tuple(shot.changed(time="dawn") for shot in second.shots))
    after = before.changed(scenes=(first, night))
    assert changed(before, after) == {2}
    assert changed(before, before.changed(scenes=(second, first))) == set()
    box = SubjectTruth(kind="box", color="blue", motion="spins")
    snow = ShotTruth(subjects=(box,), setting="snow", time="night")
    talk = sample(SEA, snow, turns=(Turn(say="shot 2 at dawn", changes=(2,), shots=(SEA, snow.changed(time="dawn"))),))
    done, ignored = Made(boards=(before, after)), Made(boards=(before, before))
    assert CHATTED(talk, done).scores == {"understood": 1, "right shots": 1, "as asked": 1, "fields": 1}
    found = CHATTED(talk, ignored).scores
    assert (found["right shots"], found["as asked"]) == (0, 0)
    assert 0.8 < found["fields"] < 1


def test_after_an_edit_what_is_seen_counts_and_what_should_stay_must_be_the_same_clip():
    night = SNOW.changed(time="dawn")
    talk = sample(SEA, SNOW, turns=(Turn(say="shot 2 at dawn", changes=(2,), shots=(SEA, night)),))
    named = zip("abc", (SEA, SNOW, night), strict=True)
    sea, snow, dawn = (painted(name, shot)._replace(digest=name) for name, shot in named)
    again = sea._replace(digest="d")
    films = ((sea, dawn), (again, dawn), (sea, snow), (sea,))
    done, anew, ignored, cut = (Made(films=((sea, snow), after)) for after in films)
    assert set(EDITED(talk, done).scores.values()) == {1.0}
    found = EDITED(talk, anew).scores
    assert (found[KEPT], found[SHOWN]) == (0, 1), "as right as before, but another clip"
    found = EDITED(talk, ignored).scores
    assert (found[KEPT], found[SHOWN], found[CHANGED]) == (1, 0.5, 0)
    assert EDITED(talk, cut).scores == {KEPT: 1, SHOWN: 0.5, CHANGED: 0}
    assert EDITED(talk, Made(films=((sea, snow), None))).scores == {KEPT: 0, SHOWN: 0, CHANGED: 0}
    assert "needs films" in EDITED(talk, Made(boards=(None, None))).skipped[KEPT]
    assert set(EDITED.beyond(sample(SEA))) == {KEPT, SHOWN, CHANGED}


@pytest.mark.parametrize(
    ("ends", "error", "well", "expected"),
    [
        ("error", "BadBrief: it says nothing", 1, 1),
        ("either", "BadBrief: it says nothing", 1, 1),
        ("film", "BadBrief: it says nothing", 1, 0),
        ("error", "Traceback (most recent call last): …", 0, 0),
        ("error", "BadBrief: two\nlines", 0, 0),
        ("error", "BadBrief: <Brief object at 0x7f>", 0, 0),
        ("error", "x" * 601, 0, 0),
        ("film", "", 0, 0),
    ],
)
def test_a_dare_ends_well_in_one_clear_error_or_a_film(ends: str, error: str, well: float, expected: float):
    found = ENDED(sample(ends=ends), Made(error=error)).scores
    assert (found["ended well"], found["as expected"]) == (well, expected)


# ------------------------------------------------------------------------------------------- crashes


def test_a_film_of_one_shot_could_have_no_identity_and_no_order_to_lose():
    beyond = TRUTH.beyond(sample(SEA))
    assert set(beyond) == {"identity", "identity held", "order", "count"}
    assert set(TRUTH.beyond(sample(SEA, SNOW, tags=("count",)))) == set()
    assert set(TRUTH.beyond(sample())) == {one.metric for one in TRUTH.shown}
    assert not CREW.beyond(sample(SEA))
    assert not ENDED.beyond(sample())


def test_what_a_plan_or_a_conversation_is_not_asked_for_it_cannot_lose():
    assert "camera" in PLANNED.beyond(sample(SNOW))
    assert set(PLANNED.beyond(sample(SEA))) == {"seconds", "aspect", "look"}
    assert set(CHATTED.beyond(sample(SEA))) == {"right shots", "as asked", "fields"}
    assert not CHATTED.beyond(sample(SEA, turns=(Turn(say="undo"),)))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([SEA, SNOW, ShotTruth(), ShotTruth(setting="city")]), max_size=3), st.booleans())
def test_what_is_beyond_a_sample_and_what_is_scored_are_never_the_same(shots: list[ShotTruth], counted: bool):
    asked = sample(*shots, tags=("count",) if counted else ())
    scores = TRUTH(asked, film(*shots)).scores
    assert set(scores) == {one.metric for one in TRUTH.shown} - set(TRUTH.beyond(asked))


def test_metrics_that_compare_with_another_shot_are_beyond_a_sample_of_one():
    names = ("temporal coherence", "cut smoothness", "identity similarity", "psnr", "motion agreement")
    clips = Clips(names, "pixels")
    assert set(clips.beyond(sample(SEA))) == {"cut smoothness", "identity similarity", "psnr"}
    assert set(clips.beyond(sample(SEA, SNOW))) == {"psnr"}
    assert set(clips.beyond(sample())) == {"psnr", "motion agreement"}, "nobody knows how many shots it has"
    assert clips.beyond(sample(SEA))["psnr"] == "needs reference"


# ------------------------------------------------------------------------------------ folders of videos


def video(file: Path, shot: ShotTruth) -> None:
    footage = painted("1", shot).footage
    assert footage is not None
    file.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(file, footage.frames, 8, (128, 96), {})


def test_videos_are_found_by_sample_and_seed_and_judged(tmp_path: Path):
    videos = Videos(tmp_path)
    video(tmp_path / "s.mp4", SEA)
    video(tmp_path / "s-1.mp4", SNOW)
    made = videos.make(sample(SEA), 0, tmp_path, "film")
    assert TRUTH(sample(SEA), made).scores["all right"] == 1
    assert TRUTH(sample(SEA), videos.make(sample(SEA), 1, tmp_path, "film")).scores["setting"] == 0
    with pytest.raises(KinographError, match=r"no video of s with seed 2; expected s-2\.mp4"):
        videos.make(sample(SEA), 2, tmp_path, "film")


def test_a_film_of_several_shots_is_a_folder_and_a_prompt_names_a_video_too(tmp_path: Path):
    for number, shot in ((10, SNOW), (2, SEA)):
        video(tmp_path / "s-0" / f"{number}.mp4", shot)
    assert TRUTH(sample(SEA, SNOW), Videos(tmp_path).make(sample(SEA, SNOW), 0, tmp_path, "film")).scores["order"] == 1
    video(tmp_path / "a film-3.mp4", SEA)
    assert Videos(tmp_path).make(sample(SEA), 3, tmp_path, "film").film == tmp_path / "a film-3.mp4"


def test_a_folder_of_videos_plans_nothing_and_must_be_there(tmp_path: Path):
    with pytest.raises(KinographError, match="can be shown films only"):
        Videos(tmp_path).check("plan")
    with pytest.raises(KinographError, match="is no folder"):
        Videos(tmp_path / "nowhere").check("film")
