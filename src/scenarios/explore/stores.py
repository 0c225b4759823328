"""The thread-locals of an actor, which tell who reads what an earlier job has set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from scenarios.errors import ScenariosError
from scenarios.explore.cut import Cut
from scenarios.program import Frame
from scenarios.program.instructions import line_of
from scenarios.resources.freezing import frozen, thawed
from scenarios.worker_plan import LocalPlan


class Strange(NamedTuple):
    """An attribute that was read though an earlier job had set it, and the line."""

    attribute: str
    line: int


class Store:
    """The thread-locals of one actor: name: attribute: (value, whether an earlier job set it).

    `frame` is the program that uses them.
    """

    __slots__ = ("_names", "_plans", "content", "frame", "strange")

    def __init__(
        self, content: dict[str, dict[str, Any]], plans: Mapping[str, LocalPlan], names: Any
    ) -> None:
        self.content = content
        self.frame: Frame | None = None
        self.strange: Strange | None = None
        self._plans = plans
        self._names = names

    def __getitem__(self, name: str) -> Attributes:
        if name not in self.content:
            plan = self._plans[name]
            if plan.call is not None:
                raise Cut(f"local.{name} is made by the Python code {plan.call.target}")
            start = plan.attributes.evaluate(self._names) if plan.attributes else {}
            self.content[name] = {key: (value, False) for key, value in start.items()}
        return Attributes(self, name)


class Attributes:
    """The attributes of one thread-local; says when an earlier job's is read."""

    __slots__ = ("_name", "_store")

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def __getitem__(self, attribute: str) -> Any:
        found = self._store.content[self._name].get(attribute)
        if found is None:
            raise ScenariosError(f"local.{self._name} has no attribute {attribute!r} yet")
        if found[1]:
            frame = self._store.frame
            line = 0 if frame is None else line_of(frame.instructions[frame.pc - 1])
            self._store.strange = Strange(f"local.{self._name}.{attribute}", line)
        return found[0]

    def __setitem__(self, attribute: str, value: Any) -> None:
        self._store.content[self._name][attribute] = (value, False)


def store_of(names: Mapping[str, Any], content: bytes, plans: Mapping[str, LocalPlan]) -> Store:
    """The store of an actor with these names, and what was kept of it."""
    return Store(thawed(content) if content else {}, plans, dict(names))


def kept(store: Store) -> bytes:
    """What is kept of it in a state."""
    return frozen(dict(sorted(store.content.items()))) if store.content else b""


def age(store: Store, plans: Mapping[str, LocalPlan], names: Mapping[str, Any]) -> None:
    """A new job begins: what is there is an earlier one's, unless it is as at the start."""
    for name, attributes in store.content.items():
        plan = plans[name]
        start = plan.attributes.evaluate(dict(names)) if plan.attributes else {}
        for key, (value, _) in attributes.items():
            same = key in start and frozen(start[key]) == frozen(value)
            attributes[key] = (value, not same)
