"""A real language model in the loop, without a download: its plans are nonsense in valid form, and a film comes out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from minds import mind_of, question
from server import Server, schema_of

from kinograph import Studio
from kinograph.settings import Settings


@pytest.fixture(scope="session")
def llama() -> Any:
    from tiny_llama import TinyLlama  # loads torch

    return TinyLlama(seed=1)


def test_a_real_model_writes_answers_of_the_right_form(server: Server, llama: Any, tmp_path: Path):
    written: list[tuple[str, dict[str, Any]]] = []

    def generate(body: dict[str, Any]) -> str:
        text = llama(body)
        written.append((text, schema_of(body)))
        return text

    server.generate = generate
    mind = mind_of(server, timeout=60.0)
    for role in ("orchestrator", "planner", "scene", "validator"):
        agent, asked = question(role, tmp_path / role)
        assert type(mind.think(agent, asked)) is agent.answer
    fit = 0
    for text, schema in written:
        try:
            jsonschema.validate(json.loads(text), schema)
            fit += 1
        except ValueError:
            assert len(text) > 1000, "only what ran out of tokens is no JSON"
    assert fit >= 0.8 * len(written)
    assert len(mind.accounts.usage.calls) == len(written)


def test_nonsense_in_valid_form_still_becomes_a_film(server: Server, llama: Any):
    server.generate = llama
    settings = {"kind": "openai", "base_url": server.url, "model": "tiny", "timeout": 60.0, "max_tokens": 2048}
    studio = Studio(Settings.load(mind=settings | {"models": {"validator": "tiny-eyes"}}))
    brief = studio.brief("A red ball rolls across a meadow. Then it bounces.", width=128, height=72, frames=8, takes=2)
    started = time.monotonic()
    film = studio.make(brief)
    assert time.monotonic() - started < 240
    assert film.missing == ()
    assert Path(film.path).stat().st_size > 1000
    assert film.decision.model in ("storyworld-render", "storyworld-diffusion")
    assert film.usage.calls
    assert all(call.completion_tokens > 0 for call in film.usage.calls if not call.error)
    for shot in film.storyboard.shots:
        assert 0.5 <= shot.seconds <= 60
        assert shot.id not in shot.needs
        assert {one.who for one in shot.cast} <= {one.id for one in film.storyboard.cast}
