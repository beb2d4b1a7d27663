"""Nouns: frozen, strict, and named by digests that are the same everywhere."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kinograph.film import Blend, Brief, Conditioning, RenderRequest, canonical_json

requests = st.builds(
    RenderRequest,
    model=st.text(max_size=20),
    revision=st.text(max_size=5),
    prompt=st.text(max_size=60),
    negative=st.text(max_size=20),
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 240),
    fps=st.integers(1, 60),
    width=st.integers(16, 512),
    height=st.integers(16, 512),
    steps=st.integers(0, 50),
    guidance=st.floats(0, 20),
)


@given(requests)
def test_a_digest_survives_json_and_field_order(request: RenderRequest):
    shuffled = dict(reversed(json.loads(request.model_dump_json()).items()))
    assert RenderRequest.model_validate(shuffled).digest == request.digest


@given(requests, requests)
def test_digests_are_equal_only_for_equal_requests(one: RenderRequest, other: RenderRequest):
    same = canonical_json(one.model_dump(mode="json")) == canonical_json(other.model_dump(mode="json"))
    assert (one.digest == other.digest) == same


def test_a_digest_never_changes():
    request = RenderRequest(
        model="m",
        revision="1",
        prompt="ein roter Ball, кот, 猫",
        seed=3,
        frames=9,
        fps=8,
        width=64,
        height=48,
        guidance=7.5,
    )
    assert request.digest == "2bd4a266091f1b810c03dadd678bcfc100b8116f"


def test_a_digest_is_the_same_in_another_process(request_of):
    request = request_of(prompt="a ré\u0301d ball", guidance=0.1 + 0.2)
    code = "import sys; from kinograph.film import RenderRequest as R; print(R.model_validate_json(sys.argv[1]).digest)"
    other = subprocess.run(
        [sys.executable, "-c", code, request.model_dump_json()],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77"},
    )
    assert other.stdout.strip() == request.digest


def test_every_field_counts(request_of):
    plain = request_of()
    others = {
        "model": "x",
        "revision": "2",
        "prompt": "b",
        "negative": "n",
        "seed": 8,
        "frames": 13,
        "fps": 9,
    }
    others |= {"width": 80, "height": 64, "steps": 5, "guidance": 1.5}
    assert len({plain.digest, *(plain.changed(**{field: value}).digest for field, value in others.items())}) == 12


def test_pictures_say_where_they_are_and_older_ones_keep_the_digests_of_their_requests(request_of):
    plain = Conditioning(keyframe="a")
    assert plain.model_dump() == {"keyframe": "a", "role": "first", "strength": 1.0}
    given = (plain, plain.changed(mask="m"), Conditioning(keyframe="a", role="between", frame=3))
    digests = {request_of(conditioning=(one,)).digest for one in (*given, given[2].changed(frame=4))}
    assert len(digests) == 4
    assert "blend" not in request_of().model_dump()
    leaning = request_of(blend=Blend(prompt="a", seed=1, weight=0.5))
    assert (
        len({request_of().digest, leaning.digest, request_of(blend=Blend(prompt="a", seed=2, weight=0.5)).digest}) == 3
    )
    assert RenderRequest.model_validate_json(leaning.model_dump_json()) == leaning
    again = RenderRequest.model_validate_json(request_of(conditioning=given).model_dump_json())
    assert again.conditioning == given
    for wrong in ({"role": "between"}, {"frame": 3}, {"role": "reference", "mask": "m"}):
        with pytest.raises(ValidationError):
            Conditioning.model_validate({"keyframe": "a"} | wrong)
    with pytest.raises(ValidationError, match="frame 9 of a keyframe is not within 9 frames: 0 to 8"):
        request_of(frames=9, conditioning=(Conditioning(keyframe="a", role="between", frame=9),))


def test_nouns_are_frozen_and_strict():
    brief = Brief(text="a ball")
    with pytest.raises(ValidationError):
        brief.text = "another"
    with pytest.raises(ValidationError, match="extra"):
        Brief.model_validate({"text": "a ball", "colour": "red"})
    with pytest.raises(ValidationError):
        brief.changed(takes=0)
    assert brief.changed(takes=2).takes == 2
    assert brief.takes == 3
