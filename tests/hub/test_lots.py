"""Every order in which a reader's claims and the hub's looking and taking back can interleave."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from scenarios.hub.desk import Desk, Reply
from scenarios.hub.lanes import Lane
from scenarios.wire import frames
from scenarios.wire.frames import CODES

ITEMS = 4
READER, OTHER, LATE, WRITER = "reader", "other", "late", "writer"


class Choices:
    """Replays a prefix of choices, then takes the first of each; `next` is the path after it."""

    def __init__(self, path: list[int]) -> None:
        self.path = path
        self.taken: list[int] = []
        self.widths: list[int] = []

    def choose(self, width: int) -> int:
        """A number below `width`."""
        at = len(self.taken)
        choice = self.path[at] if at < len(self.path) else 0
        self.taken.append(choice)
        self.widths.append(width)
        return choice

    def next(self) -> list[int] | None:
        """The path that differs last from this one; None after the last."""
        for at in reversed(range(len(self.taken))):
            if self.taken[at] + 1 < self.widths[at]:
                return [*self.taken[:at], self.taken[at] + 1]
        return None


class ModelLane(Lane):
    """A lane whose pipe is a number; before each of the hub's system calls the reader may run."""

    __slots__ = ("before", "bytes")

    def __init__(self, who: object, before: Callable[[], None]) -> None:
        self.who = who  # type: ignore[assignment]
        self.before = before
        self.bytes = 0
        self.resource = None
        self.held = False
        self.ahead = 0
        self.limit = ITEMS

    def send(self, resource: object, ahead: int) -> None:
        """As the real one, without a pipe."""
        self.resource, self.held, self.ahead = resource, True, ahead
        self.bytes += 1 + ahead

    def close(self) -> None:
        """Nothing is open."""

    def _left(self) -> int:
        self.before()
        return self.bytes

    def _drain(self, most: int) -> int:
        self.before()
        drained = min(most, self.bytes)
        self.bytes -= drained
        return drained


class Reader:
    """The client's side: claims what it was sent in order until the pipe is empty."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.alive = True
        self.lot: list[bytes] = []
        self.got: list[bytes] = []
        self.lane = ModelLane(READER, self.run)

    def run(self) -> None:
        """Any number of claims."""
        if self.alive:
            for _ in range(self.choices.choose(min(len(self.lot), 2) + 1)):
                self.claim()

    def claim(self) -> None:
        """One claim, as `Lot.claim` does it."""
        if not self.lot:
            return
        if self.lane.bytes:
            self.lane.bytes -= 1
            self.got.append(self.lot.pop(0))
        else:
            self.lot.clear()


class World:
    """The real desk and machine, a model of the reader, and others who take one item at a time."""

    def __init__(self, choices: Choices) -> None:
        self.desk = Desk([("q", "queues", {"hold": "ack"})])
        self.reader = Reader(choices)
        self.desk.lots.lanes[READER] = self.reader.lane
        self.got: list[bytes] = []
        self.taken: dict[str, bytes] = {}  # in the hand of one who has not acknowledged
        for number in range(ITEMS):
            replies: list[Reply] = []
            item = frames.identity(str(number)) + b"x"
            self.desk.tell(WRITER, CODES["put"], 0, item, replies)

    def deliver(self, replies: list[Reply]) -> None:
        """What the server does with replies."""
        for who, _, kind, body in replies:
            if kind != frames.ITEM:
                continue
            if who == READER:
                lot = self.desk.lots.send(self.reader.lane, body)
                self.reader.lot = split(lot[0], bytes(lot[1]))
            else:
                self.desk.lots.hands.pop(who, None)
                self.taken[who] = bytes(body)

    def ask(self, who: str) -> None:
        """A get that does not wait."""
        if who in self.taken:
            return
        replies: list[Reply] = []
        self.desk.ask(who, *self.desk.find(0, CODES["get"]), 1, b"", False, replies)
        self.deliver(replies)

    def leave(self, who: str) -> None:
        """A death."""
        replies: list[Reply] = []
        self.desk.leave(who, True, replies)
        self.taken.pop(who, None)
        self.deliver(replies)

    def acknowledge(self, who: str) -> None:
        """By a frame."""
        if who in self.taken:
            self.desk.tell(who, CODES["ack"], 0, b"", [])
            self.got.append(self.taken.pop(who))

    # -- what can happen ---------------------------------------------------------------------

    def reader_asks(self) -> None:
        """Only once it has nothing left to try."""
        while self.reader.lot:
            self.reader.claim()
        if self.reader.alive:
            self.ask(READER)

    def other_takes(self) -> None:
        """A second reader, which acknowledges at its next turn or dies with the item."""
        self.acknowledge(OTHER)
        self.ask(OTHER)

    def other_dies(self) -> None:
        """What it had in hand goes to the head, before what was sent ahead."""
        self.leave(OTHER)

    def reader_gives_back(self) -> None:
        """A stop came before the first claim."""
        if self.reader.alive and self.reader.lot and self.reader.lane.held:
            identity = self.reader.lot[0][:2]
            if self.reader.lane.bytes == 1 + self.reader.lane.ahead:
                self.reader.lot.clear()
                self.desk.tell(READER, CODES["give_back"], 0, identity, [])

    def reader_dies(self) -> None:
        """At any moment between two claims."""
        if self.reader.alive:
            self.reader.alive = False
            self.leave(READER)

    def looked_at(self) -> None:
        """Statistics are those of some moment of the looking."""
        before = len(self.reader.got)
        statistics = self.desk.statistics()["q"]
        elsewhere = len(self.got) + len(self.taken)
        held = self.reader.lane.held
        assert before <= statistics["got"] - elsewhere - held <= len(self.reader.got)
        assert statistics["left"] == ITEMS - statistics["got"]
        assert statistics["lost"] == statistics["duplicated"] == 0

    def finish(self) -> None:
        """Everybody dies, and one who comes late takes what is left."""
        self.acknowledge(OTHER)
        self.leave(OTHER)
        if self.reader.alive:
            self.reader.run()
        self.reader_dies()
        while self.desk.statistics()["q"]["left"]:
            self.ask(LATE)
            self.acknowledge(LATE)
        everything = self.reader.got + self.got
        assert sorted(everything) == sorted(set(everything)), "an item was got twice"
        assert len(everything) == ITEMS, "an item was lost"


def split(kind: int, body: bytes) -> list[bytes]:
    """The items of a CLAIM or LOT."""
    if kind == frames.CLAIM:
        return [body]
    sizes, at = frames.read_lot(body)
    found = []
    for size in reversed(sizes):
        found.append(body[at : at + size])
        at += size
    return found


EVENTS = [
    World.reader_asks,
    World.other_takes,
    World.other_dies,
    World.reader_gives_back,
    World.reader_dies,
    World.looked_at,
]


def play(events: tuple[Callable[[World], None], ...]) -> Iterator[World]:
    """Every schedule of these events after the reader's first get."""
    path: list[int] | None = []
    while path is not None:
        choices = Choices(path)
        world = World(choices)
        world.ask(READER)
        for event in events:
            event(world)
        world.finish()
        yield world
        path = choices.next()


