"""Stories of many kinds, each a whole file: refused with their places, accepted, and run.

In refused.txt a § stands right before each faulty place, and after `~~~` one line for each of them
in their order: words that the message holds (`a & b`: all of them, `a | b`: one of them). In
runs.txt a first line `# exit: N` tells another exit than 0.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from loads import MARK, loaded, plugins
from running import run
from scenarios.errors import Fault, ScenarioFileError
from scenarios.loading import load_text

HERE = Path(__file__).parent
WORKER = "workers:\n  w:\n    executor: thread\n    steps:\n      - log: x\n"
SLOW = 0.3  # seconds of work on a loaded machine; each takes less than 0.1 on a free one


def cases(name: str) -> list[Any]:
    """The cases of a file, by their titles."""
    parts = re.split(r"^=== (.+)\n", (HERE / name).read_text(), flags=re.MULTILINE)[1:]
    return [pytest.param(text, id=title) for title, text in zip(*[iter(parts)] * 2, strict=True)]


def told(content: bytes) -> tuple[Fault, ...]:
    """The faults of a file's content; none where it is accepted."""
    try:
        load_text(content, "file.yaml", plugins())
    except ScenarioFileError as refusal:
        return refusal.faults
    return ()


def holds(pattern: str, message: str) -> bool:
    """Whether a message has the words of a pattern, each as a whole word."""

    def has(word: str) -> bool:
        left = r"(?<!\w)" if re.match(r"\w", word) else ""
        right = r"(?!\w)" if re.search(r"\w$", word) else ""
        return re.search(left + re.escape(word) + right, message, re.IGNORECASE) is not None

    return any(all(map(has, one.split(" & "))) for one in pattern.split(" | "))


@pytest.mark.parametrize("case", cases("refused.txt"))
def test_refused(case: str) -> None:
    """Every fault of a file is told at its place, with the culprit and the near word."""
    text, _, expected = case.partition("~~~\n")
    places = [
        (number, match.start() + 1 - index)
        for number, line in enumerate(text.split("\n"), 1)
        for index, match in enumerate(re.finditer(MARK, line))
    ]
    found = told(text.replace(MARK, "").encode())
    shown = "\n".join(map(str, found))
    assert sorted({(fault.line, fault.column) for fault in found}) == places, shown
    patterns = expected.strip("\n").split("\n")
    for place, pattern in zip(places, patterns, strict=True):
        messages = [fault.message for fault in found if (fault.line, fault.column) == place]
        assert any(holds(pattern, message) for message in messages), f"{pattern}: {messages}"


@pytest.mark.parametrize("case", cases("accepted.txt"))
def test_accepted(case: str) -> None:
    """What is right, or only looks like a mistake, is not refused."""
    assert loaded(case).scenarios


@pytest.mark.parametrize("case", cases("runs.txt"))
def test_run(case: str, tmp_path: Path) -> None:
    """A story ends with the exit that it says, and what it expects of itself holds."""
    shutil.copy(HERE / "pantry.py", tmp_path)
    (tmp_path / "sub").mkdir()
    wanted = re.match(r"# exit: (\d+)", case)
    ran = run(tmp_path, case)
    assert ran.exit == (int(wanted[1]) if wanted else 0), ran.why


BOMB = "x-a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"x-{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
NEAR = "vars:\n" + "".join(f"  kettle{'k' * 30}{n}: {n}\n" for n in range(3000))


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (BOMB.encode(), (5, 10), "aliases"),
        (b"x-a: &a [*a]\n", (1, 10), "itself"),
        (b"a: " + b"[" * 100_000, (1, 67), "nesting deeper than 64"),
        (b"- " * 100_000 + b"a", (1, 129), "nesting deeper than 64"),
        (b"x-a: " + b"[" * 64 + b"]" * 64, (1, 69), "nesting deeper than 64"),
        (b"#" + b"x" * 8 * 1024 * 1024, (1, 1), "8 MiB"),
        (WORKER.encode("utf-16"), (1, 1), "UTF-8"),
        ("name: Käse\n".encode("latin-1"), (1, 8), "UTF-8"),
        (b"name: \xed\xa0\x80\n", (1, 7), "UTF-8"),
        (b"name: a\n# \x00\n", (2, 3), "U+0000"),
        ("name: b\x85c\n".encode(), (1, 8), "U+0085"),
        ("name: b\u2028c\n".encode(), (1, 8), "U+2028"),
        (b"workers:\n\tw: {}\n", (2, 1), "tabs"),
        (b"", (1, 1), "nothing"),
        (b"\xef\xbb\xbf", (1, 1), "nothing"),
        (b"# a\n# b", (1, 1), "nothing"),
        (b"seed: " + b"9" * 5000 + b"\n", (1, 7), "digits"),
        (b"seed: 0x" + b"f" * 100_000 + b"\n", (1, 7), "64 KiB"),
        (WORKER.replace("log: x", "assert: " + "(" * 3000).encode(), (5, 17), "64"),
        (WORKER.replace("log: x", "assert: " + "not " * 9000 + "1").encode(), (5, 17), "deep"),
        (b"vars: {a: '${10 ** 100000}'}\n" + WORKER.encode(), (1, 11), "digits"),
        (b"vars: {a: \"${'x' * 10 ** 9}\"}\n" + WORKER.encode(), (1, 11), "longer"),
        (b"vars: {a: '${[1 for i in range(99999) for j in range(99999)]}'}\n"
         + WORKER.encode(), (1, 11), "too much work"),
        ((NEAR + WORKER.replace("log: x", "log: ${vars.kettlex}")).encode(), (3006, 14), "kettlex"),
        ((WORKER + "      - lgo: x\n" * 5000).encode(), (6, 9), "log"),
        (b"matrix:\n" + b"".join(b"  m%d: [1, 2, 3, 4]\n" % n for n in range(9))
         + WORKER.encode(), (1, 1), "262,144"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_hostile_files_are_refused_soon(content: bytes, place: tuple[int, int], words: str) -> None:
    """What is made to hurt is refused in a moment, at its place and in words."""
    start = time.thread_time()
    found = told(content)
    assert time.thread_time() - start < SLOW
    assert found
    assert (found[0].line, found[0].column) == place, found[0]
    assert words in found[0].message


@pytest.mark.parametrize(
    "content",
    [
        WORKER.replace("\n", "\r\n").encode(),
        WORKER.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + WORKER.encode(),
        b"%YAML 1.2\n---\n" + WORKER.encode() + b"...\n",
        b'{\n\t"workers": {\n\t\t"w": {"executor": "thread", "steps": []}\n\t}\n}\n',
        b"x-a: " + b"[" * 63 + b"]" * 63 + b"\n" + WORKER.encode(),
        ("name: a\u00a0b\u3000c\ufeffd 🧀\n" + WORKER).encode(),
        (WORKER + '      - log: "a\\tb"\n      - log: a\tb\n      - log: x\t# comment\n').encode(),
        ("queues: {größe: {}}\n" + WORKER + "      - {put: größe, value: «ß»}\n").encode(),
    ],
    ids=["crlf", "cr", "bom", "directive", "json", "deep", "spaces", "tabs", "letters"],
)
def test_odd_files_are_accepted(content: bytes) -> None:
    """Line ends, marks and letters of other systems are read like any others."""
    assert not told(content)
