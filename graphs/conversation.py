"""The conversation: listen -> wait for approval -> film -> listen again. Messages at the door, ids inside."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Protocol, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command, interrupt

from kinograph.errors import Damaged
from kinograph.events import Event
from kinograph.film import Noun
from kinograph.graphs.running import checkpointer, set_aside
from kinograph.memory.database import Place

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

REMEMBERED = 20
"""Messages that the state holds; the session's own record has all turns."""


class Heard(Noun):
    """What came of a turn."""

    does: Literal["ask", "say", "propose", "film"]
    words: str
    """The crew's answer as plain text."""
    events: tuple[Any, ...] = ()
    """The same as typed events."""


class Host(Protocol):
    """Whoever keeps the session and can make its film."""

    def hear(self, turn: str, words: str) -> Heard:
        """Answers a turn. The same turn heard again gets the same answer and changes nothing."""
        ...

    def film(self, tell: Callable[[Event], None]) -> Heard:
        """Makes the film of the version at hand, or goes on with it; tells what happens."""
        ...


Hosts = Callable[[str], AbstractContextManager[Host]]
"""The session of a thread id, held for as long as it is used."""


def recent(old: list[AnyMessage], new: list[AnyMessage]) -> list[AnyMessage]:
    """Reducer: LangGraph's own, and only the last messages."""
    return add_messages(old, new)[-REMEMBERED:]  # type: ignore[return-value, arg-type]


class Talk(TypedDict):
    """The state of a conversation."""

    messages: Annotated[list[AnyMessage], recent]
    does: NotRequired[str]


def build(hosts: Hosts) -> StateGraph[Any, Any, Any, Any]:
    """Takes {messages}; the thread's id names the session. Interrupts while a storyboard waits for approval."""

    def listen(state: Talk, config: RunnableConfig) -> dict[str, Any]:
        turn = next(message for message in reversed(state["messages"]) if isinstance(message, HumanMessage))
        with hosts(config.get("configurable", {})["thread_id"]) as host:
            heard = host.hear(str(turn.id), turn.text)
        return _answered(heard)

    def approve(state: Talk) -> Command[Literal["listen"]]:
        said = interrupt({"waiting": "approval", "proposal": state["messages"][-1].text})
        words = said if isinstance(said, str) else "yes" if said else "no"
        return Command(goto="listen", update={"messages": [HumanMessage(words)]})

    def film(state: Talk, config: RunnableConfig) -> dict[str, Any]:
        with hosts(config.get("configurable", {})["thread_id"]) as host:
            return _answered(host.film(get_stream_writer()))

    graph = StateGraph(Talk)
    graph.add_node("listen", listen)
    graph.add_node("approve", approve)
    graph.add_node("film", film)
    graph.add_edge(START, "listen")
    graph.add_conditional_edges(
        "listen", lambda state: state["does"], {"ask": END, "say": END, "propose": "approve", "film": "film"}
    )
    graph.add_edge("film", END)
    return graph


def _answered(heard: Heard) -> dict[str, Any]:
    tell = get_stream_writer()
    for event in heard.events:
        tell(event)
    return {"messages": [AIMessage(heard.words)] if heard.words else [], "does": heard.does}


# ------------------------------------------------------------------------------------------- running


class Thread:
    """One conversation's graph with its checkpoints. The caller holds the session's lock."""

    def __init__(self, graph: CompiledStateGraph[Any, Any, Any, Any], id: str) -> None:
        self._graph = graph
        self._config: RunnableConfig = {"configurable": {"thread_id": id}, "recursion_limit": 50}

    @property
    def filming(self) -> bool:
        """The process that was making a film is gone; `go_on` finishes it."""
        state = self._graph.get_state(self._config)
        return bool(state.next) and not state.interrupts

    def say(self, words: str) -> Generator[Event]:
        """A turn of the user."""
        waiting = bool(self._graph.get_state(self._config).interrupts)
        yield from self._run(Command(resume=words) if waiting else {"messages": [HumanMessage(words)]})

    def go_on(self) -> Generator[Event]:
        """Finishes the step that a kill left unfinished."""
        yield from self._run(None)

    def _run(self, given: Any) -> Generator[Event]:
        stream: Iterator[Any] = self._graph.stream(given, self._config, stream_mode="custom", durability="sync")
        yield from stream


@contextmanager
def thread(place: Place, id: str, host: Host) -> Iterator[Thread]:
    """The thread of a session. Damaged checkpoints are set aside: the session's record is the truth, not they."""

    @contextmanager
    def here(_: str) -> Iterator[Host]:
        yield host

    try:
        with checkpointer(place, "") as saver:
            saver.get_tuple({"configurable": {"thread_id": id}})
    except Damaged:
        set_aside(place, id)
    with checkpointer(place, "") as saver:
        yield Thread(build(here).compile(checkpointer=saver), id)
