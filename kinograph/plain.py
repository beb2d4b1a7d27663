"""Words of users as plain text, and names made of them."""

from __future__ import annotations

import re
import secrets

from kinograph.errors import BadBrief

ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
"""Terminal escape sequences: a brief is text, and is printed again."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters and bidirectional overrides."""
MAX_BRIEF = 20_000
"""Most characters of a brief."""


def checked_text(text: str) -> str:
    """The brief without space around it. Raises BadBrief when it says nothing or never ends."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadBrief("the brief is not UTF-8 text") from error
    text = CONTROL.sub(" ", ESCAPES.sub("", text.replace("\r\n", "\n"))).strip()
    if len(text) > MAX_BRIEF:
        raise BadBrief(f"the brief has {len(text)} characters; at most {MAX_BRIEF} are read")
    if not any(letter.isalnum() for letter in text):
        raise BadBrief(f"the brief {text!r} says nothing; say in a sentence or more what is to be seen")
    return text


def name_for(text: str) -> str:
    """A fresh id out of the first words of a brief."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    slug = "-".join([word for word in words if word not in {"a", "an", "the", "of"} and not word.isdigit()][:4])[:40]
    return f"{slug or 'film'}-{secrets.token_hex(3)}"
