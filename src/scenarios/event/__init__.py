"""The event record and its line: made from a template for each operation, not from a dict.

A line begins with `{"time":NANOSECONDS,"seq":NUMBER,` (CLOCK_MONOTONIC, and a count for each
process), so that lines are ordered without being parsed.
"""

from __future__ import annotations

from scenarios.event.masking import Masker
from scenarios.event.record import Recorder, SharedRecorder, Sink, identity, next_number
from scenarios.event.values import LARGEST_RECORD, encoded, quoted

__all__ = [
    "LARGEST_RECORD",
    "Masker",
    "Recorder",
    "SharedRecorder",
    "Sink",
    "encoded",
    "identity",
    "next_number",
    "quoted",
]
