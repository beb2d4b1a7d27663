"""The diffusion pipeline of the embedded model: diffusers parts, tied together for a CPU.

Frames are coded one by one (AutoencoderDC, a sixteenth of the size), eight latents of one place are stacked into
a token, and LTX-Video's transformer denoises all tokens of a clip at once, told by one text embedding an
attribute. The first frame is made in a pass of its own; the rest of the clip follows from it. Keyframes are further
tokens without noise, at the place in time where they belong, as in `LTXConditionPipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderDC, DiffusionPipeline, FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel
from diffusers.utils.torch_utils import randn_tensor
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast, T5EncoderModel

GROUP = 8
"""Frames a token stands for; the first frame of a clip has tokens of its own."""
CELL = 16
"""Pixels a side of a latent."""
TICK = 20 / 256
"""Distance of neighbouring frames for the rotary embedding, in its seconds."""


class Keyframe(NamedTuple):
    """A picture that the clip must show at one frame."""

    frame: int
    picture: np.ndarray
    """uint8 RGB `[H,W,3]` of the clip's size."""


class Tokens(NamedTuple):
    """Latents as the transformer takes them."""

    values: torch.Tensor
    """`[B,S,GROUP·fold²·C]`"""
    places: torch.Tensor
    """`[3,S]`: time, y, x of each token for the rotary embedding."""


def _fold(latents: torch.Tensor, fold: int) -> torch.Tensor:
    """`[B,T,C,h,w]` -> `[B,T,fold²·C,h/fold,w/fold]`."""
    return F.pixel_unshuffle(latents, fold) if fold > 1 else latents


