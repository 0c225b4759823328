"""The exception tree: the user's mistake, the environment's fault, our bug.

ScenariosError
├── UsageError                the command line or a file is wrong; nothing ran (exit 2)
│   └── ScenarioFileError     a scenario file is refused, with all of its faults
├── EnvironmentFault          something outside is missing or cannot be used (its own exit code)
└── PluginFault               a plugin or the engine broke its contract (exit 70)
Stopped (BaseException)       a worker is asked to end; no `except` of a scenario catches it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class ScenariosError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class UsageError(ScenariosError):
    """The command line or a scenario file is wrong; nothing ran."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One mistake in a scenario file; line and column count characters from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ScenarioFileError(UsageError):
    """A scenario file is refused; `faults` holds every mistake found in it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class EnvironmentFault(ScenariosError):
    """Something outside the scenario is missing or cannot be used."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class PluginFault(ScenariosError):
    """A plugin or the engine itself broke its contract."""

    exit_code = 70


class Stopped(BaseException):
    """The worker is asked to end; raised inside its wait or at its next scheduling point."""


RAISED = (Exception, SystemExit, GeneratorExit)
"""What a scenario's own code may raise as its failure; the rest ends a worker from outside."""


def sentence(error: BaseException) -> str:
    """The kind of an exception and its text, which its own code may fail to give."""
    kind = type(error).__name__
    try:
        text = str(error).strip()
    except RAISED:
        text = "(its text cannot be told)"
    return f"{kind}: {text}" if text else kind
