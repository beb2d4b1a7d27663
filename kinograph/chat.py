"""The chat on a terminal or in a pipe: a face over a Conversation."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph.errors import GAVE_UP, BadInput, KinographError
from kinograph.events import Asked, Event, Finished, Proposed, Said, Stopped, Warned
from kinograph.telling import as_text, conceded, lacks
from kinograph.watching import Quiet, stopping, watching

if TYPE_CHECKING:
    from kinograph.conversation import Conversation


class Leave(Exception):
    """The user is done."""


Command = Callable[["Chat", str], None]
"""Does what is written after its name."""


PLAIN = ("help", "quit", "exit")
"""Commands that need no slash: nobody tells a story in one of these words."""


class Chat:
    """Reads turns and commands, shows what comes of them."""

    def __init__(
        self,
        conversation: Conversation,
        commands: Mapping[str, Command],
        *,
        yes: bool = False,
        as_json: bool = False,
    ) -> None:
        self.conversation = conversation
        self._commands = commands
        self.status = 0
        """Exit status of the first thing that could not be done."""
        self._yes = yes
        self._as_json = as_json
        self._pretty = sys.stdout.isatty() and not as_json

    def run(self, lines: Iterator[str]) -> None:
        """Answers every line until there are no more, or /quit."""
        if self.conversation.unfinished:
            self._note("a film was being made when this session ended; going on with it")
            self._play(self.conversation.go_on)
        for line in lines:
            if not (words := line.strip()):
                continue
            try:
                self._answer(words)
            except Leave:
                return
            except KinographError as error:
                self._note(" ".join(str(error).split()))
                self.status = self.status or error.exit_code

    def _answer(self, words: str) -> None:
        if words.startswith("/") or words.lower() in PLAIN:
            name, _, rest = words.removeprefix("/").partition(" ")
            command = self._commands.get(name.lower())
            if command is None:
                raise BadInput(
                    f"unknown command {words.split()[0]!r}; available: {', '.join('/' + one for one in self._commands)}"
                )
            command(self, rest.strip())
        else:
            self.say(words)

    def say(self, words: str) -> None:
        """A turn; with --yes a storyboard is approved at once."""
        if self._play(lambda: self.conversation.say(words)) and self._yes:
            self._play(lambda: self.conversation.say("yes"))

    def _play(self, start: Callable[[], Generator[Event]]) -> bool:
        """Shows the events of a turn; whether a storyboard waits for approval at its end."""
        waiting, film = False, None
        last: list[Event] = []
        with (
            stopping(self.conversation.cancel, "the session goes on"),
            watching(enabled=sys.stderr.isatty() and self._pretty) as bars,
        ):
            for event in start():
                waiting = isinstance(event, Proposed) and event.film is None
                film = event if isinstance(event, Finished) else film
                if self._as_json:
                    print(json.dumps({"event": type(event).__name__} | event.model_dump(mode="json")), flush=True)
                elif isinstance(event, (Said, Asked, Stopped, Proposed)):
                    last.append(event)  # under the bars, which are drawn once more when they end
                else:
                    self._show(event, bars)
        for event in last:
            self._show(event, Quiet())
        if film is not None:
            self.status = self.status or (GAVE_UP if film.film.given_up else 0)
            if not self._as_json:
                self._filmed(film)
        return waiting

    def _show(self, event: Event, bars: Quiet) -> None:
        if isinstance(event, (Said, Asked, Stopped)):
            self.tell(event.words)
        elif isinstance(event, Proposed):
            self.propose(event)
        elif isinstance(event, Warned):
            bars.say(f"kinograph: {event.words}")
        else:
            bars.show(event)

    def propose(self, event: Proposed) -> None:
        from kinograph import pages

        self.tell(pages.proposal(event) if self._pretty else as_text(event))

    def _filmed(self, event: Finished) -> None:
        film = event.film
        sheet = Path(film.folder) / "contact_sheet.png"
        if self._pretty:
            from kinograph.pages import console
            from kinograph.preview import picture

            screen = console()
            if (drawn := picture(sheet, screen)) is not None:
                screen.print(drawn)
        self.tell(f"film           {film.path}\ncontact sheet  {sheet}\nseed           {film.brief.seed}")
        if film.given_up:
            self.tell("\n".join([f"{lacks(film)}:", *(f"  {conceded(one)}" for one in film.given_up)]))

    def tell(self, what: Any) -> None:
        """Words or a table on standard output."""
        if self._as_json:
            from kinograph.pages import plain

            words = what if isinstance(what, str) else plain(what)
            print(json.dumps({"event": "Told", "words": words}), flush=True)
        elif isinstance(what, str) and not self._pretty:
            print(what, flush=True)
        else:
            from kinograph.pages import console

            console().print(what, markup=False, highlight=False, soft_wrap=isinstance(what, str))

    @staticmethod
    def _note(words: str) -> None:
        print(f"kinograph: {words}", file=sys.stderr, flush=True)
