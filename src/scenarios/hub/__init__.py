"""The process that owns every resource shared across processes: how it is configured and started.

    address, token = hub.private_address(), secrets.token_bytes(32)
    process = <start hub.argv() with pipes>
    write hub.configuration(resources, address, token) to its standard input, and keep that open
    read one line from its standard output: b"ready\\n", or what is wrong

The hub ends at the end of file of its standard input, which is how it learns that the engine is
gone, and removes the socket and its folder.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

LENGTH = 4
"""Bytes of the configuration's length, little-endian, before it."""

READY = b"ready\n"

_LONGEST_PATH = 100
"""Bytes that surely fit in a socket's address (108 on Linux, 104 elsewhere)."""


def private_address() -> str:
    """The path of a socket to be, in a new folder that only this user can enter.

    A path and not an abstract address: nobody else can even try to connect, and it works where
    network namespaces differ and outside of Linux.
    """
    import tempfile  # not here for the hub's own start

    folder = tempfile.mkdtemp(prefix="scenarios-")
    if len(os.fsencode(folder)) > _LONGEST_PATH - 4:
        os.rmdir(folder)
        folder = tempfile.mkdtemp(prefix="scenarios-", dir="/tmp")
    return f"{folder}/hub"


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


def remove(address: str) -> None:
    """Remove the socket and its folder; the engine does it where the hub was killed."""
    with contextlib.suppress(OSError):
        os.unlink(address)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(address))
