"""Many who come and say nothing, too much or too slowly: the hub serves all others meanwhile."""

from __future__ import annotations

import os
import re
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from hubs import DEADLINE, PROMPT, client, until
from scenarios.errors import EnvironmentFault
from scenarios.hub.connection import AT_ONCE
from scenarios.hub.launch import Hub
from scenarios.wire import channel, frames
from scenarios.wire.control import HubControl

Q = 0
RESOURCES: list[tuple[str, str, dict[str, object]]] = [("q", "queues", {})]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub that waits a fifth of a second for a hello."""
    with Hub(RESOURCES, greeting=0.2) as started:
        yield started


@pytest.fixture
def patient() -> Iterator[Hub]:
    """A hub that waits as long as hubs do: nobody is late here."""
    with Hub(RESOURCES) as started:
        yield started


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes what a test has opened."""
    with ExitStack() as stack:
        yield stack


def knock(hub: Hub, opened: ExitStack, data: bytes = b"") -> socket.socket:
    """A new connection that sends this and no more."""
    sock = opened.enter_context(socket.socket(socket.AF_UNIX))
    sock.settimeout(DEADLINE)
    sock.connect(hub.address)
    sock.sendall(data)
    return sock


def serves(hub: Hub) -> None:
    """A client is served at once."""
    one = client(hub)
    began = time.monotonic()
    one.perform(Q, "put", ("x", 1))
    assert one.perform(Q, "get", None, DEADLINE) == ("x", 1)
    one.close()
    assert time.monotonic() - began < PROMPT


def peak(hub: Hub) -> int:
    """Kilobytes that the hub has used at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{hub.pid}/status").read_text())
    assert found is not None
    return int(found[1])


def hello(hub: Hub, name: str) -> bytes:
    """What a client says first."""
    return frames.frame(frames.HELLO, frames.hello(hub.token, name, os.getpid()))


def test_a_crowd_that_says_nothing_is_shown_out(hub: Hub, opened: ExitStack) -> None:
    """300 at once; others are served while they stand there, and after."""
    crowd = [knock(hub, opened) for _ in range(300)]
    serves(hub)
    assert [sock.recv(1) for sock in crowd] == [b""] * len(crowd)
    serves(hub)


def test_a_hello_that_comes_in_drops_is_shown_out(hub: Hub, opened: ExitStack) -> None:
    """Its time counts from its coming, however busy it is."""
    began = time.monotonic()
    slow, data = knock(hub, opened), hello(hub, "slow")
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        for byte in data + bytes(100):
            slow.sendall(bytes([byte]))
            time.sleep(0.03)
    assert 0.2 <= time.monotonic() - began < PROMPT
    serves(hub)


def test_a_hello_of_any_length_takes_no_room(hub: Hub, opened: ExitStack) -> None:
    """A stranger's frame is bounded, and one too long ends it at its header."""
    header = frames.HEADER.pack(frames.MAX_HELLO + 1, frames.HELLO, 0, 0, 0)
    assert knock(hub, opened, header).recv(1) == b""
    before = peak(hub)
    header = frames.HEADER.pack(frames.MAX_HELLO, frames.HELLO, 0, 0, 0)
    crowd = []
    for _ in range(200):
        with suppress(ConnectionError):  # who is late on a busy machine is shown out before
            crowd.append(knock(hub, opened, header + bytes(4000)))
    serves(hub)
    for sock in crowd:
        with suppress(ConnectionError):
            assert sock.recv(1) == b""
    assert peak(hub) - before < 20_000


def test_a_promise_takes_little_room(patient: Hub, opened: ExitStack) -> None:
    """20 clients announce an item of 1 GiB each, and send a little of it: 4 MiB are set aside."""
    before = peak(patient)
    header = frames.HEADER.pack(frames.MAX_BODY, frames.TELL, frames.CODES["put"], Q, 0)
    for number in range(20):
        sock = knock(patient, opened, hello(patient, f"c{number}"))
        assert sock.recv(4096)  # until it is welcome its frames are bounded as a stranger's
        sock.sendall(header + bytes(20_000))
    control = HubControl(patient.address, patient.token)
    until(lambda: len(control.snapshot()["connections"]) == 20)
    serves(patient)
    assert peak(patient) - before < 20 * AT_ONCE // 1024 + 20_000


def test_answers_that_nobody_reads_take_no_room(patient: Hub, opened: ExitStack) -> None:
    """50 clients ask for large items and read nothing: each has one on its way, no more."""
    writer, control = client(patient), HubControl(patient.address, patient.token)
    for number in range(100):
        writer.perform(Q, "put", (str(number), bytes(1_000_000)))
    assert control.snapshot()["queues"]["q"]["items"] == 100
    before = peak(patient)
    get = frames.frame(frames.ASK, code=frames.CODES["get"], index=Q, number=1)
    deaf = [knock(patient, opened, hello(patient, f"d{number}") + get) for number in range(50)]
    until(lambda: control.snapshot()["queues"]["q"] == {"items": 50, "in_hand": 50})
    assert peak(patient) - before < 20_000
    for sock in deaf:
        sock.close()
    until(lambda: control.snapshot()["queues"]["q"] == {"items": 100, "in_hand": 0})
    names = [writer.perform(Q, "get", None, DEADLINE)[0] for _ in range(100)]
    assert sorted(names, key=int) == [str(number) for number in range(100)]


def test_a_client_that_waits_and_reads_nothing_holds_nobody_up(
    patient: Hub, opened: ExitStack
) -> None:
    """What it is sent when it is woken stays where it is."""
    one, control = client(patient), HubControl(patient.address, patient.token)
    get = frames.frame(frames.ASK, code=frames.CODES["get"], index=Q, number=1)
    sock = knock(patient, opened, hello(patient, "deaf") + get)
    until(lambda: control.snapshot()["waiting"].get("deaf"))
    one.perform(Q, "put", ("x", bytes(5_000_000)))
    serves(patient)
    sock.close()
    assert one.perform(Q, "get", None, DEADLINE)[0] == "x"


def test_a_client_for_whom_there_is_no_room_is_told(
    patient: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for ever; once another has left there is room for the next."""
    one = client(patient)
    one.perform(Q, "size")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir(f"/proc/{patient.pid}/fd"))
    resource.prlimit(patient.pid, resource.RLIMIT_NOFILE, (used, most))
    with monkeypatch.context() as patch:
        patch.setattr(channel, "GREETING", 0.1)  # seconds; else 10
        with pytest.raises(EnvironmentFault, match=r"does not answer: .* \(see `ulimit -n`\)"):
            client(patient).perform(Q, "size")
    one.close()
    serves(patient)
