"""Settings: three sources in order, and errors that name what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph.errors import BadSetting
from kinograph.settings import Settings


def test_arguments_beat_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch):
    Path("kinograph.toml").write_text(
        'takes = 4\nworkers = 2\nmodel = "svd"\n[backends.storyworld-render]\nfault_rate = 0.25\n'
    )
    monkeypatch.setenv("KINOGRAPH_TAKES", "5")
    monkeypatch.setenv("KINOGRAPH_WORKERS", "3")
    settings = Settings.load(workers=1, takes=None)
    assert (settings.workers, settings.takes, settings.model) == (1, 5, "svd")
    assert settings.backends == {"storyworld-render": {"fault_rate": 0.25}}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("taks = 3", r"unknown setting 'taks'; available: .*takes"),
        ("takes = 99", r"takes = 99: .*less than or equal to 10"),
        ('topology = "ring"', r"topology = 'ring': .*'chain'"),
        ("takes = ", r"kinograph.toml is not valid TOML"),
    ],
)
def test_a_bad_file_is_one_clear_line(toml: str, message: str):
    Path("kinograph.toml").write_text(toml)
    with pytest.raises(BadSetting, match=message) as error:
        Settings.load()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KINOGRAPH_TAKS", "3", "unknown setting 'KINOGRAPH_TAKS' in the environment; available: .*takes"),
        ("KINOGRAPH_TAKES", "many", "takes = 'many': .*integer"),
        ("KINOGRAPH_BACKENDS", "{", "backends"),
    ],
)
def test_a_bad_variable_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=message):
        Settings.load()


def test_home_is_absolute_and_expanded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_HOME", "~/somewhere")
    assert Settings.load().home == Path("~/somewhere").expanduser()
