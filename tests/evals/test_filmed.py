"""What a Studio's film is to the harness: what its renders cost, what shows its findings, and who is in its shots."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph import Studio
from kinograph.evals import run
from kinograph.evals.harness import RunResult
from kinograph.evals.systems.filmed import spent_on
from kinograph.evals.systems.studio import Crewed
from kinograph.film import RenderRequest, Take, Usage
from kinograph.settings import Settings

SMALL = {"width": 128, "height": 96, "frames": 9, "fps": 8}
METRICS = ("identity similarity", "palette change", "temporal coherence")


def take(**fields: object) -> Take:
    request = RenderRequest(model="m", revision="1", prompt="p", seed=0, frames=9, fps=8, width=64, height=64)
    return Take.model_validate({"shot": "s", "attempt": 1, "request": request} | fields)


def test_a_stopped_render_is_the_share_of_it_that_was_done_and_a_failed_one_is_whole():
    takes = [take(), take(stopped=0.25), take(error="no clip"), take(reused=True), take(placeholder=True)]
    spent = spent_on(Usage(), takes)
    assert (spent.renders, spent.reused, spent.generated()) == (2.25, 1, 3.25)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    system = Crewed(Settings.load(topology="chain", model="storyworld-render"), SMALL)
    folder = tmp_path_factory.mktemp("story") / "run"
    return run("storyworld-story", system, folder=folder, sample_ids=["story-001"], metrics=METRICS)


def test_a_shot_is_held_beside_what_its_film_remembers_out_of_others(story: RunResult):
    shots = story.samples[0].shots
    assert story.samples[0].scores["identity similarity"] > 0.9
    assert ["palette change" in shot.scores for shot in shots] == [False, True, True]


def test_a_shot_is_not_held_beside_itself(tmp_path: Path):
    system = Crewed(Settings.load(topology="chain", model="storyworld-render"), SMALL)
    asked = {"sample_ids": ["basic-001"], "metrics": ("identity similarity",)}
    log = run("storyworld-basic", system, folder=tmp_path / "run", **asked).samples[0]
    assert log.skipped == {"identity similarity": "needs cast"}


def test_a_film_of_right_takes_went_as_expected(story: RunResult):
    log = story.samples[0]
    assert log.path == log.expected
    assert log.expected.count("render") == len(log.shots)


def test_pictures_that_show_findings_lie_beside_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Those that are gone are left out."""
    from kinograph.agents.validator import Validator
    from kinograph.tools.footage import load, png

    rules = Validator.rules

    def showing(self, question):
        verdict = rules(self, question)
        kept = self.vault.keep_picture(png(load(question.clip)[0]))
        return verdict.changed(findings=tuple(one.changed(evidence=(kept, "gone")) for one in verdict.findings))

    monkeypatch.setattr(Validator, "rules", showing)
    backends = {"storyworld-render": {"fault_rate": 1.0}}
    system = Crewed(Settings.load(topology="chain", model="storyworld-render", backends=backends), SMALL)
    log = run("storyworld-basic", system, folder=tmp_path / "run", sample_ids=["basic-001"], metrics=()).samples[0]
    assert log.shots[0].findings
    assert log.shots[0].evidence
    assert all((tmp_path / "run" / file).stat().st_size > 100 for file in log.shots[0].evidence)


def test_a_studio_may_be_asked_what_answers_for_its_agents():
    assert Studio(topology="chain").given_mind is None
