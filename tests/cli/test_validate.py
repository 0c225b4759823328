"""`scenarios validate`, `plugins` and `schema`."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from command import scenarios

FIVE = """\
qeues: {}
workers:
  a:
    executor: thred
    steps:
      - {putt: q}
      - {get: nowhere, into: x}
expect: [workers.b.state == 'succeeded']
"""
GOOD = 'workers: {a: {executor: thread, call: "trap:f"}}\n'


def test_five_faults_are_five_lines(tmp_path: Path) -> None:
    """All faults of a file are told at once, at their places, and in every format."""
    (tmp_path / "five.yaml").write_text(FIVE)
    done = scenarios("validate", "five.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    places = [line.split(": ")[0] for line in done.stderr.splitlines()]
    lines = [f"five.yaml:{line}" for line in (1, 4, 6, 7, 8)]
    assert [place.rpartition(":")[0] for place in places] == lines
    done = scenarios("validate", "five.yaml", "--format", "json", cwd=tmp_path)
    faults = json.loads(done.stdout)["faults"]
    assert [f"{one['file']}:{one['line']}:{one['column']}" for one in faults] == places
    done = scenarios("validate", "five.yaml", "--format", "github", cwd=tmp_path)
    assert len(done.stdout.splitlines()) == 5
    done = scenarios("validate", "five.yaml", "--format", "junit", cwd=tmp_path)
    assert len(ElementTree.fromstring(done.stdout).findall(".//error")) == 5


def test_right_files_are_one_line_each(tmp_path: Path) -> None:
    """A right file is told with its number of scenarios, also beside a wrong one."""
    (tmp_path / "a.yaml").write_text("matrix: {n: [1, 2]}\n" + GOOD)
    (tmp_path / "b.yaml").write_text("workers: 3\n")
    done = scenarios("validate", "a.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a.yaml: ok (2 scenarios)\n", "")
    done = scenarios("validate", "b.yaml", "a.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "a.yaml: ok (2 scenarios)\n")


def test_executors_can_be_tried(tmp_path: Path) -> None:
    """`--executor` is checked as for a run; a wrong one is exit 2 with the nearest."""
    (tmp_path / "a.yaml").write_text("workers: {a: {executor: thread, steps: []}}\n")
    assert scenarios("validate", "a.yaml", "--executor", "process", cwd=tmp_path).returncode == 0
    done = scenarios("validate", "a.yaml", "--executor", "proces", cwd=tmp_path)
    assert done.returncode == 2
    assert '"process"' in done.stderr


def test_plugins_are_listed_with_their_origin(tmp_path: Path) -> None:
    """Built-in and own executors with where they come from, and broken plugins with why."""
    (tmp_path / "own.py").write_text(
        "import scenarios\n"
        "@scenarios.hookimpl\n"
        "def scenarios_executors():\n"
        "    return [scenarios.ExecutorSpec('mine', 'own:Mine', 'my own')]\n"
    )
    (tmp_path / "torn.py").write_text("1 / 0\n")
    done = scenarios("plugins", "--plugins-dir", ".", cwd=tmp_path)
    assert done.returncode == 0
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]  # widths fit the longest
    assert "thread built in a thread of the engine's process" in rows
    assert "mine own.py my own" in rows
    assert "ZeroDivisionError" in done.stdout.split("broken\n")[1]
    words = ("plugins", "--plugins-dir", ".", "--format", "json", "-p", "no:torn")
    found = json.loads(scenarios(*words, cwd=tmp_path).stdout)
    mine = next(one for one in found["executors"] if one["name"] == "mine")
    assert mine["origin"] == "own.py" and mine["capabilities"]["reach"] == "process"
    assert found["broken"] == []


def test_the_schema_is_json_with_the_executors(tmp_path: Path) -> None:
    """The schema names the executors and the keys of a file, with descriptions."""
    schema = json.loads(scenarios("schema", cwd=tmp_path).stdout)
    text = json.dumps(schema)
    assert "workers" in schema["properties"]
    assert '"thread"' in text and '"description"' in text
