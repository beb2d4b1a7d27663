"""Every vector index answers alike: in memory, in a folder, and on servers that are started for the test."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from chroma import serving
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph.errors import BadSetting, Damaged, StorageError, UnknownName, Unreachable
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.indexes import INDEXES, Rows, Site, VectorIndex, Where, named, open_index
from kinograph.memory.indexes.chroma import ChromaIndex
from kinograph.memory.indexes.exact import ExactIndex
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes

SIZE = 16
Opens = Callable[[Rows], VectorIndex]


def rows(*numbers: int) -> Rows:
    """Row n: an identity or a setting (each third) of one of four things, in one of five shots."""
    vectors = (
        np.stack([np.random.default_rng(n).normal(size=SIZE) for n in numbers]) if numbers else np.empty((0, SIZE))
    )
    return Rows(
        ids=[f"k{n}" for n in numbers],
        roles=["setting" if n % 3 == 0 else "identity" for n in numbers],
        abouts=[f"a{n % 4}" for n in numbers],
        shots=[f"s{n % 5}" for n in numbers],
        vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
    )


def brute(there: Rows, vector: np.ndarray, where: Where, n: int) -> list[str]:
    """The ids of the nearest, by comparing all."""
    tags = zip(there.roles, there.abouts, there.shots, strict=True)
    asked = [
        where.role in (None, role) and where.about in (None, about) and (where.shots is None or shot in where.shots)
        for role, about, shot in tags
    ]
    scores = np.where(asked, there.vectors @ vector, -np.inf)
    return [str(there.ids[at]) for at in np.argsort(-scores)[: min(n, sum(asked))]]


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a Chroma server that this file has for itself."""
    with serving(tmp_path_factory.mktemp("chroma")) as address:
        yield address


@pytest.fixture(params=list(INDEXES))
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "chroma-server":
        return f"chroma-server://{request.getfixturevalue('chroma_server')}"
    if request.param == "pgvector":
        url = request.getfixturevalue("postgres_server")
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
                pytest.skip("this Postgres has no pgvector")
        return url.replace("postgresql://", "pgvector://")
    return request.param


@pytest.fixture
def opens(setting: str, tmp_path: Path) -> Iterator[Opens]:
    opened: list[VectorIndex] = []

    def open_it(there: Rows) -> VectorIndex:
        site = Site(tmp_path / "index", f"kinograph-{tmp_path.name}".replace("_", "-")[:60], SIZE)
        opened.append(open_index(setting, site, lambda: there).searched)
        return opened[-1]

    yield open_it
    for index in opened:
        index.close()


WHERES = (
    Where(),
    Where(role="identity"),
    Where(role="identity", about="a1"),
    Where(shots=["s1", "s3", "nowhere"]),
    Where(role="setting", shots=["s2"]),
    Where(role="identity", about="a2", shots=["s0", "s2", "s4"]),
    Where(shots=[]),
    Where(role="look"),
    Where(about="nobody"),
)


def test_answers_as_comparing_all_of_them_does(opens: Opens):
    there = rows(*range(60))
    index = opens(there)
    for seed, where in enumerate(WHERES):
        vector = rows(1000 + seed).vectors[0]
        hits = index.query(vector, where, 5)
        assert [hit.id for hit in hits] == brute(there, vector, where, 5), where
        for hit in hits:
            assert hit.similarity == pytest.approx(float(there.vectors[int(hit.id[1:])] @ vector), abs=1e-4)


def test_what_is_put_is_found_and_what_is_deleted_is_not(opens: Opens):
    index = opens(rows(*range(10)))
    index.put(rows(10, 11))
    index.delete(["k3", "k10", "never"])
    there = rows(0, 1, 2, 4, 5, 6, 7, 8, 9, 11)
    assert index.ids() == set(there.ids)
    vector = rows(3).vectors[0]
    assert [hit.id for hit in index.query(vector, Where(), 10)] == brute(there, vector, Where(), 10)
    index.put(rows(4)._replace(vectors=rows(3).vectors, shots=["s9"]))  # in place of the row of the same id
    assert [(hit.id, round(hit.similarity, 4)) for hit in index.query(vector, Where(shots=["s9"]), 3)] == [("k4", 1.0)]
    assert len(index.ids()) == 10


