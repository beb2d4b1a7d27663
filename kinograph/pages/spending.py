"""The page of what thinking cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kinograph.film import Call, Usage


def usage(used: Usage) -> RenderableType:
    """What thinking cost: a row for each role and model, and a last one for everything."""
    table = Table("role", "model", "calls", "prompt", "cached", "answer", "s", "money", "by rules", title="thinking")
    table.title_justify = "left"
    fallbacks = Counter(fallback.role for fallback in used.fallbacks)
    rows: dict[tuple[str, str], list[Call]] = {}
    for call in used.calls:
        rows.setdefault((call.role, call.model), []).append(call)
    for role in fallbacks.keys() - {role for role, _ in rows}:
        rows[role, ""] = []
    for (role, model), calls in rows.items():
        table.add_row(*map(Text, (role, model, *_cost(calls), str(fallbacks[role] or ""))))
    if len(rows) > 1:
        table.add_row(*map(Text, ("all", "", *_cost(used.calls), str(len(used.fallbacks) or ""))))
    return table


def _cost(calls: Sequence[Call]) -> tuple[str, ...]:
    """Calls, prompt, cached and completion tokens, seconds, money."""
    money = Usage(calls=tuple(calls)).money
    sums = (sum(c.prompt_tokens for c in calls), sum(c.cached_tokens for c in calls))
    about = "~" if any(call.estimated for call in calls) else ""
    return (
        str(len(calls)),
        *(f"{about}{total}" for total in (*sums, sum(c.completion_tokens for c in calls))),
        f"{sum(c.seconds for c in calls):.1f}",
        "" if money is None else f"{money:.4f}",
    )
