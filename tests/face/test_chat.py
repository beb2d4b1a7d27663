"""kinograph chat as a user meets it: in a pipe, on a terminal, stopped and killed."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from terminals import Terminal

from kinograph.cli import main
from kinograph.memory.ledger import Ledger

SMALL = ["--size", "64x48", "--frames", "6"]
BALL = "A red ball rolls across a meadow at sunset. Then it bounces over the sea at night."


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Pipes lines into kinograph chat in this process: (status, standard output, standard error)."""

    def run(lines: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kinograph", "chat", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


def test_a_film_is_made_changed_and_exported_in_a_pipe(chat, home: Path):
    lines = f"{BALL}\nyes\nmake shot 2 at dawn\nyes\n/takes 2\n/keep 2.1\nyes\n/export out.mp4\n/versions\n/cost\n"
    status, out, err = chat(lines, *SMALL)
    assert status == 0, err
    assert "2 of 2 shots to render" in out
    assert "2. a red ball: bounces; sea, dawn, static, 0.5 s [render: time: night → dawn" in out
    assert "1 of 2 shots to render" in out
    assert "Nothing needs to be rendered" in out
    assert "kept: the take that you chose" in out
    assert Path("out.mp4").stat().st_size > 400
    assert "3 films, 3 takes rendered" in out
    assert sum(Ledger(home / "ledger.sqlite").renders().values()) == 3
    assert "mind: rules" in err
    assert "kinograph chat --resume red-ball-rolls-across-" in err
    assert "\x1b" not in out + err


def test_the_kept_take_is_the_film_that_was(chat):
    """Version 3 shows shot 2 as version 1 did, frame by frame."""
    chat(f"{BALL}\nyes\nmake shot 2 at dawn\nyes\n/keep 2.1\nyes\n", *SMALL, "--out", "s")
    cuts = [json.loads(Path(f"s/v{n}/manifest.json").read_text())["timeline"] for n in (1, 2, 3)]
    assert [cut["clip"] for cut in cuts[2]] == [cut["clip"] for cut in cuts[0]] != [cut["clip"] for cut in cuts[1]]


def test_sessions_are_listed_and_resumed(chat):
    assert chat("", "--list")[1].startswith("no sessions yet")
    assert "there is no session to resume" in chat("", "--resume")[2]
    chat(f"{BALL}\n", *SMALL)
    listed = json.loads(chat("", "--list", "--json")[1])
    assert [(row["title"], row["versions"]) for row in listed] == [("Red ball, meadow at sunset", 1)]
    assert listed[0]["id"] in chat("", "--list")[1]
    status, out, _ = chat("swap 1 and 2\n", "--resume", listed[0]["id"])
    assert status == 0
    assert "(version 1)" in out
    assert "(version 2)" in out
    assert "(version 2)" in chat("", "--resume")[1]


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        ("/frob\n", [], "unknown command '/frob'; available: /show, "),
        ("/keep 3\n", [], "'3' is not SHOT.TAKE"),
        ("/takes x\n", [], "'x' is no number"),
        ("/takes 2\n", [], "nothing was said yet"),
        (f"{BALL}\n/takes 7\n", [], "shot 7 does not exist; there are 2"),
        (f"{BALL}\n/export\n", [], "/export needs a place"),
        (f"{BALL}\n/export 'x\n", [], "/export needs a place"),
        (f"{BALL}\n/show v9\n", [], "unknown version 'v9'; available: v1"),
        ("", ["--size", "9"], "size '9' is not WIDTHxHEIGHT"),
        ("", ["--takes", "99"], "takes = '99'"),
        ("", ["--resume", "nope"], "unknown session 'nope'"),
        ("", ["--resume", "nope", "--seed", "3"], "keeps its own seed"),
        ("", ["--model", "nope"], "unknown model 'nope'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_status(chat, lines: str, arguments: list[str], message: str):
    status, _, err = chat(lines, *arguments)
    assert status == 2, err
    told = [line for line in err.splitlines() if line.startswith("kinograph: ") and "go on with" not in line]
    assert len(told) == 1
    assert message in told[0]


@pytest.mark.parametrize("words", ["quit", "Exit", "/quit"])
def test_who_says_that_they_leave_leaves(chat, words: str):
    status, out, err = chat(f"help\n{words}\nnobody hears this\n")
    assert (status, "/undo" in out) == (0, True), err
    assert "nobody hears this" not in out + err


def test_json_tells_every_page_as_words(chat):
    status, out, err = chat(
        f"{BALL}\nyes\n/show\n/takes 1\n/versions\n/models\n/cost\n/help\n/seed\n", "--json", *SMALL
    )
    assert status == 0, err
    told = [event["words"] for line in out.splitlines() if (event := json.loads(line))["event"] == "Told"]
    assert len(told) == 7
    assert all(told)


def test_a_table_can_be_read_on_eighty_columns(chat, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = chat(f"{BALL}\nyes\n/models\n/takes 1\n/save\n", *SMALL)
    assert "storyworld-render" in out
    assert "films this session" in out
    assert "not set up here: allegro, " in out
    assert "a red ball" in out
    assert "version 1 is now 'Red ball, meadow at sunset'" in out


def test_yes_renders_every_storyboard_and_json_tells_every_event(chat):
    status, out, _ = chat("make shot 1 at night\n", BALL, "--yes", "--json", *SMALL)
    assert status == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["version"] for e in events if e["event"] == "Proposed"] == [1, 2]
    assert [e["film"]["folder"][-2:] for e in events if e["event"] == "Finished"] == ["v1", "v2"]
    assert [e["shot"] for e in events if e["event"] == "TakeStarted"] == ["s1.1", "s2.1", "s1.1"]


# ------------------------------------------------------------------------------- real processes


def session_in(home: Path) -> str:
    return sqlite3.connect(home / "sessions.sqlite").execute("SELECT id FROM sessions").fetchone()[0]


def test_ctrl_c_on_a_terminal_stops_the_render_and_not_the_session(home: Path):
    terminal = Terminal("-m", "kinograph.cli", "chat", "--size", "640x360")
    terminal.until(r"you>")
    terminal.type(f"{BALL}\r")
    terminal.until("Render it\\?")
    terminal.until(r"you>")
    terminal.type("\x03")
    terminal.until(r"you>")
    terminal.type("yes\r")
    terminal.until("take 1")
    terminal.type("\x03")
    terminal.until("stopping after the take at hand")
    terminal.until(r"\n(\x1b\[\?25h)?Stopped; finished shots are kept")
    terminal.until(r"you>")
    terminal.type("make shot 2 at dawn\r")
    terminal.until("version 2")
    terminal.until(r"you>")
    terminal.type("\x04")
    terminal.until("kinograph chat --resume")
    assert terminal.end() == 0
    assert (home / "chat_history").read_text().count("make shot 2 at dawn") == 1


def test_a_film_on_a_terminal_shows_bars_and_the_contact_sheet():
    terminal = Terminal("-m", "kinograph.cli", "chat", *SMALL)
    terminal.until(r"you>")
    terminal.type("A yellow star spins in space.\r")
    terminal.until(r"you>")
    terminal.type("yes\r")
    terminal.until("accepted")
    terminal.until("▀")
    terminal.until("contact_sheet.png")
    terminal.until(r"you>")
    terminal.type("/quit\r")
    assert terminal.end() == 0


def piped(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kinograph.cli", "chat", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def wait_for(what: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


LONG = " ".join(
    f"A red ball rolls across {place}." for place in ("a meadow at sunset", "the sea at night", "a forest by day")
)


@pytest.mark.parametrize("rendered", [0, 2])
def test_a_session_survives_kill_9_in_the_middle_of_a_film(home: Path, tmp_path: Path, rendered: int):
    """Whatever was rendered before the kill is not rendered again, and the film comes out."""
    process = piped("--size", "224x126", "--frames", "16", folder=tmp_path)
    assert process.stdin is not None
    process.stdin.write(f"{LONG}\nyes\n")
    process.stdin.flush()
    ledger_file = home / "ledger.sqlite"

    def done() -> int:
        """Jobs that are done; -1 while none was begun."""
        try:
            rows = sqlite3.connect(ledger_file).execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall()
        except sqlite3.OperationalError:
            return -1
        return dict(rows).get("done", 0) if rows else -1

    wait_for(lambda: done() >= rendered)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("films/*/v1/film.mp4"))
    finished = {digest for digest, count in Ledger(ledger_file).renders().items() if count}
    process = piped("--resume", session_in(home), folder=tmp_path)
    out, err = process.communicate("make shot 1 at night\nyes\n/versions\n", timeout=600)
    assert process.returncode == 0, err
    assert "going on with it" in err
    assert len(list(tmp_path.glob("films/*/v1/film.mp4"))) == 1
    assert len(list(tmp_path.glob("films/*/v2/film.mp4"))) == 1
    renders = Ledger(ledger_file).renders()
    assert {renders[digest] for digest in finished} <= {1}, "a finished shot was rendered again"
    assert sum(renders.values()) == 4, "three shots, and one for the change"
    assert "1 of 3 shots to render" in out


def test_a_turn_survives_kill_9_right_after_it_was_answered(home: Path, tmp_path: Path):
    process = piped(*SMALL, folder=tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{BALL}\nmake shot 2 at dawn\n")
    process.stdin.flush()
    while "version 2" not in process.stdout.readline():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    out, err = piped("--resume", folder=tmp_path).communicate("yes\n", timeout=600)
    assert "sea, dawn" in out, err
    assert "v2/film.mp4" in out


def test_ctrl_c_in_a_pipe_stops_the_render_and_reads_on(home: Path, tmp_path: Path):
    process = piped("--size", "320x180", "--frames", "16", folder=tmp_path)
    assert process.stdin is not None
    process.stdin.write(f"{LONG}\nyes\n")
    process.stdin.flush()
    wait_for(lambda: bool(list((home / "vault").glob("clips/*/*.json"))))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate("undo\n", timeout=600)
    assert process.returncode == 0, err
    assert "stopping after the take at hand; the session goes on" in err
    assert "Stopped; finished shots are kept" in out
    assert "There is nothing to undo" in out
