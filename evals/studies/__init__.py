"""Studies: several systems on the same samples and seeds, as data. Adding one is a TOML file in this folder.

    plan = open_study("agents")
    plan.arms[0].name, plan.arms[0].settings

A study's file has a suite, settings for all arms, and arms with settings of their own. The first arm is the one that
all others are compared with. `budget_of` names an earlier arm: of every film exactly as many takes are made as that arm
made of the same sample and seed, spread over its shots evenly, and the best of each is used.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from kinograph.errors import BadInput, UnknownName
from kinograph.film import Noun
from kinograph.settings import explain

FOLDER = Path(__file__).parent


class Arm(Noun):
    """One of the systems that are compared."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9 -]{0,39}$")
    """Names a folder."""
    about: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Beyond those of the study; tables such as ablations are put together field by field."""
    budget_of: str | None = None
    """An earlier arm, as many takes as which are made of every film; none leaves it to the settings."""


class StudyPlan(Noun):
    """What is compared, on what."""

    name: str
    about: str
    suite: str
    limit: int | None = Field(default=None, ge=1)
    """Samples, from the first."""
    seeds: int = Field(default=1, ge=1)
    """Of each sample, from 0."""
    metrics: tuple[str, ...] = ("temporal coherence",)
    """Of clips, besides truth."""
    set_metrics: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()
    """Metrics that the arms are compared by: with fewer, smaller differences are shown. All where none is named."""
    embedder: str = "storyworld-clip"
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of all arms."""
    wishes: dict[str, Any] = Field(default_factory=dict)
    """Size, frames, steps and the like, of all arms."""
    arms: tuple[Arm, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_arms_that_fit(self) -> Self:
        known: list[str] = []
        for arm in self.arms:
            if arm.name in known:
                raise ValueError(f"two arms are named {arm.name!r}")
            if arm.budget_of is not None and arm.budget_of not in known:
                raise ValueError(f"arm {arm.name!r} has the budget of {arm.budget_of!r}, which is no arm before it")
            known.append(arm.name)
        return self

    def only(self, names: tuple[str, ...]) -> StudyPlan:
        """These arms and those whose budget they have, in the plan's order. Raises UnknownName."""
        by_name = {arm.name: arm for arm in self.arms}
        if unknown := [name for name in names if name not in by_name]:
            raise UnknownName(f"arm of {self.name}", unknown[0], by_name)
        wanted = {*names} | {budget for name in names if (budget := by_name[name].budget_of)}
        return self.changed(arms=tuple(arm for arm in self.arms if arm.name in wanted)) if names else self

    def settings_of(self, arm: Arm) -> dict[str, Any]:
        """Arguments of Settings."""
        return _together(self.settings, arm.settings)


def _together(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(one)
    for name, value in other.items():
        before = both.get(name)
        both[name] = _together(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def studies() -> dict[str, Path]:
    """The studies that ship, by name."""
    return {file.stem: file for file in sorted(FOLDER.glob("*.toml"))}


def open_study(name: str) -> StudyPlan:
    """A study by its name, or from a .toml file of one's own. Raises UnknownName and BadInput."""
    file = Path(name).expanduser() if name.endswith(".toml") else studies().get(name)
    if file is None:
        raise UnknownName("study", name, [*studies(), "a .toml file"])
    try:
        return StudyPlan.model_validate({"name": file.stem} | tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise BadInput(f"{str(file)!r} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(file)!r} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise BadInput(f"{str(file)!r} is no study: {explain(error)}") from error
