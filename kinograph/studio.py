"""The Studio: the Python API. Opens productions, runs their graph, and hands back films.

from kinograph import Studio
film = Studio().make("A red ball rolls across a green meadow at sunset.")
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph.archive import Archive
from kinograph.errors import ProductionBusy
from kinograph.events import Event, Finished, Opened, Warned
from kinograph.film import Brief, Film, Take
from kinograph.folders import check_free, is_whole, sign
from kinograph.plain import name_for
from kinograph.settings import Settings
from kinograph.stage import Stage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from kinograph.agents.mind import Mind
    from kinograph.conversation import Conversation
    from kinograph.graphs.production import Carried
    from kinograph.memory.ledger import Record
    from kinograph.memory.sessions import Version
    from kinograph.tools.resources import Monitor


class Studio(Stage, Archive):
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
        super().__init__(settings or Settings.load(**arguments), monitor, mind)

    # ---------------------------------------------------------------------------------------- making

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
            sign(folder, id)
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
            sign(folder, id)
            yield Opened(id=id, folder=str(folder))
            yield from self._run(ledger, record, mind)

    def open(self, session: str | None = None, *, out: str | Path | None = None, **wishes: Any) -> Conversation:
        """A conversation: a new one, or the session of that id. Wishes are fields of the brief besides its text.

        `for event in studio.open().say("A red ball rolls across a meadow."): …` Raises UnknownName, BadInput or
        ProductionBusy.
        """
        from kinograph.conversation import Conversation

        return Conversation(self, session, out=out, **wishes)

    # -------------------------------------------------------------------------------------- going on

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
                if rebuild or (record.state == "finished" and not is_whole(ledger, record)):
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


def _film(events: Iterator[Event]) -> Film:
    film = None
    for event in events:
        film = event.film if isinstance(event, Finished) else film
    assert film is not None, "a production ends with Finished or raises"
    return film
