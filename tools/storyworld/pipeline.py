"""The diffusion pipeline of the embedded model: diffusers parts, tied together for a CPU.

Frames are coded one by one (AutoencoderDC, an eighth of the size). A small UNet makes the clip's first frame; another
denoises all frames of the clip in one pass, stacked as channels, and is given the frames that are known: the first
one, a last one, every second one of a long clip. Given frames take the place of the noise, and a mask says which they
are, as inpainting models do it (Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderDC, DiffusionPipeline, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from diffusers.utils.torch_utils import randn_tensor
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from kinograph.tools.storyworld.prior import Prior

CELL = 8
"""Pixels a side of a latent."""
SIDE = 4 * CELL
"""Sides of pictures are multiples of this: the UNets halve the latents twice."""
WINDOW = 17
"""Frames that are denoised together."""
LONG = 2 * WINDOW - 1
"""Frames of a long clip: every second frame first, then those between."""


class Keyframe(NamedTuple):
    """A picture that the clip must show at one frame."""

    frame: int
    picture: np.ndarray
    """uint8 RGB `[H,W,3]` of the clip's size."""


class Clips(NamedTuple):
    """What a call gives back."""

    frames: np.ndarray
    """uint8 RGB `[B,T,H,W,3]`."""


Given = Mapping[int, torch.Tensor]
"""Latents `[B,C,h,w]` of frames that are known, by their place in the window."""


def stack(values: torch.Tensor, given: Given) -> torch.Tensor:
    """What the video UNet sees: frames `[B,T,C,h,w]` as channels, known ones put in, and a mask: `[B,T·C+T,h,w]`."""
    frames = list(values.unbind(1))
    mask = values.new_zeros(len(values), len(frames), *values.shape[-2:])
    for frame, latents in given.items():
        frames[frame] = latents.to(values.dtype)
        mask[:, frame] = 1
    return torch.cat([*frames, mask], 1)


PLACES = 6
"""Channels that tell a UNet where each latent is."""


