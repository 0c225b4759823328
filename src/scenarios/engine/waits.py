"""Tells what everybody waits for, at which line."""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.engine.facilities import Facilities
from scenarios.engine.members import Member
from scenarios.errors import ScenariosError


def describe(members: Sequence[Member], facilities: Facilities) -> list[str]:
    """One sentence for each thread of a running member that waits."""
    described = []
    shared = {}
    if facilities.control is not None:
        try:
            shared = facilities.control.snapshot().get("waiting", {})
        except (OSError, ScenariosError):
            shared = {}
    for member in members:
        if member.state != "running" or member.attempt is None:
            continue
        for label, doing, parked in member.attempt.crew().waits():
            if doing is not None and (parked is not None or not doing.section):
                what = parked or doing.object
                described.append(f"{label} waits in {doing.name} {what} (line {doing.line})")
        for label, waits in shared.items():
            if label.partition("#")[0].partition("~")[0] == member.name:
                described += [f"{label} waits in {verb} {what}" for verb, what in waits]
    return described
