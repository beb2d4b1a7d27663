"""Every metric of the registry by its contract, and each by what it must say of clips made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import skimage.metrics
import torch
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from kinograph.errors import UnknownName
from kinograph.memory.embedders import open_embedder
from kinograph.tools.metrics import METRICS, Beside, Embedder, Need, measure, metric
from kinograph.tools.metrics.attribute_fidelity import contrasts
from kinograph.tools.metrics.flow import flow_of
from kinograph.tools.metrics.vectors import consistency
from kinograph.tools.storyworld import World, paint


def painted(motion: str = "moves right", color: str = "red", frames: int = 8, seed: int = 1, **more) -> np.ndarray:
    subjects = [{"kind": "ball", "color": color, "motion": motion}]
    world = World.model_validate({"subjects": subjects, **more})
    return paint(world, frames=frames, width=112, height=64, fps=8, seed=seed).frames


def plain(*lights: float) -> np.ndarray:
    """A frame of one grey for each light."""
    return np.stack([np.full((40, 60, 3), light, np.uint8) for light in lights])


def value(name: str, frames: np.ndarray, **beside) -> float:
    measured = measure([name], frames, Beside(**beside))[name]
    assert measured.value is not None, measured.skipped
    return measured.value


@pytest.fixture(scope="module")
def beside() -> Beside:
    clip = painted()
    return Beside(
        words="a red ball rolls over the meadow",
        embedder=open_embedder("storyworld-clip"),
        reference=clip[::-1].copy(),
        cast={"ball": [clip[0]]},
        before=painted(seed=2),
        motion="moves right",
        faces=lambda picture: picture.reshape(-1, 3)[:1].astype(np.float32) + 1,
    )


@pytest.mark.parametrize("name", METRICS)
def test_is_in_its_range_and_says_the_same_twice(name: str, beside: Beside, noise):
    one, least, greatest = metric(name), *metric(name).range
    for frames in (painted(), noise(3, 8, 64, 112), np.zeros((8, 64, 112, 3), np.uint8)):
        found = measure([name], frames, beside)[name]
        assert found == measure([name], frames, beside)[name]
        if found.value is not None:
            assert least - 1e-6 <= found.value <= greatest + 1e-6
            assert math.isfinite(found.value)
        else:
            assert found.skipped.startswith(("needs ", "no pixel"))
    assert one.name == name
    assert least < greatest


@pytest.mark.parametrize("name", METRICS)
def test_one_frame_gives_a_number_or_a_reason(name: str, beside: Beside):
    one = beside._replace(reference=painted(frames=1))
    found = measure([name], painted(frames=1), one)[name]
    assert (found.value is None) == bool(found.skipped)
    assert found.value is None or math.isfinite(found.value)


@pytest.mark.parametrize(("name", "need"), [(name, need) for name in METRICS for need in metric(name).needs])
def test_skips_aloud_what_it_was_not_given(name: str, need: Need, beside: Beside):
    given: dict[str, object] = {"words": "", "motion": "", "cast": {}}
    field = "embedder" if need == "reader" else need
    found = measure([name], painted(), beside._replace(**{field: given.get(need)}))[name]
    assert found.value is None
    assert found.skipped == f"needs {need}"


def test_an_embedder_that_cannot_read_is_no_reader(beside: Beside):
    found = measure(["text alignment"], painted(), beside._replace(embedder=open_embedder("pixels")))
    assert found["text alignment"].skipped == "needs reader"


def test_unknown_names_and_wrong_frames_are_refused(noise):
    with pytest.raises(UnknownName, match="unknown metric 'beauty'; available: black share, "):
        measure(["beauty"], painted())
    with pytest.raises(ValueError, match=r"float64 \[2, 4, 4, 3\] is no uint8 RGB"):
        measure(["flicker"], np.zeros((2, 4, 4, 3)))


def test_metrics_of_one_call_share_flow_and_vectors_and_calls_do_not(beside: Beside):
    class Counting:
        name, size, seen = "counting", 4, 0

        def embed(self, frames: np.ndarray) -> np.ndarray:
            self.seen += len(frames)
            return np.full((len(frames), 4), 0.5, np.float32)

    embedder = Counting()
    assert isinstance(embedder, Embedder)
    names = ["embedding coherence", "background consistency"]
    measure(names, painted(), beside._replace(embedder=embedder))
    assert embedder.seen == 8
    measure(names, painted(), beside._replace(embedder=embedder))
    assert embedder.seen == 16


# ------------------------------------------------------------------------------ independent references


def test_ssim_and_psnr_are_those_of_scikit_image(noise):
    one = painted()
    other = (one * 0.8 + noise(4, 8, 64, 112) * 0.2).astype(np.uint8)
    ssim = [
        skimage.metrics.structural_similarity(
            a, b, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(one, other, strict=True)
    ]
    psnr = [skimage.metrics.peak_signal_noise_ratio(b, a, data_range=255) for a, b in zip(one, other, strict=True)]
    assert value("ssim", one, reference=other) == pytest.approx(np.mean(ssim), abs=2e-4)
    assert value("psnr", one, reference=other) == pytest.approx(np.mean(psnr), abs=1e-4)
    assert value("psnr", one, reference=one) == 100.0


def test_ms_ssim_is_that_of_torchmetrics_on_whole_tensors(noise):
    one, other = noise(5, 2, 176, 180), noise(6, 2, 176, 180)
    other[:, 40:] = one[:, 40:]
    tensors = [torch.from_numpy(each).permute(0, 3, 1, 2).float() for each in (one, other)]
    expected = float(multiscale_structural_similarity_index_measure(tensors[0], tensors[1], data_range=255.0))
    assert value("ms-ssim", one, reference=other) == pytest.approx(expected, abs=1e-5)
    assert 0 < expected < 1
    small = measure(["ms-ssim"], one[:, 1:], Beside(reference=other[:, 1:]))["ms-ssim"]
    assert small.skipped == "needs 176 pixels a side"


def test_a_reference_of_another_length_is_told():
    found = measure(["psnr"], painted(), Beside(reference=painted(frames=6)))["psnr"]
    assert found.skipped == "needs a reference of 8 frames 112x64, not 6 frames 112x64"


def test_consistency_is_vbench_worked_out_by_hand():
    vectors = np.array([[1, 0], [0.6, 0.8], [-0.8, 0.6]])
    # frame 1: (0.6 + 0.6) / 2; frame 2: first -0.8 counts as 0, before is 0
    assert consistency(vectors) == pytest.approx((0.6 + 0.0) / 2)


# ---------------------------------------------------------------------------------- clips made by hand


def test_flicker_is_the_formula_of_vbench():
    assert value("flicker", plain(100, 110, 100)) == pytest.approx((255 - 10) / 255)
    assert value("flicker", plain(7, 7)) == 1


def test_shares_of_defects_count_frames():
    clip = painted()
    clip[2:4] = 0
    assert value("black share", clip) == pytest.approx(2 / 8)
    still = np.repeat(painted()[:1], 8, 0)
    assert value("frozen share", still) == 1
    assert value("frozen share", painted()) == 0
    cut = np.concatenate([painted()[:4], painted(setting="space", time="night", color="blue")[4:]])
    assert value("jump share", cut) == pytest.approx(1 / 8)


def test_statistics_of_light_and_colour():
    half = np.zeros((2, 40, 60, 3), np.uint8)
    half[:, :, 30:] = 255
    assert value("contrast", half) == pytest.approx(0.5, abs=1e-3)
    assert value("contrast", plain(90)) == 0
    assert value("exposure", plain(127)) == pytest.approx(1, abs=1e-3)
    assert value("exposure", plain(0)) == pytest.approx(math.exp(-0.25 / 0.08), abs=1e-3)
    assert value("colorfulness", plain(90)) == 0
    red = np.zeros((1, 40, 60, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    assert value("colorfulness", red) == pytest.approx(0.3 * math.hypot(255, 127.5), rel=1e-6)
    assert value("sharpness", plain(90)) == 0
    assert value("sharpness", half) > 100


def panning(step: int, frames: int = 6) -> np.ndarray:
    """A window moving over a picture of blobs: all change is motion, `step` pixels a frame."""
    import cv2

    wide = np.random.default_rng(8).integers(0, 256, (96, 128 + step * frames, 3), dtype=np.uint8)
    wide = cv2.normalize(cv2.GaussianBlur(wide, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)  # pyright: ignore
    return np.stack([wide[:, step * frame : step * frame + 128] for frame in range(frames)])


def test_flow_finds_a_known_shift_and_what_comes_into_view():
    flow = flow_of(panning(3), Beside())
    inner = flow.forth[:, 20:-20, 20:-20]
    assert np.median(inner[..., 0]) == pytest.approx(-3, abs=0.2)
    assert np.median(inner[..., 1]) == pytest.approx(0, abs=0.2)
    assert flow.visible[:, 10:-10, 10:-10].mean() > 0.95
    assert flow.visible[..., -2:].mean() < 0.5  # what the window reaches anew was not seen before


def test_motion_alone_is_no_warping_error():
    moving, torn = panning(3), panning(3)
    torn[1::2] = torn[1::2, ::-1]
    assert value("warping error", moving) < 2e-4
    assert value("warped coherence", moving) > 0.9
    assert value("motion smoothness", moving) > 0.985
    assert value("warped coherence", torn) < 0.5
    assert value("motion smoothness", torn) < 0.9


def test_dynamic_degree_tells_moving_from_still():
    assert value("dynamic degree", panning(6)) == 1
    assert value("dynamic degree", np.repeat(panning(3)[:1], 6, 0)) == 0
    assert value("dynamic degree", panning(1)) == 0


def test_palette_and_style_distances_are_shifts_in_cielab():
    assert value("palette distance", plain(0), reference=plain(255)) == pytest.approx(100, abs=1)
    assert value("palette change", plain(90), before=plain(90)) == 0
    assert value("style change", painted(), before=painted()) == 0
    near = value("style change", painted(), before=painted(seed=2))
    assert near < value("style change", painted(), before=painted(look="noir", time="night"))


def test_cuts_are_smooth_where_the_place_stays(beside: Beside):
    stays = value("cut smoothness", painted(), before=painted(seed=2), embedder=beside.embedder)
    leaves = value("cut smoothness", painted(), before=painted(setting="space"), embedder=beside.embedder)
    assert stays > leaves + 0.05


def test_motion_agreement_knows_what_moves_where():
    for motion, asked, expected in (
        ("moves right", "moves right", 1),
        ("moves right", "moves left", 0),
        ("stays", "moves right", 0),
        ("moves left", "moves left", 1),
    ):
        assert value("motion agreement", painted(motion, frames=12), motion=asked) == expected, (motion, asked)


def test_identity_knows_the_cast_and_whoever_is_not(beside: Beside):
    cast = {"ball": [painted(seed=5)[0]]}
    known = value("identity similarity", painted(), cast=cast, embedder=beside.embedder)
    stranger = value("identity similarity", painted(color="blue"), cast=cast, embedder=beside.embedder)
    assert known > 0.9
    assert stranger < known - 0.3
    assert value("cast palette distance", painted(), cast=cast) < 10
    assert value("cast palette distance", painted(color="blue"), cast=cast) > 40


def test_attributes_are_held_against_every_other():
    sets = contrasts("a red ball in the sea")
    assert [texts[0] for texts in sets] == ["a red ball in the sea"] * 3
    assert "a blue ball in the sea" in sets[0]
    assert "a red cat in the sea" in sets[1]
    assert "a red ball in the forest" in sets[2]
    assert contrasts("somebody sings") == []


def test_words_that_fit_are_told_from_words_that_do_not(beside: Beside):
    clip = painted()
    for name in ("text alignment", "attribute fidelity"):
        fits = value(name, clip, words="a red ball in the meadow", embedder=beside.embedder)
        assert fits > value(name, clip, words="a green ball in the meadow", embedder=beside.embedder) + 0.05


def test_faces_are_compared_by_the_callers_recogniser():
    def faces(picture: np.ndarray) -> np.ndarray:
        corner = picture[0, 0].astype(np.float32)
        return corner[None] if corner.any() else np.zeros((0, 3), np.float32)

    red, blue, dark = (np.full((2, 8, 8, 3), color, np.uint8) for color in ((200, 0, 0), (0, 0, 200), (0, 0, 0)))
    assert value("face identity", red, faces=faces, cast={"ann": [red[0], blue[0]]}) == pytest.approx(1)
    assert value("face identity", red, faces=faces, cast={"ann": [blue[0]]}) == pytest.approx(0)
    found = measure(["face identity"], dark, Beside(faces=faces, cast={"ann": [red[0]]}))["face identity"]
    assert found.skipped == "needs a face in the clip"
