"""The validator: looks at the pixels of a take, says what is wrong, where and how bad, and what would mend it.

Cheap first: broken frames, then what pixels tell, then what an embedder says, then a vision model. As soon as one of
them is sure that the take is useless, the next is not asked. What cannot be seen is not approved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from pathlib import Path

import numpy as np

from kinograph.agents import evidence, symptoms
from kinograph.agents.mind import Joint
from kinograph.agents.panel import MOST, Exhibit, Panel
from kinograph.agents.symptoms import OPINION, Ends, Seen, Symptom
from kinograph.agents.thresholds import Thresholds, thresholds_of
from kinograph.agents.verdicts import ACCEPTABLE, Viewing, verdict
from kinograph.errors import Damaged
from kinograph.film import Finding, FindingKind, Score, Verdict
from kinograph.memory.embedders import JointEmbedder
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.tools import colors, defects, eyes
from kinograph.tools.footage import load, load_picture

CUTTABLE: frozenset[FindingKind] = frozenset({"black", "corrupt", "flicker", "frozen", "subject missing"})
"""Findings that an editor can cut away."""
LEAST_PART = 0.3
"""Smallest share of a clip that is worth keeping when the rest is cut away."""
SHAPES: frozenset[FindingKind] = frozenset({"wrong subject", "shape drift"})
MOVES: frozenset[FindingKind] = frozenset({"wrong motion", "size drift"})
EVERY: frozenset[FindingKind] = frozenset(
    {"subject missing", "wrong color", "color drift", "wrong setting", *symptoms.BROKEN, *SHAPES, *MOVES}
)
"""All that is measured without a memory of other shots."""


class Look:
    """One take while it is looked at."""

    def __init__(self, question: Viewing, frames: np.ndarray, limits: Thresholds) -> None:
        self.question, self.frames, self.limits = question, frames, limits
        self.unchecked: list[str] = []
        self.scores: list[Score] = []
        self.seen: list[Seen] = []
        self.outlines: dict[str, Ends] = {}
        """What silhouettes say, by character."""
        self.named = 0
        """Pictures that an embedder was shown."""

    def too_much(self, symptom: Symptom) -> bool:
        """Whether it is a finding; what has no threshold is one where there is any of it."""
        known = self.limits.kinds.get(symptom.kind)
        return symptom.value > (known.at if known else 0.0)

    def sure(self, symptom: Symptom) -> float:
        """How far it is from too much (0) to where it needs no second opinion (1)."""
        known = self.limits.kinds.get(symptom.kind)
        if known is None or known.sure <= known.at:
            return 1.0
        return float(np.clip((symptom.value - known.at) / (known.sure - known.at), 0, 1))

    def certain(self, symptom: Symptom) -> bool:
        """Whether it alone makes the take useless, and nobody needs to be asked about it again."""
        known = self.limits.kinds.get(symptom.kind)
        return known is not None and symptom.value > known.sure and symptom.severity >= ACCEPTABLE


class Validator:
    """Judges takes by measuring them. `calibrated` is a folder of thresholds for single models."""

    role = "validator"
    answer = Verdict

    def __init__(self, vault: Vault, keyframes: Keyframes, calibrated: Path | None = None) -> None:
        self.vault = vault
        self._keyframes = keyframes
        self._calibrated = calibrated
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
            ask=lambda exhibits: Panel(exhibits, self.vault.picture).ask(),
        )

    def rules(self, question: Viewing) -> Verdict:
        """The verdict on a take; a clip that cannot be read is a finding, never an approval."""
        try:
            frames = load(question.clip)
        except Damaged as error:
            end = question.clip.frames - 1
            finding = Finding(kind="unreadable", words=str(error), shot=question.shot.id, last_frame=end, severity=1.0)
            return verdict([finding], [], [], question)
        return self.judge(question, frames)

    def judge(self, question: Viewing, frames: np.ndarray) -> Verdict:
        """As `rules`, for frames `[T,H,W,3]` uint8 RGB that are already in memory."""
        look = Look(question, frames, thresholds_of(question.clip.model, self._calibrated))
        found: list[Symptom] = []
        stages: dict[str, Callable[[Look], Iterator[Symptom]]] = {
            "what is in the frames": self._hard,
            "embeddings and memory": self._pixels,
            "": self._embedded,
        }
        for left, stage in stages.items():
            measured = list(stage(look))
            look.scores += _scores(measured)
            found += filter(look.too_much, measured)
            broken = stage == self._hard and bool(found)
            if left and (broken or any(map(look.certain, found))):
                rest = "everything else: the frames are broken" if broken else f"{left}: the take is useless anyway"
                look.unchecked.append(rest)
                break
        look.scores.append(Score(metric="pictures embedded", value=look.named))
        return verdict([self._finding(look, one) for one in found], look.scores, look.unchecked, question)

    def measure(
        self, question: Viewing, frames: np.ndarray, kinds: Set[FindingKind] = EVERY
    ) -> dict[FindingKind, float]:
        """How much there is of each of these kinds, whatever the thresholds: the most of any subject.

        Nothing is left out because something else is sure; a kind that cannot be measured is not there.
        """
        look = Look(question, frames, thresholds_of(question.clip.model, self._calibrated))
        found = list(self._hard(look, asking=True)) if kinds & symptoms.BROKEN.keys() else []
        if kinds - symptoms.BROKEN.keys():
            found += self._pixels(look, kinds, asking=True)
        if kinds & SHAPES:
            found += self._shapes(look, asking=True)
        most: dict[FindingKind, float] = {}
        for one in found:
            most[one.kind] = max(most.get(one.kind, -np.inf), one.value)
        return {kind: value for kind, value in most.items() if kind in kinds}

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

    # ------------------------------------------------------------------------------------- stages

    def _hard(self, look: Look, asking: bool = False) -> Iterator[Symptom]:
        """Broken frames, whatever they show: the cheapest, a few milliseconds."""
        clip = defects.pulse(look.frames)
        look.scores += [
            Score(metric="temporal coherence", value=round(float(np.mean(clip.coherence)), 4) if len(clip.gain) else 1),
            Score(metric="median change", value=round(float(np.median(clip.change)), 4) if len(clip.gain) else 0),
        ]
        hurting: tuple[FindingKind, ...] = ("black", "corrupt", "flicker")
        yield from symptoms.broken(clip, {} if asking else {kind: look.limits[kind].at for kind in hurting})

    def _pixels(self, look: Look, kinds: Set[FindingKind] = EVERY, asking: bool = False) -> Iterator[Symptom]:
        """Who is there, in which colour, shape and size, doing what, where. Shapes that names could overrule wait."""
        question, frames = look.question, look.frames
        asked = [eyes.wanted(character) for character in question.cast]
        sightings = eyes.look(frames, asked) if kinds - {"wrong setting"} else []
        look.seen = [Seen(*one) for one in zip(question.cast, question.shot.cast, sightings, strict=False)]
        for one in look.seen:
            share = round(float(one.sighting.seen.mean()), 4)
            look.scores.append(Score(metric=f"seen:{one.character.id}", value=share))
            yield symptoms.missing(one)
        mostly = [one for one in look.seen if one.mostly]
        for one in mostly:
            yield from symptoms.color(one, look.unchecked)
            if kinds & SHAPES and (outline := symptoms.silhouettes(one, look.unchecked)) is not None:
                look.outlines[one.character.id] = outline
        if kinds & MOVES:
            yield from symptoms.motions(question, frames, mostly, look.unchecked)
        if "wrong setting" in kinds:
            yield from symptoms.place(question, frames, look.unchecked)
        if not asking:
            yield from self._shapes(look, asking=False)

    def _shapes(self, look: Look, asking: bool) -> Iterator[Symptom]:
        """Shapes by silhouettes; with names where those can change the answer, when it is time to ask for them."""
        joint = isinstance(self._keyframes.embedder, JointEmbedder)
        for one in look.seen:
            outline = look.outlines.get(one.character.id)
            if outline is not None and (asking or not joint or not self._open(look, outline)):
                named = self._named(look, one) if asking and joint else None
                wrong, drift = symptoms.shape(one, outline, named, second=joint)
                yield wrong
                if asking or not look.too_much(wrong):  # who is another from the first does not turn into one
                    yield drift

    def _open(self, look: Look, outline: Ends) -> bool:
        """Whether an embedder's opinion can change what silhouettes say."""
        kinds: tuple[FindingKind, FindingKind] = ("wrong subject", "shape drift")
        steps = zip(kinds, symptoms.outline_steps(outline), strict=True)
        return any(abs(value - look.limits[kind].at) <= OPINION for kind, value in steps)

    def _named(self, look: Look, one: Seen) -> Ends | None:
        embedder = self._keyframes.embedder
        assert isinstance(embedder, JointEmbedder), "only an embedder that reads knows names"
        look.named += 2 * symptoms.LOOKS
        return symptoms.names(one, look.frames, embedder, self._names)

    def _embedded(self, look: Look) -> Iterator[Symptom]:
        """What an embedder calls subjects whose silhouettes leave it open, and what the memory says of all."""
        for one in look.seen:
            outline = look.outlines.get(one.character.id)
            joint = isinstance(self._keyframes.embedder, JointEmbedder)
            if outline is not None and joint and self._open(look, outline):
                wrong, drift = symptoms.shape(one, outline, self._named(look, one), second=True)
                yield wrong
                if not look.too_much(wrong):
                    yield drift
            if one.mostly:
                yield from self._on_model(look, one)

    def _on_model(self, look: Look, one: Seen) -> Iterator[Symptom]:
        """Beside the remembered pictures of the same character, and of others that it might be taken for."""
        known = [k for k in look.question.recalled if k.role == "identity"]
        own = [k for k in known if k.shows(one.character)]  # another look of the same one may have another colour
        if not own:
            return
        hues = [eyes.picture_hue(load_picture(self.vault.picture(keyframe.picture))) for keyframe in own]
        gaps = [float(colors.hue_gap(hue, np.nanmedian(one.sighting.hue))) for hue in hues if hue is not None]
        if gaps:
            here = own[0].production == self._keyframes.production
            where = "the picture that was given" if own[0].given else own[0].shot if here else own[0].production
            words = f"{one.character.words} is {min(gaps):.0f} degrees of hue off how it looked in {where}"
            yield Symptom("off model", min(gaps), lambda *_: words, 0.8, one)
        yield from self._alike(look, one, known)

    def _alike(self, look: Look, one: Seen, known: list[Keyframe]) -> Iterator[Symptom]:
        who = one.character.identity
        filmed = [k for k in known if k.production == self._keyframes.production and not k.given]
        if not any(k.about == who for k in filmed):
            return  # pictures of other films, or given ones, are not in the index of this one
        look.named += 1
        crop = one.sighting.crop(look.frames, int(np.argmax(one.sighting.area)))
        near = self._keyframes.nearest(crop, "identity", tuple(dict.fromkeys(k.shot for k in filmed)))
        best_own = max((match.similarity for match in near if match.keyframe.about == who), default=-1.0)
        if near and near[0].keyframe.about != who and near[0].similarity - best_own > 0.15:
            words = f"{one.character.words} looks more like the remembered {near[0].keyframe.about}"
            yield Symptom("off model", look.limits["off model"].at + 1, lambda *_: words, 0.4, one)

    # ----------------------------------------------------------------------------------- findings

    def _finding(self, look: Look, one: Symptom) -> Finding:
        """A symptom that is too much, with the frames that it is in and, where it is severe, a picture of it."""
        first, last = one.frames or (0, look.question.clip.frames - 1)
        if one.amounts is not None:
            hurt = np.flatnonzero(one.amounts > look.limits[one.kind].at)
            first, last = int(hurt[0]), int(hurt[-1])
        sighting = one.subject.sighting if one.subject is not None else None
        return Finding(
            kind=one.kind,
            words=one.words(first, last),
            shot=look.question.shot.id,
            subject=one.subject.character.id if one.subject is not None else None,
            first_frame=first,
            last_frame=last,
            region=evidence.region(sighting, first, last) if sighting is not None else None,
            evidence=(self._shown(look, one, first, last),) if one.severity >= ACCEPTABLE else (),
            severity=one.severity,
            sure=round(look.sure(one), 3),
        )

    def _shown(self, look: Look, one: Symptom, first: int, last: int) -> str:
        """Digest of a strip: how it was remembered, else how it is elsewhere in the take, and where it is wrong."""
        who = one.subject.character.id if one.subject is not None else None
        known = [k for k in look.question.recalled if k.role == "identity" and k.about == who]
        if who is not None and known:
            beside = load_picture(self.vault.picture(known[0].picture))
        else:
            before = first - 1 if first else last + 1
            beside = look.frames[before] if before < len(look.frames) else None
        last = min(last, len(look.frames) - 1)
        worst = int(np.argmax(one.amounts)) if one.amounts is not None else None
        boxes = one.subject.sighting.box if one.subject is not None else None
        return self.vault.keep_picture(evidence.strip(look.frames, first, last, worst, boxes, beside))


def _scores(measured: list[Symptom]) -> list[Score]:
    """The most of each kind that any subject has of it."""
    most: dict[str, float] = {}
    for one in measured:
        most[one.kind] = max(most.get(one.kind, -np.inf), one.value)
    return [Score(metric=f"fault:{kind}", value=round(value, 4)) for kind, value in most.items()]
