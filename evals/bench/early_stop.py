"""What the early judge is worth: how well it foresees hopeless takes of the embedded model, and what it saves.

    python -m kinograph.evals.bench.early_stop --count 100 --write

Renders COUNT held-out captions as they are asked for, and as many where the model is given other words than the judge:
another colour, kind or setting, so that the take is hopeless. A third of the captions have two subjects, half are as
short and small as those of studies, and of half the judge is not told the first subject's colour, but how it is
remembered. The exact detectors say which takes are hopeless; the judge is never told. Prints, per share of the
denoising: ROC AUC of its doubt, the threshold by which it loses at most one good take in a hundred, and what that
finds; then for all looks together the share of good takes lost and of steps saved in a loop of up to three takes, and
what a glance costs. `--write` keeps the thresholds, with how they were measured, where agents find them. Captions of
odd number set the thresholds and those of even number measure them.
"""

from __future__ import annotations

import argparse
import atexit
import json
import math
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from kinograph import disk
from kinograph.agents.calibration import auc
from kinograph.agents.glance import Glance, unfinished
from kinograph.agents.looks import Calibration
from kinograph.agents.looks import Look as Moment
from kinograph.agents.verdicts import Viewing
from kinograph.evals.bench.faults import viewing_of
from kinograph.evals.detectors import detect
from kinograph.evals.embedded import cases
from kinograph.film import RenderRequest
from kinograph.memory.embedders import open_embedder
from kinograph.tools.backends import Preview, Watched, Workbench, open_backend
from kinograph.tools.colors import HUES
from kinograph.tools.footage import load
from kinograph.tools.storyworld import World, describe
from kinograph.tools.storyworld.world import COLORS, KINDS, SETTINGS

MODEL = "storyworld-diffusion"
SIZES: tuple[dict[str, Any], ...] = (
    {"frames": 17, "fps": 8, "width": 224, "height": 128, "steps": 8, "guidance": 1.0},
    {"frames": 10, "fps": 8, "width": 192, "height": 128, "steps": 4, "guidance": 1.0},
)
"""As it is asked by default, and by studies."""
SHARES = (0.04, 0.1, 0.25, 0.5)
"""At which the judge looks here; those in USED are the ones it is set to."""
USED = (0.04, 0.1, 0.25)
LOSES = 0.01
"""Share of good takes that one look's threshold may stop."""
TAKES = 3
FILE = "glance.json"


class Seen(NamedTuple):
    """A take, and what was thought of it before it was done."""

    number: int
    """Of its caption."""
    swapped: str
    """What the model was told otherwise; "" for nothing."""
    good: bool
    """Colour, kind and setting are as asked, say the exact detectors."""
    doubts: dict[float, float]
    """Share -> the judge's doubt."""
    ended: dict[float, float]
    """Share -> the share that was done when the preview came."""
    glance: float
    """Mean seconds of a glance."""
    render: float
    """Seconds of the render."""


def swapped(world: World, what: str, dice: np.random.Generator) -> World:
    """The world with its subject's colour or kind, or its setting, another."""
    subject = world.subjects[0]

    def other(values: Sequence[Any], own: str) -> Any:
        return str(dice.choice([value for value in values if value != own]))

    if what == "setting":
        return world.changed(setting=other(SETTINGS, world.setting))
    new = other(COLORS if what == "color" else KINDS, getattr(subject, what))
    return world.changed(subjects=(subject.changed(**{what: new}), *world.subjects[1:]))


WHO = "c0"
"""The subject that is another where the model is told otherwise."""


def asked(world: World, request: RenderRequest, colored: bool = True) -> Viewing:
    """What the judge is asked: whether the take shows this world, the first subject's colour told or not."""
    plain = viewing_of(world)
    first, *others = plain.cast
    first = first if colored else first.changed(color=None, words=f"a {first.kind}")
    return plain.changed(cast=(first, *others), request=request, clip=unfinished(request))


def obeys(frames: np.ndarray, world: World) -> bool:
    """Whether a clip shows who and where was asked for; how they move cannot be foreseen."""
    found = detect(frames, len(world.subjects))
    who, wanted = (Counter((one.kind, one.color) for one in those) for those in (found.subjects, world.subjects))
    return (who, found.setting) == (wanted, world.setting)


