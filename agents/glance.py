"""The early judge: glances at what a render is coming to and ends it when nothing good can come of it any more.

It sees a few small frames, some of them not yet sharp, so it judges only what is gross and certain: nothing there,
somebody of another colour or kind, or in another colour than remembered, another place. How sure it must be was
measured (`evals/bench/early_stop.py`), per model, and stands in `glance.json` with what it cost there in good takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from pydantic import Field, ValidationError

from kinograph.agents import symptoms
from kinograph.agents.looks import Look, calibration
from kinograph.agents.symptoms import Lead
from kinograph.agents.verdicts import Offer, Viewing
from kinograph.errors import Damaged
from kinograph.film import Character, Clip, Finding, FindingKind, Noun, RenderRequest
from kinograph.memory.embedders import Embedder, JointEmbedder
from kinograph.tools import colors, defects, eyes, palettes
from kinograph.tools.backends import Preview
from kinograph.tools.footage import load_picture
from kinograph.tools.silhouettes import likeness

DARK = 10.0
"""The 99.5th percentile of luma below which a picture shows nothing."""
GRAIN = 40.0
"""Mean absolute Laplacian of a small grey picture from which it is noise: pictures have a tenth of that."""
FLAT = 3.0
"""Levels of grey that a picture's standard deviation has at least, unless it shows nothing at all."""
HUES = (13.0, 40.0)
"""Degrees of hue off the colour asked for, between which doubt grows from 0 to 1."""
STRAYS = (16.0, 48.0)
"""Degrees of hue off how somebody is remembered, likewise."""
PLACES = (0.25, 1.25)
"""Excess of a palette, as `palettes.compare` gives it, likewise."""
KINDS_APART = (0.5, 4.5)
"""Steps by which another kind fits better, by silhouette and name, likewise."""
ABSENT = 0.9
"""Doubt where a subject is in none of the frames: it may yet come into the picture."""
Hues = Mapping[str, tuple[float, ...]]
"""CIELAB hues in degrees that somebody is remembered with, by the character's id."""
NOBODY: Hues = MappingProxyType({})


class Doubt(NamedTuple):
    """Something that may be wrong."""

    sure: float
    """How sure that is, 0..1."""
    finding: Finding


class Glimpse(NamedTuple):
    """What a glance comes to."""

    doubts: tuple[Doubt, ...]
    """The surest first."""

    @property
    def hopeless(self) -> float:
        """How hopeless the take is, 0..1: as sure as the surest doubt."""
        return self.doubts[0].sure if self.doubts else 0.0


def unfinished(request: RenderRequest) -> Clip:
    """Stands for the clip of a request that is being rendered, where a judge is asked about it: there is no file."""
    size = {"frames": request.frames, "fps": request.fps, "width": request.width, "height": request.height}
    named = {"request": request.digest, "model": request.model, "revision": request.revision}
    return Clip.model_validate({"path": "", "pixels": "", "render_seconds": 0.0} | size | named)


def open_glance(embedder: Embedder, asked: bool | None, picture: Callable[[str], Path]) -> Glance | None:
    """The early judge; None where the setting `early_stop` forbids it. `picture` finds pictures by digest."""
    return None if asked is False else Glance(embedder, asked, picture)


