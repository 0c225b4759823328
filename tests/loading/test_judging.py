"""Checks, thresholds, faults, schedules and secrets."""

from __future__ import annotations

import pytest

from loads import faults, plugins, refused, scenario
from scenarios.scenario import CheckDecl, FaultDecl

FILE = """
queues: {q: {}}
locks: {guard: {}}
workers: {w: {executor: thread, steps: []}, r: {executor: thread, replicas: 2, steps: []}}
"""


def test_checks() -> None:
    """A level alone, or with settings; a plugin's checker has settings of its own."""
    made = scenario(
        f"{FILE}checks: {{deadlock: off, starvation: {{level: error, bound: 3}}, "
        "torn: {level: warn, anything: [1]}}",
        plugins(checkers=("torn",)),
    )
    assert list(made.checks.values()) == [
        CheckDecl("deadlock", "off", {}, 4, 10),
        CheckDecl("starvation", "error", {"bound": 3}, 4, 25),
        CheckDecl("torn", "warn", {"anything": [1]}, 4, 63),
    ]


def test_thresholds() -> None:
    """Comparisons of metrics, one or several."""
    made = scenario(
        f"""{FILE}thresholds:
  locks.guard.wait: ["p(95) < 5ms", "max<=1s"]
  run.duration: avg < 2
  workers.w.duration: ["p(99.9) < 1.5s"]
"""
    )
    assert made.thresholds == {
        "locks.guard.wait": ("p(95) < 5ms", "max<=1s"),
        "run.duration": ("avg < 2",),
        "workers.w.duration": ("p(99.9) < 1.5s",),
    }


def test_faults() -> None:
    """Each kind, at a time, at a step or by chance."""
    made = scenario(
        f"""{FILE}faults:
  - {{kill: w, at: 0.5s}}
  - {{pause: r, for: 1s, at: {{step: get, count: 2}}}}
  - {{raise: r.1, error: no luck, chance: 0.1}}
  - {{delay: q, by: 10ms, chance: 1}}
  - {{delay: guard, by: 1, at: {{step: acquire}}}}
  - {{drop: q, at: 1s}}
  - {{duplicate: q, chance: 0}}
"""
    )
    assert made.faults == (
        FaultDecl("kill", "w", at=0.5, line=5, column=5),
        FaultDecl("pause", "r", at=("get", 2), seconds=1.0, line=6, column=5),
        FaultDecl("raise", "r.1", chance=0.1, error="no luck", line=7, column=5),
        FaultDecl("delay", "q", chance=1.0, seconds=0.01, line=8, column=5),
        FaultDecl("delay", "guard", at=("acquire", 1), seconds=1.0, line=9, column=5),
        FaultDecl("drop", "q", at=1.0, line=10, column=5),
        FaultDecl("duplicate", "q", chance=0.0, line=11, column=5),
    )


def test_schedules_are_kept() -> None:
    """A recorded order is plain data."""
    made = scenario(f"{FILE}schedules: {{lost: [w, r.0, w], other: {{seed: 1, choices: [0]}}}}")
    assert made.schedules == {"lost": ["w", "r.0", "w"], "other": {"seed": 1, "choices": [0]}}


