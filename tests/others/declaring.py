"""Live objects made one at a time, as CPython's tests make theirs; each is declared in a file.

The real loader reads the declaration, a real worker's threads perform the operations, and the
resource is in a driver of this process or in a hub.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from typing import Any

from running import SPECS
from scenarios import plan
from scenarios.errors import ScenarioFileError
from scenarios.hub.launch import Hub
from scenarios.loading import CHECKERS, Plugins, load_text
from scenarios.plan import Plan
from scenarios.resources.driver import drivers
from scenarios.resources.live import KINDS, Live
from scenarios.resources.machines import make_all
from scenarios.wire.control import HubControl
from scenarios.worker.access import Access
from scenarios.worker.crew import Crew
from scenarios.worker_plan import Setting

AT_ONCE = 16
"""Resources that are declared together: a file and a hub for each would take longer than most
tests. None of them is used twice."""

PLACES = {"threads": "thread", "hub": "process"}
"""The executor of the worker that is handed the objects; it decides where they live."""

Keys = Mapping[str, Any]
Declared = tuple[tuple[str, Keys], ...]
"""Sections and the keys in them, of resources that are handed out together."""


def _plan(executor: str, declared: Declared) -> Plan:
    """The plan of a file that declares them AT_ONCE times, `$` in a text being the number."""
    document: dict[str, Any] = {}
    for number in range(AT_ONCE):
        for section, keys in declared:
            numbered = {
                key: value.replace("$", str(number)) if isinstance(value, str) else value
                for key, value in keys.items()
            }
            document.setdefault(section, {})[f"{section}_{number}"] = numbered
    args = [f"${{{section}.{name}}}" for section, names in document.items() for name in names]
    document["workers"] = {"cpython": {"executor": executor, "call": "its:tests", "args": args}}
    plugins = Plugins(SPECS, {}, frozenset(CHECKERS))
    (scenario,) = load_text(json.dumps(document).encode(), "declared.yaml", plugins).scenarios
    return plan.make(scenario, specs=SPECS, seed=1)


class _Shelf:
    """Resources that are declared alike, and the worker that uses them."""

    def __init__(self, place: str, declared: Declared) -> None:
        planned = _plan(PLACES[place], declared)
        self._folder = tempfile.TemporaryDirectory(prefix="scenarios-others-")
        folder = self._folder.name
        shared = place == "hub"
        self._hub = Hub(planned.resources) if shared else None
        self._control: HubControl | None = None
        setting = Setting(
            run_id="others",
            seed=1,
            tmp=folder,
            journal=folder,
            modules=folder,
            resources=planned.resources,
            hub=(self._hub.address, self._hub.token) if self._hub else None,
            hub_index={name: at for at, (name, _, _) in enumerate(planned.resources)},
        )
        local = {} if shared else drivers(make_all(list(planned.resources)))
        access = Access(setting, local)
        self.crew = Crew(planned.workers[0], setting, "cpython", access, lambda *_: None)
        self.keys = {name: dict(keys) for name, _, keys in planned.resources}
        self.left = iter(range(AT_ONCE))

    def does(self, name: str, word: str, verb: str, argument: Any, timeout: float | None) -> Any:
        """Perform for the calling thread."""
        return self.crew.here().does(name, word, verb, argument, timeout)

    def waiting(self) -> int:
        """How many threads and processes wait for a resource now."""
        if self._hub is None:
            return sum(resource is not None for _, _, resource in self.crew.waits())
        if self._control is None:
            self._control = HubControl(self._hub.address, self._hub.token)
        return sum(map(len, self._control.snapshot()["waiting"].values()))

    def close(self) -> None:
        """End the hub and remove the folder."""
        self.crew.leave()
        if self._control is not None:
            self._control.close()
        if self._hub is not None:
            self._hub.close()
        self._folder.cleanup()


def waiting() -> int:
    """How many threads and processes wait for any resource now."""
    return sum(shelf.waiting() for shelf in [*_used_up, *_shelves.values()])


_shelves: dict[tuple[str, str], _Shelf] = {}
_used_up: list[_Shelf] = []


def close() -> None:
    """End every hub and remove every folder."""
    for shelf in [*_used_up, *_shelves.values()]:
        shelf.close()
    _used_up.clear()
    _shelves.clear()


def _next(place: str, declared: Declared) -> tuple[_Shelf, int]:
    key = place, repr(declared)
    while True:
        shelf = _shelves.get(key)
        if shelf is None:
            shelf = _shelves[key] = _Shelf(place, declared)
        number = next(shelf.left, None)
        if number is not None:
            return shelf, number
        _used_up.append(_shelves.pop(key))


def together(place: str, *declared: tuple[str, Keys]) -> list[Live]:
    """A live object of each declaration, all in one file.

    Raises ValueError where the file is refused, as a constructor of the standard library does.
    """
    try:
        shelf, number = _next(place, declared)
    except ScenarioFileError as refused:
        raise ValueError(str(refused)) from None
    names = [(section, f"{section}_{number}") for section, _ in declared]
    return [KINDS[section](name, shelf.does, shelf.keys[name]) for section, name in names]


def declared(place: str, section: str, **keys: Any) -> Any:
    """One live object."""
    (live,) = together(place, (section, keys))
    return live
