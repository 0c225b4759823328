"""The hub's process: reads its configuration, serves, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import signal
import traceback
from typing import Any, cast

from scenarios import hub
from scenarios.hub import whereabouts
from scenarios.hub.server import END, Server

KEPT = 64 << 20
"""Bytes that the hub keeps for items to come."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""glibc's numbers, from malloc.h."""


def _configuration() -> dict[str, Any]:
    length = int.from_bytes(_exactly(hub.LENGTH), "little")
    return cast("dict[str, Any]", marshal.loads(_exactly(length)))


def _exactly(size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(END, size - len(data))
        if not part:
            raise SystemExit("the hub got no whole configuration")
        data += part
    return data


def _more_files() -> None:
    """As many connections as the system allows: the soft limit is often 1,024."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _keep_memory() -> None:
    """Freed memory stays here: to get it anew for each large item takes as long as copying it."""
    try:
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, KEPT)
        mallopt(_TRIM_THRESHOLD, KEPT)
    except (ImportError, OSError, AttributeError):
        pass  # another C library


def main() -> None:
    """Read the configuration, say that it is ready, serve, and leave nothing behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to handle
    os.umask(0o077)
    config = _configuration()
    try:
        _more_files()
        _keep_memory()
        server = Server(config)
    except OSError as error:
        os.write(1, f"the hub cannot listen at {config['address']}: {error}\n".encode())
        raise SystemExit(1) from None

    def end(*_: object) -> None:
        whereabouts.remove(server.address)
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)  # items are acyclic, and there may be millions of them
    os.write(1, hub.READY)
    code = 0
    try:
        server.serve()
    except BaseException:
        traceback.print_exc()
        code = 70
    whereabouts.remove(server.address)
    os._exit(code)  # nothing is worth waiting for: memory of many items is freed slowly
