"""Data on its way to a model and back: what it is told, the schema it is held to, what it wrote."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from pydantic import ValidationError

from kinograph.agents.language.replies import Nonsense
from kinograph.film import Noun
from kinograph.plain import ESCAPES

MAX_TEXT, MAX_ITEMS, MAX_DEPTH, MAX_DRAFT = 2000, 200, 16, 64_000
"""Longest text, list, nesting and whole draft of types that say nothing themselves; characters and items."""
NOISE = ("title", "description", "default", "discriminator")


def as_data(value: Any) -> str:
    """JSON in which nothing can close the marks around it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


def schema_of(draft: type[Noun]) -> dict[str, Any]:
    """A lean JSON schema: every field required, nothing more allowed, every string and list bounded."""
    return _lean(draft.model_json_schema())


def _lean(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_lean(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    names = {"properties", "$defs"}
    found = {
        "anyOf" if key == "oneOf" else key: {name: _lean(part) for name, part in value.items()}
        if key in names
        else _lean(value)
        for key, value in schema.items()
        if key not in NOISE
    }
    kind = found.get("type")
    if kind == "object" and "properties" in found:
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    elif kind == "string" and not found.keys() & {"enum", "const", "maxLength", "pattern", "format"}:
        found["maxLength"] = MAX_TEXT
    elif kind == "array":
        found.setdefault("maxItems", MAX_ITEMS)
    return found


def read(text: str, draft: type[Noun]) -> tuple[Noun | None, list[str]]:
    """The draft that a model wrote, or what is wrong with its form.

    Takes the first JSON object out of any prose around it; its strings are cleaned of control characters,
    escape sequences and halves of characters. Raises Nonsense where there is no object to complain about.
    """
    data = clean(_first_object(text))
    try:
        return draft.model_validate(data), []
    except ValidationError as error:
        return None, [_complaint(found) for found in error.errors()[:6]]
    except RecursionError:
        raise Nonsense("the answer is nested too deeply") from None


def _first_object(text: str) -> dict[str, Any]:
    if len(text) > MAX_DRAFT:
        raise Nonsense(f"the answer has {len(text)} characters; at most {MAX_DRAFT} are read")
    decoder = json.JSONDecoder(parse_constant=_no_number)
    for brace in list(re.finditer(r"\{", text))[:50]:
        try:
            found, _ = decoder.raw_decode(text, brace.start())
        except ValueError:
            continue
        except RecursionError:
            raise Nonsense("the answer is nested too deeply") from None
        if isinstance(found, dict):
            return found
    raise Nonsense("the answer holds no complete JSON object")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def clean(value: Any, depth: int = 0) -> Any:
    """Data with every text made fit to print, compare and file. Raises Nonsense for what never ends."""
    if depth > MAX_DEPTH:
        raise Nonsense("the answer is nested too deeply")
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise Nonsense(f"a text in the answer has {len(value)} characters; at most {MAX_TEXT} are read")
        return clean_text(value)
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise Nonsense(f"a list in the answer has {len(value)} items; at most {MAX_ITEMS} are read")
        return [clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {clean_text(name): clean(item, depth + 1) for name, item in value.items()}
    return value


def clean_text(text: str) -> str:
    """NFC, one line, printable."""
    whole = ESCAPES.sub("", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    seen = "".join(c if unicodedata.category(c)[0] != "C" or c == "\u200d" else " " for c in whole)
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def _complaint(found: Any) -> str:
    place = ".".join(str(part) for part in found["loc"]) or "the answer"
    value = repr(found["input"])
    return f"{place}: {found['msg']}, not {value[:60]}"
