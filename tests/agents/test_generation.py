"""The generation agent: shots to requests, requests to clips, each rendered once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from kinograph.agents.generation import Generation, Rendered
from kinograph.agents.overseeing import Oversight
from kinograph.agents.requesting import resolve
from kinograph.agents.wording import as_seen
from kinograph.errors import Cancelled, RenderFailed, Stopped
from kinograph.film import (
    Appearance,
    Brief,
    Character,
    Clip,
    Correction,
    Decision,
    Finding,
    Look,
    RenderRequest,
    Scene,
    Shot,
    Storyboard,
)
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.ledger import Ledger
from kinograph.memory.vault import Vault
from kinograph.tools.backends import Preview, Progress, Watched, card
from kinograph.tools.footage import develop
from kinograph.tools.storyworld.grammar import read
from kinograph.tools.storyworld.world import CAMERAS, MOTIONS, TIMES

BALL = Character(id="red-ball", kind="ball", color="red", words="a red ball")
SHOT = Shot(
    id="s1.1",
    scene="s1",
    text="",
    cast=(Appearance(who="red-ball", motion="rises", action="floats up"),),
    setting="sea",
    time="dawn",
    camera="pan left",
    mood="calm",
    extra="gulls",
    seconds=2,
)
DECISION = Decision(
    model="m", revision="1", topology="chain", width=64, height=48, fps=8, steps=20, guidance=6, takes=3
)


def board(*shots: Shot) -> Storyboard:
    scene = Scene(id="s1", setting="sea", time="dawn", shots=shots or (SHOT,))
    return Storyboard(title="t", look=Look(name="ink", words="brush strokes"), cast=(BALL,), scenes=(scene,))


def request(shot: Shot = SHOT, attempt: int = 1, model: str = "storyworld-render", **more) -> RenderRequest:
    return resolve(shot, board(shot), DECISION, Brief(text="x", seed=3), card(model), attempt, **more)


def test_a_prompt_carries_everything_the_shot_says():
    prompt = request().prompt
    for words in (
        "a red ball",
        "floats up",
        "rising",
        "in the sea",
        "at dawn",
        "camera pans left",
        "calm",
        "gulls",
        "ink",
    ):
        assert words in prompt
    assert "\n" not in prompt


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("camera", CAMERAS)
def test_the_storyworld_reads_in_a_prompt_what_the_shot_says(motion, camera):
    for time in TIMES:
        shot = SHOT.changed(
            cast=(Appearance(who="red-ball", motion=motion),), camera=camera, time=time, extra="", mood=""
        )
        world = read(request(shot).prompt).world
        assert [(one.kind, one.color, one.motion) for one in world.subjects] == [("ball", "red", motion)]
        assert (world.setting, world.time, world.camera, world.look) == ("sea", time, camera, "ink")


def test_corrections_reach_the_request():
    found = (
        Correction(action="emphasize", words="a red ball in exactly this color", because="wrong color"),
        Correction(action="avoid", words="flicker frames", because="flicker"),
        Correction(action="raise guidance", because="wrong color"),
        Correction(action="more steps", because="color drift"),
    )
    plain, mended = request(model="animatediff"), request(attempt=2, model="animatediff", corrections=found)
    assert "in exactly this color" in mended.prompt
    assert mended.negative == "flicker frames"
    assert mended.guidance == pytest.approx(plain.guidance * 1.2)
    assert mended.steps == 25
    assert mended.seed != plain.seed


def test_first_takes_of_a_scene_share_their_noise_and_retakes_do_not():
    other = SHOT.changed(id="s1.2")
    assert request().seed == request(other).seed
    assert len({request(shot, attempt).seed for shot in (SHOT, other) for attempt in (2, 3)}) == 4


def test_a_frame_of_the_past_conditions_only_models_that_take_one():
    last = Keyframe(production="p", shot="s1.0", role="last", about="s1.0", picture="d1", frame=9)
    assert [c.keyframe for c in request(model="svd", recalled=(last,)).conditioning] == ["d1"]
    assert request(recalled=(last,)).conditioning == ()


CAT = Character(id="cat", kind="cat", words="a small cat")


def seen(color: str, shot: str = "s0.1", about: str = "cat") -> Keyframe:
    return Keyframe(production="p", shot=shot, role="identity", about=about, picture=f"of {shot}", frame=0, seen=color)


@pytest.mark.parametrize(
    ("words", "color", "told"),
    [
        ("a cat", "orange", "an orange cat"),
        ("an old cat", "blue", "an old blue cat"),
        ("Momo, a cat", "orange", "Momo, an orange cat"),
        ("the cat", "orange", "the orange cat"),
        ("cat", "blue", "blue cat"),
        ("Momo", "blue", "Momo, blue"),
        ("a cat", "", "a cat"),
    ],
)
def test_a_character_of_no_color_is_told_in_the_one_it_was_seen_in(words: str, color: str, told: str):
    assert as_seen(CAT.changed(words=words), [seen(color)]) == told


def test_the_first_that_was_seen_counts_and_what_the_brief_says_goes_before_it():
    assert as_seen(CAT, [seen("", "s0"), seen("blue", "s1"), seen("red", "s2")]) == "a small blue cat"
    assert as_seen(CAT.changed(color="green"), [seen("blue")]) == "a small cat"
    assert as_seen(CAT, [seen("blue", about="dog")]) == "a small cat"


def test_remembered_looks_are_references_only_for_models_that_take_any():
    one, two = seen("red", "s0.1", "red-ball"), seen("red", "s0.2", "red-ball")
    place = Keyframe(production="p", shot="s0.1", role="setting", about="sea", picture="sea", frame=0)
    found = request(model="wan-2.1-vace", recalled=(one, two, place)).conditioning
    assert [(c.role, c.keyframe) for c in found] == [("reference", "of s0.1")]
    for model in ("storyworld-diffusion", "storyworld-render", "svd"):
        assert request(model=model, recalled=(one, two, place)).conditioning == ()


def test_keyframes_are_held_to_or_let_go_of_where_a_verdict_says_so():
    place = Keyframe(production="p", shot="s0.1", role="setting", about="sea", picture="sea", frame=0)
    last = Keyframe(production="p", shot="s1.0", role="last", about="s1.0", picture="d1", frame=9)
    hold = (Correction(action="hold keyframe", because="off model"),)
    loosen = (Correction(action="loosen keyframe", because="frozen"),)

    def held(model: str, *recalled: Keyframe, corrections: Sequence[Correction]) -> list[tuple[str, float]]:
        found = request(model=model, attempt=2, recalled=recalled, corrections=corrections).conditioning
        return [(one.keyframe, one.strength) for one in found]

    assert held("storyworld-diffusion", place, corrections=hold) == [("sea", 1.0)]
    assert held("storyworld-diffusion", place, last, corrections=hold) == [("d1", 1.0)]
    assert held("storyworld-render", place, corrections=hold) == []
    assert held("storyworld-diffusion", last, corrections=loosen) == []
    assert held("ltx-video", last, corrections=loosen) == [("d1", 0.65)]


def test_shots_of_a_scene_share_noise_and_frames_are_fewer_where_a_verdict_says_so():
    share = Correction(action="share noise", because="off model")
    other = SHOT.changed(id="s1.2")
    one, two = (request(s, 2, "storyworld-diffusion", corrections=(share,)) for s in (SHOT, other))
    assert (one.shared_noise, one.scene_seed) == (two.shared_noise, two.scene_seed)
    assert one.shared_noise == 0.4
    assert one.scene_seed == request(model="storyworld-diffusion").seed, "the noise that first takes begin with"
    assert one.seed != two.seed
    assert request(attempt=2, model="storyworld-render", corrections=(share,)).shared_noise == 0
    shorter = request(model="storyworld-diffusion", corrections=(Correction(action="shorten", because="frozen"),))
    whole = request(model="storyworld-diffusion")
    assert shorter.frames == 12 < whole.frames == 16
    assert shorter.seconds == pytest.approx(whole.seconds, abs=0.3), "they are shown for longer"


class Workers:
    """A pool that counts, and can fail or wait."""

    revision = "1"

    def __init__(self, folder: Path, failure: Exception | None = None) -> None:
        self.folder, self.failure, self.calls = folder, failure, 0

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        self.calls += 1
        if self.failure:
            raise self.failure
        on_progress(0, 0.5)
        return [develop(r, np.full((r.frames, r.height, r.width, 3), 9, np.uint8), self.folder, 0) for r in requests]

    def close(self) -> None:
        pass


def generation(tmp_path: Path, workers: Workers) -> Generation:
    return Generation(Vault(tmp_path / "vault"), Ledger(tmp_path / "ledger.sqlite"), workers)


def test_the_same_request_is_rendered_once(tmp_path: Path, request_of):
    workers = Workers(tmp_path)
    agent = generation(tmp_path, workers)
    first = agent.render(request_of(), lambda _: None, lambda: False)
    again = generation(tmp_path, workers).render(request_of(), lambda _: None, lambda: False)
    assert (first.reused, again.reused, workers.calls) == (False, True, 1)
    assert first.clip == again.clip


def test_two_threads_that_want_one_clip_render_it_once(tmp_path: Path, request_of):
    workers, results = Workers(tmp_path), []
    agents = [generation(tmp_path, workers) for _ in range(2)]
    agents[1]._jobs.me = "elsewhere:1:0.0"  # as if it were another machine's process

    def work(agent: Generation) -> None:
        results.append(agent.render(request_of(), lambda _: None, lambda: False))

    threads = [threading.Thread(target=work, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert workers.calls == 1
    assert sorted(result.reused for result in results) == [False, True]


def test_whatever_a_model_raises_is_render_failed_and_can_be_tried_again(tmp_path: Path, request_of):
    broken = generation(tmp_path, Workers(tmp_path, ValueError("CUDA out of memory")))
    with pytest.raises(RenderFailed, match="ValueError: CUDA out of memory"):
        broken.render(request_of(), lambda _: None, lambda: False)
    assert not generation(tmp_path, Workers(tmp_path)).render(request_of(), lambda _: None, lambda: False).reused


class Frees(Workers):
    """Says that its model is free, and has a clip written once another is asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.another = threading.Event()

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        if self.calls == 0 and isinstance(on_progress, Watched):
            self.calls += 1
            on_progress.freed()
            assert self.another.wait(60), "no other had its slot"
        self.another.set()
        return super().render(requests, on_progress, cancelled)


