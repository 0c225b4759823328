"""The summary of a run for people, first what failed and last the command that repeats it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from scenarios import verdict, wording
from scenarios.errors import Fault
from scenarios.page import BOLD, COLOURS, DIM, RED, YELLOW, Page, Row
from scenarios.verdict import Result

FEW = 8
"""Replicas or jobs up to this number are listed one by one, more of them are counted."""


def render(
    result: Result,
    *,
    width: int | None = None,
    colours: bool = False,
    brief: bool = False,
    files: Sequence[str] = (),
) -> str:
    """The summary of one run; `brief` gives the first line, what failed, and how to repeat it.

    `width` is the number of columns of the terminal, None where lines are not to be cut. `files`
    are lines on files of the run's folder that are worth a look.
    """
    page = Page(width, colours)
    _head(page, result)
    _failures(page, result)
    if not brief:
        page.rows("workers", list(_workers(result)), state=1)
        page.rows("resources", list(_resources(result)))
        page.rows("expectations", list(_expectations(result)), state=0)
    _tail(page, result, () if brief else files, brief)
    return page.text()


def _head(page: Page, result: Result) -> None:
    run = result["run"]
    word = verdict.word(int(result["exit"]))
    title = page.paint(verdict.title(result), BOLD)
    text = f"{title}: {page.paint(word, COLOURS.get(word, YELLOW))}"
    seed = f" (seed {run['seed']})" if run.get("seed") is not None else ""
    page.line(f"{text} in {wording.duration(run.get('duration') or 0.0)}{seed}", cut=False)


def _failures(page: Page, result: Result) -> None:
    for failure in verdict.failures(result):
        page.line(f"  {wording.visible(failure.place)}: {failure.message}", RED, cut=False)
        for detail in failure.details:
            page.line(f"      {detail}", cut=False)


def _workers(result: Result) -> Iterator[Row]:
    for name, worker in result.get("workers", {}).items():
        yield _worker(name, worker, "background" if worker.get("background") else "")
        inner = list(verdict.parts(name, worker))
        if len(inner) > 1 or inner[0][1] is not worker:
            yield from _inner(inner, "replica" if worker.get("replicas") else "job")


def _inner(inner: Sequence[tuple[str, Result]], noun: str) -> Iterator[Row]:
    """Each replica or job, or their number by state and the first of those that went wrong."""
    dull = all(one.get("state") == "succeeded" and one.get("result") is None for _, one in inner)
    if len(inner) <= FEW and not dull:
        for name, one in inner:
            yield _worker(f"  {name}", one, "")
        return
    states = Counter(str(one.get("state")) for _, one in inner)
    told = ", ".join(f"{number} {state}" for state, number in states.items())
    told = told if len(states) > 1 else f"all {next(iter(states))}"
    yield (f"  {wording.count(len(inner), noun)}", "", "", told)
    wrong = [(name, one) for name, one in inner if one.get("state") != "succeeded"]
    if len(wrong) < len(inner):
        for name, one in wrong[:FEW]:
            yield _worker(f"  {name}", one, "")


def _worker(name: str, worker: Result, note: str) -> Row:
    took = worker.get("duration")
    notes = [note] if note else []
    if worker.get("restarts"):
        notes.append(wording.count(worker["restarts"], "restart"))
    if worker.get("exit_code") and not worker.get("error"):
        notes.append(verdict.exit_words(worker["exit_code"]))
    if worker.get("result") is not None:
        notes.append(f"result {wording.value(worker['result'], 48)}")
    if worker.get("error"):
        notes.append(wording.shorten(wording.visible(str(worker["error"]))))
    length = wording.duration(took) if took is not None else ""
    return (wording.visible(name), str(worker.get("state")), f"{length:>8}", ", ".join(notes))


def _queue(item: Mapping[str, Any]) -> str:
    words = [f"{item.get(key, 0)} {key}" for key in ("put", "got", "left")]
    words += [f"{item[key]} {key}" for key in ("lost", "duplicated") if item.get(key)]
    if item.get("fifo") is False:
        words.append("out of order")
    return ", ".join(words)


def _lock(item: Mapping[str, Any]) -> str:
    text = f"{item.get('acquired', 0)} acquired, {item.get('contended', 0)} contended"
    if (item.get("max_holders") or 0) > 1:
        text += f", {item['max_holders']} holders at once"
    if item.get("max_wait"):
        text += f", longest wait {wording.duration(item['max_wait'])}"
    return text


def _resources(result: Result) -> Iterator[Row]:
    for section, words in SECTIONS.items():
        items = result.get(section) or {}
        for name in items:
            yield (section.removesuffix("s"), name, words(items[name]))


def _permits(item: Mapping[str, Any]) -> str:
    text = wording.count(item.get("permits", 0), "permit")
    return f"{text}, {_lock(item)}" if item.get("acquired") else text


def _condition(item: Mapping[str, Any]) -> str:
    text = f"{item.get('notified', 0)} notified"
    return text + (f", {item['waiting']} waiting" if item.get("waiting") else "")


def _barrier(item: Mapping[str, Any]) -> str:
    text = wording.count(item.get("trips", 0), "trip")
    text += f", {item['waiting']} waiting" if item.get("waiting") else ""
    return text + (", broken" if item.get("broken") else "")


def _flag(item: bool) -> str:
    return "set" if item else "clear"


def _local(item: Mapping[str, Any]) -> str:
    return f"{item.get('made', 0)} made, {item.get('closed', 0)} closed"


SECTIONS: dict[str, Callable[[Any], str]] = {
    "queues": _queue,
    "locks": _lock,
    "semaphores": _permits,
    "conditions": _condition,
    "barriers": _barrier,
    "flags": _flag,
    "values": wording.value,
    "locals": _local,
}


def _expectations(result: Result) -> Iterator[Row]:
    """Each expectation that stands in the file; of the others those that failed are told above."""
    for item in result.get("expectations", ()):
        if item.get("default"):
            continue
        text = verdict.expression(item)
        if item.get("kind") not in (None, "always"):
            text = f"{item['kind']} {text}"
        notes = [wording.visible(str(item["name"]))] if item.get("name") else []
        if item.get("note"):
            notes.append(wording.visible(str(item["note"])))
        notes += verdict.values(item, 48)
        yield (str(item.get("answer")), text + (f"  ({'; '.join(notes)})" if notes else ""))


def _tail(page: Page, result: Result, files: Sequence[str], brief: bool) -> None:
    everything = not brief or result["exit"] != 0
    for notice in result.get("notices", ()) if everything else result["run"].get("missing", ()):
        page.line(f"note: {wording.visible(str(notice))}", YELLOW, cut=False)
    if not brief:
        if result["run"].get("folder"):
            page.line(f"folder: {wording.visible(str(result['run']['folder']))}", DIM, cut=False)
        for file in files:
            page.line(f"  {wording.visible(file)}", DIM)
    if result.get("again") and result["exit"] != 0:
        page.line(f"to repeat it: {wording.visible(str(result['again']))}", cut=False)


def faults(found: Sequence[Fault]) -> str:
    """Each fault of a refused file on a line of its own: `FILE:LINE:COLUMN: what is wrong`."""
    return "".join(f"{wording.visible(str(fault))}\n" for fault in found)
