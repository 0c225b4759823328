from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs import DEADLINE, PROMPT, Actor, Later, client, until, waits
from scenarios import hub as hubs_package
from scenarios.answers import Refused
from scenarios.errors import EnvironmentFault
from scenarios.hub.launch import Hub
from scenarios.hub.pace import PAUSE
from scenarios.wire import frames
from scenarios.wire.client import HubClient
from scenarios.wire.control import HubControl

Q, GUARD, STRICT, CONDITION, GATE, LEAST, FLAG, VALUE = range(8)
RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("q", "queues", {}),
    ("guard", "locks", {}),
    ("strict", "locks", {"on_owner_death": "fail"}),
    ("bell", "conditions", {}),
    ("gate", "barriers", {"parties": 2}),
    ("least", "queues", {"ack": "task_done"}),
    ("go", "flags", {"set": True}),
    ("count", "values", {"init": {"n": 1}}),
]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with what members can die at."""
    with Hub(RESOURCES) as started:
        yield started


@pytest.fixture
def control(hub: Hub) -> HubControl:
    """The engine's connection."""
    return HubControl(hub.address, hub.token)


# -- deaths ------------------------------------------------------------------------------------


def test_a_reader_killed_while_it_waits_is_forgotten(hub: Hub, control: HubControl) -> None:
    """The next item goes to another."""
    actor = Actor(hub, 'client.perform(0, "get")')
    waits(control, "actor")
    actor.kill()
    one = client(hub)
    one.perform(Q, "put", ("x", 1))
    assert one.perform(Q, "get", None, DEADLINE) == ("x", 1)


def test_an_item_whose_taker_dies_before_acknowledging_goes_back(
    hub: Hub, control: HubControl
) -> None:
    """To the head: before the items behind it."""
    one = client(hub)
    for number in range(3):
        one.perform(Q, "put", (str(number), number))
    held = 'client._claim = lambda *_: (say("in hand"), time.sleep(60))\n'
    actor = Actor(hub, held + 'client.perform(0, "get")')
    assert actor.line() == "in hand"
    assert control.snapshot()["queues"]["q"] == {"items": 2, "in_hand": 1}
    actor.kill()
    until(lambda: control.snapshot()["queues"]["q"] == {"items": 3, "in_hand": 0})
    assert [one.perform(Q, "get", None, 0)[1] for _ in range(3)] == [0, 1, 2]
    assert one.perform(Q, "get", None, 0).__class__ is Refused


def test_an_acknowledged_item_does_not_come_again(hub: Hub) -> None:
    """Its taker died after `get` returned."""
    one = client(hub)
    one.perform(Q, "put", ("x", 1))
    actor = Actor(hub, 'client.perform(0, "get"); say("got"); time.sleep(60)')
    assert actor.line() == "got"
    actor.kill()
    assert one.perform(Q, "get", None, 0.1) == Refused("timeout")


def test_task_done_is_at_least_once(hub: Hub) -> None:
    """The item comes again unless its taker said that it is done."""
    one = client(hub)
    one.perform(LEAST, "put", ("x", 1))
    one.perform(LEAST, "put", ("y", 2))
    code = 'client.perform(5, "get"); client.perform(5, "task_done"); client.perform(5, "get")\n'
    actor = Actor(hub, code + 'say("got"); time.sleep(60)')
    assert actor.line() == "got"
    actor.kill()
    assert one.perform(LEAST, "get", None, DEADLINE) == ("y", 2)
    assert one.perform(LEAST, "task_done") is True
    assert one.perform(LEAST, "join", None, DEADLINE) is True


def test_a_shutdown_throws_away_what_was_sent_ahead() -> None:
    """Its reader has what it took, and nothing of what lies beside it already."""
    with Hub([("q", "queues", {"sync": True})]) as hub:
        reader, writer = client(hub, "reader"), client(hub, "writer")
        for number in range(100):
            writer.perform(0, "put", (f"w.{number}", number))
        taken = [reader.perform(0, "get")[1] for _ in range(30)]
        assert taken == list(range(30))
        assert writer.perform(0, "shutdown", 1) is True
        assert reader.perform(0, "get", None, DEADLINE) == Refused("shut_down")
        assert HubControl(hub.address, hub.token).statistics()["q"]["lost"] == 70


def test_a_dead_holder_abandons_its_lock(hub: Hub, control: HubControl) -> None:
    """The one who waits has it and is told; `fail` refuses everybody."""
    code = 'client.perform(1, "acquire"); client.perform(2, "acquire"); say("held")\n'
    actor = Actor(hub, code + "time.sleep(60)")
    assert actor.line() == "held"
    one, two = client(hub, "one"), client(hub, "two")
    waiting = [Later(one.perform, GUARD, "acquire"), Later(two.perform, STRICT, "acquire")]
    waits(control, "one")
    waits(control, "two")
    actor.kill()
    assert [later.result() for later in waiting] == ["abandoned", Refused("holder_died")]
    assert one.perform(GUARD, "release") is True
    assert two.perform(GUARD, "acquire") is True
    assert one.perform(STRICT, "acquire") == Refused("holder_died")


