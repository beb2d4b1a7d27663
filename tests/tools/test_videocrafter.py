"""VideoCrafter2: its checkpoint converted, its sampler and its pipeline, held to lvdm's own way of computing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import lvdm_parts
import lvdm_reference
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from lvdm_checkpoint import TREE, Checkpoint, Tree, tokenizer
from safetensors.torch import save_file

from kinograph.errors import BadInput, Damaged
from kinograph.tools.backends.videocrafter import lvdm
from kinograph.tools.backends.videocrafter.convert import assemble, convert, main, read, text_encoder_of, unet_of
from kinograph.tools.backends.videocrafter.pipeline import VideoCrafter2Pipeline
from kinograph.tools.backends.videocrafter.scheduler import ScaledDDIMScheduler

SMALL: dict[str, Any] = {"num_frames": 4, "height": 16, "width": 16, "num_inference_steps": 2}
STORY = "a red ball rolls"


@pytest.fixture(scope="module")
def original() -> Checkpoint:
    return Checkpoint()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    tokenizer().save_pretrained(folder / "tokenizer")
    return folder


@pytest.fixture(scope="module")
def pipe(original: Checkpoint, parts: Path) -> VideoCrafter2Pipeline:
    made = assemble(original.weights(), parts, lambda _: None)
    made.set_progress_bar_config(disable=True)
    return made


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def rendered(pipe: VideoCrafter2Pipeline, **change: Any) -> np.ndarray:
    """A clip, always of the same noise."""
    return pipe(**{"prompt": STORY, "generator": seeded(1), **SMALL} | change).frames


def apart(one: Any, other: Any) -> float:
    return float(abs(torch.as_tensor(one).detach().double() - torch.as_tensor(other).detach().double()).max())


# ------------------------------------------------------------------------------------------ conversion


@pytest.mark.parametrize("tree", [TREE, ((1, 2, 2), 2, {0, 1})], ids=["two levels", "three levels of two"])
def test_the_converted_unet_has_every_weight_and_says_what_lvdms_says(tree: Tree):
    original = Checkpoint(tree)
    unet = unet_of(original.weights())
    assert len(unet.state_dict()) == len(original.unet.state_dict())
    values, told = torch.randn(2, 4, 4, 8, 8), torch.randn(2, 5, 8)
    with torch.no_grad():
        for fps in (28, 8):
            wanted = original.unet(values, torch.tensor([401, 401]), told, fps)
            condition = unet.fps_condition(fps, 2)
            found = unet(values, 401, told, timestep_cond=condition, return_dict=False)[0]
            assert apart(found, wanted) <= 1e-5
    other = unet(values, 401, told, timestep_cond=unet.fps_condition(28, 2), return_dict=False)[0]
    assert apart(other, wanted) > 1e-3, "the frame rate does not matter"


def test_the_unet_of_full_size_has_every_weight_too():
    with torch.device("meta"):
        full = lvdm_reference.UNet(320, (1, 2, 4, 4), 2, {0, 1, 2}, head=64, told=1024)
    unet = unet_of({lvdm.UNET + name: one for name, one in full.state_dict().items()})
    assert sum(one.numel() for one in unet.parameters()) == sum(one.numel() for one in full.parameters()) > 1.4e9
    assert unet.config["block_out_channels"] == [320, 640, 1280, 1280]
    assert (unet.config["attention_head_dim"], unet.config["cross_attention_dim"]) == (64, 1024)


def test_the_converted_autoencoder_encodes_and_decodes_as_lvdms_does(original: Checkpoint, pipe: VideoCrafter2Pipeline):
    pictures, latents = torch.randn(2, 3, 16, 16), torch.randn(2, 4, 8, 8)
    found: Any = pipe.vae
    with torch.no_grad():
        assert apart(found.encode(pictures).latent_dist.mean, original.vae.mean(pictures)) <= 1e-5
        assert apart(found.decode(latents).sample, original.vae.decode(latents)) <= 1e-5


def test_the_converted_text_encoder_says_what_open_clips_last_block_but_one_says():
    text = lvdm_reference.shaken(lvdm_parts.OpenClipText(190, 128, 2, layers=3))
    weights = {lvdm.TEXT + name: one for name, one in text.state_dict().items()}
    found = text_encoder_of(weights, None, lambda _: None)
    assert (found.config.num_attention_heads, found.config.num_hidden_layers) == (2, 2)
    tokens = torch.randint(0, 190, (2, 77))
    with torch.no_grad():
        assert apart(found(input_ids=tokens).last_hidden_state, text(tokens)) <= 1e-5


def test_prompts_are_padded_as_open_clip_pads_them(original: Checkpoint, pipe: VideoCrafter2Pipeline):
    red = [188, ord("r") - 33, ord("e") - 33, ord("d") - 33 + 94, 189]
    with torch.no_grad():
        wanted = original.text(torch.tensor([[*red, *[0] * (77 - len(red))]]))
        assert apart(pipe.encode_prompts(["red"]), wanted) <= 1e-5
        assert pipe.encode_prompts(["red " * 80]).shape == wanted.shape


def test_a_lacking_and_an_unknown_weight_are_named(original: Checkpoint, parts: Path):
    weights = original.weights()
    del weights["model.diffusion_model.output_blocks.1.0.temopral_conv.conv3.3.bias"]
    with pytest.raises(Damaged, match=r"1 weights of .*lacking: output_blocks\.1\.0\.temopral_conv\.conv3\.3\.bias"):
        assemble(weights, parts)
    weights = original.weights() | {"model.diffusion_model.output_blocks.1.0.odd": torch.zeros(1)}
    with pytest.raises(Damaged, match=r"too many: output_blocks\.1\.0\.odd"):
        assemble(weights, parts)
    weights = original.weights()
    del weights["first_stage_model.post_quant_conv.weight"]
    with pytest.raises(Damaged, match=r"has no first_stage_model\.post_quant_conv\.weight"):
        assemble(weights, parts)
    weights = original.weights()
    weights["model.diffusion_model.out.2.bias"] = torch.zeros(5)
    with pytest.raises(Damaged, match=r"out\.2\.bias .* is \(5,\), which is not \(4,\)"):
        assemble(weights, parts)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k_ip.weight", r"image.*to_k_ip"),
        ("image_proj_model.proj_in.weight", r"image-to-video.*image_proj_model"),
        ("model.diffusion_model.middle_block.2.attn1.relative_position_k.embeddings_table", "VideoCrafter 1"),
    ],
)
def test_other_models_of_the_family_are_refused_by_what_they_have(original: Checkpoint, more: str, said: str):
    with pytest.raises(BadInput, match=said):
        assemble(original.weights() | {more: torch.zeros(1)})


def test_what_the_checkpoint_lacks_comes_from_the_parts(
    original: Checkpoint, pipe: VideoCrafter2Pipeline, tmp_path: Path
):
    pipe.save_pretrained(tmp_path / "parts")
    bare = {name: one for name, one in original.weights().items() if name.startswith(lvdm.UNET)}
    with pytest.raises(BadInput, match="no vae: give --parts"):
        assemble(bare)
    with pytest.raises(BadInput, match=r"no tokenizer that fits: .*give --parts"):
        assemble(original.weights(), None, lambda _: None)
    heard = []
    made = assemble(bare, tmp_path / "parts", heard.append)
    assert [line.split(":")[0] for line in heard] == ["UNet", "vae", "text_encoder"]
    assert torch.equal(made.vae.decoder.conv_in.weight, pipe.vae.decoder.conv_in.weight)


@pytest.mark.parametrize("kind", ["ckpt", "deepspeed", "safetensors"])
def test_every_way_of_keeping_the_weights_is_read(original: Checkpoint, kind: str, tmp_path: Path):
    weights, file = original.weights(), tmp_path / f"model.{'safetensors' if kind == 'safetensors' else 'ckpt'}"
    if kind == "safetensors":
        save_file(weights, file)
    elif kind == "ckpt":
        torch.save({"state_dict": weights, "global_step": 7}, file)
    else:
        torch.save({"module": {f"_forward_module.{name}": one for name, one in weights.items()}}, file)
    found = read(file)
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], one) for name, one in weights.items())


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.file),)


def test_a_checkpoint_that_holds_code_is_refused_and_the_code_does_not_run(tmp_path: Path):
    torch.save({"state_dict": {}, "extra": Trap(tmp_path / "sprung")}, tmp_path / "model.ckpt")
    with pytest.raises(Damaged, match="holds more than weights"):
        read(tmp_path / "model.ckpt")
    assert not (tmp_path / "sprung").exists()


def test_what_is_no_checkpoint_is_said_to_be_none(tmp_path: Path):
    with pytest.raises(BadInput, match="is not a file"):
        read(tmp_path / "none.ckpt")
    for name in ("model.ckpt", "model.safetensors"):
        (tmp_path / name).write_bytes(b"a text, as a page of an error is")
        with pytest.raises(Damaged, match=f"{name}'"):
            read(tmp_path / name)


def test_the_command_writes_a_folder_that_renders_as_it_would_have_unwritten(
    original: Checkpoint, pipe: VideoCrafter2Pipeline, parts: Path, tmp_path: Path, monkeypatch, capsys
):
    out = tmp_path / "made" / "videocrafter2"
    command = ["convert", str(tmp_path / "model.safetensors"), str(out), "--parts", str(parts)]
    monkeypatch.setattr(sys, "argv", command)
    save_file(original.weights(), tmp_path / "model.safetensors")
    main()
    said = capsys.readouterr()
    assert said.out.strip() == str(out)
    for step in ("reading ", "UNet: 470 weights", "autoencoder: ", "text encoder: ", "writing "):
        assert f"{step}" in said.err
    assert [entry.name for entry in out.parent.iterdir()] == ["videocrafter2"]
    index = json.loads((out / "model_index.json").read_text())
    assert index["scheduler"] == ["kinograph.tools.backends.videocrafter.scheduler", "ScaledDDIMScheduler"]
    loaded = VideoCrafter2Pipeline.from_pretrained(out)
    loaded.set_progress_bar_config(disable=True)
    assert (loaded.scheduler.config["scale_end"], loaded.scheduler.config["scale_steps"]) == (0.7, 400)
    assert apart(loaded(STORY, generator=seeded(1), **SMALL).frames, rendered(pipe)) <= 1e-6
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "is there already" in capsys.readouterr().err


def test_a_conversion_that_breaks_off_leaves_nothing(original: Checkpoint, parts: Path, tmp_path: Path, monkeypatch):
    save_file(original.weights(), tmp_path / "model.safetensors")

    def breaks(_: Any, folder: Path) -> None:
        folder.mkdir()
        (folder / "half").write_text("a half")
        raise KeyboardInterrupt

    monkeypatch.setattr(VideoCrafter2Pipeline, "save_pretrained", breaks)
    with pytest.raises(KeyboardInterrupt):
        convert(tmp_path / "model.safetensors", tmp_path / "out", parts, lambda _: None)
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name != "home") == ["model.safetensors"]


# ------------------------------------------------------------------------------------------- scheduler


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("steps", [5, 50])
def test_the_scheduler_samples_as_lvdms_ddim_with_use_scale(steps: int, eta: float):
    start, mix = torch.randn(2, 4, 3, 4, 4, generator=seeded(1)[0]), torch.randn(4, 4, generator=seeded(2)[0])

    def guess(values: torch.Tensor, step: int) -> torch.Tensor:
        return torch.einsum("ij,bjfhw->bifhw", mix, values).tanh() + step / 1000

    def sampled(scheduler: DDIMScheduler) -> torch.Tensor:
        scheduler.set_timesteps(steps)
        values, [drawn] = start, seeded(9)
        for step in scheduler.timesteps:
            values = scheduler.step(
                guess(values, int(step)), int(step), values, eta, generator=drawn, return_dict=False
            )[0]
        return values

    [drawn] = seeded(9)
    wanted = lvdm_reference.ddim(guess, start, steps, eta, lambda: torch.randn(start.shape, generator=drawn))
    size = float(wanted.abs().max())
    assert apart(sampled(ScaledDDIMScheduler()), wanted) <= 1e-5 * size
    assert apart(sampled(ScaledDDIMScheduler(scale_end=1.0)), wanted) > 1e-2 * size, "the scale does not matter"


def test_without_a_scale_it_is_plain_ddim_and_the_clean_latents_are_rid_of_it():
    told = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    plain = DDIMScheduler(**told, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    values, noise = torch.randn(2, 4, 3, 4, 4), torch.randn(2, 4, 3, 4, 4)
    for scheduler in (plain, even := ScaledDDIMScheduler(scale_end=1.0), scaled := ScaledDDIMScheduler()):
        scheduler.set_timesteps(10)
    [found, wanted] = (one.step(noise, 501, values, return_dict=False)[0] for one in (even, plain))
    assert torch.equal(found, wanted)
    clean = torch.randn(2, 4, 3, 4, 4)
    for step in (1, 201, 901):
        noised = scaled.add_noise(clean, noise, torch.tensor([step, step]))
        assert apart(scaled.step(noise, step, noised, return_dict=False)[1], clean) <= 1e-4


def test_a_saved_scheduler_comes_back_with_its_scale(tmp_path: Path):
    ScaledDDIMScheduler(scale_end=0.3, scale_steps=200).save_pretrained(tmp_path)
    found: Any = ScaledDDIMScheduler.from_pretrained(tmp_path)
    assert found.scales[[0, 199, 999]].tolist() == pytest.approx([1, 0.3, 0.3])
    assert found.scales[100] > 0.6
    assert found.config["beta_start"] == 0.00085
    assert not found.config["clip_sample"]


# -------------------------------------------------------------------------------------------- pipeline


def test_a_clip_is_what_lvdms_networks_and_sampler_make_of_the_same_noise(
    original: Checkpoint, pipe: VideoCrafter2Pipeline
):
    start = torch.randn(1, 4, 4, 8, 8)
    with torch.no_grad():
        told, silence = pipe.encode_prompts([STORY]), pipe.encode_prompts([""])

        def guess(values: torch.Tensor, step: int) -> torch.Tensor:
            led, free = (original.unet(values, torch.tensor([step]), one, 28) for one in (told, silence))
            return free + 12 * (led - free)

        [drawn] = seeded(4)
        latents = lvdm_reference.ddim(guess, start, 5, 1.0, lambda: torch.randn(start.shape, generator=drawn)).float()
        pictures = torch.stack([original.vae.decode(one / 0.18215) for one in latents.unbind(2)], 1)
    wanted = (pictures.permute(0, 1, 3, 4, 2) / 2 + 0.5).clamp(0, 1)
    found = rendered(pipe, latents=start, generator=seeded(4), num_inference_steps=5)
    assert found.shape == (1, 4, 16, 16, 3)
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.std() > 0.01
    assert apart(found, wanted) <= 1e-3


def test_a_list_of_prompts_and_generators_gives_what_single_calls_give(pipe: VideoCrafter2Pipeline):
    prompts, negatives = [STORY, "a blue cube"], ["blurred", ""]
    alike: dict[str, Any] = SMALL | {"guidance_scale": 3.0}  # guidance makes what rounding does so many times larger
    together = pipe(prompts, negatives, generator=seeded(1, 2), **alike).frames
    singles = [
        pipe(prompt, negative, generator=seeded(seed), **alike).frames[0]
        for prompt, negative, seed in zip(prompts, negatives, (1, 2), strict=True)
    ]
    assert max(apart(one, other) for one, other in zip(together, singles, strict=True)) <= 1e-5
    assert apart(together[0], together[1]) > 1e-2


def test_it_renders_in_half_the_bits_much_the_same(pipe: VideoCrafter2Pipeline, tmp_path: Path):
    pipe.save_pretrained(tmp_path)
    half = VideoCrafter2Pipeline.from_pretrained(tmp_path, dtype=torch.bfloat16)
    half.set_progress_bar_config(disable=True)
    assert half.unet.dtype == half.vae.dtype == torch.bfloat16
    found = rendered(half, guidance_scale=1.0)
    assert found.dtype == np.float32
    assert 0 < apart(found, rendered(pipe, guidance_scale=1.0)) < 0.1


@pytest.fixture(scope="module")
def plain(pipe: VideoCrafter2Pipeline) -> torch.Tensor:
    return rendered(pipe, output_type="latent")  # type: ignore[return-value]


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "snow"},
        {"negative_prompt": "blurred"},
        {"fps": 8},
        {"eta": 0.0},
        {"guidance_scale": 1.0},
        {"num_inference_steps": 1},
        {"generator": seeded(2)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_argument_changes_the_clip(pipe: VideoCrafter2Pipeline, plain: torch.Tensor, change: dict[str, Any]):
    assert apart(rendered(pipe, output_type="latent", **change), plain) > 1e-3


def test_the_callback_hears_of_every_step_and_may_change_the_latents(pipe: VideoCrafter2Pipeline):
    heard = []

    def after(given: VideoCrafter2Pipeline, index: int, timestep: Any, values: dict) -> dict:
        heard.append((index, int(timestep), given.num_timesteps))
        return {"latents": torch.zeros_like(values["latents"])}

    found = pipe(STORY, generator=seeded(1), callback_on_step_end=after, output_type="latent", **SMALL).frames
    assert heard == [(0, 501, 2), (1, 1, 2)]
    assert not found.any()


def test_a_callback_that_raises_leaves_the_pipeline_usable(pipe: VideoCrafter2Pipeline, plain: torch.Tensor):
    class Enough(Exception):
        pass

    def stops(*_: Any) -> dict:
        raise Enough

    with pytest.raises(Enough):
        rendered(pipe, prompt="snow", num_inference_steps=5, callback_on_step_end=stops)
    assert apart(rendered(pipe, output_type="latent"), plain) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"height": 15}, "16x15; .*multiples of 2"),
        ({"num_frames": 0}, "0 frames"),
        ({"prompt": []}, "0 clips"),
        ({"negative_prompt": ["a", "b"]}, "2 negative prompts for 1 prompts"),
        ({"generator": seeded(1, 2)}, "2 generators for 1 clips"),
        ({"latents": torch.zeros(1, 4, 4, 2, 2)}, r"\(1, 4, 4, 2, 2\); this call takes \(1, 4, 4, 8, 8\)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_said(pipe: VideoCrafter2Pipeline, given: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        rendered(pipe, **given)


def test_the_door_loads_nothing_heavy():
    code = "import kinograph.tools.backends.videocrafter.convert, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