class Glance:
    """Judges previews by measuring them. May be used from many threads."""

    def __init__(
        self, embedder: Embedder, asked: bool | None = None, picture: Callable[[str], Path] | None = None
    ) -> None:
        """The embedder tells kinds apart where it reads words; without `picture` no remembered pictures are seen."""
        self._embedder = embedder
        self._asked = asked
        self._picture = picture
        self._names: dict[str, np.ndarray] = {}
        """What the embedder makes of the names of all kinds, by colour."""

    @property
    def embedder(self) -> str:
        """The name of what it sees with."""
        return self._embedder.name

    def over(self, question: Viewing, left: int) -> Overseen | None:
        """Who oversees the render of a take after which the shot may cost `left` more; None where nobody would."""
        found = calibration(question.request.model, self._asked)
        if found is None or left <= 0:
            return None
        return Overseen(self, question, found.looks, left, self._remembered(question))

    def _remembered(self, question: Viewing) -> Hues:
        """The hues of everybody's remembered pictures, in the look that the shot shows."""
        hues: dict[str, tuple[float, ...]] = {}
        for character in question.cast:
            known = [self._hue(one.picture) for one in question.recalled if one.shows(character)]
            if seen := tuple(hue for hue in known if hue is not None):
                hues[character.id] = seen
        return hues

    def _hue(self, picture: str) -> float | None:
        """The hue of a remembered picture; None where nothing vivid is in it, or it cannot be looked at any more."""
        if self._picture is None:
            return None
        try:
            hue = eyes.picture_hue(load_picture(self._picture(picture)))
        except (Damaged, OSError):
            return None  # nobody is held to it
        return None if hue is None else round(hue, 2)

    def look(self, question: Viewing, frames: np.ndarray, hues: Hues = NOBODY) -> Glimpse:
        """What a few frames `[N,h,w,3]` uint8 RGB, ascending in time, tell of a take; `hues` are remembered ones."""
        return Glimpse(tuple(sorted(self._doubts(question, frames, hues), key=lambda doubt: -doubt.sure)))

    def _doubts(self, question: Viewing, frames: np.ndarray, hues: Hues) -> Iterator[Doubt]:
        if broken := _broken(question, frames):
            yield Doubt(1.0, broken)
            return
        wanted = [eyes.wanted(character) for character in question.cast]
        sightings = eyes.look(frames, wanted)
        for character, one, sighting in zip(question.cast, wanted, sightings, strict=True):
            yield from self._subject(question, character, one, sighting, frames)
            if sighting.seen.any() and (known := hues.get(character.id)):
                yield _stray(question, character, float(np.nanmedian(sighting.hue)), known)
        yield from _place(question, frames)

    def _subject(
        self, question: Viewing, character: Character, one: eyes.Wanted, sighting: eyes.Sighting, frames: np.ndarray
    ) -> Iterator[Doubt]:
        if not sighting.seen.any():
            yield Doubt(
                ABSENT, _finding(question, "subject missing", f"{character.words} is not to be seen", character.id)
            )
            return
        hue = float(np.nanmedian(sighting.hue))
        if one.color is not None:
            gap = float(np.nanmin(colors.hue_gap(sighting.hue, colors.HUES[one.color][0])))
            words = f"the {character.kind} is {colors.name_of(hue)}, not {one.color}"
            yield Doubt(_between(gap, HUES), _finding(question, "wrong color", words, character.id))
        if (lead := self._lead(one, sighting, frames)) is not None:
            words = f"{character.words} looks like a {lead.other}"
            yield Doubt(_between(lead.margin, KINDS_APART), _finding(question, "wrong subject", words, character.id))

    def _lead(self, one: eyes.Wanted, sighting: eyes.Sighting, frames: np.ndarray) -> Lead | None:
        """By how many steps another kind fits the subject better where it is whole, silhouette and name together, and
        which; as the validator counts them."""
        from kinograph.tools.storyworld.world import KINDS

        embedder = self._embedder
        whole = np.flatnonzero(sighting.seen & ~sighting.cropped)
        if not isinstance(embedder, JointEmbedder) or one.kind is None or not one.exact or not len(whole):
            return None
        color = one.color or colors.name_of(float(np.nanmedian(sighting.hue[whole])))
        if color not in self._names:
            self._names[color] = embedder.embed_words([f"a {color} {kind}" for kind in KINDS])
        seen = np.mean([embedder.embed(symptoms.cutout(sighting, frames, int(frame))[None])[0] for frame in whole], 0)
        named = symptoms.lead(dict(zip(KINDS, (self._names[color] @ seen).tolist(), strict=True)), one.kind)
        outline = symptoms.lead(likeness(sighting.mask[whole]), one.kind)
        return Lead(symptoms.steps(outline, named), named.other)


