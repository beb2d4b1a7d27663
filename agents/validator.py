"""The validator: looks at the pixels of a take, says what is wrong, where and how bad, and what would mend it.

Cheap first: frames that are broken are found before anything else is measured, and end the matter. What
cannot be seen is not approved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kinograph.agents.mind import Joint
from kinograph.agents.panel import MOST, Exhibit, Panel
from kinograph.agents.verdicts import ACCEPTABLE, Viewing, verdict
from kinograph.errors import Damaged
from kinograph.film import (
    Appearance,
    Character,
    Finding,
    FindingKind,
    Score,
    Verdict,
)
from kinograph.memory.embedders import JointEmbedder
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.tools import colors, defects, eyes, palettes, tracks
from kinograph.tools.camera import camera_path
from kinograph.tools.footage import load, load_picture
from kinograph.tools.silhouettes import likeness

LEAST_SEEN = 0.85
"""Share of frames in which a subject must be seen."""
HUE_TOLERANCE = 13.0
"""Degrees of CIELAB hue a subject may be off its colour; the nearest named colours are 28 apart."""
DRIFT_TOLERANCE = 16.0
"""Degrees of hue a subject may change between the beginning and the end of a clip."""
SHAPE_MARGIN = 0.06
"""How much better another kind's silhouette may fit before the subject is taken for it."""
NAME_MARGIN = 0.04
"""How much nearer, as a cosine, a picture of the subject may be to another kind's name before it is taken for that."""
LOOKS = 3
"""Frames in which the embedder looks at a subject."""
SHAPE_LOSS = 0.11
"""How much worse a silhouette may fit its kind at the end than at the beginning."""
CUTTABLE: frozenset[FindingKind] = frozenset({"black", "corrupt", "flicker", "frozen", "subject missing"})
"""Findings that an editor can cut away."""
LEAST_PART = 0.3
"""Smallest share of a clip that is worth keeping when the rest is cut away."""
MIN_FRAMES = 8
"""Shortest clip whose motion is judged."""


class Seen(NamedTuple):
    """A character, what it should do, and what was seen of it."""

    character: Character
    appearance: Appearance
    sighting: eyes.Sighting


class Lead(NamedTuple):
    """How much better another kind fits than the one asked for, and which."""

    margin: float
    other: str


class Named(NamedTuple):
    """What a subject looks like when it is first whole in the picture, and in the end."""

    head: Lead
    tail: Lead


