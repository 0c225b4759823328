"""What people get wrong, told in words that help: faults of YAML, near words, corrected lines."""

from __future__ import annotations

import difflib
import functools
import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

_PAIR: Final = re.compile(r"\s*(?:- +)*[^\s:#'\"{}\[\],&*!|>%@`-][^:#'\"{}\[\]]*: +(?P<text>.+)")
_UNSPACED: Final = re.compile(r"\s*(?:- +)*[\w-]+:[^\s:/]")  # `executor:thread`
_KEY: Final = re.compile(r"\s*[\w-]+:(?:\s|$)")
_LINE_END: Final = re.compile("[\r\n]")
_COMMENT: Final = re.compile(r"\s+#.*$|\s+$")
_SHOWN: Final = 100  # characters of a line that a message repeats at most
_LOOKED_AT: Final = 1_000  # characters of a line that are looked at
_LONGEST: Final = 100  # characters of a word that is compared with others
MOST_KNOWN: Final = 1_000  # words that are looked at for the likeliest, in 0.2 ms
_COMPARED: Final = 30  # words that one is compared with at most, in 0.3 ms
_PAIRS: Final = 10_000  # pairs of characters that are compared for one word

_CAUSES: Final = (
    ("found a tab character", "indent with spaces, not with tabs"),
    ("block sequence entries are not allowed", "start the list on a line of its own"),
    ("could not find expected ':'", 'a key needs ": " after it, and a text over two lines a "|"'),
    ("did not find expected key", "look at the indentation and quotes of this line and the last"),
    ("did not find expected <document start>", "this line is indented less than the first key"),
    ("found unexpected end of stream", "a quote or bracket is opened here and never closed"),
    ("did not find expected alphabetic", "quote a text that starts with * or &"),
)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if one is near."""
    if len(word) > _LONGEST:
        return None
    words = list(islice(known, MOST_KNOWN))
    most = min(_COMPARED, _PAIRS // (len(word) + 1) ** 2)
    if len(words) > most:
        words = _likeliest(word, words, most)
    return _nearest(word, tuple(words))


def _likeliest(word: str, words: list[str], most: int) -> list[str]:
    """So many of the words: those that begin alike, and of them those of about that length."""
    likeliest: list[str] = []
    first = word[:1]
    alike = [name for name in words if name.startswith(first)]
    others = [name for name in words if not name.startswith(first)]
    for group in (alike, others):
        group.sort(key=len)
        middle = bisect_left(group, len(word), key=len)
        start = max(0, middle - (most - len(likeliest)) // 2)
        likeliest += group[start : start + most - len(likeliest)]
    return likeliest


@functools.lru_cache(maxsize=1000)
def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    found = difflib.get_close_matches(word, words, 1, 0.6)
    if found:
        return found[0]
    folded = word.casefold().replace("-", "_")
    return next((name for name in words if name.casefold().replace("-", "_") == folded), None)


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The tail of a message about an unknown word: the near one, or what else there is."""
    near = nearest(word, known)
    return f'; did you mean "{near}"?' if near is not None else otherwise


def among(known: Iterable[str]) -> str:
    """Known words for the end of a sentence."""
    words = list(islice(known, 13))
    return ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")


def shown(value: Any) -> str:
    """A value as a message shows it: short, on one line, as it would stand in the file."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + (value if len(value) <= 60 else value[:57] + "...").replace("\n", "\\n") + '"'
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def quoted(text: str) -> str:
    """A text in the quotes that need least care."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def explain(fault: Any, text: str) -> tuple[int, int, str]:
    """Place and words for a fault that PyYAML raised: the everyday mistakes with their cure."""
    problem = str(getattr(fault, "problem", None) or getattr(fault, "reason", "") or fault)
    mark = getattr(fault, "problem_mark", None) or getattr(fault, "context_mark", None)
    if mark is None:
        position = getattr(fault, "position", 0)
        before = text[: position if isinstance(position, int) else 0]
        return before.count("\n") + 1, len(before) - before.rfind("\n"), f"not YAML: {problem}"
    before, line, column = _lines_at(text, mark)
    at, cut = mark.line + 1, mark.column - column
    if "mapping values are not allowed" in problem:
        if _UNSPACED.match(before) and _KEY.match(line):
            words = f'line {mark.line} lacks a space after its ":", and goes on here as one text'
            return at, mark.column + 1, f"not YAML: {words}"
        return at, mark.column + 1, _second_colon(line, column)
    if "did not find expected ','" in problem:
        told, message = _in_flow(line, column, fault)
        return at, cut + told, message
    opened = getattr(fault, "context_mark", None)
    if opened is not None and ("expected ':'" in problem or "end of stream" in problem):
        mark = opened
    cure = next((cure for words, cure in _CAUSES if words in problem), "")
    if "cannot start any token" in problem:
        start = line[column : column + 1]
        cure = _CAUSES[0][1] if start == "\t" else f"quote a text that starts with {start}"
    return mark.line + 1, mark.column + 1, f"not YAML: {problem}" + (f"; {cure}" if cure else "")


