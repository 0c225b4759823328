"""Counts the tests of CPython that ran, so that none is left out in silence."""

from __future__ import annotations

import platform

import pytest
from hypothesis import settings

from others.adopting import EXCLUDED, MISSING

settings.register_profile("patient", settings.default, deadline=None)  # on a busy machine all wait
settings.load_profile("patient")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line at the end of a session that had any of them."""
    counts = dict.fromkeys(("passed", "failed", "excluded", "missing", "skipped"), 0)
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            if report.nodeid.startswith("tests/others/"):
                counts[_kind(outcome, report)] += 1
    if any(counts.values()):
        ran = counts["passed"] + counts["failed"]
        terminalreporter.write_line(
            f"CPython's own tests, of Python {platform.python_version()}: {ran} ran, "
            f"{counts['passed']} passed; {counts['excluded']} are excluded by name, "
            f"{counts['skipped']} skipped themselves, {counts['missing']} files of them are "
            "not in this interpreter"
        )


def _kind(outcome: str, report: pytest.TestReport | pytest.CollectReport) -> str:
    if outcome != "skipped":
        return outcome
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    for kind, begins in (("excluded", EXCLUDED), ("missing", MISSING)):
        if reason.removeprefix("Skipped: ").startswith(begins):
            return kind
    return outcome
