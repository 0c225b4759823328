"""Runs a plan: plan and executors in, a result and a run folder out.

`supervisor` is the life of the workers (`state`, `starting`, `stopping`, `ending`, `background`),
`facilities` what they share, `attempt` what an executor is given, `results` what is told at the
end.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scenarios import journal
from scenarios.engine import results
from scenarios.engine.facilities import Facilities
from scenarios.engine.members import inline_code
from scenarios.engine.state import RunState
from scenarios.engine.supervisor import Supervisor
from scenarios.engine.watch import Watch
from scenarios.errors import EnvironmentFault, PluginFault, Stopped
from scenarios.event import Masker
from scenarios.plan import Plan
from scenarios.runs import RunFolder
from scenarios.worker import capture
from scenarios.worker_plan import Setting

Observer = Callable[[dict[str, Any]], None]
SIGNALS_WITHIN = 0.1
"""Seconds in which a signal is surely heard."""


def run(
    plan: Plan,
    *,
    folder: RunFolder,
    observer: Observer,
    verbose: bool = False,
    again: str = "",
    notices: Sequence[str] = (),
) -> dict[str, Any]:
    """Run a plan to its end and return its result, which is stored in `folder` as well.

    `observer` gets log lines, output and the lives of workers as events, and with `verbose` the
    operations. `again` is the command that repeats the run. On the main thread SIGINT and SIGTERM
    end the run: the first stops it, the second kills its workers, the third leaves at once.
    """
    setting = _setting(plan, folder, verbose)
    watch = Watch(observer)
    facilities = Facilities(plan, setting, watch)
    folder.write_text("scenario.yaml", plan.scenario.text)
    began = time.monotonic()
    facilities.recorder.event("run_started", run=folder.id, seed=plan.seed, file=plan.scenario.path)
    try:
        state = _supervise(plan, facilities)
        info: dict[str, Any] = {
            "id": folder.id,
            "state": state.state,
            "seed": plan.seed,
            "duration": round(time.monotonic() - began, 6),
            "folder": str(folder.path),
        }
        if state.error is not None:
            info["error"] = state.error
        result = results.result(plan, facilities, state.groups, info, state.exit_code)
    finally:
        facilities.close()
    told = [*notices, *state.waits, *state.notices, *not_acted_on(plan)]
    result |= {"notices": told, "again": again}
    result = dict(Masker(setting.secrets).data(result))
    facilities.recorder.event("run_ended", state=info["state"], exit=result["exit"])
    facilities.segment.close()
    _store(folder, result, state)
    return result


def _setting(plan: Plan, folder: RunFolder, verbose: bool) -> Setting:
    return Setting(
        run_id=folder.id,
        seed=plan.seed,
        tmp=str(folder.tmp),
        journal=str(folder.segments),
        modules=str(Path(plan.scenario.path).resolve().parent),
        resources=plan.resources,
        locals=plan.locals,
        vars=plan.scenario.vars,
        matrix=plan.scenario.matrix,
        verbose=verbose,
        secrets=plan.scenario.secrets,
    )


def _supervise(plan: Plan, facilities: Facilities) -> RunState:
    """Let a supervisor run on its own thread, and inline workers on this one."""
    import dataclasses

    inline: queue.SimpleQueue[Any] = queue.SimpleQueue()
    state = RunState(plan, facilities, inline)
    if facilities.shared():
        address, index, child = facilities.start_hub()
        facilities.setting = dataclasses.replace(facilities.setting, hub=address, hub_index=index)
        _watch_hub(child, state)
    failure: list[BaseException] = []

    def run_supervisor() -> None:
        try:
            Supervisor(state).run()
        except BaseException as error:
            failure.append(error)
        finally:
            inline.put(None)

    import sys

    modules = facilities.setting.modules
    with _signals(state), _importable(sys.path, modules), capture.in_threads():
        thread = threading.Thread(target=run_supervisor, name="scenarios-supervisor", daemon=True)
        thread.start()
        _work_off(inline)
        thread.join()
    if failure:
        raise PluginFault(f"the engine failed: {failure[0]!r}") from failure[0]
    return state


def _work_off(inline: queue.SimpleQueue[Any]) -> None:
    """Do what comes until None does; a signal that comes just before a wait is heard after it."""
    while True:
        with contextlib.suppress(queue.Empty, Stopped):
            work = inline.get(timeout=SIGNALS_WITHIN)
            if work is None:
                return
            work()


def _watch_hub(child: Any, state: RunState) -> None:
    def wait() -> None:
        try:
            code = child.wait(None)
        except EnvironmentFault as error:
            state.inbox.put(("lost", str(error)))
            return
        state.inbox.put(("lost", f"the hub (process {child.pid}) ended with {code}"))

    threading.Thread(target=wait, name="scenarios-hub-wait", daemon=True).start()


@contextlib.contextmanager
def _importable(path: list[str], folder: str) -> Iterator[None]:
    """While this lasts, modules beside the scenario can be imported."""
    path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            path.remove(folder)


@contextlib.contextmanager
def _signals(state: RunState) -> Iterator[None]:
    """SIGINT and SIGTERM go to the supervisor; only the main thread can say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handle(number: int, _: Any) -> None:
        nonlocal count
        count += 1
        if count > 2:
            os._exit(128 + number)
        state.inbox.put(("interrupt", number))
        if count == 2 and inline_code(state.members):
            raise Stopped("stopped by a second signal")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def not_acted_on(plan: Plan) -> list[str]:
    """What the file declares and this version does not do."""
    scenario = plan.scenario
    declared = {
        "faults": scenario.faults,
        "checks": scenario.checks,
        "thresholds": scenario.thresholds,
        "schedules": scenario.schedules,
    }
    return [
        f"this version does not act on `{key}`: they were checked and left alone"
        for key, value in declared.items()
        if value
    ]


def _store(folder: RunFolder, result: dict[str, Any], state: RunState) -> None:
    """Everything a later look needs, in the run's folder."""
    for member in state.members:
        outcome = member.outcome
        for stream in ("stdout", "stderr"):
            text = getattr(outcome, stream) or state.facilities.watch.text(member.name, stream)
            if text:
                folder.write_text(f"outputs/{member.name}.{stream}", text)
        traces = [outcome.traceback, *(job.traceback for job in outcome.jobs or ())]
        if any(traces):
            folder.write_text(f"tracebacks/{member.name}.txt", "\n".join(filter(None, traces)))
    folder.write_text("result.json", json.dumps(result, indent=2, default=str) + "\n")
    journal.merge(folder.segments, folder.path / "events.jsonl")
