"""Plans: of one act, and of a whole film as the topologies come to it, without a graph."""

from __future__ import annotations

from collections.abc import Sequence

from kinograph.agents.director import Direction
from kinograph.agents.mind import Mind
from kinograph.agents.motion import Motion
from kinograph.agents.narrative import Narrative
from kinograph.agents.outline import Assignment, Outline
from kinograph.agents.planner import Planner
from kinograph.agents.scene import Scene
from kinograph.agents.story import Act, ActPlan, Story, disagreements, joined, scope
from kinograph.agents.style import Style
from kinograph.film import Topology

TRIES = 2
"""Times that the crew of an act is asked before its plan counts as not to be joined with the others."""


def plan_act(mind: Mind, story: Story, act: Act, mend: Sequence[str] = ()) -> ActPlan:
    """What scene, motion and style agents decide of one act, told of the others only what they must know.

    `mend` says what was wrong with their last answer.
    """
    asked = scope(story, act, mend)
    return ActPlan(
        act=act.id,
        scope=scope(story, act).digest,
        places=mind.think(Scene(), asked),
        moves=mind.think(Motion(), asked),
        look=mind.think(Style(), asked),
    )


def plan_story(mind: Mind, story: Story) -> Direction | None:
    """The plan of a whole story, act after act; None when one does not fit with the others after TRIES."""
    plans: dict[str, ActPlan] = {}
    for act in story.acts:
        wrong: list[str] = []
        for _ in range(TRIES):
            plans[act.id] = plan_act(mind, story, act, wrong)
            wrong = disagreements(story, act, plans[act.id])
            if not wrong:
                break
        if wrong:
            return None
    return joined(story, plans)


def plan_film(mind: Mind, question: Assignment, topology: Topology) -> tuple[Outline, Direction]:
    """The outline and the direction that a topology comes to."""
    if topology == "distributed":
        story = mind.think(Narrative(), question)
        if (direction := plan_story(mind, story)) is not None:
            return story.outline, direction
    outline = mind.think(Planner(), question)
    answers = {"places": Scene(), "moves": Motion(), "look": Style()}
    return outline, Direction(**{name: mind.think(agent, outline) for name, agent in answers.items()})
