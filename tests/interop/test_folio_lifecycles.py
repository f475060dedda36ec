"""Two libraries that have FOLIO lend to each other, from the patron's wish to the book's return: the stories of
`make demo-two`, without the embedded library."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.two import NORTH, SOUTH, Story, crossing, invariants, loan
from demo.world import Site, Town, World, make_installation
from gateway.domain.library import Bib, RecordId
from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_circulation import ITEMS
from rehearsal.fakes.folio_sample import fill_sample
from tests.support.running_servers import running
from tests.support.yaml_files import read_yaml_file, write_yaml_file

FIRST_TO_SOUTH = {**NORTH.requests, "default_rota": "only-south"}
PASSWORD_FILE = "folio-password"


class FolioTowns(World):
    """Each town with a FOLIO of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, replace(NORTH, requests=FIRST_TO_SOUTH), SOUTH)
        self.fakes: list[FakeFolio] = []

    async def __aenter__(self) -> FolioTowns:
        async with contextlib.AsyncExitStack() as opened:
            await opened.enter_async_context(running(self.mail))
            for site in self._sites:
                self.towns = (*self.towns, await self._open_town(site, opened))
            self._stack = opened.pop_all()
        return self

    async def _open_town(self, site: Site, opened: contextlib.AsyncExitStack) -> Town:
        fake = FakeFolio(self.clock.now)
        fill_sample(fake)
        await opened.enter_async_context(running(fake))
        self.fakes.append(fake)
        folder = self._folder / site.symbol.lower()
        config = await asyncio.to_thread(make_installation, folder, site, self.mail.port)
        settings: dict[str, Any] = read_yaml_file(config)
        settings["libraries"][0]["system"] = {
            "type": "folio",
            "url": fake.url,
            "tenant": fake.tenant,
            "login": {"user": fake.user, "password": f"file:{PASSWORD_FILE}"},
            "service_point": "RS",
            "cancellation_reason": "Interlibrary loan ended",
            "temporary_items": {"location": "ill", "loan_type": "ill", "material_type": "interlibrary loan"},
            "fee_owner": "Interlibrary loan",
        }
        write_yaml_file(config, settings)
        (folder / PASSWORD_FILE).write_text(fake.password, encoding="utf-8")
        return await opened.enter_async_context(running(Town(config, self.clock)))

    async def find_book(self) -> Bib:
        return await self.lender.context.system.find_bib(RecordId("isbn", "978-0-00-001001-8"))


@pytest.fixture
async def towns(tmp_path: Path) -> AsyncIterator[FolioTowns]:
    async with FolioTowns(tmp_path) as towns:
        yield towns


async def assert_all_is_in_order(towns: FolioTowns, *, loans: int) -> None:
    await invariants(towns)
    for fake in towns.fakes:
        assert len(fake.records.list_table(ITEMS)) == 4, "the library's own items, and no others"
        assert len(fake.records.list_table("/inventory/instances")) == 3
        assert {loan["status"]["name"] for loan in fake.records.list_table("/circulation/loans")} <= {"Closed"}
        assert not any(
            request["status"].startswith("Open") for request in fake.records.list_table("/circulation/requests")
        )
    assert len(towns.fakes[0].records.list_table("/circulation/loans")) == loans


async def test_a_loan_with_everything_that_can_happen_to_it(towns: FolioTowns) -> None:
    await loan(Story(towns), await towns.find_book())
    await assert_all_is_in_order(towns, loans=1)


async def test_a_cancellation_crosses_the_parcel(towns: FolioTowns) -> None:
    await crossing(Story(towns), await towns.find_book())
    await assert_all_is_in_order(towns, loans=0)
