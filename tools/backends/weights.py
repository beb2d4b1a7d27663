"""Weights of video models on this machine: where they lie, what they are, whether they are whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from kinograph.errors import BadInput, Damaged
from kinograph.tools.backends import soundness
from kinograph.tools.backends.soundness import PICKLES, TEXTS, contents, reading

SMALL = 1 << 20
"""Bytes up to which a json file counts with all it says; a larger one, a vocabulary, counts with its size."""
SAMPLES, SAMPLE = 64, 4096
"""How many pieces of a weights file count with what is in them, and bytes of each."""
HUB_ID = re.compile(r"(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>[\w-][\w./-]*))?")
WEIGHTS_NAME = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)(?:-\d{5}-of-\d{5})?(?:\.(?P<variant>\w+))?(?:-\d{5}-of-\d{5})?"
    r"\.(?:safetensors|bin)"
)
Kind = Literal["pipeline", "part", "file", "loose"]


class Weights(NamedTuple):
    """Weights that are on this machine, whole or not."""

    folder: Path
    """A folder in the diffusers layout, or a single file."""
    revision: str
    """The hub's commit when they come from its cache; else a digest of names, sizes, small json files, headers, and
    pieces of what the files hold."""
    gb: float
    """Size on disk in GiB."""

    @property
    def kind(self) -> Kind:
        """pipeline: has a model_index.json. part: a component of one, as a motion adapter. loose: any other folder."""
        if self.folder.is_file():
            return "file"
        if (self.folder / "model_index.json").exists():
            return "pipeline"
        return "part" if (self.folder / "config.json").exists() else "loose"


def find(source: str) -> Weights | None:
    """Weights on this machine by folder, file, or hub id ("owner/name" or "owner/name@revision") in the hub's cache.

    A folder that exists goes before a hub id of the same words. None when they are not here; what is here may be
    incomplete: `check` tells. Never touches the network. Raises StorageError for what may not be looked at.
    """
    if not source:
        return None
    path = Path(source).expanduser()
    with reading(path):
        if path.exists():
            path = path.absolute()
            return Weights(path, _digest(path), _gb(path))
        return _in_cache(source)


def hub_id(source: str) -> tuple[str, str | None] | None:
    """("owner/name", revision or None) of a hub id; None for what is none."""
    match = HUB_ID.fullmatch(source)
    if match is None or ".." in source:
        return None
    return match["repo"], match["revision"]


def cache_folder(repo: str) -> Path:
    """Where the hub's cache keeps a repo: blobs/, refs/ and snapshots/ as its documentation has them."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"


def needs(source: str) -> str:
    """What to do when `find` gives None."""
    if not source:
        return "it names no weights; set `weights` in the model's options to a folder in the diffusers layout"
    if hub_id(source) is None:
        return (
            f"{source!r} does not exist; weights are a folder in the diffusers layout, "
            "a .safetensors file, or a hub id such as owner/name"
        )
    return f"{source} is not on this machine; fetch it with: {_pull(source)}, or set `weights` to a folder that has it"


def _pull(source: str) -> str:
    from kinograph.tools.backends import cards

    names = [card.id for card in cards().values() if card.source == source]
    return f"kinograph models pull {names[0] if names else source}"


def _in_cache(source: str) -> Weights | None:
    # The snapshot is looked up by the layout itself: the hub's own function calls it incomplete for every file
    # of the repo that was never wanted.
    if (asked := hub_id(source)) is None:
        return None
    repo, revision = asked[0], asked[1] or "main"
    store = cache_folder(repo)
    ref = store / "refs" / revision
    commit = ref.read_text("utf-8", "replace").strip() if ref.is_file() else revision
    snapshot = store / "snapshots" / commit
    return Weights(snapshot, commit, _gb(snapshot)) if commit and snapshot.is_dir() else None


def files_in(path: Path) -> list[Path]:
    """The file itself, or what lies in a folder and the folders in it, hidden ones left out. A pipeline goes no deeper,
    and a folder given by mistake, as a home, may have no end."""
    if path.is_file():
        return [path]
    shown = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    deep = [file for entry in shown if entry.is_dir() for file in entry.iterdir() if not file.name.startswith(".")]
    return sorted(file for file in (*shown, *deep) if file.is_file())


