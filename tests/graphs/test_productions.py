"""Whole productions: what the graphs guarantee about a film."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from scripted import script_of

from kinograph import Studio
from kinograph.errors import Cancelled, KinographError, NoFilm, RenderFailed
from kinograph.events import Decided, Finished, Opened, Planned, ShotSettled, TakeJudged
from kinograph.film import Film, RenderRequest
from kinograph.graphs import TOPOLOGIES
from kinograph.memory.ledger import Ledger
from kinograph.memory.vault import Vault
from kinograph.settings import Settings
from kinograph.tools.backends import Workbench, card, open_backend
from kinograph.tools.backends.storyworld import StoryworldBackend
from kinograph.tools.storyworld.painter import Truth
from kinograph.tools.storyworld.world import sample

DEMO = (
    "A red ball rolls across a green meadow at sunset. Then it bounces over the sea at night while the camera "
    "zooms in. Finally the ball meets a yellow star in the snow."
)
SMALL: dict[str, Any] = {"width": 256, "height": 144, "frames": 16}


def truth_of(request: RenderRequest, options: dict[str, Any] | None = None) -> Truth:
    backend = open_backend("storyworld-render", Workbench(Path(), Path), options)
    assert isinstance(backend, StoryworldBackend)
    return backend.paint(request).truth


def chosen(film: Film) -> list[RenderRequest]:
    used = {(cut.shot, cut.attempt): cut for cut in film.timeline}
    return [take.request for take in film.takes if (take.shot, take.attempt) in used]


def make(text: str = DEMO, mind: Any = None, **fields: Any) -> Film:
    studio = Studio(mind=mind)
    return studio.make(studio.brief(text, **{**SMALL, **fields}))


def decoded(path: str | Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


# ---------------------------------------------------------------------------------- what it must show


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_demo_brief_shows_what_it_says_by_storyworld_truth(topology: str):
    film = make(topology=topology)
    truths = [truth_of(request) for request in chosen(film)]
    assert [truth.world.setting for truth in truths] == ["meadow", "sea", "snow"]
    assert [truth.world.time for truth in truths][:2] == ["sunset", "night"]
    assert truths[1].world.camera == "zoom in"
    assert [truth.world.subjects[0].motion for truth in truths][:2] == ["moves right", "bounces"]
    for truth in truths:
        assert ("ball", "red") in [(one.kind, one.color) for one in truth.world.subjects]
        for moment in truth.moments:
            ball = next(one for one in moment.subjects if one.kind == "ball")
            assert ball.color == "red"
            assert ball.visible > 0.9
    assert ("star", "yellow") in [(one.kind, one.color) for one in truths[2].world.subjects]
    assert film.missing == ()
    assert all(any(take.accepted for take in film.takes if take.shot == shot.id) for shot in film.storyboard.shots)


def test_the_folder_holds_film_manifest_sheet_and_shots():
    film = make()
    folder = Path(film.folder)
    assert {path.name for path in folder.iterdir()} == {
        ".kinograph", "film.mp4", "manifest.json", "contact_sheet.png", "shots",
    }  # fmt: skip
    assert {path.name for path in (folder / "shots").iterdir()} == {f"{shot.id}.mp4" for shot in film.storyboard.shots}
    with av.open(film.path) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert int(stream.codec_context.colorspace) == 1
        assert '"brief"' in file.metadata["comment"]
    frames = decoded(film.path)
    assert frames.shape == (3 * 16, 144, 256, 3)
    painted = np.concatenate([StoryworldBackend.paint(backend(), request).frames for request in chosen(film)])
    assert np.abs(frames.astype(int) - painted).mean() < 4, "the film shows the frames that were rendered"
    assert [cut.start for cut in film.timeline] == pytest.approx([0, 16 / 12, 32 / 12], abs=1e-3)


def backend() -> StoryworldBackend:
    found = open_backend("storyworld-render", Workbench(Path(), Path))
    assert isinstance(found, StoryworldBackend)
    return found


def test_faults_in_three_of_ten_takes_leave_few_bad_shots_and_hardly_any_unnoticed():
    options = {"fault_rate": 0.3}
    settings = Settings.load(backends={"storyworld-render": options})
    rng, shots, bad, unnoticed = np.random.default_rng(303), 25, [], []
    studio = Studio(settings, mind=script_of([sample(rng) for _ in range(shots)]))
    film = studio.make(studio.brief("A film.", width=192, height=108, frames=16, seed=0))
    for cut in film.timeline:
        taken = next(take for take in film.takes if (take.shot, take.attempt) == (cut.shot, cut.attempt))
        hurt = [
            fault
            for fault in truth_of(taken.request, options).faults
            if fault.first <= cut.last_frame and fault.last >= cut.first_frame
        ]
        told = taken.verdict.model_dump(include={"accepted", "scores"}) if taken.verdict else None
        bad += [(cut.shot, hurt, told)] if hurt else []
        unnoticed += [(cut.shot, hurt, told)] if hurt and taken.accepted else []
    assert len(film.timeline) == shots
    assert not film.placeholders
    assert len(unnoticed) <= 0.03 * shots, unnoticed
    assert len(bad) <= 0.06 * shots, "three faulty takes in a row, of which the best is used, are 2.7 in a hundred"


def test_topology_is_the_cards_or_the_callers_and_the_manifest_says_why():
    plain, asked = make("A red ball rolls."), make("A red ball rolls.", topology="chain")
    assert plain.decision.topology == card("storyworld-render").ratings.topology == "hierarchical"
    assert any("orchestration complexity" in reason.why for reason in plain.decision.reasons)
    assert asked.decision.topology == "chain"
    assert any(reason.choice == "topology chain" and reason.why == "asked for" for reason in asked.decision.reasons)
    assert "asked for" in (Path(asked.folder) / "manifest.json").read_text()


def test_all_topologies_make_the_same_pictures():
    first, *others = [make(topology=topology) for topology in TOPOLOGIES]
    for other in others:
        assert [r.digest for r in chosen(first)] == [r.digest for r in chosen(other)]
        assert all(take.reused for take in other.takes), "a later film takes every clip from the vault"
    assert [film.reviews[-1].findings for film in (first, *others)] == [()] * len(TOPOLOGIES)


# --------------------------------------------------------------------------------- events and retakes


def test_events_tell_the_story_in_order():
    studio = Studio()
    events = list(studio.stream(studio.brief("A red ball rolls. Then it bounces.", **SMALL)))
    kinds = [type(event) for event in events]
    assert kinds[0] is Opened
    assert kinds[-1] is Finished
    assert kinds.index(Decided) < kinds.index(Planned) < kinds.index(TakeJudged) < kinds.index(ShotSettled)
    assert kinds.count(ShotSettled) == 2


class Flaky(StoryworldBackend):
    """Fails, or draws black, for some takes."""

    def render(self, requests: Sequence[RenderRequest], on_progress, cancelled):
        if "star" in requests[0].prompt:
            raise RuntimeError("out of memory")
        return super().render(requests, on_progress, cancelled)


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch):
    import kinograph.tools.backends as door

    plain = door.cards()["storyworld-render"]
    cards = {**door.cards(), "flaky": plain.changed(id="flaky", backend="test_productions_flaky:Flaky")}
    import sys
    import types

    module = types.ModuleType("test_productions_flaky")
    module.__dict__["Flaky"] = Flaky
    monkeypatch.setitem(sys.modules, "test_productions_flaky", module)
    monkeypatch.setattr(door, "cards", lambda: cards)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_one_failed_shot_never_sinks_the_film(flaky, topology: str):
    film = make(model="flaky", topology=topology)
    assert film.placeholders == ("s3.1",)
    assert [cut.shot for cut in film.timeline] == ["s1.1", "s2.1", "s3.1"]
    *failed, card = [take for take in film.takes if take.shot == "s3.1"]
    assert all("RuntimeError: out of memory" in (take.error or "") for take in failed)
    assert [(t.request.width, t.request.frames) for t in failed] == [(256, 16), (180, 16), (128, 16), (128, 8)]
    assert card.placeholder
    assert {take.shot for take in film.takes if take.accepted} == {"s1.1", "s2.1"}


def test_a_film_without_a_single_shot_is_an_error(flaky):
    with pytest.raises(NoFilm, match="out of memory"):
        make("A yellow star spins.", model="flaky")


def test_a_rejected_take_leads_to_a_request_that_carries_the_correction():
    settings = Settings.load(backends={"storyworld-render": {"fault_rate": 1.0}})
    studio = Studio(settings)
    film = studio.make(studio.brief("A red ball rolls across the meadow.", **SMALL, takes=4, seed=5))
    first, *later = film.takes
    assert first.verdict is not None
    assert not first.verdict.accepted
    assert len(later) == 3
    for earlier, take in zip(film.takes, later, strict=False):
        assert earlier.verdict is not None
        assert take.request.seed != earlier.request.seed
        for correction in earlier.verdict.corrections:
            if correction.action == "emphasize":
                assert correction.words in take.request.prompt
            if correction.action == "avoid":
                assert correction.words in take.request.negative
    assert any(c.action == "emphasize" for take in film.takes if take.verdict for c in take.verdict.corrections)


def test_only_accepted_takes_are_remembered(home: Path):
    settings = Settings.load(backends={"storyworld-render": {"fault_rate": 1.0}})
    studio = Studio(settings)
    studio.make(studio.brief("A red ball rolls across the meadow.", **SMALL, takes=2, seed=2))
    make("A blue bird flies over the sea.")
    rows = sqlite3.connect(home / "keyframes.sqlite").execute("SELECT role, about FROM keyframes").fetchall()
    assert {("identity", "blue-bird"), ("setting", "sea"), ("look", "flat"), ("last", "s1.1")} == set(rows)


# ------------------------------------------------------------------------------------ state and resume


def test_checkpoints_hold_references_only():
    film = make("A red ball rolls. " * 8)
    database = sqlite3.connect(Path(film.folder) / ".kinograph" / "checkpoints.sqlite")
    (largest,) = database.execute("SELECT max(length(checkpoint)) FROM checkpoints").fetchone()
    (widest,) = database.execute("SELECT max(length(value)) FROM writes").fetchone()
    assert largest < 10_000
    assert widest < 10_000


def test_a_cancelled_production_goes_on_where_it_stopped(home: Path):
    studio = Studio()

    def stop_at_the_first_settled_shot() -> None:
        for event in studio.stream(studio.brief(DEMO, **SMALL), out="film"):
            if isinstance(event, ShotSettled):
                studio.cancel()

    with pytest.raises(Cancelled, match="kinograph resume"):
        stop_at_the_first_settled_shot()
    assert not Path("film/film.mp4").exists()
    before = Ledger(home / "ledger.sqlite").renders()
    film = Studio().resume("film")
    assert Path("film/film.mp4").exists()
    after = Ledger(home / "ledger.sqlite").renders()
    assert len(film.takes) == 3
    assert set(before) <= set(after)
    assert set(after.values()) == {1}, "nothing was rendered twice"


def test_a_finished_production_resumes_to_itself_without_rendering(home: Path):
    film = make()
    before = Ledger(home / "ledger.sqlite").renders()
    again = Studio().resume(film.id)
    assert again.timeline == film.timeline
    Path(film.path).unlink()
    Studio().resume(film.folder)
    assert Path(film.path).exists(), "a lost film is cut again"
    assert Ledger(home / "ledger.sqlite").renders() == before


def test_a_damaged_clip_is_rendered_again_to_the_same_pixels(home: Path):
    film = make()
    clip = film.takes[0].clip
    assert clip is not None
    data = bytearray(Path(clip.path).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\0" * 64
    Path(clip.path).write_bytes(data)
    Path(film.path).unlink()
    Studio().resume(film.id)
    whole = Vault(home / "vault").clip(clip.request)
    assert whole is not None
    assert whole.pixels == clip.pixels


def test_two_processes_cannot_own_one_production():
    studio = Studio()
    events = studio.stream(studio.brief(DEMO, **SMALL), out="film")
    next(events)
    with pytest.raises(KinographError, match=r"owned by another process \(pid \d+\)") as busy:
        Studio().resume("film")
    assert busy.value.exit_code == 3
    events.close()
    assert Studio().resume("film").missing == ()


def test_damaged_checkpoints_are_refused_and_rebuilt_on_request(home: Path):
    film = make()
    path = Path(film.folder) / ".kinograph" / "checkpoints.sqlite"
    path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(KinographError, match="--rebuild") as damaged:
        Studio().resume(film.id)
    assert damaged.value.exit_code == 5
    assert Path(film.path).exists()
    before = Ledger(home / "ledger.sqlite").renders()
    assert Studio().resume(film.id, rebuild=True).timeline == film.timeline
    assert Ledger(home / "ledger.sqlite").renders() == before


def test_a_render_that_always_fails_is_render_failed_inside_the_agent():
    assert issubclass(NoFilm, RenderFailed)
