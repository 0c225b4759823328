"""The frames between the hub and its clients: a header of 12 bytes and a body.

A request's header says how long the body is, its kind, the verb's code, the resource's number and
the request's own number; a reply repeats the request's number. All of it is little-endian.

    client                                hub
    HELLO token, who, pid            ->   WELCOME the resources (or the end of the connection)
    TELL  a put, an acknowledgement  ->   -
    ASK   an operation               ->   an answer, perhaps much later
    TRY   an operation               ->   an answer at once
    EXPIRE, STOP a request's number  ->   -   (the request itself is answered, if it was not yet)
    BYE                              ->   -   (a connection that ends without it has died)

A large item's answer says in the resource's place how long its identity and the first byte of its
payload are together. A client sends nothing before its WELCOME, and has one request under way at
a time. What a frame cannot be is a reason to end its connection, and harms no other.

An item that its taker has to acknowledge comes as CLAIM, or as the first of a LOT: it is
acknowledged by reading one byte of the pipe that came with a LANE before. The further items of a
LOT are still in the queue: each is taken and acknowledged at once by reading one byte more, and a
pipe found empty says that the hub has taken them back (see `scenarios.hub.lanes`). Without a
LANE an item comes as ITEM and is acknowledged by an `ack`.
"""

from __future__ import annotations

import marshal
from array import array
from struct import Struct
from typing import Any

from scenarios.answers import Refused

HEADER = Struct("<IBBHI")
HEADER_SIZE = HEADER.size

MAX_BODY = 1 << 30
"""Bytes. An item has to fit in memory several times over; beyond this it belongs in a file."""

MAX_PAYLOAD = MAX_BODY - 256
"""Bytes of a pickled item or value, beside its identity or version."""

MAX_HELLO = 4096
"""Bytes of a HELLO: the most that is read from one who has not shown the token."""

AHEAD = 1 << 19
"""Bytes that the kernel is asked to take for a receiver that is not there yet (it takes twice as
many): a large item then moves in few pieces, each of which would cost a change of process. Much
more is slower again, as no memory is used twice."""

# what a client sends
HELLO, TELL, ASK, TRY, EXPIRE, STOP, BYE = range(1, 8)
# what the engine's own connection may send as well
SNAPSHOT, STATISTICS, SHUTDOWN = range(16, 19)
# what the hub answers
WELCOME, PLAIN, ITEM, PAYLOAD, VERSIONED, REFUSED, STOPPED, FAULT = range(32, 40)
LANE, CLAIM, LOT = range(40, 43)

VERBS = (
    "put", "get", "ack", "give_back", "size", "task_done", "join",
    "acquire", "release", "locked", "count",
    "wait", "notify", "reset", "abort", "state",
    "set", "clear", "read", "write", "read_version", "swap",
    "shutdown",
)  # fmt: skip
CODES = {verb: code for code, verb in enumerate(VERBS)}

# how an argument travels; every other verb has none
IDENTITY, NUMBER = "identity", "number"
ARGUMENTS: dict[tuple[str, str], int | str] = {
    ("queues", "put"): ITEM,
    ("queues", "ack"): IDENTITY,
    ("queues", "give_back"): IDENTITY,
    ("queues", "shutdown"): NUMBER,
    ("semaphores", "release"): NUMBER,
    ("conditions", "notify"): NUMBER,
    ("values", "write"): PAYLOAD,
    ("values", "swap"): VERSIONED,
}
# how an answer travels; every other is PLAIN
ANSWERS = {
    ("queues", "get"): ITEM,
    ("values", "read"): PAYLOAD,
    ("values", "read_version"): VERSIONED,
}

VERSION = Struct("<Q")
COUNT = Struct("<q")
CREDENTIALS = Struct("3i")
"""pid, uid, gid, as SO_PEERCRED gives them."""

Declared = tuple[str, str, dict[str, Any]]
"""name, section and the keys of the format; a resource's number is its place in the list."""


class Malformed(Exception):
    """A frame that no client of ours sends."""


def frame(kind: int, body: bytes = b"", *, code: int = 0, index: int = 0, number: int = 0) -> bytes:
    """One whole frame."""
    return HEADER.pack(len(body), kind, code, index, number) + body


def hello(token: bytes, who: str, pid: int) -> bytes:
    """The body of a HELLO."""
    name = who.encode("utf-8", "surrogatepass")[:1024]
    return bytes([len(token)]) + token + COUNT.pack(pid) + name


def read_hello(body: bytes) -> tuple[bytes, str, int]:
    """token, who and pid of a HELLO."""
    end = 1 + body[0] if body else 0
    if not body or len(body) < end + COUNT.size:
        raise Malformed("a hello that is too short")
    (pid,) = COUNT.unpack_from(body, end)
    return body[1:end], body[end + COUNT.size :].decode("utf-8", "replace"), pid


_LENGTHS = [bytes([length]) for length in range(256)]


def identity(text: str) -> bytes:
    """An item's identity as its length and bytes; at most 255 bytes of UTF-8."""
    data = text.encode()
    if len(data) > 255:
        raise ValueError(f"an item's identity has at most 255 bytes, not {len(data)}")
    return _LENGTHS[len(data)] + data


def read_identity(body: bytes | bytearray) -> bytes:
    """The identity at the start of an item, as bytes."""
    if not body or len(body) <= body[0]:
        raise Malformed("an item without its identity")
    return bytes(body[1 : 1 + body[0]])


def lot(bodies: list[bytes | bytearray]) -> bytes:
    """The body of a LOT: how many items, the size of each, the items."""
    sizes = array("I", [len(bodies), *map(len, bodies)])
    return sizes.tobytes() + b"".join(bodies)


def read_lot(body: bytes | memoryview) -> tuple[list[int], int]:
    """The sizes of a lot's items, last first, and where the first begins."""
    words = memoryview(body)[:4].cast("I")[0] + 1
    sizes = memoryview(body)[4 : 4 * words].cast("I").tolist()
    sizes.reverse()
    return sizes, 4 * words


def refused(answer: Refused) -> bytes:
    """The body of a REFUSED."""
    return marshal.dumps((answer.reason, answer.detail))


def read_refused(body: bytes | memoryview) -> Refused:
    """The refusal in the body of a REFUSED."""
    reason, detail = marshal.loads(body)
    return Refused(reason, detail)


def tells(section: str, declared: dict[str, Any]) -> bool:
    """Whether a put into this resource can be neither full nor refused, so that nobody waits."""
    return (
        section == "queues"
        and not declared.get("maxsize")
        and not declared.get("sync")
        and declared.get("kind", "fifo") != "priority"
    )
