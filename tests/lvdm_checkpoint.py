"""A checkpoint as VideoCrafter2's is laid out, with tiny networks of random weights."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import lvdm_parts
import lvdm_reference
import torch
from transformers import CLIPTokenizer

from kinograph.tools.backends.videocrafter import lvdm
from kinograph.tools.backends.videocrafter.convert import assemble
from kinograph.tools.backends.videocrafter.pipeline import VideoCrafter2Pipeline

Tree = tuple[tuple[int, ...], int, set[int]]
TREE: Tree = ((1, 2), 1, {0})


def tokenizer() -> CLIPTokenizer:
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{one}</w>" for one in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: at for at, word in enumerate(words)}, merges=[], model_max_length=77)


class Checkpoint:
    """lvdm's networks of random weights, and the state dict that they make together."""

    def __init__(self, tree: Tree = TREE) -> None:
        torch.manual_seed(3)
        mults, layers, attends = tree
        self.unet: Any = lvdm_reference.shaken(lvdm_reference.UNet(32, mults, layers, attends, head=8, told=8))
        self.vae: Any = lvdm_reference.shaken(lvdm_parts.Autoencoder())
        self.text: Any = lvdm_reference.shaken(lvdm_parts.OpenClipText(190, 8, 1, layers=3))

    def weights(self) -> dict[str, torch.Tensor]:
        named = {lvdm.UNET: self.unet, lvdm.VAE: self.vae, lvdm.TEXT: self.text}
        found = {prefix + name: one for prefix, net in named.items() for name, one in net.state_dict().items()}
        scales = torch.from_numpy(lvdm_reference.scale_arr()).float()
        return found | {"scale_arr": scales, "betas": torch.zeros(1000)}


def pipeline() -> VideoCrafter2Pipeline:
    """What the converter makes of one."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer().save_pretrained(Path(folder) / "tokenizer")
        return assemble(Checkpoint().weights(), Path(folder), lambda _: None)