def _places(time: float, rows: int, columns: int, fold: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    side = CELL * fold
    return torch.stack(
        [torch.full((rows * columns,), time * TICK), (y.flatten() + 0.5) * side, (x.flatten() + 0.5) * side]
    )


def pack(latents: torch.Tensor, fold: int) -> Tokens:
    """Latents `[B,8k+1,C,h,w]` as tokens: first frame, then groups of GROUP frames; row by row."""
    latents = _fold(latents, fold)
    batch, frames, channels, rows, columns = latents.shape
    first = F.pad(latents[:, :1], (0, 0, 0, 0, 0, 0, 0, GROUP - 1))
    groups = torch.cat([first, latents[:, 1:]], 1).unflatten(1, (-1, GROUP))
    values = groups.permute(0, 1, 4, 5, 2, 3).reshape(batch, -1, GROUP * channels)
    times = [0.0, *(GROUP * k + (GROUP + 1) / 2 for k in range((frames - 1) // GROUP))]
    return Tokens(values, torch.cat([_places(time, rows, columns, fold) for time in times], 1))


def unpack(values: torch.Tensor, frames: int, rows: int, columns: int, fold: int) -> torch.Tensor:
    """The inverse of `pack`: `[B,S,D]` -> `[B,frames,C,rows,columns]`; `rows` and `columns` are of latents."""
    groups = values.unflatten(1, ((frames - 1) // GROUP + 1, rows // fold, columns // fold)).unflatten(-1, (GROUP, -1))
    latents = groups.permute(0, 1, 4, 5, 2, 3).flatten(1, 2)
    latents = torch.cat([latents[:, :1], latents[:, GROUP:]], 1)
    return F.pixel_shuffle(latents, fold) if fold > 1 else latents


def keyframe_tokens(latents: torch.Tensor, frame: int, fold: int) -> Tokens:
    """Tokens of one picture `[B,C,h,w]` at a frame of the clip."""
    tokens = pack(latents[:, None], fold)
    places = tokens.places.clone()
    places[0] = frame * TICK
    return Tokens(tokens.values, places)


class Clips(NamedTuple):
    """What a call gives back."""

    frames: np.ndarray
    """uint8 RGB `[B,T,H,W,3]`."""


class StoryworldPipeline(DiffusionPipeline):
    """Text and keyframes to clips of the storyworld.

    The transformer estimates the clean latents; the pipeline turns that into the velocity that
    FlowMatchEulerDiscreteScheduler integrates (x-prediction: Li and He 2025, "Back to Basics: Let Denoising
    Generative Models Denoise").
    """

    model_cpu_offload_seq = "text_encoder->transformer->vae"

    def __init__(
        self,
        vae: AutoencoderDC,
        text_encoder: T5EncoderModel,
        tokenizer: PreTrainedTokenizerFast,
        transformer: LTXVideoTransformer3DModel,
        scheduler: FlowMatchEulerDiscreteScheduler,
        latents_mean: Sequence[float] = (0.0,),
        latents_std: Sequence[float] = (1.0,),
        slots: int = 11,
        patch: int = 4,
        fold: int = 1,
        still_shift: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, transformer=transformer, scheduler=scheduler
        )
        self.mean, self.std = list(latents_mean), list(latents_std)
        self.slots, self.patch, self.fold, self.still_shift = slots, patch, fold, still_shift
        self.register_to_config(
            latents_mean=list(latents_mean),
            latents_std=list(latents_std),
            slots=slots,
            patch=patch,
            fold=fold,
            still_shift=still_shift,
        )

    # ------------------------------------------------------------------------------- latents and words

    def encode_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """`[N,3,H,W]` in -1..1 -> normalised latents `[N,C,H/16,W/16]`."""
        latents = self.vae.encode(F.pixel_unshuffle(pictures, self.patch), return_dict=False)[0].float()
        mean, std = self._statistics(latents)
        return (latents - mean) / std

    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Normalised latents `[N,C,h,w]` -> pictures `[N,3,16h,16w]` in about -1..1."""
        mean, std = self._statistics(latents)
        made = self.vae.decode((latents * std + mean).to(self.vae.dtype), return_dict=False)[0]
        return F.pixel_shuffle(made.float(), self.patch)

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return tuple(
            torch.tensor(values, dtype=torch.float32, device=like.device)[:, None, None]
            for values in (self.mean, self.std)
        )  # type: ignore[return-value]

    def encode_prompts(self, prompts: Sequence[str]) -> torch.Tensor:
        """`[B,slots,D]`: one embedding an attribute of the world."""
        tokens = self.tokenizer(list(prompts), padding=True, truncation=True, return_tensors="pt").to(
            self._execution_device
        )
        states = self.text_encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return states.last_hidden_state[:, : self.slots]

    # ------------------------------------------------------------------------------------- sampling

    @property
    def num_timesteps(self) -> int:
        """Steps of the call at hand, all passes together."""
        return self._num_timesteps

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        frames: int = 17,
        width: int = 128,
        height: int = 128,
        num_inference_steps: int = 10,
        guidance_scale: float = 2.5,
        keyframes: Sequence[Keyframe] = (),
        generator: torch.Generator | list[torch.Generator] | None = None,
        callback_on_step_end: Callable[[Any, int, float, dict], dict] | None = None,
    ) -> Clips:
        """Clips of one or more prompts; `keyframes` hold for all of them.

        `frames` is 8k+1; `width` and `height` are multiples of 16·fold. With a list of generators every clip
        has its own noise. The first frame is made in a pass of its own, unless it is given; the others follow from it.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        side = CELL * self.fold
        if (frames - 1) % GROUP or width % side or height % side:
            raise ValueError(f"{frames} frames of {width}x{height}; frames are 8k+1, sides multiples of {side}")
        rows, columns = height // CELL, width // CELL
        shape = (len(prompts), frames, len(self.mean), rows, columns)
        noise = randn_tensor(shape, generator=generator, device=self._execution_device, dtype=torch.float32)
        held = [self._held(keyframe, len(prompts)) for keyframe in sorted(keyframes, key=lambda one: one.frame)]
        context = self.encode_prompts(prompts)
        nothing = self.encode_prompts([""]).expand_as(context) if guidance_scale > 1 else None
        begins = frames > 1 and not any(keyframe.frame == 0 for keyframe in keyframes)
        self._num_timesteps = num_inference_steps * (2 if begins else 1)
        done = 0

        def sample(noise: Tokens, held: list[Tokens]) -> torch.Tensor:
            nonlocal done
            values, places = noise.values, noise.places.to(self._execution_device)
            single = values.shape[1] == rows * columns // self.fold**2
            self.scheduler.set_shift(self.still_shift if single else self.scheduler.config.shift)
            self.scheduler.set_timesteps(num_inference_steps, device=self._execution_device)
            for i, timestep in enumerate(self.scheduler.timesteps):
                sigma = self.scheduler.sigmas[i].to(values.device)
                clean = self._denoise(values, places, held, sigma, context)
                if nothing is not None:
                    free = self._denoise(values, places, held, sigma, nothing)
                    clean = free + guidance_scale * (clean - free)
                velocity = (values - clean) / sigma
                values = self.scheduler.step(velocity, timestep, values, return_dict=False)[0]
                if callback_on_step_end is not None:
                    told = callback_on_step_end(self, done, float(timestep), {"latents": values})
                    values = told.get("latents", values)
                done += 1
            return values

        if begins:
            start = pack(noise[:, :1], self.fold)
            held = [Tokens(sample(start, []), start.places.to(self._execution_device)), *held]
        values = sample(pack(noise, self.fold), held)
        latents = unpack(values, frames, rows, columns, self.fold).flatten(0, 1)
        pictures = self.decode_latents(latents)
        made = ((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).unflatten(0, (len(prompts), frames))
        self.maybe_free_model_hooks()
        return Clips(made.permute(0, 1, 3, 4, 2).cpu().numpy())

    def _held(self, keyframe: Keyframe, batch: int) -> Tokens:
        picture = torch.from_numpy(np.array(keyframe.picture)).to(self._execution_device)
        latents = self.encode_pictures((picture.permute(2, 0, 1)[None].float() / 127.5 - 1).to(self.vae.dtype))
        tokens = keyframe_tokens(latents, keyframe.frame, self.fold)
        return Tokens(tokens.values.expand(batch, -1, -1), tokens.places.to(latents.device))

    def _denoise(
        self, values: torch.Tensor, places: torch.Tensor, held: list[Tokens], sigma: torch.Tensor, context: torch.Tensor
    ) -> torch.Tensor:
        """The clean latents' tokens, as estimated at noise level `sigma`."""
        return denoise(self.transformer, values, places, held, sigma.expand(len(values)), context)


def denoise(
    transformer: LTXVideoTransformer3DModel,
    values: torch.Tensor,
    places: torch.Tensor,
    held: Sequence[Tokens],
    sigma: torch.Tensor,
    context: torch.Tensor,
) -> torch.Tensor:
    """Estimate of the clean tokens `[B,S,D]` from noised `values` at noise levels `sigma` `[B]`.

    A keyframe of frame 0 takes the place of the clip's first tokens; others are appended. Both are told to be
    free of noise by a timestep of 0.
    """
    count, size = values.shape[1], len(values)
    if not held:
        times = sigma[:, None]
    else:
        noisy = torch.ones(count, device=values.device)
        for tokens in held:
            cells = tokens.values.shape[1]
            if float(tokens.places[0, 0]) == 0:
                values = torch.cat([tokens.values.to(values.dtype), values[:, cells:]], 1)
                noisy[:cells] = 0
            else:
                values = torch.cat([values, tokens.values.to(values.dtype)], 1)
                places = torch.cat([places, tokens.places], 1)
        noisy = torch.cat([noisy, noisy.new_zeros(values.shape[1] - count)])
        times = sigma[:, None] * noisy
    clean = transformer(
        hidden_states=values.to(transformer.dtype),
        encoder_hidden_states=context.to(transformer.dtype),
        timestep=times * 1000,
        encoder_attention_mask=None,
        video_coords=places[None].expand(size, -1, -1),
        return_dict=False,
    )[0].float()
    clean = clean[:, :count]
    if held and float(held[0].places[0, 0]) == 0:
        first = held[0].values
        clean = torch.cat([first.to(clean.dtype), clean[:, first.shape[1] :]], 1)
    return clean
