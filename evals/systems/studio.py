"""The Studio as the system under test: any settings, with a home of its own for each sample unless told otherwise."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from kinograph.errors import BadInput, Cancelled, KinographError
from kinograph.evals.log import Spent
from kinograph.evals.suites import Does, Sample
from kinograph.evals.systems import Made
from kinograph.events import Finished
from kinograph.film import Brief, Usage
from kinograph.settings import MindSettings, Settings
from kinograph.studio import Studio

if TYPE_CHECKING:
    from kinograph.agents.mind import Mind

WISHES = ("width", "height", "fps", "frames", "steps", "guidance", "aspect", "look", "seconds")
"""Fields of the brief that a system may set for all samples."""
UNTOLD = {"home", "films", "ledger", "ledger_password", "vault", "mind", "backends", "media", "ray"}
"""Settings that say where things are, or are told otherwise."""

RENDERED = "rendered"
"""Name of the setting that conversations are made films of."""


class Crewed:
    """Films by a crew.

    With `fresh` every sample has a home of its own, empty, in its folder: nothing is reused from one to the next, the
    orchestrator's experience does not grow, and a run that is resumed has the numbers of one that was not stopped.
    `rendered`: in a conversation every storyboard is approved and made a film of. `named` is told besides the settings.
    """

    def __init__(
        self,
        settings: Settings,
        wishes: Mapping[str, Any] | None = None,
        *,
        mind: Any = None,
        fresh: bool = True,
        rendered: bool = False,
        named: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self.wishes = {name: value for name, value in (wishes or {}).items() if value is not None}
        for name in self.wishes:
            if name not in WISHES:
                raise BadInput(f"{name!r} is no wish of a system; available: {', '.join(WISHES)}")
        self._mind, self._fresh, self._rendered, self._named = mind, fresh, rendered, dict(named or {})
        self._running: set[Studio] = set()
        self._stopped = False

    @classmethod
    def of(cls, studio: Studio) -> Crewed:
        """The system that a Studio is, with its own home and mind: what its vault holds is reused."""
        return cls(studio.settings, mind=studio.given_mind, fresh=False)

    @classmethod
    def named(cls, names: Mapping[str, str], **arguments: Any) -> Crewed:
        """The system that `names()` told, with the settings at hand for all that those leave out. Raises BadSetting."""
        told = set(Settings.model_fields) - UNTOLD
        given: dict[str, Any] = {key: value for key, value in names.items() if key in told and value}
        for key, value in names.items():
            table, dot, field = key.partition(".")
            if dot and table in told:
                given.setdefault(table, {})[field] = value
        if "backends" in names:
            given["backends"] = json.loads(names["backends"])
        settings = minded(Settings.load(**given), names.get("mind", ""))
        wishes = {key: value for key, value in names.items() if key in WISHES}
        return cls(settings, wishes, fresh=names.get("home") != "shared", rendered=RENDERED in names, **arguments)

    def limited(self, renders: int) -> Crewed:
        """The same, but of every film exactly so many takes are made."""
        ablations = self.settings.ablations.model_copy(update={"renders": renders})
        made = copy(self)
        made.settings = self.settings.model_copy(update={"ablations": ablations})
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_running": set()}

    def names(self) -> dict[str, str]:
        settings, mind = self.settings, self.settings.mind
        told = {"system": "studio", **self._named, "model": settings.model or "", "topology": settings.topology or ""}
        told["mind"] = "given" if self._mind is not None else {"openai": "llm"}.get(mind.kind, mind.kind)
        if mind.kind == "openai" and self._mind is None:
            told |= {"mind.model": mind.model or "", "mind.models": json.dumps(mind.models, sort_keys=True)}
        plain = type(settings).model_fields
        for name in sorted(set(plain) - UNTOLD - set(told)):
            value = getattr(settings, name)
            if isinstance(value, BaseModel):
                changed = value.model_dump(mode="json", exclude_defaults=True)
                told |= {f"{name}.{field}": str(one) for field, one in changed.items()}
            elif value != plain[name].default:
                told[name] = str(value)
        if settings.backends:
            told["backends"] = json.dumps(settings.backends, sort_keys=True, default=str)
        told |= {name: str(value) for name, value in self.wishes.items()}
        told |= {RENDERED: "yes"} if self._rendered else {}
        return told if self._fresh else told | {"home": "shared"}

    def check(self, does: Does) -> None:
        from kinograph.agents.mind import Rules

        if self._rendered and does != "chat":
            raise BadInput(f"only conversations are rendered on request, and this suite has a system {does}")
        studio = Studio(self.settings, mind=self._mind)
        studio.decide(studio.brief("a film", **self.wishes), Rules())

    def cancel(self) -> None:
        self._stopped = True
        for studio in tuple(self._running):
            studio.cancel()

    def make(self, sample: Sample, seed: int, folder: Path, does: Does) -> Made:
        with self._opened(folder) as studio:
            wishes = self.wishes | {"seed": seed} | sample.wishes
            match does:
                case "film":
                    return self._film(studio, sample, wishes, folder)
                case "plan":
                    return self._plan(studio, _brief(studio, sample, wishes))
                case "chat":
                    from kinograph.evals.systems.conversing import converse

                    return converse(studio, sample, wishes, folder, self._rendered)
                case "dare":
                    return self._dared(studio, sample, wishes, folder)

    @contextmanager
    def _opened(self, folder: Path) -> Iterator[Studio]:
        home = folder.absolute() / "home"
        own = {"home": home, "films": folder.absolute() / "films"} if self._fresh else {}
        studio = Studio(self.settings.model_copy(update=own), mind=self._mind)
        self._running.add(studio)
        try:
            if self._stopped:
                raise Cancelled("stopped")
            yield studio
        finally:
            self._running.discard(studio)

    def _dared(self, studio: Studio, sample: Sample, wishes: Mapping[str, Any], folder: Path) -> Made:
        began = time.monotonic()
        try:
            return self._film(studio, sample, wishes, folder)
        except Cancelled:
            raise
        except KinographError as error:
            return Made(error=f"{type(error).__name__}: {error}", spent=Spent(seconds=time.monotonic() - began))

    def _plan(self, studio: Studio, brief: Brief) -> Made:
        from kinograph.evals.systems.filmed import spent_on

        began, mind = time.monotonic(), studio.fresh_mind()
        plan = studio.plan(brief, mind)
        return Made(boards=(plan.storyboard,), spent=spent_on(usage_of(mind), seconds=time.monotonic() - began))

    def _film(self, studio: Studio, sample: Sample, wishes: Mapping[str, Any], folder: Path) -> Made:
        from kinograph.evals.systems.filmed import filmed

        began, film = time.monotonic(), None
        for event in studio.stream(_brief(studio, sample, wishes), out=folder / "film"):
            film = event.film if isinstance(event, Finished) else film
        assert film is not None, "a production ends with Finished or raises"
        return filmed(studio, film, time.monotonic() - began, len(sample.shots))


def _brief(studio: Studio, sample: Sample, wishes: Mapping[str, Any]) -> Brief:
    wishes = dict(wishes)
    pictures = (*wishes.pop("references", ()), *sample.references)
    return studio.brief(sample.brief, references=tuple(pictures), **wishes)


def usage_of(mind: Mind) -> Usage:
    """What a mind has cost; nothing for rules."""
    from kinograph.agents.language.mind import LanguageMind

    return mind.accounts.usage if isinstance(mind, LanguageMind) else Usage()


def minded(settings: Settings, mind: str) -> Settings:
    """The settings with agents that think by "rules" or with the "llm" that they name. Raises BadInput."""
    if mind == "rules":
        return settings.model_copy(update={"mind": MindSettings()})
    if mind == "llm" and settings.mind.kind != "openai":
        raise BadInput("mind llm needs a model: set mind.kind = 'openai' and mind.model, or KINOGRAPH_MIND__MODEL")
    if mind not in ("", "llm"):
        raise BadInput(f"unknown mind {mind!r}; available: rules, llm")
    return settings
