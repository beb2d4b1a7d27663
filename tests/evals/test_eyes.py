"""A vision model as a judge of its own: it is shown pictures over real HTTP, and what it cannot tell is no number."""

from __future__ import annotations

import base64
import io
import pickle
from pathlib import Path
from typing import Any

import pytest
from minds import settings_of
from painted import Painted, ball, painted
from PIL import Image
from server import Server, facts_of

from kinograph.agents.rubric import Rubric
from kinograph.evals import run
from kinograph.evals.eyewitness import sighting
from kinograph.evals.harness import RunResult
from kinograph.evals.scorers.eyes import Eyes
from kinograph.evals.suites import Sample, ShotTruth, Suite
from kinograph.evals.systems import Made

SEA = ShotTruth(subjects=(ball(),), setting="sea", time="day")
SNOW = ShotTruth(subjects=(ball(color=None, motion="spins"),), setting="snow", time="night")
YES = {"there": "yes", "color": "yes", "kind": "yes", "motion": "yes", "same": "unsure"}


def rubric(take: str, who: list[str], **sights: str) -> dict[str, Any]:
    subjects = [{"who": one} | YES | {key: value for key, value in sights.items() if key in YES} for one in who]
    plain = {"seen": "a ball", "problems": [], "correction": "", "setting": sights.get("setting", "yes")}
    return {"take": take, "subjects": subjects} | plain


def answering(server: Server, **sights: str) -> None:
    """The model says this of every shot."""

    def brain(role: str, facts: dict[str, Any]) -> Any:
        takes = facts["takes"]
        return {"takes": [rubric(t["take"], [one["who"] for one in t["asked"]["subjects"]], **sights) for t in takes]}

    server.brain = brain


def film(*shots: ShotTruth) -> Made:
    return Made(shots=tuple(painted(str(number), shot) for number, shot in enumerate(shots, 1)))


def sample(*shots: ShotTruth) -> Sample:
    return Sample(id="s", brief="a film", shots=shots)


def test_it_is_shown_frames_of_each_shot_and_what_was_asked_and_nothing_that_was_measured(server: Server):
    answering(server)
    found = Eyes(settings_of(server))(sample(SEA, SNOW), film(SEA, SNOW))
    assert found.scores == {"eyes right": 1, "eyes attributes": 1}
    assert found.shots["2"] == {"eyes right": 1, "eyes attributes": 1}
    assert found.tokens > 0
    (asked,) = server.asked
    first, second = facts_of(asked.body)["takes"]
    assert (first["asked"]["setting"], second["asked"]["camera"]) == ("sea", "left open")
    assert second["asked"]["subjects"] == [{"who": "ball", "words": "a ball", "motion": "spinning"}]
    parts = [part for message in asked.body["messages"] for part in message["content"] if isinstance(part, dict)]
    (picture,) = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    drawn = Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2])))
    assert drawn.width == 1024
    assert asked.body["model"] == "eyes"


def test_a_no_makes_a_shot_wrong_and_an_unsure_leaves_it_without_a_number(server: Server):
    answering(server, motion="no")
    assert Eyes(settings_of(server))(sample(SEA), film(SEA)).shots["1"] == {"eyes right": 0, "eyes attributes": 0.75}
    answering(server, motion="unsure")
    found = Eyes(settings_of(server))(sample(SEA), film(SEA))
    assert found.shots["1"] == {"eyes attributes": 1}
    assert found.skipped == {"eyes right": "needs a shot that the vision model is sure about"}


def test_what_was_left_open_counts_for_nothing_and_who_is_missing_has_no_kind():
    def of(truth: ShotTruth, **sights: str) -> Any:
        return sighting(truth, Rubric.model_validate(rubric("A", ["ball"], **sights)))

    assert of(SNOW, color="no").right is True
    assert of(SEA, color="no").right is False
    assert of(SEA, there="no").attributes == 0.75
    assert of(ShotTruth(subjects=SEA.subjects), setting="no").right is True
    assert sighting(ShotTruth(), Rubric.model_validate(rubric("A", []))).right is None


