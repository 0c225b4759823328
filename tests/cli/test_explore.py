"""`scenarios explore` and `scenarios replay` as people use them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import completed, environment, scenarios

LOCKS = """\
name: locks
locks: {a: {}, b: {}}
workers:
  one: {executor: thread, steps: [{with: a, steps: [{with: b, steps: []}]}]}
  two: {executor: thread, steps: [{with: b, steps: [{with: a, steps: []}]}]}
"""

ENDLESS = """\
values: {n: 0}
workers:
  w: {executor: thread, steps: [{forever: , steps: [{update: n, to: old + 1}]}]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a scenario that can deadlock."""
    (tmp_path / "locks.yaml").write_text(LOCKS)
    return tmp_path


def test_a_bug_is_told_with_its_schedule_and_how_to_see_it_again(folder: Path) -> None:
    """Verdict, place, who waits, the steps as a table, and last the command."""
    done = scenarios("explore", "locks.yaml", cwd=folder)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("locks: bug, ")
    assert lines[1] == (
        "locks.yaml:4: deadlock: nobody can go on, in a circle: one -> two -> one "
        "(1 preemption, 2 steps)"
    )
    assert lines[4].split() == ["step", "one", "two"]
    assert lines[5].split() == ["1", "4:", "acquire", "a"]
    words = lines[-1].removeprefix("to repeat it: scenarios ").split()
    again = scenarios(*words, cwd=folder)
    assert again.returncode == 1
    assert "in a circle: one -> two -> one" in again.stdout


def test_a_replay_gives_the_same_each_time(folder: Path) -> None:
    """Byte for byte."""
    scenarios("explore", "locks.yaml", cwd=folder)
    first = scenarios("replay", "latest", "--schedule", "deadlock", cwd=folder)
    assert (first.returncode, first.stderr) == (1, "")
    for _ in range(2):
        again = scenarios("replay", "latest", "--schedule", "deadlock", cwd=folder)
        assert again.stdout == first.stdout


def test_every_schedule_that_is_kept_is_replayed(tmp_path: Path) -> None:
    """Also that of an expectation which nobody wrote, and which a crash breaks."""
    (tmp_path / "crash.yaml").write_text("workers: {w: {executor: thread, steps: [{fail: oh}]}}")
    done = scenarios("explore", "crash.yaml", "--format", "json", cwd=tmp_path)
    result = json.loads(done.stdout)
    (checked,) = [one for one in result["findings"] if one["checker"] == "crash"]
    (broken,) = result["expectations"]
    for one in (checked, broken):
        again = scenarios(*one["replay"].split()[1:], cwd=tmp_path)
        assert (again.returncode, again.stderr) == (1, "")
    assert scenarios("replay", "latest", cwd=tmp_path).returncode == 1


def test_a_replay_on_real_threads(folder: Path) -> None:
    """They go the same way, and are stuck where the machine says."""
    scenarios("explore", "locks.yaml", cwd=folder)
    done = scenarios("replay", "latest", "--schedule", "deadlock", "--real", cwd=folder)
    assert done.returncode == 1
    assert (
        "note: real threads went the same way to the same end, and are stuck there: "
        "one (line 4), two (line 5)" in done.stdout
    )


def test_a_run_is_checked_against_the_machine(folder: Path) -> None:
    """`show --check-model`: a real run is a path of the machine."""
    text = LOCKS.replace("{with: b, steps: [{with: a", "{with: a, steps: [{with: b")
    (folder / "locks.yaml").write_text(text)
    assert scenarios("run", "locks.yaml", cwd=folder).returncode == 0
    done = scenarios("show", "--check-model", cwd=folder)
    assert (done.returncode, "conforms to the machine" in done.stdout) == (0, True)


@pytest.mark.parametrize("what", ["gone", "folder", "bytes"])
def test_a_check_of_a_run_without_its_scenario(what: str, folder: Path) -> None:
    """A damaged run is not known: exit 3, one line, no traceback."""
    text = LOCKS.replace("{with: b, steps: [{with: a", "{with: a, steps: [{with: b")
    (folder / "locks.yaml").write_text(text)
    assert scenarios("run", "locks.yaml", cwd=folder).returncode == 0
    (stored,) = folder.glob(".scenarios/runs/[0-9]*/scenario.yaml")
    stored.unlink()
    if what == "folder":
        stored.mkdir()
    elif what == "bytes":
        stored.write_bytes(b"\xff\xfe")
    done = scenarios("show", "--check-model", cwd=folder)
    assert (done.returncode, done.stderr.count("Traceback")) == (3, 0)
    assert "unknown: its scenario cannot be" in done.stdout


def test_a_check_loads_no_plugins_of_a_run(folder: Path) -> None:
    """A stored run can come from anywhere: what it says of plugin files is not followed."""
    (folder / "code.py").write_text("print('imported')")
    assert scenarios("run", "locks.yaml", "--plugins-dir", ".", cwd=folder).returncode in (0, 1)
    done = scenarios("show", "--check-model", cwd=folder)
    assert (done.returncode, "imported" in done.stdout) == (3, False)
    assert "it ran with --plugins-dir, and only a run loads such plugins" in done.stdout


def test_a_changed_scenario_diverges(folder: Path) -> None:
    """Where the order cannot be followed any more, or shows something else, that is an error."""
    scenarios("explore", "locks.yaml", cwd=folder)
    (folder / "locks.yaml").write_text(
        LOCKS.replace("{with: b, steps: [{with: a", "{with: a, steps: [{with: b")
    )
    done = scenarios("replay", "latest", "--schedule", "deadlock", cwd=folder)
    assert done.returncode == 2
    assert "the scenario diverges from the schedule at step 2 of 2: two cannot go on" in done.stderr
    (folder / "locks.yaml").write_text(LOCKS.replace("- one", "- other") + "# only a comment\n")
    same = scenarios("replay", "latest", "--schedule", "deadlock", cwd=folder)
    assert same.returncode == 1
    assert "the scenario has changed since the order was recorded" in same.stdout


def test_json(folder: Path) -> None:
    """One object with verdict, findings, their schedules and the command for each."""
    done = scenarios("explore", "locks.yaml", "--format", "json", cwd=folder)
    result = json.loads(done.stdout)
    assert (result["exit"], result["explored"]["verdict"]) == (1, "bug")
    one = result["findings"][0]
    assert (one["checker"], one["order"]) == ("deadlock", "one x1, two x1")
    assert [row["worker"] for row in one["rows"]] == ["one", "two"]
    assert one["replay"] == result["again"]
    stored = json.loads(scenarios("show", "--format", "json", cwd=folder).stdout)
    assert stored == result


@pytest.mark.parametrize("form", ["junit", "github"])
def test_other_formats_name_the_finding(folder: Path, form: str) -> None:
    """With file, line and the command."""
    done = scenarios("explore", "locks.yaml", "--format", form, cwd=folder)
    assert "deadlock: nobody can go on" in done.stdout
    assert "scenarios replay" in done.stdout


def test_what_is_proved_says_of_which_model(tmp_path: Path) -> None:
    """Sequential consistency at step granularity, and only where every schedule was covered."""
    text = LOCKS.replace("{with: b, steps: [{with: a", "{with: a, steps: [{with: b")
    (tmp_path / "right.yaml").write_text(text)
    done = scenarios("explore", "right.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert "proved" in done.stdout
    assert "every schedule was covered (sequential consistency at step granularity)" in done.stdout


def test_a_budget_that_ran_out(tmp_path: Path) -> None:
    """What was covered is told, exit 3, and the word proved is nowhere."""
    (tmp_path / "endless.yaml").write_text(ENDLESS)
    done = scenarios(
        "explore",
        "endless.yaml",
        "--states",
        "100",
        "--schedules",
        "2",
        "--seconds",
        "20",
        cwd=tmp_path,
    )
    assert done.returncode == 3
    assert "no bug within" in done.stdout
    assert "not every schedule was covered" in done.stdout
    assert "proved" not in done.stdout


def test_what_cannot_be_explored_says_which_worker_and_why(tmp_path: Path) -> None:
    """Exit 3, with the line."""
    (tmp_path / "code.yaml").write_text("workers:\n  w: {command: [echo, hello]}\n")
    done = scenarios("explore", "code.yaml", cwd=tmp_path)
    assert done.returncode == 3
    assert 'code.yaml:2: not explored: worker "w": it is a command' in done.stdout


def test_a_refused_file(tmp_path: Path) -> None:
    """As with every verb: all faults, exit 2."""
    (tmp_path / "bad.yaml").write_text("workers: {w: {executor: thread, steps: [{gte: q}]}}\n")
    for verb in ("explore", "replay"):
        done = scenarios(verb, "bad.yaml", cwd=tmp_path)
        assert done.returncode == 2
        assert "bad.yaml:1:" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay", "nothing-there"), "nothing-there"),
        (("replay", "locks.yaml"), "has no `schedules`"),
        (("replay", "latest", "--schedule", "x"), 'has no schedule "x"; it has '),
    ],
)
def test_replay_of_what_is_not_there(folder: Path, words: tuple[str, ...], said: str) -> None:
    """Told with what there is."""
    scenarios("explore", "locks.yaml", cwd=folder)
    done = scenarios(*words, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_matrix_and_values_are_replayed(tmp_path: Path) -> None:
    """A schedule keeps what the command line and the matrix said."""
    text = LOCKS.replace("name: locks\n", "matrix: {first: [a, b]}\nvars: {second: b}\n")
    text = text.replace(
        "{with: b, steps: [{with: a", '{with: "${matrix.first}", steps: [{with: "${vars.second}"'
    )
    (tmp_path / "m.yaml").write_text(text)
    done = scenarios("explore", "m.yaml", "--set", "second=a", "--format", "json", cwd=tmp_path)
    results = json.loads(done.stdout)
    assert [one["matrix"]["first"] for one in results] == ["a", "b"]
    bug = next(one for one in results if one["matrix"]["first"] == "b")
    assert bug["explored"]["verdict"] == "bug"
    again = scenarios(*bug["again"].split()[1:], cwd=tmp_path)
    assert (again.returncode, "m [first=b]" in again.stdout) == (1, True)


def test_ctrl_c_tells_what_was_covered(tmp_path: Path) -> None:
    """Exit 130, the count so far, no traceback; on a terminal there is progress before."""
    (tmp_path / "endless.yaml").write_text(ENDLESS)
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "scenarios", "explore", "endless.yaml", "--states", "100000000"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=follower,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    os.close(follower)
    try:
        seen, deadline = b"", time.monotonic() + 30
        while b"exploring: " not in seen and time.monotonic() < deadline:
            seen += os.read(leader, 4096)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=30)
    finally:
        os.close(leader)
        child.kill()
    assert child.returncode == 130
    assert "it ended at Ctrl-C: not every schedule was covered" in out
    assert "states" in out.splitlines()[0]


def test_ctrl_c_leaves_the_scenarios_that_come_after(tmp_path: Path) -> None:
    """Also where something wrong was found before it: 1, the findings so far, and no more."""
    (tmp_path / "interrupting.py").write_text(
        "import os, signal\n"
        "heard = []\n"
        "def second(count):\n"
        "    heard.append(count)\n"
        "    if len(heard) == 2:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
    )
    (tmp_path / "race.yaml").write_text("""\
name: race
matrix: {of: [first, second]}
values: {count: 0}
workers:
  w:
    executor: thread
    replicas: 2
    steps:
      - {read: count, into: seen}
      - {write: count, value: "${seen + 1}"}
  last:
    executor: thread
    depends_on: [w]
    steps: [{call: "interrupting:second", args: ["${values.count}"], pure: true}]
expect: [values.count == 0]
""")
    done = scenarios("explore", "race.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "race [of=first]: bug" in done.stdout
    assert "race.yaml:15: values.count == 0 does not hold" in done.stdout
    assert "it ended at Ctrl-C: not every schedule was covered" in done.stdout
    assert "[of=second]" not in done.stdout
    (first,) = json.loads(
        scenarios("explore", "race.yaml", "--format", "json", cwd=tmp_path).stdout
    )
    assert (first["matrix"], first["explored"]["interrupted"]) == ({"of": "first"}, True)


def test_a_schedule_of_the_file_that_fails_is_told_with_its_command(folder: Path) -> None:
    """The command shows it again."""
    text = LOCKS + "schedules: {both: 'one x1, two x1'}\n"
    (folder / "tested.yaml").write_text(text)
    done = scenarios("explore", "tested.yaml", cwd=folder)
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "replay tested.yaml" in line]
    words = line.strip().removeprefix("to see it again: scenarios ").split()
    assert words == ["replay", "tested.yaml", "--schedule", "both"]
    again = scenarios(*words, cwd=folder)
    assert again.returncode == 1
    assert "in a circle: one -> two -> one" in again.stdout


def test_each_file_calls_the_modules_beside_it(tmp_path: Path) -> None:
    """Two of one name are two."""
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "mine.py").write_text(f"def number():\n    return {number}\n")
        (folder / "a.yaml").write_text(f"""\
workers:
  w:
    executor: thread
    steps: [{{call: "mine:number", into: n, pure: true}}, {{assert: n == {number}}}]
""")
    done = scenarios("explore", "1/a.yaml", "2/a.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout.count("proved")) == (0, 2)


BETWEEN = """\
import os, signal, sys
from scenarios.cli import main
from scenarios.explore import reporting

result = reporting.result

def late(found):
    os.kill(os.getpid(), signal.SIGINT)
    return result(found)

reporting.result = late
sys.exit(main(["explore", "case.yaml"]))
"""


def test_ctrl_c_when_the_search_is_over_ends_the_command(tmp_path: Path) -> None:
    """Without a traceback."""
    (tmp_path / "case.yaml").write_text("workers: {w: {executor: thread, steps: []}}")
    done = completed(sys.executable, "-c", BETWEEN, cwd=tmp_path)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
