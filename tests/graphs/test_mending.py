"""Whole productions: rejected takes that are mended, candidates, colours that memory has seen, and what is taken away
to be measured."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from kinograph import Studio
from kinograph.agents.remedies import TABLE
from kinograph.film import Film, Take
from kinograph.memory.ledger import Ledger
from kinograph.memory.remedies import Trial
from kinograph.settings import Settings
from kinograph.tools.backends.storyworld import StoryworldBackend
from kinograph.tools.storyworld.grammar import read

SMALL: dict[str, Any] = {"width": 192, "height": 108, "frames": 12}
TWO = "A red ball rolls across the meadow. Then the ball bounces."
CATS = "A cat runs through the city. Then the cat sleeps in the forest. At night the cat jumps in the desert."


def made(text: str = TWO, faults: float = 0.0, settings: dict[str, Any] | None = None, **wishes: Any) -> Film:
    loaded = Settings.load(backends={"storyworld-render": {"fault_rate": faults}}, **(settings or {}))
    studio = Studio(loaded)
    return studio.make(studio.brief(text, **SMALL, **wishes))


def of(film: Film, shot: str) -> list[Take]:
    return [take for take in film.takes if take.shot == shot]


# -------------------------------------------------------------------------------------------- learning


def test_what_came_of_remedies_is_recorded_once_for_each_take(home: Path):
    film = made(faults=1.0, takes=4, seed=5)
    ledger = Ledger(home / "ledger.sqlite")
    known = ledger.remedies.tallies()
    assert known
    assert {one.model for one in known} == {"storyworld-render"}
    assert all(one.remedy in [r.name for r in TABLE[one.finding]] for one in known)
    assert sum(one.tried for one in known) <= sum(take.attempt > 1 for take in film.takes) * 3
    Studio(Settings.load(backends={"storyworld-render": {"fault_rate": 1.0}})).resume(film.id, rebuild=True)
    assert ledger.remedies.tallies() == known, "takes that are judged again do not count again"


def test_a_production_asks_for_the_same_again_whatever_was_learned_since(home: Path):
    film = made(faults=1.0, takes=4, seed=5)
    ledger = Ledger(home / "ledger.sqlite")
    before = ledger.renders()
    first = film.takes[0]
    assert first.verdict is not None
    chosen = {(one.because, one.remedy) for one in first.verdict.corrections}
    for kind in TABLE:
        for number in range(60):
            for one in TABLE[kind]:
                worked = (kind, one.name) not in chosen
                trial = Trial(finding=kind, model="storyworld-render", remedy=one.name, worked=worked)
                ledger.remedies.record("another", f"s{number}", 2, trial) if worked else None
    again = Studio(Settings.load(backends={"storyworld-render": {"fault_rate": 1.0}})).resume(film.id, rebuild=True)
    assert [take.request for take in again.takes] == [take.request for take in film.takes]
    assert ledger.renders() == before


def test_without_learning_the_first_of_the_table_is_taken():
    film = made(faults=1.0, settings={"learn_corrections": False}, takes=4, seed=5)
    asked = {(c.because, c.remedy) for take in film.takes if take.verdict for c in take.verdict.corrections}
    able = ("reseed", "emphasize", "shorten")  # of the renderer
    for kind, remedy in asked:
        first = next(
            one
            for found, offered in TABLE.items()
            if found == kind
            for one in offered
            if all(action in able for action, _ in one.does)
        )
        assert remedy == first.name


def test_what_was_learned_is_shown(kinograph, home: Path):
    status, out, _ = kinograph("remedies")
    assert (status, "nothing was learned yet" in out) == (0, True)
    assert not (home / "ledger.sqlite").exists(), "asking creates nothing"
    trial = Trial(finding="wrong color", model="storyworld-render", remedy="words", worked=True)
    Ledger(home / "ledger.sqlite").remedies.record("p", "s1.1", 2, trial)
    _, out, _ = kinograph("remedies", "--model", "storyworld-render")
    assert "wrong color" in out
    assert "100%" in out
    status, _, err = kinograph("remedies", "--model", "nobody")
    assert (status, "unknown model 'nobody'" in err) == (2, True)


# ------------------------------------------------------------------------------------------ candidates


def test_candidates_differ_in_their_seed_alone_and_the_best_goes_on(home: Path):
    film = made(faults=0.6, settings={"candidates": 3}, takes=3, seed=4)
    for shot in film.storyboard.shots:
        takes = of(film, shot.id)
        assert [take.attempt for take in takes] == [1, 2, 3], "all are rendered, and no more"
        assert len({take.request.seed for take in takes}) == 3
        assert len({take.request.changed(seed=0).digest for take in takes}) == 1
        used = next(cut.attempt for cut in film.timeline if cut.shot == shot.id)
        ranks = {t.attempt: (t.accepted, t.verdict.quality if t.verdict else 0.0) for t in takes}
        assert ranks[used] == max(ranks.values())
    assert set(Ledger(home / "ledger.sqlite").renders().values()) == {1}
    again = Studio(Settings.load(backends={"storyworld-render": {"fault_rate": 0.6}})).resume(film.id, rebuild=True)
    assert again.timeline == film.timeline
    assert set(Ledger(home / "ledger.sqlite").renders().values()) == {1}


def test_after_candidates_that_were_all_rejected_the_best_ones_corrections_are_carried():
    film = made("A red ball rolls across the meadow.", faults=1.0, settings={"candidates": 2}, takes=3, seed=0)
    first, second, third = film.takes
    assert not first.accepted
    assert not second.accepted
    assert first.verdict is not None
    assert second.verdict is not None
    best, other = (first, second) if first.verdict.quality >= second.verdict.quality else (second, first)
    assert best.verdict is not None
    assert other.verdict is not None
    words = [c.words for c in best.verdict.corrections if c.action == "emphasize"]
    assert all(one in third.request.prompt for one in words)
    others = [c.words for c in other.verdict.corrections if c.action == "emphasize" and c.words not in words]
    assert not any(one in third.request.prompt for one in others)
    assert first.request.prompt == second.request.prompt


def test_candidates_never_cost_more_than_a_shot_may():
    film = made("A red ball rolls.", faults=1.0, settings={"candidates": 4}, takes=2)
    assert film.decision.candidates == 2
    assert len(film.takes) == 2


# -------------------------------------------------------------------------------------- what was seen


class Moody(StoryworldBackend):
    """Draws a cat of no colour in blue, which is not the renderer's own idea of a cat."""

    def paint(self, request):
        return super().paint(request.changed(prompt=request.prompt.replace("a cat", "a blue cat", 1)))


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch):
    import kinograph.tools.backends as door

    module = types.ModuleType("test_mending_moody")
    module.__dict__["Moody"] = Moody
    monkeypatch.setitem(sys.modules, "test_mending_moody", module)
    more = door.cards()["storyworld-render"].changed(id="moody", backend="test_mending_moody:Moody")
    cards = {**door.cards(), "moody": more}
    monkeypatch.setattr(door, "cards", lambda: cards)


