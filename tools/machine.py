"""What this machine can carry: cores, memory, graphics cards."""

from __future__ import annotations

import shutil
import subprocess

import psutil

from kinograph.film import Noun


class Machine(Noun):
    """A machine's resources."""

    cores: int
    """Logical processors this process may use."""
    ram_gb: float
    gpu: str = ""
    """Name of the largest graphics card; empty when there is none."""
    vram_gb: float = 0.0

    def __str__(self) -> str:
        gpu = f"{self.gpu} with {self.vram_gb:.0f} GB" if self.gpu else "no GPU"
        return f"{self.cores} cores, {self.ram_gb:.0f} GB of memory, {gpu}"


def this_machine() -> Machine:
    """Measures this machine without loading torch: graphics cards are asked of their driver."""
    process = psutil.Process()
    cores = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1
    name, vram = _nvidia()
    return Machine(cores=cores, ram_gb=round(psutil.virtual_memory().total / 2**30, 1), gpu=name, vram_gb=vram)


def _nvidia() -> tuple[str, float]:
    if not (tool := shutil.which("nvidia-smi")):
        return "", 0.0
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        cards = [line.rsplit(",", 1) for line in answer.strip().splitlines()]
        return max(((name.strip(), round(float(mib) / 1024, 1)) for name, mib in cards), key=lambda card: card[1])
    except (subprocess.SubprocessError, OSError, ValueError):
        return "", 0.0  # a driver that does not answer is a machine without a usable card
