"""Files and folders that may not be read: one sentence that names them, and never our own fault."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from command import completed, scenarios
from refusing import scenarios as forbidden
from refusing import without_override
from running import write

HELLO = "workers: {w: {command: [echo, hello]}}"
RUN = [["run", "case.yaml"], ["run", "--keep", "1", "case.yaml"], ["explore", "case.yaml"]]


def stored(folder: Path) -> Path:
    """The folder of a run that is stored under `folder`, with its scenario."""
    write(folder, HELLO)
    assert scenarios("run", "case.yaml", cwd=folder).returncode == 0
    return next((folder / ".scenarios" / "runs").iterdir())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored run that is only looked at."""
    return stored(tmp_path_factory.mktemp("unreadable"))


def asked(run: Path, place: Path, words: Sequence[str]) -> CompletedProcess[str]:
    """The command where the run was stored, while nobody may go to a place."""
    place.chmod(0)
    try:
        filled = [word.format(run=run.name, path=run) for word in words]
        return forbidden(*filled, cwd=run.parents[2], prepare=without_override)
    finally:
        place.chmod(0o755)


@pytest.mark.parametrize("up", [0, 1], ids=["runs", "all of it"])
@pytest.mark.parametrize(
    "line", ["show", "show {run}", "show {path}", "show --list", "replay {run}", "replay {path}"]
)
def test_where_all_runs_are(up: int, line: str, run: Path) -> None:
    """Reading verbs name the folder; they do not say that there is no run."""
    done = asked(run, run.parents[up], line.split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith(f"scenarios: cannot use {run.parents[1]}/")
    assert done.stderr.endswith(": Permission denied\n")
    assert done.stderr.count("\n") == 1


NO_RESULT = "has no result: it cannot be read (Permission denied)"
SHOWN: list[tuple[str, str, int, str]] = [
    ("", "show", 2, NO_RESULT),
    ("", "show --list", 0, "no result"),
    ("", "show --events", 0, "/segments: Permission denied"),
    ("", "show --output w", 2, "cannot use {path}/outputs/w.stdout: Permission denied"),
    ("", "show --check-model", 3, "unknown: it has no result"),
    ("", "replay {path}", 2, "cannot use {path}/schedules: Permission denied"),
    ("result.json", "show", 2, NO_RESULT),
    ("result.json", "show --list", 0, "no result"),
    ("result.json", "show --events", 0, "hello"),
    ("result.json", "show --output w", 0, "hello"),
    ("outputs", "show", 0, "outputs  cannot be read: Permission denied"),
    ("outputs", "show --output w", 2, "cannot use {path}/outputs/w.stdout: Permission denied"),
    ("events.jsonl", "show", 0, "case: passed"),
    ("events.jsonl", "show --events", 0, "cannot read {path}/events.jsonl: Permission denied"),
    ("events.jsonl", "show --check-model", 3, "unknown: cannot read {path}/events.jsonl: Perm"),
]
"""A part of a run that nobody may read, a command, its exit code, and what it says."""


@pytest.mark.parametrize(("name", "line", "exit_code", "told"), SHOWN)
def test_a_part_of_a_run(name: str, line: str, exit_code: int, told: str, run: Path) -> None:
    """What was stored and may not be read is named; the rest is shown."""
    done = asked(run, run / name, line.split())
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert told.format(path=run) in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", RUN, ids=" ".join)
def test_a_new_run_beside_one_that_cannot_be_read(words: list[str], tmp_path: Path) -> None:
    """It is made, and ends as ever."""
    run = stored(tmp_path)
    run.chmod(0)
    done = forbidden(*words, cwd=tmp_path, prepare=without_override)
    assert done.returncode == (3 if words[0] == "explore" else 0), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["run", "explore", "validate", "list", "show", "replay"])
def test_a_name_that_no_file_can_have(verb: str, tmp_path: Path) -> None:
    """The system's own word is told."""
    done = scenarios(verb, "a" * 300, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"scenarios: cannot use {'a' * 300}: File name too long\n"


@pytest.mark.parametrize("words", ["run", "list", "show", "replay x"])
def test_a_current_folder_that_is_gone(words: str, tmp_path: Path) -> None:
    """It is said; a shell stands in such a folder after somebody else removed it."""
    write(tmp_path, HELLO)
    gone = tmp_path / "gone"
    gone.mkdir()
    words = f"run {tmp_path}/case.yaml" if words == "run" else words
    line = f'rmdir "$PWD" && exec "$0" -m scenarios {words}'
    done = completed("sh", "-c", line, sys.executable, cwd=gone)
    assert done.returncode == 2
    assert done.stderr == "scenarios: cannot use the current folder: No such file or directory\n"
