"""When a worker counts as ready: a line, a port, a page or a command."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable

from scenarios.engine.attempt import Attempt
from scenarios.engine.facilities import Facilities
from scenarios.errors import EnvironmentFault
from scenarios.scenario import Ready
from scenarios.supervision.host import finish
from scenarios.supervision.output import BoundedOutput

Answer = Callable[[str | None], None]
"""Called once: with None when ready, else with why not."""


def watch(ready: Ready, attempt: Attempt, facilities: Facilities, answer: Answer) -> None:
    """Look for readiness until it shows or its time is over; returns at once."""
    if ready.log is not None:
        pattern = _pattern(str(attempt.evaluate(ready.log)))
        seen = threading.Event()
        facilities.watch.expect_line(attempt.plan.name, pattern, seen.set)
        what, look = f"a line that matches {pattern.pattern!r}", seen.is_set
    elif ready.tcp is not None:
        address = str(attempt.evaluate(ready.tcp))
        what, look = f"{address} to accept a connection", lambda: _accepts(address)
    elif ready.http is not None:
        url = str(attempt.evaluate(ready.http))
        what, look = f"{url} to answer", lambda: _answers(url)
    else:
        words = [str(attempt.evaluate(word)) for word in ready.command or ()]
        what, look = f"{words[0]} to exit with 0", lambda: _exits(words, ready, facilities)

    def run() -> None:
        deadline = time.monotonic() + ready.timeout
        while time.monotonic() < deadline and not attempt.over.is_set():
            try:
                if look():
                    answer(None)
                    return
            except Exception as error:
                answer(f"readiness cannot be looked at: {error}")
                return
            attempt.over.wait(min(ready.interval, max(0.0, deadline - time.monotonic())))
        answer(f"not ready within {ready.timeout:g}s: waited for {what}")

    threading.Thread(target=run, name=f"{attempt.plan.name}-ready", daemon=True).start()


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.M)
    except re.error as error:
        raise EnvironmentFault(
            f"ready: {text!r} is no regular expression: {error}; correct `log`"
        ) from error


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1.0).close()
    except OSError:
        return False
    return True


def _answers(url: str) -> bool:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=2.0) as response:
            return bool(response.status < 400)
    except (OSError, urllib.error.HTTPError):
        return False


def _exits(words: list[str], ready: Ready, facilities: Facilities) -> bool:
    read, write = os.pipe2(os.O_CLOEXEC)
    stream = facilities.pump().add(read, BoundedOutput(1024))
    try:
        child = facilities.spawner().command(words, stdout=write, stderr=write)
    finally:
        os.close(write)
    code = child.wait(ready.timeout)
    if code is None:
        child.kill()
    finish([stream])
    return code == 0
