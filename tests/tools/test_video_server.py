"""The backend for servers that speak /v1/videos, against one on loopback that speaks the real wire."""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import video_service
from PIL import Image
from video_service import VideoService, refusal

from kinograph import Studio
from kinograph.errors import BadInput, BadSetting, Cancelled, RenderFailed, RenderStalled
from kinograph.film import Clip, RenderRequest
from kinograph.memory.ledger import Ledger
from kinograph.settings import Settings
from kinograph.tools.backends import Workbench, card, open_backend
from kinograph.tools.backends.video_server import VideoServer, fitted
from kinograph.tools.footage import load, png

SIZE = {"width": 64, "height": 48, "frames": 24, "fps": 24}
SECRET = "sk-nobody-may-see-this"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VideoService]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with video_service.serving(tmp_path) as service:
        monkeypatch.setenv("KINOGRAPH_VIDEO_API_KEY", service.key)
        yield service


class Shop:
    """Backends of one service with one notebook, as of several lives of one film."""

    def __init__(self, service: VideoService, folder: Path) -> None:
        self.url, self.notes, self.folder = service.url, dict[str, str](), folder
        self.progress: list[float] = []

    def backend(self, **options) -> VideoServer:
        bench = Workbench(self.folder, lambda digest: self.folder / f"{digest}.png", self.notes)
        fast = {"base_url": self.url, "model": "tiny-sora", "poll_seconds": 0.02, "deadline_seconds": 20, "retries": 1}
        backend = open_backend("openai-video", bench, fast | options)
        assert isinstance(backend, VideoServer)
        return backend

    def request(self, **fields) -> RenderRequest:
        plain = {"model": "openai-video", "revision": "1", "prompt": "a red box, moving right", "seed": 7, **SIZE}
        return RenderRequest.model_validate(plain | fields)

    def render(self, cancelled: Callable[[], bool] = lambda: False, request: dict | None = None, **options) -> Clip:
        def tell(_: int, share: float) -> None:
            self.progress.append(share)

        return self.backend(**options).render([self.request(**(request or {}))], tell, cancelled)[0]


@pytest.fixture
def shop(service: VideoService, tmp_path: Path) -> Shop:
    return Shop(service, tmp_path)


# ------------------------------------------------------------------------------------------ the wire


def test_orders_waits_and_fetches_what_was_asked_for(service: VideoService, shop: Shop):
    service.steps = [0, 40, 80]
    clip = shop.render(request={"negative": "blur", "steps": 9, "guidance": 4.5})
    assert [asked.way for asked in service.asked] == ["create", *["look"] * 4, "content"]
    create = service.asked[0]
    assert create.headers["idempotency-key"] == shop.request(negative="blur", steps=9, guidance=4.5).digest
    assert create.fields == {
        "prompt": "a red box, moving right", "model": "tiny-sora", "seconds": "1", "size": "64x48", "seed": "7",
        "num_frames": "24", "fps": "24", "negative_prompt": "blur", "num_inference_steps": "9", "guidance_scale": "4.5",
    }  # fmt: skip
    assert clip.note == ""
    assert (clip.frames, clip.width, clip.height, clip.fps) == (24, 64, 48, 24)
    error = np.abs(load(clip).astype(int) - video_service.moving(24, 64, 48)).mean()
    assert error < 6, "H.264 changes a little"
    assert shop.progress == sorted(shop.progress)
    assert {0.0, 0.38, 0.76, 1.0} <= {round(share, 3) for share in shop.progress}


def test_leaves_to_the_server_what_is_not_set(service: VideoService, shop: Shop):
    shop.render(request={"seed": 3})
    assert not {"negative_prompt", "num_inference_steps", "guidance_scale"} & service.asked[0].fields.keys()
    assert service.asked[0].picture is None


def test_a_first_frame_goes_along_in_the_size_of_the_video(service: VideoService, shop: Shop, tmp_path: Path):
    (tmp_path / "k.png").write_bytes(png(np.full((100, 300, 3), (10, 20, 30), np.uint8)))
    shop.render(request={"conditioning": [{"keyframe": "k", "role": "first"}]})
    sent = service.asked[0].picture
    assert sent is not None
    with Image.open(io.BytesIO(sent)) as picture:
        assert picture.size == (64, 48)
        assert (np.asarray(picture) == (10, 20, 30)).all(), "no bars"


@pytest.mark.parametrize("roles", [("last",), ("reference",), ("first", "last")])
def test_other_pictures_than_one_first_frame_are_refused(service: VideoService, shop: Shop, roles: tuple[str, ...]):
    with pytest.raises(RenderFailed, match=f"takes one first frame and no other picture: .*{', '.join(roles)}$"):
        shop.render(request={"conditioning": [{"keyframe": "k", "role": role} for role in roles]})
    with pytest.raises(RenderFailed, match=r"no other picture: the request has first with a mask$"):
        shop.render(request={"conditioning": [{"keyframe": "k", "mask": "m"}]})
    assert not service.asked


