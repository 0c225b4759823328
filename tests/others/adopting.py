"""CPython's own test cases, taken from the interpreter that runs this, as cases about our objects.

Nothing of them is copied. A module that this interpreter does not have is a skip that begins with
MISSING, a test that is left out one that begins with EXCLUDED; `conftest.py` counts both.
"""

from __future__ import annotations

import functools
import importlib
import sys
import unittest
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

MISSING, EXCLUDED = "missing: ", "excluded: "

ALL = ("test",)
"""All tests of a case, as slow ones."""

REFERENCE = (3, 13)
"""The version whose tests are the measure; all that is excluded must be there."""


def cpython(name: str) -> Any:
    """The module `name` of the package `test`; skips the calling module where there is none."""
    try:
        return importlib.import_module(f"test.{name}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("test"):
            raise
        version = ".".join(map(str, sys.version_info[:3]))
        pytest.skip(
            f"{MISSING}Python {version} at {sys.base_prefix} came without test.{name}: none of its "
            "tests ran; a Python 3.13 that was built from source has them all",
            allow_module_level=True,
        )


def adopt(
    *bases: Any, excluded: Mapping[str, str], slow: Sequence[str] = (), **attributes: Any
) -> Any:
    """A test case of CPython's `bases` with these attributes.

    `excluded` tells by name why a test is left out; `slow` names tests, or ALL of them.
    """
    body: dict[str, Any] = {"__doc__": bases[0].__doc__, **attributes}
    known = {name for base in bases for name in dir(base) if name.startswith("test")}
    for name in known if slow is ALL else slow:
        body[name] = pytest.mark.slow(_called(body.get(name) or getattr(bases[0], name)))
    unknown = set(excluded) - known
    assert not unknown or sys.version_info[:2] != REFERENCE, f"CPython has no {sorted(unknown)}"
    for name in set(excluded) & known:
        body[name] = _left_out(excluded[name])
    return type(bases[0].__name__, (*bases, unittest.TestCase), body)


def _called(test: Callable[..., None]) -> Callable[..., None]:
    """A function of its own, since a mark on theirs would be on every case that has it."""

    @functools.wraps(test)
    def called(self: Any, *args: Any) -> None:  # some are called with more by others
        test(self, *args)

    return called


def _left_out(reason: str) -> Callable[[Any], None]:
    @unittest.skip(f"{EXCLUDED}{reason}")
    def left_out(self: Any) -> None:
        """Never runs."""

    return left_out
