"""The models of this installation and their weights: what is here, what is whole, and fetching the rest."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kinograph import disk
from kinograph.errors import BadInput, Cancelled, Damaged, KinographError, UnknownName, Unreachable
from kinograph.settings import Settings
from kinograph.tools.backends import FOLDER, SHIPPED, ModelCard, cards
from kinograph.tools.backends.weights import Weights, check, check_part, find, hub_id, needs

if TYPE_CHECKING:
    from kinograph.tools.backends.pulling import Offer, OnProgress


class Model(NamedTuple):
    """A model and where its weights should be."""

    name: str
    card: ModelCard | None
    """None for weights that were named without one."""
    source: str
    """Folder, file or hub id; empty when it has none."""
    pickles: bool = False

    @property
    def shipped(self) -> bool:
        """It comes with kinograph, and no other weights are set."""
        return self.card is not None and self.card.family == SHIPPED and not self.source


class Installed(NamedTuple):
    """What is on this machine of a model."""

    model: Model
    weights: Weights | None
    problem: str = ""
    """Why it is not whole; empty when it is, or is not here at all."""

    @property
    def whole(self) -> bool:
        """All of it is here."""
        return not self.problem and (self.weights is not None or self.model.shipped)

    def data(self) -> dict[str, Any]:
        """For JSON."""
        weights = self.weights
        return {
            "installed": self.whole,
            "installed_gb": round(weights.gb, 3) if weights else None,
            "weights_path": str(weights.folder) if weights else None,
        }


def model_of(card: ModelCard, settings: Settings) -> Model:
    """A card's model with the weights that settings name, or else the card."""
    options = settings.backends.get(card.id, {})
    return Model(card.id, card, str(options.get("weights") or card.source), options.get("pickles") is True)


def named(name: str, settings: Settings) -> Model:
    """The model of a card's id, or the weights of a folder, file or hub id. Raises UnknownName."""
    if name in cards():
        return model_of(cards()[name], settings)
    name = name.removeprefix(FOLDER)
    if hub_id(name) or "/" in name or Path(name).exists():
        return Model(name, None, name)
    raise UnknownName("model", name, cards())


def installed(model: Model) -> Installed:
    """Looks for a model's weights and whether they are whole; the network is not asked."""
    weights = None
    try:
        weights = _shipped(model) if model.shipped else find(model.source)
        if weights is not None:
            _check(weights, model)
    except KinographError as error:
        return Installed(model, weights, str(error))
    return Installed(model, weights)


def whole(model: Model) -> Weights | None:
    """The weights of a model, which are whole; None for one that ships without any. Raises what is wrong with them."""
    weights = _shipped(model) if model.shipped else find(model.source)
    if weights is not None:
        _check(weights, model)
    elif not model.shipped:
        raise BadInput(f"{model.name}: {needs(model.source)}")
    return weights


def offer(model: Model, to: Path | None, settings: Settings) -> Offer:
    """Asks the hub what fetching a model's weights would take. Raises BadInput for one that has nothing to fetch."""
    from kinograph.tools.backends import pulling

    if model.source and Path(model.source).expanduser().exists():
        raise BadInput(f"the weights of {model.name} are {model.source!r} on this machine; there is nothing to fetch")
    if hub_id(model.source) is None:
        raise BadInput(f"nothing can be fetched for {model.name}: {needs(model.source)}")
    if settings.offline:
        raise BadInput("offline = true, so nothing can be fetched; KINOGRAPH_OFFLINE=false allows it once")
    return pulling.offer(model.source, to, model.pickles)


def fetch(model: Model, offered: Offer, on_progress: OnProgress) -> Weights:
    """Fetches what was offered and looks whether it is whole. Raises Cancelled at Ctrl-C; what was fetched is kept."""
    from kinograph.tools.backends import pulling

    again = f"kinograph models pull {model.name}" + (f" --to {shlex.quote(str(offered.folder))}" if offered.own else "")
    try:
        folder = pulling.fetch(offered, on_progress)
    except KeyboardInterrupt:
        here = f"{spoken(offered.here)} of {spoken(offered.size)} are here and stay"
        raise Cancelled(f"stopped; {here}; go on with: {again}") from None
    except Unreachable as error:
        raise Unreachable(f"{error}; what was fetched is kept, go on with: {again}") from error
    weights = find(str(folder) if offered.own else model.source)
    if weights is None:
        raise Damaged(f"{str(folder)!r} is gone again; fetch it with: {again}")
    if weights.kind != "loose":
        _check(weights, model)
    return weights


def spoken(size: float) -> str:
    """A number of bytes in words."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.1f} MB"


def _check(weights: Weights, model: Model) -> None:
    if model.shipped:
        disk.verify(weights.folder)
    elif weights.kind == "part":
        check_part(weights.folder, model.pickles)
    else:
        check(weights, model.pickles)


def _shipped(model: Model) -> Weights | None:
    """The weights that come with kinograph; None for a model that draws by rules."""
    if model.card is None or not model.card.weights:
        return None
    from kinograph.tools.backends.storyworld_diffusion import MODEL

    return find(str(MODEL))
