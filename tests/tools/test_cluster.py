"""Ray actors, in a real cluster of two nodes on one machine, one of which is killed in the end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from oddities import HERE, Odd, ask, began, odd, odd_card

from kinograph.errors import BadInput, Cancelled, RenderFailed, RenderStalled, UnknownName, WorkerLost
from kinograph.events import Finished, TakeProgress
from kinograph.film import Clip, RenderRequest
from kinograph.settings import RaySettings
from kinograph.studio import Studio
from kinograph.tools.footage import load, png
from kinograph.tools.workers import Terms, cluster
from kinograph.tools.workers.cluster import Cluster, answers, needs


class Nodes:
    """The head, which has room for nothing but itself, and one node that has room for two renders."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as Two

        self.two = Two(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        self.worker = self.two.add_node(num_cpus=2)
        self.address = self.two.address


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """One cluster for all tests: it takes ten seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", HERE)
        for name, value in cluster.QUIET.items():
            patch.setenv(name, value)
        patch.delenv("OMP_NUM_THREADS", raising=False)
        import ray

        nodes = Nodes()
        try:
            yield nodes
        finally:
            ray.shutdown()
            nodes.two.shutdown()


@pytest.fixture
def terms(nodes: Nodes) -> Terms:
    return Terms(workers=2, ray=RaySettings(address=nodes.address, placement_seconds=90.0))


def render(pool: Cluster, request: RenderRequest, cancelled: Callable[[], bool] = lambda: False) -> Clip:
    (clip,) = pool.render([request], lambda *_: None, cancelled)
    return clip


def once_begun(backend: Odd, act: Callable[[], Any]) -> None:
    """Acts as soon as a render has begun."""

    def watch() -> None:
        until = time.monotonic() + 120.0
        while not began(backend) and time.monotonic() < until:
            time.sleep(0.05)
        act()

    threading.Thread(target=watch, daemon=True).start()


def test_clips_pictures_progress_and_errors_travel(terms: Terms, tmp_path: Path, noise, monkeypatch):
    (tmp_path / "seen.png").write_bytes(png(noise(3)[0]))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    pool, told = Cluster(odd(tmp_path, lambda digest: tmp_path / f"{digest}.png"), terms), list[Any]()
    (clip,) = pool.render([ask("threads", picture="seen")], lambda *at: told.append(at), lambda: False)
    assert Path(clip.path).parent == tmp_path, "the file is on our disk"
    assert (load(clip)[0, 0, 0] == noise(3)[0, 0, 0]).all()
    assert clip.note == "3", "sums are split among as many threads as here"
    assert told
    with pytest.raises(UnknownName, match="unknown word 'wombat'; available: ball"):
        render(pool, ask("unknown"))
    pids = set(began(pool._backend))
    assert len(pids) == 1, "one actor keeps its model"
    pool.close()
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=20)
    assert not alive


def test_a_killed_actor_is_begun_anew_and_a_poisonous_request_given_up(
    terms: Terms, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pool = Cluster(odd(tmp_path), terms)
    assert render(pool, ask("crash-once")).note == str(began(pool._backend)[1])
    with pytest.raises(WorkerLost, match="two Ray workers died over one request of odd"):
        render(pool, ask("crash"))
    assert len(began(pool._backend)) == 4
    assert capsys.readouterr().out == "", "standard output is the film's"
    pool.close()


def test_a_render_stops_when_cancelled_and_is_killed_when_it_stands_still(terms: Terms, tmp_path: Path):
    stop, backend = threading.Event(), odd(tmp_path, hold=60.0)
    pool = Cluster(backend, terms)
    once_begun(backend, stop.set)
    with pytest.raises(Cancelled, match=r"rendering was cancelled$"):
        render(pool, ask(), stop.is_set)
    pool._terms = terms._replace(stall_seconds=6.0)
    stalled = r"odd made no progress for 6 s \(stall_seconds\); its Ray worker was killed"
    with pytest.raises(RenderStalled, match=stalled):
        render(pool, ask("stall"))
    one, other = began(backend)
    assert one == other, "the cancelled render cost no actor"
    pool.close()


def test_what_no_node_can_carry_is_refused_with_what_was_asked_and_what_there_is(terms: Terms, tmp_path: Path):
    backend = odd(tmp_path)
    backend.card = odd_card().changed(vram_gb=24.0)
    pool = Cluster(backend, terms._replace(ray=terms.ray.model_copy(update={"placement_seconds": 1.0})))
    why = r"no place for odd in the Ray cluster for \d s .*: it asks for 1 CPU, 1 GPU; the cluster has 2 CPU, 0 GPU,"
    with pytest.raises(RenderFailed, match=why):
        render(pool, ask())
    started = time.monotonic()
    with pytest.raises(RenderFailed, match=why):
        render(pool, ask())
    assert time.monotonic() - started < 0.9, "it does not wait again while nothing has changed"


def test_a_film_is_completed_when_the_node_that_renders_is_killed(nodes: Nodes, home: Path):
    """Last, for it takes the node away and puts another in its place."""
    options = {"storyworld-render": {"slow": 2.0}}
    studio = Studio(pool="ray", workers=2, ray={"address": nodes.address}, backends=options, takes=1)
    brief = studio.brief("A red ball rolls. A blue fish swims in the sea.", width=64, height=48, frames=8)
    killed, film = False, None
    for event in studio.stream(brief, out="film"):
        if isinstance(event, TakeProgress) and event.done and not killed:
            nodes.two.add_node(num_cpus=2)
            nodes.two.remove_node(nodes.worker, allow_graceful=False)
            killed = True
        film = event.film if isinstance(event, Finished) else None
    assert killed
    assert film is not None
    assert film.missing == ()
    with studio.ledger() as ledger:
        assert set(ledger.renders().values()) == {1}
    plain = Studio(pool="here", home=home.with_name("other"), takes=1).make(brief)
    assert [take.clip and take.clip.pixels for take in film.takes] == [
        take.clip and take.clip.pixels for take in plain.takes
    ]


def test_memory_of_graphics_cards_is_asked_for_where_nodes_tell_it():
    heavy = odd_card().changed(vram_gb=24.0, offloaded_gb=10.0)
    assert needs(odd_card(), {"GPU": 4}) == {"num_cpus": 1}
    assert needs(heavy, {"GPU": 4}) == {"num_cpus": 1, "num_gpus": 1}
    assert needs(heavy, {"GPU": 4, "vram_gb": 320}) == {"num_cpus": 1, "num_gpus": 1, "resources": {"vram_gb": 10.0}}


def test_an_address_where_nobody_listens_is_told_and_not_waited_for(unused: int):
    assert not answers(f"127.0.0.1:{unused}")
    with pytest.raises(BadInput, match=f"ray.address '127.0.0.1:{unused}' does not answer"):
        cluster.connect(RaySettings(address=f"127.0.0.1:{unused}"))


@pytest.fixture
def unused() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
