"""The step of a topology that makes its shots: each lives on the floor, as a graph with checkpoints of its own.

What became of a shot is in the ledger before its life ends, so a production that is resumed, after `kill -9` too,
goes on with the shots that are not settled, each from its last checkpoint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kinograph.agents.changing import LEAST_LOST, Setback, scarcity
from kinograph.agents.commission import experience
from kinograph.errors import StorageError
from kinograph.events import Event, Joined
from kinograph.film import Decision, Sitting, Storyboard, Take
from kinograph.graphs import rounds, settling, take
from kinograph.graphs.boundaries import rises
from kinograph.graphs.dependencies import TaskGraph, tasks_of
from kinograph.graphs.forecast import Outlook
from kinograph.graphs.production import Crew, Production, Run, TakeState, telling
from kinograph.graphs.schedule import Pace
from kinograph.tools.backends import ModelCard

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

MOST_STEPS = 150
"""Most steps of a shot's life: three a take, at most ten takes and five failed renders with each of a few models."""
SECONDS_PER_FRAME = 1.0
"""Taken for a model without a pace that was never seen at work: only how shots compare matters then."""
COUNT = 0.5
"""Seconds between looks at how many hands other processes lend."""
PRIOR = (1.0, 4.0)
"""Rejected takes and all takes, as if seen before any was: one in four."""


def side_by_side(state: Production, runtime: Run) -> dict[str, Any]:
    """Has every shot live as soon as what it needs is settled and a worker is free.

    When several are lost because too much runs at once, that is a setback.
    """
    crew = runtime.context
    shoot(telling(runtime))
    lost, error = scarcity(crew.ledger.outcomes(crew.id).values(), crew.ledger.takes(crew.id))
    if len(lost) < LEAST_LOST or crew.decision.lanes < 2:
        return {}
    why = f"{len(lost)} shots were lost with {crew.decision.lanes} at a time: {error}"
    return {"setback": Setback(cause="scarcity", why=why[:300]).model_dump()}


def one_by_one(state: Production, runtime: Run) -> dict[str, Any]:
    """Has the shots live one after the other, in film order."""
    shoot(telling(runtime), TaskGraph.in_order)
    return {}


def shoot(crew: Crew, arranged: Callable[[TaskGraph], TaskGraph] = lambda graph: graph) -> None:
    """Returns when every shot is settled. Raises what is no single shot's failure: a full disk, damage, a stop."""
    expected = expect(crew.storyboard, crew.decision, crew.card, crew.ledger.latest_takes())
    graph = arranged(tasks_of(crew.storyboard, expected.seconds, crew.brief).of("shot"))
    settled, workers = rounds.settled(crew), crew.decision.lanes
    outlook = Outlook(graph, expected.pace, workers, settled)
    in_turn = threading.Lock()
    """Shots that are settled at once are told of one after the other, so that progress never goes back."""

    def tell(event: Event) -> None:
        with in_turn:
            crew.tell(event)
            if (progress := outlook.hear(event)) is not None:
                crew.tell(progress)

    lives, told = take.build().compile(checkpointer=crew.checkpoints), replace(crew, tell=tell)
    here = copy_context()  # LangGraph finds the stream of events through it; a life, a graph of its own, has another

    def live(shot: str) -> None:
        begin, name = begins(crew, shot)
        config: RunnableConfig = {"configurable": {"thread_id": name}, "recursion_limit": MOST_STEPS}
        at = lives.get_state(config).next
        if {"judge", "remember", "settle"} & set(at):
            crew.floor.give_back(crew.id, shot)  # stopped after its render: the clip is there
        try:
            lives.invoke(None if at else begin, config, context=told, durability="sync")
        except Exception as error:  # a boundary: one shot's life never ends the others'
            if rises(error):
                raise
            here.copy().run(settling.rescue, told, shot, error)

    if outlook.due:
        crew.ledger.record_sitting(crew.id, Sitting(began=time.time(), workers=workers, due=outlook.due))
        crew.tell(outlook.progress)

    def employ(hands: int) -> None:
        crew.floor.employ(crew.id, workers + hands)
        outlook.employ(workers + hands)
        with in_turn:
            crew.tell(Joined(hands=hands))
            crew.tell(outlook.progress)

    with counting(lambda: crew.ledger.jobs.hands(crew.id), employ):
        crew.floor.run(crew.id, graph, expected.pace, workers, live, crew.cancelled, settled)


@contextmanager
def counting(hands: Callable[[], int], employ: Callable[[int], None]) -> Iterator[None]:
    """Tells `employ` how many hands other processes lend whenever that number has changed."""
    over = threading.Event()

    def count() -> None:
        known = 0
        while not over.wait(COUNT):
            try:
                found = hands()
            except StorageError:
                continue  # whoever renders or records meets it too, and can say so
            if found != known:
                known = found
                employ(found)

    counter = threading.Thread(target=copy_context().run, args=(count,), name="hands", daemon=True)
    counter.start()
    try:
        yield
    finally:
        over.set()
        counter.join()


def begins(crew: Crew, shot: str) -> tuple[TakeState, str]:
    """What a shot's life begins with, and the name of its checkpoint thread: each round's life has its own."""
    if (again := rounds.sent_back(crew, shot)) is None:
        return {"id": crew.id, "shot": shot}, f"{crew.id}/{shot}"
    number, back = again
    state: TakeState = {"id": crew.id, "shot": shot, "attempt": back.first, "most": back.most, "round": number}
    return state, f"{crew.id}/{shot}/{number}"


class Expected(NamedTuple):
    """What shots are expected to cost."""

    seconds: dict[str, float]
    """Shot -> seconds to render one take."""
    pace: Pace


def expect(board: Storyboard, decision: Decision, card: ModelCard, takes: Iterable[Take]) -> Expected:
    """Learned from earlier takes with the same model; by the card's pace while there are none."""
    known = next((one for one in experience(takes) if one.model == decision.model), None)
    rejected, all_takes = PRIOR
    judging, per_frame = 0.0, card.seconds_for(1, decision.width, decision.height) or SECONDS_PER_FRAME
    if known is not None:
        rejected, all_takes = rejected + known.takes - known.accepted, all_takes + known.takes
        judging, per_frame = known.judging, known.seconds_per_frame
    seconds = {shot.id: card.legal_frames(round(shot.seconds * decision.fps)) * per_frame for shot in board.shots}
    return Expected(seconds, Pace(judging, rejected / all_takes, decision.takes))
