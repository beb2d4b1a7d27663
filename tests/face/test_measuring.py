"""kinograph measure as a user types it, and the files that it reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kinograph.errors import BadInput
from kinograph.tools import videos
from kinograph.tools.footage import png
from kinograph.tools.storyworld import World, paint
from kinograph.tools.videos import read_video


def write(path: str, frames: np.ndarray, kind: str = "mp4") -> str:
    import av

    with av.open(path, "w", format=kind) as file:
        stream = file.add_stream("libx264", rate=12, options={"crf": "5"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return path


@pytest.fixture
def clip() -> str:
    world = World.model_validate({"subjects": [{"kind": "ball", "color": "red", "motion": "moves right"}]})
    return write("clip.mp4", paint(world, frames=8, width=96, height=64, fps=12, seed=1).frames)


def test_measures_clips_into_a_table_and_says_what_is_missing(kinograph, clip: str):
    status, out, err = kinograph("measure", clip, "--metrics", "flicker, ssim,psnr", "--reference", clip)
    assert (status, err) == (0, "")
    rows = {line.split("│")[2].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert "100.0000" in rows["psnr"]
    assert "VBench's temporal flickering" in rows["flicker"]
    status, out, _ = kinograph("measure", clip, "--metrics", "ssim", "--embedder", "pixels")
    assert status == 0
    assert "skipped: needs reference" in out


def test_json_has_a_number_or_a_reason_for_every_metric(kinograph, clip: str):
    Path("ball.png").write_bytes(png(read_video(Path(clip)).frames[0]))
    status, out, _ = kinograph(
        "measure", clip, "ball.png", "--json", "--motion", "moves right", "--cast", "ball=ball.png"
    )
    assert status == 0
    video, picture = json.loads(out)
    assert (video["clip"], picture["clip"]) == (clip, "ball.png")
    assert video["metrics"]["motion agreement"] == {"value": 1.0}
    assert video["metrics"]["text alignment"] == {"value": None, "skipped": "needs words and reader"}
    assert video["metrics"]["identity similarity"]["value"] > 0.8
    assert picture["metrics"]["flicker"] == {"value": None, "skipped": "needs two frames"}


def test_the_registry_is_shown(kinograph):
    status, out, _ = kinograph("measure", "--list")
    assert status == 0
    assert "gated consistency" in out
    listed = {one["name"]: one for one in json.loads(kinograph("measure", "--list", "--json")[1])}
    assert listed["warping error"]["better"] == "lower"
    assert listed["sharpness"]["greatest"] is None
    assert listed["lpips"]["needs"] == ["reference"]


def test_what_cannot_be_is_one_line_and_status_2(kinograph, clip: str):
    Path("text.mp4").write_text("no video")
    Path("clip.gif").write_text("GIF89a")
    for arguments, words in (
        ((), "needs a clip"),
        ((clip, "--metrics", "beauty"), "unknown metric 'beauty'; available: black share"),
        (("none.mp4",), "clip 'none.mp4' cannot be read: No such file"),
        (("text.mp4",), "clip 'text.mp4' cannot be read"),
        (("clip.gif",), "clip 'clip.gif' is none of .mp4"),
        ((clip, "--motion", "dances"), "motion 'dances' is none of: "),
        ((clip, "--cast", "ball"), "cast 'ball' is not NAME=PICTURE"),
        ((clip, "--embedder", "clip"), "needs a folder with its weights: clip:/folder"),
        ((clip, "--faces", "nowhere:faces"), "faces 'nowhere:faces' is no module:callable"),
    ):
        status, out, err = kinograph("measure", *arguments)
        assert (status, out) == (2, ""), arguments
        assert words in err
        assert err.count("\n") == 1


def test_videos_are_read_whole_and_bounded(monkeypatch: pytest.MonkeyPatch, noise):
    frames = np.repeat(np.arange(6, dtype=np.uint8)[:, None, None, None] * 40, 48, 1).repeat(64, 2).repeat(3, 3)
    for name, kind in (("a.mp4", "mp4"), ("a.mkv", "matroska")):
        video = read_video(Path(write(name, frames, kind)))
        assert video.fps == 12
        assert video.frames.shape == frames.shape
        assert np.abs(video.frames.astype(int) - frames).max() < 4
    monkeypatch.setattr(videos, "MAX_FRAMES", 5)
    with pytest.raises(BadInput, match="is too big: more than 5 frames"):
        read_video(Path("a.mp4"))
