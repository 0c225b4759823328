"""Plain data as a small hashable value, for machines that freeze: exact types, order kept."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Collection, Hashable
from typing import Any

Who = Hashable
Rename = Callable[[Who], Who]
"""Gives each participant the name that it has in the frozen state."""

Keep = Collection[str] | None
"""The verbs and statistics that matter in what follows; None keeps everything."""

# Version 2 writes equal values as equal bytes: later ones refer back where objects are shared.
_VERSION = 2


def frozen(value: Any) -> bytes:
    """Plain data as bytes; 1, 1.0 and true differ. Anything else is a ValueError."""
    return marshal.dumps(value, _VERSION)


def thawed(data: bytes) -> Any:
    """A new copy of what was frozen."""
    return marshal.loads(data)


def itself(who: Who) -> Who:
    """Participants keep their names."""
    return who


def wanted(keep: Keep, *names: str) -> bool:
    """Whether one of these verbs or statistics matters."""
    return keep is None or any(name in keep for name in names)