def takes(count: int, jobs: int) -> list[Seen]:
    """COUNT captions as they are, and as many told otherwise."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as hands:
        told = track(hands.map(_takes, range(count)), "rendering", count, console=Console(stderr=True))
        return [one for pair in told for one in pair]


@cache
def _means() -> tuple[Any, Glance]:
    """Of a process: the backend and the judge."""
    scratch = Path(tempfile.mkdtemp(prefix="kinograph-early-stop-"))
    atexit.register(shutil.rmtree, scratch, True)
    return open_backend(MODEL, Workbench(scratch, lambda digest: scratch)), Glance(open_embedder("storyworld-clip"))


def _takes(number: int) -> list[Seen]:
    """A caption as it is and told otherwise."""
    backend, glance = _means()
    (case,) = cases(1, 2 if number // 8 % 3 == 2 else 1, number)
    found, dice = [], np.random.default_rng([21, number])
    for what in ("", ("color", "kind", "setting")[number % 3]):
        told = swapped(case.world, what, dice) if what else case.world
        request = RenderRequest(
            model=MODEL,
            revision=backend.revision,
            prompt=describe(told, np.random.default_rng([11, number])),
            seed=case.seed,
            **SIZES[number // 4 % len(SIZES)],
        )
        found.append(_seen(backend, glance, request, case.world, number, what))
    return found


def _seen(backend: Any, glance: Glance, request: RenderRequest, world: World, number: int, what: str) -> Seen:
    previews = list[Preview]()
    watched = Watched(lambda *_: None, SHARES, lambda _, preview: previews.append(preview))
    (clip,) = backend.render([request], watched, lambda: False)
    colored = number // 2 % 2 == 0  # odd numbers set the thresholds and even ones measure them: some of each
    hues = {} if colored else {WHO: (HUES[world.subjects[0].color][0],)}
    question, doubts, ended = asked(world, request, colored), {}, {}
    started = time.perf_counter()
    for share in SHARES:
        seen = [preview for preview in previews if preview.share >= share - 1e-9]  # steps of short clips are coarse
        ended[share] = seen[0].share
        doubts[share] = glance.look(question, seen[0].frames, hues).hopeless
    seconds = (time.perf_counter() - started) / len(SHARES)
    frames = load(clip)
    Path(clip.path).unlink()
    return Seen(number, what, obeys(frames, world), doubts, ended, seconds, clip.render_seconds)


# ------------------------------------------------------------------------------------------ numbers


def threshold(good: Sequence[float]) -> float:
    """The least doubt, in hundredths, by which at most a share LOSES of good takes is stopped; 1.01 stops nothing."""
    steps = (step / 100 for step in range(50, 101))
    return next((one for one in steps if np.mean([doubt >= one for doubt in good]) <= LOSES), 1.01)


def roc(good: Sequence[float], bad: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Points of the curve, as `Look.roc` has them."""
    cuts = [step / 20 for step in range(1, 21)]
    points = [(float(np.mean([d >= cut for d in good])), float(np.mean([d >= cut for d in bad]))) for cut in cuts]
    return tuple(dict.fromkeys((round(x, 4), round(y, 4)) for x, y in points))


def upper(lost: int, of: int) -> float:
    """The upper end of the 95 % interval of a share by Wilson's score."""
    if not of:
        return 1.0
    z, share = 1.96, lost / of
    middle = share + z * z / (2 * of)
    return (middle + z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))) / (1 + z * z / of)


def stops(take: Seen, looks: dict[float, float], left: int = 2) -> float | None:
    """The share of the work after which a take is stopped; None for one that is not. As agents do it."""
    for share, least in sorted(looks.items()):
        if left and take.doubts[share] >= (least if left > 1 else (1 + least) / 2):
            return take.ended[share]
    return None


