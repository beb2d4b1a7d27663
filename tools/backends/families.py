"""What sets families of diffusers pipelines apart, as data; what their signatures tell is read from those.

`KINS` says which pipeline classes one set of weights serves. `FORMS` says how each sort of class takes pictures: a
class has the first form whose argument it has.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Literal, NamedTuple

import numpy as np

from kinograph.tools.backends import FrameRule

Role = Literal["first", "last", "between", "reference", "source"]


class Kin(NamedTuple):
    """Pipeline classes that one set of weights serves: the first is the one that the weights' folder names."""

    classes: tuple[str, ...]
    """In order of preference; of diffusers, or `module:Class`."""
    axis: int | None = None
    """Of frames in the initial noise of the first class; None: noise cannot be given. Packed latents `[B,tokens,C]`
    hold one frame after the other along it."""
    single: bool = False
    """Clips rendered together are not what each is alone."""
    half: Literal["bfloat16", "float16"] = "bfloat16"
    """The number format of 16 bits that it was trained in."""
    rule: FrameRule = "n"
    """Counts of frames that it can render."""
    multiple: int = 16
    """Of what its sides are multiples."""
    exact: bool = False
    """Its autoencoder wants 32 bits, whatever the rest has."""
    decoding: tuple[str, ...] = ()
    """Switches of its autoencoder without which it does not decode."""


KINS = (
    Kin(("AnimateDiffPipeline", "AnimateDiffVideoToVideoPipeline"), axis=2, half="float16", multiple=8),
    Kin(("AnimateDiffSparseControlNetPipeline",), axis=2, single=True, half="float16", multiple=8),
    Kin(("AnimateDiffSDXLPipeline",), axis=2, single=True, half="float16", multiple=8),
    Kin(("TextToVideoSDPipeline", "VideoToVideoSDPipeline"), axis=2, half="float16", multiple=8),
    Kin(("VideoToVideoSDPipeline",), single=True, half="float16", multiple=8),
    Kin(("kinograph.tools.backends.videocrafter.pipeline:VideoCrafter2Pipeline",), axis=2, half="float16", multiple=8),
    Kin(("StableVideoDiffusionPipeline",), axis=1, half="float16", multiple=8),
    Kin(("LattePipeline",), axis=2, single=True, half="float16"),
    Kin(("CogVideoXPipeline", "CogVideoXVideoToVideoPipeline"), axis=1, rule="8k+1"),
    Kin(("CogVideoXImageToVideoPipeline",), axis=1, rule="8k+1"),
    Kin(("WanPipeline", "WanImageToVideoPipeline", "WanVideoToVideoPipeline"), axis=2, rule="4k+1", exact=True),
    Kin(("WanImageToVideoPipeline",), axis=2, single=True, rule="4k+1", exact=True),
    Kin(("WanVACEPipeline",), axis=2, single=True, rule="4k+1", exact=True),
    Kin(("HunyuanVideoPipeline",), axis=2, rule="4k+1"),
    Kin(("HunyuanVideoImageToVideoPipeline",), rule="4k+1"),
    Kin(("HunyuanVideoFramepackPipeline",), single=True, rule="4k+1"),
    Kin(("HunyuanVideo15Pipeline",), axis=2, rule="4k+1", decoding=("enable_slicing",)),
    Kin(("HunyuanVideo15ImageToVideoPipeline",), axis=2, single=True, rule="4k+1", decoding=("enable_slicing",)),
    Kin(("LTXPipeline", "LTXConditionPipeline"), axis=1, rule="8k+1", multiple=32),
    Kin(("LTXConditionPipeline",), rule="8k+1", multiple=32),
    Kin(("LTX2Pipeline", "LTX2ConditionPipeline"), axis=1, rule="8k+1", multiple=32),
    Kin(("MochiPipeline",), axis=2, rule="6k+1"),
    Kin(("AllegroPipeline",), axis=2, single=True, exact=True, decoding=("enable_tiling",)),
    Kin(
        ("SkyReelsV2DiffusionForcingPipeline", "SkyReelsV2DiffusionForcingImageToVideoPipeline"),
        axis=2,
        single=True,
        rule="4k+1",
    ),
    Kin(("SanaVideoPipeline", "SanaImageToVideoPipeline"), axis=2, rule="4k+1", multiple=32),
    Kin(("SanaImageToVideoPipeline",), axis=2, single=True, rule="4k+1", multiple=32),
    Kin(("CosmosTextToWorldPipeline",), axis=2, single=True, rule="8k+1"),
)
UNSHIFTED = ("LTXConditionPipeline",)
"""Classes that do not tell their scheduler how large a clip is, as one of an older checkpoint may want to know."""