class Validator:
    """Judges takes by measuring them."""

    role = "validator"
    answer = Verdict

    def __init__(self, vault: Vault, keyframes: Keyframes) -> None:
        self._vault = vault
        self._keyframes = keyframes
        self._names: dict[str, np.ndarray] = {}
        """What the embedder makes of the names of all kinds, by colour."""

    def ask(self, question: Viewing) -> Joint[Verdict] | Verdict:
        """A vision model looks at what the pixels have nothing against; takes that wait together, it sees together."""
        measured = self.rules(question)
        if not measured.accepted:
            return measured
        return Joint(
            item=Exhibit(question, measured),
            most=MOST,
            ask=lambda exhibits: Panel(exhibits, self._vault.picture).ask(),
        )

    def rules(self, question: Viewing) -> Verdict:
        """The verdict on a take; a clip that cannot be read is a finding, never an approval."""
        try:
            frames = load(question.clip)
        except Damaged as error:
            return verdict([_finding(question, "unreadable", str(error), 1.0)], [], [], question)
        return self.judge(question, frames)

    def judge(self, question: Viewing, frames: np.ndarray) -> Verdict:
        """As `rules`, for frames `[T,H,W,3]` uint8 RGB that are already in memory."""
        clip = defects.pulse(frames)
        scores = _scores(clip)
        broken = list(_broken(question, clip))
        if broken:
            return verdict(broken, scores, ["everything else: the frames are broken"], question)
        wanted = [eyes.wanted(character) for character in question.cast]
        seen = [
            Seen(character, appearance, sighting)
            for character, appearance, sighting in zip(
                question.cast, question.shot.cast, eyes.look(frames, wanted), strict=True
            )
        ]
        unchecked: list[str] = []
        findings = [finding for one in seen for finding in self._subject(question, one, frames, unchecked)]
        findings += _motions(question, frames, [one for one in seen if _mostly(one.sighting)], unchecked)
        findings += _place(question, frames, unchecked)
        return verdict(findings, scores + _subject_scores(seen), unchecked, question)

    def salvage(self, question: Viewing, rejected: Verdict) -> tuple[int, int] | None:
        """First and last frame of the longest part of a rejected take that is sound by itself, if there is one.

        Only findings that hurt some frames and spare others leave such a part. Its motion is not asked
        for: a part of a movement is not the movement.
        """
        severe = [finding for finding in rejected.findings if finding.severity >= ACCEPTABLE]
        if any(finding.kind not in CUTTABLE for finding in severe):
            return None
        whole = np.ones(question.clip.frames, bool)
        for finding in severe:
            whole[max(0, finding.first_frame - 1) : finding.last_frame + 2] = False
        first, last = max(defects.spans(whole), key=lambda span: span[1] - span[0], default=(0, -1))
        if last - first + 1 < max(5, LEAST_PART * question.clip.frames):
            return None
        part = question.changed(clip=question.clip.changed(frames=last - first + 1))
        judged = self.judge(part, load(question.clip)[first : last + 1])
        sound = all(finding.severity < ACCEPTABLE or finding.kind == "wrong motion" for finding in judged.findings)
        return (first, last) if sound else None

    # ---------------------------------------------------------------------------------- subjects

    def _subject(self, question: Viewing, one: Seen, frames: np.ndarray, unchecked: list[str]) -> Iterator[Finding]:
        if missing := _missing(question, one):
            yield missing
        if _mostly(one.sighting):
            yield from _color(question, one, unchecked)
            yield from _shape(question, one, self._named(one, frames), unchecked)
            yield from self._on_model(question, one, frames)

    def _named(self, one: Seen, frames: np.ndarray) -> Named | None:
        """What the memory's embedder would call the subject, where it reads words and knows the subject's kind."""
        from kinograph.tools.storyworld.world import KINDS

        embedder, wanted = self._keyframes.embedder, eyes.wanted(one.character)
        whole = np.flatnonzero(one.sighting.seen & ~one.sighting.cropped)
        if not isinstance(embedder, JointEmbedder) or wanted.kind is None or not wanted.exact or not len(whole):
            return None
        color = wanted.color or colors.name_of(_mean_hue(one.sighting.hue[whole]))
        if color not in self._names:
            self._names[color] = embedder.embed_words([f"a {color} {kind}" for kind in KINDS])
        names = self._names[color]

        def lead(part: np.ndarray) -> Lead:
            looked = part[np.linspace(0, len(part) - 1, LOOKS).astype(int)]
            seen = np.mean([embedder.embed(one.sighting.crop(frames, int(frame))[None])[0] for frame in looked], 0)
            alike: dict[str, float] = dict(zip(KINDS, (names @ seen).tolist(), strict=True))
            other = max((kind for kind in alike if kind != wanted.kind), key=alike.__getitem__)
            return Lead(alike[other] - alike[str(wanted.kind)], other)

        return Named(*(lead(part) for part in _ends(whole)))

    def _on_model(self, question: Viewing, one: Seen, frames: np.ndarray) -> Iterator[Finding]:
        """Beside the remembered pictures of the same character, and of others that it might be taken for."""
        known = [k for k in question.recalled if k.role == "identity"]
        own = [k for k in known if k.shows(one.character)]  # another look of the same one may have another colour
        if not own:
            return
        hues = [eyes.picture_hue(load_picture(self._vault.picture(keyframe.picture))) for keyframe in own]
        gaps = [float(colors.hue_gap(hue, np.nanmedian(one.sighting.hue))) for hue in hues if hue is not None]
        if gaps and min(gaps) > DRIFT_TOLERANCE:
            here = own[0].production == self._keyframes.production
            where = "the picture that was given" if own[0].given else own[0].shot if here else own[0].production
            words = f"{one.character.words} is {min(gaps):.0f} degrees of hue off how it looked in {where}"
            yield _finding(question, "off model", words, 0.8, one.character.id)
        frame = int(np.argmax(one.sighting.area))
        who = one.character.identity
        filmed = [k for k in known if k.production == self._keyframes.production and not k.given]
        if not any(k.about == who for k in filmed):
            return  # pictures of other films, or given ones, are not in the index of this one
        shots = tuple(dict.fromkeys(k.shot for k in filmed))
        near = self._keyframes.nearest(one.sighting.crop(frames, frame), "identity", shots)
        best_own = max((match.similarity for match in near if match.keyframe.about == who), default=-1.0)
        if near and near[0].keyframe.about != who and near[0].similarity - best_own > 0.15:
            words = f"{one.character.words} looks more like the remembered {near[0].keyframe.about}"
            yield _finding(question, "off model", words, 0.4, one.character.id)


