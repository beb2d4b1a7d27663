"""The command line as a user types it: films, plans, and one clear line for everything that cannot be."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from server import Server

from kinograph.memory.ledger import Ledger

SMALL = ["--size", "128x72", "--frames", "8"]


def bomb(side: int = 14000) -> bytes:
    """A PNG of a few kilobytes that unfolds to side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (side // 8 + 1)) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_makes_a_film_quietly_in_a_pipe_and_shows_it(kinograph):
    status, out, err = kinograph("make", "A red ball rolls.", "--out", "film", *SMALL)
    assert (status, err) == (0, "")
    assert Path(out.strip()) == Path("film/film.mp4").absolute()
    assert Path(out.strip()).stat().st_size > 500
    status, out, _ = kinograph("show", "film")
    assert status == 0
    assert "a red ball: moves right" in out
    assert "contact_sheet.png" in out
    status, out, _ = kinograph("show")
    assert "finished" in out
    manifest = json.loads(Path("film/manifest.json").read_text())
    assert {"brief", "decision", "storyboard", "takes", "timeline", "versions", "timings"} <= set(manifest)
    assert manifest["takes"][0]["verdict"]["accepted"]
    assert manifest["versions"]["langgraph"]


def test_reads_a_brief_from_a_file_and_from_standard_input(kinograph):
    Path("brief.txt").write_text("A blue box spins.")
    assert kinograph("make", "brief.txt", "--out", "one", *SMALL)[0] == 0
    assert kinograph("make", "-", "--out", "two", *SMALL, stdin="A blue box spins.")[0] == 0
    one, two = (json.loads(Path(f"{name}/manifest.json").read_text()) for name in ("one", "two"))
    assert one["timeline"][0]["clip"] == two["timeline"][0]["clip"]


def test_json_tells_every_event_as_a_line(kinograph):
    _, out, _ = kinograph("make", "A red ball rolls.", "--json", *SMALL)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events][0 :: len(events) - 1] == ["Opened", "Finished"]
    assert events[-1]["film"]["timeline"]


def test_json_tells_stages_steps_and_the_time_left(kinograph):
    _, out, _ = kinograph("make", "A red ball rolls. Then it spins.", "--json", *SMALL)
    told = [event for event in map(json.loads, out.splitlines()) if event["event"] == "Progressed"]
    assert list(dict.fromkeys(event["stage"] for event in told)) == ["planning", "shooting", "cutting"]
    for stage in ("planning", "shooting", "cutting"):
        steps = [(event["step"], event["steps"]) for event in told if event["stage"] == stage]
        assert steps[-1][0] == steps[-1][1]
    left = [event["seconds"] for event in told if event["stage"] == "shooting"]
    assert left[0] > left[-1] == 0


def test_draws_a_timeline_into_the_folder_or_where_it_is_told(kinograph):
    kinograph("make", "A red ball rolls.", "--out", "film", *SMALL)
    status, out, err = kinograph("show", "film", "--timeline")
    assert (status, out.strip(), err) == (0, str(Path("film/timeline.svg").absolute()), "")
    told = json.loads(kinograph("show", "film", "new/mine.svg", "--timeline", "--json")[1])
    assert told == {"timeline": str(Path("new/mine.svg").absolute())}
    for file in ("film/timeline.svg", "new/mine.svg"):
        assert Path(file).read_text().startswith("<svg ")


def test_a_dry_run_plans_and_writes_nothing(kinograph, home: Path):
    status, out, _ = kinograph("make", "A red ball rolls. Then it bounces.", "--dry-run")
    assert status == 0
    assert "s1.2" in out
    assert re.search(r"estimated render time: about \d+ s", out)
    plan = json.loads(kinograph("make", "A red ball rolls.", "--dry-run", "--json")[1])
    assert plan["requests"][0]["prompt"].startswith("a red ball")
    assert not home.exists()
    assert not Path("films").exists()


def test_lists_models_and_examines_the_machine(kinograph):
    cards = json.loads(kinograph("models", "--json")[1])
    assert len(cards) >= 25
    assert [card["id"] for card in cards if card["available"]] == ["storyworld-diffusion", "storyworld-render"]
    assert [card["id"] for card in cards if card["default"]] == ["storyworld-diffusion"]
    assert "AnimateDiff" not in kinograph("models")[1] or "animatediff" in kinograph("models")[1]
    status, out, _ = kinograph("doctor")
    assert status == 0
    assert "H.264 encoder" in out
    assert "MB of model, storyworld_clip, as shipped" in " ".join(out.split())


