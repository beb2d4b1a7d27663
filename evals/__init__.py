"""How good it is: suites of cases as data, systems under test, scorers, and a harness that runs them.

from kinograph.evals import run
result = run("storyworld-basic", Studio(model="storyworld-render"), folder="basic", limit=5)
result.means["kind"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinograph.evals.harness import run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    if name != "run":
        raise AttributeError(f"kinograph.evals has no {name!r}; it has run")
    from kinograph.evals.harness import run

    return run
