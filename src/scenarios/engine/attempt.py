"""One attempt of one worker: the ports that its executor is given."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from scenarios.engine.facilities import Facilities
from scenarios.errors import sentence
from scenarios.expressions import Expression
from scenarios.supervision.client import Spawner
from scenarios.supervision.output import OutputPump
from scenarios.worker import capture
from scenarios.worker.crew import Crew
from scenarios.worker_plan import Outcome, Setting, WorkerPlan


class Attempt:
    """Implements `contracts.Ports` and `supervision.host.HostPorts`; `over` is set at its end."""

    def __init__(self, plan: WorkerPlan, facilities: Facilities, number: int) -> None:
        self.plan = plan
        self.label = plan.name if number == 1 else f"{plan.name}~{number}"
        self.over = threading.Event()
        self._facilities = facilities
        self._mutex = threading.Lock()
        self._input_over: Callable[[], None] | None = None
        self._no_more_input = False
        self._crew = Crew(
            plan,
            facilities.setting,
            self.label,
            facilities.access(plan),
            facilities.run_command,
            facilities.watch.line,
        )

    @property
    def setting(self) -> Setting:
        """What all workers of the run share."""
        return self._facilities.setting

    def run(self, job: tuple[int, Any] | None = None) -> Outcome:
        """Run the worker's steps or call in the calling thread."""
        try:
            with capture.by(self._crew.event):
                return self._crew.run(job)
        except KeyboardInterrupt:  # raised by the worker's code: a real one comes as a signal
            return Outcome("failed", error="KeyboardInterrupt", line=self.plan.line)
        except Exception as error:  # as a full disk at its first event
            return Outcome("failed", error=f"it cannot take part: {sentence(error)}")

    def leave(self) -> list[str]:
        """The calling thread runs no more of it."""
        with capture.by(self._crew.event):
            return self._crew.leave()

    def stop(self, kill: bool = False) -> None:
        """Let `run` end."""
        self._crew.stop(kill=kill)

    def event(self, event: str, **fields: Any) -> None:
        """Record an event of this worker."""
        self._facilities.event(self.plan, event, **fields)

    def observe(self, line: bytes) -> None:
        """Pass on an event that the worker recorded elsewhere."""
        self._facilities.watch.line(line)

    # -- for executors of this host ------------------------------------------------------------

    def spawner(self) -> Spawner:
        """The run's spawner."""
        return self._facilities.spawner()

    def pump(self) -> OutputPump:
        """The thread that reads what children write."""
        return self._facilities.pump()

    def crew(self) -> Crew:
        """This attempt's threads in this process."""
        return self._crew

    def evaluate(self, expression: Expression) -> Any:
        """The value of an expression with the worker's names."""
        return expression.evaluate(self._crew.names())

    def on_input_over(self, then: Callable[[], None]) -> None:
        """Call `then` once nobody can put into the queue that feeds this worker."""
        with self._mutex:
            self._input_over = then
            over = self._no_more_input
        if over:
            then()

    def end_input(self) -> None:
        """Nobody can put into the queue that feeds this worker any more."""
        with self._mutex:
            first, self._no_more_input = not self._no_more_input, True
            then = self._input_over
        if first and then is not None:
            then()
