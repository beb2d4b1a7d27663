"""Films in which somebody changes, from brief to mp4: the exact detectors of the evals are the judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph import Studio
from kinograph.evals import run
from kinograph.evals.detectors import detect
from kinograph.evals.suites import open_suite
from kinograph.evals.systems.studio import Crewed
from kinograph.film import Film
from kinograph.memory.contents import contents
from kinograph.settings import Settings
from kinograph.tools.footage import load

BRIEF = "A red ball rolls across a meadow. The ball turns green. Then it bounces over the sea. The ball spins."


@pytest.fixture(scope="module", params=["chain", "hierarchical", "distributed"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Studio, Film]:
    home = tmp_path_factory.mktemp("home")
    studio = Studio(Settings.load(model="storyworld-render", topology=request.param, takes=2, home=home))
    brief = studio.brief(BRIEF, width=128, height=72, frames=12, fps=8)
    return studio, studio.make(brief, out=home / "film")


def test_the_film_shows_a_red_ball_and_then_a_green_one(made: tuple[Studio, Film]):
    _, film = made
    takes = [next(take for take in film.takes if take.request.digest == cut.clip) for cut in film.timeline]
    seen = [detect(load(take.clip), 1).subjects[0] for take in takes if take.clip]
    assert [(one.kind, one.color) for one in seen] == [("ball", "red"), *[("ball", "green")] * 3]
    assert all(take.accepted for take in takes)


def test_pictures_are_remembered_of_one_identity_in_two_states_and_reasons_say_so(made: tuple[Studio, Film]):
    studio, film = made
    kept = [one.keyframe for one in contents(studio.keyframes_file, film.id) if one.counts]
    looks = {(k.about, k.state, k.seen) for k in kept if k.role == "identity"}
    assert looks == {("red-ball", "", "red"), ("red-ball", "green", "green")}
    first, *later = (list(shot.cast) for shot in film.storyboard.shots)
    assert first[0].who == "red-ball"
    assert {each.who for cast in later for each in cast} == {"green-ball"}


def test_a_sample_whose_hero_changes_is_right_in_everything(tmp_path: Path):
    """By the truth that the suite holds, at the size that suites are smoked at."""
    small = {"width": 192, "height": 112, "frames": 12, "fps": 8}
    system = Crewed(Settings.load(topology="hierarchical", model="storyworld-render"), small)
    ids = [one.id for one in open_suite("storyworld-change").samples if one.id in ("change-02", "change-08")]
    result = run("storyworld-change", system, folder=tmp_path / "run", sample_ids=ids, metrics=("identity similarity",))
    for log in result.samples:
        assert (log.state, log.scores["color"], log.scores["identity held"], log.scores["kind"]) == ("done", 1, 1, 1)
        assert log.scores["identity similarity"] > 0.8, "beside pictures of the same look"
