"""What a run recorded, for each actor of its model: jobs taken, operations and logs, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

from scenarios.answers import TIMED_OUT, Failed
from scenarios.explore.mentions import expressions
from scenarios.explore.model import PID, Member, Model
from scenarios.wire.frames import tells

NEVER = 1 << 63
"""Nanoseconds of the monotonic clock that no run reaches: of what was not seen to be done."""

OUTSIDE = frozenset({"timeout", "run_timeout", "interrupt", "unready"})
"""Reasons of a stop that no step of any worker leads to."""

CODE = frozenset({"call", "run"})
"""Operations whose answers come from outside: the recorded ones are taken as they are."""

EXACT = (bool, int, float, NoneType)
"""Types that a record tells exactly; a list may have been a tuple, and a text any object."""

Event = Mapping[str, Any]


class Unknowable(Exception):
    """Why nothing can be said of a run."""


@dataclass(slots=True)
class Record:
    """A job that was taken, an operation, or a log (`kind` is "take", "op" or "log").

    It took effect between `began` and `ended`; `told` is a put that may take effect after it
    returned, and `looks` an operation before which all of those have taken effect. Without an
    `answer` it may have taken effect or not. `number` is that of its last event in the log.
    """

    kind: str
    event: Event
    began: int
    ended: int = NEVER
    answer: Event | None = None
    number: int = 0
    told: bool = False
    looks: bool = False
    attempt: int = 0

    @property
    def bound(self) -> int:
        """The time by which it took effect, as far as that is known."""
        return NEVER if self.told else self.ended


@dataclass(slots=True)
class Records:
    """`streams` are by actor, followed by one for each pool whose jobs were taken by a thread that
    is not known, since it said nothing (`pools`). `stops` and `ends` are by member. `cut` is when
    the run was ended from outside, with `why`. `forced` are the actors that were ended by force as
    they did something: whether that took effect is not known.
    """

    streams: list[list[Record]]
    pools: list[Member] = field(default_factory=list)
    stops: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    ends: dict[str, Event] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    run: Event = field(default_factory=dict)
    cut: int = NEVER
    why: str = ""
    forced: set[int] = field(default_factory=set)
    threads: dict[int, tuple[int, str]] = field(default_factory=dict)  # actor: its pid and thread

    @property
    def inexact(self) -> bool:
        """Whether code has answered what a record cannot tell exactly."""
        return any(
            record.event.get("op") == "call"
            and record.answer is not None
            and not isinstance(record.answer.get("value"), EXACT)
            for stream in self.streams
            for record in stream
        )

    @property
    def operations(self) -> int:
        """How many operations were recorded."""
        return sum(record.kind == "op" for stream in self.streams for record in stream)


def given(record: Record) -> tuple[Any] | None:
    """What code outside had answered to an operation; None for one that the machine answers."""
    answer = record.answer
    if answer is None or record.event.get("op") not in CODE:
        return None
    if answer["event"] == "ok":
        return (answer.get("value", True),)
    if answer.get("error") == TIMED_OUT.detail:
        return (TIMED_OUT,)
    return (Failed(str(answer.get("error"))),)


def records_of(model: Model, events: Iterable[Event]) -> Records:
    """Sort a run's events; raises Unknowable where they do not tell enough."""
    return _Reader(model).read(events)


