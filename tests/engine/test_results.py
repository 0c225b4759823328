"""What a run gives at its end: expectations, results, files; the same seed, the same draws."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from running import SPECS, Ran, run, write
from scenarios import engine, plan, runs
from scenarios.loading import load
from scenarios.worker.performer import Performer

CODE = """\
import threading

def boom(what):
    raise ValueError(what)

def lock():
    return threading.Lock()

def leave():
    import sys
    sys.exit(0)
"""


@pytest.fixture(autouse=True)
def code(tmp_path: Path) -> None:
    """A module beside the scenario."""
    (tmp_path / "mine.py").write_text(CODE)


ENDS = """\
workers:
  a-b: {{executor: thread, steps: [fail: x]}}
  many: {{executor: thread, replicas: 2, steps: [{{assert: worker.replica == 0}}]}}
  c: {{command: ["false"]}}
  bg: {{executor: thread, background: true, steps: [fail: x]}}
{expect}
"""


DEFAULTS = {
    "a-b": "workers['a-b'].state == 'succeeded'",
    "many": "workers.many.state == 'succeeded'",
    "c": "workers.c.state == 'succeeded'",
    "bg": "workers.bg.state != 'failed'",
}


@pytest.mark.parametrize(
    ("expect", "left"),
    [
        ("", {"a-b", "many", "c", "bg"}),
        ("expect: [\"workers['a-b'].state == 'failed'\"]", {"many", "c", "bg"}),
        ("expect: [\"workers.many[1].state == 'failed'\"]", {"a-b", "c", "bg"}),
        ("expect: [workers.c.exit_code == 1]", {"a-b", "many", "bg"}),
        ("expect: [workers.c.error == 'exit code 1']", {"a-b", "many", "c", "bg"}),
        ("expect: [{sometimes: workers.bg.state == 'failed'}]", {"a-b", "many", "c"}),
        ("expect: [{never: workers.bg.state == 'skipped'}]", {"a-b", "many", "c"}),
    ],
)
def test_mentioned_ends_replace_the_defaults(expect: str, left: set[str], tmp_path: Path) -> None:
    """Only workers whose state or exit code no expectation mentions have a default."""
    ran = run(tmp_path, ENDS.format(expect=expect))
    defaults = [one for one in ran.result["expectations"] if one["default"]]
    assert {one["answer"] for one in defaults} == {"failed"}
    assert {one["expression"] for one in defaults} == {DEFAULTS[name] for name in left}
    assert ran.exit == 1


def test_expectations_of_a_worker_alone(tmp_path: Path) -> None:
    """In a worker its own names stand without a prefix, and replace its default."""
    ran = run(
        tmp_path,
        """
        workers:
          c:
            command: [sh, -c, "echo out; echo err >&2; exit 3"]
            expect: [exit_code == 3, "stdout.strip() == 'out'", "'err' in stderr", restarts == 0]
          t:
            executor: thread
            steps: [{return: {n: 1}}]
            expect: ["result == {'n': 1}", "result.n == 1", state == 'succeeded']
        """,
    )
    assert ran.exit == 0, ran.why
    assert not any(one["default"] for one in ran.result["expectations"])


def test_kinds_of_expectations(tmp_path: Path) -> None:
    """Always, never, sometimes, `if`, and what is found by nobody yet."""
    ran = run(
        tmp_path,
        """
        vars: {size: 3}
        values: {n: 1}
        workers: {w: {executor: thread, steps: []}}
        expect:
          - {always: values.n == 1, name: one}
          - {never: values.n == 2}
          - {sometimes: values.n == 1}
          - {sometimes: values.n == 2}
          - {always: values.n == 7, if: vars.size == 4}
          - {always: values.n == 1, if: vars.size == 3}
        """,
    )
    assert ran.exit == 0, ran.why
    answers = [one["answer"] for one in ran.result["expectations"] if not one["default"]]
    assert answers == ["passed", "passed", "passed", "unknown", "passed"]
    unseen = [one for one in ran.result["expectations"] if one["answer"] == "unknown"]
    assert [one["kind"] for one in unseen] == ["sometimes"]
    assert "not seen" in unseen[0]["note"]


def test_what_is_found_is_not_known_yet(tmp_path: Path) -> None:
    """An expectation over `found` is unknown, exit 3, and its note says why."""
    ran = run(
        tmp_path,
        """
        workers: {w: {executor: thread, steps: []}}
        expect: [{never: found.deadlock}]
        """,
    )
    assert ran.exit == 3
    assert "runs no checkers" in ran.answer("found.deadlock")["note"]


def test_expectation_that_cannot_be_evaluated_fails(tmp_path: Path) -> None:
    """What goes wrong in an expectation is its note."""
    ran = run(
        tmp_path,
        """
        values: {n: 0}
        workers: {w: {executor: thread, steps: []}}
        expect: [1 / values.n == 1]
        """,
    )
    assert ran.exit == 1
    assert "division by zero" in ran.answer("1 / values.n == 1")["note"]


def test_expectations_are_not_asked_of_a_run_without_its_end(tmp_path: Path) -> None:
    """After a time-out they are unknown; the exit is 1 by the time-out."""
    ran = run(
        tmp_path,
        """
        timeout: 200ms
        workers: {w: {executor: thread, steps: [sleep: 60s]}}
        expect: [run.state == 'succeeded']
        """,
    )
    assert ran.exit == 1
    assert ran.answer("run.state == 'succeeded'")["answer"] == "unknown"


SEEDED = """
seed: 5
workers:
  w: {executor: thread, replicas: 2, steps: [{repeat: 3, steps: [{sleep: {min: 0, max: 20ms}}]}]}
  p: {executor: process, steps: [{sleep: {min: 0, max: 20ms}}]}
  seed: {executor: thread, steps: [{return: "${run.seed}"}]}