def test_a_slot_is_anothers_while_a_clip_is_written(tmp_path: Path, request_of):
    workers, free = Frees(tmp_path), threading.Event()
    agent = Generation(Vault(tmp_path / "vault"), Ledger(tmp_path / "ledger.sqlite"), workers, slots=1)
    with ThreadPoolExecutor(1) as threads:
        asked = (request_of(seed=1), lambda _: None, lambda: False, None, free.set)
        first = threads.submit(agent.render, *asked)
        assert free.wait(60)
        second = agent.render(request_of(seed=2), lambda _: None, lambda: False)
    assert [first.result().clip.request, second.clip.request] == [request_of(seed=seed).digest for seed in (1, 2)]
    with agent._slot(0.0) as one, agent._slot(0.0) as other:
        assert one is not None
        assert other is None, "there is one slot still"


class Seer:
    """Looks once, in the middle, and says what it is told to."""

    shares = (0.5,)
    question = ""

    def __init__(self, *findings: Finding) -> None:
        self.findings, self.seen = findings, list[Preview]()

    def against(self, preview: Preview) -> tuple[Finding, ...]:
        self.seen.append(preview)
        return self.findings


class Showing(Workers):
    """Shows a black frame, and ends when it is told to."""

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        if isinstance(on_progress, Watched):
            on_progress.see(0, Preview(0.5, np.zeros((1, 8, 8, 3), np.uint8), (0,)))
        if cancelled():
            raise Cancelled("as told")
        return super().render(requests, on_progress, cancelled)


