"""The hierarchy of memory: levels within a budget, series that do not leak, promotion that can be killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minds import mind_of
from server import Server, facts_of

from kinograph import Studio
from kinograph.agents import hierarchy
from kinograph.agents.hierarchy import LEVELS, Budget, Context, Note
from kinograph.agents.memory import Memory
from kinograph.agents.outline import Assignment
from kinograph.agents.planner import Planner
from kinograph.cli import main
from kinograph.errors import BadInput, UnknownName
from kinograph.film import Appearance, Brief, Character, Film, Scene, Shot, Storyboard
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.records import SCHEMA
from kinograph.memory.series import Known, Pictured, Series
from kinograph.memory.vault import Vault

SMALL: dict[str, Any] = {"width": 128, "height": 72, "frames": 8, "seed": 3}
FIRST = "A red ball rolls across the meadow. Then the red ball bounces over the sea."
NOTES = st.lists(st.builds(Note, level=st.sampled_from(LEVELS), words=st.text("ab ", max_size=30)), max_size=20)


def make(text: str, out: str, **wishes: Any) -> Film:
    studio = Studio()
    return studio.make(studio.brief(text, **{**SMALL, **wishes}), out=out)


# ------------------------------------------------------------------------------- levels and budget


@given(NOTES, st.integers(0, 300))
def test_a_context_stays_within_its_budget_most_specific_first_and_counts_the_rest(notes: list[Note], room: int):
    found = hierarchy.context(notes, Budget(characters=room))
    assert sum(len(f"{note.level}: {note.words}") + 1 for note in found.notes) <= room
    assert len(found.notes) + found.left_out == len(set(notes))
    ranks = [LEVELS.index(note.level) for note in found.notes]
    assert ranks == sorted(ranks)
    assert found == hierarchy.context(list(notes), Budget(characters=room))
    assert hierarchy.context(notes, Budget(characters=10_000)).left_out == 0


@given(st.lists(st.sampled_from(LEVELS), max_size=30), st.integers(0, 30))
def test_pictures_of_the_most_specific_levels_are_kept_in_their_order(levels: list, most: int):
    kept = hierarchy.within([(level, number) for number, level in enumerate(levels)], most)
    assert kept == sorted(kept)
    assert len(kept) == min(most, len(levels))
    lost = set(range(len(levels))) - set(kept)
    worst = max((LEVELS.index(levels[number]) for number in kept), default=0)
    assert all(LEVELS.index(levels[number]) >= worst for number in lost) or not kept


BOARD = Storyboard(
    title="t",
    cast=(Character(id="ball", kind="ball", color="red", words="a red ball"),),
    scenes=tuple(
        Scene(id=f"s{n}", setting="meadow", time="day", shots=shots)
        for n, shots in (
            (1, (Shot(id="s1.1", scene="s1", text="", setting="meadow", cast=(Appearance(who="ball"),)),)),
            (
                2,
                (
                    Shot(id="s2.1", scene="s2", text="", setting="meadow", cast=(Appearance(who="ball"),)),
                    Shot(
                        id="s2.2",
                        scene="s2",
                        text="",
                        setting="meadow",
                        cast=(Appearance(who="ball"),),
                        needs=("s1.1", "s2.1"),
                    ),
                ),
            ),
        )
    ),
)


def picture(seed: int) -> np.ndarray:
    return np.kron(np.random.default_rng(seed).integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def keyframe(shot: str, role: Any, about: str, production: str = "p") -> Keyframe:
    return Keyframe(production=production, shot=shot, role=role, about=about, picture=f"{shot}{role}", frame=0)


def known(production: str, color: str = "red", quality: float = 1.0, frame: int = 0) -> Known:
    frame_of = keyframe("s1.1", "identity", "hero", production).changed(frame=frame)
    return Known(
        keyframe=frame_of, story=production, kind="ball", color=color, words=f"a {color} ball", quality=quality
    )


@pytest.fixture
def keyframes(tmp_path: Path) -> Keyframes:
    found = Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", PixelEmbedder())
    for shot in ("s1.1", "s2.1"):
        for role, about in (("identity", "ball"), ("setting", "meadow"), ("last", shot)):
            found.remember(keyframe(shot, role, about), picture(len(shot + role)))
    return found


def series(tmp_path: Path, name: str = "Tales") -> Series:
    return Series(tmp_path / "k.sqlite", name, PixelEmbedder.name)


def test_a_recall_says_where_each_picture_comes_from_and_drops_the_farthest_first(keyframes: Keyframes, tmp_path: Path):
    tales = series(tmp_path)
    tales.keep("other", [Pictured(known("other"), np.ones(2, "<f4"))])
    shot = BOARD.shot("s2.2")

    def recalled(most: int) -> list[tuple[str, str]]:
        memory = Memory(keyframes, Vault(tmp_path / "vault"), tales, "p", Budget(keyframes=most))
        found = memory.rules(memory.recollection(shot, BOARD))
        assert len(found.keyframes) + found.left_out == 4
        return [(hierarchy.level_of(k, shot, BOARD, "p"), k.role) for k in found.keyframes]

    # Two of the hero: the earliest of the film. The series' would be the third.
    assert recalled(24) == [("film", "identity"), ("scene", "identity"), ("scene", "setting"), ("working", "last")]
    assert recalled(3) == [("scene", "identity"), ("scene", "setting"), ("working", "last")]
    assert recalled(1) == [("working", "last")]
    first = Memory(keyframes, Vault(tmp_path / "vault"), tales, "p").recollection(BOARD.shot("s1.1"), BOARD)
    assert [(k.production, k.about) for k in first.found] == [("other", "ball")]


def test_without_a_series_the_recall_is_as_it_always_was(keyframes: Keyframes, tmp_path: Path):
    series(tmp_path).keep("other", [Pictured(known("other"), np.ones(2, "<f4"))])
    memory = Memory(keyframes, Vault(tmp_path / "vault"))
    assert memory.known() == []
    assert memory.recollection(BOARD.shot("s1.1"), BOARD).found == ()


# ------------------------------------------------------------------------------------------ series


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(NAMES, st.sampled_from(["a", "b", "c"]), st.integers(0, 2)), max_size=12))
def test_no_series_ever_sees_what_another_knows(tmp_path_factory: pytest.TempPathFactory, kept: list):
    folder = tmp_path_factory.mktemp("series")
    truth: dict[str, dict[str, list[Known]]] = {}
    for name, story, count in kept:
        pictures = [Pictured(known(story, frame=n), np.ones(2, "<f4")) for n in range(count)]
        one = series(folder, name)
        one.keep(story, pictures)
        one.close()
        stories = truth.setdefault(name, {})
        if pictures:
            stories[story] = [one.known for one in pictures]
        else:
            stories.pop(story, None)
    for name in {name for name, *_ in kept} | {"never named", "' OR 1=1 --", "../.."}:
        one = series(folder, name)
        told = [k for story, all_ in truth.get(name, {}).items() if story != "a" for k in all_]
        assert [found.known for found in one.known(without="a")] == told, "the story told first comes first"
        one.close()


def test_the_best_and_new_pictures_are_promoted():
    def pictured(production: str, angle: float, **more: Any) -> Pictured:
        return Pictured(known(production, **more), np.array([np.cos(angle), np.sin(angle)], "<f4"))

    poor, best, twin = pictured("p", 0.0, quality=0.4), pictured("p", 1.0, frame=1), pictured("p", 1.01, frame=2)
    assert hierarchy.promotable([poor, best, twin], []) == [best, poor]
    assert hierarchy.promotable([poor, best, twin], [pictured("q", 0.0), pictured("q", 1.0)]) == [best]
    blue = pictured("p", 1.0, color="blue")
    assert hierarchy.promotable([best, blue], []) == [best, blue], "alike pictures of different characters are no twins"
    many = [pictured("p", 0.5 * n, frame=n) for n in range(8)]
    assert len(hierarchy.promotable(many, [])) == hierarchy.PROMOTED


def test_a_character_is_recognised_only_where_there_is_no_doubt():
    def cast(color: str | None, *knows: str) -> Character:
        board = BOARD.changed(cast=(Character(id="ball", kind="ball", color=color, words="the ball"),))
        return hierarchy.recognised(board, [known("p", color=one) for one in knows]).cast[0]

    assert (cast(None, "red", "red").color, cast(None, "red").words) == ("red", "a red ball")
    assert cast(None, "red", "blue").words == "the ball"
    assert cast("green", "red").words == "the ball"
    assert cast(None).words == "the ball"


def test_a_second_film_of_a_series_has_the_hero_of_the_first_and_others_do_not(tmp_path: Path):
    first = make(FIRST, "one", series="Ball  Tales")
    assert {one.figure for one in Studio().series("Ball Tales") if one.kind} == {("ball", "red")}
    second = make("The ball spins in the snow.", "two", series="Ball Tales")
    assert [(one.color, one.words) for one in second.storyboard.cast] == [("red", "a red ball")]
    assert "a red ball" in second.takes[0].request.prompt
    other = make("The ball spins in the snow.", "three", series="Other Tales")
    alone = make("The ball spins in the snow.", "four")
    assert [take.request for take in other.takes] == [take.request for take in alone.takes]
    assert "red" not in alone.takes[0].request.prompt
    assert {one.story for one in Studio().series("Ball Tales")} == {first.id, second.id}
    planned = Studio().plan(Studio().brief("The ball spins in the snow.", **SMALL, series="Ball Tales"))
    assert planned.storyboard.cast[0].words == "a red ball"
    with pytest.raises(UnknownName, match="unknown series 'Never'; available: Ball Tales, Other Tales"):
        Studio().series("Never")
    again = Studio().resume("two", rebuild=True)
    assert [take.request for take in again.takes] == [take.request for take in second.takes]


def test_a_film_of_a_series_renders_what_it_would_without_where_nothing_is_known():
    plain, named = make(FIRST, "one"), make(FIRST, "two", series="Tales")
    assert [take.request.digest for take in plain.takes] == [take.request.digest for take in named.takes]
    assert all(take.reused for take in named.takes), "the clips in the vault are still good"


def test_versions_of_a_conversation_replace_each_other_and_undone_ones_leave_nothing():
    studio = Studio()
    with studio.open(**SMALL, series="Tales") as conversation:
        for words in ("A red ball rolls across the meadow.", "yes"):
            list(conversation.say(words))
        assert {one.figure for one in studio.series("Tales") if one.kind} == {("ball", "red")}
        for words in ("the ball should be blue everywhere", "yes"):
            list(conversation.say(words))
        assert {one.figure for one in studio.series("Tales") if one.kind} == {("ball", "blue")}
        list(conversation.say("undo"))
        assert {one.figure for one in studio.series("Tales") if one.kind} == {("ball", "red")}


# -------------------------------------------------------------------------- kills and old databases


children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["kinograph.studio", "kinograph.agents.memory", "av", "cv2"])


def promote(home: str, film: str, at: int) -> None:
    """Promotes, and dies by SIGKILL before the statement with that number."""
    os.environ["KINOGRAPH_HOME"] = home
    done = 0

    def trace(statement: str) -> None:
        nonlocal done
        done += 1
        if done == at:
            os.kill(os.getpid(), signal.SIGKILL)

    class Dying(Series):
        def keep(self, story: str, pictures: Any) -> None:
            self._db.set_trace_callback(trace)
            super().keep(story, pictures)

    import kinograph.memory.series as module

    module.Series = Dying
    studio = Studio()
    made = Film.model_validate_json(film)
    studio.stand(made.id, made.brief)


def test_a_promotion_killed_at_any_statement_is_made_whole_by_the_next():
    make("The red ball rolls.", "zero", series="Tales")
    film = make(FIRST, "one", series="Tales")
    studio, home = Studio(), str(Studio().settings.home)
    whole = studio.series("Tales")
    assert len(whole) > 2
    killed = 0
    for at in (2, 4, 50):
        child = children.Process(target=promote, args=(home, film.model_dump_json(), at))
        child.start()
        child.join(60)
        killed += child.exitcode == -signal.SIGKILL
        assert studio.series("Tales") == whole, "nothing is half kept, nothing kept twice"
    assert killed == 2
    database = sqlite3.connect(Path(home) / "keyframes.sqlite")
    assert database.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM series").fetchone() == (len(whole), len(whole))


def test_a_database_from_before_there_were_series_opens(tmp_path: Path):
    old = sqlite3.connect(tmp_path / "k.sqlite")
    old.executescript(SCHEMA)
    old.close()
    one = series(tmp_path)
    assert one.known() == []
    one.keep("p", [Pictured(known("p"), np.ones(2, "<f4"))])
    assert len(one.known()) == 1
    brief = Brief.model_validate_json('{"text": "a ball", "seed": 3}')
    assert (brief.series, brief.narrate, brief.music) == (None, False, None)


# ------------------------------------------------------------------------------------ what is told


def test_a_model_that_plans_is_told_what_the_series_knows_within_the_budget(server: Server):
    many = [known("p", color=color) for color in ("red", "blue")]
    told = hierarchy.context(hierarchy.notes_of_series(many), Budget(characters=40)).told()
    assert told == ["series: cast: a blue ball (blue ball)", "1 more are left out"]
    mind_of(server).think(Planner(), Assignment(brief=Brief(text="A ball rolls."), remembered=tuple(told)))
    assert facts_of(server.asked[0].body)["remembered"] == told
    mind_of(server).think(Planner(), Assignment(brief=Brief(text="A ball rolls.")))
    assert "remembered" not in facts_of(server.asked[-1].body)
    assert Context(notes=(), left_out=0).told() == []


@pytest.mark.parametrize("name", ["", " ", "a\x1b[31mb", "x" * 81])
def test_a_name_that_cannot_be_shown_is_no_series(name: str):
    with pytest.raises(BadInput, match="series"):
        Studio().brief("A ball rolls.", series=name)


def test_what_a_series_knows_is_shown_and_drawn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    make(FIRST, "one", series="../Tales")

    def shown(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["kinograph", "show", "--series", *arguments])
        with pytest.raises(SystemExit):
            main()
        out, err = capsys.readouterr()
        assert not err or "unknown series" in err
        return out

    page = shown("../Tales")
    assert "a red ball" in page
    assert "sea" in page
    assert Path(shown("../Tales", "sheet.png").strip()) == Path("sheet.png").absolute()
    from PIL import Image

    with Image.open("sheet.png") as sheet:
        assert sheet.height == 3 * 136
        assert len(sheet.convert("RGB").getcolors(10**7) or []) > 500
    assert shown("Nothing") == ""
