"""Symptoms: how much of each kind of fault there is in a take, in numbers; what is too much is for thresholds to say.

Every measure gives its number for sound takes too, so that thresholds can be set on what was measured. Units: degrees
of CIELAB hue for colours; shares of the clip or the picture; for shapes, motions and sizes what the functions say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from kinograph.agents.verdicts import Viewing
from kinograph.film import Appearance, Character, FindingKind
from kinograph.memory.embedders import JointEmbedder
from kinograph.tools import colors, defects, eyes, palettes, tracks
from kinograph.tools.camera import camera_path
from kinograph.tools.silhouettes import likeness

SHAPE_MARGIN = 0.06
"""How much better another kind's silhouette may fit, as a cosine: a step on the scale of wrong shapes."""
NAME_MARGIN = 0.04
"""How much nearer, as a cosine, a picture may be to another kind's name: as much as a step of silhouettes."""
OPINION = 2.0
"""Most steps that names count for: where they could change nothing they are not asked."""
LOOKS = 3
"""Frames in which an embedder looks at a subject."""
CROP = 128
"""Pixels a side of the pictures that it is shown, all at once."""
MIN_FRAMES = 8
"""Shortest clip whose motion is judged."""


class Seen(NamedTuple):
    """A character, what it should do, and what was seen of it."""

    character: Character
    appearance: Appearance
    sighting: eyes.Sighting

    @property
    def mostly(self) -> bool:
        """It is there long enough to say more of it."""
        return bool(self.sighting.seen.mean() > 0.3)

    @property
    def whole(self) -> np.ndarray:
        """Frames in which all of it is in the picture."""
        return np.flatnonzero(self.sighting.seen & ~self.sighting.cropped)


class Symptom(NamedTuple):
    """How much of a fault there is, and what to say if it is too much."""

    kind: FindingKind
    value: float
    words: Callable[[int, int], str]
    """First and last frame -> what is wrong."""
    severity: float
    subject: Seen | None = None
    amounts: np.ndarray | None = None
    """`[T]` how much of it is in each frame; None for all of them alike."""
    frames: tuple[int, int] | None = None
    """First and last frame that it is in where there are no amounts; None for the whole clip."""


# ---------------------------------------------------------------------------------- broken frames

BROKEN: dict[FindingKind, tuple[str, float]] = {
    "black": ("black", 1.0),
    "corrupt": ("scrambled", 1.0),
    "flicker": ("flickering", 0.8),
    "frozen": ("frozen", 0.8),
    "jump": ("a jump to another picture", 0.9),
}
"""What is said of them, and how bad they are."""


def broken(clip: defects.Pulse, too_much: Mapping[FindingKind, float]) -> Iterator[Symptom]:
    """Defects of the frames themselves; going into and out of frames with too much of another is no jump."""
    amounts = {kind: defects.DEFECTS[kind](clip) for kind in BROKEN}
    hurt = np.zeros(len(clip.light), bool)
    for kind, most in too_much.items():
        hurt |= amounts[kind] > most
    beside = hurt.copy()
    beside[1:] |= hurt[:-1]
    beside[:-1] |= hurt[1:]
    amounts["jump"] = np.where(beside, 0.0, amounts["jump"])
    for kind, (words, severity) in BROKEN.items():

        def say(first: int, last: int, words: str = words) -> str:
            return f"frames {first} to {last} are {words}"

        yield Symptom(kind, float(amounts[kind].max(initial=0.0)), say, severity, amounts=amounts[kind])


# --------------------------------------------------------------------------------------- subjects


def missing(one: Seen) -> Symptom:
    """Share of the frames in which it is not to be seen."""
    gone = 1.0 - float(one.sighting.seen.mean())
    frames = max(defects.spans(~one.sighting.seen), key=lambda gap: gap[1] - gap[0], default=None)

    def say(first: int, last: int) -> str:
        where = "anywhere" if gone == 1.0 else f"in frames {first} to {last}"
        return f"{one.character.words} is not to be seen {where}"

    return Symptom("subject missing", gone, say, 1.0, one, frames=frames)


