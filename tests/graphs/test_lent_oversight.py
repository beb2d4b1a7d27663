"""Two processes at one production: the early judge of the one that conducts oversees what the other one renders."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kinograph import Settings, Studio
from kinograph.events import Lent, TakeStopped
from kinograph.film import Film

BRIEF = "A red ball rolls through the meadow."
PATIENCE = 120.0
"""Seconds that this may take."""

children = multiprocessing.get_context("forkserver")


@contextmanager
def models() -> Iterator[None]:
    """`mended` draws a blue ball until the prompt insists on a red one."""
    import kinograph.tools.backends as door

    with pytest.MonkeyPatch.context() as patch:
        from foreseeing import cards

        more = cards()
        patch.setattr(door, "cards", lambda: more)
        patch.setattr("kinograph.agents.choosing.cards", door.cards)
        yield


def conduct(home: Path, folder: Path) -> None:
    """Makes the film without a hand of its own, and notes what was stopped."""
    from kinograph.agents import generation

    begin = generation.Generation.__init__
    with models(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            generation.Generation, "__init__", lambda self, *given: begin(self, *given[:4], slots=0, others=given[-1])
        )
        studio = Studio(Settings.load(home=home, workers=1, early_stop=True, learn_corrections=False))
        brief = studio.brief(BRIEF, model="mended", width=96, height=64, frames=12, takes=3)
        for event in studio.stream(brief, out=folder):
            if isinstance(event, TakeStopped):
                (folder.parent / "stopped").write_text(event.why)


def lend(home: Path, folder: Path) -> None:
    with models():
        for event in Studio(Settings.load(home=home, workers=1)).join_stream(folder):
            if isinstance(event, Lent):
                (folder.parent / "lent").write_text(str(event.count))


def test_a_take_that_is_hopeless_is_ended_where_it_is_rendered_and_mended_where_the_film_is_conducted(tmp_path: Path):
    home, folder = tmp_path / "home", tmp_path / "film"
    conductor = children.Process(target=conduct, args=(home, folder))
    conductor.start()
    deadline = time.monotonic() + PATIENCE
    while not (folder / ".kinograph" / "production.json").exists():
        assert time.monotonic() < deadline
        assert conductor.is_alive()
        time.sleep(0.05)
    helper = children.Process(target=lend, args=(home, folder))
    helper.start()
    try:
        for child in (conductor, helper):
            child.join(PATIENCE)
            assert child.exitcode == 0
    finally:
        conductor.kill()
        helper.kill()
    film = Studio(Settings.load(home=home)).show(folder)
    assert isinstance(film, Film)
    first, second = film.takes
    assert (first.clip, first.stopped, second.accepted) == (None, 0.25, True)
    assert "exactly this color" in second.request.prompt
    assert (tmp_path / "stopped").read_text() == "the ball is blue, not red"
    assert (tmp_path / "lent").read_text() == "1", "what was stopped was not rendered"
    with Studio(Settings.load(home=home)).ledger() as ledger:
        assert ledger.watches.question(film.id, first.request.digest) is None
        assert {digest: count for digest, count in ledger.renders().items() if count} == {second.request.digest: 1}
