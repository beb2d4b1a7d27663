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

Role = Literal["first", "last", "reference"]


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
    Kin(("HunyuanVideo15ImageToVideoPipeline",), single=True, rule="4k+1"),
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
    """uint8 RGB `[H,W,3]`, of the clip's size unless it is a reference."""
    strength: float = 1.0


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
    roles: Collection[Role]
    least: Literal["none", "any", "first"]
    """What it must be given: no picture, any of them, or a first frame."""
    arguments: Callable[[Call, Any], dict[str, Any]]
    """The call's arguments; the second parameter is the pipeline class."""


def _pil(picture: Picture) -> Any:
    from PIL import Image

    return Image.fromarray(picture.pixels)


def _at(picture: Picture, call: Call) -> int:
    return 0 if picture.role == "first" else call.frames - 1


def _conditions(call: Call, pipeline: Any) -> dict[str, Any]:
    module = import_module(pipeline.__module__)
    if hasattr(module, "LTX2VideoCondition"):  # whose index counts latent frames
        made = [
            module.LTX2VideoCondition(frames=_pil(one), index=0 if one.role == "first" else -1, strength=one.strength)
            for one in call.pictures
        ]
    else:
        made = [
            module.LTXVideoCondition(image=_pil(one), frame_index=_at(one, call), strength=one.strength)
            for one in call.pictures
        ]
    return {"conditions": made} if made else {}


def _sparse(call: Call, _: Any) -> dict[str, Any]:
    return {
        "conditioning_frames": [_pil(one) for one in call.pictures],
        "controlnet_frame_indices": [_at(one, call) for one in call.pictures],
    }


def _edited(call: Call, _: Any) -> dict[str, Any]:
    """Frames that are given are kept, grey ones are painted (VACE: white in the mask is made anew)."""
    from PIL import Image

    references = [_pil(one) for one in call.pictures if one.role == "reference"]
    held = {_at(one, call): one for one in call.pictures if one.role != "reference"}
    found: dict[str, Any] = {"reference_images": references} if references else {}
    if held:
        height, width = next(iter(held.values())).pixels.shape[:2]
        size = (width, height)
        frames = range(call.frames)
        grey, paint, keep = Image.new("RGB", size, (127, 127, 127)), Image.new("L", size, 255), Image.new("L", size, 0)
        found["video"] = [_pil(held[frame]) if frame in held else grey for frame in frames]
        found["mask"] = [keep if frame in held else paint for frame in frames]
    return found


def _image(call: Call, _: Any) -> dict[str, Any]:
    by_role = {one.role: _pil(one) for one in call.pictures}
    return {"image": by_role["first"]} | ({"last_image": by_role["last"]} if "last" in by_role else {})


def _held(call: Call, _: Any) -> dict[str, Any]:
    """The first frame, held for as long as the clip is, to be made anew in part."""
    if call.video is None:
        first = next(one for one in call.pictures if one.role == "first")
        return {"video": [_pil(first)] * call.frames, "strength": call.strength}
    return {"video": [_pil(Picture("first", frame)) for frame in call.video], "strength": call.strength}


FORMS = (
    Form("conditions", ("first", "last"), "none", _conditions),
    Form("conditioning_frames", ("first", "last"), "any", _sparse),
    Form("reference_images", ("first", "last", "reference"), "none", _edited),
    Form("last_image", ("first", "last"), "first", _image),
    Form("image", ("first",), "first", _image),
    Form("video", ("first",), "first", _held),
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
        enough = {"none": True, "any": bool(roles), "first": "first" in roles}[self.form.least]
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
