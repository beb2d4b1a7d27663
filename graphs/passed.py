"""Which nodes of its graph a production has passed, read from its checkpoints: a retake's are passed again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kinograph.graphs.running import checkpointer
from kinograph.memory.database import Place

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

TO = ("branch:to:", "join:")
"""How LangGraph's channels begin that have a node run next: after one other, or after all of several; its name ends
theirs."""


def passed(place: Place, id: str) -> tuple[str, ...]:
    """The nodes of production `id` in order; those of its shots follow the first "shoot", shot by shot.

    Nodes that ran side by side stand in alphabetical order, so that the same production has the same path each time.
    Raises StorageError or Damaged.
    """
    steps: dict[str, list[CheckpointTuple]] = {}
    with checkpointer(place, f"kinograph resume {id} --rebuild") as saver:
        for one in saver.list(None):
            thread = str(one.config.get("configurable", {}).get("thread_id"))
            if thread == id or thread.startswith(f"{id}/"):
                steps.setdefault(thread, []).append(one)
    film = _nodes(steps.pop(id, []))
    shots = [node for thread in sorted(steps, key=_numbers) for node in _nodes(steps[thread])]
    at = film.index("shoot") + 1 if "shoot" in film else len(film)
    return (*film[:at], *shots, *film[at:])


def _numbers(thread: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", thread.rpartition("/")[2])]


def _nodes(steps: list[CheckpointTuple]) -> list[str]:
    ordered = sorted(steps, key=lambda one: one.checkpoint["ts"])
    channels = [sorted(one.checkpoint.get("updated_channels") or ()) for one in ordered]
    return [name.rpartition(":")[2] for step in channels for name in step if name.startswith(TO)]
