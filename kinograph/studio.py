"""The Studio: the Python API. Opens productions, runs their graph, and hands back films.

from kinograph import Studio
film = Studio().make("A red ball rolls across a green meadow at sunset.")
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kinograph import disk
from kinograph.errors import (
    BadInput,
    Cancelled,
    Damaged,
    KinographError,
    ProductionBusy,
    RenderFailed,
    StorageError,
    UnknownName,
    Unreachable,
)
from kinograph.events import Event, Finished, Opened, Warned
from kinograph.film import Brief, Decision, Film, Noun, Portrait, RenderRequest, Storyboard, Take, Trial, Usage
from kinograph.plain import checked_text, name_for
from kinograph.premises import Premises
from kinograph.settings import Settings, explain

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from kinograph.agents.mind import Mind
    from kinograph.conversation import Conversation
    from kinograph.graphs.production import Carried, Crew
    from kinograph.memory.ledger import Ledger, Record
    from kinograph.memory.remedies import Tally
    from kinograph.memory.seats import What
    from kinograph.memory.series import Known
    from kinograph.memory.sessions import Kept, Version
    from kinograph.soundtrack import Tracks
    from kinograph.timeline import Timeline
    from kinograph.tools.resources import Monitor


class Plan(Noun):
    """What a dry run shows."""

    decision: Decision
    storyboard: Storyboard
    requests: tuple[RenderRequest, ...]
    """First take of every shot."""
    seconds: float | None
    """Estimated wall time of one take of every shot; None when the card knows no pace."""


class Studio(Premises):
    """Makes films.

    `settings` (or the same fields as keyword arguments) come from kinograph.toml, KINOGRAPH_* and the
    arguments. `mind` answers for the agents: a Mind, a LangChain chat model, or several by role with the one
    for all others under "" and a vision model under "validator"; by default the one that the settings name, and
    without those each agent answers by its own rules. `monitor` tells how busy the machine is, instead of measuring.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        mind: Mind | BaseChatModel | Mapping[str, BaseChatModel] | None = None,
        monitor: Monitor | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(settings or Settings.load(**arguments), monitor)
        self._cancelled = threading.Event()
        self._stops: set[threading.Event] = set()
        """One for each production that runs."""
        self.given_mind = mind
        """As it was handed in; None where the settings name what answers."""

    # ------------------------------------------------------------------------------------ asking

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

    def plan(self, brief: Brief | str, mind: Mind | None = None) -> Plan:
        """Decides and plans, with a mind of its own or the one given; renders nothing and opens no production."""
        from kinograph.agents import hierarchy
        from kinograph.agents.generation import resolve
        from kinograph.agents.plan import plan_film
        from kinograph.agents.planner import Assignment, storyboard
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

    # ------------------------------------------------------------------------------------ making

    def make(self, brief: Brief | str, *, out: str | Path | None = None) -> Film:
        """Makes a film. Raises a KinographError; what was finished by then is kept for `resume`."""
        return _film(self.stream(brief, out=out))

    def stream(self, brief: Brief | str, *, out: str | Path | None = None) -> Generator[Event]:
        """Makes a film and yields what happens; the last event is Finished."""
        brief = self._checked(brief)
        self._cancelled.clear()
        mind = self.fresh_mind()
        decision = self._decide(brief, mind)
        self._known(brief)  # a series that cannot be compared with is told before anything is opened
        id = name_for(brief.text)
        folder = Path(out).expanduser().absolute() if out else (self.settings.films / id).absolute()
        check_free(folder)
        with self.owning(folder, id), self.ledger() as ledger:
            record = ledger.open_production(id, folder, brief, decision)
            disk.write(folder / ".kinograph" / "production.json", json.dumps({"id": id}))
            yield Opened(id=id, folder=str(folder))
            yield from self._run(ledger, record, mind)

    def shoot(
        self,
        id: str,
        folder: Path,
        version: Version,
        carried: Carried,
        takes: Sequence[Take] = (),
        mind: Mind | None = None,
    ) -> Generator[Event]:
        """Films a version of a conversation as production `id`, or goes on with it; events as in `stream`.

        Shots in `carried`, whose `takes` are recorded with the production, are not rendered. `mind` is the one that
        has thought about the version: what that cost is filed with the film. Raises BadStoryboard.
        """
        from kinograph.graphs.dependencies import tasks_of

        tasks_of(version.storyboard)
        self._cancelled.clear()
        with self.ledger() as ledger:
            begun = ledger.has_production(id)
        if begun:
            yield from self._go_on(id, mind=mind)
            return
        check_free(folder)
        papers = {"storyboard": version.storyboard, "carried": carried}
        with self.owning(folder, id), self.ledger() as ledger:
            record = ledger.open_production(id, folder, version.brief, version.decision, papers, takes)
            disk.write(folder / ".kinograph" / "production.json", json.dumps({"id": id}))
            yield Opened(id=id, folder=str(folder))
            yield from self._run(ledger, record, mind)

    def open(self, session: str | None = None, *, out: str | Path | None = None, **wishes: Any) -> Conversation:
        """A conversation: a new one, or the session of that id. Wishes are fields of the brief besides its text.

        `for event in studio.open().say("A red ball rolls across a meadow."): …` Raises UnknownName, BadInput or
        ProductionBusy.
        """
        from kinograph.conversation import Conversation

        return Conversation(self, session, out=out, **wishes)

    def decide(self, brief: Brief, mind: Mind | None = None) -> Decision:
        """How the orchestrator would make a film of this brief. Raises BadInput or UnknownName."""
        return self._decide(self._checked(brief), mind)

    def revision(self, model: str) -> str:
        """The revision of a model as it would render now."""
        return self._backend(model, Path()).revision

    def sessions(self) -> list[Kept]:
        """All conversations, the last touched first."""
        from kinograph.memory.sessions import Sessions

        if not (path := self.settings.home / "sessions.sqlite").exists():
            return []
        with closing(Sessions(path)) as sessions:
            return sessions.all()

    def resume(self, production: str | Path, *, rebuild: bool = False) -> Film:
        """Finishes a production named by its id or folder. Raises as `make` does."""
        return _film(self.resume_stream(production, rebuild=rebuild))

    def resume_stream(self, production: str | Path, *, rebuild: bool = False) -> Generator[Event]:
        """As `stream`, for a production that was begun before.

        `rebuild` sets the checkpoints aside and goes through all steps again; clips are taken from the
        vault, so nothing is rendered twice.
        """
        yield from self._go_on(production, rebuild=rebuild)

    def join(self, production: str | Path) -> Film:
        """As `resume`, but together with the process that is at it: lends it hands, and goes on if it dies."""
        return _film(self.join_stream(production))

    def join_stream(self, production: str | Path) -> Generator[Event]:
        """As `resume_stream`. While another process conducts the production this one renders for it.

        Raises Cancelled when the other one was told to stop, KinographError when it failed.
        """
        yield from self._go_on(production, join=True)

    def _go_on(
        self, production: str | Path, *, rebuild: bool = False, mind: Mind | None = None, join: bool = False
    ) -> Generator[Event]:
        from kinograph.graphs.running import checkpoints_of, set_aside

        self._cancelled.clear()
        with self.ledger() as ledger, ExitStack() as held:
            record = self._find(ledger, production)
            if join and not self._seated(held, record):
                yield Opened(id=record.id, folder=str(record.folder), resumed=True)
                film = yield from self._lend(ledger, record, lambda: self._seated(held, record))
                if film is not None:
                    yield Finished(film=film)
                    return
                yield Warned(words=f"whoever conducted {record.id} is gone; this process goes on with it")
            else:
                if not join:
                    held.enter_context(self.owning(record.folder, record.id))
                if rebuild or (record.state == "finished" and not _is_whole(ledger, record)):
                    set_aside(checkpoints_of(self.place, record.folder), record.id)
                yield Opened(id=record.id, folder=str(record.folder), resumed=True)
            yield from self._run(ledger, ledger.production(record.id), mind)

    def _seated(self, held: ExitStack, record: Record) -> bool:
        """Whether this process conducts from now on: nobody else did."""
        try:
            held.enter_context(self.owning(record.folder, record.id))
        except ProductionBusy:
            return False
        return True

    def _lend(self, ledger: Ledger, record: Record, free: Callable[[], bool]) -> Generator[Event, None, Film | None]:
        """Renders for whoever conducts until the film is there; None when they died over it."""
        from kinograph.agents.generation import Generation
        from kinograph.agents.glance import watching
        from kinograph.joining import lend
        from kinograph.memory.embedders import open_embedder

        decision = ledger.paper(record.id, "decision", Decision)
        assert decision is not None, "a production is opened with its decision"
        place = f"{record.id}+hands"
        backend = self._backend(decision.model, self.vault.scratch(place), ledger)
        if backend.revision != decision.revision:
            raise BadInput(
                f"{record.id} is made with {decision.model} of revision {decision.revision!r}, which is "
                f"{backend.revision!r} here; use the same version and the same [backends.{decision.model}]"
            )
        hands = decision.changed(workers=self.settings.workers or decision.workers).lanes
        generation = Generation(self.vault, ledger, self._pool(backend, decision), record.id)
        oversee = partial(watching, open_embedder(self.settings.embedder))
        with self._stoppable() as stop:
            try:
                yield from lend(ledger, record.id, generation, decision, hands, stop, free, oversee)
            finally:
                generation.close()
                self.vault.clear_scratch(place)
        state = ledger.production(record.id).state
        if state == "cancelled":
            raise Cancelled(f"stopped where it was conducted; continue with: kinograph resume {record.id}")
        if state == "failed":
            raise KinographError(f"{record.id} failed where it was conducted; try: kinograph resume {record.id}")
        return ledger.paper(record.id, "film", Film) if state == "finished" else None

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

    def cancel(self) -> None:
        """Asks a running `make`, `resume` or thought to stop; it raises Cancelled soon. Safe from signal handlers."""
        self._cancelled.set()
        for stop in tuple(self._stops):
            stop.set()

    def begin(self) -> None:
        """Forgets that something was asked to stop: something new begins."""
        self._cancelled.clear()

    # ----------------------------------------------------------------------------------- looking

    def productions(self) -> list[Record]:
        """Everything ever opened here, newest first."""
        with self.ledger() as ledger:
            return ledger.productions()

    def show(self, production: str | Path) -> Film | Record:
        """A finished film, or the record of a production that is not finished."""
        with self.ledger() as ledger:
            record = self._find(ledger, production)
            film = ledger.paper(record.id, "film", Film)
            return film.changed(folder=str(record.folder)) if film else record

    def tracks(self, production: str | Path) -> Tracks | None:
        """What is seen, said, read and played when in a film; None for one that has nothing but its picture."""
        from kinograph.soundtrack import Tracks

        with self.ledger() as ledger:
            return ledger.paper(self._find(ledger, production).id, "tracks", Tracks)

    def timeline(self, production: str | Path) -> Timeline:
        """How a production went, or goes. Raises BadInput for one of which that was not recorded, UnknownName."""
        from kinograph.timeline import timeline_of

        with self.ledger() as ledger:
            return timeline_of(ledger, self._find(ledger, production))

    def remedies(self, model: str | None = None) -> list[Tally]:
        """What has helped against findings, on one model or on all. Raises UnknownName."""
        from kinograph.tools.backends import card

        if model is not None:
            card(model)
        if isinstance(self.place, Path) and not self.place.is_file():
            return []  # asking must not create a ledger
        with self.ledger() as ledger:
            return ledger.remedies.tallies(model)

    def series(self, name: str) -> list[Known]:
        """What a series knows: pictures of its cast and places. Raises UnknownName."""
        from kinograph.memory.series import names

        found = self._looked_at(name)
        if not found:
            raise UnknownName("series", name, names(self.keyframes_file))
        return found

    def stand(self, production: str, brief: Brief) -> None:
        """Has a version be the one that counts: what it remembers, and nothing of other versions, is what the story
        leaves to its series; a version without a film leaves nothing."""
        with self.ledger() as ledger:
            film = ledger.paper(production, "film", Film)
        if film is not None:
            self._promote(film)
        elif brief.series is not None:
            with self._memory(production, brief) as (memory, _):
                memory.withdraw()

    def _promote(self, film: Film) -> None:
        if film.brief.series is not None:
            with self._memory(film.id, film.brief) as (memory, _):
                memory.recover(film)
                memory.promote(film)

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

    # --------------------------------------------------------------------------------- machinery

    def _checked(self, brief: Brief | str) -> Brief:
        return self.brief(brief) if isinstance(brief, str) else brief.changed(text=checked_text(brief.text))

    def _decide(self, brief: Brief, mind: Mind | None = None) -> Decision:
        from kinograph.agents.orchestrator import Commission, Orchestrator
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

    def _find(self, ledger: Ledger, production: str | Path) -> Record:
        """By id, or by folder: the folder knows its id even after it was moved."""
        card = Path(production).expanduser() / ".kinograph" / "production.json"
        with disk.storage(card):
            if not card.is_file():
                return ledger.production(str(production))
        try:
            id = json.loads(card.read_text())["id"]
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"{str(card)!r} is damaged; resume by id instead (kinograph show lists them)") from error
        folder = card.parent.parent.absolute()
        if ledger.production(id).folder != folder:
            ledger.move_production(id, folder)
        return ledger.production(id)

    @contextmanager
    def owning(self, folder: Path, id: str, what: What = "production") -> Iterator[None]:
        """Holds a production or a session for this process alone; the lock dies with the process."""
        from kinograph.memory.seats import seat

        with seat(self.place, folder, id, what, lost=self.cancel):
            yield

    @contextmanager
    def _crew(self, ledger: Ledger, record: Record, mind: Mind) -> Iterator[Crew]:
        from kinograph.agents.fusion import Fusion
        from kinograph.agents.generation import Generation
        from kinograph.agents.glance import open_glance
        from kinograph.agents.validator import Validator
        from kinograph.graphs.production import Crew
        from kinograph.joining import move_in
        from kinograph.tools.speech import open_voice

        vault, decision = self.vault, ledger.paper(record.id, "decision", Decision)
        assert decision is not None, "a production is opened with its decision"
        vault.clear_scratch(record.id)
        scratch = vault.scratch(record.id)
        pool = self._pool(self._backend(decision.model, scratch, ledger), decision)
        others = self._others(decision, scratch, ledger)
        generation = Generation(vault, ledger, pool, record.id, decision.lanes, others)
        try:
            with self._stoppable() as stop, self._memory(record.id, record.brief) as (memory, keyframes):
                crew = Crew(
                    id=record.id,
                    folder=record.folder,
                    brief=record.brief,
                    mind=mind,
                    ledger=ledger,
                    generation=generation,
                    memory=memory,
                    validator=Validator(vault, keyframes, self.settings.home / "thresholds"),
                    glance=open_glance(keyframes.embedder, self.settings.early_stop),
                    fusion=Fusion(vault, open_voice(self.settings.speech)),
                    floor=self._floor,
                    learn=self.settings.learn_corrections,
                    ablations=self.settings.ablations,
                    cancelled=stop,
                )
                keyframes.tell = lambda words: crew.tell(Warned(words=words))
                move_in(crew, vault, keyframes.shots() - keyframes.thinned())
                yield crew
        finally:
            generation.close()
            vault.clear_scratch(record.id)

    def _run(self, ledger: Ledger, record: Record, mind: Mind | None = None) -> Generator[Event]:
        """Runs the graph; `mind` is the one that has thought about this production before, else one anew."""
        from kinograph.graphs.running import run
        from kinograph.manifest import publish

        started, state = time.monotonic(), "failed"
        ledger.open_session(record.id)
        mind = mind or self.fresh_mind()
        _account(ledger, record, mind)
        try:
            with self._crew(ledger, record, mind) as crew:
                outcomes = yield from run(crew)
                film = publish(ledger, record, outcomes, record.seconds + time.monotonic() - started)
            self._promote(film)
            state = "finished"
            if record.state != "finished" and (trial := _trial(film, ledger)):
                ledger.record_trial(record.id, trial)
        except RenderFailed:
            if decision := ledger.paper(record.id, "decision", Decision):
                failed = Trial(strategy=decision.strategy, model=decision.model, succeeded=False)
                ledger.record_trial(record.id, failed)
            raise
        except Cancelled as error:
            state = "cancelled"
            raise Cancelled(f"stopped; continue with: kinograph resume {record.id}") from error
        except (KeyboardInterrupt, GeneratorExit):
            state = "cancelled"
            raise
        finally:
            ledger.close_session(record.id, state, time.monotonic() - started)
        if words := fallen_back(film.usage):
            yield Warned(words=words)
        yield from self._forget(ledger, film)
        yield Finished(film=film)

    def _forget(self, ledger: Ledger, film: Film) -> Iterator[Event]:
        """Keeps the memory bounded; a memory that cannot be written keeps no film from being finished."""
        from kinograph.forgetting import forget

        try:
            forgot = forget(self, ledger, film.id)
        except (StorageError, Damaged, Unreachable) as error:
            yield Warned(words=f"the memory is not bounded: {error}")
            return
        if forgot is not None:
            yield forgot


