"""The diffusion pipeline of the embedded model: diffusers parts, tied together for a CPU.

Layout before pixels: a small diffusion model says where subjects and camera are in every frame. A draft of each frame
follows from it, and two UNets add what it cannot know: one makes the clip's first frame, the other any other frame from
the nearest known ones, which the draft has moved to where the camera looks; from the first the last, from both the
middle, from those the quarters, and so on, all frames of a pass together. Keyframes are known from the start, and a
locator finds the subjects in them. Frames are coded one by one (AutoencoderDC, an eighth of the size).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderDC, DiffusionPipeline, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from diffusers.utils.torch_utils import randn_tensor
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from kinograph.tools.backends.noise import between
from kinograph.tools.storyworld.draft import Draft, Drafts, Known
from kinograph.tools.storyworld.layout import FRAMES, NUMBERS, POSE, SUBJECTS, Layout, at_times, held
from kinograph.tools.storyworld.locator import Locator

CELL = 8
"""Pixels a side of a latent."""
SIDE = 4 * CELL
"""Sides of pictures are multiples of this: the UNets halve the latents twice."""
WINDOW = 17
"""Frames of a clip by default."""
LONG = 2 * WINDOW - 1
"""Frames of the longest clip."""


class Keyframe(NamedTuple):
    """A picture that the clip must show at one frame."""

    frame: int
    picture: np.ndarray
    """uint8 RGB of the clip's size: `[H,W,3]`, or `[B,H,W,3]` for one each of several clips."""


class Clips(NamedTuple):
    """What a call gives back."""

    frames: np.ndarray
    """uint8 RGB `[B,T,H,W,3]`."""


SURE = 0.5
"""How sure the locator must be of a subject in a keyframe."""
PLACES = 6
"""Channels that tell a UNet where each latent is."""


