"""Whether the files of a pipeline are whole, found out without reading a tensor or loading torch.

check_pipeline   a folder in the diffusers layout: model_index.json and a folder for each component
check_model      the folder of one model: config.json and weights, whole or in shards
check_file       a single file of weights
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kinograph.errors import BadInput, Damaged, StorageError

PICKLES = (".bin", ".pt", ".pth", ".ckpt")
"""Endings of files that may run code when they are loaded."""
TEXTS = (".json", ".txt", ".model", ".jinja", ".tiktoken")
"""Endings of what a pipeline reads besides its weights."""
VOCABULARIES = (
    ("tokenizer.json",),
    ("vocab.json", "merges.txt"),
    ("vocab.txt",),
    ("spiece.model",),
    ("sentencepiece.bpe.model",),
    ("tokenizer.model",),
    ("qwen.tiktoken",),
)
"""Sets of files of which a tokenizer needs one."""


def check_pipeline(folder: Path) -> list[Path]:
    """Looks at every component that model_index.json names; gives the pickles among their weights."""
    return [file for name, kind in _components(folder) for file in _check_component(folder, name, kind)]


def _components(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and class of each component that model_index.json names; optional ones that were left out are no entry."""
    for name, value in _object(folder / "model_index.json").items():
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2:
            continue  # a setting of the pipeline itself
        library, kind = value
        if isinstance(library, str) and isinstance(kind, str):
            yield name, kind


def _check_component(pipeline: Path, name: str, kind: str) -> list[Path]:
    folder = pipeline / name
    if not folder.is_dir():
        raise BadInput(f"{name!r} ({kind}) is missing in {str(pipeline)!r}{contents(pipeline)}")
    if "Tokenizer" in kind:
        _check_tokenizer(folder, kind)
    elif kind.endswith("Scheduler"):
        _needs_one(folder, "scheduler_config.json")
    elif re.search(r"(Processor(Fast|Pil)?|FeatureExtractor)$", kind):
        _needs_one(folder, "preprocessor_config.json", "processor_config.json")
    elif kind.endswith("Guidance"):
        _needs_one(folder, "guider_config.json", "config.json")
    else:
        return check_model(folder)
    return []


def _check_tokenizer(folder: Path, kind: str) -> None:
    _check_texts(folder)
    if kind.startswith("ByT5"):
        return  # its words are bytes: it has no vocabulary
    if not any(all((folder / name).is_file() for name in names) for names in VOCABULARIES):
        sets = ", ".join(" with ".join(names) for names in VOCABULARIES)
        raise BadInput(f"tokenizer {str(folder)!r} has no vocabulary: none of {sets}{contents(folder)}")


def check_model(folder: Path) -> list[Path]:
    """Looks at a config.json and weights; gives the files of these where they are pickles."""
    _needs_one(folder, "config.json")
    files = [file for file in folder.glob("*.safetensors") if file.is_file()]
    indexes = sorted(file for file in folder.glob("*.safetensors.index*.json") if file.is_file())
    if files or indexes:
        _check_safetensors_of(folder, files, indexes)
        return []
    given = sorted(file for file in folder.glob("*") if file.suffix in PICKLES and file.is_file())
    if not given:
        raise BadInput(f"{str(folder)!r} has no weights{contents(folder)}")
    for file in given:
        _check_pickle(file)
    for index in folder.glob("*.bin.index*.json"):
        _check_shards(index, {file.name for file in given})
    return given


def _check_safetensors_of(folder: Path, files: list[Path], indexes: list[Path]) -> None:
    """Every file by itself, and the shards of each index; an index of which no shard was fetched is not asked for
    where there are other weights."""
    names, held = {file.name for file in files}, {file.name: check_safetensors(file) for file in sorted(files)}
    named = set[str]()
    for index in indexes:
        shards = _shards(index)
        if not shards.keys() & names and files:
            continue
        _check_shards(index, names)
        named |= shards.keys()
        for shard, tensors in shards.items():
            if lost := sorted(tensors - held[shard]):
                raise Damaged(f"{str(folder / shard)!r} lacks {lost[0]!r}, which {index.name} says it has")
    for name in sorted(names - named):
        if re.search(r"-\d{5}-of-\d{5}", name):
            raise Damaged(f"{str(folder / name)!r} is one of several shards, and no index names them all")


def _check_shards(index: Path, names: set[str]) -> None:
    if lost := sorted(_shards(index).keys() - names):
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise Damaged(f"{str(index.parent / lost[0])!r}{more} is missing, which {index.name} names")


def _shards(index: Path) -> dict[str, set[str]]:
    """Tensor names by the shard that should have them."""
    entries = _object(index).get("weight_map")
    if not isinstance(entries, dict) or not entries:
        raise Damaged(f"{str(index)!r} is damaged: it has no weight_map")
    shards = dict[str, set[str]]()
    for tensor, shard in entries.items():
        shards.setdefault(str(shard), set()).add(tensor)
    return shards


def check_file(file: Path) -> list[Path]:
    """Looks at one file of weights; gives it where it is a pickle."""
    if file.suffix in PICKLES:
        _check_pickle(file)
        return [file]
    if file.suffix != ".safetensors":
        raise BadInput(f"{str(file)!r} holds no weights; weights are a .safetensors file or a folder of a pipeline")
    check_safetensors(file)
    return []


def check_safetensors(file: Path) -> set[str]:
    """The names of its tensors. The library holds every tensor's shape and place to the length of the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "numpy") as opened:
            return set(opened.keys())
    except SafetensorError as error:
        with file.open("rb") as raw:
            if raw.read(19) == b"version https://git":
                raise Damaged(
                    f"{str(file)!r} is a Git LFS pointer, not the weights; git lfs pull fetches them"
                ) from error
        why = str(error).removeprefix("Error while deserializing header: ")
        raise Damaged(f"{str(file)!r} is damaged or cut short: {why}") from error


def _check_pickle(file: Path) -> None:
    with file.open("rb") as opened:
        zipped = opened.read(2) == b"PK"  # what torch writes is a zip, whose table of contents stands at the end
    if file.stat().st_size == 0 or (zipped and not zipfile.is_zipfile(file)):
        raise Damaged(f"{str(file)!r} is cut short")


def _needs_one(folder: Path, *names: str) -> None:
    if not any((folder / name).is_file() for name in names):
        raise BadInput(f"{str(folder)!r} has no {' or '.join(names)}{contents(folder)}")
    _check_texts(folder)


def _check_texts(folder: Path) -> None:
    for file in sorted(folder.glob("*")):
        if file.suffix == ".json" and file.is_file():
            _json(file)
        elif file.suffix in TEXTS and file.is_file() and file.stat().st_size == 0 and file.stem != "merges":
            raise Damaged(f"{str(file)!r} is empty")


def _object(file: Path) -> dict[str, Any]:
    """What a json file says that must hold an object."""
    told = _json(file)
    if not isinstance(told, dict):
        raise Damaged(f"{str(file)!r} is damaged: it holds a {type(told).__name__}, not an object")
    return told


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or nested without end
        raise Damaged(f"{str(file)!r} is damaged: {error}") from error


def contents(folder: Path) -> str:
    """Words for what lies in a folder."""
    if not folder.exists():
        return "; it does not exist"
    names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in folder.iterdir())
    return f"; found: {', '.join(names[:6])}{', …' if len(names) > 6 else ''}" if names else "; it is empty"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what the system says of files that may not be read into our own error."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot read {str(error.filename or path)!r}: {error.strerror or error}") from error