def test_a_dead_waiter_of_a_condition_does_not_eat_a_notify(hub: Hub, control: HubControl) -> None:
    """It goes to the one behind."""
    wait = 'client.perform(3, "acquire"); client.perform(3, "wait")'
    actor = Actor(hub, wait)
    waits(control, "actor")
    one, two = client(hub, "one"), client(hub)
    one.perform(CONDITION, "acquire", None, DEADLINE)
    waiting = Later(one.perform, CONDITION, "wait")
    waits(control, "one")
    actor.kill()
    until(lambda: "actor" not in control.snapshot()["waiting"])
    two.perform(CONDITION, "acquire", None, DEADLINE)
    assert two.perform(CONDITION, "notify", 1) == 1
    two.perform(CONDITION, "release")
    assert waiting.result() is True


def test_a_dead_party_breaks_a_barrier(hub: Hub, control: HubControl) -> None:
    """As a party that times out does."""
    actor = Actor(hub, 'client.perform(4, "wait")')
    waits(control, "actor")
    actor.kill()
    until(lambda: control.statistics()["gate"]["broken"])
    assert client(hub).perform(GATE, "wait", None, DEADLINE) == Refused("broken")


def test_half_a_frame_is_dropped(hub: Hub, control: HubControl) -> None:
    """Of a writer killed in the middle of a large put; whole ones before it count."""
    code = """
client.perform(0, "put", ("whole", 1))
from scenarios.wire import frames
client._channel.sock.sendall(frames.HEADER.pack(5_000_000, frames.TELL, 0, 0, 0) + bytes(3_000_000))
say("half"); time.sleep(60)
"""
    actor = Actor(hub, code)
    assert actor.line() == "half"
    actor.kill()
    one = client(hub)
    assert one.perform(Q, "get", None, DEADLINE) == ("whole", 1)
    until(lambda: "actor" not in control.snapshot()["connections"])
    assert one.perform(Q, "size") == 0


def test_everything_put_before_a_death_is_there(hub: Hub, control: HubControl) -> None:
    """A put that returned is in the kernel; a question asked afterwards counts it."""
    for _ in range(5):
        code = (
            'for n in range(2000): client.perform(0, "put", (str(n), n))\nos.kill(os.getpid(), 9)'
        )
        Actor(hub, code).wait()
        assert control.snapshot()["queues"]["q"]["items"] == 2000
        one = client(hub)
        assert one.perform(Q, "size") == 2000
        assert [one.perform(Q, "get", None, 0)[1] for _ in range(2000)] == list(range(2000))
        assert one.perform(Q, "get", None, 0) == Refused("would_block")


def test_large_items_do_not_pile_up_beside_a_reader_that_keeps_up(hub: Hub) -> None:
    """Each would take memory of its own: 200 MB go through, and a tenth of it is used."""
    code = 'for n in range(200): client.perform(0, "put", (str(n), bytes(1_000_000)))\nsay("put")'
    one = client(hub)
    assert one.perform(Q, "get", None, 0).__class__ is Refused
    actor = Actor(hub, code)
    names, late, last = [], 0.0, None
    for _ in range(200):
        names.append(one.perform(Q, "get", None, DEADLINE)[0])
        now = time.monotonic()
        late += 0.0 if last is None else max(0.0, now - last - 0.01)
        last = now
    assert names == [str(number) for number in range(200)]
    assert actor.line() == "put"
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{hub.pid}/status").read_text())
    assert peak is not None
    assert int(peak[1]) < 100_000 + late / PAUSE * 1_000  # a pause of the writer for each


def test_a_reader_that_does_not_ask_holds_up_no_writer(hub: Hub, control: HubControl) -> None:
    """A pause ends by itself, and whoever asks what there is finds all that was put."""
    one, writer = client(hub), client(hub)
    assert one.perform(Q, "get", None, 0).__class__ is Refused
    began = time.monotonic()
    for number in range(50):
        writer.perform(Q, "put", (str(number), bytes(1_000_000)))
    assert control.snapshot()["queues"]["q"]["items"] == 50
    assert time.monotonic() - began < PROMPT
    assert one.perform(Q, "size") == 50


def test_a_writer_that_dies_in_its_pause_is_noticed(hub: Hub, control: HubControl) -> None:
    """And what it had put is there."""
    one = client(hub)
    assert one.perform(Q, "get", None, 0).__class__ is Refused
    code = 'for n in range(9): client.perform(0, "put", (str(n), bytes(1_000_000)))\n'
    Actor(hub, code + "os.kill(os.getpid(), 9)").wait()
    until(lambda: "actor" not in control.snapshot()["connections"])
    assert one.perform(Q, "size") == 9