def test_an_index_opened_again_answers_for_exactly_the_records(setting: str, opens: Opens):
    opens(rows(*range(8))).close()
    there = rows(*range(2, 9))
    index = opens(there)
    assert index.ids() == set(there.ids)
    assert [hit.id for hit in index.query(rows(8).vectors[0], Where(), 1)] == ["k8"]


def test_only_what_was_there_and_wrong_counts_as_repaired(setting: str, tmp_path: Path):
    site = Site(tmp_path / "index", f"kinograph-repair-{tmp_path.name}".replace("_", "-")[:60], SIZE)

    def repaired(there: Rows) -> bool:
        opened = open_index(setting, site, lambda: there)
        opened.searched.close()
        return opened.repaired

    assert not repaired(rows(1, 2))
    assert not repaired(rows(1, 2))
    assert repaired(rows(1, 2, 3)) == (setting != "exact"), "the exact index keeps nothing that could be wrong"
    other = rows(1, 2, 3)._replace(vectors=rows(4, 5, 6).vectors)
    assert repaired(other) == (setting != "exact"), "the ids are the same, the vectors are not"


def test_many_read_while_one_writes(opens: Opens):
    index, done, wrong = opens(rows(*range(20))), threading.Event(), list[object]()
    vector = rows(7).vectors[0]

    def read() -> None:
        while not done.is_set():
            if [hit.id for hit in index.query(vector, Where(role="identity"), 1)] != ["k7"]:
                wrong.append(index.query(vector, Where(role="identity"), 1))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(20, 60):
        index.put(rows(n))
        index.delete([f"k{n - 1}"] if n > 30 else [])
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 80), max_size=30)), max_size=12), st.integers(0, 8))
def test_the_exact_index_is_exact_whatever_was_put_and_deleted(steps: list[tuple[bool, list[int]]], which: int):
    index, there = ExactIndex(Site(Path(), "s", SIZE)), dict.fromkeys(range(0))
    for put, numbers in steps:
        numbers = list(dict.fromkeys(numbers))
        if put:
            index.put(rows(*numbers))
            there |= dict.fromkeys(numbers)
        else:
            index.delete([f"k{n}" for n in numbers])
            there = {n: None for n in there if n not in numbers}
    left, vector = rows(*there), rows(999).vectors[0]
    assert index.ids() == set(left.ids)
    assert [hit.id for hit in index.query(vector, WHERES[which], 7)] == brute(left, vector, WHERES[which], 7)


def test_the_exact_index_gives_back_the_room_of_what_was_deleted():
    index = ExactIndex(Site(Path(), "s", SIZE))
    index.put(rows(*range(1, 4000, 3)))
    index.put(rows(*range(2, 4000, 3)))
    kept = rows(*range(1, 100, 3))
    index.delete([id for id in index.ids() if id not in set(kept.ids)])
    (part,) = index._parts.values()
    assert len(part.ids) == len(kept.ids)
    vector = rows(5000).vectors[0]
    for where in WHERES:
        assert [hit.id for hit in index.query(vector, where, 9)] == brute(kept, vector, where, 9)


def test_chroma_takes_more_rows_than_go_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kinograph.memory.indexes.chroma.MOST", 7)
    there = rows(*range(20))
    index = open_index("chroma", Site(tmp_path, "kinograph-many", SIZE), lambda: there).searched
    assert index.ids() == set(there.ids)


def test_what_chroma_keeps_is_apart_by_role_so_that_a_filter_goes_through_one_only(tmp_path: Path):
    index = open_index("chroma", Site(tmp_path, "kinograph-roles", SIZE), lambda: rows(*range(9))).searched
    assert isinstance(index, ChromaIndex)
    with index._told() as parts:
        assert {role: sorted(parts.of(role)[0].get(include=[])["ids"]) for role in ("setting", "identity")} == {
            "setting": ["k0", "k3", "k6"],
            "identity": ["k1", "k2", "k4", "k5", "k7", "k8"],
        }
        assert parts.of("look") == []


