"""Every interleaving of the state machine, path by path: nothing is remembered or left out."""

from __future__ import annotations

from explore.reference import TooMuch
from scenarios.explore.machine import State, StateMachine

LONGEST = 100  # transitions of one path; a program with a longer one is left out


def walk(machine: StateMachine, most: int) -> tuple[int, set[State], int]:
    """How many paths there are, their ends, and all marks seen on the way."""
    enabled, step = machine.enabled, machine.step
    ends: set[State] = set()
    marks = paths = 0
    first = machine.initial()
    stack = [(first, enabled(first))]
    while stack:
        state, ahead = stack[-1]
        if not ahead:
            stack.pop()
            continue
        new = step(state, ahead.pop())
        marks |= new[-1]
        following = enabled(new)
        if following:
            stack.append((new, following))
            if len(stack) > LONGEST:
                raise TooMuch(f"a path of more than {LONGEST} transitions")
            continue
        ends.add(new)
        paths += 1
        if paths > most:
            raise TooMuch(f"more than {most} paths")
    if not enabled(first):
        ends.add(first)
    return paths, ends, marks | first[-1]


def number_of_paths(machine: StateMachine, most: int) -> int:
    """How many paths there are, without walking them; only to leave out what has too many."""
    known: dict[State, int] = {}
    stack = [machine.initial()]
    under_way: set[State] = set()
    while stack:
        state = stack[-1]
        if state in known:
            stack.pop()
            continue
        following = [machine.step(state, one) for one in machine.enabled(state)]
        unknown = [one for one in following if one not in known]
        if not unknown:
            known[state] = sum(known[one] for one in following) or 1
            under_way.discard(state)
            stack.pop()
            continue
        under_way.add(state)
        if not under_way.isdisjoint(unknown):
            raise TooMuch("it has a loop")
        if len(known) + len(under_way) > most:
            raise TooMuch(f"more than {most} states")
        stack += unknown
    found = known[machine.initial()]
    if found > most:
        raise TooMuch(f"{found} paths, more than {most}")
    return found
