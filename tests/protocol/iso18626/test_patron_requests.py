"""A patron's wish that another system of the library's own brings by ISO 18626 becomes a borrowing request."""

from __future__ import annotations

import asyncio
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from demo.world import START, Town, fill_library
from gateway.domain.clock import FixedClock
from gateway.domain.requests.request import Role, ServiceType
from gateway.ports.library_system import PatronKey
from tests.protocol.iso18626.endpoint import (
    PORTAL,
    ROOT,
    Endpoint,
    make_template,
    run_endpoint,
    write_header,
)
from tests.support.paths import ROOT as ROOT_FOLDER
from tests.support.yaml_files import write_yaml_file

OK = ("OK", "", "")
PATRON = "21000000000025"
PATH = "/iso18626/portal"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_template(tmp_path_factory.mktemp("iso18626-patrons"))
    asyncio.run(fill_library(Town(folder / "gateway.yml", FixedClock(START))))
    return folder


def write_wish(id_: str, patron: str = PATRON, title: str = "Morgunblaðið", needed: str = "2026-06-01") -> str:
    header = write_header(id_, who="CLK", to="CLK")
    named = f"<patronInfo><patronId>{patron}</patronId></patronInfo>" if patron else ""
    return (
        f"{ROOT}<request>{header}"
        f"<bibliographicInfo><title>{title}</title><titleOfComponent>Jólabókaflóðið</titleOfComponent>"
        "<volume>12</volume><issue>3</issue><pagesRequested>4-9</pagesRequested></bibliographicInfo>"
        "<serviceInfo><requestType>New</requestType><requestSubType>PatronRequest</requestSubType>"
        f"<serviceType>Copy</serviceType><needBeforeDate>{needed}T23:59:59Z</needBeforeDate>"
        f"<note>með myndum</note></serviceInfo>{named}<billingInfo><maximumCosts><currencyCode>EUR</currencyCode>"
        "<monetaryValue>12.50</monetaryValue></maximumCosts></billingInfo></request></ISO18626Message>"
    )


async def test_a_wish_becomes_a_borrowing_request(endpoint: Endpoint) -> None:
    answer = await endpoint.post(write_wish("P-1"), path=PATH)

    assert (answer.status, answer.verdict) == (200, OK)
    (made,) = await endpoint.list_requests()
    assert (made.role, made.service.type, made.external) == (Role.BORROWING, ServiceType.COPY, ("P-1",))
    patron = await endpoint.town.context.system.find_patron(PatronKey(PATRON))
    assert made.patron.id == patron.id
    citation = made.citation
    assert (citation.title, citation.component_title, citation.note) == ("Morgunblaðið", "Jólabókaflóðið", "með myndum")
    assert (citation.volume, citation.issue, citation.pages) == ("12", "3", "4-9")
    assert made.dates.need_by == date(2026, 6, 1)
    assert made.costs.maximum is not None
    assert made.costs.maximum.amount == Decimal("12.50")
    assert made.source == "iso18626"


@pytest.mark.parametrize("base", ["iso18626-2017", "reshare-18626", "koha-18626", "alma-18626", "worldshare-18626"])
async def test_a_sender_of_wishes_may_extend_a_shipped_profile(base: str, template: Path, tmp_path: Path) -> None:
    """What that says of a partner is not said of the sender, which is none."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    for name in {base, "iso18626-2017", "iso18626-2021"}:
        shutil.copy(ROOT_FOLDER / "profiles" / f"{name}.yml", profiles)
    write_yaml_file(profiles / "shop.yml", {"extends": base, **{k: v for k, v in PORTAL.items() if k != "iso18626"}})
    async with run_endpoint(template, tmp_path) as endpoint:
        answer = await endpoint.post(write_wish("P-1"), path="/iso18626/shop")
        (made,) = await endpoint.list_requests()
        partners = [profile.name for profile, _ in endpoint.town.context.partners()]
    assert (answer.verdict, made.role) == (OK, Role.BORROWING)
    assert "shop" not in partners


async def test_the_wish_again_is_the_same_wish(endpoint: Endpoint) -> None:
    first = await endpoint.post(write_wish("P-1"), path=PATH)
    repeated = await endpoint.post(write_wish("P-1"), path=PATH)
    reminder = await endpoint.post(write_wish("P-1").replace("New", "Reminder"), path=PATH)

    assert first.body == repeated.body
    assert reminder.verdict == OK
    assert len(await endpoint.list_requests()) == 1


async def test_the_number_of_another_patrons_wish_is_refused(endpoint: Endpoint) -> None:
    await endpoint.post(write_wish("P-1"), path=PATH)
    status, kind, _ = (await endpoint.post(write_wish("P-1", patron="21000000000033"), path=PATH)).verdict

    assert (status, kind) == ("ERROR", "UnrecognisedDataValue")
    assert len(await endpoint.list_requests()) == 1


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        (write_wish("P-2", patron="21999999999999"), "UnrecognisedDataValue", "21999999999999"),
        (write_wish("P-2", patron=""), "UnrecognisedDataElement", "patronInfo/patronId: missing"),
        (write_wish(""), "UnrecognisedDataElement", "header/requestingAgencyRequestId: missing"),
        (write_wish("P-2", needed="2025-06-01"), "UnrecognisedDataValue", "2025-06-01"),
        (write_wish("P-2", title="").replace("Jólabókaflóðið", ""), "UnrecognisedDataElement", "title"),
    ],
    ids=["unknown-patron", "no-patron", "no-number", "too-late", "no-title"],
)
async def test_what_can_not_be_asked_for_is_refused(endpoint: Endpoint, wish: str, kind: str, words: str) -> None:
    status, told, value = (await endpoint.post(wish, path=PATH)).verdict

    assert (status, told) == ("ERROR", kind)
    assert words in value
    assert not await endpoint.list_requests()


async def test_a_partner_can_not_ask_in_the_name_of_our_patrons(endpoint: Endpoint) -> None:
    status, kind, value = (await endpoint.post(write_wish("P-3"), path="/iso18626/fjordby")).verdict

    assert (status, kind) == ("ERROR", "UnrecognisedDataValue")
    assert "Patron requests are not accepted from this sender" in value
    assert not await endpoint.list_requests()
