"""What an executor says of itself: plain data, read without importing the executor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Reach = Literal["process", "host", "cluster"]
REACHES: tuple[Reach, ...] = ("process", "host", "cluster")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the workers of an executor can do and what can be done to them.

    `reach` is how far they share memory: with the engine's process, with the host by the hub,
    with a cluster by the hub over a network. `terminate` and `kill` tell whether a running
    worker can be ended from outside, `steps`, `call` and `command` what it can run, `jobs`
    whether it takes a list of submissions, `own_process` whether `env` and `cwd` mean anything,
    `main_thread` that the engine's calling thread runs the workers, one after the other, and
    `controlled` that a schedule can drive them.
    """

    reach: Reach = "process"
    terminate: bool = False
    kill: bool = False
    steps: bool = True
    call: bool = True
    command: bool = False
    jobs: bool = False
    locals: bool = True
    own_process: bool = False
    main_thread: bool = False
    controlled: bool = False


@dataclass(frozen=True, slots=True)
class ExecutorSpec:
    """One executor: `factory` and `options` are "module:attribute", imported on first use.

    `options` names a pydantic model for the worker's `options`; None means it takes none.
    `variants` gives the capabilities that differ by an option's value:
    `(("of", "process", Capabilities(...)),)`. `api` is the version of this contract.
    """

    name: str
    factory: str
    summary: str
    capabilities: Capabilities = Capabilities()
    options: str | None = None
    variants: tuple[tuple[str, Any, Capabilities], ...] = ()
    api: int = 1

    def capabilities_for(self, options: Mapping[str, Any]) -> Capabilities:
        """The capabilities that these options select."""
        for option, value, capabilities in self.variants:
            if options.get(option) == value:
                return capabilities
        return self.capabilities


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step kind of a plugin, which stands for steps of the core.

    `desugar` is "module:function", imported on first use. It is called with the step as plain
    data, its kind and keys as they stand in the file, `${...}` included, and returns a list of
    core steps as plain data; it does nothing else. Lists of steps that it passes on keep their
    lines. Its ValueError is the user's mistake, told at the step. `keys` gives the other keys of
    the step with what they mean, and `required` those that must stand there.
    """

    kind: str
    desugar: str
    summary: str
    keys: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    api: int = 1
