"""What rendering alike shots in one call is worth, and what it changes.

    python -m kinograph.evals.bench.batching [batch] [pairs]

Films of eight shots that wait for nothing, planned by rules and rendered by the embedded diffusion model in this
process, by turns one shot a call and `batch` (4) a call; the model is loaded before. Prints the median of the seconds
from the first render to the last shot settled of `pairs` (3) films each, and how far the pixels are from each other.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from kinograph.events import Finished, ShotSettled, TakeStarted
from kinograph.film import Film
from kinograph.settings import Settings
from kinograph.studio import Studio
from kinograph.tools.footage import load

WHO = ("red ball", "blue bird", "green car", "yellow star", "pink fish", "purple robot", "orange cat", "white dog")
WHERE = ("a meadow", "the sea", "the city", "space", "the desert", "the forest", "the snow", "the beach")
BRIEF = " ".join(f"In {where} a {who} moves to the right." for who, where in zip(WHO, WHERE, strict=True))


def play(home: Path, batch: int) -> tuple[float, Film]:
    """Seconds of shooting, and the film."""
    settings = Settings.load(
        home=home, model="storyworld-diffusion", topology="hierarchical", takes=1, workers=1, batch=batch, pool="here"
    )
    began = ended = 0.0
    film: Film | None = None
    for event in Studio(settings).stream(BRIEF, out=home / "film"):
        if isinstance(event, TakeStarted):
            began = began or time.monotonic()
        if isinstance(event, ShotSettled):
            ended = time.monotonic()
        film = event.film if isinstance(event, Finished) else film
    assert film is not None, "a production ends with Finished or raises"
    return ended - began, film


def main() -> None:
    batch, pairs = (int(sys.argv[at]) if sys.argv[at:] else default for at, default in ((1, 4), (2, 3)))
    took: dict[int, list[float]] = {1: [], batch: []}
    with tempfile.TemporaryDirectory() as folder:
        play(Path(folder) / "first", batch)  # loads everything
        films = dict[int, Film]()
        for pair in range(pairs):
            for size in took:
                seconds, films[size] = play(Path(folder) / f"{pair}-{size}", size)
                took[size].append(seconds)
        alone, together = ([load(take.clip) for take in films[size].takes if take.clip] for size in took)
        off = [np.abs(one.astype(int) - other) for one, other in zip(alone, together, strict=True)]
    one, several = (statistics.median(took[size]) for size in took)
    print(f"8 shots one a call: {one:.2f} s; {batch} a call: {several:.2f} s, {several / one:.2f} of it")
    most, share = max(int(gap.max()) for gap in off), np.mean([(gap > 0).mean() for gap in off])
    print(f"pixels differ by at most {most} of 255, in {share:.5%} of their values")


if __name__ == "__main__":
    main()