"""


def _draws(ran: Ran) -> dict[str, list[float]]:
    draws: dict[str, list[float]] = {}
    begun: dict[str, int] = {}
    for event in ran.events:
        if event.get("op") == "sleep" and event["event"] == "invoke":
            begun[event["worker"]] = event["time"]
        elif event.get("op") == "sleep":
            took = (event["time"] - begun[event["worker"]]) / 1e9
            draws.setdefault(event["worker"], []).append(took)
    return draws


def test_seed(tmp_path: Path) -> None:
    """A seed that is given wins over the file's, and that over a drawn one; all are stored."""
    given = run(tmp_path, SEEDED, seed=9)
    file = run(tmp_path, SEEDED)
    drawn = run(tmp_path, SEEDED.replace("seed: 5", "x-no: 1"))
    other = run(tmp_path, SEEDED.replace("seed: 5", "x-no: 1"))
    seeds = [one.worker("seed")["result"] for one in (given, file, drawn, other)]
    assert seeds[:2] == [9, 5]
    assert seeds[2] != seeds[3]
    for ran, seed in zip((given, file, drawn, other), seeds, strict=True):
        assert ran.result["run"]["seed"] == ran.of("run_started")[0]["seed"] == seed


def test_seconds_are_drawn_from_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker draws its own sleeps, the same ones each time; what was drawn is slept."""
    asked: list[dict[str, list[float]]] = []
    sleep = Performer.sleep

    def noted(self: Performer, seconds: float) -> Any:  # of threads of this process
        asked[-1].setdefault(self.label, []).append(seconds)
        return sleep(self, seconds)

    monkeypatch.setattr(Performer, "sleep", noted)
    for _ in range(2):
        asked.append({})
        took = _draws(run(tmp_path, SEEDED))
    drawn, again = asked
    assert drawn == again
    assert drawn.keys() == {"w.0", "w.1"}
    assert drawn["w.0"] != drawn["w.1"]
    (scenario,) = load(tmp_path / "case.yaml", specs=SPECS).scenarios
    (seed,) = [one.seed for one in plan.make(scenario, specs=SPECS).workers if one.name == "p"]
    drawn["p"] = [random.Random(seed).uniform(0, 0.02)]
    assert took.keys() == drawn.keys()
    for who, seconds in drawn.items():
        assert all(least <= one for least, one in zip(seconds, took[who], strict=True))


def test_result_that_is_not_plain_stays(tmp_path: Path) -> None:
    """A result that is no plain data is left out, with a notice; the worker has succeeded."""
    for executor in ("thread", "process"):
        ran = run(tmp_path, f"workers: {{w: {{executor: {executor}, call: 'mine:lock'}}}}")
        assert (ran.exit, ran.worker("w")["result"]) == (0, None)
        (notice,) = ran.result["notices"]
        assert "is not plain data" in notice


@pytest.mark.parametrize("executor", ["thread", "process", "inline", "pool"])
def test_exception(executor: str, tmp_path: Path) -> None:
    """An exception is one line with the step's line; its traceback is a file of the run."""
    ran = run(
        tmp_path,
        f"""
        workers:
          w:
            executor: {executor}
            steps:
              - log: fine
              - {{call: "mine:boom", args: [bad]}}
        """,
    )
    assert ran.exit == 1
    worker = ran.worker("w")
    assert (worker["error"], worker["error_line"]) == ("ValueError: bad", 6)
    trace = (ran.folder / "tracebacks" / "w.txt").read_text()
    assert trace.startswith("Traceback") and 'mine.py", line 4, in boom' in trace
    (ended,) = ran.of("worker_ended")
    assert (ended["error"], ended["line"]) == ("ValueError: bad", 6)


