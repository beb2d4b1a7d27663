"""Runs a production's graph from wherever it stands, with checkpoints in its folder or in the ledger's database."""

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
from kinograph.errors import BadSetting, Damaged, StorageError
from kinograph.events import Event
from kinograph.film import Outcome
from kinograph.graphs import studio
from kinograph.graphs.production import Crew
from kinograph.memory.database import Place, Server, connected, told

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver

RECURSION_LIMIT = 50
"""Most supersteps of one run: shots have their own."""
GOODBYE = 70.0
"""Seconds that a run may take to end once nobody listens any more: the floor's patience and then some."""
READY: set[str] = set()
"""Databases whose tables this process has seen to."""


def run(crew: Crew) -> Generator[Event, None, dict[str, Outcome]]:
    """Yields events until the cut is done and returns the outcome of every shot.

    The caller holds the production's lock: LangGraph itself would let two processes share a thread.
    Raises what a node raises, and Damaged for checkpoints that cannot be read.
    """
    place = checkpoints_of(crew.ledger.place, crew.folder)
    with checkpointer(place, f"kinograph resume {crew.id} --rebuild") as saver:
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


def checkpoints_of(ledger: Place, folder: Path, name: str = "checkpoints") -> Place:
    """Where the checkpoints of what is in a folder are: with the ledger, or in a file in the folder."""
    return ledger if isinstance(ledger, Server) else folder / ".kinograph" / f"{name}.sqlite"


def set_aside(place: Place, id: str) -> None:
    """Has a production or session begin without the checkpoints it has."""
    if isinstance(place, Path):
        disk.set_aside(place)
        return
    with checkpointer(place, "") as saver, closing(connected(place)) as connection, told(place.url):
        query = b"SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id = %s OR starts_with(thread_id, %s)"
        for row in connection.execute(query, (id, f"{id}/")).fetchall():
            saver.delete_thread(row["thread_id"])


@contextmanager
def checkpointer(place: Place, mend: str) -> Iterator[BaseCheckpointSaver[Any]]:
    """A LangGraph checkpointer at a place. Raises StorageError, or Damaged, which names the command `mend`."""
    with _in_database(place) if isinstance(place, Server) else _in_file(place, mend) as saver:
        yield saver


@contextmanager
def _in_database(server: Server) -> Iterator[BaseCheckpointSaver[Any]]:
    try:
        from langgraph.checkpoint.postgres import PostgresSaver
    except ImportError as error:
        raise BadSetting(f"ledger = {server.url!r} needs pip install kinograph[postgres]") from error

    with closing(connected(server)) as connection, told(server.url):
        saver = PostgresSaver(connection)
        if server.url not in READY:
            connection.execute("SELECT pg_advisory_lock(hashtextextended('kinograph checkpoints', 0))")
            saver.setup()
            connection.execute("SELECT pg_advisory_unlock(hashtextextended('kinograph checkpoints', 0))")
            READY.add(server.url)
        yield saver


@contextmanager
def _in_file(path: Path, mend: str) -> Iterator[BaseCheckpointSaver[Any]]:
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
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot write {str(path)!r}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Damaged(
            f"checkpoints {str(path)!r} are damaged ({error}); set them aside and keep every clip with: {mend}"
        ) from error
