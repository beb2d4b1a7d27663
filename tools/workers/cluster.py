"""Renders in a Ray cluster: one actor a worker, wherever Ray finds room for the model.

Ray places, restarts and autoscales; what it leaves open is here: a render that must stop at its next step, one that
stands still, a place that is never found, and clips that come from a machine with another disk.
"""

from __future__ import annotations

import importlib.util
import itertools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from kinograph import disk
from kinograph.errors import BadInput, Cancelled, RenderFailed, RenderStalled, WorkerLost
from kinograph.film import Clip, RenderRequest
from kinograph.settings import RaySettings
from kinograph.tools.backends import ModelCard, Progress, VideoBackend, Watched, wanted
from kinograph.tools.previews import unpacked
from kinograph.tools.workers import Terms
from kinograph.tools.workers.errand import BEAT, MOST_DEATHS, Failure, backoff, errand, error_of, leaks
from kinograph.tools.workers.process import GRACE, LOOK, keeper

CONNECT_SECONDS = 60.0
"""Most seconds that a cluster may take to answer, or one of our own to start."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # else it tells of dead workers on standard output, which is the film's
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""What Ray reads from the environment when it is imported; it tells nobody that it is used."""
VRAM = "vram_gb"
"""Custom resource by which a node may tell the memory of its graphics cards: ray start --resources '{"vram_gb": 80}'"""


def installed() -> bool:
    return importlib.util.find_spec("ray") is not None


def answers(address: str) -> bool:
    """Whether something listens at host:port; what is no such address ("auto") is only found out by connecting."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return True
    try:
        with socket.create_connection((host, int(port)), timeout=2.0):
            return True
    except OSError:
        return False


def connect(settings: RaySettings) -> None:
    """Joins this process to the cluster, or starts one for it alone. Raises BadInput."""
    if not installed():
        raise BadInput("pool 'ray' needs Ray: pip install \"kinograph[ray]\"")
    if settings.address and not answers(settings.address):
        raise BadInput(f"ray.address {settings.address!r} does not answer; start a head there: ray start --head")
    try:
        # Ray, like us, has its processes end with the thread that started them.
        keeper().submit(lambda: _connect(settings.address)).result(CONNECT_SECONDS)
    except Late:
        raise BadInput(f"ray.address {settings.address!r} did not answer for {CONNECT_SECONDS:g} s") from None
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        words = " ".join(str(error).split())[:300]
        raise BadInput(f"no Ray cluster at ray.address {settings.address or 'local'!r}: {words}") from error


def _connect(address: str | None) -> None:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        return
    own: dict[str, Any] = {} if address else {"include_dashboard": False}
    ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, namespace="kinograph", **own)


def needs(card: ModelCard, resources: Mapping[str, float]) -> dict[str, Any]:
    """What Ray is asked for an actor of a model, in a cluster that has `resources`: a graphics card of its own where
    the model needs one, and its memory where the nodes tell theirs."""
    asked: dict[str, Any] = {"num_cpus": 1}
    if card.vram_gb:
        asked["num_gpus"] = 1
        if VRAM in resources:
            asked["resources"] = {VRAM: card.least_gb}
    return asked


class Hand:
    """An actor as the pool knows it."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.place = actor.place.remote()
        self.busy = False
        self.readings: list[tuple[float, float]] = []


