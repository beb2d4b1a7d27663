"""What commands put out: text, a table or JSON; and what their exit status says."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

EPILOG = (
    "Exit status: 0 done, 1 unexpected, 2 bad input, 3 production busy, 4 disk full or not writable, "
    "5 damaged file, 6 nothing could be rendered, 7 finished but something was given up, 8 a critical task failed, "
    "130 stopped (resume it)."
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def put(what: Any) -> None:
    """Text, a rich renderable, or plain data as JSON."""
    if isinstance(what, (dict, list)):
        print(json.dumps(what, indent=1, ensure_ascii=False))
    elif isinstance(what, str):
        print(what)
    else:
        from kinograph import pages

        pages.console().print(what)