class _Reader:
    """Goes through the events once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._members = {member.name: member for member in model.members}
        self._declared = {name: (section, of) for name, section, of in model.plan.resources}
        self._made = Records([[] for _ in model.actors])
        self._open: dict[int, Record] = {}
        self._actors: dict[tuple[str, int, int, str], int] = {}
        # (worker, attempt, job): of whose thread nothing is known yet
        self._taken: dict[tuple[str, int, int], Record] = {}
        self._last = [0] * len(model.actors)
        self._killed: list[tuple[Member, int, Record]] = []
        self._end = "it has not ended"

    def read(self, events: Iterable[Event]) -> Records:
        for number, event in enumerate(events, 1):
            self._hear(event, number)
        made = self._made
        if not made.run:
            raise Unknowable("its log does not tell that it began")
        made.why = made.why or self._end
        for member, actor, record in self._killed:
            if member.name in made.stops:
                made.forced.add(actor)
            elif not made.why:
                raise Unknowable(f"worker {member.name} was killed in {_what(record.event)}")
        self._place_jobs()
        for actor, stream in enumerate(made.streams):
            self._cut(actor, stream)
        return made

    def _hear(self, event: Event, number: int) -> None:
        kind, made = event["event"], self._made
        if kind == "run_started":
            made.run = event
        elif kind == "run_ended":
            self._end = _ended(event["state"])
        elif kind == "events_lost":
            raise Unknowable(f"{event['count']} events had no room in the log: {event['error']}")
        member = self._members.get(event.get("worker", ""))
        if member is None:
            return
        if kind in ("invoke", "ok", "fail", "log"):
            self._act(member, event, number)
        elif kind == "info":
            actor = self._actor(member, event)
            if actor in self._open:
                self._killed.append((member, actor, self._open.pop(actor)))
        elif kind == "job_started":
            self._job(member, event, number)
        elif kind == "worker_stopping":
            made.stops.setdefault(member.name, []).append((event["time"], event["reason"]))
            if event["reason"] in OUTSIDE and not made.why:
                made.cut, made.why = event["time"], _outside(member.name, event["reason"])
        elif kind == "worker_restarted":
            made.restarts[member.name] = event["restarts"]
        elif kind == "worker_started" and event.get("child") and member.pool is None:
            made.threads.setdefault(member.actors[0], (event["child"], "MainThread"))
        elif kind == "worker_ended":
            made.ends[member.name] = event

    # -- operations and logs -------------------------------------------------------------------

    def _act(self, member: Member, event: Event, number: int) -> None:
        kind = event["event"]
        if "line" not in event:
            if kind == "log":
                return  # a record of Python's logging
            raise Unknowable(f"worker {member.name} runs Python code that does {_what(event)}")
        actor = self._actor(member, event)
        time = event["time"]
        record = self._open.pop(actor, None) if kind in ("ok", "fail") else None
        if record is None:  # of a completion the beginning is not in the log
            word, began = ("log", time) if kind == "log" else ("op", self._last[actor])
            record = Record(word, event, time if kind == "invoke" else began)
            record.attempt = self._attempt(member)
            self._made.streams[actor].append(record)
        record.number = number
        if kind == "invoke":
            self._open[actor] = record
        else:
            record.ended, record.answer = time, event
            self._judge(record, member)
        self._last[actor] = time

    def _judge(self, record: Record, member: Member) -> None:
        """Whether it may take effect later, or looks for what has."""
        op, name = record.event.get("op"), record.event.get("object", "")
        section, declared = self._declared.get(name, ("", {}))
        if section != "queues" or self._model.plan.reach[name] == "process":
            return
        assert record.answer is not None
        record.told = op == "put" and tells(section, dict(declared))
        record.looks = op in ("size", "join") or record.answer["event"] == "fail"

    def _actor(self, member: Member, event: Event) -> int:
        """The actor that a thread is: a pool's threads have numbers, its processes an order."""
        pid, thread = event.get("pid", 0), event.get("thread", "")
        if member.pool is None:
            actor = member.actors[0]
        else:
            key = member.name, self._attempt(member), pid, thread
            if key not in self._actors:
                self._actors[key] = self._next(member, thread)
            actor = self._actors[key]
        before = self._made.threads.setdefault(actor, (pid, thread))
        if before[0] != pid and _tells_pid(member):
            raise Unknowable(f"worker {member.name} tells its process id, and was two processes")
        return actor

    def _attempt(self, member: Member) -> int:
        return self._made.restarts.get(member.name, 0)

    def _next(self, member: Member, thread: str) -> int:
        number = thread.rpartition("_")[2]
        if thread.startswith(f"{member.name}_") and number.isdigit():
            index = int(number)
        else:
            attempt = member.name, self._attempt(member)
            index = sum(key[:2] == attempt for key in self._actors)
        if index >= len(member.actors):
            raise Unknowable(f"worker {member.name} had more processes than its pool: one has died")
        return member.actors[index]

    # -- jobs ----------------------------------------------------------------------------------

    def _job(self, member: Member, event: Event, number: int) -> None:
        record = Record("take", event, 0, event["time"], event, number)
        record.attempt = self._attempt(member)
        if event.get("thread"):
            actor = self._actor(member, event)
            record.began = self._last[actor]
            self._made.streams[actor].append(record)
            self._last[actor] = event["time"]
        else:
            self._taken[member.name, record.attempt, event["job"]] = record

    def _place_jobs(self) -> None:
        """Jobs of threads begin before the first that is heard of them, in their thread."""
        for actor, stream in enumerate(self._made.streams):
            name = self._model.members[self._model.actors[actor].member].name
            placed: list[Record] = []
            for record in stream:
                key = name, record.attempt, record.event.get("job", -1)
                taken = self._taken.pop(key, None)
                if taken is not None:
                    taken.began = placed[-1].ended if placed else 0
                    placed.append(taken)
                placed.append(record)
            stream[:] = placed
        silent: dict[str, list[Record]] = {}
        for (name, _, _), record in self._taken.items():
            silent.setdefault(name, []).append(record)
        for name, jobs in silent.items():
            self._made.pools.append(self._members[name])
            self._made.streams.append(_in_order(jobs))

    # -- runs that were ended ------------------------------------------------------------------

    def _cut(self, actor: int, stream: list[Record]) -> None:
        """Leave out what came after the run was ended from outside; what was under way may be."""
        cut = self._made.cut
        stream[:] = [record for record in stream if record.began < cut]
        for record in stream:
            if record.ended > cut:
                record.answer, record.ended = None, NEVER
        if self._made.why or actor in self._made.forced:
            return
        for record in stream:
            if record.answer is None:
                raise Unknowable(f"what came of {_what(record.event)} is not in the log")


