"""Reports for machines: JSON, JUnit XML and GitHub's workflow commands."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from results import failed, passed, timed_out
from scenarios.errors import Fault
from scenarios.reports import as_github, as_json, as_junit

FAULTS = [
    Fault("a.yaml", 3, 5, 'unknown key "qeue"; did you mean "queue"?'),
    Fault("a.yaml", 9, 1, "100% wrong:\nreally"),
]
CHECKS: list[dict[str, Any]] = [
    {"file": "a.yaml", "scenarios": [], "faults": list(map(as_json.fault, FAULTS)), "exit": 2},
    {"file": "b.yaml", "scenarios": ["b"], "faults": [], "exit": 0},
]


def test_json_is_one_object_or_a_list() -> None:
    """One scenario gives its object, several give a list; all of it is read back."""
    assert json.loads(as_json.render([passed()])) == passed()
    assert json.loads(as_json.render([passed(), failed()])) == [passed(), failed()]


def test_json_has_no_number_that_readers_refuse() -> None:
    """Infinity and NaN become texts, and odd text stays readable."""
    result = passed() | {"values": {"n": [float("inf"), float("nan")], "t": "\ud800 é"}}
    text = as_json.render([result]).encode("utf-8", "backslashreplace").decode()
    values = json.loads(text)["values"]
    assert values == {"n": ["inf", "nan"], "t": "\ud800 é"}


def test_checked_files_as_json() -> None:
    """A refused file has its faults with line and column."""
    (first, second) = json.loads(as_json.checks(CHECKS))
    assert first["faults"][0] == {
        "file": "a.yaml",
        "line": 3,
        "column": 5,
        "message": 'unknown key "qeue"; did you mean "queue"?',
    }
    assert second["exit"] == 0


def test_junit_counts_and_names() -> None:
    """Each scenario is a suite, each expectation a case, and the numbers fit."""
    root = ElementTree.fromstring(as_junit.render([passed(), failed(), timed_out()]))
    suites = root.findall("testsuite")
    counted = [[suite.get(key) for key in ("tests", "failures", "skipped")] for suite in suites]
    assert counted == [["5", "0", "1"], ["5", "4", "0"], ["5", "2", "1"]]
    names = [case.get("name") for case in suites[1].findall("testcase")]
    assert names[0] == "run" and names[-1] == "none lost"
    failure = suites[1].find("testcase[@name='none lost']/failure")
    assert failure is not None
    assert failure.get("message") == "none lost: queues.q.lost == 0 does not hold"
    assert failure.text == "scenarios/tutorial/queue.yaml:39\nqueues.q.lost = 1"


def test_junit_holds_any_text() -> None:
    """Characters that XML forbids become escapes."""
    result = failed()
    result["workers"]["writer"]["error"] = "\x00\x0b\ufffe\ud800 <&>"
    root = ElementTree.fromstring(as_junit.render([result]))
    failure = root.find(".//failure")
    assert failure is not None
    assert "\\x00\\x0b\\ufffe\\ud800 <&>" in str(failure.get("message"))


def test_junit_of_a_broken_engine_is_an_error() -> None:
    """An exit that no expectation explains is an error of the run."""
    root = ElementTree.fromstring(as_junit.render([passed() | {"exit": 70}]))
    assert root.find("testsuite/testcase[@name='run']/error") is not None


def test_junit_of_refused_files() -> None:
    """Each file is a case, each fault an error in it."""
    root = ElementTree.fromstring(as_junit.checks(CHECKS, FAULTS))
    cases = root.findall("testsuite/testcase")
    assert [len(case.findall("error")) for case in cases] == [2, 0]


def test_github_annotates_lines() -> None:
    """Failures are errors at their lines, open questions notices; the command ends it."""
    lines = as_github.render([failed()]).splitlines()
    assert (
        "::error file=scenarios/tutorial/queue.yaml,line=39,title=queue [size=3%2C kind=fifo]::"
        "none lost: queues.q.lost == 0 does not hold%0Aqueues.q.lost = 1"
    ) in lines
    assert lines[-1] == "to repeat it: scenarios run scenarios/tutorial/queue.yaml --seed 4217"
    assert any(
        line.startswith("::notice file=") for line in as_github.render([passed()]).splitlines()
    )


def test_github_annotates_faults() -> None:
    """A fault has line and column, and its text cannot begin another command."""
    assert as_github.faults(FAULTS).splitlines() == [
        '::error file=a.yaml,line=3,col=5,title=refused::unknown key "qeue"; did you mean "queue"?',
        "::error file=a.yaml,line=9,col=1,title=refused::100%25 wrong:%0Areally",
    ]
