"""The built-in executors, registered through the same hook as anyone else's."""

from __future__ import annotations

from scenarios.hookspecs import hookimpl
from scenarios.specs import Capabilities, ExecutorSpec

_THREADS = Capabilities(reach="process", terminate=True, controlled=True)
_PROCESSES = Capabilities(reach="host", terminate=True, kill=True, own_process=True)


@hookimpl
def scenarios_executors() -> list[ExecutorSpec]:
    """inline, thread, process, subprocess and pool."""
    return [
        ExecutorSpec(
            "inline",
            "scenarios.executors.inline:InlineExecutor",
            "on the engine's main thread, after all others have started",
            Capabilities(reach="process", terminate=True, main_thread=True, controlled=True),
        ),
        ExecutorSpec(
            "thread",
            "scenarios.executors.threads:ThreadExecutor",
            "a thread of the engine's process",
            _THREADS,
        ),
        ExecutorSpec(
            "process",
            "scenarios.executors.processes:ProcessExecutor",
            "a process of its own, forked from a small helper or a fresh interpreter",
            _PROCESSES,
            options="scenarios.executors.options:ProcessOptions",
        ),
        ExecutorSpec(
            "subprocess",
            "scenarios.executors.subprocesses:SubprocessExecutor",
            "a command with input, output and exit code",
            Capabilities(
                reach="process",
                terminate=True,
                kill=True,
                steps=False,
                call=False,
                command=True,
                locals=False,
                own_process=True,
            ),
        ),
        ExecutorSpec(
            "pool",
            "scenarios.executors.pools:PoolExecutor",
            "threads or processes that work off a list of jobs",
            Capabilities(reach="process", terminate=True, jobs=True, controlled=True),
            options="scenarios.executors.options:PoolOptions",
            variants=(
                (
                    "of",
                    "process",
                    Capabilities(
                        reach="host", terminate=True, kill=True, jobs=True, own_process=True
                    ),
                ),
            ),
        ),
    ]
