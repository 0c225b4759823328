"""An exploration for people: what it says, how wide it is, and what is never cut."""

from __future__ import annotations

from typing import Any

from exploring import RACE, explored
from scenarios.explore import reporting
from scenarios.reports import as_exploration

TRIPLE = """
name: triple
locks: {a: {}, b: {}, c: {}}
workers:
  one: {executor: thread, steps: [{with: a, steps: [{with: b, steps: []}]}]}
  two: {executor: thread, steps: [{with: b, steps: [{with: c, steps: []}]}]}
  three: {executor: thread, steps: [{with: c, steps: [{with: a, steps: []}]}]}
expect: [{sometimes: found.deadlock}]
"""


def result(text: str) -> dict[str, Any]:
    """An exploration with commands for its schedules, as the command line adds them."""
    made = reporting.result(explored(text))
    for one in [*made["findings"], *made["expectations"]]:
        if one.get("order"):
            one["replay"] = f"scenarios replay {'long/' * 30}{one['key'][1]}.yaml"
    return made


def test_columns_are_in_the_order_of_the_file() -> None:
    """One for each worker that acts, whoever acts first."""
    text = as_exploration.render(result(TRIPLE))
    head = next(line for line in text.splitlines() if line.startswith("    step"))
    assert head.split() == ["step", "one", "two", "three"]


def test_a_narrow_terminal_has_no_columns() -> None:
    """Steps stand one under the other, each with its worker."""
    lines = as_exploration.render(result(TRIPLE), width=40).splitlines()
    assert "       1  one  4: acquire a" in lines
    assert max(len(line) for line in lines if line.startswith("       ")) <= 40


def test_commands_are_never_cut() -> None:
    """Neither of findings nor of witnesses."""
    text = as_exploration.render(result(TRIPLE), width=40)
    assert text.count("deadlock.yaml") == 1
    assert text.count("long/0.yaml") == 1


def test_brief_leaves_steps_and_what_passed_out() -> None:
    """The verdict, what is wrong, and how to see it again."""
    text = as_exploration.render(result(TRIPLE), brief=True)
    assert "4: acquire a" not in text
    assert "passed" not in text
    assert "deadlock.yaml" in text


def test_colours_only_where_they_are_wanted() -> None:
    """Escapes stand in no text without them."""
    assert "\x1b[" not in as_exploration.render(result(RACE))
    assert "\x1b[31m" in as_exploration.render(result(RACE), colours=True)


def test_texts_of_a_scenario_cannot_act_on_a_terminal() -> None:
    """Control characters in logs and failures are made visible."""
    text = 'workers:\n  w: {executor: thread, steps: [{log: "\\e[31mred"}, {fail: "\\e[2Jgone"}]}\n'
    shown = as_exploration.render(result(text))
    assert "\x1b" not in shown
    assert "\\x1b[2Jgone" in shown
