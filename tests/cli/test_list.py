"""`scenarios list`: what there is to run."""

from __future__ import annotations

import json
import os
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


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    """A pipe that nobody writes to and a device that never ends hold nobody up."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "lost.yaml").symlink_to("nowhere")
    done = scenarios("list", ".", cwd=tmp_path, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        ".:\n  lost  lost.yaml\n        cannot be read: No such file or directory\n"
    )


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