def _gb(path: Path) -> float:
    return sum(file.stat().st_size for file in files_in(path)) / 2**30


def _digest(path: Path) -> str:
    """12 hex digits that change whenever a file that is loaded gets another name, size, layout or setting, or weights
    of it that are many."""
    marks = hashlib.blake2b(digest_size=6)
    for file in files_in(path):
        if file.suffix not in (*TEXTS, *PICKLES, ".safetensors"):
            continue
        size = file.stat().st_size
        name = file.name if file == path else file.relative_to(path).as_posix()
        marks.update(f"{name}\0{size}\0".encode())
        if file.suffix == ".safetensors":
            marks.update(_header(file, size))
        if file.suffix in (*PICKLES, ".safetensors"):
            marks.update(_samples(file, size))
        elif file.suffix == ".json" and size <= SMALL:
            marks.update(file.read_bytes())
    return marks.hexdigest()


def _samples(file: Path, size: int) -> bytes:
    """Bytes from all over a file: weights of one layout, trained on, are other weights."""
    with file.open("rb") as opened:
        found = []
        for number in range(SAMPLES):
            opened.seek(max(0, size - SAMPLE) * number // (SAMPLES - 1))
            found.append(opened.read(SAMPLE))
        return b"".join(found)


def _header(file: Path, size: int) -> bytes:
    """The length and the JSON that a safetensors file begins with; as much of it as there is in a damaged one."""
    with file.open("rb") as opened:
        length = opened.read(8)
        return length + opened.read(min(int.from_bytes(length, "little"), size, 100 * SMALL))


def check(weights: Weights, pickles: bool = False) -> None:
    """Raises before any long work what would fail in it; says nothing when a pipeline or a single file is whole.

    Damaged: a safetensors file with a broken header or another length than its header says, a shard that an index
    names and is not there, a json file that cannot be read. BadInput: a folder that is no pipeline, a component that
    is missing or has no weights, a tokenizer without its vocabulary, and pickles unless they are allowed.
    StorageError: a file that may not be read. No tensor is read, and no torch is loaded.
    """
    folder = weights.folder
    with reading(folder), _from_hub(folder):
        if weights.kind == "file":
            given = soundness.check_file(folder)
        elif weights.kind == "pipeline":
            given = soundness.check_pipeline(folder)
        else:
            raise BadInput(f"{str(folder)!r} is no pipeline: it has no model_index.json{contents(folder)}")
    _refuse(given, pickles)


def check_part(folder: Path, pickles: bool = False) -> None:
    """As `check`, for the folder of one model alone, as a motion adapter: a config.json and its weights."""
    with reading(folder), _from_hub(folder):
        given = soundness.check_model(folder)
    _refuse(given, pickles)


def _refuse(given: list[Path], pickles: bool) -> None:
    if given and not pickles:
        raise BadInput(
            f"{str(given[0])!r} is a pickle, which may run code when it is loaded; "
            "`pickles = true` in the model's options allows it"
        )


def variant(weights: Weights) -> str | None:
    """The `variant` by which diffusers finds the weights, such as "fp16"; None where the plain files are there."""
    folder = weights.folder
    for place in folder.iterdir() if weights.kind == "pipeline" else (folder,):
        names = {match["variant"] for file in place.glob("*") if (match := WEIGHTS_NAME.fullmatch(file.name))}
        if names and None not in names:
            return min(names)
    return None


@contextmanager
def _from_hub(folder: Path) -> Iterator[None]:
    """Says of what is not whole in the hub's cache which command fetches it."""
    try:
        yield
    except (BadInput, Damaged) as error:
        if folder.parent.name != "snapshots":
            raise
        source = folder.parent.parent.name.removeprefix("models--").replace("--", "/", 1)
        raise type(error)(f"{error}; fetch what is missing with: {_pull(source)}") from error
