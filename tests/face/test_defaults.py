"""What a user gets who sets nothing: the model and the embedder that ship."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

BRIEF = "A red ball rolls across a green meadow. Then it bounces over the sea at night."


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KINOGRAPH_MODEL")
    monkeypatch.delenv("KINOGRAPH_EMBEDDER")


def test_a_film_is_rendered_by_the_embedded_model_and_remembered_by_its_embedder(kinograph, home):
    status, _, err = kinograph("make", BRIEF, "--out", "film")
    assert status == 0
    assert all("waits for the machine" in line for line in err.splitlines()), err
    film = json.loads(Path("film/manifest.json").read_text())
    assert film["decision"]["model"] == "storyworld-diffusion"
    assert film["decision"]["fallback"] == ["storyworld-render"]
    assert [(cut["shot"], cut["last_frame"]) for cut in film["timeline"]] == [("s1.1", 16), ("s2.1", 16)]
    assert all(take["request"]["model"] == "storyworld-diffusion" for take in film["takes"])
    with sqlite3.connect(home / "keyframes.sqlite") as memory:
        assert {name.partition("-")[0] for (name,) in memory.execute("SELECT embedder FROM keyframes")} == {
            "storyworld"
        }
