"""Standard output and error on a disk that is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from command import environment, scenarios
from running import write

WORDS = {
    "run": ("run", "case.yaml"),
    "json": ("run", "case.yaml", "--format", "json"),
    "show": ("show",),
    "events": ("show", "--events"),
    "list": ("show", "--list"),
    "validate": ("validate", "case.yaml"),
    "version": ("--version",),
    "help": ("run", "--help"),
}
OFTEN = {"json", "events", "version"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario and a run of it."""
    path = tmp_path_factory.mktemp("output")
    write(path, "workers: {w: {executor: thread, steps: []}}")
    assert scenarios("run", "case.yaml", cwd=path).returncode == 0
    return path


def redirected(
    where: str, folder: Path, *words: str, **other: str
) -> subprocess.CompletedProcess[str]:
    """The real command with a stream sent somewhere by the shell."""
    return subprocess.run(
        ["bash", "-c", f'exec "$0" "$@" {where}', sys.executable, "-m", "scenarios", *words],
        cwd=folder,
        env=environment(**other),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


RUN = ("run", "all.yaml")
ALL = "<&- >&- 2>&-"


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        *((RUN, closed) for closed in ("<&-", ">&-", "2>&-", ALL)),
        *((words, ALL) for words in (("show",), ("list",), ("--version",))),
    ],
)
def test_streams_that_are_closed(words: tuple[str, ...], closed: str, tmp_path: Path) -> None:
    """They lead nowhere: nothing fails, and what workers print is where it belongs."""
    (tmp_path / "all.yaml").write_text(EVERYBODY)
    (tmp_path / "mine.py").write_text("def say():\n    print('from code', flush=True)\n")
    if words == ("show",):
        assert scenarios("run", "all.yaml", cwd=tmp_path).returncode == 0
    done = redirected(closed, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert bool(done.stdout) == (">&-" not in closed.split())
    if words[0] == "run":
        (folder,) = (tmp_path / ".scenarios" / "runs").glob("[0-9]*")
        outputs = {path.name: path.read_text() for path in folder.glob("outputs/*")}
        assert outputs == {
            "c.stdout": "from a command\n",
            "p.stdout": "from code\n",
            "t.stdout": "from code\n",
        }


EVERYBODY = """\
queues: {q: {}}
workers:
  c: {command: [sh, -c, "echo from a command; cat"]}
  p: {executor: process, steps: [{call: "mine:say"}, {put: q, value: 1}]}
  t:
    executor: thread
    steps:
      - {run: [sh, -c, "echo from a step; cat"], into: said}
      - {get: q}
      - {call: "mine:say"}
      - {return: "${said}"}
expect: ["'from a step' in str(workers.t.result)"]
"""


@pytest.mark.parametrize(
    "what",
    [pytest.param(what, marks=() if what in OFTEN else pytest.mark.slow) for what in WORDS],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_results_that_cannot_be_written(what: str, unbuffered: str, folder: Path) -> None:
    """Are exit 1 with one sentence, whatever was asked for."""
    done = redirected("> /dev/full", folder, *WORDS[what], PYTHONUNBUFFERED=unbuffered)
    *_, last = done.stderr.splitlines()
    assert last == "scenarios: cannot write standard output: No space left on device"
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["json", pytest.param("events", marks=pytest.mark.slow)])
def test_progress_that_cannot_be_written(what: str, folder: Path) -> None:
    """Is not missed: the results are there, and the exit code is that of the run."""
    done = redirected("2> /dev/full", folder, *WORDS[what])
    assert done.returncode == 0
    assert done.stdout


@pytest.mark.parametrize("what", ["json", "events"])
def test_a_reader_that_leaves_is_no_fault(what: str, folder: Path) -> None:
    """Nothing is said where nobody reads on."""
    done = redirected("| head -c 1", folder, *WORDS[what])
    assert (done.returncode, len(done.stdout)) == (0, 1)
    assert "scenarios:" not in done.stderr
    assert "Traceback" not in done.stderr
