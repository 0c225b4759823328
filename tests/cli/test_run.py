"""`scenarios run`, as a real command on real files."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from command import environment, scenarios

DOCS = Path(__file__).parents[2] / "docs"

GOOD = """\
name: good
vars: {letters: [A, B]}
queues: {q: {}}
workers:
  writer:
    executor: thread
    steps:
      - for_each: ${vars.letters}
        as: letter
        steps: [{put: q, value: "${letter}"}, {log: "put ${letter}"}]
  reader:
    executor: thread
    steps: [{get: q, into: a}, {get: q, into: b}, {return: ["${a}", "${b}"]}]
expect:
  - workers.reader.result == vars.letters
  - {sometimes: queues.q.left > 0}
"""

BAD = """\
name: bad
workers:
  w:
    executor: thread
    steps:
      - log: on my way
      - fail: no more
expect: [workers.w.result == 1]
"""

REFUSED = """\
workers:
  w: {executor: thred, steps: []}
"""

SLOW = """\
name: slow
workers:
  w: {executor: thread, steps: [{sleep: 30}]}
"""

MATRIX = """\
name: matrix
matrix: {n: [1, 2], s: [x, "3"]}
workers:
  w: {executor: thread, steps: [{return: "${matrix.n}"}]}
expect: [workers.w.result == 1]
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with one file of each kind."""
    for name, text in (("good", GOOD), ("bad", BAD), ("refused", REFUSED), ("slow", SLOW)):
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    return tmp_path


def result(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON of a run."""
    return json.loads(done.stdout)


def test_a_run_that_passes(here: Path) -> None:
    """Progress on standard error, the summary on standard output, exit 0."""
    done = scenarios("run", "good.yaml", cwd=here)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +\d\.\d{3}  writer  put A$", done.stderr, re.MULTILINE)
    assert re.search(r"^ +\d\.\d{3}  reader  \* succeeded after ", done.stderr, re.MULTILINE)
    assert "> put" not in done.stderr
    assert re.match(r"good: passed in .* \(seed \d+\)\n", done.stdout)
    assert "  queue  q  2 put, 2 got, 0 left\n" in done.stdout
    assert "unknown  sometimes queues.q.left > 0" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_verbose_shows_operations_and_quiet_nothing(here: Path) -> None:
    """`-v` adds operations to the progress; `-q` leaves one line."""
    done = scenarios("run", "good.yaml", "-v", cwd=here)
    assert '> put q "A"  line=10\n' in done.stderr
    assert re.search(r'< get q "A"  line=13$', done.stderr, re.MULTILINE)
    done = scenarios("run", "good.yaml", "-q", cwd=here)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_failure_can_be_repeated(here: Path) -> None:
    """What failed is told with its line, and the last line is a command that fails likewise."""
    done = scenarios("run", "bad.yaml", "--seed", "7", cwd=here)
    assert done.returncode == 1
    assert '  bad.yaml:7: worker "w" failed: no more\n' in done.stdout
    assert "  bad.yaml:8: workers.w.result == 1 does not hold\n" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last == "to repeat it: scenarios run bad.yaml --seed 7"
    again = scenarios(*shlex.split(last)[4:], cwd=here)
    assert again.returncode == 1
    assert "(seed 7)" in again.stdout