@pytest.mark.parametrize("topology", ["chain", "hierarchical", "distributed"])
def test_a_color_that_nobody_named_is_asked_for_as_the_first_accepted_shot_showed_it(moody, topology: str):
    film = made(CATS, model="moody", topology=topology)
    assert film.storyboard.cast[0].color is None
    first, *later = [of(film, shot.id)[0] for shot in film.storyboard.shots]
    assert len(later) == 2
    assert read(first.request.prompt).world.subjects[0].color == "orange", "nothing was said of a colour"
    for take in later:
        assert "a blue cat" in take.request.prompt
        assert read(take.request.prompt).world.subjects[0].color == "blue"
        assert take.accepted


def test_without_recall_every_shot_begins_anew(moody):
    film = made(CATS, settings={"ablations": {"recall": "none"}}, model="moody")
    assert all("blue cat" not in take.request.prompt for take in film.takes)


def test_random_recall_gives_other_pictures_of_the_same_film_and_the_same_again(moody):
    film = made(CATS, settings={"ablations": {"recall": "random"}}, model="moody", takes=2)
    again = Studio(Settings.load(ablations={"recall": "random"})).resume(film.id, rebuild=True)
    assert [take.request for take in again.takes] == [take.request for take in film.takes]


# --------------------------------------------------------------------------------- what is taken away


def test_without_corrections_a_retake_has_another_seed_and_nothing_else():
    film = made("A red ball rolls.", faults=1.0, settings={"ablations": {"corrections": False}}, takes=3, seed=1)
    assert len(film.takes) == 3
    assert len({take.request.changed(seed=0).digest for take in film.takes}) == 1
    assert len({take.request.seed for take in film.takes}) == 3


def test_without_a_validator_the_first_take_is_accepted_and_it_is_said():
    film = made("A red ball rolls.", faults=1.0, settings={"ablations": {"validator": False}})
    (take,) = film.takes
    assert take.verdict is not None
    assert take.accepted
    assert take.verdict.unchecked == ("everything: there is no validator",)
