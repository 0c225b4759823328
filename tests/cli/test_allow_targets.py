"""`--allow-targets`: files that may call only what is named, as people meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import scenarios

FILE = """\
workers:
  w: {executor: thread, call: "mine:f"}
  v: {command: [touch, sang]}
"""
BESIDE = "import pathlib\npathlib.Path('sang').touch()\ndef f():\n    return 'beside'\n"
# A module of Python that nothing here imports.
OTHER = "def in_table_c11(text):\n    return 'beside'\n"
SHADOWED = """\
workers:
  t: {executor: thread, call: "stringprep:in_table_c11", args: [" "]}
  p: {executor: process, call: "stringprep:in_table_c11", args: [" "]}
  s:
    executor: process
    options: {start_method: spawn}
    call: "stringprep:in_table_c11"
    args: [" "]
"""


EXPLORED = """\
workers:
  t:
    executor: thread
    steps:
      - {call: "stringprep:in_table_c11", args: [" "], into: found, pure: true}
      - assert: found is True
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file and a module beside it."""
    (tmp_path / "a.yaml").write_text(FILE)
    (tmp_path / "mine.py").write_text(BESIDE)
    return tmp_path


@pytest.mark.parametrize("verb", ["run", "validate"])
def test_a_file_is_refused_before_anything_runs(verb: str, folder: Path) -> None:
    """Every fault at its place with what would allow it; exit 2, and nothing was called."""
    done = scenarios(verb, "a.yaml", "--allow-targets", "json", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        'a.yaml:2:31: "call" names "mine:f", and --allow-targets allows json; '
        'to allow it add "mine"',
        'a.yaml:3:17: "command" starts "touch", and --allow-targets allows json; '
        'to allow it add "command:touch"',
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["a.yaml", "mine.py"]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["mine,command:touch"], "mine,command:touch"),
        (["mine", "command:touch"], "mine,command:touch"),
        ([" mine , command:* ,"], "'mine,command:*'"),
    ],
)
def test_what_is_named_runs(words: list[str], kept: str, folder: Path) -> None:
    """The option takes a list and may be repeated; the command to repeat a run has it, too."""
    options = [part for word in words for part in ("--allow-targets", word)]
    done = scenarios("run", "a.yaml", "--format", "json", *options, cwd=folder)
    result = json.loads(done.stdout)
    assert (done.returncode, result["workers"]["w"]["result"]) == (0, "beside")
    assert f" --allow-targets {kept}" in result["again"]


def test_the_environment_limits_where_the_option_does_not(folder: Path) -> None:
    """SCENARIOS_ALLOW_TARGETS is what holds without the option; empty it allows nothing."""
    both = "mine,command:touch"

    def run(value: str, *options: str) -> int:
        done = scenarios("run", "a.yaml", *options, cwd=folder, SCENARIOS_ALLOW_TARGETS=value)
        return done.returncode

    assert [run(both), run("json"), run("")] == [0, 2, 2]
    assert [run("json", "--allow-targets", both), run(both, "--allow-targets", "json")] == [0, 2]


def test_a_slip_in_the_list_is_told(folder: Path) -> None:
    """A name that is none is a mistake of the command line."""
    done = scenarios("run", "a.yaml", "--allow-targets", "os.*", cwd=folder)
    assert done.returncode == 2
    assert "scenarios: --allow-targets takes MODULE, MODULE:NAME" in done.stderr


def test_a_module_beside_the_file_stands_for_no_installed_one(tmp_path: Path) -> None:
    """Under a limit the installed module is called, on whatever executor; else the one beside."""
    (tmp_path / "stringprep.py").write_text(OTHER)
    (tmp_path / "a.yaml").write_text(SHADOWED)

    def results(*options: str) -> list[object]:
        done = scenarios("run", "a.yaml", "--format", "json", *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return [worker["result"] for worker in json.loads(done.stdout)["workers"].values()]

    assert results("--allow-targets", "stringprep") == [True, True, True]
    assert results() == ["beside", "beside", "beside"]


def test_exploring_calls_the_installed_module_as_well(tmp_path: Path) -> None:
    """Calls of an exploration are those of a run."""
    (tmp_path / "stringprep.py").write_text(OTHER)
    (tmp_path / "a.yaml").write_text(EXPLORED)
    limited = scenarios("explore", "a.yaml", "--allow-targets", "stringprep", cwd=tmp_path)
    assert (limited.returncode, limited.stderr) == (0, "")
    assert scenarios("explore", "a.yaml", cwd=tmp_path).returncode == 1
    refused = scenarios("explore", "a.yaml", "--allow-targets", "json", cwd=tmp_path)
    assert refused.returncode == 2
