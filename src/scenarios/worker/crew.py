"""One attempt of one worker in this process: its threads, its names, and the run of its program."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from scenarios.answers import STOP, Failed, failed
from scenarios.errors import RAISED, ScenariosError, Stopped, sentence
from scenarios.event import Masker, Recorder, identity
from scenarios.expressions import copied, plain, prepare
from scenarios.journal import Segment
from scenarios.program import FAILS, RETURNS, STOPS, Frame, Operation, advance
from scenarios.resources.live import KINDS
from scenarios.worker import capture, forks
from scenarios.worker.access import Access
from scenarios.worker.locals import Locals, View, itself, resolve
from scenarios.worker.performer import Performer
from scenarios.worker_plan import Outcome, Setting, WorkerPlan

Observe = Callable[[bytes], None]
RunCommand = Callable[[Sequence[str], "str | None", "float | None", Performer], Any]


class Crew:
    """The threads that act for one worker. `label` is unique among all attempts of the run."""

    def __init__(
        self,
        plan: WorkerPlan,
        setting: Setting,
        label: str,
        access: Access,
        run_command: RunCommand,
        observe: Observe | None = None,
    ) -> None:
        self.plan = plan
        self.setting = setting
        self.label = label
        self._pid = os.getpid()
        self._access = access
        self._run_command = run_command
        self._observe = observe
        self._here = threading.local()
        self._mutex = threading.Lock()
        self._performers: dict[int, tuple[Performer, Segment]] = {}
        self._made = 0
        self._stopped = self._killed = False
        self._locals = Locals(setting.locals, self._names_here, self._tell_local)
        self._live = self._live_objects()
        _crews.add(self)
        self._by_verb = {
            "log": self._log,
            "sleep": self._sleep,
            "call": self._call,
            "run": self._run,
        }

    # -- threads -------------------------------------------------------------------------------

    def here(self) -> Performer:
        """The performer of the calling thread, made at its first operation."""
        try:
            return self._here.performer  # type: ignore[no-any-return]
        except AttributeError:
            performer = self._here.performer = self._open()
            return performer

    def stop(self, *, kill: bool = False) -> None:
        """Ask all threads of this worker to end; takes no lock, since signal handlers call it."""
        self._killed = self._killed or kill
        self._stopped = True
        for performer, _ in list(self._performers.values()):
            performer.stop(kill=kill)

    def waits(self) -> list[tuple[str, Operation | None, str | None]]:
        """(label, what it does, the resource of this process on which it is parked)."""
        waits = []
        for performer, _ in list(self._performers.values()):
            driver = performer.party.parked
            waits.append((performer.label, performer.doing, driver.name if driver else None))
        return waits

    def leave(self, died: bool = False) -> list[str]:
        """The calling thread is done: close its locals, its ports and its segment."""
        errors = self._locals.close()
        with self._mutex:
            performer, segment = self._performers.pop(threading.get_ident(), (None, None))
        if performer is not None and segment is not None:
            self._access.close(performer, died)
            self._close(performer, segment)
            del self._here.performer
            self._here.end = None
        return errors

    def _close(self, performer: Performer, segment: Segment) -> None:
        if segment.dropped:
            performer.recorder.tell("events_lost", count=segment.dropped, error=segment.trouble)
        segment.close()

    def in_code(self) -> bool:
        """Whether the calling thread runs the worker's own code; may be asked by a handler."""
        performer = getattr(self._here, "performer", None)
        return performer is not None and performer.in_code

    def _gone(self, ident: int, performer: Performer) -> None:
        """A thread that the worker's code had started has ended without a word."""
        with self._mutex:
            if self._performers.get(ident, (None,))[0] is not performer:
                return
            _, segment = self._performers.pop(ident)
        self._access.close(performer)
        self._close(performer, segment)

    def forked(self) -> None:
        """In a forked child: its one thread is another party than the one it was copied from."""
        self._mutex = threading.Lock()  # a thread that is not here may have held it
        here = self._performers.get(threading.get_ident())
        self._performers = {}
        self.label = f"{self.label}.{os.getpid()}"
        if here is not None:
            self._performers[threading.get_ident()] = here
            here[0].label = f"{here[0].label}.{os.getpid()}"
            here[0].recorder.forked()

    def event(self, event: str, **fields: Any) -> None:
        """Record an event of the calling thread."""
        self.here().recorder.event(event, **fields)

    def _open(self) -> Performer:
        plan, setting = self.plan, self.setting
        with self._mutex:
            number = self._made
            self._made += 1
            label = f"{self.label}#{number}" if number else self.label
            segment = Segment(
                os.path.join(setting.journal, f"{label}.{os.getpid()}.jsonl"),
                # before it is too late: who is killed tells no number
                lambda why: recorder.tell("events_lost", error=why),
            )
            recorder = Recorder(
                segment,
                identity(plan.name, plan.replica),
                Masker(setting.secrets),
                self._observe,
                setting.verbose,
            )
            performer = Performer(
                label,
                recorder,
                lambda name: self._access.open(performer, name),
                self._by_verb,
                plan.seed + number,
            )
            me = threading.get_ident()
            self._performers[me] = performer, segment
            self._here.end = _AtEnd(lambda: self._gone(me, performer))
        if self._stopped:
            performer.stop(kill=self._killed)
        return performer

    # -- running -------------------------------------------------------------------------------

    def run(self, job: tuple[int, Any] | None = None) -> Outcome:
        """Run the worker's steps or call once, for one job where it has jobs."""
        performer = self.here()
        if job is not None:
            performer.recorder.identify(**identity(self.plan.name, self.plan.replica, job[0]))
        names = self._here.names = self.names(job)
        try:
            if self.plan.call is not None:
                return self._run_call(performer, names)
            return self._run_steps(performer, names)
        except Stopped:
            return Outcome("terminated")
        except SystemExit as error:
            return _exited(error)
        except KeyboardInterrupt:
            raise  # a process ends by it, as any Python program does
        except BaseException as error:
            text = str(error) if isinstance(error, ScenariosError) else sentence(error)
            return Outcome("failed", None, text, self.plan.line, traceback.format_exc())
        finally:
            if job is not None:
                performer.recorder.identify(**identity(self.plan.name, self.plan.replica))

    def _run_steps(self, performer: Performer, names: dict[str, Any]) -> Outcome:
        assert self.plan.program is not None
        frame = Frame(self.plan.program, names)
        perform = performer.perform
        operation = advance(frame)
        while operation is not None:
            operation = advance(frame, perform(operation, frame.argument, frame.timeout))
        end = frame.end
        assert end is not None
        if end.why == FAILS:
            return Outcome("failed", None, end.value, end.line, end.traceback)
        if end.why == STOPS:
            return Outcome("terminated")
        return Outcome("succeeded", end.value if end.why == RETURNS else None)

    def _run_call(self, performer: Performer, names: dict[str, Any]) -> Outcome:
        planned = self.plan.call
        assert planned is not None
        args = planned.args.evaluate(names) if planned.args is not None else []
        kwargs = planned.kwargs.evaluate(names) if planned.kwargs is not None else {}
        operation = Operation("call", "call", line=self.plan.line, detail=planned.target)
        answer = performer.perform(operation, (args, kwargs))
        if answer is STOP:
            return Outcome("terminated")
        if isinstance(answer, Failed):
            if isinstance(answer.error, SystemExit):
                return _exited(answer.error)
            return Outcome("failed", None, answer.text, self.plan.line, answer.traceback)
        try:
            return Outcome("succeeded", plain(answer))
        except ScenariosError as error:
            return Outcome("succeeded", note=f"its result stayed in the worker: {error}")

    # -- operations that touch no resource ------------------------------------------------------

    def _log(self, operation: Operation, argument: Any, _: float | None) -> Any:
        message, fields = argument if operation.second is not None else (argument, None)
        self.here().recorder.event(
            "log",
            level=operation.detail or "info",
            message=message if isinstance(message, str) else str(message),
            fields=fields or None,
            line=operation.line,
        )
        return True

    def _sleep(self, operation: Operation, argument: Any, _: float | None) -> Any:
        performer = self.here()
        low, high = argument if isinstance(argument, tuple) else (argument, argument)
        for bound in (low, high):
            if isinstance(bound, bool) or not isinstance(bound, int | float) or bound < 0:
                return Failed(f"sleep needs seconds from 0, not {bound!r}")
        return performer.sleep(low if low == high else performer.random.uniform(low, high))

    def _call(self, operation: Operation, argument: Any, _: float | None) -> Any:
        args, kwargs = argument
        try:
            target = self._target(operation.detail)
            capture.watch_logging()
            performer = self.here()
            try:
                performer.in_code = True
                return target(
                    *map(itself, args), **{name: itself(value) for name, value in kwargs.items()}
                )
            finally:
                performer.in_code = False
                if os.getpid() != self._pid:
                    forks.end()
        except ScenariosError as error:
            return Failed(str(error), traceback.format_exc() if error.__cause__ else "")
        except RAISED as error:
            return failed(error)

    def _target(self, name: str) -> Any:
        if not name.startswith("local."):
            return resolve(name)
        _, local, *path = name.split(".")
        found = self._locals.get(local)
        for part in path:
            try:
                found = getattr(found, part)
            except AttributeError:
                kind = type(found).__name__
                raise ScenariosError(f"local.{local} is a {kind} and has no {part!r}") from None
        return found

    def _run(self, operation: Operation, argument: Any, timeout: float | None) -> Any:
        words, stdin = argument if operation.second is not None else (argument, None)
        words = [word if isinstance(word, str) else str(word) for word in words]
        return self._run_command(words, stdin, timeout, self.here())

    # -- names ---------------------------------------------------------------------------------

    def names(self, job: tuple[int, Any] | None = None) -> dict[str, Any]:
        """The names of the worker's expressions in the calling thread."""
        plan, setting = self.plan, self.setting
        names: dict[str, Any] = {}
        prepare(names)
        names.update(self._live)
        names["vars"] = setting.vars
        names["matrix"] = setting.matrix
        names["worker"] = {
            "name": plan.name,
            "replica": plan.replica,
            "pid": os.getpid(),
            "thread": threading.current_thread().name,
        }
        names["run"] = {"id": setting.run_id, "seed": setting.seed, "tmp": setting.tmp}
        names["local"] = View(self._locals)
        if job is not None:
            names["job"] = {"index": job[0], "item": copied(job[1])}
        return names

    def _names_here(self) -> dict[str, Any]:
        try:
            return self._here.names  # type: ignore[no-any-return]
        except AttributeError:
            return self.names()

    def _live_objects(self) -> dict[str, dict[str, Any]]:
        def does(name: str, word: str, verb: str, argument: Any, timeout: float | None) -> Any:
            return self.here().does(name, word, verb, argument, timeout)

        live: dict[str, dict[str, Any]] = {section: {} for section in KINDS}
        for name, section, declared in self.setting.resources:
            live[section][name] = KINDS[section](name, does, dict(declared))
        if self.setting.locals:
            live["locals"] = LocalObjects(self._locals)  # type: ignore[assignment]
        return live

    def _tell_local(self, event: str, name: str) -> None:
        self.event(event, object=name)


_crews: WeakSet[Crew] = WeakSet()


def _after_fork() -> None:
    for crew in list(_crews):
        crew.forked()


os.register_at_fork(after_in_child=_after_fork)


class _AtEnd:
    """Kept in a thread's own storage: calls back when the thread is gone.

    Not in a forked child, which drops the storage of all threads but one: they live on here.
    """

    __slots__ = ("_call", "_process")

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._process = os.getpid()

    def __del__(self) -> None:
        if self._process == os.getpid():
            self._call()


class LocalObjects:
    """`locals` in a call's arguments: the thread-local object itself."""

    def __init__(self, locals_: Locals) -> None:
        self._locals = locals_

    def __getitem__(self, name: str) -> Any:
        return self._locals.get(name)


def _exited(error: SystemExit) -> Outcome:
    """As the interpreter does with SystemExit: None is 0, a number itself, anything else 1."""
    if error.code is None or error.code == 0:
        return Outcome("succeeded", exit_code=0)
    code = error.code if isinstance(error.code, int) else 1
    return Outcome("failed", None, f"exited with {error.code!r}", exit_code=code & 0xFF)
