"""Films made by the embedded model, on the whole way from brief to mp4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinograph.errors import BadInput
from kinograph.settings import Settings
from kinograph.studio import Studio
from kinograph.tools.footage import load, load_picture, png
from kinograph.tools.storyworld import World, paint
from kinograph.tools.workers import together


@pytest.fixture
def studio() -> Studio:
    """A studio that renders with the embedded model, remembers with the embedded embedder and takes shots once."""
    return Studio(Settings.load(takes=1, model="storyworld-diffusion", embedder="storyworld-clip"))


def test_a_film_is_made_offline_and_shots_go_on_where_the_last_one_ended(studio: Studio):
    film = studio.make("A red ball rolls across a green meadow. Then the ball bounces.", out="film")
    assert film.decision.model == "storyworld-diffusion"
    first, second = (next(take for take in film.takes if take.shot == shot.id) for shot in film.storyboard.shots)
    assert first.request.conditioning == ()
    assert first.clip
    assert second.clip
    assert load(first.clip).shape == (17, 128, 224, 3)
    if first.accepted:  # only accepted takes are remembered and gone on from
        kept = studio.settings.home / "vault"
        (given,) = second.request.conditioning
        picture = load_picture(next(kept.rglob(f"{given.keyframe}*")))
        assert np.array_equal(picture, load(first.clip)[-1])
    assert Path(film.path).stat().st_size > 1000
    again = studio.resume("film", rebuild=True)
    assert all(take.reused for take in again.takes)


def test_a_reference_picture_is_the_films_first_frame(studio: Studio, tmp_path: Path):
    world = World.model_validate({"subjects": [{"kind": "car", "color": "green", "motion": "moves right"}]})
    picture = paint(world, frames=17, width=224, height=128, fps=8, seed=2).frames[0]
    (tmp_path / "start.png").write_bytes(png(picture))
    film = studio.make(studio.brief("A green car drives right in a meadow.", references=(tmp_path / "start.png",)))
    (take,) = film.takes
    assert take.clip
    error = ((load(take.clip)[0].astype(float) - picture) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 22
    with pytest.raises(BadInput, match="2 reference pictures were given"):
        studio.make(studio.brief("A car.", references=(tmp_path / "start.png",) * 2))


def test_a_vertical_film_of_longer_shots(studio: Studio):
    plan = studio.plan("A yellow star spins in space for four seconds. Make it vertical.")
    assert all((r.width, r.height) == (128, 224) or r.height > r.width for r in plan.requests)
    assert all(r.frames == 32 for r in plan.requests)
    assert plan.seconds is not None


def test_shots_that_wait_for_nothing_are_rendered_in_one_call_where_that_is_wished(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(together, "GATHER", 60.0)  # however slow the machine is; three are all, and go at once
    brief = "A red ball rolls across a meadow. A blue bird flies over the sea. A green car drives through the city."
    settings = {"takes": 1, "model": "storyworld-diffusion", "topology": "hierarchical", "batch": 3, "workers": 1}
    film = Studio(Settings.load(**settings, pool="here")).make(brief, out="film")
    assert film.decision.lanes == 3
    assert "up to 3 alike in one call" in " ".join(reason.why for reason in film.decision.reasons)
    assert len({take.clip.render_seconds for take in film.takes if take.clip}) == 1
    assert len(film.takes) == 3
