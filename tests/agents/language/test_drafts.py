"""Schemas that bound everything, and hostile text read as data."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from kinograph.agents.director import DirectionDraft
from kinograph.agents.language.drafts import MAX_DRAFT, clean, read, schema_of
from kinograph.agents.language.replies import Nonsense
from kinograph.agents.orchestrator import DecisionDraft
from kinograph.agents.outline import Outline
from kinograph.agents.outline_drafts import OutlineDraft
from kinograph.agents.panel import RubricsDraft
from kinograph.film import Noun, Storyboard

DRAFTS = (OutlineDraft, DirectionDraft, DecisionDraft, RubricsDraft, Outline, Storyboard)


class Small(Noun):
    title: str
    n: int = 0


def parts(schema: Any) -> Any:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts(value)


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_schema_bounds_every_string_list_and_object(draft: type[Noun]):
    schema = schema_of(draft)
    jsonschema.Draft202012Validator.check_schema(schema)
    for part in parts(schema):
        if part.get("type") == "string":
            assert part.keys() & {"enum", "const", "maxLength", "pattern"}
        if part.get("type") == "array":
            assert part["maxItems"] <= 200
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert sorted(part["required"]) == sorted(part["properties"])


class Red(Noun):
    edit: Literal["red"]


class Blue(Noun):
    edit: Literal["blue"]
    much: int = 0


class Edits(Noun):
    edits: tuple[Annotated[Red | Blue, Field(discriminator="edit")], ...]


def test_a_choice_of_types_is_said_the_way_strict_servers_take_it():
    text = json.dumps(schema_of(Edits))
    assert '"anyOf"' in text
    assert "oneOf" not in text
    assert "discriminator" not in text


def test_schemas_are_lean():
    """A token per 4 characters."""
    assert all(len(json.dumps(schema_of(draft))) // 4 < 480 for draft in DRAFTS[:4])


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "x", "n": 1}',
        'Sure!\n```json\n{"title": "x", "n": 1}\n```\n',
        'I think {this} is it: {"title": "x", "n": 1} and {"title": "y"}',
        '\ufeff{"title": "x\\u0000", "n": 1}',
        '{"title": "\\u001b[31mx\\u202e", "n": 1}',
    ],
)
def test_the_first_object_is_read_out_of_whatever_is_around_it(text: str):
    assert read(text, Small) == (Small(title="x", n=1), [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no complete JSON object"),
        ("no", "no complete JSON object"),
        ('{"title": "x"', "no complete JSON object"),
        ("[" * 100_000, "characters"),
        ('{"title": ' + "[" * 9000 + "]" * 9000 + "}", "nested too deeply"),
        ('{"title": NaN}', "no complete JSON object"),
        ('{"title": "' + "a" * 3000 + '"}', "3000 characters"),
        ('{"title": [' + "1," * 300 + "1]}", "301 items"),
        ("{" * MAX_DRAFT, "no complete JSON object"),
    ],
)
def test_what_holds_no_object_is_nonsense(text: str, words: str):
    with pytest.raises(Nonsense, match=words):
        read(text, Small)


def test_a_wrong_type_is_told_by_place_and_value():
    draft, complaints = read('{"title": 7, "n": "many", "more": 1}', Small)
    assert draft is None
    assert [complaint.split(":")[0] for complaint in complaints] == ["title", "n", "more"]
    assert "not 'many'" in complaints[1]


@given(st.text())
def test_clean_text_can_be_printed_filed_and_cleaned_again(text: str):
    cleaned = clean(text) if len(text) <= 2000 else ""
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert "\x1b" not in cleaned
    assert "\n" not in cleaned
    assert not {"\u202e", "\u2066", "\x00"} & set(cleaned)


@given(st.text(alphabet=st.characters(codec=None, categories=["Cs", "Cc", "L"])))
def test_halves_of_characters_are_replaced(text: str):
    clean(text).encode()
