"""The value's machine: a shared variable with no protection of its own."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from scenarios.resources.freezing import frozen, thawed, wanted
from scenarios.resources.machine import Keep, Machine, Rename, Verbs, Who, Woken, itself


class Value(Machine):
    """Each verb is atomic, two of them are not.

    `update` takes a function from the old value to the new one and answers the old; where a
    function cannot travel, `read_version` and `swap` repeated until it succeeds do the same.
    """

    __slots__ = ("content", "version")

    def __init__(self, content: Any = None) -> None:
        self.content = content
        self.version = 0

    def read(self, who: Who, _: Any, woken: Woken) -> Any:
        """The value."""
        return self.content

    def write(self, who: Who, content: Any, woken: Woken) -> Any:
        """Replace the value."""
        self.content = content
        self.version += 1
        return True

    def update(self, who: Who, function: Any, woken: Woken) -> Any:
        """Replace the value by `function(old)`; the answer is (old, new)."""
        old = self.content
        new = function(old)
        self.content = new
        self.version += 1
        return old, new

    def read_version(self, who: Who, _: Any, woken: Woken) -> tuple[int, Any]:
        """The value with its version, for `swap`."""
        return self.version, self.content

    def swap(self, who: Who, argument: tuple[int, Any], woken: Woken) -> bool:
        """Replace the value if it still has that version; whether it did."""
        version, content = argument
        if version != self.version:
            return False
        self.content = content
        self.version += 1
        return True

    verbs: ClassVar[Verbs] = {
        "read": read,
        "write": write,
        "update": update,
        "read_version": read_version,
        "swap": swap,
    }

    def statistics(self) -> dict[str, Any]:
        """The value itself."""
        return {"value": self.content}

    def freeze(self, who: Rename = itself, keep: Keep = None) -> Hashable:
        """The content, with its version where one is compared."""
        return frozen(self.content), self.version if wanted(keep, "swap") else 0

    def thaw(self, state: Any) -> None:
        """See `freeze`."""
        content, self.version = state
        self.content = thawed(content)
