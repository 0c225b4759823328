"""What exploring each known-bad design, each repaired twin and each pattern must answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from running import SPECS
from scenarios import plan
from scenarios.explore.exploring import Exploration, Settings, explore
from scenarios.loading import load

GALLERY = Path(__file__).parents[2] / "scenarios"
BUGS = GALLERY / "bugs"
TAIL = "-repaired"

PROVED, DECLARED = "proved", "declared"
WARNINGS = frozenset({"unread_item", "serializable", "data_race", "lock_order"})
"""What these find fails nothing; a bug may show more of it than the table says."""

Answer = tuple[int, frozenset[str], str]
"""The exit, the checkers that must find something, the verdict."""


def declared(*kinds: str) -> Answer:
    """An error that the file itself declares."""
    return 0, frozenset(kinds), DECLARED


def state(*kinds: str) -> Answer:
    """A state or a warning that the file says to be possible, with the warnings that come along."""
    return 0, frozenset(kinds), PROVED


LOST = state("serializable", "data_race")
HOLDS: Answer = (0, frozenset(), PROVED)

EXPECTED: Mapping[str, Answer] = {
    "aba": state(),
    "after-you": declared("livelock"),
    "barrier-parties": declared("deadlock"),
    "broken-ring": declared("deadlock"),
    "check-then-get": declared("deadlock"),
    "flag-cleared-late": declared("deadlock"),
    "flag-pulse": declared("deadlock"),
    "forgotten-release": declared("deadlock"),
    "full-ring": declared("deadlock"),
    "half-made": LOST,
    "item-in-hand": state("unread_item"),
    "last-one-out": state("serializable"),
    "locked-apart": state("serializable"),
    "lost-update": LOST,
    "lost-wakeup": declared("deadlock"),
    "missed-row": state("serializable"),
    "nested-monitor": declared("deadlock"),
    "one-sentinel": declared("deadlock"),
    "overdraft": state("serializable"),
    "permit-leak": declared("leak"),
    "peterson": state("serializable"),
    "philosophers": declared("deadlock"),
    "pool-deadlock": declared("deadlock"),
    "release-by-stranger": declared("mutual_exclusion"),
    "self-deadlock": declared("deadlock"),
    "stale-copy": declared("livelock"),
    "stale-local": declared("isolation"),
    "stop-unseen": declared("deadlock", "unread_item"),
    "task-done-forgotten": declared("deadlock"),
    "three-locks": declared("deadlock"),
    "torn-read": state("serializable"),
    "two-guards": LOST,
    "two-leaders": LOST,
    "two-locks": declared("deadlock"),
    "unordered-results": state(),
    "unread-message": state("unread_item"),
    "upgrade-deadlock": declared("deadlock"),
    "wait-once": state("serializable"),
    "waiting-with-lock": declared("deadlock"),
    "write-skew": LOST,
    "writer-passed-over": state("serializable"),
    "wrong-waiter": declared("deadlock"),
}


def explored(path: Path) -> Exploration:
    """What there is to find in a file."""
    (scenario,) = load(path, specs=SPECS).scenarios
    return explore(plan.make(scenario, specs=SPECS, seed=1), Settings())


def kinds_of(found: Exploration) -> frozenset[str]:
    """The checkers that found something."""
    return frozenset(name for kind, name in found.covered.sights if kind == "found")


def test_table_names_every_bug() -> None:
    """Each bug of the gallery has its row, and each row its bug."""
    files = {path.stem for path in BUGS.glob("*.yaml") if not path.stem.endswith(TAIL)}
    assert set(EXPECTED) == files


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_bug_is_found_as_declared(name: str) -> None:
    """Exploring a bug finds what its file declares, and no other error."""
    code, kinds, verdict = EXPECTED[name]
    found = explored(BUGS / f"{name}.yaml")
    assert (found.exit, found.verdict) == (code, verdict)
    assert kinds - kinds_of(found) == frozenset()
    assert kinds_of(found) - WARNINGS == kinds - WARNINGS


@pytest.mark.parametrize(
    "path",
    sorted([*BUGS.glob(f"*{TAIL}.yaml"), *(GALLERY / "patterns").glob("*.yaml")]),
    ids=lambda path: path.stem,
)
def test_what_is_repaired_holds(path: Path) -> None:
    """Exploring a repaired twin or a pattern proves what it declares, without even a warning."""
    found = explored(path)
    assert (found.exit, kinds_of(found), found.verdict) == HOLDS
