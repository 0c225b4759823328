"""Durations: seconds as a number, or a text such as 250ms, 1.5s or 2m."""

from __future__ import annotations

import math
import re
from typing import Any, Final

LONGEST: Final = 1e9  # seconds; more than 30 years is a slip, and the system's timers end there
UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION: Final = r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+"


def seconds_of(value: Any) -> float | None:
    """A duration in seconds, from a number or a text such as 1.5s; None where it is none."""
    if type(value) in (int, float):
        return float(value) if 0 <= value < math.inf and value <= LONGEST * 10 else None
    if type(value) is str and len(value) < 50 and re.fullmatch(DURATION, value):
        parts = re.findall(r"([\d.]+)([a-z]+)", value)
        return math.fsum(float(number) * UNITS[unit] for number, unit in parts)
    return None
