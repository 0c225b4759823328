from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Sequence

import pytest

from loads import SPECS, scenario
from scenarios.plan import LARGEST_SEED, Plan, make

TOP = """
queues: {q: {}, other: {}}
locks: {guard: {}, alone: {}}
conditions: {ready: {lock: guard}, full: {lock: guard}, own: {}}
values: {count: 0}
flags: {stop: {}}
"""


def planned(workers: str, top: str = TOP, seed: int | None = 1) -> Plan:
    """The plan of workers, each "name: {...}" on a line."""
    body = textwrap.indent(textwrap.dedent(workers).strip(), "  ")
    return make(scenario(f"{top}\nworkers:\n{body}\n"), specs=SPECS, seed=seed)


def widest(workers: str, top: str = TOP) -> dict[str, str]:
    """The resources that live in the hub, with their reach."""
    return {
        name: reach for name, reach in planned(workers, top).reach.items() if reach != "process"
    }


@pytest.mark.parametrize(
    ("workers", "host"),
    [
        ("a: {executor: thread, steps: [{put: q, value: 1}]}", ""),
        ("a: {executor: process, steps: [{put: q, value: 1}]}", "q"),
        ("a: {executor: inline, steps: [{put: q, value: 1}]}\n"
         "b: {executor: process, steps: [{get: q}]}", "q"),
        ("a: {executor: pool, steps: [{put: q, value: 1}]}", ""),
        ("a: {executor: pool, options: {of: process}, steps: [{put: q, value: 1}]}", "q"),
        ("a: {executor: process, steps: [{set_flag: stop}, {log: '${values.count}'}]}",
         "count stop"),
        ("a: {executor: process, steps: [{if: flags.stop, steps: [{try: [{get: q}]}]}]}",
         "q stop"),
        ("a: {command: [ls], stdout: {to: q}, stdin: {from: other}}", ""),
        ("a: {command: [ls], stdout: {to: q}}\nb: {executor: process, steps: [{get: q}]}", "q"),
        ("a: {executor: process, call: 'm:f', args: ['${queues.q}', '${values.count}']}",
         "count q"),
        ("a: {executor: process, call: 'm:f', kwargs: {lock: ['${locks.alone}']}}", "alone"),
        ("a: {executor: process, steps: [{call: 'm:f', args: ['${queues.q}']}]}", "q"),
        ("a: {executor: process, steps: [{with: own, steps: []}]}", "own"),
        ("a: {executor: process, steps: [{with: guard, steps: []}]}", "full guard ready"),
        ("a: {executor: process, steps: [{with: full, steps: []}]}\n"
         "b: {executor: thread, steps: [{with: ready, steps: []}]}", "full guard ready"),
        ("a: {executor: process, steps: []}\nb: {executor: thread, steps: [{get: q}]}", ""),
    ],
)  # fmt: skip
def test_a_resource_lives_at_the_widest_reach_of_its_users(workers: str, host: str) -> None:
    """In the engine's memory or in the hub; conditions go where their lock is."""
    assert " ".join(sorted(widest(workers))) == host


def test_what_a_local_is_made_with_is_used_by_all() -> None:
    """Its factory runs in every worker that touches it."""
    top = TOP + "locals: {db: {call: 'm:f', args: ['${queues.q}']}}\n"
    assert set(widest("a: {executor: process, steps: []}", top)) == {"q"}


@pytest.mark.parametrize(
    ("worker", "puts", "gets"),
    [
        ("{executor: thread, steps: [{repeat: 2, steps: [{put: q, value: 1}]}, {size: other}]}",
         "q", ""),
        ("{executor: thread, steps: [{get: q, timeout: 1s, otherwise: [{get: other}]}]}", "",
         "other q"),
        ("{executor: thread, call: 'm:f', args: ['${queues.q}']}", "q", "q"),
        ("{executor: thread, steps: [{call: 'm:f', kwargs: {a: '${queues.other}'}}]}", "other",
         "other"),
        ("{command: [ls], stdin: {from: q}, stdout: {to: other}, stderr: {to: q}}", "other q",
         "q"),
        ("{executor: thread, steps: [{join: q}, {task_done: q}]}", "", ""),
    ],
)  # fmt: skip
def test_the_queues_of_a_worker(worker: str, puts: str, gets: str) -> None:
    """Where it may put and take, whatever its steps do at run time."""
    (only,) = planned(f"a: {worker}").workers
    assert (" ".join(sorted(only.puts)), " ".join(sorted(only.gets))) == (puts, gets)


