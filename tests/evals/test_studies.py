"""Studies: arms on the same samples and seeds, at equal numbers of takes, and nothing run twice."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from kinograph.errors import BadInput, Cancelled, UnknownName
from kinograph.evals.folder import RunFolder
from kinograph.evals.log import SampleLog, Spent
from kinograph.evals.studies import StudyPlan, open_study, studies
from kinograph.evals.studies.studying import Step, budget, study
from kinograph.evals.suites import open_suite
from kinograph.settings import Settings

ARMS = """
about = "takes that are drawn wrong"
suite = "storyworld-story"
limit = 2
primary = ["attributes"]
[settings]
model = "storyworld-render"
topology = "chain"
embedder = "pixels"
[settings.backends.storyworld-render]
fault_rate = 0.7
[wishes]
width = 96
height = 64
frames = 9
fps = 8
[[arms]]
name = "agents"
[[arms]]
name = "one take"
settings = { takes = 1, ablations = { recall = "none", validator = false } }
[[arms]]
name = "best of n"
budget_of = "agents"
settings = { ablations = { recall = "none", corrections = false } }
"""


@pytest.fixture
def plan(tmp_path: Path) -> StudyPlan:
    (tmp_path / "mine.toml").write_text(ARMS)
    return open_study(str(tmp_path / "mine.toml"))


def logs(folder: Path, arm: str) -> list[SampleLog]:
    return list(RunFolder(folder / "arms" / arm).logs().values())


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Step]]:
    """A study that was stopped after its second film, and went on."""
    place = tmp_path_factory.mktemp("study")
    (place / "mine.toml").write_text(ARMS)
    plan, stop, steps = open_study(str(place / "mine.toml")), threading.Event(), list[Step]()

    def hear(now: Step) -> None:
        steps.append(now)
        if now.done == 2 and now.log is not None:
            stop.set()

    with pytest.raises(Cancelled):
        study(plan, place / "out", stop=stop, on_progress=hear)
    stop.clear()
    study(plan, place / "out", on_progress=steps.append)
    return place / "out", steps


def test_arms_take_turns_film_by_film_and_go_on_where_they_were_stopped(done: tuple[Path, list[Step]]):
    made = [(one.arm, one.log.sample) for one in done[1] if one.log is not None]
    arms, samples = ("agents", "one take", "best of n"), ("story-001", "story-002")
    assert made == [(arm, sample) for sample in samples for arm in arms]


def test_best_of_n_costs_exactly_what_the_agents_did_spread_evenly(done: tuple[Path, list[Step]]):
    folder, _ = done
    agents, best = logs(folder, "agents"), logs(folder, "best-of-n")
    assert [one.spent.generated() for one in best] == [one.spent.generated() for one in agents]
    assert any(one.spent.generated() > len(one.shots) for one in agents), "somebody had to retake something"
    for log in best:
        takes = [shot.takes for shot in log.shots]
        assert max(takes) - min(takes) <= 1
        assert takes == sorted(takes, reverse=True), "the first shots have those that are left over"


def test_a_clip_is_rendered_once_for_all_arms_and_counted_for_each(done: tuple[Path, list[Step]]):
    for log in logs(done[0], "one-take"):
        assert log.spent.generated() == len(log.shots)
        assert log.spent.reused > 0


def test_the_numbers_are_told_by_arm_and_compared_with_the_first(done: tuple[Path, list[Step]]):
    told = json.loads((done[0] / "study.json").read_text())
    assert [arm["name"] for arm in told["arms"]] == ["agents", "one take", "best of n"]
    assert told["arms"][0]["generator calls"] == told["arms"][2]["generator calls"]
    rows = [(one["name"], one["run"]) for one in told["compared"]["differences"]]
    assert rows == [("attributes", "one take"), ("attributes", "best of n")]
    assert "agents against" in (done[0] / "report.html").read_text()


def test_arms_are_not_told_by_what_others_made_before_them(done: tuple[Path, list[Step]]):
    """Arms share their clips: seconds and renders are those of whoever came first."""
    told = json.loads((done[0] / "study.json").read_text())
    assert {one["name"] for one in told["compared"]["costs"]} == {"generator calls", "retakes", "calls", "tokens"}
    assert {"seconds", "renders"}.isdisjoint(name for arm in told["arms"] for name in arm["costs"])


def test_a_study_that_is_done_runs_nothing_and_another_one_is_refused(done: tuple[Path, list[Step]], plan: StudyPlan):
    steps: list[Step] = []
    study(plan, done[0], on_progress=steps.append)
    assert steps == [Step(6, 6, "", None)]
    with pytest.raises(BadInput, match="another suite_digest"):
        study(plan.changed(limit=1), done[0])


def test_side_by_side_an_arm_still_waits_for_those_before_it(plan: StudyPlan, tmp_path: Path):
    steps: list[Step] = []
    study(plan.changed(limit=1), tmp_path / "out", parallel=3, on_progress=steps.append)
    assert [one.arm for one in steps[1:]] == ["agents", "one take", "best of n"]


def test_over_many_films_as_many_takes_are_given_as_were_spent():
    whole = SampleLog(sample="s", seed=0, state="done", spent=Spent(renders=3, reused=1))
    assert budget(whole) == 4
    assert budget(whole.changed(state="crashed", spent=Spent())) == 1
    films = [whole.changed(sample=str(number), spent=Spent(renders=3.25)) for number in range(2000)]
    given = [budget(film) for film in films]
    assert set(given) == {3, 4}
    assert sum(given) / len(films) == pytest.approx(3.25, abs=0.05)
    assert given == [budget(film) for film in films]


@pytest.mark.parametrize("name", studies())
def test_shipped_studies_are_of_suites_and_settings_that_there_are(name: str):
    plan = open_study(name)
    assert plan.name == name
    assert open_suite(plan.suite).samples
    for arm in plan.arms:
        assert Settings.load(**plan.settings_of(arm)).model == "storyworld-diffusion"


def test_arms_of_the_shipped_study_lack_what_their_names_say():
    plan = open_study("agents")
    found = {arm.name: Settings.load(**plan.settings_of(arm)) for arm in plan.arms}
    assert next(iter(found)) == "agents"
    assert found["agents"].ablations == Settings.load().ablations
    one = found["independent"]
    assert (one.takes, one.ablations.recall, one.ablations.validator) == (1, "none", False)
    assert found["without memory"].ablations.model_dump(exclude_defaults=True) == {"recall": "none"}
    assert found["random recall"].ablations.model_dump(exclude_defaults=True) == {"recall": "random"}
    assert found["without corrections"].ablations.model_dump(exclude_defaults=True) == {"corrections": False}
    assert (found["agents"].early_stop, found["without early stop"].early_stop) == (True, False)
    best = next(arm for arm in plan.arms if arm.name == "best of n")
    assert best.budget_of == "agents"
    assert not found["best of n"].ablations.corrections


def test_chosen_arms_bring_the_one_whose_budget_they_have():
    assert [arm.name for arm in open_study("agents").only(("best of n",)).arms] == ["agents", "best of n"]
    with pytest.raises(UnknownName, match="unknown arm of agents 'nobody'"):
        open_study("agents").only(("nobody",))


def test_studies_that_make_no_sense_are_one_line(tmp_path: Path):
    with pytest.raises(UnknownName, match="unknown study 'nothing'"):
        open_study("nothing")
    wrong = {
        'budget_of = "later"': "has the budget of 'later', which is no arm before it",
        'colour = "red"': "unknown setting 'arms.0.colour'",
        "name": "is not valid TOML",
    }
    for line, words in wrong.items():
        file = tmp_path / "wrong.toml"
        file.write_text(f'about = ""\nsuite = "storyworld-basic"\n[[arms]]\nname = "a"\n{line}\n')
        with pytest.raises(BadInput, match=words) as found:
            open_study(str(file))
        assert "\n" not in str(found.value)
