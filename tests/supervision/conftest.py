"""A spawner for each test, and what it needs to start children."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from scenarios.supervision.client import Child, Spawner
from supervision.witness import left_after, new_mark


class Kit:
    """A spawner, and short ways to start children and read their output."""

    def __init__(self) -> None:
        self.mark = new_mark()
        self.spawner = Spawner.start(self.mark, preload=("supervision.entries",))
        self.ours, self.theirs = socket.socketpair()
        self.null = os.open(os.devnull, os.O_RDWR)

    def worker(self, entry: str, bundle: bytes = b"", **options: Any) -> Child:
        """A child that runs an entry of `supervision.entries`; no output."""
        options = {"stdout": self.null, "stderr": self.null, **options}
        channel = self.theirs.fileno()
        entry = f"supervision.entries:{entry}"
        return self.spawner.fork(bundle, entry=entry, channel=channel, **options)

    def command(self, *argv: str, **options: Any) -> Child:
        """A program; no output."""
        return self.spawner.command(argv, **{"stdout": self.null, "stderr": self.null, **options})

    def python(self, code: str, **options: Any) -> Child:
        """A command that is a short Python program."""
        return self.command(sys.executable, "-S", "-c", code, **options)

    def kind(self, kind: str, entry: str, bundle: bytes, **options: Any) -> Child:
        """A worker by `fork` or `fresh`."""
        return self.worker(entry, bundle, fresh=kind == "fresh", **options)

    def output(self, start: Any, *arguments: Any, **options: Any) -> tuple[bytes, bytes, int]:
        """Start a child by one of the above; its standard output, error and code."""
        (out, out_w), (err, err_w) = os.pipe(), os.pipe()
        child = start(*arguments, stdout=out_w, stderr=err_w, **options)
        os.close(out_w)
        os.close(err_w)
        with open(out, "rb") as one, open(err, "rb") as two:
            texts = one.read(), two.read()
        return *texts, child.wait(20)

    def close(self) -> None:
        """End all; nothing may be left."""
        self.spawner.close()
        self.ours.close()
        self.theirs.close()
        os.close(self.null)


@pytest.fixture
def kit() -> Iterator[Kit]:
    """A spawner whose end leaves nothing."""
    kit = Kit()
    yield kit
    kit.close()
    left, _ = left_after(kit.mark, 0.25)
    assert left == {}
