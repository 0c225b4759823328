"""Thread-locals: plain attributes or one object made for each thread at its first use."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from scenarios.errors import RAISED, ScenariosError, sentence
from scenarios.worker_plan import CallPlan, LocalPlan


class Attributes(threading.local):
    """The object of a local that has attributes; each thread starts with the same values."""

    def __init__(self, start: Callable[[], Mapping[str, Any]]) -> None:
        for name, value in start().items():
            setattr(self, name, value)


class Locals:
    """The thread-locals of one worker in one process.

    `names` gives the calling thread's names for the expressions of a factory, `tell` records
    that one was opened or closed in this thread.
    """

    def __init__(
        self,
        plans: Mapping[str, LocalPlan],
        names: Callable[[], dict[str, Any]],
        tell: Callable[[str, str], None],
    ) -> None:
        self._plans = plans
        self._names = names
        self._tell = tell
        self._here = threading.local()
        self._shared: dict[str, Attributes] = {}

    def get(self, name: str) -> Any:
        """This thread's object; made now if this is its first use."""
        opened = self._opened()
        if name in opened:
            return opened[name]
        plan = self._plans[name]
        if plan.call is None:
            made: Any = self._shared.setdefault(name, Attributes(self._start(plan)))
        else:
            made = call(plan.call, self._names())
        opened[name] = made
        self._tell("local_opened", name)
        return made

    def close(self) -> list[str]:
        """Close what this thread opened, the last first; the errors that it met."""
        opened = self._opened()
        errors = []
        for name in reversed(list(opened)):
            method = self._plans[name].close
            try:
                if method is not None:
                    getattr(opened[name], method)()
            except RAISED as error:
                errors.append(f"local {name}: {method} failed: {sentence(error)}")
            else:
                self._tell("local_closed", name)
        opened.clear()
        return errors

    def _opened(self) -> dict[str, Any]:
        opened: dict[str, Any] | None = getattr(self._here, "opened", None)
        if opened is None:
            opened = self._here.opened = {}
        return opened

    def _start(self, plan: LocalPlan) -> Callable[[], Mapping[str, Any]]:
        def start() -> Mapping[str, Any]:
            return plan.attributes.evaluate(self._names()) if plan.attributes else {}

        return start


class View:
    """`local` in expressions and steps: `local.NAME.attribute` is read and set through it."""

    __slots__ = ("_locals",)

    def __init__(self, locals_: Locals) -> None:
        self._locals = locals_

    def __getitem__(self, name: str) -> Fields:
        return Fields(name, self._locals.get(name))


class Fields:
    """The attributes of one thread-local object."""

    __slots__ = ("_name", "_object")

    def __init__(self, name: str, object_: Any) -> None:
        self._name = name
        self._object = object_

    def __getitem__(self, attribute: str) -> Any:
        try:
            return getattr(self._object, attribute)
        except AttributeError:
            raise ScenariosError(f"local.{self._name} has no attribute {attribute!r} yet") from None

    def __setitem__(self, attribute: str, value: Any) -> None:
        setattr(self._object, attribute, value)


def itself(value: Any) -> Any:
    """The thread-local object, where a call is handed `local.NAME`."""
    return value._object if value.__class__ is Fields else value


def resolve(target: str) -> Any:
    """The object that "module:attribute" names."""
    module_name, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        missing = error.name or module_name
        raise ScenariosError(
            f"{target} cannot be imported: {error}; install {missing!r} or put it beside the file"
        ) from error
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            place = getattr(sys.modules[module_name], "__file__", None) or "built in"
            raise ScenariosError(
                f"{target}: module {module_name!r} ({place}) has no {part!r}"
            ) from None
    return found


def call(plan: CallPlan, names: dict[str, Any]) -> Any:
    """Call a planned callable with its arguments made from these names."""
    args = plan.args.evaluate(names) if plan.args is not None else []
    kwargs = plan.kwargs.evaluate(names) if plan.kwargs is not None else {}
    return resolve(plan.target)(*args, **kwargs)
