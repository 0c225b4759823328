"""The command line as a whole: version, help, words that are wrong, errors and streams."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from command import environment, scenarios
from scenarios.cli import VERSION
from scenarios.cli.app import HELP, VERBS, start


def test_version_is_that_of_the_distribution(tmp_path: Path) -> None:
    """`--version` and `-V` print what the package's metadata say."""
    for option in ("--version", "-V"):
        done = scenarios(option, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, f"scenarios {version('scenarios-engine')}\n")
    assert version("scenarios-engine") == VERSION


def test_version_imports_nothing_heavy(tmp_path: Path) -> None:
    """`--version` loads neither click nor any other dependency."""
    code = (
        "import sys; from scenarios.cli import main; main(['--version']);"
        "print(sorted({n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    loaded = set(re.findall(r"'(\w+)'", done.stdout))
    known = {"__main__", "scenarios", "sitecustomize", "_distutils_hack", "coverage"}
    assert loaded - {"a1_coverage"} <= known


@pytest.mark.slow
def test_version_is_quick() -> None:
    """`--version` takes at most five times as long as a Python that does nothing."""

    def median(*words: str) -> float:
        times = []
        for _ in range(11):
            begin = time.perf_counter()
            subprocess.run([sys.executable, *words], env=environment(), check=True)
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    assert median("-m", "scenarios", "--version") <= 5 * median("-c", "pass")


def test_help_teaches(tmp_path: Path) -> None:
    """The help has examples, exit codes and all verbs; each verb has examples of its own."""
    text = scenarios("--help", cwd=tmp_path).stdout
    assert "Examples:" in text and "130  stopped by Ctrl-C" in text
    for verb in VERBS:
        assert re.search(rf"│ {verb} +\w", text)
        done = scenarios(verb, "-h", cwd=tmp_path)
        assert done.returncode == 0
        assert f"scenarios {verb} " in done.stdout


def test_no_words_is_help_and_exit_2(tmp_path: Path) -> None:
    """A command line without a verb is wrong, and told how it goes."""
    done = scenarios(cwd=tmp_path)
    assert done.returncode == 2
    assert "Usage: scenarios" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], 'scenarios: no verb "rnu"; did you mean "run"?'),
        (["zzz"], 'scenarios: no verb "zzz"; there are run, explore, replay, validate, list'),
        (["--verzion"], 'scenarios: no option "--verzion"; did you mean "--version"?'),
        (["run", "x", "--sed", "1"], 'scenarios run: no option "--sed"; did you mean "--seed"?'),
        (["run"], "scenarios run: missing argument 'FILE...'"),
        (["run", "x", "--seed", "a"], "scenarios run: invalid value for '--seed': 'a' is not"),
        (["run", "x", "--format", "xml"], "scenarios run: invalid value for '--format': 'xml'"),
        (["run", "queue.yaml", "--set", "3"], '--set takes KEY=VALUE, not "3"'),
        (["run", "queue.yaml", "--set", "pause=[1"], "--set pause: "),
        (["run", "queue.yaml", "--set", "paus=1"], '"paus"'),
        (["run", "queue.yaml", "--executor", ":w"], "--executor takes NAME or NAME:WORKER"),
        (["run", "queue.yaml", "-p", "yes:x"], '-p takes no:NAME, not "yes:x"'),
        (["plugins", "--plugins-dir", "nowhere"], "there is no folder nowhere"),
        (["list", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_wrong_words_are_told_with_exit_2(
    words: list[str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every wrong word is one line on standard error that says what is allowed."""
    assert start(words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert message in err
    assert len([line for line in err.splitlines() if message in line]) == 1


def test_a_reader_that_leaves_is_no_fault(tmp_path: Path) -> None:
    """`scenarios list | head -1` ends without a traceback."""
    done = subprocess.run(
        f"{sys.executable} -m scenarios list | head -1",
        shell=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_text_that_the_terminal_does_not_know_is_escaped(tmp_path: Path) -> None:
    """A description in Japanese is listed even where standard output is Latin 1."""
    (tmp_path / "a.yaml").write_text("description: 日本\nworkers: {}\n", encoding="utf-8")
    done = scenarios("list", ".", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert "\\u65e5\\u672c" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_help_fits_a_narrow_terminal(verb: str) -> None:
    """No line of a help text is longer than 80 columns show."""
    text = import_module(f"scenarios.cli.{verb}").HELP
    assert [line for line in (text + HELP).splitlines() if len(line) > 77] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_documented(verb: str) -> None:
    """Each option stands in the part of docs/command-line.md about its verb, or is said there."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    part = page.split(f"## `scenarios {verb}`")[1].split("\n## ")[0]
    for param in import_module(f"scenarios.cli.{verb}").command.params:
        names = [name for name in param.opts if name.startswith("-")]
        assert not names or any(f"`{name}" in part for name in names), names
