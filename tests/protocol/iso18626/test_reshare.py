"""ReShare as it borrows from us: what it changes of its request. The octets are those of ILLGATE_SAMPLES."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.library import Money
from gateway.domain.requests.request import Request, RequestFlag
from gateway.domain.requests.state_table import TimerKind
from gateway.store.requests import timers
from tests.protocol.iso18626.endpoint import HERE, Answer, Endpoint, make_template, run_endpoint
from tests.support.paths import ROOT
from tests.support.yaml_files import write_yaml_file

RESHARE = {
    "extends": "reshare-18626",
    "auth": [HERE],
    "partner": {"symbols": ["RESHARE:OAK"], "name": "Oak Library", "channel": "iso18626"},
    "iso18626": {"symbols": {"ours": "RESHARE:ELM"}},
}


@dataclass
class Conversation:
    endpoint: Endpoint
    samples: Path

    async def send(self, name: str) -> Answer:
        return await self.endpoint.post((self.samples / name).read_bytes(), path="/iso18626/oak")

    async def see(self) -> Request:
        (request,) = await self.endpoint.list_requests()
        return request


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("iso18626-reshare"))


@pytest.fixture
async def reshare(template: Path, tmp_path: Path, samples_folder: Path) -> AsyncIterator[Conversation]:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    for name in ("reshare-18626", "iso18626-2017"):
        shutil.copy(ROOT / "profiles" / f"{name}.yml", profiles)
    write_yaml_file(profiles / "oak.yml", RESHARE)
    async with run_endpoint(template, tmp_path) as endpoint:
        yield Conversation(endpoint, samples_folder / "iso-18626" / "reshare" / "fields-updated")


async def test_the_request_is_as_reshare_wants_it_now(reshare: Conversation) -> None:
    assert (await reshare.send("01-requester-Request.xml")).verdict == ("OK", "", "")
    before = await reshare.see()
    assert (before.dates.need_by, before.citation.note) == (date(2027, 1, 31), "for class")

    assert (await reshare.send("04-requester-Notification.xml")).verdict == ("OK", "", "")
    moved = await reshare.see()
    assert (moved.dates.need_by, moved.citation.volume) == (date(2027, 2, 15), "3")
    store = reshare.endpoint.town.context.store
    due = await store.read(lambda c: timers.list_timers_of_request(c, "CLK", moved.id))
    assert {one.timer: one.at.date() for one in due}[TimerKind.NEED_BY] >= date(2027, 2, 15)

    for name in ("05", "06", "07"):
        assert (await reshare.send(f"{name}-requester-Notification.xml")).verdict == ("OK", "", "")
    now = await reshare.see()
    assert now.partner.address == "Oak Law Library"
    assert now.costs.maximum == Money(Decimal(25), "USD")
    assert (now.citation.note, now.citation.title) == ("", before.citation.title)

    said = [note.text for note in now.notes]
    assert said == [
        "Changed by the borrower: Needed by: 2027-02-15; Volume: 3",
        "Changed by the borrower: Pickup: Oak Law Library",
        "Changed by the borrower: Maximum cost: 25 USD",
        "Changed by the borrower: Note: removed",
    ]
    assert RequestFlag.UNREAD in now.flags
