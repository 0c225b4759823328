"""The ladder by which a child is stopped: ask, wait, force."""

from __future__ import annotations

from collections.abc import Callable

from scenarios.errors import EnvironmentFault
from scenarios.supervision.client import Child

# Seconds that the kernel may take to end a killed process: one that waits for a disk or a network
# file system ends only after its answer.
_FORCED_LIMIT = 10.0


def ladder(child: Child, grace: float, on_force: Callable[[], object] | None = None) -> int:
    """SIGTERM, `grace` seconds, then `on_force()` and SIGKILL; the child's returncode.

    Raises EnvironmentFault when the spawner is gone, or when even SIGKILL does not end the child.
    """
    child.terminate()
    code = child.wait(max(grace, 0.0))
    if code is None:
        if on_force:
            on_force()
        child.kill()
        code = child.wait(_FORCED_LIMIT)
    if code is None:
        raise EnvironmentFault(
            f"process {child.pid} lives on {_FORCED_LIMIT:.0f} s after SIGKILL: the kernel holds "
            "it in a system call (state D in `ps`)"
        )
    return code
