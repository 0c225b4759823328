"""Results and refused files as JSON: one object for one scenario, a list for several."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from scenarios import wording
from scenarios.errors import Fault
from scenarios.verdict import Result


def render(results: Sequence[Result], *, several: bool = False) -> str:
    """The results; numbers that JSON does not have are texts (`"inf"`).

    `several` tells that there were to be more, so that one alone is a list as well.
    """
    return dump(results[0] if len(results) == 1 and not several else list(results))


def checks(found: Sequence[Mapping[str, Any]]) -> str:
    """Checked files: `{"file", "scenarios", "faults": [...], "notices": [...], "exit"}`."""
    return dump(found[0] if len(found) == 1 else list(found))


def fault(one: Fault) -> dict[str, Any]:
    """One fault as plain data."""
    return {"file": one.file, "line": one.line, "column": one.column, "message": one.message}


def dump(data: Any) -> str:
    """Any data as JSON that every reader takes, with a line end."""
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=repr)
    except ValueError:
        text = json.dumps(_finite(data), indent=2, ensure_ascii=False, default=repr)
    # what JSON leaves as it is and a terminal may act on
    lines = (wording.UNSEEN.sub(_escape, line) for line in text.split("\n"))
    return "\n".join(lines) + "\n"


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return str(data)
    if isinstance(data, Mapping):
        return {key: _finite(data[key]) for key in data}
    if isinstance(data, list | tuple):
        return [_finite(item) for item in data]
    return data
