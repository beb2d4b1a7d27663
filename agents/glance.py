"""The early judge: glances at what a render is coming to and ends it when nothing good can come of it any more.

It sees a few small frames, some of them not yet sharp, so it judges only what is gross and certain: nothing there,
somebody of another colour or kind, another place. How sure it must be was measured (`evals/bench/early_stop.py`), per
model, and stands in `glance.json` with what it cost there in good takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from kinograph.agents.verdicts import Offer, Viewing
from kinograph.film import Character, Clip, Finding, FindingKind, Noun, RenderRequest
from kinograph.memory.embedders import Embedder, JointEmbedder
from kinograph.tools import colors, defects, eyes, palettes
from kinograph.tools.backends import Preview

DARK = 10.0
"""The 99.5th percentile of luma below which a picture shows nothing."""
GRAIN = 40.0
"""Mean absolute Laplacian of a small grey picture from which it is noise: pictures have a tenth of that."""
FLAT = 3.0
"""Levels of grey that a picture's standard deviation has at least, unless it shows nothing at all."""
HUES = (13.0, 40.0)
"""Degrees of hue off the colour asked for, between which doubt grows from 0 to 1."""
PLACES = (0.25, 1.25)
"""Excess of a palette, as `palettes.compare` gives it, likewise."""
NAMES = (0.02, 0.14)
"""How much nearer, as a cosine, a picture is to another kind's name, likewise."""
ABSENT = 0.9
"""Doubt where a subject is in none of the frames: it may yet come into the picture."""
LOST_MOST = 0.02
"""Share of good takes that stops may cost where nobody asked for them."""
LEAST_GOOD = 100
"""Good takes on which that must have been measured."""
UNMEASURED = 0.95
"""How sure the judge must be with a model for which nothing was measured."""
LOOKS = (0.25, 0.5)
"""When it looks at renders of such a model."""


class Look(Noun):
    """A moment at which the judge looks at renders of a model, and how sure it must be then."""

    share: float = Field(gt=0, lt=1)
    """Of the denoising that is done."""
    threshold: float = Field(ge=0, le=1)
    """Doubt from which a take is stopped."""
    auc: float | None = None
    """Area under the ROC curve of its doubt, hopeless takes against good ones; None: not measured."""
    roc: tuple[tuple[float, float], ...] = ()
    """Points of that curve: share of good takes, and of hopeless ones, whose doubt is as high."""


class Calibration(Noun):
    """How the judge is set for a model, and how that was measured."""

    looks: tuple[Look, ...]
    lost: float | None = None
    """Share of good takes that all looks together stop; None: not measured."""
    good: int = 0
    """Good takes that were looked at."""
    hopeless: int = 0
    """Hopeless takes that were looked at."""


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


@cache
def calibrations() -> Mapping[str, Calibration]:
    """By model id."""
    text = files("kinograph.agents").joinpath("glance.json").read_text("utf-8")
    return TypeAdapter(dict[str, Calibration]).validate_json(text)


def calibration(model: str, asked: bool | None) -> Calibration | None:
    """How the judge is set for a model; None where it does not look. `asked` is the setting `early_stop`: where it
    leaves that open the judge looks at models with which it was measured to stop next to no good take."""
    found = calibrations().get(model)
    if asked is False:
        return None
    if asked is None:
        sound = found and found.lost is not None and found.lost <= LOST_MOST and found.good >= LEAST_GOOD
        return found if sound else None
    return found or Calibration(looks=tuple(Look(share=share, threshold=UNMEASURED) for share in LOOKS))


def unfinished(request: RenderRequest) -> Clip:
    """Stands for the clip of a request that is being rendered, where a judge is asked about it: there is no file."""
    size = {"frames": request.frames, "fps": request.fps, "width": request.width, "height": request.height}
    named = {"request": request.digest, "model": request.model, "revision": request.revision}
    return Clip.model_validate({"path": "", "pixels": "", "render_seconds": 0.0} | size | named)


def open_glance(embedder: Embedder, asked: bool | None) -> Glance | None:
    """The early judge; None where the setting `early_stop` forbids it."""
    return None if asked is False else Glance(embedder, asked)