def color(one: Seen, unchecked: list[str]) -> Iterator[Symptom]:
    """Degrees of hue off the colour that was asked for at first, and between its beginning and its end."""
    hue, asked, who = one.sighting.hue, one.character.color, one.character.words
    shown = np.flatnonzero(one.sighting.seen)
    head, tail = shown[: max(1, len(shown) // 5)], shown[-max(1, len(shown) // 5) :]
    start, end = mean_hue(hue[head]), mean_hue(hue[tail])
    away = np.where(one.sighting.seen, np.nan_to_num(colors.hue_gap(hue, start)), 0.0)
    drift = float(colors.hue_gap(start, end))
    gone = shown[away[shown] > drift / 2]
    frames = (int(gone[0]), int(gone[-1])) if len(gone) else None
    into = f"drifts from {colors.name_of(start)} to {colors.name_of(end)}"
    yield Symptom("color drift", drift, lambda a, b: f"{who} {into} in frames {a} to {b}", 0.9, one, frames=frames)
    target = eyes.wanted(one.character).color
    if target is None:
        unchecked.append(f"colour of {who}: " + ("none was asked" if not asked else f"no eye for {asked}"))
        return
    gap = float(np.nanmedian(colors.hue_gap(hue[head], colors.HUES[target][0])))
    yield Symptom("wrong color", gap, lambda *_: f"{who} is {colors.name_of(start)}, not {target}", 1.0, one)


def mean_hue(hues: np.ndarray) -> float:
    """Circular mean in degrees; NaN is left out."""
    turn = np.radians(hues)
    return float(np.degrees(np.arctan2(np.nanmean(np.sin(turn)), np.nanmean(np.cos(turn)))) % 360)


class Lead(NamedTuple):
    """How much better another kind fits than the one asked for, and which."""

    margin: float
    other: str


class Ends(NamedTuple):
    """What a subject looks like when it is first whole in the picture, and in the end."""

    head: Lead
    tail: Lead


def silhouettes(one: Seen, unchecked: list[str]) -> Ends | None:
    """How its outline compares with those of the known kinds."""
    wanted, whole = eyes.wanted(one.character), one.whole
    if wanted.kind is None or not wanted.exact or not len(whole):
        strange = wanted.kind is None or not wanted.exact
        why = f"no eye for a {one.character.kind}" if strange else "never whole in the picture"
        unchecked.append(f"shape of {one.character.words}: {why}")
        return None
    return Ends(*(lead(likeness(one.sighting.mask[part]), str(wanted.kind)) for part in _ends(whole)))


def names(one: Seen, frames: np.ndarray, embedder: JointEmbedder, known: dict[str, np.ndarray]) -> Ends:
    """What an embedder would call it; `known` holds what it makes of all kinds' names, by colour."""
    from kinograph.tools.storyworld.world import KINDS

    wanted, whole = eyes.wanted(one.character), one.whole
    hue = wanted.color or colors.name_of(mean_hue(one.sighting.hue[whole]))
    if hue not in known:
        known[hue] = embedder.embed_words([f"a {hue} {kind}" for kind in KINDS])

    parts = [part[np.linspace(0, len(part) - 1, LOOKS).astype(int)] for part in _ends(whole)]
    squares = [cutout(one.sighting, frames, int(frame)) for part in parts for frame in part]
    seen = embedder.embed(np.stack(squares)).reshape(2, LOOKS, -1).mean(1)
    alike: list[dict[str, float]] = [dict(zip(KINDS, (known[hue] @ end).tolist(), strict=True)) for end in seen]
    return Ends(*(lead(one_end, str(wanted.kind)) for one_end in alike))


def cutout(sighting: eyes.Sighting, frames: np.ndarray, frame: int) -> np.ndarray:
    """`[CROP,CROP,3]`: a subject as an embedder is shown it."""
    import cv2

    return cv2.resize(sighting.crop(frames, frame), (CROP, CROP), interpolation=cv2.INTER_AREA)


def lead(alike: Mapping[str, float], kind: str) -> Lead:
    """How much better than this kind another one fits."""
    other = max((one for one in alike if one != kind), key=lambda one: alike[one])
    return Lead(alike[other] - alike[kind], other)


def _ends(whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last of the frames in which a subject is whole."""
    return whole[: max(2, len(whole) // 5)], whole[-max(2, len(whole) // 8) :]


def steps(outline: Lead, named: Lead) -> float:
    """What silhouette and name say of a wrong shape together; names count for OPINION at most."""
    return outline.margin / SHAPE_MARGIN + float(np.clip(named.margin / NAME_MARGIN, -OPINION, OPINION))


def outline_steps(seen: Ends) -> tuple[float, float]:
    """What silhouettes alone say of a wrong shape at first, and of one that changes, in steps."""
    return seen.head.margin / SHAPE_MARGIN, (seen.tail.margin - seen.head.margin) / (1.6 * SHAPE_MARGIN)


def shape(one: Seen, seen: Ends, named: Ends | None, second: bool) -> tuple[Symptom, Symptom]:
    """Steps that it is from the shape that was asked for, and that its end is from its beginning.

    Names add their own, no more than OPINION; where there are no names at all (`second` is false) silhouettes count
    twice.
    """
    wrong, drift = outline_steps(seen)
    told = seen
    if named is not None:
        wrong = steps(seen.head, named.head)
        away = (named.tail.margin - named.head.margin) / (1.5 * NAME_MARGIN)
        drift += float(np.clip(away, -OPINION, OPINION))
        told = named
    elif not second:
        wrong, drift = 2 * wrong, 2 * drift
    who, whole = one.character.words, one.whole
    like = f"looks like a {told.head.other}" if named is not None else f"has the shape of a {told.head.other}"
    into = f"turns into something like a {told.tail.other}"
    frames = (int(whole[len(whole) // 2]), int(whole[-1]))
    return (
        Symptom("wrong subject", wrong, lambda *_: f"{who} {like}", 0.9, one),
        Symptom("shape drift", drift, lambda *_: f"{who} {into}", 0.9, one, frames=frames),
    )


# ------------------------------------------------------------------------------------ motion, place


def motions(question: Viewing, frames: np.ndarray, seen: list[Seen], unchecked: list[str]) -> Iterator[Symptom]:
    """How badly each path agrees with what was asked (0 at the edge of what is that motion), and how far sizes drift.

    The camera's own movement is taken out. Sizes in log units: 0.4 is half as large again.
    """
    if not seen:
        return
    if len(frames) < MIN_FRAMES:
        unchecked.append(f"motion: {len(frames)} frames are too few")
        return
    camera = camera_path(frames, [one.sighting for one in seen])
    if not camera.trusted:
        unchecked.append("motion: the background gives nothing to follow")
        words = "the background gives nothing to follow the motion by"
        yield Symptom("cannot see", 1.0, lambda *_: words, 0.5)
        return
    for one in seen:
        path = tracks.track(one.sighting, camera, question.clip.width, question.clip.height)
        if len(path.x) >= MIN_FRAMES:
            yield from _motion(one, path)


def _motion(one: Seen, path: tracks.Track) -> Iterator[Symptom]:
    asked, who = one.appearance.motion, one.character.words
    does = " or ".join(motion for motion in tracks.does(path) if motion != asked) or "does something else"
    words = f"{who}: asked for '{asked}', seen '{does}'"
    yield Symptom("wrong motion", -float(tracks.AGREES[asked](path)), lambda *_: words, 0.8, one)
    if asked not in ("grows", "shrinks"):
        grown = float(np.log(tracks.growth(path)))
        size = f"{who} becomes {np.exp(grown):.1f} times as large"
        yield Symptom("size drift", abs(grown), lambda *_: size, 0.6, one)


def place(question: Viewing, frames: np.ndarray, unchecked: list[str]) -> Iterator[Symptom]:
    """How much nearer the picture's colours are to another place or time of day than to the one that was asked for."""
    shot = question.shot
    if not palettes.known(shot.setting):
        unchecked.append(f"place: no palette of {shot.setting!r} is known")
        return
    looked = np.unique(np.linspace(0, len(frames) - 1, LOOKS).round().astype(int))
    fits = [palettes.compare(frames[frame], shot.setting, shot.time, question.look.name) for frame in looked]
    fit = fits[len(fits) // 2]
    words = f"the picture has the colours of {fit.nearest}, not of {shot.setting} at {shot.time}"
    yield Symptom("wrong setting", float(np.mean([one.excess for one in fits])), lambda *_: words, 0.8)
