"""What a result says: the word for its exit, and everything that failed with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scenarios import wording

Result = Mapping[str, Any]
"""The JSON object of one run, as `docs/format.md` and `docs/command-line.md` describe it."""

WORDS = {
    0: "passed",
    1: "failed",
    2: "refused",
    3: "unknown",
    70: "broken",
    130: "interrupted",
    143: "terminated",
}
RANKS = (143, 130, 70, 2, 1, 3, 0)
"""Exits from the one that counts most: a stop ends all, then 70 before 1 before 3 before 0."""

BAD_STATES = frozenset({"failed", "timed_out"})

ANSWERS = {
    ("always", "passed"): "holds",
    ("always", "failed"): "does not hold",
    ("always", "unknown"): "could not be decided",
    ("sometimes", "passed"): "was seen",
    ("sometimes", "failed"): "was not seen",
    ("sometimes", "unknown"): "was not seen",
    ("never", "passed"): "was not seen",
    ("never", "failed"): "was seen and never should be",
}
"""What an answer says for each kind of expectation."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that failed: where (line 0: the file as a whole), in one sentence, with details."""

    file: str
    line: int
    message: str
    details: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """`FILE:LINE`, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file


def word(exit_code: int) -> str:
    """One word for an exit code."""
    return WORDS.get(exit_code, f"exit {exit_code}")


def worst(exits: Iterable[int]) -> int:
    """The exit of several scenarios together; 0 for none."""
    return min(exits, key=_rank, default=0)


def _rank(exit_code: int) -> int:
    return RANKS.index(exit_code) if exit_code in RANKS else -1


def title(result: Result) -> str:
    """The scenario's name with its matrix values: `pool [size=3]`."""
    name, matrix = wording.visible(str(result.get("scenario") or "scenario")), result.get("matrix")
    if not matrix:
        return name
    values = ", ".join(f"{wording.visible(key)}={_bare(matrix[key])}" for key in matrix)
    return f"{name} [{values}]"


def _bare(data: Any) -> str:
    return wording.visible(data) if isinstance(data, str) else wording.value(data)


def failures(result: Result) -> tuple[Failure, ...]:
    """What failed in a run whose exit is 1 or more, most telling first; nothing for the others."""
    if result.get("exit") in (0, 3):
        return ()
    file = str(result.get("file", ""))
    found = [*_run(result, file), *_workers(result, file), *_findings(result, file)]
    return (*found, *_expectations(result, file))


def _run(result: Result, file: str) -> Iterator[Failure]:
    """A run that did not come to its end by itself."""
    state, error = result["run"].get("state"), result["run"].get("error")
    took = wording.duration(result["run"].get("duration") or 0.0)
    if error:
        yield Failure(file, 0, wording.visible(str(error)))
    elif state == "timed_out":
        yield Failure(file, 0, f"the run did not end in time and was stopped after {took}")
    elif state == "terminated":
        yield Failure(file, 0, f"the run was stopped after {took}")


def _workers(result: Result, file: str) -> Iterator[Failure]:
    """Workers that failed or timed out although an expectation wanted something else."""
    blamed = {name for item in _failed(result) for name in mentioned(item)}

    def bad(name: str, one: Result) -> bool:
        return one.get("state") in BAD_STATES and bool(one.get("error") or name in blamed)

    for name, worker in result.get("workers", {}).items():
        if excused(result, name):
            continue
        told = [(one, inner) for one, inner in parts(name, worker) if bad(name, inner)]
        if not told and bad(name, worker):  # a pool that ran out of time, its jobs were stopped
            told = [(name, worker)]
        for one, inner in told:
            yield _worker(file, one, inner, worker)


def _worker(file: str, name: str, inner: Result, whole: Result) -> Failure:
    state = str(inner["state"]).replace("_", " ")
    message = f'worker "{name}" {state}'
    if inner.get("error"):
        message += f": {wording.visible(str(inner['error']).strip())}"
    elif inner.get("exit_code"):
        message += f" with {exit_words(inner['exit_code'])}"
    lines = str(inner.get("stderr") or "").strip().splitlines()
    details = tuple(f"stderr: {wording.visible(line)}" for line in lines[-3:])
    lines_known = (inner.get("error_line"), whole.get("error_line"), whole.get("line"), 0)
    return Failure(file, int(next(filter(None, lines_known), 0)), message, details)