def places(rows: int, columns: int) -> torch.Tensor:
    """`[PLACES,rows,columns]`: convolutions see the same everywhere, but sky is above and ground below."""
    down, across = torch.meshgrid(
        (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij"
    )
    waves = [wave(2 * torch.pi * axis) for axis in (down, across) for wave in (torch.sin, torch.cos)]
    return torch.stack([2 * down - 1, 2 * across - 1, *waves])


class Lean(NamedTuple):
    """A clip's noise on the way to another's."""

    generator: torch.Generator
    """Of the other's."""
    weight: float
    """How far, 0..1."""


class Scene(NamedTuple):
    """What B clips show, as far as words, keyframes and layout tell."""

    words: torch.Tensor
    """`[B,slots,D]`."""
    pictures: torch.Tensor
    """Of their subjects, as `Draft.pictures` gives them."""
    layouts: torch.Tensor
    """`[B,frames,NUMBERS]`."""


class Hints(NamedTuple):
    """What a UNet is told beside the words, of N pictures."""

    base: torch.Tensor
    """What it says the difference from, `[N,C,h,w]`."""
    beside: torch.Tensor
    """What it sees beside the noised latents, `[N,K,h,w]`."""
    moments: torch.Tensor
    """When this is, `[N,F]`."""

    def repeated(self, times: int) -> Hints:
        return Hints(*(part.repeat(times, *[1] * (part.ndim - 1)) for part in self))


OCTAVES = 3
MOMENTS = 3 * (1 + 2 * OCTAVES) + 2
"""Numbers that tell the video UNet when the frame and its neighbours are."""


def share_of(times: torch.Tensor) -> torch.Tensor:
    """How far on each frame is between its neighbours; all the way to the only one. `times` as in `hints_between`."""
    left, now, right = times.unbind(1)
    return torch.where(left.isnan(), 1.0, ((now - left) / (right - left)).nan_to_num(0.0))


def hints_first(drafts: Drafts) -> Hints:
    """What the image UNet is told."""
    base = drafts.base
    return Hints(base, torch.cat([base, drafts.masks[:, :1]], 1), base.new_zeros(len(base), 0))


def hints_between(drafts: Drafts, times: torch.Tensor) -> Hints:
    """What the video UNet is told. `times` `[N,3]` are those of the frame before, of this one and of the one after,
    from 0, the clip's start, to 1, its end; of what is not there NaN.
    """
    there = ~times[:, ::2].isnan()
    times = times.nan_to_num(0.0)
    waves = [wave(torch.pi * times * 2**octave) for octave in range(OCTAVES) for wave in (torch.sin, torch.cos)]
    beside = torch.cat([drafts.before, drafts.after, drafts.base, drafts.masks], 1)
    return Hints(drafts.base, beside, torch.cat([times, *waves, there.float()], 1))


def denoise(
    unet: UNet2DConditionModel, values: torch.Tensor, sigma: torch.Tensor, context: torch.Tensor, hints: Hints
) -> torch.Tensor:
    """Estimate of the clean latents `[N,C,h,w]` from noised `values` at noise levels `sigma` `[N]`.

    `context` is `[N,slots,D]`.
    """
    where = places(*values.shape[-2:]).to(values.device).expand(len(values), -1, -1, -1)
    seen = torch.cat([values, hints.beside, where], 1)
    told = context.to(unet.dtype)
    made = unet(
        seen.to(unet.dtype).contiguous(memory_format=torch.channels_last),
        sigma.to(values.device) * 1000,
        encoder_hidden_states=told,
        class_labels=torch.cat([told.flatten(1), hints.moments.to(unet.dtype)], 1),
        return_dict=False,
    )[0]
    return made.float() + hints.base


def passes(known: Iterable[int], frames: int) -> Iterator[list[int]]:
    """Which frames are made together, pass by pass: the ends first, then the middle of every gap, until none is left.

    Diffusion over diffusion, as NUWA-XL makes long films (Yin et al. 2023), down to single frames.
    """
    done = sorted(set(known))
    for end in (frames - 1, 0):
        if end not in done:
            yield [end]
            done = sorted({*done, end})
    while len(done) < frames:
        middles = [(left + right) // 2 for left, right in pairwise(done) if right - left > 1]
        yield middles
        done = sorted({*done, *middles})


class StoryworldPipeline(DiffusionPipeline):
    """Text and keyframes to clips of the storyworld.

    The UNets estimate the clean latents; the pipeline turns that into the velocity that
    FlowMatchEulerDiscreteScheduler integrates (x-prediction: Li and He 2025, "Back to Basics: Let Denoising
    Generative Models Denoise").
    """

    model_cpu_offload_seq = "text_encoder->image_unet->video_unet->vae"
    # These are small, and their other methods, which offloading does not hook, are used.
    _exclude_from_cpu_offload: ClassVar[list[str]] = ["draft", "layout", "locator"]

    def __init__(
        self,
        vae: AutoencoderDC,
        text_encoder: T5EncoderModel,
        tokenizer: PreTrainedTokenizerFast,
        image_unet: UNet2DConditionModel,
        video_unet: UNet2DConditionModel,
        layout: Layout,
        locator: Locator,
        draft: Draft,
        scheduler: FlowMatchEulerDiscreteScheduler,
        latents_mean: Sequence[float] = (0.0,),
        latents_std: Sequence[float] = (1.0,),
        slots: int = 11,
        patch: int = 4,
        image_shift: float = 1.0,
        between_steps: int = 4,
        video_guidance: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            image_unet=image_unet,
            video_unet=video_unet,
            layout=layout,
            locator=locator,
            draft=draft,
            scheduler=scheduler,
        )
        self.mean, self.std = list(latents_mean), list(latents_std)
        self.slots, self.patch, self.image_shift = slots, patch, image_shift
        self.between_steps, self.video_guidance = between_steps, video_guidance
        self.register_to_config(
            latents_mean=list(latents_mean),
            latents_std=list(latents_std),
            slots=slots,
            patch=patch,
            image_shift=image_shift,
            between_steps=between_steps,
            video_guidance=video_guidance,
        )
        for network in (vae, image_unet, video_unet):
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  diffusers wraps torch's

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

    def shape(self, clips: int, frames: int, width: int, height: int) -> tuple[int, ...]:
        """Of the noise that clips begin with: `[B,frames,C,height/8,width/8]`."""
        return clips, frames, len(self.mean), height // CELL, width // CELL

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
        latents: torch.Tensor | None = None,
        lean: Lean | None = None,
        video: np.ndarray | None = None,
        strength: float = 0.5,
        callback_on_step_end: Callable[[Any, int, float, dict], dict] | None = None,
    ) -> Clips:
        """Clips of one or more prompts; a keyframe holds for all of them, or has a picture for each.

        `frames` is 2 to 33; `width` and `height` are multiples of 32. With a list of generators every clip has its
        own noise, unless `latents` of `shape` are given; with `lean` one clip's noise, that of its layout too, is on
        the way to another's. The first frame is made by the image UNet, unless keyframes are given; then the clip's
        ends, then the middle of every gap, until no frame is missing.

        `video`, uint8 RGB `[B,T,H,W,3]` of as many frames, is made anew in part, as far as `strength` in 0..1 says: its
        frames take the place of the noise that is left after the first steps (SDEdit, Meng et al. 2022), and its
        subjects are where it shows them.

        The callback is given `latents`, which it may change, and to look at: `predicted`, of every frame that is made
        or in the making its estimate of the clean latents `[B,C,h,w]`, and `work`, the share of all denoising done.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        if not 2 <= frames <= LONG or width % SIDE or height % SIDE:
            raise ValueError(f"{frames} frames of {width}x{height}; frames are 2 to {LONG}, sides multiples of {SIDE}")
        shape = self.shape(len(prompts), frames, width, height)
        noise = self._noise(shape, generator, lean)
        if latents is not None:  # the dice have fallen all the same: layouts are what they would be without
            noise = latents.to(noise.device, noise.dtype)
        known = {one.frame: self._encoded(one.picture).expand(len(prompts), -1, -1, -1) for one in keyframes}
        words = self.encode_prompts(prompts)
        silence = self.encode_prompts([""])
        plan = list(passes(known or [0], frames))
        source = None if video is None else torch.stack([self._encoded(video[:, at]) for at in range(frames)], 1)
        share = 1.0 if source is None else strength

        def last_of(steps: int) -> int:
            """How many of so many steps are gone."""
            return max(1, round(steps * share))

        few = self.between_steps or num_inference_steps
        lengths = [num_inference_steps if max(1, len(known)) + i < 2 else few for i in range(len(plan))]
        self._num_timesteps = sum(map(last_of, lengths)) + (0 if known else last_of(num_inference_steps))
        # A step of a pass costs by the frames that it makes.
        work = sum(len(targets) * last_of(steps) for targets, steps in zip(plan, lengths, strict=True))
        work += 0 if known else last_of(num_inference_steps)
        done = worked = 0

        def sample(
            unet: UNet2DConditionModel, targets: list[int], hints: Hints, steps: int, shift: float, guidance: float
        ) -> torch.Tensor:
            """The frames `targets` of every clip, `[B,N,C,h,w]`, from their noise."""
            nonlocal done, worked
            values = noise[:, targets]
            size = values.shape[:2]
            context = words.repeat_interleave(size[1], 0)
            contexts = torch.cat([context, silence.expand_as(context)]) if guidance > 1 else context
            hints = hints.repeated(len(contexts) // len(context))  # guidance is by the words alone
            values = values.flatten(0, 1)
            self.scheduler.set_shift(shift)
            self.scheduler.set_timesteps(steps, device=values.device)
            begin = steps - last_of(steps)
            self.scheduler.set_begin_index(begin)
            if source is not None:
                level = self.scheduler.sigmas[begin].to(values.device)
                values = (1 - level) * source[:, targets].flatten(0, 1) + level * values
            for i, timestep in list(enumerate(self.scheduler.timesteps))[begin:]:
                sigma = self.scheduler.sigmas[i].to(values.device)
                seen = values.repeat(len(contexts) // len(values), 1, 1, 1)
                clean = denoise(unet, seen, sigma.expand(len(seen)), contexts, hints)
                if len(contexts) > len(values):
                    clean, free = clean.chunk(2)
                    clean = free + guidance * (clean - free)
                velocity = (values - clean) / sigma
                values = self.scheduler.step(velocity, timestep, values, return_dict=False)[0]
                worked += len(targets)
                if callback_on_step_end is not None:
                    coming = dict(zip(targets, clean.unflatten(0, size).unbind(1), strict=True))
                    heard = {"latents": values, "predicted": known | coming, "work": worked / work}
                    values = callback_on_step_end(self, done, float(timestep), heard).get("latents", values)
                done += 1
            return values.unflatten(0, size)

        pictures = self.draft.pictures(words)
        seen = known if source is None else dict(enumerate(source.unbind(1))) | known
        scene = Scene(words, pictures, self._layouts(words, pictures, seen, frames, width / height, generator, lean))
        if not known:
            drafts = self.draft.first(words, scene.pictures, scene.layouts[:, 0], *shape[-2:])
            hints, shift = hints_first(drafts), self.image_shift
            known[0] = sample(self.image_unet, [0], hints, num_inference_steps, shift, guidance_scale)[:, 0]
        shift = self.scheduler.config.shift
        for targets, steps in zip(plan, lengths, strict=True):
            each = [self._between(scene, known, target) for target in targets]
            hints = Hints(*(torch.stack(parts, 1).flatten(0, 1) for parts in zip(*each, strict=True)))
            made = sample(self.video_unet, targets, hints, steps, shift, self.video_guidance)
            known |= dict(zip(targets, made.unbind(1), strict=True))
        latents = torch.stack([known[frame] for frame in range(frames)], 1)
        made = self.pictures(latents)
        self.maybe_free_model_hooks()
        return Clips(made)

    @torch.no_grad()
    def pictures(self, latents: torch.Tensor) -> np.ndarray:
        """uint8 RGB `[B,N,8h,8w,3]` of normalised latents `[B,N,C,h,w]`."""
        decoded = self.decode_latents(latents.flatten(0, 1))
        made = ((decoded.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).unflatten(0, latents.shape[:2])
        return made.permute(0, 1, 3, 4, 2).cpu().numpy()

    def _between(self, scene: Scene, known: Mapping[int, torch.Tensor], target: int) -> Hints:
        """What the video UNet is told of one frame of every clip."""
        words, batch, frames = scene.words, *scene.layouts.shape[:2]
        left = max((frame for frame in known if frame < target), default=None)
        right = min((frame for frame in known if frame > target), default=None)
        times = [torch.nan if frame is None else frame / (frames - 1) for frame in (left, target, right)]
        moments = torch.tensor(times, device=words.device).expand(batch, -1)
        sides = []
        for frame in (left, right):
            there = torch.full((batch,), float(frame is not None), device=words.device)
            nearest = next(iter(known)) if frame is None else frame  # where there is none, any stands in its place
            sides.append(Known(known[nearest], scene.layouts[:, nearest], there))
        drafts = self.draft.between(words, scene.pictures, scene.layouts[:, target], share_of(moments), *sides)
        return hints_between(drafts, moments)

    def _layouts(
        self,
        words: torch.Tensor,
        pictures: torch.Tensor,
        known: Mapping[int, torch.Tensor],
        frames: int,
        form: float,
        generator: torch.Generator | list[torch.Generator] | None,
        lean: Lean | None,
    ) -> torch.Tensor:
        """Where everything is in every frame, `[B,frames,NUMBERS]`; subjects are where keyframes show them."""
        batch, device = len(words), words.device
        poses = torch.zeros(batch, FRAMES, SUBJECTS * POSE, device=device)
        there = torch.zeros(batch, FRAMES, SUBJECTS, device=device)
        for frame, latents in known.items():
            found, at = self.locator.find(latents, words), round(frame * (FRAMES - 1) / (frames - 1))
            poses[:, at] = self.draft.faced(latents, pictures, found.poses)
            there[:, at] = (found.sure > SURE).float()
        noise = self._noise((batch, FRAMES * NUMBERS), generator, lean)
        layouts = self.layout.sample(noise, words, float(np.log(form)), poses, there)
        return at_times(held(layouts, poses, there), frames)

    def _noise(
        self, shape: tuple[int, ...], generator: torch.Generator | list[torch.Generator] | None, lean: Lean | None
    ) -> torch.Tensor:
        device = self._execution_device
        own = randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
        if lean is None:
            return own
        other = randn_tensor(shape, generator=lean.generator, device=device, dtype=torch.float32)
        return between(own, other, lean.weight)

    def _encoded(self, picture: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(np.array(picture)).to(self._execution_device)
        pixels = pixels[None] if pixels.ndim == 3 else pixels
        return self.encode_pictures((pixels.permute(0, 3, 1, 2).float() / 127.5 - 1).to(self.vae.dtype))
