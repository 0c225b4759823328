from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advancing import Walk, ended, failed
from loads import with_steps
from scenarios.answers import STOP, Failed, Refused
from scenarios.program import ROUNDS, advance
from scenarios.resources.locks import Lock

TOP = """
    queues: {q: {}}
    locks: {guard: {}, deep: {kind: rlock}}
    semaphores: {permits: {}}
    conditions: {ready: {lock: guard}, own: {}, nested: {lock: deep}}
    flags: {stop: {}}
    values: {count: 0}
    locals: {mine: {n: 1}}
"""


def logged(steps: str, **answers: Any) -> list[str]:
    """What steps log that come to their end well."""
    return ended(steps, TOP, **answers).logged


@pytest.mark.parametrize(
    ("steps", "texts"),
    [
        ("- repeat: 3\n  steps: [{log: a}, {break: }, {log: b}]", "a"),
        ("- repeat: 3\n  steps: [{log: a}, {continue: }, {log: b}]", "a a a"),
        ("- forever:\n  steps: [{log: a}, {break: }]", "a"),
        ("- {set: {n: 0}}\n- while: n < 3\n  steps: [{set: {n: '${n + 1}'}}, "
         "{if: n == 2, steps: [{continue: }]}, {log: '${n}'}]", "1 3"),
        ("- for_each: [1, 2]\n  as: a\n  steps:\n  - for_each: [3, 4]\n    as: b\n    steps:\n"
         "    - {if: b == 4, steps: [{break: }]}\n    - {log: '${a}${b}'}", "13 23"),
        ("- repeat: 0\n  steps: [{fail: a}]", ""),
        ("- while: False\n  steps: [{fail: a}]", ""),
        ("- {return: 1}\n- {log: a}", ""),
    ],
)  # fmt: skip
def test_loops(steps: str, texts: str) -> None:
    """Rounds, break and continue, in loops of loops."""
    assert " ".join(logged(steps)) == texts


def test_a_forever_counts_no_rounds() -> None:
    """Who polls in a `forever` comes back to the same place, with nothing different."""
    frame = Walk("- forever:\n  steps: [{sleep: 1s}]").frame
    advance(frame)
    first = frame.pc, [list(block) for block in frame.blocks]
    advance(frame, True)
    assert (frame.pc, frame.blocks) == first


@pytest.mark.parametrize("items", ["1", "'text'", "None", "True", "1.5"])
def test_what_no_loop_goes_through(items: str) -> None:
    """Text is no list of letters."""
    made = f'- {{set: {{x: "${{{items}}}"}}}}'
    message = failed(f"{made}\n- {{for_each: '${{x}}', steps: []}}")
    assert message.startswith("for_each needs a list or a mapping, not ")


@pytest.mark.parametrize("count", ["-1", "1.5", "'3'", "True", "None"])
def test_what_is_no_number_of_rounds(count: str) -> None:
    """A whole number from 0."""
    message = failed(f"- {{set: {{x: \"${{{count}}}\"}}}}\n- {{repeat: '${{x}}', steps: []}}")
    assert message.startswith("repeat needs a number of rounds from 0, not ")


def test_a_loop_goes_through_what_was_there_at_its_start() -> None:
    """Its own copy of each item, too."""
    walk = ended(
        """
        - set: {items: [[1], [2]]}
        - for_each: ${items}
          as: item
          steps:
            - set: {items: []}
            - log: ${item}
        """
    )
    assert walk.logged == ["[1]", "[2]"]
    assert walk["items"] == []


class Opaque:
    """A result that is not plain data."""

    def __iter__(self) -> Any:
        raise LookupError("looked into")

    def __bool__(self) -> bool:
        raise LookupError("asked")