def places(rows: int, columns: int) -> torch.Tensor:
    """`[PLACES,rows,columns]`: convolutions see the same everywhere, but sky is above and ground below."""
    down, across = torch.meshgrid(
        (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij"
    )
    waves = [wave(2 * torch.pi * axis) for axis in (down, across) for wave in (torch.sin, torch.cos)]
    return torch.stack([2 * down - 1, 2 * across - 1, *waves])


def denoise(
    unet: UNet2DConditionModel,
    values: torch.Tensor,
    given: Given,
    sigma: torch.Tensor,
    context: torch.Tensor,
    blurred: torch.Tensor | None = None,
) -> torch.Tensor:
    """Estimate of the clean latents `[B,T,C,h,w]` from noised `values` at noise levels `sigma` `[B]`.

    A single frame is the image UNet's, which says how it differs from `blurred`, what the prior makes of the words
    `[B,C,h,w]`; WINDOW frames are the video UNet's, which says how each differs from the nearest known one. `context`
    is `[B,slots,D]`.
    """
    frames = values.shape[1]
    seen = values[:, 0] if frames == 1 else stack(values, given)
    if blurred is not None:
        seen = torch.cat([seen, blurred], 1)
    where = places(*values.shape[-2:]).to(values.device).expand(len(values), -1, -1, -1)
    seen = torch.cat([seen, where], 1)
    told = context.to(unet.dtype)
    made = unet(
        seen.to(unet.dtype).contiguous(memory_format=torch.channels_last),
        sigma.to(values.device) * 1000,
        encoder_hidden_states=told,
        class_labels=told.flatten(1),
        return_dict=False,
    )[0]
    made = made.float().unflatten(1, (frames, -1))
    if blurred is not None:
        made = made + blurred[:, None]
    if given:
        nearest = [min(given, key=lambda one: (abs(one - frame), one)) for frame in range(frames)]
        made = made + torch.stack([given[frame] for frame in nearest], 1)
    return made


class StoryworldPipeline(DiffusionPipeline):
    """Text and keyframes to clips of the storyworld.

    The UNets estimate the clean latents; the pipeline turns that into the velocity that
    FlowMatchEulerDiscreteScheduler integrates (x-prediction: Li and He 2025, "Back to Basics: Let Denoising
    Generative Models Denoise").
    """

    model_cpu_offload_seq = "text_encoder->prior->image_unet->video_unet->vae"

    def __init__(
        self,
        vae: AutoencoderDC,
        text_encoder: T5EncoderModel,
        tokenizer: PreTrainedTokenizerFast,
        image_unet: UNet2DConditionModel,
        video_unet: UNet2DConditionModel,
        prior: Prior,
        scheduler: FlowMatchEulerDiscreteScheduler,
        latents_mean: Sequence[float] = (0.0,),
        latents_std: Sequence[float] = (1.0,),
        slots: int = 11,
        patch: int = 4,
        image_shift: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            image_unet=image_unet,
            video_unet=video_unet,
            prior=prior,
            scheduler=scheduler,
        )
        self.mean, self.std = list(latents_mean), list(latents_std)
        self.slots, self.patch, self.image_shift = slots, patch, image_shift
        self.register_to_config(
            latents_mean=list(latents_mean),
            latents_std=list(latents_std),
            slots=slots,
            patch=patch,
            image_shift=image_shift,
        )
        for network in (vae, image_unet, video_unet):
            network.to(memory_format=torch.channels_last)

    # ------------------------------------------------------------------------------- latents and words

    def encode_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """`[N,3,H,W]` in -1..1 -> normalised latents `[N,C,H/8,W/8]`."""
        folded = F.pixel_unshuffle(pictures, self.patch).contiguous(memory_format=torch.channels_last)
        latents = self.vae.encode(folded, return_dict=False)[0].float()
        mean, std = self._statistics(latents)
        return (latents - mean) / std

    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Normalised latents `[N,C,h,w]` -> pictures `[N,3,8h,8w]` in about -1..1."""
        mean, std = self._statistics(latents)
        coded = (latents * std + mean).to(self.vae.dtype).contiguous(memory_format=torch.channels_last)
        return F.pixel_shuffle(self.vae.decode(coded, return_dict=False)[0].float(), self.patch)

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
        frames: int = WINDOW,
        width: int = 128,
        height: int = 128,
        num_inference_steps: int = 10,
        guidance_scale: float = 2.5,
        keyframes: Sequence[Keyframe] = (),
        generator: torch.Generator | list[torch.Generator] | None = None,
        callback_on_step_end: Callable[[Any, int, float, dict], dict] | None = None,
    ) -> Clips:
        """Clips of one or more prompts; `keyframes` hold for all of them.

        `frames` is 17 or 33; `width` and `height` are multiples of 32. With a list of generators every clip has its
        own noise. The first frame is made in a pass of its own, unless keyframes are given; the others follow from
        it. Of 33 frames every second is made first, then those between.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        if frames not in (WINDOW, LONG) or width % SIDE or height % SIDE:
            raise ValueError(
                f"{frames} frames of {width}x{height}; frames are {WINDOW} or {LONG}, sides multiples of {SIDE}"
            )
        shape = (len(prompts), frames + 1, len(self.mean), height // CELL, width // CELL)
        noise = randn_tensor(shape, generator=generator, device=self._execution_device, dtype=torch.float32)
        start, noise = noise[:, :1], noise[:, 1:]
        known = {one.frame: self._encoded(one.picture).expand(len(prompts), -1, -1, -1) for one in keyframes}
        contexts = [self.encode_prompts(prompts)]
        if guidance_scale > 1:
            contexts.append(self.encode_prompts([""]).expand_as(contexts[0]))
        self._num_timesteps = num_inference_steps * ((not known) + (1 if frames == WINDOW else 3))
        done = 0

        def sample(values: torch.Tensor, given: Given) -> torch.Tensor:
            nonlocal done
            single = values.shape[1] == 1
            unet = self.image_unet if single else self.video_unet
            self.scheduler.set_shift(self.image_shift if single else self.scheduler.config.shift)
            self.scheduler.set_timesteps(num_inference_steps, device=values.device)
            blurred = self.prior(torch.cat(contexts), *values.shape[-2:]) if single else None
            twice = {frame: torch.cat([latents] * len(contexts)) for frame, latents in given.items()}
            for i, timestep in enumerate(self.scheduler.timesteps):
                sigma = self.scheduler.sigmas[i].to(values.device)
                seen = torch.cat([values] * len(contexts))
                clean = denoise(unet, seen, twice, sigma.expand(len(seen)), torch.cat(contexts), blurred)
                if len(contexts) == 2:
                    clean, free = clean.chunk(2)
                    clean = free + guidance_scale * (clean - free)
                velocity = (values - clean) / sigma
                values = self.scheduler.step(velocity, timestep, values, return_dict=False)[0]
                if callback_on_step_end is not None:
                    told = callback_on_step_end(self, done, float(timestep), {"latents": values})
                    values = told.get("latents", values)
                done += 1
            made = list(values.unbind(1))
            for frame, latents in given.items():
                made[frame] = latents
            return torch.stack(made, 1)

        if not known:
            known[0] = sample(start, {})[:, 0]
        if frames == WINDOW:
            latents = sample(noise, known)
        else:
            coarse = sample(noise[:, ::2], {frame // 2: latents for frame, latents in known.items() if frame % 2 == 0})
            known |= {2 * frame: coarse[:, frame] for frame in range(WINDOW)}
            begins = (0, WINDOW - 1)
            halves = [
                sample(
                    noise[:, begin : begin + WINDOW],
                    {f - begin: latents for f, latents in known.items() if begin <= f < begin + WINDOW},
                )
                for begin in begins
            ]
            latents = torch.cat([halves[0], halves[1][:, 1:]], 1)
        pictures = self.decode_latents(latents.flatten(0, 1))
        made = ((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).unflatten(0, (len(prompts), frames))
        self.maybe_free_model_hooks()
        return Clips(made.permute(0, 1, 3, 4, 2).cpu().numpy())

    def _encoded(self, picture: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(np.array(picture)).to(self._execution_device)
        return self.encode_pictures((pixels.permute(2, 0, 1)[None].float() / 127.5 - 1).to(self.vae.dtype))