def test_a_neighbour_that_is_not_heard_is_told(service: VideoService, shop: Shop):
    clip = shop.render(request={"blend": {"prompt": "a car", "seed": 1, "weight": 0.5}})
    assert clip.note == "words and noise of a neighbour are not heard"


def test_a_picture_is_fitted_by_its_middle():
    picture = np.zeros((10, 40, 3), np.uint8)
    picture[:, 15:25] = 200
    assert (fitted(picture, 10, 10) == 200).all()
    assert fitted(picture, 90, 20).shape == (20, 90, 3)


def test_fields_that_the_server_refuses_are_left_out_and_told(service: VideoService, shop: Shop):
    service.takes = {"fps", "num_frames"}
    assert shop.render().note == "the server does not take seed: left out"
    assert service.count("create") == 2


def test_a_video_of_another_kind_is_conformed_and_told(service: VideoService, shop: Shop):
    service.form = lambda _: service.mp4(video_service.moving(45, 32, 32), 30)
    clip = shop.render()
    assert clip.note == (
        "the server sent 45 frames of 32x32 at 30 fps: its end is left out, shown at 24 fps, fitted into 64x48"
    )
    frames = load(clip)
    assert frames.shape == (24, 48, 64, 3)
    assert np.abs(frames[:, :, :4].astype(int)).mean() < 6, "bars"
    last = video_service.moving(45, 32, 32)[29]
    red, sent = (np.flatnonzero(row > 130).mean() for row in (frames[-1, 24, 8:56, 0], last[16, :, 0]))
    assert abs(red - 1.5 * sent) < 2, "no faster than sent"


def test_a_video_that_is_too_short_is_shown_slower(service: VideoService, shop: Shop):
    service.form = lambda _: service.mp4(video_service.moving(12, 64, 48), 24)
    clip = shop.render()
    assert clip.note == "the server sent 12 frames of 64x48 at 24 fps: it is shown slower"
    assert clip.frames == 24


def test_a_server_of_few_lengths_is_asked_for_the_next_longer(service: VideoService, shop: Shop):
    service.form = lambda _: service.mp4(video_service.moving(4, 32, 32), 24)
    shop.render(lengths=(8, 4))
    shop.render(request={"frames": 120}, lengths=(8, 4))
    shop.render(request={"frames": 280}, lengths=(8, 4))
    assert [asked.fields["seconds"] for asked in service.asked if asked.way == "create"] == ["4", "8", "8"]


# ------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "localhost:8000"}, r"base_url = 'localhost:8000': .*http:// or https://"),
        ({"base_url": f"http://u:{SECRET}@h/v1"}, r"base_url = \(not shown\): .*the key belongs in the environment"),
        ({"poll_seconds": 0}, r"poll_seconds = 0: .*greater than 0"),
        ({"retries": 21}, r"retries = 21: .*less than or equal to 20"),
        ({"lengths": [0]}, r"lengths = \[0\]: .*whole seconds from 1 to 600"),
        ({"api_key": SECRET}, r"unknown setting 'api_key'; available: base_url, model, "),
    ],
)
def test_bad_options_are_named_in_one_line(tmp_path: Path, options, message):
    with pytest.raises(BadSetting, match=message) as failure:
        open_backend("openai-video", Workbench(tmp_path, Path), options)
    assert "\n" not in str(failure.value)
    assert SECRET not in str(failure.value)


def test_without_a_server_it_says_what_is_missing(tmp_path: Path):
    bench, words = Workbench(tmp_path, Path), VideoServer.lacks(card("openai-video"), VideoServer.Options())
    assert words == "openai-video has no server: set base_url in [backends.openai-video] to one that speaks /v1/videos"
    with pytest.raises(BadInput, match="model 'openai-video' cannot render here: openai-video has no server"):
        open_backend("openai-video", bench)
    with pytest.raises(RenderFailed) as failure:
        VideoServer(card("openai-video"), bench, VideoServer.Options()).render([], lambda *_: None, lambda: False)
    assert str(failure.value) == words
    assert VideoServer.lacks(card("openai-video"), VideoServer.Options(base_url="http://h/v1")) == ""


