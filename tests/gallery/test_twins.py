"""The known-bad designs with their repaired twins, and the patterns: as files, and run for real."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from running import SPECS, run
from scenarios.loading import load
from scenarios.scenario import Expectation, Scenario

ROOT = Path(__file__).parents[2]
BUGS = ROOT / "scenarios" / "bugs"
PATTERNS = ROOT / "scenarios" / "patterns"
TAIL = "-repaired"
REPAIRED = sorted(BUGS.glob(f"*{TAIL}.yaml"))
BUGGY = sorted(set(BUGS.glob("*.yaml")) - set(REPAIRED))
HOLDING = [*REPAIRED, *sorted(PATTERNS.glob("*.yaml"))]
STUCK = (
    "barrier-parties",
    "broken-ring",
    "full-ring",
    "one-sentinel",
    "pool-deadlock",
    "self-deadlock",
    "task-done-forgotten",
)
"""Bugs that no order of steps escapes: every run of them hangs."""


def stem(path: Path) -> str:
    """The name of a case, as the id of its test."""
    return path.stem


def read(path: Path) -> Scenario:
    """The one scenario of a file, which is read without a notice."""
    loaded = load(path, specs=SPECS)
    assert loaded.notices == ()
    (scenario,) = loaded.scenarios
    return scenario


def asks_for_findings(expectation: Expectation) -> bool:
    """Whether an expectation asks what checkers found."""
    return any(path[0] == "found" for path, _ in expectation.expression.paths)


def sentences(path: Path) -> list[str]:
    """The sentences of a file's description."""
    text = " ".join(yaml.safe_load(path.read_text())["description"].split())
    return re.split(r"(?<=\.) (?=[A-Z`])", text)


def without_lines(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


@pytest.mark.parametrize("path", [*BUGGY, *HOLDING], ids=stem)
def test_file_is_valid_and_says_what_it_is(path: Path) -> None:
    """A file is valid, bears its own name, and tells its design in three sentences at most."""
    assert read(path).name == path.stem
    assert 1 <= len(sentences(path)) <= 3


def test_each_bug_has_its_twin() -> None:
    """Every bug has a repaired twin, and every twin a bug."""
    assert [path.stem + TAIL for path in BUGGY] == [path.stem for path in REPAIRED]


def test_every_name_of_the_gallery_means_one_file() -> None:
    """Each shipped scenario is found by its bare name."""
    names = Counter(path.name for path in (ROOT / "scenarios").rglob("*.yaml"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", BUGGY, ids=stem)
def test_bug_declares_what_must_be_found(path: Path) -> None:
    """A bug says what goes wrong by a named `sometimes`, and how it is repaired at the end."""
    first = read(path).expect[0]
    assert first.kind == "sometimes"
    assert first.name
    assert re.search(r"\brepairs? (it|both)\.$", sentences(path)[-1])


@pytest.mark.parametrize("path", BUGGY, ids=stem)
def test_only_sometimes_mentions_findings(path: Path) -> None:
    """No `always` or `never` of a bug asks for a finding: a run, which is one order, passes."""
    assert {one.kind for one in filter(asks_for_findings, read(path).expect)} <= {"sometimes"}


@pytest.mark.parametrize("path", HOLDING, ids=stem)
def test_what_holds_always_holds(path: Path) -> None:
    """A repaired twin and a pattern declare what always holds, and no finding."""
    expected = read(path).expect
    assert {one.kind for one in expected} == {"always"}
    assert [one.text for one in filter(asks_for_findings, expected)] == []


@pytest.mark.parametrize("path", HOLDING, ids=stem)
def test_it_passes(path: Path, tmp_path: Path) -> None:
    """A repaired twin or a pattern passes on real executors, with every expectation decided."""
    ran = run(tmp_path, path.read_text())
    assert ran.exit == 0, ran.why
    assert {one["answer"] for one in ran.result["expectations"]} == {"passed"}


@pytest.mark.parametrize("name", STUCK)
def test_stuck_bug_hangs_in_every_run(name: str, tmp_path: Path) -> None:
    """A bug in every order of steps ends a run by its time-out, and its twin is what mends it."""
    text = (BUGS / f"{name}.yaml").read_text()
    text, found = re.subn(r"^timeout: 2s$", "timeout: 400ms", text, flags=re.MULTILINE)
    assert found == 1
    ran = run(tmp_path, text)
    assert (ran.exit, ran.state) == (1, "timed_out"), ran.why


@pytest.mark.parametrize("path", BUGGY, ids=stem)
def test_page_tells_the_same(path: Path) -> None:
    """The page about bugs has a section for each, with the sentences of its file."""
    page = (ROOT / "docs" / "bugs.md").read_text()
    (section,) = re.findall(rf"^### {path.stem}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert without_lines(section) == " ".join(sentences(path))


def test_page_names_every_file() -> None:
    """The page about bugs has a table of all bugs with their twins, and one of the patterns."""
    page = (ROOT / "docs" / "bugs.md").read_text()
    named = re.findall(r"^\| `(.+)\.yaml` \|", page, re.MULTILINE)
    files = [*BUGS.glob("*.yaml"), *PATTERNS.glob("*.yaml")]
    assert sorted(named) == sorted(path.stem for path in files)
