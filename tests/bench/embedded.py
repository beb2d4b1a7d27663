"""Times the embedded model, alone and in a film of four shots. `python tests/bench/embedded.py [repeats]`"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from kinograph.film import RenderRequest
from kinograph.settings import Settings
from kinograph.studio import Studio
from kinograph.tools.backends import Workbench, card, open_backend

FILM = (
    "A red ball rolls across a green meadow. Then it bounces in the meadow. A yellow star spins in space at night. "
    "A blue boat sails to the left on the sea at sunset."
)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(repeats: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        model = card("storyworld-diffusion")
        for precision in ("float32", "bfloat16"):
            backend = open_backend(model.id, Workbench(Path(place), Path), {"precision": precision})
            for width, height in ((128, 128), (model.width, model.height)):
                times = []
                for seed in range(repeats + 1):  # the first loads the model, or meets the size
                    request = RenderRequest(
                        model=model.id, revision=backend.revision, prompt="a red ball, moving right", seed=seed,
                        frames=model.frames, fps=model.fps, width=width, height=height,
                        steps=model.steps, guidance=model.guidance,
                    )  # fmt: skip
                    times.append(seconds(partial(backend.render, [request], lambda *_: None, lambda: False)))
                clip = statistics.median(times[1:])
                print(
                    f"{precision}: {model.frames} frames of {width}x{height}: {clip:.2f} s a clip, first {times[0]:.2f}"
                )
        for takes in (1, 3):
            studio = Studio(Settings.load(home=Path(place) / f"home{takes}"))
            film = studio.make(studio.brief(FILM, takes=takes), out=f"film{takes}")
            told = f"{film.seconds:.1f} s, {len(film.takes)} takes, {len(film.timeline)} shots in the film"
            print(f"four shots, at most {takes} takes: {told}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