# -- strangers ---------------------------------------------------------------------------------


def rude(hub: Hub, *parts: bytes, leave: bool = False) -> bytes:
    """What the hub says to a connection that sends these bytes, until one of them ends it."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(DEADLINE)
        sock.connect(hub.address)
        said = b""
        try:
            for part in parts:
                sock.sendall(part)
            if leave:
                with contextlib.suppress(OSError):  # ended already
                    sock.shutdown(socket.SHUT_WR)
            while data := sock.recv(65536):
                said += data
        except ConnectionError:
            pass
        return said


def test_a_wrong_token_ends_the_connection(hub: Hub) -> None:
    """Without a word, and nobody else notices."""
    assert rude(hub, frames.frame(frames.HELLO, frames.hello(b"x" * 32, "thief", 1))) == b""
    assert rude(hub, frames.frame(frames.HELLO, frames.hello(b"", "thief", 1))) == b""
    with pytest.raises(EnvironmentFault):
        HubClient(hub.address, b"guess", "thief").perform(Q, "size")
    assert client(hub).perform(Q, "size") == 0


def test_malformed_frames_end_their_connection_only(hub: Hub) -> None:
    """Seeded noise, before and after a good hello; another client goes on all the while."""
    one = client(hub)
    hello = frames.frame(frames.HELLO, frames.hello(hub.token, "rude", 1))
    rng = random.Random(3)
    bad = [
        frames.frame(frames.ASK, code=200, number=1),
        frames.frame(frames.ASK, index=99, number=1),
        frames.frame(77, number=1),
        frames.frame(frames.TELL, b"\xff", code=0),
        frames.frame(frames.TELL, code=1),
        frames.frame(frames.HELLO, frames.hello(hub.token, "rude", 1)),
        frames.HEADER.pack(frames.MAX_BODY + 1, frames.ASK, 0, 0, 1),
        2 * frames.frame(frames.ASK, code=1, number=1),
        2 * frames.frame(frames.TRY, code=1, number=1),
    ]
    noise = [rng.randbytes(rng.randrange(12, 200)) for _ in range(30)]
    for number, frame in enumerate(bad + noise):
        # noise may be half of a frame that is allowed, and the hub waits for its rest
        rude(hub, frame + bytes(5000), leave=frame in noise)
        rude(hub, hello, frame + bytes(16), leave=frame in noise)
        one.perform(Q, "put", ("x", number))
        assert one.perform(Q, "get", None, DEADLINE) == ("x", number)


def test_one_who_asks_without_reading_is_ended(hub: Hub) -> None:
    """Its answers would pile up in the hub."""
    one = client(hub)
    for number in range(20):
        one.perform(Q, "put", (str(number), bytes(500_000)))
    hello = frames.frame(frames.HELLO, frames.hello(hub.token, "greedy", 1))
    gets = b"".join(frames.frame(frames.ASK, code=1, number=n) for n in range(1, 30))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(DEADLINE)
        sock.connect(hub.address)
        sock.sendall(hello)
        sock.recv(65536)
        sock.sendall(gets)
        until(lambda: one.perform(Q, "size") == 20)


def test_who_does_not_say_hello_is_shown_out() -> None:
    """In its time; one who said it may be silent for longer."""
    with Hub(RESOURCES, greeting=0.3) as hub:
        control = HubControl(hub.address, hub.token)
        began = time.monotonic()
        assert rude(hub, b"half") == b""
        assert 0.3 <= time.monotonic() - began < PROMPT
        assert control.snapshot()["connections"] == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused(hub: Hub) -> None:
    """Even with the token, even where the folder lets it in."""
    folder = os.path.dirname(hub.address)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    code = """
import os, socket, sys
os.setuid(65534)
sock = socket.socket(socket.AF_UNIX)
try:
    sock.connect(sys.argv[1])
except PermissionError:
    print("cannot enter")
else:
    sock.settimeout(10)
    print(sock.recv(100))
