"""An offer of a library behind a broker: whoever accepts it asks the broker again, on the terms of the offer."""

from __future__ import annotations

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, RequestCosts, RequestFlag
from tests.protocol.iso18626.far_side import (
    STAFF,
    FarTown,
    number_of,
    write_sam,
)
from tests.support.requests import money

LIMIT, PRICE = money("20.00"), money("35")
COSTS = "<currencyCode>EUR</currencyCode><monetaryValue>35</monetaryValue>"
WHY = f"<reasonRetry>NotFoundAsCited</reasonRetry><offeredCosts>{COSTS}</offeredCosts>"


def deliver(octets: str, inner: str) -> str:
    info = f"<deliveryInfo><dateSent>2026-03-02T08:00:00Z</dateSent>{inner}</deliveryInfo>"
    return octets.replace("</statusInfo>", f"</statusInfo>{info}")


async def test_it_is_asked_for_again_on_its_terms(oak: FarTown) -> None:
    request = await oak.asked(maximum_cost=LIMIT)
    first = number_of(request)
    await oak.say(deliver(write_sam(first, "RetryPossible", info=WHY), "<itemId>REC-7</itemId>"))
    assert (await oak.see(request)).state is BorrowingState.CONDITIONAL, "it stands until somebody decides"

    asked = await oak.act(request, EventKind.CONDITION_ACCEPTED)

    retry, number = oak.far.octets[-1], number_of(asked)
    assert number != first
    for part in (
        f"<requestingAgencyRequestId>{number}<",
        "<supplierUniqueRecordId>REC-7<",
        "<requestType>Retry<",
        f"<requestingAgencyPreviousRequestId>{first}<",
        f"<maximumCosts>{COSTS}</maximumCosts>",
    ):
        assert part in retry, part
    assert "<supplierInfo>" not in retry, "the broker wasn't tried in vain"

    await oak.say(deliver(write_sam(number, "Loaned"), f"<deliveryCosts>{COSTS}</deliveryCosts>"))
    lent = await oak.see(request)
    assert (lent.state, RequestFlag.PRICE_OPEN in lent.flags) == (BorrowingState.SHIPPED, False)
    assert lent.costs == RequestCosts(LIMIT, agreed=PRICE, agreed_by=STAFF, charged=PRICE)
