"""Gateways joined by ISO 18626 over real HTTP, for `tests.support.iso_pair.Pair`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.joined.installations import SYMBOLS
from tests.faults.joined.town import Town
from tests.support.http_relay import HttpRelay, RelayedMessages
from tests.support.iso_wires import HOST, held_port, port_of


@dataclass
class Http18626:
    """`dialect`: section `iso18626` of all profiles, besides where the partner is. `relayed`: what happens to messages
    on their way; None: they go straight."""

    dialect: Mapping[str, Any] = field(default_factory=dict)
    relayed: RelayedMessages | None = None
    carries_extras = True

    def __post_init__(self) -> None:
        """Ports are held from now on, so that nobody else gets them."""
        self._doors = {symbol: held_port() for symbol in SYMBOLS}
        self.ports = {symbol: port_of(door) for symbol, door in self._doors.items()}
        self._ways = {symbol: held_port() for symbol in SYMBOLS} if self.relayed is not None else self._doors
        self._relays: list[HttpRelay] = []

    def settings(self, symbol: str) -> Mapping[str, Any]:
        return {"http": {"host": HOST, "port": self.ports[symbol]}}

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        return {
            "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
            "partner": {"channel": "iso18626"},
            "iso18626": {
                "http": {
                    "url": f"http://{HOST}:{port_of(self._ways[theirs])}/iso18626/{ours.lower()}",
                    **self.dialect.get("http", {}),
                },
                **{key: value for key, value in self.dialect.items() if key != "http"},
            },
        }

    async def start(self, towns: Mapping[str, Town]) -> None:
        if self.relayed is None:
            return
        for symbol, way in self._ways.items():
            relay = HttpRelay(self.ports[symbol], self.relayed)
            await relay.start(way)
            self._relays.append(relay)

    async def stop(self) -> None:
        for relay in self._relays:
            await relay.stop()
        for door in self._doors.values():
            door.close()

    async def bring(self) -> int:
        return 0

    async def at_rest(self) -> bool:
        """Each message is confirmed before the next is sent."""
        await asyncio.sleep(0)
        return True