def _expands(pipeline: Any) -> bool:
    """Wan 2.2 of 5B, where a picture takes the place of the first latent frame."""
    return bool(pipeline.config.get("expand_timesteps"))


FITS: dict[str, Callable[[Any], bool]] = {
    "WanImageToVideoPipeline": lambda one: type(one).__name__ == "WanImageToVideoPipeline" or _expands(one),
    "WanVideoToVideoPipeline": lambda one: not _expands(one),
}
"""Classes for which it depends on the loaded pipeline whether its parts serve."""


def ends(found: Way, pipeline: Any) -> bool:
    """Whether a way whose call takes a last frame makes use of it with these weights.

    Weights of Wan that were trained with the embedding of one picture, or with a picture for the first latent frame,
    know only one; and what SkyReels encodes of a last frame is cut off again.
    """
    if found.name == "SkyReelsV2DiffusionForcingImageToVideoPipeline" or _expands(pipeline):
        return False
    embeds = getattr(pipeline, "image_encoder", None) is not None and "pos_embed_seq_len" in pipeline.transformer.config
    return not embeds or pipeline.transformer.config["pos_embed_seq_len"] is not None


def kin_of(name: str) -> Kin:
    """The kin of the class that a folder names; a class that is not in the table has only itself."""
    known = (kin for kin in KINS if kin.classes[0].rpartition(":")[2] == name)
    # Modules are named in the table only: a folder says which class of diffusers it is for, and no other code.
    return next(known, Kin((name.rpartition(":")[2],), single=True))


class Picture(NamedTuple):
    """A picture that a clip is tied to."""

    role: Role
    pixels: np.ndarray
    """uint8 RGB `[H,W,3]`, of the clip's size unless it is a reference; `[T,H,W,3]` of a source."""
    strength: float = 1.0
    frame: int = 0
    """Where it is, of those between first and last."""
    mask: np.ndarray | None = None
    """uint8 `[H,W]` of the clip's size: 255 where it is painted anew, else 0."""

    @property
    def needs(self) -> frozenset[str]:
        """What a way must carry for it: its role, and "mask" where part of it is painted anew."""
        return frozenset({self.role} if self.mask is None else {self.role, "mask"})


class Call(NamedTuple):
    """What pictures are put into."""

    pictures: Sequence[Picture]
    frames: int
    strength: float
    """How much of a given video is made anew, 0..1."""
    video: np.ndarray | None = None
    """uint8 RGB `[T,H,W,3]`, to be made anew."""


class Form(NamedTuple):
    """A way to take pictures."""

    argument: str
    """What a class of this form takes them by."""
    roles: Collection[str]
    """Of the pictures it takes; "mask" where they may be painted anew in part."""
    least: Literal["none", "any", "first", "one"]
    """What it must be given: no picture, any of them, a first frame, or just one of them."""
    arguments: Callable[[Call, Any], dict[str, Any]]
    """The call's arguments; the second parameter is the pipeline class."""


def anew(pictures: Sequence[Picture], strength: float) -> float:
    """How much of a given video is made anew: all but what a source is to keep, else `strength`, the options'."""
    kept = next((one.strength for one in pictures if one.role == "source"), 1.0)
    return strength if kept == 1.0 else 1.0 - kept


def _pil(picture: Picture) -> Any:
    from PIL import Image

    return Image.fromarray(picture.pixels)


def _at(picture: Picture, call: Call) -> int:
    return {"first": 0, "between": picture.frame}.get(picture.role, call.frames - 1)


def _moving(frames: np.ndarray) -> list[Any]:
    return [_pil(Picture("first", frame)) for frame in frames]


LATENT = 8
"""Frames in a latent frame of LTX, but for the first, which is alone in one."""


