"""The card that stands for a shot that could not be rendered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinograph.agents.concessions import PLACEHOLDER, card_request
from kinograph.agents.generation import Generation
from kinograph.errors import RenderFailed
from kinograph.evals.bench.overhead import board_of
from kinograph.evals.bench.replay import DECISION
from kinograph.memory.ledger import Ledger
from kinograph.memory.vault import Vault
from kinograph.tools.backends import cards
from kinograph.tools.backends.placeholder import AMBER, PAPER, Placeholders, drawn
from kinograph.tools.footage import load

WORDS = "Shot 3\nA red ball rolls across a green meadow at sunset while a star watches.\nnot enough memory to render it"
SIZES = [(384, 216), (128, 128), (216, 384), (832, 480), (128, 72), (64, 48), (32, 32)]


def like(card: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Where a card has a colour: [H,W]."""
    return np.abs(card.astype(int) - color).max(axis=2) < 12


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_card_says_what_it_is_at_any_size(width: int, height: int):
    card = drawn(WORDS, width, height)
    assert card.shape == (height, width, 3)
    assert like(card[: height // 6], AMBER).mean() > 0.1, "stripes above"
    assert like(card, PAPER).mean() > 0.5, "quiet below"
    bright = card.min(axis=2) > 170
    assert bright[height // 8 : height // 2].any() or height < 48, "a title, where letters have room"
    assert not bright[:, -2:].any(), "nothing runs over the edge"
    assert like(card[-1:], PAPER).all()


@pytest.mark.parametrize(("width", "height"), SIZES[:4])
def test_each_line_is_on_the_card(width: int, height: int):
    lines = WORDS.split("\n")
    for number in range(3):
        less = "\n".join("" if number == place else line for place, line in enumerate(lines))
        assert (drawn(WORDS, width, height) != drawn(less, width, height)).any(), lines[number]


def test_text_of_any_length_and_kind_is_drawn():
    for text in ("x" * 5000, "word " * 2000, "", "\u202e\x00\x1b[31m", "雪の中の星"):
        assert drawn(f"Shot 1\n{text}\n{text}", 128, 72).shape == (72, 128, 3)


def test_a_card_is_a_clip_as_long_as_its_shot_and_is_drawn_once(tmp_path: Path):
    board, decision = board_of(2), DECISION.changed(width=128, height=72)
    request = card_request(board.shots[1], board, decision, 16, "its renderer died")
    assert request.prompt == "Shot 2\ns0.1\nits renderer died"
    ledger, vault = Ledger(tmp_path / "ledger.sqlite"), Vault(tmp_path / "vault")
    pool = Placeholders(vault.scratch("film"))
    generation = Generation(vault, ledger, pool, others=lambda model: pool)
    one = generation.render(request, lambda _: None, lambda: False)
    other = generation.render(request, lambda _: None, lambda: False)
    assert (one.reused, other.reused) == (False, True)
    frames = load(one.clip)
    assert frames.shape == (16, 72, 128, 3)
    assert (frames == frames[0]).all()
    assert ledger.renders() == {request.digest: 1}


def test_nobody_can_choose_it():
    assert PLACEHOLDER not in cards()


def test_a_model_that_cannot_be_opened_is_a_render_that_failed(tmp_path: Path, request_of):
    def shut(model: str) -> None:
        raise ImportError("no module named flash_attn")

    ledger, vault = Ledger(tmp_path / "ledger.sqlite"), Vault(tmp_path / "vault")
    generation = Generation(vault, ledger, Placeholders(tmp_path), others=shut)
    with pytest.raises(RenderFailed, match=r"wan cannot be opened: ImportError: no module named flash_attn"):
        generation.revision("wan")
    with pytest.raises(RenderFailed, match="cannot be opened"):
        generation.render(request_of(model="wan"), lambda _: None, lambda: False)
