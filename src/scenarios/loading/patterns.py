"""Regular expressions: what compiling one takes, and why a text is none."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 1_000  # characters
SHARE: Final = 2  # characters that count for as much as a part of an expression, 2 µs each
RANGE: Final = 10_000  # parts for a range of characters that may be wide: up to 7 ms
_WIDE: Final = re.compile(r"-(?:\\[uUNx0-7]|[^\x00-\x7f])")  # its end is not plain ASCII


def effort(text: str) -> int:
    """What it takes to compile a text, in parts of an expression."""
    if len(text) > LONGEST:
        return 1  # it is not compiled
    return len(text) // SHARE + len(_WIDE.findall(text)) * RANGE


def problem(text: str) -> str | None:
    """Why a text is no regular expression; None where it is one."""
    if len(text) > LONGEST:
        return f": it is longer than {LONGEST:,} characters"
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as fault:
        return f": {fault}"
    return None
