"""How well the embedded model obeys: its clips of held-out captions, judged by the exact detectors.

    python -m kinograph.evals.embedded --count 500 --card tools/storyworld/model

Captions are of compositions (kind, colour, setting) that training never saw, in the words of the grammar, given to
the pipeline as they are. Prints the table of the model card; `--out` keeps it as JSON, `--card` writes it into a
model's folder and its README, `--sheet` keeps a picture of clips.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph import disk
from kinograph.evals.detectors import detect, temporal_coherence
from kinograph.tools.backends.storyworld_diffusion import MODEL
from kinograph.tools.storyworld import World, describe, paint

TARGETS = {
    "setting": (0.95, 0.99),
    "color": (0.90, 0.98),
    "kind": (0.80, 0.97),
    "motion": (0.70, 0.92),
    "camera": (0.65, 0.90),
    "coherence": (0.90, 0.97),
    "first frame dB": (22.0, 28.0),
    "kept": (0.90, 0.98),
    "autoencoder dB": (28.0, 34.0),
}
"""Must and goal of each number."""


NUMBERS = Path("training") / "numbers.json"
MARKS = ("<!-- numbers -->", "<!-- end of numbers -->")


class Case(NamedTuple):
    """One held-out caption."""

    world: World
    caption: str
    seed: int


class Size(NamedTuple):
    """What is asked of the model."""

    frames: int
    width: int
    height: int


class Sampling(NamedTuple):
    """How it is asked."""

    steps: int
    guidance: float
    batch: int


def cases(count: int, subjects: int, first: int = 0) -> list[Case]:
    """Held-out captions, the same on every machine."""
    from kinograph.tools.storyworld.training.clips import draw

    found = []
    for index in range(first, first + count):
        world, seed = draw(index * 4, "held", subjects)
        found.append(Case(world, describe(world, np.random.default_rng([11, index])), seed))
    return found


def open_pipeline(weights: Path) -> Any:
    """The pipeline of a folder, or of a training run's checkpoints."""
    import torch

    from kinograph.tools.storyworld.pipeline import StoryworldPipeline

    if (weights / "image" / "state.pt").exists():
        from kinograph.tools.storyworld.training.export import assemble

        pipeline = assemble(weights)
    else:
        pipeline = StoryworldPipeline.from_pretrained(weights, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")


def clips(
    pipeline: Any, asked: Iterable[Case], size: Size, sampling: Sampling, keyframes: dict[int, np.ndarray] | None = None
) -> Iterator[tuple[Case, np.ndarray]]:
    """Each case with its clip; `keyframes` gives first frames by the case's place, and makes batches single."""
    import torch

    from kinograph.tools.storyworld.pipeline import Keyframe

    numbered, step = list(enumerate(asked)), 1 if keyframes else sampling.batch
    for start in range(0, len(numbered), step):
        group = numbered[start : start + step]
        made = pipeline(
            [case.caption for _, case in group],
            frames=size.frames,
            width=size.width,
            height=size.height,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            keyframes=[Keyframe(0, keyframes[i]) for i, _ in group] if keyframes else [],
            generator=[torch.Generator().manual_seed(case.seed) for _, case in group],
        ).frames
        yield from ((case, frames) for (_, case), frames in zip(group, made, strict=True))


def obedience(made: Iterable[tuple[Case, np.ndarray]]) -> dict[str, list[float]]:
    """Rights and wrongs of single-subject clips by attribute, and their coherence."""
    found: dict[str, list[float]] = {
        name: [] for name in ("setting", "color", "kind", "motion", "camera", "time", "look")
    }
    found["coherence"] = []
    for case, frames in made:
        seen, asked = detect(frames, 1), case.world.subjects[0]
        actor = seen.subjects[0] if seen.subjects else None
        for name in ("color", "kind", "motion"):
            found[name].append(float(actor is not None and getattr(actor, name) == getattr(asked, name)))
        for name in ("setting", "camera", "time", "look"):
            found[name].append(float(getattr(seen, name) == getattr(case.world, name)))
        found["coherence"].append(temporal_coherence(frames))
    return found


def pairs(made: Iterable[tuple[Case, np.ndarray]]) -> list[float]:
    """For clips of two: whether both are there, with the right kinds and colours."""
    return [
        float(
            Counter((s.kind, s.color) for s in detect(frames, 2).subjects)
            == Counter((s.kind, s.color) for s in case.world.subjects)
        )
        for case, frames in made
    ]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures in dB."""
    error = float(((one.astype(np.float32) - other.astype(np.float32)) ** 2).mean())
    return 10 * math.log10(255**2 / max(error, 1e-9))


def continuation(pipeline: Any, asked: list[Case], size: Size, sampling: Sampling) -> dict[str, list[float]]:
    """First frames held: how near frame 0 is to the picture given, and whether who is in it stays the same.

    The picture is the last frame of a true clip with another motion, as when a shot goes on from the one before.
    """
    from kinograph.tools.storyworld.world import MOTIONS

    given: dict[int, np.ndarray] = {}
    for i, case in enumerate(asked):
        rng = np.random.default_rng([12, i])
        subject = case.world.subjects[0]
        other = str(rng.choice([motion for motion in MOTIONS if motion not in (subject.motion, "spins")]))
        earlier = case.world.changed(subjects=(subject.changed(motion=other),), camera="static")
        given[i] = paint(
            earlier, frames=size.frames, width=size.width, height=size.height, fps=8, seed=case.seed
        ).frames[-1]
    found: dict[str, list[float]] = {"first frame dB": [], "kept": []}
    for i, (case, frames) in enumerate(clips(pipeline, asked, size, sampling, given)):
        found["first frame dB"].append(psnr(frames[0], given[i]))
        seen, subject = detect(frames, 1), case.world.subjects[0]
        found["kept"].append(
            float(
                bool(seen.subjects) and (seen.subjects[0].kind, seen.subjects[0].color) == (subject.kind, subject.color)
            )
        )
    return found


def reconstruction(pipeline: Any, asked: list[Case], size: Size) -> list[float]:
    """PSNR of true frames through the autoencoder, in dB."""
    import torch

    found = []
    for case in asked:
        true = paint(case.world, frames=9, width=size.width, height=size.height, fps=8, seed=case.seed).frames[::4]
        with torch.no_grad():
            pictures = torch.from_numpy(true).permute(0, 3, 1, 2).float().to(pipeline.device) / 127.5 - 1
            back = pipeline.decode_latents(pipeline.encode_pictures(pictures)).clamp(-1, 1)
        frames = ((back + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        found += [psnr(a, b) for a, b in zip(frames, true, strict=True)]
    return found


def interval(values: list[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval by the normal approximation."""
    return float(np.mean(values)), 1.96 * float(np.std(values)) / math.sqrt(max(1, len(values)))


class Number(NamedTuple):
    """A mean with half its 95 % interval, of n values."""

    mean: float
    half: float
    n: int


def table(numbers: dict[str, Number]) -> str:
    """The numbers beside what they must and should be, as a Markdown table. Shares are in percent."""
    lines = ["| | measured | must | goal | n |", "|---|---|---|---|---|"]
    for name, number in numbers.items():
        unit = 1 if "dB" in name or name == "coherence" else 100
        digits = 3 if name == "coherence" else 1
        wanted = [f"{bound * unit:.{digits - 1}f}" for bound in TARGETS.get(name, ())] or ["", ""]
        measured = f"{number.mean * unit:.{digits}f} ± {number.half * unit:.{digits}f}"
        lines.append(f"| {name} | {measured} | {wanted[0]} | {wanted[1]} | {number.n} |")
    return "\n".join(lines)


def with_table(readme: str, numbers: dict[str, Number]) -> str:
    """The model card with the table between its marks replaced."""
    before, _, rest = readme.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n{table(numbers)}\n{MARKS[1]}{after}"


def sheet(made: list[tuple[Case, np.ndarray]], path: Path, every: int = 4) -> None:
    """A picture of clips, a row each: frames, and the caption under them."""
    from PIL import Image, ImageDraw

    rows = []
    for case, frames in made:
        strip = Image.fromarray(np.concatenate(list(frames[::every]), 1))
        row = Image.new("RGB", (strip.width, strip.height + 14), "white")
        row.paste(strip, (0, 0))
        ImageDraw.Draw(row).text((2, strip.height + 1), case.caption, "black")
        rows.append(row)
    page = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        page.paste(row, (0, top))
        top += row.height
    page.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=MODEL, help="a pipeline folder, or a training run's folder")
    parser.add_argument("--count", type=int, default=500, help="held-out captions")
    parser.add_argument("--kept", type=int, help="continuations from a keyframe; a quarter of COUNT by default")
    parser.add_argument("--pairs", type=int, help="captions of two subjects; a quarter of COUNT by default")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", default="17x128x128", help="frames x width x height")
    parser.add_argument("--out", type=Path, help="JSON file of the numbers")
    parser.add_argument("--card", type=Path, help="model folder whose card gets the numbers")
    parser.add_argument("--sheet", type=Path, help="PNG of the first clips")
    args = parser.parse_args()
    size = Size(*map(int, args.size.split("x")))
    sampling = Sampling(args.steps, args.guidance, args.batch)
    few = max(1, args.count // 4)
    started = time.perf_counter()
    pipeline = open_pipeline(args.weights)
    asked = cases(args.count, 1)
    made = list(clips(pipeline, asked, size, sampling))
    rendering = (time.perf_counter() - started) / len(made)
    if args.sheet:
        sheet(made[:16], args.sheet)
    found = obedience(made)
    found |= continuation(pipeline, asked[: args.kept or few], size, sampling)
    found["autoencoder dB"] = reconstruction(pipeline, asked[:few], size)
    found["both of two"] = pairs(clips(pipeline, cases(args.pairs or few, 2, 100_000), size, sampling))
    numbers = {}
    for name, values in found.items():
        mean, half = interval(values)
        numbers[name] = Number(round(mean, 4), round(half, 4), len(values))
    print(
        f"{args.size}, {args.steps} steps, guidance {args.guidance}; "
        f"{rendering:.2f} s a clip in batches of {args.batch}\n{table(numbers)}"
    )
    kept = {
        "size": args.size,
        "steps": args.steps,
        "guidance": args.guidance,
        "numbers": {n: v._asdict() for n, v in numbers.items()},
    }
    for path in filter(None, (args.out, args.card and args.card / NUMBERS)):
        disk.write(path, json.dumps(kept, indent=1) + "\n")
    if args.card:
        readme = args.card / "README.md"
        disk.write(readme, with_table(readme.read_text("utf-8"), numbers))


if __name__ == "__main__":
    main()
