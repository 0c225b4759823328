"""Thread-locals: opened at first use in each thread, closed there when it ends, and counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from running import run

CODE = """\
import threading

class Thing:
    def __init__(self, name="x"):
        if name == "bad":
            raise OSError("cannot open")
        self.name, self.thread, self.uses = name, threading.get_ident(), 0

    def use(self):
        assert self.thread == threading.get_ident()
        self.uses += 1
        return self.uses

    def close(self):
        assert self.thread == threading.get_ident()
        print("closed after", self.uses)
"""


@pytest.fixture(autouse=True)
def code(tmp_path: Path) -> None:
    """A class whose objects know their thread."""
    (tmp_path / "things.py").write_text(CODE)


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("executor: thread", 1),
        ("executor: process", 1),
        ("executor: inline", 1),
        ("executor: thread, replicas: 3", 3),
        ("executor: process, replicas: 2", 2),
        ("executor: pool, options: {max_workers: 1}, jobs: 5", 1),
        ("executor: pool, options: {of: process, max_workers: 1}, jobs: 5", 1),
    ],
)
def test_factory_makes_one_for_each_thread(kind: str, made: int, tmp_path: Path) -> None:
    """One object a thread, made by its first use and closed in its thread; none without a use."""
    ran = run(
        tmp_path,
        f"""
        locals:
          thing: {{call: "things:Thing", kwargs: {{name: "${{worker.name}}"}}, close: close}}
          unused: {{call: "things:Thing", close: close}}
        workers:
          w:
            {{{kind}, steps: [{{call: local.thing.use}}, {{call: local.thing.use, into: n}},
              {{return: ["${{n}}", "${{local.thing.name}}"]}}]}}
        expect:
          - locals.thing.made == {made} and locals.thing.closed == {made}
          - locals.unused.made == 0
        """,
    )
    assert ran.exit == 0, ran.why
    assert all(name.startswith("w") for _, name in ran.worker("w")["results"])


def test_attributes(tmp_path: Path) -> None:
    """Each thread has its own attributes, which begin with the declared values."""
    ran = run(
        tmp_path,
        """
        locals: {mine: {n: 5, all: []}}
        workers:
          w:
            executor: thread
            replicas: 3
            steps:
              - set: {local.mine.n: "${local.mine.n + worker.replica}"}
              - set: {local.mine.all: "${local.mine.all + [worker.name]}"}
              - return: ["${local.mine.n}", "${local.mine.all}"]
        expect: ["workers.w.results == [[5 + n, [f'w.{n}']] for n in range(3)]"]
        """,
    )
    assert ran.exit == 0, ran.why


@pytest.mark.parametrize("executor", ["thread", "process", "inline"])
def test_errors_of_open_and_close(executor: str, tmp_path: Path) -> None:
    """A factory that raises fails the step; a close that raises fails the worker after all."""
    ran = run(
        tmp_path,
        f"""
        locals:
          bad: {{call: "things:Thing", args: [bad]}}
          shut: {{call: "things:Thing", close: no_such_method}}
        workers:
          open: {{executor: {executor}, steps: [{{call: local.bad.use}}]}}
          close: {{executor: {executor}, steps: [{{call: local.shut.use}}]}}
        expect: [workers.open.state == 'failed', workers.close.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("open")["error"] == "OSError: cannot open"
    assert ran.worker("close")["error"].startswith("local shut: no_such_method failed")
    assert ran.result["locals"]["shut"] == {"made": 1, "closed": 0}


def test_closed_after_failure_and_stop(tmp_path: Path) -> None:
    """What was opened is closed, however the worker ends."""
    ran = run(
        tmp_path,
        """
        locals: {thing: {call: "things:Thing", close: close}}
        workers:
          fails: {executor: thread, steps: [{call: local.thing.use}, {fail: x}]}
          stopped:
            executor: process
            background: true
            ready: {log: up}
            steps: [{call: local.thing.use}, {log: up}, {sleep: 60s}]
          last: {executor: thread, depends_on: {stopped: {condition: ready}}, steps: []}
        expect: [locals.thing.made == 2, locals.thing.closed == 2, workers.fails.state == 'failed']
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.said("stopped")[-1] == "closed after 1"
