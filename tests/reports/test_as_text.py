"""The summary for people."""

from __future__ import annotations

import re

import pytest

from results import failed, passed, timed_out, worker
from scenarios.errors import Fault
from scenarios.reports import as_text

PASSED = """\
queue: passed in 1.23 s (seed 4217)
workers
  writer  succeeded     1.20 s
  reader  terminated    1.21 s  background, signal SIGTERM
resources
  queue      q      3 put, 3 got, 0 left
  lock       guard  200 acquired, 12 contended, longest wait 3.0 ms
  semaphore  slots  2 permits
  flag       stop   set
  value      count  200
  value      note   "two\\nlines"
  local      db     4 made, 4 closed
expectations
  passed   workers.writer.state == 'succeeded'
  passed   queues.q.put == 3  (all letters; queues.q.put = 3)
  unknown  sometimes queues.q.left > 0  (not seen in this run; queues.q.left = 0)
note: thresholds are not acted on by this version
folder: .scenarios/runs/20251123-040000-000000-queue
"""

BRIEF = """\
queue [size=3, kind=fifo]: failed in 1.23 s (seed 4217)
  scenarios/tutorial/queue.yaml:20: worker "writer" failed: ValueError: no \\x1b[31mletters
      stderr: warn
      stderr: last words
  scenarios/tutorial/queue.yaml:50: worker "pool[7]" failed: it was 7
  scenarios/tutorial/queue.yaml:39: none lost: queues.q.lost == 0 does not hold
      queues.q.lost = 1
note: thresholds are not acted on by this version
to repeat it: scenarios run scenarios/tutorial/queue.yaml --seed 4217
"""


def test_a_run_that_passed() -> None:
    """Workers, resources and expectations stand in aligned rows."""
    assert as_text.render(passed()) == PASSED


def test_a_failure_begins_with_what_failed_and_ends_with_the_command() -> None:
    """The first lines say what failed and where, the last how to repeat it."""
    text = as_text.render(failed())
    assert text.startswith(BRIEF.rpartition("note")[0])
    assert text.endswith(BRIEF.splitlines()[-1] + "\n")


def test_brief_leaves_the_tables_out() -> None:
    """A quiet run prints one line for what passed, and the failures of the others."""
    assert as_text.render(passed(), brief=True) == PASSED.splitlines()[0] + "\n"
    assert as_text.render(failed(), brief=True) == BRIEF


def test_many_jobs_are_counted_and_few_listed() -> None:
    """Of twelve jobs the failed one is listed, of three replicas all."""
    lines = [line.rstrip() for line in as_text.render(failed()).splitlines()]
    assert "    12 jobs                         11 succeeded, 1 failed" in lines
    assert any(line.startswith("    pool[7]   failed") for line in lines)
    assert not any("pool[3]" in line for line in lines)
    assert any(line.startswith("    taster.2  succeeded") for line in lines)


def test_replicas_of_which_there_is_nothing_to_say_are_counted() -> None:
    """Three replicas that all succeeded without a result are one line."""
    result = passed()
    copies = [{"name": f"w.{n}", **worker()} for n in range(3)]
    result["workers"] = {"w": worker(replicas=copies)}
    text = as_text.render(result)
    assert "3 replicas" in text and "all succeeded" in text
    assert "w.1" not in text


def test_queue_faults_and_lock_holders_are_told() -> None:
    """What is normal needs no word; what is not has one."""
    result = failed()
    result["locks"]["guard"]["max_holders"] = 2
    text = as_text.render(result)
    assert "3 put, 3 got, 0 left, 1 lost, out of order" in text
    assert "12 contended, 2 holders at once" in text


def test_restarts_results_and_exit_codes_of_workers() -> None:
    """A worker's row has what differs from a plain success."""
    result = passed()
    result["workers"] = {
        "w": worker(restarts=2, result=[1, "a"]),
        "sh": worker("failed", exit_code=3),
    }
    text = as_text.render(result)
    assert '2 restarts, result [1, "a"]' in text
    assert re.search(r"sh +failed +1\.00 s +exit code 3", text)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_rows_fit_the_terminal(width: int) -> None:
    """Rows are cut at the width; places and commands are whole, since people copy them."""
    for result in (passed(), failed(), timed_out()):
        text = as_text.render(result, width=width, colours=False)
        for line in text.splitlines():
            fits = len(line) <= width
            assert fits or line.startswith(("queue", "  scen", "     ", "note", "folder", "to rep"))


def test_colours_change_no_text() -> None:
    """Without its escapes a coloured summary is the plain one."""
    for width in (None, 60):
        text = as_text.render(failed(), width=width, colours=True)
        assert "\x1b[31mfailed\x1b[0m" in text
        assert re.sub(r"\x1b\[\d+m", "", text) == as_text.render(failed(), width=width)


def test_an_interrupted_run_and_a_broken_engine() -> None:
    """Exits of the engine have words of their own, and the reason stands below."""
    result = passed() | {"exit": 130}
    result["run"] |= {"state": "terminated"}
    assert as_text.render(result, brief=True).startswith("queue: interrupted in 1.23 s")
    result = passed() | {"exit": 70}
    result["run"] |= {"state": "failed", "error": "a fault in the plugin"}
    text = as_text.render(result, brief=True)
    assert text.startswith("queue: broken")
    assert "queue.yaml: a fault in the plugin" in text


def test_faults_are_one_line_each() -> None:
    """A refused file's faults are FILE:LINE:COLUMN: and the message."""
    faults = [Fault("a.yaml", 3, 5, 'unknown key "qeue"'), Fault("a.yaml", 9, 1, "bad \x1b")]
    assert as_text.faults(faults) == ('a.yaml:3:5: unknown key "qeue"\na.yaml:9:1: bad \\x1b\n')
