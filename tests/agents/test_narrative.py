"""Stories: acts, cast and causality, what is wrong with one, and acts that are planned apart and become one plan."""

from __future__ import annotations

import random
import runpy
from pathlib import Path
from typing import Any

import pytest
from minds import assignment, mind_of
from server import Server, by_rules

from kinograph.agents import narrative
from kinograph.agents.mind import Rules
from kinograph.agents.narrative import MOST_ACTS, Narrative
from kinograph.agents.plan import plan_act, plan_story
from kinograph.agents.scene import Place
from kinograph.agents.story import Act, Link, Story, disagreements, flaws, joined, scope
from kinograph.agents.storyboarding import storyboard
from kinograph.film import Storyboard

SCORER = runpy.run_path(str(Path(__file__).with_name("planning_score.py")))
SUITES = Path(__file__).parents[2] / "evals" / "suites"
cases, planned = SCORER["cases"], SCORER["planned"]
FABLE = """A small fox wakes in the forest at dawn. It stretches. A crow sits on a tree and holds a yellow cheese.

The fox walks to the tree. The crow drops the cheese. The cheese falls. The fox grabs the cheese.

At night the fox sleeps in the snow. The crow flies over the city. It is never seen again."""


def story_of(text: str) -> Story:
    return Narrative().rules(assignment(text))


def board_of(story: Story) -> Storyboard:
    plan = plan_story(Rules(), story)
    assert plan is not None
    return storyboard(story.outline, plan.places, plan.moves, plan.look, story.outline.wishes.seconds)


# --------------------------------------------------------------------------------------------- acts


def test_paragraphs_are_acts_with_a_beginning_and_an_end():
    story = story_of(FABLE)
    assert [act.part for act in story.acts] == ["setup", "turn", "resolution"]
    assert [len(act.beats) for act in story.acts] == [3, 4, 3]
    assert story.lead == "fox"
    assert [(act.setting, act.time) for act in story.acts[1:]] == [("forest", "dawn")] * 2, "where the one before ended"
    assert story.flaws == ()


def test_a_short_brief_is_one_act():
    (act,) = story_of("A red ball rolls across a meadow.\n\nThen it bounces over the sea.").acts
    assert act.part == "whole"


def test_without_paragraphs_acts_end_where_the_place_changes():
    text = "A ball rolls in the meadow. It bounces. It spins. It stops. " * 2
    text += "The ball falls into the sea. It floats. It sinks. It rises."
    acts = story_of(text).acts
    assert acts[-1].beats[0] == "9"
    assert 3 <= len(acts) <= MOST_ACTS


@pytest.mark.parametrize("count", [7, 13, 30, 60])
def test_any_length_is_divided_whole_and_in_order(count: int):
    acts = story_of(" ".join(f"A red ball rolls {'left' if n % 2 else 'right'}." for n in range(count))).acts
    assert [beat for act in acts for beat in act.beats] == [str(n) for n in range(1, count + 1)]
    assert all(act.beats for act in acts)
    assert len(acts) <= MOST_ACTS


def test_what_is_done_to_somebody_and_words_like_so_are_causes():
    text = "A boy kicks a red ball. The ball rolls away. A dog sleeps. A cat spins because a boy kicks a ball."
    because = {link.beat: link.because for link in story_of(text).links}
    assert because == {"1": (), "2": ("1",), "3": (), "4": ("1",)}


def test_somebody_who_is_used_before_being_introduced_is_a_flaw():
    (flaw,) = story_of("The dragon sleeps. A knight walks through the forest. A dragon rises over the city.").flaws
    assert flaw.kind == "used before introduced"
    assert flaw.beats == ("1", "3")
    assert "dragon is used in beat 1 and introduced only in beat 3" in flaw.words


def links(*because: tuple[int, ...]) -> list[Link]:
    return [Link(beat=str(n), because=tuple(map(str, causes))) for n, causes in enumerate(because, 1)]


def whole(count: int) -> list[Act]:
    return [Act(id="a1", beats=tuple(str(n) for n in range(1, count + 1)))]


