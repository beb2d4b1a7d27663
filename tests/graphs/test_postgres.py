"""Productions and conversations whose ledger, locks and checkpoints are in Postgres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from kinograph import Settings, Studio
from kinograph.errors import BadSetting, ProductionBusy, StorageError
from kinograph.events import Finished, Proposed, ShotSettled
from kinograph.memory.database import Server
from kinograph.memory.ledger import Ledger

SIZE: dict[str, Any] = {"width": 64, "height": 48, "frames": 8}


@pytest.fixture
def studio(postgres_url: str) -> Studio:
    return Studio(Settings.load(ledger=postgres_url))


def renders(studio: Studio) -> dict[str, int]:
    with studio.ledger() as ledger:
        return ledger.renders()


def threads(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchone()
    assert found is not None
    return found[0]


def test_a_film_is_made_and_rebuilt_from_the_database(studio: Studio, postgres_url: str, home: Path):
    film = studio.make(studio.brief("A red ball rolls. A blue bird flies.", **SIZE), out="film")
    assert film.missing == ()
    assert not list(Path("film/.kinograph").glob("*.sqlite")), "checkpoints are with the ledger"
    assert not (home / "ledger.sqlite").exists()
    assert threads(postgres_url) == 3, "the film's, and one a shot"
    before = renders(studio)
    assert studio.resume("film", rebuild=True).timeline == film.timeline
    assert renders(studio) == before


def test_one_process_conducts_and_the_next_can_when_it_is_gone(studio: Studio, postgres_url: str):
    events = studio.stream(studio.brief("A red ball rolls.", **SIZE), out="film")
    next(events)
    with pytest.raises(ProductionBusy, match=r"owned by another process \(pid \d+ on .*--join"):
        Studio(Settings.load(ledger=postgres_url)).resume("film")
    events.close()
    assert Studio(Settings.load(ledger=postgres_url)).resume("film").missing == ()


def test_another_machine_finishes_what_one_began(postgres_url: str, tmp_path: Path):
    """Each with a home of its own; what they share is the ledger, the vault and the film's folder."""
    text = "A red ball rolls across the meadow. Then it bounces over the sea. Finally it rolls in the snow."
    alone = Studio(Settings.load(home=tmp_path / "alone", workers=1))
    whole = alone.make(alone.brief(text, **SIZE), out="alone")
    shared: dict[str, Any] = {"ledger": postgres_url, "vault": f"memory://{tmp_path.name}", "workers": 1}
    first, second = (Studio(Settings.load(home=tmp_path / name, **shared)) for name in ("first", "second"))
    events = first.stream(first.brief(text, **SIZE), out="film")
    assert any(isinstance(event, ShotSettled) for event in events)
    events.close()
    (tmp_path / "first").rename(tmp_path / "gone")
    film = second.resume("film")
    assert [take.request.digest for take in film.takes] == [take.request.digest for take in whole.takes]
    pixels = [[take.clip.pixels for take in one.takes if take.clip] for one in (film, whole)]
    assert pixels[0] == pixels[1]
    assert set(renders(second).values()) == {1}


def test_a_conversation_goes_on_in_another_process(studio: Studio, postgres_url: str):
    with studio.open(**SIZE) as talk:
        (proposed,) = [event for event in talk.say("A red ball rolls.") if isinstance(event, Proposed)]
        id = talk.id
    assert proposed.film is None
    with Studio(Settings.load(ledger=postgres_url)).open(id) as talk:
        events = list(talk.say("yes"))
        assert any(isinstance(event, Finished) for event in events)
    assert threads(postgres_url) == 3, "the conversation's, the film's and the shot's"


def test_a_server_that_is_not_there_is_one_line_without_the_password(tmp_path: Path):
    with pytest.raises(StorageError, match=r"the ledger 'postgresql://kino@127.0.0.1:1/films' says no") as error:
        Ledger(Server("postgresql://kino@127.0.0.1:1/films", "hunter2"))
    assert "\n" not in str(error.value)
    assert "hunter2" not in f"{error.value}{error.value.__cause__}{Server('x', 'hunter2')!r}"


def test_a_connection_that_broke_is_made_anew(postgres_url: str, postgres_server: str, request_of):
    ledger = Ledger(Server(postgres_url))
    (mine,) = ledger._db.rows("SELECT pg_backend_pid() AS pid")
    with psycopg.connect(postgres_server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (mine["pid"],))
    with pytest.raises(StorageError):
        ledger.renders()
    assert ledger.renders() == {}
    ledger.close()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ledger", "mysql://here/db", "should be postgresql://user@host/database"),
        ("ledger", "postgresql://kino@host", "should be postgresql://user@host/database"),
        ("ledger", "postgresql://kino:hunter2@host/db", "put it in KINOGRAPH_LEDGER_PASSWORD"),
        ("vault", "s3://key:hunter2@bucket", "should hold no user or key"),
    ],
)
def test_settings_say_what_is_wrong_and_show_no_password(name: str, value: str, why: str):
    with pytest.raises(BadSetting) as error:
        Settings.load(**{name: value})
    assert why.lower() in str(error.value).lower()
    assert "hunter2" not in str(error.value)


def test_the_password_is_read_from_the_environment_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_LEDGER_PASSWORD", "hunter2")
    settings = Settings.load(ledger="postgresql://kino@host/films")
    assert Studio(settings).place == Server("postgresql://kino@host/films", "hunter2")
    assert "hunter2" not in repr(settings)
    Path("kinograph.toml").write_text("ledger_password = 'hunter2'\n")
    with pytest.raises(BadSetting, match="KINOGRAPH_LEDGER_PASSWORD only"):
        Settings.load()
