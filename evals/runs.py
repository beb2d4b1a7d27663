"""Runs of the eval harness as they lie on the disk: read, made into a table, and exported."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from kinograph import disk
from kinograph.errors import BadInput, Damaged
from kinograph.evals.log import Run, SampleLog, SetScore
from kinograph.evals.trajectory import matched

if TYPE_CHECKING:
    from pandas import DataFrame

HEADER, SAMPLES, SETS = "run.json", "samples.jsonl", "sets.json"


class LoadedRun(NamedTuple):
    """A run as it was found."""

    folder: Path
    header: Run
    samples: tuple[SampleLog, ...]
    """One for each sample and seed, in the order of the header's samples, then by seed."""
    sets: tuple[SetScore, ...] = ()
    torn: bool = False
    """The last line was cut short by a crash; its sample counts as not done yet."""

    @property
    def wanted(self) -> int:
        """How many samples and seeds the run is to have."""
        return len(self.header.samples) * len(self.header.seeds) or len(self.samples)

    def those(self, state: str) -> list[SampleLog]:
        """Samples in a state."""
        return [one for one in self.samples if one.state == state]


def load(folder: str | Path) -> LoadedRun:
    """Reads a run's folder; a last line that was torn by a crash is left out, and of two lines for one sample and seed
    the later one counts. Raises BadInput where there is no run, and Damaged."""
    folder = Path(folder).expanduser()
    if not (folder / HEADER).is_file():
        raise BadInput(f"{str(folder)!r} is no eval run: there is no {HEADER} in it")
    header = _read(folder / HEADER, Run.model_validate_json)
    found, torn = _samples(folder / SAMPLES)
    order = {sample: place for place, sample in enumerate(header.samples)}
    found.sort(key=lambda one: (order.get(one.sample, len(order)), one.sample, one.seed))
    return LoadedRun(folder, header, tuple(found), sets_of(folder), torn)


def sets_of(folder: Path) -> tuple[SetScore, ...]:
    """Metrics of all clips of a run together, as far as there are. Raises Damaged."""
    file = folder / SETS
    return _read(file, TypeAdapter(tuple[SetScore, ...]).validate_json) if file.exists() else ()


def _read(path: Path, parse: Callable[[bytes], Any]) -> Any:
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise Damaged(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        raise Damaged(f"{str(path)!r} is not what was written: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first complaint of a validation in a line."""
    one = error.errors()[0]
    where = ".".join(map(str, one["loc"]))
    return f"{where}: {one['msg']}" if where else one["msg"]


def _samples(path: Path) -> tuple[list[SampleLog], bool]:
    """The lines of `samples.jsonl`, and whether the last one is torn."""
    if not path.exists():
        return [], False
    *lines, rest = _read(path, lambda data: data.split(b"\n"))
    found: dict[tuple[str, int], SampleLog] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                one = SampleLog.model_validate_json(line)
            except ValidationError as error:
                raise Damaged(f"line {number} of {str(path)!r} is not what was written: {_first(error)}") from error
            _check(one, f"line {number} of {str(path)!r}")
            found[one.sample, one.seed] = one
    return list(found.values()), bool(rest.strip())


def _check(one: SampleLog, where: str) -> None:
    for metric, value in one.scores.items():
        if math.isnan(value):
            raise Damaged(f"{where}: {metric!r} is nan; a metric that has no number is listed as skipped")


def load_run(folder: str | Path) -> DataFrame:
    """A run as a pandas frame: a row for each sample and seed.

    Columns: run, suite, system.*, sample, seed, state, error, asked, tags, scores.* (empty where there is none),
    skipped.*, spent.*, shots, accepted, takes, retakes, path, expected, path_match. Needs `kinograph[eval]`.
    """
    run = load(folder)
    pandas = _pandas()
    header = {"run": run.header.id, "suite": run.header.suite}
    header |= {f"system.{name}": value for name, value in sorted(run.header.system.items())}
    names = [shown.metric for shown in run.header.metrics]
    rows = [header | dict(_row(one, names)) for one in run.samples]
    columns = list(dict.fromkeys(name for row in rows for name in row)) or list(header)
    frame = pandas.DataFrame(rows, columns=columns)
    numbers = [name for name in columns if name.startswith("scores.") or name in ("spent.money", "path_match")]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _row(one: SampleLog, metrics: list[str]) -> Iterator[tuple[str, Any]]:
    data = one.model_dump(include={"sample", "seed", "state", "error", "asked"})
    yield from data.items()
    yield "tags", " ".join(one.tags)
    for metric in dict.fromkeys([*metrics, *sorted(one.scores)]):
        yield f"scores.{metric}", one.scores.get(metric)
    for metric, why in sorted(one.skipped.items()):
        yield f"skipped.{metric}", why
    for name, value in one.spent.model_dump().items():
        yield f"spent.{name}", value
    yield "shots", len(one.shots)
    yield "accepted", sum(shot.accepted for shot in one.shots)
    yield "takes", sum(shot.takes for shot in one.shots)
    yield "retakes", retakes(one)
    yield "path", " > ".join(one.path)
    yield "expected", " > ".join(one.expected)
    yield "path_match", matched(one.path, one.expected) if one.expected else None


def retakes(one: SampleLog) -> int:
    """Takes beyond the first of each shot."""
    return sum(max(shot.takes - 1, 0) for shot in one.shots)


def _pandas() -> Any:
    try:
        import pandas
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise BadInput(
            f'tables of eval runs need {error.name}, which is not installed: pip install "kinograph[eval]"'
        ) from error
    return pandas


def export(folder: str | Path, to: str | Path) -> Path:
    """Writes a run's frame as CSV (UTF-8) or Parquet, by the name of the file; atomically.

    Raises BadInput for another ending.
    """
    path = Path(to).expanduser()
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise BadInput(f"{str(path)!r} ends in {path.suffix!r}; a run is exported to .csv or .parquet")
    frame = load_run(folder)
    with disk.replacing(path) as draft:
        if path.suffix.lower() == ".csv":
            frame.to_csv(draft, index=False)
        else:
            frame.to_parquet(draft, index=False)
    return path
