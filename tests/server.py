"""A server that speaks OpenAI's chat protocol over real HTTP on loopback, and misbehaves on purpose.

Its brain answers each role's question; by default as the agents' own rules would, in the form of a
language model's draft. `abilities` says which response forms it supports, `manners` how each role's
requests are (mis)treated.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from kinograph import prompts
from kinograph.agents.director import Director
from kinograph.agents.film_wishes import Wishes
from kinograph.agents.language.replies import ANSWER
from kinograph.agents.narrative import Narrative
from kinograph.agents.outline import Assignment, Beat, Before, Outline
from kinograph.agents.planner import Planner
from kinograph.agents.reviser import Reviser
from kinograph.agents.wish import Wish
from kinograph.film import Brief, Character

PIXELS_A_TOKEN = 750
"""Of a picture, as Anthropic documents for its models; OpenAI's tiles come to about the same."""

Brain = Callable[[str, dict[str, Any]], Any]
"""role, facts -> the draft as JSON data, or the answer's very text"""


class Asked(NamedTuple):
    """One request as the server saw it."""

    role: str
    means: str
    body: dict[str, Any]
    key: str
    at: float
    """Monotonic time of arrival."""


class Server:
    """Runs on a free port of 127.0.0.1 between `start` and `stop`."""

    def __init__(self, brain: Brain | None = None) -> None:
        self.brain = brain or by_rules
        self.generate: Callable[[dict[str, Any]], str] | None = None
        """A language model that writes the answer to a whole request, instead of the brain."""
        self.abilities = {"json_schema", "tool", "json_object"}
        self.ignores: set[str] = set()
        """Forms that it takes without a word and does not heed: it answers in prose."""
        self.manners: dict[str, str] = {}
        """Role, or "*" for all, to the name of a misbehaviour, or to "status" and an HTTP status."""
        self.times = 10**9
        """How often it misbehaves before it comes to its senses."""
        self.tools: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        """Tools that a role calls before its first answer, with their arguments."""
        self.latency = 0.0
        self.reply_with_usage = True
        self.asked: list[Asked] = []
        self.dropped = 0
        """Connections that the client closed while the server was answering."""
        self.stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> Server:
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def stop(self) -> None:
        self.stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def roles(self) -> list[str]:
        """Roles in the order of their requests."""
        return [asked.role for asked in self.asked]


@contextlib.contextmanager
def serving(brain: Brain | None = None) -> Iterator[Server]:
    server = Server(brain).start()
    try:
        yield server
    finally:
        server.stop()


# ----------------------------------------------------------------------------------------- the brain


def by_rules(role: str, facts: dict[str, Any]) -> Any:
    """What an obedient and able model would answer."""
    brains = {"planner": _outline, "director": _direction, "orchestrator": _choice, "validator": _rubrics}
    brains |= {"memory": _references, "reviser": _revision, "narrative": _story, "fusion": _narration}
    return brains[role](facts)


def _narration(facts: dict[str, Any]) -> Any:
    return {"lines": [{"shot": one["shot"], "words": one["text"][: one["most"]]} for one in facts["shots"]]}


def _references(facts: dict[str, Any]) -> Any:
    """The first picture of each character."""
    first = {picture["who"]: picture["number"] for picture in reversed(facts["pictures"])}
    return {"keep": list(first.values()), "why": "seen first"}


def _revision(facts: dict[str, Any]) -> Any:
    wish = Wish.model_validate({"storyboard": facts["storyboard"]} | facts)
    return {"edits": [edit.model_dump() for edit in Reviser().rules(wish).edits]}


def _outline(facts: dict[str, Any]) -> Any:
    brief = Brief(text=facts["brief"], look=facts["look"])
    outline = Planner().rules(Assignment(brief=brief, max_subjects=facts["max_subjects"]))
    most = facts["max_subjects"] or 99
    return {
        "title": outline.title,
        "cast": [one.model_dump(exclude={"of", "state"}) for one in outline.cast],
        "beats": [{"text": b.text, "who": list(b.who[:most]), "seconds": None, "continues": []} for b in outline.beats],
        "look": outline.wishes.look,
    }


def _story(facts: dict[str, Any]) -> Any:
    brief = Brief(text=facts["brief"], look=facts["look"])
    story = Narrative().rules(Assignment(brief=brief, max_subjects=facts["max_subjects"]))
    links, draft = {link.beat: link for link in story.links}, _outline(facts)
    for number, beat in enumerate(draft["beats"], 1):
        beat["because"] = [int(cause) for cause in links[str(number)].because]
    for one in draft["cast"]:
        one["enters"] = next((n for n, beat in enumerate(draft["beats"], 1) if one["id"] in beat["who"]), 1)
    acts = [
        act.model_dump(include={"part", "title", "setting", "time"}) | {"first": int(act.beats[0])}
        for act in story.acts
    ]
    return draft | {"lead": story.lead, "acts": acts}


