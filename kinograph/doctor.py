"""What works on this machine and what is missing, found out before anything is rendered."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from kinograph import disk
from kinograph.errors import KinographError
from kinograph.settings import Settings

WANTED = (
    "langgraph",
    "langchain-core",
    "openai",
    "chromadb",
    "av",
    "opencv-python-headless",
    "torch",
    "diffusers",
    "transformers",
)


class Check(NamedTuple):
    """One thing looked at."""

    name: str
    ok: bool
    finding: str
    needed: bool = True
    """Nothing can be made without it."""


def examine(settings: Settings) -> list[Check]:
    """Looks at the interpreter, packages, machine, folders, the encoder and the models."""
    return [
        Check("python", True, platform.python_version()),
        *map(_package, WANTED),
        *_hardware(settings),
        _folder("home", settings.home),
        _folder("films", settings.films),
        _media(settings),
        _encoder(),
        _models(settings),
        _weights(),
        _pools(settings),
        _mind(settings),
    ]


def _package(name: str) -> Check:
    try:
        return Check(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, False, f"not installed; pip install {name}")


def _hardware(settings: Settings) -> list[Check]:
    """What the machine has, how busy it is, and how many shots at a time follow for content like most."""
    from kinograph.tools.machine import this_machine
    from kinograph.tools.resources import Meter, recommended_concurrency

    machine, load = this_machine(), Meter(settings.home)()
    at_a_time = recommended_concurrency(machine, load, complexity=0.5)
    return [
        Check("graphics card", bool(machine.gpu), "; ".join(map(str, load.gpus)) or "no GPU", needed=False),
        Check("machine", True, f"tier {machine.tier}: {machine}", needed=False),
        Check("load", True, str(load), needed=False),
        Check("shots at a time", True, f"{at_a_time.workers}: {at_a_time.why}", needed=False),
    ]


def _folder(name: str, path: Path) -> Check:
    """Whether files can be written there, asked of the nearest folder that exists."""
    spot = path.expanduser().absolute()
    while not spot.exists():
        spot = spot.parent
    try:
        with disk.storage(spot), tempfile.NamedTemporaryFile(dir=spot):
            free = shutil.disk_usage(spot).free / 2**30
    except KinographError as error:
        return Check(name, False, str(error))
    return Check(name, free > 0.5, f"{path}: {free:.1f} GB free")


def _media(settings: Settings) -> Check:
    """How many own pictures there are; none is opened."""
    from kinograph.tools.media import search

    if settings.media is None:
        return Check("media", True, "no folder of own pictures is set", needed=False)
    try:
        finds = search(settings.media.expanduser(), frozenset())
    except KinographError as error:
        return Check("media", False, str(error))
    return Check("media", True, f"{settings.media}: {finds.named} pictures", needed=False)


def _encoder() -> Check:
    import numpy as np

    from kinograph.tools.footage import write_mp4

    with tempfile.TemporaryDirectory() as folder:
        try:
            write_mp4(Path(folder) / "probe.mp4", np.zeros((2, 32, 32, 3), np.uint8), 8, (32, 32), {})
        except (KinographError, ValueError) as error:
            return Check("H.264 encoder", False, str(error))
    return Check("H.264 encoder", True, "libx264 through PyAV")


def _models(settings: Settings) -> Check:
    from kinograph.tools.backends import Workbench, cards, open_backend, ready

    try:
        able = ready(settings.backends)
        for id in able:
            open_backend(id, Workbench(Path(), Path), settings.backends.get(id))
    except KinographError as error:
        return Check("models", False, str(error))
    others = len(cards()) - len(able)
    return Check("models", bool(able), f"{', '.join(able)}; {others} others have no weights here (kinograph models)")


def _pools(settings: Settings) -> Check:
    """Which worker pools can be used; a cluster is knocked at, none is started."""
    from kinograph.tools.workers import POOLS
    from kinograph.tools.workers.cluster import answers, installed

    chosen, address = settings.pool, settings.ray.address
    ray = f"ray {importlib.metadata.version('ray')}" if installed() else 'no ray (pip install "kinograph[ray]")'
    if installed() and address:
        ray += f" at {address}, which {'answers' if answers(address) else 'does not answer'}"
    told = f"here, local, {ray}; {f'{chosen} is set' if chosen else 'the orchestrator chooses'}"
    able = chosen != "ray" or (installed() and (not address or answers(address)))
    return Check("pools", able and (chosen is None or chosen in POOLS), told, needed=chosen is not None)


def _weights() -> Check:
    """The weights that ship with kinograph, held to their checksums."""
    from kinograph.memory import clip
    from kinograph.tools.backends import storyworld_diffusion

    folders = (storyworld_diffusion.MODEL, clip.MODEL)
    try:
        for folder in folders:
            disk.verify(folder)
    except KinographError as error:
        return Check("weights", False, str(error))
    size = sum(file.stat().st_size for folder in folders for file in folder.rglob("*.safetensors"))
    return Check(
        "weights", True, f"{size / 2**20:.0f} MB of {', '.join(folder.name for folder in folders)}, as shipped"
    )


def _mind(settings: Settings) -> Check:
    """Which mind is on, and whether its server answers and lists its models."""
    chosen = settings.mind
    if chosen.kind == "rules":
        return Check("mind", True, "rules: every agent answers by its own, offline", needed=False)
    from kinograph.agents.language import open_mind
    from kinograph.agents.language.connection import listed

    names = list(dict.fromkeys([str(chosen.model), *chosen.models.values()]))
    told = ", ".join([str(chosen.model), *(f"{role}: {name}" for role, name in chosen.models.items())])
    try:
        open_mind(chosen, settings.home)
        known = listed(chosen)
    except KinographError as error:
        return Check("mind", False, f"{told}: {error}; rules answer instead", needed=False)
    missing = [name for name in names if name not in known]
    lacking = f"; {', '.join(missing)} not listed there" if missing else ""
    return Check("mind", True, f"{told} at {chosen.base_url} answers{lacking}", needed=False)
