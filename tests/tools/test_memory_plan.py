"""The memory plan on tiny real pipelines: rungs that give the same frames, switches that take, and the way down."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kinograph.errors import BadInput, Cancelled, OutOfMemory, RenderFailed, StorageError
from kinograph.tools.backends import card, cards, placing
from kinograph.tools.backends.memory_plan import (
    Remembered,
    Rung,
    apply,
    climb,
    first,
    is_out_of_memory,
    key_of,
    ladder,
    needs,
)
from kinograph.tools.backends.placing import on

WAN, ANIMATEDIFF, SVD = card("wan-2.1-1.3b"), card("animatediff"), card("svd")
PLAIN = Rung("whole")
GROUP = Rung("group", offload="group", tiling=True, slicing=True, chunking=True)
MODEL = Rung("model", offload="model")
FP8 = Rung("fp8", offload="group", quantized="fp8")
with_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card")


# ------------------------------------------------------------------------------- tiny real pipelines


def wan() -> Any:
    from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanPipeline, WanTransformer3DModel
    from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    letters = [(letter, -3.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokenizer = T5Tokenizer(
        vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0), *letters], extra_ids=0
    )
    config = UMT5Config(vocab_size=len(tokenizer), d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=8, freq_dim=16, ffn_dim=16, num_layers=2, rope_max_seq_len=32,
    )  # fmt: skip
    vae = AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    return quiet(
        WanPipeline(
            tokenizer=tokenizer,  # pyright: ignore[reportArgumentType]
            text_encoder=UMT5EncoderModel(config).eval(),
            transformer=transformer.eval(),
            vae=vae.eval(),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        )
    )


def animatediff() -> Any:
    from diffusers import (
        AnimateDiffPipeline,
        AutoencoderKL,
        DDIMScheduler,
        MotionAdapter,
        UNet2DConditionModel,
        UNetMotionModel,
    )
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    letters = sorted(ByteLevel.alphabet())
    names = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    tokenizer = CLIPTokenizer(vocab={name: at for at, name in enumerate(names)}, merges=[], model_max_length=77)
    config = CLIPTextConfig(
        vocab_size=len(names), hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 8), layers_per_block=1, cross_attention_dim=8, norm_num_groups=2,
        attention_head_dim=4, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    adapter = MotionAdapter(
        block_out_channels=(8, 8), motion_layers_per_block=1, motion_norm_num_groups=2, motion_num_attention_heads=2
    )
    shape: dict[str, Any] = {
        "block_out_channels": (8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
    }
    vae = AutoencoderKL(**shape, norm_num_groups=2, latent_channels=4, sample_size=16)
    denoiser: Any = UNetMotionModel.from_unet2d(unet, adapter)
    return quiet(
        AnimateDiffPipeline(
            vae=vae.eval(),
            text_encoder=CLIPTextModel(config).eval(),
            tokenizer=tokenizer,
            unet=denoiser.eval(),
            motion_adapter=adapter.eval(),
            scheduler=DDIMScheduler(beta_schedule="linear", clip_sample=False, steps_offset=1),
        )
    )


def quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    return pipe


def film(pipe: Any, side: int = 16) -> np.ndarray:
    """Frames `[B,F,H,W,3]` in 0..1."""
    return pipe(
        prompt="a cat",
        num_frames=5,
        height=side,
        width=side,
        num_inference_steps=1,
        guidance_scale=2.0,
        output_type="np",
        generator=torch.Generator().manual_seed(1),
    ).frames


MAKERS = pytest.mark.parametrize("make", [wan, animatediff])
EXACT = {
    "piecewise": Rung("piecewise", slicing=True, chunking=True),
    "group": GROUP._replace(tiling=False),
}


# ------------------------------------------------------------------------------------------- onto it


@MAKERS
def test_every_rung_gives_the_frames_of_the_plain_pipeline_in_whatever_order_they_come(make: Callable[[], Any]):
    pipe = make()
    plain = film(pipe)
    assert plain.std() > 0.01
    for rung in (GROUP, MODEL, *EXACT.values(), MODEL, GROUP):
        apply(pipe, rung, "cpu")
        assert abs(film(pipe) - plain).max() <= 1e-5, rung.name
        pipe.maybe_free_model_hooks()
    apply(pipe, PLAIN, "cpu")
    assert np.array_equal(film(pipe), plain)


@MAKERS
def test_switches_take_and_are_taken_off_again(make: Callable[[], Any]):
    pipe = make()
    chunks = ("chunking",) if make is animatediff else ()
    switches = ("tiling", "slicing", "chunking", "model", "group", "sequential", "fp8")
    assert not [name for name in switches if on(pipe, name)]
    assert apply(pipe, GROUP, "cpu") == ("tiling", "slicing", *chunks, "group")
    assert pipe.vae.use_tiling is pipe.vae.use_slicing is True
    for part in (pipe.text_encoder, pipe.vae, *placing.denoisers(pipe)):
        assert sum("group_offloading" in hooks for hooks in hooked(part)) > 1
    assert apply(pipe, PLAIN, "cpu") == ()
    assert not [name for name in switches if on(pipe, name)]
    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    assert not any(hooks for part in parts for hooks in hooked(part))


def hooked(part: Any) -> list[dict[str, Any]]:
    return [layer._diffusers_hook.hooks for layer in part.modules() if hasattr(layer, "_diffusers_hook")]


def test_group_offloading_really_loads_and_unloads_blocks(monkeypatch: pytest.MonkeyPatch):
    from diffusers.hooks.group_offloading import ModuleGroup

    moved: list[str] = []
    real = ModuleGroup.onload_
    monkeypatch.setattr(ModuleGroup, "onload_", lambda self: (moved.append("on"), real(self))[1])
    pipe = wan()
    apply(pipe, GROUP, "cpu")
    film(pipe)
    assert len(moved) > 2 * len(pipe.transformer.blocks)
    apply(pipe, PLAIN, "cpu")
    moved.clear()
    film(pipe)
    assert not moved


def test_tiles_are_really_decoded_one_by_one_and_give_the_same_shape():
    pipe = wan()
    plain = film(pipe, 32)
    apply(pipe, Rung("tiled", tiling=True), "cpu")
    pipe.vae.enable_tiling(16, 16, 12, 12)
    seams = film(pipe, 32)
    assert seams.shape == plain.shape
    assert 0 < abs(seams - plain).mean() < 0.2


def test_feed_forward_layers_are_chunked_by_frames_whether_these_come_first_or_second():
    pipe = animatediff()
    apply(pipe, Rung("piecewise", chunking=True), "cpu")
    seen: list[tuple[bool, torch.Size]] = []
    for name, layer in pipe.unet.named_modules():
        if type(layer).__name__ == "FeedForward":
            layer.register_forward_pre_hook(lambda _, given, name=name: seen.append(("motion" in name, given[0].shape)))
    film(pipe)
    assert {motion for motion, _ in seen} == {True, False}
    for motion, shape in seen:
        assert shape[1 if motion else 0] == 1, shape
        assert shape[0 if motion else 1] > 1, shape


def test_a_pipeline_is_cast_as_if_it_had_been_loaded_so_and_back():
    pipe = wan()
    apply(pipe, PLAIN._replace(dtype="bfloat16"), "cpu")
    assert {weight.dtype for weight in pipe.vae.parameters()} == {torch.float32}
    formats = {name: weight.dtype for name, weight in pipe.transformer.named_parameters()}
    assert formats["blocks.0.attn1.to_q.weight"] == torch.bfloat16
    kept = [name for name in formats if "time_embedder" in name or "scale_shift_table" in name]
    assert kept
    assert {formats[name] for name in kept} == {torch.float32}
    assert pipe.transformer.rope.freqs_cos.dtype != torch.bfloat16
    assert {weight.dtype for weight in pipe.text_encoder.parameters()} == {torch.bfloat16}
    assert np.isfinite(film(pipe)).all()
    apply(pipe, PLAIN, "cpu")
    assert {weight.dtype for weight in pipe.transformer.parameters()} == {torch.float32}


@MAKERS
def test_weights_in_eight_bits_change_the_frames_a_little_and_for_good(make: Callable[[], Any]):
    pipe = make()
    plain = film(pipe)
    apply(pipe, GROUP, "cpu")
    assert apply(pipe, FP8, "cpu") == ("group", "fp8")
    made = film(pipe)
    assert 0 < abs(made - plain).max() < 0.2
    apply(pipe, FP8._replace(offload="none"), "cpu")
    assert np.array_equal(film(pipe), made)
    with pytest.raises(BadInput, match="cast to fp8 and cannot go back to rung 'whole': load it anew"):
        apply(pipe, PLAIN, "cpu")


def test_what_an_autoencoder_cannot_do_is_left_out_and_a_switch_that_does_nothing_is_an_error():
    pipe = wan()
    del pipe.vae.use_slicing
    assert apply(pipe, Rung("piecewise", tiling=True, slicing=True), "cpu") == ("tiling",)
    pipe.vae.enable_tiling = lambda: None
    with pytest.raises(RenderFailed, match="took 'tiling' of rung 'piecewise' and did nothing"):
        apply(pipe, Rung("piecewise", tiling=True), "cpu")


def test_a_weight_that_stays_elsewhere_is_an_error():
    pipe = wan()
    pipe.transformer.blocks[0].lost = torch.nn.Parameter(torch.empty(2, device="meta"))
    pipe.to = lambda *_, **__: pipe
    with pytest.raises(RenderFailed, match=r"transformer\.blocks\.0\.lost of WanPipeline is not on cpu"):
        apply(pipe, PLAIN, "cpu")


@MAKERS
def test_models_that_are_offloaded_one_by_one_give_the_same_frames(make: Callable[[], Any]):
    pipe = make()
    plain = film(pipe)
    assert apply(pipe, MODEL, "cpu") == ("model",)
    assert np.array_equal(film(pipe), plain)
    with pytest.raises(BadInput, match="offloads layers from the CPU to itself"):
        apply(pipe, Rung("sequential", offload="sequential"), "cpu")


@with_card
@MAKERS
def test_on_a_card_every_rung_of_the_ladder_gives_nearly_the_same_frames(make: Callable[[], Any]):
    pipe = make()
    plain = film(pipe)
    for rung in ladder(WAN if make is wan else ANIMATEDIFF, "cuda", "float32"):
        apply(pipe, rung, "cuda")
        for _ in range(2):
            assert abs(film(pipe) - plain).max() < (0.2 if rung.quantized == "fp8" else 0.01), rung.name


# ------------------------------------------------------------------------------------------ the ladder


@pytest.mark.parametrize("device", ["cpu", "mps", "cuda", "cuda:1"])
def test_ladders_lead_from_the_fastest_to_the_thriftiest(device: str):
    for model in cards().values():
        rungs = ladder(model, device)
        held = [needs(model, rung).device for rung in rungs]
        assert held == sorted(held, reverse=True)
        assert len({rung.name for rung in rungs}) == len(rungs)
        assert rungs[0]._replace(dtype="float32") == PLAIN
        assert all(rung.quantized == "none" for rung in rungs[:-1])
        if device in ("cpu", "mps"):
            assert all(rung.offload == "none" and rung.quantized == "none" for rung in rungs)
        else:
            assert rungs[-1].quantized == "fp8"


def test_formats_are_those_that_device_and_family_bear_unless_asked():
    assert {rung.dtype for model in cards().values() for rung in ladder(model, "cpu")} == {"float32"}
    assert {rung.dtype for rung in ladder(WAN, "cpu", "bfloat16")} == {"bfloat16"}
    assert {rung.dtype for rung in ladder(WAN, "cuda")} == {"bfloat16"}
    assert {rung.dtype for rung in ladder(ANIMATEDIFF, "cuda")} == {"float16"}
    assert any(rung.chunking for rung in ladder(ANIMATEDIFF, "cpu"))
    assert not any(rung.chunking for rung in ladder(WAN, "cuda"))
    assert not any(rung.tiling or rung.slicing for rung in ladder(SVD, "cuda"))


def test_a_device_that_is_none_is_named_with_those_that_are():
    with pytest.raises(BadInput, match="device 'tpu' does not fit: cpu, mps, cuda"):
        ladder(WAN, "tpu")


ROOM = st.floats(0.001, 200)


@given(ROOM, ROOM, ROOM, st.sampled_from(sorted(cards())))
def test_more_room_on_the_card_never_means_a_thriftier_start(some: float, more: float, ram: float, id: str):
    rungs = ladder(card(id), "cuda")
    assert first(card(id), rungs, some + more, ram) <= first(card(id), rungs, some, ram)


def test_the_start_is_the_first_rung_that_seems_to_fit_or_the_one_that_worked():
    rungs = ladder(WAN, "cuda")
    names = [rung.name for rung in rungs]
    assert names[first(WAN, rungs, 24, 64)] == "whole"
    assert names[first(WAN, rungs, 8.2, 64)] == "piecewise"
    assert names[first(WAN, rungs, 3.2, 64)] == "group"
    assert names[first(WAN, rungs, 3.2, 6)] == "fp8", "weights of 8.2 GB cannot wait in 6"
    assert names[first(WAN, rungs, 0.6, 1)] == "fp8"
    assert names[first(WAN, rungs, 24, 64, "fp8")] == "fp8"
    assert names[first(WAN, rungs, 24, 64, "gone")] == "whole"
    known = WAN.changed(offloaded_gb=2.0)
    assert first(known, rungs, 2.6, 64) < first(WAN, rungs, 2.6, 64)


def test_without_a_card_main_memory_holds_all():
    rungs = ladder(WAN, "cpu")
    assert [rungs[first(WAN, rungs, 0, ram)].name for ram in (64, 15, 1)] == ["whole", "piecewise", "piecewise"]


# --------------------------------------------------------------------------------------- the way down


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (torch.OutOfMemoryError(""), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB)"), True),
        (RuntimeError("Invalid buffer size: 12.00 GiB"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            True,
        ),
        (OSError(12, "Cannot allocate memory"), True),
        (MemoryError(), True),
        (OutOfMemory("wan needs 8 GB"), True),
        (caused(RenderFailed("no clip"), torch.OutOfMemoryError("")), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("the prompt 'a robot out of memory' is too long"), False),
        (OSError(28, "No space left on device"), False),
        (Cancelled("stopped"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error: BaseException, wanted: bool):
    assert is_out_of_memory(error) is wanted


class Cramped:
    """A real pipeline that runs out of memory in its denoiser the first `times` times, and how it was rendered."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.pipe, self.tried, self.told, self.kept = wan(), list[str](), list[str](), list[Rung]()
        self._left, self._error = times, error or torch.OutOfMemoryError("CUDA out of memory.\nTried 2 GiB")
        self.pipe.transformer.register_forward_pre_hook(self._full)

    def _full(self, *_: Any) -> None:
        self._left -= 1
        if self._left >= 0:
            raise self._error

    def render(self, rung: Rung) -> np.ndarray:
        self.tried.append(rung.name)
        apply(self.pipe, rung, "cpu")
        return film(self.pipe)

    def climb(self, rungs: tuple[Rung, ...], start: int = 0) -> np.ndarray:
        return climb(self.render, rungs, start, self.told.append, self.kept.append)


