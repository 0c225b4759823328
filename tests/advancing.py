"""Go through a worker's program by hand: what it does, with answers that a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loads import SPECS, scenario, with_steps
from scenarios.answers import STOP, TIMED_OUT, WOULD_BLOCK, Failed
from scenarios.errors import ScenariosError
from scenarios.expressions import prepare
from scenarios.plan import make
from scenarios.program import End, Frame, Operation, advance
from scenarios.resources.machine import PARKED, Machine
from scenarios.resources.machines import make_all

ME = "me"
Answer = Callable[[Operation, Any], Any]


class Walk:
    """One worker's way through its program, alone with its resources.

    `answers` gives what operations are answered with, by "name object" or name: a list is given
    out one by one. Whatever is not listed is done by the machines of the resources; where it
    would wait its time runs out at once. `done` lists "name object argument" of each operation.
    """

    def __init__(self, steps: str, top: str = "", **answers: Any) -> None:
        planned = make(scenario(with_steps(steps, top)), specs=SPECS, seed=1)
        program = planned.workers[0].program
        assert program is not None
        names: dict[str, Any] = {
            "vars": planned.scenario.vars,
            "matrix": {},
            "worker": {"name": "w", "replica": None, "pid": 1, "thread": "t"},
            "run": {"id": "r", "seed": 1, "tmp": "/tmp"},
            "local": {name: {} for name in planned.locals},
        }
        prepare(names)
        self.machines: Mapping[str, Machine] = make_all(list(planned.resources))
        self.frame = Frame(program, names)
        self.answers = {key.replace("_", " "): value for key, value in answers.items()}
        self.done: list[str] = []
        self.put = 0

    def run(self, stop_at: int | None = None, *, midway: bool = False, killed: bool = False) -> End:
        """Go to the end; the operation number `stop_at` (from 0) is answered with STOP.

        Nothing was done then, unless `midway`: a wait has begun and is given up. With `killed`
        every operation after it is answered so too.
        """
        operation = advance(self.frame)
        number = 0
        while operation is not None:
            if number > 5000:
                raise AssertionError(f"it goes on and on: {self.done[-5:]}")
            if stop_at is not None and (number == stop_at or (killed and number > stop_at)):
                answer = self._stopped(operation) if midway else STOP
            else:
                answer = self._answer(operation)
            number += 1
            operation = advance(self.frame, answer)
        assert self.frame.end is not None
        assert self.frame.blocks == []
        assert self.frame.pending == []
        assert self.frame.reads == []
        return self.frame.end

    def _answer(self, operation: Operation) -> Any:
        argument = self.frame.argument
        self.done.append(self._shown(operation))
        for key in (f"{operation.name} {operation.object}".strip(), operation.name):
            if key in self.answers:
                chosen = self.answers[key]
                return chosen.pop(0) if isinstance(chosen, list) else chosen
        machine = self.machines.get(operation.object)
        if machine is None:
            return True
        if operation.verb == "put":
            self.put += 1
            argument = str(self.put), argument
        try:
            answer = machine.apply(ME, operation.verb, argument, [])
        except ScenariosError as error:
            return Failed(str(error))
        if answer is PARKED:
            answer = machine.expire(ME, [])
            assert answer == TIMED_OUT
            return WOULD_BLOCK if self.frame.timeout == 0 else answer
        if operation.verb == "update":
            return answer[0]
        return answer[1] if operation.verb == "get" else answer

    def _stopped(self, operation: Operation) -> Any:
        """STOP inside the wait; an operation that does not wait is done, and the next one not."""
        machine = self.machines.get(operation.object)
        if machine is None or operation.verb not in ("wait", "get", "put", "acquire", "join"):
            return STOP
        argument = ("x", None) if operation.verb == "put" else self.frame.argument
        if machine.apply(ME, operation.verb, argument, []) is PARKED:
            machine.cancel(ME, [])
            return STOP
        raise AssertionError("it does not wait")

    def _shown(self, operation: Operation) -> str:
        argument = self.frame.argument
        words = [operation.name, operation.object]
        if argument is not None and not callable(argument):
            words.append(str(argument))
        return " ".join(filter(None, words))

    @property
    def logged(self) -> list[str]:
        """The texts of its log steps."""
        return [text.removeprefix("log ") for text in self.done if text.startswith("log ")]

    def __getitem__(self, variable: str) -> Any:
        """A worker variable."""
        return self.frame.names[variable]


def ended(steps: str, top: str = "", **answers: Any) -> Walk:
    """A walk that came to its end well."""
    walk = Walk(steps, top, **answers)
    end = walk.run()
    assert end.why == "returns", end
    return walk


def failed(steps: str, top: str = "", **answers: Any) -> str:
    """Why a walk failed."""
    end = Walk(steps, top, **answers).run()
    assert end.why == "fails", end
    return str(end.value)
