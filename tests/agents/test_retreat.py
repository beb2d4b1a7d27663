"""What is tried next when a render fails: the rungs, their order and their end."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.agents.requesting import resolve
from kinograph.agents.retreat import MOST, decision_for, elsewhere, failure_of, means_for, shaped
from kinograph.errors import OutOfMemory, RenderFailed, RenderStalled, WorkerLost
from kinograph.film import (
    LATER,
    Brief,
    Clip,
    Decision,
    Failure,
    Means,
    Scene,
    Shot,
    Storyboard,
    Take,
    Verdict,
    canonical_json,
    digest_of,
)
from kinograph.tools.backends import card, cards

SHOT = Shot(id="s1.1", scene="s1", text="a red ball", seconds=2.0)
BOARD = Storyboard(title="", scenes=(Scene(id="s1", setting="", time="day", shots=(SHOT,)),))
BRIEF = Brief(text="a red ball", model="storyworld-diffusion")


def decision(model: str = "storyworld-diffusion", *others: str) -> Decision:
    one = card(model)
    size = {"width": one.width, "height": one.height, "fps": one.fps}
    more = {"steps": one.steps, "guidance": one.guidance, "takes": 3, "fallback": others}
    return Decision.model_validate({"model": model, "revision": "1", "topology": "chain"} | size | more)


def again(failure: Failure, times: int) -> list[Failure]:
    return [failure] * times


def way_down(how: Decision, failures: Sequence[Failure]) -> list[Take]:
    """The takes of a shot whose renders fail like this, as long as there is something left to try."""
    takes: list[Take] = []
    for attempt, failure in enumerate(failures, 1):
        if (means := means_for(takes, how)) is None:
            break
        own = decision_for(how, means, "1", BRIEF)
        request = resolve(SHOT, BOARD, own, BRIEF, card(own.model), 1, (), (), means)
        takes.append(Take(shot="s1.1", attempt=attempt, request=request, means=means, failure=failure, error=failure))
    return takes


def test_too_little_memory_leads_to_smaller_pictures_and_then_fewer_of_them():
    takes = way_down(decision(), again("memory", 20))
    seen = [(take.request.width, take.request.height, take.request.frames, take.request.fps) for take in takes]
    assert seen == [(224, 128, 16, 8), (160, 96, 16, 8), (128, 64, 16, 8), (128, 64, 9, 4)]
    assert len({take.request.digest for take in takes}) == len(takes)
    assert takes[-1].request.seconds == pytest.approx(16 / 8, abs=0.3), "fewer frames are shown for longer"


def test_a_model_that_can_be_offloaded_is_so_before_anything_is_smaller(monkeypatch: pytest.MonkeyPatch):
    roomy = card("storyworld-diffusion").changed(vram_gb=8.0, offloaded_gb=2.0)
    monkeypatch.setattr("kinograph.tools.backends.cards", lambda: {roomy.id: roomy})
    second, third = way_down(decision(), again("memory", 3))[1:]
    assert (second.request.offloaded, second.means.size) == (True, 1.0)
    assert (third.request.offloaded, third.means.size) == (True, 0.7)


def test_a_worker_that_dies_gets_the_same_once_more_and_then_less():
    first, second, third, *_ = way_down(decision(), again("worker", 20))
    assert second.request == first.request
    assert third.request.width < second.request.width


def test_what_does_not_end_in_time_gets_fewer_frames_then_fewer_steps():
    takes = way_down(decision(), again("time", 20))
    assert [(t.request.frames, t.request.steps, t.request.width) for t in takes] == [
        (16, 8, 224), (9, 8, 224), (9, 4, 224), (9, 4, 160),
    ]  # fmt: skip


def test_what_is_made_elsewhere_is_asked_for_once_more_before_it_gets_less():
    first, second, third = way_down(decision("openai-video"), again("time", 3))
    assert first.request.digest == second.request.digest
    assert third.request.frames < first.request.frames


def test_any_other_failure_gets_another_seed_first():
    first, second, *_ = way_down(decision(), again("other", 20))
    assert second.request == first.request.changed(seed=second.request.seed)
    assert second.request.seed != first.request.seed


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["memory", "time", "worker", "other"]), min_size=40, max_size=40))
def test_the_way_down_ends_whatever_fails(failures: list[Failure]):
    how = decision("storyworld-diffusion", "storyworld-render")
    takes = way_down(how, failures)
    assert len(takes) <= 2 * MOST
    assert way_down(how, failures) == takes, "the same failures lead the same way"
    models = [take.request.model for take in takes]
    assert models == sorted(models), "a model that was left is not come back to"
    for take in takes:
        card(take.request.model).check_size(take.request.width, take.request.height)
        assert card(take.request.model).legal_frames(take.request.frames) == take.request.frames
    means = [take.means for take in takes if not take.means.model]
    for one, other in pairwise(means):
        assert one != other
        assert other.size <= one.size
        assert other.frames <= one.frames


def test_other_models_come_after_the_rungs_and_are_asked_in_their_own_terms():
    takes = way_down(decision("storyworld-diffusion", "storyworld-render"), again("memory", 20))
    other = next(take for take in takes if take.means.model)
    assert other.request.model == "storyworld-render"
    assert (other.request.fps, other.request.frames) == (12, 24), "its own pace, the shot's own length"
    assert other.request.width / other.request.height == pytest.approx(224 / 128, rel=0.02)
    assert not any(take.means.model for take in way_down(decision(), again("memory", 20)))


def judged(take: Take, accepted: bool = False) -> Take:
    size = {"frames": take.request.frames, "fps": 8, "width": 224, "height": 128}
    clip = {"request": take.request.digest, "path": "", "pixels": "", "model": "", "revision": "", "render_seconds": 0}
    return take.changed(
        failure=None, error=None, clip=Clip.model_validate(clip | size), verdict=Verdict(accepted=accepted)
    )


def test_a_rejected_take_is_taken_again_with_the_means_that_rendered_it():
    takes = way_down(decision(), again("memory", 2))
    assert means_for([takes[0], judged(takes[1])], decision()) == takes[1].means
    assert takes[1].means == Means(size=0.7)


def test_another_model_is_not_asked_once_there_is_something_to_show():
    how = decision("storyworld-diffusion", "storyworld-render")
    takes = [take for take in way_down(how, again("memory", 20)) if not take.means.model]
    assert means_for(takes, how) == Means(model="storyworld-render")
    assert means_for([judged(takes[0]), *takes[1:]], how) is None


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


def caused(error: Exception) -> RenderFailed:
    try:
        raise RenderFailed("wan failed") from error
    except RenderFailed as found:
        return found


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (MemoryError(), "memory"),
        (OutOfMemory("wan needs 8 GB"), "memory"),
        (caused(OutOfMemoryError("CUDA")), "memory"),
        (RuntimeError("MPS backend out of memory"), "memory"),
        (TimeoutError(), "time"),
        (RenderStalled("no frame for 60 s"), "time"),
        (caused(BrokenProcessPool()), "worker"),
        (ConnectionResetError(), "worker"),
        (WorkerLost("worker 2 is gone"), "worker"),
        (ValueError("shapes"), "other"),
    ],
)
def test_a_failure_is_told_by_its_kind(error: Exception, failure: Failure):
    assert failure_of(error) == failure


def test_every_card_can_render_the_shape_of_any_film():
    for one in cards().values():
        for size in ((384, 216), (216, 384), (128, 128), (1920, 1080)):
            width, height = shaped(one, *size)
            one.check_size(width, height)


def test_requests_keep_the_digests_that_their_clips_are_named_by():
    request = way_down(decision(), again("memory", 1))[0].request
    before = {key: value for key, value in request.model_dump(mode="json").items() if key not in LATER}
    assert request.digest == digest_of(canonical_json(before))
    assert request.changed(offloaded=True).digest != request.digest


def test_verdicts_that_ask_for_another_model_lead_through_the_fallbacks_and_not_back():
    how = decision("wan-2.1-1.3b", "ltx-video", "storyworld-diffusion")
    plain, second = Means(size=0.7), Means(model="ltx-video")
    assert elsewhere(plain, 0, how) == plain
    assert elsewhere(plain, 1, how) == second
    assert elsewhere(second, 1, how) == second
    assert elsewhere(second, 0, how) == second, "a render that failed led there"
    assert elsewhere(second, 5, how) == Means(model="storyworld-diffusion")
    assert elsewhere(plain, 3, decision()) == plain, "nothing else may render"