def _mostly(sighting: eyes.Sighting) -> bool:
    return bool(sighting.seen.mean() > 0.3)


def _missing(question: Viewing, one: Seen) -> Finding | None:
    gaps = defects.spans(~one.sighting.seen)
    share = float(one.sighting.seen.mean())
    if share >= LEAST_SEEN:
        return None
    first, last = max(gaps, key=lambda gap: gap[1] - gap[0])
    where = "anywhere" if share == 0 else f"in frames {first} to {last}"
    return _finding(
        question,
        "subject missing",
        f"{one.character.words} is not to be seen {where}",
        1.0,
        one.character.id,
        first,
        last,
    )


def _color(question: Viewing, one: Seen, unchecked: list[str]) -> Iterator[Finding]:
    hue, color = one.sighting.hue, one.character.color
    shown = np.flatnonzero(one.sighting.seen)
    head, tail = shown[: max(1, len(shown) // 5)], shown[-max(1, len(shown) // 5) :]
    drift = float(colors.hue_gap(_mean_hue(hue[head]), _mean_hue(hue[tail])))
    if drift > DRIFT_TOLERANCE:
        gone = [int(frame) for frame in shown if colors.hue_gap(hue[frame], _mean_hue(hue[head])) > DRIFT_TOLERANCE / 2]
        start, end = (colors.name_of(_mean_hue(hue[part])) for part in (head, tail))
        words = f"{one.character.words} drifts from {start} to {end} in frames {gone[0]} to {gone[-1]}"
        yield _finding(question, "color drift", words, 0.9, one.character.id, gone[0], gone[-1])
    target = eyes.wanted(one.character).color
    if target is None:
        unchecked.append(
            f"colour of {one.character.words}: " + ("none was asked" if not color else f"no eye for {color}")
        )
        return
    gap = float(np.nanmedian(colors.hue_gap(hue[head], colors.HUES[target][0])))
    if gap > HUE_TOLERANCE:
        words = f"{one.character.words} is {colors.name_of(_mean_hue(hue[head]))}, not {target}"
        yield _finding(question, "wrong color", words, 1.0, one.character.id)


def _mean_hue(hues: np.ndarray) -> float:
    turn = np.radians(hues)
    return float(np.degrees(np.arctan2(np.nanmean(np.sin(turn)), np.nanmean(np.cos(turn)))) % 360)


def _shape(question: Viewing, one: Seen, named: Named | None, unchecked: list[str]) -> Iterator[Finding]:
    """Silhouettes, and the embedder where it has an opinion, which is the surer of the two."""
    wanted = eyes.wanted(one.character)
    kind = wanted.kind if wanted.exact else None
    whole = np.flatnonzero(one.sighting.seen & ~one.sighting.cropped)
    if kind is None or len(whole) == 0:
        why = f"no eye for a {one.character.kind}" if kind is None else "never whole in the picture"
        unchecked.append(f"shape of {one.character.words}: {why}")
        return
    head, tail = _ends(whole)
    margin, other, fits = _lead(one.sighting, head, kind)
    if named is not None and named.head.margin > NAME_MARGIN:
        words = f"{one.character.words} looks like a {named.head.other}"
        yield _finding(question, "wrong subject", words, 0.9, one.character.id)
        return
    if margin > SHAPE_MARGIN and (named is None or named.head.margin > -NAME_MARGIN):
        words = f"{one.character.words} has the shape of a {other}"
        yield _finding(question, "wrong subject", words, 0.9, one.character.id)
        return
    margin, other, still_fits = _lead(one.sighting, tail, kind)
    sure = named is not None and named.tail.margin <= -NAME_MARGIN
    if named is not None and named.tail.margin > NAME_MARGIN:
        margin, other = 1.0, named.tail.other
    if (margin > SHAPE_MARGIN and not sure) or fits - still_fits > SHAPE_LOSS:
        words = f"{one.character.words} turns into something like a {other}"
        middle = int(whole[len(whole) // 2])
        yield _finding(question, "shape drift", words, 0.9, one.character.id, middle, int(whole[-1]))


def _ends(whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last of the frames in which a subject is whole."""
    return whole[: max(2, len(whole) // 5)], whole[-max(2, len(whole) // 8) :]


def _lead(sighting: eyes.Sighting, frames: np.ndarray, kind: str) -> tuple[float, str, float]:
    """How much better another kind fits than the one asked for, which, and how well the asked one fits."""
    alike = likeness(sighting.mask[frames])
    other = max((k for k in alike if k != kind), key=alike.__getitem__)
    return alike[other] - alike[kind], other, alike[kind]


def _subject_scores(seen: list[Seen]) -> list[Score]:
    return [Score(metric=f"seen:{one.character.id}", value=round(float(one.sighting.seen.mean()), 4)) for one in seen]


# ---------------------------------------------------------------------------------- the whole clip


def _scores(clip: defects.Pulse) -> list[Score]:
    coherence = float(clip.coherence.mean()) if len(clip.coherence) else 1.0
    change = float(np.median(clip.change)) if len(clip.change) else 0.0
    return [
        Score(metric="temporal coherence", value=round(coherence, 4)),
        Score(metric="median change", value=round(change, 4)),
    ]


def _broken(question: Viewing, clip: defects.Pulse) -> Iterator[Finding]:
    black, corrupt = defects.black(clip), defects.corrupt(clip)
    hurt = black | corrupt
    beside = hurt | np.roll(hurt, 1)  # going into and out of broken frames is no jump of its own
    tests: list[tuple[FindingKind, np.ndarray, str, float]] = [
        ("black", black, "black", 1.0),
        ("corrupt", corrupt, "scrambled", 1.0),
        ("flicker", defects.flicker(clip), "flickering", 0.8),
        ("frozen", defects.frozen(clip), "frozen", 0.8),
        ("jump", defects.jumps(clip) & ~beside, "a jump to another picture", 0.9),
    ]
    for kind, frames, words, severity in tests:
        if found := defects.spans(frames):
            first, last = found[0][0], found[-1][1]
            yield _finding(question, kind, f"frames {first} to {last} are {words}", severity, None, first, last)


def _motions(question: Viewing, frames: np.ndarray, seen: list[Seen], unchecked: list[str]) -> Iterator[Finding]:
    """What each subject does, with the camera's own movement taken out."""
    if not seen:
        return
    if len(frames) < MIN_FRAMES:
        unchecked.append(f"motion: {len(frames)} frames are too few")
        return
    camera = camera_path(frames, [one.sighting for one in seen])
    if not camera.trusted:
        unchecked.append("motion: the background gives nothing to follow")
        yield _finding(question, "cannot see", "the background gives nothing to follow the motion by", 0.5)
        return
    for one in seen:
        path = tracks.track(one.sighting, camera, question.clip.width, question.clip.height)
        asked = one.appearance.motion
        if len(path.x) >= MIN_FRAMES and not tracks.MOTIONS[asked](path):
            does = " or ".join(tracks.does(path)) or "does something else"
            words = f"{one.character.words}: asked for '{asked}', seen '{does}'"
            yield _finding(question, "wrong motion", words, 0.8, one.character.id)


def _place(question: Viewing, frames: np.ndarray, unchecked: list[str]) -> Iterator[Finding]:
    """Whether the picture's colours are those of the place and the time of day."""
    shot = question.shot
    if not palettes.known(shot.setting):
        unchecked.append(f"place: no palette of {shot.setting!r} is known")
        return
    fit = palettes.compare(frames[len(frames) // 2], shot.setting, shot.time, question.look.name)
    if fit.excess > palettes.TOLERANCE:
        words = f"the picture has the colours of {fit.nearest}, not of {shot.setting} at {shot.time}"
        yield _finding(question, "wrong setting", words, 0.8)


# ---------------------------------------------------------------------------------------- verdicts


def _finding(
    question: Viewing,
    kind: FindingKind,
    words: str,
    severity: float,
    subject: str | None = None,
    first: int = 0,
    last: int | None = None,
) -> Finding:
    end = question.clip.frames - 1 if last is None else last
    return Finding(
        kind=kind,
        words=words,
        shot=question.shot.id,
        subject=subject,
        first_frame=first,
        last_frame=end,
        severity=severity,
    )
