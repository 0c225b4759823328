"""Modules beside a scenario's file, in reach of the code that its workers call."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path


def reach(folder: str, *, last: bool) -> None:
    """Let the modules of a folder be imported, with `last` only those of no other folder's name."""
    sys.path.insert(len(sys.path) if last else 0, folder)


@contextlib.contextmanager
def importable(folder: str, *, last: bool) -> Iterator[None]:
    """While this lasts a folder's modules are in reach; the next scenario loads its own."""
    before = set(sys.modules)
    reach(folder, last=last)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]
