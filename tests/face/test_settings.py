"""Settings: three sources in order, and errors that name what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph.errors import BadSetting
from kinograph.settings import Settings


def test_arguments_beat_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KINOGRAPH_MODEL")
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
        ('strategy = "all"', r"strategy = 'all': .*'sequential', 'parallel' or 'adaptive'"),
        ("reading_seconds = -1", r"reading_seconds = -1: .*greater than or equal to 0"),
        (
            'offline = true\n[mind]\nkind = "openai"\nmodel = "m"',
            r"offline = true, but mind.base_url asks another machine: 'api.openai.com'",
        ),
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


def test_a_mind_is_set_in_the_file_and_its_key_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    Path("kinograph.toml").write_text(
        '[mind]\nkind = "openai"\nbase_url = "http://localhost:11434/v1/"\nmodel = "small"\n'
        '[mind.models]\nvalidator = "eyes"\n[mind.prices.small]\nprompt = 0.4\ncompletion = 1.6\n'
        "[mind.budgets]\ncalls = 20\n"
    )
    monkeypatch.setenv("KINOGRAPH_MIND__KEY", "sk-123")
    monkeypatch.setenv("KINOGRAPH_MIND__MODEL", "large")
    mind = Settings.load().mind
    assert (mind.base_url, mind.model, mind.models) == ("http://localhost:11434/v1", "large", {"validator": "eyes"})
    assert mind.key is not None
    assert mind.key.get_secret_value() == "sk-123"
    assert "sk-123" not in repr(Settings.load())
    assert "sk-123" not in Settings.load().model_dump_json()
    assert (mind.budgets.calls, mind.prices["small"].completion) == (20, 1.6)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[mind]\nkind = "telepathy"', r"mind.kind = 'telepathy': .*'rules' or 'openai'"),
        ('[mind]\nkind = "openai"', "mind: kind = 'openai' needs a model; set mind.model or KINOGRAPH_MIND__MODEL"),
        ('[mind]\nkey = "sk-123"', r"mind\.key stands in kinograph\.toml; a key is read from KINOGRAPH_MIND__KEY only"),
        ('[mind]\nbase_url = "ftp://x"', r"mind\.base_url = 'ftp://x': .*http:// or https://"),
        ('[mind]\nbase_url = "http://me:sk-123@x/v1"', r"mind\.base_url = \(not shown\): .*no user or password"),
        ("[mind]\ntimeout = 0", r"mind\.timeout = 0: .*greater than 0"),
        ("[mind.budgets]\ncals = 3", r"unknown setting 'mind\.budgets\.cals'"),
        ("[mind.prices.small]\nprompt = 1", r"mind\.prices\.small\.completion"),
    ],
)
def test_a_bad_mind_is_one_clear_line_without_the_key(toml: str, message: str):
    Path("kinograph.toml").write_text(toml)
    with pytest.raises(BadSetting, match=message) as error:
        Settings.load()
    assert "\n" not in str(error.value)
    assert "sk-123" not in str(error.value)


def test_offline_a_model_of_this_machine_may_think():
    mind = {"kind": "openai", "model": "m", "base_url": "http://localhost:11434/v1"}
    assert Settings.load(offline=True, mind=mind).offline
