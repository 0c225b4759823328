"""What a worker is given and what it gives back: plain data that could travel to another host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scenarios.expressions import Expression
from scenarios.program import Program
from scenarios.wording import count

State = Literal["pending", "running", "succeeded", "failed", "terminated", "timed_out", "skipped"]


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A Python callable "module:function" with the expressions of its arguments."""

    target: str
    args: Expression | None = None
    kwargs: Expression | None = None


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """A command: `words` evaluate to text, never passed through a shell.

    `stdin` is an expression of the text, or `stdin_queue` a queue's name. `stdout` and `stderr`
    are capture, inherit, discard, or `to QUEUE` as ("to", name).
    """

    words: tuple[Expression, ...]
    stdin: Expression | None = None
    stdin_queue: str | None = None
    stdout: str | tuple[str, str] = "capture"
    stderr: str | tuple[str, str] = "capture"


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """One worker (one replica, or a pool with its jobs) and all that it needs to run.

    `name` is unique in the run ("reader.0"), `declared` the name in the file. Exactly one of
    `program`, `call` and `command` is set. `seed` seeds this worker's own draws. `puts` and
    `gets` are the queues that it may put into and take from.
    """

    name: str
    declared: str
    executor: str
    options: Mapping[str, Any]
    line: int
    seed: int
    replica: int | None = None
    program: Program | None = None
    call: CallPlan | None = None
    command: CommandPlan | None = None
    jobs: Sequence[Any] | None = None
    env: Mapping[str, Expression] = field(default_factory=dict)
    cwd: Expression | None = None
    puts: frozenset[str] = frozenset()
    gets: frozenset[str] = frozenset()

    @property
    def kind(self) -> Literal["steps", "call", "command"]:
        """Which of the three it runs."""
        if self.command is not None:
            return "command"
        return "call" if self.call is not None else "steps"


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """A thread-local: initial attributes, or a factory and the method that closes its object."""

    attributes: Expression | None = None
    call: CallPlan | None = None
    close: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What all workers of a run share, as data: enough to take part from another process.

    `resources` are (name, section, declaration); `hub` is (address, token) where there is one,
    and `hub_index` gives the number of each resource that lives there. `journal` is the folder of
    the event segments, `modules` the folder that is importable, where `limited` only after all
    others, `secrets` the masked texts.
    """

    run_id: str
    seed: int
    tmp: str
    journal: str
    modules: str
    limited: bool = False
    resources: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    locals: Mapping[str, LocalPlan] = field(default_factory=dict)
    vars: Mapping[str, Any] = field(default_factory=dict)
    matrix: Mapping[str, Any] = field(default_factory=dict)
    hub: tuple[str, bytes] | None = None
    hub_index: Mapping[str, int] = field(default_factory=dict)
    verbose: bool = False
    secrets: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """How an attempt of a worker ended.

    `exit_code` is a process's (negative: the signal), None for threads. `line` is the step that
    failed. `jobs` holds an outcome for each job of a pool, in the order of the jobs.
    """

    state: State
    result: Any = None
    error: str | None = None
    line: int | None = None
    traceback: str = ""
    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    jobs: list[Outcome] | None = None
    pid: int | None = None
    note: str = ""


def together(jobs: list[Outcome]) -> Outcome:
    """The outcome of a pool's jobs: the worst state, the first error and the first note."""
    failed = [job for job in jobs if job.state == "failed"]
    return Outcome(
        worst([job.state for job in jobs]),
        error=first_of([job.error if job.state == "failed" else None for job in jobs]),
        line=failed[0].line if failed else None,
        traceback="\n".join(job.traceback for job in failed if job.traceback),
        jobs=jobs,
        note=first_of([job.note for job in jobs]) or "",
    )


def first_of(texts: Sequence[str | None]) -> str | None:
    """What is told of the first job of which there is something to tell, and of how many more."""
    told = [(index, text) for index, text in enumerate(texts) if text]
    if not told:
        return None
    index, text = told[0]
    more = f" (and {count(len(told) - 1, 'more job')})" if len(told) > 1 else ""
    return f"job {index}: {text}{more}"


_WORST: tuple[State, ...] = (
    "failed",
    "timed_out",
    "skipped",
    "terminated",
    "running",
    "pending",
    "succeeded",
)


def worst(states: list[State]) -> State:
    """The state of replicas or jobs together."""
    return min(states, key=_WORST.index, default="succeeded")
