"""Makes the machine of a declared resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.resources.barriers import Barrier
from scenarios.resources.conditions import Condition
from scenarios.resources.flags import Flag
from scenarios.resources.locks import Lock
from scenarios.resources.machine import Machine
from scenarios.resources.queues import Queue
from scenarios.resources.semaphores import Semaphore
from scenarios.resources.values import Value

Declaration = tuple[str, str, Mapping[str, Any]]
"""name, section ("queues", "locks", ...), and the keys of the format with their values."""


def make(section: str, declared: Mapping[str, Any], lock: Lock | None = None) -> Machine:
    """The machine for one declaration; `lock` is a condition's named lock.

    A queue declared without `hold` keeps nothing in hand: the hub passes `hold="ack"` (or
    `"task_done"`), since only there can a taker die between taking and having.
    """
    if section == "queues":
        ack = declared.get("ack", "get")
        hold = declared.get("hold", "task_done" if ack == "task_done" else "none")
        return Queue(declared.get("kind", "fifo"), declared.get("maxsize", 0), hold)
    if section == "locks":
        return Lock(declared.get("kind", "lock"), declared.get("on_owner_death", "release"))
    if section == "semaphores":
        return Semaphore(declared.get("permits", 1), declared.get("bounded", True))
    if section == "conditions":
        return Condition(lock if lock is not None else Lock("rlock"))
    if section == "barriers":
        return Barrier(declared["parties"])
    if section == "flags":
        return Flag(declared.get("set", False))
    if section == "values":
        return Value(declared.get("init"))
    raise ValueError(f"no machine for the section {section!r}")


def make_all(declarations: list[Declaration]) -> dict[str, Machine]:
    """All machines by name; a condition shares the machine of the lock it names."""
    machines: dict[str, Machine] = {}
    for name, section, declared in declarations:
        if section != "conditions":
            machines[name] = make(section, declared)
    for name, section, declared in declarations:
        if section == "conditions":
            lock = machines.get(declared.get("lock") or "")
            machines[name] = make(section, declared, lock if isinstance(lock, Lock) else None)
    return machines
