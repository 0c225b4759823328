import pytest

from scenarios.answers import Refused
from scenarios.resources.machines import make
from scenarios.wire import frames

SECTIONS = {
    "queues": {},
    "locks": {},
    "semaphores": {},
    "conditions": {},
    "barriers": {"parties": 2},
    "flags": {},
    "values": {},
}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_verb_of_every_machine_can_travel(section: str) -> None:
    """A verb without a code could not be asked for; an update is made of two others."""
    verbs = set(make(section, SECTIONS[section]).verbs) - {"update"}
    assert verbs <= set(frames.CODES)


def test_a_hello_comes_back_as_it_was_said() -> None:
    """Token, name and pid, names of any characters included."""
    assert frames.read_hello(frames.hello(b"t" * 32, "wörker", 7)) == (b"t" * 32, "wörker", 7)


@pytest.mark.parametrize("body", [b"", b"\x05abc", b"\x00", b"\x20" + b"t" * 32 + b"1234567"])
def test_a_short_hello_is_malformed(body: bytes) -> None:
    """Whatever is cut off."""
    with pytest.raises(frames.Malformed):
        frames.read_hello(body)


def test_an_identity_knows_its_end() -> None:
    """It stands before the payload."""
    assert frames.read_identity(frames.identity("writer.1") + b"payload") == b"writer.1"
    with pytest.raises(frames.Malformed):
        frames.read_identity(b"\x09writer.1")
    with pytest.raises(ValueError, match="255"):
        frames.identity("x" * 256)


def test_a_refusal_keeps_reason_and_detail() -> None:
    """Both are needed for people."""
    refused = frames.read_refused(frames.refused(Refused("broken", "the barrier is broken")))
    assert (refused.reason, refused.detail) == ("broken", "the barrier is broken")


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({}, True),
        ({"kind": "lifo"}, True),
        ({"ack": "task_done"}, True),
        ({"maxsize": 0, "sync": False, "ack": "none"}, True),
        ({"maxsize": 1}, False),
        ({"sync": True}, False),
        ({"kind": "priority"}, False),
    ],
)
def test_only_a_put_that_cannot_wait_or_fail_is_told(
    declared: dict[str, object], told: bool
) -> None:
    """All others wait for the hub's answer."""
    assert frames.tells("queues", declared) is told
