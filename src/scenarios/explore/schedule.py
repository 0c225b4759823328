"""A schedule as text: run lengths of names, `writer x3, reader x1, stop(reader)`, and its file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from scenarios.errors import UsageError
from scenarios.explore.acting import DRAIN, EXPIRE, KILL, RESTART, STEP, STOPPING, TAKE, TICK, WAKE
from scenarios.explore.machine import Options, StateMachine, Transition
from scenarios.plan import Plan

FORMAT = 1

WORDS = {EXPIRE: "timeout", STOPPING: "stop", WAKE: "wake", KILL: "kill", RESTART: "restart"}
ALONE = {DRAIN: "drain()", TICK: "clock()"}
_PART = re.compile(
    r"\s*(?P<name>[\w.#-]+(?:\([\w.#-]*\))?)(?:\s+x(?P<count>[1-9]\d{0,6}))?\s*(?:,|$)"
)

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """One order of steps and what it shows; all that is needed to see it again.

    `order` has one name a transition: an actor's for its next step, `timeout(x)`, `stop(x)`,
    `wake(x)`, `kill(x)` and `restart(x)` for what happens to it, `drain()` and `clock()` for all.
    """

    scenario: str
    file: str
    hash: str
    engine: str
    verdict: str
    finding: str
    order: Names
    time: str = "free"
    timeouts: str = "last"
    spurious: bool = False
    seed: int = 0
    set: Mapping[str, str] = field(default_factory=dict)
    executor: Sequence[str] = ()

    @property
    def options(self) -> Options:
        """How time and waiting were read."""
        return Options(self.time == "exact", self.timeouts == "any", self.spurious)


def fingerprint(plan: Plan) -> str:
    """Of the scenario as it is explored: its text, its values and its executors."""
    scenario = plan.scenario
    executors = {worker.name: worker.executor for worker in scenario.workers.values()}
    values = json.dumps([scenario.vars, scenario.matrix, executors], default=repr, sort_keys=True)
    return hashlib.sha256(f"{scenario.text}\n{values}".encode()).hexdigest()[:16]


# -- names -------------------------------------------------------------------------------------


def names(machine: StateMachine, path: Iterable[Transition]) -> Names:
    """The order of a path."""
    return tuple(name(machine, transition) for transition in path)


def name(machine: StateMachine, transition: Transition) -> str:
    """The name of a transition."""
    kind, index = transition
    if kind in ALONE:
        return ALONE[kind]
    actor = machine.model.actors[index].name
    return actor if kind in (STEP, TAKE) else f"{WORDS[kind]}({actor})"


def shorten(order: Sequence[str]) -> str:
    """`writer x3, reader x1`: run lengths."""
    parts = [(one, len(list(group))) for one, group in groupby(order)]
    return ", ".join(f"{one} x{count}" for one, count in parts)


def lengthen(text: str) -> Names:
    """The order that run lengths stand for."""
    order: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        found = _PART.match(text, at)
        if found is None:
            raise UsageError(
                f"the order of a schedule is names with run lengths, as in "
                f'"writer x3, reader x1", not {text[at : at + 40]!r}'
            )
        order += [found["name"]] * int(found["count"] or 1)
        at = found.end()
    return tuple(order)


# -- files -------------------------------------------------------------------------------------


def dump(schedule: Schedule) -> str:
    """The schedule as a small YAML file."""
    data = asdict(schedule)
    lines = [
        "# One order of steps. See it again: scenarios replay THIS_FILE",
        f"scenarios_schedule: {FORMAT}",
    ]
    for key, value in data.items():
        if key in ("set", "executor") and not value:
            continue
        told = shorten(value) if key == "order" else value
        lines.append(f"{key}: {json.dumps(told, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def is_schedule(text: str) -> bool:
    """Whether a file is a schedule."""
    return re.search(r"^scenarios_schedule:", text, re.MULTILINE) is not None


def parse(text: str, where: str) -> Schedule:
    """The schedule of a file; a UsageError where it is none."""
    data: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line.partition(":")
        try:
            data[key.strip()] = json.loads(value)
        except ValueError:
            if not colon:
                value = line
            raise UsageError(
                f"{where}:{number}: a line of a schedule is a key and a JSON value, "
                f"not {line.strip()[:60]!r}; record it again with `scenarios explore`"
            ) from None
    if data.pop("scenarios_schedule", None) != FORMAT:
        raise UsageError(f"{where}: this is no schedule of format {FORMAT}")
    try:
        data["order"] = lengthen(data["order"])
        made = Schedule(**data)
    except (TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{where}: a schedule lacks or has a wrong key: {error}") from None
    return made
