"""A conversation as a sample: the brief and its turns are said, nothing is approved, so that nothing is rendered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinograph.conversation import Conversation
from kinograph.evals.suites import Sample
from kinograph.evals.systems import Made
from kinograph.film import Storyboard
from kinograph.studio import Studio


def converse(studio: Studio, sample: Sample, wishes: Mapping[str, Any], folder: Path) -> Made:
    """Says all turns; the storyboards that stood after each, None where there was none."""
    from kinograph.evals.systems.filmed import spent_on

    began, boards = time.monotonic(), list[Storyboard | None]()
    with studio.open(out=folder / "chat", **wishes) as conversation:
        for words in (sample.brief, *(turn.say for turn in sample.turns)):
            for _ in conversation.say(words):
                pass
            boards.append(_board(conversation))
        usage = conversation.at.usage
    return Made(boards=tuple(boards), spent=spent_on(usage, seconds=time.monotonic() - began))


def _board(conversation: Conversation) -> Storyboard | None:
    session = conversation.at
    return session.head.storyboard if session.record.head is not None else None
