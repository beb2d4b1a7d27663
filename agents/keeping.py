"""What an accepted take leaves in the memory: pictures of its cast, place and style, and which of them are kept."""

from __future__ import annotations

import numpy as np

from kinograph.agents import views
from kinograph.agents.color_names import color_of
from kinograph.agents.recalling import ancestors
from kinograph.film import Character, Shot, Storyboard, Take
from kinograph.memory.keyframe import Keyframe, Role
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.tools.eyes import Sighting, look, wanted
from kinograph.tools.footage import load, png


class Keeping:
    """Cuts keyframes out of takes and writes them; the memory agent's hand."""

    def __init__(self, keyframes: Keyframes, vault: Vault) -> None:
        self._keyframes = keyframes
        self._vault = vault

    def remember(self, shot: Shot, storyboard: Storyboard, take: Take) -> tuple[Keyframe, ...]:
        """Keeps the keyframes of an accepted take; a take that was not accepted leaves nothing."""
        if not take.accepted or take.clip is None:
            return ()
        frames = load(take.clip)
        middle, last = len(frames) // 2, len(frames) - 1
        seen = [
            self._seen(take, "setting", shot.setting, frames[middle], middle),
            self._seen(take, "look", storyboard.look.name, frames[middle], middle),
            self._seen(take, "last", shot.id, frames[last], last),
        ]
        sightings = look(frames, [wanted(storyboard.character(a.who)) for a in shot.cast])
        cast, before = [storyboard.character(one.who) for one in shot.cast], tuple(ancestors(shot, storyboard))
        for who, sighting in zip(cast, sightings, strict=True):
            seen += self._views(take, who, frames, sighting, before)
        kept = self._keyframes.replace(shot.id, seen)
        for who in cast:
            self._consolidate(who, storyboard)
        return kept

    def _views(
        self, take: Take, who: Character, frames: np.ndarray, sighting: Sighting, before: tuple[str, ...]
    ) -> list[tuple[Keyframe, np.ndarray]]:
        """Pictures of a character that show what those do not that the shot stands on: of shots beside it this must not
        depend. One in another colour is always new."""
        looked_at, color = views.candidates(sighting), color_of(sighting) if sighting.seen.any() else ""
        crops = [sighting.crop(frames, frame) for frame in looked_at]
        if not crops:
            return []
        known = [k for k in self._keyframes.recall("identity", who.identity, before) if k.shows(who)]
        vectors = np.stack([self._keyframes.embedder.embed(crop[None])[0] for crop in crops])
        alike = [k for k in known if not (color and k.seen) or k.seen == color]
        chosen = views.novel(vectors, self._keyframes.vectors(alike), novelty=self._keyframes.novelty)
        self._keyframes.learn(take.shot, who.id, vectors)
        worth = take.verdict.quality if take.verdict else 0.0
        made = []
        for view, at in enumerate(chosen):
            frame = looked_at[at]
            keyframe, picture = self._seen(take, "identity", who.identity, crops[at], frame, color)
            quality = round(worth * (views.CUT_OFF if sighting.cropped[frame] else 1.0), 4)
            made.append((keyframe.changed(state=who.state, view=view, quality=quality), picture))
        return made

    def _consolidate(self, who: Character, board: Storyboard) -> None:
        """Forgets pictures of a look of a character beyond so many: those that add least and that no shot will ask for
        any more. Where it was first seen is never forgotten."""
        order = tuple(shot.id for shot in board.shots)
        mine = [k for k in self._keyframes.recall("identity", who.identity, order) if k.shows(who)]
        if len(mine) <= views.CANONICAL:
            return
        settled = self._keyframes.shots()
        needed = {id for shot in board.shots if shot.id not in settled for id in ancestors(shot, board)}
        fixed = [at for at, one in enumerate(mine) if at == 0 or one.shot in needed]
        kept = views.canonical(self._keyframes.vectors(mine), [one.quality for one in mine], fixed)
        self._keyframes.drop([one for at, one in enumerate(mine) if at not in kept])

    def _seen(
        self, take: Take, role: Role, about: str, picture: np.ndarray, frame: int, color: str = ""
    ) -> tuple[Keyframe, np.ndarray]:
        """A keyframe of a take, its picture kept in the vault."""
        keyframe = Keyframe(
            production=self._keyframes.production,
            shot=take.shot,
            role=role,
            about=about,
            picture=self._vault.keep_picture(png(picture)),
            frame=frame,
            take=take.attempt,
            seen=color,
        )
        return keyframe, picture
