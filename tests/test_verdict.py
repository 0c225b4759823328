"""What a result says: words, exits, and what failed where."""

from __future__ import annotations

import pytest

from results import expectation, failed, passed, timed_out, worker
from scenarios import verdict


@pytest.mark.parametrize(
    ("exits", "expected"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 3], 3),
        ([3, 1, 0], 1),
        ([1, 70, 3], 70),
        ([2, 1], 2),
        ([1, 70, 130], 130),
        ([143, 1], 143),
        ([0, 99], 99),
    ],
)
def test_worst_exit_of_several(exits: list[int], expected: int) -> None:
    """70 goes before 1, 1 before 3 and 3 before 0; a stop from outside before all."""
    assert verdict.worst(exits) == expected


def test_title_has_the_matrix() -> None:
    """A combination of a matrix is told by its values."""
    assert verdict.title(passed()) == "queue"
    assert verdict.title(failed()) == "queue [size=3, kind=fifo]"


def test_nothing_failed_in_what_passed() -> None:
    """Neither a passed nor an unknown result has failures, whatever its workers did."""
    assert verdict.failures(passed()) == ()
    assert verdict.failures({**failed(), "exit": 3}) == ()


def test_failures_name_place_and_reason() -> None:
    """A worker's error comes with its line and last words, an expectation with its values."""
    found = verdict.failures(failed())
    assert [(one.place.rpartition(":")[2], one.message) for one in found] == [
        ("20", 'worker "writer" failed: ValueError: no \\x1b[31mletters'),
        ("50", 'worker "pool[7]" failed: it was 7'),
        ("39", "none lost: queues.q.lost == 0 does not hold"),
    ]
    assert found[0].details == ("stderr: warn", "stderr: last words")
    assert found[2].details == ("queues.q.lost = 1",)


def test_a_time_out_is_told_first() -> None:
    """A run that did not end in time says so before its workers."""
    first, second, *_ = verdict.failures(timed_out())
    assert first.message == "the run did not end in time and was stopped after 20.00 s"
    assert first.place == "scenarios/tutorial/queue.yaml"
    assert second.message.startswith('worker "writer" timed out: still in')


def test_a_command_without_an_error_tells_its_exit_code() -> None:
    """A command that an expectation blames is told with exit code or signal."""
    result = passed() | {"exit": 1}
    result["workers"] = {"sh": worker("failed", exit_code=-9)}
    result["expectations"] = [expectation("workers.sh.exit_code == 0", "failed", default=True)]
    (one,) = verdict.failures(result)
    assert one.message == 'worker "sh" failed with signal SIGKILL'


def test_a_default_expectation_of_a_skipped_worker_is_told() -> None:
    """A worker that never ran has no error of its own, so its expectation is the message."""
    result = passed() | {"exit": 1}
    result["workers"] = {"late": worker("skipped")}
    result["expectations"] = [
        expectation("workers.late.state == 'succeeded'", "failed", default=True, line=9)
    ]
    (one,) = verdict.failures(result)
    assert one.line == 9
    assert one.message == "workers.late.state == 'succeeded' does not hold"


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("workers.a.state == workers['b-c'].result", {"a", "b-c"}),
        ('all(w.state for w in workers["x"].replicas)', {"x"}),
        ("myworkers.a == 1", set()),
        ("exit_code == 0", {"own"}),
    ],
)
def test_workers_that_an_expectation_mentions(expression: str, names: set[str]) -> None:
    """Both ways to write a worker's name count, and the worker that holds the expectation."""
    item = expectation(expression) | ({"worker": "own"} if "own" in names else {})
    assert verdict.mentioned(item) == names


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        ("always", "failed", "x == 1 does not hold"),
        ("sometimes", "unknown", "x == 1 was not seen"),
        ("never", "failed", "x == 1 was seen and never should be"),
        ("never", "unknown", "x == 1 could not be decided"),
    ],
)
def test_sentence_of_an_expectation(kind: str, answer: str, words: str) -> None:
    """Each kind has its own words for its answers."""
    assert verdict.sentence(expectation("x ==\n  1", answer, kind=kind)) == words


def test_exit_codes_in_words() -> None:
    """Codes below zero are signals, also those without a name."""
    assert verdict.exit_words(3) == "exit code 3"
    assert verdict.exit_words(-15) == "signal SIGTERM"
    assert verdict.exit_words(-99) == "signal 99"


def test_a_workers_own_expectation_excuses_it_only_by_its_end() -> None:
    """`state == 'failed'` in a worker excuses it, an expectation about its output does not."""
    about_state = expectation("state == 'failed'", worker="w")
    about_output = expectation("workers.x.state == stdout", worker="w")
    assert verdict.mentioned(about_state, True) == {"w"}
    assert verdict.mentioned(about_output, True) == {"x"}
