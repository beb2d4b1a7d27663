"""The Studio as the system under test: any settings, with a home of its own for each sample unless told otherwise."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph.errors import BadInput, Cancelled, KinographError
from kinograph.evals.log import Spent
from kinograph.evals.suites import Does, Sample
from kinograph.evals.systems import Footage, Made, MadeShot
from kinograph.events import Finished
from kinograph.film import Brief, Cut, Film, Storyboard, Take, Usage
from kinograph.settings import MindSettings, Settings
from kinograph.studio import Studio

if TYPE_CHECKING:
    from kinograph.agents.mind import Mind

WISHES = ("width", "height", "fps", "frames", "steps", "guidance", "aspect", "look", "seconds")
"""Fields of the brief that a system may set for all samples."""
UNTOLD = {"home", "films", "ledger", "ledger_password", "vault", "mind", "backends", "media", "ray"}
"""Settings that say where things are, or are told otherwise."""


class Crewed:
    """Films by a crew.

    With `fresh` every sample has a home of its own, empty, in its folder: nothing is reused from one to the next, the
    orchestrator's experience does not grow, and a run that is resumed has the numbers of one that was not stopped.
    """

    def __init__(
        self, settings: Settings, wishes: Mapping[str, Any] | None = None, *, mind: Any = None, fresh: bool = True
    ) -> None:
        self.settings = settings
        self.wishes = {name: value for name, value in (wishes or {}).items() if value is not None}
        for name in self.wishes:
            if name not in WISHES:
                raise BadInput(f"{name!r} is no wish of a system; available: {', '.join(WISHES)}")
        self._mind, self._fresh = mind, fresh
        self._running: set[Studio] = set()
        self._stopped = False

    @classmethod
    def of(cls, studio: Studio) -> Crewed:
        """The system that a Studio is, with its own home and mind: what its vault holds is reused."""
        return cls(studio.settings, mind=studio._given_mind, fresh=False)

    @classmethod
    def named(cls, names: Mapping[str, str], **arguments: Any) -> Crewed:
        """The system that `names()` told, with the settings at hand for all that those leave out. Raises BadSetting."""
        told = set(Settings.model_fields) - UNTOLD
        given: dict[str, Any] = {key: value for key, value in names.items() if key in told and value}
        if "backends" in names:
            given["backends"] = json.loads(names["backends"])
        settings = minded(Settings.load(**given), names.get("mind", ""))
        wishes = {key: value for key, value in names.items() if key in WISHES}
        return cls(settings, wishes, fresh=names.get("home") != "shared", **arguments)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_running": set()}

    def names(self) -> dict[str, str]:
        settings, mind = self.settings, self.settings.mind
        told = {"system": "studio", "model": settings.model or "", "topology": settings.topology or ""}
        told["mind"] = "given" if self._mind is not None else {"openai": "llm"}.get(mind.kind, mind.kind)
        if mind.kind == "openai" and self._mind is None:
            told |= {"mind.model": mind.model or "", "mind.models": json.dumps(mind.models, sort_keys=True)}
        plain = type(settings).model_fields
        for name in sorted(set(plain) - UNTOLD - set(told)):
            if (value := getattr(settings, name)) != plain[name].default:
                told[name] = str(value)
        if settings.backends:
            told["backends"] = json.dumps(settings.backends, sort_keys=True, default=str)
        told |= {name: str(value) for name, value in self.wishes.items()}
        return told if self._fresh else told | {"home": "shared"}

    def check(self, does: Does) -> None:
        from kinograph.agents.mind import Rules

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
                    return self._film(studio, _brief(studio, sample, wishes), folder)
                case "plan":
                    return self._plan(studio, _brief(studio, sample, wishes))
                case "chat":
                    from kinograph.evals.systems.conversing import converse

                    return converse(studio, sample, wishes, folder)
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
            return self._film(studio, _brief(studio, sample, wishes), folder)
        except Cancelled:
            raise
        except KinographError as error:
            return Made(error=f"{type(error).__name__}: {error}", spent=Spent(seconds=time.monotonic() - began))

    def _plan(self, studio: Studio, brief: Brief) -> Made:
        began, mind = time.monotonic(), studio.fresh_mind()
        plan = studio.plan(brief, mind)
        return Made(boards=(plan.storyboard,), spent=spent_on(usage_of(mind), seconds=time.monotonic() - began))

    def _film(self, studio: Studio, brief: Brief, folder: Path) -> Made:
        from kinograph.graphs.passed import passed
        from kinograph.graphs.running import checkpoints_of

        began, film = time.monotonic(), None
        for event in studio.stream(brief, out=folder / "film"):
            film = event.film if isinstance(event, Finished) else film
        assert film is not None, "a production ends with Finished or raises"
        seconds, place = time.monotonic() - began, Path(film.folder)
        return Made(
            shots=tuple(_shot(film, cut, film.storyboard) for cut in film.timeline),
            film=Path(film.path),
            sheet=place / "contact_sheet.png",
            boards=(film.storyboard,),
            spent=spent_on(film.usage, film.takes, seconds),
            path=passed(checkpoints_of(studio.place, place), film.id),
        )


def _brief(studio: Studio, sample: Sample, wishes: Mapping[str, Any]) -> Brief:
    wishes = dict(wishes)
    pictures = (*wishes.pop("references", ()), *sample.references)
    return studio.brief(sample.brief, references=tuple(pictures), **wishes)


def _shot(film: Film, cut: Cut, board: Storyboard) -> MadeShot:
    """A shot as it was cut; one that the film shows a card for has no footage, which no metric likes."""
    takes = [take for take in film.takes if take.shot == cut.shot and not take.placeholder]
    used = next((take for take in takes if take.request.digest == cut.clip and take.clip is not None), None)
    return MadeShot(
        shot=cut.shot,
        asked=board.shot(cut.shot).text,
        footage=None if used is None else _footage(used, cut),
        clip=Path(film.folder) / "shots" / f"{cut.shot}.mp4",
        accepted=used is not None and used.accepted,
        takes=len(takes),
        findings=tuple(words for take in takes for words in _found(take)),
    )


def _footage(take: Take, cut: Cut) -> Footage:
    from kinograph.tools.footage import load

    clip = take.clip
    assert clip is not None, "a take that is used has a clip"
    return Footage(lambda: load(clip)[cut.first_frame : cut.last_frame + 1], clip.fps)


def _found(take: Take) -> list[str]:
    if take.error:
        return [f"take {take.attempt}: {take.error}"]
    return [f"take {take.attempt}: {one.kind}: {one.words}" for one in (take.verdict.findings if take.verdict else ())]


def spent_on(usage: Usage, takes: Sequence[Take] = (), seconds: float = 0.0) -> Spent:
    """What thinking and these takes cost. A render that failed was a call of the generator; a reused clip is not."""
    real = [take for take in takes if not take.placeholder]
    return Spent(
        seconds=round(seconds, 3),
        renders=float(sum(not take.reused for take in real)),
        reused=sum(take.reused for take in real),
        calls=len(usage.calls),
        tokens=usage.prompt_tokens + usage.completion_tokens,
        money=usage.money,
    )


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