@pytest.mark.parametrize("executor", ["thread", "process"])
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no_such_module_anywhere:f", "cannot be imported: No module named"),
        ("mine:no_such_function", "has no 'no_such_function'"),
        ("broken:f", "SyntaxError"),
    ],
)
def test_function_that_cannot_be_imported(
    executor: str, target: str, words: str, tmp_path: Path
) -> None:
    """A function that is not there fails its worker in one sentence that names it."""
    (tmp_path / "broken.py").write_text("def (:\n")
    ran = run(tmp_path, f"workers: {{w: {{executor: {executor}, call: '{target}'}}}}")
    assert ran.exit == 1
    assert words in ran.worker("w")["error"]
    assert "\n" not in ran.worker("w")["error"]


def test_exit_in_a_step_still_cleans_up(tmp_path: Path) -> None:
    """`sys.exit` in a call step fails the step: locks are given back, `finally` runs."""
    ran = run(
        tmp_path,
        """
        locks: {guard: {}}
        workers:
          w:
            executor: thread
            steps: [{with: guard, steps: [{call: "mine:leave"}]}]
          next:
            executor: thread
            depends_on: [w]
            steps: [{acquire: guard, timeout: 5s}]
        expect: [workers.w.state == 'failed', workers.next.state == 'succeeded']
        """,
    )
    assert ran.exit == 0, ran.why


def test_private_folder_is_there_and_goes(tmp_path: Path) -> None:
    """`run.tmp` is one folder for all workers of a run, and gone after it."""
    ran = run(
        tmp_path,
        """
        workers:
          w: {executor: process, steps: [{run: [touch, "${run.tmp}/x"]}, {return: "${run.tmp}"}]}
          c: {command: [test, -e, "${run.tmp}/x"], depends_on: [w]}
        """,
    )
    assert ran.exit == 0, ran.why
    assert not Path(ran.worker("w")["result"]).exists()


def test_files_of_a_run(tmp_path: Path) -> None:
    """The folder holds the scenario, the log, outputs and the result that was returned."""
    ran = run(
        tmp_path,
        """
        workers: {w: {command: [sh, -c, "echo out; echo err >&2"]}}
        """,
    )
    assert (ran.folder / "scenario.yaml").read_text() == (tmp_path / "case.yaml").read_text()
    assert (ran.folder / "outputs" / "w.stdout").read_text() == "out\n"
    assert (ran.folder / "outputs" / "w.stderr").read_text() == "err\n"
    assert json.loads((ran.folder / "result.json").read_text()) == ran.result
    assert not (ran.folder / "segments").exists()


def test_secrets_are_nowhere(tmp_path: Path) -> None:
    """A secret is masked in the log, in outputs, in the result and for the observer."""
    ran = run(
        tmp_path,
        """
        secrets: [hush-hush]
        workers:
          w: {executor: thread, steps: [{log: it is hush-hush}, {fail: no hush-hush}]}
          c: {command: [echo, hush-hush]}
        """,
    )
    names = {path.name for path in ran.folder.rglob("*") if "hush-hush" in _text(path)}
    assert names <= {"scenario.yaml"}, names
    assert "hush-hush" not in json.dumps(ran.seen)


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def test_observer_that_raises(tmp_path: Path) -> None:
    """One that fails is told nothing more; the run goes on and says so."""

    def observer(event: object) -> None:
        raise BrokenPipeError("nobody reads")

    path = write(tmp_path, "workers: {w: {executor: thread, steps: [log: x]}}")
    (scenario,) = load(path, specs=SPECS).scenarios
    with runs.create(tmp_path, "case", None) as folder:
        result = engine.run(plan.make(scenario, specs=SPECS), folder=folder, observer=observer)
    assert result["exit"] == 0
    assert result["notices"] == ["events are shown no more: BrokenPipeError: nobody reads"]


def test_modules_of_the_next_run_are_its_own(tmp_path: Path) -> None:
    """Two scenarios in two folders have modules of the same name, each its own."""
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "same.py").write_text(f"def which():\n    return {number}\n")
        ran = run(folder, "workers: {w: {executor: thread, call: 'same:which'}}")
        assert ran.worker("w")["result"] == number


def test_a_result_that_is_too_large_says_so(tmp_path: Path) -> None:
    """What cannot leave its worker is null, and the notice tells why."""
    ran = run(
        tmp_path, 'workers: {w: {executor: thread, call: "builtins:str.zfill", args: [a, 2000000]}}'
    )
    assert ran.exit == 0, ran.why
    assert ran.result["workers"]["w"]["result"] is None
    assert any("2,000,000 characters" in notice for notice in ran.result["notices"])


def test_a_pool_that_never_started_has_a_result_for_each_job(tmp_path: Path) -> None:
    """An expectation over all jobs sees as many as there are, each null."""
    ran = run(
        tmp_path,
        """
        workers:
          first: {executor: thread, steps: [fail: x], expect: [state == 'failed']}
          pool:
            executor: pool
            jobs: 3
            depends_on: {first: {condition: succeeded}}
            steps: []
            expect: [state == 'skipped']
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.result["workers"]["pool"]["results"] == [None] * 3
