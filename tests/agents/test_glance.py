"""The early judge: sure of what is gross, silent about what is right, and measured before it is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kinograph.agents import glance as judge
from kinograph.agents import looks
from kinograph.agents.glance import Glance, unfinished
from kinograph.agents.looks import Calibration, Look, calibration, calibrations
from kinograph.agents.verdicts import Viewing, verdict
from kinograph.errors import Damaged
from kinograph.film import Appearance, Character, RenderRequest, Shot
from kinograph.film import Look as Style
from kinograph.memory.embedders import open_embedder
from kinograph.memory.keyframe import Keyframe
from kinograph.tools.backends import Preview
from kinograph.tools.storyworld import paint
from kinograph.tools.storyworld.world import Subject, World

BALL = World(subjects=(Subject(kind="ball", color="red", motion="moves right"),), setting="meadow", time="day")
LOOKS = (Look(share=0.1, threshold=0.8), Look(share=0.5, threshold=0.5))


def viewing(world: World = BALL, model: str = "storyworld-render") -> Viewing:
    plain = {"model": model, "revision": "1", "prompt": "", "seed": 0, "frames": 16, "fps": 8}
    request = RenderRequest.model_validate(plain | {"width": 192, "height": 108})
    cast = tuple(
        Character(id=one.kind, kind=one.kind, color=one.color, words=f"a {one.color} {one.kind}")
        for one in world.subjects
    )
    acts = tuple(Appearance(who=one.kind, motion=one.motion) for one in world.subjects)
    shot = Shot(id="s1.1", scene="s1", text="", cast=acts, setting=world.setting, time=world.time)
    return Viewing(shot=shot, cast=cast, look=Style(name=world.look), request=request, clip=unfinished(request))


def shown(world: World, seed: int = 1) -> np.ndarray:
    return paint(world, frames=16, width=192, height=108, fps=8, seed=seed).frames[[0, 7, 15]]


@pytest.fixture(scope="module")
def glance() -> Glance:
    return Glance(open_embedder("storyworld-clip"), asked=True)


def changed(**fields: Any) -> World:
    return BALL.changed(subjects=(BALL.subjects[0].changed(**fields),))


@pytest.mark.parametrize(
    ("world", "kind", "words"),
    [
        (changed(color="blue"), "wrong color", "the ball is blue, not red"),
        (changed(kind="tree"), "wrong subject", "a red ball looks like a tree"),
        (BALL.changed(subjects=()), "subject missing", "a red ball is not to be seen"),
        (BALL.changed(setting="space", time="night"), "wrong setting", "not of meadow at day"),
    ],
)
def test_what_is_gross_is_named_first(glance: Glance, world: World, kind: str, words: str):
    glimpse = glance.look(viewing(), shown(world))
    assert glimpse.hopeless >= 0.5
    assert glimpse.doubts[0].finding.kind == kind
    assert words in glimpse.doubts[0].finding.words


@pytest.mark.parametrize("seed", range(4))
def test_what_is_as_asked_raises_little_doubt(glance: Glance, seed: int):
    assert glance.look(viewing(), shown(BALL, seed)).hopeless < 0.5


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        (np.zeros((2, 54, 96, 3), np.uint8), "black"),
        (np.full((2, 54, 96, 3), 120, np.uint8), "corrupt"),
        (np.random.default_rng(0).integers(0, 256, (2, 96, 128, 3), dtype=np.uint8), "corrupt"),
    ],
)
def test_pictures_that_show_nothing_are_beyond_doubt(glance: Glance, frames: np.ndarray, kind: str):
    (doubt,) = glance.look(viewing(), frames).doubts
    assert (doubt.sure, doubt.finding.kind) == (1.0, kind)


def test_the_findings_ask_the_next_request_for_better(glance: Glance):
    found = glance.over(viewing(), 2)
    assert found is not None
    findings = found.against(Preview(0.5, shown(changed(color="blue")), (0, 7, 15)))
    asked = verdict(list(findings), [], [], viewing())
    assert not asked.accepted
    assert "a red ball in exactly this color" in {one.words for one in asked.corrections}


class Doubting(Glance):
    """Doubts as much as it is told."""

    def __init__(self, sure: float) -> None:
        super().__init__(open_embedder("pixels"), asked=True)
        self._sure = sure

    def look(self, question: Viewing, frames: np.ndarray, hues: judge.Hues = judge.NOBODY) -> judge.Glimpse:
        finding = judge._finding(question, "black", "the picture is black")
        return judge.Glimpse((judge.Doubt(self._sure, finding),))


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 9))
def test_a_take_is_stopped_by_the_threshold_of_the_last_moment_passed(sure: float, share: float, left: int):
    overseen = judge.Overseen(Doubting(sure), viewing(), LOOKS, left)
    least = next((look.threshold for look in reversed(LOOKS) if look.share <= share), None)
    stopped = bool(overseen.against(Preview(share, np.zeros((1, 8, 8, 3), np.uint8), (0,))))
    if least is None:
        assert not stopped
    else:
        assert stopped == (sure >= (least if left > 1 else (1 + least) / 2))


def test_nobody_oversees_the_last_take(glance: Glance):
    assert glance.over(viewing(), 0) is None
    assert glance.over(viewing(), 1) is not None


def test_by_itself_it_looks_only_at_models_with_which_it_loses_next_to_nothing(monkeypatch: pytest.MonkeyPatch):
    known = {name: Calibration(looks=LOOKS, lost=lost, good=1000) for name, lost in (("a", 0.02), ("b", 0.021))}
    known["d"] = Calibration(looks=LOOKS, lost=0.0, good=99)
    monkeypatch.setattr(looks, "calibrations", lambda: known)
    assert calibration("a", None) == known["a"]
    assert calibration("b", None) is None
    assert calibration("c", None) is None
    assert calibration("d", None) is None
    assert calibration("a", False) is None
    assert calibration("b", True) == known["b"]
    unmeasured = calibration("c", True)
    assert unmeasured is not None
    assert {look.threshold for look in unmeasured.looks} == {looks.UNMEASURED}


def test_what_is_measured_is_kept_with_its_curve():
    for one in calibrations().values():
        assert one.looks
        assert one.lost is not None
        assert one.good > 0
        assert all(look.auc is not None and look.roc for look in one.looks)


# --------------------------------------------------------------------------------- what is remembered


@pytest.fixture
def remembering(tmp_path: Path) -> Glance:
    """Sees any picture as one of a red ball."""
    picture = tmp_path / "red.png"
    Image.fromarray(shown(BALL)[0]).save(picture)
    return Glance(open_embedder("storyworld-clip"), True, lambda digest: picture)


def of_some_color(**fields: Any) -> Viewing:
    """A ball whose colour the brief leaves open."""
    return viewing().changed(cast=(Character(id="ball", kind="ball", words="a ball"),), **fields)


def test_who_is_in_another_colour_than_remembered_is_off_model(remembering: Glance):
    overseen = remembering.over(of_some_color(recalled=(keyframe(),)), 2)
    assert overseen is not None
    frames = shown(changed(color="blue"))
    (finding,) = overseen.against(Preview(0.5, frames, (0, 7, 15)))
    assert (finding.kind, finding.subject) == ("off model", "ball")
    assert "degrees of hue off how it is remembered" in finding.words
    assert overseen.against(Preview(0.5, shown(BALL), (0, 7, 15))) == ()
    there = judge.watching(open_embedder("storyworld-clip"), overseen.question)
    assert there is not None
    assert there.against(Preview(0.5, frames, (0, 7, 15))) == (finding,)


def test_nobody_is_held_to_the_colour_of_another_look_or_of_somebody_else(remembering: Glance):
    frames = shown(changed(color="blue"))
    for other in (keyframe(state="gold"), keyframe(about="star"), keyframe(role="look")):
        overseen = remembering.over(of_some_color(recalled=(other,)), 2)
        assert overseen is not None
        assert overseen.against(Preview(0.5, frames, (0, 7, 15))) == ()


def test_a_remembered_picture_that_is_lost_or_broken_holds_nobody(tmp_path: Path):
    def lost(digest: str) -> Path:
        raise Damaged(f"picture {digest} is gone")

    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    frames = shown(changed(color="blue"))
    for find in (lost, lambda digest: broken):
        overseen = Glance(open_embedder("storyworld-clip"), True, find).over(of_some_color(recalled=(keyframe(),)), 2)
        assert overseen is not None
        assert overseen.against(Preview(0.5, frames, (0, 7, 15))) == ()


# ------------------------------------------------------------------------------------- lent renders


def test_another_process_sees_what_this_one_would(glance: Glance):
    here = glance.over(viewing().changed(recalled=(keyframe(),)), 2)
    assert here is not None
    there = judge.watching(open_embedder("storyworld-clip"), here.question)
    assert there is not None
    frames = shown(changed(color="blue"))
    preview = Preview(here.shares[-1], frames, tuple(range(len(frames))))
    assert there.shares == here.shares
    assert there.against(preview) == here.against(preview) != ()
    assert len(here.question) < 6000


def test_nobody_watches_who_would_see_otherwise(glance: Glance):
    here = glance.over(viewing(), 2)
    assert here is not None
    assert judge.watching(open_embedder("pixels"), here.question) is None
    assert judge.watching(open_embedder("storyworld-clip"), '{"of": "another version"}') is None


def keyframe(**fields: Any) -> Keyframe:
    plain = {"production": "p", "shot": "s1", "role": "identity", "about": "ball", "picture": "d", "frame": 0}
    return Keyframe.model_validate(plain | fields)
