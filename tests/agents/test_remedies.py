"""Remedies: which are offered, which is chosen, and what counts as having worked."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.agents.remedies import ACTIONS, TABLE, Offer, able, chosen, corrections, loosened, outcomes, shared
from kinograph.film import Action, Conditioning, Finding, FindingKind, Verdict
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.remedies import Tally
from kinograph.tools.backends import card, cards

KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
NAMES = {"who": "a red ball", "does": "bouncing", "place": "sea"}


def tally(remedy: str, tried: int, worked: int, finding: FindingKind = "wrong color", model: str = "m") -> Tally:
    return Tally(finding=finding, model=model, remedy=remedy, tried=tried, worked=worked)


def verdict(*kinds: FindingKind, asks: tuple[tuple[FindingKind, str], ...] = ()) -> Verdict:
    found = tuple(Finding(kind=kind, words="", shot="s1.1", severity=0.9) for kind in kinds)
    asked = [c for kind, name in asks for c in corrections(kind, Offer(given=((kind, name),)), **NAMES)]
    return Verdict(accepted=not kinds, findings=found, corrections=tuple(asked))


@pytest.mark.parametrize("kind", KINDS)
def test_every_finding_has_remedies_that_any_backend_can_take(kind: FindingKind):
    names = [one.name for one in TABLE[kind]]
    assert len(set(names)) == len(names)
    assert chosen(kind, Offer(able=("reseed", "emphasize", "avoid"))).does in [one.does for one in TABLE[kind]]
    assert chosen(kind, Offer(able=("reseed",))).name == "seed"
    assert "{" not in "".join(
        c.words for one in TABLE[kind] for c in corrections(kind, _given(kind, one.name), **NAMES)
    )


def _given(kind: FindingKind, name: str) -> Offer:
    return Offer(given=((kind, name),))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.sets(st.sampled_from(ACTIONS)), st.integers(0, 2**32 - 1), st.booleans())
def test_only_what_the_backend_can_take_is_chosen_and_the_same_again(kind, actions, seed, learn):
    offer = Offer(model="m", able=tuple({"reseed", *actions}), seed=seed, learn=learn)
    found = list(corrections(kind, offer, **NAMES))
    assert {one.action for one in found} <= {"reseed", *actions}
    assert found == list(corrections(kind, offer, **NAMES))
    assert {one.remedy for one in found} == {chosen(kind, offer).name}


def test_the_first_of_the_table_is_chosen_where_nothing_is_learned():
    record = (tally("seed", 100, 100),)
    assert chosen("wrong color", Offer(model="m", record=record)).name == "words and guidance"
    assert chosen("wrong color", Offer(model="m", able=("emphasize",), record=record)).name == "words"


def share(name: str, offer: Offer, times: int = 200) -> float:
    return sum(chosen("wrong color", offer.changed(seed=seed)).name == name for seed in range(times)) / times


def test_what_has_worked_is_chosen_more_often_and_what_has_not_is_tried_now_and_then():
    plain = Offer(model="m", learn=True)
    assert 0.3 < share("words and guidance", plain) < 0.9, "before anything was tried the first of the table leads"
    record = (tally("words and guidance", 30, 2), tally("steps", 30, 27))
    assert share("steps", plain.changed(record=record)) > 0.6
    assert 0.0 < share("seed", plain.changed(record=record)) < 0.3
    elsewhere = tuple(one.changed(model="other") for one in record)
    assert share("steps", plain.changed(record=elsewhere)) == share("steps", plain), "other models tell nothing"


def test_what_has_not_helped_in_this_shot_is_not_tried_in_it_again_while_there_is_something_else():
    record, tried = (tally("steps", 50, 50),), (("wrong color", "steps"),)
    offer = Offer(model="m", learn=True, record=record)
    assert share("steps", offer) > 0.8
    assert share("steps", offer.changed(tried=tried)) == 0
    everything = tuple(("wrong color", one.name) for one in TABLE["wrong color"])
    assert share("steps", offer.changed(tried=everything)) > 0.8


def test_what_was_chosen_before_is_chosen_again_whatever_was_learned_since():
    offer = Offer(model="m", learn=True, record=(tally("steps", 50, 50),))
    assert share("words", offer.changed(given=(("wrong color", "words"),))) == 1


def test_a_card_says_what_its_requests_can_take(request_of):
    plain = request_of(model="storyworld-render")
    assert able(card("storyworld-render"), plain, (), (), 0) == ("reseed", "emphasize", "shorten")
    model = card("storyworld-diffusion")
    asked = request_of(model=model.id, steps=8, guidance=1.0, frames=model.min_frames)
    assert set(able(model, asked, (), (), 1)) == {
        "reseed", "emphasize", "raise guidance", "more steps", "share noise", "rework", "other model",
    }  # fmt: skip
    assert "rework" not in able(model, asked, (), (), 1, rendered=False), "there is no clip to make anew"
    place = Keyframe(production="p", shot="s0", role="setting", about="sea", picture="d", frame=0)
    assert "hold keyframe" in able(model, asked, (place,), (), 0)
    begun = asked.changed(conditioning=(Conditioning(keyframe="d"),))
    assert "loosen keyframe" in able(model, begun, (place,), (), 0)
    assert not {"loosen keyframe", "hold keyframe"} & set(able(model, begun, (place,), ("d",), 0)), "the user's own"
    assert "avoid" in able(card("wan-2.1-14b"), asked, (), (), 0)


def test_every_action_is_offered_by_some_card_and_is_some_remedys(request_of):
    used: set[Action] = {action for found in TABLE.values() for one in found for action, _ in one.does}
    assert used == set(ACTIONS) - {"reseed"}
    place = Keyframe(production="p", shot="s0", role="setting", about="sea", picture="d", frame=0)
    asked = request_of(steps=8, guidance=1.0, frames=33)
    begun = asked.changed(conditioning=(Conditioning(keyframe="d"),))
    offered = {action for one in cards().values() for r in (asked, begun) for action in able(one, r, (place,), (), 1)}
    assert offered == set(ACTIONS)


def test_a_finding_that_is_gone_has_been_mended_and_one_that_nobody_could_look_for_says_nothing():
    before = verdict("wrong color", "off model", asks=(("wrong color", "steps"), ("off model", "words")))
    both = {(one.finding, one.remedy, one.worked) for one in outcomes(before, verdict("off model"), 0.5, "m")}
    assert both == {("wrong color", "steps", True), ("off model", "words", False)}
    assert outcomes(before, verdict("black"), 0.5, "m") == [], "behind black frames nobody looked for a colour"
    assert outcomes(before, verdict("cannot see"), 0.5, "m") == []
    flicker = verdict("flicker", asks=(("flicker", "steps"),))
    assert [one.worked for one in outcomes(flicker, verdict("black"), 0.5, "m")] == [True]
    mild = verdict("wrong color").changed(findings=(verdict("wrong color").findings[0].changed(severity=0.2),))
    assert {one.finding: one.worked for one in outcomes(before, mild, 0.5, "m")}["wrong color"]


def test_a_first_frame_counts_for_less_each_time_or_for_nothing_at_once():
    first = Conditioning(keyframe="d")
    assert [one.strength for one in loosened(first, 1, graded=True)] == [0.65]
    assert loosened(first, 3, graded=True) == loosened(first, 1, graded=False) == ()
    assert loosened(first, 0, graded=False) == (first,)


def test_shots_share_more_noise_each_time_and_never_all():
    assert shared(0) == 0
    assert [shared(times) for times in (1, 2)] == [0.4, 0.64]
    assert all(0 < shared(times) < 1 for times in range(1, 9))
