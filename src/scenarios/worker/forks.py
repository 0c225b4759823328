"""The end of a process that a worker's code has forked and that comes back from that code.

It is not the worker: what follows is the worker's own to do, once.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

from scenarios.worker import capture


def end() -> NoReturn:
    """End it as a Python program ends; the exception under way is told on standard error."""
    error = sys.exception()
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else bool(error.code)
    elif error is not None:
        code = 1
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    if capture.owns_process():  # in the engine's process another thread may have held its locks
        capture.flush()
    os._exit(code & 0xFF)