def _direction(facts: dict[str, Any]) -> Any:
    outline = Outline(
        title=facts["title"],
        cast=tuple(_character(one) for one in facts["cast"]),
        beats=tuple(Beat(id=b["beat"], text=b["text"], who=tuple(b["who"])) for b in facts["beats"]),
        wishes=Wishes(look=facts["look"]),
        before=_before(facts),
    )
    direction = Director().rules(outline)
    return {
        "look": direction.look.model_dump(),
        "shots": [
            place.model_dump() | {"camera": move.camera, "cast": [one.model_dump() for one in move.cast]}
            for place, move in zip(direction.places.places, direction.moves.moves, strict=True)
        ],
    }


def _before(facts: dict[str, Any]) -> Before | None:
    if (told := facts.get("before")) is None:
        return None
    lately = tuple(Beat(id="0", text=text) for text in told["lately"])
    return Before(setting=told["setting"], time=told["time"], told=told["told"], lately=lately)


def _character(told: dict[str, str]) -> Character:
    color, _, kind = told["id"].partition("-")
    return Character(id=told["id"], kind=kind or color, color=color if kind else None, words=told["words"])


def _choice(facts: dict[str, Any]) -> Any:
    return facts["proposal"]


def _rubrics(facts: dict[str, Any]) -> Any:
    return {"takes": [_rubric(take) for take in facts["takes"]]}


def _rubric(take: dict[str, Any]) -> dict[str, Any]:
    yes = {"there": "yes", "color": "yes", "kind": "yes", "motion": "yes", "same": "unsure"}
    subjects = [{"who": one["who"]} | yes for one in take["asked"]["subjects"]]
    plain = {"seen": "as asked", "setting": "yes", "problems": [], "correction": ""}
    return {"take": take["take"], "subjects": subjects} | plain


# -------------------------------------------------------------------------------------- the protocol

GARBAGE = "\u202e\x1b[2J\ud800\udfff\ufffe\x00{{ 7*7 }} ḧ̸̡e̷͔l̶̰l̵͙o \U000e0041 ﷽"
BODIES: dict[str, Callable[[str], str]] = {
    "wrong schema": lambda text: '{"answer": "yes", "confidence": 1}',
    "truncated json": lambda text: text[: len(text) * 2 // 3],
    "prose around json": lambda text: f"Sure! Here is what you asked for:\n```json\n{text}\n```\nAnything else?",
    "prose": lambda text: "I would suggest a lovely opening shot of the ball, and then another one.",
    "wrong language": lambda text: json.dumps(
        {"标题": "红球", "镜头": [{"文字": "一个红球滚过草地"}]}, ensure_ascii=False
    ),
    "huge": lambda text: '{"title": "' + "very " * 40_000 + '"}',
    "huge list": lambda text: '{"title": "x", "beats": [' + ",".join(["{}"] * 30_000) + "]}",
    "unicode garbage": lambda text: json.dumps({"title": GARBAGE, "look": GARBAGE, GARBAGE: GARBAGE}),
    "garbage in every text": lambda text: json.dumps(_littered(json.loads(text))),
    "deep nesting": lambda text: '{"beats":' + "[" * 5000 + "]" * 5000 + "}",
    "not a number": lambda text: '{"title": "x", "seconds": NaN, "takes": Infinity}',
    "empty text": lambda text: "",
    "a bare list": lambda text: '["one", "two"]',
    "another question": lambda text: '{"question": "Could you tell me more about the mood?"}',
}
"""Misbehaviours of what a model writes."""
REPLIES = (
    "429 with Retry-After", "429 for ever", "500", "503 then well", "401", "404", "400 context length", "hang",
    "slow drip", "reset mid-stream", "connection closed", "empty choices", "null content", "refusal", "content filter",
    "unknown tool", "broken tool call", "html", "error in a 200", "endless body",
)  # fmt: skip
"""Misbehaviours of a server."""
MISBEHAVIOURS = (*BODIES, *REPLIES)


def _littered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item if key in ("id", "who", "beat", "model") else _littered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_littered(item) for item in value]
    return f"\x1b[31m{value}\x1b]0;owned\x07\u202e" if isinstance(value, str) and " " in value else value


