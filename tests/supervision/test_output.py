"""The pump drains everything; the store keeps a bounded part of it."""

from __future__ import annotations

import functools
import os
import resource
import threading
import time
from pathlib import Path

import pytest

from scenarios.supervision.output import BoundedOutput, OutputPump
from supervision.conftest import Kit

MIB = 1 << 20


def test_many_streams(kit: Kit) -> None:
    """Each stream gets its own bytes in order, and its end once, after them."""
    pump = OutputPump()
    texts: list[list[bytes]] = [[] for _ in range(20)]
    streams = []
    for number in range(20):
        read, write = os.pipe()
        parts = texts[number]
        streams.append(pump.add(read, parts.append, functools.partial(parts.append, b"end")))
        kit.command("sh", "-c", f"echo {number}; echo more", stdout=write)
        os.close(write)
    assert all(stream.wait(20) for stream in streams)
    assert [b"%d\nmore\nend" % number for number in range(20)] == [b"".join(t) for t in texts]
    pump.close()


def test_a_flood_adds_no_memory(kit: Kit) -> None:
    """250 MiB go through; what stays is the bound."""
    pump = OutputPump()
    kept = BoundedOutput(MIB)
    read, write = os.pipe()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = pump.add(read, kept)
    child = kit.command("sh", "-c", "head -c 262144000 /dev/zero", stdout=write)
    os.close(write)
    assert stream.wait(60)
    assert (child.wait(20), kept.total) == (0, 250 * MIB)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024
    pump.close()


def test_a_grandchild_that_keeps_the_pipe(kit: Kit, tmp_path: Path) -> None:
    """Its worker is dead, the pipe is not: finish takes what is there and lets go."""
    pump = OutputPump()
    parts: list[bytes] = []
    read, write = os.pipe()
    stream = pump.add(read, parts.append)
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    line = f"setsid sh -c 'echo here; echo >{ready}; exec sleep 60' & read line <{ready}"
    child = kit.command("sh", "-c", line, stdout=write)
    os.close(write)
    assert child.wait(20) == 0
    start = time.monotonic()
    assert not stream.finish(0.2)
    assert time.monotonic() - start < 2
    assert parts == [b"here\n"]
    assert stream.wait(0)
    pump.close()


def test_detach_takes_what_is_in_the_pipe() -> None:
    """Bytes that were written before are not lost, and a writer without end is not waited for."""
    pump = OutputPump()
    kept = BoundedOutput(100)
    read, write = os.pipe()
    stream = pump.add(read, kept)

    def flood() -> None:
        try:
            while True:
                os.write(write, b"y" * 4096)
        except BrokenPipeError:
            os.close(write)

    thread = threading.Thread(target=flood)
    thread.start()
    stream.detach()
    thread.join(5)
    assert not thread.is_alive()
    stream.detach()
    pump.close()
    pump.close()


def test_a_callback_that_raises() -> None:
    """Its stream is drained all the same, the others go on, and the error is kept."""
    pump = OutputPump()
    good: list[bytes] = []
    (read_1, write_1), (read_2, write_2) = os.pipe(), os.pipe()
    bad = pump.add(read_1, lambda data: 1 / 0)
    fine = pump.add(read_2, good.append)
    for _ in range(40):
        os.write(write_1, b"x" * 65536)
    os.write(write_2, b"fine")
    os.close(write_1)
    os.close(write_2)
    assert bad.wait(5)
    assert fine.wait(5)
    assert isinstance(bad.failure, ZeroDivisionError)
    assert good == [b"fine"]
    pump.close()
    with pytest.raises(RuntimeError, match="closed"):
        pump.add(os.dup(0), good.append)


@pytest.mark.parametrize("piece", [1, 3, 7, 1000])
def test_bounded_output(piece: int) -> None:
    """Up to the limit everything is kept; beyond it head, tail and how much is missing."""
    text = bytes(range(48, 48 + 64)) * 2
    for limit in (0, 1, 10, 127, 128, 200):
        kept = BoundedOutput(limit)
        for start in range(0, len(text), piece):
            kept(text[start : start + piece])
        head, tail = kept.raw()
        if limit >= len(text):
            assert text == head + tail
            assert text.decode() == kept.text()
        else:
            assert limit == len(head) + len(tail)
            assert text.startswith(head)
            assert text.endswith(tail)
            assert len(text) - limit == kept.dropped
            assert f"{len(text) - limit} bytes dropped" in kept.text()


def test_text_is_never_refused() -> None:
    """A character cut between two pieces is whole, and bytes that are no text are shown."""
    kept = BoundedOutput(8)
    for byte in "aß€".encode() + b"\xff":
        kept(bytes([byte]))
    assert kept.text() == "aß€\ufffd"
