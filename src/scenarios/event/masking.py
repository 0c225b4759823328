"""Secrets: texts that appear in no log, report or message."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from scenarios.event.values import CUT, HEAD, PREVIEW, quoted

MASK = "***"
SHORTEST_LINE = 8
"""Characters of a line of a secret that is hidden by itself, since output comes line by line."""

SHORTEST_NUMBER = 4
"""Digits of a secret that is hidden where it is a number; fewer are anybody's."""


class Masker:
    """Replaces secret texts, also where JSON or a repr has escaped them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        texts = {text for secret in secrets for text in (secret, *_lines(secret)) if text}
        self._forms = sorted({form for text in texts for form in _forms(text)}, key=len)[::-1]
        self._numbers = {text for text in texts if len(text) >= SHORTEST_NUMBER}

    def __bool__(self) -> bool:
        return bool(self._forms)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def line(self, text: str) -> str:
        """An event's line without the secrets; it stays JSON, and its head as it is."""
        if not (any(form in text for form in self._forms) or '"preview":' in text or "..." in text):
            return text
        record = json.loads(text)
        for key in record.keys() - HEAD | {"thread"} & record.keys():
            record[key] = self.data(record[key])
        return json.dumps(record, separators=(",", ":")) + "\n"

    def data(self, value: Any) -> Any:
        """Plain data without the secrets."""
        if isinstance(value, str):
            cut = len(value) == PREVIEW + 3 and value.endswith("...")
            return self._end(self.text(value[:-3])) + "..." if cut else self.text(value)
        if isinstance(value, list):
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
            for length in range(len(form) - 1, 0, -1):
                if text.endswith(form[:length]):
                    return text[:-length] + MASK
        return text


def _lines(secret: str) -> list[str]:
    lines = [line.strip() for line in secret.splitlines()]
    return [line for line in lines if len(line) >= SHORTEST_LINE] if len(lines) > 1 else []


def _forms(text: str) -> set[str]:
    """A text as it is, and as it stands in a JSON text, in one within another, and in a repr."""
    forms = {text, repr(text)[1:-1]}
    for _ in range(3):
        forms |= {quoted(form)[1:-1] for form in forms}
        forms |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
    return forms
