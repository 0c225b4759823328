"""The queue's machine: fifo, lifo or priority, bounded or not, items in hand until acknowledged.

An item is a pair (identity, payload); the identity is given by who puts it and names the item in
the event log. Only a priority queue looks at a payload, to compare it.
"""

from __future__ import annotations

from bisect import insort, insort_left
from collections import deque
from collections.abc import Hashable
from typing import Any, ClassVar

from scenarios.resources.freezing import frozen, thawed, wanted
from scenarios.resources.machine import (
    PARKED,
    Keep,
    Machine,
    Refused,
    Rename,
    Verbs,
    Who,
    Woken,
    itself,
)

SHUT_DOWN = Refused("shut_down", "the queue is shut down")

LONGEST_REASON = 500
"""Characters of what a payload's own comparison raises."""


Item = tuple[str, Any]
"""Identity and payload."""

Entry = tuple[Item, int]
"""An item in the queue and its arrival, counted in accepted puts from 1."""


class Queue(Machine):
    """`maxsize` 0 is unbounded. `hold` keeps a taken item in hand until `ack` or `task_done`.

    Statistics: put, got, left, lost, duplicated (counts of items) and fifo (whether first
    deliveries came in the order of arrival). An item in hand of a live taker counts as got.
    """

    __slots__ = (
        "arrivals",
        "fifo_kept",
        "getters",
        "got",
        "hold",
        "in_hand",
        "items",
        "joiners",
        "kind",
        "last_taken",
        "maxsize",
        "putters",
        "shut",
        "unfinished",
    )

    def __init__(self, kind: str = "fifo", maxsize: int = 0, hold: str = "none") -> None:
        self.kind = kind
        self.maxsize = maxsize
        self.hold = hold
        self.items: deque[Entry] | list[Entry] = deque() if kind == "fifo" else []
        self.getters: deque[Who] = deque()
        self.putters: deque[tuple[Who, Item]] = deque()
        self.joiners: list[Who] = []
        self.in_hand: dict[Who, deque[Entry]] = {}
        self.unfinished = self.arrivals = self.got = 0
        self.last_taken = 0
        self.fifo_kept = True
        self.shut = False

    # -- verbs ---------------------------------------------------------------------------------

    def put(self, who: Who, item: Item, woken: Woken) -> Any:
        """Put an item; waits while a bounded queue is full."""
        if self.shut:
            return SHUT_DOWN
        if self.maxsize and len(self.items) >= self.maxsize:
            self.putters.append((who, item))
            return PARKED
        return self._accept(item, woken)

    def get(self, who: Who, _: Any, woken: Woken) -> Any:
        """Take the next item as (identity, payload); waits while there is none."""
        if not self.items:
            if self.shut:
                return SHUT_DOWN
            self.getters.append(who)
            return PARKED
        item = self._take(who)
        if self.putters:
            self._admit(woken)
        return item

    def ack(self, who: Who, identity: str | None, woken: Woken) -> Any:
        """The taker has its item for good; None means the one it took first."""
        hand = self.in_hand.get(who)
        if not hand:
            return Refused("not_held", "no item is in hand")
        at = 0 if identity is None else _place_of(identity, hand)
        if at is None:
            return Refused("not_held", f"item {identity} is not in hand")
        del hand[at]
        return True

    def give_back(self, who: Who, identity: str, woken: Woken) -> Any:
        """A taken item that never reached its taker goes back to the head."""
        hand = self.in_hand.get(who, deque())
        at = _place_of(identity, hand)
        if at is None:
            return Refused("not_held", f"item {identity} is not in hand")
        entry = hand[at]
        del hand[at]
        self._restore([entry], woken)
        return True

    def size(self, who: Who, _: Any, woken: Woken) -> int:
        """The number of items that could be taken now."""
        return len(self.items)

    def task_done(self, who: Who, _: Any, woken: Woken) -> Any:
        """One item is worked off; where items are held, the one taken last is acknowledged."""
        if self.unfinished <= 0:
            return Refused("too_many_done", "task_done was said more often than items were put")
        hand = self.in_hand.get(who)
        if self.hold == "task_done" and hand:
            hand.pop()
        self._work_off(1, woken)
        return True

    def join(self, who: Who, _: Any, woken: Woken) -> Any:
        """Wait until every item that was put is worked off."""
        if not self.unfinished:
            return True
        self.joiners.append(who)
        return PARKED

    def state(self, who: Who, _: Any, woken: Woken) -> tuple[int, bool]:
        """How many items are not worked off, and whether it is shut down."""
        return self.unfinished, self.shut

    def shutdown(self, who: Who, immediate: int | None, woken: Woken) -> Any:
        """Refuse every put from here on, and every get that finds no item.

        With `immediate` the items that are left are thrown away, and count as lost.
        """
        self.shut = True
        # who waits for an item finds none any more: nobody waits for one while there are any
        woken.extend((waiter, SHUT_DOWN) for waiter in self.getters)
        woken.extend((waiter, SHUT_DOWN) for waiter, _ in self.putters)
        self.getters.clear()
        self.putters.clear()
        if immediate:
            self._work_off(min(len(self.items), self.unfinished), woken)
            self.items.clear()
        return True

    verbs: ClassVar[Verbs] = {
        "put": put,
        "get": get,
        "ack": ack,
        "give_back": give_back,
        "size": size,
        "task_done": task_done,
        "join": join,
        "state": state,
        "shutdown": shutdown,
    }

    # -- leaving -------------------------------------------------------------------------------

    def cancel(self, who: Who, woken: Woken) -> None:
        """Forget a waiting put, get or join."""
        if who in self.getters:
            self.getters.remove(who)
        if who in self.joiners:
            self.joiners.remove(who)
        for waiting in self.putters:
            if waiting[0] == who:
                self.putters.remove(waiting)
                break

    def leave(self, who: Who, died: bool, woken: Woken) -> None:
        """What a dead taker had in hand goes back to the head, in its old order."""
        self.cancel(who, woken)
        hand = self.in_hand.pop(who, None)
        if hand and (died or self.hold == "task_done"):
            self._restore(list(hand), woken)

    def statistics(self) -> dict[str, Any]:
        """put, got, left, lost, duplicated and fifo, as `expect` names them."""
        return {
            "put": self.arrivals,
            "got": self.got,
            "left": len(self.items),
            "lost": self.arrivals - self.got - len(self.items),
            "duplicated": max(0, self.got + len(self.items) - self.arrivals),
            "fifo": self.fifo_kept,
        }

    # -- as a value ----------------------------------------------------------------------------

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """Items with their order, who waits and what is in hand.

        Where nobody asks how much was put and got, both are counted from the last item got.
        """
        taken = 0 if wanted(keep, "put", "got") else self.got
        since = taken if self.kind == "fifo" else None

        def plain(entry: Entry) -> tuple[str, bytes, int]:
            (identity, payload), arrival = entry
            return identity, frozen(payload), 0 if since is None else arrival - since

        return (
            tuple(map(plain, self.items)),
            tuple(map(who, self.getters)),
            tuple((who(w), item[0], frozen(item[1])) for w, item in self.putters),
            tuple(map(who, self.joiners)),
            frozenset(
                (who(w), tuple(map(plain, hand))) for w, hand in self.in_hand.items() if hand
            ),
            self.unfinished if wanted(keep, "join", "task_done") else 0,
            (self.arrivals - taken, self.got - taken),
            0 if since is None else self.last_taken - since,
            self.fifo_kept,
            self.shut,
        )

    def thaw(self, state: Any) -> None:
        """See `freeze`."""
        items, getters, putters, joiners, hands, unfinished, counts, last, kept, shut = state
        self.items = (deque if self.kind == "fifo" else list)(map(_thawed, items))
        self.getters = deque(getters)
        self.putters = deque((who, (name, thawed(payload))) for who, name, payload in putters)
        self.joiners = list(joiners)
        self.in_hand = {who: deque(map(_thawed, hand)) for who, hand in hands}
        self.unfinished = unfinished
        self.arrivals, self.got = counts
        self.last_taken, self.fifo_kept, self.shut = last, kept, shut

    # -- inside --------------------------------------------------------------------------------

    def _work_off(self, count: int, woken: Woken) -> None:
        self.unfinished -= count
        if not self.unfinished:
            woken.extend((joiner, True) for joiner in self.joiners)
            self.joiners.clear()

    def _accept(self, item: Item, woken: Woken) -> Any:
        entry = item, self.arrivals + 1
        if self.kind == "priority":
            try:
                insort(self.items, entry, key=_payload)  # compares before it changes anything
            except Exception as error:  # a payload's own comparison may raise anything
                why = str(error)
                why = why if len(why) <= LONGEST_REASON else why[:LONGEST_REASON] + "..."
                return Refused("uncomparable", f"it cannot be compared with those there: {why}")
        else:
            self.items.append(entry)
        self.arrivals += 1
        self.unfinished += 1
        if self.getters:
            self._hand_out(woken)
        return True

    def _take(self, who: Who) -> Item:
        if self.kind == "fifo":
            # a deque for fifo, a list for the others: `kind` tells which, mypy cannot know
            entry = self.items.popleft()  # type: ignore[union-attr]
        else:
            entry = self.items.pop(-1 if self.kind == "lifo" else 0)  # type: ignore[call-arg]
        item, arrival = entry
        if arrival < self.last_taken:
            self.fifo_kept = False
        else:
            self.last_taken = arrival
        self.got += 1
        if self.hold != "none":
            self.in_hand.setdefault(who, deque()).append(entry)
        return item

    def _hand_out(self, woken: Woken) -> None:
        while self.getters and self.items:
            who = self.getters.popleft()
            woken.append((who, self._take(who)))

    def _admit(self, woken: Woken) -> None:
        while self.putters and len(self.items) < self.maxsize:
            who, item = self.putters.popleft()
            woken.append((who, self._accept(item, woken)))

    def _restore(self, entries: list[Entry], woken: Woken) -> None:
        """Back to the head; the place of a redelivered item says nothing about order."""
        self.got -= len(entries)
        for entry in reversed(entries):
            self._replace(entry)
        self.last_taken = min([self.last_taken, *(arrival for _, arrival in entries)])
        self._hand_out(woken)

    def _replace(self, entry: Entry) -> None:
        """An item that was taken comes before those that arrived after it."""
        if self.kind == "lifo":
            self.items.append(entry)
        elif self.kind == "fifo":
            # only items that came back as well can be older, so this looks at few
            newer = (at for at, other in enumerate(self.items) if other[1] > entry[1])
            self.items.insert(next(newer, len(self.items)), entry)
        else:
            try:
                insort_left(self.items, entry, key=_payload)
            except Exception:  # what is there now cannot be compared with it: no reason to lose it
                self.items.insert(0, entry)


def _payload(entry: Entry) -> Any:
    return entry[0][1]


def _place_of(identity: str, hand: deque[Entry]) -> int | None:
    return next((at for at, (item, _) in enumerate(hand) if item[0] == identity), None)


def _thawed(state: tuple[str, bytes, int]) -> Entry:
    identity, payload, arrival = state
    return (identity, thawed(payload)), arrival
