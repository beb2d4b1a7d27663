"""VideoCrafter2's sampler: DDIM over latents that are the fainter, the earlier the step."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import torch
from diffusers import DDIMScheduler, SchedulerMixin  # noqa: F401  diffusers loads what is beside a SchedulerMixin
from diffusers.configuration_utils import register_to_config
from diffusers.schedulers.scheduling_ddim import DDIMSchedulerOutput


class ScaledDDIMScheduler(DDIMScheduler):
    """DDIM (Song et al. 2021) for `x_t = √ᾱ_t s_t x_0 + √(1-ᾱ_t) ε`, VideoCrafter's dynamic rescale of latents.

    `s_t` falls evenly from 1 at t = 0 to `scale_end` at t = `scale_steps` - 1 and stays there; `scale_end` 1 is plain
    DDIM. What DDIM takes for the clean latents is then s_t x_0: it is divided by s_t, and multiplied by s of the step
    to come (VideoCrafter's `lvdm/models/samplers/ddim.py` and `lvdm/models/ddpm3d.py`, `use_scale`).

    The steps are those of the original wherever their number divides `num_train_timesteps`; for others the original
    takes a few more than it is asked for.
    """

    @register_to_config
    def __init__(
        self,
        num_train_timesteps: int = 1000,
        beta_start: float = 0.00085,
        beta_end: float = 0.012,
        beta_schedule: str = "scaled_linear",
        set_alpha_to_one: bool = False,
        steps_offset: int = 1,
        prediction_type: Literal["epsilon", "sample", "v_prediction"] = "epsilon",
        timestep_spacing: Literal["leading", "trailing", "linspace"] = "leading",
        scale_end: float = 0.7,
        scale_steps: int = 400,
    ) -> None:
        super().__init__(
            num_train_timesteps,
            beta_start,
            beta_end,
            beta_schedule,
            clip_sample=False,
            set_alpha_to_one=set_alpha_to_one,
            steps_offset=steps_offset,
            prediction_type=prediction_type,
            timestep_spacing=timestep_spacing,
        )

    @cached_property
    def scales(self) -> torch.Tensor:
        """`s_t` by t, `[num_train_timesteps]`."""
        total, falling = self.config["num_train_timesteps"], self.config["scale_steps"]
        scales = torch.full((max(total, falling),), self.config["scale_end"], dtype=torch.float64)
        scales[:falling] = torch.linspace(1, self.config["scale_end"], falling, dtype=torch.float64)
        return scales[:total].float()

    def step(
        self,
        model_output: torch.Tensor,
        timestep: int | torch.Tensor,
        sample: torch.Tensor,
        eta: float = 0.0,
        use_clipped_model_output: bool = False,
        generator: torch.Generator | list[torch.Generator] | None = None,
        variance_noise: torch.Tensor | None = None,
        return_dict: bool = True,
    ) -> DDIMSchedulerOutput | tuple[torch.Tensor, torch.Tensor]:
        """The latents of the step before; the clean latents that come with them are rid of the scale."""
        given = (eta, use_clipped_model_output, generator, variance_noise)
        now = int(timestep)
        before, faint = super().step(model_output, now, sample, *given, return_dict=False)  # type: ignore[arg-type]
        to_come = now - self.config["num_train_timesteps"] // self.num_inference_steps
        alpha = self.alphas_cumprod[to_come] if to_come >= 0 else self.final_alpha_cumprod
        clean = faint / float(self.scales[now])
        grown = float(self.scales[max(0, to_come)] / self.scales[now]) - 1
        before = before + float(alpha.sqrt()) * grown * faint
        return DDIMSchedulerOutput(before, clean) if return_dict else (before, clean)

    def add_noise(self, original_samples: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """`x_t` of clean latents `[B,…]` at steps `[B]`."""
        scales = self.scales.to(original_samples)[timesteps.to(original_samples.device)]
        scales = scales.reshape(-1, *[1] * (original_samples.ndim - 1))
        return super().add_noise(original_samples * scales, noise, timesteps)  # type: ignore[arg-type]