class _Handler(BaseHTTPRequestHandler):
    owner: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": "small", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        role, owner = _role(body), self.owner
        key = self.headers.get("authorization", "")
        owner.asked.append(Asked(role, _means(body), body, key, time.monotonic()))
        if wrong := _unfit(body):
            self._send(400, _error(wrong))
            return
        manner = owner.manners.get(role) or owner.manners.get("*")
        served = sum(asked.role == role for asked in owner.asked)
        try:
            if manner and manner.startswith("status ") and served <= owner.times:
                self._send(int(manner.removeprefix("status ")), _error(manner))
            elif manner in REPLIES and served <= owner.times:
                self._misbehave(manner, body)
            else:
                self._answer(body, BODIES[manner] if manner and served <= owner.times else None)
        except (BrokenPipeError, ConnectionResetError):
            owner.dropped += 1

    def _answer(self, body: dict[str, Any], spoil: Callable[[str], str] | None) -> None:
        means, owner = _means(body), self.owner
        if means != "prompt" and means not in owner.abilities | owner.ignores:
            self._send(500 if means == "json_schema" else 400, _error(f"{means} is not supported"))
            return
        owner.stopping.wait(owner.latency)
        looks = owner.tools.get(_role(body)) if means == "tool" and len(body["tools"]) > 1 else None
        if looks and not any(message["role"] == "tool" for message in body["messages"]):
            calls = [
                {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
                for n, (name, arguments) in enumerate(looks)
            ]
            self._complete(body, {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls")
            return
        answer = owner.generate(body) if owner.generate else owner.brain(_role(body), facts_of(body))
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        text = spoil(text) if spoil else text
        if means in owner.ignores:
            text = "I think a wide shot would do." if spoil is None else text
            self._complete(body, {"role": "assistant", "content": text})
        elif means == "tool":
            call = {"id": "call_1", "type": "function", "function": {"name": ANSWER, "arguments": text}}
            self._complete(body, {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")
        else:
            self._complete(body, {"role": "assistant", "content": text})

    def _complete(self, body: dict[str, Any], message: dict[str, Any], finish: str = "stop") -> None:
        if body.get("stream"):
            self._stream(body, message, finish)
            return
        reply = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        }
        self._send(200, reply | ({"usage": _usage(body, message)} if self.owner.reply_with_usage else {}))

    def _stream(self, body: dict[str, Any], message: dict[str, Any], finish: str) -> None:
        """Server-sent events: the message in small pieces, then usage when it was asked for."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        text, calls = message["content"] or "", message.get("tool_calls") or []
        deltas: list[dict[str, Any]] = [
            {"role": "assistant", "content": text[n : n + 40]} for n in range(0, len(text), 40)
        ]
        deltas += [{"tool_calls": [{"index": n, **call}]} for n, call in enumerate(calls)]
        frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
        chunks = [frame | {"choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        chunks.append(frame | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks.append(frame | {"choices": [], "usage": _usage(body, message)})
        for chunk in chunks:
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _send(self, status: int, reply: Any, **headers: str) -> None:
        data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _misbehave(self, manner: str, body: dict[str, Any]) -> None:
        say = {"role": "assistant", "content": None}
        statuses = {
            "429 with Retry-After": 429, "429 for ever": 429, "500": 500, "503 then well": 503, "401": 401, "404": 404,
            "400 context length": 400,
        }  # fmt: skip
        if manner in statuses:
            waits = {"429 with Retry-After": "0.2", "429 for ever": "3600"}
            headers = {"Retry_After": waits[manner]} if manner in waits else {}
            first = sum(asked.role == _role(body) for asked in self.owner.asked) % 2 == 1
            if manner in ("429 with Retry-After", "503 then well") and not first:
                self._answer(body, None)
            else:
                self._send(statuses[manner], _error(manner), **headers)
        elif manner == "hang":
            self._wait_for_the_client(600)
        elif manner in ("slow drip", "endless body"):
            self._drip(0.2 if manner == "slow drip" else 0.0)
        elif manner in ("reset mid-stream", "connection closed"):
            self._cut(b'HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"id": "chat' if "reset" in manner else b"")
        elif manner == "empty choices":
            self._send(200, {"id": "x", "object": "chat.completion", "choices": []})
        elif manner in ("null content", "content filter"):
            self._complete(body, say, "content_filter" if "filter" in manner else "stop")
        elif manner == "refusal":
            self._complete(body, say | {"refusal": "I cannot help with that."})
        elif manner in ("unknown tool", "broken tool call"):
            name, arguments = ("send_email", '{"to": "x"}') if manner == "unknown tool" else (ANSWER, '{"title": ')
            call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
            self._complete(body, say | {"tool_calls": [call]}, "tool_calls")
        elif manner == "html":
            self._send(200, b"<html><body>502 Bad Gateway</body></html>")
        elif manner == "error in a 200":
            self._send(200, {"error": {"message": "model overloaded", "type": "server_error"}})
        else:
            raise AssertionError(manner)

    def _drip(self, pause: float) -> None:
        """A body that comes to no end, byte by byte or as fast as it can."""
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        piece = b" " if pause else b" " * 60_000
        while not self.owner.stopping.wait(pause):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def _wait_for_the_client(self, seconds: float) -> None:
        """Says nothing until the client goes away."""
        self.connection.settimeout(0.05)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.owner.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    self.owner.dropped += 1
                    break
            except TimeoutError:
                continue
        self.close_connection = True

    def _cut(self, before: bytes) -> None:
        """Sends `before` and resets the connection."""
        self.connection.sendall(before)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR) if not before else None
        self.connection.close()
        self.close_connection = True
        raise ConnectionResetError


def _role(body: dict[str, Any]) -> str:
    system = body["messages"][0]["content"]
    return next((role for role in prompts.roles() if system == prompts.render(role)), "unknown")


def _means(body: dict[str, Any]) -> str:
    if body.get("tools"):
        return "tool"
    return (body.get("response_format") or {}).get("type", "prompt")


def schema_of(body: dict[str, Any]) -> dict[str, Any]:
    """The schema that a request wants its answer in."""
    if tools := body.get("tools"):
        return next(tool["function"]["parameters"] for tool in tools if tool["function"]["name"] == ANSWER)
    return body["response_format"]["json_schema"]["schema"]


def facts_of(body: dict[str, Any]) -> dict[str, Any]:
    """The question's facts, out of the message that holds them."""
    content = body["messages"][1]["content"]
    return _between_marks(content if isinstance(content, str) else content[0]["text"])


def tool_results(body: dict[str, Any]) -> list[str]:
    """What a request says that tools have said."""
    return [_between_marks(message["content"]) for message in body["messages"] if message["role"] == "tool"]


def _between_marks(text: str) -> Any:
    found = re.search(r"<data>\n(.*)\n</data>", text)
    assert found, text
    return json.loads(found[1])


def _unfit(body: dict[str, Any]) -> str:
    """What OpenAI's server would refuse in a request."""
    if not {"model", "messages"} <= body.keys():
        return "model and messages are required"
    calls = {call["id"] for message in body["messages"] for call in message.get("tool_calls") or ()}
    for message in body["messages"]:
        if message["role"] not in ("system", "user", "assistant", "tool"):
            return f"no such role: {message['role']}"
        if message["role"] == "tool" and message["tool_call_id"] not in calls:
            return "a tool message answers no call"
    form = (body.get("response_format") or {}).get("json_schema")
    return _lax(form["schema"]) if form and form.get("strict") else ""


def _lax(schema: Any) -> str:
    """Strict schemas require every property and allow no other."""
    if isinstance(schema, list):
        return next(filter(None, map(_lax, schema)), "")
    if not isinstance(schema, dict):
        return ""
    if schema.get("type") == "object" and (
        set(schema.get("required", ())) != set(schema.get("properties", ()))
        or schema.get("additionalProperties") is not False
    ):
        return "invalid schema: every property must be required and additionalProperties false"
    return next(filter(None, map(_lax, schema.values())), "")


def _usage(body: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    """Four bytes a token; a picture costs by its area; a prefix seen before counts as cached in steps of 128."""
    parts = [
        part
        for told in body["messages"]
        for part in (
            [{"text": told["content"] or ""}] if isinstance(told.get("content"), (str, type(None))) else told["content"]
        )
    ]
    forms = len(json.dumps([body.get("response_format"), body.get("tools")])) // 4
    prompt = forms + sum(
        len(part["text"].encode("utf-8", "replace")) // 4 if "text" in part else _area(part) // PIXELS_A_TOKEN
        for part in parts
    )
    system = len(body["messages"][0]["content"]) // 4
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(json.dumps(message, ensure_ascii=True)) // 4,
        "total_tokens": prompt,
        "prompt_tokens_details": {"cached_tokens": system // 128 * 128},
    }


def _area(part: dict[str, Any]) -> int:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2]))) as picture:
        return picture.width * picture.height


def _error(words: str) -> dict[str, Any]:
    return {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None}}
