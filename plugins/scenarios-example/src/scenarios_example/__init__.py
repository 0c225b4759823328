"""An executor plugin for scenarios: the template to copy. This module is found by entry point."""

import scenarios


@scenarios.hookimpl
def scenarios_executors() -> list[scenarios.ExecutorSpec]:
    """Say what there is; the factory's module is imported when a scenario names the executor."""
    return [
        scenarios.ExecutorSpec(
            name="example",
            factory="scenarios_example.executor:Example",
            summary="each worker in a daemon thread of its own",
            capabilities=scenarios.Capabilities(reach="process", terminate=True),
        )
    ]
