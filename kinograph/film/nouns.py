"""What a noun is: a frozen value with a canonical digest."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and NFC text: the same bytes on every Python and machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return unicodedata.normalize("NFC", text).encode()


def digest_of(data: bytes) -> str:
    """BLAKE2b-160 of `data` as 40 hex digits."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def absent(value: object) -> bool:
    """Fields that came later are left out where they say nothing, so that older nouns keep their digests."""
    return value is None


class Noun(BaseModel):
    """A frozen value with a canonical digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def digest(self) -> str:
        """Name of this value: BLAKE2b-160 of its canonical JSON, stable across processes and versions."""
        return digest_of(canonical_json(self.model_dump(mode="json")))

    def changed(self, **fields: Any) -> Self:
        """A copy with `fields` replaced, validated like a new one."""
        return type(self).model_validate({**dict(self), **fields})
