"""Numbers of parts of states."""

from __future__ import annotations

from exploring import machine

TWO = """
locks: {l: {}}
workers:
  w: {executor: thread, replicas: 2, steps: [{acquire: l}, {release: l}]}
"""


def test_a_renamed_part_names_whom_it_names_now() -> None:
    """Who holds a lock in a part that was renamed is found by the new name, as at its end."""
    of = machine(TWO)
    slot = of.model.slots["l"]
    lock = of.model.machines["l"]
    lock.apply(0, "acquire", None, [])
    renamed = of.tables.freeze(slot, {0: 1, 1: 0})
    assert of.tables.named[slot][renamed] == {1}