@pytest.mark.parametrize(
    "step",
    ["{put: q, value: '${x}'}", "{write: count, value: '${x}'}", "{set: {y: '${[x]}'}}",
     "{return: '${x}'}", "{log: '${x}'}", "{for_each: '${x}', steps: []}",
     "{if: x, steps: []}", "{update: count, to: x}", "{get: q, timeout: '${x}'}",
     "{set: {local.mine.n: '${x}'}}", "{repeat: '${x}', steps: []}"],
)  # fmt: skip
def test_what_is_not_plain_goes_to_another_call_only(step: str) -> None:
    """Anywhere else it fails the step, which may be caught."""
    opaque = Opaque()
    walk = Walk("- {call: 'm:f', into: x}\n- {call: 'm:g', args: ['${x}']}", TOP, call=opaque)
    assert walk.run().why == "returns"
    assert walk.frame.argument[0][0] is opaque
    steps = f"- {{call: 'm:f', into: x}}\n- try: [{step}]\n  except: [{{log: '${{error}}'}}]"
    assert len(logged(steps, call=opaque)) == 1


def test_failures_are_caught() -> None:
    """Of a step, an expression, an assert, a fail and a call; `error` is the text."""
    for step, text in (
        ("{fail: 'no ${1 + 1}'}", "no 2"),
        ("{assert: 1 == 2}", "assertion failed: 1 == 2"),
        ("{release: guard}", "release guard: release of a lock that nobody holds"),
        ("{get: q, block: false}", "get q cannot be done without waiting"),
        ("{get: q, timeout: 1500ms}", "get q was not done within 1.5s"),
        ("{run: [ls], timeout: 1s}", "run was not done within 1s"),
        ("{call: 'm:f'}", "KeyError: 'k'"),
        ("{set: {x: '${1 // 0}'}}", "by zero in `1 // 0`"),
    ):
        answers = {"call": Failed("KeyError: 'k'", "trace"), "run": Refused("timeout")}
        steps = f"- try: [{step}, {{log: never}}]\n  except: [{{log: '${{error}}'}}]\n- log: on"
        caught, after = logged(steps, **answers)
        assert caught.endswith(text)
        assert after == "on"


def test_an_uncaught_failure_ends_the_worker() -> None:
    """With its line, its text, and the traceback where there is one."""
    walk = Walk("- log: a\n- call: m:f\n- log: b", TOP, call=Failed("no", "trace"))
    end = walk.run()
    assert (end.why, end.value, end.line, end.traceback) == ("fails", "no", 13, "trace")
    assert walk.logged == ["a"]


@pytest.mark.parametrize(
    ("body", "final", "why", "texts"),
    [
        ("{log: a}", "{log: f}", "on", "a f on"),
        ("{fail: a}", "{log: f}", "fails a", "f"),
        ("{return: 1}", "{log: f}", "returns 1", "f"),
        ("{return: 1}", "{return: 2}", "returns 2", ""),
        ("{fail: a}", "{return: 2}", "returns 2", ""),
        ("{fail: a}", "{fail: b}", "fails b", ""),
        ("{return: 1}", "{fail: b}", "fails b", ""),
        ("{fail: a}", "{try: [{fail: b}], except: [{log: '${error}'}]}", "fails a", "b"),
        ("{return: 1}", "{try: [], finally: [{log: f}]}", "returns 1", "f"),
        ("{return: 1}", "{repeat: 2, steps: [{log: f}, {break: }]}", "returns 1", "f"),
        ("{fail: a}", "{with: guard, steps: [{log: f}]}", "fails a", "f"),
    ],
)
def test_ways_out_of_a_try(body: str, final: str, why: str, texts: str) -> None:
    """`finally` runs once whatever happens; its own way out wins, as in Python."""
    walk = Walk(f"- try: [{body}]\n  finally: [{final}]\n- log: on\n- return: on", TOP)
    end = walk.run()
    assert " ".join(walk.logged) == texts
    assert f"{end.why} {end.value}".replace("returns on", "on") == why


@pytest.mark.parametrize(("leave", "texts"), [("break", "f on"), ("continue", "f f on")])
def test_leaving_a_loop_through_a_finally_and_a_with(leave: str, texts: str) -> None:
    """From inside to outside, each once a round."""
    walk = ended(
        f"""
        - repeat: 2
          steps:
            - try:
                - with: guard
                  steps:
                    - try: [{{{leave}: }}]
                      except: [{{fail: never}}]
              finally: [{{log: f}}]
            - log: never
        - log: on
        """,
        TOP,
    )
    assert " ".join(walk.logged) == texts
    assert walk.done.count("acquire guard") == walk.done.count("release guard") == texts.count("f")