RUNGS = (PLAIN, EXACT["piecewise"], EXACT["group"], FP8)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_render_that_runs_out_of_memory_steps_down_until_it_fits(times: int):
    cramped = Cramped(times)
    assert abs(cramped.climb(RUNGS) - film(wan())).max() <= 1e-5
    assert cramped.tried == [rung.name for rung in RUNGS[: times + 1]]
    assert cramped.kept == [RUNGS[times]]
    assert len(cramped.told) == times
    for number, words in enumerate(cramped.told):
        one, other = cramped.tried[number : number + 2]
        assert words.startswith(f"out of memory on rung {one!r}, trying {other!r}: OutOfMemoryError: CUDA")
        assert "\n" not in words


def test_when_the_last_rung_fails_all_that_were_tried_are_named_and_none_is_remembered():
    cramped = Cramped(99)
    with pytest.raises(OutOfMemory, match=r"every rung tried \(piecewise, group, fp8\): OutOfMemoryError") as error:
        cramped.climb(RUNGS, start=1)
    assert "\n" not in str(error.value)
    assert cramped.tried == ["piecewise", "group", "fp8"]
    assert not cramped.kept


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), Cancelled("stopped"), ValueError("no")])
def test_other_errors_rise_at_once_as_they_are(error: Exception):
    cramped = Cramped(1, error)
    with pytest.raises(type(error), match=str(error)) as seen:
        cramped.climb(RUNGS)
    assert seen.value is error
    assert cramped.tried == ["whole"]
    assert not cramped.told
    assert not cramped.kept


