"""The distributed topology: acts planned side by side, shots sent back once, and kill -9 wherever it hurts most."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from server import Server
from tampering import Accepting, Cramped, tampered_cards

import kinograph.tools.backends as door
from kinograph import Studio
from kinograph.agents.changing import Setback, reconsider, scarcity
from kinograph.errors import BadStoryboard
from kinograph.events import Changed, Finished, Reviewed, TakeStarted
from kinograph.film import Film, Means, Outcome, TopologyChange, Verdict
from kinograph.graphs import TOPOLOGIES, distributed, shooting, studio, topology
from kinograph.graphs.production import Production
from kinograph.memory.ledger import Ledger
from kinograph.settings import Settings

TEXT = (
    "A red ball rolls in the meadow. A ball bounces. The ball spins. The ball rises. The ball falls. "
    "The ball rolls left. The ball circles. The ball rests in the meadow."
)
TINY: dict[str, Any] = {"width": 96, "height": 54, "frames": 8, "seed": 3}
SHORT = "A red ball rolls in the meadow. The ball rises. The ball falls."


@pytest.fixture
def tampered(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = tampered_cards()
    monkeypatch.setattr(door, "cards", lambda: cards)


def made(mind: Any = None, text: str = SHORT, **fields: Any) -> tuple[Film, list[Any]]:
    studio = Studio(Settings.load(workers=2), mind=mind or Accepting())
    events: list[Any] = list(studio.stream(studio.brief(text, **{**TINY, **fields})))
    last = events[-1]
    assert isinstance(last, Finished)
    return last.film, events


# ------------------------------------------------------------------------------------------ the graph


def test_the_graph_is_the_one_in_the_drawing():
    drawn = distributed.build().compile().get_graph()
    assert set(drawn.nodes) - {"__start__", "__end__"} == {"narrate", "act", "join", "board", "shoot", "quality"}
    assert {(edge.source, edge.target) for edge in drawn.edges} == {
        ("__start__", "narrate"), ("__start__", "board"), ("narrate", "act"), ("narrate", "__end__"), ("act", "join"),
        ("join", "act"), ("join", "board"), ("join", "__end__"), ("board", "shoot"), ("shoot", "quality"),
        ("shoot", "__end__"), ("quality", "shoot"), ("quality", "__end__"),
    }  # fmt: skip


def test_every_topology_leads_to_the_step_that_reconsiders_it():
    edges = {(edge.source, edge.target) for edge in studio.build().compile().get_graph().edges}
    for name in TOPOLOGIES:
        assert {("carry", name), (name, "reconsider"), ("reconsider", name)} <= edges
        assert topology(name).compile().get_graph().nodes
    assert {("reconsider", "fuse"), ("fuse", "cut")} <= edges


class InTurn(Accepting):
    """Has the acts' scene agents finish in a given order."""

    def __init__(self, order: tuple[int, ...]) -> None:
        self._order, self._done = list(order), threading.Condition()
        self.finished: list[int] = []

    def think(self, agent: Any, question: Any) -> Any:
        answer = super().think(agent, question)
        if agent.role == "style" and question.before is not None:
            act = {"1": 0, "4": 1, "6": 2}[question.beats[0].id]
            with self._done:
                assert self._done.wait_for(lambda: self._order[len(self.finished)] == act, timeout=60)
                self.finished.append(act)
                self._done.notify_all()
        return answer


def test_the_order_in_which_acts_finish_changes_nothing():
    films = set()
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        mind = InTurn(order)
        film, _ = made(mind, TEXT, topology="distributed", takes=1)
        assert mind.finished == list(order)
        films.add((film.storyboard, tuple(take.request.digest for take in film.takes)))
    assert len(films) == 1


# --------------------------------------------------------------------------------------- sent back


def test_a_shot_that_is_out_of_line_is_made_again_and_the_better_take_is_used(tampered):
    film, events = made(model="color", topology="distributed")
    first, last = film.reviews
    assert [(one.kind, one.shot, one.other, one.subject) for one in first.findings] == [
        ("identity", "s1.3", "s1.1", "red-ball")
    ]
    assert (first.sent_back, last.bettered, last.findings) == (("s1.3",), ("s1.3",), ())
    assert last.score > first.score
    assert [(cut.shot, cut.attempt) for cut in film.timeline] == [("s1.1", 1), ("s1.2", 1), ("s1.3", 2)]
    again = next(take for take in film.takes if take.attempt == 2)
    assert "a red ball as in every other shot, red" in again.request.prompt
    assert film.changes == ()
    assert [event.review for event in events if isinstance(event, Reviewed)] == [first, last]


def test_what_was_there_stays_when_the_new_take_is_no_better(tampered):
    film, events = made(model="stubborn", topology="distributed")
    assert len([event for event in events if isinstance(event, TakeStarted)]) == 4, "one shot, once"
    assert film.reviews[0].sent_back == ("s1.3",)
    assert film.reviews[1].bettered == ()
    assert film.reviews[1].score == film.reviews[0].score
    assert [cut.attempt for cut in film.timeline] == [1, 1, 1]