def test_a_break_in_a_finally_calls_a_failure_off() -> None:
    """As in Python."""
    assert logged(
        "- repeat: 2\n  steps:\n  - try: [{fail: a}]\n    finally: [{break: }]\n- log: on"
    ) == ["on"]


@pytest.mark.parametrize(
    "inner",
    [
        "{try: [{fail: b}], except: [{log: '${error}'}]}",
        "{repeat: 1, steps: [{try: [{fail: b}], except: [{log: '${error}'}, {break: }]}]}",
        "{try: [{try: [{fail: b}], except: [{log: '${error}'}, {fail: c}]}], except: []}",
        "{try: [{try: [{fail: b}], finally: [{log: b}]}], except: []}",
    ],
)
def test_an_except_inside_an_except_has_an_error_of_its_own(inner: str) -> None:
    """After it, however it is left, the error is that of the one around it again."""
    steps = f"- try: [{{fail: a}}]\n  except: [{inner}, {{log: '${{error}}'}}]"
    assert logged(steps) == ["b", "a"]


def test_a_failure_in_an_except_leaves_through_the_finally_beside_it() -> None:
    """And is not caught by it."""
    walk = Walk("- try: [{fail: a}]\n  except: [{fail: '${error} b'}]\n  finally: [{log: f}]", TOP)
    assert walk.run().value == "a b"
    assert walk.logged == ["f"]


@pytest.mark.parametrize("end", ["{return: 1}", "{fail: a}", "{log: a}", "{assert: 1 == 2}"])
def test_a_with_releases_however_its_steps_end(end: str) -> None:
    """Once each, the inner one first."""
    walk = Walk(f"- with: guard\n  steps:\n  - with: permits\n    steps: [{end}]", TOP)
    walk.run()
    held = [text for text in walk.done if "acquire" in text or "release" in text]
    assert held == ["acquire guard", "acquire permits", "release permits", "release guard"]


def test_a_with_that_is_not_acquired_releases_nothing() -> None:
    """Its acquire failed."""
    walk = Walk("- with: guard\n  steps: [{log: a}]", TOP, acquire=Refused("holder_died", "dead"))
    assert walk.run().value == "acquire guard: dead"
    assert walk.done == ["acquire guard"]


def test_a_release_that_fails_fails_the_with() -> None:
    """Somebody else has released it before; a failure of the body is replaced, as in Python."""
    for body in ("{log: a}", "{fail: a}"):
        walk = Walk(f"- with: guard\n  steps: [{{release: guard}}, {body}]", TOP)
        assert "nobody holds" in walk.run().value


ROUND = "steps: [{set: {n: '${n + 1}'}}]"


@pytest.mark.parametrize(
    "loop",
    [f"{{forever: , {ROUND}}}", f"{{while: True, {ROUND}}}", f"{{repeat: {ROUNDS + 1}, {ROUND}}}",
     f"{{for_each: '${{range({ROUNDS + 1})}}', {ROUND}}}", "{forever: , steps: [{continue: }]}",
     "{forever: , steps: []}"],
)  # fmt: skip
def test_a_loop_without_a_scheduling_point_fails(loop: str) -> None:
    """After 100,000 rounds in which nobody else can do anything."""
    steps = f"- set: {{n: 0}}\n- {loop}"
    end = Walk(steps, TOP).run()
    assert end.why == "fails"
    assert end.value.startswith("the loop made 100000 rounds without a scheduling point")
    assert loop in with_steps(steps, TOP).splitlines()[end.line - 1]


ENDLESS = "{forever: , steps: []}"


@pytest.mark.parametrize(
    "clean_up", [
        "except: [{log: caught}]",
        "except: [{log: caught}]\n    finally: [{log: clean-up}]",
        "finally: [{log: clean-up}, {break: }]",
        "finally: [{log: clean-up}, {continue: }]",
        "finally: [{log: clean-up}, {return: 1}]",
        "finally: [{log: clean-up}, {fail: other}]",
        f"finally: [{{log: clean-up}}, {ENDLESS}]",
    ],
)  # fmt: skip
def test_nothing_goes_on_with_such_a_loop(clean_up: str) -> None:
    """Or the worker would never come to a scheduling point: it cleans up, and has failed."""
    steps = f"- forever:\n  steps:\n  - try: [{ENDLESS}]\n    {clean_up}"
    walk = Walk(steps, TOP)
    end = walk.run()
    assert end.why == "fails"
    assert "without a scheduling point" in end.value
    assert f"try: [{ENDLESS}]" in with_steps(steps, TOP).splitlines()[end.line - 1]
    assert walk.logged == ["clean-up"] * ("clean-up" in clean_up)