def _account(ledger: Ledger, record: Record, mind: Mind) -> None:
    """Has a language mind file what it costs with the production, beside what earlier sessions cost."""
    from kinograph.agents.language.mind import LanguageMind

    if isinstance(mind, LanguageMind):
        before = ledger.paper(record.id, "usage", Usage)
        mind.accounts.keep_in(lambda usage: ledger.file(record.id, "usage", usage), before)


def fallen_back(usage: Usage) -> str:
    """One line on which roles' rules answered in place of a language model, and why; empty when none had to."""
    counts = Counter((fallback.role, fallback.why) for fallback in usage.fallbacks)
    told = [f"{role}{f' ({times} times)' if times > 1 else ''}: {why}" for (role, why), times in counts.items()]
    more = f"; {len(told) - 4} more in the manifest" if len(told) > 4 else ""
    return f"rules answered where {usage.mind} did not: {'; '.join(told[:4])}{more}" if told else ""


def _trial(film: Film, ledger: Ledger) -> Trial | None:
    """What a film says of its strategy; None when nothing was rendered for it."""
    from kinograph.graphs.production import Carried

    carried = ledger.paper(film.id, "carried", Carried)
    kept = {one.shot for one in carried.shots} if carried else set()
    new = [t for t in film.takes if t.clip and not (t.reused or t.placeholder or t.shot in kept)]
    if not new:
        return None
    return Trial(
        strategy=film.decision.strategy,
        model=film.decision.model,
        succeeded=not film.missing and not film.placeholders,
        seconds=round(film.seconds / len(new), 3),
        quality=round(sum(take.verdict.quality if take.verdict else 0.0 for take in new) / len(new), 3),
    )


