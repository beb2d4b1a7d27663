"""Jobs of a server that speaks OpenAI's /v1/videos: ordered, looked at, fetched; with retries, and errors in words."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from kinograph.errors import Cancelled, RenderFailed
from kinograph.tools.backends.video_wait import Answer, ServerOptions, Wait
from kinograph.tools.retrying import backoff, retry_after

if TYPE_CHECKING:
    from openai import OpenAI

KEYS = ("KINOGRAPH_VIDEO_API_KEY", "OPENAI_API_KEY")
"""Variables of the environment that may hold the key, the first set first."""
WORTH_RETRYING = frozenset((408, 409, 429))
"""Besides 5xx."""
FAREWELL = 3.0
"""Seconds that a server has to take a job back when a render is cancelled."""
MAX_VIDEO = 2**30
"""Largest video that is fetched, in bytes."""
DONE = frozenset(("completed", "succeeded"))
FAILED = frozenset(("failed", "cancelled", "canceled", "rejected"))


class Job(NamedTuple):
    """Where a job stands."""

    id: str
    done: bool
    share: float
    """How far it is, 0..1."""


class Order(NamedTuple):
    """What a job is asked for with."""

    prompt: str
    seconds: str
    size: str
    picture: bytes | None
    """PNG of the first frame, of that size."""
    more: Mapping[str, str | int | float]
    """Fields beyond OpenAI's own: seed, num_frames, …"""
    key: str
    """Two orders of one key are one order, where the server knows of such keys."""


class Over(Exception):
    """The job will never give a video; `gone` when the server no longer knows it or has thrown its video away."""

    def __init__(self, words: str, gone: bool = False) -> None:
        self.gone = gone
        super().__init__(words)


