"""The real threads of a drive: made when their workers begin, and ended however it went."""

from __future__ import annotations

import threading

from scenarios.explore.baton import STOP, Baton, Seat
from scenarios.explore.driven import Driven, Gates
from scenarios.explore.machine import StateMachine
from scenarios.explore.model import Member
from scenarios.plan import Plan
from scenarios.resources.driver import drivers
from scenarios.resources.machines import make_all
from scenarios.worker_plan import Outcome, Setting

LAST_CHANCE = 5.0
"""Seconds for all threads to end; only code of the user's own can take longer, and is left."""


class Seating:
    """`seats` has the latest thread of each actor; all resources live in this process."""

    def __init__(self, plan: Plan, machine: StateMachine, folder: str, baton: Baton) -> None:
        self._model = machine.model
        self._baton = baton
        self._setting = Setting(
            run_id="explored",
            seed=plan.seed,
            tmp="explored",
            journal=folder,
            modules=plan.folder,
            resources=plan.resources,
            locals=plan.locals,
            vars=plan.scenario.vars,
            matrix=plan.scenario.matrix,
            secrets=plan.scenario.secrets,
        )
        self.drivers = drivers(make_all(list(plan.resources)))
        self._gates = Gates(self._setting, self.drivers, baton)
        self.seats: dict[int, Seat] = {}
        self._threads: list[Seat] = []
        self._crews: dict[tuple[int, int], Driven] = {}
        self._jobs: dict[tuple[int, int], list[Outcome | None]] = {}
        self._mutex = threading.Lock()
        self.locals = {name: {"made": 0, "closed": 0} for name in plan.locals}

    def begin(self, index: int, attempt: int) -> None:
        """An actor begins its attempt of this number in a thread of its own."""
        actor = self._model.actors[index]
        member = self._model.members[actor.member]
        crew = self._crew(member, attempt)
        seat = Seat(self._baton, index, actor.name, attempt)
        self.seats[index] = seat
        self._threads.append(seat)
        self._baton.moves()

        def live() -> None:
            if member.jobs is None:
                crew.once(seat)
            else:
                crew.jobs(seat, member.jobs, self._jobs[member.index, attempt])

        # a daemon: code that does not come back must not keep the program alive
        seat.thread = threading.Thread(target=live, name=actor.name, daemon=True)
        seat.thread.start()

    def jobs(self, member: Member, attempt: int) -> list[Outcome]:
        """The outcomes of a pool's jobs; one that was never taken is terminated."""
        found = self._jobs.get((member.index, attempt), [])
        return [outcome or Outcome("terminated") for outcome in found]

    def end(self) -> None:
        """End every thread, wherever it is."""
        self._baton.free = True
        for seat in self._threads:
            if seat.performer is not None:
                seat.performer.stop(kill=True)
            seat.orders.put(STOP)
        for seat in self._threads:
            if seat.thread is not None:
                seat.thread.join(LAST_CHANCE)

    def _crew(self, member: Member, attempt: int) -> Driven:
        key = member.index, attempt
        if key not in self._crews:
            label = member.name if attempt == 1 else f"{member.name}~{attempt}"
            actors = {index: self._model.actors[index] for index in member.actors}
            crew = Driven(
                member.plan, self._setting, label, self._gates, self._baton, actors, self._count
            )
            self._crews[key] = crew
            self._jobs[key] = [None] * len(member.jobs or ())
        return self._crews[key]

    def _count(self, event: str, name: str) -> None:
        with self._mutex:
            self.locals[name]["made" if event == "local_opened" else "closed"] += 1