class Glance:
    """Judges previews by measuring them. May be used from many threads."""

    def __init__(self, embedder: Embedder, asked: bool | None = None) -> None:
        """The embedder tells kinds apart where it reads words."""
        self._embedder = embedder
        self._asked = asked
        self._names: dict[str, np.ndarray] = {}
        """What the embedder makes of the names of all kinds, by colour."""

    @property
    def embedder(self) -> str:
        """The name of what it sees with."""
        return self._embedder.name

    def over(self, question: Viewing, left: int) -> Overseen | None:
        """Who oversees the render of a take after which the shot may cost `left` more; None where nobody would."""
        found = calibration(question.request.model, self._asked)
        return Overseen(self, question, found.looks, left) if found is not None and left > 0 else None

    def look(self, question: Viewing, frames: np.ndarray) -> Glimpse:
        """What a few frames `[N,h,w,3]` uint8 RGB, ascending in time, tell of a take."""
        return Glimpse(tuple(sorted(self._doubts(question, frames), key=lambda doubt: -doubt.sure)))

    def _doubts(self, question: Viewing, frames: np.ndarray) -> Iterator[Doubt]:
        if broken := _broken(question, frames):
            yield Doubt(1.0, broken)
            return
        wanted = [eyes.wanted(character) for character in question.cast]
        sightings = eyes.look(frames, wanted)
        for character, one, sighting in zip(question.cast, wanted, sightings, strict=True):
            yield from self._subject(question, character, one, sighting, frames)
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
            words = f"{character.words} looks like a {lead[1]}"
            yield Doubt(_between(lead[0], NAMES), _finding(question, "wrong subject", words, character.id))

    def _lead(self, one: eyes.Wanted, sighting: eyes.Sighting, frames: np.ndarray) -> tuple[float, str] | None:
        """How much nearer to another kind's name the subject is where it is whole, and to which."""
        from kinograph.tools.storyworld.world import KINDS

        embedder = self._embedder
        whole = np.flatnonzero(sighting.seen & ~sighting.cropped)
        if not isinstance(embedder, JointEmbedder) or one.kind is None or not one.exact or not len(whole):
            return None
        color = one.color or colors.name_of(float(np.nanmedian(sighting.hue[whole])))
        if color not in self._names:
            self._names[color] = embedder.embed_words([f"a {color} {kind}" for kind in KINDS])
        seen = np.mean([embedder.embed(sighting.crop(frames, int(frame))[None])[0] for frame in whole], 0)
        alike: dict[str, float] = dict(zip(KINDS, (self._names[color] @ seen).tolist(), strict=True))
        other = max((kind for kind in alike if kind != one.kind), key=alike.__getitem__)
        return alike[other] - alike[one.kind], other


class Watch(Noun):
    """How a render is overseen, as it travels to another process that does the render."""

    question: Viewing
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
    return Overseen(Glance(embedder), watch.question, watch.looks, watch.left)


class Overseen:
    """The render of one take under the early judge's eyes."""

    def __init__(self, glance: Glance, question: Viewing, looks: Sequence[Look], left: int) -> None:
        self._glance, self._question, self._looks, self._left = glance, question, looks, left

    @property
    def shares(self) -> tuple[float, ...]:
        return tuple(look.share for look in self._looks)

    @property
    def question(self) -> str:
        """A Watch: what `watching` needs in another process."""
        seen = self._question.changed(recalled=(), offer=Offer())  # what a glance has no use for
        looks, name = tuple(self._looks), self._glance.embedder
        return Watch(question=seen, looks=looks, left=self._left, embedder=name).model_dump_json()

    def against(self, preview: Preview) -> tuple[Finding, ...]:
        """What makes the take hopeless; nothing lets it go on. Before the last take that the shot may cost, the judge
        must be twice as sure: after that one there is no choice left."""
        look = max((one for one in self._looks if one.share <= preview.share), key=lambda one: one.share, default=None)
        if look is None:
            return ()
        threshold = look.threshold if self._left > 1 else (1 + look.threshold) / 2
        doubts = self._glance.look(self._question, preview.frames).doubts
        return tuple(doubt.finding for doubt in doubts if doubt.sure >= threshold)


def _between(value: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return min(1.0, max(0.0, (value - low) / (high - low)))


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
