"""What agents and models are told: one Markdown file a role, rendered with strict Jinja.

A missing variable is an error; what is filled in is data and is never rendered again.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


PARTS = frozenset({"data", "question", "repair", "shot"})
"""Prompts that are no role's: parts of others, and what video models are told."""


def roles() -> list[str]:
    """The roles that a language model may answer for: those that have a prompt."""
    found = (entry.name.removesuffix(".md") for entry in files(__name__).iterdir() if entry.name.endswith(".md"))
    return sorted(set(found) - PARTS)


@cache
def _environment() -> Environment:
    from jinja2 import PackageLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    loader = PackageLoader(__name__, package_path="")
    return SandboxedEnvironment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def render(name: str, **variables: Any) -> str:
    """The prompt `name`.md with its variables filled in. Raises jinja2.UndefinedError for a missing one."""
    return _environment().get_template(f"{name}.md").render(**variables).strip()
