"""The one place where an operation is performed: recorded, stopped, and sent to its resource.

A performer belongs to one thread of one worker. Steps come here from the worker's loop, live
objects from whatever code was handed them.
"""

from __future__ import annotations

import contextlib
import random
import time
from _thread import allocate_lock
from collections.abc import Callable, Mapping
from typing import Any

from scenarios.answers import STOP, Failed, Refused, failed
from scenarios.errors import RAISED, ScenariosError, Stopped
from scenarios.event import Recorder, encoded, next_number, quoted
from scenarios.expressions import copied
from scenarios.program import Operation
from scenarios.resources.driver import Party

now = time.monotonic_ns
LONGEST_NAP = 3600.0  # seconds; longer sleeps are several naps, since a lock's wait is bounded

Port = Callable[[str, Any, float | None], Any]
"""Performs (verb, argument, timeout) on one resource for one thread."""


class Performer:
    """Performs operations for one thread; `label` makes the identities of its items unique.

    `local` performs what touches no resource: sleep, log, call and run, by verb.
    """

    def __init__(
        self,
        label: str,
        recorder: Recorder,
        open_port: Callable[[str], Port],
        local: Mapping[str, Callable[[Operation, Any, float | None], Any]],
        seed: int,
    ) -> None:
        self.label = label
        self.recorder = recorder
        self.party = Party(label)
        self.random = random.Random(seed)
        self.ports: dict[str, Port] = {}
        self.interrupts: list[Callable[[], None]] = [self.party.interrupt]
        self.resumes: list[Callable[[], None]] = []
        self.stopped = False  # somebody asked this thread to end
        self.told = False  # and the worker knows: what it does now is clean-up
        self.killed = False  # not even clean-up goes on
        self.in_code = False  # the user's code runs, which only an exception can end
        self.doing: Operation | None = None
        self._open_port = open_port
        self._local = local
        self._items = 0
        self._nap = allocate_lock()
        self._nap.acquire()
        self._live: dict[tuple[str, str], Operation] = {}

    def stop(self, *, kill: bool = False) -> None:
        """Ask the thread to end at its next operation or inside its wait.

        Its clean-up still runs, unless `kill`. Called from another thread or a signal handler.
        """
        self.killed = self.killed or kill
        self.stopped = True
        with contextlib.suppress(RuntimeError):  # not napping: the token is there already
            self._nap.release()
        for interrupt in self.interrupts:
            interrupt()

    def perform(self, operation: Operation, argument: Any, timeout: float | None = None) -> Any:
        """The answer to an operation: its value, a Refused, a Failed or STOP."""
        verb = operation.verb
        if verb == "log":  # it belongs to the operation before it: no stop comes in between
            return self._local[verb](operation, argument, timeout)
        if self.stopped and (self.killed or not self.told):
            return self._tell()
        self.doing = operation
        recorder = self.recorder
        invoke, done = recorder.heads(operation)
        item = ""
        if verb == "put":
            self._items += 1
            item = f"{self.label}:{self._items}"
            value = f',"value":{encoded(argument)},"item":{quoted(item)}'
            argument = item, argument
        elif argument is None or operation.second is not None or verb == "call":
            value = ""
        else:
            value = f',"value":{encoded(argument)}'
        recorder.operation(f'{{"time":{now()},"seq":{next_number()},{invoke}{value}}}\n')
        kind, value = "ok", ""
        try:
            if operation.section:
                port = self.ports.get(operation.object) or self._port(operation.object)
                answer = port(verb, argument, timeout)
                if answer is STOP:
                    self._tell()
            else:
                answer = self._local[verb](operation, argument, timeout)
            if answer is not True or item:
                answer, kind, value = told(verb, answer, item)
        except Stopped:
            answer, kind, value = told(verb, self._stopped(operation, argument, timeout), item)
        except ScenariosError as error:
            answer, kind, value = told(verb, Failed(str(error)), item)
        except RAISED as error:  # by an item's own code, as it was made bytes or an object again
            answer, kind, value = told(verb, failed(error), item)
        recorder.operation(
            f'{{"time":{now()},"seq":{next_number()},"event":"{kind}",{done}{value}}}\n'
        )
        return answer

    def does(self, name: str, word: str, verb: str, argument: Any, timeout: float | None) -> Any:
        """Perform for a live object; `word` is the operation's name in the log."""
        operation = self._live.get((name, word))
        if operation is None:
            operation = self._live[name, word] = Operation(word, verb, "live", name)
        was, self.in_code = self.in_code, False
        try:
            return self.perform(operation, argument, timeout)
        finally:
            self.in_code = was

    def sleep(self, seconds: float) -> Any:
        """Sleep, or STOP when the thread is asked to end."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._nap.acquire(timeout=min(left, LONGEST_NAP)) and (self.killed or not self.told):
                return self._tell()
        return True

    def _tell(self) -> Any:
        """From here on the worker cleans up: its waits are waits again, unless it is killed."""
        self.told = True
        self.party.stopped = self.killed
        if not self.killed:
            for resume in self.resumes:
                resume()
        return STOP

    def _port(self, name: str) -> Port:
        port = self.ports[name] = self._open_port(name)
        return port

    def _stopped(self, operation: Operation, argument: Any, timeout: float | None) -> Any:
        """A port or the user's code was interrupted: STOP, unless the worker knows already."""
        if self.told and not self.killed and operation.section:
            return self.ports[operation.object](operation.verb, argument, timeout)
        return self._tell()


def told(verb: str, answer: Any, item: str) -> tuple[Any, str, str]:
    """Of an answer: (what the worker gets, the event's name, the end of its line)."""
    kind = answer.__class__
    if kind is Refused:
        return answer, "fail", f',"error":{quoted(answer.detail or answer.reason)}'
    if kind is Failed:
        return answer, "fail", f',"error":{quoted(answer.text)}'
    if answer is STOP:
        return answer, "fail", ',"error":"stopped"'
    if verb == "get":
        identity, payload = answer
        payload = copied(payload)  # one that is delivered once more is as it was put
        return payload, "ok", f',"value":{encoded(payload)},"item":{quoted(identity)}'
    if verb == "put":
        return answer, "ok", f',"item":{quoted(item)}'
    if verb == "update":
        old, new = answer
        return old, "ok", f',"value":{encoded(new)},"old":{encoded(old)}'
    if verb == "read":
        answer = copied(answer)
    if answer is True:
        return answer, "ok", ""
    return answer, "ok", f',"value":{encoded(answer)}'
