"""Alma's limits, its key and its refusals, as the gateway understands them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from multidict import CIMultiDict

from adapters.library.alma.client import AlmaRefusalError, CallLimits, read_refusal
from adapters.library.alma.code_lists import USER_GROUPS, CodeLists
from adapters.library.alma.reasons import refusal_of_answer, refusal_of_renewal
from adapters.library.rest_answer import RestAnswer
from gateway.domain.clock import FixedClock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from rehearsal.fakes.fake_server import FaultKind
from tests.unit.adapters.alma.place import ITEM, NOW, alma_place


async def test_no_more_calls_begin_within_a_second_than_are_allowed() -> None:
    limits = CallLimits(3, 0, FixedClock(NOW))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for _ in range(3):
        await limits.wait_for_turn()
    assert loop.time() - begun < 0.9
    await limits.wait_for_turn()
    assert loop.time() - begun >= 0.99


async def test_the_last_calls_of_a_day_are_left_to_others_until_midnight(context: LibraryAdapterContext) -> None:
    async with alma_place(context, calls_left_alone=50) as place:
        place.fake.remaining = 51
        await place.library.ping()
        place.fake.clear_calls()
        with pytest.raises(Unavailable, match="used up until 00:00 UTC"):
            await place.library.item_by_barcode(ITEM)
        assert place.fake.calls == []
        place.clock.at = NOW.replace(hour=0, minute=0) + timedelta(days=1)
        place.fake.remaining = 100_000
        assert (await place.library.item_by_barcode(ITEM)).barcode == ITEM


async def test_too_many_calls_are_waited_for(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        place.fake.add_fault(FaultKind.TOO_MANY, seconds=1)
        assert (await place.library.item_by_barcode(ITEM)).barcode == ITEM


async def test_a_list_that_was_not_shown_is_asked_for_again_soon(context: LibraryAdapterContext) -> None:
    """Somebody has given our key the right to read it."""
    seconds = 0.0
    async with alma_place(context) as place:
        lists = CodeLists(place.library._client, place.library._lists._reader, lambda: seconds)
        place.fake.hidden_tables.add(USER_GROUPS)
        assert await lists.find_code_table(USER_GROUPS) is None
        place.fake.hidden_tables.clear()
        place.fake.clear_calls()

        seconds = 59.0
        assert await lists.find_code_table(USER_GROUPS) is None
        assert place.fake.calls == []
        seconds = 61.0
        assert await lists.find_code_table(USER_GROUPS) == place.fake.state.user_groups


async def test_a_question_that_alma_does_not_take_is_told_to_operators(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        with pytest.raises(Refused) as refused:
            await place.library._client.get_row("no-such-area", "7", title="/no-such-area/{number}")

    assert refused.value.reason is RefusalReason.CALL_NOT_ACCEPTED
    assert refused.value.internal.startswith("GET /no-such-area/{number}: HTTP 404")
    assert len(place.library.alerts) == 1


def test_a_refusal_in_xml_is_read() -> None:
    text = (
        '<web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans"><errorsExist>true</errorsExist>'
        "<errorList><error><errorCode>401861</errorCode><errorMessage>User was not found.</errorMessage></error>"
        "</errorList></web_service_result>"
    )
    refusal = read_refusal(RestAnswer(status=400, headers=CIMultiDict(), text=text))
    assert (refusal.code, refusal.error, refusal.is_about_nothing) == ("401861", "User was not found.", True)


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        ("401136", "Patron has active request for selected item.", RefusalReason.DUPLICATE_REQUEST),
        ("401651", "Item is not loanable.", RefusalReason.ITEM_NOT_AVAILABLE),
        ("401651", "Patron is blocked.", RefusalReason.PATRON_BLOCKED),
        ("401895", "Pickup library is not valid.", RefusalReason.BAD_PICKUP_LOCATION),
        ("499999", "Something else.", RefusalReason.OTHER),
        ("499999", "Card withheld.", RefusalReason.PATRON_BLOCKED),
    ],
)
def test_codes_and_words_have_reasons(code: str, words: str, reason: RefusalReason) -> None:
    own = {"card withheld": RefusalReason.PATRON_BLOCKED}
    assert refusal_of_answer(AlmaRefusalError(400, words, code), own).reason is reason


def test_a_limit_of_renewals_is_no_limit_of_loans() -> None:
    refusal = AlmaRefusalError(200, "Renewal limit was reached", "401822")
    assert refusal_of_renewal(refusal, {}).reason is RefusalReason.RENEWAL_LIMIT_REACHED
