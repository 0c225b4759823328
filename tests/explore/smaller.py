"""Makes a program smaller as long as somebody still disagrees: what is left is worth reading."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from scenarios.errors import ScenarioFileError

INSIDE = ("steps", "else", "try", "except", "finally", "otherwise")


def smaller(made: dict[str, Any], still: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The smallest document on this way for which `still` holds."""
    again = True
    while again:
        again = False
        for candidate in _candidates(made):
            if _holds(candidate, still):
                made, again = candidate, True
                break
    return made


def _holds(candidate: dict[str, Any], still: Callable[[dict[str, Any]], bool]) -> bool:
    try:
        return still(candidate)
    except ScenarioFileError:
        return False  # it is no scenario any more


def _candidates(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Copies with one thing less, the largest things first."""
    places = sorted(_places(made, ()), key=len)
    for place in places:
        without = copy.deepcopy(made)
        inner = _at(without, place[:-1])
        gone = inner[place[-1]]
        del inner[place[-1]]
        yield without
        if isinstance(inner, list) and isinstance(gone, dict):
            for key in INSIDE:
                if isinstance(gone.get(key), list):  # the steps inside in place of the step
                    raised = copy.deepcopy(made)
                    steps = _at(raised, place[:-1])
                    steps[place[-1] : place[-1] + 1] = gone[key]
                    yield raised


def _places(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*place, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _places(one, (*place, index))


def _at(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        value = value[key]
    return value
