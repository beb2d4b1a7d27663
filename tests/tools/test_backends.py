"""Model cards and the backends' door."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.errors import BadInput, BadSetting, Cancelled, UnknownName
from kinograph.tools.backends import Workbench, backend_of, card, cards, open_backend, ready
from kinograph.tools.footage import load

NAMED = {
    "animatediff", "modelscope", "zeroscope-576w", "zeroscope-xl", "svd", "svd-xt", "videocrafter2", "latte",
    "cogvideox-2b", "cogvideox-5b", "wan-2.1-1.3b", "wan-2.2-5b", "hunyuan-video", "hunyuan-video-1.5", "ltx-video",
    "ltx-2", "mochi", "allegro", "skyreels-v2", "sana-video", "cosmos", "openai-video", "storyworld-render",
    "storyworld-diffusion",
}  # fmt: skip
STEPS = {"n": (1, 0), "4k+1": (4, 1), "6k+1": (6, 1), "8k+1": (8, 1)}


def test_every_model_of_the_plan_has_a_card_named_after_its_file():
    assert set(cards()) >= NAMED
    folder = Path(__file__).parents[2] / "tools" / "backends" / "cards"
    assert {path.stem for path in folder.glob("*.toml")} == set(cards())


@pytest.mark.parametrize(
    ("id", "ratings", "topology"),
    [
        ("svd", ("medium", "high", "medium", "medium", "medium"), "chain"),
        ("videocrafter2", ("high", "high", "high", "high", "high"), "hierarchical"),
        ("animatediff", ("low", "medium", "low", "low", "low"), "chain"),
        ("openai-video", ("very high",) * 5, "distributed"),
    ],
)
def test_the_comparison_matrix_is_kept(id: str, ratings: tuple[str, ...], topology: str):
    assert tuple(dict(card(id).ratings).values()) == ratings
    assert card(id).ratings.topology == topology


@given(st.sampled_from(sorted(cards())), st.integers(-5, 5000))
def test_legal_frames_obey_the_rule_and_the_range(id: str, wanted: int):
    model = card(id)
    frames = model.legal_frames(wanted)
    if model.frames_rule == "fixed":
        assert frames == model.frames
    else:
        step, offset = STEPS[model.frames_rule]
        assert (frames - offset) % step == 0
        assert model.min_frames <= frames <= model.max_frames
        assert model.legal_frames(frames) == frames


@pytest.mark.parametrize("id", sorted(cards()))
def test_a_card_agrees_with_itself(id: str):
    model = card(id)
    model.check_size(model.width, model.height)
    assert model.legal_frames(model.frames) == model.frames
    assert model.min_steps <= model.steps <= model.max_steps
    assert model.min_guidance <= model.guidance <= model.max_guidance
    with pytest.raises(BadInput, match=f"does not fit {id}"):
        model.check_size(model.width + 1, model.height)


def test_models_whose_weights_are_here_open_and_others_say_what_is_missing(tmp_path: Path):
    bench = Workbench(tmp_path, Path)
    assert ready({}) == ("storyworld-diffusion", "storyworld-render")
    for model in cards().values():
        assert model.available, f"{model.id} has a backend"
        if model.id in ready({}):
            assert open_backend(model.id, bench).card == model
        else:
            with pytest.raises(BadInput, match=f"model {model.id!r} cannot render here: "):
                open_backend(model.id, bench)
    with pytest.raises(BadInput, match="has a card but no backend in this version"):
        backend_of(card("svd").changed(backend=""), bench)
    with pytest.raises(UnknownName, match="unknown model 'x'; available: storyworld-diffusion, storyworld-render, all"):
        open_backend("x", bench)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fault_rate": 2}, r"fault_rate = 2: .*less than or equal to 1"),
        ({"rate": 1}, r"unknown setting 'rate'; available: fault_rate"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, options, message):
    with pytest.raises(BadSetting, match=message):
        open_backend("storyworld-render", Workbench(tmp_path, Path), options)


def test_renders_several_requests_in_order_each_from_its_own_seed(tmp_path: Path, request_of):
    backend = open_backend("storyworld-render", Workbench(tmp_path, Path))
    requests = [request_of(seed=seed) for seed in (1, 2, 1)]
    done: list[tuple[int, float]] = []
    clips = backend.render(requests, lambda index, share: done.append((index, share)), lambda: False)
    assert [clip.request for clip in clips] == [request.digest for request in requests]
    assert clips[0].pixels == clips[2].pixels != clips[1].pixels
    assert load(clips[0]).shape == (12, 48, 64, 3)
    assert [share for index, share in done if index == 1][-1] == 1.0
    with pytest.raises(Cancelled):
        backend.render(requests, lambda *_: None, lambda: True)


def test_fault_injection_changes_the_revision_and_follows_the_request(tmp_path: Path, request_of):
    plain = open_backend("storyworld-render", Workbench(tmp_path, Path))
    faulty = open_backend("storyworld-render", Workbench(tmp_path, Path), {"fault_rate": 1.0})
    assert plain.revision != faulty.revision
    request = request_of(revision=faulty.revision)
    first, again = (faulty.render([request], lambda *_: None, lambda: False)[0].pixels for _ in range(2))
    assert first == again != plain.render([request], lambda *_: None, lambda: False)[0].pixels


def test_says_what_it_could_not_draw(tmp_path: Path, request_of):
    backend = open_backend("storyworld-render", Workbench(tmp_path, Path))
    (clip,) = backend.render([request_of(prompt="a knight, moving right")], lambda *_: None, lambda: False)
    assert "'knight' drawn as a person" in clip.note


@given(st.sampled_from(sorted(cards())), st.integers(32, 1500), st.integers(32, 1500))
def test_a_rounded_size_is_one_that_the_model_renders_where_it_has_room_for_what_was_asked(
    id: str, wide: int, high: int
):
    model = card(id)
    width, height = model.legal_size(wide, high)
    assert not width % model.size_multiple
    assert not height % model.size_multiple
    assert abs(width - wide) < model.size_multiple or wide < model.size_multiple
    if min(wide, high) >= model.size_multiple and wide * high <= (model.max_pixels or wide * high):
        model.check_size(width, height)
