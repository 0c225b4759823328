"""What the README shows is run for real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def scenarios(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder; standard error is part of its output."""
    return subprocess.run(
        [sys.executable, "-m", "scenarios", *words],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def comparable(output: str) -> list[str]:
    """The lines without what differs from run to run: numbers, identifiers of runs, spaces.

    Sorted, since workers take turns as they like.
    """
    lines = (
        re.sub(r"\b[0-9][\w.:-]*( (ms|s|us|µs)\b)?", "#", line) for line in output.splitlines()
    )
    return sorted(" ".join(line.split()) for line in lines if line.strip())


def test_first_scenario_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """The scenario at the top has at most 15 lines and prints what stands under it."""
    text, shown = blocks("yaml")[0], blocks("console")[0]
    assert len(text.splitlines()) <= 15
    (tmp_path / "hello.yaml").write_text(text)
    command, _, output = shown.partition("\n")
    assert command == "$ scenarios run hello.yaml"
    done = scenarios(tmp_path, "run", "hello.yaml")
    assert done.returncode == 0, done.stdout
    assert comparable(done.stdout) == comparable(output)


def test_exploring_prints_what_the_readme_shows() -> None:
    """The tutorial's own unread message, with its schedule, labelled as hidden by sleeps."""
    command, _, output = blocks("console")[1].partition("\n")
    assert command == "$ scenarios explore scenarios/tutorial/queue.yaml"
    assert "(hidden by sleeps)" in output
    done = scenarios(ROOT, *command.split()[2:])
    assert done.returncode == 0, done.stdout
    assert comparable(done.stdout) == comparable(output)


def test_own_executor(tmp_path: Path) -> None:
    """The executor of the README, 20 lines without empty ones, runs the scenario beside it."""
    (plugin,) = blocks("python")
    assert len([line for line in plugin.splitlines() if line.strip()]) <= 20
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "mine.py").write_text(plugin)
    (tmp_path / "own.yaml").write_text(blocks("yaml")[1])
    done = scenarios(tmp_path, "run", "--plugins-dir", "plugins", "own.yaml")
    assert done.returncode == 0, done.stdout
    without = scenarios(tmp_path, "run", "own.yaml")
    assert without.returncode == 2, without.stdout


def test_commands_for_a_fresh_machine() -> None:
    """There are two commands that do all of their set-up, and what they name is there."""
    commands = re.findall(r"^ +(python3 -m venv .*)$", README, re.MULTILINE)
    run, tests = commands
    assert (ROOT / run.split()[-1]).is_file()
    assert "'.[test]'" in tests and "-m pytest" in tests