def test_a_shot_without_a_take_left_is_not_sent_back(tampered):
    film, _ = made(model="color", topology="distributed", takes=1)
    assert film.reviews[0].sent_back == ()
    assert len(film.takes) == 3


def test_a_take_that_the_validator_rejects_is_never_used_for_the_films_sake(tampered):
    class Wary(Accepting):
        def think(self, agent: Any, question: Any) -> Any:
            if agent.role == "validator":
                return Verdict(accepted="as in every other shot" not in question.request.prompt)
            return super().think(agent, question)

    film, _ = made(Wary(), model="color", topology="distributed")
    assert [cut.attempt for cut in film.timeline] == [1, 1, 1]
    assert sorted(take.attempt for take in film.takes if take.shot == "s1.3") == [1, 2, 3]


# ----------------------------------------------------------------------------------------- changes


class Confused(Accepting):
    """Its scene agents forget a beat of every act but the first."""

    asked = 0

    def think(self, agent: Any, question: Any) -> Any:
        answer = super().think(agent, question)
        if agent.role == "scene" and question.before is not None and question.beats[0].id != "1":
            self.asked += 1
            return answer.changed(places=answer.places[1:])
        return answer


def test_acts_that_do_not_fit_together_are_asked_once_more_and_then_one_planner_plans():
    mind = Confused()
    film, events = made(mind, TEXT, topology="distributed", takes=1)
    (change,) = film.changes
    assert (change.left, change.to) == ("distributed", "hierarchical")
    assert change.why.startswith("the plans of the acts do not fit together: a2: places are for beats")
    assert mind.asked == 4, "two acts, twice"
    assert len(film.timeline) == 8
    assert [event.change for event in events if isinstance(event, Changed)] == [change]
    assert change.why in (Path(film.folder) / "manifest.json").read_text()


def test_a_budget_that_ends_between_the_acts_leaves_the_plan_to_one_hand(server: Server):
    mind = {"kind": "openai", "base_url": server.url, "model": "small", "budgets": {"calls": 3}}
    studio = Studio(Settings.load(mind=mind))
    film = studio.make(studio.brief(TEXT, **TINY, topology="distributed", takes=1))
    assert [change.to for change in film.changes] == ["hierarchical"]
    assert film.changes[0].why == "2 of 3 acts were planned by rules: the budget of 3 calls is used up"
    assert server.roles == ["orchestrator", "narrative", "director"]
    assert len(film.timeline) == 8


def test_shots_lost_for_want_of_memory_are_made_one_at_a_time(tampered, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Cramped, "roomy", False)
    one_by_one = shooting.one_by_one

    def with_room(state: Any, runtime: Any) -> Any:
        monkeypatch.setattr(Cramped, "roomy", True)
        return one_by_one(state, runtime)

    monkeypatch.setattr(shooting, "one_by_one", with_room)
    film, _ = made(model="cramped", topology="hierarchical", takes=2)
    (change,) = film.changes
    assert (change.left, change.to) == ("hierarchical", "chain")
    assert change.why.startswith("3 shots were lost with 2 at a time:")
    assert "out of memory" in change.why
    used = {(take.shot, take.attempt): take for take in film.takes}
    shown = [used[cut.shot, cut.attempt] for cut in film.timeline]
    assert all(take.accepted and take.means == Means() for take in shown), "made again, with nothing given up"
    assert film.given_up == ()
    assert film.missing == ()


def test_a_chain_whose_film_is_not_of_one_piece_goes_on_distributed(monkeypatch: pytest.MonkeyPatch):
    cards = tampered_cards("low")
    monkeypatch.setattr(door, "cards", lambda: cards)
    film, events = made(model="color")
    assert film.decision.topology == "chain"
    (change,) = film.changes
    assert (change.left, change.to) == ("chain", "distributed")
    assert change.why == "the film is not of one piece: a red ball is blue in s1.3 and red in s1.1"
    assert [cut.attempt for cut in film.timeline] == [1, 1, 2], "what was settled stayed so"
    assert sum(isinstance(event, TakeStarted) for event in events) == 4
    asked, _ = made(model="color", topology="chain")
    assert asked.changes == (), "asked for: it is kept"
    assert asked.reviews[-1].findings


def test_each_topology_is_tried_at_most_once_and_only_those_that_help():
    def to(cause: Any, left: Any, tried: Any = (), asked: Any = None) -> str | None:
        change = reconsider(Setback(cause=cause, why="why"), left, tried, TOPOLOGIES, asked)
        assert change is None or change == TopologyChange(left=left, to=change.to, why="why")
        return change.to if change else None

    assert to("planning", "distributed") == to("planning", "distributed", asked="distributed") == "hierarchical"
    assert to("planning", "hierarchical", ["distributed"]) is None
    assert to("scarcity", "hierarchical") == to("scarcity", "distributed", ["hierarchical"]) == "chain"
    assert to("scarcity", "distributed", ["chain"]) is None
    assert to("inconsistent", "chain") == to("inconsistent", "hierarchical") == "distributed"
    assert to("inconsistent", "chain", ["distributed"]) is None
    assert to("inconsistent", "chain", asked="chain") is None


