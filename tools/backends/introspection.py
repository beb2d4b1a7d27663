"""The card of a pipeline that has none: read from its folder and its class's signature."""

from __future__ import annotations

import inspect
from functools import lru_cache
from pathlib import Path
from typing import Any

from kinograph.errors import BadInput
from kinograph.film import Rating, Task
from kinograph.tools.backends import FOLDER, ModelCard, Ratings
from kinograph.tools.backends.blending import encoder
from kinograph.tools.backends.families import kin_of, way
from kinograph.tools.backends.lending import OVERHEAD
from kinograph.tools.backends.pipelines import class_of
from kinograph.tools.backends.weights import files_in, find

WIDTH, HEIGHT, FRAMES, FPS, STEPS, GUIDANCE = 512, 320, 16, 8, 30, 6.0
"""Taken where a signature tells nothing."""
REFERENCES = 3
"""Pictures of subjects that classes which take any were shown."""


def card_of(folder: Path) -> ModelCard:
    """As `_card_of`, made anew whenever a file of the folder has changed."""
    files = files_in(folder) if folder.is_dir() else []
    return _card_of(folder, tuple((str(one), (told := one.stat()).st_mtime_ns, told.st_size) for one in files))


@lru_cache(maxsize=32)
def _card_of(folder: Path, _: tuple[tuple[str, int, int], ...]) -> ModelCard:
    """A card for a folder in the diffusers layout. Raises BadInput for one that holds no pipeline that renders video,
    Damaged for one that cannot be read.

    Its ratings are the middle of each scale, for nothing is known of its films, and so is its licence.
    """
    found = find(str(folder))
    if found is None or not (found.folder / "model_index.json").is_file():
        raise BadInput(
            f"model {FOLDER + str(folder)!r}: no pipeline in the diffusers layout (model_index.json) is there"
        )
    name = class_of(found.folder)
    kin = kin_of(name)
    try:
        ways = [way(one) for one in kin.classes]
    except AttributeError:
        raise BadInput(f"model {FOLDER + str(folder)!r}: this version of diffusers has no {name}") from None
    if not ways[0].argument("num_frames", "video_length", "frames", "video"):
        raise BadInput(f"model {FOLDER + str(folder)!r}: {name} renders no video")
    told = _defaults(ways[0].pipeline)
    middle: Rating = "medium"
    step, offset = {"n": (1, 0), "4k+1": (4, 1), "6k+1": (6, 1), "8k+1": (8, 1), "fixed": (1, 0)}[kin.rule]
    return ModelCard(
        id=f"{FOLDER}{folder}",
        name=folder.name,
        family="diffusers",
        summary=f"A {name} of your own.",
        backend="kinograph.tools.backends.diffusion:Diffusion",
        tasks=_tasks([one.form.roles for one in ways], words=any(one.carries(()) for one in ways)),
        source=str(folder),
        license="unknown",
        commercial=False,
        width=_whole(told.get("width"), WIDTH),
        height=_whole(told.get("height"), HEIGHT),
        size_multiple=kin.multiple,
        frames=_whole(told.get("num_frames", told.get("video_length", told.get("frames"))), FRAMES * step + offset),
        frames_rule=kin.rule,
        min_frames=step + offset,
        max_frames=257,
        fps=_whole(told.get("frame_rate"), FPS),
        steps=min(_whole(told.get("num_inference_steps"), STEPS), 100),
        min_steps=1,
        max_steps=100,
        guidance=float(told.get("guidance_scale") or told.get("max_guidance_scale") or GUIDANCE),
        vram_gb=round(found.gb * OVERHEAD, 1),
        offloaded_gb=round(found.gb * OVERHEAD / 2, 1),
        batch=not kin.single,
        negative=bool(ways[0].argument("negative_prompt")) and not ways[0].argument("true_cfg_scale"),
        references=REFERENCES if any("reference" in one.form.roles for one in ways) else 0,
        graded=any(one.form.argument == "conditions" for one in ways),
        shared_noise=kin.axis is not None,
        blends=kin.axis is not None or bool(encoder(ways[0].pipeline)),
        ratings=Ratings(
            temporal_consistency=middle,
            character_consistency=middle,
            scene_complexity=middle,
            resource_requirements=middle,
            orchestration_complexity=middle,
        ),
    )


def _defaults(pipeline: Any) -> dict[str, Any]:
    parameters = inspect.signature(pipeline.__call__).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}


def _whole(value: Any, otherwise: int) -> int:
    return round(value) if isinstance(value, (int, float)) and value > 0 else otherwise


def _tasks(roles: list[Any], words: bool) -> tuple[Task, ...]:
    every = {role for some in roles for role in some}
    told: tuple[tuple[Task, bool], ...] = (
        ("t2v", words),
        ("i2v", "first" in every),
        ("v2v", "source" in every),
        ("flf2v", {"first", "last"} <= every),
        ("keyframes", "between" in every),
        ("reference", "reference" in every),
        ("inpaint", "mask" in every),
    )
    return tuple(task for task, holds in told if holds)
