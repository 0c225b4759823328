"""The top of a file: its keys, one scenario, dependencies between workers."""

from __future__ import annotations

import pytest

from loads import faults, refused, scenario

WORKER = "workers: {w: {executor: thread, steps: []}}\n"
THREE = """
executor: thread
workers:
  a: {steps: []%s}
  b: {steps: []%s}
  c: {steps: []%s}
"""


def test_a_small_file_has_defaults() -> None:
    """What a file does not say is what format.md says."""
    made = scenario("# a comment\n" + WORKER)
    assert (made.name, made.description, made.path) == ("file", None, "file.yaml")
    assert (made.seed, made.timeout, made.matrix, made.vars) == (None, 60.0, {}, {})
    assert (made.expect, made.checks, made.faults, made.secrets) == ((), {}, (), ())
    assert made.text.startswith("# a comment\n")


def test_the_top_of_a_file() -> None:
    """Each simple key, and keys for anchors."""
    made = scenario(
        """
        version: 1
        name: a name
        description: What it shows.
        seed: 7
        timeout: 1m30s
        x-anything: {a: [1, {b: null}]}
        workers: {w: {executor: thread, steps: []}}
        """
    )
    assert (made.name, made.description) == ("a name", "What it shows.")
    assert (made.seed, made.timeout) == (7, 90.0)


def test_unknown_keys_are_told_at_the_key() -> None:
    """An unknown key at the top has the nearest word."""
    refused(
        f"§worker: {{}}\n§que: 1\n§zzz: 1\n{WORKER}",
        'unknown key "worker" at the top of the file; did you mean "workers"?',
        'unknown key "que" at the top of the file',
        "keys for anchors start with x-",
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("version: §2", '"version" is 1, not 2'),
        ("version: §true", '"version" is 1, not true'),
        ("name: §5", '"name" is text, not 5; quote it'),
        ("description: §[a]", '"description" is text, not a list'),
        ("seed: §1.5", '"seed" is a whole number, not 1.5'),
        ("seed: §true", '"seed" is a whole number, not true (a boolean is no number)'),
        ("timeout: §0", '"timeout" is a duration'),
        ("timeout: §-1", "not -1 (negative)"),
        ("timeout: §true", "not true (a boolean is no number)"),
        ("timeout: §10 s", 'not "10 s"'),
        ("timeout: §1e30", "not 1e+30"),
        ("timeout: §.nan", "not nan"),
        ("timeout: §99999999999h", '"timeout" is a duration'),
        ('executor: §"tread"', 'no executor "tread"; did you mean "thread"?'),
        ("executor: §[thread]", '"executor" is text, not a list'),
        ("vars: §[a]", '"vars" is a mapping'),
        ("matrix: §5", '"matrix" is a mapping'),
        ("queues: §[q]", '"queues" is a mapping of names'),
    ],
)
def test_wrong_values_are_told_at_the_value(line: str, words: str) -> None:
    """A wrong value at the top of a file."""
    refused(f"{line}\n{WORKER}", words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("§- a", "a scenario is a mapping with at least workers, not a list"),
        ("§just text", 'a scenario is a mapping with at least workers, not "just text"'),
        ("§name: x", 'a scenario lacks the key "workers"'),
        ("workers: §{}", '"workers" is a mapping of names to workers, not an empty one'),
        ("workers:§", '"workers" is a mapping of names to workers, not nothing'),
        ("workers: §[]", '"workers" is a mapping of names to workers, not a list'),
        ("workers: {w: §[]}", 'worker "w" is a mapping with steps, call or command, not a list'),
    ],
)
def test_files_without_workers(text: str, words: str) -> None:
    """A file needs a mapping with workers."""
    refused(text, words)