def _what(event: Event) -> str:
    words = [event["op"], *filter(None, [event.get("object")])]
    return " ".join(words) + (f" (line {event['line']})" if event.get("line") else "")


def _in_order(jobs: list[Record]) -> list[Record]:
    """Jobs of each attempt as they were taken: in their order; threads may tell of them later."""
    jobs.sort(key=lambda record: (record.attempt, record.event["job"]))
    by = NEVER
    for record in reversed(jobs):
        by = record.ended = min(by, record.ended)
    return jobs


def _tells_pid(member: Member) -> bool:
    """Whether the program can see the id of its process."""
    assert member.plan.program is not None
    return any(
        path[0] == "worker" and (len(path) == 1 or path[1] == "pid")
        for expression in expressions(member.plan.program)
        for path, _ in expression.paths
    )


def _ended(state: str) -> str:
    """Why a run that ended so was not there to its end."""
    if state == "failed":
        raise Unknowable("the run failed: something that it needs was gone")
    return _OVER.get(state, "")


_OVER = {
    "timed_out": "the run was out of time",
    "terminated": "the run was stopped from outside",
}


def _outside(name: str, reason: str) -> str:
    if reason == "timeout":
        return f"worker {name} was out of time"
    if reason == "unready":
        return f"worker {name} was not ready in time"
    return _OVER["timed_out" if reason == "run_timeout" else "terminated"]


def name_threads(model: Model, records: Records, folder: str) -> None:
    """Give the actors the process ids, threads and folder that their real workers saw."""
    here = next(
        (
            pid
            for actor, (pid, _) in records.threads.items()
            if not model.plan.capabilities[_declared(model, actor)].own_process
        ),
        PID,
    )
    for actor in model.actors:
        own = model.plan.capabilities[_declared(model, actor.index)].own_process
        pid, thread = records.threads.get(actor.index, (0 if own else here, ""))
        known = {"pid": pid or actor.names["worker"]["pid"]}
        known |= {"thread": thread} if thread else {}
        actor.names["worker"].update(known)
        tmp = f"{folder}/tmp"
        actor.names["run"].update(id=records.run["run"], seed=records.run["seed"], tmp=tmp)


def _declared(model: Model, actor: int) -> str:
    return model.members[model.actors[actor].member].plan.declared
