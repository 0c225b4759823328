"""The hub itself dies: whoever uses it ends with one clear error, wherever that finds it."""

from __future__ import annotations

import random
import time

import pytest

from hubs import PROMPT, Actor, Later, client
from scenarios.hub.launch import Hub

RESOURCES: list[tuple[str, str, dict[str, object]]] = [
    ("q", "queues", {}),
    ("bounded", "queues", {"maxsize": 2}),
    ("guard", "locks", {}),
    ("empty", "queues", {}),
    ("gate", "barriers", {"parties": 99}),
    ("bell", "conditions", {"lock": "guard2"}),
    ("guard2", "locks", {}),
    ("filled", "queues", {}),
    ("count", "values", {"init": 0}),
]

WORK = {
    "puts": 'while True: client.perform(0, "put", ("x", 1))',
    "puts large ones": 'while True: client.perform(0, "put", ("x", bytes(3_000_000)))',
    "waits for room": 'while True: client.perform(1, "put", ("x", 1))',
    "waits for an item": 'client.perform(3, "get")',
    "waits for an item with a deadline": 'client.perform(3, "get", None, 60)',
    "waits at a barrier": 'client.perform(4, "wait")',
    "waits for a notify": 'client.perform(5, "acquire"); client.perform(5, "wait")',
    "locks": 'while True: client.perform(2, "acquire"); client.perform(2, "release")',
    "asks": 'while True: client.perform(0, "size")',
    "takes items sent ahead": 'while True: client.perform(7, "get"); time.sleep(0.001)',
    "updates": 'while True: client.perform(8, "update", lambda old: old + 1)',
}

REPORT = """
from scenarios.errors import EnvironmentFault
say("up")
try:
    {work}
except EnvironmentFault as error:
    say(f"{{type(error).__name__}}: {{error}}")
"""


@pytest.mark.parametrize("seed", range(2))
def test_everybody_ends_with_one_clear_error(seed: int) -> None:
    """Killed at a random moment; within two seconds, whatever they were doing."""
    with Hub(RESOURCES) as hub:
        writer = client(hub)
        for number in range(300):
            writer.perform(7, "put", (str(number), number))
        code = {name: REPORT.format(work=f"\n    {work}".strip()) for name, work in WORK.items()}
        actors = {name: Actor(hub, text, name) for name, text in code.items()}
        for actor in actors.values():
            assert actor.line() == "up"
        time.sleep(0.05 + random.Random(seed).random() * 0.1)
        hub.process.kill()
        began = time.monotonic()
        said = {name: Later(actor.line) for name, actor in actors.items()}
        for name, line in said.items():
            assert line.result().startswith(f"HubGone: the hub at {hub.address} is gone"), name
        assert time.monotonic() - began < PROMPT
        assert {name: actor.wait() for name, actor in actors.items()} == dict.fromkeys(WORK, 0)