def test_the_doctor_shows_the_load_the_tier_and_what_follows(kinograph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_MEDIA", "nowhere")
    status, out, _ = kinograph("doctor", "--json")
    found = {check["name"]: check["finding"] for check in json.loads(out)}
    assert status == 1
    assert re.match(r"tier [A-D]: \d+ cores, \d+ GB of memory, ", found["machine"])
    assert re.match(r"CPU \d+ %.*, memory \d+ %, \d+ GB of disk free, ", found["load"])
    assert re.match(r"[1-8]: half of \d+ cores", found["shots at a time"])
    assert found["media"] == "media = 'nowhere' is not a folder"


def test_the_doctor_fails_where_films_cannot_be_written(kinograph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_HOME", "/dev/null/home")
    status, out, _ = kinograph("doctor")
    assert status == 1
    assert "MISSING" in out


PICTURES = {
    "text.png": b"this is no picture",
    "bomb.png": bomb(12000),
    "nova.png": bomb(14000),
    "half.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["make", ""], 2, r"the brief '' says nothing"),
        (["make", " ... !"], 2, r"says nothing"),
        (["make", "-"], 2, r"says nothing"),
        (["make", "x" * 1_000_000], 2, r"has 1000000 characters; at most 20000"),
        (["make", "nowhere.txt"], 2, r"'nowhere.txt' does not exist"),
        (
            ["make", "A ball.", "--model", "dall-e"],
            2,
            r"unknown model 'dall-e'; available: storyworld-diffusion, storyworld-render",
        ),
        (
            ["make", "A ball.", "--model", "svd"],
            2,
            r"'svd' cannot render here: .* is not on this machine; fetch it with: kinograph models pull svd",
        ),
        (["make", "A ball.", "--topology", "ring"], 2, r"topology = 'ring'.*'chain'"),
        (["make", "A ball.", "--size", "0"], 2, r"size '0' is not WIDTHxHEIGHT"),
        (["make", "A ball.", "--size", "0x0"], 2, r"width = 0.*greater than or equal to 32"),
        (["make", "A ball.", "--size", "2000x2000"], 2, r"2000x2000 = 4000000 pixels does not fit"),
        (["make", "A ball.", "--frames", "10000"], 2, r"frames = '10000'.*less than or equal to 2400"),
        (["make", "A ball.", "--frames", "2000"], 2, r"2000 frames a shot do not fit storyworld-render: 1 to 240"),
        (["make", "A ball.", "--seconds", "10000"], 2, r"seconds = '10000'"),
        (["make", "A ball.", "--seed", "abc"], 2, r"seed = 'abc'.*valid integer"),
        (["make", "A ball.", "--seed", "-1"], 2, r"seed = '-1'.*greater than or equal to 0"),
        (["make", "A ball.", "--takes", "0"], 2, r"takes = '0'"),
        (["make", "A ball.", "--out", "/dev/null/film"], 4, r"cannot write '/dev/null/film"),
        (["make", "A ball.", "--out", "/proc/film"], 4, r"cannot write '/proc/film"),
        (["make", "A ball.", "--reference", "text.png"], 2, r"'text.png' is not a PNG, JPEG or WebP"),
        (["make", "A ball.", "--reference", "bomb.png"], 2, r"12000x12000 = 144000000 pixels; at most"),
        (["make", "A ball.", "--reference", "nova.png"], 2, r"'nova.png' is too big to open"),
        (["make", "A ball.", "--reference", "half.png"], 2, r"half.png"),
        (["make", "A ball.", "--reference", "page.svg"], 2, r"page.svg"),
        (["make", "A ball.", "--reference", "none.png"], 2, r"none.png"),
        (["make"], 2, r"Missing argument 'brief'"),
        (["fly"], 2, r"No such command 'fly'"),
        (["resume", "nobody"], 2, r"unknown production 'nobody'; available: none"),
        (["show", "nobody"], 2, r"unknown production 'nobody'"),
        (["show", "nobody", "--timeline"], 2, r"unknown production 'nobody'"),
        (["show", "--timeline"], 2, r"--timeline needs the id or folder"),
        (["show", "nobody", "film.svg"], 2, r"'film.svg' is one name too many"),
    ],
)
def test_bad_input_is_one_line_a_status_and_nothing_written(kinograph, home: Path, arguments, status, message):
    for name, data in PICTURES.items():
        Path(name).write_bytes(data)
    result, out, err = kinograph(*arguments)
    assert result == status, err
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert re.search(message, err), err
    assert not Path("films").exists()
    assert not list(home.rglob("*.mkv"))


def test_a_good_reference_is_refused_where_the_model_cannot_use_it(kinograph):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("hero.png")
    status, _, err = kinograph("make", "A ball.", "--reference", "hero.png", "--model", "storyworld-render")
    assert status == 2
    assert "cannot be conditioned on reference pictures" in err


def test_a_folder_that_is_not_empty_is_left_alone(kinograph):
    Path("film").mkdir()
    Path("film/mine.txt").write_text("mine")
    status, _, err = kinograph("make", "A ball.", "--out", "film", *SMALL)
    assert status == 2
    assert "is not an empty folder" in err
    assert [path.name for path in Path("film").iterdir()] == ["mine.txt"]


def test_damaged_checkpoints_are_one_line_and_a_way_out(kinograph):
    kinograph("make", "A red ball rolls.", "--out", "film", *SMALL)
    Path("film/.kinograph/checkpoints.sqlite").write_bytes(b"rubbish" * 999)
    status, _, err = kinograph("resume", "film")
    assert status == 5
    assert "--rebuild" in err
    assert kinograph("resume", "film", "--rebuild")[0] == 0


FULL = """
set -e
mount -t tmpfs -o size=200k tmpfs "$1"
shift
"$@" || status=$?
find "$OUT" -name '*.mp4' -o -name '.*.mp4' -o -name '*.png'
exit ${status:-0}
"""


def test_a_full_disk_is_one_line_and_the_film_can_be_finished_elsewhere(home: Path):
    """On a tmpfs of 200 KB in a mount namespace of its own; needs Linux with user namespaces or root."""
    place = Path("small")
    place.mkdir()
    command = [
        sys.executable,
        "-m",
        "kinograph.cli",
        "make",
        "A red ball rolls. Then it bounces.",
        "--out",
        "small/film",
    ]
    sandbox = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    run = subprocess.run(
        [*sandbox, "sh", "-c", FULL, "sh", str(place), *command, "--size", "384x216"],
        capture_output=True,
        text=True,
        env={**os.environ, "OUT": str(place)},
    )
    assert run.returncode == 4, run.stderr
    assert "the disk is full" in run.stderr or "disk is full" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert "film.mp4" not in run.stdout, "no half-written film is left"
    ledger = Ledger(home / "ledger.sqlite")
    (record,) = ledger.productions()
    assert record.state == "failed"
    done = ledger.renders()
    shutil.rmtree(place)
    again = subprocess.run([sys.executable, "-m", "kinograph.cli", "resume", record.id], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert Path(again.stdout.strip()).exists()
    assert all(count == 1 for count in ledger.renders().values())
    assert set(done) <= set(ledger.renders())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_film_can_be_resumed(number: signal.Signals):
    command = [sys.executable, "-m", "kinograph.cli"]
    text = ". ".join(f"A {color} ball rolls" for color in ("red", "blue", "green")) + "."
    with subprocess.Popen(
        [*command, "make", text, "--out", "film", "--size", "320x180", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if json.loads(line)["event"] == "ShotSettled":
                break
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert b"kinograph resume" in err
    assert b"Finished" not in out
    assert not Path("film/film.mp4").exists()
    started = time.monotonic()
    again = subprocess.run([*command, "resume", "film"], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert Path("film/film.mp4").exists()
    assert time.monotonic() - started < 120


def test_escape_sequences_and_control_characters_never_reach_the_film(kinograph):
    hostile = "\x1b[31mA red\x1b[0m ball \x1b]0;pwned\x07rolls\x00 \u202eto the left."
    plan = json.loads(kinograph("make", hostile, "--dry-run", "--json")[1])
    text = json.dumps(plan, ensure_ascii=False)
    assert not any(bad in text for bad in ("\x1b", "\u001b", "pwned", "\u202e", "\\u0000"))
    assert plan["storyboard"]["cast"][0]["id"] == "red-ball"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["make", "A ball \udcff."], 2),
        (["make", "A ball.", "--out", "x" * 300], 4),
        (["resume", "x" * 300], 4),
        (["make", "A " + "very" * 300 + " red ball rolls.", "--dry-run"], 0),
    ],
)
def test_strange_text_is_never_a_traceback(kinograph, arguments, status):
    result, _, err = kinograph(*arguments)
    assert result == status, err
    assert len(err.strip().splitlines()) == (1 if status else 0)


def test_a_settings_file_that_is_not_text_is_one_line(kinograph):
    Path("kinograph.toml").write_bytes(b"\xff\xfe")
    status, _, err = kinograph("show")
    assert status == 2
    assert "kinograph.toml" in err


@pytest.mark.parametrize("lost", ["film.mp4", "contact_sheet.png", "shots/s1.1.mp4", "manifest.json"])
def test_what_a_finished_film_lost_is_made_again(kinograph, home: Path, lost: str):
    kinograph("make", "A red ball rolls.", "--out", "film", *SMALL)
    renders = Ledger(home / "ledger.sqlite").renders()
    path = Path("film", lost)
    path.write_bytes(path.read_bytes()[:100]) if lost == "film.mp4" else path.unlink()
    assert kinograph("resume", "film")[0] == 0
    assert path.stat().st_size > 400
    assert Ledger(home / "ledger.sqlite").renders() == renders


def test_a_language_model_plans_a_film_and_its_cost_is_shown(kinograph, server: Server, monkeypatch):
    monkeypatch.setenv("KINOGRAPH_MIND__KIND", "openai")
    monkeypatch.setenv("KINOGRAPH_MIND__BASE_URL", server.url)
    monkeypatch.setenv("KINOGRAPH_MIND__MODEL", "small")
    monkeypatch.setenv("KINOGRAPH_MIND__TIMEOUT", "5")
    status, out, err = kinograph("make", "A red ball rolls.", "--out", "film", *SMALL)
    assert (status, err) == (0, "")
    assert Path(out.strip()) == Path("film/film.mp4").absolute()
    _, out, _ = kinograph("show", "film")
    (row,) = [line for line in out.splitlines() if "planner" in line]
    call = json.loads(Path("film/manifest.json").read_text())["usage"]["calls"][1]
    assert call["role"] == "planner"
    assert [cell.strip() for cell in row.split("│")][2:6] == [
        "small",
        "1",
        str(call["prompt_tokens"]),
        str(call["cached_tokens"]),
    ]
    assert call["cached_tokens"]
    _, out, _ = kinograph("doctor")
    assert f"small at {server.url} answers" in " ".join(out.split())


def test_a_language_model_that_is_down_is_told_in_one_line_and_a_film_is_made(
    kinograph, server: Server, monkeypatch: pytest.MonkeyPatch
):
    server.stop()
    monkeypatch.setenv("KINOGRAPH_MIND__KIND", "openai")
    monkeypatch.setenv("KINOGRAPH_MIND__BASE_URL", server.url)
    monkeypatch.setenv("KINOGRAPH_MIND__MODEL", "small")
    monkeypatch.setenv("KINOGRAPH_MIND__RETRIES", "0")
    monkeypatch.setenv("COLUMNS", "200")
    status, out, err = kinograph("make", "A red ball rolls.", "--out", "film", *SMALL)
    assert status == 0
    assert Path(out.strip()).is_file()
    (line,) = err.strip().splitlines()
    assert line.startswith("kinograph: rules answered where small did not: orchestrator: no connection in 1 attempts")
    _, out, _ = kinograph("doctor")
    assert "rules answer instead" in " ".join(out.split())


def test_a_mind_that_cannot_be_is_one_line(kinograph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KINOGRAPH_MIND__KIND", "openai")
    status, _, err = kinograph("make", "A red ball rolls.", *SMALL)
    assert status == 2
    assert err == "kinograph: mind: kind = 'openai' needs a model; set mind.model or KINOGRAPH_MIND__MODEL\n"