def test_one_lost_shot_and_other_errors_are_no_scarcity(request_of: Any):
    from kinograph.film import Failure, Take

    def take(shot: str, error: str, failure: Failure) -> Take:
        return Take(shot=shot, attempt=1, request=request_of(), error=error, failure=failure)

    outcomes = [Outcome(shot=shot, state="failed") for shot in ("a", "b", "c")] + [Outcome(shot="d", state="accepted")]
    takes = [take("a", "CUDA out of memory", "memory"), take("b", "no such file", "other"), take("d", "full", "memory")]
    assert scarcity(outcomes, [*takes, take("c", "the worker died (exit code -9)", "worker")])[0] == ["a", "c"]


def test_a_film_that_no_topology_can_plan_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kinograph.agents.changing.INSTEAD", {"planning": ()})
    with pytest.raises(BadStoryboard, match="no topology is left to plan the film with: the plans of the acts"):
        made(Confused(), TEXT, topology="distributed")


def test_a_checkpoint_of_an_older_version_goes_on_to_the_cut():
    runtime = SimpleNamespace(context=SimpleNamespace(go_on=lambda: None))
    state = cast("Production", {"id": "film", "topology": "chain"})
    assert studio.reconsider(state, cast("Any", runtime)) == {"then": "fuse"}


# -------------------------------------------------------------------------------------------- kill -9

MOMENTS = ("story", "plan of a2", "storyboard", "reviews", "rounds", "again", "reviews")
"""Papers after whose filing the process is killed, one after the other; "again" is the shot that was sent back."""


def work(home: Path, folder: Path, resume: bool, moment: str) -> None:
    """What the child does: makes the film, or goes on with it, until it has filed `moment`."""
    os.environ |= {"KINOGRAPH_HOME": str(home)}
    cards = tampered_cards()
    door.cards = lambda: cards  # type: ignore[assignment]
    if moment:
        _die_after(moment)
    maker = Studio(Settings.load(workers=2), mind=Accepting())
    if resume:
        maker.resume(folder)
    else:
        maker.make(maker.brief(TEXT, **TINY, model="color", topology="distributed"), out=folder)


def _die_after(moment: str) -> None:
    """SIGKILL within the node that files a paper: its step is done and not yet in the checkpoints."""
    file, settle = Ledger.file, Ledger.settle_shot

    def filed(self: Ledger, production: str, name: str, noun: Any) -> None:
        file(self, production, name, noun)
        if name == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def settled(self: Ledger, production: str, outcome: Outcome) -> None:
        settle(self, production, outcome)
        if moment == "again" and outcome.round > 1:
            os.kill(os.getpid(), signal.SIGKILL)

    Ledger.file, Ledger.settle_shot = filed, settled  # type: ignore[method-assign]


children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(
    ["kinograph.studio", "kinograph.graphs.running", "kinograph.agents.validator", "chromadb", "av", "cv2"]
)


def child(home: Path, folder: Path, resume: bool, moment: str) -> int | None:
    process = children.Process(target=work, args=(home, folder, resume, moment))
    process.start()
    process.join(240)
    assert process.exitcode is not None, "the child hangs"
    return process.exitcode


def film_of(home: Path) -> Film:
    row = sqlite3.connect(home / "ledger.sqlite").execute("SELECT noun FROM papers WHERE name = 'film'").fetchone()
    return Film.model_validate_json(row[0])


def test_killed_at_every_filing_it_comes_to_the_same_film_and_sends_nothing_back_twice(tmp_path: Path):
    assert child(tmp_path / "whole", tmp_path / "film", False, "") == 0
    whole, home, folder = film_of(tmp_path / "whole"), tmp_path / "home", tmp_path / "killed"
    begun = False
    for moment in MOMENTS:
        assert child(home, folder, begun, moment) == -signal.SIGKILL, moment
        begun = True
    assert child(home, folder, True, "") == 0
    film = film_of(home)
    assert film.reviews == whole.reviews
    assert film.reviews[-1].bettered == ("s1.5",)
    assert film.timeline == whole.timeline
    assert [(t.shot, t.attempt, t.request.digest) for t in film.takes] == [
        (t.shot, t.attempt, t.request.digest) for t in whole.takes
    ]
    renders = sqlite3.connect(home / "ledger.sqlite").execute("SELECT attempts, renders FROM jobs").fetchall()
    assert {row[1] for row in renders} == {1}, "nothing is rendered twice"
    assert len(renders) == 9
