"""kinograph models: what is installed, fetching it from a hub over real HTTP, and looking whether it is whole."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hub
import pytest
from filelock import FileLock
from hub import Hub
from huggingface_hub import constants

SOURCE = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
SHARD = "transformer/diffusion_pytorch_model-00002-of-00002.safetensors"

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Hub]:
    """A hub with the weights of wan-2.1-1.3b, 3 MB in two shards, and what nobody wants beside them."""
    with hub.serving() as running:
        files = hub.files_of(hub.pipeline(tmp_path / "upstream", megabytes=6))
        more = {
            "all_in_one.safetensors": bytes(9999),
            "vae/diffusion_pytorch_model.bin": bytes(9999),
            "README.md": b"#",
        }
        running.repos[SOURCE] = files | more
        running.licenses[SOURCE] = "apache-2.0"
        yield running


def environment(tmp_path: Path, url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return kept | {"HF_ENDPOINT": url, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_TOKEN_PATH": str(tmp_path / "none")}


@pytest.fixture
def process(tmp_path: Path, served: Hub) -> Command:
    """Runs `kinograph models` in a process of its own, whose environment names the hub."""

    def run(*arguments: str, stdin: str = "", url: str = served.url) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "kinograph.cli", "models", *arguments]
        env = environment(tmp_path, url)
        done = subprocess.run(command, capture_output=True, text=True, input=stdin, env=env, timeout=60)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def models(kinograph, tmp_path: Path, served: Hub, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `kinograph models` in this process; what the hub's library read from the environment is set anew."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    point_at(served.url, monkeypatch)

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        return kinograph("models", *arguments, stdin=stdin)

    return run


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the hub's library ask a server."""
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


def one_line(said: str) -> str:
    assert said.count("\n") == 1, said
    assert said.startswith("kinograph: ")
    return said


def test_pull_shows_licence_and_size_fetches_what_is_wanted_and_checks_it(
    process: Command, models: Command, served: Hub, tmp_path: Path
):
    status, out, err = process("pull", "wan-2.1-1.3b", stdin="yes\n")
    assert status == 0, err
    for told in ("Wan 2.1", "licence  Apache-2.0\n", f"{SOURCE} at {hub.COMMIT[:12]}", "6.0 MB in 12 files", "GB free"):
        assert told in err
    folder = Path(out.strip())
    assert folder == tmp_path / "cache" / f"models--{SOURCE.replace('/', '--')}" / "snapshots" / hub.COMMIT
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert names == served.repos[SOURCE].keys() - {
        "all_in_one.safetensors",
        "vae/diffusion_pytorch_model.bin",
        "README.md",
    }
    assert all((folder / name).read_bytes() == served.repos[SOURCE][name] for name in names)
    status, out, err = process("check", "wan-2.1-1.3b", url="http://127.0.0.1:1")
    assert (status, err) == (0, "")
    assert out == f"wan-2.1-1.3b is whole: {folder} (6.0 MB, revision {hub.COMMIT[:12]})\n"
    asked = len(served.ranges(SHARD))
    status, out, err = models("pull", "wan-2.1-1.3b")
    assert (status, out.strip()) == (0, str(folder)), "what is here is not asked for"
    assert len(served.ranges(SHARD)) == asked == 1


def test_a_download_that_breaks_goes_on_where_it_broke(models: Command, served: Hub):
    served.cuts[SHARD] = [1_200_000]
    status, _, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 0, err
    first, then = served.ranges(SHARD)
    assert first is None
    assert then is not None
    assert 1_000_000 < int(then.removeprefix("bytes=").rstrip("-")) <= 1_200_000


def test_a_hub_that_sends_the_whole_when_the_rest_was_asked_for_does_not_spoil_the_file(models: Command, served: Hub):
    served.cuts[SHARD], served.ignores_ranges = [1_200_000], True
    status, out, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 0, err
    assert (Path(out.strip()) / SHARD).read_bytes() == served.repos[SOURCE][SHARD]


