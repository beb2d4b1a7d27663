"""Ties of a take: blends, first and last frames, takes made anew in part, and what is said of what cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.agents.remedies import reworks
from kinograph.agents.requesting import resolve
from kinograph.agents.storyboarding import linked
from kinograph.agents.ties import FREE, LEAN, Ties, comes_out_of, leads_to, stands_on, untied
from kinograph.film import (
    Appearance,
    Brief,
    Character,
    Correction,
    Decision,
    Look,
    RenderRequest,
    Scene,
    Shot,
    Storyboard,
    Transition,
)
from kinograph.memory.keyframe import Keyframe
from kinograph.tools.backends import card, cards

BALL = Character(id="red-ball", kind="ball", color="red", words="a red ball")
ROLLS = (Appearance(who="red-ball", motion="rises", action="floats up"),)
SHOT = Shot(id="s1.1", scene="s1", text="", cast=ROLLS, setting="sea", time="dawn", seconds=2)
DECISION = Decision(
    model="m", revision="1", topology="chain", width=64, height=48, fps=8, steps=20, guidance=6, takes=3
)
LAST = Keyframe(production="p", shot="s1.0", role="last", about="s1.0", picture="d1", frame=9)


def board(*transitions: Transition, apart: bool = False) -> Storyboard:
    """So many shots with the ball, all in one scene or each in its own."""
    shots = [SHOT.changed(id=f"s{n if apart else 1}.{1 if apart else n}", scene=f"s{n if apart else 1}", transition=one)
             for n, one in enumerate(transitions, 1)]  # fmt: skip
    rows = [[one] for one in shots] if apart else [shots]
    scenes = tuple(Scene(id=row[0].scene, setting="sea", time="dawn", shots=tuple(row)) for row in rows)
    return linked(Storyboard(title="t", look=Look(name="ink"), cast=(BALL,), scenes=scenes))


def request(model: str, attempt: int = 1, ties: Ties = FREE, **more) -> RenderRequest:
    return resolve(SHOT, board("cut"), DECISION, Brief(text="x", seed=3), card(model), attempt, ties=ties, **more)


@pytest.mark.parametrize(
    ("model", "first", "second"),
    [
        ("storyworld-diffusion", "a933cccde008a589", "f6b6242ec41bfd5c"),
        ("wan-2.1-vace", "1c2d9200fc67f916", "d6a02ca95350d2af"),
        ("storyworld-render", "78c2f1c7282f284f", "7d70275b1af24b09"),
    ],
)
def test_takes_that_are_tied_to_nothing_have_the_requests_of_before(model: str, first: str, second: str):
    assert request(model).digest.startswith(first)
    steps = (Correction(action="more steps", because="flicker"),)
    assert request(model, 2, corrections=steps, recalled=(LAST,)).digest.startswith(second)
    assert SHOT.digest == "70b48078d6d1afea39f2dcf0fa693c0be59cc069"
    assert Brief(text="x").digest == "db749e20da257cdf2fbff9971f6b8ca07e242095"


def test_a_take_leans_towards_the_one_before_less_each_time_and_only_where_the_model_can(request_of):
    before = Ties(before=request_of(prompt="a blue car", seed=5))
    blends = [request("wan-2.1-1.3b", attempt, before).blend for attempt in (1, 2, 3)]
    assert [(one.prompt, one.seed) for one in blends if one] == [("a blue car", 5)] * 3
    assert [one.weight for one in blends if one] == [LEAN, LEAN / 2, LEAN / 4]
    assert request("storyworld-render", 1, before) == request("storyworld-render")


def test_only_families_that_take_it_say_that_they_blend():
    assert {id for id, one in cards().items() if not one.blends} == {"openai-video", "storyworld-render"}


@pytest.mark.parametrize(
    ("model", "first", "roles"),
    [
        ("wan-2.2-i2v", True, ["first", "last"]),
        ("wan-2.2-i2v", False, []),
        ("ltx-video", False, ["last"]),
        ("storyworld-diffusion", True, ["first", "last"]),
        ("svd", True, ["first"]),
        ("wan-2.1-1.3b", True, []),
    ],
)
def test_a_shot_ends_on_a_picture_where_the_model_can(model: str, first: bool, roles: list[str]):
    found = request(model, ties=Ties(ending="d9"), recalled=(LAST,) if first else ()).conditioning
    assert [one.role for one in found] == roles
    assert all(one.keyframe == {"first": "d1", "last": "d9"}[one.role] for one in found)


def test_a_take_is_made_anew_in_part_by_models_of_video_to_video_alone():
    ties = Ties(source="c", ending="d9")
    (one,) = request("wan-2.1-1.3b", 2, ties, recalled=(LAST,)).conditioning
    assert (one.role, one.keyframe, one.strength) == ("source", "c", 0.5)
    assert [one.role for one in request("wan-2.2-5b", 2, ties, recalled=(LAST,)).conditioning] == ["first"]
    assert not reworks(card("wan-2.1-vace")), "it keeps all of a clip that no mask marks"
    assert reworks(card("storyworld-diffusion"))


def test_what_a_model_cannot_is_said(request_of):
    film, ties = board("cut", "smooth", "cut"), Ties(before=request_of(), ending="d9")
    shot = film.shots[1]

    def told(model: str, given: Ties = ties) -> list[tuple[str, str]]:
        made = resolve(shot, film, DECISION, Brief(text="x"), card(model), recalled=(LAST,), ties=given)
        return list(untied(shot, film, card(model), made, given))

    assert told("storyworld-diffusion") == []
    (why, instead), *_ = told("storyworld-render")
    assert why == "storyworld-render takes no words and noise of a neighbour"
    assert instead == "s1.1 is cut to it, and does not change into it"
    assert ("svd takes no last frame here", "it does not end where s1.3 begins") in [
        (why, instead.replace("the next shot", "s1.3")) for why, instead in told("svd")
    ]
    assert told("storyworld-diffusion", FREE) == [("s1.1 is a placeholder", instead)]


@given(st.lists(st.sampled_from(["cut", "smooth"]), min_size=1, max_size=6), st.booleans())
def test_a_shot_waits_for_the_one_that_changes_into_it(transitions: list[Transition], apart: bool):
    film = board(*transitions, apart=apart)
    order = [one.id for one in film.shots]
    for at, shot in enumerate(film.shots):
        before = comes_out_of(shot, film)
        assert before == (order[at - 1] if at and shot.transition == "smooth" else None)
        assert before is None or shot.needs[0] == before
        assert all(order.index(need) < at for need in shot.needs)
        assert before is None or before in stands_on(shot, film, card("storyworld-diffusion"))
        assert stands_on(shot, film, card("storyworld-render")) == ()


def test_a_shot_leads_to_the_next_one_that_goes_on_from_it():
    model = card("storyworld-diffusion")
    together, apart = board("cut", "smooth", "cut"), board("cut", "smooth", apart=True)
    assert [leads_to(one, together, model) for one in together.shots] == ["s1.2", None, None]
    assert leads_to(together.shots[0], together, card("storyworld-render")) is None
    assert leads_to(apart.shots[0], apart, model) is None