def test_causes_that_go_in_a_circle_are_named():
    found = flaws(whole(4), links((3,), (1,), (2,), ()))
    assert any(flaw.kind == "circle" and "1 because of 3 because of 2 because of 1" in flaw.words for flaw in found)
    (own, later) = flaws(whole(1), links((1,)))
    assert "circle: 1 because of 1" in own.words
    assert later.kind == "cause comes later"


def test_causes_that_come_later_and_acts_without_beats_are_flaws():
    kinds = [flaw.kind for flaw in flaws([*whole(3), Act(id="a2", beats=())], links((), (3,), ()))]
    assert kinds == ["act without a beat", "cause comes later"]
    assert [flaw.kind for flaw in flaws(whole(1), links((), ()))] == ["beat without an act"]


# ------------------------------------------------------------------------------------- apart, and one


def test_acts_planned_apart_are_the_film_that_one_planner_makes(monkeypatch: pytest.MonkeyPatch):
    """As many acts as can be, in briefs that were written for the whole planner."""
    monkeypatch.setattr(narrative, "SHORT", 1)
    monkeypatch.setattr(narrative, "LONG", 2)
    briefs = [case["brief"] for case in cases(SUITES / "planning-dev.jsonl")]
    stories = {brief: story_of(brief) for brief in briefs}
    assert sum(len(story.acts) for story in stories.values()) > 2.5 * len(briefs)
    different = [brief for brief, story in stories.items() if board_of(story) != planned(brief)]
    assert different == []


def test_a_long_story_is_planned_as_one_planner_plans_it():
    briefs = [case["brief"] for case in cases(SUITES / "planning-more.jsonl")]
    for first in range(0, 18, 6):
        text = "\n\n".join(briefs[first : first + 6])
        story = story_of(text)
        assert len(story.acts) >= 3
        assert board_of(story) == planned(text)


def test_the_order_in_which_acts_are_planned_changes_nothing():
    story = story_of(FABLE)
    plans = [(act.id, plan_act(Rules(), story, act)) for act in story.acts]
    expected = joined(story, dict(plans))
    for seed in range(10):
        shuffled = random.Random(seed).sample(plans, len(plans))
        assert joined(story, dict(shuffled)) == expected


def test_an_act_is_told_its_own_beats_and_little_of_the_others():
    story = story_of(" ".join(f"A red ball rolls over hill number {n} of the long road." for n in range(60)))
    asked = scope(story, story.acts[-1])
    assert asked.before is not None
    assert [beat.id for beat in asked.beats] == list(story.acts[-1].beats)
    assert len(asked.before.told) <= 700
    assert len(asked.before.lately) == 6
    assert len(asked.model_dump_json()) < len(story.outline.model_dump_json()) / 2


def test_one_place_keeps_one_name_over_all_acts_and_different_ones_theirs():
    story = story_of(FABLE)
    plans = {act.id: plan_act(Rules(), story, act) for act in story.acts}

    def renamed(act: str, name: str) -> None:
        places = tuple(place.changed(setting=name) for place in plans[act].places.places)
        plans[act] = plans[act].changed(places=plans[act].places.changed(places=places))

    renamed("a1", "space station")
    renamed("a2", "the dark space station")
    renamed("a3", "train station")
    places = joined(story, plans).places.places
    assert {place.setting for place in places[:7]} == {"space station"}
    assert places[7].setting == "train station"


def test_plans_that_do_not_fit_are_named():
    story = story_of(FABLE)
    act = story.acts[1]
    plan = plan_act(Rules(), story, act)
    assert disagreements(story, act, plan) == []
    assert disagreements(story, act, None) == ["there is no plan"]
    first, *rest = plan.moves.moves
    nobody = plan.changed(moves=plan.moves.changed(moves=(first.changed(cast=()), *rest)))
    assert disagreements(story, act, nobody) == [f"beat {first.beat} shows nobody, not fox tree"]
    fewer = plan.changed(places=plan.places.changed(places=plan.places.places[1:]))
    assert "places are for beats" in disagreements(story, act, fewer)[0]
    elsewhere: list[Place] = [plan.places.places[0].changed(setting="kitchen"), *plan.places.places[1:]]
    apart = plan.changed(places=plan.places.changed(places=tuple(elsewhere)))
    assert "so it is in 'forest', not 'kitchen'" in disagreements(story, act.changed(setting="forest"), apart)[0]


