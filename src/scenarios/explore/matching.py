"""Whether what the machine does is what a run recorded, and a sentence where it is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from scenarios.answers import STOP, Failed, Refused
from scenarios.event import Masker, encoded
from scenarios.event.values import CUT
from scenarios.explore.acting import Move
from scenarios.explore.local import operation_at
from scenarios.explore.machine import State, StateMachine
from scenarios.explore.records import Record
from scenarios.program import Operation
from scenarios.resources.freezing import thawed
from scenarios.worker.performer import told

TOLD = ("value", "old", "item", "error")
"""What the completion of an operation tells of its answer."""


class Matching:
    """Compares moves with records; secrets are hidden in both."""

    def __init__(self, machine: StateMachine) -> None:
        self._machine = machine
        self._masker = Masker(machine.model.plan.scenario.secrets)

    # -- what an operation is ------------------------------------------------------------------

    def operation(self, state: State, index: int, record: Record) -> str:
        """Empty where the actor's next operation is the recorded one, else what it is."""
        local = self._machine.tables.locals[state[index]]
        operation = operation_at(self._machine.model.actors[index], local)
        if operation is None:
            return ""
        event = record.event
        asked = operation.name, operation.object, operation.line
        if asked != (event["op"], event.get("object", ""), event.get("line", 0)):
            return name(operation)
        argument = self._argument(operation, thawed(local.argument))
        if event["event"] == "invoke" and not self._same(argument, event, "value"):
            return f"{name(operation)} with {json.dumps(argument.get('value'))}"
        return ""

    def _argument(self, operation: Operation, argument: Any) -> dict[str, Any]:
        """What the invocation tells of the argument, as the performer writes it."""
        shown = operation.verb == "put" or not (
            argument is None or operation.second is not None or operation.verb == "call"
        )
        return {"value": self._encoded(argument)} if shown else {}

    # -- what it answers -----------------------------------------------------------------------

    def answer(self, state: State, index: int, record: Record, move: Move, after: State) -> str:
        """Empty where the machine's answer is the recorded one, else what it is."""
        recorded = record.answer
        if recorded is None:
            return ""
        operation = self._operation(state, index)
        answer = self._raw(state, index, operation, move.answer, after)
        item = str(record.event.get("item", recorded.get("item", "")))
        kind, made = self._made(operation, answer, item)
        keys = TOLD if operation.verb != "call" or operation.into is not None else ("error",)
        if kind == recorded["event"] and all(self._same(made, recorded, key) for key in keys):
            return ""
        return _sentence(kind, made)

    def _operation(self, state: State, index: int) -> Operation:
        local = self._machine.tables.locals[state[index]]
        operation = operation_at(self._machine.model.actors[index], local)
        assert operation is not None
        return operation

    def _raw(
        self, state: State, index: int, operation: Operation, answer: Any, after: State
    ) -> Any:
        """The machine's own answer, of which the worker gets only a part."""
        done = answer is not STOP and answer.__class__ not in (Refused, Failed)
        if not done or operation.verb not in ("get", "update"):
            return answer
        slot = self._machine.model.slots[operation.object]
        machine = self._machine.model.machines[operation.object]
        if operation.verb == "get":
            self._machine.tables.thaw(slot, state[slot])
            return machine.apply(index, "get", None, [])
        self._machine.tables.thaw(slot, after[slot])
        return answer, machine.statistics()["value"]

    def _made(self, operation: Operation, answer: Any, item: str) -> tuple[str, dict[str, Any]]:
        _, kind, tail = told(operation.verb, answer, item if operation.verb == "put" else "")
        made: dict[str, Any] = json.loads(f"{{{tail[1:]}}}")
        return kind, self._masker.data(made) if self._masker else made

    # -- what is logged ------------------------------------------------------------------------

    def logs(self, logs: Sequence[tuple[int, str]], stream: Sequence[Record], at: int) -> str:
        """Empty where these lines of log are the next records, else the one that is not."""
        for number, (line, message) in enumerate(logs, at):
            record = stream[number] if number < len(stream) else None
            made = {"message": self._encoded(message)}
            if record is None or record.kind != "log" or record.event["line"] != line:
                return f"log {json.dumps(made['message'])} (line {line})"
            if not self._same(made, record.event, "message"):
                return f"log {json.dumps(made['message'])} (line {line})"
        return ""

    # -- values --------------------------------------------------------------------------------

    def _encoded(self, value: Any) -> Any:
        """A value as it stands in the log."""
        made = json.loads(encoded(value))
        return self._masker.data(made) if self._masker else made

    def _same(self, made: dict[str, Any], event: Any, key: str) -> bool:
        """Whether both tell the same; what had no room in a record was cut."""
        if "cut" in event and key not in event:
            return True
        if (key in made) != (key in event):
            return False
        recorded, whole = event.get(key), json.dumps(made.get(key))
        if isinstance(recorded, dict) and recorded.keys() == CUT and "preview" in recorded:
            return whole.startswith(str(recorded["preview"])) or whole == json.dumps(recorded)
        return whole == json.dumps(recorded)


def name(operation: Operation) -> str:
    """An operation with its line, for people."""
    words = f"{operation.name} {operation.object}".rstrip()
    return f"{words} (line {operation.line})"


def _sentence(kind: str, made: dict[str, Any]) -> str:
    if kind == "fail":
        return f"fails: {made.get('error')}"
    parts = [json.dumps(made[key]) for key in ("value",) if key in made]
    parts += [f"{key} {json.dumps(made[key])}" for key in ("old", "item") if key in made]
    return "answers " + ", ".join(parts) if parts else "is done"