BLACK = Finding(kind="black", words="the picture is black", shot="s1", severity=1.0)


def test_what_its_oversight_has_something_against_is_stopped_and_is_no_failure(tmp_path: Path, request_of):
    agent, seer = generation(tmp_path, Showing(tmp_path)), Seer(BLACK)
    with pytest.raises(Stopped, match="stopped at 50%: the picture is black") as stopped:
        agent.render(request_of(), lambda _: None, lambda: False, seer)
    assert (stopped.value.share, stopped.value.findings) == (0.5, (BLACK,))
    assert not isinstance(stopped.value, RenderFailed)
    job = agent._jobs.job(request_of().digest)
    assert job is not None
    assert job.state == "waiting"
    assert not agent.render(request_of(), lambda _: None, lambda: False).reused


def test_what_its_oversight_lets_pass_goes_on(tmp_path: Path, request_of):
    agent, seer = generation(tmp_path, Showing(tmp_path)), Seer()
    assert agent.render(request_of(), lambda _: None, lambda: False, seer).clip.frames == 12
    assert len(seer.seen) == 1
    assert agent.render(request_of(), lambda _: None, lambda: False, Seer(BLACK)).reused  # it is there: nothing to save


def test_a_production_that_is_stopped_is_cancelled_whatever_the_take_is_like(tmp_path: Path, request_of):
    seer = Seer(BLACK)
    with pytest.raises(Cancelled):
        generation(tmp_path, Showing(tmp_path)).render(request_of(), lambda _: None, lambda: bool(seer.seen), seer)


