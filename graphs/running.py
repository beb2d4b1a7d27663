"""Runs a production's graph from wherever it stands, with checkpoints in the production's folder."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from kinograph import disk
from kinograph.errors import Damaged
from kinograph.events import Event
from kinograph.film import Outcome
from kinograph.graphs import studio
from kinograph.graphs.production import Crew

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.sqlite import SqliteSaver

RECURSION_LIMIT = 50
"""Most supersteps of one run: shots have their own."""
GOODBYE = 70.0
"""Seconds that a run may take to end once nobody listens any more: the floor's patience and then some."""


def run(crew: Crew) -> Generator[Event, None, dict[str, Outcome]]:
    """Yields events until the cut is done and returns the outcome of every shot.

    The caller holds the production's lock: LangGraph itself would let two processes share a thread.
    Raises what a node raises, and Damaged for checkpoints that cannot be read.
    """
    path = crew.folder / ".kinograph" / "checkpoints.sqlite"
    with disk.database(path), checkpointer(path, f"kinograph resume {crew.id} --rebuild") as saver:
        graph = studio.build().compile(checkpointer=saver)
        config: RunnableConfig = {"configurable": {"thread_id": crew.id}, "recursion_limit": RECURSION_LIMIT}
        begun = saver.get_tuple(config) is not None
        stream = graph.stream(
            None if begun else {"id": crew.id},
            config,
            context=replace(crew, checkpoints=saver),
            stream_mode="custom",
            subgraphs=True,
            durability="sync",
        )
        yield from _heard(stream, crew)
        return crew.ledger.outcomes(crew.id)


def _heard(stream: Iterator[Any], crew: Crew) -> Generator[Event]:
    """The events of a stream that runs on a thread of its own.

    LangGraph, told to stop by Ctrl-C or by nobody listening any more, waits for the step at hand, which may be the
    whole film: here the production is told to stop as well.
    """
    told: SimpleQueue[Event | BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            for _, event in stream:
                told.put(event)
            told.put(None)
        except BaseException as error:  # it rises again where the events are heard
            told.put(error)

    thread = threading.Thread(target=work, name=crew.id, daemon=True)
    thread.start()
    try:
        while (event := told.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    except (GeneratorExit, KeyboardInterrupt):
        crew.cancelled.set()
        raise
    finally:
        thread.join(GOODBYE)


@contextmanager
def checkpointer(path: Path, mend: str) -> Iterator[SqliteSaver]:
    """A LangGraph checkpointer in the file `path`. Raises Damaged, which names the command `mend`."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    disk.folder(path.parent)
    try:
        with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
            if (state := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(state)
            connection.execute("PRAGMA synchronous=NORMAL")  # a kill loses nothing, a power cut the last steps
            saver = SqliteSaver(connection)
            saver.setup()
            yield saver
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise Damaged(
            f"checkpoints {str(path)!r} are damaged ({error}); set them aside and keep every clip with: {mend}"
        ) from error
