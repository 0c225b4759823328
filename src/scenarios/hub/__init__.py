"""The process that owns every resource shared across processes: how it is configured and started.

    address, token = whereabouts.private(), secrets.token_bytes(32)
    process = <start hub.argv() with pipes>
    write hub.configuration(resources, address, token) to its standard input, and keep that open
    read one line from its standard output: b"ready\\n", or what is wrong

The hub ends at the end of file of its standard input, which is how it learns that the engine is
gone, and removes the socket and its folder.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

LENGTH = 4
"""Bytes of the configuration's length, little-endian, before it."""

READY = b"ready\n"


def configuration(
    resources: Iterable[tuple[str, str, Mapping[str, Any]]],
    address: str,
    token: bytes,
    greeting: float = 10.0,
) -> bytes:
    """What the hub reads at its start. A resource's number for clients is its place here.

    `greeting` is in seconds: who connects and has not shown the token by then is shown out.
    """
    from scenarios.wire import payload

    declared = []
    for name, section, keys in resources:
        plain = dict(keys)
        if section == "values":
            plain["init"] = b"".join(payload.dump(plain.get("init")))
        if section == "queues":
            plain["hold"] = "task_done" if plain.get("ack") == "task_done" else "ack"
        declared.append((name, section, plain))
    data = marshal.dumps(
        {"address": address, "token": token, "greeting": greeting, "resources": declared}
    )
    return len(data).to_bytes(LENGTH, "little") + data


def argv() -> list[str]:
    """The hub's command. It finds this package by itself and needs no environment."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    start = f"import sys; sys.path.insert(0, {root!r}); from scenarios.hub.process import main"
    return [sys.executable, "-I", "-c", f"{start}; main()"]
