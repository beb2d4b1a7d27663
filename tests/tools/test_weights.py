"""Weights on this machine: found by folder, file or hub id, and looked at before anything long begins."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hub
import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.numpy import save_file

from kinograph.errors import BadInput, Damaged, KinographError, StorageError
from kinograph.tools.backends.forms import File, wanted
from kinograph.tools.backends.storyworld_diffusion import MODEL
from kinograph.tools.backends.weights import Weights, check, check_part, find, needs, variant

SHARD = "transformer/diffusion_pytorch_model-00002-of-00002.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return hub.pipeline(tmp_path / "wan")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache as the hub's library lays it out, with one snapshot of Wan-AI/tiny."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    store = tmp_path / "cache" / "models--Wan-AI--tiny"
    snapshot = hub.pipeline(store / "snapshots" / hub.COMMIT)
    (store / "blobs").mkdir()
    for file in list(snapshot.rglob("*.safetensors")):
        blob = store / "blobs" / hub.sha256(file.read_bytes())
        file.rename(blob)
        file.symlink_to(os.path.relpath(blob, file.parent))
    (store / "refs").mkdir()
    (store / "refs" / "main").write_text(hub.COMMIT)
    return store


def here(source: Path | str) -> Weights:
    found = find(str(source))
    assert found is not None
    return found


def complaint(source: Path | str, kind: type[KinographError], pickles: bool = False) -> str:
    """The one line that `check` says."""
    with pytest.raises(kind) as caught:
        check(here(source), pickles)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_pipeline_is_found_and_has_nothing_to_complain_of(folder: Path):
    found = here(folder)
    assert (found.folder, found.kind) == (folder, "pipeline")
    assert found.gb == pytest.approx(sum(len(data) for data in hub.files_of(folder).values()) / 2**30)
    check(found)


def test_what_ships_with_kinograph_is_whole():
    check(here(MODEL))


def test_nothing_heavy_is_loaded_to_find_and_check(folder: Path):
    code = (
        "import sys; from kinograph.tools.backends.weights import *; check(find(sys.argv[1])); find('a/b');"
        "print([m for m in ('torch', 'diffusers', 'transformers', 'httpx2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "source", ["", "nobody/nothing", "./nowhere", "no id at all", "a/b@../../c", "x" * 300, "a\0b"]
)
def test_what_is_not_here_is_none(source: str, cache: Path):
    if len(source) > 255:
        with pytest.raises(StorageError, match="too long"):
            find(source)
    else:
        assert find(source) is None


def test_the_revision_of_a_folder_changes_with_what_is_loaded_and_with_nothing_else(folder: Path):
    before = here(folder).revision
    (folder / "README.md").write_text("words")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "noted.json").write_text("{}")
    moved = folder.rename(folder.with_name("elsewhere"))
    assert here(moved).revision == before
    config = moved / "vae" / "config.json"
    config.write_text(config.read_text().replace("vae", "VAE"))
    changed = here(moved).revision
    assert changed != before
    save_file({"one": np.zeros(2, np.float32)}, moved / "vae" / "diffusion_pytorch_model.safetensors")
    renamed = here(moved).revision
    save_file({"two": np.zeros(2, np.float32)}, moved / "vae" / "diffusion_pytorch_model.safetensors")
    assert len({before, changed, renamed, here(moved).revision}) == 4


def test_the_hub_cache_is_asked_by_id_and_revision_and_knows_the_commit(cache: Path):
    found = here("Wan-AI/tiny")
    assert (found.folder, found.revision) == (cache / "snapshots" / hub.COMMIT, hub.COMMIT)
    assert here(f"Wan-AI/tiny@{hub.COMMIT}") == here("Wan-AI/tiny@main") == found
    assert find("Wan-AI/tiny@v2") is None
    assert find("Wan-AI/other") is None
    check(found)
    (cache / "refs" / "main").write_text("")
    assert find("Wan-AI/tiny") is None


def test_the_hub_cache_is_where_the_environment_says(cache: Path):
    code = "from kinograph.tools.backends.weights import find; print(find('Wan-AI/tiny').folder)"
    for name, value in (("HF_HUB_CACHE", cache.parent), ("HF_HOME", cache.parent.parent / "home")):
        if name == "HF_HOME":
            value.mkdir(exist_ok=True)
            (value / "hub").symlink_to(cache.parent)
        env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | {name: str(value)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
        assert done.stdout.strip().endswith(hub.COMMIT), done.stderr


def test_a_snapshot_that_was_partly_fetched_is_found_and_says_how_to_go_on(cache: Path):
    snapshot = cache / "snapshots" / hub.COMMIT
    blob = (snapshot / SHARD).resolve()
    blob.rename(blob.with_name(f"{blob.name}.incomplete"))
    said = complaint("Wan-AI/tiny", Damaged)
    assert SHARD in said
    assert "kinograph models pull Wan-AI/tiny" in said
    shutil.rmtree(snapshot / "text_encoder")
    assert "'text_encoder' (UMT5EncoderModel) is missing" in complaint("Wan-AI/tiny", BadInput)


def test_a_file_that_is_cut_short_is_told_wherever_it_was_cut(folder: Path):
    file = folder / SHARD
    whole = file.read_bytes()
    for length in (0, 5, 40, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        assert SHARD in complaint(folder, Damaged)
    file.write_bytes(whole + b"more")
    assert SHARD in complaint(folder, Damaged)


def test_a_header_that_was_changed_is_told(folder: Path):
    file = folder / SHARD
    whole = file.read_bytes()
    for old, new in ((b'"F32"', b'"F16"'), (b'"shape":[', b'"shape":{'), (b"blocks.1", b"blocks.7")):
        assert old in whole
        file.write_bytes(whole.replace(old, new, 1))
        assert SHARD in complaint(folder, Damaged)
    file.write_bytes(b"\xff" * 8 + whole[8:])
    assert SHARD in complaint(folder, Damaged)


def test_a_pointer_in_place_of_the_weights_is_called_one(folder: Path):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_text(pointer)
    assert "git lfs pull" in complaint(folder, Damaged)


def test_a_shard_that_the_index_names_and_is_not_there_is_told(folder: Path):
    (folder / SHARD).unlink()
    said = complaint(folder, Damaged)
    assert SHARD in said
    assert "diffusion_pytorch_model.safetensors.index.json names" in said


def test_shards_without_the_index_that_names_them_are_told(folder: Path):
    (folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json").unlink()
    assert "no index names them all" in complaint(folder, Damaged)


@pytest.mark.parametrize(
    "name",
    [
        "model_index.json",
        "vae/config.json",
        "tokenizer/tokenizer_config.json",
        "scheduler/scheduler_config.json",
        "transformer/diffusion_pytorch_model.safetensors.index.json",
    ],
)
@pytest.mark.parametrize(
    "data", [b"", b'{"half": ', b"\xff\xfe{}", b"[" * 100_000], ids=["empty", "half", "bytes", "deep"]
)
def test_a_json_file_that_cannot_be_read_is_told(folder: Path, name: str, data: bytes):
    (folder / name).write_bytes(data)
    assert name in complaint(folder, Damaged)


def test_a_list_is_no_index(folder: Path):
    (folder / "model_index.json").write_text("[1, 2]")
    assert "holds a list, not an object" in complaint(folder, Damaged)


def test_a_folder_that_is_no_pipeline_says_what_was_found(folder: Path, tmp_path: Path):
    assert "config.json, diffusion_pytorch_model.safetensors" in complaint(folder / "vae", BadInput)
    (tmp_path / "empty").mkdir()
    assert "it is empty" in complaint(tmp_path / "empty", BadInput)
    check_part(here(folder / "vae").folder)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"has no weights; found: config\.json"):
        check_part(folder / "vae")


def test_a_component_that_is_missing_or_has_no_weights_is_told(folder: Path):
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    said = complaint(folder, BadInput)
    assert str(folder / "vae") in said
    assert "has no weights; found: config.json" in said
    shutil.rmtree(folder / "vae")
    assert "'vae' (AutoencoderKLWan) is missing" in complaint(folder, BadInput)


@pytest.mark.parametrize(("part", "name"), [("vae", "config.json"), ("scheduler", "scheduler_config.json")])
def test_a_component_without_its_settings_is_told(folder: Path, part: str, name: str):
    (folder / part / name).unlink()
    assert f"has no {name}" in complaint(folder, BadInput)


def test_a_tokenizer_needs_one_of_the_usual_sets_of_files(folder: Path):
    words = folder / "tokenizer"
    (words / "spiece.model").unlink()
    assert "has no vocabulary" in complaint(folder, BadInput)
    (words / "vocab.json").write_text("{}")
    assert "has no vocabulary" in complaint(folder, BadInput)
    (words / "merges.txt").write_text("")
    check(here(folder))
    (words / "vocab.json").unlink()
    (words / "spiece.model").touch()
    assert "spiece.model' is empty" in complaint(folder, Damaged)


def test_words_that_are_bytes_need_no_vocabulary(folder: Path):
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("T5TokenizerFast", "ByT5Tokenizer"))
    (folder / "tokenizer" / "spiece.model").unlink()
    check(here(folder))


def test_a_feature_extractor_needs_its_settings_and_no_weights(folder: Path):
    index = json.loads((folder / "model_index.json").read_text())
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "feature_extractor").mkdir()
    assert "preprocessor_config.json" in complaint(folder, BadInput)
    (folder / "feature_extractor" / "preprocessor_config.json").write_text("{}")
    check(here(folder))


def test_a_component_of_our_own_module_is_held_to_the_same(folder: Path):
    index = json.loads((folder / "model_index.json").read_text())
    index["draft"] = ["kinograph.tools.storyworld.draft", "Draft"]
    (folder / "model_index.json").write_text(json.dumps(index))
    assert "'draft' (Draft) is missing" in complaint(folder, BadInput)


def test_pickles_are_refused_until_they_are_allowed(folder: Path):
    vae = folder / "vae"
    (vae / "diffusion_pytorch_model.safetensors").unlink()
    file = vae / "diffusion_pytorch_model.bin"
    np.savez(vae / "zip.npz", np.zeros(99))  # a zip, as torch's files are
    (vae / "zip.npz").rename(file)
    said = complaint(folder, BadInput)
    assert str(file) in said
    assert "`pickles = true` in the model's options" in said
    check(here(folder), pickles=True)
    file.write_bytes(file.read_bytes()[:-30])
    assert "cut short" in complaint(folder, Damaged, pickles=True)


def test_a_pickle_beside_safetensors_is_not_looked_at(folder: Path):
    (folder / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"")
    check(here(folder))


def test_variants_count_and_are_named(folder: Path):
    assert variant(here(folder)) is None
    plain = folder / "vae" / "diffusion_pytorch_model.safetensors"
    plain.rename(plain.with_name("diffusion_pytorch_model.fp16.safetensors"))
    check(here(folder))
    assert variant(here(folder)) == "fp16"
    shutil.copy(plain.with_name("diffusion_pytorch_model.fp16.safetensors"), plain)
    assert variant(here(folder)) is None


def test_an_index_of_a_form_that_was_not_fetched_is_not_asked_for(folder: Path):
    transformer = folder / "transformer"
    for shard in transformer.glob("*-of-00002.safetensors"):
        shard.unlink()
    assert "is missing" in complaint(folder, Damaged)
    save_file(hub.tensors(), transformer / "diffusion_pytorch_model.fp16.safetensors")
    check(here(folder))
    assert variant(here(folder)) == "fp16"


def test_a_single_file_is_looked_at_by_its_ending(folder: Path, tmp_path: Path):
    file = shutil.copy(folder / SHARD, tmp_path / "adapter.safetensors")
    assert here(file).kind == "file"
    check(here(file))
    Path(file).write_bytes(Path(file).read_bytes()[:-1])
    assert "adapter.safetensors" in complaint(file, Damaged)
    for name, said in (("model.ckpt", "is a pickle"), ("notes.md", "holds no weights")):
        (tmp_path / name).write_bytes(b"x")
        assert said in complaint(tmp_path / name, BadInput)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_told(folder: Path):
    found = here(folder)
    (folder / SHARD).chmod(0)
    with pytest.raises(StorageError, match=r"cannot read .*00002.*ermission denied"):
        check(found)


def test_what_to_do_names_the_model_the_id_or_the_option():
    assert "kinograph models pull wan-2.1-1.3b" in needs("Wan-AI/Wan2.1-T2V-1.3B-Diffusers")
    assert "kinograph models pull somebody/something" in needs("somebody/something")
    assert "'/mnt/none' does not exist" in needs("/mnt/none")
    assert "`weights` in the model's options" in needs("")


REPO = (
    *("model_index.json", "README.md", ".gitattributes", "wan_all_in_one.safetensors", "LICENSE.txt"),
    *("vae/config.json", "vae/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors"),
    *("vae/diffusion_pytorch_model.bin", "vae/diffusion_flax_model.msgpack", "vae/onnx/config.json"),
    *("unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors", "unet/diffusion_pytorch_model.bin"),
    *("unet/diffusion_pytorch_model.safetensors.index.fp16.json", "unet/diffusion_pytorch_model.bin.index.json"),
    *("te/config.json", "te/pytorch_model.bin", "tokenizer/merges.txt", "tokenizer/spiece.model", "te/chat.jinja"),
)
TAKEN = {
    *("model_index.json", "LICENSE.txt", "vae/config.json", "vae/diffusion_pytorch_model.safetensors"),
    *("unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors", "te/config.json", "te/chat.jinja"),
    *("unet/diffusion_pytorch_model.safetensors.index.fp16.json", "tokenizer/merges.txt", "tokenizer/spiece.model"),
}


def test_of_the_same_weights_in_several_forms_one_is_wanted():
    files = [File(name, 1) for name in REPO]
    assert {file.name for file in wanted(files)} == TAKEN
    assert {file.name for file in wanted(files, pickles=True)} == TAKEN | {"te/pytorch_model.bin"}
    part = [File("config.json", 1), File("diffusion_pytorch_model.safetensors", 1), File("mm.ckpt", 1)]
    assert [file.name for file in wanted(part)] == ["config.json", "diffusion_pytorch_model.safetensors"]
