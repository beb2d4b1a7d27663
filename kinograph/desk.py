"""The desk: what is asked for is checked, decided and planned, before anything is opened or rendered."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kinograph.errors import BadInput
from kinograph.film import Brief, Decision, Noun, Portrait, RenderRequest, Storyboard, Usage
from kinograph.plain import checked_text
from kinograph.premises import Premises
from kinograph.settings import Settings, explain

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from kinograph.agents.mind import Mind
    from kinograph.tools.resources import Monitor


class Plan(Noun):
    """What a dry run shows."""

    decision: Decision
    storyboard: Storyboard
    requests: tuple[RenderRequest, ...]
    """First take of every shot."""
    seconds: float | None
    """Estimated wall time of one take of every shot; None when the card knows no pace."""


class Desk(Premises):
    """Briefs, minds and decisions; a thought can be stopped like a render."""

    def __init__(
        self,
        settings: Settings,
        monitor: Monitor | None = None,
        mind: Mind | BaseChatModel | Mapping[str, BaseChatModel] | None = None,
    ) -> None:
        super().__init__(settings, monitor)
        self._cancelled = threading.Event()
        self._stops: set[threading.Event] = set()
        """One for each production that runs."""
        self.given_mind = mind
        """As it was handed in; None where the settings name what answers."""

    # ---------------------------------------------------------------------------------------- asking

    def brief(
        self,
        text: str,
        *,
        references: tuple[str | Path, ...] = (),
        music: str | Path | None = None,
        cast: Mapping[str, str | Path] | Sequence[tuple[str, str | Path]] = (),
        **wishes: Any,
    ) -> Brief:
        """A checked brief; `references` and `music` are files, further wishes are Brief's fields. `cast` says how some
        of the film's people and things look: {"cat": "cat.png"}.

        Raises BadBrief, BadInput or BadReference.
        """
        text = checked_text(text)
        given = {
            "model": self.settings.model,
            "topology": self.settings.topology,
            "takes": self.settings.takes,
            "fallback": self.settings.fallback,
            "series": self.settings.series,
        }
        given.update({key: value for key, value in wishes.items() if value is not None})
        try:
            brief = Brief(text=text, **given)
        except ValidationError as error:
            raise BadInput(explain(error)) from error
        if references:
            brief = brief.changed(references=self._references(references))
        if cast:
            brief = self._portrayed(brief, tuple(cast.items()) if isinstance(cast, Mapping) else tuple(cast))
        return brief.changed(music=self._music(Path(music))) if music is not None else brief

    def _portrayed(self, brief: Brief, cast: Sequence[tuple[str, str | Path]]) -> Brief:
        pictures = self._references(tuple(picture for _, picture in cast))
        try:
            named = (" ".join(name.split()) for name, _ in cast)
            shown = [Portrait(name=name, picture=one) for name, one in zip(named, pictures, strict=True)]
            return brief.changed(cast=tuple(shown))
        except ValidationError as error:
            raise BadInput(explain(error)) from error

    def _music(self, path: Path) -> str:
        from kinograph.tools.sound import import_music

        return self.vault.keep_sound(import_music(path.expanduser()))

    def _references(self, paths: tuple[str | Path, ...]) -> tuple[str, ...]:
        from kinograph.tools.footage import import_reference

        pictures = [import_reference(Path(path)) for path in paths]
        return tuple(self.vault.keep_picture(picture) for picture in pictures)

    def _checked(self, brief: Brief | str) -> Brief:
        return self.brief(brief) if isinstance(brief, str) else brief.changed(text=checked_text(brief.text))

    # -------------------------------------------------------------------------------------- deciding

    def plan(self, brief: Brief | str, mind: Mind | None = None) -> Plan:
        """Decides and plans, with a mind of its own or the one given; renders nothing and opens no production."""
        from kinograph.agents import hierarchy
        from kinograph.agents.outline import Assignment
        from kinograph.agents.plan import plan_film
        from kinograph.agents.requesting import resolve
        from kinograph.agents.storyboarding import storyboard
        from kinograph.tools.backends import card

        brief = self._checked(brief)
        mind = mind or self.fresh_mind()
        decision = self._decide(brief, mind)
        model = card(decision.model)
        known = self._known(brief)
        remembered = hierarchy.context(hierarchy.notes_of_series(known), hierarchy.Budget()).told()
        asked = Assignment(brief=brief, max_subjects=model.max_subjects, remembered=tuple(remembered))
        outline, plan = plan_film(mind, asked, decision.topology)
        board = storyboard(outline, plan.places, plan.moves, plan.look, decision.seconds, decision.shot_seconds)
        board = hierarchy.recognised(board, known)
        requests = tuple(resolve(shot, board, decision, brief, model) for shot in board.shots)
        return Plan(decision=decision, storyboard=board, requests=requests, seconds=estimate(requests, decision))

    def decide(self, brief: Brief, mind: Mind | None = None) -> Decision:
        """How the orchestrator would make a film of this brief. Raises BadInput or UnknownName."""
        return self._decide(self._checked(brief), mind)

    def _decide(self, brief: Brief, mind: Mind | None = None) -> Decision:
        from kinograph.agents.commission import Commission
        from kinograph.agents.orchestrator import Orchestrator
        from kinograph.graphs import TOPOLOGIES
        from kinograph.graphs.boundaries import critical
        from kinograph.tools.backends import ready
        from kinograph.tools.speech import open_voice

        settings = self.settings
        if brief.narrate:
            open_voice(settings.speech).check(brief.language)
        commission = Commission(
            brief=brief,
            machine=self.monitor.machine,
            ready=ready(settings.backends),
            load=self.monitor.snapshot(),
            topologies=tuple(TOPOLOGIES),
            workers=settings.workers,
            batch=settings.batch,
            strategy=settings.strategy,
            pool=settings.pool,
            offline=settings.offline,
            media=settings.media is not None,
            stock=self._stock(brief),
            **self._history(),
        )
        thinking = mind or self.mind
        decision = critical("the decision (orchestrator)", lambda: thinking.think(Orchestrator(), commission))
        candidates = min(settings.candidates, decision.takes)
        return decision.changed(revision=self._backend(decision.model, Path()).revision, candidates=candidates)

    def revision(self, model: str) -> str:
        """The revision of a model as it would render now."""
        return self._backend(model, Path()).revision

    # -------------------------------------------------------------------------------------- thinking

    @cached_property
    def mind(self) -> Mind:
        """What answers for the agents. Raises BadInput for something that cannot."""
        from kinograph.agents.language import hand_in, open_mind
        from kinograph.agents.mind import Mind

        given, cancelled = self.given_mind, self._cancelled.is_set
        if given is None:
            return open_mind(self.settings.mind, self.settings.home, cancelled)
        return given if isinstance(given, Mind) else hand_in(given, self.settings.mind, cancelled)

    def fresh_mind(self, usage: Usage | None = None) -> Mind:
        """The mind with accounts of its own, for one production; `usage` is what it has cost that already."""
        from kinograph.agents.language.accounts import Accounts
        from kinograph.agents.language.mind import LanguageMind

        if not isinstance(self.mind, LanguageMind):
            return self.mind
        settings = self.settings.mind
        return self.mind.anew(Accounts(self.mind.name, settings.budgets, settings.prices, usage))

    # -------------------------------------------------------------------------------------- stopping

    def cancel(self) -> None:
        """Asks a running `make`, `resume` or thought to stop; it raises Cancelled soon. Safe from signal handlers."""
        self._cancelled.set()
        for stop in tuple(self._stops):
            stop.set()

    def begin(self) -> None:
        """Forgets that something was asked to stop: something new begins."""
        self._cancelled.clear()

    @contextmanager
    def _stoppable(self) -> Iterator[threading.Event]:
        """Set by `cancel`, from the beginning if that was called before."""
        stop = threading.Event()
        self._stops.add(stop)
        if self._cancelled.is_set():
            stop.set()
        try:
            yield stop
        finally:
            self._stops.discard(stop)


def estimate(requests: tuple[RenderRequest, ...], decision: Decision) -> float | None:
    """Seconds that one take of every shot will cost, by the card's pace and the size asked for."""
    from kinograph.tools.backends import card

    frames = sum(request.frames for request in requests)
    seconds = card(decision.model).seconds_for(frames, decision.width, decision.height)
    return None if seconds is None else seconds / decision.workers
