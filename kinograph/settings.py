"""Settings: kinograph.toml < environment (KINOGRAPH_*) < arguments."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError

from kinograph.errors import BadSetting
from kinograph.film import Topology

TOML = Path("kinograph.toml")


class Settings(BaseSettings):
    """What stays the same from production to production."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="KINOGRAPH_", env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    home: Path = Path("~/.kinograph")
    """Folder of the vault, the ledger and the keyframe memory, shared by all productions."""
    films: Path = Path("films")
    """Folder that new productions are put in when none is named."""
    model: str | None = None
    """Model card that renders; none lets the orchestrator choose."""
    topology: Topology | None = None
    """Who acts when; none lets the orchestrator choose."""
    takes: int = Field(default=3, ge=1, le=10)
    """Most takes a shot may cost."""
    workers: int | None = Field(default=None, ge=1, le=64)
    """Shots rendered at the same time; none lets the orchestrator choose."""
    embedder: str = "pixels"
    """What keyframes are remembered by: pixels (no weights), or storyworld-clip (which words can be compared with)."""
    backends: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of a backend by model id: [backends.storyworld-render] fault_rate = 0.3"""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=TOML)

    @classmethod
    def load(cls, **arguments: Any) -> Settings:
        """Reads all three sources; arguments that are None are left out. Raises BadSetting."""
        known = ", ".join(sorted(cls.model_fields))
        for name in sorted(os.environ):
            prefix, _, rest = name.partition("_")
            if prefix == "KINOGRAPH" and rest.partition("__")[0].lower() not in cls.model_fields:
                raise BadSetting(f"unknown setting {name!r} in the environment; available: {known}")
        try:
            settings = cls(**{key: value for key, value in arguments.items() if value is not None})
        except ValidationError as error:
            raise BadSetting(explain(error, known)) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"{TOML} is not valid TOML: {error}") from error
        except SettingsError as error:
            raise BadSetting(" ".join(str(error).split())) from error
        return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def explain(error: ValidationError, known: str = "") -> str:
    """One line for the first complaint of a ValidationError: which field, which value, what is allowed."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown setting {field!r}" + (f"; available: {known}" if known else "")
    value = repr(first["input"])
    return f"{field} = {value if len(value) < 80 else value[:77] + '…'}: {first['msg'].lower()}"