def test_ctrl_c_keeps_half_a_file_and_the_same_command_goes_on(models: Command, served: Hub, tmp_path: Path):
    served.stalls[SHARD] = 2_200_000
    command = [sys.executable, "-m", "kinograph.cli", "models", "pull", "wan-2.1-1.3b", "--yes"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path, served.url)
    )
    assert served.stalled.wait(30)
    half = next(iter((tmp_path / "cache").rglob(f"{hub.sha256(served.repos[SOURCE][SHARD])}.incomplete")), None)
    for _ in range(100):
        half = half or next(iter((tmp_path / "cache").rglob("*.incomplete")), None)
        if half and half.stat().st_size >= 2_000_000:
            break
        served.goes_on.wait(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    last = err.splitlines()[-1]
    assert "of 6.0 MB are here and stay; go on with: kinograph models pull wan-2.1-1.3b" in last
    assert half is not None
    kept = half.stat().st_size
    assert kept > 1_000_000
    status, _, err = models("check", "wan-2.1-1.3b")
    assert status == 2
    assert "kinograph models pull wan-2.1-1.3b" in one_line(err)
    served.stalls.clear()
    served.goes_on.set()
    status, out, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 0, err
    assert "of them are here" in err
    assert served.ranges(SHARD) == [None, f"bytes={kept}-"]
    assert (Path(out.strip()) / SHARD).read_bytes() == served.repos[SOURCE][SHARD]


def test_what_is_not_what_the_hub_promised_is_not_kept(models: Command, served: Hub, tmp_path: Path):
    other = bytearray(served.repos[SOURCE][SHARD])
    half = tmp_path / "cache" / f"models--{SOURCE.replace('/', '--')}" / "blobs"
    half.mkdir(parents=True)
    half /= f"{hub.sha256(bytes(other))}.incomplete"
    half.write_bytes(bytes(1000))  # the beginning of another file
    status, out, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert (status, out) == (5, "")
    assert f"{SHARD} came with SHA-256" in err.splitlines()[-1]
    assert models("pull", "wan-2.1-1.3b", "--yes")[0] == 0


def test_pull_mends_a_damaged_cache(models: Command, served: Hub):
    folder = Path(models("pull", "wan-2.1-1.3b", "--yes")[1].strip())
    blob = (folder / SHARD).resolve()
    blob.write_bytes(blob.read_bytes()[:-7])
    status, _, err = models("check", "wan-2.1-1.3b")
    assert status == 5
    assert SHARD in one_line(err)
    assert "kinograph models pull wan-2.1-1.3b" in err
    assert models("pull", "wan-2.1-1.3b", "--yes")[0] == 0
    assert models("check", "wan-2.1-1.3b")[0] == 0


def test_pull_goes_to_a_folder_of_its_own_which_settings_can_name(models: Command, tmp_path: Path):
    place = tmp_path / "my weights"
    status, out, err = models("pull", "wan-2.1-1.3b", "--yes", "--to", str(place))
    assert (status, out.strip()) == (0, str(place)), err
    section, _, line = err.splitlines()[-1].partition("use them with: ")[2].partition(" weights")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    assert models("check", str(place))[0] == 0
    Path("kinograph.toml").write_text(f"{section}\nweights{line}\n")
    card = next(card for card in json.loads(models("--json")[1]) if card["id"] == "wan-2.1-1.3b")
    assert (card["installed"], card["weights_path"]) == (True, str(place))
    assert card["installed_gb"] == pytest.approx(0.006, abs=0.001)
    assert card["license"] == "Apache-2.0"
    status, _, err = models("pull", "wan-2.1-1.3b")
    assert status == 2
    assert "there is nothing to fetch" in one_line(err)


def test_pull_writes_over_nothing_that_it_did_not_fetch(models: Command, tmp_path: Path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    status, _, err = models("pull", "wan-2.1-1.3b", "--yes", "--to", str(mine))
    assert status == 2
    assert "neither empty nor begun by an earlier pull; found: thesis.txt" in one_line(err)
    status, _, err = models("pull", "wan-2.1-1.3b", "--yes", "--to", str(mine / "thesis.txt"))
    assert status == 4
    assert [file.name for file in mine.iterdir()] == ["thesis.txt"]


def test_two_pulls_of_the_same_do_not_mix(models: Command, served: Hub, tmp_path: Path):
    place = tmp_path / "cache" / ".locks" / f"models--{SOURCE.replace('/', '--')}"
    place.mkdir(parents=True)
    with FileLock(place / "pull.lock"):
        status, out, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert (status, out) == (3, "")
    assert f"another process is fetching {SOURCE}" in err.splitlines()[-1]
    assert served.ranges(SHARD) == []


def test_pull_asks_first_and_takes_no_for_an_answer(models: Command, served: Hub):
    for answer in ("no\n", "", "\n"):
        status, out, err = models("pull", "wan-2.1-1.3b", stdin=answer)
        assert (status, out) == (130, "")
        assert "nothing was fetched; --yes" in err
    assert served.ranges(SHARD) == []


def test_pull_looks_for_room_before_it_fetches(models: Command, served: Hub):
    served.sizes[SHARD] = 10**15
    status, _, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 4
    assert "931322.6 GB of" in err.splitlines()[-1]
    assert "--to" in err.splitlines()[-1]
    assert served.ranges(SHARD) == []


def test_pull_sends_the_token_to_the_hub_and_nowhere_else(
    models: Command, served: Hub, monkeypatch: pytest.MonkeyPatch
):
    served.gated.add(SOURCE)
    status, _, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 2
    assert f"is gated: accept its terms at {served.url}/{SOURCE}, then log in" in err.splitlines()[-1]
    assert "terms are to be accepted" in err
    served.asked.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    status, _, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 0, err
    keys = {one.path.split("/")[1]: one.key for one in served.asked}
    assert keys == {"api": "Bearer hf_secret", "Wan-AI": "Bearer hf_secret", "blobs": None}


def test_pull_says_in_one_line_why_it_cannot(models: Command, monkeypatch: pytest.MonkeyPatch):
    def says(name: str, wanted: int, words: str) -> None:
        status, out, err = models("pull", name)
        assert (status, out) == (wanted, ""), err
        assert words in one_line(err)

    says("mochi", 2, "knows no repo 'genmo/mochi-1-preview'")
    says(f"{SOURCE}@v9", 2, "no such revision")
    says("mochy", 2, "unknown model 'mochy'; available: storyworld-diffusion")
    says("openai-video", 2, "nothing can be fetched for openai-video")
    with monkeypatch.context() as patched:
        patched.setattr(constants, "HF_HUB_OFFLINE", True)
        says("mochi", 2, "HF_HUB_OFFLINE is set")
    with monkeypatch.context() as patched:
        patched.setenv("KINOGRAPH_OFFLINE", "true")
        says("mochi", 2, "offline = true")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        point_at(nobody, monkeypatch)
        says("mochi", 1, f"{nobody} cannot be reached")


def test_pull_refuses_what_is_there_as_a_pickle_only(models: Command, served: Hub):
    files = dict(served.repos[SOURCE])
    del files["vae/diffusion_pytorch_model.safetensors"]
    served.repos[SOURCE] = files
    status, _, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 2
    assert "'vae/diffusion_pytorch_model.bin' as a pickle only" in one_line(err)
    Path("kinograph.toml").write_text('[backends."wan-2.1-1.3b"]\npickles = true\n')
    status, out, err = models("pull", "wan-2.1-1.3b", "--yes")
    assert status == 0, err
    assert (Path(out.strip()) / "vae" / "diffusion_pytorch_model.bin").is_file()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache for commands in this process."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_list_tells_what_is_installed_where_and_under_which_licence(kinograph, cache: Path):
    snapshot = hub.pipeline(cache / f"models--{SOURCE.replace('/', '--')}" / "snapshots" / hub.COMMIT)
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text(hub.COMMIT)
    status, out, err = kinograph("models", "--json")
    assert (status, err) == (0, "")
    cards = {card["id"]: card for card in json.loads(out)}
    told = {id: (card["installed"], card["weights_path"]) for id, card in cards.items()}
    assert told["wan-2.1-1.3b"] == (True, str(snapshot))
    assert told["mochi"] == told["openai-video"] == (False, None)
    assert told["storyworld-render"] == (True, None)
    assert told["storyworld-diffusion"][0]
    assert 0.02 < cards["storyworld-diffusion"]["installed_gb"] < 0.1
    assert cards["mochi"]["installed_gb"] is None
    (snapshot / SHARD).unlink()
    assert not {card["id"]: card for card in json.loads(kinograph("models", "--json")[1])}["wan-2.1-1.3b"]["installed"]
    page = " ".join(kinograph("models")[1].split())
    for told in ("ships with", "not here", "hub cache,", "not whole", "CC-BY-NC-4.0"):
        assert told in page
    for id in cards:
        assert id in page, "a name can be copied"


def test_check_knows_what_ships_with_kinograph_and_says_what_to_do_about_the_rest(kinograph, cache: Path):
    status, out, _ = kinograph("models", "check", "storyworld-diffusion")
    assert status == 0
    assert out.startswith("storyworld-diffusion is whole: ")
    assert kinograph("models", "check", "storyworld-render") == (0, "storyworld-render needs no weights\n", "")
    status, out, _ = kinograph("models", "pull", "storyworld-diffusion")
    assert (status, out) == (0, "storyworld-diffusion ships with kinograph; there is nothing to fetch\n")
    for name, said in (
        ("mochi", "fetch it with: kinograph models pull mochi"),
        ("mochy", "unknown model 'mochy'"),
        ("./nowhere", "'./nowhere' does not exist"),
        ("openai-video", "it names no weights"),
    ):
        status, out, err = kinograph("models", "check", name)
        assert (status, out) == (2, "")
        assert said in one_line(err)


def test_check_takes_a_folder_and_a_part_of_a_pipeline(kinograph, tmp_path: Path):
    folder = hub.pipeline(tmp_path / "wan")
    assert kinograph("models", "check", str(folder))[0] == 0
    assert kinograph("models", "check", str(folder / "vae"))[0] == 0
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"x")
    assert kinograph("models", "check", str(folder))[0] == 5
    assert kinograph("models", "check", str(folder / "vae"))[0] == 5
    assert kinograph("models", "check", str(folder / "tokenizer"))[0] == 2