def test_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts, and variables of the environment; one that is not set hides nothing."""
    monkeypatch.setenv("TOKEN", "s3cret")
    monkeypatch.delenv("NO_TOKEN", raising=False)
    made = scenario(
        f"vars: {{v: abc}}\n{FILE}secrets: ['${{env.TOKEN}}', '${{env.NO_TOKEN}}', "
        "'${vars.v}', 12, '', plain]"
    )
    assert made.secrets == ("s3cret", "abc", "12", "plain")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("checks: §[deadlock]", '"checks" is a mapping of checkers to levels, not a list'),
        ("checks: {§dedlock: off}", 'no checker "dedlock"; did you mean "deadlock"?'),
        ("checks: {§zzz: off}", "known are"),
        ("checks: {crash: §fatal}", 'the level of "crash" is error, warn or off, not "fatal"'),
        ("checks: {crash: §false}", "not false"),
        ("checks: {crash: {§lvl: off}}", 'unknown key "lvl" in check "crash"'),
        ("checks: {starvation: {§bound: 3}}", 'check "starvation" lacks the key "level"'),
        ("checks: {starvation: {level: warn, bound: §0}}", '"bound" is a whole number from 1 on'),
        ("checks: {crash: {level: warn, §bound: 3}}", 'unknown key "bound" in check "crash"'),
        ("thresholds: §[a]", '"thresholds" is a mapping of metrics'),
        ("thresholds: {§lock.guard.wait: ['max < 1']}", 'did you mean "locks"?'),
        ("thresholds: {§locks.gard.wait: ['max < 1']}", 'no lock "gard"; did you mean "guard"?'),
        ("thresholds: {§workers.x.duration: ['max < 1']}", 'no worker "x"'),
        ("thresholds: {§duration: ['max < 1']}", "is none such as run.duration"),
        ("thresholds: {run.duration: [§'fast']}", '"fast" is no comparison such as'),
        ("thresholds: {run.duration: [§'p(101) < 1']}", "is no comparison"),
        ("thresholds: {run.duration: [§5]}", "is text, not 5"),
        ("faults: §{kill: w}", '"faults" is a list of faults, not a mapping'),
        ("faults: [§kill]", "a fault has exactly one of kill, pause, raise, delay"),
        ("faults: [§{kil: w, at: 1s}]", 'did you mean "kill"?'),
        ("faults: [§{kill: w, drop: q, at: 1s}]", "a fault has exactly one of"),
        ("faults: [{§kill: w}]", 'fault kill has exactly one of "at" and "chance"'),
        ("faults: [{kill: w, at: 1s, §chance: 1}]", 'exactly one of "at" and "chance"'),
        ("faults: [{kill: §v, at: 1s}]", 'no worker "v" to kill; there are w, r'),
        ("faults: [{kill: §q, at: 1s}]", 'no worker "q" to kill'),
        ("faults: [{drop: §guard, at: 1s}]", 'no queue "guard" to drop'),
        ("faults: [{delay: §w, by: 1s, at: 1s}]", 'no queue or lock "w" to delay'),
        ("faults: [{kill: w, at: 1s, §for: 1s}]", 'unknown key "for" in fault kill'),
        ("faults: [{§pause: w, at: 1s}]", 'fault pause lacks the key "for"'),
        ("faults: [{pause: w, for: §long, at: 1s}]", '"for" is a duration'),
        ("faults: [{kill: w, at: §-1}]", '"at" is a duration'),
        ("faults: [{kill: w, at: {step: §gett}}]", '"step" is a kind of step, not "gett"; did'),
        ("faults: [{kill: w, at: {§count: 2}}]", '"at" lacks the key "step"'),
        ("faults: [{kill: w, at: {step: get, count: §0}}]", '"count" is a whole number'),
        ("faults: [{kill: w, at: {step: get, §times: 2}}]", 'unknown key "times" in "at"'),
        ("faults: [{kill: w, chance: §2}]", '"chance" is a number from 0 to 1, not 2'),
        ("faults: [{kill: w, chance: §true}]", "not true"),
        ("schedules: §[a]", '"schedules" is a mapping of names to schedules'),
        ("schedules: {a: §5}", 'schedule "a" is a recorded order of steps'),
        ("secrets: §token", '"secrets" is a list of texts, not "token"'),
        ("secrets: [§{a: b}]", "a secret is text, not a mapping"),
        ("secrets: [§'${run.id}']", "is settled at load"),
        ("secrets: [§'${']", "without its"),
    ],
)
def test_refusals(text: str, words: str) -> None:
    """What is wrong, at its place."""
    refused(f"{FILE}{text}\n", words)


@pytest.mark.parametrize("more", ["", "x-z: 1\n" + "".join(f"odd{n}: 1\n" for n in range(101))])
def test_no_secret_is_told_by_a_check_that_ended(
    more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where there were too many faults before the secrets were read, of whatever kind."""
    monkeypatch.setenv("TOKEN", "s3cret-of-mine")
    steps = "".join("      - get: ${vars.t}\n" for _ in range(102))
    text = f"{more}vars: {{t: '${{env.TOKEN}}'}}\n" + (
        f"workers:\n  w:\n    executor: thread\n    steps:\n{steps}"
        "secrets: ['${vars.t}', '${env.TOKEN}']\n"
    )
    found = faults(text)
    assert len(found) == 101
    assert not any("s3cret" in fault.message for fault in found)
    assert more or '"get" names "***"' in found[0].message


def test_secrets_have_a_size() -> None:
    """Each spelling of each line is looked for in all that is told; more are refused, alone."""
    assert scenario(f"{FILE}secrets: ['{'x' * 32_768}']\n").secrets
    refused(
        f"{FILE}foo: 1\nsecrets: ['{'x' * 32_768}', §y]\n",
        "secrets have at most 32,768 characters in 500 lines together",
    )
    lines = "\\n".join("abcd" for _ in range(501))
    refused(f'{FILE}secrets: [§"{lines}"]\n', "in 500 lines")
