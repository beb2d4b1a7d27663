"""The validator against known truth: what it must find, what it must leave alone, what it must not approve."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kinograph.agents.validator import Validator
from kinograph.agents.verdicts import Viewing, corrections
from kinograph.film import Appearance, Character, Clip, Finding, Look, RenderRequest, Shot
from kinograph.memory.embedders import JointEmbedder, open_embedder
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.tools.footage import develop, load_picture, png
from kinograph.tools.storyworld.faults import FAULT_KINDS, OF_A_SUBJECT, SEVERITIES, Fault, FaultKind, draw_fault
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import Subject, World, sample

FRAMES, WIDTH, HEIGHT, FPS = 24, 256, 144, 12
CLIPS = 60
NAMES = {"dropped": "subject missing"}


def viewing_of(world: World, clip: Clip | None = None, recalled: tuple[Keyframe, ...] = ()) -> Viewing:
    """What the validator is asked about a clip that should show `world`."""
    cast = tuple(
        Character(id=f"c{n}", kind=one.kind, color=one.color, words=f"a {one.color} {one.kind}")
        for n, one in enumerate(world.subjects)
    )
    shot = Shot(
        id="s1.1",
        scene="s1",
        text="",
        cast=tuple(Appearance(who=f"c{n}", motion=one.motion) for n, one in enumerate(world.subjects)),
        setting=world.setting,
        time=world.time,
        camera=world.camera,
    )
    request = RenderRequest(
        model="storyworld-render",
        revision="1",
        prompt="",
        seed=0,
        frames=FRAMES,
        fps=FPS,
        width=WIDTH,
        height=HEIGHT,
    )
    plain = Clip(
        request="", path="", frames=FRAMES, fps=FPS, width=WIDTH, height=HEIGHT, pixels="", model="m", revision="1",
        render_seconds=0,
    )  # fmt: skip
    return Viewing(
        shot=shot,
        cast=cast,
        look=Look(name=world.look),
        request=request,
        clip=clip or plain,
        recalled=recalled,
    )


def film(world: World, seed: int, *faults: Fault) -> np.ndarray:
    return paint(world, frames=FRAMES, width=WIDTH, height=HEIGHT, fps=FPS, seed=seed, faults=faults).frames


@pytest.fixture
def validator(tmp_path: Path) -> Validator:
    keyframes = Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", open_embedder("storyworld-clip"))
    return Validator(Vault(tmp_path / "vault"), keyframes)


def test_raises_at_most_five_false_alarms_in_a_hundred_clean_clips(validator: Validator):
    rng, alarms = np.random.default_rng(101), []
    for seed in range(CLIPS):
        world = sample(rng)
        verdict = validator.judge(viewing_of(world), film(world, seed))
        if not verdict.accepted:
            alarms.append((seed, [finding.words for finding in verdict.findings]))
    assert len(alarms) <= 0.05 * CLIPS, alarms


def test_finds_at_least_ninety_five_of_a_hundred_faults(validator: Validator):
    rng, missed, named, total = np.random.default_rng(202), [], Counter(), Counter()
    for seed in range(CLIPS):
        world = sample(rng)
        able: list[FaultKind] = [kind for kind in FAULT_KINDS if world.subjects or kind not in OF_A_SUBJECT]
        fault = draw_fault(able[seed % len(able)], world, FRAMES, rng)
        verdict = validator.judge(viewing_of(world), film(world, seed, fault))
        total[fault.kind] += 1
        named[fault.kind] += any(finding.kind == NAMES.get(fault.kind, fault.kind) for finding in verdict.findings)
        if verdict.accepted:
            missed.append((seed, str(fault)))
    assert len(missed) <= 0.05 * CLIPS, missed
    assert set(total) == set(FAULT_KINDS)
    for kind in FAULT_KINDS:
        assert named[kind] >= 0.8 * total[kind], f"{kind} is called by its name in {named[kind]} of {total[kind]}"


BALL = World(subjects=(Subject(kind="ball", color="red", motion="moves right"),), setting="meadow", time="sunset")


def test_the_embedder_names_what_is_shown_instead(validator: Validator):
    shown = BALL.changed(subjects=(BALL.subjects[0].changed(kind="heart"),))
    (wrong,) = [f for f in validator.judge(viewing_of(BALL), film(shown, 1)).findings if f.kind == "wrong subject"]
    assert wrong.words == "a red ball looks like a heart"
    assert validator.judge(viewing_of(BALL), film(BALL, 1)).accepted


def test_a_finding_says_what_who_and_where(validator: Validator):
    fault = Fault(kind="color drift", subject=0, first=0, last=FRAMES - 1, to="blue")
    (drift,) = [f for f in validator.judge(viewing_of(BALL), film(BALL, 1, fault)).findings if f.kind == "color drift"]
    assert drift.subject == "c0"
    assert "a red ball drifts from red to " in drift.words
    assert 0 < drift.first_frame < drift.last_frame == FRAMES - 1
    black = Fault(kind="black", first=5, last=8)
    (finding,) = validator.judge(viewing_of(BALL), film(BALL, 1, black)).findings
    assert (finding.kind, finding.first_frame, finding.last_frame, finding.severity) == ("black", 5, 8, 1.0)


def test_of_two_rejected_takes_the_one_in_doubt_is_the_better(validator: Validator):
    grown = Fault(kind="size drift", subject=0, last=FRAMES - 1, to="larger")
    slight, gross = (
        validator.judge(viewing_of(BALL), film(BALL, 1, fault)) for fault in (grown.changed(severity="medium"), grown)
    )
    assert not slight.accepted
    assert not gross.accepted
    assert slight.findings[0].severity == gross.findings[0].severity
    assert 0 < slight.findings[0].sure < gross.findings[0].sure <= 1
    assert slight.quality > gross.quality


@pytest.mark.parametrize(
    ("setting", "time"),
    [("sea", "sunset"), ("city", "sunset"), ("snow", "sunset"), ("meadow", "night"), ("space", "night")],
)
def test_the_wrong_place_or_time_is_rejected(validator: Validator, setting, time):
    verdict = validator.judge(viewing_of(BALL), film(BALL.changed(setting=setting, time=time), 3))
    assert [finding.kind for finding in verdict.findings] == ["wrong setting"]
    assert not verdict.accepted


def test_a_place_without_a_palette_is_left_unchecked_aloud(validator: Validator):
    viewing = viewing_of(BALL)
    viewing = viewing.changed(shot=viewing.shot.changed(setting="kitchen"))
    verdict = validator.judge(viewing, film(BALL, 3))
    assert verdict.accepted
    assert any("kitchen" in words for words in verdict.unchecked)


def test_what_cannot_be_read_is_not_approved(validator: Validator, tmp_path: Path):
    clip = develop(viewing_of(BALL).request, film(BALL, 1), tmp_path, 0.1)
    assert validator.rules(viewing_of(BALL, clip)).accepted
    Path(clip.path).write_bytes(Path(clip.path).read_bytes()[:2000])
    verdict = validator.rules(viewing_of(BALL, clip))
    assert not verdict.accepted
    assert [finding.kind for finding in verdict.findings] == ["unreadable"]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_empty_picture_is_not_approved(validator: Validator, value: int):
    blank = np.full((FRAMES, HEIGHT, WIDTH, 3), value, np.uint8)
    assert not validator.judge(viewing_of(BALL), blank).accepted
    assert not validator.judge(viewing_of(World()), blank).accepted


def test_noise_is_not_approved(validator: Validator, noise):
    assert not validator.judge(viewing_of(BALL), noise(1, FRAMES, HEIGHT, WIDTH)).accepted


def test_a_character_that_changed_since_an_earlier_shot_is_off_model(validator: Validator, tmp_path: Path):
    vault, blue = (
        Vault(tmp_path / "vault"),
        film(BALL.changed(subjects=(Subject(kind="ball", color="blue"),)), 1)[5],
    )
    red = film(BALL, 2)[5]
    viewing = viewing_of(BALL)
    viewing = viewing.changed(cast=(viewing.cast[0].changed(color=None),))
    for picture, accepted in ((red, True), (blue, False)):
        keyframe = Keyframe(
            production="p",
            shot="s0",
            role="identity",
            about="c0",
            picture=vault.keep_picture(png(picture)),
            frame=5,
        )
        verdict = validator.judge(viewing.changed(recalled=(keyframe,)), film(BALL, 3))
        assert verdict.accepted == accepted, verdict.findings


@pytest.mark.parametrize("kind", ["wrong color", "wrong subject", "wrong motion", "color drift", "subject missing"])
def test_a_finding_about_a_subject_puts_words_into_the_next_request(kind):
    finding = Finding(kind=kind, words="", shot="s1.1", subject="c0", severity=1)
    found = list(corrections(finding, viewing_of(BALL)))
    assert {"reseed", "emphasize"} <= {correction.action for correction in found}
    assert any("red ball" in correction.words for correction in found)


@pytest.mark.parametrize(
    ("kind", "first", "last"), [("black", 0, 3), ("corrupt", 16, 20), ("frozen", 0, 12), ("flicker", 2, 12)]
)
def test_a_take_with_some_bad_frames_is_cut_around_them(validator: Validator, tmp_path: Path, kind, first, last):
    frames = film(BALL, 1, Fault(kind=kind, first=first, last=last))
    viewing = viewing_of(BALL, develop(viewing_of(BALL).request, frames, tmp_path, 0.1))
    part = validator.salvage(viewing, validator.rules(viewing))
    assert part is not None
    assert part[1] - part[0] + 1 >= 0.3 * FRAMES
    assert part[1] < first or part[0] > last


def test_a_take_that_is_wrong_throughout_cannot_be_cut(validator: Validator, tmp_path: Path):
    frames = film(BALL, 1, Fault(kind="wrong color", subject=0, first=0, last=FRAMES - 1, to="blue"))
    viewing = viewing_of(BALL, develop(viewing_of(BALL).request, frames, tmp_path, 0.1))
    assert validator.salvage(viewing, validator.rules(viewing)) is None


class Counting:
    """An embedder that counts the pictures it is shown."""

    def __init__(self) -> None:
        self._real = open_embedder("storyworld-clip")
        self.name, self.size, self.shown = self._real.name, self._real.size, 0

    def embed(self, frames: np.ndarray) -> np.ndarray:
        self.shown += len(frames)
        return self._real.embed(frames)

    def embed_words(self, texts):
        assert isinstance(self._real, JointEmbedder)
        return self._real.embed_words(texts)


def test_no_later_stage_looks_at_a_take_that_is_surely_useless(tmp_path: Path):
    counting = Counting()
    keyframes = Keyframes(tmp_path / "k.sqlite", tmp_path / "index", "p", counting)
    validator = Validator(Vault(tmp_path / "vault"), keyframes)
    turned = BALL.changed(subjects=(BALL.subjects[0].changed(color="green", kind="heart"),))
    verdict = validator.judge(viewing_of(BALL), film(turned, 1))
    assert "wrong color" in {finding.kind for finding in verdict.findings}
    assert any("useless anyway" in words for words in verdict.unchecked)
    assert counting.shown == 0
    heart = BALL.changed(subjects=(BALL.subjects[0].changed(kind="star"),))
    assert not validator.judge(viewing_of(BALL.changed(look="neon")), film(heart.changed(look="neon"), 1)).accepted
    scores = {score.metric: score.value for score in validator.judge(viewing_of(BALL), film(BALL, 1)).scores}
    assert scores["pictures embedded"] in (0, 6)
    broken = validator.judge(viewing_of(BALL), film(BALL, 1, Fault(kind="black", first=5, last=8)))
    assert not any(score.metric.startswith("seen:") for score in broken.scores)


def test_a_finding_shows_where_and_is_shown(validator: Validator, tmp_path: Path):
    fault = Fault(kind="color drift", subject=0, first=0, last=FRAMES - 1, to="blue")
    frames = film(BALL, 1, fault)
    once, again = (validator.judge(viewing_of(BALL), frames) for _ in range(2))
    assert once == again
    (drift,) = [one for one in once.findings if one.kind == "color drift"]
    assert drift.region is not None
    left, top, right, bottom = drift.region
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1
    (digest,) = drift.evidence
    assert load_picture(Vault(tmp_path / "vault").picture(digest)).shape[0] == 96


@pytest.mark.parametrize("kind", ["color drift", "size drift", "wrong color", "flicker", "wrong setting"])
def test_a_worse_fault_measures_more(validator: Validator, kind):
    seed = {"wrong setting": 11}.get(kind, 5)
    faults = [draw_fault(kind, BALL, FRAMES, np.random.default_rng(seed), severity) for severity in SEVERITIES]
    values = [validator.measure(viewing_of(BALL), film(BALL, 1, fault))[kind] for fault in faults]
    clean = validator.measure(viewing_of(BALL), film(BALL, 1))[kind]
    assert clean <= values[0] <= values[1] < values[2]
    assert clean < values[1]
