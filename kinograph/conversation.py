"""A conversation about a film: words in, typed events out.

for event in Studio().open().say("A red ball rolls across a meadow."):
    print(event)
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph import disk
from kinograph.agents.mind import Rules
from kinograph.errors import BadInput
from kinograph.events import Event
from kinograph.film import digest_of
from kinograph.folders import check_free
from kinograph.graphs.conversation import Thread, thread
from kinograph.graphs.running import checkpoints_of
from kinograph.memory.sessions import Session as Record
from kinograph.memory.sessions import Sessions, Version
from kinograph.session import Session

if TYPE_CHECKING:
    from types import TracebackType

    from kinograph.studio import Studio


class Conversation:
    """One session and its graph, held by this process until `close`. Also a context manager.

    `said` is what was said; `say` yields Asked, Said, Proposed, Stopped and, while a film is made, the events of a
    production. A storyboard waits for approval: say "yes" to render it, or what should be different.
    """

    def __init__(self, studio: Studio, id: str | None = None, *, out: str | Path | None = None, **wishes: Any) -> None:
        self.studio = studio
        self._open = ExitStack()
        self._store = Sessions(studio.settings.home / "sessions.sqlite")
        self._open.callback(self._store.close)
        self._out = out
        self._wishes: dict[str, Any] = {}
        self._references: tuple[str, ...] = ()
        self.session: Session | None = None
        """None until something is said."""
        self._thread: Thread | None = None
        try:
            if id is not None:
                self._hold(self._store.session(id))
            else:
                # A wish that cannot be is told before anything is planned; pictures are kept in the vault from here.
                references = wishes.pop("references", ())
                asked = studio.brief("a film", references=references, **wishes)
                studio.decide(asked, Rules())
                self._wishes = {name: value for name, value in wishes.items() if value is not None}
                self._references = asked.references
        except BaseException:
            self._open.close()
            raise

    @property
    def id(self) -> str | None:
        """The session's id; None until something is said."""
        return self.session.record.id if self.session else None

    @property
    def mind(self) -> str:
        """What the agents think with."""
        return self.studio.mind.name

    @property
    def unfinished(self) -> bool:
        """A film was being made when the process ended; `go_on` finishes it."""
        return self._thread is not None and self._thread.filming

    @property
    def at(self) -> Session:
        """The session. Raises BadInput before anything was said."""
        if self.session is None:
            raise BadInput("nothing was said yet; say what is to be filmed")
        return self.session

    def say(self, words: str) -> Generator[Event]:
        """A turn of the conversation. Raises a KinographError only for what stops the session itself."""
        from kinograph.plain import checked_text, name_for

        if self._thread is None:
            id = name_for(checked_text(words))
            folder = (
                Path(self._out).expanduser().absolute() if self._out else (self.studio.settings.films / id).absolute()
            )
            self._begin(id, folder)
        assert self._thread is not None, "a session has its thread"
        self.studio.begin()
        yield from self._thread.say(words)

    def go_on(self) -> Generator[Event]:
        """Finishes the film that a kill interrupted."""
        if self._thread is not None and self._thread.filming:
            yield from self._thread.go_on()

    def cancel(self) -> None:
        """Stops the film that is being made; the session goes on. Safe from signal handlers."""
        self.studio.cancel()

    def export(self, path: str | Path) -> list[Path]:
        """Copies the head's film to `path`: to a file that ends in .mp4, or with sheet and manifest into a folder.

        Raises BadInput when there is no film yet, or something is there already.
        """
        film = self.at.film_of(self.at.head)
        if film is None:
            raise BadInput(f"version {self.at.head.number} is not filmed yet; say yes to render it")
        to = Path(path).expanduser().absolute()
        if to.suffix == ".mp4":
            pairs = [(Path(film.path), to)]
        else:
            names = ("film.mp4", "contact_sheet.png", "manifest.json")
            pairs = [(Path(film.folder) / name, to / name) for name in names]
        for _, target in pairs:
            with disk.storage(target):
                if target.exists():
                    raise BadInput(f"{str(target)!r} exists already; name another place")
        for source, target in pairs:
            with disk.replacing(target) as draft:
                shutil.copyfile(source, draft)
        return [target for _, target in pairs]

    def save(self, name: str) -> Version:
        """Names the version at hand. Raises BadInput."""
        return self.at.rename(name)

    # ------------------------------------------------------------------------------------ machinery

    def _begin(self, id: str, folder: Path) -> None:
        check_free(folder)
        if (folder / ".kinograph" / "session.json").exists():
            raise BadInput(f"folder {str(folder)!r} already holds a session; name a new one, or resume that one")
        record = Record(id=id, folder=str(folder), wishes=self._wishes, references=self._references)
        self._hold(record)
        self._store.keep(record)

    def _hold(self, record: Record) -> None:
        folder = Path(record.folder)
        self._open.enter_context(self.studio.owning(folder, record.id, "session"))
        disk.write(folder / ".kinograph" / "session.json", json.dumps({"id": record.id, "pid": os.getpid()}))
        self.session = Session(self.studio, self._store, record)
        self._thread = self._open.enter_context(
            thread(checkpoints_of(self.studio.place, folder, "conversation"), record.id, self.session)
        )

    def close(self) -> None:
        """Lets go of the session."""
        self._open.close()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def session_of(studio: Studio, thread_id: str) -> Iterator[Session]:
    """The session of a thread that somebody else keeps the checkpoints of; begun if there is none."""
    id = (
        thread_id
        if thread_id.replace("-", "").isalnum() and len(thread_id) <= 60
        else digest_of(thread_id.encode())[:16]
    )
    with closing(Sessions(studio.settings.home / "sessions.sqlite")) as store:
        if store.has(id):
            record = store.session(id)
        else:
            record = Record(id=id, folder=str((studio.settings.films / id).absolute()))
        with studio.owning(Path(record.folder), id, "session"):
            yield Session(studio, store, record)
