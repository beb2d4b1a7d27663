"""Worker processes of this machine: killed, stalled, leaking, poisoned and cancelled ones, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from oddities import HERE, Odd, ask, began, odd, odd_card

from kinograph.errors import Cancelled, RenderFailed, RenderStalled, StorageError, UnknownName, WorkerLost
from kinograph.film import Clip, Conditioning, RenderRequest
from kinograph.tools.backends import Workbench, open_backend
from kinograph.tools.footage import load
from kinograph.tools.gpus import Gpu
from kinograph.tools.workers import Terms, local, open_pool, process
from kinograph.tools.workers.errand import MOST_DEATHS, backoff, errand, error_of, failure, leaks, perform
from kinograph.tools.workers.local import Bench, Local, slots


@pytest.fixture(autouse=True)
def findable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", HERE, prepend=os.pathsep)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench of its own, which leaves no process behind."""
    bench = Bench()
    yield bench
    bench.dismiss()
    assert not workers(psutil.Process())


def workers(parent: psutil.Process) -> list[psutil.Process]:
    return [child for child in parent.children(recursive=True) if "kinograph.tools.workers.child" in child.cmdline()]


def pool(bench: Bench, backend: Odd, **terms: Any) -> Local:
    return Local(backend, Terms(**terms), bench)


def render(pool: Local, request: RenderRequest, cancelled: Callable[[], bool] = lambda: False) -> Clip:
    (clip,) = pool.render([request], lambda *_: None, cancelled)
    return clip


