"""kinograph calibrate: thresholds of one model, from its own clips, kept where validators find them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinograph import calibrating
from kinograph.agents.thresholds import thresholds_of
from kinograph.calibrating import ASKED, calibrate_model, told
from kinograph.errors import BadInput, UnknownName
from kinograph.hurting import INJECTED, hurt
from kinograph.settings import Settings
from kinograph.tools.storyworld.faults import SEVERITIES


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(calibrating, "SECONDS", 1.2)
    return Settings.load(home=tmp_path)


def test_a_models_thresholds_come_from_its_own_clips(settings: Settings):
    limits, measured = calibrate_model("storyworld-render", 5, settings)
    assert thresholds_of("storyworld-render", settings.home / "thresholds")["flicker"] == limits["flicker"]
    rows = told(limits, measured)
    assert [row.fault for row in rows[: len(INJECTED + ASKED)]] == [*INJECTED, *ASKED]
    assert not [row for row in rows if row.auc and (row.auc["gross"] < 0.95 or row.alarms > 0.2)]
    raised = rows[len(INJECTED + ASKED) :]
    assert all(row.threshold > row.before for row in raised), "the rest is what its own clips go beyond"
    kept = {path: path.stat().st_mtime_ns for path in (settings.home / "vault").rglob("*.mkv")}
    assert len(kept) == 5
    assert calibrate_model("storyworld-render", 5, settings)[0] == limits
    assert {path: path.stat().st_mtime_ns for path in (settings.home / "vault").rglob("*.mkv")} == kept


def test_faults_are_put_into_copies(settings: Settings, noise):
    from kinograph.tools.backends import Workbench, open_backend

    backend = open_backend("storyworld-render", Workbench(settings.home, Path), {})
    frames = noise(1, 12, 64, 96)
    before = frames.copy()
    made = [
        (kind, severity) for kind, severity, _ in hurt(frames, calibrating._asked(backend, 1, 0)[1], 3, frames[::-1])
    ]
    assert np.array_equal(frames, before)
    assert {severity for _, severity in made} == set(SEVERITIES)


def test_too_few_clips_and_unknown_models_are_refused_in_a_line(settings: Settings):
    with pytest.raises(BadInput, match="4 clips"):
        calibrate_model("storyworld-render", 4, settings)
    with pytest.raises(UnknownName, match="nonsense"):
        calibrate_model("nonsense", 5, settings)
