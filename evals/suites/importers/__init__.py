"""Suites that others publish, read from a user's own copy: a file each with `read(path)`, and a line in IMPORTERS.

Nothing of them is shipped. A copy that is laid out otherwise gets one line: what was expected, and what was found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from kinograph.errors import BadInput
from kinograph.evals.suites import Sample, Suite


class Prompt(NamedTuple):
    """A brief of somebody's suite."""

    words: str
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    id: str = ""
    """Their own; none is made of the words."""


def suite(name: str, about: str, prompts: Iterable[Prompt], path: Path, expected: str) -> Suite:
    """The prompts that say something as samples, in their order, with ids that stay what they are. Raises BadInput."""
    seen = Counter[str]()
    samples = []
    for one in prompts:
        if not one.words.strip():
            continue
        slug = re.sub(r"[^a-z0-9]+", "-", (one.id or one.words).lower()).strip("-")[:60].strip("-") or "prompt"
        seen[slug] += 1
        id = f"{slug}-{seen[slug]}" if seen[slug] > 1 else slug
        samples.append(Sample(id=id, brief=one.words.strip(), tags=one.tags, references=one.references))
    if not samples:
        wrong(path, "no prompt", expected)
    return Suite(name=name, about=about, samples=tuple(samples))


def wrong(path: Path, found: str, expected: str) -> NoReturn:
    """Raises BadInput."""
    raise BadInput(f"{str(path)!r}: found {found}, expected {expected}")


def kind_of(value: Any) -> str:
    """What a JSON value is, in a word or two with its keys."""
    if isinstance(value, dict):
        return f"an object with {', '.join(map(repr, list(value)[:5])) or 'nothing'}"
    return {list: "a list", str: "a text", type(None): "null"}.get(type(value), f"{value!r:.40}")


def lines(text: str) -> list[str]:
    """The lines that say something."""
    return [line.strip() for line in text.splitlines() if line.strip()]
