"""Exploring: schedules a second beside frontrun's, and how soon small designs are decided.

python benchmarks/explorer.py              needs `pip install frontrun`, says so where it lacks
python benchmarks/explorer.py --no-peer    our own figures alone
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from measure import PYTHON, SCENARIOS, Report, seconds

from scenarios import loading, plugins
from scenarios import plan as planning
from scenarios.explore.budget import Budget, Limits
from scenarios.explore.dpor import dpor
from scenarios.explore.exploring import Settings, explore
from scenarios.explore.judge import Judge, excused, questions
from scenarios.explore.machine import StateMachine
from scenarios.explore.model import model_of
from scenarios.explore.prove import prove
from scenarios.explore.sampling import sample
from scenarios.plan import Plan

ROUNDS = 5
OURS = 2_000  # schedules of one round, about a twentieth of a second
PEERS = 200

PEER = """
import sys, threading, time, frontrun
problem, strategy, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
class Counter:
    def __init__(self): self.count = 0
def add(state):
    x = state.count
    state.count = x + 1
class Table:
    def __init__(self): self.forks = [threading.Lock() for _ in range(3)]
def eat(number):
    def philosopher(table):
        with table.forks[number]:
            with table.forks[(number + 1) % 3]:
                pass
    return philosopher
if problem == "counter":
    setup, workers = Counter, [add] * 5
else:
    setup, workers = Table, [eat(number) for number in range(3)]
options = dict(stop_on_first=False, max_executions=count, preemption_bound=None)
if strategy == "random":
    options = dict(max_attempts=count, seed=1)
began = time.perf_counter()
found = frontrun.explore(setup, workers, lambda _: True, strategy=strategy,
                         reproduce_on_failure=0, detect_io=False, deadlock_timeout=0.2, **options)
print(found.num_explored / (time.perf_counter() - began))
"""
"""The invariant always holds, so that no time goes into explaining what is wrong."""


def plan(text: str) -> Plan:
    """The plan of a scenario."""
    registry = plugins.load(disabled=["all"])
    known = loading.Plugins(registry.executors, registry.steps, frozenset(loading.CHECKERS))
    loaded = loading.load_text(text.encode(), "benchmark.yaml", known)
    return planning.make(loaded.scenarios[0], specs=registry.executors, seed=1)


def counter(count: int) -> Plan:
    """So many that read and write a counter in two steps."""
    return plan(
        f"values: {{count: 0}}\nworkers:\n  w:\n    executor: thread\n    replicas: {count}\n"
        "    steps:\n      - {read: count, into: x}\n"
        '      - {write: count, value: "${x + 1}"}\n'
        f"expect: [values.count == {count}]\n"
    )


def philosophers(count: int, *, ordered: bool) -> Plan:
    """The fork on the left first, or the one of the lower number."""
    text = "locks:\n" + "".join(f"  f{number}: {{}}\n" for number in range(count)) + "workers:\n"
    for number in range(count):
        forks = [number, (number + 1) % count]
        first, second = sorted(forks) if ordered else forks
        text += (
            f"  p{number}:\n    executor: thread\n    steps:\n"
            f"      - {{with: f{first}, steps: [{{with: f{second}, steps: []}}]}}\n"
        )
    return plan(text)


def machine(of: Plan) -> tuple[StateMachine, Judge]:
    """A new machine, which remembers nothing yet."""
    made = StateMachine(model_of(of), excused=excused(of))
    return made, Judge(made, questions(of))


def drawn(of: Plan) -> float:
    """Schedules a second at random, the building of the machine included."""
    began = time.perf_counter()
    made, judge = machine(of)
    budget = Budget(Limits(schedules=OURS, seconds=60))
    sample(made, judge, budget, wrong=lambda _: False, seed=1, names=("random",))
    return budget.schedules / (time.perf_counter() - began)


def reduced(of: Plan) -> float:
    """Schedules a second by partial-order reduction."""
    began = time.perf_counter()
    made, judge = machine(of)
    covered = dpor(made, judge, Budget(Limits(schedules=OURS, seconds=60)), wrong=lambda _: False)
    return covered.schedules / (time.perf_counter() - began)


def peer(problem: str, strategy: str) -> float:
    """Schedules a second of frontrun."""
    command = str(Path(PYTHON).with_name("frontrun"))  # it puts its own locks under the program
    words = [command, PYTHON, "-c", PEER, problem, strategy, str(PEERS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    return float(done.stdout.split()[-1])


def beside_the_peer(report: Report) -> None:
    """Ratios of rates, the two in turn, each by its better strategy."""
    problems = {"counter": counter(5), "philosophers": philosophers(3, ordered=False)}
    for problem, of in problems.items():
        ratios = []
        for _ in range(ROUNDS):
            theirs = max(peer(problem, "dpor"), peer(problem, "random"))
            ours = max(drawn(of), reduced(of) if problem == "counter" else 0.0)
            ratios.append(ours / theirs)
            print(f"       {problem}: {ours:,.0f} schedules a second, frontrun {theirs:,.0f}")
        report.at_least(f"{problem}: schedules over frontrun's", statistics.median(ratios), 50, "x")


def best(work: Callable[[], object]) -> float:
    """The shortest of some times, in seconds of this process's CPU."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def decided(report: Report) -> None:
    """How soon small designs are decided, and a large one in how much memory."""
    small = {"five racy increments": counter(5), "five philosophers": philosophers(5, ordered=True)}
    for name, of in small.items():
        took = best(lambda of=of: explore(of, Settings()))  # type: ignore[misc]  # of is bound
        report.at_most(f"{name} decided", took, 0.1, "s")

    ten = philosophers(10, ordered=True)

    def by_reduction() -> None:
        covered = dpor(*machine(ten), Budget(Limits(seconds=60)), wrong=lambda _: False)
        assert covered.complete

    report.at_most("ten philosophers by partial-order reduction", best(by_reduction), 10, "s")
    bugs = sorted((Path(__file__).parents[1] / "scenarios" / "bugs").glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        slowest = max(
            (seconds([*SCENARIOS, "explore", str(file), "-q"], Path(folder)), file.name)
            for file in bugs
        )
    report.at_most(f"the slowest of scenarios/bugs/ ({slowest[1]})", slowest[0], 1, "s")
    made, judge = machine(philosophers(13, ordered=True))
    covered = prove(
        made, judge, Budget(Limits(states=1_000_000, seconds=600)), wrong=lambda _: False
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    report.at_most(f"memory of {covered.states:,} states", peak, 2, "GiB")


def main() -> None:
    """Print every figure beside its limit."""
    report = Report()
    if "--no-peer" not in sys.argv:
        if find_spec("frontrun") is None:
            sys.exit(
                "frontrun is not installed: pip install frontrun, or leave it out by --no-peer"
            )
        beside_the_peer(report)
    decided(report)
    report.close()


if __name__ == "__main__":
    main()
