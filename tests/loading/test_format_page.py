"""The page about the format: its examples are right, and it names every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loads import loaded
from scenarios.loading.declarations import TABLE as SECTIONS
from scenarios.loading.document import KEYS
from scenarios.loading.expectations import KEYS as EXPECTATION_KEYS
from scenarios.loading.kinds import KINDS
from scenarios.loading.names import JOB, OF_RESOURCE, OF_RUN, OF_WORKER, RUN, WORKER
from scenarios.loading.nodes import data
from scenarios.loading.reader import read
from scenarios.loading.shapes import Record
from scenarios.loading.starting import ReadyShape
from scenarios.loading.workers import RESTART, STOP, TABLE

PAGE = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = [block for block in BLOCKS if "workers:" in block]
WORDS = {
    *KEYS,
    *TABLE.keys,
    *STOP.keys,
    *RESTART.keys,
    *ReadyShape.table.keys,
    *EXPECTATION_KEYS,
    *(key for kind in KINDS.values() for key in kind.keys if key not in KINDS),
    *(
        key
        for section in SECTIONS.values()
        if isinstance(section.shape, Record)
        for key in section.shape.keys
    ),
    *(fact for facts in OF_RESOURCE.values() for fact in facts),
    *(*JOB, *OF_RUN, *OF_WORKER, *RUN, *WORKER),
}


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.split("\n")[1].strip())
def test_examples_that_are_files_are_right(block: str) -> None:
    """Every example with workers is a file that is taken."""
    assert loaded(block).scenarios


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0].strip())
def test_examples_are_yaml(block: str) -> None:
    """Every example is read without a fault."""
    node, faults = read(block)
    assert faults == []
    assert data(node)


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_key_is_named(word: str) -> None:
    """Keys and facts stand on the page as code."""
    assert re.search(rf"`[^`\n]*(?<![\w-]){word}(?![\w-])[^`\n]*`", PAGE), word