def shifted(picture: Picture, found: Way) -> str:
    """What is told of a keyframe that does not come to lie where it was asked for; "" for one that does."""
    if picture.role != "between" or "LTX2" not in found.name:
        return ""
    at = max((-(-picture.frame // LATENT) - 1) * LATENT + 1, 0)
    return "" if at == picture.frame else f"the picture of frame {picture.frame} is held at frame {at}"


def _conditions(call: Call, pipeline: Any) -> dict[str, Any]:
    module = import_module(pipeline.__module__)

    def made(one: Picture) -> Any:
        source, at = one.role == "source", 0 if one.role == "source" else _at(one, call)
        strength = 1.0 - call.strength if source else one.strength
        if hasattr(module, "LTX2VideoCondition"):  # whose index counts latent frames
            frames = _moving(one.pixels) if source else _pil(one)
            return module.LTX2VideoCondition(frames=frames, index=-(-at // LATENT), strength=strength)
        shown = {"video": _moving(one.pixels)} if source else {"image": _pil(one)}
        return module.LTXVideoCondition(**shown, frame_index=at, strength=strength)

    return {"conditions": [made(one) for one in call.pictures]} if call.pictures else {}


def _sparse(call: Call, _: Any) -> dict[str, Any]:
    return {
        "conditioning_frames": [_pil(one) for one in call.pictures],
        "controlnet_frame_indices": [_at(one, call) for one in call.pictures],
    }


GREY = 127
"""What is painted anew is shown to VACE in grey."""


def _edited(call: Call, _: Any) -> dict[str, Any]:
    """Frames that are given are kept, grey ones are painted (VACE: white in the mask is made anew)."""
    from PIL import Image

    references = [_pil(one) for one in call.pictures if one.role == "reference"]
    given = [one for one in call.pictures if one.role != "reference"]
    found: dict[str, Any] = {"reference_images": references} if references else {}
    if given:
        height, width = given[0].pixels.shape[-3:-1]
        video, mask = (
            np.full((call.frames, height, width, 3), GREY, np.uint8),
            np.full((call.frames, height, width), 255),
        )
        for one in sorted(given, key=lambda one: one.role != "source"):  # pictures of single frames go over a clip
            at = slice(None) if one.role == "source" else _at(one, call)
            paint = np.zeros((height, width), np.uint8) if one.mask is None else one.mask
            video[at], mask[at] = np.where(paint[..., None] > 0, GREY, one.pixels), paint
        found["video"] = _moving(video)
        found["mask"] = [Image.fromarray(one.astype(np.uint8)) for one in mask]
    return found


def _image(call: Call, _: Any) -> dict[str, Any]:
    by_role = {one.role: _pil(one) for one in call.pictures}
    return {"image": by_role["first"]} | ({"last_image": by_role["last"]} if "last" in by_role else {})


def _held(call: Call, _: Any) -> dict[str, Any]:
    """A clip, or the first frame held for as long as the clip is, to be made anew in part."""
    source = next((one.pixels for one in call.pictures if one.role == "source"), call.video)
    if source is None:
        return {"video": [_pil(call.pictures[0])] * call.frames, "strength": call.strength}
    return {"video": _moving(source), "strength": call.strength}


FORMS = (
    Form("conditions", ("first", "last", "between", "source"), "none", _conditions),
    Form("conditioning_frames", ("first", "last", "between"), "any", _sparse),
    Form("reference_images", ("first", "last", "between", "reference", "source", "mask"), "none", _edited),
    Form("last_image", ("first", "last"), "first", _image),
    Form("image", ("first",), "first", _image),
    Form("video", ("first", "source"), "one", _held),
)
WORDS = Form("", (), "none", lambda call, pipeline: {})
"""The form of classes that take words only."""


class Way(NamedTuple):
    """A pipeline class and how it is called."""

    name: str
    pipeline: Any
    parameters: frozenset[str]
    form: Form

    def carries(self, roles: Collection[str]) -> bool:
        """Whether a request with pictures in these roles can be rendered this way."""
        enough = {"none": True, "any": bool(roles), "first": "first" in roles, "one": len(roles) == 1}[self.form.least]
        return enough and set(roles) <= set(self.form.roles)

    def argument(self, *names: str) -> str:
        """The first of these names that the call has; "" for none."""
        return next((name for name in names if name in self.parameters), "")


@cache
def way(name: str) -> Way:
    """The way of a class, `Class` of diffusers or `module:Class`. Raises AttributeError for one that is not there."""
    module, _, attribute = name.rpartition(":")
    pipeline = getattr(import_module(module or "diffusers"), attribute)
    parameters = frozenset(inspect.signature(pipeline.__call__).parameters)
    form = next((form for form in FORMS if form.argument in parameters), WORDS)
    return Way(attribute, pipeline, parameters, form)
