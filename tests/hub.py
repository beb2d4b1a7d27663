"""A hub for weights on loopback: enough of the wire for the hub's own library, with connections that break."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 4096
"""Bytes from which a file is kept by its SHA-256, behind a redirect to another host."""


class Asked(NamedTuple):
    """One request as the hub saw it."""

    method: str
    path: str
    range: str | None
    key: str | None


class Hub:
    """Repos by id, each a mapping of file names to contents."""

    def __init__(self) -> None:
        self.repos: dict[str, Mapping[str, bytes]] = {}
        self.licenses: dict[str, str] = {}
        self.gated: set[str] = set()
        self.sizes: dict[str, int] = {}
        """What it says of a file's size, when not the truth."""
        self.cuts: dict[str, list[int]] = {}
        """How many bytes of a file each of the next answers gives before the connection breaks."""
        self.stalls: dict[str, int] = {}
        """Bytes of a file after which nothing more comes."""
        self.ignores_ranges = False
        self.stalled, self.goes_on = threading.Event(), threading.Event()
        self.asked: list[Asked] = []
        self.url = ""

    def ranges(self, name: str) -> list[str | None]:
        """The range of each request for a large file's content."""
        blobs = {sha256(data) for files in self.repos.values() for file, data in files.items() if file == name}
        return [one.range for one in self.asked if one.path.rpartition("/")[2] in blobs]

    def listed(self, repo: str) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": self.sizes.get(name, len(data)), "oid": sha256(data)[:40]}
            | ({"lfs": {"oid": sha256(data), "size": len(data), "pointerSize": 134}} if len(data) >= LARGE else {})
            for name, data in self.repos[repo].items()
        ]

    def told(self, repo: str) -> dict[str, Any]:
        siblings = [
            {"rfilename": one["path"], "size": one["size"], "blobId": one["oid"]}
            | ({"lfs": one["lfs"] | {"sha256": one["lfs"]["oid"]}} if "lfs" in one else {})
            for one in self.listed(repo)
        ]
        card = {"license": self.licenses[repo]} if repo in self.licenses else {}
        gated = "auto" if repo in self.gated else False
        return {"id": repo, "sha": COMMIT, "siblings": siblings, "cardData": card, "gated": gated, "tags": []}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _Answers(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """The hub writes no log."""

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.hub.asked.append(Asked(self.command, path, self.headers["Range"], self.headers["Authorization"]))
        parts = path.strip("/").split("/")
        if parts[0] == "blobs":
            self._blob(parts[1])
            return
        api = parts[:2] == ["api", "models"]
        repo, rest = "/".join(parts[2:4] if api else parts[:2]), parts[4:] if api else parts[2:]
        if repo not in self.hub.repos:
            self._send(404, {"X-Error-Code": "RepoNotFound"})
        elif rest[1] not in ("main", COMMIT):
            self._send(404, {"X-Error-Code": "RevisionNotFound"})
        elif rest[0] == "resolve":
            self._resolve(repo, "/".join(rest[2:]))
        else:
            what = self.hub.told(repo) if rest[0] == "revision" else self.hub.listed(repo)
            self._send(200, {"Content-Type": "application/json"}, json.dumps(what).encode())

    def _resolve(self, repo: str, name: str) -> None:
        data = self.hub.repos[repo].get(name)
        commit = {"X-Repo-Commit": COMMIT}
        if repo in self.hub.gated and not self.headers["Authorization"]:
            self._send(401, commit | {"X-Error-Code": "GatedRepo"})
        elif data is None:
            self._send(404, commit | {"X-Error-Code": "EntryNotFound"})
        elif len(data) < LARGE:
            self._send(200, commit | {"ETag": f'"{sha256(data)[:40]}"'}, data)
        else:
            # Another host name for the same machine: the hub keeps large files elsewhere, where no token may go.
            elsewhere = f"http://localhost:{urlsplit(self.hub.url).port}/blobs/{sha256(data)}"
            linked = {"X-Linked-Etag": f'"{sha256(data)}"', "X-Linked-Size": str(len(data)), "Location": elsewhere}
            self._send(302, commit | linked)

    def _blob(self, digest: str) -> None:
        every = [(name, data) for files in self.hub.repos.values() for name, data in files.items()]
        name, data = next((name, data) for name, data in every if sha256(data) == digest)
        asked = None if self.hub.ignores_ranges else self.headers["Range"]
        start = int((asked or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        rest, status = data[start:], 206 if asked else 200
        more = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if status == 206 else {}
        if cuts := self.hub.cuts.get(name):
            self._send(status, more, rest, cuts.pop(0))
        elif (stall := self.hub.stalls.get(name)) is not None:
            self._send(status, more, rest, stall, breaks=False)
        else:
            self._send(status, more, rest)

    def _send(
        self, status: int, headers: Mapping[str, str], data: bytes = b"", upto: int | None = None, breaks: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(data[:upto])
        self.wfile.flush()
        if upto is not None:
            self.close_connection = True
            if not breaks:
                self.hub.stalled.set()
                self.hub.goes_on.wait(30)


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub on a free port of 127.0.0.1."""
    hub = Hub()
    handler = type("Answers", (_Answers,), {"hub": hub, "protocol_version": "HTTP/1.1"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.goes_on.set()
        server.shutdown()
        server.server_close()


def tensors(megabytes: float = 0.01, seed: int = 0) -> dict[str, np.ndarray]:
    """Two tensors of so many megabytes together."""
    noise = np.random.default_rng(seed).random((2, max(1, int(megabytes * 2**20 / 8))), np.float32)
    return {"blocks.0.weight": noise[0], "blocks.1.weight": noise[1]}


def pipeline(folder: Path, megabytes: float = 0.01) -> Path:
    """A pipeline in the diffusers layout, made by hand: shards, one file, a tokenizer, a scheduler, an empty seat."""
    from safetensors.numpy import save_file

    index = {
        "_class_name": "WanPipeline",
        "_diffusers_version": "0.42.1",
        "boundary_ratio": 0.9,
        "image_encoder": [None, None],
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
    }
    for part in ("scheduler", "text_encoder", "tokenizer", "transformer", "vae"):
        (folder / part).mkdir(parents=True)
    _json(folder / "model_index.json", index)
    _json(folder / "scheduler" / "scheduler_config.json", {"_class_name": "UniPCMultistepScheduler"})
    _json(folder / "tokenizer" / "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer"})
    (folder / "tokenizer" / "spiece.model").write_bytes(b"a model of sentences")
    for part in ("text_encoder", "transformer", "vae"):
        _json(folder / part / "config.json", {"_class_name": part})
    save_file(tensors(seed=1), folder / "text_encoder" / "model.safetensors")
    save_file(tensors(seed=2), folder / "vae" / "diffusion_pytorch_model.safetensors")
    names = [f"diffusion_pytorch_model-0000{shard}-of-00002.safetensors" for shard in (1, 2)]
    weights = tensors(megabytes, seed=3)
    for name, (tensor, values) in zip(names, weights.items(), strict=True):
        save_file({tensor: values}, folder / "transformer" / name)
    entries = dict(zip(weights, names, strict=True))
    _json(folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json", {"weight_map": entries})
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder by their names in a repo."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def _json(file: Path, what: Any) -> None:
    file.write_text(json.dumps(what))
