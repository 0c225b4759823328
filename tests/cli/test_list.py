"""`scenarios list`: what there is to run."""

from __future__ import annotations

import json
from pathlib import Path

from command import scenarios


def test_own_scenarios_come_before_the_shipped_ones(tmp_path: Path) -> None:
    """Name, file and description of each; files that are no scenarios are passed over."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "mine.yaml").write_text("name: my own\ndescription: a\n  b\nworkers: {}\n")
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / "data.yml").write_text("[1, 2]\n")
    done = scenarios("list", cwd=tmp_path)
    assert done.returncode == 0
    head, tail = done.stdout.split("shipped with scenarios:\n")
    assert head == "scenarios/:\n  my own  scenarios/mine.yaml\n          a b\n"
    assert "queue" in tail


def test_faulty_files_are_listed_with_their_fault(tmp_path: Path) -> None:
    """A file that cannot be read stays in the list, with the place of its fault."""
    (tmp_path / "bad.yaml").write_text("workers: {a: [}\n")
    (tmp_path / "tag.yaml").write_text("workers: !!python/object:os.system {}\n")
    done = scenarios("list", ".", cwd=tmp_path)
    assert done.returncode == 0
    assert "bad.yaml:1:" in done.stdout
    assert "tag.yaml:1:10" in done.stdout


def test_nothing_is_imported_or_run(tmp_path: Path) -> None:
    """A call that a file names leaves no trace."""
    (tmp_path / "trap.py").write_text("open('sprung', 'w')\n")
    text = 'workers: {a: {executor: thread, call: "trap:f"}}\nvars: {x: "${env.HOME}"}\n'
    (tmp_path / "a.yaml").write_text(text)
    assert scenarios("list", ".", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "sprung").exists()


def test_json_has_the_same(tmp_path: Path) -> None:
    """`--format json` gives a list of objects."""
    (tmp_path / "a.yaml").write_text("description: d\nworkers: {}\n")
    done = scenarios("list", ".", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout) == [
        {"name": "a", "description": "d", "file": "a.yaml", "fault": None}
    ]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    """No scenario is told in words."""
    assert scenarios("list", ".", cwd=tmp_path).stdout == ".: none\n"
