"""How values, durations and counts are worded for people, on one line each."""

from __future__ import annotations

import json
import re
from typing import Any

UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # C0 without the tab, DEL, C1
    "\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # no width, line ends, direction
    "\ud800-\udfff]"  # halves of characters: bytes that were no UTF-8
)
WIDTH = 72
"""Characters of a value that are shown where no other limit is given."""


def visible(text: str) -> str:
    """The text with control characters, and others that act on a terminal, as escapes."""
    return UNSEEN.sub(_escape, text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines, whose line ends stay."""
    return "\n".join(map(visible, text.split("\n")))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    short = {10: "\\n", 13: "\\r"}.get(code)
    return short or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def shorten(text: str, width: int = WIDTH) -> str:
    """At most `width` characters of the text; a cut is marked by three dots."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def value(data: Any, width: int = WIDTH) -> str:
    """Plain data as JSON on one line of at most `width` characters."""
    if isinstance(data, str | bytes | list | tuple | dict) and len(data) > width:
        data = _front(data, width)
    try:
        text = json.dumps(data, ensure_ascii=False, default=repr)
    except (TypeError, ValueError):
        text = repr(data)
    except RecursionError:
        text = f"<{type(data).__name__} that is nested too deeply>"
    return shorten(visible(text), width)


def _front(data: Any, width: int) -> Any:
    """As much of a large value as can be seen; the rest is not worth encoding."""
    if isinstance(data, dict):
        return {key: data[key] for key, _ in zip(data, range(width), strict=False)}
    return data[: width + 1]


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them: `0.4 ms`, `250 ms`, `1.02 s`, `2 min 5 s`."""
    if seconds < 0.0095:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def count(number: int, noun: str) -> str:
    """The number with its noun: `1 run`, `3 runs`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