@pytest.mark.parametrize("manner", ["status 500", "prose", "hang up"])
def test_a_model_that_is_down_or_talks_nonsense_is_skipped_aloud(server: Server, manner: str):
    server.manners["*"] = manner
    found = Eyes(settings_of(server, retries=0))(sample(SEA), film(SEA))
    assert (found.scores, found.shots) == ({}, {})
    assert found.skipped["eyes right"].startswith("needs a vision model that answers: ")


def test_answers_for_other_takes_or_subjects_are_asked_for_again(server: Server):
    drafts = [
        {"takes": [rubric("B", ["ball"])]},
        {"takes": [rubric("A", ["ghost"])]},
        {"takes": [rubric("A", ["ball"])]},
    ]
    server.brain = lambda role, facts: drafts[len(server.asked) - 1]
    assert Eyes(settings_of(server))(sample(SEA), film(SEA)).scores["eyes right"] == 1
    assert "there must be one for each of ['A']" in server.asked[1].body["messages"][-1]["content"]
    assert "one entry in subjects for each of ['ball']" in server.asked[2].body["messages"][-1]["content"]


def test_a_film_of_more_shots_than_a_sheet_holds_is_looked_at_in_parts(server: Server):
    answering(server)
    found = Eyes(settings_of(server))(sample(*[SEA] * 5), film(*[SEA] * 5))
    assert [len(facts_of(asked.body)["takes"]) for asked in server.asked] == [4, 1]
    assert len(found.shots) == 5


def test_eyes_travel_to_other_processes(server: Server):
    answering(server)
    eyes = Eyes(settings_of(server))
    eyes(sample(SEA), film(SEA))
    assert pickle.loads(pickle.dumps(eyes))(sample(SEA), film(SEA)).scores["eyes right"] == 1


# ------------------------------------------------------------------------------------------- a whole run


def judged(server: Server | None, folder: Path) -> RunResult:
    truth = [SEA.changed(setting=setting) for setting in ("sea", "meadow", "snow", "city")]
    samples = tuple(Sample(id=f"s{n}", brief=f"ball {n}", shots=(shot,)) for n, shot in enumerate(truth))
    agree = ("agreement of vision model and truth", "agreement of all judges", "agreement of validator and truth")
    return run(
        Suite(name="small", samples=samples),
        Misplaced(folder / "notes"),
        folder=folder / "run",
        metrics=(),
        set_metrics=agree,
        eyes=settings_of(server) if server else None,
    )


class Misplaced(Painted):
    """Draws the right place for every other sample; its validator accepts all."""

    def make(self, sample: Sample, seed: int, folder: Path, does: Any) -> Made:
        wrong = sample.shots[0].changed(setting="space")
        return super().make(sample.changed(shots=(wrong,)) if sample.id in ("s1", "s3") else sample, seed, folder, does)


def test_a_vision_model_that_sees_what_is_there_agrees_with_the_truth_and_not_with_a_blind_validator(
    server: Server, tmp_path: Path
):
    def brain(role: str, facts: dict[str, Any]) -> Any:
        (take,) = facts["takes"]
        right = take["asked"]["setting"] in ("sea", "snow")
        return {"takes": [rubric("A", ["ball"], setting="yes" if right else "no")]}

    server.brain = brain
    result = judged(server, tmp_path)
    found = {one.metric: one.value for one in result.sets}
    assert found["agreement of vision model and truth"] == 1
    assert (found["agreement of validator and truth"] or 0) < 0
    assert 0 < (found["agreement of all judges"] or 0) < 1
    assert result.run.versions["judging eyes"] == "eyes"
    assert all(log.spent.judging_tokens > 0 and log.spent.tokens == 0 for log in result.samples)
    assert result.means["eyes right"] == 0.5


def test_without_a_vision_model_its_agreement_has_no_number(tmp_path: Path):
    result = judged(None, tmp_path)
    found = {one.metric: one for one in result.sets}
    for name in ("agreement of vision model and truth", "agreement of all judges"):
        assert (found[name].value, "needs a vision model" in found[name].skipped) == (None, True)
    assert found["agreement of validator and truth"].value is not None