@pytest.mark.parametrize("loop", [f"repeat: {ROUNDS}", f"while: n < {ROUNDS}"])
def test_a_loop_of_as_many_rounds_is_well(loop: str) -> None:
    """The limit is the same for every loop."""
    assert ended(f"- set: {{n: 0}}\n- {{{loop}, {ROUND}}}")["n"] == ROUNDS


@pytest.mark.parametrize("step", ["log: a", "if: True, steps: []"])
def test_what_is_no_scheduling_point_does_not_save_a_loop(step: str) -> None:
    """Nobody else can act while it logs."""
    walk = Walk(f"- forever:\n  steps: [{{{step}}}]", TOP)
    operation = advance(walk.frame)
    for _ in range(ROUNDS):
        if operation is None:
            break
        operation = advance(walk.frame, True)
    assert walk.frame.end is not None
    assert "without a scheduling point" in walk.frame.end.value


@pytest.mark.parametrize(
    "step", ["sleep: 0s", "read: count", "set: {n: '${values.count}'}", "set_flag: stop",
             "call: m:f", "size: q"],
)  # fmt: skip
def test_a_scheduling_point_saves_a_loop(step: str) -> None:
    """However many rounds it makes."""
    walk = Walk(f"- forever:\n  steps: [{{{step}}}]", TOP)
    walk.frame.rounds = ROUNDS - 1
    assert advance(walk.frame) is not None
    for _ in range(3):
        assert advance(walk.frame, True) is not None
        assert walk.frame.rounds <= 1


def test_thread_locals_are_set() -> None:
    """Through the view that the worker was given."""
    walk = ended("- set: {local.mine.n: '${[2]}'}\n- return: '${local.mine.n}'", TOP)
    assert walk["local"] == {"mine": {"n": [2]}}


class Broken:
    """A thread-local whose factory fails."""

    def __getitem__(self, name: str) -> Any:
        raise OSError("no connection")


def test_what_user_code_raises_under_an_instruction_fails_the_step() -> None:
    """The clean-up around it runs."""
    walk = Walk("- with: guard\n  steps: [{set: {local.mine.n: 1}}]", TOP)
    walk.frame.names["local"] = Broken()
    end = walk.run()
    assert (end.why, end.value, end.line) == ("fails", "OSError: no connection", 13)
    assert "Traceback" in end.traceback
    assert walk.done == ["acquire guard", "release guard"]


def test_an_update_may_be_tried_more_than_once() -> None:
    """Between processes somebody else can come in between."""
    walk = Walk("- {update: count, to: old + values.count, into: before}", TOP)
    advance(walk.frame)
    operation = advance(walk.frame, 10)
    assert operation is not None
    assert [walk.frame.argument(old) for old in (1, 2)] == [11, 12]
    advance(walk.frame, 2)
    assert walk["before"] == 2


# -- stop --------------------------------------------------------------------------------------

SAMPLE = """
    - log: begin
    - with: guard
      steps:
        - try:
            - with: permits
              steps:
                - for_each: [1, 2]
                  as: n
                  steps:
                    - {put: q, value: '${n}'}
                    - try: [{get: q}, {fail: caught}]
                      except: [{log: 'except ${error}'}]
                      finally:
                        - log: round ${n}
                        - {update: count, to: old + 1}
            - try:
                - sleep: 1s
                - return: early
              finally:
                - with: deep
                  steps: [{log: inner}]
          except: [{log: never}]
          finally:
            - call: m:clean
            - log: outer
            - repeat: 2
              steps: [{set_flag: stop}]
            - log: outer end
    - log: never
"""


def sample() -> Walk:
    """A fresh walk through the sample."""
    return Walk(SAMPLE, TOP)


WHOLE = sample()
WHOLE.run()


