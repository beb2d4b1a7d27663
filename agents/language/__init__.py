"""Thinking with language models.

mind         asks a chat model on an agent's behalf: prompt -> draft -> checks, repairs -> answer
replies      what is said to a chat model and what comes back: `ChatModel`
connection   chat models behind a server that speaks OpenAI's protocol
handed_in    LangChain chat models that the caller hands in
drafts       schemas, and what a model wrote read as data
means        by which means each model gives typed answers
tooling      tool calls
accounts     usage, prices, budgets
loop         the event loop that requests run on
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph.agents.mind import Mind, Rules
from kinograph.errors import BadInput
from kinograph.settings import MindSettings

if TYPE_CHECKING:
    from kinograph.agents.language.mind import LanguageMind

REMEMBERED = "means.json"
"""File in the home folder that remembers by which means each model answers."""


def open_mind(settings: MindSettings, home: Path, cancelled: Callable[[], bool] = lambda: False) -> Mind:
    """The mind that settings ask for. Connects to nothing yet."""
    if settings.kind == "rules":
        return Rules()
    from kinograph.agents.language.accounts import Accounts
    from kinograph.agents.language.connection import Provider, ServedModel
    from kinograph.agents.language.means import MeansMemory
    from kinograph.agents.language.mind import LanguageMind

    provider = Provider(settings)
    roles = {"": settings.model, **settings.models}
    models = {role: ServedModel(provider, name) for role, name in roles.items() if name}
    names = ", ".join(dict.fromkeys(model.name for model in models.values()))
    return LanguageMind(
        models,
        Accounts(names, settings.budgets, settings.prices),
        timeout=settings.timeout,
        tokens=settings.max_tokens,
        memory=MeansMemory(home / REMEMBERED),
        cancelled=cancelled,
    )


def hand_in(model: Any, settings: MindSettings, cancelled: Callable[[], bool] = lambda: False) -> LanguageMind:
    """A mind out of a LangChain BaseChatModel, under the budgets of the settings. Raises BadInput for anything else."""
    from langchain_core.language_models import BaseChatModel

    from kinograph.agents.language.accounts import Accounts
    from kinograph.agents.language.handed_in import HandedIn
    from kinograph.agents.language.mind import LanguageMind

    if not isinstance(model, BaseChatModel):
        raise BadInput(f"mind = {type(model).__name__!r} cannot think; give a Mind or a LangChain BaseChatModel")
    handed = HandedIn(model)
    return LanguageMind(
        {"": handed},
        Accounts(handed.name, settings.budgets, settings.prices),
        timeout=settings.timeout,
        tokens=settings.max_tokens,
        cancelled=cancelled,
    )
