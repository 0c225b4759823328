"""Between a command's pipes and queues: lines become items, items lines.

Each runs on a thread of its own, whose performer puts or gets. Neither outlives the command for
long, though a process that the command has left may hold the pipes open for ever.
"""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

from scenarios.answers import STOP, Failed, Refused
from scenarios.errors import RAISED, sentence
from scenarios.program import Operation
from scenarios.supervision.host import LAST_WORDS
from scenarios.worker.performer import Performer

_CHUNK = 1 << 16
_LAST_BYTES = 1 << 22  # taken after the last words: more than any pipe holds


class Ended:
    """The end of a command as a descriptor that any number of threads may poll."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe2(os.O_CLOEXEC)

    def tell(self) -> None:
        """The command has ended: the descriptor is readable from now on."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1

    def close(self) -> None:
        """Nobody polls it any more."""
        self.tell()
        os.close(self.fd)


def put_lines(performer: Performer, queue: str, line: int, read: int, ended: Ended) -> str | None:
    """Put each line that comes out of `read`, which is closed here; why that failed, if it did."""
    put = Operation("put", "put", "queues", queue, line=line)
    rest = b""
    with os.fdopen(read, "rb", 0) as pipe:
        for data in _pieces(pipe.fileno(), ended):
            *lines, rest = (rest + data).split(b"\n")
            for one in lines:
                problem = _put(performer, put, one)
                if problem is not None:
                    return problem or None
    return (_put(performer, put, rest) or None) if rest else None


def _put(performer: Performer, put: Operation, line: bytes) -> str | None:
    """None when it is put; else why not, "" for a stop."""
    answer = performer.perform(put, line.decode("utf-8", "replace"))
    if answer is STOP:
        return ""
    if isinstance(answer, Refused | Failed):
        detail = answer.text if isinstance(answer, Failed) else answer.detail
        return f"put {put.object}: {detail}"
    return None


def _pieces(read: int, ended: Ended) -> Any:
    """What comes out of a pipe, until its end or shortly after the end of the command."""
    poll = select.poll()
    poll.register(read, select.POLLIN)
    poll.register(ended.fd, select.POLLIN)
    deadline, left = None, _LAST_BYTES
    while left > 0:
        patience = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        ready = {fd for fd, _ in poll.poll(patience)}
        if ended.fd in ready:
            poll.unregister(ended.fd)
            deadline = time.monotonic() + LAST_WORDS
        if read in ready:
            data = os.read(read, _CHUNK)
            if not data:
                return
            if deadline is not None:
                left -= len(data)
            yield data
        elif deadline is not None and time.monotonic() >= deadline:
            return


def feed(performer: Performer, queue: str, line: int, write: int, ended: Ended) -> str | None:
    """Write each item of a queue as a line to `write`, until the performer is stopped.

    Then what is left in the queue is written, too: nobody puts any more. Why it failed, if it did.
    """
    get = Operation("get", "get", "queues", queue, line=line)
    limit: float | None = None
    os.set_blocking(write, False)
    try:
        while True:
            item = performer.perform(get, None, limit)
            if item is STOP and limit is None:
                limit = 0.0
                continue
            if item is STOP or isinstance(item, Refused):
                return None
            if isinstance(item, Failed):
                return f"get {queue}: {item.text}"
            text = text_of(item)
            if not _written(write, text.encode() + b"\n", ended):
                return None
    except RAISED as error:
        return f"get {queue}: no line can be made of an item: {sentence(error)}; put text or data"
    finally:
        os.close(write)


def _written(write: int, data: bytes, ended: Ended) -> bool:
    """Whether the command took it; it may have ended, or closed its input."""
    poll = select.poll()
    poll.register(write, select.POLLOUT)
    poll.register(ended.fd, select.POLLIN)
    view = memoryview(data)
    while view:
        ready = {fd for fd, _ in poll.poll()}
        if ended.fd in ready:
            return False
        try:
            view = view[os.write(write, view) :]
        except BlockingIOError:
            continue
        except OSError:
            return False
    return True


def text_of(item: Any) -> str:
    """Text as it is, all else as JSON."""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