# ------------------------------------------------------------------------------------- lent hands


class Lent:
    """A production that has no hands of its own, and a process that lends it some."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.ledger = Ledger(folder / "ledger.sqlite")
        vault = Vault(folder / "vault")
        self.conductor = Generation(vault, self.ledger, Workers(folder), "film", slots=0)
        self.helper = Generation(vault, self.ledger, workers, "film")
        self.outcome: Rendered | Exception | None = None

    def wait_for(self, request: RenderRequest, oversight: Oversight | None) -> threading.Thread:
        def wait() -> None:
            try:
                self.outcome = self.conductor.render(request, lambda _: None, lambda: False, oversight)
            except Stopped as error:
                self.outcome = error

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        deadline = monotonic() + 30
        while not self.ledger.jobs.waiting("film"):
            assert monotonic() < deadline, "it is never announced"
            sleep(0.01)
        return waiting


class Asking(Seer):
    """Says what another process needs to see as it does."""

    question = "is it black?"


def test_a_lent_render_is_ended_as_the_conductor_would_and_it_reads_why(tmp_path: Path, request_of):
    lent, asked = Lent(tmp_path, Showing(tmp_path)), list[str]()

    def oversee(question: str) -> Seer:
        asked.append(question)
        return Asking(BLACK)

    waiting = lent.wait_for(request_of(), Asking())
    assert not lent.helper.lend(request_of(), lambda: False, oversee)
    assert lent.ledger.jobs.waiting("film") == [], "nobody begins it again"
    waiting.join(30)
    assert isinstance(lent.outcome, Stopped)
    assert (lent.outcome.share, lent.outcome.findings, asked) == (0.5, (BLACK,), ["is it black?"])
    job = lent.ledger.jobs.job(request_of().digest)
    assert job is not None
    assert (job.state, job.owner) == ("waiting", None)
    assert lent.ledger.watches.question("film", request_of().digest) is None


def test_a_lent_render_that_nobody_asks_to_be_watched_goes_to_its_end(tmp_path: Path, request_of):
    lent = Lent(tmp_path, Showing(tmp_path))
    lent.ledger.watches.ask("film", request_of().digest, "left by a process that was killed")
    lent.ledger.watches.ask("another", request_of().digest, "of another film")
    waiting = lent.wait_for(request_of(), None)
    assert lent.helper.lend(request_of(), lambda: False, lambda question: Asking(BLACK))
    waiting.join(30)
    assert isinstance(lent.outcome, Rendered)


def test_a_helper_that_is_told_to_stop_ends_no_take(tmp_path: Path, request_of):
    lent, seer = Lent(tmp_path, Showing(tmp_path)), Asking(BLACK)
    waiting = lent.wait_for(request_of(), Asking())
    with pytest.raises(Cancelled):
        lent.helper.lend(request_of(), lambda: bool(seer.seen), lambda question: seer)
    assert lent.ledger.jobs.waiting("film") == [request_of()], "it waits for others"
    assert lent.helper.lend(request_of(), lambda: False)
    waiting.join(30)
    assert isinstance(lent.outcome, Rendered)
