"""Settings: kinograph.toml < environment (KINOGRAPH_*) < arguments."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError

from kinograph.errors import BadSetting
from kinograph.film import Strategy, Topology

TOML = Path("kinograph.toml")
NO_SETTINGS = frozenset(("KINOGRAPH_VIDEO_API_KEY",))
"""Variables that look like settings and are keys, read by who needs them: they are in no file and in no dump."""


class Price(BaseModel):
    """What a language model costs, per million tokens, in one currency for all models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    """Prompt tokens out of the provider's cache; none costs like any other prompt token."""


class Budgets(BaseModel):
    """What language models may cost in one production; after that the agents' own rules answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: int | None = Field(default=300, ge=0)
    """Most calls, repairs and tool rounds included."""
    tokens: int | None = Field(default=None, ge=0)
    """Most tokens, prompts and completions together."""
    money: float | None = Field(default=None, ge=0)
    """In the currency of the price table."""
    seconds: float | None = Field(default=None, ge=0)
    """Most wall seconds spent on calls, all calls together."""


class MemorySettings(BaseModel):
    """How much is remembered once films are finished: [memory] in kinograph.toml, KINOGRAPH_MEMORY__*."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keyframes: int = Field(default=100_000, ge=0)
    """Most keyframes of all productions; those of open ones, and of whom you gave pictures, stay. 0: no bound."""
    views: int = Field(default=48, ge=0)
    """Most keyframes of one character of a finished production, in all its looks. 0: no bound."""


class MindSettings(BaseModel):
    """How agents think: [mind] in kinograph.toml, KINOGRAPH_MIND__* in the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["rules", "openai"] = "rules"
    """rules: every agent's own, offline; openai: any server that speaks OpenAI's chat protocol."""
    base_url: str = "https://api.openai.com/v1"
    """Where the server is: http://localhost:11434/v1 (Ollama), http://localhost:8000/v1 (vLLM), …"""
    key: SecretStr | None = None
    """API key; from KINOGRAPH_MIND__KEY only, never from a file."""
    model: str | None = None
    """Model that answers for every role that names none."""
    models: dict[str, str] = Field(default_factory=dict)
    """Models by role: planner, director, orchestrator, … A vision model for `validator` gives it eyes."""
    temperature: float | None = Field(default=0.2, ge=0, le=2)
    """Sampling temperature; none leaves it to the server."""
    timeout: float = Field(default=60.0, gt=0, le=3600)
    """Most wall seconds of one call, its retries and their waits included."""
    max_tokens: int = Field(default=4096, ge=64, le=200_000)
    """Most tokens of one answer."""
    retries: int = Field(default=3, ge=0, le=10)
    """Most further attempts after 408, 409, 429, 5xx or a dropped connection."""
    concurrency: int = Field(default=4, ge=1, le=64)
    """Most requests at the same time."""
    per_minute: float | None = Field(default=None, gt=0)
    """Most requests a minute."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """Prices by model: [mind.prices."gpt-x"] prompt = 0.4, completion = 1.6, cached = 0.1"""
    budgets: Budgets = Budgets()

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("should be an http:// or https:// address")
        if parts.username or parts.password:
            raise ValueError("should hold no user or password; put the key in KINOGRAPH_MIND__KEY")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _has_model(self) -> Self:
        if self.kind == "openai" and not self.model:
            raise ValueError("kind = 'openai' needs a model; set mind.model or KINOGRAPH_MIND__MODEL")
        return self


class RaySettings(BaseModel):
    """Where the Ray cluster is: [ray] in kinograph.toml, KINOGRAPH_RAY__* in the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = None
    """host:port of a cluster's head, "auto" for one that runs on this machine; none starts one for this process."""
    placement_seconds: float = Field(default=300.0, gt=0, le=86_400)
    """Most seconds that a worker may wait for a place in the cluster: as long as an autoscaler takes for a machine."""