def _film(events: Iterator[Event]) -> Film:
    film = None
    for event in events:
        film = event.film if isinstance(event, Finished) else film
    assert film is not None, "a production ends with Finished or raises"
    return film


def estimate(requests: tuple[RenderRequest, ...], decision: Decision) -> float | None:
    """Seconds that one take of every shot will cost, by the card's pace and the size asked for."""
    from kinograph.tools.backends import card

    frames = sum(request.frames for request in requests)
    seconds = card(decision.model).seconds_for(frames, decision.width, decision.height)
    return None if seconds is None else seconds / decision.workers


def check_free(folder: Path) -> None:
    """Raises BadInput for a folder that holds anything but what a `make` leaves that was killed at its very start."""
    with disk.storage(folder):
        if (folder / ".kinograph" / "production.json").exists():
            raise BadInput(f"folder {str(folder)!r} already holds a production; finish it: kinograph resume {folder}")
        if folder.exists() and (not folder.is_dir() or any(entry.name != ".kinograph" for entry in folder.iterdir())):
            raise BadInput(f"folder {str(folder)!r} is not an empty folder; name a new one")


def _is_whole(ledger: Ledger, record: Record) -> bool:
    """Whether everything that a finished production leaves is still there and the film can be played."""
    from kinograph.tools.footage import frames_in

    film = ledger.paper(record.id, "film", Film)
    if film is None:
        return False
    read = ["film.srt", "film.vtt"] if film.brief.captions else []
    files = ["film.mp4", "contact_sheet.png", *read, *(f"shots/{cut.shot}.mp4" for cut in film.timeline)]
    if not all((record.folder / file).is_file() for file in files):
        return False
    return frames_in(record.folder / "film.mp4") == sum(round(c.seconds * film.decision.fps) for c in film.timeline)
