"""The event log as its writers leave it: a segment for each of them, merged by time when read.

`segment` is what a worker writes into; standard library only. `reading` puts a folder of segments
in order, whatever became of their writers.
"""

from __future__ import annotations

from scenarios.journal.reading import LARGEST_LINE, Merged, merge
from scenarios.journal.segment import Segment

__all__ = ["LARGEST_LINE", "Merged", "Segment", "merge"]
