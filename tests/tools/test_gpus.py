"""Graphics cards as NVML tells them, by a driver that is scripted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kinograph.tools.gpus import Gpu, gpus, visible

GB = 2**30


class NVMLError(Exception):
    pass


class Driver:
    """Speaks NVML for cards of (name, total GB, free GB, busy percent); None is what this driver does not tell."""

    NVMLError = NVMLError

    def __init__(self, *cards: tuple[str, float | None, float, float | None], running: bool = True) -> None:
        self.cards = cards
        self.running = running
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.running:
            raise NVMLError("NVML Shared Library Not Found")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, index: int) -> str:  # noqa: N802
        return self.cards[index][0]

    def nvmlDeviceGetUUID(self, index: int) -> str:  # noqa: N802
        return f"GPU-{'abc'[index]}{index}"

    def nvmlDeviceGetMemoryInfo(self, index: int) -> Any:  # noqa: N802
        _, total, free, _ = self.cards[index]
        if total is None:
            raise NVMLError("Not Supported")
        return SimpleNamespace(total=int(total * GB), free=int(free * GB))

    def nvmlDeviceGetUtilizationRates(self, index: int) -> Any:  # noqa: N802
        if self.cards[index][3] is None:
            raise NVMLError("Not Supported")
        return SimpleNamespace(gpu=self.cards[index][3])


@pytest.fixture(autouse=True)
def _all_visible(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_cards_are_read_and_the_driver_is_let_go():
    driver = Driver(("H100", 80, 62.5, 37.0), ("L4", 24, 24, None))
    assert gpus(driver) == (
        Gpu(name="H100", uuid="GPU-a0", vram_gb=80, vram_free_gb=62.5, busy_percent=37),
        Gpu(name="L4", uuid="GPU-b1", vram_gb=24, vram_free_gb=24),
    )
    assert driver.open == 0
    assert [str(gpu) for gpu in gpus(driver)] == [
        "H100: 62.5 of 80.0 GB free, 37 % busy",
        "L4: 24.0 of 24.0 GB free",
    ]


def test_no_driver_is_no_card_and_a_card_that_tells_no_memory_is_none():
    assert gpus(Driver(running=False)) == ()
    driver = Driver(("Thor", None, 0, 5.0), ("L4", 24, 20, 0.0))
    assert [gpu.name for gpu in gpus(driver)] == ["L4"]
    assert driver.open == 0


def test_asking_the_real_driver_never_fails():
    assert all(gpu.vram_free_gb <= gpu.vram_gb for gpu in gpus())


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (None, "ab"),
        ("", ""),
        ("-1", ""),
        ("1", "b"),
        ("1,0", "ba"),
        ("0,7,1", "a"),
        ("GPU-b", "b"),
        ("GPU-b1, GPU-a", "ba"),
        ("GPU-x", ""),
        ("MIG-1", ""),
    ],
)
def test_only_visible_cards_count(chosen: str | None, shown: str):
    cards = [Gpu(name=name, uuid=f"GPU-{name}1", vram_gb=8, vram_free_gb=8) for name in "ab"]
    assert "".join(gpu.name for gpu in visible([*cards, None], chosen)) == shown


def test_the_environment_hides_cards(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [gpu.name for gpu in gpus(Driver(("H100", 80, 80, 0.0), ("L4", 24, 24, 0.0)))] == ["L4"]
