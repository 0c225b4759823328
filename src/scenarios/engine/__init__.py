"""Runs a plan: plan and executors in, a result and a run folder out.

`supervisor` is the life of the workers (`state`, `starting`, `stopping`, `ending`, `background`),
`signals` what comes from outside, `facilities` what workers share, `attempt` what an executor is
given, `results` what is told at the end and `storing` what is kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from scenarios.engine import results
from scenarios.engine.exhausted import exhausted
from scenarios.engine.facilities import Facilities
from scenarios.engine.signals import Signals, heard
from scenarios.engine.state import RunState
from scenarios.engine.storing import store
from scenarios.engine.supervisor import Supervisor
from scenarios.engine.watch import Watch
from scenarios.errors import EnvironmentFault, PluginFault, Stopped
from scenarios.event import Masker
from scenarios.plan import Plan
from scenarios.runs import RunFolder
from scenarios.worker import capture, modules
from scenarios.worker_plan import Outcome, Setting

Observer = Callable[[dict[str, Any]], None]

STUCK = 40.0
"""Seconds beyond its last deadline after which a run is stuck: workers are given up after 3, and a
start after 30."""


def run(
    plan: Plan,
    *,
    folder: RunFolder,
    observer: Observer,
    verbose: bool = False,
    again: str = "",
    notices: Sequence[str] = (),
    signals: Signals | None = None,
) -> dict[str, Any]:
    """Run a plan to its end and return its result, which is stored in `folder` as well.

    `observer` gets log lines, output and the lives of workers as events, and with `verbose` the
    operations. `again` is the command that repeats the run. On the main thread SIGINT and SIGTERM
    end the run: the first stops it, the second kills its workers, the third leaves at once; they
    are heard by `signals`, which last longer than the run, or as long as it lasts.
    """
    setting = _setting(plan, folder, verbose)
    watch = Watch(observer)
    facilities = Facilities(plan, setting, watch)
    state = RunState(plan, facilities)
    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(heard()) if signals is None else signals
        stack.enter_context(signals.steering(state))
        began = time.monotonic()
        try:
            facilities.recorder.event(
                "run_started", run=folder.id, seed=plan.seed, file=plan.scenario.path
            )
            _supervise(state)
            facilities.end_stopped()
            info = _info(state, folder, time.monotonic() - began)
            result = results.result(plan, facilities, state.groups, info, state.exit_code)
        finally:
            facilities.close()
        _hear_late(signals, result)
        result |= {"notices": _told(notices, watch, state), "again": again}
        result = dict(results.masked(result, Masker(setting.secrets)))
        folder.make_room()
        facilities.recorder.event("run_ended", state=info["state"], exit=result["exit"])
        watch.close()
        facilities.end_log()
        store(folder, result, state)
    _hear_late(signals, result)
    return result


def _setting(plan: Plan, folder: RunFolder, verbose: bool) -> Setting:
    return Setting(
        run_id=folder.id,
        seed=plan.seed,
        tmp=str(folder.tmp),
        journal=str(folder.segments),
        modules=plan.folder,
        limited=plan.limited,
        resources=plan.resources,
        locals=plan.locals,
        vars=plan.scenario.vars,
        matrix=plan.scenario.matrix,
        verbose=verbose,
        secrets=plan.scenario.secrets,
    )


def _info(state: RunState, folder: RunFolder, seconds: float) -> dict[str, Any]:
    info: dict[str, Any] = {
        "id": folder.id,
        "state": state.state,
        "seed": state.plan.seed,
        "duration": round(seconds, 6),
        "folder": str(folder.path),
    }
    if state.error is not None:
        info["error"] = state.error
    return info


def _hear_late(signals: Signals, result: dict[str, Any]) -> None:
    """A signal after the last worker's end: this run has ended, but none may follow it."""
    if signals.last is not None:
        result["exit"] = 128 + signals.last


def _told(notices: Sequence[str], watch: Watch, state: RunState) -> list[str]:
    return [*notices, *state.waits, *state.notices, *watch.problems, *not_acted_on(state.plan)]


def _supervise(state: RunState) -> None:
    """Let a supervisor run on its own thread, and inline workers on this one."""
    try:
        _begin_hub(state)
    except (EnvironmentFault, OSError) as error:
        _never_began(state, str(exhausted(error) or error))
        return
    failure: list[BaseException] = []

    def run_supervisor() -> None:
        try:
            Supervisor(state).run()
        except BaseException as error:
            failure.append(error)
        finally:
            state.inline.put(None)

    setting = state.facilities.setting
    beside = modules.importable(setting.modules, last=setting.limited)
    with beside, capture.in_threads(Masker(setting.secrets).text):
        thread = threading.Thread(target=run_supervisor, name="scenarios-supervisor", daemon=True)
        thread.start()
        _work_off(state)
        thread.join()
    if failure:
        fault = exhausted(failure[0]) or PluginFault(f"the engine failed: {failure[0]!r}")
        raise fault from failure[0]


def _work_off(state: RunState) -> None:
    """Do what comes until None does; it comes unless the supervisor's thread has lost its way."""
    grace = max((member.declared.stop.grace for member in state.members), default=0.0)
    latest = state.deadline + grace + STUCK
    while True:
        try:
            work = state.inline.get(timeout=max(0.0, latest - time.monotonic()))
        except queue.Empty:
            raise PluginFault(
                "the engine does not come to an end: its process may have no memory left, as when a"
                " thread of a worker has used it up; let that worker be a process"
            ) from None
        if work is None:
            return
        with contextlib.suppress(Stopped):
            work()


def _begin_hub(state: RunState) -> None:
    """Start the hub where resources are shared across processes, and watch it."""
    facilities = state.facilities
    if not facilities.shared():
        return
    address, index, child = facilities.start_hub()
    facilities.setting = dataclasses.replace(facilities.setting, hub=address, hub_index=index)

    def wait() -> None:
        try:
            code = child.wait(None)
        except EnvironmentFault as error:
            state.inbox.put(("lost", str(error)))
            return
        state.inbox.put(("lost", facilities.hub_loss(code)))

    threading.Thread(target=wait, name="scenarios-hub-wait", daemon=True).start()


def _never_began(state: RunState, error: str) -> None:
    state.state, state.error = "failed", error
    for member in state.members:
        state.finish(member, Outcome("skipped"))


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
