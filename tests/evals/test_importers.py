"""Published suites from a user's copy, on tiny files in their real layouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kinograph.errors import BadInput
from kinograph.evals.suites import IMPORTERS, open_suite

STORY = {
    "Story_type": {"en": "Children's Picture Books", "ch": "儿童绘本"},
    "Shots": [
        {
            "index": 1,
            "Setting Description": {"en": "A forest path", "ch": "林间小路"},
            "Plot Correspondence": {"en": "Lita finds a door.", "ch": "莉塔发现一扇门。"},
            "Characters Appearing": {"en": ["Lita"], "ch": ["莉塔"]},
            "Static Shot Description": {"en": "A girl stands before a door", "ch": "女孩站在门前"},
            "Shot Perspective Design": {"en": "Wide shot", "ch": "全景"},
        },
        {"index": 2, "Plot Correspondence": {"en": "She opens it."}, "Characters Appearing": {"en": ["Lita"]}},
    ],
    "Characters": {"Lita": {"name_en": "Lita", "prompt_en": "a girl in a green coat", "tag": "realistic_human"}},
}


def vbench(folder: Path) -> Path:
    rows = [
        {"prompt_en": "a red ball", "dimension": ["color", "object_class"]},
        {"prompt_en": "a red ball", "dimension": ["overall_consistency"], "auxiliary_info": {"color": "red"}},
        {"prompt_en": "In a still frame, a stop sign", "dimension": ["temporal_flickering"]},
    ]
    (folder / "VBench_full_info.json").write_text(json.dumps(rows))
    return folder / "VBench_full_info.json"


def test_vbench_has_a_sample_a_prompt_with_all_its_dimensions(tmp_path: Path):
    suite = open_suite(f"vbench:{vbench(tmp_path)}")
    assert [(one.brief, one.tags) for one in suite.samples] == [
        ("a red ball", ("color", "object class", "overall consistency")),
        ("In a still frame, a stop sign", ("temporal flickering",)),
    ]
    assert open_suite(f"vbench:{tmp_path}") == suite


def test_t2v_compbench_has_a_category_a_file_in_their_order(tmp_path: Path):
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "7_numeracy.txt").write_text("One tree stands tall.\nTwo cars speed along a road.\n")
    (prompts / "1_consistent_attr.txt").write_text("Blue car drives past a red fence.\n\n")
    (prompts / "10_more.txt").write_text("One tree stands tall.\n")
    suite = open_suite(f"t2v-compbench:{tmp_path}")
    assert [one.tags for one in suite.samples] == [("consistent attr",), ("numeracy",), ("numeracy",), ("more",)]
    assert [one.id for one in suite.samples[1::2]] == ["one-tree-stands-tall", "one-tree-stands-tall-2"]
    assert len(open_suite(f"t2v-compbench:{prompts / '7_numeracy.txt'}").samples) == 2


def test_t2v_compbench_reads_its_meta_data_too(tmp_path: Path):
    rows = [{"prompt": "One tree stands tall.", "objects": "tree", "numbers": "1"}]
    (tmp_path / "generative_numeracy.json").write_text(json.dumps(rows))
    suite = open_suite(f"t2v-compbench:{tmp_path / 'generative_numeracy.json'}")
    assert [(one.brief, one.tags) for one in suite.samples] == [("One tree stands tall.", ("generative numeracy",))]


def test_storyeval_has_its_classes_as_tags(tmp_path: Path):
    told = {"prompt": "A bear opens a jar, and then closes it.", "event_list": ["…"], "class": ["animal", "2_events"]}
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "all_prompts.json").write_text(json.dumps({"A_bear_opens_a_jar.mp4": told}))
    suite = open_suite(f"storyeval:{tmp_path}")
    assert [(one.brief, one.tags) for one in suite.samples] == [(told["prompt"], ("animal", "2 events"))]
    (tmp_path / "all.txt").write_text("A bear opens a jar.\nA boy climbs a tree.\n")
    assert len(open_suite(f"storyeval:{tmp_path / 'all.txt'}").samples) == 2


def test_moviegenbench_is_lines_or_a_table_with_tags(tmp_path: Path):
    (tmp_path / "MovieGenVideoBench.txt").write_text("A cartoon kangaroo disco dances.\nBlooming Flowers\n")
    assert [one.brief for one in open_suite(f"moviegenbench:{tmp_path}").samples][1] == "Blooming Flowers"
    table = 'prompt,concept,motion_level\n"Waves, and a cliff.","scene,camera motion",low\n'
    (tmp_path / "MovieGenVideoBenchWithTag.csv").write_text(table)
    sample = open_suite(f"moviegenbench:{tmp_path}").samples[0]
    assert (sample.brief, sample.tags) == ("Waves, and a cliff.", ("scene", "camera motion", "motion low"))


def test_vistorybench_is_a_brief_a_story_with_pictures_of_its_characters(tmp_path: Path):
    for name in ("10", "2"):
        pictures = tmp_path / name / "image" / "Lita"
        pictures.mkdir(parents=True)
        (tmp_path / name / "story.json").write_text(json.dumps(STORY, ensure_ascii=False), "utf-8")
        (pictures / "01.png").write_bytes(b"png")
        (pictures / "00.jpg").write_bytes(b"jpg")
    suite = open_suite(f"vistorybench:{tmp_path}")
    assert [one.id for one in suite.samples] == ["story-2", "story-10"]
    assert suite.samples[0].brief.splitlines() == [
        "Lita: a girl in a green coat",
        "Shot 1: Lita finds a door. A girl stands before a door. A forest path. Wide shot.",
        "Shot 2: She opens it.",
    ]
    assert suite.samples[0].references == (str(tmp_path / "2" / "image" / "Lita" / "00.jpg"),)
    assert "Children's Picture Books" in suite.samples[0].tags
    assert open_suite(f"vistorybench:{tmp_path / '2'}").samples[0] == suite.samples[0]


@pytest.mark.parametrize("name", IMPORTERS)
@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"a": 1}', "\x00", "[{}]"])
def test_a_file_of_another_layout_gets_one_line_about_what_was_expected(name: str, text: str, tmp_path: Path):
    file = tmp_path / ("story.json" if name == "vistorybench" else "file.json")
    file.write_text(text)
    if name == "moviegenbench":
        file = file.rename(tmp_path / "file.csv")
    with pytest.raises(BadInput, match="expected") as error:
        open_suite(f"{name}:{tmp_path if name == 'vistorybench' else file}")
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("name", IMPORTERS)
def test_a_path_that_is_not_there_or_an_empty_folder_gets_one_line(name: str, tmp_path: Path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(BadInput, match="expected"):
            open_suite(f"{name}:{path}")
