"""What agents may call while they think."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from kinograph.errors import UnknownName
from kinograph.tools import toolbox
from kinograph.tools.backends import cards


def call(tools: list[Any], name: str, **arguments: Any) -> Any:
    tool = next(tool for tool in tools if tool.name == name)
    return tool.invoke({"name": name, "args": arguments, "id": "1", "type": "tool_call"})


def test_models_are_listed_and_looked_up():
    listed = json.loads(call(toolbox.of_models(), "list_models").content)
    assert [model["id"] for model in listed] == list(cards())
    card = json.loads(call(toolbox.of_models(), "look_up_card", model="storyworld-render").content)
    assert card["max_subjects"] == 2
    with pytest.raises(UnknownName, match="unknown model 'x'"):
        call(toolbox.of_models(), "look_up_card", model="x")


def test_cost_follows_the_cards_pace_size_and_workers():
    asked = {"model": "storyworld-render", "shots": 10, "frames": 36, "width": 384, "height": 216}
    assert call(toolbox.of_models(), "estimate_cost", **asked).content == "14 s"
    assert call(toolbox.of_models(), "estimate_cost", **asked, workers=2).content == "7 s"
    assert call(toolbox.of_models(), "estimate_cost", **asked | {"model": "svd"}).content == "unknown for this model"
    with pytest.raises(ValidationError):
        call(toolbox.of_models(), "estimate_cost", **asked | {"shots": 10**9})


def test_frames_and_keyframes_are_shown_as_pictures():
    frames = np.zeros((4, 54, 96, 3), np.uint8)
    frames[2] = 255
    remembered = [("identity of ball in s1.1", lambda: np.full((20, 20, 3), 90, np.uint8))]
    tools = toolbox.of_takes({"A": lambda: frames}, remembered)
    shown = call(tools, "inspect_frames", take="A", numbers=[1, 2])
    with Image.open(io.BytesIO(shown.artifact[0])) as picture:
        assert np.asarray(picture)[100, 100].max() < 10
        assert np.asarray(picture)[100, 616].min() > 245
    assert call(tools, "inspect_frames", take="B", numbers=[1]).content == "There is no take 'B'; there are: A."
    assert call(tools, "recall_keyframes", about="BALL").artifact
    assert call(tools, "recall_keyframes", about="fox").content == (
        "Nothing is remembered of 'fox'; remembered: identity of ball in s1.1."
    )
    with pytest.raises(ValidationError):
        call(tools, "inspect_frames", take="A", numbers=list(range(50)))
