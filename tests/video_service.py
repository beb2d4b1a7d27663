"""A server that speaks OpenAI's /v1/videos over real HTTP on loopback, keeps its jobs, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.tools.footage import write_mp4

EXTRAS = {"seed", "num_frames", "fps", "negative_prompt", "num_inference_steps", "guidance_scale"}


class Asked(NamedTuple):
    """One request as the server saw it."""

    way: str
    """"create", "look", "content" or "delete"."""
    headers: dict[str, str]
    fields: dict[str, str]
    picture: bytes | None


Reply = tuple[int, dict[str, str], dict[str, Any]]
"""Status, headers and body of an answer that is no success."""


class VideoService:
    """Runs on a free port of 127.0.0.1 between `start` and `stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = "a-key-of-the-service"
        self.models = {"tiny-sora"}
        self.takes = set(EXTRAS)
        """Fields beyond OpenAI's own that it takes; the others are refused by name."""
        self.steps: list[int] = [50]
        """Percentages that a job goes through, one a look, before it is done."""
        self.hangs = False
        """Jobs stay where they are."""
        self.honours_keys = True
        """Two orders of one Idempotency-Key are one job."""
        self.deletes = True
        self.error: dict[str, Any] | None = None
        """What jobs fail of."""
        self.expired = False
        """Contents are gone."""
        self.form: Callable[[dict[str, str]], bytes] = self.video
        """The file of a job."""
        self.troubles: list[tuple[str, Reply | None]] = []
        """Way, and what is answered in place of the next request of that way; None cuts the connection."""
        self.asked: list[Asked] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> VideoService:
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def count(self, way: str) -> int:
        return sum(asked.way == way for asked in self.asked)

    def video(self, fields: dict[str, str]) -> bytes:
        """A red square that moves over green, in the size, rate and length that was asked for."""
        width, height = map(int, fields["size"].split("x"))
        frames = int(fields.get("num_frames", 24))
        return self.mp4(moving(frames, width, height), int(fields.get("fps", 24)))

    def mp4(self, frames: np.ndarray, fps: int) -> bytes:
        path = self.folder / f"{len(self.jobs)}-{time.monotonic_ns()}.mp4"
        write_mp4(path, frames, fps, (frames.shape[2], frames.shape[1]), {})
        return path.read_bytes()

    # ----------------------------------------------------------------------------------- the protocol

    def create(self, asked: Asked) -> Reply:
        fields, key = asked.fields, asked.headers.get("idempotency-key", "")
        if fields.get("model") not in self.models:
            return refusal(404, f"no model {fields.get('model')!r}")
        for name in fields.keys() - {"prompt", "model", "seconds", "size", "input_reference"} - self.takes:
            return refusal(400, f"Unknown parameter: {name!r}", param=name)
        if self.honours_keys and key in self.keys:
            return 200, {}, self.told(self.keys[key])
        id = f"video_{len(self.keys)}_{len(self.jobs)}"
        self.keys[key] = id
        self.jobs[id] = {"fields": fields, "looks": 0}
        return 200, {}, self.told(id)

    def look(self, id: str) -> Reply:
        job = self.jobs[id]
        job["looks"] += not self.hangs
        return 200, {}, self.told(id)

    def told(self, id: str) -> dict[str, Any]:
        job = self.jobs[id]
        looks, fields = job["looks"], job["fields"]
        status = "queued" if not looks else "in_progress" if looks <= len(self.steps) else "completed"
        if looks and self.error:
            status = "failed"
        progress = 100 if status == "completed" else self.steps[looks - 1] if looks and self.steps else 0
        return {
            "id": id, "object": "video", "created_at": int(time.time()), "model": fields["model"], "status": status,
            "progress": progress, "seconds": fields["seconds"], "size": fields["size"],
            "error": self.error if status == "failed" else None,
        }  # fmt: skip


def moving(frames: int, width: int, height: int) -> np.ndarray:
    """`[T,H,W,3]`"""
    made = np.empty((frames, height, width, 3), np.uint8)
    made[:] = (40, 160, 60)
    side = height // 3
    for number, frame in enumerate(made):
        left = round((width - side) * number / max(1, frames - 1))
        frame[side : 2 * side, left : left + side] = (220, 30, 40)
    return made


def refusal(status: int, words: str, param: str | None = None, **headers: str) -> Reply:
    error = {"message": words, "type": "invalid_request_error", "param": param, "code": None}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, {"error": error}


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[VideoService]:
    service = VideoService(folder).start()
    try:
        yield service
    finally:
        service.stop()


class _Handler(BaseHTTPRequestHandler):
    owner: VideoService
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        fields, picture = _parts(self.headers["content-type"], body)
        self._serve("create", "", fields, picture)

    def do_GET(self) -> None:
        _, _, id = self.path.partition("/v1/videos/")
        self._serve("content" if id.endswith("/content") else "look", id.removesuffix("/content"))

    def do_DELETE(self) -> None:
        self._serve("delete", self.path.rpartition("/")[2])

    def _serve(self, way: str, id: str, fields: dict[str, str] | None = None, picture: bytes | None = None) -> None:
        owner, headers = self.owner, {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(way, headers, fields or {}, picture)
        with owner.lock:
            owner.asked.append(asked)
            trouble = next((one for one in owner.troubles if one[0] == way), None)
            if trouble:
                owner.troubles.remove(trouble)
                if trouble[1] is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(*trouble[1])
            elif headers.get("authorization") != f"Bearer {owner.key}":
                # As some servers do, it repeats the key that it was given.
                self._send(*refusal(401, f"Incorrect API key provided: {headers.get('authorization')}"))
            elif way == "create":
                self._send(*owner.create(asked))
            elif id not in owner.jobs:
                self._send(*refusal(404, f"no video {id!r}"))
            elif way == "look":
                self._send(*owner.look(id))
            elif way == "delete":
                if not owner.deletes:
                    self._send(*refusal(400, "videos in progress cannot be deleted"))
                    return
                del owner.jobs[id]
                self._send(200, {}, {"id": id, "object": "video.deleted", "deleted": True})
            elif owner.expired:
                self._send(*refusal(410, f"the content of {id} has expired"))
            else:
                self._send(200, {"content-type": "video/mp4"}, owner.form(owner.jobs[id]["fields"]))

    def _send(self, status: int, headers: dict[str, str], reply: Any) -> None:
        data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(data)


def _parts(kind: str, body: bytes) -> tuple[dict[str, str], bytes | None]:
    """The fields of a multipart form, and the file in it."""
    head = f"content-type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    fields, picture = {}, None
    for part in message.iter_parts():
        name, data = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(name, str)
        assert isinstance(data, bytes)
        if part.get_filename():
            assert name == "input_reference"
            assert part.get_content_type() == "image/png"
            picture = data
        else:
            fields[name] = data.decode()
    return fields, picture