def saved(found: Sequence[Seen], bad: float | None, looks: dict[float, float], films: int = 4000) -> float:
    """Share of the denoising that stops save in loops of up to TAKES takes, each a random one of those that were
    rendered: a share `bad` of them hopeless, or as often as they were when nothing was swapped. A judge that errs in
    nothing decides in the end."""
    dice = np.random.default_rng(5)
    good, poor = [one for one in found if one.good], [one for one in found if not one.good]
    plain = [one for one in found if not one.swapped]
    spent = whole = 0.0

    @cache
    def cost(place: int, bad: bool, left: int) -> float | None:
        return stops((poor if bad else good)[place], looks, left)

    share = sum(not one.good for one in plain) / len(plain) if bad is None else bad
    for _ in range(films):
        draws = [bool(dice.random() < share and poor) for _ in range(TAKES)]
        places = [int(dice.integers(len(poor if draw else good))) for draw in draws]
        ended = [cost(place, draw, TAKES - 1 - i) for i, (place, draw) in enumerate(zip(places, draws, strict=True))]
        whole += next((i + 1 for i, draw in enumerate(draws) if not draw), TAKES)
        for end, draw in zip(ended, draws, strict=True):
            spent += 1.0 if end is None else end
            if end is None and not draw:
                break
    return 1 - spent / whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="captions; twice as many clips are rendered")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--write", action="store_true", help="keep the thresholds where agents find them")
    args = parser.parse_args()
    found = takes(args.count, args.jobs)
    fits, tests = [one for one in found if one.number % 2], [one for one in found if not one.number % 2]
    looks = {share: threshold([one.doubts[share] for one in fits if one.good]) for share in SHARES}
    good, poor = [one for one in tests if one.good], [one for one in tests if not one.good]
    plain = [one for one in found if not one.swapped]
    print(
        f"{MODEL}, {len(found)} clips: {sum(one.good for one in found)} good, {len(found) - sum(o.good for o in found)}"
        f" hopeless, {sum(not one.good for one in plain)} of these of {len(plain)} that were told as asked"
    )
    print(f"{'share':>6} {'done':>6} {'threshold':>9} {'AUC':>6} {'good stopped':>13} {'hopeless stopped':>17}")
    for share, least in looks.items():
        here, there = [one.doubts[share] for one in good], [one.doubts[share] for one in poor]
        lost, hit = sum(d >= least for d in here), sum(d >= least for d in there)
        done = float(np.mean([one.ended[share] for one in found]))
        area = auc(np.array(here), np.array(there))
        print(f"{share:6.0%} {done:6.1%} {least:9.2f} {area:6.3f} {lost:6} of {len(here):3} {hit:8} of {len(there):3}")
    used = {share: looks[share] for share in USED}
    lost = sum(stops(one, used) is not None for one in good)
    hit = sum(stops(one, used) is not None for one in poor)
    print(
        f"looks at {', '.join(f'{share:.0%}' for share in USED)}: {lost} of {len(good)} good takes lost "
        f"({lost / max(1, len(good)):.1%}, at most {upper(lost, len(good)):.1%} with 95 % certainty), "
        f"{hit} of {len(poor)} hopeless ones stopped"
    )
    for what in ("", "color", "kind", "setting"):
        those = [one for one in poor if one.swapped == what]
        hits = sum(stops(one, used) is not None for one in those)
        print(f"  hopeless, {what or 'nothing'} told otherwise: {hits} of {len(those)} stopped")
    print(f"denoising saved, half of the takes hopeless: {saved(tests, 0.5, used):.1%}; as it comes: ", end="")
    print(f"{saved(tests, None, used):.1%}, of up to {TAKES} takes a shot")
    glance, render = (np.mean([getattr(one, what) for one in found]) for what in ("glance", "render"))
    print(f"a glance takes {glance * 1000:.0f} ms, a render {render * 1000:.0f} ms")
    if args.write:
        _write(looks, good, poor, lost)


def _write(looks: dict[float, float], good: Sequence[Seen], poor: Sequence[Seen], lost: int) -> None:
    moments = []
    for share in USED:
        here, there = [one.doubts[share] for one in good], [one.doubts[share] for one in poor]
        measured = {"auc": round(auc(np.array(here), np.array(there)), 4), "roc": roc(here, there)}
        moments.append(Moment(share=share, threshold=min(1.0, looks[share]), **measured))
    made = Calibration(
        looks=tuple(moments), lost=round(lost / len(good), 4), good=len(good), hopeless=len(poor)
    ).model_dump(mode="json")
    path = Path(str(files("kinograph.agents"))) / FILE
    kept = json.loads(path.read_text("utf-8")) | {MODEL: made}
    disk.write(path, json.dumps(kept, indent=1) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
