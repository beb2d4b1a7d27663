"""The adapter of diffusers pipelines, on tiny real ones of every family: loaded from a folder, rendered, cancelled."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tiny_pipelines as tiny
import torch
from safetensors.torch import load_file, save_file

from kinograph.errors import BadInput, BadSetting, Cancelled, Damaged, RenderFailed
from kinograph.film import Blend, Clip, Conditioning, RenderRequest
from kinograph.settings import Settings
from kinograph.studio import Studio
from kinograph.tools.backends import Workbench, card, ready
from kinograph.tools.backends.calling import picture_of, smaller
from kinograph.tools.backends.diffusion import Diffusion
from kinograph.tools.backends.diffusion_options import DiffusionOptions
from kinograph.tools.backends.families import KINS, Call, kin_of, way
from kinograph.tools.backends.memory_plan import ladder
from kinograph.tools.footage import develop, frames_in, load, load_picture, png
from kinograph.tools.sound import read_mp4


class Case(NamedTuple):
    """A family on trial."""

    key: str
    """Of the tiny pipeline."""
    card: str
    roles: tuple[tuple[str, ...], ...]
    """The pictures that it can be given, besides none."""
    words: bool = True
    """It renders from words alone."""


FIRST, BOTH, LAST = ("first",), ("first", "last"), ("last",)
BETWEEN, AMID, SOURCE, MASKED = ("between",), ("first", "between"), ("source",), ("first with a mask",)
ENOUGH = (FIRST, BOTH, LAST, BETWEEN, AMID, ("reference",), SOURCE, MASKED, ("source with a mask",))
"""Pictures that a request may come with."""
ANY = (FIRST, BOTH, LAST, BETWEEN, AMID)
CASES = (
    Case("animatediff", "animatediff", (FIRST, SOURCE)),
    Case("animatediff-sdxl", "animatediff-sdxl", ()),
    Case("animatediff-sparse", "animatediff", ANY, words=False),
    Case("modelscope", "modelscope", (FIRST, SOURCE)),
    Case("modelscope", "zeroscope-576w", (FIRST, SOURCE)),
    Case("zeroscope-xl", "zeroscope-xl", (FIRST, SOURCE), words=False),
    Case("videocrafter2", "videocrafter2", ()),
    Case("svd", "svd", (FIRST,), words=False),
    Case("latte", "latte", ()),
    Case("cogvideox", "cogvideox-2b", (FIRST, SOURCE)),
    Case("cogvideox-i2v", "cogvideox-5b-i2v", (FIRST,), words=False),
    Case("wan", "wan-2.1-1.3b", (FIRST, SOURCE)),
    Case("wan-2.2", "wan-2.2-14b", (FIRST, SOURCE)),
    Case("wan-2.2-5b", "wan-2.2-5b", (FIRST,)),
    Case("wan-i2v", "wan-2.1-i2v", (FIRST,), words=False),
    Case("wan-vace", "wan-2.1-vace", ENOUGH),
    Case("hunyuan", "hunyuan-video", ()),
    Case("hunyuan-i2v", "hunyuan-video-i2v", (FIRST,), words=False),
    Case("hunyuan-framepack", "hunyuan-framepack", (FIRST, BOTH), words=False),
    Case("hunyuan-1.5", "hunyuan-video-1.5", ()),
    Case("hunyuan-1.5-i2v", "hunyuan-video-1.5-i2v", (FIRST,), words=False),
    Case("ltx", "ltx-video", (*ANY, SOURCE)),
    Case("ltx-2", "ltx-2", (*ANY, SOURCE)),
    Case("mochi", "mochi", ()),
    Case("allegro", "allegro", ()),
    Case("skyreels", "skyreels-v2", (FIRST,)),
    Case("sana", "sana-video", (FIRST,)),
)
BESIDES = ("zeroscope-xl", "skyreels", "hunyuan-i2v", "hunyuan-framepack")
NOISED = tuple(dict.fromkeys(case.key for case in CASES if case.key not in BESIDES))
"""Those whose noise can be given."""
by_card = pytest.mark.parametrize("case", CASES, ids=[case.card + "/" + case.key for case in CASES])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny pipeline, built once."""
    root, made = tmp_path_factory.mktemp("pipelines"), dict[str, Path]()

    def folder(key: str) -> Path:
        if key not in made:
            made[key] = tiny.built(key, root)
        return made[key]

    return folder


