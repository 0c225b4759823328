from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from scenarios.hub.connection import AT_ONCE, LARGE, Connection, Frame
from scenarios.wire import frames
from scenarios.wire.frames import HEADER, Malformed


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Connection]]:
    """A client's socket and the hub's connection to it."""
    far, near = socket.socketpair()
    near.setblocking(False)
    connection = Connection(near, 1, 0.0)
    connection.limit = frames.MAX_BODY
    with far, near:
        yield far, connection


def everything(connection: Connection) -> tuple[list[Frame], bool]:
    """Receive until nothing more is there."""
    found: list[Frame] = []
    while True:
        more, ended = connection.receive()
        found += more
        if ended or not more:
            return found, ended


def test_frames_arrive_however_they_were_cut(pair: tuple[socket.socket, Connection]) -> None:
    """Seeded cuts at any byte; bodies small, large and empty."""
    far, connection = pair
    rng = random.Random(7)
    bodies = [bytes([n]) * rng.choice([0, 1, 100, LARGE, LARGE + 1, 200_000]) for n in range(40)]
    stream = b"".join(
        frames.frame(frames.ASK, body, code=n, index=n, number=n) for n, body in enumerate(bodies)
    )
    found: list[Frame] = []
    position = 0
    while position < len(stream):
        size = rng.choice([1, 5, 11, 12, 13, 1000, 50_000])
        far.sendall(stream[position : position + size])
        position += size
        found += everything(connection)[0]
    assert found == [(frames.ASK, n, n, n, body) for n, body in enumerate(bodies)]


def test_a_half_frame_takes_no_memory_ahead(pair: tuple[socket.socket, Connection]) -> None:
    """A header may promise a gigabyte; room is made as bytes arrive."""
    far, connection = pair
    far.sendall(HEADER.pack(frames.MAX_BODY, frames.ASK, 0, 0, 1) + b"x" * 1000)
    assert everything(connection) == ([], False)
    assert connection.body is not None
    assert len(connection.body) <= AT_ONCE


def test_a_frame_beyond_the_limit_is_malformed(pair: tuple[socket.socket, Connection]) -> None:
    """1 GiB for a client, little for one who has not said who it is."""
    far, connection = pair
    far.sendall(HEADER.pack(frames.MAX_BODY + 1, frames.ASK, 0, 0, 1))
    with pytest.raises(Malformed):
        connection.receive()
    connection.limit = frames.MAX_HELLO
    far.sendall(HEADER.pack(frames.MAX_HELLO + 1, frames.HELLO, 0, 0, 1))
    with pytest.raises(Malformed):
        connection.receive()


def test_whole_frames_before_an_end_still_count(pair: tuple[socket.socket, Connection]) -> None:
    """Half a frame after them is dropped."""
    far, connection = pair
    far.sendall(frames.frame(frames.TELL, b"body") + frames.frame(frames.TELL, b"half")[:-1])
    far.close()
    found, ended = everything(connection)
    assert [frame[4] for frame in found] == [b"body"]
    assert connection.receive() == ([], True) or ended


@pytest.mark.parametrize("size", [10, LARGE - 1, LARGE, 3_000_000])
def test_what_the_kernel_does_not_take_waits(
    pair: tuple[socket.socket, Connection], size: int
) -> None:
    """And goes out in order once there is room."""
    far, connection = pair
    body = random.Random(1).randbytes(size)
    header = HEADER.pack(size, frames.ITEM, 0, 0, 3)
    sent = 0
    while not connection.out:
        sent += 1
        connection.send(header, body)
    received = bytearray()
    far.setblocking(False)
    while len(received) < sent * (size + len(header)):
        received += far.recv(1 << 20)
        if connection.out:
            connection.flush()
    assert received == (header + body) * sent


def test_an_answer_to_the_dead_is_dropped(pair: tuple[socket.socket, Connection]) -> None:
    """Its end is read later, after what it had sent."""
    far, connection = pair
    far.sendall(frames.frame(frames.TELL, b"last"))
    far.close()
    assert connection.send(HEADER.pack(1, frames.ITEM, 0, 0, 1), b"x") is True
    found, _ = connection.receive()
    assert [frame[4] for frame in found] == [b"last"]
