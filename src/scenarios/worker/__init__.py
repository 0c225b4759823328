"""Drives one program against live resources: all that a worker's process imports.

`performer` is the one place where an operation is performed, `crew` one attempt of a worker with
its threads, `child` what runs in a process of its own. Standard library only.
"""

from scenarios.worker.child import main

__all__ = ["main"]
