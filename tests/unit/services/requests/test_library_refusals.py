"""The library's "no" is "not here" only where it says so: what it would not look up is nobody's "nothing to do"."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from adapters.openurl.codec import OpenUrlFormat
from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, partner_signal
from gateway.domain.requests.request import LendingState, LibraryParty, PatronLink, Request, RequestFlag, ServiceType
from gateway.services.circulation.local_holdings import find_local_copies
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.services.searching.fulfilment import FulfilmentService
from tests.unit.services.requests.support import PATRON, SOUTH, NcipTown

PROFILES = {
    "south": SOUTH,
    "hill": {
        "partner": {
            "symbols": ["HILL"],
            "name": "Hill Library",
            "workflow": {"lending": {"renew": "grant", "renewals": 5, "renewal_days": 21}},
        }
    },
}

Call = Callable[..., Coroutine[Any, Any, Any]]


def refuse_with(reason: RefusalReason) -> Call:
    """As a library system answers whose account for us has lost a right."""

    async def refuse(*_arguments: object, **_named: object) -> None:
        raise Refused(reason, "The account of the gateway may not do this.", internal="403 Forbidden")

    return refuse


async def find_dead_letters(north: NcipTown) -> list[tuple[str, str]]:
    page = await north.town.gateway.managed.libraries["NORTH"].desk.dead_letters(10, "")
    return [(one.target, one.error.split(": ")[1]) for one in page.items]


async def ship_to_hill(north: NcipTown, **terms: Any) -> Request:
    item = await north.free_item()
    draft = LendingDraft(citation=Citation(title="Λιμάνια του Βορρά"), requester=LibraryParty(profile="hill"))
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    await north.act(made, EventKind.LOCATED, barcode=item.barcode)
    await north.quiet()
    await north.act(made, EventKind.SHIPPED, **terms)
    await north.quiet()
    return await north.see(made)


async def lend_to_patron(north: NcipTown) -> Request:
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.LOANED_TO_PATRON)
    await north.quiet()
    return await north.see(request)


async def hear_from_partner(north: NcipTown, request: Request, kind: EventKind) -> None:
    event = Event(partner_signal(kind), north.clock.now(), "partner:test", EventDetails(), request.current)
    await apply_event(north.town.context, EventRequest(request_id=request.id, event=event))


async def test_a_recall_that_the_library_would_not_look_up_waits_for_staff(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await lend_to_patron(north)
    monkeypatch.setattr(north.town.context.system, "item_by_barcode", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))

    await hear_from_partner(north, request, EventKind.RECALL)
    await north.quiet()

    assert await find_dead_letters(north) == [("recall-patron", "unauthorized-service")]


async def test_a_due_date_that_the_library_would_not_look_up_waits_for_staff(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await ship_to_hill(north)
    monkeypatch.setattr(north.town.context.system, "item_by_barcode", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))

    await north.act(request, EventKind.DUE_DATE_CHANGED, due=request.created.date().replace(month=7))
    await north.quiet()

    assert await find_dead_letters(north) == [("set-lender-due", "unauthorized-service")]


async def test_a_renewal_is_not_granted_while_nobody_knows_who_waits(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await ship_to_hill(north)
    monkeypatch.setattr(north.town.context.system, "item_by_barcode", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))

    await hear_from_partner(north, request, EventKind.RENEW)
    await north.quiet()

    assert RequestFlag.RENEWAL_PENDING in (await north.see(request)).flags
    assert [error for _, error in await find_dead_letters(north)] == ["unauthorized-service"]


@pytest.mark.parametrize(
    "terms", [{"renewals_allowed": False}, {"conditions": (LoanCondition.NO_RENEWAL,)}], ids=["said", "as a condition"]
)
async def test_what_was_shipped_as_not_renewable_is_not_renewed_by_rule(north: NcipTown, terms: Any) -> None:
    request = await ship_to_hill(north, **terms)

    await hear_from_partner(north, request, EventKind.RENEW)
    await north.quiet()

    after = await north.see(request)
    assert (after.terms.renewals, after.terms.lender_due) == (0, request.terms.lender_due)
    assert EventKind.RENEW_REFUSED in [line.event.kind for line in await north.history(request)]


async def test_a_renewal_by_rule_adds_the_days_of_the_rule(north: NcipTown) -> None:
    request = await ship_to_hill(north)

    await hear_from_partner(north, request, EventKind.RENEW)
    await north.quiet()

    assert request.terms.lender_due is not None
    assert (await north.see(request)).terms.lender_due == request.terms.lender_due + timedelta(days=21)


async def test_a_request_is_not_unknown_here_because_nobody_might_look(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the title alone would decide, or the partner would hear of no copy."""
    monkeypatch.setattr(north.town.context.system, "find_bib", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))
    draft = LendingDraft(
        citation=Citation(title="Λιμάνια", identifiers=(RecordId("isbn", "9780306406157"),)),
        requester=LibraryParty(profile="hill"),
    )

    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()

    assert (await north.see(made)).state is LendingState.NEW
    assert [error for _, error in await find_dead_letters(north)] == ["unauthorized-service"]


async def test_a_book_is_not_taken_for_one_that_we_lack(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(north.town.context.system, "find_bib", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))
    draft = BorrowingDraft(
        citation=Citation(title="Λιμάνια", identifiers=(RecordId("isbn", "9780306406157"),)),
        patron=PatronLink(identifier=PATRON),
    )

    with pytest.raises(Refused) as refused:
        await north.town.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)

    assert refused.value.reason is RefusalReason.UNAUTHORIZED_SERVICE


async def test_the_services_for_a_citation_are_those_for_an_unknown_shelf(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(north.town.context.system, "find_bib", refuse_with(RefusalReason.UNAUTHORIZED_SERVICE))
    citation = Citation(title="Λιμάνια", identifiers=(RecordId("isbn", "9780306406157"),))
    offering = FulfilmentService(north.town.context, OpenUrlFormat())

    with pytest.raises(Refused):
        await find_local_copies(north.town.context.system, citation)
    offers = await offering.list_offers(citation, ServiceType.LOAN)

    assert offers.held.availability.value == "unknown"
