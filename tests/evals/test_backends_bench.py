"""The benchmark of backends: its architectures are those published, and its table tells of both ways of each model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tiny_pipelines as tiny
from accelerate import init_empty_weights

from kinograph.evals.bench import backends
from kinograph.evals.bench.architectures import ARCHITECTURES
from kinograph.evals.bench.overlapping import Span, shared
from kinograph.tools.backends import diffusion

QUICK = ("--clip", "32", "32", "5", "4", "--runs", "1", "--memory", "0", "--batch", "2", "--overlap", "3")
NUMBER = r"\s+(\d+\.\d+)"


@pytest.fixture(scope="module")
def wan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.built("wan", tmp_path_factory.mktemp("pipelines"))


def test_a_row_for_each_way_and_a_model_that_fails_hinders_no_other(wan: Path, capsys):
    backends.main(["--models", "nothing,wan-2.1-1.3b", "--tiny", str(wan), *QUICK])
    told = capsys.readouterr().out.splitlines()
    assert told[1].split() == ["model", "way", "total", *backends.PARTS, "GB"]
    assert re.match(r"nothing\s+failed: unknown model 'nothing'; available: ", told[2])
    for way, line in zip(("plain", "ours"), told[3:5], strict=True):
        row = re.search(rf"{way}{NUMBER * 7}$", line)
        assert row, line
        total, *parts, file, _ = map(float, row.groups())
        assert total == pytest.approx(sum(parts), abs=0.005)
        assert min(*parts, file) >= 0
        assert parts[1] > 0
    assert "frames differ by 0 of 255 at most, 0.0000 in the mean; rung whole" in told[5]
    assert re.search(r"2 in one call: .* frames off by \d\.\de-\d\d of 1: as claimed$", told[6])
    assert re.search(r"3 one after the other: .* \d+% of the writing beside the model$", told[7])


def test_the_adapter_renders_at_the_speed_asked_for(wan: Path, capsys):
    backends.main(["--models", "wan-2.1-1.3b", "--tiny", str(wan), *QUICK, "--cache", "mag"])
    assert re.search(r"rung whole, \d+% of the blocks computed", capsys.readouterr().out)


def test_a_clip_that_is_not_written_while_the_next_is_denoised_is_an_error(
    wan: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(diffusion, "darkroom", lambda device: None)
    backends.main(["--models", "wan-2.1-1.3b", "--tiny", str(wan), *QUICK])
    assert "failed: overlap = true did nothing: no clip was written while the next" in capsys.readouterr().out


def test_seconds_that_two_spans_share_are_those_in_both():
    assert shared(Span(1, 4), [Span(0, 2), Span(3, 5), Span(6, 7)]) == 2
    assert shared(Span(2, 3), [Span(0, 2), Span(3, 5)]) == 0


def test_an_architecture_is_built_small_and_saved_as_a_hub_would(tmp_path: Path):
    backends.save("ltx-video", "small", "cpu", tmp_path / "ltx")
    assert (tmp_path / "ltx" / "model_index.json").exists()


@pytest.mark.parametrize(("name", "part", "millions"), [
    ("wan-2.1-1.3b", "transformer", 1419),
    ("ltx-video", "transformer", 1923),
    ("svd", "unet", 1525),
])  # fmt: skip
def test_the_real_architectures_have_the_published_number_of_weights(name: str, part: str, millions: int):
    with init_empty_weights():
        made = ARCHITECTURES[name].build(ARCHITECTURES[name].real)
    assert sum(one.numel() for one in made.components[part].parameters()) // 10**6 in (millions - 1, millions)