class VideoJobs:
    """The jobs of one server. Everything but `delete` raises RenderFailed, RenderStalled and Cancelled."""

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        self._opening = threading.Lock()

    @property
    def key(self) -> str | None:
        """What the server lets us in with."""
        return next((value for name in KEYS if (value := os.environ.get(name, "").strip())), None)

    @cached_property
    def _client(self) -> OpenAI:
        import httpx2
        from openai import OpenAI

        # OpenAI ends its own service; the protocol lives on in the servers that this is for.
        warnings.filterwarnings("ignore", "The Sora API is scheduled to permanently shut down", DeprecationWarning)
        timeout = httpx2.Timeout(self.options.answer_seconds, connect=self.options.connect_seconds)
        # Servers at home take any key. Retries are ours, which a cancellation ends.
        return OpenAI(base_url=self.options.base_url, api_key=self.key or "none", max_retries=0, timeout=timeout)

    @property
    def client(self) -> OpenAI:
        with self._opening:
            return self._client

    # --------------------------------------------------------------------------------------- calls

    def create(self, order: Order, wait: Wait, note: Callable[[str, tuple[str, ...]], None]) -> None:
        """Orders a video. `note` is told the job's id, and which fields the server did not take, before anything else
        happens, even when nobody waits any more."""
        from openai import BadRequestError, omit

        more = dict(order.more)

        def ordered(_: threading.Event) -> None:
            answer = self.client.videos.create(
                prompt=order.prompt,
                model=self.options.model or omit,
                seconds=order.seconds,  # type: ignore[arg-type]
                size=order.size,  # type: ignore[arg-type]
                input_reference=("first_frame.png", order.picture, "image/png") if order.picture else omit,
                extra_body=more,
                extra_headers={"Idempotency-Key": order.key},
            )
            note(str(self._facts(answer)["id"]), tuple(name for name in order.more if name not in more))

        while True:
            try:
                return self._asked(ordered, wait, order=True)
            except RenderFailed as failure:
                refused = failure.__cause__
                if not isinstance(refused, BadRequestError) or refused.param not in more:
                    raise
                del more[refused.param]

    def look(self, id: str, wait: Wait) -> Job:
        """Where a job stands. Raises Over when it failed or the server no longer knows it."""
        facts = self._facts(self._asked(lambda _: self.client.videos.retrieve(id), wait))
        status, percent = str(facts.get("status")), facts.get("progress")
        if status in FAILED:
            raise Over(f"{self.options.base_url} failed to make the video: {self._reason(facts.get('error'), status)}")
        if status == "expired":
            raise Over(f"{self.options.base_url} has thrown video {id} away: expired", gone=True)
        share = percent / 100 if isinstance(percent, int | float) else 0.0
        return Job(id, status in DONE, min(1.0, max(0.0, share)))

    def content(self, id: str, wait: Wait) -> bytes:
        """The video of a job that is done. Raises Over when it is no longer there."""

        def fetched(left: threading.Event) -> bytes:
            data = bytearray()
            with self.client.videos.with_streaming_response.download_content(id) as response:
                for chunk in response.iter_bytes():
                    data += chunk
                    if left.is_set():
                        raise Cancelled("nobody waits for it any more")
                    if len(data) > MAX_VIDEO:
                        raise RenderFailed(f"{self.options.base_url}: the video is larger than {MAX_VIDEO} bytes")
            return bytes(data)

        return self._asked(fetched, wait)

    def delete(self, id: str) -> bool:
        """Has the server stop and forget a job, if it does so at once."""
        from httpx2 import HTTPError
        from openai import OpenAIError

        try:
            answer = self.client.with_options(timeout=FAREWELL).videos.delete(id)
            return self._facts(answer).get("deleted") is not False
        except (OpenAIError, HTTPError, RenderFailed):
            return False  # it keeps the job, which stays noted

    # --------------------------------------------------------------------------------- what goes wrong

    def _asked(self, call: Callable[[threading.Event], Answer], wait: Wait, order: bool = False) -> Answer:
        """One request, with its further attempts."""
        from httpx2 import HTTPError
        from openai import OpenAIError

        attempt = 0
        while True:
            attempt += 1
            try:
                return wait.during(call)
            except (OpenAIError, HTTPError) as error:
                seconds = self._pause(error, attempt, order)
                if seconds > wait.left:
                    raise RenderFailed(
                        f"{self.options.base_url} asks to wait {seconds:.0f} s, {wait.left:.0f} s are left of "
                        f"deadline_seconds: {self._words(error)}"
                    ) from error
            wait.pause(seconds)

    def _pause(self, error: Exception, attempt: int, order: bool) -> float:
        """Seconds to wait before asking again. Raises RenderFailed or Over where that would not help."""
        from openai import APIStatusError

        where, words = self.options.base_url, self._words(error)
        if not isinstance(error, APIStatusError):
            if attempt > self.options.retries or (order and not _never_sent(error)):
                unsure = "; the order may have got there" if order and not _never_sent(error) else ""
                raise RenderFailed(f"{where} cannot be reached in {attempt} attempts: {words}{unsure}") from error
            return backoff(attempt)
        status = error.status_code
        if status in (401, 403):
            raise RenderFailed(f"{where} does not let us in ({status}): {words}; set {KEYS[0]}") from error
        if status in (404, 410):
            if not order:
                raise Over(f"{where} no longer has the video ({status}): {words}", gone=True) from error
            raise RenderFailed(f"{where} knows no model {self.options.model!r} ({status}): {words}") from error
        if status not in WORTH_RETRYING and status < 500:
            blames = "moderation of " if _by_moderation(error.code, words) else ""
            raise RenderFailed(f"{blames}{where} refuses the request ({status}): {words}") from error
        if attempt > self.options.retries:
            raise RenderFailed(f"{where} said {status} to {attempt} attempts: {words}") from error
        asked = retry_after(error.response.headers)
        return backoff(attempt) if asked is None else asked

    def _facts(self, answer: Any) -> dict[str, Any]:
        """A job as the server tells it. Raises RenderFailed when it tells something else."""
        from openai import BaseModel

        facts = answer.to_dict(mode="json", warnings=False) if isinstance(answer, BaseModel) else {}
        if not isinstance(facts.get("id"), str) or not facts["id"]:
            said = self._plain(answer if isinstance(answer, str) else str(facts))
            raise RenderFailed(f"{self.options.base_url} does not speak /v1/videos: it answers {said[:100]!r}")
        return facts

    def _reason(self, error: Any, status: str) -> str:
        """Why a job failed, as the server says."""
        told = error if isinstance(error, dict) else {"message": error}
        words = self._plain(str(told.get("message") or told.get("code") or status))[:200]
        return f"moderation: {words}" if _by_moderation(told.get("code"), words) else words

    def _words(self, error: Exception) -> str:
        """What an error says, in one line and without the key."""
        body = getattr(error, "body", None)
        said = body.get("message") if isinstance(body, dict) else None
        cause = error.__cause__
        lost = f"{type(cause).__name__}: {cause}" if cause is not None else str(error)
        return self._plain(str(said or lost))[:200] or type(error).__name__

    def _plain(self, text: str) -> str:
        """One line without the key, which some servers repeat."""
        return " ".join((text.replace(self.key, "(the key)") if self.key else text).split())


def _never_sent(error: Exception) -> bool:
    """Whether the server cannot have got the request: another attempt orders nothing twice."""
    import httpx2

    return isinstance(error.__cause__ or error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _by_moderation(code: Any, words: str) -> bool:
    return any(mark in f"{code} {words}".lower() for mark in ("moderation", "content_policy", "safety system"))
