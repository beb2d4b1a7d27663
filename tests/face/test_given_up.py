"""What a user is told of what a film gives up: on the terminal, in JSON, by `show`, in the exit status."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from kinograph.cli import main
from kinograph.errors import GAVE_UP, KinographError, OrchestrationError
from kinograph.film import Film

SMALL = ["--size", "96x64", "--frames", "8", "--model", "cramped"]
BOTH = "A red ball rolls across the meadow. A blue bird flies over the sea."


def test_a_film_that_lacks_something_is_told_from_a_perfect_one(kinograph, cramped):
    assert kinograph("make", "A red ball rolls.", "--size", "64x48", "--frames", "8", "--model", "cramped")[0] == 0
    status, out, err = kinograph("make", BOTH, "--out", "film", *SMALL)
    assert status == GAVE_UP == 7
    assert Path(out.strip()) == Path("film/film.mp4").absolute(), "the film is there all the same"
    head, smaller, card = err.strip().splitlines()
    assert head.startswith("kinograph: the film is finished, but 2 things were given up; try again")
    assert "kinograph resume" in head
    assert smaller.startswith("kinograph: shot s1.1: smaller; rendered at 68x44 and enlarged to 96x64 (cramped failed")
    assert card.startswith("kinograph: shot s2.1: not rendered; a placeholder card stands in its place (cramped failed")
    assert "RuntimeError: CUDA out of memory" in card


def test_show_and_a_second_resume_say_it_again(kinograph, cramped):
    kinograph("make", BOTH, "--out", "film", *SMALL)
    shown = " ".join(kinograph("show", "film")[1].split())
    assert "2 things were given up" in shown
    assert "shot s2.1: not rendered" in shown
    given = json.loads(kinograph("show", "film", "--json")[1])["given_up"]
    assert [(one["shot"], one["kind"]) for one in given] == [("s1.1", "smaller"), ("s2.1", "placeholder")]
    assert kinograph("resume", "film")[0] == 7


def test_events_as_json_tell_each_thing_once(kinograph, cramped):
    status, out, err = kinograph("make", BOTH, "--json", *SMALL)
    assert (status, err) == (7, "")
    events = [json.loads(line) for line in out.splitlines()]
    told = [event["concession"] for event in events if event["event"] == "GivenUp"]
    assert sorted(told, key=lambda one: one["shot"]) == events[-1]["film"]["given_up"]
    assert Film.model_validate(events[-1]["film"]).placeholders == ("s2.1",)


def test_on_a_terminal_it_stands_once_at_the_end(cramped, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys, "argv", ["kinograph", "make", BOTH, *SMALL])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    assert end.value.code == 7
    assert out.count("given up") == 1
    assert "given up" not in err


def test_a_film_of_nothing_but_cards_is_none(kinograph, cramped):
    status, out, err = kinograph("make", "A blue bird flies over the sea.", *SMALL)
    assert (status, out) == (6, "")
    assert err == "kinograph: no shot could be rendered: cramped failed: RuntimeError: CUDA out of memory\n"


def test_another_model_only_where_the_user_lets_it(kinograph, cramped):
    plan = json.loads(kinograph("make", BOTH, *SMALL, "--dry-run", "--json")[1])
    assert plan["decision"]["fallback"] == []
    status, _, err = kinograph("make", BOTH, *SMALL, "--fallback", "storyworld-render", "--out", "film")
    assert status == 7
    assert "another model; rendered with storyworld-render instead of cramped" in err
    manifest = json.loads(Path("film/manifest.json").read_text())
    assert [one["state"] for one in manifest["outcomes"]] == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("fallback", "words"),
    [("nonsense", "unknown model 'nonsense'"), ("mochi", "fallback 'mochi' cannot render this here")],
)
def test_a_model_that_cannot_stand_in_is_refused(kinograph, cramped, fallback: str, words: str):
    status, _, err = kinograph("make", BOTH, *SMALL, "--fallback", fallback)
    assert status == 2
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_script_that_fails_is_one_line_with_its_cause(kinograph, monkeypatch: pytest.MonkeyPatch):
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("kinograph.agents.planner.Planner.rules", crash)
    status, _, err = kinograph("make", "A red ball rolls.", "--size", "96x64", "--frames", "8")
    assert status == OrchestrationError.exit_code == 8
    assert err == "kinograph: the script (planner) failed: ZeroDivisionError: a bug\n"


def test_a_conversation_has_the_same_status_and_films_a_placeholder_anew(kinograph, cramped):
    turns = f"{BOTH}\nyes\nmake shot 1 at night\n"
    size = ["--size", "96x64", "--frames", "8", "--model", "cramped"]
    status, out, err = kinograph("chat", *size, "--out", "talk", stdin=turns)
    assert status == 7, err
    assert "shot s2.1: not rendered" in out
    assert "2 of 2 shots to render" in out.split("given up")[-1], "the placeholder is no clip to take over"


def test_every_error_has_a_status_and_none_has_that_of_a_film_that_is_there():
    def below(kind: type[KinographError]) -> list[type[KinographError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    assert GAVE_UP not in {kind.exit_code for kind in below(KinographError)}
