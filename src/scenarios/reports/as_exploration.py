"""An exploration for people: the verdict, what is wrong with its schedule, how to see it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scenarios import verdict, wording
from scenarios.page import BOLD, DIM, GREEN, RED, YELLOW, Page, Row
from scenarios.verdict import Result

WIDEST = 48
"""Characters of a column, where the terminal does not say how wide it is."""

NARROWEST = 16
"""Below that, steps are listed one under the other, without columns."""

MOST_ROWS = 60
"""Steps of one schedule that are shown; the rest is in the JSON form."""

FOUND = "a bug was found"
"""In place of a bound, where nothing more was looked for."""

WORDS = {
    "bug": "bug",
    "proved": "proved",
    "declared": "found as declared",
    "inconclusive": "inconclusive",
}
STYLES = {"bug": RED, "proved": GREEN, "declared": GREEN}


def render(
    result: Result, *, width: int | None = None, colours: bool = False, brief: bool = False
) -> str:
    """The summary of one exploration; `brief` leaves schedules and what passed out."""
    page = Page(width, colours)
    _head(page, result)
    tabled = brief
    for one in result["findings"]:
        _finding(page, result, one, tabled)
        tabled = tabled or bool(one["rows"])
    if not tabled and result.get("rows"):
        _table(page, result["rows"], result["columns"])
    _unmodelled(page, result)
    if not brief:
        page.rows("expectations", list(_expectations(result)), state=0)
        _witnesses(page, result)
    _schedules(page, result)
    for notice in result.get("notices", ()):
        page.line(f"note: {wording.visible(str(notice))}", YELLOW, cut=False)
    if not brief and result["run"].get("folder"):
        page.line(f"folder: {result['run']['folder']}", DIM, cut=False)
    if result.get("again"):
        page.line(f"to repeat it: {result['again']}", cut=False)
    return page.text()


def _head(page: Page, result: Result) -> None:
    explored = result["explored"]
    found = str(explored["verdict"])
    title = page.paint(verdict.title(result), BOLD)
    word = page.paint(WORDS.get(found, found), STYLES.get(found, YELLOW))
    took = wording.duration(result["run"].get("duration") or 0.0)
    if "rows" in result:
        end = "and nothing is wrong at its end"
        if any(one["declared"] for one in result["findings"]):
            end = "to what the file expects to be found"
        end = "to something wrong" if result["exit"] else end
        page.line(f"{title}: {explored['how']}: the order was followed {end}", cut=False)
        return
    page.line(f"{title}: {word}, {_looked(explored)} in {took}", cut=False)
    if explored["complete"] and explored["time"] == "exact":
        page.line("  every schedule in which sleeps take their time and steps none", DIM, cut=False)
    elif explored["complete"] and result["exit"] == 0:
        page.line(f"  every schedule was covered ({explored['model']})", DIM, cut=False)
    elif explored["bound"]:
        when = "once" if explored["bound"] == FOUND else "at"
        ended = f"it ended {when} {explored['bound']}"
        page.line(f"  {ended}: not every schedule was covered", DIM, False)
    if explored["complete"] and explored["interrupted"]:
        page.line("  Ctrl-C came before the shortest schedules were known", DIM, False)


def _looked(explored: Mapping[str, Any]) -> str:
    """What was looked at: `611,135 states and 1,204 schedules by ...`."""
    parts = [f"{explored['states']:,} states"] if explored["states"] else []
    if explored["schedules"]:
        parts.append(f"{explored['schedules']:,} schedules")
    looked = " and ".join(parts) or "nothing was looked at"
    return f"{looked} by {explored['how']}" if parts else looked


# -- findings ----------------------------------------------------------------------------------


def _finding(page: Page, result: Result, one: Mapping[str, Any], tabled: bool) -> None:
    """What was found, and its schedule as a table, unless that of another finding is there."""
    place = f"{result['file']}:{one['line']}" if one["line"] else str(result["file"])
    wrong = one["level"] == "error" and not one["declared"]
    kind = "" if one["checker"] == "expectation" else f"{one['checker']}: "
    message = str(one["message"]).removeprefix(kind)
    notes = "".join(f" ({note})" for note in _notes(one))
    style = RED if wrong else YELLOW
    page.line(f"{place}: {kind}{wording.visible(message)}{notes}", style, cut=False)
    for waiter in one.get("waiting", ()):
        page.line(f"    {_waiter(waiter)}", cut=False)
    if one["order"] is not None and not tabled:
        _table(page, one["rows"], one["columns"])
    if one.get("replay"):
        page.line(f"    to see it again: {one['replay']}", cut=False)


def _notes(one: Mapping[str, Any]) -> Iterator[str]:
    if one["declared"]:
        yield "found as declared"
    elif one["level"] == "warn":
        yield "a warning"
    if one.get("hidden_by_sleeps"):
        yield "hidden by sleeps"
    if one["order"] is not None:
        preemptions = wording.count(one["preemptions"], "preemption")
        yield f"{preemptions}, {wording.count(one['steps'], 'step')}"


def _waiter(one: Mapping[str, Any]) -> str:
    line = f" (line {one['line']})" if one["line"] else ""
    others = [who for who in one["held_by"] if who != one["worker"]]
    held = f", held by {' and '.join(others)}" if others else ""
    holds = f"; holds {' and '.join(one['holds'])}" if one["holds"] else ""
    return f"{one['worker']} {wording.visible(one['waits_for'])}{line}{held}{holds}"


# -- the schedule as a table -------------------------------------------------------------------


def _table(page: Page, rows: Sequence[Mapping[str, Any]], workers: Sequence[str]) -> None:
    """One column a worker, one row a step, with file lines."""
    shown = list(rows[:MOST_ROWS])
    width = _column(page, len(workers))
    if width < NARROWEST or not workers:
        _list(page, shown)
    else:
        _columns(page, shown, workers, width)
    if len(rows) > len(shown):
        page.line(f"    ... and {len(rows) - len(shown)} more steps (--format json has them)", DIM)


def _column(page: Page, count: int) -> int:
    if page.width is None:
        return WIDEST
    return min(WIDEST, (page.width - 8) // max(1, count) - 2)


def _columns(
    page: Page, rows: Sequence[Mapping[str, Any]], workers: Sequence[str], width: int
) -> None:
    table: list[tuple[str, list[str]]] = [("step", list(workers))]
    for row in rows:
        at = workers.index(row["worker"]) if row["worker"] else 0
        for number, text in enumerate(_texts(row)):
            line = [""] * len(workers)
            line[at] = text
            table.append((_number(row, number), line))
    widths = [
        min(width, max(len(line[column]) for _, line in table)) for column in range(len(workers))
    ]
    for number, (step, line) in enumerate(table):
        parts = [
            f"{wording.shorten(text, size):<{size}}"
            for text, size in zip(line, widths, strict=True)
        ]
        style = BOLD if number == 0 else ""
        page.line(f"    {step:>4}  {'  '.join(parts)}".rstrip(), style, cut=False)


def _list(page: Page, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        for number, text in enumerate(_texts(row)):
            page.line(f"    {_number(row, number):>4}  {row['worker']}  {text}")


def _number(row: Mapping[str, Any], line: int) -> str:
    """The number of a step, beside its first line; to wait for a lock is no step."""
    return "" if line or not row["step"] else str(row["step"])


def _texts(row: Mapping[str, Any]) -> list[str]:
    """A step's cell, and a line for each thing that it logged or did to others."""
    place = f"{row['line']}: " if row["line"] else ""
    more = [f'   "{wording.visible(log)}"' for log in row["logs"]]
    more += [f"   {wording.visible(also)}" for also in row["also"]]
    return [place + wording.visible(row["text"]), *more]


