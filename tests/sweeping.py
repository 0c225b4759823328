"""Kills a client of the hub at each boundary of what it sends, receives and claims.

    python tests/sweeping.py '{"command": null}'

Run as a program, since it forks: prints [points, [what did not hold, ...]] as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from scenarios.answers import Refused
from scenarios.hub.launch import Hub
from scenarios.wire import lot
from scenarios.wire.client import HubClient
from scenarios.wire.control import HubControl

Q, BOUNDED, GUARD, LEAST = range(4)
RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("q", "queues", {}),
    ("bounded", "queues", {"maxsize": 8}),
    ("guard", "locks", {}),
    ("least", "queues", {"ack": "task_done"}),
]
QUEUES = {"q": Q, "bounded": BOUNDED, "least": LEAST}
DEADLINE = 10.0
PATIENCE = 5
"""Seconds in which a role is at its end."""

LARGE = bytes(range(256)) * 1200
"""More than a socket takes at once."""


class Steps:
    """Counts boundaries, and dies at one of them."""

    def __init__(self, last: int, notes: int) -> None:
        self.last = last
        self.count = 0
        self.notes = notes

    def note(self, text: str) -> None:
        """One line, outside of the engine."""
        os.write(self.notes, text.encode() + b"\n")

    def boundary(self) -> bool:
        """Whether this is the last one; then the caller may do half of something and die."""
        self.count += 1
        return self.count == self.last

    def step(self, real: Callable[..., Any], *args: Any, claims: bool = False) -> Any:
        """Before and after one system call."""
        if self.boundary():
            die()
        answer = real(*args)
        if claims and answer:
            self.note("claimed")
        if self.boundary():
            die()
        return answer


def die() -> None:
    """As by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def instrument(steps: Steps) -> None:
    """Every system call of the client is a step; sends can also be cut in the middle.

    Whatever a socket can send and receive with is meant: no way of the client goes around it.
    """
    real = socket.socket

    class Cut(real):  # type: ignore[misc, valid-type]
        pass

    def receiving(method: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *args: steps.step(method, self, *args)

    def sending(method: Callable[..., Any]) -> Callable[..., Any]:
        def send(self: socket.socket, data: Any, *rest: Any) -> Any:
            parts = [bytes(part) for part in (data if isinstance(data, list) else [data])]
            for cut in dict.fromkeys([parts[0], b"".join(parts)]):
                if steps.boundary():
                    real.send(self, cut[: max(1, len(cut) // 2)])
                    die()
            return steps.step(method, self, data, *rest)

        return send

    for name in dir(real):
        if name.startswith("recv"):
            setattr(Cut, name, receiving(getattr(real, name)))
        elif name.startswith("send"):
            setattr(Cut, name, sending(getattr(real, name)))

    def read(fd: int, size: int) -> bytes:
        data: bytes = steps.step(os.read, fd, size, claims=True)
        return data

    setattr(socket, "socket", Cut)  # noqa: B010
    setattr(lot, "os", types.SimpleNamespace(read=read))  # noqa: B010


# -- what the killed one does, each with what is prepared for it ---------------------------------


def puts(client: HubClient, note: Callable[[str], None]) -> None:
    """Small and large, told and asked."""
    for index, name, value in [
        (Q, "q a", "small"),
        (Q, "q b", LARGE),
        (BOUNDED, "bounded c", "small"),
        (BOUNDED, "bounded d", LARGE),
        (Q, "q e", "small"),
    ]:
        note("try " + name)
        client.perform(index, "put", (name, value))
        note("put " + name)


def gets(client: HubClient, note: Callable[[str], None]) -> None:
    """A lot, more than one, and one item at a time."""
    for index, count in [(Q, 9), (BOUNDED, 3)]:
        for _ in range(count):
            note("got " + client.perform(index, "get")[0])


def gets_one_by_one(client: HubClient, note: Callable[[str], None]) -> None:
    """With other operations in between: sizes, another queue, a give back, a last try."""
    note("got " + client.perform(Q, "get")[0])
    client.perform(Q, "size")
    note("got " + client.perform(BOUNDED, "get")[0])
    note("got " + client.perform(Q, "get", None, 5)[0])
    client.interrupt()
    try:
        client.perform(Q, "get")
    except BaseException as stop:
        assert type(stop).__name__ == "Stopped"
    claim = client._claim

    def stopped(*args: Any) -> bool:
        setattr(client, "_claim", claim)  # noqa: B010
        client._give_back(*args)
        return False

    setattr(client, "_claim", stopped)  # noqa: B010
    note("got " + client.perform(BOUNDED, "get")[0])
    note("got " + client.perform(Q, "get", None, 0)[0])
    client.close()
    note("got " + client.perform(Q, "get")[0])


def works(client: HubClient, note: Callable[[str], None]) -> None:
    """With `ack: task_done` an item is the worker's once it said so."""
    for _ in range(2):
        name = client.perform(LEAST, "get")[0]
        note("done? " + name)
        client.perform(LEAST, "task_done")
        note("got " + name)


def locks(client: HubClient, note: Callable[[str], None]) -> None:
    """In and out."""
    for _ in range(2):
        note("enter")
        client.perform(GUARD, "acquire")
        note("in")
        client.perform(GUARD, "release")
        note("out")


Role = Callable[[HubClient, Callable[[str], None]], None]
NAMES = [f"{number:02}" for number in range(12)]
NOTHING: list[tuple[int, list[str], Any]] = []
FULL = [(Q, NAMES, "small"), (BOUNDED, ["x", "y", "z"], LARGE)]
LARGE_ONES = [(Q, NAMES[:10], LARGE), (BOUNDED, ["x", "y", "z"], "small")]
ROLES: list[tuple[Role, list[tuple[int, list[str], Any]], bool]] = [
    (puts, NOTHING, False),
    (gets, FULL, False),
    (gets, FULL, True),
    (gets, LARGE_ONES, False),
    (gets_one_by_one, FULL, False),
    (gets_one_by_one, FULL, True),
    (works, [(LEAST, ["1", "2", "3"], "small")], False),
    (locks, NOTHING, False),
]
"""The last says whether another reader of `q` has been sent items ahead meanwhile."""


class Sweep:
    """One hub for all points; what is left of one is taken out before the next."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.control = HubControl(hub.address, hub.token)
        self.faults: list[str] = []
        self.points = 0

    def client(self, name: str) -> HubClient:
        """A client in this process."""
        return HubClient(self.hub.address, self.hub.token, name)

    def role(self, role: Role, prepared: list[tuple[int, list[str], Any]], rival: bool) -> None:
        """At every boundary, until the role comes to its end."""
        last = 0
        while True:
            last += 1
            where = f"{role.__name__} {'beside another ' if rival else ''}at boundary {last}"
            writer, other = self.client("writer"), self.client("other")
            expected: dict[str, Any] = {}
            for index, names, value in prepared:
                for name in names:
                    writer.perform(index, "put", (name, value))
                    expected[name] = value
            got = [other.perform(Q, "get")] if rival else []
            notes, killed = self.fork(role, last)
            self.points += killed
            try:
                if rival:
                    got += take(other, Q, 2)
                drained = {name: self.drain(index) for name, index in QUEUES.items()}
                self.judge(where, notes, expected, got, drained)
            except Exception as error:
                self.faults.append(f"{where}: {type(error).__name__}: {error}")
            writer.close()
            other.close()
            if not killed or any("hangs" in fault for fault in self.faults):
                return

    def fork(self, role: Role, last: int) -> tuple[list[str], bool]:
        """What the role noted, and whether it was killed."""
        source, target = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(source)
            signal.alarm(PATIENCE)  # of one that hangs
            steps = Steps(last, target)
            instrument(steps)
            try:
                role(self.client("victim"), steps.note)
            except BaseException as error:
                steps.note(f"failed {type(error).__name__}: {error}")
            os._exit(0)
        os.close(target)
        end = time.monotonic() + DEADLINE
        with os.fdopen(source) as pipe:
            notes = pipe.read().splitlines()
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            notes.append("failed hangs")
        while "victim" in self.control.snapshot()["connections"]:
            if time.monotonic() > end:
                self.faults.append("the hub does not notice a death")
                break
        return notes, os.WIFSIGNALED(status)

    def drain(self, index: int) -> list[tuple[str, Any]]:
        """Everything that is there."""
        late = self.client("late")
        found = take(late, index, 1000)
        if index == LEAST:
            for _ in found:
                late.perform(index, "task_done")
        late.close()
        return found

    def judge(
        self,
        where: str,
        notes: list[str],
        expected: dict[str, Any],
        got: list[tuple[str, Any]],
        drained: dict[str, list[tuple[str, Any]]],
    ) -> None:
        """Compare what was said with what is there."""
        words = [note.partition(" ")[::2] for note in notes]
        mine = [name for word, name in words if word == "got"]
        tried = {name for word, name in words if word == "try"}
        put = {name for word, name in words if word == "put"}
        elsewhere = [pair for pairs in drained.values() for pair in pairs] + got
        names = [name for name, _ in elsewhere] + mine
        faults = [f"{name}: {text}" for name, text in words if name == "failed"]
        for name, value in elsewhere:
            right = expected.get(name, LARGE if name[-1] in "bd" else "small")
            if value != right:
                faults.append(f"{name} is damaged")
        faults += [f"{name} came twice" for name in set(names) if names.count(name) > 1]
        faults += [f"{name} comes from nowhere" for name in set(names) - set(expected) - tried]
        lost = (set(expected) | put) - set(names)
        claimed = sum(word == "claimed" for word, _ in words)
        doing = [name for word, name in words[-1:] if word == "done?"]
        if len(lost - set(doing)) > max(0, claimed - len(mine)):
            faults.append(f"lost: {sorted(lost)}, and {claimed} were claimed")
        order = [name for name, _ in drained["q"] if name in expected]
        if order != sorted(order):
            faults.append(f"not in order: {order}")
        faults += self.lock(words)
        counts = self.control.statistics()
        for name in QUEUES:
            if any(counts[name][word] for word in ("left", "lost", "duplicated")):
                faults.append(f"counts of {name}: {counts[name]}")
        self.faults += [f"{where}: {fault}" for fault in faults]

    def lock(self, words: list[tuple[str, str]]) -> list[str]:
        """The lock can be had, and whoever has it knows whether it was abandoned."""
        one = self.client("locker")
        answer = one.perform(GUARD, "acquire", None, 2)
        if answer.__class__ is Refused:
            return ["the lock is stuck"]
        one.perform(GUARD, "release")
        one.close()
        last = words[-1][0] if words else ""
        certain = {"in": None, "out": True}.get(last, answer)
        if last == "in" and answer not in (True, "abandoned"):
            return [f"the lock said {answer} after {last}"]
        return [] if certain in (None, answer) else [f"the lock said {answer} after {last}"]


def take(client: HubClient, index: int, most: int) -> list[tuple[str, Any]]:
    """What can be got now."""
    found: list[tuple[str, Any]] = []
    while len(found) < most:
        answer = client.perform(index, "get", None, 0)
        if answer.__class__ is Refused:
            break
        found.append(answer)
    return found


def main() -> None:
    """Every role at every boundary."""
    command = json.loads(sys.argv[1])["command"]
    with Hub(RESOURCES, command=command) as hub:
        sweep = Sweep(hub)
        try:
            for role, prepared, rival in ROLES:
                sweep.role(role, prepared, rival)
        except Exception as error:
            sweep.faults.append(f"{type(error).__name__}: {error}")
    print(json.dumps([sweep.points, sweep.faults[:20]]))


if __name__ == "__main__":
    main()