def test_replicas_are_workers_of_their_own() -> None:
    """In the order of the file, each with its name, number, program and seed."""
    plan = planned(
        """
        a: {executor: thread, replicas: 3, steps: [{put: 'q${worker.replica % 2}', value: 1}]}
        b: {executor: process, steps: [{get: q1}]}
        """,
        "queues: {q0: {}, q1: {}}",
    )
    assert [(worker.name, worker.declared, worker.replica) for worker in plan.workers] == [
        ("a.0", "a", 0), ("a.1", "a", 1), ("a.2", "a", 2), ("b", "b", None),
    ]  # fmt: skip
    assert [set(worker.puts) for worker in plan.workers] == [{"q0"}, {"q1"}, {"q0"}, set()]
    assert plan.reach == {"q0": "process", "q1": "host"}
    assert len({worker.seed for worker in plan.workers}) == 4


def test_replicas_share_what_is_the_same() -> None:
    """A program is compiled once for all copies, and for each where it names the copy's own."""
    plan = planned(
        """
        a: {executor: thread, replicas: 3, steps: [{put: q, value: "${worker.replica}"}]}
        b:
          executor: thread
          replicas: 3
          steps: [{put: "${'q' if worker.replica % 2 else 'other'}", value: 1}]
        """
    )
    same, own = plan.workers[:3], plan.workers[3:]
    assert [worker.program is same[0].program for worker in same] == [True] * 3
    assert [worker.program is own[0].program for worker in own] == [True, False, False]
    assert [sorted(worker.puts) for worker in own] == [["other"], ["q"], ["other"]]
    assert len({worker.seed for worker in plan.workers}) == 6


def test_replicas_of_a_command() -> None:
    """Each with its own queue."""
    plan = planned(
        "a: {replicas: 2, command: [cat], stdin: {from: 'q${worker.replica}'}, stdout: {to: q0}}",
        "queues: {q0: {}, q1: {}}",
    )
    commands = [worker.command for worker in plan.workers]
    assert [command.stdin_queue for command in commands if command] == ["q0", "q1"]
    assert {command.stdout for command in commands if command} == {("to", "q0")}


@pytest.mark.parametrize(
    ("jobs", "items"), [("3", range(3)), ("[a, {b: 1}]", ("a", {"b": 1})), ("0", range(0))]
)
def test_jobs(jobs: str, items: Sequence[object]) -> None:
    """A number of submissions, or one for each item."""
    (pool,) = planned(f"a: {{executor: pool, jobs: {jobs}, steps: []}}").workers
    assert pool.jobs == items


def test_seeds() -> None:
    """Given, of the file, or drawn; of each worker by its name alone, the same in any process."""
    one = "a: {executor: thread, steps: []}\nb: {executor: thread, steps: []}"
    plan = planned(one, seed=7)
    other = planned("b: {executor: process, steps: [{sleep: 1s}]}", seed=7)
    assert plan.seed == 7
    assert plan.workers[1].seed == other.workers[0].seed != plan.workers[0].seed
    assert planned(one, seed=8).workers[0].seed != plan.workers[0].seed
    assert planned(one, "seed: 5", seed=None).seed == 5
    assert planned(one, "seed: 5", seed=6).seed == 6
    drawn = {planned(one, seed=None).seed for _ in range(5)}
    assert len(drawn) > 1
    assert all(0 <= seed < LARGEST_SEED for seed in drawn)
    code = "import zlib; print(zlib.crc32(b'7/a'))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(told.stdout) == plan.workers[0].seed


def test_resources_are_plain_data_with_all_their_keys() -> None:
    """Enough to make them anywhere; unused ones too."""
    plan = planned(
        "a: {executor: thread, steps: []}",
        "queues: {q: {kind: lifo, maxsize: 2, ack: task_done}}\nlocks: {g: {kind: rlock}}\n"
        "semaphores: {s: {permits: 0}}\nbarriers: {b: {parties: 2}}\nvalues: {v: {init: [1]}}\n"
        "conditions: {c: {lock: g}}\nflags: {f: {set: true}}",
    )
    assert [(name, section, dict(keys)) for name, section, keys in plan.resources] == [
        ("q", "queues", {"kind": "lifo", "maxsize": 2, "ack": "task_done", "sync": False}),
        ("g", "locks", {"kind": "rlock", "on_owner_death": "release"}),
        ("s", "semaphores", {"permits": 0, "bounded": True}),
        ("c", "conditions", {"lock": "g"}),
        ("b", "barriers", {"parties": 2}),
        ("f", "flags", {"set": True}),
        ("v", "values", {"init": [1]}),
    ]
    assert set(plan.reach.values()) == {"process"}


def test_only_the_executors_in_use_are_kept() -> None:
    """With the capabilities that the options select."""
    plan = planned("a: {executor: pool, options: {of: process}, steps: []}\nb: {command: [ls]}")
    assert set(plan.executors) == {"pool", "subprocess"}
    assert plan.capabilities["a"].reach == "host"
