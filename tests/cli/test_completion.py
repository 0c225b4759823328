"""Shell completion, asked as the shells ask."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command import environment, scenarios
from scenarios import runs


def completed(words: str, cwd: Path) -> list[str]:
    """What follows the last of the words, as bash is told it: `type,value` for each."""
    count = len(words.split(" ")) - 1
    done = scenarios(
        cwd=cwd,
        _SCENARIOS_COMPLETE="bash_complete",
        COMP_WORDS=words,
        COMP_CWORD=str(count),
    )
    return done.stdout.splitlines()


def test_verbs_and_options(tmp_path: Path) -> None:
    """The beginning of a verb or an option is completed."""
    assert completed("scenarios va", tmp_path) == ["plain,validate"]
    assert completed("scenarios run --see", tmp_path) == ["plain,--seed"]
    assert completed("scenarios run --format g", tmp_path) == ["plain,github"]


def test_scenario_files(tmp_path: Path) -> None:
    """Files here, those below scenarios/ and the shipped ones complete; others do not."""
    (tmp_path / "quick.yaml").touch()
    (tmp_path / "quick.txt").touch()
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "quiet.yaml").touch()
    found = completed("scenarios run qui", tmp_path)
    assert found == ["plain,quick.yaml", "plain,quiet.yaml"]
    assert "plain,queue.yaml" in completed("scenarios validate qu", tmp_path)


def test_paths_with_folders_are_left_to_the_shell(tmp_path: Path) -> None:
    """Where a folder could be meant the shell completes files itself."""
    (tmp_path / "designs").mkdir()
    assert completed("scenarios run des", tmp_path) == ["file,des"]
    (tmp_path / "designs" / "a.yaml").touch()
    assert completed("scenarios run designs/", tmp_path) == ["plain,designs/a.yaml"]
    assert completed("scenarios run nowhere/", tmp_path) == [""]


def test_executors(tmp_path: Path) -> None:
    """Executors of the plugins complete after `--executor`."""
    assert "plain,thread" in completed("scenarios run x --executor th", tmp_path)


def test_stored_runs(tmp_path: Path) -> None:
    """`show` completes the ids of stored runs."""
    with runs.create(tmp_path, "queue") as folder:
        assert completed(f"scenarios show {folder.id[:4]}", tmp_path) == [f"plain,{folder.id}"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_of_the_shells(shell: str, tmp_path: Path) -> None:
    """Each shell gets a script, which it takes where the shell is installed."""
    done = scenarios("completion", shell, cwd=tmp_path)
    assert done.returncode == 0
    assert "_SCENARIOS_COMPLETE" in done.stdout
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.stdout)
        subprocess.run([shell, "-n", str(script)], check=True)


def test_bash_completes_a_line(tmp_path: Path) -> None:
    """bash with the script loaded asks the real command and gets the verb."""
    script = tmp_path / "script"
    script.write_text(scenarios("completion", "bash", cwd=tmp_path).stdout)
    command = tmp_path / "scenarios"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m scenarios "$@"\n')
    command.chmod(0o755)
    code = (
        f"source {script}; COMP_WORDS=(scenarios plu); COMP_CWORD=1;"
        f"_scenarios_completion {command} plu scenarios; echo ${{COMPREPLY[@]}}"
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", code],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "plugins"
