"""Thinking with language models.

mind         asks a chat model on an agent's behalf: prompt -> draft -> checks, repairs -> answer
replies      what is said to a chat model and what comes back: `ChatModel`
connection   chat models behind a server that speaks OpenAI's protocol
gathering    questions that wait at the same time share a call
handed_in    LangChain chat models that the caller hands in
drafts       schemas, and what a model wrote read as data
means        by which means each model gives typed answers
tooling      tool calls
accounts     usage, prices, budgets
loop         the event loop that requests run on
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph import prompts
from kinograph.agents.mind import Mind, Rules
from kinograph.errors import BadInput, UnknownName
from kinograph.settings import MindSettings

if TYPE_CHECKING:
    from kinograph.agents.language.mind import LanguageMind

REMEMBERED = "means.json"
"""File in the home folder that remembers by which means each model answers."""


def open_mind(settings: MindSettings, home: Path, cancelled: Callable[[], bool] = lambda: False) -> Mind:
    """The mind that settings ask for. Connects to nothing yet. Raises UnknownName for a role that there is not."""
    for role in settings.models:
        if role not in prompts.roles():
            raise UnknownName("role in mind.models", role, prompts.roles())
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


def hand_in(given: Any, settings: MindSettings, cancelled: Callable[[], bool] = lambda: False) -> LanguageMind:
    """A mind out of a LangChain BaseChatModel, or of several by role ("" for all others), under the settings' budgets.

    Raises BadInput for anything else, UnknownName for a role that there is not.
    """
    from langchain_core.language_models import BaseChatModel

    from kinograph.agents.language.accounts import Accounts
    from kinograph.agents.language.handed_in import HandedIn
    from kinograph.agents.language.mind import LanguageMind

    models = dict(given) if isinstance(given, Mapping) else {"": given}
    if strangers := models.keys() - {"", *prompts.roles()}:
        raise UnknownName("role", str(min(strangers)), prompts.roles())
    for model in models.values():
        if not isinstance(model, BaseChatModel):
            raise BadInput(f"mind = {type(model).__name__!r} cannot think; give a Mind or a LangChain BaseChatModel")
    handed = {role: HandedIn(model) for role, model in models.items()}
    names = ", ".join(dict.fromkeys(model.name for model in handed.values()))
    return LanguageMind(
        handed,
        Accounts(names, settings.budgets, settings.prices),
        timeout=settings.timeout,
        tokens=settings.max_tokens,
        cancelled=cancelled,
    )