class Cluster:
    """Ray actors.

    A render whose actor dies, with its process or its machine, is begun once more on a new one, which Ray places on
    a machine that lives; when that dies too WorkerLost is raised. Ray's own `max_task_retries` does not serve: until it
    has noticed that a machine is gone every attempt fails at once, and is counted. Actors that die while they are idle
    Ray restarts by itself.
    """

    def __init__(self, backend: VideoBackend, terms: Terms) -> None:
        connect(terms.ray)
        self._backend = backend
        self._terms = terms
        self._hands: list[Hand] = []
        self._numbers = itertools.count(1)
        self._deaths = 0
        """One after the other, with no clip between."""
        self._refused: tuple[str, dict[str, float]] | None = None
        """Why no place was found, and what the cluster had then."""
        self._changed = threading.Condition()
        self.revision = backend.revision

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        from ray.exceptions import RayError

        job = errand(self._backend, requests, wanted(on_progress))
        pictures = {digest: Path(file).read_bytes() for digest, file in job.pictures.items()}
        sent = job.model_dump(mode="json", exclude={"pictures", "scratch"})
        first = ""
        while True:
            with self._lent(on_progress, cancelled) as hand:
                try:
                    done = self._rendered(hand, next(self._numbers), sent, pictures, on_progress, cancelled)
                    hand.readings.append(tuple(done["held"]))
                    if any(leaks([held[kind] for held in hand.readings], self._terms.leak_gb) for kind in (0, 1)):
                        self._drop(hand)
                    break
                except RayError as error:
                    self._deaths += 1
                    self._drop(hand)
                    words = " ".join(str(error).split())[:200]
            if first:
                raise WorkerLost(f"two Ray workers died over one request of {job.card.id}: {first}; {words}")
            first = words
        if "failure" in done:
            raise error_of(Failure.model_validate(done["failure"]), job.card.id)
        self._deaths = 0
        return [self._kept(Clip.model_validate(clip), data) for clip, data in done["clips"]]

    def _kept(self, clip: Clip, data: bytes) -> Clip:
        """The clip with its file on this machine's disk."""
        return clip.changed(path=str(disk.write(self._backend.workbench.scratch / Path(clip.path).name, data)))

    def _rendered(
        self,
        hand: Hand,
        number: int,
        sent: dict[str, Any],
        pictures: dict[str, bytes],
        on_progress: Progress,
        cancelled: Callable[[], bool],
    ) -> dict[str, Any]:
        """What the actor answers. Raises RayError when it died, RenderStalled when it stood still, Cancelled."""
        import ray
        from ray.exceptions import RayError

        work, began = hand.actor.render.remote(number, sent, pictures), time.monotonic()
        ended = False
        moved, told, asked = began, began, None
        seen: tuple[int, int, float] | None = None
        previews = 0
        watch: Any = None
        try:
            while True:
                watch = watch or hand.actor.watch.remote(number, seen)
                ready, _ = ray.wait([work, watch], num_returns=1, timeout=LOOK)
                now = time.monotonic()
                if work in ready:
                    ended = True
                    return ray.get(work)
                news = None
                if watch in ready:
                    try:
                        news = cast("tuple[int, int, float] | None", ray.get(watch))
                    except RayError:
                        time.sleep(LOOK)  # it is being restarted; what became of the work is told by the work
                    watch = None
                if news is not None and news != seen:
                    seen, moved = news, now
                    if isinstance(on_progress, Watched) and previews < len(on_progress.shares):
                        previews += self._show(hand, number, previews, on_progress)
                if (moved == now) or now - told >= BEAT:
                    told = now
                    on_progress(*(seen[1:] if seen else (0, 0.0)))
                if asked is None and cancelled():
                    asked = now
                if asked is not None:
                    hand.actor.cancel.remote(number)  # again and again: a restarted actor has not heard it
                    time.sleep(LOOK)
                    if now - asked > GRACE:
                        raise Cancelled(f"rendering was cancelled; its Ray worker did not stop for {GRACE:g} s")
                if now - moved > self._terms.stall_seconds:
                    raise RenderStalled(
                        f"{self._backend.card.id} made no progress for {self._terms.stall_seconds:g} s "
                        "(stall_seconds); its Ray worker was killed"
                    )
        finally:
            if not ended:
                self._drop(hand)  # it may still be rendering, for nobody

    @staticmethod
    def _show(hand: Hand, number: int, seen: int, watched: Watched) -> int:
        """Shows what an actor has to show after the first `seen` previews; how many that were."""
        import ray
        from ray.exceptions import RayError

        try:
            shown = ray.get(hand.actor.shown.remote(number, seen), timeout=GRACE)
        except RayError:
            return 0  # it is being restarted, or slow to answer; the next news asks again
        for one in shown:
            watched.see(*unpacked(one))
        return len(shown)

    # ---------------------------------------------------------------------------------- actors

    @contextmanager
    def _lent(self, on_progress: Progress, cancelled: Callable[[], bool]) -> Iterator[Hand]:
        """An actor that has a place, for this thread alone."""
        since, told, deaths = time.monotonic(), 0.0, self._deaths
        if deaths >= MOST_DEATHS:
            raise WorkerLost(f"{deaths} Ray workers died one after the other; no more are started")
        self._begin(since + backoff(deaths), cancelled)
        while (hand := self._placed()) is None:
            now = time.monotonic()
            if cancelled():
                raise Cancelled("stopped while waiting for a place in the Ray cluster")
            if now - told > 1.0:
                told = now
                on_progress(0, 0.0)
            if now - since > self._terms.ray.placement_seconds:
                self._give_up(now - since)
        try:
            yield hand
        finally:
            with self._changed:
                hand.busy = False
                self._changed.notify_all()

    def _begin(self, at: float, cancelled: Callable[[], bool]) -> None:
        """Asks for one more actor unless all that are idle or allowed are there."""
        import ray

        while time.monotonic() < at:
            if cancelled():
                raise Cancelled("stopped while waiting for a worker")
            time.sleep(LOOK)
        resources = ray.cluster_resources()
        if self._refused is not None and self._refused[1] == totals(resources):
            raise RenderFailed(self._refused[0])
        with self._changed:
            if any(not hand.busy for hand in self._hands) or len(self._hands) >= self._terms.workers:
                return
            from kinograph.tools.workers.actor import Renderer

            asked: dict[str, Any] = needs(self._backend.card, resources)
            asked |= {"max_restarts": -1, "concurrency_groups": {"render": 1, "desk": 4}}
            kind: Any = ray.remote(**asked)(Renderer)
            self._hands.append(Hand(kind.remote(os.environ.get("OMP_NUM_THREADS"))))

    def _placed(self) -> Hand | None:
        """Takes an idle actor that has a place, or waits a moment for one."""
        import ray

        with self._changed:
            for hand in [hand for hand in self._hands if not hand.busy]:
                if ray.wait([hand.place], timeout=0)[0]:
                    hand.busy = True
                    return hand
            self._changed.wait(LOOK)
            return None

    def _give_up(self, waited: float) -> None:
        """Raises RenderFailed when not one of our actors has a place: else the render waits for those."""
        import ray

        with self._changed:
            if any(hand.busy for hand in self._hands):
                return
            has, free = totals(ray.cluster_resources()), totals(ray.available_resources())
            asked = needs(self._backend.card, ray.cluster_resources())
            want = {"CPU": asked["num_cpus"], "GPU": asked.get("num_gpus", 0), **asked.get("resources", {})}
            why = (
                f"no place for {self._backend.card.id} in the Ray cluster for {waited:.0f} s "
                f"(ray.placement_seconds): it asks for {_told(want)}; the cluster has {_told(has)}, "
                f"free {_told(free)}"
            )
            self._refused = why, has
            while self._hands:
                ray.kill(self._hands.pop().actor)
        raise RenderFailed(why)

    def _drop(self, hand: Hand) -> None:
        import ray

        with self._changed:
            if hand in self._hands:
                self._hands.remove(hand)
                ray.kill(hand.actor)

    def close(self) -> None:
        """Ends the actors, so that others get their graphics cards; this process stays in the cluster."""
        for hand in list(self._hands):
            self._drop(hand)


def totals(resources: Mapping[str, float]) -> dict[str, float]:
    """What our actors may ask for, of all that a cluster lists."""
    return {name: resources.get(name, 0.0) for name in ("CPU", "GPU", VRAM) if name in resources or name != VRAM}


def _told(resources: dict[str, float]) -> str:
    return ", ".join(f"{amount:g} {name}" for name, amount in resources.items())
