"""Secrets: texts that appear in no log, report or message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from scenarios.event.values import CUT, HEAD, PREVIEW, quoted

MASK = "***"
SHORTEST_LINE = 8
"""Characters of a line of a secret that is hidden wherever it stands, since output comes line by
line."""

SHORTEST_PART = 4
"""Characters of a part of a secret that is hidden where it is sure to be one: a shorter line where
a line of output ends or begins with it, and what is left of a secret where a text was cut."""

SHORTEST_NUMBER = 4
"""Digits of a secret that is hidden where it is a number; fewer are anybody's."""

OURS = HEAD - {"thread"} | {"state", "stream", "level", "executor", "exit", "exit_code", "child"}
"""Keys of events whose values are words and numbers of the engine, and names of the file."""

_CUT = re.compile(r"(?:\n\[)?\.\.\.(?:\]\n)?")
"""How a text tells that something is left out there."""


class Masker:
    """Replaces secret texts, also where JSON, YAML or a repr has escaped them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        secrets = [secret for secret in secrets if secret]
        lines = [split for secret in secrets if len(split := _lines(secret)) > 1]
        texts = {*secrets, *(line for split in lines for line in split)}
        whole = {text for text in texts if text in secrets or len(text) >= SHORTEST_LINE}
        self._forms = sorted({form for text in whole for form in _forms(text)}, key=len)[::-1]
        self._numbers = {text for text in whole if len(text) >= SHORTEST_NUMBER}
        self._short = {form for text in texts - whole for form in _forms(text)}
        self._edges = re.compile("|".join(dict.fromkeys(_edges(lines))), re.MULTILINE)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def near(self, text: str) -> Masker:
        """The same for this text and its parts: of many secrets few have anything to do with it."""
        size = SHORTEST_PART
        there = {text[at : at + size] for at in range(len(text) - size + 1)}
        made = Masker(())
        made._forms = [
            form
            for form in self._forms
            if len(form) < size or not there.isdisjoint((form[:size], form[-size:]))
        ]
        made._numbers, made._short, made._edges = self._numbers, self._short, self._edges
        return made

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        if self._short:
            text = self._edges.sub(MASK, text)
        return self._cut(text) if self._forms and "..." in text else text

    def line(self, text: str) -> str:
        """An event's line without the secrets; it stays JSON, and its head as it is."""
        found = any(form in text for form in self._forms) or any(s in text for s in self._short)
        if not (found or '"preview":' in text or "..." in text):
            return text
        record = json.loads(text)
        for key in record.keys() - OURS:
            record[key] = self.data(record[key])
        return json.dumps(record, separators=(",", ":")) + "\n"

    def data(self, value: Any) -> Any:
        """Plain data without the secrets."""
        if isinstance(value, str):
            cut = len(value) == PREVIEW + 3 and value.endswith("...")
            return self._end(self.text(value[:-3])) + "..." if cut else self.text(value)
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        if isinstance(value, dict):
            masked = {self.data(key): self.data(item) for key, item in value.items()}
            if value.keys() == CUT:
                masked["preview"] = self._end(masked["preview"])
            return masked
        if isinstance(value, int | float) and self._numbers and str(value) in self._numbers:
            return MASK
        return value

    def _end(self, text: str) -> str:
        """A text that was cut, without the part of a secret at its end."""
        for form in self._forms:
            length = _overlap(text, form, 1)
            if length:
                return text[:-length] + MASK
        return text

    def _cut(self, text: str) -> str:
        """A text without parts of secrets right before and behind where it was cut."""
        parts, done = [], 0
        for cut in _CUT.finditer(text):
            before, after = text[done : cut.start()], text[cut.end() :]
            parts += [self._shorter(before), cut[0]]
            done = cut.end()
            for form in self._forms:
                length = _overlap(form, after[: len(form)], SHORTEST_PART)
                if length:
                    parts.append(MASK)
                    done += length
                    break
        return "".join(parts) + text[done:]

    def _shorter(self, text: str) -> str:
        for form in self._forms:
            length = _overlap(text, form, SHORTEST_PART)
            if length:
                return text[:-length] + MASK
        return text


def _overlap(text: str, other: str, least: int) -> int:
    """How many characters at the end of a text are the beginning of another; 0 for all of it."""
    if other[:least] not in text[-len(other) :]:
        return 0
    most = min(len(text), len(other) - 1)
    return next((n for n in range(most, least - 1, -1) if text.endswith(other[:n])), 0)


def _lines(secret: str) -> list[str]:
    return [line for one in secret.splitlines() if len(line := one.strip()) >= SHORTEST_PART]


def _edges(secrets: list[list[str]]) -> Iterable[str]:
    """Patterns of short lines of secrets as they stand in lines of output."""
    for first, *middle, last in secrets:
        for line in (first, *middle, last):
            if len(line) < SHORTEST_LINE:
                begin = "" if line is first else r"^[ \t]*"
                end = "" if line is last else r"[ \t]*$"
                yield begin + re.escape(line) + end


def _forms(text: str) -> set[str]:
    """A text as it is, and as it stands in a JSON text, in one within another, and in a repr."""
    forms = {text, repr(text)[1:-1]}
    for _ in range(3):
        forms |= {quoted(form)[1:-1] for form in forms}
        forms |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
    return forms
