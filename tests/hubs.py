"""Helpers of the tests around the hub: threads with a deadline, processes to kill."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenarios.hub.launch import Hub
from scenarios.wire.client import HubClient
from scenarios.wire.control import HubControl

DEADLINE = 10.0
"""Seconds after which something hangs."""

PROMPT = 5.0
"""Seconds in which something is done that takes microseconds, on a busy machine too."""

SOURCE = str(Path(__file__).resolve().parents[1] / "src")


class Later:
    """A call in a thread of its own."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._outcome: list[Any] = []
        self._error: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(function, args), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            self._outcome.append(function(*args))
        except BaseException as error:
            self._error.append(error)

    @property
    def ended(self) -> bool:
        """Whether the call has come back."""
        return not self._thread.is_alive()

    def result(self) -> Any:
        """What the call returned or raised, in time."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the call hangs"
        if self._error:
            raise self._error[0]
        return self._outcome[0]


class Actor:
    """A process that runs code with a `client` at hand and can be killed at any moment."""

    def __init__(self, hub: Hub, code: str, name: str = "actor") -> None:
        start = (
            f"import sys, os, time; sys.path.insert(0, {SOURCE!r})\n"
            "from scenarios.wire.client import HubClient\n"
            f"client = HubClient({hub.address!r}, {hub.token!r}, {name!r})\n"
            "def say(text): os.write(1, text.encode() + b'\\n')\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", start + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def line(self) -> str:
        """The next line that it says."""
        assert self.process.stdout is not None
        return str(Later(self.process.stdout.readline).result().decode().strip())

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Its exit code; it ends by itself."""
        code = self.process.wait(DEADLINE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return code


def client(hub: Hub, name: str = "test") -> HubClient:
    """A client in this process."""
    return HubClient(hub.address, hub.token, name)


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for a condition to hold, in time."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    raise AssertionError(f"{what} did not come")


def waits(control: HubControl, who: str) -> Any:
    """Wait until `who` is parked; what it waits for."""
    return until(lambda: control.snapshot()["waiting"].get(who), f"{who} waiting")