def _schedules(page: Page, result: Result) -> None:
    """The schedules of the file, which are tests."""
    rows = [
        (one["answer"], one["name"], wording.visible(str(one["note"])))
        for one in result["schedules"]
    ]
    page.rows("schedules of the file", rows, state=0)
    for one in result["schedules"]:
        if one.get("replay"):
            page.line(f"  to see it again: {one['replay']}", cut=False)


# -- the rest ----------------------------------------------------------------------------------


def _unmodelled(page: Page, result: Result) -> None:
    for one in result["unmodelled"]:
        place = f"{result['file']}:{one['line']}"
        text = f'worker "{one["worker"]}": {wording.visible(one["why"])}'
        page.line(f"{place}: not explored: {text}", YELLOW, cut=False)


def _expectations(result: Result) -> Iterator[Row]:
    """Each expectation of the file, with what it takes to see a witness."""
    for item in result["expectations"]:
        if item["default"] and item["answer"] == "passed":
            continue
        kind = item["kind"]
        text = verdict.expression(item)
        text = text if kind == "always" else f"{kind} {text}"
        notes = [str(item["name"])] if item.get("name") else []
        notes += [wording.visible(str(item["note"]))] if item.get("note") else []
        if item.get("hidden_by_sleeps"):
            notes.append("hidden by sleeps")
        yield (str(item["answer"]), text + (f"  ({'; '.join(notes)})" if notes else ""))


def _witnesses(page: Page, result: Result) -> None:
    """How each `sometimes` that was seen is seen again: commands to copy are not cut."""
    shown = [
        one for one in result["expectations"] if one["kind"] == "sometimes" and one.get("replay")
    ]
    if shown:
        page.line("witnesses", BOLD)
    for one in shown:
        steps = wording.count(one["steps"], "step")
        page.line(f"  {verdict.expression(one)}, {steps}: {one['replay']}", cut=False)
