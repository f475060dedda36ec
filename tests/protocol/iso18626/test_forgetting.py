"""A word in every text of every message, on both sides: nothing of people is left when the requests forget."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.requests.events import EventKind
from tests.protocol.iso18626.endpoint import ROOT
from tests.protocol.iso18626.far_side import (
    FarTown,
    make_far_template,
    number_of,
    partner_profile,
    write_ram,
    write_sam,
)
from tests.support.canaries import Canaries, find_canaries, find_database, find_left, forget_all

WORK = (
    *("supplierUniqueRecordId", "title", "author", "subtitle", "seriesTitle", "edition", "titleOfComponent"),
    *("authorOfComponent", "volume", "issue", "pagesRequested", "estimatedNoPages", "sponsor"),
    *("publisher", "placeOfPublication"),
)
LIBRARIES = ("supplierDescription", "name", "returnName")
NUMBERS = ("itemId", "callNumber")
STAYS = {*WORK, *LIBRARIES, *NUMBERS}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forgetting")
    return asyncio.run(make_far_template(folder, {"broker": partner_profile()}))


def write_leaves(words: Canaries, *names: str) -> str:
    return "".join(f"<{name}>{words.make(name)}</{name}>" for name in names)


def write_address(words: Canaries, place: str) -> str:
    lines = "".join(
        f"<{name}>{words.make(place + name)}</{name}>" for name in ("line1", "line2", "locality", "postalCode")
    )
    mail = words.make(f"{place}mail", "@x.example")
    return (
        f"<address><physicalAddress>{lines}</physicalAddress></address><address><electronicAddress>"
        f"<electronicAddressType>Email</electronicAddressType><electronicAddressData>{mail}</electronicAddressData>"
        "</electronicAddress></address>"
    )


def write_request(words: Canaries, number: str) -> str:
    """Everything that a requester may say."""
    first, *rest = WORK[:-2]
    agency = "<{0}><agencyIdType>ISIL</agencyIdType><agencyIdValue>{1}</agencyIdValue></{0}>"
    return (
        f"{ROOT}<request><header>{agency.format('supplyingAgencyId', 'OAK')}"
        f"{agency.format('requestingAgencyId', 'BROKER')}<multipleItemRequestId/>"
        f"<timestamp>2026-03-02T07:59:00Z</timestamp><requestingAgencyRequestId>{number}</requestingAgencyRequestId>"
        f"</header><bibliographicInfo>{write_leaves(words, first, *rest)}</bibliographicInfo>"
        f"<publicationInfo>{write_leaves(words, *WORK[-2:])}</publicationInfo>"
        f"<serviceInfo><requestType>New</requestType><serviceType>Loan</serviceType>{write_leaves(words, 'note')}"
        f"</serviceInfo><supplierInfo><sortOrder>1</sortOrder>{write_leaves(words, 'supplierDescription')}"
        f"{write_leaves(words, 'callNumber', 'summaryHoldings', 'availabilityNote')}</supplierInfo>"
        f"<requestedDeliveryInfo><sortOrder>1</sortOrder>{write_address(words, 'delivery')}</requestedDeliveryInfo>"
        f"<requestingAgencyInfo>{write_leaves(words, 'name', 'contactName')}{write_address(words, 'agency')}"
        f"</requestingAgencyInfo><patronInfo>{write_leaves(words, 'patronId', 'surname', 'givenName')}"
        f"{write_address(words, 'patron')}</patronInfo><billingInfo>{write_leaves(words, 'billingName')}"
        f"{write_address(words, 'billing')}</billingInfo></request></ISO18626Message>"
    )


def write_return(words: Canaries) -> str:
    lines = "".join(f"<{name}>{words.make('return' + name)}</{name}>" for name in ("line1", "line2", "locality"))
    return f"<returnInfo><name>{words.make('returnName')}</name><physicalAddress>{lines}</physicalAddress></returnInfo>"


async def test_nothing_of_people_is_left(template: Path, tmp_path: Path) -> None:
    words = Canaries()
    async with FarTown(template, tmp_path) as oak:
        await oak.say(write_request(words, "CLB-1"))
        await oak.quiet()
        lent = await oak.lending()
        await oak.say(write_ram("CLB-1", "Notification", words.make("ram note")))
        await oak.act(lent, EventKind.MESSAGE, note=words.make("our answer"))
        await oak.act(lent, EventKind.NOTE, note=words.make("our note"))
        await oak.say(write_ram("CLB-1", "Cancel", words.make("cancel note"), "2026-03-02T08:01:00Z"))

        borrowed = await oak.asked()
        number = number_of(borrowed)
        note = f"<note>{words.make('sam note')}</note>"
        await oak.say(write_sam(number, "ExpectToSupply", info=note))
        sent = f"<deliveryInfo><dateSent>2026-03-02T08:00:00Z</dateSent>{write_leaves(words, 'itemId')}</deliveryInfo>"
        loaned = write_sam(number, "Loaned", info=note).replace(
            "</statusInfo>", f"</statusInfo>{sent}{write_return(words)}"
        )
        await oak.say(loaned)
        await oak.act(borrowed, EventKind.MESSAGE, note=words.make("borrower's message"))
        await oak.quiet()
        database = find_database(tmp_path)
        missing = set(words.made.values()) - words.places_of(set(find_canaries(database)))
        assert not missing, "what was said was kept, in the journal if nowhere else"

        await forget_all(oak.town.context)

    assert find_left(words, database, STAYS) == {}
    assert {"title", "author", "itemId"} <= words.places_of(set(find_canaries(database)))