def _findings(result: Result, file: str) -> Iterator[Failure]:
    """What checkers found that nothing in the file declares, and schedules that are broken."""
    for one in result.get("findings", ()):
        if one.get("level") != "error" or one.get("declared"):
            continue
        kind, text = str(one["checker"]), str(one["message"])
        if kind == "expectation":  # that is told with the expectations
            continue
        again = (f"to see it again: {one['replay']}",) if one.get("replay") else ()
        text = text if text.startswith(kind) else f"{kind}: {text}"
        yield Failure(file, int(one.get("line") or 0), wording.visible(text), again)
    for one in result.get("schedules", ()):
        if one.get("answer") == "failed":
            yield Failure(file, 0, wording.visible(f"schedule {one['name']}: {one['note']}"))


def _expectations(result: Result, file: str) -> Iterator[Failure]:
    """Expectations that failed; a default one only where its worker does not tell the reason."""
    for item in _failed(result):
        if item.get("default") and any(_told(result, name) for name in mentioned(item)):
            continue
        yield Failure(file, int(item.get("line") or 0), sentence(item), tuple(values(item)))


def _told(result: Result, name: str) -> bool:
    worker = result.get("workers", {}).get(name, {})
    return worker.get("state") in BAD_STATES and not excused(result, name)


def _failed(result: Result) -> Iterator[Mapping[str, Any]]:
    return (item for item in result.get("expectations", ()) if item.get("answer") == "failed")


def parts(name: str, worker: Result) -> Iterator[tuple[str, Result]]:
    """The replicas or jobs of a worker with their names, or the worker itself."""
    for copy in worker.get("replicas") or ():
        yield str(copy.get("name")), copy
    for job in worker.get("jobs") or ():
        yield f"{name}[{job.get('name')}]", job
    if not worker.get("replicas") and not worker.get("jobs"):
        yield name, worker


def excused(result: Result, name: str) -> bool:
    """Whether a written expectation about how this worker ends has passed."""
    return any(
        item.get("answer") == "passed" and not item.get("default") and name in mentioned(item, True)
        for item in result.get("expectations", ())
    )


def mentioned(item: Mapping[str, Any], state_only: bool = False) -> set[str]:
    """The workers an expectation speaks of, or only those whose state or exit code it names."""
    texts = [str(item.get("expression", "")), *map(str, item.get("values") or ())]
    tail = r"\s*(?:\[\d+\]|\.replicas\[\d+\])?\.(?:state|exit_code)\b" if state_only else ""
    pattern = r"\bworkers(?:\.(\w+)|\[\s*['\"]([^'\"]+)['\"]\s*\])" + tail
    names = {a or b for text in texts for a, b in re.findall(pattern, text)}
    own = re.search(r"(?<!\.)\b(?:state|exit_code)\b", texts[0]) if state_only else True
    return names | ({str(item["worker"])} if item.get("worker") and own else set())


def sentence(item: Mapping[str, Any]) -> str:
    """One line on an expectation and its answer: `queues.q.lost == 0 does not hold`."""
    kind, answer, note = str(item.get("kind")), str(item.get("answer")), item.get("note")
    words = ANSWERS.get((kind, answer)) or ANSWERS.get(("always", answer), answer)
    name = f"{wording.visible(str(item['name']))}: " if item.get("name") else ""
    why = f" ({wording.visible(str(note))})" if note and words not in f"was {note}" else ""
    return f"{name}{expression(item)} {words}{why}"


def expression(item: Mapping[str, Any]) -> str:
    """The expression of an expectation on one line, with the worker that holds it."""
    owner = f"{item['worker']}: " if item.get("worker") else ""
    return owner + wording.visible(" ".join(str(item.get("expression", "")).split()))


def values(item: Mapping[str, Any], width: int = 400) -> Iterator[str]:
    """`queues.q.left = 2` for each value that an expectation looked at."""
    for text, found in (item.get("values") or {}).items():
        yield f"{wording.visible(str(text))} = {wording.value(found, width)}"


def exit_words(code: int) -> str:
    """An exit code in words; a negative one is the signal that ended the process."""
    if code >= 0:
        return f"exit code {code}"
    import signal

    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
