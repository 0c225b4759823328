"""`--allow-targets`: what a file may name, at every place that names something to be run."""

from __future__ import annotations

import pytest

from loads import SPECS, faults, loaded, plugins, refused, scenario
from scenarios.errors import UsageError
from scenarios.loading import Plugins, Targets
from scenarios.specs import Capabilities, ExecutorSpec


def allowed(names: str) -> Targets:
    """The targets of an option."""
    return Targets(names.split())


@pytest.mark.parametrize(
    ("names", "target"),
    [
        ("json", "json:dumps"),
        ("json", "json.decoder:scan"),
        ("a.b", "a.b:f"),
        ("a.b", "a.b.c.d:f"),
        ("x json y", "json:dumps"),
        ("json:dumps", "json:dumps"),
        ("a:C", "a:C.make"),
        ("a:C.make", "a:C.make"),
        ("größe", "größe:f"),
    ],
)
def test_what_may_be_called(names: str, target: str) -> None:
    """A module lends its own names and the modules below it; a path lends what is below it."""
    assert allowed(names).calls(target)


@pytest.mark.parametrize(
    ("names", "target"),
    [
        ("", "json:dumps"),
        ("json", "jsonx:dumps"),
        ("json", "xjson:dumps"),
        ("a.b", "a:f"),
        ("a.b", "a.bc:f"),
        ("json", "json:codecs.open"),
        ("json", "json:codecs.builtins.exec"),
        ("json:dumps", "json:loads"),
        ("json:dumps", "json:dumpster"),
        ("json:dumps", "json.decoder:dumps"),
        ("a:C.make", "a:C"),
        ("a:C.make", "a:C.mak"),
        ("command:json", "json:dumps"),
        ("command:*", "os:system"),
        ("JSON", "json:dumps"),
    ],
)
def test_what_may_not_be_called(names: str, target: str) -> None:
    """Names that only begin alike, other modules behind a dot, and all else."""
    assert not allowed(names).calls(target)


@pytest.mark.parametrize("name", ["*", "os.*", "a b", "json:", ":f", "env:", "a..b", "-x", "a:b:c"])
def test_names_that_are_none(name: str) -> None:
    """A slip in the list is told and does not widen or narrow it."""
    with pytest.raises(UsageError, match="--allow-targets takes MODULE"):
        Targets([name])


FILE = """
vars: {module: os, program: rm, words: [rm, -r]}
matrix: {part: [path]}
locals:
  db: {call: §"os:open"}
  fine: {call: "json:JSONDecoder"}
workers:
  a: {executor: process, call: §"os:system", args: [x]}
  b:
    executor: thread
    steps:
      - call: §"${vars.module}.${matrix.part}:join"
      - call: "json:dumps"
      - call: local.fine.decode
      - try:
          - if: 'True'
            steps: [{call: §"json:codecs.open"}]
      - run: [§rm, x]
      - run: [§"${vars.program}"]
      - run: §${vars.words}
      - run: [echo, rm]
      - set: {x: echo}
      - run: [§"${x}"]
      - run: §${[x]}
      - run: [§"${vars.words}"]
  c: {command: [§rm, x], env: {§PATH: x, LANG: C}}
  d: {command: [§"${worker.name}"]}
  e: {command: [echo], ready: {command: [§rm]}}
  f: {command: ["${'ec' + 'ho'}"]}
"""
LIST = "json command:echo env:LANG"
SHOWN = "and --allow-targets allows json, command:echo, env:LANG; to allow it add"


def test_every_place_is_looked_at() -> None:
    """Calls, programs and variables, in workers, steps, locals and readiness, each at its place."""
    refused(
        FILE,
        f'"call" names "os:open", {SHOWN} "os"',
        f'"call" names "os:system", {SHOWN} "os"',
        f'names "os.path:join", {SHOWN} "os.path"',
        f'names "json:codecs.open", {SHOWN} "json:codecs.open"',
        f'"run" starts "rm", {SHOWN} "command:rm"',
        f'"run" starts "rm", {SHOWN} "command:rm"',
        f'"run" starts "rm", {SHOWN} "command:rm"',
        '"run" starts a program that is known only when it runs',
        '"run" starts a program that is known only when it runs',
        '"run" starts a program that is known only when it runs',
        f'"command" starts "rm", {SHOWN} "command:rm"',
        f'"env" sets "PATH", {SHOWN} "env:PATH"',
        "known only when it runs, and --allow-targets limits it; write its name",
        f'"command" starts "rm", {SHOWN} "command:rm"',
        targets=allowed(LIST),
    )


def test_what_is_said_can_be_followed() -> None:
    """With the words of the faults added the file is taken; without a limit it always was."""
    more = "os os.path json:codecs.open command:* env:PATH"
    text = FILE.replace("§", "")
    assert loaded(text, targets=allowed(f"{LIST} {more}")).scenarios
    assert loaded(text).scenarios


def test_a_variable_that_looks_like_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`env` can be a worker's own variable: what it holds is not known before the run."""
    monkeypatch.setenv("PROGRAM", "echo")
    text = """
    workers:
      w: {executor: thread, steps: [{set: {env: {PROGRAM: rm}}}, {run: [§"${env.PROGRAM}"]}]}
    """
    refused(text, "known only when it runs", targets=allowed("command:echo"))


def test_values_given_from_outside_count() -> None:
    """`--set` cannot bring in what is not allowed."""
    text = 'vars: {m: json}\nworkers: {w: {executor: thread, call: "${vars.m}:dumps"}}\n'
    assert loaded(text, targets=allowed("json")).scenarios
    found = faults(text, targets=allowed("json"), overrides={"m": "os"})
    assert '"call" names "os:dumps"' in found[0].message


def test_nothing_is_allowed_by_an_empty_list() -> None:
    """A limit without names lets only steps of the format run."""
    text = 'workers: {w: {executor: thread, steps: [{call: §"json:dumps"}, {log: x}]}}'
    refused(text, 'names "json:dumps", and --allow-targets allows nothing', targets=allowed(""))


def test_options_of_a_plugins_executor() -> None:
    """They can name code in ways of their own; those of the built-in ones cannot."""
    spec = ExecutorSpec(
        "mine", "mine:Mine", "", Capabilities(), options="scenarios.executors.options:PoolOptions"
    )
    known = Plugins({**SPECS, "mine": spec}, {}, plugins().checkers)
    text = "workers: {w: {executor: mine, §options: {max_workers: 1}, steps: []}}"
    refused(text, 'to allow it add "executor:mine"', known=known, targets=allowed("json"))
    assert loaded(text.replace("§", ""), known, targets=allowed("executor:mine")).scenarios
    plain = "workers: {w: {executor: process, options: {start_method: spawn}, steps: []}}"
    assert scenario(plain, targets=allowed("")).workers
