"""Real workers under a baton: their crews and the ports to real drivers, which wait for a turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scenarios.answers import STOP as STOPPED
from scenarios.answers import TIMED_OUT, WOULD_BLOCK, Failed
from scenarios.errors import Stopped
from scenarios.explore.baton import DONE, EXPIRE, GATE, IDLE, LEAVE, STOP, Baton, Bell, Seat
from scenarios.explore.model import Actor
from scenarios.program import Operation
from scenarios.resources.driver import Driver
from scenarios.worker import capture
from scenarios.worker.access import Access
from scenarios.worker.crew import Crew
from scenarios.worker.performer import Performer, Port
from scenarios.worker_plan import Outcome, Setting, WorkerPlan


class Gates(Access):
    """Opens ports on drivers of this process; each operation waits for its turn first."""

    def __init__(self, setting: Setting, drivers: Mapping[str, Driver], baton: Baton) -> None:
        super().__init__(setting, drivers)
        self._all = drivers
        self._baton = baton

    def open(self, performer: Performer, name: str) -> Port:
        """The port to one resource for the calling thread."""
        seat, driver = self._baton.seat(), self._all[name]

        def port(verb: str, argument: Any, timeout: float | None) -> Any:
            order = seat.come(GATE, performer.doing)
            if order == STOP:
                return STOPPED
            at_once = order == EXPIRE or (timeout is not None and timeout <= 0)
            answer = driver.perform(performer.party, verb, argument, 0 if at_once else None)
            if order == EXPIRE and answer is WOULD_BLOCK:
                answer = TIMED_OUT
            seat.answer = answer
            return answer

        return port


class Driven(Crew):
    """The threads of one attempt; what its programs see of themselves is what the model says."""

    def __init__(
        self, plan: WorkerPlan, setting: Setting, label: str, access: Gates, baton: Baton,
        actors: Mapping[int, Actor], count: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        super().__init__(plan, setting, label, access, _no_command)
        self._baton = baton
        self._actors = actors
        self._count = count

    def names(self, job: tuple[int, Any] | None = None) -> dict[str, Any]:
        """The names of the worker's expressions, with the model's process, thread and run."""
        known = self._actors[self._baton.seat().index].names
        own = {"worker": dict(known["worker"]), "run": dict(known["run"])}
        return {**super().names(job), **own}

    def sit(self, seat: Seat) -> None:
        """Let the calling thread take its seat."""
        self._baton.here.seat = seat
        seat.performer = self.here()
        party: Any = seat.performer.party
        party.wake = Bell(party.wake, seat)

    def once(self, seat: Seat) -> None:
        """A thread's whole life: the program, and the leaving when that is its turn."""
        self._serve(seat, lambda: self._attempt(seat))

    def jobs(self, seat: Seat, items: Sequence[Any], outcomes: list[Outcome | None]) -> None:
        """The life of a pool's thread: jobs as they are given to it."""

        def work() -> None:
            while isinstance(order := seat.come(IDLE), int):
                outcomes[order] = self.run((order, items[order]))

        self._serve(seat, work)

    def _attempt(self, seat: Seat) -> None:
        seat.outcome = self.run()
        seat.come(DONE)

    def _serve(self, seat: Seat, work: Callable[[], None]) -> None:
        with capture.by(self.event):
            try:
                self.sit(seat)
                work()
                errors = self.leave(died=seat.died)
            except BaseException as error:  # told to who drives
                errors = [f"{type(error).__name__}: {error}"]
            if errors and (seat.outcome is None or seat.outcome.state == "succeeded"):
                seat.outcome = Outcome("failed", error="; ".join(errors))
        seat.gone()

    # -- operations that touch no resource -----------------------------------------------------

    def _sleep(self, operation: Operation, argument: Any, timeout: float | None) -> Any:
        self._turn(operation)
        self._baton.seat().answer = True
        return True

    def _call(self, operation: Operation, argument: Any, timeout: float | None) -> Any:
        self._turn(operation)
        answer = super()._call(operation, argument, timeout)
        self._baton.seat().answer = answer
        return answer

    def _turn(self, operation: Operation) -> None:
        if self._baton.seat().come(GATE, operation) in (STOP, LEAVE):
            raise Stopped("it is stopped before this step")

    def _tell_local(self, event: str, name: str) -> None:
        super()._tell_local(event, name)
        self._count(event, name)


def _no_command(*_: Any) -> Failed:
    return Failed("a command runs only in a real run")