def wait_for(what: Callable[[], Any], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------- rendering


def test_the_same_clip_comes_out_of_another_process_with_its_progress(tmp_path: Path, request_of):
    request, told = request_of(), list[tuple[int, float]]()
    (tmp_path / "there").mkdir()
    (here,) = open_backend("storyworld-render", Workbench(tmp_path, Path)).render(
        [request], lambda *_: None, lambda: False
    )
    away = open_pool("local", open_backend("storyworld-render", Workbench(tmp_path / "there", Path)))
    (clip,) = away.render([request], lambda *at: told.append(at), lambda: False)
    local.BENCH.dismiss()
    assert (clip.pixels, clip.request) == (here.pixels, here.request)
    assert Path(clip.path).parent == tmp_path / "there"
    assert load(clip).shape == (12, 48, 64, 3)
    assert {(0, 0.8), (0, 1.0)} <= set(told)


def test_a_process_keeps_what_it_loaded_for_the_next_pool_and_takes_pictures(tmp_path: Path, bench: Bench, noise):
    from kinograph.tools.footage import png

    (tmp_path / "seen.png").write_bytes(png(noise(3)[0]))
    first = render(pool(bench, odd(tmp_path)), ask())
    again = pool(bench, odd(tmp_path, lambda digest: tmp_path / f"{digest}.png"))
    second = render(again, ask(picture="seen"))
    again.close()
    assert first.note == second.note, "one process rendered both"
    assert (load(second)[0, 0, 0] == noise(3)[0, 0, 0]).all()


def test_what_a_model_raises_reads_as_if_it_had_been_raised_here(tmp_path: Path, bench: Bench):
    one = pool(bench, odd(tmp_path))
    with pytest.raises(RenderFailed, match="odd failed: RuntimeError: CUDA out of memory"):
        render(one, ask("raise"))
    with pytest.raises(UnknownName, match="unknown word 'wombat'; available: ball"):
        render(one, ask("unknown"))
    assert render(one, ask()).note == str(began(one._backend)[0]), "the process lives on"


def test_errors_of_every_class_come_back_as_themselves():
    from kinograph import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 12
    for kind in kinds:
        error = error_of(failure(kind.__new__(kind, "these words")), "odd")
        assert (type(error), str(error)) == (kind, "these words")


def test_a_worker_with_another_revision_refuses(tmp_path: Path):
    with pytest.raises(RenderFailed, match="revision 'odd' of odd, 'newer' is asked for"):
        perform(errand(odd(tmp_path), [ask()]).changed(revision="newer"), lambda *_: None, lambda: False)


def test_masks_go_along_with_the_pictures_they_are_for(tmp_path: Path):
    backend = odd(tmp_path)
    backend.workbench = backend.workbench._replace(picture=lambda digest: tmp_path / digest)
    given = (Conditioning(keyframe="k", mask="m"), Conditioning(keyframe="s", role="source"))
    assert errand(backend, [ask().changed(conditioning=given)]).pictures == {
        name: str(tmp_path / name) for name in ("k", "m", "s")
    }


def test_a_process_renders_the_next_while_a_clip_is_written(tmp_path: Path, bench: Bench):
    one = pool(bench, odd(tmp_path))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(render, one, ask("frees", seed=1))
        wait_for(lambda: began(one._backend))
        second = threads.submit(render, one, ask(seed=2))
        clips = [first.result(90), second.result(90)]
    assert [int(load(clip).mean()) for clip in clips] == [1, 2], "each gets its own"
    assert {clip.note for clip in clips} == {str(began(one._backend)[0])}, "one process"
    assert len(workers(psutil.Process())) == 1


def test_a_process_that_is_handed_on_hears_of_each_render_that_is_cancelled(tmp_path: Path, bench: Bench):
    one, stop = pool(bench, odd(tmp_path, hold=30.0)), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(render, one, ask("frees", seed=1), stop.is_set)
        wait_for(lambda: began(one._backend))
        second = threads.submit(render, one, ask(seed=2), stop.is_set)
        wait_for(lambda: len(began(one._backend)) == 2)
        stop.set()
        for cancelled in (first, second):
            with pytest.raises(Cancelled):
                cancelled.result(60)
    assert len(workers(psutil.Process())) == 1, "its model stays"


# --------------------------------------------------------------------------------------- dying


def test_a_clip_whose_process_is_killed_by_the_next_render_is_made_again(tmp_path: Path, bench: Bench):
    one = pool(bench, odd(tmp_path))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(render, one, ask("frees", seed=1))
        wait_for(lambda: began(one._backend))
        second = threads.submit(render, one, ask("crash", seed=2))
        with pytest.raises(WorkerLost, match="two workers died over one request of odd"):
            second.result(120)
        assert load(first.result(120)).shape == (3, 48, 64, 3)


def test_a_render_whose_worker_is_killed_is_made_by_another(tmp_path: Path, bench: Bench):
    one = pool(bench, odd(tmp_path))
    clip = render(one, ask("crash-once"))
    pids = began(one._backend)
    assert len(pids) == 2
    assert clip.note == str(pids[1]) != str(pids[0])
    assert not psutil.pid_exists(pids[0]), "no zombie"


def test_a_request_that_kills_its_workers_is_given_up_after_two(tmp_path: Path, bench: Bench):
    one = pool(bench, odd(tmp_path))
    with pytest.raises(WorkerLost, match=r"two workers died over one request of odd: .*SIGSEGV.*SIGSEGV"):
        render(one, ask("crash"))
    assert len(began(one._backend)) == 2
    assert render(one, ask()).frames == 3, "the next request is rendered"


def test_workers_that_die_one_after_the_other_are_not_started_for_ever(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    one = pool(bench, odd(tmp_path))
    monkeypatch.setattr(local, "Process", Unstartable)
    pauses = list[int]()
    monkeypatch.setattr(local, "backoff", lambda deaths: pauses.append(deaths) or 0.0)
    for _ in range(MOST_DEATHS // 2):
        with pytest.raises(WorkerLost, match="two workers died"):
            render(one, ask())
    assert pauses == list(range(MOST_DEATHS))
    with pytest.raises(WorkerLost, match=f"{MOST_DEATHS} workers died one after the other.*status 1.*nothing like"):
        render(one, ask())


class Unstartable(process.Process):
    def _start(self) -> subprocess.Popen[bytes]:
        pipe, words = subprocess.PIPE, "raise SystemExit('nothing like a worker')"
        return subprocess.Popen([sys.executable, "-Sc", words], stdin=pipe, stdout=pipe, stderr=pipe)


def test_pauses_between_starts_grow_and_end():
    pauses = [backoff(deaths) for deaths in range(12)]
    assert pauses[:2] == [0.0, 0.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0


# ----------------------------------------------------------------------------- standing still, leaking


def test_a_render_that_stands_still_is_killed_at_its_deadline(tmp_path: Path, bench: Bench):
    render(pool(bench, odd(tmp_path)), ask())  # the process is there: what is timed is the render
    one = pool(bench, odd(tmp_path), stall_seconds=3.0)
    started = time.monotonic()
    with pytest.raises(RenderStalled, match=r"odd made no progress for 3 s \(stall_seconds\); its worker was killed"):
        render(one, ask("stall"))
    assert 3.0 <= time.monotonic() - started < 30.0
    assert not psutil.pid_exists(began(one._backend)[-1])
    assert len(began(one._backend)) == 2, "it was not begun again"


def test_whoever_waits_for_a_render_is_told_that_it_is_tended(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "BEAT", 0.2)
    one, told = pool(bench, odd(tmp_path, hold=1.5)), list[tuple[int, float]]()
    one.render([ask()], lambda *at: told.append(at), lambda: False)
    assert told.count((0, 0.1)) >= 4


def test_a_worker_that_leaks_is_replaced_between_renders(tmp_path: Path, bench: Bench):
    one = pool(bench, odd(tmp_path), leak_gb=0.1)
    notes = [render(one, ask("leak", seed)).note for seed in range(7)]
    assert notes[0] == notes[4], "two of 60 MB over the first three renders are too much"
    assert notes[5] == notes[6] != notes[0]
    assert not psutil.pid_exists(int(notes[0]))


@pytest.mark.parametrize(
    ("readings", "leaking"),
    [([1, 9, 9], False), ([1, 9, 9, 10], False), ([1, 2, 3, 4, 4.9], False), ([1, 2, 3, 4, 5.1], True)],
)
def test_memory_counts_from_when_the_model_is_loaded(readings: list[float], leaking: bool):
    assert leaks(readings, limit=2.0) == leaking


# ------------------------------------------------------------------------------------------- stopping


def test_a_cancelled_render_stops_at_its_next_step_and_the_model_stays(tmp_path: Path, bench: Bench):
    one, stop = pool(bench, odd(tmp_path, hold=60.0)), threading.Event()
    threading.Thread(target=lambda: (wait_for(lambda: began(one._backend)), stop.set())).start()
    with pytest.raises(Cancelled, match="rendering was cancelled"):
        render(one, ask(), stop.is_set)
    assert psutil.pid_exists(began(one._backend)[0])


def test_one_that_does_not_listen_is_killed(tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "GRACE", 0.5)
    one, stop = pool(bench, odd(tmp_path)), threading.Event()
    threading.Thread(target=lambda: (wait_for(lambda: began(one._backend)), stop.set())).start()
    with pytest.raises(Cancelled, match=r"did not answer for 0\.5 s and was killed"):
        render(one, ask("stubborn"), stop.is_set)
    assert not psutil.pid_exists(began(one._backend)[0])


def test_waiting_for_a_worker_can_be_cancelled_and_says_that_it_lives(tmp_path: Path, bench: Bench):
    one, told, waited = pool(bench, odd(tmp_path, hold=1.0)), list[Any](), threading.Event()
    thread = threading.Thread(target=lambda: render(one, ask()))
    thread.start()
    wait_for(lambda: began(one._backend))

    def heard(*at: Any) -> None:
        told.append(at)
        waited.set()

    with pytest.raises(Cancelled, match="stopped while waiting for a worker"):
        one.render([ask()], heard, waited.is_set)
    thread.join()
    assert told == [(0, 0.0)]
    assert len(began(one._backend)) == 1


def test_an_error_of_who_listens_ends_the_render(tmp_path: Path, bench: Bench):
    """The ledger on a full disk, say: nobody waits for that clip any more."""
    one = pool(bench, odd(tmp_path, hold=60.0))

    def full(*_: Any) -> None:
        raise StorageError("the disk is full")

    with pytest.raises(StorageError, match="the disk is full"):
        one.render([ask()], full, lambda: False)
    assert not psutil.pid_exists(began(one._backend)[0])


PARENT = """
import threading
from pathlib import Path
from oddities import odd, ask
from kinograph.tools.workers import Terms
from kinograph.tools.workers.local import Local
pool = Local(odd(Path({scratch!r})), Terms(workers=2))
for words in ("stall", "stubborn"):
    threading.Thread(target=pool.render, args=([ask(words)], lambda *_: None, lambda: False)).start()
"""


def test_no_worker_outlives_a_parent_that_is_killed(tmp_path: Path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(scratch=str(tmp_path))])
    file = tmp_path / "began.txt"
    wait_for(lambda: file.exists() and len(file.read_text().splitlines()) == 2)
    children = workers(psutil.Process(parent.pid))
    assert len(children) == 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


def test_a_thread_that_ends_takes_no_worker_with_it(tmp_path: Path, bench: Bench):
    """The kernel's signal comes when the thread that forked ends: a shot's life must not be that thread."""
    one, clips = pool(bench, odd(tmp_path)), list[Clip]()
    for _ in range(2):
        thread = threading.Thread(target=lambda: clips.append(render(one, ask())))
        thread.start()
        thread.join()
    assert clips[0].note == clips[1].note


# ------------------------------------------------------------------------------------------- devices


def test_every_graphics_card_gets_one_process_of_its_own(monkeypatch: pytest.MonkeyPatch):
    cards = (
        Gpu(name="A", uuid="GPU-a", vram_gb=80, vram_free_gb=80),
        Gpu(name="B", uuid="GPU-b", vram_gb=8, vram_free_gb=8),
    )
    monkeypatch.setattr(local, "gpus", lambda: cards)
    light, heavy = odd_card(), odd_card().changed(vram_gb=24.0)
    assert [slot.environment for slot in slots(light, "auto", 4)] == [
        (("CUDA_VISIBLE_DEVICES", "GPU-a"),),
        (("CUDA_VISIBLE_DEVICES", "GPU-b"),),
    ]
    assert [slot.device for slot in slots(heavy, "auto", 4)] == ["GPU-a"]
    assert [slot.device for slot in slots(light, "cuda:1", 4)] == ["cuda:1"]
    assert [slot.device for slot in slots(light, "cpu", 2)] == ["cpu 0", "cpu 1"]
    assert len(slots(light.changed(weights=False), "auto", 3)) == 3


def test_a_process_sees_the_device_of_its_slot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bench: Bench):
    monkeypatch.setattr(local, "slots", lambda *_: (local.Slot("one", (("OMP_NUM_THREADS", "3"),)),))
    assert render(pool(bench, odd(tmp_path)), ask("threads")).note == "3"
