"""Forks engines for tests that kill them: each is the real command, without the time for imports.

As a program: a line of standard input is JSON, ["start", WORDS...] or ["wait", PID]; the answer is
a pid or an exit code.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from command import environment

TESTS = Path(__file__).parents[1]


class Engines:
    """The helper process that forks them; a context manager."""

    def __enter__(self) -> Engines:
        path = os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])
        self._mutex = threading.Lock()
        self._helper = subprocess.Popen(
            [sys.executable, __file__],
            env=environment(PYTHONPATH=path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._helper.stdin is not None and self._helper.stdout is not None
        self._helper.stdin.close()
        self._helper.wait(20)
        self._helper.stdout.close()

    def start(self, *words: str) -> Engine:
        """An engine that runs `scenarios WORDS...`; it prints nowhere."""
        return Engine(self, int(self._ask("start", *words)))

    def _ask(self, *order: Any) -> str:
        assert self._helper.stdin is not None and self._helper.stdout is not None
        with self._mutex:
            self._helper.stdin.write(json.dumps(order) + "\n")
            self._helper.stdin.flush()
            return self._helper.stdout.readline()


class Engine:
    """One engine, and the two processes that it supervises its workers with."""

    def __init__(self, engines: Engines, pid: int) -> None:
        self._engines = engines
        self.pid = pid

    def wait(self) -> int:
        """Its exit code, or minus a signal."""
        return int(self._engines._ask("wait", self.pid))

    def supervision(self) -> list[int]:
        """The pids of guard and spawner, as far as they are there."""
        guard = _children(self.pid)
        return [*guard, *(pid for one in guard for pid in _children(one))]

    def kill(self, *pids: int) -> None:
        """SIGKILL this engine, or others, all at once: none has the time to react."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids or (self.pid,):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue


def _children(pid: int) -> list[int]:
    """Of all its threads; asked again where one of them ends meanwhile."""
    for _ in range(100):
        try:
            tasks = [*Path(f"/proc/{pid}/task").iterdir()]
            told = [(task / "children").read_text() for task in tasks]
        except OSError:
            continue
        return [int(child) for line in told for child in line.split()]
    return []


def main() -> None:
    """Serve until the end of the input, or two minutes after the last order."""
    import scenarios.cli.app
    import scenarios.cli.run
    import scenarios.engine
    import scenarios.executors.pools
    import scenarios.executors.processes
    import scenarios.executors.subprocesses  # noqa: F401
    from scenarios.cli import main as command

    for line in sys.stdin:
        signal.alarm(120)
        verb, *words = json.loads(line)
        if verb == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(words[0], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                null = os.open(os.devnull, os.O_RDWR)
                for fd in range(3):
                    os.dup2(null, fd)
                os._exit(command(words))
        print(answer, flush=True)


if __name__ == "__main__":
    main()
