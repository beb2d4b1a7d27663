"""What an eval run leaves: a header, and a line for each sample and seed.

A run's folder holds `run.json` (the header), `samples.jsonl` (a line for each finished sample and seed, appended and
synced; a line torn by a crash is read as not there), `media/` (clips, contact sheets and evidence, named in the lines
by paths relative to the folder) and, where metrics of all clips together were asked for, `sets.json` (a list of
SetScore).
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from kinograph.film import Noun


class Spent(Noun):
    """What a sample cost."""

    seconds: float = 0.0
    """Wall seconds from brief to film."""
    judging: float = 0.0
    """Wall seconds that the scorers took."""
    judging_tokens: int = 0
    """Tokens that a vision model took to judge; no cost of the system."""
    renders: float = 0.0
    """Clips rendered newly; one that was stopped early counts as the share of its steps that was done."""
    reused: int = 0
    """Takes whose clip was already there."""
    calls: int = 0
    """Calls of language models."""
    tokens: int = 0
    money: float | None = None
    """US dollars; None where no price is known."""

    def generated(self, reused: bool = True) -> float:
        """Calls of the generator, for comparisons at equal calls: a clip that was already there counts as one as well,
        unless `reused` is False."""
        return self.renders + (self.reused if reused else 0)


class ShotLog(Noun):
    """One shot of a sample."""

    shot: str
    asked: str
    """What it should show, in words."""
    accepted: bool
    takes: int
    scores: dict[str, float] = Field(default_factory=dict)
    findings: tuple[str, ...] = ()
    """What the validator said of the take that is used, and of those before it."""
    clip: str = ""
    """Path of the clip that is used; empty where there is none."""
    sheet: str = ""
    """Path of a strip of its frames."""
    evidence: tuple[str, ...] = ()
    """Paths of pictures that show what the findings say."""


class SampleLog(Noun):
    """One sample with one seed: what came of it."""

    sample: str
    seed: int
    state: Literal["done", "crashed", "excluded"]
    """crashed: the system failed on it, which counts as the worst value of every metric that the sample could have
    been measured by; excluded: left out, aloud."""
    error: str = ""
    """Why it crashed or is excluded."""
    asked: str = ""
    """The brief."""
    tags: tuple[str, ...] = ()
    """Dimensions and categories that results are broken down by."""
    scores: dict[str, float] = Field(default_factory=dict)
    skipped: dict[str, str] = Field(default_factory=dict)
    """Metric -> what it needs that is not there; of a sample that crashed, what nobody could have measured in it."""
    shots: tuple[ShotLog, ...] = ()
    spent: Spent = Spent()
    path: tuple[str, ...] = ()
    """The nodes of the graph as they were passed, a retake being passed again."""
    expected: tuple[str, ...] = ()
    """The path that the sample or its suite says is right; empty where none does."""
    film: str = ""
    sheet: str = ""

    def lost(self, metric: str) -> bool:
        """Whether it crashed where a number could have been."""
        return self.state == "crashed" and metric not in self.skipped


class Shown(Noun):
    """How a metric is to be read in reports."""

    model_config = ConfigDict(ser_json_inf_nan="constants")  # least and greatest may be without end

    metric: str
    better: Literal["higher", "lower"]
    least: float
    greatest: float
    target: float | None = None
    """A published threshold."""
    comparable: bool = True
    """The threshold was measured the same way; otherwise it is shown with a remark."""
    note: str = ""


class Run(Noun):
    """The header of a run."""

    id: str
    suite: str
    source: str = ""
    """What the suite was opened by: its name, IMPORTER:PATH or a file; empty for one that was handed over."""
    suite_digest: str
    """Changes whenever a sample does: runs of different digests are not compared."""
    system: dict[str, str]
    """Settings of the system under test by name: model, topology, mind, …"""
    seeds: tuple[int, ...]
    metrics: tuple[Shown, ...]
    began: str
    """ISO 8601, UTC."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Packages, Python and machine."""
    samples: tuple[str, ...] = ()
    """Ids of the samples that the run is to have, in order."""


class SetScore(Noun):
    """A metric of all clips of a run together, such as a Fréchet distance."""

    metric: str
    value: float | None
    skipped: str = ""
    note: str = ""
    """What must be known to read it."""