class Stage:
    """A backend with a scratch folder, and pictures for it."""

    def __init__(self, scratch: Path, key: str, model: str, **options: Any) -> None:
        self.width, self.height, self.frames = tiny.SIZES[key]
        self.scratch = scratch
        bench = Workbench(scratch, self.file, learned=scratch / "machine")
        self.backend = Diffusion(card(model), bench, DiffusionOptions(**options))
        dice = np.random.default_rng(0)
        for name in "abc":
            picture = dice.integers(0, 255, (self.height, self.width, 3)).astype(np.uint8)
            (scratch / f"{name}.png").write_bytes(png(picture))
            clip = develop(self.request(prompt=name), np.stack([picture] * self.frames), scratch, 0.0)
            Path(clip.path).rename(scratch / f"{name}.mkv")
        mask = np.zeros((self.height, self.width, 3), np.uint8)
        mask[:, self.width // 2 :] = 255
        (scratch / "mask.png").write_bytes(png(mask))

    def file(self, name: str) -> Path:
        return self.scratch / (name.removeprefix("clip ") + (".mkv" if name.startswith("clip ") else ".png"))

    def given(self, name: str, role: str) -> Conditioning:
        """`role` may say that there is a mask: of the right half."""
        role, _, masked = role.partition(" with a ")
        told: dict[str, Any] = {"keyframe": f"clip {name}" if role == "source" else name, "role": role}
        told |= {"frame": self.frames // 2} if role == "between" else {}
        return Conditioning.model_validate(told | ({"mask": "mask"} if masked else {}))

    def request(self, seed: int = 1, pictures: Sequence[tuple[str, str]] = (), **fields: Any) -> RenderRequest:
        given = tuple(self.given(name, role) for name, role in pictures)
        plain = {"model": self.backend.card.id, "revision": self.backend.revision, "prompt": "a red ball rolls"}
        plain |= {"seed": seed, "frames": self.frames, "fps": 8, "width": self.width, "height": self.height}
        return RenderRequest.model_validate(plain | {"steps": 2, "guidance": 3.0, "conditioning": given} | fields)

    def render(self, request: RenderRequest, told: list[Any] | None = None) -> Clip:
        heard = [] if told is None else told
        return self.backend.render([request], lambda *at: heard.append(at), lambda: False)[0]

    def frames_of(self, pictures: Sequence[tuple[str, str]] = (), **fields: Any) -> np.ndarray:
        return load(self.render(self.request(pictures=pictures, **fields))).astype(int)


@pytest.fixture
def stage(folders, tmp_path: Path) -> Callable[..., Stage]:
    def make(case: Case, **options: Any) -> Stage:
        return Stage(tmp_path, case.key, case.card, weights=str(folders(case.key)), **options)

    return make


@by_card
def test_every_family_renders_the_same_from_the_same_seed_and_says_how_far_it_is(case: Case, stage):
    one, told = stage(case), list[Any]()
    given = [] if case.words else [("a", "first")]
    clip = one.render(one.request(pictures=given), told)
    assert load(clip).shape == (one.frames, one.height, one.width, 3)
    assert clip.made_with["pipeline"]
    assert clip.made_with["diffusers"]
    assert told[0] == (0, 0.0)
    assert told[-1] == (0, 1.0)
    assert len(told) >= 3
    again, other = one.frames_of(given), one.frames_of(given, seed=2)
    assert np.array_equal(again, load(clip))
    assert not np.array_equal(other, again)


@by_card
def test_every_picture_that_is_taken_shows_and_every_other_is_refused(case: Case, stage):
    one = stage(case)
    for roles in ENOUGH:
        if roles not in case.roles:
            with pytest.raises(RenderFailed, match=r"these weights cannot be given the pictures asked for \("):
                one.frames_of(list(zip("ab", roles, strict=False)))
            continue
        plain = one.frames_of(list(zip("ab", roles, strict=False)))
        for number in range(len(roles)):
            changed = ["a", "b"]
            changed[number] = "c"
            assert not np.array_equal(plain, one.frames_of(list(zip(changed, roles, strict=False)))), roles[number]


@by_card
def test_a_render_can_be_cancelled_at_any_step_and_the_pipeline_stays_usable(case: Case, stage):
    one, asked = stage(case), list[bool]()
    request = one.request(pictures=[] if case.words else [("a", "first")])
    before = load(one.render(request))

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        one.backend.render([request], lambda *_: None, cancelled)
    assert len(asked) == 2, "once as it begins, once before the first pass"
    assert np.abs(load(one.render(request)).astype(int) - before).max() <= 1  # sums may lie elsewhere in memory


@pytest.mark.parametrize("case", [case for case in CASES if card(case.card).batch and case.words], ids=str)
def test_requests_of_one_call_give_what_each_gives_alone(case: Case, stage):
    one = stage(case)
    requests = [one.request(seed=seed, prompt=words) for seed, words in ((1, "a red ball rolls"), (2, "a blue car"))]
    assert one.backend.batches(requests[0])
    together = one.backend.render(requests, lambda *_: None, lambda: False)
    frames = [load(clip).astype(int) for clip in together]
    assert together[0].render_seconds == together[1].render_seconds
    for request, made in zip(requests, frames, strict=True):
        assert np.abs(load(one.render(request)).astype(int) - made).max() <= 1


def test_a_keyframe_counts_where_it_is_and_a_mask_where_it_is_white(stage):
    vace, sparse, ltx = (
        next(one for one in CASES if one.key == key) for key in ("wan-vace", "animatediff-sparse", "ltx")
    )
    for case in (vace, sparse, ltx):
        one = stage(case)
        early, late = (
            one.frames_of(conditioning=[Conditioning(keyframe="a", role="between", frame=frame)])
            for frame in (1, one.frames - 2)
        )
        assert not np.array_equal(early, late), case.key
    one = stage(vace)
    call = Call([picture_of(one.given("a", "source with a mask"), one.request(), one.file)], one.frames, 1.0)
    shown = way("WanVACEPipeline").form.arguments(call, None)
    video, mask = (np.stack([np.asarray(frame) for frame in shown[name]]) for name in ("video", "mask"))
    half = one.width // 2
    assert (mask[:, :, half:] == 255).all()
    assert not mask[:, :, :half].any()
    assert (video[:, :, half:] == 127).all()
    given = load_picture(one.file("a"))
    assert all(np.array_equal(frame[:, :half], given[:, :half]) for frame in video)


def test_a_keyframe_that_lands_on_another_frame_is_told(stage):
    case = next(case for case in CASES if case.key == "ltx-2")
    one = stage(case)
    clip = one.render(one.request(pictures=[("a", "between")]))
    assert clip.note == "the picture of frame 4 is held at frame 1"
    at = one.request(conditioning=[Conditioning(keyframe="a", role="between", frame=1)])
    assert one.render(at).note == ""


def test_how_strongly_a_picture_counts_is_told_where_it_is_not_heard(stage):
    given = [Conditioning(keyframe="a", strength=0.5)]
    vace, ltx = (stage(next(one for one in CASES if one.key == key)) for key in ("wan-vace", "ltx"))
    assert vace.render(vace.request(conditioning=given)).note.startswith("WanVACEPipeline holds pictures as they are")
    assert ltx.render(ltx.request(conditioning=given)).note == ""


def test_cards_say_what_their_families_can_be_given():
    for case in CASES:
        able = {role for roles in case.roles for one in roles for role in one.split(" with a ")}
        told = {"keyframes": "between", "reference": "reference", "inpaint": "mask", "flf2v": "last"}
        for task, role in told.items():
            if case.key != "animatediff-sparse" and (task, case.card) != ("flf2v", "wan-2.2-i2v"):
                assert (task in card(case.card).tasks) == (role in able), (case.card, task)


# ------------------------------------------------------------------------------------ beginnings


def test_a_model_that_goes_on_from_pictures_begins_with_what_another_makes_of_the_words(stage, folders):
    case = next(case for case in CASES if case.card == "svd")
    with pytest.raises(RenderFailed, match="svd goes on from pictures and was given none; set `before` in its options"):
        stage(case).frames_of()
    one = stage(case, before=str(folders("text-to-image")))
    red = one.frames_of(prompt="a red ball")
    assert red.shape == (one.frames, one.height, one.width, 3)
    assert not np.array_equal(red, one.frames_of(prompt="a blue car"))


def test_clips_of_one_call_are_all_begun_before_the_first_goes_on(stage, folders):
    """On a small card the two models would else put each other off it, clip by clip."""
    one = stage(next(case for case in CASES if case.card == "svd"), before=str(folders("text-to-image")))
    lend, lent = one.backend.lender.lend, list[str]()
    one.backend.lender.lend = lambda source, *more: lent.append(source) or lend(source, *more)
    requests, told = [one.request(prompt=words) for words in ("a red ball", "a blue car")], list[Any]()
    clips = one.backend.render(requests, lambda *at: told.append(at), lambda: False)
    assert lent == [one.backend.options.before] * 2 + [one.backend.options.weights] * 2
    assert [clip.request for clip in clips] == [request.digest for request in requests]
    assert {index for index, _ in told} == {0, 1}
    assert told[-1] == (1, 1.0)
    assert np.array_equal(load(one.render(requests[1])), load(clips[1]))


def test_a_model_that_goes_on_from_a_picture_takes_the_first_of_a_video(stage, folders):
    case = next(case for case in CASES if case.card == "svd")
    one = stage(case, before=str(folders("modelscope")))
    made = one.frames_of(width=32, height=32)
    assert made.shape == (one.frames, 32, 32, 3)
    assert np.array_equal(made, one.frames_of(width=32, height=32))


def test_a_model_that_enlarges_begins_with_a_smaller_video(stage, folders):
    case = next(case for case in CASES if case.card == "zeroscope-xl")
    one = stage(case, before=str(folders("modelscope")))
    made = one.frames_of(width=32, height=32)
    assert made.shape == (one.frames, 32, 32, 3)
    assert not np.array_equal(made, one.frames_of(width=32, height=32, prompt="a blue car"))
    assert [smaller(side) for side in (1024, 576, 32)] == [576, 320, 16]


def test_ltx_is_enlarged_as_latents_and_tells_where_that_does_not_go(stage, folders):
    case, upsampler = next(case for case in CASES if case.key == "ltx"), str(folders("ltx-upsampler"))
    one, plain = stage(case, upsample=upsampler), stage(case)
    assert one.backend.revision != plain.backend.revision
    for pictures in ([], [("a", "first")]):
        requests = [one.request(pictures=pictures, width=64, height=64, seed=seed) for seed in (1, 2)]
        clips = one.backend.render(requests, lambda *_: None, lambda: False)
        frames = [load(clip).astype(int) for clip in clips]
        assert frames[0].shape == (one.frames, 64, 64, 3)
        assert [clip.note for clip in clips] == ["", ""]
        assert np.abs(load(one.render(requests[1])).astype(int) - frames[1]).max() <= 1
        assert not np.array_equal(frames[0], frames[1])
        assert not np.array_equal(frames[0], plain.frames_of(pictures, width=64, height=64))
    odd = one.render(one.request(width=96, height=64))
    assert "frames of 128x64 came back, 9 of 96x64 were asked for" in odd.note
    with pytest.raises(BadSetting, match="upsample does not go with WanPipeline: LTXPipeline, "):
        stage(next(case for case in CASES if case.key == "wan"), upsample=upsampler).frames_of()
    with pytest.raises(BadSetting, match="upsample names a folder of StableDiffusionPipeline: LTXLatentUpsample"):
        stage(case, upsample=str(folders("text-to-image"))).frames_of()


def test_a_clip_that_comes_longer_than_asked_ends_earlier_and_says_so(stage):
    case = next(case for case in CASES if case.key == "hunyuan-framepack")
    one = stage(case)
    clip = one.render(one.request(pictures=[("a", "first")]))
    assert clip.frames == one.frames
    assert "frames of 16x16 came back, 5 of 16x16 were asked for" in clip.note


def test_animatediff_makes_long_clips_in_windows(stage):
    case = CASES[0]
    one = stage(case)
    short = one.frames_of()
    assert one.frames_of(frames=40).shape[0] == 40
    assert not one.backend.batches(one.request(frames=40))
    assert np.array_equal(short, one.frames_of()), "and short ones as before"


def test_clips_in_windows_are_made_where_models_wait_in_main_memory_too(stage):
    """Long and short ones in turn: each time the blocks are others, which no hook of the time before may hold."""
    one = stage(CASES[0])
    free = [one.frames_of(frames=frames) for frames in (8, 40)]
    with one.backend.lender.lend(one.backend._source, lambda: False) as loaded:
        rungs = ladder(one.backend.card, "cuda", "float32")
        group = next(rung for rung in rungs if rung.offload == "group")
        for frames, plain in ((8, free[0]), (40, free[1]), (8, free[0])):
            loaded.window(frames)
            loaded.put(group, "cpu")
            request = one.request(frames=frames)
            call = Call([], frames, 1.0)
            made = one.backend._made(loaded, loaded.way_for(()), [request], call, lambda *_: None)
            assert np.abs(made.frames[0].astype(int) - plain).max() <= 1


def test_what_a_model_lets_hear_is_heard_in_the_film_and_steps_back_for_the_narrator(folders, tmp_path: Path):
    options = {"ltx-2": {"weights": str(folders("ltx-2"))}}
    studio = Studio(Settings.load(model="ltx-2", takes=1, pool="here", backends=options, speech="murmur"))
    width, height, frames = tiny.SIZES["ltx-2"]
    for narrate in (False, True):
        brief = studio.brief("A ball rolls. It stops.", width=width, height=height, frames=frames, narrate=narrate)
        film = studio.make(brief, out=tmp_path / f"film-{narrate}")
        assert all(take.clip and 0 < take.clip.sound <= 0.5 for take in film.takes)
        tracks = studio.tracks(tmp_path / f"film-{narrate}")
        assert tracks is not None
        assert [one.shot for one in tracks.own] == [take.shot for take in film.takes]
        assert bool(tracks.ducks) == bool(tracks.narration)
        heard = read_mp4(Path(film.path))
        assert abs(heard.shape[1] / 48_000 - tracks.seconds) < 0.1
        assert np.abs(heard).max() > 0.01


# -------------------------------------------------------------------------------------- memory


def test_when_memory_runs_out_the_next_rung_is_tried_told_and_remembered(stage):
    one, passes = stage(CASES[0]), list[bool]()

    def full(*_: Any) -> None:
        passes.append(True)
        if len(passes) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    before = one.frames_of()
    with one.backend.lender.lend(one.backend._source, lambda: False) as loaded:
        hook = loaded.first.unet.register_forward_pre_hook(full)
    try:
        clip = one.render(one.request())
    finally:
        hook.remove()
    assert clip.note.startswith("out of memory on rung 'whole', trying 'piecewise': ")
    assert clip.made_with["rung"] == "piecewise"
    assert np.abs(load(clip).astype(int) - before).max() <= 1
    assert one.render(one.request()).made_with["rung"] == "piecewise", "as it was learned"
    other = one.render(one.request(width=64, height=64))
    assert (other.made_with["rung"], other.note) == ("whole", ""), "larger clips learn for themselves"


def test_a_request_to_take_less_begins_further_down(stage):
    one = stage(CASES[0])
    assert one.render(one.request(offloaded=True)).made_with["rung"] == "piecewise"


# ------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("case", [case for case in CASES if case.key in NOISED], ids=str)
def test_frames_begin_with_the_noise_that_they_share(case: Case, stage, monkeypatch: pytest.MonkeyPatch):
    """With everything shared every latent frame begins alike, and without it none does."""
    kept, spread = list[Any](), dict[str, float]()
    for kind in ("plain", "decomposed", "correlated"):
        one = stage(case, noise=kind, shared=1.0)
        with one.backend.lender.lend(one.backend._source, lambda: False) as loaded:
            pipeline, axis = type(loaded.first), loaded.kin.axis
        prepare = pipeline.prepare_latents

        @wraps(prepare)
        def heard(*args: Any, prepare: Any = prepare, **kwargs: Any) -> Any:
            made = prepare(*args, **kwargs)
            kept.append(made[0] if isinstance(made, tuple) else made)
            return made

        with monkeypatch.context() as patch:
            patch.setattr(pipeline, "prepare_latents", heard)
            one.render(one.request(pictures=[] if case.words else [("a", "first")]))
        begun = kept[-1]
        if begun.ndim == 3:
            begun = begun.unflatten(1, ((one.frames - 1) // loaded.first.vae_temporal_compression_ratio + 1, -1))
        begun = begun.movedim(axis, 0)
        assert begun.std() > 0.1
        spread[kind] = float((begun - begun[:1]).abs().max())
    assert spread["decomposed"] < 1e-5
    assert spread["correlated"] < 1e-5
    assert spread["plain"] > 0.1


@by_card
def test_cards_say_whether_shots_can_share_noise(case: Case):
    assert card(case.card).shared_noise == (case.key in NOISED)


@pytest.mark.parametrize("case", [case for case in CASES if case.key in ("wan", "modelscope", "ltx")], ids=str)
def test_shots_of_a_scene_begin_with_the_noise_that_they_share(case: Case, stage, monkeypatch: pytest.MonkeyPatch):
    """And where they share none, with what they began with before there was any to share."""
    kept = list[Any]()
    one = stage(case)
    with one.backend.lender.lend(one.backend._source, lambda: False) as loaded:
        pipeline = type(loaded.first)
    prepare = pipeline.prepare_latents

    @wraps(prepare)
    def heard(*args: Any, **kwargs: Any) -> Any:
        made = prepare(*args, **kwargs)
        kept.append((made[0] if isinstance(made, tuple) else made).flatten().double().numpy())
        return made

    def begun(**fields: Any) -> Any:
        one.render(one.request(pictures=[]).changed(**fields))
        return kept[-1]

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "prepare_latents", heard)
        scene, first, second = begun(seed=9), begun(seed=1), begun(seed=2)
        mixed = [begun(seed=seed, shared_noise=0.64, scene_seed=9) for seed in (1, 2)]
    bound = 5 / np.sqrt(scene.size)
    assert abs(np.corrcoef(first, second)[0, 1]) < bound
    assert abs(np.corrcoef(*mixed)[0, 1] - 0.64) < bound
    assert abs(np.corrcoef(mixed[0], scene)[0, 1] - 0.8) < bound, "it is the noise of the scene's first takes"
    assert abs(mixed[0].std() / first.std() - 1) < 2 * bound


def test_ways_that_cannot_be_given_noise_say_so_and_render_all_the_same(stage):
    one = stage(CASES[0], noise="decomposed")
    clip = one.render(one.request(pictures=[("a", "first")]))
    assert clip.note == "AnimateDiffVideoToVideoPipeline cannot be given its noise"
    assert one.render(one.request()).note == ""


BLENDED = [case for case in CASES if case.words or case.key in ("svd", "wan-i2v", "cogvideox-i2v")]


@pytest.mark.parametrize("case", BLENDED, ids=str)
def test_a_clip_can_lie_between_those_of_two_requests(case: Case, stage):
    """All of the neighbour's is the neighbour's clip, nothing of it is the own, and half is neither."""
    one = stage(case)
    given = [] if case.words else [("a", "first")]
    own = one.request(pictures=given)
    other = own.changed(prompt="two blue cars at night", seed=9)

    def made(weight: float) -> np.ndarray:
        blend = Blend(prompt=other.prompt, seed=other.seed, weight=weight)
        clip = one.render(own.changed(blend=blend))
        assert clip.note in ("", f"{clip.made_with['pipeline']} hears no words that could be blended")
        return load(clip).astype(int)

    ends = [load(one.render(request)).astype(int) for request in (own, other)]
    assert np.array_equal(made(0.0), ends[0])
    half = made(0.5)
    assert not np.array_equal(half, ends[0])
    assert not np.array_equal(half, ends[1])
    if case.key not in DICED:
        assert np.abs(made(1.0) - ends[1]).max() <= 1
    assert np.array_equal(load(one.render(own)), ends[0]), "and nothing is left of it"


def test_a_clip_that_cannot_be_given_its_noise_says_so_and_noise_that_frames_share_is_blended_too(stage):
    blend = Blend(prompt="a car", seed=9, weight=0.5)
    one = stage(CASES[0])
    clip = one.render(one.request(pictures=[("a", "first")], blend=blend))
    assert clip.note == "AnimateDiffVideoToVideoPipeline cannot be given its noise"
    assert not one.backend.batches(one.request(blend=blend))
    shared = stage(CASES[0], noise="decomposed")
    blend = blend.changed(prompt="a red ball rolls", weight=1.0)
    assert np.array_equal(shared.frames_of(blend=blend), shared.frames_of(seed=9))


def test_words_to_avoid_that_are_not_heard_are_told(stage):
    case = next(case for case in CASES if case.key == "hunyuan")
    one = stage(case)
    assert one.render(one.request(negative="blur")).note == "words to avoid are not heard by HunyuanVideoPipeline"
    other = stage(CASES[0])
    assert other.render(other.request(negative="blur")).note == ""


def test_steps_follow_the_prompt_where_that_is_wished(stage):
    one, told = stage(CASES[0], adaptive_steps=True), list[Any]()
    hard = "two dogs race through a crowded market, detailed fur"
    plain = one.request(steps=10)
    one.render(plain, told)
    assert len(told) == 12
    told.clear()
    one.render(plain.changed(prompt=hard), told)
    assert len(told) == 16, "ten steps and four"
    assert not one.backend.batches(plain)


def test_the_scheduler_can_be_chosen_among_those_that_fit(stage):
    plain = stage(CASES[0]).frames_of(steps=4)
    other = stage(CASES[0], scheduler="EulerAncestralDiscreteScheduler")
    assert not np.array_equal(plain, other.frames_of(steps=4))
    with pytest.raises(BadSetting, match=r"scheduler 'Quick' does not fit AnimateDiffPipeline: DDIMScheduler, "):
        stage(CASES[0], scheduler="Quick").frames_of()


def test_a_cache_is_used_told_of_and_refused_where_it_does_nothing(stage):
    case = next(case for case in CASES if case.key == "wan")
    plain = stage(case).render(stage(case).request(steps=6))
    one = stage(case, speed={"cache": "pyramid"})
    cached = one.render(one.request(steps=6))
    assert plain.made_with["blocks computed"] == "100%"
    assert 20 < int(cached.made_with["blocks computed"].removesuffix("%")) < 90
    assert one.backend.revision != stage(case).backend.revision
    with pytest.raises(RenderFailed, match="cache 'pyramid' skipped none of"):
        one.render(one.request(steps=1))
    other = stage(CASES[0], speed={"cache": "pyramid"})
    with pytest.raises(BadInput, match="UNetMotionModel of AnimateDiffPipeline has no caches"):
        other.render(other.request())


# -------------------------------------------------------------------------------- what is what


@pytest.mark.parametrize(("key", "base"), [("animatediff", "text-to-image"), ("animatediff-sdxl", "animatediff-sdxl")])
def test_a_motion_adapter_goes_on_a_checkpoint_of_ones_own(key: str, base: str, folders, tmp_path: Path):
    part = str(folders(key) / "motion_adapter")
    lacking = Diffusion.lacks(card(key), DiffusionOptions(weights=part))
    assert lacking == "motion_adapter is a part of a model; set `base` in its options to the checkpoint it goes with"
    under = folders(base)
    if key != base:
        one = Stage(tmp_path, key, key, weights=part, base=str(under))
        assert one.render(one.request()).made_with["pipeline"] == "AnimateDiffPipeline"
    else:  # a tiny SDXL of its own is the pipeline without its motion
        named = (under / "model_index.json").read_text().replace("AnimateDiffSDXLPipeline", "StableDiffusionXLPipeline")
        copy = tmp_path / "sdxl"
        shutil.copytree(under, copy)
        (copy / "model_index.json").write_text(named)
        backend = Diffusion(card(key), Workbench(tmp_path, Path), DiffusionOptions(weights=part, base=str(copy)))
        assert backend._kin.classes[0] == "AnimateDiffSDXLPipeline"


def test_what_is_not_whole_is_refused_before_it_is_loaded(folders, tmp_path: Path):
    copy = tmp_path / "wan"
    shutil.copytree(folders("wan"), copy)
    whole = copy / "transformer" / "diffusion_pytorch_model.safetensors"
    whole.write_bytes(whole.read_bytes()[:-100])
    one = Stage(tmp_path, "wan", "wan-2.1-1.3b", weights=str(copy))
    with pytest.raises(Damaged, match=r"diffusion_pytorch_model\.safetensors"):
        one.render(one.request())


def test_a_single_file_says_which_class_it_is_for(folders, tmp_path: Path):
    file = folders("wan") / "transformer" / "diffusion_pytorch_model.safetensors"
    assert "set `pipeline` in its options" in Diffusion.lacks(card("ltx-video"), DiffusionOptions(weights=str(file)))
    one = Stage(tmp_path, "ltx", "ltx-video", weights=str(file), pipeline="LTXPipeline", base=str(folders("ltx")))
    with pytest.raises(RenderFailed, match="cannot be loaded as LTXPipeline: Failed to load T5EncoderModel"):
        one.render(one.request())  # a file with all parts in it cannot be made of a tiny pipeline


def test_weights_that_are_not_here_are_asked_for_in_words(tmp_path: Path):
    with pytest.raises(BadInput, match=r"model 'wan-2\.1-1\.3b' cannot render here: "):
        Studio(Settings.load(model="wan-2.1-1.3b")).make("A red ball rolls.", out=tmp_path / "film")
    assert not (tmp_path / "film").exists()


def test_the_revision_follows_the_weights_and_what_changes_pixels(stage, folders):
    case = CASES[0]
    plain = stage(case).backend.revision
    assert stage(case).backend.revision == plain
    assert stage(case, strength=0.3).backend.revision != plain
    assert stage(case._replace(key="modelscope")).backend.revision != plain


def test_weights_of_the_same_layout_that_were_trained_on_are_other_weights(folders, tmp_path: Path):
    copy = tmp_path / "tuned"
    shutil.copytree(folders("animatediff"), copy)
    file = copy / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = {name: value * 1.01 for name, value in load_file(file).items()}
    save_file(tensors, file)
    revisions = {
        Diffusion(card("animatediff"), Workbench(tmp_path, Path), DiffusionOptions(weights=str(folder))).revision
        for folder in (folders("animatediff"), copy)
    }
    assert len(revisions) == 2


def test_only_models_that_render_from_words_and_are_whole_are_chosen_unasked(folders, tmp_path: Path):
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(folders("wan") / "model_index.json", half)
    options = {"wan-2.1-i2v": {"weights": str(folders("wan-i2v"))}, "wan-2.1-1.3b": {"weights": str(half)}}
    assert ready(options) == ("storyworld-diffusion", "storyworld-render")
    options["wan-2.1-i2v"]["before"] = str(folders("text-to-image"))
    options["wan-2.1-1.3b"]["weights"] = str(folders("wan"))
    assert set(ready(options)) == {"storyworld-diffusion", "storyworld-render", "wan-2.1-i2v", "wan-2.1-1.3b"}


FIXED = ("allegro", "cogvideox-5b-i2v")
"""Cards whose clips are too large for a test; their folders make films without a card."""


@pytest.mark.parametrize("case", [case for case in CASES if case.key != "animatediff-sparse"], ids=str)
def test_every_family_makes_a_film_on_the_whole_way_from_brief_to_mp4(case: Case, folders, tmp_path: Path):
    model = f"diffusers:{folders(case.key)}" if case.card in FIXED else case.card
    options = {"weights": str(folders(case.key))}
    if not case.words and case.key == "zeroscope-xl":
        options["before"] = str(folders("modelscope"))
    studio = Studio(Settings.load(model=model, takes=1, pool="here", backends={model: options}))
    width, height, frames = tiny.SIZES[case.key]
    width, height = max(width, 32), max(height, 32)
    references = ()
    if not case.words and "before" not in options:
        (tmp_path / "start.png").write_bytes(png(np.full((height, width, 3), 90, np.uint8)))
        references = (tmp_path / "start.png",)
    frames = max(frames, card(model).min_frames)
    sized = {"width": width, "height": height, "frames": frames, "references": references}
    film = studio.make(studio.brief("A red ball rolls.", **sized), out=tmp_path / "film")
    (take,) = film.takes
    assert take.error is None
    assert take.clip
    assert take.clip.made_with["pipeline"]
    assert bool(take.request.conditioning) == bool(references)
    assert frames_in(tmp_path / "film" / "film.mp4") == frames


DICED = ("allegro", "videocrafter2", "svd", "cogvideox", "cogvideox-i2v", "ltx-2")
"""Those that draw more noise than a clip begins with, of the own seed: at each step, or for the sound."""


def way_of(key: str) -> str:
    return type(tiny.BUILDERS[key]()).__name__


def test_a_folder_that_holds_no_video_pipeline_is_refused(folders, tmp_path: Path):
    with pytest.raises(BadInput, match="StableDiffusionPipeline renders no video"):
        card(f"diffusers:{folders('text-to-image')}")
    with pytest.raises(BadInput, match="no pipeline in the diffusers layout"):
        card(f"diffusers:{tmp_path}")


def test_the_card_of_a_folder_follows_what_is_in_it(folders, tmp_path: Path):
    place = tmp_path / "mine"
    shutil.copytree(folders("wan"), place)
    before = card(f"diffusers:{place}")
    assert card(f"diffusers:{place}") is before
    shutil.rmtree(place)
    shutil.copytree(folders("ltx"), place)
    assert (before.frames_rule, card(f"diffusers:{place}").frames_rule) == ("4k+1", "8k+1")


def test_the_table_names_classes_that_exist_once_each_and_cards_agree_with_it():
    firsts = [kin.classes[0] for kin in KINS]
    assert len(firsts) == len(set(firsts))
    for kin in KINS:
        for name in kin.classes:
            assert way(name).pipeline
    for case in CASES:
        if case.key != "skyreels":  # whose noise can be given, but is used in parts
            assert (kin_of(way_of(case.key)).axis is not None) == (case.key in NOISED)
        model, kin = card(case.card), kin_of(way_of(case.key))
        assert model.size_multiple % kin.multiple == 0 or kin.multiple % model.size_multiple == 0
        assert model.frames_rule in (kin.rule, "fixed")
