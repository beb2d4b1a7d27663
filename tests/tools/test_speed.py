"""The speed plan, on tiny real pipelines: a cache skips blocks or says that it did not, and comes off again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers
import pytest
import tiny_pipelines as tiny
import torch
from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry
from PIL import Image

from kinograph.errors import BadInput, RenderFailed, UnknownName
from kinograph.tools.backends.caching import Cache
from kinograph.tools.backends.memory_plan import Rung
from kinograph.tools.backends.placing import apply
from kinograph.tools.backends.speed import Speed, slow_down, speed_up

STEPS = 8
CACHES: tuple[Cache, ...] = ("pyramid", "first-block", "faster", "taylor", "mag")
FAMILIES = ("wan", "ltx", "cogvideox", "hunyuan", "mochi", "latte")
UNFIT = {("latte", "first-block"), ("latte", "mag")}
PLAIN = Speed()
WAN = ("tokenizer", "text_encoder", "transformer", "vae", "scheduler")


@pytest.fixture(scope="module")
def pipes() -> Callable[[str], Any]:
    """A tiny pipeline, built once and given out with nothing on it."""
    built = dict[str, Any]()

    def pipe(key: str) -> Any:
        if key not in built:
            built[key] = tiny.BUILDERS[key]()
            tiny._awaken(built[key])
            built[key].set_progress_bar_config(disable=True)
        slow_down(built[key])
        return built[key]

    return pipe


def frames_of(key: str, pipe: Any, steps: int = STEPS, **fields: Any) -> torch.Tensor:
    """`[1,T,3,H,W]` in 0..1"""
    width, height, frames = tiny.SIZES[key]
    asked = {"prompt": "a red ball rolls", "width": width, "height": height, "num_inference_steps": steps}
    asked |= {"video_length" if key == "latte" else "num_frames": frames, "guidance_scale": 3.0, "output_type": "pt"}
    asked |= {"clean_caption": False} if key == "latte" else {}
    made = pipe(**asked | {"generator": torch.Generator().manual_seed(1)} | fields).frames
    return torch.stack(list(made))


# ----------------------------------------------------------------------------------------- caches


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("key", FAMILIES)
def test_a_cache_skips_blocks_and_comes_off_without_a_trace(key: str, cache: Cache, pipes):
    pipe = pipes(key)
    if (key, cache) in UNFIT:
        with pytest.raises(BadInput, match=f"from blocks of space to blocks of time and back, which cache '{cache}'"):
            speed_up(pipe, Speed(cache=cache), STEPS)
        return
    plain = frames_of(key, pipe)
    fired = speed_up(pipe, Speed(cache=cache, cache_threshold=1.0), STEPS)
    quick = frames_of(key, pipe)
    fired.check()
    assert fired.asked == fired.computed + fired.skipped
    assert 0.5 <= fired.ratio <= 0.9
    assert not torch.equal(quick, plain)
    asked, computed = fired.asked, fired.computed
    assert torch.equal(frames_of(key, pipe), quick), "a second clip begins with nothing of the first"
    assert (fired.asked, fired.computed) == (2 * asked, 2 * computed)
    none = speed_up(pipe, PLAIN, STEPS)
    assert torch.equal(frames_of(key, pipe), plain)
    assert none.asked == 0
    none.check()


@pytest.mark.parametrize(
    ("cache", "every", "steps"), [("taylor", 2, 5), ("taylor", 4, 4), ("mag", 2, 5), ("mag", 4, 3)]
)
def test_a_schedule_computes_as_often_as_it_was_told(cache: Cache, every: int, steps: int, pipes):
    """By hand, of 8: taylor computes 0, 1, then 3, 5 and 7 (3 and 7), mag 0, 1, then 3, 5 and 7 (5)."""
    pipe = pipes("ltx")
    fired = speed_up(pipe, Speed(cache=cache, cache_every=every), STEPS)
    frames_of("ltx", pipe)
    assert (fired.asked, fired.computed) == (2 * STEPS, 2 * steps)


def test_a_lower_threshold_skips_less(pipes):
    pipe, ratios = pipes("ltx"), []
    for threshold in (0.001, 1.0):
        fired = speed_up(pipe, Speed(cache="first-block", cache_threshold=threshold), STEPS)
        frames_of("ltx", pipe)
        ratios.append(fired.ratio)
    assert ratios[0] > ratios[1]


def test_one_cache_takes_the_place_of_another(pipes):
    pipe = pipes("ltx")
    speed_up(pipe, Speed(cache="mag"), STEPS)
    alone = frames_of("ltx", pipe)
    speed_up(pipe, Speed(cache="pyramid"), STEPS)
    fired = speed_up(pipe, Speed(cache="mag"), STEPS)
    assert torch.equal(frames_of("ltx", pipe), alone)
    assert fired.asked == 2 * STEPS


def test_a_cache_that_skipped_nothing_is_an_error(pipes):
    pipe = pipes("wan")
    fired = speed_up(pipe, Speed(cache="taylor"), 1)
    frames_of("wan", pipe, steps=1)
    with pytest.raises(
        RenderFailed, match=r"cache 'taylor' skipped none of 4 block evaluations of WanPipeline in 1 st"
    ):
        fired.check()


@pytest.mark.parametrize("key", ["wan", "ltx", "cogvideox", "mochi", "latte"])
def test_taylorseer_as_diffusers_has_it_would_hook_no_block(key: str, pipes):
    denoiser = pipes(key).transformer
    denoiser.enable_cache(diffusers.TaylorSeerCacheConfig())
    hooked = [layer for layer in denoiser.modules() if "taylorseer_cache" in hooks_of(layer)]
    denoiser.disable_cache()
    assert hooked == []
    speed_up(pipes(key), Speed(cache="taylor"), STEPS)
    assert any("taylorseer_cache" in hooks_of(layer) for layer in denoiser.modules())


def hooks_of(layer: torch.nn.Module) -> dict[str, Any]:
    registry = getattr(layer, "_diffusers_hook", None)
    return registry.hooks if registry is not None else {}


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("cache", ["pyramid", "faster"])
def test_the_pass_without_words_takes_nothing_from_the_pass_with_them(cache: Cache, told: bool, pipes):
    """WanVideoToVideoPipeline does not tell which pass is which."""
    wan = pipes("wan")
    pipe = wan if told else diffusers.WanVideoToVideoPipeline(**{name: wan.components[name] for name in WAN})
    pipe.set_progress_bar_config(disable=True)
    fired = speed_up(pipe, Speed(cache=cache, cache_every=5), STEPS)
    layer, given, made = pipe.transformer.blocks[0].attn1, list[int](), list[torch.Tensor]()
    hooks = [
        layer.register_forward_hook(lambda *call: made.append(call[2])),
        pipe.transformer.register_forward_pre_hook(lambda *call: given.append(fired.computed)),
    ]
    if told:
        frames_of("wan", pipe)
    else:
        video = [Image.new("RGB", (16, 16), (90, 30, 10))] * 5
        pipe(video, "a ball", height=16, width=16, num_inference_steps=STEPS, strength=0.9, output_type="pt")
    for hook in hooks:
        hook.remove()
    assert len(made) % 2 == 0
    computed = [after > before for before, after in zip(given, [*given[1:], fired.computed], strict=True)]
    assert computed[:2] == [True, True]
    assert computed[::2] == computed[1::2], "both passes of a step are computed or skipped"
    assert not all(computed)
    if cache == "pyramid":
        same = {(by - one) % 2 for by in range(len(made)) for one in range(by) if made[one] is made[by]}
        assert same == {0}


def test_a_call_that_broke_off_leaves_nothing_to_the_next(pipes):
    pipe = pipes("wan")
    speed_up(pipe, Speed(cache="mag"), STEPS)
    whole = frames_of("wan", pipe)

    def breaks(_: Any, step: int, *__: Any) -> Any:
        if step == 3:
            raise InterruptedError
        return {}

    with pytest.raises(InterruptedError):
        frames_of("wan", pipe, callback_on_step_end=breaks)
    assert torch.equal(frames_of("wan", pipe), whole)


def test_a_cache_works_on_blocks_that_wait_in_main_memory(pipes):
    pipe = pipes("wan")
    speed_up(pipe, Speed(cache="mag"), STEPS)
    whole = frames_of("wan", pipe)
    slow_down(pipe)
    apply(pipe, Rung("group", offload="group"), "cpu")
    fired = speed_up(pipe, Speed(cache="mag"), STEPS)
    assert torch.equal(frames_of("wan", pipe), whole)
    fired.check()
    slow_down(pipe)
    apply(pipe, Rung("whole"), "cpu")


# ---------------------------------------------------------------------------- attention, compiling


def test_an_attention_backend_is_set_on_the_denoiser_alone_and_comes_off(pipes):
    pipe, before = pipes("wan"), _AttentionBackendRegistry.get_active_backend()
    plain = frames_of("wan", pipe)
    speed_up(pipe, Speed(attention="_native_math"), STEPS)
    processor = pipe.transformer.blocks[0].attn1.processor
    assert processor._attention_backend == AttentionBackendName._NATIVE_MATH
    assert torch.allclose(frames_of("wan", pipe), plain, atol=1e-3)
    assert _AttentionBackendRegistry.get_active_backend() == before
    speed_up(pipe, PLAIN, STEPS)
    assert processor._attention_backend is None


def test_an_attention_backend_that_is_not_there_is_refused_in_one_line(pipes):
    with pytest.raises(UnknownName, match=r"unknown attention backend 'quick'; available: .*flash, .*native, .*sage"):
        speed_up(pipes("wan"), Speed(attention="quick"), STEPS)
    with pytest.raises(BadInput, match=r"^attention backend 'sage' cannot be used here: .*`sageattention") as caught:
        speed_up(pipes("wan"), Speed(attention="sage"), STEPS)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="UNetMotionModel cannot change its attention, got 'native'"):
        speed_up(pipes("animatediff"), Speed(attention="native"), STEPS)


def test_blocks_are_compiled_once_and_give_the_same_frames(pipes, monkeypatch: pytest.MonkeyPatch):
    compiling = torch.nn.Module.compile  # traced, but not built: a C++ compiler takes half a minute for it
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, *args, **named: compiling(self, *args, backend="aot_eager", **named)
    )
    pipe = pipes("ltx")
    plain = frames_of("ltx", pipe, steps=2)
    speed_up(pipe, Speed(compile=True), 2)
    calls = [block._compiled_call_impl for block in pipe.transformer.transformer_blocks]
    assert None not in calls
    assert torch.allclose(frames_of("ltx", pipe, steps=2), plain, atol=1e-4)
    speed_up(pipe, Speed(compile=True), 2)
    assert [block._compiled_call_impl for block in pipe.transformer.transformer_blocks] == calls
    speed_up(pipe, PLAIN, 2)
    assert {block._compiled_call_impl for block in pipe.transformer.transformer_blocks} == {None}
    assert torch.equal(frames_of("ltx", pipe, steps=2), plain)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("key", "speed", "words"),
    [
        ("animatediff", Speed(cache="mag"), "UNetMotionModel of AnimateDiffPipeline has no caches, got 'mag'"),
        ("svd", Speed(cache="pyramid"), "UNetSpatioTemporalConditionModel of Stable.* has no caches, got 'pyramid'"),
        ("sana", Speed(cache="taylor"), "SanaVideoTransformer3DModel of SanaVideoPipeline has no caches"),
        ("skyreels", Speed(cache="mag"), "SkyReelsV2Transformer3DModel cannot take cache 'mag': "),
        ("ltx-2", Speed(cache="taylor"), "cache 'taylor' would spoil the sound of LTX2Pipeline"),
        ("svd", Speed(compile=True), "UNetSpatioTemporalConditionModel of .* names no blocks that could be compiled"),
        ("mochi", Speed(compile=True), "MochiTransformer3DModel of MochiPipeline names no blocks"),
        ("cogvideox", Speed(compile=True), "CogVideoXTransformer3DModel of CogVideoXPipeline names no blocks"),
        ("wan", Speed(compile=True, cache="mag"), "compile = true does not go with cache = 'mag'"),
    ],
    ids=str,
)
def test_what_a_family_cannot_do_is_refused_and_nothing_stays_on(key: str, speed: Speed, words: str, pipes):
    pipe = pipes(key)
    with pytest.raises(BadInput, match=words) as caught:
        speed_up(pipe, speed, STEPS)
    assert "\n" not in str(caught.value)
    denoiser = getattr(pipe, "transformer", None) or pipe.unet
    assert not any(hooks_of(layer) for layer in denoiser.modules())
    assert not getattr(denoiser, "is_cache_enabled", False)
