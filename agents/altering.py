"""What is to be different, read out of a piece: look, length, camera, cast, place, time and mood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kinograph.agents import attending, edits, staging
from kinograph.agents.english import changes, orders
from kinograph.agents.english.camera import cameras, masked
from kinograph.agents.english.whereabouts import setting_of, time_of
from kinograph.agents.english.wishes import aspects, looks, story
from kinograph.agents.piece import Piece
from kinograph.film import Camera


def properties(piece: Piece) -> Iterator[edits.Edit]:
    """What should be otherwise than it is, of the shots that the piece is about or of the whole film."""
    rest, shots = piece.tagged.rest, piece.shots
    film = re.search(r"\b(?:film|movie|video|in total|altogether|overall)\b", piece.plain, re.I)
    for remark in aspects(rest)[:1]:
        yield edits.Whole(aspect=remark.value)  # type: ignore[arg-type]
    styles = looks(rest) or [r for r in looks(f"{rest} style") if re.search(r"\b(?:look|make|in|use|style)\b", rest)]
    if styles and shots:
        yield piece.unclear('a look belongs to the whole film; say for example "make the film noir"')
        return
    for remark in styles[:1]:
        yield edits.Whole(look=str(remark.value))
    rest = masked(rest, (*aspects(rest), *looks(rest)))
    if (span := orders.span(rest)) is not None:
        rest = orders.timeless(rest)
        if span.times is None and (film or (not shots and not piece.tagged.everything)):
            yield edits.Whole(seconds=_bounded(span.seconds), plus=span.plus)
        else:
            yield edits.Length(shots=shots, **span._asdict())
    yield from _filmed(piece, rest, shots)
    told = story(rest)
    if found := attending.halted(told, shots, piece.board) or attending.attendance(told, shots, piece.board):
        yield from _present(piece, found)
        return
    told = changes.affirmed(told)
    if changes.denies(told):
        if (moods := orders.moods(told)) is not None:
            yield from mooded(piece, moods, shots)
        return
    if exchange := changes.exchanged(told):
        yield _exchanged(piece, exchange)
        return
    onward = _onward(piece, shots) if re.search(r"\b(?:turns|becomes)\b", told, re.I) else shots
    change = _present(piece, staging.cast_edits(told, onward, piece.board))
    yield from change
    told = staging.without_cast(told, piece.board) if change else told
    time = time_of(told)
    setting = _setting(piece, told)
    if time or setting:
        yield edits.Change(shots=shots, time=time, setting=setting)
    if not change and (moods := orders.moods(told)) is not None and not time:
        yield from mooded(piece, moods, shots)


def _onward(piece: Piece, shots: tuple[str, ...]) -> tuple[str, ...]:
    """From one shot on: what the ball turns to in shot 2 it is in shot 3."""
    order = [shot.id for shot in piece.board.shots]
    return tuple(order[order.index(shots[0]) :]) if len(shots) == 1 else shots


def _present(piece: Piece, found: Sequence[edits.Edit]) -> list[edits.Edit]:
    """The edits, each of somebody who is there: in shots that were not named for it, or nowhere, is said."""
    said: list[edits.Edit] = []
    for edit in found:
        away = attending.away(edit, piece.board)
        if away and not piece.tagged.ids:
            said.append(edit.changed(shots=()))
        else:
            said.append(piece.unclear(away) if away else edit)
    return said


def _exchanged(piece: Piece, exchange: changes.Exchange) -> edits.Edit:
    """Where one place or time is, another comes, in the shots named or in all."""
    among = [shot for shot in piece.board.shots if not piece.shots or shot.id in piece.shots]
    ids = tuple(shot.id for shot in among if getattr(shot, exchange.field) == exchange.old)
    if not ids:
        return piece.unclear(f"no shot {'of these ' if piece.shots else ''}has {exchange.field} {exchange.old}")
    return edits.Change.model_validate({"shots": ids, exchange.field: exchange.new})


def _setting(piece: Piece, told: str) -> str | None:
    found = setting_of(told)
    if not found and (bare := re.fullmatch(r"(?:make (?:it )?|to |use )?(?:the |an? )?([a-z]+)", told.strip(), re.I)):
        found = setting_of(f"in the {bare[1]}") if setting_of(bare[1]) else ""
    return found or None


def _filmed(piece: Piece, rest: str, shots: Sequence[str]) -> Iterator[edits.Edit]:
    asked = [remark.value for remark in cameras(rest) if remark.value is not None]
    if not asked and re.fullmatch(r"(?:go |get |a bit |move |come )*closer(?: in)?", rest.strip(), re.I):
        asked = ["zoom in"]
    if asked:
        moving: list[Camera] = [one for one in asked if one != "static"]  # type: ignore[misc]
        yield edits.Change(shots=tuple(shots), camera=moving[0] if moving else "static")


def mooded(piece: Piece, moods: orders.Moods, shots: Sequence[str]) -> list[edits.Edit]:
    """One change for all shots that come to the same mood."""
    wanted: dict[str, list[str]] = {}
    for shot in piece.board.shots:
        if not shots or shot.id in shots:
            wanted.setdefault(moods.of(shot.mood), []).append(shot.id)
    return [edits.Change(shots=tuple(ids), mood=mood) for mood, ids in wanted.items()]


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.5), 600.0)
