"""Looks for a path of the machine that explains what a run recorded.

Depth first, the operation that was done first goes first. An operation may take effect at any
moment between its beginning and its end, so only those that overlap are tried in other orders, and
of these only such as touch the same resource: the others could not change what it answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scenarios.answers import PARKED, TIMED_OUT
from scenarios.explore.acting import (
    DRAIN,
    EXPIRE,
    KILL,
    LOST_TRACK,
    SECOND,
    STEP,
    STOPPING,
    TAKE,
    Move,
)
from scenarios.explore.budget import Budget
from scenarios.explore.local import IDLE, OVER, RUNNING, operation_at
from scenarios.explore.machine import State, StateMachine
from scenarios.explore.matching import Matching, name
from scenarios.explore.prove import Path
from scenarios.explore.records import CODE, NEVER, Record, Records, Unknowable, given

Places = tuple[int, ...]
"""For each stream the number of the record that is next."""

Way = tuple[int, int, int]
"""A transition, with the stream that it belongs to: (kind, actor, stream)."""


class Node(NamedTuple):
    """A state of the machine beside what is explained."""

    state: State
    places: Places


class Stuck(NamedTuple):
    """The record that nothing explains after all before it, and what the machine would do."""

    record: Record | None
    instead: tuple[str, ...]


class Tracing:
    """One search; `stuck` is where it came to an end at the latest."""

    def __init__(
        self,
        machine: StateMachine,
        records: Records,
        budget: Budget,
        heard: list[tuple[int, Move, bool]],
    ) -> None:
        self._machine = machine
        self._heard = heard  # by the machine, since it was made
        self._model = machine.model
        self._records = records
        self._streams = records.streams
        self._budget = budget
        self._match = Matching(machine)
        self._latest = -1
        self._instead: dict[str, None] = {}
        self._record: Record | None = None

    @property
    def stuck(self) -> Stuck:
        """Why there is no path, as far as it was looked for."""
        return Stuck(self._record, tuple(self._instead))

    # -- the search ----------------------------------------------------------------------------

    def paths(self) -> Iterator[tuple[Path, State]]:
        """Every path found, in turn; which of them fits the result is for others to say."""
        start = self._start()
        if start is None:
            return
        seen = {start}
        path: list[Way] = []
        stack = [(start, self._ways(start))]
        while stack:
            node, ways = stack[-1]
            way = next(ways, None)
            if way is None:
                stack.pop()
                if path:
                    path.pop()
                continue
            if way[0] < 0:
                yield tuple((kind, actor) for kind, actor, _ in path), node.state
                continue
            after = self._go(node, way)
            if after is not None and after not in seen:
                self._budget.state()
                seen.add(after)
                path.append(way)
                stack.append((after, self._ways(after)))

    def _start(self) -> Node | None:
        """The initial state, with what was logged right at the start."""
        places = [0] * len(self._streams)
        for index, move, _ in self._heard:
            if not self._log(places, index, move):
                self._instead["what is logged at the start differs"] = None
                return None
        return Node(self._machine.initial(), tuple(places))

    # -- where to go ---------------------------------------------------------------------------

    def _ways(self, node: Node) -> Iterator[Way]:
        """What may happen next; one of a negative kind is the end."""
        if node.state[-1] & LOST_TRACK:
            cut = next(iter(self._machine.acting.unmodelled))
            raise Unknowable(f"worker {cut.worker} (line {cut.line}): {cut.why}")
        first = self._first(node)
        if first < 0:
            yield from self._last_ways(node)
            return
        yield from self._own(node, first)
        done = {first}
        for stream in self._others(node, first):
            if stream not in done:
                done.add(stream)
                yield from self._own(node, stream)
        yield from self._lives(node)
        self._note(node, first)

    def _first(self, node: Node) -> int:
        """The stream whose next record was done first; -1 where all is explained."""
        best, found = NEVER, -1
        for stream, place in enumerate(node.places):
            if place < len(self._streams[stream]):
                ended = self._streams[stream][place].ended
                if ended < best:
                    best, found = ended, stream
        return found

    def _others(self, node: Node, first: int) -> list[int]:
        """Streams whose next record may have come before the first, and may matter to it."""
        record = self._streams[first][node.places[first]]
        slot = self._slot(node, first)
        apart = record.told or self._waits_for_lives(node, first, record)
        found = []
        for stream, place in enumerate(node.places):
            if place == len(self._streams[stream]) or stream == first:
                continue
            if apart or self._slot(node, stream) == slot or self._streams[stream][place].told:
                found.append(stream)
        found.sort(key=lambda one: self._streams[one][node.places[one]].ended)
        return found

    def _slot(self, node: Node, stream: int) -> int | None:
        """The slot that the next record of a stream touches; its own for one without a resource."""
        record = self._streams[stream][node.places[stream]]
        if record.kind == "take":
            return self._pool(stream)
        return self._model.slots.get(record.event.get("object", ""), -1 - stream)

    def _pool(self, stream: int) -> int | None:
        count = len(self._model.actors)
        if stream >= count:
            return self._records.pools[stream - count].pool
        return self._model.members[self._model.actors[stream].member].pool

    def _waits_for_lives(self, node: Node, stream: int, record: Record) -> bool:
        """Whether what comes next depends on who has ended: a start, a job or a stop."""
        if stream >= len(self._model.actors):
            return True
        local = self._machine.tables.locals[node.state[stream]]
        member = self._model.members[self._model.actors[stream].member]
        stops = self._records.stops.get(member.name, ())
        return local.phase != RUNNING or any(time <= record.ended for time, _ in stops)

    def _limit(self, node: Node, record: Record) -> int:
        """The time by which something that is not explained yet must have been done."""
        limit = NEVER
        for stream, place in enumerate(node.places):
            if place < len(self._streams[stream]):
                other = self._streams[stream][place]
                limit = min(limit, other.ended if record.looks else other.bound)
        return limit

    def _own(self, node: Node, stream: int) -> Iterator[Way]:
        """How the next record of a stream may be explained."""
        record = self._streams[stream][node.places[stream]]
        if record.began > self._limit(node, record):
            return
        if record.kind == "take":
            yield from self._takes(node, stream, record)
            return
        local = self._machine.tables.locals[node.state[stream]]
        operation = operation_at(self._model.actors[stream], local)
        if operation is None or record.kind == "log":
            return
        if self._match.operation(node.state, stream, record):
            return
        answer = record.answer
        if answer is None and record.event["op"] in CODE:
            return  # what it would have answered is not known
        late = answer is None or answer.get("error") == TIMED_OUT.detail
        if not local.parked:
            yield STEP, stream, stream
        if late and local.timeout is not None and local.timeout > 0 and not local.late:
            yield EXPIRE, stream, stream

    def _takes(self, node: Node, stream: int, record: Record) -> Iterator[Way]:
        """Who may take the job: the thread that did, or any that is free where it is not known."""
        machine = self._machine
        number = self._pool(stream)
        member = next(one for one in self._model.members if one.pool == number)
        pool = machine.life.pool(node.state, member)
        if pool.stopping or pool.next != record.event["job"]:
            return
        actors = [stream] if stream < len(self._model.actors) else list(member.actors)
        for actor in actors:
            if machine.tables.locals[node.state[actor]].phase == IDLE:
                yield TAKE, actor, stream

    def _lives(self, node: Node) -> Iterator[Way]:
        """Threads that leave, pauses that end, stops and force by the time of what comes next."""
        machine = self._machine
        for actor in self._model.actors:
            if machine.life.leaving(node.state, actor.index):
                yield TAKE, actor.index, -1
        for kind, index in machine.timers.end_of_pauses(node.state):
            yield kind, index, -1
        if not machine.background.members or not machine.life.done(node.state):
            return
        limit = self._limit(node, _ANY)
        for actor in self._model.actors:
            local = machine.tables.locals[node.state[actor.index]]
            if local.told and local.phase == RUNNING and self._out_of_grace(actor.index, limit):
                yield KILL, actor.index, actor.index
        asked = machine.background.stopped(node.state)
        for index in asked:
            if self._asked(index, limit):
                yield STOPPING, index, index
        for index in machine.background.killed(node.state, asked):
            if self._asked(index, limit):
                yield KILL, index, index
        if asked:
            return
        drained = machine.drained(node.state)
        if any(self._asked(index, limit) for index in drained):  # one after the other hears of it
            yield DRAIN, -1, -1

    def _asked(self, index: int, limit: int) -> bool:
        return any(time <= limit for time in self._stops(index))

    def _out_of_grace(self, index: int, limit: int) -> bool:
        member = self._model.members[self._model.actors[index].member]
        grace = round(member.declared.stop.grace * SECOND)
        return any(time + grace <= limit for time in self._stops(index))

    def _stops(self, index: int) -> list[int]:
        """When its worker was asked to end."""
        member = self._model.members[self._model.actors[index].member]
        return [time for time, _ in self._records.stops.get(member.name, ())]

    def _last_ways(self, node: Node) -> Iterator[Way]:
        """All is explained: the end, once everybody has ended."""
        if self._records.why or all(
            self._machine.life.phase(node.state, member) == OVER for member in self._model.members
        ):
            yield -1, -1, -1
            return
        for actor in sorted(self._records.forced):
            if node.places[actor] < len(self._streams[actor]):
                yield from self._own(node, actor)
        yield from self._lives(node)
        if self._latest < NEVER:
            self._latest, self._record = NEVER, None
            self._instead = dict.fromkeys(self._left(node))

    # -- going there ---------------------------------------------------------------------------

    def _go(self, node: Node, way: Way) -> Node | None:
        """The node after a transition; None where it is not what was recorded."""
        kind, index, stream = way
        machine = self._machine
        self._heard.clear()
        places = list(node.places)
        if kind in (STEP, EXPIRE):
            record = self._streams[stream][places[stream]]
            move = self._attempt(node, kind, index, record)
            if move is None:
                return None
            after = machine.follow(node.state, index, move)
        else:
            after = machine.step(node.state, (kind, index))
            if kind == TAKE and stream >= 0:
                places[stream] += 1
        for who, move, answered in self._heard:
            if move.answer is PARKED:
                continue
            if answered and not self._explain(node, places, who, move, after, kind):
                return None
            if not self._log(places, who, move):
                return None
        return Node(after, tuple(places))

    def _attempt(self, node: Node, kind: int, index: int, record: Record) -> Move | None:
        """The actor's move, with the identity of what is put and with what code had answered."""
        acting = self._machine.acting
        acting.item = str(record.event.get("item", ""))
        acting.calls.given = given(record)
        try:
            return self._machine.attempt(node.state, kind, index)
        finally:
            acting.item, acting.calls.given = "", None

    def _explain(
        self, node: Node, places: list[int], who: int, move: Move, after: State, kind: int
    ) -> bool:
        """Whether the answer that an actor goes on with is the recorded one."""
        place, stream = places[who], self._streams[who]
        record = stream[place] if place < len(stream) else None
        stopped = kind in (STOPPING, DRAIN, KILL)
        if kind == KILL and record is not None and record.answer is None:
            places[who] += 1
            return True
        if record is None or record.kind != "op":
            return stopped and (record is None or record.kind == "log")
        if stopped and (record.answer is None or record.answer.get("error") != "stopped"):
            return True  # it was told between two operations
        if self._match.answer(node.state, who, record, move, after):
            return False
        places[who] += 1
        return True

    def _log(self, places: list[int], who: int, move: Move) -> bool:
        """Whether what is logged is what was recorded."""
        stream, logs = self._streams[who], move.logs
        if self._records.why or who in self._records.forced:  # it came to some of them only
            logs = logs[: len(stream) - places[who]]
        if self._match.logs(logs, stream, places[who]):
            return False
        places[who] += len(logs)
        return True

    # -- why not -------------------------------------------------------------------------------

    def _note(self, node: Node, first: int) -> None:
        """Nothing leads on from here."""
        record = self._streams[first][node.places[first]]
        if record.ended < self._latest or self._latest == NEVER:
            return
        if record.ended > self._latest:
            self._instead.clear()
        self._latest, self._record = record.ended, record
        self._instead[self._would(node, first, record)] = None

    def _would(self, node: Node, stream: int, record: Record) -> str:
        """What the machine would do in place of a record."""
        if stream >= len(self._model.actors):
            return "no thread of the pool is free for the job"
        local = self._machine.tables.locals[node.state[stream]]
        who = self._model.actors[stream].name
        operation = operation_at(self._model.actors[stream], local)
        if operation is None:
            end = f": {local.end[0]}" if local.end else ""
            return f"{who} does nothing there ({local.phase}{end})"
        if record.kind != "op":
            return f"{who} does {name(operation)} there"
        other = self._match.operation(node.state, stream, record)
        if other:
            return f"{who} does {other} there"
        if local.parked:
            return f"{who} still waits in {name(operation)}"
        move = self._attempt(node, STEP, stream, record)
        if move is None or move.answer is PARKED:
            return f"{who} has to wait in {name(operation)}"
        after = self._machine.follow(node.state, stream, move)
        said = self._match.answer(node.state, stream, record, move, after)
        return f"{name(operation)} {said}" if said else "what is logged after it differs"

    def _left(self, node: Node) -> Iterator[str]:
        for index, actor in enumerate(self._model.actors):
            local = self._machine.tables.locals[node.state[index]]
            operation = operation_at(actor, local)
            if operation is not None:
                yield f"{actor.name} has not ended: it is at {name(operation)}"


_ANY = Record("op", {}, 0)
