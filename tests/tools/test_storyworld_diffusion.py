"""The embedded model as a backend: the shipped weights, on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from kinograph.errors import BadSetting, Cancelled, Damaged, RenderFailed
from kinograph.film import Conditioning, Motion, RenderRequest
from kinograph.tools.backends import Preview, Watched, Workbench, card, open_backend
from kinograph.tools.backends.storyworld_diffusion import MODEL, StoryworldDiffusion
from kinograph.tools.footage import develop, load, png
from kinograph.tools.shelf import shelf
from kinograph.tools.storyworld import World, paint

PROMPT = "a red ball, moving right, in the meadow, by day, static camera, flat look"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def backend(scratch: Path) -> StoryworldDiffusion:
    """One loaded backend for all tests; pictures are looked up in the scratch folder."""
    opened = open_backend("storyworld-diffusion", Workbench(scratch, lambda digest: scratch / f"{digest}.png"))
    assert isinstance(opened, StoryworldDiffusion)
    return opened


@pytest.fixture
def ask(backend: StoryworldDiffusion):
    """Renders one small request and gives its frames."""

    def make(prompt: str = PROMPT, seed: int = 7, **fields) -> np.ndarray:
        return load(backend.render([request(backend, prompt, seed, **fields)], lambda *_: None, lambda: False)[0])

    return make


def request(backend: StoryworldDiffusion, prompt: str = PROMPT, seed: int = 7, **fields) -> RenderRequest:
    plain = {"frames": 9, "fps": 8, "width": 128, "height": 128, "steps": 6, "guidance": 2.0}
    return RenderRequest.model_validate(
        {"model": backend.card.id, "revision": backend.revision, "prompt": prompt, "seed": seed} | plain | fields
    )


def test_the_same_seed_gives_the_same_frames_and_others_differ(ask):
    first = ask()
    assert first.shape == (9, 128, 128, 3)
    assert np.array_equal(first, ask())
    assert np.abs(first.astype(int) - ask(seed=8)).mean() > 4


def test_shots_that_share_a_scenes_noise_begin_alike_and_those_that_share_none_as_before(
    backend: StoryworldDiffusion, monkeypatch: pytest.MonkeyPatch
):
    from kinograph.tools.storyworld import pipeline

    begun, given = [], pipeline.StoryworldPipeline.__call__

    def heard(self, *args, latents=None, **kwargs):
        begun.append(latents)
        return given(self, *args, latents=latents, **kwargs)

    monkeypatch.setattr(pipeline.StoryworldPipeline, "__call__", heard)
    alone = [request(backend, seed=seed) for seed in (1, 2)]
    shared = [one.changed(shared_noise=0.64, scene_seed=9) for one in alone]
    plain, both = (backend.render(asked, lambda *_: None, lambda: False) for asked in (alone, shared))
    assert begun[0] is None
    one, other = begun[1].flatten(1).double().numpy()
    assert abs(np.corrcoef(one, other)[0, 1] - 0.64) < 5 / np.sqrt(one.size)
    assert [clip.request for clip in plain] == [r.digest for r in alone] != [r.digest for r in shared]
    assert len({clip.pixels for clip in (*plain, *both)}) == 4
    own = request(backend, seed=9)
    same = own.changed(shared_noise=0.64, scene_seed=9)
    first, again = (
        backend.render([own], lambda *_: None, lambda: False),
        backend.render([same], lambda *_: None, lambda: False),
    )
    assert first[0].pixels == again[0].pixels, "who begins with the scene's noise has all of it"


def test_another_word_changes_what_it_names(ask):
    """The most vivid pixels take the colour that is named, and the picture darkens at night."""

    def vivid(frames: np.ndarray) -> np.ndarray:
        pixels = frames.reshape(-1, 3).astype(int)
        chroma = pixels.max(1) - pixels.min(1)
        return pixels[chroma >= np.quantile(chroma, 0.98)].mean(0)

    red, blue = ask(steps=10), ask(PROMPT.replace("red", "blue"), steps=10)
    assert vivid(red).argmax() == 0
    assert vivid(blue).argmax() == 2
    assert ask(PROMPT.replace("by day", "at night"), steps=10).mean() < 0.7 * red.mean()


@pytest.mark.parametrize(("role", "frame"), [("first", 0), ("last", -1)])
def test_a_keyframe_is_kept_to(ask, scratch: Path, role: Literal["first", "last"], frame: int):
    world = World.model_validate({"subjects": [{"kind": "ball", "color": "red", "motion": "moves right"}]})
    true = paint(world, frames=9, width=128, height=128, fps=8, seed=5).frames[frame]
    (scratch / "key.png").write_bytes(png(true))
    held = ask(conditioning=(Conditioning(keyframe="key", role=role),))[frame]
    free = ask()[frame]

    def error(picture: np.ndarray) -> float:
        return float(((picture.astype(float) - true) ** 2).mean())

    assert error(held) < error(free)
    if role == "first":
        assert 10 * np.log10(255**2 / error(held)) > 22


def test_a_keyframe_of_another_size_is_fitted(ask, scratch: Path):
    (scratch / "small.png").write_bytes(png(np.full((40, 60, 3), 120, np.uint8)))
    frames = ask(conditioning=(Conditioning(keyframe="small"),))
    assert abs(float(frames[0].mean()) - 120) < 12


def test_a_keyframe_is_kept_to_at_any_frame(ask, scratch: Path):
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[:64] = (200, 60, 40)
    (scratch / "split.png").write_bytes(png(picture))
    for frame in (3, 6):
        made = ask(conditioning=(Conditioning(keyframe="split", role="between", frame=frame),)).astype(float)
        errors = [float(((one - picture) ** 2).mean()) for one in made]
        assert errors.index(min(errors)) == frame
        assert 10 * np.log10(255**2 / errors[frame]) > 20


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"role": "reference"}, "no pictures in the role reference"),
        ({"role": "source", "mask": "m"}, "no masks"),
        ({"mask": "m"}, "no masks"),
    ],
)
def test_a_picture_that_is_no_frame_is_refused(backend: StoryworldDiffusion, given: dict, words: str):
    asked = request(backend, conditioning=(Conditioning(keyframe="key", **given),))
    with pytest.raises(RenderFailed, match=f"takes a whole clip, or whole pictures .* and {words}"):
        backend.render([asked], lambda *_: None, lambda: False)


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_a_clip_can_lie_between_those_of_two_requests(ask, shared: float):
    night = PROMPT.replace("red ball", "blue car").replace("by day", "at night")
    small = {"frames": 9, "steps": 4, "width": 64, "height": 64, "shared_noise": shared, "scene_seed": 3}
    own, other = ask(**small), ask(night, seed=9, **small)

    def made(weight: float) -> np.ndarray:
        return ask(blend={"prompt": night, "seed": 9, "weight": weight}, **small)

    assert np.array_equal(made(0.0), own)
    assert np.array_equal(made(1.0), other)
    away = [float(np.abs(made(weight).astype(int) - own).mean()) for weight in (0.3, 0.6)]
    assert 0 < away[0] < away[1]


def test_clips_of_one_call_that_lean_towards_a_neighbour_hear_each_its_own_words(backend: StoryworldDiffusion, ask):
    small: dict[str, Any] = {"frames": 9, "steps": 4, "width": 64, "height": 64}
    small["blend"] = {"prompt": "a blue car in the city", "seed": 9, "weight": 0.3}
    words = PROMPT.replace("red", "green")
    asked = [request(backend, PROMPT, **small), request(backend, words, **small)]
    together = [load(clip) for clip in backend.render(asked, lambda *_: None, lambda: False)]
    assert np.array_equal(together[0], ask(**small))
    assert np.array_equal(together[1], ask(words, **small))


def test_a_clip_is_made_anew_in_part_and_flickers_less(ask, backend: StoryworldDiffusion, scratch: Path):
    plain = ask()
    swing = np.where(np.arange(len(plain)) % 2, 0.75, 1.15)[:, None, None, None]
    flickering = np.clip(plain * swing, 0, 255).astype(np.uint8)
    clip = develop(request(backend, seed=99), flickering, scratch, 0.0)
    Path(clip.path).rename(scratch / "source.png")  # where this bench looks for what requests are tied to

    def anew(strength: float) -> np.ndarray:
        return ask(seed=8, conditioning=(Conditioning(keyframe="source", role="source", strength=strength),))

    def flicker(frames: np.ndarray) -> float:
        return float(np.abs(np.diff(frames.mean((1, 2, 3)))).mean())

    def off(frames: np.ndarray) -> float:
        return float(np.abs(frames.astype(int) - plain).mean())

    half = anew(0.5)
    assert flicker(half) < 0.5 * flicker(flickering)
    assert off(half) < off(ask(seed=8)), "what it shows stays more than in a take from nothing"
    assert np.abs(anew(0.9).astype(int) - flickering).mean() < np.abs(half.astype(int) - flickering).mean()
    assert np.array_equal(anew(1.0), half), "left open, half of it is"


@pytest.mark.parametrize("kept", [False, True])
def test_alike_requests_of_one_call_give_the_clips_that_each_gives_alone(
    backend: StoryworldDiffusion, scratch: Path, kept: bool
):
    requests = []
    for seed, (kind, color) in enumerate((("ball", "red"), ("car", "blue"))):
        world = World.model_validate({"subjects": [{"kind": kind, "color": color, "motion": "moves right"}]})
        picture = paint(world, frames=9, width=128, height=128, fps=8, seed=seed).frames[0]
        (scratch / f"{seed}.png").write_bytes(png(picture))
        given = (Conditioning(keyframe=str(seed)),) if kept else ()
        words = PROMPT.replace("red ball", f"{color} {kind}")
        requests.append(request(backend, words, seed, conditioning=given))
    requests.append(request(backend, frames=10))
    told: list[tuple[int, float]] = []
    together = backend.render(requests, lambda *at: told.append(at), lambda: False)
    assert [clip.request for clip in together] == [one.digest for one in requests]
    assert together[0].render_seconds == together[1].render_seconds
    frames = [load(clip) for clip in together]
    for index, one in enumerate(requests):
        assert told.count((index, 1.0)) == 1
        alone = load(backend.render([one], lambda *_: None, lambda: False)[0])
        off = np.abs(frames[index].astype(int) - alone)
        assert off.max() <= 2
        assert (off > 0).mean() < 0.001


def test_stops_at_the_next_step_and_goes_on_as_before(backend: StoryworldDiffusion, ask):
    shares: list[float] = []
    asked = request(backend)
    with pytest.raises(Cancelled):
        backend.render([asked], lambda _, share: shares.append(share), lambda: len(shares) > 3)
    assert 0 < shares[-1] < 0.8
    assert np.array_equal(ask(), ask())


def test_says_how_far_it_is_and_what_it_replaced(backend: StoryworldDiffusion):
    shares: list[float] = []
    (clip,) = backend.render(
        [request(backend, "a green knight, moving right")], lambda _, share: shares.append(share), lambda: False
    )
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len(shares) >= 12
    assert "'knight' drawn as a person" in clip.note


def test_renders_wide_and_tall_and_longer(ask):
    assert ask(width=224, steps=4).shape == (9, 128, 224, 3)
    assert ask(height=224, steps=4).shape == (9, 224, 128, 3)
    assert ask(frames=33, steps=4, width=64, height=64).shape == (33, 64, 64, 3)


def test_opens_without_torch_and_is_named_by_its_weights(backend: StoryworldDiffusion, scratch: Path, tmp_path: Path):
    bench = Workbench(scratch, Path)
    assert open_backend("storyworld-diffusion", bench).revision == backend.revision
    assert open_backend("storyworld-diffusion", bench, {"precision": "bfloat16"}).revision != backend.revision
    with pytest.raises(BadSetting, match="precision = 'int3'"):
        open_backend("storyworld-diffusion", bench, {"precision": "int3"})
    with pytest.raises(Damaged, match=r"checksums.json' cannot be read"):
        open_backend("storyworld-diffusion", bench, {"weights": str(tmp_path)})


def test_backends_of_the_same_weights_share_one_loaded_model(backend: StoryworldDiffusion, ask, scratch: Path):
    before, shelved = ask(), shelf("cpu").residents()
    other = open_backend("storyworld-diffusion", Workbench(scratch, Path))
    (clip,) = other.render([request(backend)], lambda *_: None, lambda: False)
    assert np.array_equal(load(clip), before)
    assert [one.key for one in shelf("cpu").residents()] == [one.key for one in shelved]
    assert sum(one.key.startswith(f"storyworld-diffusion {backend.revision} ") for one in shelved) == 1


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_damaged_weights_are_named(harm: str, tmp_path: Path):
    copy = tmp_path / "model"
    shutil.copytree(MODEL, copy)
    file = copy / "image_unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    if harm == "flip":
        data[len(data) // 2] ^= 1
    file.write_bytes(data[: len(data) // 2] if harm == "cut" else data)
    if harm == "remove":
        file.unlink()
    opened = open_backend("storyworld-diffusion", Workbench(tmp_path, Path), {"weights": str(copy)})
    with pytest.raises(Damaged, match=r"diffusion_pytorch_model\.safetensors' is (damaged|missing)"):
        opened.render([request(opened)], lambda *_: None, lambda: False)  # type: ignore[arg-type]


def test_the_weights_are_as_small_as_promised():
    import json

    sizes = [path.stat().st_size for path in MODEL.rglob("*.safetensors")]
    assert sum(sizes) <= 50 * 2**20
    assert sum(sizes) / 2 <= 25e6  # two bytes a parameter
    assert json.loads((MODEL / "model_index.json").read_text())["_class_name"] == "StoryworldPipeline"
    assert card("storyworld-diffusion").available


@pytest.mark.parametrize(("motion", "facing"), [("moves left", -1.0), ("moves right", 1.0)])
def test_who_does_not_travel_faces_where_a_keyframe_shows_it(motion: Motion, facing: float):
    import torch

    from kinograph.tools.storyworld.layout import FLIP
    from kinograph.tools.storyworld.pipeline import StoryworldPipeline

    pipeline = StoryworldPipeline.from_pretrained(MODEL, dtype=torch.float32, local_files_only=True)
    world = World.model_validate({"subjects": [{"kind": "fish", "color": "blue", "motion": motion}], "setting": "sea"})
    picture = paint(world, frames=9, width=128, height=224, fps=8, seed=3).frames[4]
    with torch.no_grad():
        words = pipeline.encode_prompts(["a blue fish rises at the sea"])
        known = {0: pipeline._encoded(picture)}
        noise = torch.Generator().manual_seed(1)
        layouts = pipeline._layouts(words, pipeline.draft.pictures(words), known, 17, 128 / 224, noise, None)
    assert (layouts[0, :, FLIP].sign() == facing).all()


def test_what_comes_is_shown_the_truer_the_later_and_in_the_end_as_it_is(backend: StoryworldDiffusion):
    """Predicted clean latents at the last step are the result; looking changes no pixel."""
    shown = list[Preview]()
    watched = Watched(lambda *_: None, (0.02, 0.08, 0.5, 1.0), lambda _, preview: shown.append(preview))
    (clip,) = backend.render([request(backend)], watched, lambda: False)
    made = load(clip)
    gaps = [float(np.abs(made[list(one.at)].astype(int) - one.frames).mean()) for one in shown]
    assert [one.at for one in shown] == [(0,), (0,), (0, 4, 8), (0, 4, 8)]
    assert all(one.share >= asked for one, asked in zip(shown, watched.shares, strict=True))
    assert gaps[0] > gaps[1] >= 0
    assert gaps[-1] == 0
    (unseen,) = backend.render([request(backend)], lambda *_: None, lambda: False)
    assert unseen.pixels == clip.pixels


def test_each_clip_of_a_call_is_shown_to_whom_it_belongs(backend: StoryworldDiffusion):
    shown = list[tuple[int, Preview]]()
    watched = Watched(lambda *_: None, (1.0,), lambda *one: shown.append(one))
    asked = [request(backend), request(backend, PROMPT.replace("red", "blue"))]
    clips = backend.render(asked, watched, lambda: False)
    for index, preview in shown:
        assert np.array_equal(load(clips[index])[list(preview.at)], preview.frames)
    assert [index for index, _ in shown] == [0, 1]
