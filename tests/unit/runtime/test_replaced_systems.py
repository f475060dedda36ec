"""The system of a library that was changed or closed: its connections end, and nobody's call with them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.runtime import served_libraries
from tests.unit.runtime.house import PROFILE, SETTINGS, House, Shelf

FJORD = "  - {symbol: FJORD, system: {type: shelf}%s}\nstore:"
TIMES = "library_timeout_seconds: 0.3\noutbox: {handler_seconds: 0.2}\nprofiles: {reload: false}\n"


class ConnectedShelf(Shelf):
    """A system that keeps connections, and counts how often they were closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closings = 0
        self.closed = asyncio.Event()

    async def close_connections(self) -> None:
        self.closings += 1
        self.closed.set()


class ConnectedHouse(House):
    """`opened`: the systems of FJORD, one after the other."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.opened: list[ConnectedShelf] = []

    def build(self, settings: str = SETTINGS) -> None:
        super().build(settings)
        self.profile.write_text(f"library: CLK\n{PROFILE}")

    async def _open(self, context: LibraryAdapterContext, options: Any) -> LibrarySystem:
        if context.library != "FJORD":
            return await super()._open(context, options)
        self.opened.append(ConnectedShelf())
        return cast(LibrarySystem, self.opened[-1])


@pytest.mark.parametrize(("change", "opened"), [(", name: Fjord", 2), (", state: closed", 1)])
async def test_connections_end_once_no_call_can_be_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, opened: int
) -> None:
    monkeypatch.setattr(served_libraries, "REPLACED_SECONDS", 0.1)
    house, loop = ConnectedHouse(tmp_path), asyncio.get_running_loop()
    house.build(SETTINGS.replace("store:", FJORD % "") + TIMES)
    async with house.running() as gateway:
        (tmp_path / "gateway.yml").write_text(SETTINGS.replace("store:", FJORD % change) + TIMES)
        before = loop.time()
        await gateway.reload()
        former = house.opened[0]
        async with asyncio.timeout(20):
            await former.closed.wait()
        assert loop.time() - before >= 0.4, "the time of a call and a little more"
        assert [shelf.closings for shelf in house.opened] == [1, 0][:opened]
    assert [shelf.closings for shelf in house.opened] == [1] * opened


async def test_the_system_of_a_library_that_is_held_back_after_all_is_closed(tmp_path: Path) -> None:
    """Its system is opened before its rules are read."""
    house = ConnectedHouse(tmp_path)
    house.build(SETTINGS + TIMES)
    own = tmp_path / "libraries" / "fjord"
    own.mkdir(parents=True)
    (own / "requests.yml").write_text("rotas: {usual: {lines: [{partner: nobody}]}}\n")
    async with house.running() as gateway:
        (own / "library.yml").write_text("symbol: FJORD\nsystem: {type: shelf}\n")
        await gateway.reload()
        assert "FJORD" in gateway.managed.list_held_back()
        assert [shelf.closings for shelf in house.opened] == [1]
