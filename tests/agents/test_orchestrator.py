"""The orchestrator: decisions from cards, brief and machine, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from minds import commission

import kinograph.agents.choosing as choosing
from kinograph.agents.commission import Commission
from kinograph.agents.orchestrator import DecisionDraft, Orchestrator
from kinograph.errors import BadInput, UnknownName
from kinograph.film import Brief, Decision, Stock, Trial
from kinograph.tools.backends import ModelCard, cards
from kinograph.tools.machine import Machine, this_machine
from kinograph.tools.resources import Snapshot

IDLE = Snapshot(cpu_percent=0, ram_percent=20, disk_free_gb=100)
SMALL = Machine(cores=2, ram_gb=8)
BIG = Machine(cores=32, ram_gb=128, gpu="H200", vram_gb=140)


def decide(
    machine: Machine = SMALL, topologies=("chain", "hierarchical"), asked: dict[str, Any] | None = None, **brief
) -> Decision:
    """`asked` are fields of the commission, `brief` those of the brief."""
    question = Commission(
        brief=Brief.model_validate({"text": "A ball rolls."} | brief),
        **{"machine": machine, "load": IDLE, "topologies": topologies} | (asked or {}),
    )
    return Orchestrator().rules(question)


@pytest.fixture
def all_available(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModelCard]:
    """A future version in which every card has a backend."""
    able = {card.id: card.changed(backend=card.backend or "x:Y") for card in cards().values()}
    monkeypatch.setattr(choosing, "cards", lambda: able)
    monkeypatch.setattr(choosing, "can_render", lambda options: tuple(able))
    monkeypatch.setattr(choosing, "card", able.__getitem__)
    return able


def test_every_choice_has_a_reason_in_words():
    decision = decide()
    assert [reason.choice.split()[0] for reason in decision.reasons] == [
        "model",
        "topology",
        "size",
        "1",
        "strategy",
        "pictures",
        "complexity",
        "pool",
        "then",
    ]
    assert all(len(reason.why) > 5 for reason in decision.reasons)
    assert "2 cores, 8 GB of memory, no GPU" in decision.reasons[0].why


def test_what_the_model_cannot_render_others_may_unless_it_was_asked_for_by_name():
    assert decide().fallback == ("storyworld-render",)
    assert decide(model="storyworld-render").fallback == ()
    assert decide(model="storyworld-render", fallback="yes").fallback == ("storyworld-diffusion",)
    assert decide(fallback="no").fallback == ()
    assert decide(fallback="storyworld-diffusion, storyworld-render").fallback == ("storyworld-render",)


def test_others_that_may_render_are_able_and_best_rated_first(all_available):
    chosen = decide(BIG)
    rated = sorted(choosing.able(Brief(text=""), BIG), key=choosing._preference, reverse=True)
    assert (chosen.model, *chosen.fallback) == tuple(card.id for card in rated[:3])
    with pytest.raises(BadInput, match="cannot render this here"):
        decide(SMALL, fallback=("mochi",))


def test_a_model_that_a_language_model_chose_may_be_replaced_as_one_the_rules_chose():
    question = commission()
    proposal = Orchestrator().rules(question)
    reasons = {"model": "good", "topology": "good", "size": "good", "workers": "good"}
    draft = {"model": "storyworld-render", "topology": proposal.topology, "aspect": None, "seconds": None}
    draft |= {"takes": 3, "workers": proposal.workers, "reasons": reasons}
    decided = Orchestrator().ask(question).accept(DecisionDraft.model_validate(draft))
    assert decided.fallback == ("storyworld-diffusion",)


def test_a_machine_without_a_gpu_gets_a_model_that_needs_none(all_available):
    assert all_available[decide(SMALL).model].vram_gb == 0


def test_a_model_that_generates_is_the_default_before_a_procedure_that_is_rated_higher():
    assert decide().model == "storyworld-diffusion"
    assert decide(references=("d",)).model == "storyworld-diffusion"


def test_a_large_gpu_gets_a_model_rated_higher_and_one_worker(all_available):
    decision = decide(BIG)
    assert all_available[decision.model].ratings.temporal_consistency == "very high"
    assert decide(BIG, model="wan-2.1-14b").workers == 1
    assert decide(BIG, model="storyworld-render").workers == 8


def test_a_brief_with_references_gets_a_model_that_takes_pictures(all_available):
    assert "i2v" in all_available[decide(BIG, references=("d",)).model].tasks


def test_topology_follows_the_cards_complexity(all_available):
    assert decide(BIG, model="animatediff").topology == "chain"
    assert decide(BIG, model="videocrafter2").topology == "hierarchical"
    sora = decide(BIG, model="openai-video")
    assert sora.topology == "hierarchical"
    assert "asks for distributed; hierarchical is the nearest" in sora.reasons[1].why
    assert decide(BIG, ("chain", "hierarchical", "distributed"), model="openai-video").topology == "distributed"


@pytest.mark.parametrize(
    ("text", "size"),
    [("A ball. Make it vertical.", (216, 384)), ("A ball. Square, please.", (288, 288)), ("A ball.", (384, 216))],
)
def test_size_follows_the_aspect_in_the_brief(text: str, size: tuple[int, int]):
    decision = decide(text=text, model="storyworld-render")
    assert (decision.width, decision.height) == size
    embedded = decide(text=text)
    assert embedded.width % 32 == embedded.height % 32 == 0
    assert (embedded.width > embedded.height) == (size[0] > size[1])


def test_length_comes_from_the_brief_or_the_caller():
    assert decide(text="A 20-second film. A ball rolls.").seconds == 20
    assert decide(text="A 20-second film. A ball rolls.", seconds=8).seconds == 8
    assert decide().seconds is None
    assert decide(frames=24, fps=8).shot_seconds == 3
    assert decide(frames=24, fps=8, model="storyworld-diffusion").shot_seconds == 24 / 8


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        ({"model": "nope"}, UnknownName, "unknown model 'nope'"),
        (
            {"model": "closed"},
            BadInput,
            "model 'closed' has a card but no backend in this version; these can render: storyworld-",
        ),
        ({"fallback": "nope"}, UnknownName, "unknown model 'nope'"),
        ({"topology": "distributed"}, UnknownName, "unknown topology 'distributed'; available: chain, hierarchical"),
        (
            {"steps": 65, "model": "storyworld-diffusion"},
            BadInput,
            "steps 65 does not fit storyworld-diffusion: 4 to 64",
        ),
        ({"guidance": 0.5, "model": "storyworld-diffusion"}, BadInput, r"guidance 0\.5 does not fit .*: 1 to 20"),
        ({"width": 2048, "height": 2048, "model": "storyworld-render"}, BadInput, "at most 2073600 pixels"),
        ({"width": 2048, "height": 2048}, BadInput, "at most 50176 pixels"),
        ({"frames": 500, "model": "storyworld-render"}, BadInput, "do not fit storyworld-render: 1 to 240"),
        ({"frames": 500}, BadInput, "500 frames a shot do not fit storyworld-diffusion: 9 to 33"),
        ({"references": ("d",), "model": "storyworld-render"}, BadInput, "cannot be conditioned on reference pictures"),
        ({"references": ("d", "e")}, BadInput, "2 reference pictures were given; one can be used"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wish, error, message, monkeypatch: pytest.MonkeyPatch):
    closed = cards()["svd"].changed(id="closed", backend="")
    known = choosing.card
    monkeypatch.setattr(choosing, "card", lambda id: closed if id == "closed" else known(id))
    with pytest.raises(error, match=message):
        decide(**wish)


def test_numbers_are_taken_as_asked_and_frames_by_the_models_rule(all_available):
    asked = decide(steps=20, guidance=3.5, frames=50, model="wan-2.1-1.3b")
    assert (asked.steps, asked.guidance) == (20, 3.5)
    size = next(reason for reason in asked.reasons if reason.choice.startswith("size "))
    assert size.why.endswith("; 49 frames a shot, not 50: it renders 4k+1")


def test_strategy_and_workers_follow_the_load_and_say_so():
    busy = IDLE.changed(cpu_percent=85)
    many = Machine(cores=16, ram_gb=64)
    calm, held = decide(many), decide(many, asked={"load": busy})
    assert (calm.strategy, calm.workers) == ("parallel", 8)
    assert (held.strategy, held.workers) == ("sequential", 1)
    why = {reason.choice.split()[0]: reason.why for reason in held.reasons}
    measured = "others at 85 % CPU, memory 20 % full"
    assert why["strategy"] == f"resources 0.4 on tier B with {measured}, complexity 0.5: 0.5 or less"
    why = {reason.choice: reason.why for reason in decide(many, asked={"load": busy, "strategy": "parallel"}).reasons}
    assert why["4 at a time"].startswith("half of 16 cores, x0.5 for CPU at 85 %; CPU 85 %, memory 20 %")
    assert why["strategy parallel"] == "asked for"


def test_complex_content_on_a_strong_machine_adapts():
    decision = decide(Machine(cores=16, ram_gb=64), text="A technical film with quick cuts. A ball rolls.")
    assert (decision.strategy, decision.workers, decision.complexity) == ("adaptive", 8, 0.7)
    assert decision.visuals == "AI only"


def test_offline_is_one_at_a_time_whatever_the_record_says():
    fast = [Trial(strategy="parallel", model="storyworld-render", succeeded=True, seconds=1.0, quality=1.0)] * 8
    slow = [Trial(strategy="sequential", model="storyworld-render", succeeded=True, seconds=9.0, quality=1.0)] * 8
    machine = Machine(cores=16, ram_gb=64)
    record, drawn = {"trials": (*fast, *slow)}, "storyworld-render"
    assert decide(machine, asked=record | {"offline": True}, model=drawn).strategy == "sequential"
    busy = record | {"load": IDLE.changed(cpu_percent=85)}
    overruled = decide(machine, asked=busy, model=drawn)
    assert overruled.strategy == "parallel"
    assert "parallel succeeded in 100% of 8" in overruled.reasons[4].why


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"workers": 1}, ("sequential", 1)),
        ({"workers": 5}, ("parallel", 5)),
        ({"workers": 5, "strategy": "adaptive"}, ("adaptive", 5)),
        ({"strategy": "sequential"}, ("sequential", 1)),
    ],
)
def test_what_is_asked_for_is_done(asked: dict[str, Any], expected: tuple[str, int]):
    decision = decide(BIG, model="storyworld-render", asked=asked)
    assert (decision.strategy, decision.workers) == expected


def test_a_language_model_may_not_undo_one_at_a_time():
    question = commission().changed(strategy="sequential")
    assert Orchestrator().ask(question).facts["max_workers"] == 1
    assert Orchestrator().ask(question.changed(strategy=None, offline=True)).facts["max_workers"] == 1
    assert Orchestrator().ask(question.changed(strategy="adaptive")).facts["max_workers"] == 4


def test_a_number_that_a_language_model_only_agrees_to_stays_adaptive():
    question = commission("A technical film with quick cuts.").changed(machine=Machine(cores=16, ram_gb=64))
    ask = Orchestrator().ask(question)
    told = ask.facts["proposal"]
    draft = DecisionDraft.model_validate(told)
    assert ask.check(draft) == []
    accepted = ask.accept(draft)
    assert (accepted.strategy, accepted.workers) == ("adaptive", 8)
    assert [reason.choice for reason in accepted.reasons[4:]] == [
        "strategy adaptive",
        "pictures AI only",
        "complexity 0.7",
        "pool local",
        "then storyworld-render",
    ]
    other = ask.accept(draft.changed(workers=3))
    assert (other.strategy, other.workers) == ("parallel", 3)


def test_several_at_a_time_one_at_a_time_is_refused():
    with pytest.raises(BadInput, match="renders one shot at a time; workers = 3"):
        decide(asked={"workers": 3, "strategy": "sequential"})


def test_a_model_that_can_be_offloaded_runs_on_a_smaller_card(all_available):
    small = Machine(cores=8, ram_gb=32, gpu="x", vram_gb=8)
    model = all_available["wan-2.1-14b"]
    assert decide(small).model != model.id
    able = [model.changed(offloaded_gb=gb).least_gb <= small.vram_gb for gb in (None, 7, 9, 200)]
    assert able == [False, True, False, False]


def test_own_pictures_go_with_the_decision_where_they_can_be_used():
    stock = (Stock(picture="d", words=("ball",)),)
    asked = {"media": True, "stock": stock}
    used = decide(model="storyworld-diffusion", asked=asked)
    assert (used.visuals, used.stock) == ("hybrid stock first", stock)
    unused = decide(model="storyworld-render", asked=asked)
    assert (unused.visuals, unused.stock) == ("AI only", ())
    assert "takes no pictures" in unused.reasons[5].why


def test_this_machine_has_cores_and_memory():
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.ram_gb > 0.5
    assert (machine.vram_gb > 0) == bool(machine.gpu)


def test_a_size_that_the_model_cannot_render_is_rounded_and_told(all_available):
    decided = decide(BIG, model="wan-2.1-1.3b", width=500, height=300)
    assert (decided.width, decided.height) == (496, 304)
    (why,) = [one.why for one in decided.reasons if one.choice.startswith("size 496x304")]
    assert why == "not 500x300: sides of wan-2.1-1.3b are multiples of 16"
    with pytest.raises(BadInput, match="4000000 pixels does not fit"):
        decide(BIG, model="wan-2.1-1.3b", width=2000, height=2000)
