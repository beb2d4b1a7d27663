"""Runs of the eval harness that were made up, with real clips and strips of the small world."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from kinograph.evals.log import Run, SampleLog, SetScore, ShotLog, Shown, Spent
from kinograph.tools.footage import write_mp4
from kinograph.tools.sheet import Strip, sheet
from kinograph.tools.storyworld.grammar import read
from kinograph.tools.storyworld.painter import paint

METRICS = (
    Shown(metric="text alignment", better="higher", least=0, greatest=1, target=0.75),
    Shown(
        metric="temporal coherence",
        better="higher",
        least=0,
        greatest=1,
        target=0.9,
        comparable=False,
        note="0.9 was measured over another embedder",
    ),
    Shown(metric="identity", better="higher", least=0, greatest=1),
    Shown(metric="color", better="higher", least=0, greatest=1),
    Shown(metric="motion", better="higher", least=0, greatest=1),
    Shown(metric="flicker", better="lower", least=0, greatest=1),
    Shown(metric="aesthetics", better="higher", least=0, greatest=1),
    Shown(
        metric="FVD",
        better="lower",
        least=0,
        greatest=1e6,
        target=200,
        comparable=False,
        note="over the embedder that ships",
    ),
)
BRIEFS = (
    "A red ball rolls across a green meadow at sunset. Then it bounces over the sea at night.",
    "A blue star rises over a snowy field at dawn. Later it falls into the sea.",
    "A yellow fish moves left through the sea; then a green tree stays on a hill at night.",
    "A purple house stays in the desert at noon while the camera zooms in.",
)
TAGS = (("one subject", "motion"), ("one subject", "night"), ("two subjects",), ("camera", "one subject"))
PATH = ("brief", "plan", "render", "judge", "remember", "render", "judge", "remember", "cut")
HOSTILE = "<script>document.title='owned'</script> & \"a red ball\" rolls"


def scene(words: str, folder: Path, name: str) -> tuple[str, str]:
    """Paths of a clip and of a strip of it, written below `folder`, with how the small world shows `words`."""
    frames = paint(read(words).world, frames=8, width=128, height=72, fps=8, seed=1).frames
    clip, strip = f"media/{name}.mp4", f"media/{name}.jpg"
    write_mp4(folder / clip, frames, 8, (128, 72), {})
    (folder / strip).write_bytes(sheet(Strip([(f"frame {n + 1}", frames[n]) for n in (0, 3, 7)], 3)))
    return clip, strip


def write(folder: Path, header: Run, samples: list[SampleLog], sets: list[SetScore] | None = None) -> Path:
    """A run's folder as the harness leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(header.model_dump_json(), "utf-8")
    (folder / "samples.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in samples), "utf-8")
    if sets:
        (folder / "sets.json").write_text(json.dumps([one.model_dump() for one in sets]), "utf-8")
    return folder


def make(folder: Path, topology: str = "chain", *, better: float = 0.0, samples: int = 12, seeds: int = 3) -> Path:
    """A run of `samples` x `seeds` that looks like one: two shots each, crashes, exclusions, skips, findings, retakes.

    `better` is added to what every metric says.
    """
    rng = np.random.default_rng(7)
    (folder / "media").mkdir(parents=True)
    scenes = [
        scene(words, folder, f"scene{n}")
        for n, words in enumerate(("a red ball rolls right in a meadow", "a blue star rises over the sea at night"))
    ]
    logs = []
    for number in range(samples):
        hard = rng.normal(0, 0.12)
        for seed in range(seeds):
            noise = rng.normal(0, 0.05, 6)
            logs.append(_sample(number, seed, hard, noise, topology, better, scenes))
    header = Run(
        id=f"story-{topology}",
        suite="storyworld-story",
        suite_digest="3f2a" * 10,
        system={"model": "storyworld-diffusion", "topology": topology, "mind": "rules"},
        seeds=tuple(range(seeds)),
        metrics=METRICS,
        began="2026-11-26T09:00:00Z",
        versions={"kinograph": "0.1.0", "python": "3.11"},
        samples=tuple(f"story-{n:03}" for n in range(samples)),
    )
    fvd = SetScore(metric="FVD", value=312.4 - 200 * better)
    return write(folder, header, logs, [fvd])


def _sample(
    number: int, seed: int, hard: float, noise: np.ndarray, topology: str, better: float, scenes: list
) -> SampleLog:
    asked = HOSTILE if number == 3 else BRIEFS[number % len(BRIEFS)]
    name, tags = f"story-{number:03}", TAGS[number % len(TAGS)]
    if (number, seed) in ((5, 1), (8, 0)) and topology == "chain":
        return SampleLog(
            sample=name,
            seed=seed,
            state="crashed",
            error="RenderFailed: the backend gave no clip",
            asked=asked,
            tags=tags,
            spent=Spent(seconds=1.5, renders=0.5),
        )
    if (number, seed) == (9, 2):
        return SampleLog(
            sample=name, seed=seed, state="excluded", error="the brief asks for nothing", asked=asked, tags=tags
        )
    retaken = int(number % 3 == 0) + int(seed == 2 and topology == "chain")
    score = [float(np.clip(0.72 + better + hard + one, 0, 1)) for one in noise]
    shots = tuple(
        ShotLog(
            shot=f"s{n + 1}.1",
            asked=asked.split(". ")[min(n, asked.count(". "))],
            accepted=n == 0 or retaken < 2,
            takes=1 + (retaken if n == 0 else 0),
            scores={"text alignment": score[0], "identity": score[2]},
            findings=("the ball drifted from red to orange in frames 3–6", "<script>alert(1)</script>")[
                : retaken + (number == 3)
            ],
            clip=scenes[n][0],
            sheet=scenes[n][1],
            evidence=(scenes[n][1],) if retaken and n == 0 else (),
        )
        for n in range(2)
    )
    again = ("render", "judge") * retaken
    scores = dict(zip(("text alignment", "temporal coherence", "identity", "color", "motion"), score, strict=False))
    return SampleLog(
        sample=name,
        seed=seed,
        state="done",
        asked=asked,
        tags=tags,
        scores={metric: round(value, 4) for metric, value in scores.items()}
        | {"flicker": round(float(np.clip(0.1 - better / 3 + noise[5], 0, 1)), 4)},
        skipped={"aesthetics": "needs weights of an aesthetic predictor"},
        shots=shots,
        spent=Spent(
            seconds=4 + 2 * retaken + 10 * better,
            judging=0.3,
            renders=2 + retaken,
            calls=3,
            tokens=1200 + 200 * retaken,
        ),
        path=(*PATH[:4], *again, *PATH[4:]),
        expected=PATH,
        film=scenes[0][0],
        sheet=scenes[0][1],
    )