@pytest.mark.parametrize("setting", ["chroma", "chroma-server"], indirect=True)
def test_an_index_of_before_is_made_anew(setting: str, tmp_path: Path):
    """One collection held everything: only Chroma's have changed."""
    site, there = Site(tmp_path / "i", f"kinograph-old-{setting.partition(':')[0]}", SIZE), rows(1, 2)
    opened = open_index(setting, site, lambda: there)
    index = opened.searched
    assert isinstance(index, ChromaIndex)
    with index._told() as parts:
        parts._client.get_or_create_collection(site.space).upsert(ids=["k1"], embeddings=there.vectors[:1])
        parts._client.delete_collection(f"{site.space}-of-identity")
    index.close()
    again = open_index(setting, site, lambda: there)
    assert (again.repaired, again.searched.ids()) == (True, {"k1", "k2"})
    assert isinstance(again.searched, ChromaIndex)
    with again.searched._told() as parts:
        names = {one.name for one in parts._client.list_collections()}
        assert [name for name in names if name.startswith(site.space)] == [f"{site.space}-of-identity"]
    again.searched.close()


# ------------------------------------------------------------------------------------- settings, servers


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("faiss", "unknown index 'faiss'; available: exact, chroma, chroma-server, pgvector"),
        ("exact://here", "index = 'exact://here'; it is exact alone"),
        ("chroma-server", "index = 'chroma-server'; it is chroma-server://host:port"),
        ("chroma-server://", "it is chroma-server://host:port"),
    ],
)
def test_a_setting_that_names_no_index_is_told(setting: str, complaint: str):
    with pytest.raises((UnknownName, BadSetting), match=complaint.replace("(", r"\(")):
        named(setting)


@pytest.mark.parametrize("address", ["host", "host:port", "host:99999"])
def test_an_address_without_a_port_is_told(address: str, tmp_path: Path):
    with pytest.raises(BadSetting, match="should be chroma-server://host:port"):
        open_index(f"chroma-server://{address}", Site(tmp_path, "kinograph-x", SIZE), rows)


def test_a_password_for_pgvector_is_refused(tmp_path: Path):
    with pytest.raises(BadSetting, match="should hold no password"):
        open_index("pgvector://me:secret@host/db", Site(tmp_path, "kinograph-x", SIZE), rows)


@pytest.mark.parametrize("setting", ["chroma-server://127.0.0.1:9", "pgvector://kino@127.0.0.1:9/db"])
def test_a_server_that_is_not_there_is_one_line(setting: str, tmp_path: Path):
    with pytest.raises(Unreachable) as told:
        open_index(setting, Site(tmp_path, "kinograph-x", SIZE), rows)
    assert "\n" not in str(told.value)


def test_keyframes_outlive_a_server_that_goes_and_comes(tmp_path: Path):
    def keyframe(n: int) -> Keyframe:
        return Keyframe(production="p", shot=f"s{n}", role="last", about="x", picture="d", frame=n)

    def frame(n: int) -> np.ndarray:
        return np.random.default_rng(n).integers(0, 256, (24, 32, 3), dtype=np.uint8)

    with serving(tmp_path / "first") as address:
        keyframes = Keyframes(tmp_path / "k.sqlite", tmp_path / "i", "p", PixelEmbedder(), f"chroma-server://{address}")
        keyframes.remember(keyframe(1), frame(1))
        assert keyframes.nearest(frame(1), "last", ["s1"])
    keyframes.remember(keyframe(2), frame(2))  # nobody hears of it but SQLite
    with pytest.raises(Unreachable):
        keyframes.nearest(frame(2), "last", ["s1", "s2"])
    port = int(address.rpartition(":")[2])
    with serving(tmp_path / "second", port):
        assert [one.keyframe.shot for one in keyframes.nearest(frame(2), "last", ["s1", "s2"])] == ["s2", "s1"]
    keyframes.close()


def test_a_folder_that_chroma_cannot_write_is_one_line(tmp_path: Path):
    (tmp_path / "index").write_text("a file")
    with pytest.raises((StorageError, Damaged)):
        open_index("chroma", Site(tmp_path / "index", "kinograph-x", SIZE), lambda: rows(1))


def test_the_default_loads_no_library():
    heavy = "[name for name in ('chromadb', 'psycopg') if name in sys.modules]"
    code = f"import sys; import kinograph.memory.keyframes, kinograph.memory.indexes.exact; print({heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
