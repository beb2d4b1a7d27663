"""Jobs side by side, in threads or processes: each as soon as it may begin and there is a hand for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Literal, NamedTuple

from kinograph.errors import BadInput, Cancelled
from kinograph.evals.log import SampleLog
from kinograph.evals.sampling import Job, perform

By = Literal["threads", "processes"]
Waiting = Callable[[], Job | None]
"""Gives a job once it may begin: None while it waits for what is not finished."""
POLL = 0.2
"""Seconds between looks at whether it was asked to stop."""


class Performed(NamedTuple):
    """A job with what came of it."""

    job: Job
    log: SampleLog


def performed(waiting: Sequence[Waiting], parallel: int, by: str, stop: threading.Event) -> Iterator[Performed]:
    """Jobs as they finish, begun in this order. Whoever listens has taken note of one before others are asked whether
    they may begin. What runs when it is stopped ends by itself or is not logged; raises Cancelled then."""
    if not waiting:
        return
    left, running = list(waiting), dict[Future[SampleLog], Job]()
    with _hands(parallel, by) as hands:
        try:
            while left or running:
                while len(running) < parallel and not stop.is_set() and (job := _next(left)) is not None:
                    running[hands.submit(perform, job)] = job
                assert running or stop.is_set(), "what waits for nothing that runs would wait for ever"
                if stop.is_set():
                    left.clear()
                    _cancel(running)
                for one in wait(running, timeout=POLL, return_when=FIRST_COMPLETED).done:
                    job = running.pop(one)
                    if not (stop.is_set() and isinstance(one.exception(), Cancelled)):
                        yield Performed(job, one.result())
        except BaseException:
            _cancel(running)
            raise
    if stop.is_set():
        raise Cancelled("stopped; what is finished stays, and the same run goes on with what is missing")


def _next(left: list[Waiting]) -> Job | None:
    """Takes the first that may begin."""
    for place, one in enumerate(left):
        if (job := one()) is not None:
            del left[place]
            return job
    return None


def _cancel(running: dict[Future[SampleLog], Job]) -> None:
    for job in running.values():
        job.system.cancel()


@contextmanager
def _hands(parallel: int, by: str) -> Iterator[Executor]:
    """Threads, or processes that die with this one and leave Ctrl-C to it."""
    if by == "threads":
        with ThreadPoolExecutor(parallel, thread_name_prefix="sample") as threads:
            yield threads
        return
    if by != "processes":
        raise BadInput(f"samples run by threads or processes, not by {by!r}")
    with ProcessPoolExecutor(
        parallel, mp_context=get_context("spawn"), initializer=_begin_process, initargs=(os.getpid(),)
    ) as processes:
        yield processes


def _begin_process(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """Ends this process once its parent is gone, however that went."""
    while os.getppid() == parent:
        threading.Event().wait(0.5)
    os._exit(1)
