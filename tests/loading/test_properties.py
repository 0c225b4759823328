"""Random files: each is refused in good order or made into plans; nothing else ever happens."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from loads import SPECS, plugins
from scenario_files import files
from scenarios import plan
from scenarios.errors import ScenarioFileError
from scenarios.loading import load_text

# The same files each time: what is new is for `nox -s fuzz`.
RANDOM = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SLOWEST = 2.0  # seconds of work, of a file of at most some 100 KiB


def outcome(content: bytes) -> str:
    """Load a file and plan what it holds: "accepted" or "refused", and nothing else."""
    try:
        loaded = load_text(content, "file.yaml", plugins())
    except ScenarioFileError as refusal:
        assert 1 <= len(refusal.faults) <= 101
        for fault in refusal.faults:
            assert fault.file == "file.yaml"
            assert fault.line >= 1 and fault.column >= 1
            assert fault.message and "\n" not in fault.message and len(fault.message) < 1_000
            assert str(fault).startswith(f"file.yaml:{fault.line}:{fault.column}: ")
        return "refused"
    for scenario in loaded.scenarios:
        plan.make(scenario, specs=SPECS)
    assert loaded.scenarios
    return "accepted"


def check(content: bytes) -> None:
    """Whatever a file holds, the outcome comes soon."""
    os.environ.setdefault("HOME", "/")
    before = time.process_time()
    outcome(content)
    assert time.process_time() - before < SLOWEST


@settings(RANDOM, max_examples=250)
@given(files())
def test_a_random_file_is_refused_or_planned(content: bytes) -> None:
    """No traceback, no fault without a place, no long wait."""
    check(content)


@pytest.mark.slow
@settings(RANDOM, max_examples=750)
@given(files())
def test_many_random_files_are_refused_or_planned(content: bytes) -> None:
    """The same for more of them."""
    check(content)


def test_random_files_are_of_both_kinds() -> None:
    """A share of the random files is right, so that planning is tried as well."""
    seen = []

    @settings(RANDOM, max_examples=100, phases=[Phase.generate])
    @given(files())
    def look(content: bytes) -> None:
        seen.append(outcome(content))

    look()
    assert seen.count("accepted") >= 15
    assert seen.count("refused") >= 15