def _lines_at(text: str, mark: Any) -> tuple[str, str, int]:
    """The line before a mark, its own line and its column there; of a long one what is around."""
    begin = mark.index - mark.column
    found = _LINE_END.search(text, begin)
    end = found.start() if found else len(text)
    last = text[max(0, begin - _LOOKED_AT) : begin].removesuffix("\n").removesuffix("\r")
    if end - begin > _LOOKED_AT:
        begin = max(begin, mark.index - _LOOKED_AT // 2)
    line = text[begin : min(end, begin + _LOOKED_AT)]
    return _LINE_END.split(last)[-1], line, mark.index - begin


def _second_colon(line: str, column: int) -> str:
    """`log: in main: ${x}`: the text needs quotes."""
    message = 'a second ": " in one line makes a second key of the text'
    pair = _PAIR.match(line)
    if pair is None or pair.start("text") > column or pair["text"][0] in "'\"{[|>&*!":
        return message + "; quote the text, or start the mapping on a line of its own"
    return message + corrected(line, pair.start("text"))


def _in_flow(line: str, column: int, fault: Any) -> tuple[int, str]:
    """`{put: q, value: ${x}}`, a second colon or a missing comma between braces or brackets."""
    at = line[column : column + 1]
    dollar = at == "{" and line[column - 1 : column] == "$"
    begin, end = _flow_text(line, column)
    told = "" if not line[:begin].strip() else corrected(line, begin, end)
    if dollar:
        return column, f"braces of ${{...}} inside {{}} or [] need quotes around the text{told}"
    if at and at in "[{" and line[begin:column].strip() and told:
        return column + 1, f"brackets inside {{}} or [] need quotes around the text{told}"
    if at == ":" and told:  # otherwise the text began a line before
        return column + 1, f'a second ": " makes a second key of the text{told}'
    opened = getattr(fault, "context_mark", None)
    where = f" that is opened at line {opened.line + 1}" if opened is not None else ""
    closing = "]" if "']'" in str(getattr(fault, "problem", "")) else "}"
    kind = "list" if closing == "]" else "mapping"
    return column + 1, f'not YAML: expected "," or "{closing}" in the {kind}{where}'


def _flow_text(line: str, column: int) -> tuple[int, int]:
    """Begin and end of the text in flow style around a column, brackets in it taken as a whole."""
    marks = [(line.rfind(mark, 0, column), len(mark)) for mark in (": ", ", ", "[", "{", "- ")]
    begin = max(0, *(at + length for at, length in marks if at >= 0), 0)
    begin += len(line[begin:column]) - len(line[begin:column].lstrip())
    depth = 0
    for end in range(column, len(line)):
        if line[end] in "[{":
            depth += 1
        elif not depth and line[end] in ",]}":
            return begin, end
        elif line[end] in "]}":
            depth -= 1
    return begin, len(line.rstrip())


def corrected(line: str, begin: int, end: int | None = None) -> str:
    """`: quote it: <the line as it should be>`, where that is short enough to help."""
    text = line[begin : len(_COMMENT.sub("", line)) if end is None else end].rstrip()
    fixed = (line[:begin] + quoted(text) + line[begin + len(text) :]).strip()
    if not text or len(fixed) > _SHOWN:
        return "; quote it"
    return f"; quote it: {fixed}"
