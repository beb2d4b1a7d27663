"""Which files of a repo a pipeline needs, where the same weights are there in several forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from kinograph.tools.backends.soundness import PICKLES, TEXTS
from kinograph.tools.backends.weights import WEIGHTS_NAME

OTHERS = {"onnx", "openvino", "flax", "coreml"}
"""Folders with the same weights for other libraries."""


class File(NamedTuple):
    """A file of a repo."""

    name: str
    size: int
    sha256: str | None = None
    """None for a small one, which the hub keeps in git."""


def wanted(files: Sequence[File], pickles: bool = False) -> Iterator[File]:
    """The files of a repo that a pipeline needs: of the same weights in several forms one.

    Plain safetensors go before a variant such as fp16, and those before pickles, which are taken only where they are
    allowed. A repo in the diffusers layout has its weights in folders: what lies beside them is for other programs.
    """
    names = {file.name for file in files}
    for file in files:
        path = PurePosixPath(file.name)
        if any(part.startswith(".") or part in OTHERS for part in path.parts):
            continue
        beside = path.parent == PurePosixPath(".") and "model_index.json" in names
        if path.suffix in (".safetensors", *PICKLES):
            if not beside and _form(file.name) == min(_forms(names, path.parent)) and (pickles or _form(file.name) < 2):
                yield file
        elif path.suffix in TEXTS:
            form = _form(file.name)
            if ".index." not in path.name or form == min(_forms(names, path.parent), default=form):
                yield file


def _form(name: str) -> int:
    """0 plain safetensors, 1 a variant of them, 2 pickles; of an index the form of what it names."""
    path = PurePosixPath(name)
    if ".index." in path.name:
        _, _, ending = path.name.partition(".index.")
        return 2 if ".bin." in path.name else int(ending != "json")
    if path.suffix in PICKLES:
        return 2
    match = WEIGHTS_NAME.fullmatch(path.name)
    return int(match is not None and match["variant"] is not None)


def _forms(names: set[str], folder: PurePosixPath) -> set[int]:
    """The forms in which a folder has weights."""
    inside = (PurePosixPath(name) for name in names)
    kinds = (".safetensors", *PICKLES)
    return {_form(str(path)) for path in inside if path.parent == folder and path.suffix in kinds}


def lone_pickle(files: Sequence[File]) -> str | None:
    """A pickle without which a model of the repo has no weights."""
    names = {file.name for file in files}
    for name in sorted(names):
        folder = PurePosixPath(name).parent
        alone = folder == PurePosixPath(".") and "model_index.json" not in names
        described = str(folder / "config.json") in names or alone
        if name.endswith(PICKLES) and described and min(_forms(names, folder)) == 2:
            return name
    return None
