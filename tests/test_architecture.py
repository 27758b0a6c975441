"""House rules that a machine can check: who imports whom, what stays free of torch, docstrings."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "plantlab"
ABOVE_TORCH = "files cluster greenhouse aviary data quality predictions plots".split()
BELOW_TORCH = "networks heads training identify".split()
FACES = "notebook desk service cli __main__".split()
ORDER = [*ABOVE_TORCH, *BELOW_TORCH, *FACES]
TORCH = {"torch", "torchvision", "timm", "fastai", "fastcore", "captum"}
WITHOUT_TORCH = [*ABOVE_TORCH, "notebook", "service", "cli"]
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted({path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES})
ROOMS = [room for room in ROOMS if room != "__init__"]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Return every module that a file imports anywhere, relative ones made absolute."""
    found, package = set(), ["plantlab", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def rooms_of_the_guide() -> dict[str, str]:
    """Return the rows of the table of rooms: of each the column that names its files."""
    guide = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = guide.split("## Rooms")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)/?` \| .* \| (.*)\|$", section, re.M)
    return dict(rows)


def test_every_room_has_its_place():
    new = set(ROOMS) - set(ORDER)
    assert not new, f"{new}: give the new room a place in ORDER and in CONTRIBUTING.md"
    assert list(rooms_of_the_guide()) == [room for room in ORDER if room != "__main__"]


def test_the_guide_names_no_file_that_is_not_there():
    for room, files in rooms_of_the_guide().items():
        for name in re.findall(r"`([\w/]+)`", files):
            path = PACKAGE / room / name
            assert path.is_dir() or path.with_suffix(".py").exists(), f"{room} has no {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_rooms_above_it(path):
    """Within a room nothing is prescribed."""
    room = room_of(path)
    before = ORDER[: ORDER.index(room)] if room in ORDER else []
    own = [name for name in imports_of(path) if name.startswith("plantlab.")]
    used = {name.split(".")[1] for name in own} & set(ORDER)
    below = used - {*before, room}
    assert not below, f"{room} may import {before}, and it imports {below}"


@pytest.mark.parametrize("path", [p for p in FILES if room_of(p) in WITHOUT_TORCH], ids=str)
def test_nothing_above_the_line_imports_torch(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & TORCH


def test_import_is_light():
    heavy = "torch torchvision timm fastai pandas numpy scipy sklearn matplotlib PIL".split()
    code = f"import sys, plantlab; sys.exit(str([m for m in {heavy} if m in sys.modules] or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_the_commands_are_listed_without_loading_what_they_do():
    heavy = "torch pandas numpy PIL pyarrow".split()
    code = (
        "import sys; from plantlab import cli; cli._parser();"
        f"sys.exit(str([m for m in {heavy} if m in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_the_upper_rooms_load_without_torch_and_statistics():
    paths = [path for path in FILES if room_of(path) in WITHOUT_TORCH]
    rooms = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths]
    heavy = "torch torchvision timm fastai scipy sklearn pyarrow.parquet papermill".split()
    code = (
        f"import importlib, sys; [importlib.import_module(room) for room in {rooms}];"
        f"sys.exit(str([m for m in {heavy} if m in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_a_model_is_loaded_without_figures_and_explanations():
    """Who asks a model waits for what loads it; torch, too, is loaded where it is needed."""
    later = "matplotlib.pyplot captum torch torchvision timm".split()
    code = f"""import sys, plantlab.identify.store
sys.exit(str([module for module in {later} if module in sys.modules] or ""))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_all_that_is_public_says_what_it_does(path):
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path.name} has no docstring"
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            text = ast.get_docstring(node)
            assert text, f"{path.name}: {node.name} has no docstring"
            first = text.split("\n\n")[0].rstrip(")`'\" ")
            assert first[-1] in ".:!?", (
                f"{path.name}: {node.name}'s docstring starts with no sentence: {first!r}"
            )


def test_nothing_is_named_after_a_workplace():
    """Committed text carries no absolute path of the machine that it was written on."""
    listed = subprocess.run(["git", "ls-files"], cwd=PACKAGE.parent, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no git checkout")
    for name in listed.stdout.splitlines():
        path = PACKAGE.parent / name
        if (
            path.suffix in {".py", ".md", ".ipynb", ".json", ".toml", ".yml", ".txt", ".html"}
            and path.is_file()
        ):
            text = path.read_text(encoding="utf-8")
            assert str(PACKAGE.parent) + "/" not in text, f"{name} names {PACKAGE.parent}"
