"""`concurrent.futures.Executor` on a real pool worker: what is submitted becomes one of its jobs.

A pool is declared with its jobs and has no `submit`. Here each job asks for a callable when its
turn comes (`pool_jobs.py`), so that the pool decides who runs what and when, what a death costs,
and that another process takes its place; futures, and their cancelling, are this adapter's.
"""

from __future__ import annotations

import itertools
import pickle
import queue
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from hubs import DEADLINE, Later
from others.pool_jobs import Whole
from running import SPECS
from scenarios import engine, plan, runs
from scenarios.errors import ScenarioFileError
from scenarios.loading import load
from scenarios.scenario import Scenario

SCENARIO = Path(__file__).with_name("pool.yaml")

JOBS = 128
"""Jobs of each pool, more than any of the tests submits; those left over end at the shutdown."""

_numbers = itertools.count()
_open: dict[str, PoolAsExecutor] = {}


class PoolAsExecutor(futures.Executor):
    """One run of the scenario. All that changes is changed by its desk, one message at a time."""

    of = ""

    def __init__(self, max_workers: int = 1, mp_context: Any = None) -> None:
        self.key = f"executor-{next(_numbers)}"
        self.inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._pending: deque[tuple[futures.Future[Any], Any]] = deque()
        self._running: dict[int, futures.Future[Any]] = {}
        self._taken: dict[int, int] = {}  # which job took which callable
        self._begun: set[int] = set()
        self._free = self._ended = 0
        self._closed = self._shut = False
        self._up = threading.Event()
        settings = {"of": self.of, "workers": max_workers, "jobs": JOBS, "key": self.key}
        overrides = {name: str(value) for name, value in settings.items()}
        try:
            (scenario,) = load(SCENARIO, specs=SPECS, overrides=overrides).scenarios
        except ScenarioFileError as refused:
            raise ValueError(str(refused)) from None
        _open[self.key] = self
        self._run = Later(self._go, scenario)
        assert self._up.wait(DEADLINE), "the pool does not come up"

    # -- what the tests call -------------------------------------------------------------------

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        """A future of the call."""
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: futures.Future[Any] = futures.Future()
        self.inbox.put(("call", future, self._packed((fn, args, kwargs))))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more calls; with `wait` until the run has ended."""
        if not self._closed:
            self._closed = True
            self.inbox.put(("shutdown", cancel_futures))
        if wait:
            self._run.result()

    def _packed(self, call: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    def _unpacked(self, result: Any) -> tuple[bool, Any]:
        raise NotImplementedError

    # -- the run -------------------------------------------------------------------------------

    def _go(self, scenario: Scenario) -> None:
        with tempfile.TemporaryDirectory(prefix="scenarios-others-") as folder:
            planned = plan.make(scenario, specs=SPECS)
            with runs.create(Path(folder), "pool", None) as kept:
                result = engine.run(planned, folder=kept, observer=self._observe)
        del _open[self.key]
        for future in [*self._running.values(), *(future for future, _ in self._pending)]:
            future.set_exception(BrokenProcessPool(str(result["run"])))

    def _observe(self, event: dict[str, Any]) -> None:
        if event["event"] == "job_ended" and event["state"] != "succeeded":
            self.inbox.put(("death", event["job"], event["error"]))

    def serve(self, calls: Any, told: Any) -> None:
        """Work off messages until every job has ended."""
        while self._ended < JOBS:
            what, *rest = self.inbox.get()
            if what == "death":  # to be heard after all that the job told, which waits there
                told.put(("lost", *rest))
            else:
                getattr(self, f"_hear_{what}")(*rest)
            del rest  # no reference is kept while it waits
            self._hand_out(calls)
        told.put(("over",))

    def _hand_out(self, calls: Any) -> None:
        while self._free and self._pending:
            future, call = self._pending.popleft()
            if future.set_running_or_notify_cancel():
                self._free -= 1
                number = next(_numbers)
                self._running[number] = future
                calls.put((number, call))
        if self._shut and not self._pending:
            for _ in range(self._free):
                calls.put(None)
            self._ended += self._free
            self._free = 0

    # -- messages ------------------------------------------------------------------------------

    def _hear_call(self, future: futures.Future[Any], call: Any) -> None:
        self._pending.append((future, call))

    def _hear_shutdown(self, cancel: bool) -> None:
        self._shut = True
        for future, _ in self._pending if cancel else ():
            future.cancel()

    def _hear_free(self, job: int) -> None:
        self._free += 1
        self._up.set()

    def _hear_took(self, job: int, number: int) -> None:
        self._taken[job] = number

    def _hear_begun(self, job: int) -> None:
        self._begun.add(job)

    def _hear_done(self, job: int, result: Any) -> None:
        self._ended += 1
        future = self._running.pop(self._taken.pop(job))
        try:
            good, value = self._unpacked(result)
        except Exception as error:
            good, value = False, error
        if good:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _hear_lost(self, job: int, error: str) -> None:
        """The pool says what became of it; that an exit is no death is what CPython wants told."""
        self._ended += 1
        exited = job in self._begun and error.startswith("exited with")
        kind = SystemExit if exited else BrokenProcessPool
        self._running.pop(self._taken.pop(job)).set_exception(kind(error))


class ThreadPool(PoolAsExecutor):
    """On a pool of threads."""

    of = "thread"

    def _packed(self, call: tuple[Any, ...]) -> Any:
        return Whole(call)

    def _unpacked(self, result: Any) -> tuple[bool, Any]:
        good, value = result.value
        return good, value


class ProcessPool(PoolAsExecutor):
    """On a pool of processes."""

    of = "process"

    def _packed(self, call: tuple[Any, ...]) -> Any:
        return pickle.dumps(call)

    def _unpacked(self, result: Any) -> tuple[bool, Any]:
        good, value = pickle.loads(result)
        return good, value


def desk(key: str, calls: Any, told: Any) -> None:
    """The worker that hands out callables."""
    _open[key].serve(calls, told)


def ear(key: str, told: Any) -> None:
    """The worker that hears what jobs tell."""
    while (message := told.get())[0] != "over":
        _open[key].inbox.put(message)
