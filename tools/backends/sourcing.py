"""Where the weights of a diffusers model lie, which pipeline they are for, and what they lack to be rendered with."""

from __future__ import annotations

from kinograph.errors import BadInput, Damaged, RenderFailed, StorageError
from kinograph.tools.backends import ModelCard
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.backends.families import Kin, kin_of
from kinograph.tools.backends.pipelines import class_of
from kinograph.tools.backends.weights import Weights, check, check_part, find, needs


def source_of(card: ModelCard, options: DiffusionOptions) -> str:
    """Folder or hub id of a model's weights; "" where neither options nor card name any."""
    return options.weights or card.source


def weights_at(source: str) -> Weights:
    """The weights of a folder or hub id. Raises RenderFailed where there are none here."""
    found = find(source)
    if found is None:
        raise RenderFailed(needs(source))
    return found


def class_for(found: Weights, options: DiffusionOptions) -> str:
    """The pipeline class that weights are for. Raises Damaged, RenderFailed."""
    if found.kind == "file":
        return options.pipeline
    if found.kind == "part":
        large = class_of(weights_at(options.base).folder) == "StableDiffusionXLPipeline"
        return "AnimateDiffSDXLPipeline" if large else "AnimateDiffPipeline"
    return class_of(found.folder)


def kin_for(card: ModelCard, options: DiffusionOptions) -> Kin:
    """The family of a model's weights. Raises Damaged, RenderFailed."""
    return kin_of(class_for(weights_at(source_of(card, options)), options))


def lacks(card: ModelCard, options: DiffusionOptions) -> str:
    """What keeps it from rendering here, in words; "" for nothing. Reads no weights."""
    sources = (source_of(card, options), options.base, options.before, options.upsample)
    try:
        for source in filter(None, sources):
            if (found := find(source)) is None:
                return needs(source)
            if found.kind == "part":
                check_part(found.folder, options.pickles)
            elif found.kind != "loose":
                check(found, options.pickles)
    except (BadInput, Damaged, StorageError) as error:
        return str(error)
    found = find(sources[0])
    if found is None:
        return needs("")
    if found.kind == "part" and not options.base:
        return f"{found.folder.name} is a part of a model; set `base` in its options to the checkpoint it goes with"
    if found.kind == "file" and not options.pipeline:
        return f"{found.folder.name} is a single file; set `pipeline` in its options to the class it is for"
    if found.kind == "loose":
        how = "; kinograph.tools.backends.videocrafter.convert makes one" if card.family == "videocrafter" else ""
        return f"{str(found.folder)!r} is no folder in the diffusers layout{how}"
    return ""
