"""The memory agent: the only writer of the keyframe memory, and it writes only accepted takes."""

from __future__ import annotations

import numpy as np

from kinograph.film import Shot, Storyboard, Take
from kinograph.memory.keyframes import Keyframe, Keyframes, Role
from kinograph.memory.vault import Vault
from kinograph.tools.eyes import Sighting, look, wanted
from kinograph.tools.footage import load, png


class Memory:
    """Keeps how everything looked, and tells a shot what it must look like."""

    def __init__(self, keyframes: Keyframes, vault: Vault) -> None:
        self._keyframes = keyframes
        self._vault = vault

    def recall(self, shot: Shot, storyboard: Storyboard) -> tuple[Keyframe, ...]:
        """The keyframes of the shot's cast, place and predecessor.

        Only shots that this one needs are asked, so the answer does not depend on what else happens to
        be finished.
        """
        shots = tuple(self._ancestors(shot, storyboard))
        found = [k for appearance in shot.cast for k in self._keyframes.recall("identity", appearance.who, shots)[:2]]
        same_scene = tuple(id for id in shots if storyboard.shot(id).scene == shot.scene)
        found += self._keyframes.recall("setting", shot.setting, same_scene)[:1]
        for needed in shot.needs:
            if storyboard.shot(needed).scene == shot.scene:
                found += self._keyframes.recall("last", needed, (needed,))[:1]
        return tuple(dict.fromkeys(found))

    @staticmethod
    def _ancestors(shot: Shot, storyboard: Storyboard) -> list[str]:
        found, waiting = [], list(shot.needs)
        while waiting:
            id = waiting.pop(0)
            if id not in found:
                found.append(id)
                waiting += storyboard.shot(id).needs
        return sorted(found, key=[one.id for one in storyboard.shots].index)

    def remember(self, shot: Shot, storyboard: Storyboard, take: Take) -> tuple[Keyframe, ...]:
        """Keeps the keyframes of an accepted take; a take that was not accepted leaves nothing."""
        if not take.accepted or take.clip is None:
            return ()
        frames = load(take.clip)
        self._keyframes.forget_shot(shot.id)
        middle, last = len(frames) // 2, len(frames) - 1
        kept = [
            self._keep(shot.id, "setting", shot.setting, frames[middle], middle),
            self._keep(shot.id, "look", storyboard.look.name, frames[middle], middle),
            self._keep(shot.id, "last", shot.id, frames[last], last),
        ]
        sightings = look(frames, [wanted(storyboard.character(a.who)) for a in shot.cast])
        for appearance, sighting in zip(shot.cast, sightings, strict=True):
            if (best := clearest(sighting)) is not None:
                kept.append(self._keep(shot.id, "identity", appearance.who, sighting.crop(frames, best), best))
        return tuple(kept)

    def _keep(self, shot: str, role: Role, about: str, picture: np.ndarray, frame: int) -> Keyframe:
        digest = self._vault.keep_picture(png(picture))
        keyframe = Keyframe(
            production=self._keyframes.production,
            shot=shot,
            role=role,
            about=about,
            picture=digest,
            frame=frame,
        )
        self._keyframes.remember(keyframe, picture)
        return keyframe


def clearest(sighting: Sighting) -> int | None:
    """The frame that shows a subject best: whole and large. None when it was never seen."""
    if not sighting.seen.any():
        return None
    return int(np.argmax(np.where(sighting.seen & ~sighting.cropped, sighting.area, sighting.area * 0.25)))
