"""What pages are printed on: a terminal, or plain text."""

from __future__ import annotations

from rich.console import Console, RenderableType


def console() -> Console:
    """Standard output; wide enough for its tables when it is not a terminal."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=140)


def plain(page: RenderableType) -> str:
    """A page as text without colours."""
    paper = Console(width=140, color_system=None, force_terminal=False)
    with paper.capture() as captured:
        paper.print(page)
    return captured.get()