class Watch(Noun):
    """How a render is overseen, as it travels to another process that does the render."""

    question: Viewing
    hues: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    looks: tuple[Look, ...]
    left: int = Field(ge=1)
    """Takes that the shot may cost after this one."""
    embedder: str
    """Name of the one that tells kinds apart."""


def watching(embedder: Embedder, text: str) -> Overseen | None:
    """Who oversees a render as another process asks; None where that cannot be done as it would be done there: its
    embedder is another one, or its version of this program."""
    try:
        watch = Watch.model_validate_json(text)
    except ValidationError:
        return None
    if watch.embedder != embedder.name:
        return None
    return Overseen(Glance(embedder), watch.question, watch.looks, watch.left, watch.hues)


class Overseen:
    """The render of one take under the early judge's eyes."""

    def __init__(
        self, glance: Glance, question: Viewing, looks: Sequence[Look], left: int, hues: Hues = NOBODY
    ) -> None:
        self._glance, self._question, self._looks, self._left = glance, question, looks, left
        self._hues = hues

    @property
    def shares(self) -> tuple[float, ...]:
        return tuple(look.share for look in self._looks)

    @property
    def question(self) -> str:
        """A Watch: what `watching` needs in another process."""
        seen = self._question.changed(recalled=(), offer=Offer())  # of memory its hues are enough for a glance
        looks, name, hues = tuple(self._looks), self._glance.embedder, dict(self._hues)
        return Watch(question=seen, hues=hues, looks=looks, left=self._left, embedder=name).model_dump_json()

    def against(self, preview: Preview) -> tuple[Finding, ...]:
        """What makes the take hopeless; nothing lets it go on. Before the last take that the shot may cost, the judge
        must be twice as sure: after that one there is no choice left."""
        look = max((one for one in self._looks if one.share <= preview.share), key=lambda one: one.share, default=None)
        if look is None:
            return ()
        threshold = look.threshold if self._left > 1 else (1 + look.threshold) / 2
        doubts = self._glance.look(self._question, preview.frames, self._hues).doubts
        return tuple(doubt.finding for doubt in doubts if doubt.sure >= threshold)


def _between(value: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _stray(question: Viewing, character: Character, hue: float, known: Sequence[float]) -> Doubt:
    """Somebody in another colour than in any remembered picture."""
    gap = min(float(colors.hue_gap(one, hue)) for one in known)
    words = f"{character.words} is {gap:.0f} degrees of hue off how it is remembered"
    return Doubt(_between(gap, STRAYS), _finding(question, "off model", words, character.id))


def _broken(question: Viewing, frames: np.ndarray) -> Finding | None:
    """Frames of which none shows anything."""
    clip = defects.pulse(frames)
    spread = frames.reshape(len(frames), -1).std(1)
    tests: tuple[tuple[FindingKind, np.ndarray, str], ...] = (
        ("black", clip.brightest < DARK, "black"),
        ("corrupt", clip.grain > GRAIN, "noise"),
        ("corrupt", spread < FLAT, "one flat colour"),
    )
    for kind, hurt, words in tests:
        if hurt.all():
            return _finding(question, kind, f"the picture is {words}")
    return None


def _place(question: Viewing, frames: np.ndarray) -> Iterator[Doubt]:
    shot = question.shot
    if not palettes.known(shot.setting):
        return
    fits = [palettes.compare(frame, shot.setting, shot.time, question.look.name) for frame in frames]
    best = min(fits, key=lambda fit: fit.excess)
    words = f"the picture has the colours of {best.nearest}, not of {shot.setting} at {shot.time}"
    yield Doubt(_between(best.excess, PLACES), _finding(question, "wrong setting", words))


def _finding(question: Viewing, kind: FindingKind, words: str, subject: str | None = None) -> Finding:
    last = question.request.frames - 1
    return Finding(kind=kind, words=words, shot=question.shot.id, subject=subject, last_frame=last, severity=1.0)
