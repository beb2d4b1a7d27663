"""The nouns of film-making: every value that travels between kinograph's parts.

All nouns are frozen pydantic models that refuse unknown fields; a change is a changed copy
(`noun.model_copy(update=…)` or `noun.changed(…)`, which validates). Pictures never live in a noun:
a noun names a file or a digest.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

Motion = Literal[
    "stays", "moves left", "moves right", "rises", "falls", "bounces", "spins", "grows", "shrinks", "circles"
]
Camera = Literal["static", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out"]
TimeOfDay = Literal["dawn", "day", "sunset", "night"]
Aspect = Literal["square", "wide", "vertical"]
Topology = Literal["chain", "hierarchical", "distributed"]
Task = Literal["t2v", "i2v", "v2v", "flf2v", "keyframes", "reference", "inpaint", "upscale", "interpolate"]
"""keyframes: pictures at any frames. reference: pictures of who or what is in it. inpaint: only what a mask marks is
made, within the frame or beyond it."""
Rating = Literal["low", "medium", "high", "very high"]
Transition = Literal["cut", "smooth"]
"""How one shot gives way to the next: at once; or so that the one changes into the other, its words and noise leaning
towards it."""
Strategy = Literal["sequential", "parallel", "adaptive"]
"""One shot at a time; a fixed number; as many as the machine has room for, asked again before each render."""
Visuals = Literal["stock only", "AI only", "hybrid stock first", "hybrid AI first"]
"""Where pictures come from: the user's own media folder (stock), a video model, or one before the other."""


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and NFC text: the same bytes on every Python and machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return unicodedata.normalize("NFC", text).encode()


def _absent(value: object) -> bool:
    """Fields that came later are left out where they say nothing, so that older nouns keep their digests."""
    return value is None


def _plain_cut(value: object) -> bool:
    """As `_absent`: shots that know of no transition are cut to."""
    return value == "cut"


def digest_of(data: bytes) -> str:
    """BLAKE2b-160 of `data` as 40 hex digits."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


class Noun(BaseModel):
    """A frozen value with a canonical digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def digest(self) -> str:
        """Name of this value: BLAKE2b-160 of its canonical JSON, stable across processes and versions."""
        return digest_of(canonical_json(self.model_dump(mode="json")))

    def changed(self, **fields: Any) -> Self:
        """A copy with `fields` replaced, validated like a new one."""
        return type(self).model_validate({**dict(self), **fields})


# ------------------------------------------------------------------------------------------ asking


class Portrait(Noun):
    """A picture of the user's own that shows somebody of the film."""

    name: str = Field(min_length=1, max_length=80)
    """How the brief calls them: "cat", "Rosa", "red ball"."""
    picture: str
    """Digest of the picture in the vault."""