def test_a_refused_file_lets_nothing_run(here: Path) -> None:
    """All faults are told, exit 2, and no run is stored, also where another file is right."""
    done = scenarios("run", "good.yaml", "refused.yaml", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("refused.yaml:2:17: ")
    assert 'did you mean "thread"?' in done.stderr
    assert not (here / ".scenarios").exists()


def test_json_has_the_names_of_expectations(here: Path) -> None:
    """One scenario is one object, whose paths are those that expectations use."""
    found = result(scenarios("run", "good.yaml", "--format", "json", cwd=here))
    assert found["workers"]["reader"]["result"] == ["A", "B"]
    assert found["queues"]["q"]["left"] == 0
    assert found["expectations"][0]["answer"] == "passed"
    assert found["exit"] == 0
    assert found["again"].startswith("scenarios run good.yaml --seed ")
    stored = json.loads((Path(found["run"]["folder"]) / "result.json").read_text())
    assert stored == found


def test_a_matrix_is_a_list_and_one_value_can_be_picked(here: Path) -> None:
    """Four combinations give four objects; the command that repeats one picks it alone."""
    done = scenarios("run", "matrix.yaml", "--format", "json", cwd=here)
    assert done.returncode == 1
    found = result(done)
    assert [one["exit"] for one in found] == [0, 0, 1, 1]
    again = scenarios(*shlex.split(found[3]["again"])[1:], "--format", "json", cwd=here)
    assert result(again)["matrix"] == {"n": 2, "s": "3"}


def test_changes_from_the_command_line(here: Path) -> None:
    """`--set` gives another value, `--executor` another executor, and both are repeated."""
    words = ("--set", "letters=[C, D]", "--executor", "process:writer", "--seed", "3")
    done = scenarios("run", "good.yaml", *words, "--format", "json", cwd=here)
    assert done.returncode == 0, done.stderr
    found = result(done)
    assert found["workers"]["reader"]["result"] == ["C", "D"]
    assert found["again"] == (
        "scenarios run good.yaml --seed 3 --set 'letters=[C, D]' --executor process:writer"
    )


def test_other_formats(here: Path) -> None:
    """JUnit counts the failures of all scenarios, GitHub annotates their lines."""
    done = scenarios("run", "good.yaml", "bad.yaml", "--format", "junit", cwd=here)
    assert done.returncode == 1
    suites = ElementTree.fromstring(done.stdout).findall("testsuite")
    assert suites[0].get("failures") == "0"
    assert suites[1].find("testcase/failure") is not None
    done = scenarios("run", "bad.yaml", "--format", "github", cwd=here)
    assert "::error file=bad.yaml,line=7,title=bad::" in done.stdout


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_stop_from_outside(here: Path, number: int, code: int, word: str) -> None:
    """The run ends at once, says what was running, and what is left is not run."""
    child = subprocess.Popen(
        [sys.executable, "-m", "scenarios", "run", "slow.yaml", "good.yaml"],
        cwd=here,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    while "w  * started" not in (line := child.stderr.readline()):
        assert line
    child.send_signal(number)
    out, _ = child.communicate(timeout=20)
    assert child.returncode == code
    assert out.startswith(f"slow: {word} in ")
    assert "w ran" in out
    assert "good" not in out


def test_an_unwritable_run_folder_is_exit_2(here: Path) -> None:
    """Nothing runs where the run cannot be stored, and the place is named."""
    (here / "blocked").write_text("a file")
    done = scenarios("run", "good.yaml", "--run-dir", "blocked/x", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write the run folder" in done.stderr
    assert "--run-dir DIR" in done.stderr


def test_run_dir_and_keep(here: Path) -> None:
    """Runs are stored where `--run-dir` says; `--keep` leaves the newest of the old ones."""
    for _ in range(3):
        scenarios("run", "good.yaml", "-q", "--run-dir", "store", "--keep", "2", cwd=here)
    assert len(list((here / "store" / ".scenarios" / "runs").iterdir())) == 2
    scenarios("run", "matrix.yaml", "-q", "--run-dir", "store", "--keep", "1", cwd=here)
    names = [path.name for path in (here / "store" / ".scenarios" / "runs").iterdir()]
    assert len(names) == 4 and all("matrix" in name for name in names)


def test_a_shipped_scenario_runs_in_any_folder(tmp_path: Path) -> None:
    """Its name is enough, and which file was taken is said."""
    done = scenarios("run", "thread", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^scenarios: thread is /.*thread\.yaml \(shipped\)$", done.stderr, re.M)


def test_broken_plugins_are_named_and_harm_nobody(here: Path) -> None:
    """A plugin that cannot be imported is a warning; a scenario without it runs."""
    (here / "plugs").mkdir()
    (here / "plugs" / "torn.py").write_text("import nowhere_at_all\n")
    done = scenarios("run", "good.yaml", "-q", "--plugins-dir", "plugs", cwd=here)
    assert done.returncode == 0
    assert "scenarios: the plugin torn" in done.stderr
    assert "nowhere_at_all" in done.stderr
    words = ("--plugins-dir", "plugs", "-p", "no:torn")
    assert scenarios("run", "good.yaml", "-q", *words, cwd=here).stderr == ""


def test_a_plugin_that_breaks_its_contract_is_exit_70(here: Path) -> None:
    """An executor that raises fails its scenario with 70, and the others still run."""
    (here / "plugs").mkdir()
    (here / "plugs" / "odd.py").write_text(
        "import scenarios\n"
        "class Odd:\n"
        "    def start(self, plan, ports): raise RuntimeError('odd')\n"
        "@scenarios.hookimpl\n"
        "def scenarios_executors():\n"
        "    return [scenarios.ExecutorSpec('odd', 'odd:Odd', 'an odd one')]\n"
    )
    (here / "odd.yaml").write_text("workers: {w: {executor: odd, steps: []}}\n")
    words = ("odd.yaml", "good.yaml", "-q", "--plugins-dir", "plugs")
    done = scenarios("run", *words, cwd=here)
    assert done.returncode == 70
    assert done.stdout.startswith("odd: broken")
    assert "good: passed" in done.stdout


def test_colours_on_a_terminal(here: Path) -> None:
    """On a terminal both streams have colours, and lines fit its width."""
    reader, writer = pty.openpty()
    env = environment(TERM="xterm", COLUMNS="80")
    del env["NO_COLOR"]
    child = subprocess.Popen(
        [sys.executable, "-m", "scenarios", "run", "good.yaml"],
        cwd=here,
        env=env,
        stdout=writer,
        stderr=writer,
        stdin=subprocess.DEVNULL,
    )
    os.close(writer)
    text = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            data = os.read(reader, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    os.close(reader)
    assert child.wait(30) == 0
    assert b"\x1b[32mpassed\x1b[0m" in text
    assert b"\x1b[36m writer" in text
    plain = re.sub(rb"\x1b\[\d+m", b"", text).decode().splitlines()
    assert all(len(line) <= 80 for line in plain if not line.startswith("folder"))


def test_every_kind_of_event_is_documented(here: Path) -> None:
    """Each kind that runs record stands in docs/events.md, with an example line."""
    page = (DOCS / "events.md").read_text()
    scenarios("run", "good.yaml", "-q", cwd=here)
    scenarios("run", "bad.yaml", "-q", cwd=here)
    kinds = set()
    for path in (here / ".scenarios" / "runs").glob("*/events.jsonl"):
        kinds |= {json.loads(line)["event"] for line in path.read_text().splitlines()}
    assert {"invoke", "ok", "log", "run_started", "worker_ended"} <= kinds
    for kind in kinds:
        assert f"| `{kind}` |" in page
        assert f'"event":"{kind}"' in page


def test_a_setting_may_belong_to_one_of_several_files(tmp_path: Path) -> None:
    """`--set` of a name that one file has goes to that one; a name of none of them is refused."""
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "two.yaml").write_text(
        GOOD.replace("vars: {letters: [A, B]}", "vars: {other: 1}")
        .replace("${vars.letters}", "[A, B]")
        .replace("vars.letters", "['A', 'B']")
    )
    both = scenarios("run", "one.yaml", "two.yaml", "--set", "letters=[C, D]", cwd=tmp_path)
    neither = scenarios("run", "one.yaml", "two.yaml", "--set", "lettres=[C, D]", cwd=tmp_path)
    assert both.returncode == 0, both.stderr
    assert neither.returncode == 2
    assert 'no var "lettres"' in neither.stderr and 'did you mean "letters"' in neither.stderr
