"""The training loop that all models share: checkpoints, averaged weights, a loss curve, a clean stop."""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn


def arguments(description: str, minutes: float) -> argparse.ArgumentParser:
    """What every training command takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints; training goes on from the last")
    parser.add_argument("--minutes", type=float, default=minutes, help="wall time of this session, loading included")
    parser.add_argument("--steps", type=int, help="stop at this step, instead of by the clock")
    parser.add_argument("--batch", type=int, default=64, help="examples a step")
    parser.add_argument("--rate", type=float, help="peak learning rate")
    parser.add_argument("--cooldown", type=float, help="last share of the session over which the rate falls to zero")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.set_defaults(begun=time.perf_counter())
    return parser


class Training:
    """One model in training. `run` draws batches, takes steps and keeps `state.pt`, `curve.jsonl`, `run.json`.

    Weights are trained in float32 under bfloat16 autocast; `average` is their exponential moving average, which
    is what gets exported. The learning rate warms up, stays, and over the last `cooldown` of the session falls
    to zero: a later session starts again from the peak.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: list[torch.optim.Optimizer],
        args: argparse.Namespace,
        *,
        decay: float = 0.999,
        cooldown: float = 0.25,
        warmup: int = 100,
    ) -> None:
        self.model, self.optimizers, self.args = model, optimizers, args
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.decay, self.warmup = decay, warmup
        self.cooldown = cooldown if args.cooldown is None else args.cooldown
        self.step = 0
        self.seen = 0
        self.seconds = 0.0
        self._peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
        self._stop = False
        self._fresh = 0
        args.out.mkdir(parents=True, exist_ok=True)
        self._load()

    @property
    def state(self) -> Path:
        return self.args.out / "state.pt"

    def _load(self) -> None:
        if not self.state.exists():
            return
        kept = torch.load(self.state, map_location=self.args.device, weights_only=True)
        self.model.load_state_dict(kept["model"])
        self._fresh = 0 if "optimizers" in kept else kept["step"]
        if "optimizers" in kept:  # not in weights that were adopted
            for optimizer, state in zip(self.optimizers, kept["optimizers"], strict=True):
                optimizer.load_state_dict(state)
        self.average, self.step, self.seen, self.seconds = (
            kept["average"], kept["step"], kept["seen"], kept["seconds"],
        )  # fmt: skip
        if "rng" in kept:
            torch.set_rng_state(kept["rng"].cpu())

    def save(self) -> None:
        """Write the checkpoint; a kill while writing leaves the one before."""
        part = self.state.with_suffix(".part")
        torch.save(
            {
                "model": self.model.state_dict(),
                "average": self.average,
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "step": self.step,
                "seen": self.seen,
                "seconds": self.seconds,
                "rng": torch.get_rng_state(),
            },
            part,
        )
        part.replace(self.state)
        (self.args.out / "run.json").write_text(
            json.dumps(
                {
                    "settings": {name: str(value) for name, value in vars(self.args).items() if name != "begun"},
                    "commit": commit(),
                    "torch": torch.__version__,
                    "step": self.step,
                    "examples": self.seen,
                    "hours": round(self.seconds / 3600, 3),
                    "parameters": sum(p.numel() for p in self.model.parameters()),
                },
                indent=1,
            )
            + "\n"
        )

    def rate(self, share: float) -> float:
        """Factor on the learning rate at this share of the session."""
        warm = min(1.0, (self.step - self._fresh + 1) / self.warmup)  # optimizers that start afresh are warmed up again
        left = min(1.0, (1 - share) / self.cooldown) if self.cooldown else 1.0
        return warm * max(0.0, left)

    def run(self, batches: Iterable[Any], loss: Callable[[Any], tuple[torch.Tensor, dict[str, float]]]) -> None:
        """Step through `batches` until the session's time or steps are over, or Ctrl-C.

        `loss` gives the loss of a batch and further numbers for the curve.
        """
        before = signal.signal(signal.SIGINT, self._interrupt)
        saved = noted = time.perf_counter()
        first = self.step
        sums: dict[str, list[float]] = {}
        count = 0
        for batch in batches:
            now = time.perf_counter()
            if self.args.steps is not None:
                share = (self.step - first) / max(1, self.args.steps - first)
            else:
                share = (now - self.args.begun) / 60 / max(self.args.minutes, 1e-9)
            if share >= 1 or self._stop:
                break
            factor = self.rate(share)
            for optimizer, peaks in zip(self.optimizers, self._peaks, strict=True):
                for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * factor
            value, extra = loss(batch)
            if not math.isfinite(value.item()):
                raise ArithmeticError(f"loss is {value.item()} at step {self.step}; the last checkpoint is kept")
            value.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            self._follow()
            self.step += 1
            self.seen += self.args.batch
            self.seconds += time.perf_counter() - now
            count += 1
            for name, number in {"loss": value.item(), **extra}.items():
                sums.setdefault(name, []).append(number)
            if now - noted > 15 or count >= 10:
                self._note({name: sum(v) / len(v) for name, v in sums.items()}, count / (now - noted), share)
                sums, count, noted = {}, 0, now
            if now - saved > 180:
                self.save()
                saved = now
        if count:
            self._note({name: sum(v) / len(v) for name, v in sums.items()}, count / (time.perf_counter() - noted), 1.0)
        self.save()
        signal.signal(signal.SIGINT, before)

    def _follow(self) -> None:
        decay = min(self.decay, (self.step + 1) / (self.step + 10))
        state = self.model.state_dict()
        floats = [name for name, value in state.items() if value.dtype.is_floating_point]
        with torch.no_grad():
            torch._foreach_lerp_([self.average[n] for n in floats], [state[n] for n in floats], 1 - decay)
            for name in state.keys() - set(floats):
                self.average[name].copy_(state[name])

    def _note(self, means: dict[str, float], pace: float, share: float) -> None:
        line = {"step": self.step, "examples": self.seen} | {name: round(v, 5) for name, v in means.items()}
        with (self.args.out / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(line) + "\n")
        rest = ", ".join(f"{name} {value:.4g}" for name, value in means.items())
        print(f"step {self.step} ({share:.0%}): {rest}; {pace * self.args.batch:.1f} examples/s", flush=True)

    def _interrupt(self, *_: object) -> None:
        self._stop = True


Network = TypeVar("Network", bound=nn.Module)


def trained(network: Network, folder: Path) -> Network:
    """A network with the averaged weights of its training in `folder`, frozen."""
    kept = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    network.load_state_dict(kept["average"])
    return network.eval().requires_grad_(False)


def commit() -> str:
    """The commit of the checkout that trains, or "unknown" outside of one."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    except FileNotFoundError:  # a machine without git
        return "unknown"
    return found.stdout.strip() or "unknown"