class Brief(Noun):
    """What was asked for. `None` leaves a choice to the crew."""

    text: str
    references: tuple[str, ...] = ()
    """Digests of reference images already kept in the vault."""
    seconds: float | None = Field(default=None, ge=0.5, le=600)
    """Length of the whole film in seconds."""
    aspect: Aspect | None = None
    look: str | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    takes: int = Field(default=3, ge=1, le=10)
    """Most takes a shot may cost."""
    model: str | None = None
    topology: Topology | None = None
    width: int | None = Field(default=None, ge=32, le=2048)
    height: int | None = Field(default=None, ge=32, le=2048)
    fps: int | None = Field(default=None, ge=4, le=30)
    frames: int | None = Field(default=None, ge=1, le=2400)
    """Frames of every shot, instead of a length in seconds."""
    steps: int | None = Field(default=None, ge=1, le=200)
    """Denoising steps of every take, in the range of the model."""
    guidance: float | None = Field(default=None, ge=0, le=50)
    """Guidance scale: how closely the words are followed, in the range of the model."""
    fallback: Literal["yes", "no"] | tuple[str, ...] | None = None
    """Whether other models may render what the chosen one cannot, or which; `None`: only where none was asked for by
    name."""

    narrate: bool = False
    """The film's words are spoken over it."""
    language: str = Field(default="en", pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$")
    """Code of the language that is spoken: en, de, pt-br, …"""
    captions: bool = False
    music: str | None = None
    """Digest of the user's music, already kept in the vault."""
    series: str | None = Field(default=None, min_length=1, max_length=80)
    """Name of a series: films that name the same one know each other's cast and places."""

    cast: tuple[Portrait, ...] = Field(default=(), max_length=24)
    """Pictures of the user's own that show who is in the film."""
    transitions: Transition | None = Field(default=None, exclude_if=_absent)
    """How all shots follow each other; `None`: as the text says of each, which is a cut where it says nothing."""

    @field_validator("fallback", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Names of models may be given as words: "wan-2.1, ltx-video"."""
        if isinstance(value, str) and value not in ("yes", "no"):
            return tuple(value.replace(",", " ").split()) or None
        return value

    @field_validator("series")
    @classmethod
    def _named(cls, series: str | None) -> str | None:
        """A name is data: one line of text, the same however it was typed."""
        plain = None if series is None else " ".join(unicodedata.normalize("NFC", series).split())
        if plain is not None and not (plain and plain.isprintable()):
            raise ValueError("should be a name of one line")
        return plain


# ---------------------------------------------------------------------------------------- planning


class Look(Noun):
    """The style bible: one look for the whole film."""

    name: str = "flat"
    words: str = ""
    """Style words that every prompt carries."""


class Character(Noun):
    """Someone or something that is the same in every shot: identity, apart from what it does now."""

    id: str
    kind: str
    color: str | None = None
    words: str
    """How a prompt names it: "a red ball"."""
    of: str = Field(default="", max_length=60)
    """Id of the character whose other look this is: the same one, changed in the story; empty for its first look."""
    state: str = Field(default="", max_length=80)
    """Which look that is, apart from identity: "green", "in a blue coat"; empty for the first."""

    @property
    def identity(self) -> str:
        """The same for all looks of one character."""
        return self.of or self.id


class Appearance(Noun):
    """A character in one shot: what it does there."""

    who: str
    """Character id."""
    motion: Motion = "stays"
    action: str = ""
    """The brief's own verb phrase: "rolls across"."""


class Shot(Noun):
    """One continuous camera take."""

    id: str
    scene: str
    text: str
    """The words of the brief that this shot films."""
    cast: tuple[Appearance, ...] = ()
    setting: str = ""
    time: TimeOfDay = "day"
    camera: Camera = "static"
    mood: str = ""
    extra: str = ""
    """Words of the brief that found no place above; the prompt keeps them."""
    seconds: float = Field(default=3.0, gt=0, le=60)
    needs: tuple[str, ...] = ()
    """Ids of the shots that must be accepted before this one starts (continuity)."""
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    """Seed of its own, for another try; None follows from the film's seed and the scene."""
    keep: str | None = None
    """Digest of the request whose clip is used as it is: a take that was chosen by hand."""
    transition: Transition = Field(default="cut", exclude_if=_plain_cut)
    """How it comes out of the shot before it in the film."""


class Scene(Noun):
    """Consecutive shots that share a place and a time of day. A scene that the film comes back to keeps its id."""

    id: str
    setting: str
    time: TimeOfDay
    shots: tuple[Shot, ...]


class Storyboard(Noun):
    """The plan of a film."""

    title: str
    look: Look = Look()
    cast: tuple[Character, ...] = ()
    scenes: tuple[Scene, ...]

    @property
    def shots(self) -> tuple[Shot, ...]:
        return tuple(shot for scene in self.scenes for shot in scene.shots)

    def shot(self, id: str) -> Shot:
        return self._by_id[id]

    @cached_property
    def _by_id(self) -> dict[str, Shot]:
        return {shot.id: shot for shot in self.shots}

    def character(self, id: str) -> Character:
        return next(character for character in self.cast if character.id == id)

    def changed_between(self, one: Shot, other: Shot) -> bool:
        """Whether somebody who is in both shots looks different in them: another state of the same identity."""
        looks = {here.identity: here.id for here in (self.character(a.who) for a in one.cast)}
        there = [self.character(a.who) for a in other.cast]
        return any(looks.get(each.identity, each.id) != each.id for each in there)


class Stock(Noun):
    """A picture out of the user's media folder that a shot may begin with."""

    picture: str
    """Digest of the picture in the vault."""
    words: tuple[str, ...]
    """The words of its file name: what it is taken to show."""


class Reason(Noun):
    """One choice of the orchestrator and why it was made."""

    choice: str
    why: str


class Decision(Noun):
    """How a production will be made."""

    model: str
    revision: str
    topology: Topology
    width: int
    height: int
    fps: int
    steps: int = 0
    guidance: float = 0.0
    takes: int
    candidates: int = Field(default=1, ge=1, le=4)
    """Takes of a shot, of those that it may cost, that differ in their seed alone; the best of them goes on."""
    workers: int = 1
    """Render calls at the same time; with the adaptive strategy, at most."""
    batch: int = 1
    """Most alike shots that one call renders."""
    pool: str = "here"
    """Where renders run, unless the settings say otherwise when they do."""
    strategy: Strategy = "parallel"
    visuals: Visuals = "AI only"
    complexity: float = Field(default=0.5, ge=0, le=1)
    stock: tuple[Stock, ...] = ()
    """Pictures that shots may begin with, as `visuals` says."""
    seconds: float | None = None
    """Length asked of the whole film; `None` leaves the storyboard's own."""
    shot_seconds: float = 3.0
    """Length of a shot where the film's length is left open."""
    fallback: tuple[str, ...] = ()
    """Models that render a shot that `model` cannot, in this order."""
    reasons: tuple[Reason, ...] = ()

    @property
    def lanes(self) -> int:
        """Shots rendered at the same time."""
        return self.workers * self.batch


# --------------------------------------------------------------------------------------- rendering


class Conditioning(Noun):
    """A picture, or a clip, that a request is tied to."""

    keyframe: str
    """Digest of the picture in the vault; of a source the digest that names its clip."""
    role: Literal["first", "last", "between", "reference", "source"] = "first"
    """between: the picture of one frame, as `frame` says. reference: shows who or what is in the clip. source: a whole
    clip, made anew in part."""
    strength: float = Field(default=1.0, ge=0, le=1)
    """How much it counts. Of a source below 1 what is left of it; 1 leaves that to the backend's options."""
    frame: int | None = Field(default=None, ge=0, exclude_if=_absent)
    """Of a picture between first and last: where it is, counted from 0."""
    mask: str | None = Field(default=None, exclude_if=_absent)
    """Digest of a picture, of the same shape, that is white where the keyframe or source is painted anew: within what
    it shows, or around it."""

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if (self.role == "between") != (self.frame is not None):
            raise ValueError(f"a frame goes with the role between, and with no other: {self.role!r}, {self.frame!r}")
        if self.role == "reference" and self.mask is not None:
            raise ValueError("a reference is no part of the picture that a mask could mark")
        return self


class Blend(Noun):
    """The neighbour that a shot's words and noise lean towards, so that one changes into the other smoothly."""

    prompt: str
    seed: int = Field(ge=0, lt=2**32)
    weight: float = Field(ge=0, le=1)
    """How far: 0 is all the shot's own, 1 all the neighbour's."""


class RenderRequest(Noun):
    """A shot resolved for one backend. Its digest names the clip: same digest, same clip."""

    model: str
    revision: str
    prompt: str
    negative: str = ""
    seed: int = Field(ge=0, lt=2**32)
    frames: int = Field(ge=1, le=2400)
    fps: int = Field(ge=1, le=60)
    width: int = Field(ge=16, le=4096)
    height: int = Field(ge=16, le=4096)
    steps: int = Field(default=0, ge=0, le=200)
    guidance: float = Field(default=0.0, ge=0, le=50)
    conditioning: tuple[Conditioning, ...] = ()
    offloaded: bool = False
    """Keep what is not at work in main memory: slower, and less of the GPU's."""
    shared_noise: float = Field(default=0.0, ge=0, le=1)
    """How much of the noise that it begins with is that of `scene_seed`; the rest is that of `seed`."""
    scene_seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of what the scene's shots have in common; 0 where nothing is shared."""
    blend: Blend | None = Field(default=None, exclude_if=_absent)
    """Words and noise of a neighbour that count too, for models that can be given them."""

    @field_validator("conditioning")
    @classmethod
    def _within(cls, given: tuple[Conditioning, ...], info: ValidationInfo) -> tuple[Conditioning, ...]:
        frames = info.data.get("frames", 1)
        for one in given:
            if one.frame is not None and one.frame >= frames:
                raise ValueError(f"frame {one.frame} of a keyframe is not within {frames} frames: 0 to {frames - 1}")
        return given

    @property
    def digest(self) -> str:
        """As every noun's. Requests from before there were the fields of LATER keep the names of their clips."""
        plain = {name for name in LATER if getattr(self, name) == type(self).model_fields[name].default}
        return digest_of(canonical_json(self.model_dump(mode="json", exclude=plain)))

    @property
    def seconds(self) -> float:
        return self.frames / self.fps


LATER = ("offloaded", "shared_noise", "scene_seed")
"""Fields of a request that its digest leaves out where they say nothing: there were clips before them."""


class Clip(Noun):
    """Rendered frames on disk, losslessly encoded."""

    request: str
    """Digest of the request that asked for it."""
    path: str
    frames: int
    fps: int
    width: int
    height: int
    pixels: str
    """Digest of the raw RGB frames: two clips with equal `pixels` look exactly alike."""
    model: str
    revision: str
    render_seconds: float
    note: str = ""
    """What the backend could not do as asked, in words ("'knight' drawn as a person")."""
    made_with: dict[str, str] = Field(default_factory=dict)
    """Besides the request: weights, pipeline class, number format, device, and versions of the libraries."""
    sound: float = Field(default=0.0, ge=0)
    """Seconds of the sound that was rendered with the picture; 0 where there is none."""


# ----------------------------------------------------------------------------------------- judging

FindingKind = Literal[
    "unreadable",
    "black",
    "corrupt",
    "flicker",
    "frozen",
    "jump",
    "incoherent",
    "subject missing",
    "wrong color",
    "wrong subject",
    "wrong motion",
    "color drift",
    "shape drift",
    "size drift",
    "wrong setting",
    "off model",
    "cannot see",
]


class Finding(Noun):
    """One thing wrong with a clip: what, in whom, where, how bad."""

    by: Literal["pixels", "eyes"] = "pixels"
    """Who found it: measured pixels, or a vision model that looked at the clip."""
    kind: FindingKind
    words: str
    shot: str
    subject: str | None = None
    first_frame: int = 0
    last_frame: int = 0
    """Inclusive."""
    region: tuple[float, float, float, float] | None = None
    """Where in the picture: left, top, right, bottom in shares of its width and height; None for all of it."""
    evidence: tuple[str, ...] = ()
    """Digests of pictures in the vault that show it."""
    severity: float = Field(ge=0, le=1)
    """1 makes the clip useless; below 0.5 it is a remark that does not reject."""


Action = Literal[
    "reseed",
    "emphasize",
    "avoid",
    "raise guidance",
    "more steps",
    "hold keyframe",
    "loosen keyframe",
    "share noise",
    "shorten",
    "rework",
    "other model",
]


class Correction(Noun):
    """What the next request must carry because of a finding."""

    action: Action
    """hold keyframe: condition on a remembered picture that shows it right; loosen keyframe: condition less; share
    noise: take more of the noise that the scene's shots have in common; shorten: fewer frames; rework: make the best
    take there is anew in part, instead of another from nothing; other model: the next of the decision's fallbacks."""
    words: str = ""
    because: FindingKind
    remedy: str = ""
    """What it is a part of: the name of an entry of the table of remedies; "" for what no table chose."""


class Score(Noun):
    """One measurement of a clip."""

    metric: str
    value: float


class Verdict(Noun):
    """What the validator saw."""

    accepted: bool
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()
    corrections: tuple[Correction, ...] = ()
    unchecked: tuple[str, ...] = ()
    """What could not be judged, and why."""
    disagreements: tuple[str, ...] = ()
    """Where a vision model and the measured pixels do not say the same."""

    @property
    def quality(self) -> float:
        """1 without findings, less by the severity of each; orders the takes of a shot."""
        return 1.0 / (1.0 + sum(finding.severity for finding in self.findings))


Failure = Literal["memory", "time", "worker", "other"]
"""How a render failed: it did not fit, did not end in time, its worker died, or anything else."""


class Means(Noun):
    """With what a take is rendered. The defaults are all that was asked for; renders that fail leave less."""

    model: str = ""
    """A model other than the decision's."""
    again: int = 0
    """How often exactly the same is tried once more."""
    seeds: int = 0
    """How many seeds were left for another one."""
    offloaded: bool = False
    size: float = Field(default=1.0, gt=0, le=1)
    """Share of the sides in pixels."""
    frames: float = Field(default=1.0, gt=0, le=1)
    """Share of the frames; they are shown for longer."""
    steps: float = Field(default=1.0, gt=0, le=1)
    """Share of the denoising steps."""


class Concession(Noun):
    """Something that was asked for and given up: what, why, and what was done instead."""

    task: str
    """What could not be done: "render", "judge", "recall", "remember", "motion", "style", …"""
    shot: str = ""
    """Empty for what concerns the whole film."""
    kind: Literal[
        "smaller",
        "fewer frames",
        "fewer steps",
        "other model",
        "placeholder",
        "missing",
        "not accepted",
        "trimmed",
        "fresh start",
        "not remembered",
        "default",
        "left out",
    ]
    why: str
    """The error, or what the validator found."""
    instead: str


class Held(Noun):
    """A remembered picture that a take was held to."""

    picture: str
    """Digest of the picture in the vault."""
    shows: str
    """"identity of ball in s1.1"."""
    why: str


class Take(Noun):
    """One attempt at a shot."""

    shot: str
    attempt: int = Field(ge=1)
    request: RenderRequest
    clip: Clip | None = None
    verdict: Verdict | None = None
    error: str | None = None
    """Why there is no clip."""
    reused: bool = False
    """The clip was already in the vault."""
    judging: float = 0.0
    """Wall seconds from clip to verdict."""
    means: Means = Means()
    failure: Failure | None = None
    """How the render failed."""
    stopped: float | None = Field(default=None, ge=0, le=1)
    """Share of the render after which it was ended, because what came was hopeless; the verdict says why. None for one
    that was rendered to its end, or failed."""
    placeholder: bool = False
    """No attempt at all, but a card that stands in the film where the shot should."""
    held: tuple[Held, ...] = ()
    """The remembered pictures that it was held to, and why these; nothing in records from before."""

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.accepted


class Trial(Noun):
    """What a production came to, as evidence about its strategy."""

    strategy: Strategy
    model: str
    succeeded: bool
    """A film was made, and every one of its shots was rendered."""
    seconds: float | None = None
    """Wall seconds for each newly rendered take; None when there is no film."""
    quality: float | None = None
    """Mean quality of those takes, 0..1."""


class Outcome(Noun):
    """What became of a shot."""

    shot: str
    state: Literal["accepted", "trimmed", "best", "chosen", "placeholder", "failed"]
    """accepted; trimmed: no take was, but one is sound without its bad frames; best: the least bad; chosen: by the
    user; placeholder: a card instead; failed: nothing, which older productions know."""
    attempt: int = 0
    first: int = 0
    last: int = -1
    """Frames to use, inclusive."""
    given_up: tuple[Concession, ...] = ()
    round: int = 1
    """How often the film had been sent back, and once more, when the shot was settled."""


class FilmFinding(Noun):
    """One thing wrong between the shots of a film, or with the film as a whole."""

    kind: Literal["identity", "shape", "place", "style", "story", "cut", "pacing", "missing"]
    words: str
    shot: str | None = None
    """The shot that is out of line; None where it is the whole film."""
    other: str | None = None
    """The shot that it is held against."""
    subject: str | None = None
    wanted: str = ""
    """What it should be like: the colour, or the look."""
    first_frame: int = 0
    last_frame: int = 0
    """Inclusive: where in the shot's clip."""
    evidence: tuple[str, ...] = ()
    """Digests of pictures in the vault that show the pair."""
    severity: float = Field(ge=0, le=1)
    """From 0.5 on the film is not of one piece; below it is a remark."""


class Review(Noun):
    """What the quality agent says of a whole film."""

    round: int = 1
    score: float = Field(ge=0, le=1)
    """1 without findings, less by the severity of each, those of the takes that are used included."""
    findings: tuple[FilmFinding, ...] = ()
    sent_back: tuple[str, ...] = ()
    """Shots that are made again because of it."""
    bettered: tuple[str, ...] = ()
    """Of the shots that were sent back before, those whose new take is used: the film is better with it."""
    unchecked: tuple[str, ...] = ()
    """What could not be compared, and why."""


class TopologyChange(Noun):
    """A topology that did not work out, and the one that goes on in its place."""

    left: Topology
    to: Topology
    why: str


# ------------------------------------------------------------------------------------------- timing


class Due(Noun):
    """When a shot is expected to be made, in seconds from the beginning of the sitting."""

    shot: str
    begins: float
    """Its first take gets a worker."""
    ends: float
    """It needs no more takes."""


class Sitting(Noun):
    """A stretch of time in which shots of a production were made without a stop, and what was expected of it."""

    began: float
    """Unix time."""
    workers: int
    due: tuple[Due, ...]


class Stint(Noun):
    """A stretch of work on a take, as it was."""

    shot: str
    attempt: int
    what: Literal["render", "verdict"]
    worker: int | None = None
    """Which worker rendered, from 1; verdicts are made beside the workers."""
    began: float
    """Unix time."""
    ended: float | None = None
    """Unix time; None while it goes on, and when a kill cut it short."""
    killed: bool = False
    """Nobody will ever end it."""


# ---------------------------------------------------------------------------------------- thinking


class Call(Noun):
    """One call of a language model."""

    role: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Those of the prompt that the provider had in its cache."""
    estimated: bool = False
    """The server told no usage: tokens are estimated from the text's length."""
    seconds: float = 0.0
    """Wall time, waits and retries included."""
    attempts: int = 1
    """HTTP requests it took."""
    money: float | None = None
    """In the currency of the price table; None without a price."""
    error: str = ""
    """Why it gave no reply."""


class Fallback(Noun):
    """An answer that an agent's own rules gave where a language model should have."""

    role: str
    why: str


class Usage(Noun):
    """What thinking cost in a production."""

    mind: str = "rules"
    calls: tuple[Call, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()

    @property
    def prompt_tokens(self) -> int:
        return sum(call.prompt_tokens for call in self.calls)

    @property
    def completion_tokens(self) -> int:
        return sum(call.completion_tokens for call in self.calls)

    @property
    def seconds(self) -> float:
        """Wall seconds of all calls together; calls that ran side by side count each."""
        return sum(call.seconds for call in self.calls)

    @property
    def money(self) -> float | None:
        """Cost of the calls that have a price; None when none has."""
        known = [call.money for call in self.calls if call.money is not None]
        return sum(known) if known else None


# ----------------------------------------------------------------------------------------- the film


class Cut(Noun):
    """One entry of the timeline."""

    shot: str
    attempt: int
    clip: str
    """Digest of the clip's request."""
    first_frame: int
    last_frame: int
    """Frames of the clip that the film uses, inclusive: all of them unless bad ones were cut away."""
    start: float
    """Seconds from the film's beginning."""
    seconds: float


class Film(Noun):
    """A finished production."""

    id: str
    folder: str
    path: str
    brief: Brief
    decision: Decision
    storyboard: Storyboard
    takes: tuple[Take, ...]
    timeline: tuple[Cut, ...]
    missing: tuple[str, ...] = ()
    """Shots that the film was cut without, as older versions did; now a placeholder stands there."""
    given_up: tuple[Concession, ...] = ()
    """Everything that was asked for and is not so; empty for a film that lacks nothing."""
    usage: Usage = Usage()
    """What thinking cost."""
    changes: tuple[TopologyChange, ...] = ()
    """Topologies that were left, in order."""
    reviews: tuple[Review, ...] = ()
    """What the quality agent said of the film: each time that it looked."""
    seconds: float
    """Wall time the production took, all sessions together."""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Shots of which the film shows a card, because they could not be rendered."""
        return tuple(one.shot for one in self.given_up if one.kind == "placeholder")
