"""The executor `process`: a process of its own, started through the spawner."""

from __future__ import annotations

from scenarios.contracts import Handle, Status
from scenarios.supervision.host import HostPorts
from scenarios.supervision.worker_process import WorkerProcess
from scenarios.worker_plan import Outcome, WorkerPlan


class ProcessExecutor:
    """Forks a small helper, or begins a fresh interpreter, for each worker."""

    def start(self, plan: WorkerPlan, ports: HostPorts) -> Handle:
        """Start the process."""
        return ProcessHandle(plan, ports)


class ProcessHandle:
    """A running process."""

    def __init__(self, plan: WorkerPlan, ports: HostPorts) -> None:
        fresh = plan.options.get("start_method") == "spawn"
        self._process = WorkerProcess(plan, ports, ports.label, fresh=fresh)
        self.pid = self._process.child.pid

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """The outcome, or None after `timeout` seconds."""
        return self._process.wait(timeout)

    def stop(self) -> None:
        """SIGTERM to its group; its clean-up runs."""
        self._process.child.terminate()

    def kill(self) -> None:
        """SIGKILL to its group."""
        self._process.child.kill()

    @property
    def status(self) -> Status:
        """Whether it has not been reaped yet."""
        return "running" if self._process.child.returncode is None else "ended"