# ------------------------------------------------------------------------------- by language model


def test_a_model_tells_the_story_that_the_rules_tell(server: Server):
    told = mind_of(server, timeout=60.0).think(Narrative(), assignment(FABLE))
    rules = story_of(FABLE)
    assert told.acts == rules.acts
    assert [link.because for link in told.links] == [link.because for link in rules.links]
    assert told.outline.beats == rules.outline.changed(beats=told.outline.beats).beats
    assert server.roles == ["narrative"]


SPOILT: dict[str, tuple[Any, str]] = {
    "a circle": (lambda d: d["beats"][0].update(because=[2]) or d["beats"][1].update(because=[1]), "go in a circle"),
    "a later cause": (lambda d: d["beats"][0].update(because=[3]), "not told before it"),
    "no such cause": (lambda d: d["beats"][0].update(because=[99]), "there are beats 1 to"),
    "an empty act": (lambda d: d["acts"][1].update(first=d["acts"][2]["first"]), "act 2 has no beat"),
    "a late beginning": (lambda d: d["acts"][0].update(first=2), "the first act begins with beat 1"),
    "acts beyond the end": (lambda d: d["acts"][2].update(first=400), "act 3 begins with beat 400"),
    "a strange lead": (lambda d: d.update(lead="nobody"), "lead 'nobody' is not in the cast"),
    "a late entrance": (lambda d: d["cast"][0].update(enters=10), "introduced only in beat 10"),
    "no entrance": (lambda d: d["cast"][0].update(enters=0), "enters in beat 0"),
    "a stranger": (lambda d: d["beats"][0].update(who=["wolf"]), "'wolf' is not in the cast"),
    "too many acts": (lambda d: d.update(acts=d["acts"] * 4), "acts: Tuple should have at most 6 items"),
    "too many beats": (lambda d: d.update(beats=d["beats"] * 7), "beats: Tuple should have at most 60 items"),
    "a long title": (lambda d: d["acts"][0].update(title="x" * 61), "at most 60 characters"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_story_that_makes_no_sense_goes_back_with_the_reason(server: Server, name: str):
    spoil, complaint = SPOILT[name]

    def brain(role: str, facts: dict[str, Any]) -> Any:
        draft = by_rules(role, facts)
        if len(server.asked) == 1:
            spoil(draft)
        return draft

    server.brain = brain
    told = mind_of(server, timeout=60.0).think(Narrative(), assignment(FABLE))
    assert told.acts == story_of(FABLE).acts
    assert len(server.asked) == 2
    assert complaint in server.asked[1].body["messages"][-1]["content"]


def test_a_model_that_never_makes_sense_leaves_it_to_the_rules(server: Server):
    server.brain = lambda role, facts: by_rules(role, facts) | {"lead": "nobody"}
    mind = mind_of(server, timeout=60.0)
    assert mind.think(Narrative(), assignment(FABLE)) == story_of(FABLE)
    assert [fallback.role for fallback in mind.accounts.usage.fallbacks] == ["narrative"]


def test_a_crew_that_begins_elsewhere_without_a_word_of_it_is_told_so(server: Server):
    def brain(role: str, facts: dict[str, Any]) -> Any:
        draft = by_rules(role, facts)
        if len(server.asked) == 1:
            draft["shots"][0]["setting"] = "kitchen"
        return draft

    server.brain = brain
    story = story_of("A ball rolls in the meadow. " + "It spins. " * 8)
    plan = plan_act(mind_of(server, timeout=60.0), story, story.acts[1])
    assert disagreements(story, story.acts[1], plan) == []
    assert server.roles == ["director"] * 2, "one repair, and one call for scene, motion and style"
    assert "names no place" in server.asked[1].body["messages"][-1]["content"]
