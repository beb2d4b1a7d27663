"""The conversation as a graph that a LangGraph server loads: messages in, messages out, settings from their files."""

from __future__ import annotations

from typing import Any

from kinograph.conversation import session_of
from kinograph.graphs import conversation
from kinograph.studio import Studio


def graph() -> Any:
    """The compiled graph; its server brings the checkpoints. A thread's id is its session's."""
    studio = Studio()
    return conversation.build(lambda thread: session_of(studio, thread)).compile()