class Ablations(BaseModel):
    """Parts of the crew that are taken away to measure what they are worth: [ablations] in kinograph.toml. All are
    there by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recall: Literal["right", "none", "random"] = "right"
    """What a shot is held to: what is remembered for it, nothing, or any remembered pictures in the place of those."""
    corrections: bool = True
    """Findings reach the next request; without, a retake has another seed and nothing else."""
    validator: bool = True
    """Takes are looked at; without, the first one is accepted."""
    renders: int | None = Field(default=None, ge=1, le=10_000)
    """Takes of the whole film, for comparisons at equal cost: all are made, spread over its shots evenly with those
    left over for the first ones, and of each shot's the best is used; none leaves it to `takes` and `candidates`."""


class Settings(BaseSettings):
    """What stays the same from production to production."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="KINOGRAPH_", env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    home: Path = Path("~/.kinograph")
    """Folder of the vault, the ledger and the keyframe memory, shared by all productions."""
    ledger: str | None = None
    """postgresql://user@host/database for a ledger that several machines share; none is a SQLite file in home."""
    ledger_password: SecretStr | None = None
    """Of that database; from KINOGRAPH_LEDGER_PASSWORD, PGPASSWORD or ~/.pgpass only, never from a file of settings."""
    vault: str | None = None
    """Where clips are kept: a folder, s3://bucket/prefix or another fsspec URL; none is a folder in home."""
    films: Path = Path("films")
    """Folder that new productions are put in when none is named."""
    model: str | None = None
    """Model card that renders; none lets the orchestrator choose."""
    topology: Topology | None = None
    """Who acts when; none lets the orchestrator choose."""
    takes: int = Field(default=3, ge=1, le=10)
    """Most takes a shot may cost."""
    early_stop: bool | None = None
    """Ends a render midway when nothing good can come of it, but for the last take of a shot; none does so with models
    where it was measured how seldom that ends a good one."""
    candidates: int = Field(default=1, ge=1, le=4)
    """Takes of every shot that differ in their seed alone, of which the best goes on; they count among `takes`."""
    learn_corrections: bool = True
    """Rejected takes are mended by what has worked before; without, always by the first entry of the table."""
    ablations: Ablations = Ablations()
    """What is taken away for a measurement."""
    fallback: str | None = None
    """yes, no, or the models that may render what the chosen one cannot; none is yes where no model is asked for."""
    workers: int | None = Field(default=None, ge=1, le=64)
    """Shots rendered at the same time; none lets the orchestrator choose."""
    batch: int = Field(default=1, ge=1, le=64)
    """Most alike shots rendered in one call, by models whose card allows it: faster, for more memory, and here and
    there a pixel is a level of 255 lighter or darker than it would be alone."""
    pool: str | None = None
    """Where renders run: here (in this process), local (in others), ray; none lets the orchestrator choose."""
    stall_seconds: float = Field(default=600.0, gt=0, le=86_400)
    """Most seconds that a worker process may render, or load its model, without any progress before it is killed."""
    leak_gb: float = Field(default=2.0, gt=0, le=1024)
    """GB of memory, main or graphics, by which a worker process may grow with one model before it is replaced."""
    ray: RaySettings = RaySettings()
    """The Ray cluster, for pool = "ray"."""
    strategy: Strategy | None = None
    """sequential, parallel or adaptive rendering; none lets the orchestrator choose."""
    offline: bool = False
    """Nothing may be asked of other machines: shots are rendered one at a time, and own pictures come first."""
    media: Path | None = None
    """Folder of your own pictures, which shots may begin with; none leaves all to the model."""
    reading_seconds: float = Field(default=1.0, ge=0, le=60)
    """Seconds for which a reading of the machine's load is good enough."""
    embedder: str = "storyworld-clip"
    """What keyframes are remembered by: storyworld-clip, whose vectors words can be compared with, or pixels, which has
    no weights and knows no world better than another."""
    index: str = "exact"
    """What searches keyframes: exact (in memory), chroma (on disk), chroma-server://host:port or pgvector://user@host/db."""
    memory: MemorySettings = MemorySettings()
    """How much is remembered of finished films."""
    series: str | None = None
    """Series that new films belong to: they know its cast and places, and leave it theirs."""
    speech: str = "espeak"
    """Voice that narrates: espeak (the program espeak-ng), or murmur (a hum without words; needs nothing)."""
    mind: MindSettings = MindSettings()
    """How agents think."""
    backends: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of a backend by model id: [backends.storyworld-render] fault_rate = 0.3"""

    @field_validator("ledger")
    @classmethod
    def _is_postgres(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "postgresql:///kinograph")
        if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
            raise ValueError("should be postgresql://user@host/database")
        if parts.password is not None or "password=" in parts.query:
            raise ValueError("should hold no password; put it in KINOGRAPH_LEDGER_PASSWORD")
        return url

    @field_validator("vault")
    @classmethod
    def _holds_no_key(cls, url: str | None) -> str | None:
        if url is not None and "://" in url and "@" in urlsplit(url).netloc:
            raise ValueError("should hold no user or key; put them where the store's own tools look, as ~/.aws")
        return url

    @model_validator(mode="after")
    def _stays_here(self) -> Self:
        asked = {"mind.base_url": self.mind.base_url} if self.mind.kind == "openai" else {}
        asked |= {f"backends.{id}.base_url": str(options.get("base_url", "")) for id, options in self.backends.items()}
        asked["index"] = self.index if "://" in self.index else ""
        for whose, url in asked.items() if self.offline else ():
            host = urlsplit(url).hostname or ""
            if url and not (host in ("localhost", "::1") or host.startswith("127.")):
                raise ValueError(f"offline = true, but {whose} asks another machine: {host!r}")
        address = self.ray.address or "local"
        where = address.removeprefix("ray://").rpartition(":")[0] or address
        if self.offline and self.pool == "ray" and where not in ("local", "auto", "localhost", "127.0.0.1"):
            raise ValueError(f"offline = true, but ray.address asks another machine: {address!r}")
        return self

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
            if (
                prefix == "KINOGRAPH"
                and name not in NO_SETTINGS
                and rest.partition("__")[0].lower() not in cls.model_fields
            ):
                raise BadSetting(f"unknown setting {name!r} in the environment; available: {known}")
        _refuse_keys_in_files()
        try:
            settings = cls(**{key: value for key, value in arguments.items() if value is not None})
        except ValidationError as error:
            raise BadSetting(explain(error, known)) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"{TOML} is not valid TOML: {error}") from error
        except SettingsError as error:
            raise BadSetting(" ".join(str(error).split())) from error
        return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def _refuse_keys_in_files() -> None:
    """Raises BadSetting for a key or password in kinograph.toml, where it would be committed and shared."""
    try:
        told = tomllib.loads(TOML.read_text("utf-8")) if TOML.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return  # told where the file is read as settings
    if "ledger_password" in told:
        raise BadSetting(f"ledger_password stands in {TOML}; it is read from KINOGRAPH_LEDGER_PASSWORD only")
    mind = told.get("mind")
    if isinstance(mind, dict) and "key" in mind:
        raise BadSetting(f"mind.key stands in {TOML}; a key is read from KINOGRAPH_MIND__KEY only")


def explain(error: ValidationError, known: str = "") -> str:
    """One line for the first complaint of a ValidationError: which field, which value, what is allowed."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown setting {field!r}" + (f"; available: {known}" if known else "")
    if not field or (field == "mind" and first["type"] == "value_error"):
        return f"{field}{': ' if field else ''}{first['msg'].removeprefix('Value error, ')}"
    text = str(first["input"])
    secret = field.endswith(("key", "password")) or (
        (field.endswith("url") or field in ("ledger", "vault")) and ("@" in text or "password" in text)
    )
    value = "(not shown)" if secret else repr(first["input"])
    return f"{field} = {value if len(value) < 80 else value[:77] + '…'}: {first['msg'].lower()}"
