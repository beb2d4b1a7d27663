"""Makes the folder of VideoCrafter2Pipeline from VideoCrafter's own checkpoint.

    python -m kinograph.tools.backends.videocrafter.convert model.ckpt out_folder [--parts folder]

Autoencoder and text encoder come from the checkpoint where it has them, otherwise, like the tokenizer, from `--parts`:
a folder of ModelScope's text-to-video model (`vae`, `text_encoder`, `tokenizer`), which has the same ones. Without
`--parts` the tokenizer is looked for in the hub's local cache.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph import disk
from kinograph.errors import BadInput, Damaged, KinographError, told
from kinograph.tools.backends.videocrafter import lvdm

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

    from kinograph.tools.backends.videocrafter.pipeline import VideoCrafter2Pipeline
    from kinograph.tools.backends.videocrafter.scheduler import ScaledDDIMScheduler
    from kinograph.tools.backends.videocrafter.unet import VideoCrafterUNet

    Weights = Mapping[str, torch.Tensor]

TOKENIZER = "damo-vilab/text-to-video-ms-1.7b"
"""Where a tokenizer comes from when no parts are given."""
DEEPSPEED = "_forward_module."
PICTURES = ("image_proj_model.", "embedder.")
"""Networks that the image-to-video model has besides."""
Tell = Callable[[str], None]


def convert(checkpoint: Path, folder: Path, parts: Path | None = None, tell: Tell = print) -> Path:
    """Writes `folder`, whole or not at all; `tell` hears how far it is.

    Raises BadInput for a checkpoint of another model, a folder that is there already or parts that are lacking,
    Damaged for weights that are missing or too many or a file that cannot be read, StorageError.
    """
    if folder.exists():
        raise BadInput(f"{str(folder)!r} is there already; name a folder that is not")
    tell(f"reading {checkpoint}")
    pipeline = assemble(read(checkpoint), parts, tell)
    tell(f"writing {folder}")
    with _replacing_folder(folder) as draft:
        pipeline.save_pretrained(draft)
    return folder


def read(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The weights of a `.safetensors` file, or of a pickle in which nothing but weights is loaded.

    Raises BadInput for a file that is not there, Damaged for one that is not a checkpoint or holds more than weights.
    """
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not checkpoint.is_file():
        raise BadInput(f"{str(checkpoint)!r} is not a file; a checkpoint is a .ckpt, .pt or .safetensors")
    if checkpoint.suffix != ".safetensors" and not zipfile.is_zipfile(checkpoint):
        raise Damaged(f"{str(checkpoint)!r} is not a checkpoint: torch writes zip archives since 1.6, and this is none")
    try:
        if checkpoint.suffix == ".safetensors":
            found: Any = load_file(checkpoint)
        else:
            found = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise Damaged(
            f"{str(checkpoint)!r} holds more than weights, which could be code, and is not loaded; "
            "have its state dict saved as .safetensors where you trust it"
        ) from error
    except (SafetensorError, RuntimeError, ValueError, EOFError) as error:
        raise Damaged(f"{str(checkpoint)!r} is not a checkpoint: {told(error)[:200]}") from error
    for layer in ("state_dict", "module"):
        found = found.get(layer, found) if isinstance(found, dict) else {}
    return {name.removeprefix(DEEPSPEED): one for name, one in found.items() if isinstance(one, torch.Tensor)}


def assemble(weights: Weights, parts: Path | None = None, tell: Tell = print) -> VideoCrafter2Pipeline:
    """The pipeline of a checkpoint's weights. Raises BadInput and Damaged as `convert` does."""
    from kinograph.tools.backends.videocrafter.pipeline import VideoCrafter2Pipeline

    _refuse_others(weights)
    unet = unet_of(weights)
    tell(f"UNet: {len(unet.state_dict())} weights, none missing, none too many")
    vae, text = vae_of(weights, parts, tell), text_encoder_of(weights, parts, tell)
    for what, here, there in (
        ("text encoder says {} numbers a word", text.config.hidden_size, unet.config["cross_attention_dim"]),
        ("autoencoder has {} channels", vae.config["latent_channels"], unet.config["in_channels"]),
    ):
        if here != there:
            raise BadInput(f"the {what.format(here)}, the UNet takes {there}: they do not belong together")
    return VideoCrafter2Pipeline(vae, text, _tokenizer(parts, text.config.vocab_size), unet, _scheduler(weights))


def _refuse_others(weights: Weights) -> None:
    """Raises BadInput for what VideoCrafter2's text-to-video model is not."""
    if pictures := [name for name in weights if "_ip." in name or name.startswith(PICTURES)]:
        raise BadInput(
            f"this is an image-to-video checkpoint, of which only text-to-video is supported; not supported: "
            f"{_some(pictures)}"
        )
    if relative := [name for name in weights if ".relative_position_" in name]:
        raise BadInput(f"this is a checkpoint of VideoCrafter 1, not 2; not supported: {_some(relative)}")
    if not any(name.startswith(lvdm.UNET) for name in weights):
        raise BadInput(f"no weight is named {lvdm.UNET}…; the first of {len(weights)}: {_some(weights)}")


def unet_of(weights: Weights) -> VideoCrafterUNet:
    """Of the checkpoint. Raises Damaged."""
    from kinograph.tools.backends.videocrafter.unet import VideoCrafterUNet

    mine = _below(weights, lvdm.UNET)
    with _lacking(lvdm.UNET):
        config = lvdm.unet_config(mine)
    model = _empty(lambda: VideoCrafterUNet(**config))
    _fill(model, lvdm.unet_weights(mine, config), lambda names: lvdm.unet_names(names, config), lvdm.UNET)
    return model


