"""What a backend is asked for, and what it gives: requests and clips."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from kinograph.film.nouns import Noun, absent, canonical_json, digest_of

Task = Literal["t2v", "i2v", "v2v", "flf2v", "keyframes", "reference", "inpaint", "upscale", "interpolate"]
"""keyframes: pictures at any frames. reference: pictures of who or what is in it. inpaint: only what a mask marks is
made, within the frame or beyond it."""


class Conditioning(Noun):
    """A picture, or a clip, that a request is tied to."""

    keyframe: str
    """Digest of the picture in the vault; of a source the digest that names its clip."""
    role: Literal["first", "last", "between", "reference", "source"] = "first"
    """between: the picture of one frame, as `frame` says. reference: shows who or what is in the clip. source: a whole
    clip, made anew in part."""
    strength: float = Field(default=1.0, ge=0, le=1)
    """How much it counts. Of a source below 1 what is left of it; 1 leaves that to the backend's options."""
    frame: int | None = Field(default=None, ge=0, exclude_if=absent)
    """Of a picture between first and last: where it is, counted from 0."""
    mask: str | None = Field(default=None, exclude_if=absent)
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
    blend: Blend | None = Field(default=None, exclude_if=absent)
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