def test_all_faults_are_told_at_once_in_order() -> None:
    """A file is refused with everything that is wrong in it."""
    refused(
        """
        §nmae: x
        timeout: §soon
        queues:
          q: {§size: 3}
        workers:
          w:
            executor: thread
            steps:
              - {put: §p, value: 1}
              - §{pt: q}
        expect:
          - §workers.v.state == 'failed'
        """,
        'unknown key "nmae" at the top of the file; did you mean "name"?',
        '"timeout" is a duration',
        'unknown key "size" in queue "q"; did you mean "maxsize"?',
        '"put" names "p", and there is no such queue; declared are q',
        'a step without a kind: unknown "pt"; did you mean "put"?',
        'no worker "v" for workers.v; known are w',
    )


def test_dependencies() -> None:
    """A list means completed; a mapping names the condition, completed where it does not."""
    made = scenario(
        """
        executor: thread
        workers:
          a: {steps: [], ready: {log: up}}
          b: {steps: [], depends_on: [a]}
          c: {steps: [], depends_on: {a: {condition: ready}, b: {}}}
          d: {steps: [], depends_on: {c: {condition: succeeded}, a: }}
        """
    )
    assert made.workers["a"].depends_on == {}
    assert made.workers["b"].depends_on == {"a": "completed"}
    assert made.workers["c"].depends_on == {"a": "ready", "b": "completed"}
    assert made.workers["d"].depends_on == {"c": "succeeded", "a": "completed"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (", depends_on: [§d]", 'worker "a" depends on "d", which is no worker'),
        (", depends_on: {§bb: {condition: started}}", 'did you mean "b"?'),
        (", depends_on: {b: {condition: §done}}", '"condition" is started, ready, completed or'),
        (", depends_on: {b: {§state: started}}", 'unknown key "state" in "b"'),
        (", depends_on: §b", '"depends_on" is a list of workers, or a mapping'),
        (", depends_on: [§3]", 'a worker of "depends_on" is text, not 3'),
        (", depends_on: {§b: {condition: ready}}", 'that worker has no "ready"'),
        (", depends_on: [§a]", "workers depend on each other in a circle: a -> a"),
    ],
)
def test_dependencies_that_cannot_be(keys: str, words: str) -> None:
    """Unknown workers and conditions, and a worker that waits for itself."""
    refused(THREE % (keys, "", ""), words)


def test_a_circle_is_told_once_at_its_first_worker() -> None:
    """The fault of a circle stands where its first worker in the file depends on the next."""
    refused(
        THREE % (", depends_on: [§c]", ", depends_on: [a]", ", depends_on: [b]"),
        "in a circle: a -> c -> b -> a",
    )


def test_two_circles_are_both_told() -> None:
    """Each circle has a fault of its own."""
    refused(
        THREE % (", depends_on: [§b]", ", depends_on: [a, §c]", ", depends_on: {b: }"),
        "a -> b -> a",
        "b -> c -> b",
    )


def test_long_chains_are_no_circle() -> None:
    """A thousand workers, each after the last one and the first one."""
    rows = [f"  w{n}: {{steps: [], depends_on: [w{n - 1}, w0]}}" for n in range(1, 1000)]
    made = scenario("executor: thread\nworkers:\n  w0: {steps: []}\n" + "\n".join(rows))
    assert len(made.workers) == 1000


def test_many_paths_are_no_circle() -> None:
    """Two to the power of 200 paths through 200 layers cost nothing."""
    rows = ["  w0: {steps: []}", "  v0: {steps: []}"]
    for n in range(1, 200):
        rows += [f"  {name}{n}: {{steps: [], depends_on: [v{n - 1}, w{n - 1}]}}" for name in "vw"]
    assert len(scenario("executor: thread\nworkers:\n" + "\n".join(rows)).workers) == 400


def test_faults_beyond_a_hundred_are_counted() -> None:
    """A file with thousands of faults tells the first hundred and the number of the others."""
    found = faults(WORKER + "\n".join(f"k{n}: 1" for n in range(1000)))
    assert len(found) == 101
    assert found[-1].message == "more than 100 faults; the rest of the file is not checked"
