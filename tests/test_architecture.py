"""Guards of the house: sizes, names, and what a child process imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "scenarios"
MODULES = sorted(SOURCE.rglob("*.py"))
LINES = 400  # a room with more than this has more than one job
THE_VERBS = {"cli"}  # one file a verb, and a verb may be called like a module

CHILD = """
import json, sys
before = set(sys.modules)
__import__(sys.argv[1])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported_by(module: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded for one import."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, module], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize("module", ["scenarios", "scenarios.worker"])
def test_children_import_standard_library_only(module: str) -> None:
    """What each child process imports is in the standard library."""
    others = imported_by(module) - set(sys.stdlib_module_names) - {"scenarios"}
    assert others == set()


def test_import_scenarios_is_light() -> None:
    """`import scenarios` loads nothing that takes time."""
    heavy = {"asyncio", "multiprocessing", "concurrent", "sqlite3", "socket", "subprocess"}
    assert imported_by("scenarios") & heavy == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_module_is_a_room_and_not_a_hall(path: Path) -> None:
    """A module has one job, says it in its first line, and is not too long."""
    text = path.read_text()
    assert len(text.splitlines()) <= LINES
    assert text.startswith('"""')


def test_no_module_hides_one_of_the_standard_library() -> None:
    """No module has a name of the standard library, so that no import can mean two things."""
    names = {path.stem for path in MODULES if path.parent.name not in THE_VERBS}
    folders = {path.name for path in SOURCE.rglob("*") if path.is_dir()}
    assert (names | folders) & set(sys.stdlib_module_names) - {"__init__", "__main__"} == set()


def test_no_python_at_the_top_of_the_gallery() -> None:
    """The folder scenarios/ would hide the package of that name if Python stood at its top."""
    assert list((ROOT / "scenarios").glob("*.py")) == []
    assert list((ROOT / "scenarios").rglob("__init__.py")) == []
