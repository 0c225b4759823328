"""What a new process does first: its own session, files and signals, then a program or an entry.

Runs in the child between fork and exec, or between fork and the end of a worker. Nothing here
returns to the spawner's loop.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import importlib
import marshal
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, NoReturn, TextIO

from scenarios.supervision import linux, marks

CHANNEL = 3  # the descriptor on which a worker finds its channel


def begin(
    request: Mapping[str, Any], files: Mapping[int, int], parent: int, trouble: int
) -> NoReturn:
    """Become the child that `request` describes; `files` maps its descriptors to the spawner's.

    What cannot be done is written to `trouble`, a close-on-exec pipe, as (stage, errno, name).
    """
    stage, name = "start", ""
    try:
        os.setsid()  # no signal of a terminal, no terminal to ask, and a group that cannot be left
        linux.die_with(parent)
        _signals(command=request["entry"] is None)
        trouble = _arrange(files, trouble, inherit=request["entry"] is None)
        stage, name = "cwd", request["cwd"] or ""
        if request["cwd"] is not None:
            os.chdir(request["cwd"])
        stage, name = "start", ""
        os.environ.update(request["env"])
        if request["entry"] is None:
            stage, name = "program", request["argv"][0]
            os.execvp(name, request["argv"])
        marks.wear(request["env"][marks.CHILD])
        _close_others({*files, trouble})
        bundle = _take(CHANNEL + 1)
    except BaseException as error:
        number = getattr(error, "errno", None) or 0
        # Within what a pipe takes in one piece.
        os.write(trouble, marshal.dumps((stage, number, name[:800], str(error)[:800])))
        os._exit(127)
    os.close(trouble)
    run(request["entry"], bundle)


def _signals(command: bool) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if command:  # handlers go by themselves at exec, what Python ignores does not
        for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
    else:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _arrange(files: Mapping[int, int], trouble: int, inherit: bool) -> int:
    """Put each file at its number and return the new number of `trouble`.

    A program inherits all of them, what a worker starts only the standard ones.

    First all are copied above every number that is wanted, since the sources may stand in the way.
    """
    above = max(files) + 1
    copies = {wanted: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above) for wanted, fd in files.items()}
    moved = fcntl.fcntl(trouble, fcntl.F_DUPFD_CLOEXEC, above)
    for wanted, copy in copies.items():
        os.dup2(copy, wanted, inheritable=inherit or wanted <= 2)
    return moved


def _close_others(keep: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(name))


def _take(fd: int) -> bytes:
    with open(fd, "rb") as file:
        return file.read()


def fresh(setup: Mapping[str, Any]) -> NoReturn:
    """The same for a worker in a fresh interpreter, whose files are in place already."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run(setup["entry"], setup["bundle"])


def run(entry: str, bundle: bytes) -> NoReturn:
    """Call `entry` ("module:function") with bundle and channel; end as a Python program ends."""
    code = 1
    try:
        _standard_files()
        module, _, function = entry.partition(":")
        code = _exit_code(getattr(importlib.import_module(module), function)(bundle, CHANNEL))
    except SystemExit as error:
        code = _exit_code(error.code)
    except KeyboardInterrupt as error:
        _show(error)
        _wind_up(code)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException as error:
        _show(error)
    os._exit(_wind_up(code))


def _standard_files() -> None:
    """New file objects: those of the spawner were made for files of another kind.

    Output that is captured is UTF-8, and written line by line: a killed worker's last words count.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        encoding = "utf-8" if fd and not os.isatty(fd) else None
        file = _open(fd, encoding)
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)


def _open(fd: int, encoding: str | None) -> TextIO:
    if fd == 0:
        return open(fd, closefd=False)
    return open(fd, "w", 1, encoding, "backslashreplace", closefd=False)


def _exit_code(value: Any) -> int:
    """As the interpreter does with the argument of `sys.exit`."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    print(value, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """The traceback on standard error, without this module's frame."""
    trace = error.__traceback__
    error.__traceback__ = trace.tb_next if trace else None
    with contextlib.suppress(BaseException):  # nobody is left to tell
        sys.excepthook(type(error), error, error.__traceback__)


def _wind_up(code: int) -> int:
    """What an interpreter does before it ends: other threads, exit functions, buffers."""
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        atexit._run_exitfuncs()
    except BaseException as error:
        _show(error)
    for file in (sys.stdout, sys.stderr):
        try:
            file.flush()
        except (OSError, ValueError, AttributeError):
            code = code or 120  # the interpreter's own code for it
    return code
