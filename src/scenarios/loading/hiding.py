"""The text of a scenario file as it may be stored: without secrets, however YAML writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from scenarios.event import Masker

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML may come without libyaml


def hidden(text: str, secrets: Sequence[str]) -> str:
    """A text that was loaded, with `***` for each scalar that holds a secret, and in comments."""
    masker = Masker(secrets)
    if not masker:
        return text
    parts, done = [], 0
    for event in yaml.parse(text, Loader=_Loader):
        marks = event.start_mark, event.end_mark
        if isinstance(event, yaml.ScalarEvent) and masker.data(event.value) != event.value:
            start, end = (mark.index for mark in marks if mark)
            line_end = "\n" if text[start:end].endswith("\n") else ""  # of a block
            anchor = f"&{event.anchor} " if event.anchor else ""
            parts += [text[done:start], anchor, '"***"', line_end]
            done = end
    return masker.text("".join(parts) + text[done:])
