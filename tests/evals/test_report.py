"""Reports: everything is in one file, nothing is asked of the network, and what others wrote stays text."""

from __future__ import annotations

import html.parser
import json
import os
import shutil
import subprocess
from pathlib import Path

import made_runs
import pytest

from kinograph.errors import UnknownName
from kinograph.evals import report
from kinograph.evals.log import SampleLog, ShotLog, Shown
from kinograph.evals.runs import LoadedRun, load

MARKED = Shown(metric="", better="higher", least=0, greatest=1, target=0.5)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> LoadedRun:
    return load(made_runs.make(tmp_path_factory.mktemp("runs") / "chain"))


@pytest.fixture(scope="module")
def hierarchical(tmp_path_factory: pytest.TempPathFactory) -> LoadedRun:
    return load(made_runs.make(tmp_path_factory.mktemp("runs") / "hierarchical", "hierarchical", better=0.06))


class Seen(html.parser.HTMLParser):
    """What a page holds: tags, addresses and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.unnamed: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        told = dict(attrs)
        self.sources += [value or "" for name, value in attrs if name in ("src", "srcset", "poster", "data", "action")]
        self.links += [told["href"] or ""] if "href" in told else []
        self.handlers += [name for name in told if name.startswith("on")]
        if tag in ("img", "video", "svg") and not (told.get("alt") or told.get("aria-label")):
            self.unnamed.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def written(runs: list[LoadedRun], to: Path, **more) -> Seen:
    return Seen(report.write(runs, to, **more).read_text("utf-8"))


def test_a_report_holds_all_parts_and_its_clips(chain: LoadedRun, tmp_path: Path):
    seen = written([chain], tmp_path / "report.html")
    for words in ("Summary", "Dimensions", "By tag", "Cost", "Trajectories", "Gallery", "How to read this"):
        assert words in seen.text
    assert {"svg", "video", "img", "table", "figure"} <= set(seen.tags)
    assert seen.tags.count("h1") == 1
    assert "2 of 36 samples crashed" in seen.text
    assert "1 of 36 samples are excluded: the brief asks for nothing" in seen.text
    assert "skipped: needs weights of an aesthetic predictor (33 of 36)" in seen.text
    assert "not comparable" in seen.text
    assert "the ball drifted from red to orange in frames 3–6" in seen.text
    assert "82 % as expected" in seen.text
    assert "not inside of this page" not in seen.text
    assert not seen.unnamed


def test_a_report_asks_nothing_of_the_network_and_runs_nothing(chain: LoadedRun, tmp_path: Path):
    page = report.write([chain], tmp_path / "report.html").read_text("utf-8")
    seen = Seen(page)
    assert all(source.startswith("data:") for source in seen.sources)
    assert all(link.startswith(("#", "data:,")) for link in seen.links)
    assert not {"script", "iframe", "object", "embed", "form"} & set(seen.tags)
    assert not seen.handlers
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "@import" not in page
    assert "url(" not in page


def test_what_others_wrote_stays_text(chain: LoadedRun, tmp_path: Path):
    """A brief and a finding of the made-up run are scripts; here every other text is one as well."""
    bad = "</style></svg><script>alert(1)</script>\x00\u202e"
    header = chain.header.changed(
        suite=bad, system={bad: bad}, versions={bad: bad}, began=bad,
        metrics=tuple(MARKED.changed(metric=f"{bad}{n}", note=bad) for n in range(4)),
    )  # fmt: skip
    scores = {f"{bad}{n}": 0.5 for n in range(4)}
    shot = ShotLog(shot=bad, asked=bad, accepted=True, takes=1, scores=scores, findings=(bad,), clip=bad, sheet=bad)
    one = SampleLog(
        sample=bad, seed=0, state="done", error=bad, asked=bad, tags=(bad,), scores=scores, skipped={"x": bad},
        shots=(shot,), path=(bad,), expected=(bad, "cut"), film=bad, sheet=bad,
    )  # fmt: skip
    runs = [chain._replace(header=header.changed(id=id), samples=(one,)) for id in ("a", "b")]
    for seen in (written(runs[:1], tmp_path / "a.html"), written(runs, tmp_path / "b.html")):
        assert "script" not in seen.tags
        assert "</script>" in seen.text
        assert seen.tags.count("style") == 1
        assert "\x00" not in seen.text


def test_the_same_run_gives_the_same_bytes(chain: LoadedRun, tmp_path: Path):
    one = report.write([chain], tmp_path / "one.html").read_bytes()
    assert report.write([load(chain.folder)], tmp_path / "two.html").read_bytes() == one


def test_what_has_no_room_is_linked_and_said(chain: LoadedRun):
    to = chain.folder / "small.html"
    seen = written([chain], to, inline=2.5)
    inside = sum(len(source) for source in seen.sources)
    assert 1.5 * 2**20 < inside < 2.5 * 2**20
    assert to.stat().st_size < inside + 600_000
    assert "1 file (0.0 MB) is not inside of this page, which holds at most 2.5 MB" in seen.text
    assert all((chain.folder / link).is_file() for link in seen.links if not link.startswith(("#", "data:,")))
    none = written([chain], to, inline=0)
    assert not none.sources
    assert {"media/scene0.mp4", "media/scene0.jpg"} <= set(none.links)
    to.unlink()


def test_files_outside_of_the_run_are_neither_read_nor_linked(chain: LoadedRun, tmp_path: Path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (chain.folder / "media" / "link.png").symlink_to(secret)
    samples = tuple(
        SampleLog(sample=f"s{n}", seed=0, state="done", sheet=name, film="media/gone.mp4")
        for n, name in enumerate((os.path.relpath(secret, chain.folder), str(secret), "media/link.png", "run.json"))
    )
    seen = written([chain._replace(samples=samples)], tmp_path / "report.html")
    assert not seen.sources
    assert seen.text.count("it lies outside of the run's folder, or is no clip and no picture") == 4
    assert seen.text.count("the file is not there") == 4
    assert all(link.startswith(("#", "data:,")) for link in seen.links)


def test_a_comparison_shows_all_systems_and_says_what_differs(chain, hierarchical, tmp_path: Path):
    seen = written([chain, hierarchical], tmp_path / "report.html", quality="identity")
    assert "Difference of topology=hierarchical to topology=chain" in seen.text
    assert "no difference shown" in seen.text
    assert "identity against generator calls a sample" in seen.text
    assert seen.text.count("topology=hierarchical, seed 2") == 12
    assert not seen.unnamed


def test_an_unfinished_run_says_so_and_one_of_nothing_still_opens(chain: LoadedRun, tmp_path: Path):
    seen = written([chain._replace(samples=chain.samples[:10], torn=True)], tmp_path / "a.html")
    assert "the run is unfinished: 10 of 36 samples and seeds are done" in seen.text
    assert "the last line of its log was cut short by a crash" in seen.text
    seen = written([chain._replace(samples=(), sets=())], tmp_path / "b.html")
    assert "No metric was measured." in seen.text
    assert "No sample is finished yet." in seen.text


def test_a_gallery_may_be_shorter_and_says_so(chain: LoadedRun, tmp_path: Path):
    seen = written([chain], tmp_path / "a.html", most=2)
    assert "10 more samples are in the numbers above and not in this gallery" in seen.text
    gallery = seen.text.rsplit("Gallery", 1)[1]
    assert "story-001" in gallery
    assert "story-002" not in gallery
    assert "2 of 36 samples crashed" in seen.text


def test_a_quality_that_was_not_measured_is_refused(chain: LoadedRun, tmp_path: Path):
    with pytest.raises(UnknownName, match="'aesthetics'; available: text alignment"):
        report.write([chain], tmp_path / "a.html", quality="aesthetics")
    assert not (tmp_path / "a.html").exists()


def browsed(page: Path, folder: Path) -> tuple[str, list[str], list[str]]:
    """A page's text as Chromium has it, what it logs on its console, and requests that the page makes."""
    assert CHROMIUM
    log = folder / "net.json"
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr")
    quiet = ("--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    here = (f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--dump-dom", page.as_uri())
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [CHROMIUM, *flags, *quiet, *here], capture_output=True, text=True, timeout=120, env=environment, check=True
    )
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    made = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    # Requests of the browser itself have no origin; those of a page have one.
    asked = [one["url"] for one in made if one.get("initiator", "not an origin") != "not an origin"]
    return done.stdout, told, [url for url in asked if not url.startswith(("data:", "file:"))]


@pytest.mark.skipif(CHROMIUM is None, reason="looking at a report needs a browser: apt-get install chromium")
def test_chromium_opens_a_report_without_an_error_or_a_request(chain, hierarchical, tmp_path: Path):
    page = report.write([chain, hierarchical], tmp_path / "report.html")
    text, console, asked = browsed(page, tmp_path)
    assert (console, asked) == ([], [])
    seen = Seen(text)
    assert "Difference of topology=hierarchical to topology=chain" in seen.text
    assert made_runs.HOSTILE in seen.text
    assert "owned" not in text.split("</title>")[0]
    control = tmp_path / "control.html"
    control.write_text('<img src="http://127.0.0.1:9/x.png"><script>console.error("oops")</script>')
    _, console, asked = browsed(control, tmp_path)
    assert len(console) == 1
    assert asked == ["http://127.0.0.1:9/x.png"]