def test_opening_asks_nobody_and_loads_no_client(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from kinograph.tools.backends import *;"
        "open_backend('openai-video', Workbench(Path(), Path), {'base_url': 'http://203.0.113.1/v1'});"
        "assert not {'openai', 'httpx2', 'torch', 'cv2', 'av'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_revision_follows_what_changes_pixels(shop: Shop):
    plain = shop.backend()
    assert plain.revision == shop.backend(base_url=shop.url + "/", deadline_seconds=5, retries=3).revision
    others = [shop.backend(base_url="http://other/v1"), shop.backend(model="other"), shop.backend(lengths=(4,))]
    assert len({plain.revision, *(other.revision for other in others)}) == 4


def test_offline_asks_no_server_of_another_machine(service: VideoService):
    with pytest.raises(
        BadSetting, match=r"offline = true, but backends\.openai-video\.base_url asks .* 'far\.example'"
    ):
        Settings.load(offline=True, backends={"openai-video": {"base_url": "https://far.example/v1"}})
    assert Settings.load(offline=True, backends={"openai-video": {"base_url": service.url}}).offline


# -------------------------------------------------------------------------------------- what goes wrong

REFUSED = {
    "key": (lambda s: setattr(s, "key", "another"), r"does not let us in \(401\): .*\(the key\); set KINOGRAPH_VIDEO"),
    "model": (lambda s: s.models.clear(), r"knows no model 'tiny-sora' \(404\): no model 'tiny-sora'"),
    "403": (lambda s: s.troubles.append(("create", refusal(403, f"not {s.key}"))), r"in \(403\): not \(the key\); set"),
    "moderated": (
        lambda s: s.troubles.append(("create", refusal(400, "blocked by our moderation system"))),
        r"^moderation of http://.* refuses the request \(400\): blocked by our moderation system$",
    ),
    "busy": (
        lambda s: s.troubles.extend([("create", refusal(429, "slow down", Retry_After="0.01"))] * 2),
        r"said 429 to 2 attempts: slow down$",
    ),
    "too busy": (
        lambda s: s.troubles.append(("create", refusal(429, "slow down", Retry_After="3600"))),
        r"asks to wait 3600 s, 20 s are left of deadline_seconds: slow down$",
    ),
    "broken": (lambda s: s.troubles.extend([("look", refusal(503, "down"))] * 2), r"said 503 to 2 attempts: down$"),
    "cut": (lambda s: s.troubles.append(("create", None)), r"in 1 attempts: .*; the order may have got there$"),
    "no video": (
        lambda s: s.troubles.append(("create", (200, {"content-type": "text/html"}, b"<html>hello</html>"))),
        r"does not speak /v1/videos: it answers '<html>hello</html>'$",
    ),
    "failed": (
        lambda s: setattr(s, "error", {"code": "gpu", "message": f"out of luck, {s.key}"}),
        r"failed to make the video: out of luck, \(the key\)$",
    ),
    "refused": (
        lambda s: setattr(s, "error", {"code": "moderation_blocked", "message": "a person"}),
        r"failed to make the video: moderation: a person$",
    ),
    "expired": (
        lambda s: setattr(s, "expired", True),
        r"no longer has the video \(410\): the content of .* has expired",
    ),
    "not an mp4": (lambda s: setattr(s, "form", lambda _: b"\x00" * 4 + b"no mp4" * 99), r"no mp4 .*: 598 bytes, b'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_goes_wrong_is_told_in_one_line_without_the_key(service: VideoService, shop: Shop, name: str):
    key = service.key
    spoil, message = REFUSED[name]
    spoil(service)
    with pytest.raises(RenderFailed, match=message) as failure:
        shop.render()
    assert "\n" not in str(failure.value)
    assert key not in repr(failure.value)


def test_a_server_that_is_gone_is_told(service: VideoService, shop: Shop):
    service.stop()
    with pytest.raises(RenderFailed, match=r"http://127.0.0.1:\d+/v1 cannot be reached in 2 attempts: .*refused"):
        shop.render()


def test_the_key_is_in_no_dump_and_openais_own_serves_where_there_is_no_other(
    service: VideoService, shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    backend = shop.backend()
    assert service.key not in f"{backend.options.model_dump_json()} {backend.options!r} {vars(backend)!r}"
    monkeypatch.delenv("KINOGRAPH_VIDEO_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", service.key)
    assert shop.render().frames == 24


def test_pauses_that_a_server_asks_for_are_made(service: VideoService, shop: Shop):
    service.troubles = [("create", refusal(429, "slow", Retry_After="0.3")), ("look", refusal(500, "oops"))]
    service.troubles += [("content", None)]
    started = time.monotonic()
    assert shop.render().frames == 24
    assert time.monotonic() - started > 0.3 + 2 * 0.25
    assert (service.count("create"), service.count("content")) == (2, 2)
    assert len(service.jobs) == 1


def test_a_deadline_ends_the_wait_and_leaves_the_order_noted(service: VideoService, shop: Shop):
    service.hangs = True
    with pytest.raises(RenderStalled, match=r"gave no video within 0\.5 s \(deadline_seconds\)"):
        shop.render(deadline_seconds=0.5)
    service.hangs = False
    assert shop.render().frames == 24
    assert service.count("create") == 1


def test_no_warning_of_openais_own_shutdown_is_shown(shop: Shop):
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        shop.render()
        warnings.warn("something else", DeprecationWarning, stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["something else"]


# ------------------------------------------------------------------------------------- orders, once


def test_a_job_that_failed_is_ordered_anew_by_the_next_render(service: VideoService, shop: Shop):
    service.error = {"code": "gpu", "message": "out of luck"}
    with pytest.raises(RenderFailed):
        shop.render()
    service.error = None
    assert shop.render().frames == 24
    digest = shop.request().digest
    keys = [asked.headers["idempotency-key"] for asked in service.asked if asked.way == "create"]
    assert keys == [digest, f"{digest}-2"], "under its old key the server would tell of the failed job again"


@pytest.mark.parametrize("how", ["forgotten", "expired"])
def test_a_noted_job_that_the_server_lost_is_ordered_anew_at_once(service: VideoService, shop: Shop, how: str):
    service.hangs = True
    with pytest.raises(RenderStalled):
        shop.render(deadline_seconds=0.3)
    service.hangs = False
    if how == "forgotten":
        service.jobs.clear()
    else:
        service.troubles = [("content", refusal(404, "expired"))]
    assert shop.render().frames == 24
    assert service.count("create") == 2


def test_an_order_that_was_not_noted_in_time_is_the_same_order_again(service: VideoService, shop: Shop):
    shop.render()
    shop.notes.clear()
    shop.render()
    assert service.count("create") == 2
    assert len(service.jobs) == 1


@pytest.mark.parametrize("deletes", [True, False])
def test_cancelling_stops_the_job_and_the_wait_at_once(service: VideoService, shop: Shop, deletes: bool):
    service.hangs, service.deletes = True, deletes
    stop, asked = threading.Event(), list[float]()

    def cancelled() -> bool:
        asked.append(time.monotonic())
        return stop.is_set()

    timer = threading.Timer(0.8, stop.set)
    timer.start()
    with pytest.raises(Cancelled):
        shop.render(cancelled, poll_seconds=60)
    assert time.monotonic() - asked[0] < 1.5
    assert max(later - sooner for sooner, later in itertools.pairwise(asked)) < 0.5
    assert service.count("delete") == 1
    assert len(service.jobs) == (0 if deletes else 1)
    service.hangs = False
    assert shop.render().frames == 24
    assert service.count("create") == (2 if deletes else 1), "what the server keeps is not ordered twice"


# ------------------------------------------------------------------------------------------- a film

FILM = """
import sys
from kinograph import Studio
studio = Studio(backends={"openai-video": {"base_url": sys.argv[1], "model": "tiny-sora", "poll_seconds": 0.05}})
studio.make(studio.brief("A red box moves right.", model="openai-video", takes=1, width=64, height=48, frames=24),
            out="film")
"""


def options(service: VideoService) -> dict:
    return {"openai-video": {"base_url": service.url, "model": "tiny-sora", "poll_seconds": 0.05}}


def test_a_film_that_is_killed_while_it_waits_is_ordered_and_fetched_once(service: VideoService, tmp_path: Path):
    service.hangs = True
    child = subprocess.Popen([sys.executable, "-c", FILM, service.url], cwd=tmp_path)
    until = time.monotonic() + 60
    while service.count("look") < 2 and child.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    service.hangs = False
    film = Studio(backends=options(service)).resume("film")
    assert (service.count("create"), service.count("content")) == (1, 1)
    (take,) = film.takes
    assert take.clip is not None
    assert take.request.model == "openai-video"
    assert not film.missing
    assert (tmp_path / "film" / "film.mp4").exists()
    with_notes = Ledger(tmp_path / "home" / "ledger.sqlite")
    assert list(with_notes.errands) == [take.request.digest]
    with_notes.close()


def test_a_film_of_several_shots_is_made_through_a_server(service: VideoService, tmp_path: Path):
    studio = Studio(backends=options(service))
    wishes = {"model": "openai-video", "takes": 1, "width": 64, "height": 48, "frames": 24}
    film = studio.make(studio.brief("A red box moves right. A red ball moves left.", **wishes))
    assert film.decision.pool == "here"
    assert film.decision.topology == "distributed"
    assert service.count("create") == service.count("content") == len(film.takes) == 2
    assert not film.missing
    assert not film.placeholders