"""
    for mode, said in ((0o700, "cannot enter"), (0o755, "b''")):
        os.chmod(folder, mode)
        os.chmod(hub.address, 0o777)
        run = subprocess.run(
            [sys.executable, "-I", "-c", code, hub.address],
            capture_output=True,
            timeout=DEADLINE,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == said


# -- the engine's view, and the end ------------------------------------------------------------


def test_statistics_and_contents(hub: Hub, control: HubControl) -> None:
    """As `expect` names them."""
    one = client(hub)
    one.perform(Q, "put", ("x", 1))
    one.perform(VALUE, "update", lambda old: {"n": old["n"] + 1})
    statistics = control.statistics()
    assert {key: statistics["q"][key] for key in ("put", "got", "left", "lost", "fifo")} == {
        "put": 1,
        "got": 0,
        "left": 1,
        "lost": 0,
        "fifo": True,
    }
    assert set(statistics) == {name for name, _, _ in RESOURCES}
    assert control.contents("count") == {"n": 2}
    assert control.contents("go") is True
    one.perform(FLAG, "clear")
    assert control.contents("go") is False


def test_two_equal_snapshots_mean_that_nothing_happened(hub: Hub, control: HubControl) -> None:
    """Looking is no operation."""
    one = client(hub, "one")
    one.perform(Q, "size")
    first = control.snapshot()
    assert control.snapshot() == first
    one.perform(FLAG, "read")
    assert control.snapshot()["operations"] == first["operations"] + 1


def test_hundreds_of_connections(hub: Hub, control: HubControl) -> None:
    """All wait at once, each gets its own."""
    clients = [client(hub, f"c{n}") for n in range(300)]
    laters = [Later(one.perform, Q, "get") for one in clients]
    until(lambda: len(control.snapshot()["waiting"]) == 300)
    one = client(hub)
    for number in range(300):
        one.perform(Q, "put", (str(number), number))
    assert sorted(later.result()[1] for later in laters) == list(range(300))
    for each in clients:
        each.close()
    until(lambda: len(control.snapshot()["connections"]) == 1)


def test_without_file_descriptors_a_client_waits_until_another_leaves(hub: Hub) -> None:
    """The hub goes on for those it has, and does not spin."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(hub.pid, resource.RLIMIT_NOFILE, (12, most))
    clients = [client(hub, f"c{n}") for n in range(12)]
    laters = [Later(one.perform, Q, "size") for one in clients]
    until(lambda: sum(later.ended for later in laters) >= 4)
    served = [one for one, later in zip(clients, laters, strict=True) if later.ended]
    assert len(served) < 12
    began = cpu(hub.pid)
    time.sleep(0.2)
    assert cpu(hub.pid) - began < 0.1

    def let_go() -> bool:
        for one, later in zip(clients, laters, strict=True):
            if later.ended:
                one.close()
        return all(later.ended for later in laters)

    until(let_go)


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def test_a_hub_told_to_terminate_leaves_nothing_behind() -> None:
    """The supervisor's way."""
    with Hub(RESOURCES) as hub:
        hub.process.terminate()
        assert hub.process.wait(DEADLINE) == 143
        assert not Path(hub.address).parent.exists()


def test_the_hub_ends_with_its_standard_input() -> None:
    """The engine is gone: at once, with clients connected, and nothing is left behind."""
    with Hub(RESOURCES) as hub:
        folder = Path(hub.address).parent
        one = client(hub)
        one.perform(Q, "put", ("x", 1))
        waiting = Later(one.perform, GATE, "wait")
        assert hub.process.stdin is not None
        began = time.monotonic()
        hub.process.stdin.close()
        assert hub.process.wait(DEADLINE) == 0
        assert time.monotonic() - began < PROMPT
        with pytest.raises(EnvironmentFault):
            waiting.result()
        assert not folder.exists()


def test_the_hub_ends_when_asked_and_lives_through_an_interrupt_of_the_terminal() -> None:
    """SIGINT is for the engine."""
    with Hub(RESOURCES) as hub:
        os.kill(hub.pid, signal.SIGINT)
        control = HubControl(hub.address, hub.token)
        assert control.snapshot()["operations"] == 0
        control.shutdown()
        assert hub.process.wait(DEADLINE) == 0
        with pytest.raises(EnvironmentFault):
            control.snapshot()


def test_a_hub_that_cannot_listen_says_why(tmp_path: Path) -> None:
    """In its one line, with exit code 1."""
    config = hubs_package.configuration([], str(tmp_path / "no" / "hub"), b"t")
    run = subprocess.run(
        hubs_package.argv(), input=config, capture_output=True, timeout=DEADLINE, check=False
    )
    assert run.returncode == 1
    assert run.stdout.startswith(b"the hub cannot listen at ")


def test_a_configuration_cut_short_is_refused() -> None:
    """The engine died while it wrote it."""
    config = hubs_package.configuration([], "/nowhere", b"t")
    run = subprocess.run(
        hubs_package.argv(), input=config[:-1], capture_output=True, timeout=DEADLINE, check=False
    )
    assert run.returncode == 1
    assert b"no whole configuration" in run.stderr


def test_the_hub_imports_the_standard_library_only(hub: Hub) -> None:
    """No module of a dependency is mapped into it, and no unpickling is at hand."""
    code = """
import sys
import scenarios.hub.server
names = {name.partition(".")[0] for name in sys.modules}
print(sorted(names & {"pickle", "pydantic", "yaml", "structlog", "click", "pluggy", "rich"}))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=DEADLINE, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
