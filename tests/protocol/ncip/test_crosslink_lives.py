"""CrossLink's NCIP client, as its broker sent its messages: a borrower's and a lender's life in order, and what is in
the library after each step (facts/ncip.md 8.3)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.domain.circulation_policy import CirculationPolicy, InstitutionalRule
from gateway.domain.library import HoldStatus, ItemStatus
from gateway.domain.problems import Refused
from gateway.ports.library_system import PatronKey
from gateway.ports.responder import RawMessage, TransportKind
from tests.unit.services.exchange.support import PATRON, House, open_house

INSTITUTION = InstitutionalRule(match="INST-ISIL:CLB", patron="inst-ebu")
"""Where the recordings were made, the requester's library had an account of this name."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        policy: CirculationPolicy = opened.profiles["crosslink"].circulation
        patrons = policy.patrons.model_copy(update={"institutional": (INSTITUTION,)})
        circulation = policy.model_copy(update={"patrons": patrons})
        opened.profiles["crosslink"] = opened.profiles["crosslink"].model_copy(update={"circulation": circulation})
        yield opened


class Broker:
    """Sends what was recorded. `role`: borrower or lender."""

    def __init__(self, house: House, samples: Path, role: str) -> None:
        self._house = house
        self._folder = samples / "ncip" / "crosslink" / role

    async def send(self, name: str, changes: dict[str, str] | None = None) -> Any:
        """The root of the answer. Where nothing was changed, it has the elements of what was answered then."""
        text = (self._folder / f"{name}.xml").read_text("utf-8")
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        now = self._house.installation.clock.now()
        arrival = RawMessage(text.encode(), now, TransportKind.HTTP, "ncip", peer="127.0.0.1", profile="crosslink")
        root = etree.fromstring((await self._house.exchange.handle(arrival)).body)
        if not changes:
            recorded = (self._folder / f"{name}.answer.ours.xml").read_text("utf-8")
            assert list_elements(root) == list_elements(etree.fromstring(recorded)), etree.tostring(root)
        return root


def list_elements(root: Any) -> list[str]:
    """Their names; the patron's further numbers are the library's matter."""
    text = re.sub(r"(<UserOptionalFields.*</UserOptionalFields>)", "", etree.tostring(root).decode())
    return [etree.QName(element).localname for element in etree.fromstring(text).iter()]


def text_of(root: Any, name: str) -> str:
    return next((str(one.text) for one in root.iter("{*}" + name)), "")


async def test_a_borrower_s_life(house: House, samples_folder: Path) -> None:
    broker, library = Broker(house, samples_folder, "borrower"), house.system
    reader = await library.find_patron(PatronKey(PATRON))

    assert text_of(await broker.send("01-LookupUser"), "UserIdentifierValue") == PATRON
    assert text_of(await broker.send("02-LookupUser-by-username"), "ProblemType") == "Unknown User"

    for _ in range(2):  # a receipt that is repeated sends it again
        await broker.send("03-AcceptItem")
    item = await library.item_by_barcode("CLB-50")
    assert (item.temporary, item.call_number, item.status) == (True, "800.0 Liu 1998", ItemStatus.IN_TRANSIT)
    (hold,) = await library.item_holds(item.id)
    assert (hold.patron_id, hold.request_id, hold.pickup) == (reader.id, "CLB-50", "MAIN")

    await broker.send("04-AcceptItem-without-title")
    other = await library.item_by_barcode("CLB-78")
    assert (await library.get_bib(other.bib_id)).author == "Whitman, Walt"
    assert [one.request_id for one in await library.item_holds(other.id)] == ["CLB-78"]

    answer = await broker.send("05-CheckOutItem")
    assert text_of(answer, "Title") == "The Three-Body Problem"
    loan = await library.item_loan(item.id)
    assert (loan.patron_id, loan.request_id) == (reader.id, "CLB-50")
    assert (await library.find_hold("CLB-50")).status is HoldStatus.FILLED

    await broker.send("06-CheckInItem")
    assert await library.item_loan(item.id) is None
    assert (await library.item_by_barcode("CLB-50")).temporary, "it leaves with DeleteItem"

    await broker.send("07-DeleteItem")
    with pytest.raises(Refused):
        await library.item_by_barcode("CLB-50")
    assert (await library.item_by_barcode("CLB-78")).id == other.id

    local = await broker.send("08-RequestItem-fill-locally")
    ours = await library.item_by_barcode(text_of(local, "ItemIdentifierValue"))
    (waiting,) = [one for one in await library.item_holds(ours.id) if one.patron_id == reader.id]
    assert (waiting.request_id, waiting.kind, waiting.pickup, ours.bib_id) == ("SUP1-1", "page", "MAIN", "1043")


