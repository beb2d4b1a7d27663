"""What of a brief's words can be said over their shot, and how such words can be made shorter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kinograph.agents.english.camera import cameras, masked
from kinograph.agents.english.cutting import cleaned

_LOOSE = (
    r"(?:while|whilst|as|and|but|then|with|where|in|on|at|of|the|a|an|we see|we|slowly|gently|until|till|to|from|into)"
)
_DANGLING = re.compile(rf"(?:[\s,;:–—-]+{_LOOSE})+(?=\s*[.,;:!?…]|\s*$)", re.I)
"""Words that a camera remark was hung up with: "the ball rolls while (the camera zooms in)"."""
_JOINT = re.compile(
    r"\s*[,;:–—]\s*|\s+(?=(?:while|whilst|as|and|but|when|where|until|before|after|across|along|around|at|behind|beside"
    r"|between|by|down|from|in|inside|into|near|on|onto|over|past|through|to|towards?|under|up|with|without)\b)",
    re.I,
)
"""Where a sentence can stop without losing its sense."""


def narrated(text: str) -> str:
    """The words of a shot without order words, camera remarks and wishes about the film; "" when nothing is left.

    >>> narrated("Then it bounces over the sea while the camera zooms in.")
    'It bounces over the sea.'
    """
    rest = re.sub(r"\s+", " ", masked(text, cameras(text)))
    rest = cleaned(_DANGLING.sub("", rest))
    sentences = [one for one in re.split(r"(?<=[.!?…])\s+", rest) if sum(map(str.isalpha, one)) > 1]
    told = " ".join(one[:1].upper() + one[1:] for one in sentences)
    return told if len(re.findall(r"\w+", told)) > 1 else ""


def shorter(words: str) -> Iterator[str]:
    """Ever shorter beginnings of `words` that make sense, the longest first; each ends like a sentence."""
    ends = [match.start() for match in _JOINT.finditer(words)]
    ends += [match.start() for match in re.finditer(r"(?<=[.!?…])\s+", words)]
    for end in sorted(set(ends), reverse=True):
        part = words[:end].rstrip(" ,;:–—-")
        if len(part.split()) > 1:
            yield part if part.endswith((".", "!", "?", "…")) else part + "."
