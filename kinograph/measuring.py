"""The command that measures clips: kinograph measure CLIP… and kinograph measure --list."""

from __future__ import annotations

import math
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args
from typing import cast as cast_to

import typer

from kinograph.errors import BadInput
from kinograph.output import Json, put
from kinograph.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from rich.console import RenderableType

    from kinograph.tools.metrics import Beside, Measured, Metric


def measure(
    clips: Annotated[list[Path] | None, typer.Argument(help="Videos (mp4, mov, mkv, webm) or pictures.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Names with commas between them; all without it.")] = None,
    words: Annotated[str, typer.Option(help="What the clips should show.")] = "",
    reference: Annotated[Path | None, typer.Option(help="The clip as it should be, frame for frame.")] = None,
    before: Annotated[Path | None, typer.Option(help="The clip that they follow in the film.")] = None,
    cast: Annotated[list[str] | None, typer.Option(help="NAME=PICTURE of who should be seen; repeatable.")] = None,
    motion: Annotated[str, typer.Option(help="What the first subject should do, such as 'moves right'.")] = "",
    embedder: Annotated[str | None, typer.Option(help="Such as pixels, or clip:/folder with weights.")] = None,
    faces: Annotated[str | None, typer.Option(help="module:callable of your own, picture -> face vectors.")] = None,
    as_list: Annotated[bool, typer.Option("--list", help="Show the metrics: direction, range, needs, cost.")] = False,
    as_json: Json = False,
) -> None:
    """Measure clips: coherence, flicker, consistency, fidelity to words, likeness to a reference and more.

    kinograph measure clip.mp4 --metrics "flicker,text alignment" --words "a red ball"

    A metric that cannot be measured says what it needs; it never shows a made-up number.
    """
    if as_list:
        _show_registry(as_json)
        return
    if not clips:
        raise BadInput("kinograph measure needs a clip; kinograph measure --list shows the metrics")
    names = _names(metrics)
    beside = _beside(words, reference, before, cast or (), motion, embedder, faces)
    found = {str(path): _measured(path, names, beside) for path in clips}
    rows = [{"clip": path, "metrics": _data(measured)} for path, measured in found.items()]
    put(rows if as_json else _table(found))


def _measured(path: Path, names: Sequence[str], beside: Beside) -> Mapping[str, Measured]:
    from kinograph.tools.metrics import measure as measured
    from kinograph.tools.videos import read_video

    video = read_video(path)
    return measured(names, video.frames, beside._replace(fps=video.fps))


def _names(metrics: str | None) -> list[str]:
    """The metrics that are asked for. Raises UnknownName."""
    from kinograph.tools.metrics import METRICS, metric

    asked = [" ".join(name.split()) for name in (metrics or ",".join(METRICS)).split(",")]
    return [metric(name).name for name in asked]


def _beside(
    words: str,
    reference: Path | None,
    before: Path | None,
    cast: Sequence[str],
    motion: str,
    embedder: str | None,
    faces: str | None,
) -> Beside:
    from kinograph.film import Motion
    from kinograph.memory.embedders import open_embedder
    from kinograph.tools.metrics import Beside
    from kinograph.tools.videos import read_video

    if motion and motion not in get_args(Motion):
        raise BadInput(f"motion {motion!r} is none of: {', '.join(get_args(Motion))}")
    return Beside(
        words=words,
        embedder=open_embedder(embedder or Settings.load().embedder),
        reference=None if reference is None else read_video(reference).frames,
        before=None if before is None else read_video(before).frames,
        cast=_cast(cast),
        motion=motion,
        faces=None if faces is None else _recogniser(faces),
    )


def _cast(given: Sequence[str]) -> dict[str, list[np.ndarray]]:
    from kinograph.tools.videos import read_video

    cast: dict[str, list[np.ndarray]] = {}
    for one in given:
        name, equals, file = one.partition("=")
        if not (name.strip() and equals and file):
            raise BadInput(f"cast {one!r} is not NAME=PICTURE")
        cast.setdefault(name.strip(), []).extend(read_video(Path(file)).frames[:1])
    return cast


def _recogniser(place: str) -> Callable[[np.ndarray], np.ndarray]:
    """The callable that `module:callable` names. Raises BadInput."""
    module, _, name = place.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"faces {place!r} is no module:callable that can be imported: {error}") from error
    if not callable(found):
        raise BadInput(f"faces {place!r} is no callable but {type(found).__name__}")
    return cast_to("Callable[[np.ndarray], np.ndarray]", found)


def _data(measured: Mapping[str, Measured]) -> dict[str, dict[str, Any]]:
    return {name: {"value": one.value} if one.value is not None else one._asdict() for name, one in measured.items()}


def _table(found: Mapping[str, Mapping[str, Measured]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from kinograph.tools.metrics import metric

    table = Table("clip", "metric", "value", "better", "range", "remark")
    for path, measured in found.items():
        for index, (name, one) in enumerate(measured.items()):
            told = metric(name)
            value = f"skipped: {one.skipped}" if one.value is None else f"{one.value:.4f}"
            cells = (path if index == 0 else "", name, value, told.better, spoken_range(told), _remark(told))
            table.add_row(*map(Text, cells), end_section=index == len(measured) - 1)
    return table


def _show_registry(as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from kinograph.tools.metrics import METRICS, metric

    known = [metric(name) for name in METRICS]
    if as_json:
        put([_registered(one) for one in known])
        return
    table = Table("metric", "better", "range", "needs", "cost", "remark")
    for one in known:
        cells = (one.name, one.better, spoken_range(one), ", ".join(one.needs), one.cost, _remark(one))
        table.add_row(*map(Text, cells))
    put(table)


def _registered(one: Metric) -> dict[str, Any]:
    least, greatest = (bound if math.isfinite(bound) else None for bound in one.range)
    told = {"name": one.name, "better": one.better, "least": least, "greatest": greatest, "needs": one.needs}
    return told | {"cost": one.cost, "vbench": one.vbench, "note": one.note}


def spoken_range(one: Metric) -> str:
    """Least and greatest value, as "0..1" or "from 0"."""
    least, greatest = one.range
    return f"{least:g}..{greatest:g}" if math.isfinite(greatest) else f"from {least:g}"


def _remark(one: Metric) -> str:
    return "; ".join(part for part in (one.vbench and f"VBench's {one.vbench}", one.note) if part)
