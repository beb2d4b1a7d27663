"""The style agent: one look for the whole film."""

from __future__ import annotations

from kinograph.agents.english.lexicon import lexicon
from kinograph.agents.english.wishes import looks
from kinograph.agents.mind import Part
from kinograph.agents.outline import Outline
from kinograph.film import Look


class Style:
    """Takes the look that was wished for, else one that the beats speak of, else flat."""

    role = "style"
    answer = Look

    def ask(self, question: Outline) -> Part[Look]:
        """A language model answers for scene, motion and style at once."""
        from kinograph.agents.director import Director

        return Part(Director(), lambda direction: direction.look)

    def rules(self, question: Outline) -> Look:
        asked = (question.wishes.look or "").strip()
        if not asked:
            asked = next((str(remark.value) for beat in question.beats for remark in looks(beat.text)), "flat")
        return styled(asked)


def styled(asked: str) -> Look:
    """The look that these words ask for."""
    name = _known(asked)
    return Look(name=name, words=lexicon().data["look_words"].get(name, asked))


def _known(asked: str) -> str:
    """The listed name of a look ("cyberpunk" is neon), or the words as they were asked for."""
    plain = asked.lower().removesuffix(" style").removesuffix(" look").strip()
    return next(
        (look for look, also in lexicon().data["looks"].items() if plain == look or plain in also),
        plain or "flat",
    )