def explore(length: int) -> int:
    """The number of schedules that were tried, each of which kept every item once."""
    count = 0
    for events in itertools.product(EVENTS, repeat=length):
        for world in play(events):
            count += 1
            assert World.other_dies in events or world.reader.got == sorted(world.reader.got)
    return count


def test_no_interleaving_loses_or_doubles_an_item() -> None:
    """All schedules of three events, with up to two claims before each system call of the hub."""
    assert explore(3) > 3_000


@pytest.mark.slow
def test_no_longer_interleaving_does_either() -> None:
    """Five events."""
    assert explore(5) > 100_000


def test_an_undisturbed_reader_gets_everything_in_order() -> None:
    """Without a second reader the lots are claimed to the end."""
    for world in play((World.looked_at, World.reader_asks)):
        assert [item[1:2] for item in world.reader.got] == sorted(
            item[1:2] for item in world.reader.got
        )


def _ignored(lane: ModelLane) -> tuple[bool, int]:
    return lane.look()


def _unread(lane: ModelLane, most: int) -> int:
    return min(most, lane.bytes)


def _one_too_many(lane: ModelLane) -> tuple[bool, int]:
    found = lane._settle(lane._drain(lane.ahead + 1) + lane._left())
    lane.ahead = 0
    return found


def _looked_at_too_early(lane: ModelLane) -> tuple[bool, int]:
    found = lane._settle(lane._left())
    lane._drain(lane.ahead)
    lane.ahead = 0
    return found


def _nothing_claimed(lane: ModelLane) -> tuple[bool, int]:
    lane.held = False
    lane.ahead = 0
    return False, 0


MUTANTS: dict[str, tuple[str, Callable[..., object]]] = {
    "recall ignored": ("take_back", _ignored),
    "recall without reading the bytes": ("_drain", _unread),
    "one byte too many recalled": ("take_back", _one_too_many),
    "looked at before it is taken back": ("take_back", _looked_at_too_early),
    "nothing claimed at an end": ("end", _nothing_claimed),
    "everything claimed at an end": ("_left", lambda lane: 0),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_model_catches_a_broken_lane(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that passes whatever the lane does would show nothing."""
    method, broken = MUTANTS[name]
    monkeypatch.setattr(ModelLane, method, broken)
    with pytest.raises(AssertionError):
        explore(3)
