"""Runs texts of scenarios, in this process or by the real command, and what came of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from command import environment
from scenarios import engine, plan, runs
from scenarios.executors import scenarios_executors
from scenarios.loading import load
from scenarios.loading.hiding import hidden
from supervision.witness import left_after

SPECS = {spec.name: spec for spec in scenarios_executors()}
LIMIT = 30.0
"""Seconds after which something hangs, on a loaded machine too."""


@dataclass
class Ran:
    """A run that has ended: its result, its whole log, and what the observer saw."""

    result: dict[str, Any]
    folder: Path
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit(self) -> int:
        """The exit code that the command would have."""
        return int(self.result["exit"])

    @property
    def state(self) -> str:
        """The state of the run."""
        return str(self.result["run"]["state"])

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log; each line must be JSON."""
        return log_of(self.folder)

    @property
    def why(self) -> str:
        """What failed, for an assertion."""
        failed = [one for one in self.result["expectations"] if one["answer"] == "failed"]
        errors = {
            name: worker["error"]
            for name, worker in self.result["workers"].items()
            if worker["error"]
        }
        told = {"run": self.result["run"], "errors": errors, "failed": failed}
        return json.dumps({**told, "notices": self.result["notices"]}, indent=1, default=str)

    def worker(self, name: str) -> dict[str, Any]:
        """The part of the result about one worker."""
        found: dict[str, Any] = self.result["workers"][name]
        return found

    def states(self) -> dict[str, str]:
        """worker: state."""
        return {name: worker["state"] for name, worker in self.result["workers"].items()}

    def of(self, kind: str, worker: str | None = None) -> list[dict[str, Any]]:
        """The events of a kind, of one worker."""
        events = [event for event in self.events if event["event"] == kind]
        return [event for event in events if worker is None or event.get("worker") == worker]

    def said(self, worker: str) -> list[str]:
        """What a worker logged and printed, in order."""
        events = [event for event in self.events if event.get("worker") == worker]
        return [
            event.get("message", event.get("text", ""))
            for event in events
            if event["event"] in ("log", "output")
        ]

    def answer(self, expression: str) -> dict[str, Any]:
        """The answer to an expectation."""
        (found,) = [one for one in self.result["expectations"] if one["expression"] == expression]
        return found  # type: ignore[no-any-return]


def log_of(folder: Path) -> list[dict[str, Any]]:
    """All events of a run's folder; each line must be a JSON object."""
    return [json.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]


def write(folder: Path, text: str, name: str = "case.yaml") -> Path:
    """Write a scenario's text, indented as it may be, into a file."""
    path = folder / name
    path.write_text(dedent(text).lstrip("\n"))
    return path


def run(
    folder: Path,
    text: str,
    *,
    seed: int | None = None,
    verbose: bool = False,
    swaps: Mapping[str | None, str] | None = None,
) -> Ran:
    """Run a scenario's text in this process; `swaps` are worker: executor."""
    path = write(folder, text)
    (scenario,) = load(path, specs=SPECS, swaps=swaps or {}).scenarios
    planned = plan.make(scenario, specs=SPECS, seed=seed)
    seen: list[dict[str, Any]] = []
    stored = hidden(scenario.text, scenario.secrets)
    with runs.create(folder, scenario.name, None, stored) as kept:
        result = engine.run(planned, folder=kept, observer=seen.append, verbose=verbose)
    left, _ = left_after(kept.id, 2.0)
    assert left == {}
    return Ran(result, kept.path, seen)


class Started:
    """The real command, still running: `python -m scenarios run`."""

    def __init__(self, folder: Path, text: str, *words: str) -> None:
        self.folder = folder
        path = write(folder, text)
        self._out = (folder / "stdout").open("w+b")
        self._err = (folder / "stderr").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scenarios", "run", str(path), *words],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return (self.folder / "stdout").read_text()

    @property
    def err(self) -> str:
        """Its standard error so far."""
        return (self.folder / "stderr").read_text()

    @property
    def run(self) -> Path:
        """The folder of its run."""
        return (self.folder / ".scenarios" / "latest").resolve()

    def until(self, *texts: str) -> None:
        """Wait until each text stands on standard error."""
        end = time.monotonic() + LIMIT
        while not all(text in self.err for text in texts):
            assert self.process.poll() is None, f"it ended: {self.out}\n{self.err}"
            assert time.monotonic() < end, f"{texts} did not come: {self.err}"
            time.sleep(0.01)

    def until_begun(self) -> None:
        """Wait until its run has begun: signals are heard from then on."""
        end = time.monotonic() + LIMIT
        while not self._begun():
            assert self.process.poll() is None, f"it ended: {self.out}\n{self.err}"
            assert time.monotonic() < end, "it does not begin"
            time.sleep(0.002)

    def _begun(self) -> bool:
        for path in (self.folder / ".scenarios").glob("runs/[0-9]*/segments/engine.*"):
            with suppress(OSError):  # it has ended meanwhile
                if b"run_started" in path.read_bytes():
                    return True
        return False

    def signal(self, number: int = signal.SIGINT) -> None:
        """Send a signal to the engine alone."""
        self.process.send_signal(number)
        taken(self.process, number)

    def wait(self, limit: float = LIMIT) -> int:
        """Its exit code; nothing of its run may be left."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the run hangs: {self.out}\n{self.err}") from None
        left, _ = left_after(self.run.name, 2.0)
        assert left == {}
        return code

    def events(self) -> list[dict[str, Any]]:
        """The log of its run."""
        return log_of(self.run)

    def result(self) -> dict[str, Any]:
        """The stored result of its run."""
        found: dict[str, Any] = json.loads((self.run / "result.json").read_text())
        return found

    def close(self) -> None:
        """End it if it lives."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._out.close()
        self._err.close()


def taken(process: subprocess.Popen[Any], number: int) -> None:
    """Wait until a signal pends no more: another of its kind would be lost."""
    end = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < end:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            return
        pending = re.search(r"^ShdPnd:\s+(\w+)", status, re.M)
        if not (pending and int(pending[1], 16) >> (number - 1) & 1):
            return
        time.sleep(0.001)


@contextmanager
def started(folder: Path, text: str, *words: str) -> Iterator[Started]:
    """The real command on a scenario's text."""
    running = Started(folder, text, *words)
    try:
        yield running
    finally:
        running.close()
