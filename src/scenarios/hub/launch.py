"""Starts a hub as a child of this process, for tests and for code that has no spawner."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from scenarios import hub
from scenarios.errors import EnvironmentFault
from scenarios.hub import whereabouts

PATIENCE = 10.0
"""Seconds in which a hub has started or ended, on a busy machine too."""


class Hub:
    """A running hub; a context manager that ends it. `command` stands for `hub.argv()`."""

    def __init__(
        self,
        resources: Iterable[tuple[str, str, Mapping[str, Any]]],
        *,
        greeting: float = 10.0,
        command: list[str] | None = None,
    ) -> None:
        self.address = whereabouts.private()
        self.token = secrets.token_bytes(32)
        self.process = subprocess.Popen(
            command or hub.argv(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        config = hub.configuration(resources, self.address, self.token, greeting)
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(OSError):  # a hub that died at once is told of below
            self.process.stdin.write(config)
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if line != hub.READY:
            self.close()
            told = line.decode("utf-8", "replace").strip() or "it ended without a word"
            raise EnvironmentFault(f"the hub did not start: {told}")

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    def close(self) -> None:
        """End the hub as the end of the engine would; nothing is left."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        whereabouts.remove(self.address)

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
