"""Runs a production's graph from wherever it stands, with checkpoints in the production's folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.events import Event
from kinograph.graphs import studio
from kinograph.graphs.production import Crew, Outcome

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.sqlite import SqliteSaver

RECURSION_LIMIT = 1000
"""Most supersteps of one run: a chain of 60 shots with 10 takes each stays far below."""


def run(crew: Crew) -> Generator[Event, None, dict[str, Outcome]]:
    """Yields events until the cut is done and returns the outcome of every shot.

    The caller holds the production's lock: LangGraph itself would let two processes share a thread.
    Raises what a node raises, and Damaged for checkpoints that cannot be read.
    """
    path = crew.folder / ".kinograph" / "checkpoints.sqlite"
    with disk.database(path), checkpointer(path, f"kinograph resume {crew.id} --rebuild") as saver:
        graph = studio.build().compile(checkpointer=saver)
        config: RunnableConfig = {
            "configurable": {"thread_id": crew.id},
            "recursion_limit": RECURSION_LIMIT,
            # One thread of LangGraph's pool may wait for the stream: with none to spare, a run would never end.
            "max_concurrency": crew.decision.workers + 1,
        }
        begun = saver.get_tuple(config) is not None
        stream: Iterator[Any] = graph.stream(
            None if begun else {"id": crew.id},
            config,
            context=crew,
            stream_mode="custom",
            subgraphs=True,
            durability="sync",
        )
        for _, event in stream:
            yield event
        return graph.get_state(config).values["outcomes"]


@contextmanager
def checkpointer(path: Path, mend: str) -> Iterator[SqliteSaver]:
    """A LangGraph checkpointer in the file `path`. Raises Damaged, which names the command `mend`."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    disk.folder(path.parent)
    try:
        with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
            if (state := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(state)
            saver = SqliteSaver(connection)
            saver.setup()
            yield saver
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise Damaged(
            f"checkpoints {str(path)!r} are damaged ({error}); set them aside and keep every clip with: {mend}"
        ) from error
