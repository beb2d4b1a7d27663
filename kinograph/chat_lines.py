"""Where the lines of a chat come from: typed on a terminal, or piped."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph.errors import BadInput

if TYPE_CHECKING:
    from kinograph.conversation import Conversation


def typed(conversation: Conversation, history: Path, commands: Collection[str]) -> Iterator[str]:
    """Lines typed on a terminal, with editing, completed commands, history and a status line; Ctrl-D ends them."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    from kinograph.preview import pixels

    def toolbar() -> str:
        session = conversation.session
        at = f"version {session.record.head}" if session and session.record.head else "no storyboard yet"
        return f" {at} · mind: {conversation.mind} · /help · Ctrl-D leaves · {conversation.id or 'new session'}"

    pixels()
    history.parent.mkdir(parents=True, exist_ok=True)
    prompt: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        completer=WordCompleter([f"/{name}" for name in commands], sentence=True),
        complete_while_typing=False,
        bottom_toolbar=toolbar,
    )
    while True:
        try:
            yield prompt.prompt("you> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def piped() -> Iterator[str]:
    """Lines of standard input."""
    try:
        yield from sys.stdin
    except UnicodeDecodeError as error:
        raise BadInput("standard input is not UTF-8 text") from error
