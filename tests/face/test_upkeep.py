"""Looking after the vault: damage is found, leftovers go, and what a production uses stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from kinograph.film import Take
from kinograph.memory.ledger import Ledger
from kinograph.memory.owners import host
from kinograph.memory.vault import Vault, open_vault
from kinograph.tools.footage import develop
from kinograph.upkeep import DAY, audit, leftovers


@pytest.fixture
def ledger(home: Path):
    one = Ledger(home / "ledger.sqlite")
    yield one
    one.close()


@pytest.fixture
def vault(home: Path) -> Vault:
    return Vault(home / "vault")


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "kinograph.cli", *arguments], capture_output=True, text=True)


def keep(vault: Vault, request, frames) -> Path:
    return Path(vault.keep_clip(develop(request, frames, vault.scratch("p"), 0.5)).path)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def aged(path: Path, seconds: float = 2 * DAY) -> Path:
    os.utime(path, (time.time() - seconds, time.time() - seconds))
    return path


def test_an_audit_of_what_is_whole_finds_nothing(vault: Vault, request_of, noise):
    keep(vault, request_of(), noise(1))
    vault.keep_picture(b"png")
    found = audit(vault)
    assert (found.clips, found.pictures, found.damaged) == (1, 1, ())


def test_an_audit_finds_one_bit_a_wrong_film_a_lost_file_and_a_wrong_picture(vault: Vault, request_of, noise):
    clips = [keep(vault, request_of(seed=seed), noise(seed)) for seed in range(4)]
    flip(clips[0])
    entry = clips[1].with_suffix(".json")
    pixels = Vault.clip(vault, clips[1].stem)
    assert pixels is not None
    entry.write_text(entry.read_text().replace(pixels.pixels, "0" * len(pixels.pixels)))
    clips[2].unlink()
    picture = vault.picture(vault.keep_picture(b"png"))
    picture.write_bytes(b"gnp")
    found = {one.what: one.words for one in audit(vault).damaged}
    assert set(found) == {clips[0].stem, clips[1].stem, clips[2].stem, picture.stem}
    assert "checksum" in found[clips[0].stem]
    assert "frames" in found[clips[1].stem]


def test_the_command_ends_with_5_on_damage(vault: Vault, request_of, noise):
    path = keep(vault, request_of(), noise(1))
    whole = cli("vault", "audit")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "1 clips" in whole.stdout
    flip(path)
    spoilt = cli("vault", "audit")
    assert spoilt.returncode == 5
    assert path.stem in spoilt.stderr


def test_leftovers_go_and_what_is_used_young_or_alive_stays(vault: Vault, ledger: Ledger, request_of, noise):
    used = keep(vault, request_of(), noise(1))
    folder = used.parent
    drafts = [folder / f".{letter * 12}.x.mkv" for letter in "ab"]
    for draft in drafts:
        draft.write_bytes(b"half")
    aged(drafts[0])
    spoken, orphan, lonely = (keep(vault, request_of(seed=seed), noise(seed)) for seed in (2, 3, 4))
    for clip in (spoken, orphan):
        aged(clip).with_suffix(".json").unlink()
    lonely.unlink()
    aged(lonely.with_suffix(".json"))
    ledger.record_take("film", Take(shot="s1", attempt=1, request=request_of(seed=2), error=spoken.stem))
    dead = vault.home / "scratch" / "film" / quote(f"{host()}:999999999:1.00", safe="")
    foreign = [vault.home / "scratch" / "film" / quote(f"{name}:7:1.00", safe="") for name in ("far/1", "far/2")]
    for one in (dead, *foreign):
        one.mkdir(parents=True)
        (one / "part").write_bytes(b"x" * 10)
    aged(foreign[0])
    mine = aged(vault.scratch("film"))
    gone = Ledger(ledger.place if isinstance(ledger.place, Path) else Path())
    gone.jobs.me = f"{host()}:999999999:1.00"
    held = request_of(seed=9)
    assert gone.jobs.claim(held)
    gone.close()
    found = list(leftovers(vault, ledger))
    assert {(one.kind, Path(one.name).name) for one in found} == {
        ("draft", drafts[0].name),
        ("clip without entry", orphan.name),
        ("entry without clip", lonely.with_suffix(".json").name),
        ("scratch", dead.name),
        ("scratch", foreign[0].name),
        ("job", held.digest),
    }
    for one in found:
        one.remove()
    assert list(leftovers(vault, ledger)) == []
    for path in (used, used.with_suffix(".json"), drafts[1], spoken, foreign[1], mine):
        assert path.exists(), path
    for path in (drafts[0], orphan, lonely.with_suffix(".json"), dead, foreign[0]):
        assert not path.exists(), path
    assert ledger.jobs.job(held.digest) == ("waiting", None, "its worker died")


def test_a_dry_run_removes_nothing(vault: Vault, ledger: Ledger, request_of, noise):
    clip = aged(keep(vault, request_of(), noise(1)))
    clip.with_suffix(".json").unlink()
    told = cli("vault", "clean", "--dry-run")
    assert told.returncode == 0
    assert clip.name in told.stdout
    assert clip.exists()
    assert "1 removed" in cli("vault", "clean").stdout
    assert not clip.exists()


def test_what_no_entry_vouches_for_goes_from_a_store(tmp_path: Path, ledger: Ledger, request_of, noise):
    vault = open_vault(f"memory://{tmp_path.name}", tmp_path / "cache")
    assert vault.store is not None
    keep(vault, request_of(), noise(1))
    vault.store.write(b"half", f"clips/ab/{'ab' * 20}.{'0' * 12}.mkv")
    assert list(leftovers(vault, ledger)) == [], "it may be of an upload that goes on"
    (one,) = leftovers(vault, ledger, age=-1.0)
    assert (one.kind, one.bytes) == ("clip without entry", 4)
    one.remove()
    assert len(vault.store.all("clips")) == 2
    assert audit(vault).damaged == ()
