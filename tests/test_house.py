"""The house as drawn: who imports whom, what is packaged, what is public, what loads when."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import kinograph
import kinograph.film

ROOT = Path(__file__).parent.parent
PARTS = ("agents", "graphs", "tools", "memory", "prompts", "evals")
GROUND = {"film", "soundtrack", "errors", "settings", "disk", "events", "plain"}
ALLOWED = {
    "ground": {"ground"},
    "prompts": {"ground"},
    "memory": {"ground"},
    "tools": {"ground"},
    "agents": {"ground", "prompts", "memory", "tools"},
    "graphs": {"ground", "prompts", "memory", "tools", "agents"},
    "evals": {"ground", "prompts", "memory", "tools", "agents", "graphs", "studio"},
}
"""Room -> rooms it may import besides itself; the studio and the command line may import all."""


def room_of(module: str) -> str:
    parts = module.split(".")
    if len(parts) == 1:
        return "studio"
    if parts[1] in PARTS:
        return parts[1]
    return "ground" if parts[1] in GROUND else "cli" if parts[1] == "cli" else "studio"


def sources() -> list[tuple[str, Path]]:
    found = []
    for part in ("kinograph", *PARTS):
        for path in (ROOT / part).rglob("*.py"):
            inner = path.relative_to(ROOT / "kinograph" if part == "kinograph" else ROOT).with_suffix("").parts
            found.append((".".join(("kinograph", *inner)).removesuffix(".__init__"), path))
    return [(module, path) for module, path in found if module != "kinograph"]


def imports(path: Path) -> set[str]:
    """Every kinograph module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "kinograph" else {node.module}
            )
    return {name for name in found if name.split(".")[0] == "kinograph"}


@pytest.mark.parametrize(("module", "path"), sources(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_point_one_way(module: str, path: Path):
    room = room_of(module)
    for other in imports(path):
        target = room_of(other)
        if target == room:
            continue
        assert room not in ALLOWED or target in ALLOWED[room], f"{module} imports {other}: {room} may not see {target}"
        assert target != "cli", f"{module} imports the command line"


def test_only_evals_see_the_exact_detectors():
    """They judge what agents, validators and backends did; whoever could ask them would know the answers."""
    for module, path in sources():
        if not module.startswith("kinograph.evals"):
            assert "detectors" not in {part for name in imports(path) for part in name.split(".")}, module
            assert "evals.detectors" not in path.read_text(), module


def test_only_graphs_know_langgraph():
    for module, path in sources():
        if not module.startswith("kinograph.graphs"):
            assert "langgraph" not in path.read_text().replace("langgraph-", "").replace('"langgraph"', "").lower() or (
                not any(
                    (getattr(node, "module", None) or node.names[0].name).startswith("langgraph")
                    for node in ast.walk(ast.parse(path.read_text()))
                    if isinstance(node, (ast.Import, ast.ImportFrom))
                )
            ), f"{module} imports langgraph"


def test_no_graph_imports_a_backend():
    for module, path in sources():
        if module.startswith("kinograph.graphs"):
            assert not any(name.startswith("kinograph.tools.backends.") for name in imports(path))


def test_every_folder_with_code_is_packaged():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert listed == {module if path.stem == "__init__" else module.rpartition(".")[0] for module, path in sources()}


def test_every_data_file_is_packaged():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    packaged = set()
    for package, globs in patterns.items():
        folder = ROOT.joinpath(*package.split(".")[1:]) if package != "kinograph" else ROOT / "kinograph"
        packaged |= {path for pattern in globs for path in folder.glob(pattern) if path.is_file()}
    real = {
        path
        for part in ("kinograph", *PARTS)
        for path in (ROOT / part).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert real == packaged


def test_nouns_have_one_address():
    """Every public name of the film package is imported from its door, and from nowhere else."""
    within = "kinograph.film."
    for module, path in sources():
        if module.startswith(within):
            body = ast.parse(path.read_text()).body
            named = {node.name for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
            named |= {ast.unparse(node.targets[0]) for node in body if isinstance(node, ast.Assign)}
            assert {name for name in named if not name.startswith("_")} <= set(kinograph.film.__all__), module
        elif module != "kinograph.film":
            assert not any(name.startswith(within) for name in imports(path)), f"{module} goes past the door"


def test_public_names_are_pinned():
    assert kinograph.__all__ == ["Brief", "Film", "KinographError", "Settings", "Storyboard", "Studio"]
    for name in kinograph.__all__:
        assert getattr(kinograph, name).__name__ == name
    with pytest.raises(AttributeError, match="Movie"):
        _ = kinograph.Movie


HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "chromadb",
    "langgraph",
    "langchain_core",
    "cv2",
    "av",
    "networkx",
    "openai",
    "scipy",
    "prompt_toolkit",
)


@pytest.mark.parametrize("code", ["import kinograph", "import kinograph.cli", "from kinograph import Studio, Brief"])
def test_importing_loads_nothing_heavy(code: str):
    loaded = f"{code}; import sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_film_of_the_renderer_never_loads_torch(tmp_path: Path):
    code = (
        "import sys; from kinograph import Studio;"
        "Studio().make(Studio().brief('A red ball rolls.', width=64, height=48, frames=8), out='f');"
        "print([m for m in ('torch', 'diffusers', 'transformers') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert run.stdout == "[]\n"


def test_langgraph_json_names_graphs_that_build():
    served = json.loads((ROOT / "langgraph.json").read_text())["graphs"]
    for place in served.values():
        file, _, name = place.partition(":")
        assert (ROOT / file).is_file()
        module = ".".join(Path(file).with_suffix("").parts)
        assert {"listen", "approve", "film"} <= set(getattr(importlib.import_module(module), name)().get_graph().nodes)


def test_every_file_says_what_it_is():
    for module, path in sources():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{module} has no docstring"