def balanced(walk: Walk) -> None:
    """Each acquire has its release, and nothing is held."""
    for name in ("guard", "deep", "permits"):
        acquired = walk.done.count(f"acquire {name}")
        assert acquired == walk.done.count(f"release {name}")
        machine = walk.machines[name]
        assert machine.owner is None if isinstance(machine, Lock) else machine.permits == 1  # type: ignore[attr-defined]


@settings(max_examples=len(WHOLE.done), deadline=None)
@given(at=st.integers(0, len(WHOLE.done) - 1))
def test_a_stop_anywhere_unwinds_once(at: int) -> None:
    """Every `with` that was entered is released once, each `finally` runs once and whole, what
    follows them does not run, and the worker ends as stopped."""
    walk = sample()
    end = walk.run(stop_at=at)
    assert end.why == "stops"
    balanced(walk)
    assert walk.logged.count("outer") == walk.logged.count("outer end")
    assert walk.done.count("update count") == sum("round" in text for text in walk.logged)
    entered = "acquire guard" in walk.done and at > 1
    assert walk.done.count("call m:clean ([], {})") == walk.logged.count("outer") == entered
    assert "never" not in walk.logged
    assert walk.done[:at] == WHOLE.done[:at]


@settings(max_examples=len(WHOLE.done), deadline=None)
@given(at=st.integers(0, len(WHOLE.done) - 1))
def test_a_kill_anywhere_ends_it(at: int) -> None:
    """Nothing more is done, and it comes to its end all the same."""
    walk = sample()
    assert walk.run(stop_at=at, killed=True).why == "stops"
    assert walk.done == WHOLE.done[:at]


def test_a_stop_before_the_first_step_ends_it() -> None:
    """Nothing is done."""
    walk = sample()
    assert advance(walk.frame, STOP) is None
    assert walk.frame.end is not None
    assert walk.frame.end.why == "stops"


def test_a_stop_is_no_failure() -> None:
    """No except catches it, and a failure of the clean-up does not call it off."""
    walk = Walk(
        """
        - try:
            - try: [{sleep: 1s}]
              except: [{log: never}]
              finally: [{fail: in clean-up}]
          except: [{log: never}]
          finally: [{return: 1}]
        - log: never
        """
    )
    assert walk.run(stop_at=0).why == "stops"
    assert walk.logged == []


def test_no_break_calls_a_stop_off() -> None:
    """Nor does a continue or a return of the clean-up."""
    for leave in ("break", "continue", "return"):
        steps = f"- forever:\n  steps:\n  - try: [{{sleep: 1s}}]\n    finally: [{{{leave}: }}]"
        assert Walk(steps).run(stop_at=0).why == "stops"


HOLDS = [
    ("guard", "ready", 1), ("ready", "ready", 1), ("own", "own", 1), ("deep", "nested", 2),
    ("nested", "nested", 3),
]  # fmt: skip


@pytest.mark.parametrize(("held", "condition", "depth"), HOLDS)
@pytest.mark.parametrize("midway", [False, True])
def test_a_stop_at_a_conditions_wait(held: str, condition: str, depth: int, midway: bool) -> None:
    """Before it the lock is held and released; inside it the lock is not taken again. Either way
    nobody holds it afterwards, and another's is left alone."""
    steps = f"- try: [{{wait: {condition}}}]\n  finally: [{{log: f}}]"
    for _ in range(depth):
        indented = "\n".join("  " + line for line in steps.split("\n"))
        steps = f"- with: {held}\n  steps:\n{indented}"
    walk = Walk(steps, TOP)
    assert walk.run(stop_at=depth, midway=midway).why == "stops"
    assert walk.logged == ["f"]
    lock = walk.machines[held]
    assert not lock.apply("other", "locked", None, [])
    assert walk.done.count(f"release {held}") == depth


def test_clean_up_after_a_stopped_wait_can_take_the_lock_again() -> None:
    """It is the inner one that is given back."""
    walk = Walk(
        """
        - with: ready
          steps:
            - try: [{wait: ready}]
              finally: [{with: ready, steps: [{log: a}]}]
        """,
        TOP,
    )
    assert walk.run(stop_at=1, midway=True).why == "stops"
    assert walk.logged == ["a"]
    assert not walk.machines["guard"].apply("other", "locked", None, [])
