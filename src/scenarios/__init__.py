"""Concurrency designs as data: written once in YAML, run on real threads and processes.

What a plugin needs is here; each name is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.contracts import Executor as Executor
    from scenarios.contracts import Handle as Handle
    from scenarios.contracts import Ports as Ports
    from scenarios.errors import EnvironmentFault as EnvironmentFault
    from scenarios.errors import ScenariosError as ScenariosError
    from scenarios.errors import UsageError as UsageError
    from scenarios.hookspecs import hookimpl as hookimpl
    from scenarios.specs import Capabilities as Capabilities
    from scenarios.specs import ExecutorSpec as ExecutorSpec
    from scenarios.specs import StepSpec as StepSpec
    from scenarios.worker_plan import Outcome as Outcome
    from scenarios.worker_plan import Setting as Setting
    from scenarios.worker_plan import WorkerPlan as WorkerPlan

_HOMES = {
    "Capabilities": "specs",
    "EnvironmentFault": "errors",
    "Executor": "contracts",
    "ExecutorSpec": "specs",
    "Handle": "contracts",
    "Outcome": "worker_plan",
    "Ports": "contracts",
    "ScenariosError": "errors",
    "Setting": "worker_plan",
    "StepSpec": "specs",
    "UsageError": "errors",
    "WorkerPlan": "worker_plan",
    "hookimpl": "hookspecs",
}

__all__ = [*_HOMES]  # noqa: PLE0604  the names above, once


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'scenarios' has no attribute {name!r}")
    return getattr(import_module(f"scenarios.{home}"), name)
