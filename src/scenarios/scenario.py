"""The document as a model: what loading makes of one scenario file, checked and with its positions.

Light immutable values whose attribute names are the keys of the file. Nothing here reads YAML or
checks anything: `scenarios.loading` does, and hands on only what it found right. Durations are
seconds (float), sizes are bytes, lines and columns count characters from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scenarios.expressions import Expression

Level = Literal["error", "warn", "off"]
DependsOn = Literal["started", "ready", "completed", "succeeded"]


@dataclass(frozen=True, slots=True)
class QueueDecl:
    """A queue; `maxsize` 0 is without bound."""

    name: str
    kind: Literal["fifo", "lifo", "priority"] = "fifo"
    maxsize: int = 0
    ack: Literal["get", "task_done", "none"] = "get"
    sync: bool = False
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class LockDecl:
    """A lock, and what becomes of it when its holder dies."""

    name: str
    kind: Literal["lock", "rlock"] = "lock"
    on_owner_death: Literal["release", "fail"] = "release"
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class SemaphoreDecl:
    """A semaphore; `permits` 0 is a signal."""

    name: str
    permits: int = 1
    bounded: bool = True
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class ConditionDecl:
    """A condition; `lock` None means a lock of its own."""

    name: str
    lock: str | None = None
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class BarrierDecl:
    """A barrier of `parties` workers."""

    name: str
    parties: int = 1
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class FlagDecl:
    """A flag and its first state."""

    name: str
    set: bool = False
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class ValueDecl:
    """A shared variable and what it holds first: plain data."""

    name: str
    init: Any = None
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class LocalDecl:
    """A thread-local: either `attributes` with first values, or one object made by `call`.

    `attributes` and `kwargs` evaluate to a dict, `args` to a list, with the names `vars`,
    `matrix`, `run` and `worker`. With `call`, `attributes` is None; `close` names a method.
    """

    name: str
    attributes: Expression | None = None
    call: str | None = None
    args: Expression | None = None
    kwargs: Expression | None = None
    close: str | None = None
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One declared instruction; `fields` has every key of its kind, None where it is absent.

    What stands in `fields`: nested steps as a tuple of Step; a bare expression, a value or a text
    as an Expression (also where it is constant); a duration as float and a boolean as bool, or an
    Expression where it is known only at run time; the name of a resource as str, or as an
    Expression over `vars`, `matrix` and `worker` where it holds `${worker.replica}`.

    `set` holds a tuple of (target, Expression), `sleep` either "sleep" or both
    "min" and "max", `notify` in "count" an int, "all" or None, `log` its further keys under
    "fields" as plain data whose texts may hold `${...}` (None where there are none).
    """

    kind: str
    fields: Mapping[str, Any]
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class From:
    """Standard input that comes from a queue (an Expression where it names a replica's own)."""

    queue: str | Expression


@dataclass(frozen=True, slots=True)
class To:
    """Standard output or error that goes to a queue, one item a line."""

    queue: str | Expression


@dataclass(frozen=True, slots=True)
class Stop:
    """How a background worker ends; `grace` in seconds, then force."""

    action: Literal["drain", "terminate"] = "drain"
    grace: float = 5.0


@dataclass(frozen=True, slots=True)
class Restart:
    """When a worker that ended starts again, how often at most, and after how many seconds."""

    policy: Literal["never", "on-failure", "always"] = "never"
    max: int = 3
    backoff: float = 1.0


@dataclass(frozen=True, slots=True)
class Ready:
    """When a worker counts as ready: exactly one of the first four is not None.

    `log` evaluates to a regular expression, `tcp` to "host:port", `http` to a URL; `command` has
    one Expression a word. `interval` and `timeout` in seconds.
    """

    log: Expression | None = None
    tcp: Expression | None = None
    http: Expression | None = None
    command: tuple[Expression, ...] | None = None
    interval: float = 0.1
    timeout: float = 30.0
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold always, sometimes or never; `condition` is its `if`, over vars and matrix.

    `worker` is set for an expectation that stands in a worker: `exit_code`, `stdout`, `result`,
    `state` and the like are then names of that worker. `text` is the expression as written.
    """

    kind: Literal["always", "sometimes", "never"]
    expression: Expression
    condition: Expression | None = None
    name: str | None = None
    worker: str | None = None
    text: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class CheckDecl:
    """A checker's level and its settings."""

    name: str
    level: Level
    settings: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class FaultDecl:
    """One disturbance: `kind` of `target`, at a time, at a worker's step or by chance.

    `at` is seconds, or (step kind, count), or None; `seconds` is a pause's `for` or a delay's
    `by`; `error` the text of a raise.
    """

    kind: Literal["kill", "pause", "raise", "delay", "drop", "duplicate"]
    target: str
    at: float | tuple[str, int] | None = None
    chance: float | None = None
    seconds: float | None = None
    error: str | None = None
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """One declared activity; exactly one of `steps`, `call` and `command` is not None.

    `args` evaluates to a list and `kwargs` to a dict (compiled without reads: `${values.x}` is the
    live object), `command` has one Expression a word, `env` one for each variable, `stdin` one for
    its text. `options` are as the executor's own model checked them. `jobs` are the items.
    """

    name: str
    executor: str
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] | None = None
    call: str | None = None
    args: Expression | None = None
    kwargs: Expression | None = None
    command: tuple[Expression, ...] | None = None
    stdin: Expression | From | None = None
    stdout: Literal["capture", "inherit", "discard"] | To = "capture"
    stderr: Literal["capture", "inherit", "discard"] | To = "capture"
    replicas: int | None = None
    jobs: Sequence[Any] | None = None
    depends_on: Mapping[str, DependsOn] = field(default_factory=dict)
    background: bool = False
    stop: Stop = Stop()
    restart: Restart = Restart()
    ready: Ready | None = None
    timeout: float | None = None
    env: Mapping[str, Expression] = field(default_factory=dict)
    cwd: Expression | None = None
    description: str | None = None
    expect: tuple[Expectation, ...] = ()
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: a file, or one combination of its matrix.

    `path` is as the user gave it and `text` what stood there; `vars` is plain data, filled in;
    `matrix` is this combination, empty where the file has none. `timeout` in seconds, `seed` None
    where a run draws it. `secrets` are texts. `schedules` are kept as they stand in the file.
    """

    path: str
    text: str
    name: str
    description: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    matrix: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    timeout: float = 60.0
    queues: Mapping[str, QueueDecl] = field(default_factory=dict)
    locks: Mapping[str, LockDecl] = field(default_factory=dict)
    semaphores: Mapping[str, SemaphoreDecl] = field(default_factory=dict)
    conditions: Mapping[str, ConditionDecl] = field(default_factory=dict)
    barriers: Mapping[str, BarrierDecl] = field(default_factory=dict)
    flags: Mapping[str, FlagDecl] = field(default_factory=dict)
    values: Mapping[str, ValueDecl] = field(default_factory=dict)
    locals: Mapping[str, LocalDecl] = field(default_factory=dict)
    workers: Mapping[str, Worker] = field(default_factory=dict)
    faults: tuple[FaultDecl, ...] = ()
    expect: tuple[Expectation, ...] = ()
    checks: Mapping[str, CheckDecl] = field(default_factory=dict)
    thresholds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schedules: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
