"""CPython's `test_concurrent_futures` against pools, through a thin `Executor` on a real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from others.adopting import ALL, adopt, cpython
from others.pooling import ProcessPool, ThreadPool

executors = cpython("test_concurrent_futures.executor")
util = cpython("test_concurrent_futures.util")
of_threads = cpython("test_concurrent_futures.test_thread_pool")
waiting = cpython("test_concurrent_futures.test_wait")
completed = cpython("test_concurrent_futures.test_as_completed")
shutdown = cpython("test_concurrent_futures.test_shutdown")
deadlock = cpython("test_concurrent_futures.test_deadlock")

WORDS = "asks for the words of a message; a file with such a number is refused in others"
INSIDE = "looks at private attributes of the executors of concurrent.futures"
ITSELF = "runs an interpreter that imports the executor from concurrent.futures"
NO_POOL = "is about futures alone and submits nothing"
BY_ADAPTER = "packs or unpacks where the tests run, which the adapter does and not the pool"

EXECUTOR = {"test_max_workers_negative": WORDS}
THREADS = {
    **EXECUTOR,
    "test_default_workers": INSIDE,
    "test_idle_thread_reuse": INSIDE,
    "test_saturation": INSIDE,
    "test_hang_global_shutdown_lock": "makes executors of concurrent.futures itself",
}
COMPLETED = {
    "test_correct_timeout_exception_msg": NO_POOL,
    "test_free_reference_yielded_future": NO_POOL,
}
SHUTDOWN = {
    "test_interpreter_shutdown": ITSELF,
    "test_submit_after_interpreter_shutdown": ITSELF,
    "test_hang_gh83386": ITSELF,
}
DEADLOCK = {
    "test_error_at_task_pickle": BY_ADAPTER,
    "test_error_during_result_unpickle_in_result_handler": BY_ADAPTER,
    "test_exit_during_result_unpickle_in_result_handler": BY_ADAPTER,
    "test_shutdown_deadlock_pickle": INSIDE,
    "test_gh105829_should_not_deadlock_if_wakeup_pipe_full": INSIDE,
}
SLEEPS = ("test_map_timeout",)


def case(kind: Any, base: Any, excluded: dict[str, str], slow: Sequence[str] = ALL) -> Any:
    """The case on one kind of pool."""
    return adopt(
        base,
        util.ExecutorMixin,
        util.BaseTestCase,
        excluded=excluded,
        slow=slow,
        executor_type=kind,
        get_context=lambda self: None,
    )


Executor_threads = case(ThreadPool, of_threads.ThreadPoolExecutorTest, THREADS, SLEEPS)
Executor_processes = case(ProcessPool, executors.ExecutorTest, EXECUTOR)
Wait_threads = case(ThreadPool, waiting.ThreadPoolWaitTests, {})
Wait_processes = case(ProcessPool, waiting.WaitTests, {})
AsCompleted_threads = case(ThreadPool, completed.AsCompletedTests, COMPLETED)
AsCompleted_processes = case(ProcessPool, completed.AsCompletedTests, COMPLETED)
Shutdown_threads = case(ThreadPool, shutdown.ExecutorShutdownTest, SHUTDOWN)
Shutdown_processes = case(ProcessPool, shutdown.ExecutorShutdownTest, SHUTDOWN)
Deadlock_processes = case(ProcessPool, deadlock.ExecutorDeadlockTest, DEADLOCK)
