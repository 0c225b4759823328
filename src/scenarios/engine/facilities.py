"""What the workers of one run share in the engine's process: resources, spawner, hub, recorder."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scenarios import hub, runs
from scenarios.answers import STOP, TIMED_OUT, Failed
from scenarios.engine.watch import Watch
from scenarios.errors import EnvironmentFault
from scenarios.event import Masker, SharedRecorder, encoded, next_number, quoted
from scenarios.hub import whereabouts
from scenarios.journal import Segment
from scenarios.plan import Plan
from scenarios.resources.driver import Driver, drivers
from scenarios.resources.machines import make_all
from scenarios.supervision.client import Child, Spawner
from scenarios.supervision.host import finish
from scenarios.supervision.output import BoundedOutput, OutputPump
from scenarios.supervision.proctable import is_stopped
from scenarios.supervision.worker_process import signal_name
from scenarios.wire.control import HubControl
from scenarios.worker.access import Access
from scenarios.worker.commands import LARGEST_OUTPUT
from scenarios.worker.performer import Performer
from scenarios.worker_plan import Setting, WorkerPlan

HUB_END = 2.0  # seconds for the hub to end by itself before the spawner ends it
HUB_START = 20.0
"""Seconds in which the hub has to come up."""


class Facilities:
    """Opened by the engine, closed when the last worker has ended; spawner and pump on demand."""

    def __init__(self, plan: Plan, setting: Setting, watch: Watch) -> None:
        self.plan = plan
        self.watch = watch
        self._segments = [
            Segment(os.path.join(setting.journal, f"{name}.{os.getpid()}.jsonl"))
            for name in ("engine", "lives")
        ]
        masker = Masker(setting.secrets)
        self.recorder = SharedRecorder(self._segments[0], masker=masker, observe=watch.line)
        self._lives = SharedRecorder(self._segments[1], masker=masker, observe=watch.line)
        local = [one for one in plan.resources if plan.reach[one[0]] == "process"]
        self.drivers: Mapping[str, Driver] = drivers(make_all(local))
        self.control: HubControl | None = None
        self.setting = setting
        self._mutex = threading.Lock()
        self._closed = False
        self._spawner: Spawner | None = None
        self._pump: OutputPump | None = None
        self._hub_input = -1
        self._hub_address = ""
        self._hub_said = BoundedOutput(16 * 1024)
        self._hub: Child | None = None

    def event(self, worker: WorkerPlan, event: str, **fields: Any) -> None:
        """Record what a worker's executor tells of it."""
        self.recorder.event(event, **_known(worker), **fields)

    def life(
        self, worker: WorkerPlan, event: str, at: tuple[int, int] | None = None, **fields: Any
    ) -> None:
        """Record an event of a worker's life, as of (time, number); by the supervisor's thread."""
        time_, number = at or moment()
        known = {"event": event, **_known(worker), **fields}
        parts = [f"{quoted(key)}:{encoded(it)}" for key, it in known.items() if it is not None]
        self._lives.line(f'{{"time":{time_},"seq":{number},{",".join(parts)}}}\n')

    def end_log(self) -> None:
        """Nothing more is recorded; what the engine's own log had no room for is counted."""
        for segment in self._segments:
            segment.close()
            if segment.dropped:
                lost = {"count": segment.dropped, "error": segment.trouble}
                self.watch.losses.take(lost)

    def leave_log(self, exit_code: int) -> None:
        """The engine is about to leave at once, whatever still runs: the log ends here."""
        self.recorder.event("run_ended", state="terminated", exit=exit_code)
        self.end_log()

    def access(self, plan: WorkerPlan) -> Access:
        """Access to resources for one attempt in this process.

        For a command it is the engine itself that reads a queue, and it runs nobody's code.
        """
        return Access(self.setting, self.drivers, objects=plan.command is None)

    def spawner(self) -> Spawner:
        """The spawner, started at its first use."""
        with self._mutex:
            if self._closed:
                raise EnvironmentFault("the run is being ended: nothing more is started")
            if self._spawner is None:
                self._spawner = Spawner.start(self.setting.run_id)
            return self._spawner

    def stopped(self) -> str:
        """Which process that the run needs is held by a signal and answers nobody; "" for none."""
        if self._spawner is not None and self._spawner.stopped:
            return self._spawner.held()
        if self._hub is not None and self._hub.returncode is None and is_stopped(self._hub.pid):
            return f"{self._the_hub()}, is stopped by a signal and answers nobody"
        return ""

    def end_stopped(self) -> None:
        """Once all has ended a stopped hub is of no use: nobody waits for its answer."""
        if self._hub is not None and is_stopped(self._hub.pid):
            self._hub.kill()

    def lost(self) -> bool:
        """Whether the spawner was ended from outside."""
        return self._spawner is not None and not self._closed and not self._spawner.alive

    def pump(self) -> OutputPump:
        """The pump, started at its first use."""
        with self._mutex:
            if self._closed:
                raise EnvironmentFault("the run is being ended: nothing more is read")
            if self._pump is None:
                self._pump = OutputPump()
            return self._pump

    def shared(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """The resources that live in the hub."""
        return [one for one in self.plan.resources if self.plan.reach[one[0]] != "process"]

    def start_hub(self) -> tuple[tuple[str, bytes], dict[str, int], Child]:
        """Start the hub: (address, token), the number of each resource there, its process."""
        address = self._hub_address = whereabouts.private(self._hub_note())
        token = secrets.token_bytes(32)
        shared = self.shared()
        stdin, self._hub_input = os.pipe2(os.O_CLOEXEC)
        answer, stdout = os.pipe2(os.O_CLOEXEC)
        said = self._hub_said
        over = threading.Event()

        def hear(data: bytes) -> None:
            said(data)
            if b"\n" in data:
                over.set()

        stream = self.pump().add(answer, hear, over.set)
        try:
            child = self._hub = self.spawner().command(
                hub.argv(), stdin=stdin, stdout=stdout, stderr=stdout
            )
        finally:
            os.close(stdin)
            os.close(stdout)
        config = hub.configuration(shared, address, token)
        # one that was killed before it had read this is told of below
        with contextlib.suppress(OSError), os.fdopen(os.dup(self._hub_input), "wb") as pipe:
            pipe.write(config)
        if not over.wait(HUB_START) or not said.text().startswith(hub.READY.decode()):
            stream.detach()
            ended = child.wait(HUB_END)  # which raises where the spawner is gone
            raise EnvironmentFault(f"the hub did not come up: {self._hub_end(ended)}")
        self.control = HubControl(address, token)
        return (address, token), {name: at for at, (name, _, _) in enumerate(shared)}, child

    def _hub_note(self) -> str:
        return os.path.join(os.path.dirname(self.setting.journal), runs.HUB)

    def hub_loss(self, code: int | None) -> str:
        """What is told when the hub has ended before the run."""
        return f"{self._the_hub()}, {self._hub_end(code)}; run again"

    def _the_hub(self) -> str:
        pid = self._hub.pid if self._hub is not None else 0
        return f"the hub (process {pid}), which owns what workers share"

    def _hub_end(self, code: int | None) -> str:
        end = "gave no answer" if code is None else f"ended with exit code {code}"
        if code is not None and code < 0:
            end = f"was ended by {signal_name(-code)}"
        words = self._hub_words().splitlines()
        return f"{end}: {words[-1].strip()}" if words else end

    def _hub_words(self) -> str:
        """What the hub said besides that it is ready: complaints."""
        return self._hub_said.text().removeprefix(hub.READY.decode()).strip()

    def run_command(
        self, words: Sequence[str], stdin: str | None, timeout: float | None, performer: Performer
    ) -> Any:
        """The `run` step of a worker in this process: the spawner starts the command."""
        outputs = BoundedOutput(LARGEST_OUTPUT), BoundedOutput(LARGEST_OUTPUT)
        files: list[int] = []
        try:
            source = _memory_file(stdin, files) if stdin is not None else None
            pipes = [os.pipe2(os.O_CLOEXEC) for _ in outputs]
            files += [write for _, write in pipes]
            streams = [
                self.pump().add(read, kept) for (read, _), kept in zip(pipes, outputs, strict=True)
            ]
            child = self.spawner().command(
                words, stdin=source, stdout=pipes[0][1], stderr=pipes[1][1]
            )
        except EnvironmentFault as error:
            return Failed(str(error))
        finally:
            for fd in files:
                os.close(fd)

        def stop() -> None:
            (child.kill if performer.killed else child.terminate)()

        performer.interrupts.append(stop)
        try:
            if performer.stopped and not performer.told:
                stop()
            code = child.wait(timeout)
            late = code is None
            if late:
                child.kill()
                code = child.wait(HUB_START)
        finally:
            performer.interrupts.remove(stop)
            finish(streams)
        if performer.stopped and not performer.told:
            performer.told = True
            return STOP
        if late:
            return TIMED_OUT
        return {"exit_code": code, "stdout": outputs[0].text(), "stderr": outputs[1].text()}

    def _close_hub(self) -> None:
        """The end of its input ends the hub, which then removes its socket."""
        os.close(self._hub_input)
        self._hub_input = -1
        if self._hub is not None and self._spawner is not None and not self._spawner.stopped:
            self._hub.wait(HUB_END)

    def close(self) -> None:
        """End what is left of hub and spawner; returns when nothing of the run is alive."""
        with self._mutex:
            self._closed = True
        closers: list[Callable[[], None]] = []
        if self.control is not None:
            closers.append(self.control.close)
        if self._hub_input >= 0:
            closers.append(self._close_hub)
        if self._spawner is not None:
            closers.append(self._spawner.close)
        if self._pump is not None:
            closers.append(self._pump.close)
        if self._hub_address:
            closers.append(lambda: whereabouts.remove(self._hub_address, self._hub_note()))
        for close in closers:
            try:
                close()
            except (OSError, EnvironmentFault) as error:
                self.recorder.event("notice", message=f"at the end of the run: {error}")
        if self._hub_words():
            self.recorder.event("notice", message=f"the hub said: {self._hub_words()}")


def moment() -> tuple[int, int]:
    """The time and the number of an event that is recorded later."""
    return time.monotonic_ns(), next_number()


def _known(worker: WorkerPlan) -> dict[str, Any]:
    return {"worker": worker.name, "replica": worker.replica}


def _memory_file(text: str, files: list[int]) -> int:
    """A file in memory that holds a command's standard input."""
    memory = os.memfd_create("stdin", os.MFD_CLOEXEC)
    files.append(memory)
    with os.fdopen(os.dup(memory), "wb") as file:
        file.write(text.encode())
    os.lseek(memory, 0, os.SEEK_SET)
    return memory
