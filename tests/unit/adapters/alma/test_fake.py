"""The Alma that plays one is true to life: almapiwrapper, which libraries use with the real one, works with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.domain.clock import FixedClock
from rehearsal.fakes.alma import FakeAlma
from tests.library_contract.alma_world import KNOWN, make_fake_alma
from tests.support.almapiwrapper_package import run_almapiwrapper
from tests.unit.adapters.alma.place import NOW

pytestmark = pytest.mark.long

USERS = f"""
user = users.User("P1", "LIB")
found["name"] = user.data["last_name"]
user.data["last_name"] = "Ζωγράφου"
user.data["user_group"] = {{"value": "VISITOR"}}
found["group without a word"] = user.update().data["user_group"]["value"]
user.data["user_group"] = {{"value": "VISITOR"}}
found["group by a word"] = user.update(override="user_group").data["user_group"]["value"]
found["unknown"] = users.User("nobody", "LIB").data is None
draft = {{"primary_id": "V1", "first_name": "Ægir", "last_name": "Løvås", "account_type": {{"value": "INTERNAL"}},
         "user_group": {{"value": "VISITOR"}}}}
found["made"] = users.NewUser("LIB", "P", JsonData(draft)).create("secret").primary_id
again = users.NewUser("LIB", "P", JsonData(draft)).create("secret")
found["made again"] = again.error_msg

loan = users.User("P2", "LIB").create_loan("MAIN", "DEFAULT_CIRC_DESK", item_barcode="{KNOWN.shelf_item}")
found["lent"] = loan.data["item_barcode"]
found["loans"] = len(users.User("P2", "LIB").loans)
found["renewed"] = loan.renew_loan().data["last_renew_status"]["desc"]
found["due"] = loan.change_due_date("2026-06-01T21:59:00Z").data["due_date"]
fee = {{"type": {{"value": "OTHER"}}, "original_amount": 3.5, "owner": {{"value": "MAIN"}}}}
users.Fee(user=users.User("P2", "LIB"), data=JsonData(fee), create_fee=True)
found["fees"] = [one.data["balance"] for one in users.User("P2", "LIB").fees]
"""

RECORDS = """
text = ('<bib><record><leader>00000nam a2200000 i 4500</leader><datafield tag="245" ind1="0" ind2="0">'
        '<subfield code="a">За мостом</subfield></datafield></record></bib>')
bib = inventory.IzBib(zone="LIB", env="P", data=XmlData(text.encode()), create_bib=True)
found["title"] = bib.data.find(".//subfield").text
text = ('<holding><record><leader>00000nx  a22000001n 4500</leader><datafield tag="852" ind1="8" ind2=" ">'
        '<subfield code="b">RS</subfield><subfield code="c">ill</subfield></datafield></record></holding>')
holding = inventory.Holding(bib=bib, zone="LIB", data=XmlData(text.encode()), create_holding=True)
found["holding"] = holding.holding_id
found["holdings"] = [one.holding_id for one in inventory.IzBib(bib.mms_id, "LIB").get_holdings()]
item = inventory.Item(barcode="%s", zone="LIB")
found["item"] = [item.barcode, item.library, item.location]
found["unknown item"] = inventory.Item(barcode="none", zone="LIB").error_msg
draft = {"request_type": "HOLD", "pickup_location_type": "LIBRARY", "pickup_location_library": "MAIN",
         "user_primary_id": "P1", "mms_id": item.get_mms_id(), "item_id": item.get_item_id()}
request = users.Request(zone="LIB", data=JsonData(draft)).create()
found["request"] = request.data["request_status"]
request.data["pickup_location_library"] = "NORTH"
found["pickup"] = request.update().data["pickup_location_library"]
found["scanned"] = item.scan_in("MAIN", "DEFAULT_CIRC_DESK").error
found["requests"] = [one.data["request_status"] for one in users.User("P1", "LIB").requests]
request.cancel("CancelledAtPatronRequest")
found["cancelled"] = request.error
""" % (KNOWN.shelf_item,)  # noqa: UP031  # braces are the script's own


@pytest.fixture
async def fake() -> AsyncIterator[FakeAlma]:
    fake = make_fake_alma(FixedClock(NOW))
    await fake.start()
    yield fake
    await fake.stop()


async def test_almapiwrapper_works_with_users_loans_and_fees(fake: FakeAlma) -> None:
    found = await asyncio.to_thread(run_almapiwrapper, USERS, fake.url, fake.api_key)

    assert found == {
        "name": "Müller",
        "group without a word": "STAFF",
        "group by a word": "VISITOR",
        "unknown": True,
        "made": "V1",
        "made again": "User with identifier V1 already exists.",
        "lent": KNOWN.shelf_item,
        "loans": 1,
        "renewed": "Renewed Successfully",
        "due": "2026-06-01T21:59:00Z",
        "fees": [3.5],
    }


async def test_almapiwrapper_works_with_records_items_and_requests(fake: FakeAlma) -> None:
    found = await asyncio.to_thread(run_almapiwrapper, RECORDS, fake.url, fake.api_key)

    assert found.pop("holdings") == [found.pop("holding")]
    assert found == {
        "title": "За мостом",
        "item": [KNOWN.shelf_item, "MAIN", "stacks"],
        "unknown item": "No items found for barcode none.",
        "request": "NOT_STARTED",
        "pickup": "NORTH",
        "scanned": False,
        "requests": ["IN_PROCESS"],
        "cancelled": False,
    }
