"""Every hook: when it is called, in what order, an example.

All are called once, when plugins are loaded, before any file is read; a plugin that is loaded
later comes later, and a name that is taken already is refused. A hook returns data only: what
it names is imported when a scenario uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from scenarios.specs import ExecutorSpec, StepSpec

NAMESPACE = "scenarios"
hookspec = pluggy.HookspecMarker(NAMESPACE)
hookimpl = pluggy.HookimplMarker(NAMESPACE)


@hookspec
def scenarios_executors() -> Sequence[ExecutorSpec]:  # type: ignore[empty-body]
    """The executors of this plugin.

    Called once when plugins are loaded::

        @scenarios.hookimpl
        def scenarios_executors():
            return [ExecutorSpec("mine", "my_package.mine:MineExecutor", "runs them my way")]
    """


@hookspec
def scenarios_steps() -> Sequence[StepSpec]:  # type: ignore[empty-body]
    """The step kinds of this plugin, each of which desugars to core steps.

    Called once when plugins are loaded::

        @scenarios.hookimpl
        def scenarios_steps():
            return [StepSpec("move", "my_package.steps:move", "from one queue to another")]
    """


@hookspec
def scenarios_checkers() -> Sequence[str]:  # type: ignore[empty-body]
    """The names of the checkers of this plugin, which `checks` and `found` may mention.

    Called once when plugins are loaded. This version knows their names and runs none of them::

        @scenarios.hookimpl
        def scenarios_checkers():
            return ["torn_write"]
    """
