"""What the command line says of a run, as what the harness takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kinograph.errors import BadInput
from kinograph.evals.performing import By
from kinograph.evals.systems import System
from kinograph.settings import MindSettings


class Crew(NamedTuple):
    """The crew that is to be evaluated, as it was said."""

    asked: Mapping[str, Any]
    mind: str | None
    given: Sequence[str]
    wishes: Mapping[str, Any]
    shared: bool
    rendered: bool

    def system(self) -> System:
        """Raises BadInput."""
        from kinograph.evals.systems.studio import Crewed, minded
        from kinograph.settings import Settings

        told = _settings(self.given) | {name: value for name, value in self.asked.items() if value is not None}
        settings = minded(Settings.load(**told), self.mind or "")
        return Crewed(settings, self.wishes, fresh=not self.shared, rendered=self.rendered)


def _settings(given: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE as arguments of Settings; mind.NAME and backends.MODEL.NAME reach into their tables."""
    found: dict[str, Any] = {}
    for name, value in pairs(given, "set").items():
        try:
            plain = json.loads(value)
        except ValueError:
            plain = value
        table, _, rest = name.partition(".")
        if table == "backends" and "." in rest:
            model, _, option = rest.rpartition(".")
            found.setdefault("backends", {}).setdefault(model, {})[option] = plain
        elif rest:
            found.setdefault(table, {})[rest] = plain
        else:
            found[name] = plain
    return found


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    pairs = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise BadInput(f"--{option} {one!r} is not {'ID=REASON' if option == 'exclude' else 'NAME=VALUE'}")
        pairs[name.strip()] = value.strip()
    return pairs


def videos_of(folder: Path) -> System:
    from kinograph.evals.systems.videos import Videos

    return Videos(folder.expanduser())


class Chosen(NamedTuple):
    """What a new run is to be of, as it was said."""

    suite: str | None
    limit: int | None
    sample_ids: Sequence[str]
    seeds: str
    metrics: Sequence[str] | None
    set_metrics: Sequence[str] | None
    embedder: str
    eyes: str | None
    exclude: Sequence[str]

    def run_of(self, system: System, out: Path | None) -> dict[str, Any]:
        """The same as the harness takes it, in a folder that is named if none was. Raises BadInput."""
        from kinograph.evals.harness import RUNS

        if self.suite is None:
            raise BadInput("name a suite (kinograph eval suites lists them), or --resume a run's folder")
        return {
            "suite": self.suite,
            "system": system,
            "folder": out or Path(RUNS) / name_of(self.suite),
            "limit": self.limit,
            "sample_ids": tuple(self.sample_ids),
            "seeds": seeds_of(self.seeds),
            "metrics": metrics_of(self.metrics),
            "set_metrics": set_metrics_of(self.set_metrics),
            "embedder": self.embedder,
            "eyes": eyes_of(self.eyes),
            "exclude": pairs(self.exclude, "exclude"),
        }


def check_resumed(given: Mapping[str, Any]) -> None:
    """Nothing of what a run was begun with is said anew. Raises BadInput."""
    if told := [name for name, value in given.items() if value not in (None, [])]:
        raise BadInput(f"a run that is resumed keeps its own {told[0]}; begin a new one with --out instead")


def eyes_of(model: str | None) -> MindSettings | None:
    """A vision model at the server of the settings' mind. Raises BadSetting."""
    from kinograph.settings import Settings

    if model is None:
        return None
    mind = Settings.load().mind
    told = {"kind": "openai", "model": mind.model or model, "models": {"validator": model}}
    return mind.model_copy(update=told)


def as_before(resume: Path, exclude: Sequence[str] | None) -> dict[str, Any]:
    """What a run was begun with."""
    from kinograph.evals.folder import RunFolder
    from kinograph.evals.headers import EYES, JUDGE
    from kinograph.evals.sets import names
    from kinograph.evals.systems.studio import Crewed
    from kinograph.tools.metrics import METRICS

    header = RunFolder(resume).header()
    known = header.system.get("system")
    if "arm" in header.system:
        raise BadInput(f"{str(resume)!r} is an arm of a study; go on with the study: kinograph eval study NAME --out …")
    if known not in ("studio", "videos") or header.system.get("mind") == "given" or not header.source:
        raise BadInput(
            f"{str(resume)!r} was begun from Python, by what a command cannot name; go on with it from there"
        )
    return {
        "suite": header.source,
        "system": videos_of(Path(header.system["folder"])) if known == "videos" else Crewed.named(header.system),
        "folder": resume,
        "sample_ids": header.samples,
        "seeds": header.seeds,
        "metrics": tuple(one.metric for one in header.metrics if one.metric in METRICS),
        "set_metrics": tuple(one.metric for one in header.metrics if one.metric in names()),
        "embedder": header.versions.get(JUDGE, "storyworld-clip"),
        "eyes": eyes_of(header.versions.get(EYES)),
        "exclude": pairs(exclude or (), "exclude"),
    }


def size_of(size: str | None) -> dict[str, int | None]:
    if size is None:
        return {"width": None, "height": None}
    if not (match := re.fullmatch(r"(\d{1,6})x(\d{1,6})", size.strip().lower())):
        raise BadInput(f"size {size!r} is not WIDTHxHEIGHT, such as 192x108")
    return {"width": int(match[1]), "height": int(match[2])}


def seeds_of(told: str) -> int | tuple[int, ...]:
    numbers = told.replace(" ", "").split(",")
    if not all(number.isdecimal() and int(number) < 2**32 for number in numbers) or numbers == ["0"]:
        raise BadInput(f"seeds {told!r} is neither a number of seeds, such as 3, nor a list of them, such as 0,7,9")
    return int(numbers[0]) if len(numbers) == 1 else tuple(map(int, numbers))


def metrics_of(named: Sequence[str] | None) -> tuple[str, ...] | None:
    from kinograph.tools.metrics import METRICS

    names = [name.strip() for one in named or () for name in one.split(",") if name.strip()]
    if names == ["none"]:
        return ()
    return tuple(METRICS) if names == ["all"] else tuple(names) or None


def set_metrics_of(named: Sequence[str] | None) -> tuple[str, ...]:
    """Names of metrics of sets; all where none is named."""
    from kinograph.evals.sets import names

    told = [name.strip() for one in named or ("all",) for name in one.split(",") if name.strip()]
    if told == ["none"]:
        return ()
    return names() if told == ["all"] else tuple(dict.fromkeys(told))


def by_of(by: str) -> By:
    """Raises BadInput."""
    if by not in ("threads", "processes"):
        raise BadInput(f"--by {by!r} is neither threads nor processes")
    return "processes" if by == "processes" else "threads"


def name_of(suite: str) -> str:
    """Of a new run's folder."""
    from datetime import UTC, datetime

    slug = re.sub(r"[^a-z0-9]+", "-", suite.partition(":")[0].lower()).strip("-")[:40]
    return f"{slug}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