def vae_of(weights: Weights, parts: Path | None, tell: Tell) -> AutoencoderKL:
    """Of the checkpoint, or of the parts. Raises BadInput and Damaged."""
    from diffusers import AutoencoderKL

    mine = _below(weights, lvdm.VAE)
    if not mine:
        return _part(AutoencoderKL, parts, "vae", tell)
    with _lacking(lvdm.VAE):
        config = lvdm.vae_config(mine)
    model = _empty(lambda: AutoencoderKL(**config))
    _fill(model, lvdm.vae_weights(mine, config), list, lvdm.VAE)
    tell(f"autoencoder: {len(mine)} weights of the checkpoint")
    return model


def text_encoder_of(weights: Weights, parts: Path | None, tell: Tell) -> CLIPTextModel:
    """Of the checkpoint, or of the parts. Raises BadInput and Damaged."""
    from transformers import CLIPTextConfig, CLIPTextModel

    mine = _below(weights, lvdm.TEXT)
    if not mine:
        return _part(CLIPTextModel, parts, "text_encoder", tell)
    with _lacking(lvdm.TEXT):
        config = lvdm.text_config(mine)
    model = CLIPTextModel(CLIPTextConfig(**config))
    _fill(model, lvdm.text_weights(mine, config), list, lvdm.TEXT)
    tell(f"text encoder: {len(mine)} weights of the checkpoint")
    return model


def _tokenizer(parts: Path | None, words: int) -> CLIPTokenizer:
    """Raises BadInput for one that does not know the text encoder's `words`."""
    from transformers import CLIPTokenizer

    where = TOKENIZER if parts is None else str(parts / "tokenizer")
    source: dict[str, Any] = {"subfolder": "tokenizer"} if parts is None else {}
    try:
        found = CLIPTokenizer.from_pretrained(where, local_files_only=True, **source)
        why = f"the one of {where} knows {len(found)} words, the text encoder {words}"
    except (OSError, ValueError) as error:
        found, why = None, told(error)[:200]
    # Where there is none, what transformers gives may be one that knows next to nothing.
    if found is None or len(found) != words:
        raise BadInput(f"no tokenizer that fits: {why}; give --parts, a folder with tokenizer/ (as in {TOKENIZER})")
    return found


def _scheduler(weights: Weights) -> ScaledDDIMScheduler:
    """With the scale that the model was trained with, where the checkpoint keeps it."""
    from kinograph.tools.backends.videocrafter.scheduler import ScaledDDIMScheduler

    scales = weights.get("scale_arr")
    if scales is None:
        return ScaledDDIMScheduler()
    end = scales[-1]
    return ScaledDDIMScheduler(scale_end=round(float(end), 6), scale_steps=int((scales > end).sum()) + 1)


def _part(kind: Any, parts: Path | None, name: str, tell: Tell) -> Any:
    """A part that the checkpoint lacks. Raises BadInput."""
    if parts is None:
        raise BadInput(f"the checkpoint has no {name}: give --parts, a folder with {name}/ (such as of {TOKENIZER})")
    try:
        found = kind.from_pretrained(parts / name, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"no {name} can be loaded from {str(parts / name)!r}: {told(error)[:200]}") from error
    tell(f"{name}: from {parts / name}")
    return found


# ------------------------------------------------------------------------------------ weights and files


def _below(weights: Weights, prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}


@contextmanager
def _lacking(prefix: str) -> Iterator[None]:
    """Turns a weight without which a network's settings are not known into Damaged."""
    try:
        yield
    except KeyError as error:
        raise Damaged(f"the checkpoint has no {prefix}{error.args[0]}") from error


def _empty(build: Callable[[], Any]) -> Any:
    """A network without memory for its weights, which are to be put in."""
    import torch

    with torch.device("meta"):
        return build().eval()


def _fill(model: Any, weights: Weights, names: Callable[[Iterable[str]], list[str]], prefix: str) -> None:
    """Puts `weights` into `model`; `names` says what to call them in an error. Raises Damaged."""
    wanted = model.state_dict()
    for what, found in (("lacking", wanted.keys() - weights.keys()), ("too many", weights.keys() - wanted.keys())):
        if found:
            raise Damaged(f"{len(found)} weights of {prefix}… {what}: {_some(names(sorted(found)))}")
    for name, tensor in weights.items():
        if _squeezed(tensor.shape) != _squeezed(wanted[name].shape):
            raise Damaged(
                f"{names([name])[0]} of {prefix}… is {tuple(tensor.shape)}, which is not {tuple(wanted[name].shape)}"
            )
    model.load_state_dict({name: one.reshape(wanted[name].shape) for name, one in weights.items()}, assign=True)
    model.eval()


def _squeezed(shape: Iterable[int]) -> list[int]:
    """A convolution of one pixel is a linear projection."""
    return [size for size in shape if size != 1]


def _some(names: Iterable[str], shown: int = 5) -> str:
    found = list(names)
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    return f"{', '.join(found[:shown])}{more}"


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that becomes it when the block ends well, and is gone otherwise. Raises StorageError."""
    disk.folder(folder.parent)
    draft = folder.with_name(f".{uuid.uuid4().hex[:12]}.{folder.name}")
    try:
        with disk.storage(folder):
            yield draft
            for file in draft.rglob("*"):
                if file.is_file():
                    disk.flush(file)
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def main() -> None:
    """The command. Exits with the status of what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="VideoCrafter2's model.ckpt, or its weights as .safetensors")
    parser.add_argument("folder", type=Path, help="where the pipeline is to be; must not be there yet")
    parser.add_argument("--parts", type=Path, help="folder with vae, text_encoder and tokenizer")
    given = parser.parse_args()
    try:
        print(convert(given.checkpoint, given.folder, given.parts, lambda line: print(line, file=sys.stderr)))
    except KinographError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
