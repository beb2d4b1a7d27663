"""What this machine can carry: cores, memory, graphics cards, and the tier that follows."""

from __future__ import annotations

from typing import Literal

import psutil

from kinograph.film import Noun
from kinograph.tools.gpus import Gpu, gpus

Tier = Literal["A", "B", "C", "D"]
TIERS: dict[Tier, tuple[float, int, float]] = {"A": (24, 24, 64), "B": (12, 12, 24), "C": (6, 4, 8)}
"""Tier -> GB of one graphics card, or else logical cores and GB of memory, from which a machine is in it; else D."""
SHORT = 0.95
"""A machine sold with 8 GB shows less: this share of a tier's memory is enough."""


class Machine(Noun):
    """A machine's resources."""

    cores: int
    """Logical processors this process may use."""
    ram_gb: float
    gpu: str = ""
    """Name of the largest graphics card; empty when there is none."""
    vram_gb: float = 0.0
    cards: tuple[float, ...] = ()
    """GB of each graphics card."""

    def carrying(self, gb: float) -> int:
        """How many graphics cards have so much memory."""
        return sum(card >= gb for card in self.cards)

    @property
    def tier(self) -> Tier:
        """What may be asked of the machine, from A (most) to D."""
        for tier, (vram, cores, ram) in TIERS.items():
            if self.vram_gb >= vram * SHORT or (self.cores >= cores and self.ram_gb >= ram * SHORT):
                return tier
        return "D"

    def __str__(self) -> str:
        gpu = f"{self.gpu} with {self.vram_gb:.0f} GB" if self.gpu else "no GPU"
        return f"{self.cores} cores, {self.ram_gb:.0f} GB of memory, {gpu}"


def processors() -> list[int]:
    """Numbers of the logical processors that this process may use."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        return process.cpu_affinity() or [0]
    return list(range(psutil.cpu_count() or 1))


def this_machine() -> Machine:
    """Measures this machine without loading torch: graphics cards are asked of their driver."""
    cards = gpus()
    largest = max(cards, key=lambda gpu: gpu.vram_gb, default=Gpu(name="", vram_gb=0, vram_free_gb=0))
    return Machine(
        cores=len(processors()),
        ram_gb=round(psutil.virtual_memory().total / 2**30, 1),
        gpu=largest.name,
        vram_gb=largest.vram_gb,
        cards=tuple(card.vram_gb for card in cards),
    )
