"""Conversations under evaluation, rendered: every turn has a film, and a shot that stays is rendered once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph.errors import BadInput
from kinograph.evals import run
from kinograph.evals.harness import RunResult
from kinograph.evals.suites import open_suite
from kinograph.evals.systems.studio import Crewed
from kinograph.settings import Settings

TALK = "chat-03"
"""A camera move, a time of day, and undo: three shots, of which one and then another changes."""


def system(rendered: bool) -> Crewed:
    settings = Settings.load(model="storyworld-render", embedder="pixels", topology="chain")
    return Crewed(settings, {"width": 192, "height": 108, "frames": 17, "fps": 8}, rendered=rendered)


def talked(folder: Path, rendered: bool) -> RunResult:
    return run("editing-chat", system(rendered), folder=folder, sample_ids=[TALK])


def test_a_conversation_that_is_rendered_is_judged_by_what_it_shows_and_renders_only_what_changed(tmp_path: Path):
    result = talked(tmp_path / "run", rendered=True)
    (log,) = result.samples
    assert log.state == "done", log.error
    assert (log.scores["untouched shots kept"], log.scores["right shots"]) == (1, 1)
    assert log.scores["changed shots right"] >= 0.5
    sample = open_suite("editing-chat").only([TALK]).samples[0]
    taken_back = 1
    assert log.spent.renders == len(sample.shots) + sum(len(turn.changes) for turn in sample.turns) - taken_back
    assert len(log.shots) == 3
    assert all((tmp_path / "run" / shot.clip).is_file() for shot in log.shots)
    assert result.run.system["rendered"] == "yes"
    assert Crewed.named(result.run.system).names()["rendered"] == "yes"


def test_without_rendering_what_is_shown_is_skipped_aloud(tmp_path: Path):
    result = talked(tmp_path / "run", rendered=False)
    assert result.samples[0].spent.renders == 0
    assert "needs films" in result.skipped["shown right"]
    with pytest.raises(BadInput, match="only conversations are rendered on request"):
        system(rendered=True).check("film")
