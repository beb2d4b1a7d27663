"""The vault: whole clips or none, by digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph.errors import Damaged
from kinograph.memory.vault import Vault
from kinograph.tools.footage import develop, load


def test_keeps_a_clip_under_its_request_and_gives_it_back(tmp_path: Path, request_of, noise):
    vault, request = Vault(tmp_path / "vault"), request_of()
    kept = vault.keep_clip(develop(request, noise(1), vault.scratch("p"), 0.5))
    assert vault.clip(request.digest) == kept
    assert (load(kept) == noise(1)).all()
    assert list(vault.scratch("p").iterdir()) == []
    assert Vault(tmp_path / "vault").clip(request_of(seed=8).digest) is None


def test_a_torn_clip_or_entry_does_not_exist(tmp_path: Path, request_of, noise):
    vault = Vault(tmp_path / "vault")
    for number, tear in enumerate((b"", b"{")):
        request = request_of(seed=number)
        kept = vault.keep_clip(develop(request, noise(number), vault.scratch("p"), 0.5))
        torn = Path(kept.path) if number == 0 else Path(kept.path).with_suffix(".json")
        torn.write_bytes(tear)
        assert vault.clip(request.digest) is None


def test_a_moved_home_still_finds_its_clips(tmp_path: Path, request_of, noise):
    vault, request = Vault(tmp_path / "here"), request_of()
    vault.keep_clip(develop(request, noise(1), vault.scratch("p"), 0.5))
    (tmp_path / "here").rename(tmp_path / "there")
    found = Vault(tmp_path / "there").clip(request.digest)
    assert found is not None
    assert (load(found) == noise(1)).all()


def test_equal_pictures_are_kept_once(tmp_path: Path):
    vault = Vault(tmp_path)
    assert vault.keep_picture(b"png") == vault.keep_picture(b"png") != vault.keep_picture(b"other")
    assert vault.picture(vault.keep_picture(b"png")).read_bytes() == b"png"


def test_what_a_request_is_tied_to_is_a_picture_or_another_request_s_clip(tmp_path: Path, request_of, noise):
    vault, request = Vault(tmp_path / "vault"), request_of()
    kept = vault.keep_clip(develop(request, noise(1), vault.scratch("p"), 0.5))
    assert vault.material(request.digest) == Path(kept.path)
    assert vault.material(vault.keep_picture(b"png")).read_bytes() == b"png"
    with pytest.raises(Damaged, match=f"picture {'0' * 40} is missing"):
        vault.material("0" * 40)
