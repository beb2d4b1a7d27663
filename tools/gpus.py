"""What the driver says of this machine's graphics cards, without loading torch."""

from __future__ import annotations

import os
from typing import Any

from kinograph.film import Noun


class Gpu(Noun):
    """One NVIDIA card as it is now."""

    name: str
    uuid: str = ""
    vram_gb: float
    vram_free_gb: float
    busy_percent: float | None = None
    """Share of the last moment in which a kernel ran; None where the driver does not tell (MIG, some virtual cards)."""

    def __str__(self) -> str:
        busy = "" if self.busy_percent is None else f", {self.busy_percent:.0f} % busy"
        return f"{self.name}: {self.vram_free_gb:.1f} of {self.vram_gb:.1f} GB free{busy}"


def gpus(driver: Any = None) -> tuple[Gpu, ...]:
    """The cards that CUDA_VISIBLE_DEVICES leaves to this process, in its order; none where no driver answers.

    `driver` speaks NVML as the module pynvml does; by default it is that module.
    """
    if driver is None:
        import pynvml

        driver = pynvml
    try:
        driver.nvmlInit()
    except driver.NVMLError:
        return ()  # no driver, or one that does not answer: a machine without a usable card
    try:
        found = [_gpu(driver, index) for index in range(driver.nvmlDeviceGetCount())]
    except driver.NVMLError:
        return ()
    finally:
        driver.nvmlShutdown()
    return visible(found, os.environ.get("CUDA_VISIBLE_DEVICES"))


def held_gb(pid: int, driver: Any = None) -> float:
    """GB that a process holds on all cards together, as the driver tells it; 0 where it does not, as in containers."""
    if driver is None:
        import pynvml

        driver = pynvml
    try:
        driver.nvmlInit()
    except driver.NVMLError:
        return 0.0
    try:
        cards = [driver.nvmlDeviceGetHandleByIndex(index) for index in range(driver.nvmlDeviceGetCount())]
        running = [one for card in cards for one in driver.nvmlDeviceGetComputeRunningProcesses(card)]
    except driver.NVMLError:
        return 0.0
    finally:
        driver.nvmlShutdown()
    return sum(one.usedGpuMemory or 0 for one in running if one.pid == pid) / 2**30


def _gpu(driver: Any, index: int) -> Gpu | None:
    """One card; None where the driver does not tell its memory, and so nothing can be planned on it."""
    try:
        handle = driver.nvmlDeviceGetHandleByIndex(index)
        memory = driver.nvmlDeviceGetMemoryInfo(handle)
    except driver.NVMLError:
        return None
    try:
        busy = float(driver.nvmlDeviceGetUtilizationRates(handle).gpu)
    except driver.NVMLError:
        busy = None
    return Gpu(
        name=driver.nvmlDeviceGetName(handle),
        uuid=driver.nvmlDeviceGetUUID(handle),
        vram_gb=round(memory.total / 2**30, 1),
        vram_free_gb=round(memory.free / 2**30, 2),
        busy_percent=busy,
    )


def visible(cards: list[Gpu | None], chosen: str | None) -> tuple[Gpu, ...]:
    """The cards that a CUDA_VISIBLE_DEVICES of `chosen` shows: numbers or beginnings of UUIDs, up to the first that
    names none, as CUDA reads it."""
    if chosen is None:
        return tuple(card for card in cards if card is not None)
    shown: list[Gpu] = []
    for name in (part.strip() for part in chosen.split(",")):
        if name.isdigit():
            named = cards[int(name)] if int(name) < len(cards) else None
        else:
            named = next((card for card in cards if card and name and card.uuid.startswith(name)), None)
        if named is None:
            break
        shown.append(named)
    return tuple(shown)
