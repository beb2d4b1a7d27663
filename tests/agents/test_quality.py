"""The quality agent: what disagrees between the shots of a film, who is out of line, and what is sent back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinograph.agents.quality import Quality, Screening, Used, _outliers, corrections, to_send_back
from kinograph.film import (
    Appearance,
    Character,
    Conditioning,
    FilmFinding,
    Look,
    Outcome,
    RenderRequest,
    Review,
    Scene,
    Shot,
    Storyboard,
    Take,
    Verdict,
)
from kinograph.tools.footage import develop
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import Subject, World

BALL = World(subjects=(Subject(kind="ball", color="red", motion="moves right"),), setting="meadow", time="day")


def used(folder: Path, world: World, shot: str, **fields: Any) -> Used:
    """What a film uses of a shot that shows this world."""
    plain = {"model": "m", "revision": "1", "prompt": shot, "seed": 1, "frames": 8, "fps": 8, "width": 160}
    request = RenderRequest.model_validate(plain | {"height": 90} | fields)
    clip = develop(request, paint(world, frames=8, width=160, height=90, fps=8, seed=1).frames, folder, 0.0)
    take = Take(shot=shot, attempt=1, request=request, clip=clip, verdict=Verdict(accepted=True))
    return Used(outcome=Outcome(shot=shot, state="accepted", attempt=1, last=7), take=take)


def board_of(shots: int, needs: bool = False) -> Storyboard:
    """A ball without a colour of its own in one meadow."""
    ids = [f"s1.{n}" for n in range(1, shots + 1)]
    cast = (Appearance(who="ball", motion="moves right"),)
    before = dict(zip(ids[1:], ids, strict=False)) if needs else {}
    made = tuple(
        Shot(id=id, scene="s1", text="", cast=cast, setting="meadow", needs=(before[id],) if id in before else ())
        for id in ids
    )
    scene = Scene(id="s1", setting="meadow", time="day", shots=made)
    who = Character(id="ball", kind="ball", words="a ball")
    return Storyboard(title="t", look=Look(name="flat"), cast=(who,), scenes=(scene,))


def review(board: Storyboard, shown: Sequence[Used], **fields: Any) -> Review:
    return Quality().rules(Screening(storyboard=board, used=tuple(shown), **fields))


OTHER = {
    "identity": BALL.changed(subjects=(BALL.subjects[0].changed(color="blue"),)),
    "shape": BALL.changed(subjects=(BALL.subjects[0].changed(kind="star"),)),
    "place": BALL.changed(setting="desert"),
    "style": BALL.changed(look="noir"),
}


def test_a_film_of_one_piece_has_no_findings(tmp_path: Path):
    said = review(board_of(3), [used(tmp_path, BALL, f"s1.{n}") for n in (1, 2, 3)])
    assert said == Review(score=1.0)


@pytest.mark.parametrize("kind", OTHER)
@pytest.mark.parametrize("odd", [1, 3])
def test_names_the_shot_that_differs_from_most_and_one_of_those(tmp_path: Path, kind: str, odd: int):
    shown = [used(tmp_path, OTHER[kind] if n == odd else BALL, f"s1.{n}") for n in (1, 2, 3)]
    said = review(board_of(3), shown)
    assert (kind, f"s1.{odd}", "s1.2" if odd == 1 else "s1.1") in [(f.kind, f.shot, f.other) for f in said.findings]
    assert {finding.shot for finding in said.findings} == {f"s1.{odd}"}
    assert said.score < 1.0


def test_of_two_that_differ_the_first_look_counts():
    assert _outliers(["a", "b"], lambda one, other: one == other) == [("b", "a")]
    assert _outliers(list("abcde"), lambda one, other: (one in "ab") == (other in "ab")) == [("a", "c"), ("b", "c")]
    assert _outliers(["a"], lambda one, other: False) == []


def test_of_two_pictures_of_a_place_the_one_that_looks_like_it_counts(tmp_path: Path):
    shown = [used(tmp_path, OTHER["place"], "s1.1"), used(tmp_path, BALL, "s1.2")]
    said = review(board_of(2), shown)
    assert [(finding.kind, finding.shot, finding.other) for finding in said.findings] == [("place", "s1.1", "s1.2")]


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_shot_that_was_to_go_on_must_begin_where_the_one_before_ends(tmp_path: Path, goes_on: bool):
    begins = (Conditioning(keyframe="k", role="first"),) if goes_on else ()
    night = BALL.changed(time="night")
    shown = [used(tmp_path, BALL, "s1.1"), used(tmp_path, night, "s1.2", conditioning=begins)]
    kinds = [finding.kind for finding in review(board_of(2, needs=True), shown).findings]
    assert ("cut" in kinds) == goes_on


def test_tells_what_is_missing_and_what_does_not_make_sense_without_it(tmp_path: Path):
    shown = [Used(outcome=Outcome(shot="s1.1", state="failed")), used(tmp_path, BALL, "s1.2")]
    (finding,) = review(board_of(2), shown, because={"s1.2": ("s1.1",)}).findings
    assert (finding.kind, finding.shot, finding.other, finding.severity) == ("missing", "s1.1", "s1.2", 1.0)
    assert finding.words == "s1.1 is not in the film; s1.2 happens because of it"


def test_tells_who_is_not_in_the_picture_and_how_long_the_film_is(tmp_path: Path):
    empty = BALL.changed(subjects=())
    said = review(board_of(2), [used(tmp_path, BALL, "s1.1"), used(tmp_path, empty, "s1.2")], seconds=5)
    assert [(finding.kind, finding.shot, finding.subject) for finding in said.findings] == [
        ("story", "s1.2", "ball"), ("pacing", None, None),
    ]  # fmt: skip
    assert said.findings[1].words == "the film is 2.0 s long, not 5"


def test_what_cannot_be_read_is_not_approved(tmp_path: Path):
    shown = [used(tmp_path, BALL, "s1.1"), used(tmp_path, BALL, "s1.2")]
    assert shown[1].take is not None
    assert shown[1].take.clip is not None
    Path(shown[1].take.clip.path).write_bytes(b"")
    (why,) = review(board_of(2), shown).unchecked
    assert why.startswith("s1.2: clip")


# ------------------------------------------------------------------------------------------ sent back


def question(request_of: Any, count: int, **fields: Any) -> Screening:
    takes = [Take(shot=f"s1.{n}", attempt=1, request=request_of()) for n in range(1, count + 1)]
    shown = [Used(outcome=Outcome(shot=take.shot, state="accepted", attempt=1), take=take, **fields) for take in takes]
    return Screening(storyboard=board_of(count), used=tuple(shown))


def bad(*shots: tuple[str, float]) -> Review:
    found = tuple(
        FilmFinding(kind="identity", words="", shot=shot, subject="ball", wanted="red", severity=severity)
        for shot, severity in shots
    )
    return Review(score=0.5, findings=found)


def test_at_most_a_third_of_the_shots_is_sent_back_the_worst_first(request_of: Any):
    said = bad(("s1.1", 0.6), ("s1.3", 0.9), ("s1.4", 0.7), ("s1.6", 0.8), ("s1.2", 0.4))
    assert to_send_back(question(request_of, 6), said, 3) == ["s1.3", "s1.6"]
    assert to_send_back(question(request_of, 9), said, 3) == ["s1.3", "s1.4", "s1.6"]
    assert to_send_back(question(request_of, 2), bad(("s1.1", 0.9), ("s1.2", 0.8)), 3) == ["s1.1"], "one at least"


def test_remarks_used_up_takes_and_what_is_fixed_are_not_sent_back(request_of: Any):
    said = bad(("s1.1", 0.9))
    assert to_send_back(question(request_of, 3), bad(("s1.1", 0.49)), 3) == []
    assert to_send_back(question(request_of, 3), said, 1) == []
    assert to_send_back(question(request_of, 3, fixed=True), said, 3) == []


def test_a_correction_says_how_it_should_look():
    reseed, emphasis = corrections(board_of(2), bad(("s1.2", 0.9)), "s1.2")
    assert (reseed.action, emphasis.action) == ("reseed", "emphasize")
    assert emphasis.words == "a ball as in every other shot, red"
    assert corrections(board_of(2), bad(("s1.2", 0.9)), "s1.1") == ()


def test_looking_twice_at_a_film_looks_at_each_clip_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import kinograph.agents.samples as samples

    loaded: list[str] = []
    load = samples.load

    def counted(clip: Any) -> np.ndarray:
        loaded.append(clip.request)
        return load(clip)

    monkeypatch.setattr(samples, "load", counted)
    asked, agent = (
        Screening(storyboard=board_of(2), used=tuple(used(tmp_path, BALL, f"s1.{n}") for n in (1, 2))),
        Quality(),
    )
    assert agent.rules(asked) == agent.rules(asked)
    assert len(loaded) == 2