async def test_a_lender_s_life(house: House, samples_folder: Path) -> None:
    broker, library = Broker(house, samples_folder, "lender"), house.system
    institution = await library.find_patron(PatronKey("inst-ebu"))

    found = await broker.send("01-LookupUser-institution")
    assert text_of(found, "UserIdentifierValue") == "INST-ISIL:CLB"

    answer = await broker.send("02-RequestItem")
    barcode = text_of(answer, "ItemIdentifierValue")
    assert text_of(answer, "ItemIdentifierType") == "Item Barcode"
    item = await library.item_by_barcode(barcode)
    (hold,) = [one for one in await library.item_holds(item.id) if one.patron_id == institution.id]
    assert (hold.request_id, hold.kind, hold.pickup, item.bib_id) == ("CLB-50", "page", "RS", "1001")

    recorded = "39000000000019"
    same = {recorded: barcode} if barcode != recorded else None
    await broker.send("03-CheckOutItem", same)
    loan = await library.item_loan(item.id)
    assert (loan.patron_id, loan.request_id) == (institution.id, "CLB-50")
    assert (await library.find_hold("CLB-50")).status is HoldStatus.FILLED

    await broker.send("04-CheckInItem", same)
    assert await library.item_loan(item.id) is None
    assert not (await library.item_by_barcode(barcode)).temporary

    await broker.send("02-RequestItem", {"CLB-50": "CLB-82", ">1001<": ">1043<"})
    assert (await library.find_hold("CLB-82")).status.is_open
    await broker.send("05-CancelRequestItem")
    assert (await library.find_hold("CLB-82")).status is HoldStatus.CANCELLED


async def test_the_broker_s_own_pickup_places_are_known(house: House, samples_folder: Path) -> None:
    borrower, lender = Broker(house, samples_folder, "borrower"), Broker(house, samples_folder, "lender")

    await borrower.send("03-AcceptItem", {">MAIN<": ">Main Library<"})
    await lender.send("02-RequestItem", {">RS<": ">ILL Office<", "CLB-50": "CLB-51"})

    assert [(await house.system.find_hold(number)).pickup for number in ("CLB-50", "CLB-51")] == ["MAIN", "RS"]


async def test_a_book_that_is_here_waits_for_a_blocked_patron(house: House, samples_folder: Path) -> None:
    blocked = str(21000000000017 + 8 * 27)
    broker = Broker(house, samples_folder, "borrower")
    reader = await house.system.find_patron(PatronKey(blocked))
    assert reader.blocks

    answer = await broker.send("03-AcceptItem", {PATRON: blocked})

    assert text_of(answer, "ProblemType") == ""
    assert (await house.system.find_hold("CLB-50")).patron_id == reader.id
    assert text_of(await broker.send("05-CheckOutItem", {PATRON: blocked}), "ProblemType") == "User Blocked"


async def test_a_blocked_patron_s_request_is_stopped_where_the_library_wants_it(
    house: House, samples_folder: Path
) -> None:
    blocked = {PATRON: str(21000000000017 + 8 * 27)}
    broker = Broker(house, samples_folder, "borrower")
    assert text_of(await broker.send("01-LookupUser", blocked), "ProblemType") == ""

    profile = house.profiles["crosslink"]
    patrons = profile.circulation.patrons.model_copy(update={"look_up_blocked": "refuse"})
    circulation = profile.circulation.model_copy(update={"patrons": patrons})
    house.profiles["crosslink"] = profile.model_copy(update={"circulation": circulation})

    assert text_of(await broker.send("01-LookupUser", blocked), "ProblemType") == "User Blocked"


async def test_a_second_reader_of_an_institution_is_told_that_no_copy_is_left(
    house: House, samples_folder: Path
) -> None:
    broker = Broker(house, samples_folder, "lender")
    copies = (await house.system.holdings("1043")).items

    answers = [
        await broker.send("02-RequestItem", {"CLB-50": f"CLB-{number}", ">1001<": ">1043<"})
        for number in range(100, 101 + len(copies))
    ]

    problems = [text_of(answer, "ProblemType") for answer in answers]
    assert problems == ["" for _ in copies] + ["Item Does Not Circulate"]
    assert "copy" in text_of(answers[-1], "ProblemDetail")
