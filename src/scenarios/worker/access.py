"""Where a worker's operations go: a driver of this process, or a client of the hub."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from scenarios.errors import ScenariosError
from scenarios.resources.driver import Driver
from scenarios.wire.client import HubClient
from scenarios.worker.performer import Performer, Port
from scenarios.worker_plan import Setting


class Access:
    """Opens ports for performers; `drivers` are the resources that live in this process.

    Without `objects` none that another process put is read here, since that runs its code.
    """

    def __init__(
        self,
        setting: Setting,
        drivers: Mapping[str, Driver] | None = None,
        *,
        objects: bool = True,
    ) -> None:
        self._setting = setting
        self._drivers = drivers or {}
        self._objects = objects
        self._clients: dict[Performer, HubClient] = {}

    def open(self, performer: Performer, name: str) -> Port:
        """The port to one resource for one thread."""
        driver = self._drivers.get(name)
        if driver is not None:
            return partial(driver.perform, performer.party)
        index = self._setting.hub_index.get(name)
        if index is None:
            raise ScenariosError(f"resource {name!r} cannot be reached from {performer.label}")
        return partial(self._client(performer).perform, index)

    def close(self, performer: Performer, died: bool = False) -> None:
        """The performer's thread has ended."""
        for name in performer.ports:
            if name in self._drivers:
                self._drivers[name].leave(performer.party, died)
        client = self._clients.pop(performer, None)
        if client is not None:
            client.close(died=died)

    def _client(self, performer: Performer) -> HubClient:
        client = self._clients.get(performer)
        if client is None:
            assert self._setting.hub is not None
            address, token = self._setting.hub
            client = self._clients[performer] = HubClient(
                address, token, performer.label, objects=self._objects
            )
            performer.interrupts.append(client.interrupt)
            performer.resumes.append(client.resume)
            if performer.stopped and (performer.killed or not performer.told):
                client.interrupt()  # the stop came before there was a client to hear of it
        return client
