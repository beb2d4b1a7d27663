"""Looking at a render under way, and having it end where nothing good comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from kinograph.film import Finding
from kinograph.tools.backends import Preview, Progress, Watched


class Oversight(Protocol):
    """Whoever looks at a render under way and may have it ended."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the denoising, after each of which a look is wanted."""
        ...

    def against(self, preview: Preview) -> tuple[Finding, ...]:
        """What makes it hopeless; nothing lets it go on."""
        ...

    @property
    def question(self) -> str:
        """All that another process needs to look in its place; empty where only this one can."""
        ...


class Stopping:
    """A render's progress, which its oversight hears too and may have end."""

    def __init__(
        self,
        on_progress: Callable[[float], None],
        oversight: Oversight | None,
        freed: Sequence[Callable[[], None]] = (),
    ) -> None:
        """`freed` are called, in order, where the model is free before the clip is there."""
        self._tell, self._oversight, self._then = on_progress, oversight, freed
        self.findings: tuple[Finding, ...] = ()
        self.share = 0.0
        """How far the render is, as far as is known."""

    @property
    def asked(self) -> bool:
        """Whether the render is to end."""
        return bool(self.findings)

    @property
    def watched(self) -> Progress:
        shares = self._oversight.shares if self._oversight else ()
        return Watched(self._heard, shares, self._see, self._freed)

    def _freed(self) -> None:
        for one in self._then:
            one()

    def _heard(self, _: int, share: float) -> None:
        self.share = max(self.share, share)
        self._tell(share)

    def _see(self, _: int, preview: Preview) -> None:
        self.share = max(self.share, preview.share)
        if self._oversight is not None and not self.asked:
            self.findings = self._oversight.against(preview)
