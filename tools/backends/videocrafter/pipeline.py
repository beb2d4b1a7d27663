"""VideoCrafter2 as a diffusers pipeline: prompts to clips of 16 frames of 512x320."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from diffusers import AutoencoderKL, DiffusionPipeline
from diffusers.utils.torch_utils import randn_tensor
from diffusers.video_processor import VideoProcessor
from transformers import CLIPTextModel, CLIPTokenizer

from kinograph.tools.backends.videocrafter.scheduler import ScaledDDIMScheduler
from kinograph.tools.backends.videocrafter.unet import VideoCrafterUNet

PAD = 0
"""Token that fills what a prompt leaves: open_clip, with which the model was trained, pads with its first one."""
Generators = torch.Generator | list[torch.Generator] | None


class Clips(NamedTuple):
    """What a call gives back."""

    frames: Any
    """`[B,F,H,W,3]` in 0..1 (np), `[B,F,3,H,W]` (pt), lists of pictures (pil), or `[B,C,F,h,w]` (latent)."""


class VideoCrafter2Pipeline(DiffusionPipeline):
    """Text to clips with VideoCrafter2. Folders come from `kinograph.tools.backends.videocrafter.convert`.

    pipe = VideoCrafter2Pipeline.from_pretrained("videocrafter2")
    frames = pipe("a lighthouse in a storm", generator=torch.Generator().manual_seed(7)).frames
    """

    model_cpu_offload_seq = "text_encoder->unet->vae"
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    unet: VideoCrafterUNet
    scheduler: ScaledDDIMScheduler

    def __init__(
        self,
        vae: AutoencoderKL,
        text_encoder: CLIPTextModel,
        tokenizer: CLIPTokenizer,
        unet: VideoCrafterUNet,
        scheduler: ScaledDDIMScheduler,
    ) -> None:
        super().__init__()
        self.register_modules(vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler)
        self.vae_scale_factor = 2 ** (len(vae.config["block_out_channels"]) - 1)
        self.video_processor = VideoProcessor(do_resize=False, vae_scale_factor=self.vae_scale_factor)

    @property
    def num_timesteps(self) -> int:
        """Steps of the call at hand."""
        return self._num_timesteps

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        negative_prompt: str | Sequence[str] | None = None,
        *,
        num_frames: int = 16,
        height: int = 320,
        width: int = 512,
        num_inference_steps: int = 50,
        guidance_scale: float = 12.0,
        eta: float = 1.0,
        fps: float = 28,
        generator: Generators = None,
        latents: torch.Tensor | None = None,
        output_type: str = "np",
        callback_on_step_end: Callable[[Any, int, Any, dict], dict] | None = None,
    ) -> Clips:
        """One clip a prompt; with a list of generators each clip has its own noise, whatever is rendered beside it.

        `fps` is what the model is told of the clip's motion: the fewer, the more happens from frame to frame.
        `eta` is the share of new noise in each step, from 0 (DDIM) to 1 (DDPM); `latents` `[B,C,F,h,w]` is the noise
        that it starts from. Words past the text encoder's length are left out. What the callback raises rises, and
        the pipeline can be called again. Raises ValueError for what does not fit.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        negatives = _for_each(negative_prompt or "", len(prompts))
        shape = self._shape(len(prompts), num_frames, height, width)
        try:
            contexts = self.encode_prompts(prompts)
            if guidance_scale > 1:
                contexts = torch.cat([self.encode_prompts(negatives), contexts])
            values = self.prepare_latents(shape, generator, latents)
            self.scheduler.set_timesteps(num_inference_steps, device=values.device)
            self._num_timesteps = len(self.scheduler.timesteps)
            with self.progress_bar(total=self._num_timesteps) as bar:  # pyright: ignore[reportCallIssue]
                for index, timestep in enumerate(self.scheduler.timesteps):
                    guess = self._guess(values, timestep, contexts, guidance_scale, fps)
                    drawn = {"eta": eta, "generator": generator}
                    values = self.scheduler.step(guess, timestep, values, **drawn, return_dict=False)[0]
                    if callback_on_step_end is not None:
                        told = callback_on_step_end(self, index, timestep, {"latents": values})
                        values = told.get("latents", values)
                    bar.update()
            if output_type == "latent":
                return Clips(values)
            return Clips(self.video_processor.postprocess_video(self.decode_latents(values), output_type))
        finally:
            self.maybe_free_model_hooks()

    def encode_prompts(self, prompts: Sequence[str]) -> torch.Tensor:
        """`[B,77,D]`: what the text encoder's last layer but one says, which is the last that is kept."""
        length = self.text_encoder.config.max_position_embeddings
        rows = self.tokenizer(list(prompts), truncation=True, max_length=length)["input_ids"]
        tokens = torch.tensor([[*row, *[PAD] * (length - len(row))] for row in rows], device=self._execution_device)
        return self.text_encoder(input_ids=tokens).last_hidden_state

    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents `[B,C,F,h,w]` -> pictures `[B,3,F,H,W]` in about -1..1, frame by frame, as memory is short."""
        values = (latents / self.vae.config["scaling_factor"]).to(self.vae.dtype)
        return torch.stack([self.vae.decode(each, return_dict=False)[0].float() for each in values.unbind(2)], 2)

    def _guess(
        self, values: torch.Tensor, timestep: torch.Tensor, contexts: torch.Tensor, guidance: float, fps: float
    ) -> torch.Tensor:
        """The noise that the UNet finds in latents, guided when there are two contexts for each of them."""
        kind = self.unet.dtype
        seen = values.repeat(len(contexts) // len(values), 1, 1, 1, 1).to(kind)
        rate = self.unet.fps_condition(fps, len(seen)).to(seen)
        guess = self.unet(seen, timestep, contexts.to(kind), timestep_cond=rate, return_dict=False)[0].float()
        if len(seen) == len(values):
            return guess
        free, led = guess.chunk(2)
        return free + guidance * (led - free)

    def _shape(self, clips: int, frames: int, height: int, width: int) -> tuple[int, ...]:
        """Of the latents. Raises ValueError."""
        cell = self.vae_scale_factor
        if not clips or frames < 1 or height < cell or width < cell or height % cell or width % cell:
            raise ValueError(
                f"{clips} clips of {frames} frames of {width}x{height}; there is at least one of each, "
                f"and sides are multiples of {cell}"
            )
        return clips, self.unet.config["in_channels"], frames, height // cell, width // cell

    def prepare_latents(
        self, shape: tuple[int, ...], generator: Generators, latents: torch.Tensor | None
    ) -> torch.Tensor:
        """Where the sampling starts; float32, whatever the networks compute in. Raises ValueError."""
        if isinstance(generator, list) and len(generator) != shape[0]:
            raise ValueError(f"{len(generator)} generators for {shape[0]} clips; one for each, or one for all")
        device = self._execution_device
        if latents is None:
            return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32)
        if tuple(latents.shape) != shape:
            raise ValueError(f"latents of shape {tuple(latents.shape)}; this call takes {shape}")
        return latents.to(device, torch.float32)


def _for_each(words: str | Sequence[str], clips: int) -> list[str]:
    """`words` once for each clip. Raises ValueError."""
    found = [words] * clips if isinstance(words, str) else list(words)
    if len(found) != clips:
        raise ValueError(f"{len(found)} negative prompts for {clips} prompts; one for each, or one for all")
    return found