def test_what_a_failed_render_held_is_free_before_the_next_rung_is_tried():
    gone: list[bool] = []
    held: list[weakref.ref[Any]] = []
    logged: list[BaseException] = []

    def render(rung: Rung) -> str:
        if held:
            gone.append(held[0]() is None)
            return rung.name
        tensor = torch.zeros(8)
        held.append(weakref.ref(tensor))
        logged.append(caused(RenderFailed("no clip"), torch.OutOfMemoryError("full")))
        raise logged[0]

    gc.disable()
    try:
        assert climb(render, RUNGS, 0, list[str]().append, list[Rung]().append) == "piecewise"
    finally:
        gc.enable()
    assert gone == [True]


def test_a_start_that_is_no_rung_is_named():
    for start in (-1, 4):
        with pytest.raises(BadInput, match=rf"rung {start} does not fit: 0\.\.3"):
            climb(film, RUNGS, start, print, print)


# ---------------------------------------------------------------------------------------- remembering


def test_what_worked_is_remembered_for_model_size_and_device(tmp_path: Path):
    kept = Remembered(tmp_path / "state" / "rungs.json")
    key = key_of("abc", 832, 480, 81, "NVIDIA H100")
    assert kept.rung(key) is None
    kept.keep(key, "group")
    assert Remembered(tmp_path / "state" / "rungs.json").rung(key) == "group"
    assert kept.rung(key_of("abc", 832, 480, 80, "NVIDIA H100")) == "group"
    others = [("abd", 832, 480, 81, "NVIDIA H100"), ("abc", 416, 240, 81, "NVIDIA H100"), ("abc", 832, 480, 81, "cpu")]
    assert [kept.rung(key_of(*other)) for other in others] == [None] * 3
    kept.keep(key, "fp8")
    assert kept.rung(key) == "fp8"
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["rungs.json"]


@given(st.integers(16, 4096), st.integers(16, 4096), st.integers(1, 2400))
def test_clips_of_one_key_are_within_a_factor_of_two(width: int, height: int, frames: int):
    size = width * height * frames
    top = int(key_of("r", width, height, frames, "cpu").split()[1].removeprefix("2^"))
    assert 2 ** (top - 1) < size <= 2**top


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"key": 3}', "\x00\xff"])
def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path, text: str):
    path = tmp_path / "rungs.json"
    path.write_bytes(text.encode("latin-1"))
    kept = Remembered(path)
    assert kept.rung("key") is None
    kept.keep("key", "group")
    assert json.loads(path.read_text()) == {"key": "group"}


def test_threads_that_remember_at_once_lose_nothing(tmp_path: Path):
    kept = Remembered(tmp_path / "rungs.json")
    threads = [threading.Thread(target=kept.keep, args=(f"key {number}", "group")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(kept.rung(f"key {number}") == "group" for number in range(8))


def test_a_disk_that_does_not_take_it_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        Remembered(tmp_path / "file" / "rungs.json").keep("key", "group")
