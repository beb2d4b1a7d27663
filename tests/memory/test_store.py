"""The vault with a store far away: a real S3 server on loopback, and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from kinograph.errors import BadSetting, Damaged, LeaseLost, StorageError
from kinograph.memory.store import Store
from kinograph.memory.vault import Entry, Vault, open_vault
from kinograph.tools.footage import develop, load


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["s3", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where a vault is, of its own for each test."""
    if request.param == "memory":
        return f"memory://{tmp_path.name}/vault"
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "kino")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "graph")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"b{os.getpid()}-{tmp_path.name.replace('_', '-').lower()}"[:60].strip("-")
    fsspec.filesystem("s3").mkdir(bucket)
    return f"s3://{bucket}/films"


@pytest.fixture
def vault(url: str, tmp_path: Path) -> Vault:
    return open_vault(url, tmp_path / "here")


@pytest.fixture
def elsewhere(url: str, tmp_path: Path) -> Vault:
    """The same vault as another machine sees it."""
    return open_vault(url, tmp_path / "there")


def names(vault: Vault) -> list[str]:
    assert vault.store is not None
    return [found.name for found in vault.store.all("clips")]


def test_a_clip_kept_here_is_found_elsewhere(vault: Vault, elsewhere: Vault, request_of, noise):
    request = request_of()
    assert elsewhere.clip(request.digest) is None
    kept = vault.keep_clip(develop(request, noise(1), vault.scratch("p"), 0.5))
    found = elsewhere.clip(request.digest)
    assert found is not None
    assert found.changed(path=kept.path) == kept
    assert (load(found) == noise(1)).all()
    assert Path(found.path).is_relative_to(elsewhere.home)


def test_pictures_are_found_elsewhere_and_a_lost_one_is_told(vault: Vault, elsewhere: Vault):
    digest = vault.keep_picture(b"png")
    assert elsewhere.picture(digest).read_bytes() == b"png"
    assert vault.store is not None
    vault.store.delete(f"pictures/{digest[:2]}/{digest}.png")
    elsewhere.picture(digest).unlink()
    with pytest.raises(Damaged, match=digest):
        elsewhere.picture(digest)


def test_what_is_spoilt_on_the_way_or_there_is_not_taken_for_the_clip(
    vault: Vault, elsewhere: Vault, request_of, noise
):
    request = request_of()
    vault.keep_clip(develop(request, noise(1), vault.scratch("p"), 0.5))
    assert vault.store is not None
    (clip,) = [name for name in names(vault) if name.endswith(".mkv")]
    data = vault.store.read(clip)
    assert data is not None
    vault.store.write(data[:-1] + bytes([data[-1] ^ 1]), clip)
    assert elsewhere.clip(request.digest) is None
    assert vault.clip(request.digest), "the copy here is whole"
    with pytest.raises(Damaged, match="damaged in"):
        vault.inspected(request.digest)


def test_a_copy_that_is_damaged_is_fetched_again(vault: Vault, request_of, noise):
    request = request_of()
    kept = vault.keep_clip(develop(request, noise(1), vault.scratch("p"), 0.5))
    Path(kept.path).write_bytes(b"rubbish")
    found = vault.clip(request.digest)
    assert found is not None
    assert (load(found) == noise(1)).all()
    vault.drop_clip(request.digest)
    assert vault.clip(request.digest) is None


class Lost:
    """A fence that another process has passed."""

    def __enter__(self) -> None:
        raise LeaseLost("another process took over")

    def __exit__(self, *_: object) -> None: ...


def test_whoever_lost_the_lease_files_nothing_and_leaves_nothing(vault: Vault, request_of, noise):
    request, scratch = request_of(), vault.scratch("p")
    with pytest.raises(LeaseLost):
        vault.keep_clip(develop(request, noise(1), scratch, 0.5), Lost())
    assert names(vault) == []
    assert vault.clip(request.digest) is None
    assert list(scratch.iterdir()) == []
    assert not list((vault.home / "clips").glob("*/.*"))


def test_two_who_file_the_same_do_not_spoil_each_others_clip(vault: Vault, elsewhere: Vault, request_of, noise):
    request = request_of()
    for one in (vault, elsewhere):
        one.keep_clip(develop(request, noise(1), one.scratch("p"), 0.5))
    clips = {name for name in names(vault) if name.endswith(".mkv")}
    assert len(clips) == 2
    (entry,) = [vault.entry_of(name) for name in names(vault) if name.endswith(".json")]
    assert isinstance(entry, Entry)
    assert entry.object in clips
    vault.inspected(request.digest)


def test_a_folder_is_a_vault_without_a_store(tmp_path: Path):
    for place in (str(tmp_path / "shared"), f"file://{tmp_path}/shared"):
        vault = open_vault(place, tmp_path / "home")
        assert (vault.home, vault.store) == (tmp_path / "shared", None)


def test_a_store_that_cannot_be_used_is_one_line(url: str, tmp_path: Path):
    with pytest.raises(BadSetting, match="vault = 'gopher://hole' cannot be used"):
        open_vault("gopher://hole", tmp_path)
    if url.startswith("s3"):
        with pytest.raises(StorageError, match="no-such-bucket") as error:
            Store("s3://no-such-bucket/x").write(b"", "clips/a")
        assert "\n" not in str(error.value)
