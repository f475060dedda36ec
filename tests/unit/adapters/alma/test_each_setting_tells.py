"""Settings of Alma that no story tries: with another value than the default, another call goes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.library import IdentifierType, PatronDraft, PatronIdentifier
from gateway.domain.problems import RefusalReason
from gateway.ports.adapter import LibraryAdapterContext
from tests.library_contract.alma_world import KNOWN
from tests.library_contract.suite import refused
from tests.unit.adapters.alma.operations import KEY, OPERATIONS, AlmaOperation, make_draft
from tests.unit.adapters.alma.place import USER, alma_place

NUMBER = PatronDraft((PatronIdentifier(IdentifierType.EXTERNAL.value, "I-77"),))
BY_NAME = {operation.name: operation for operation in OPERATIONS} | {
    "new number": AlmaOperation("new number", lambda place: place.library.update_patron(USER, NUMBER, KEY)),
}


async def list_calls(context: LibraryAdapterContext, symbol: str, operation: str, settings: dict[str, Any]) -> str:
    """What goes to Alma, each call in a line."""
    async with alma_place(context, symbol, **settings) as place:
        place.fake.state.desks["MAIN"] = "LOANS"
        if (arrange := BY_NAME[operation].arrange) is not None:
            await arrange(place)
        place.fake.calls.clear()
        await BY_NAME[operation].act(place)
        return "\n".join(f"{call.method} {call.path} {call.query} {call.body}" for call in place.fake.calls)


@pytest.mark.parametrize(
    ("settings", "operation", "sent"),
    [
        ({"barcode_types": ["LIBCARD"]}, "create_patron", '{"id_type": {"value": "LIBCARD"}, "value": "TMP-4711"'),
        ({"identifier_types": {"external": "02"}}, "new number", '{"id_type": {"value": "02"}, "value": "I-77"'),
        ({"record_format": "unimarc"}, "create_temporary_item", "<record_format>unimarc</record_format>"),
        ({"record_format": "unimarc"}, "create_temporary_item", 'tag="200"'),
        ({"cancel_reason": "PatronNotInterested"}, "cancel_hold", "'reason': ['PatronNotInterested']"),
        ({"scan": {"register_in_house_use": True}}, "check_in", "'register_in_house_use': ['true']"),
        ({"scan": {"place_on_hold_shelf": False}}, "check_in", "'place_on_hold_shelf': ['false']"),
        ({"scan": {"confirm": False}}, "check_in", "'confirm': ['false']"),
    ],
)
async def test_a_setting_is_in_what_goes_out(
    context: LibraryAdapterContext, settings: dict[str, Any], operation: str, sent: str
) -> None:
    settings = {"desks": {"MAIN": "LOANS"}} | settings

    assert sent in await list_calls(context, "SET", operation, settings)
    assert sent not in await list_calls(context, "PLAIN", operation, {"desks": {"MAIN": "LOANS"}})


async def test_a_reader_is_known_by_a_number_of_a_type_that_counts_as_a_barcode(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        place.fake.state.users[USER]["user_identifier"][0]["id_type"] = {"value": "LIBCARD"}
        with refused(RefusalReason.UNKNOWN_PATRON):
            await place.library.find_patron(KNOWN.good)
        await place.restart(barcode_types=["LIBCARD"])

        assert (await place.library.find_patron(KNOWN.good)).id == USER


async def test_a_refusal_of_a_library_s_own_has_the_reason_that_is_set(context: LibraryAdapterContext) -> None:
    known = replace(make_draft(), identifiers=(PatronIdentifier("barcode", KNOWN.other.value),))
    async with alma_place(context) as place:
        with refused(RefusalReason.DUPLICATE_PATRON):
            await place.library.create_patron(known, "new")
        await place.restart(reasons={"401851": "not-allowed"})
        with refused(RefusalReason.NOT_ALLOWED):
            await place.library.create_patron(known, "new again")
