"""ILLiad or a broker speaks NCIP about requests that the gateway manages: the library does its part, they follow."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    LibraryParty,
    Request,
    RequestFlag,
    Role,
    VolumeState,
)
from gateway.services.exchange.handlers import CommandHandler
from gateway.store.journal import Journal
from gateway.store.requests import requests
from tests.support.partner_rights import ALL_RIGHTS
from tests.support.requests import borrowing
from tests.unit.services.requests.support import ANOTHER, PATRON, SOUTH, NcipTown, ncip

SAME_PARTNER = {**ALL_RIGHTS, "profiles": ["illiad"]}

PROFILES = {
    "illiad": ncip(),
    "broker": ncip(
        circulation={
            "accept": {"circulate_as": "check-out"},
            "check_in": {"delete_item": "temporary"},
            "rights": SAME_PARTNER,
        },
    ),
    "keeper": ncip(circulation={"delete": {"action": "keep"}, "rights": SAME_PARTNER}),
    "south": SOUTH,
}


async def accept(north: NcipTown, request: str, item: str = "SOUTH-4711", patron: str = PATRON, **more: str) -> str:
    answer = await north.send(
        "illiad", "accept-item", request=request, item=item, patron=patron, title="Λιμάνια", pickup="MAIN", **more
    )
    return answer.problem


# --- an item comes ---------------------------------------------------------------------------------------


async def test_an_open_request_comes_before_a_newer_closed_one_of_the_same_number(north: NcipTown) -> None:
    request = await north.asked(external="TN-100")
    closed = borrowing(BorrowingState.CANCELLED, library="NORTH", id="zz", number="B-9", external=("TN-100",))
    await north.town.context.store.write(lambda c: requests.insert_request(c, closed))

    assert await accept(north, "TN-100") == ""

    assert [(await north.see(one)).state for one in (request, closed)] == [
        BorrowingState.RECEIVED,
        BorrowingState.CANCELLED,
    ]


async def test_an_accepted_item_is_the_request_s_that_has_its_number(north: NcipTown) -> None:
    request = await north.asked(external="TN-100")

    assert await accept(north, "TN-100", due="2026-05-04") == ""

    seen = await north.see(request)
    assert seen.state is BorrowingState.RECEIVED
    assert [(one.barcode, one.theirs, one.state) for one in seen.volumes] == [
        ("SOUTH-4711", "SOUTH-4711", VolumeState.RECEIVED)
    ]
    assert seen.terms.lender_due is not None
    assert seen.hold_id
    assert (await north.history(request))[-1].event.actor == "ncip:illiad"


async def test_a_date_of_return_that_has_passed_is_not_taken_over(north: NcipTown) -> None:
    """No reminder goes out for a book that has only just come."""
    request = await north.asked(external="TN-105")

    assert await accept(north, "TN-105", due="2020-02-29") == ""

    seen = await north.see(request)
    assert (seen.state, seen.terms.lender_due) == (BorrowingState.RECEIVED, None)


ON_TERMS = """<NCIPMessage xmlns="http://www.niso.org/2008/ncip"
  version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"><AcceptItem>
  <RequestId><RequestIdentifierValue>TN-106</RequestIdentifierValue></RequestId>
  <RequestedActionType>Circulate</RequestedActionType>
  <UserId><UserIdentifierValue>{patron}</UserIdentifierValue></UserId>
  <ItemId><ItemIdentifierValue>SOUTH-4711</ItemIdentifierValue></ItemId>{flag}
  <ItemOptionalFields><BibliographicDescription><Title>Λιμάνια</Title></BibliographicDescription>{restrictions}
  </ItemOptionalFields><PickupLocation>MAIN</PickupLocation></AcceptItem></NCIPMessage>"""


def write_on_terms(*restrictions: str, flag: str = "") -> bytes:
    types = "".join(f"<ItemUseRestrictionType>{one}</ItemUseRestrictionType>" for one in restrictions)
    return ON_TERMS.format(patron=PATRON, flag=flag, restrictions=types).encode()


async def test_the_lender_s_restrictions_are_the_request_s_conditions(north: NcipTown) -> None:
    request = await north.asked(external="TN-106")

    answer = await north.post(
        "illiad", write_on_terms("In Library Use Only", "renewals not permitted", "Overnight Only")
    )

    assert answer.problem == ""
    seen = await north.see(request)
    assert seen.terms.conditions == (LoanCondition.LIBRARY_USE_ONLY, LoanCondition.NO_RENEWAL, LoanCondition.OTHER)
    assert not seen.terms.renewals_allowed
    note = (await north.history(request))[-1].event.details.note
    assert note == "terms of use: In Library Use Only, renewals not permitted, Overnight Only"
    assert not (await north.town.context.system.item_by_barcode("SOUTH-4711")).circulates


@pytest.mark.parametrize(
    ("sent", "flag", "note"),
    [
        ((), "<NonReturnableFlag/>", "need not be returned to the lender"),
        (
            ("Available For Supply Without Return",),
            "",
            "terms of use: Available For Supply Without Return; need not be returned to the lender",
        ),
        ((), "<IndeterminateLoanPeriodFlag/>", "the lender has not set a due date"),
    ],
)
async def test_the_desk_reads_what_the_lender_wants_back(
    north: NcipTown, sent: tuple[str, ...], flag: str, note: str
) -> None:
    """A broker that has it lent at once: what its patron may keep is no loan."""
    request = await north.asked(external="TN-106")

    answer = await north.post("broker", write_on_terms(*sent, flag=flag))

    assert answer.problem == ""
    kept = "returned" in note
    assert (await north.see(request)).state is (BorrowingState.RECEIVED if kept else BorrowingState.LENT)
    (received,) = [line for line in await north.history(request) if line.event.kind is EventKind.RECEIVED]
    assert received.event.details.note == note
    assert received.event.details.conditions == ()


async def test_our_own_number_will_do(north: NcipTown) -> None:
    request = await north.asked()

    await accept(north, request.number)

    assert (await north.see(request)).state is BorrowingState.RECEIVED


async def test_the_number_under_which_a_supplier_was_asked_will_do(north: NcipTown) -> None:
    """A partner that both supplies and speaks NCIP."""
    request = await north.asked()
    attempt = request.attempt
    assert attempt is not None

    await accept(north, attempt.transaction)

    assert (await north.see(request)).state is BorrowingState.RECEIVED


async def test_the_message_again_changes_nothing(north: NcipTown) -> None:
    request = await north.asked(external="TN-101")
    await accept(north, "TN-101")
    before = await north.history(request)

    assert await accept(north, "TN-101") == ""

    assert await north.history(request) == before


async def test_a_number_nobody_manages_is_the_library_s_alone(north: NcipTown) -> None:
    request = await north.asked(external="TN-102")

    assert await accept(north, "TN-999") == ""

    assert await north.see(request) == request


async def test_the_same_number_of_another_patron_is_not_meant(north: NcipTown) -> None:
    request = await north.asked(external="103")

    assert await accept(north, "103", patron=ANOTHER) == ""

    assert await north.see(request) == request


async def test_what_does_not_fit_is_noted_once_and_answered_all_the_same(north: NcipTown) -> None:
    request = await north.asked(external="TN-104")
    await north.act(request, EventKind.RECEIVED)
    await north.act(request, EventKind.RETURNED)

    answers = [await accept(north, "TN-104", item="SOUTH-4712") for _ in range(2)]

    assert answers == ["", ""]
    denied = [line for line in await north.history(request) if line.denied]
    assert [line.event.kind for line in denied] == [EventKind.RECEIVED]
    assert (await north.see(request)).state is BorrowingState.RETURNED


async def test_volumes_come_one_after_the_other(north: NcipTown) -> None:
    request = await north.asked(external="TN-105", volumes=("1", "2"))

    await accept(north, "TN-105", item="S-1")
    first = await north.see(request)
    await accept(north, "TN-105", item="S-2")
    second = await north.see(request)

    assert (first.state, [one.barcode for one in first.volumes]) == (BorrowingState.SHIPPED, ["S-1", ""])
    assert (second.state, [one.barcode for one in second.volumes]) == (BorrowingState.RECEIVED, ["S-1", "S-2"])


async def test_an_item_that_is_lent_at_once_is_with_its_patron(north: NcipTown) -> None:
    request = await north.asked(external="TN-106")

    answer = await north.send(
        "broker", "accept-item", request="TN-106", item="S-106", patron=PATRON, title="Λιμάνια", action="Circulate"
    )

    assert answer.problem == ""
    assert (await north.kinds(request))[-2:] == ["received", "loaned-to-patron"]
    assert (await north.see(request)).state is BorrowingState.LENT


# --- it is lent, renewed, comes back ---------------------------------------------------------------------


async def received(north: NcipTown, external: str) -> Request:
    request = await north.asked(external=external)
    await accept(north, external)
    return await north.see(request)


async def test_a_loan_and_its_return_at_the_desk(north: NcipTown) -> None:
    request = await received(north, "TN-110")

    lent = await north.send("illiad", "check-out-item", patron=PATRON, item="SOUTH-4711")

    assert lent.problem == ""
    seen = await north.see(request)
    assert seen.state is BorrowingState.LENT
    assert seen.terms.patron_due is not None

    back = await north.send("illiad", "check-in-item", item="SOUTH-4711")

    assert back.problem == ""
    assert back.text("RoutingInstructions") == f"Goes back to its owner: Southern Library, request {request.number}"
    assert (await north.see(request)).state is BorrowingState.BACK


async def test_notifications_of_version_2_are_news_too(north: NcipTown) -> None:
    """Those of version 1, and all kinds, are in test_ncip1_notices."""
    request = await received(north, "TN-112")

    await north.send("illiad", "item-checked-out", patron=PATRON, item="SOUTH-4711", due="2026-05-04")
    assert (await north.see(request)).state is BorrowingState.LENT

    await north.send("illiad", "item-renewed", patron=PATRON, item="SOUTH-4711", due="2026-06-04")
    seen = await north.see(request)
    assert str(seen.terms.lender_due).startswith("2026-06-04")

    await north.send("illiad", "item-checked-in", item="SOUTH-4711")
    assert (await north.see(request)).state is BorrowingState.BACK


async def test_a_scan_on_arrival_is_no_return(north: NcipTown) -> None:
    """Staff discharge what has come, so that its patron is told (Relais)."""
    request = await received(north, "TN-111")

    await north.send("illiad", "check-in-item", item="SOUTH-4711")

    assert (await north.see(request)).state is BorrowingState.RECEIVED


async def test_a_deleted_item_is_on_its_way_back(north: NcipTown) -> None:
    request = await received(north, "TN-112")

    answer = await north.send("illiad", "delete-item", item="SOUTH-4711")

    assert answer.problem == ""
    assert (await north.see(request)).state is BorrowingState.RETURNED
    await north.quiet()
    assert north.mail.subjects("ill@south.example")[-1].startswith(f"Request {request.number}, returned")


async def test_where_the_profile_keeps_the_record_nothing_has_gone_back(north: NcipTown) -> None:
    request = await received(north, "TN-115")

    answer = await north.send("keeper", "delete-item", item="SOUTH-4711")

    assert answer.problem == ""
    assert (await north.see(request)).state is BorrowingState.RECEIVED


async def test_a_broker_that_never_deletes_says_so_by_the_check_in(north: NcipTown) -> None:
    request = await received(north, "TN-116")
    await north.send("illiad", "check-out-item", patron=PATRON, item="SOUTH-4711")

    answer = await north.send("broker", "check-in-item", item="SOUTH-4711")

    assert answer.problem == ""
    assert (await north.kinds(request))[-2:] == ["returned-by-patron", "returned"]
    assert (await north.see(request)).state is BorrowingState.RETURNED


async def test_a_renewal_past_the_lender_s_date_is_the_lender_s_to_grant(north: NcipTown) -> None:
    request = await received(north, "TN-113")
    await north.send("illiad", "check-out-item", patron=PATRON, item="SOUTH-4711", due="2026-03-20")

    answer = await north.send("illiad", "renew-item", patron=PATRON, item="SOUTH-4711", due="2026-04-20")

    assert answer.problem == ""
    assert RequestFlag.RENEWAL_PENDING in (await north.see(request)).flags


async def test_renewing_all_loans_at_once_asks_the_lender_too(north: NcipTown) -> None:
    request = await received(north, "TN-115")
    await north.send("illiad", "check-out-item", patron=PATRON, item="SOUTH-4711", due="2026-03-20")

    answer = await north.post(
        "illiad",
        b'<NCIPMessage xmlns="http://www.niso.org/2008/ncip"><Ext><r:RenewAllItem'
        b' xmlns:r="http://www.oclc.org/ncip/renewall/2014"><UserId><UserIdentifierValue>'
        + PATRON.encode()
        + b"</UserIdentifierValue></UserId><DesiredDateDue>2026-04-20T21:59:00Z</DesiredDateDue></r:RenewAllItem></Ext>"
        b"</NCIPMessage>",
    )

    assert answer.problem == ""
    assert RequestFlag.RENEWAL_PENDING in (await north.see(request)).flags


async def test_the_lender_recalls_by_ncip(north: NcipTown) -> None:
    request = await received(north, "TN-114")
    await north.send("illiad", "check-out-item", patron=PATRON, item="SOUTH-4711")

    for _ in range(2):
        answer = await north.send("illiad", "recall-item", item="SOUTH-4711", due="2026-03-09")
        assert answer.problem == ""

    assert (await north.kinds(request)).count("recall") == 1
    assert RequestFlag.RECALLED in (await north.see(request)).flags


# --- our own items ---------------------------------------------------------------------------------------


async def lending(north: NcipTown, barcode: str, transaction: str) -> Request:
    draft = LendingDraft(
        citation=Citation(title="something of ours"), requester=LibraryParty(profile="south"), transaction=transaction
    )
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.act(request, EventKind.LOCATED, barcode=barcode)
    await north.quiet()
    return await north.see(request)


async def test_our_item_goes_out_and_comes_home(north: NcipTown) -> None:
    item = await north.free_item()
    request = await lending(north, item.barcode, "S-1")
    assert request.state is LendingState.LOCATED

    out = await north.send("illiad", "check-out-item", patron="SOUTH", item=item.barcode, request=request.number)

    assert out.problem == ""
    shipped = await north.see(request)
    assert shipped.state is LendingState.SHIPPED
    assert shipped.loan_id
    assert shipped.terms.lender_due is not None

    home = await north.send("illiad", "check-in-item", item=item.barcode)

    assert home.problem == ""
    assert (await north.see(request)).state is LendingState.COMPLETED


async def test_a_renewal_by_ncip_is_granted_to_the_partner(north: NcipTown) -> None:
    item = await north.free_item()
    request = await lending(north, item.barcode, "S-3")
    await north.act(request, EventKind.SHIPPED)
    before = (await north.see(request)).terms

    answer = await north.send("illiad", "renew-item", item=item.barcode, due="2026-05-29")

    assert answer.problem == ""
    after = (await north.see(request)).terms
    assert after.renewals == before.renewals + 1
    assert after.lender_due != before.lender_due


async def test_our_item_lent_to_somebody_else_is_not_shipped(north: NcipTown) -> None:
    item = await north.free_item()
    request = await lending(north, item.barcode, "S-2")

    await north.send("illiad", "check-out-item", patron=PATRON, item=item.barcode)

    assert (await north.see(request)).state is LendingState.LOCATED


async def test_the_library_alone_is_told_where_nothing_is_managed(north: NcipTown) -> None:
    assert await accept(north, "TN-120") == ""
    assert await north.all(Role.BORROWING) == ()


# --- where work and journal are not one transaction ------------------------------------------------------


@pytest.fixture
def usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a library system that is elsewhere."""
    monkeypatch.setattr(CommandHandler, "_find_shared_system", lambda *_: None)


@pytest.mark.usefixtures("usual_way")
async def test_a_library_elsewhere_is_followed_too(north: NcipTown) -> None:
    request = await north.asked(external="TN-130")

    assert await accept(north, "TN-130") == ""

    assert (await north.see(request)).state is BorrowingState.RECEIVED


@pytest.mark.usefixtures("usual_way")
async def test_a_crash_before_the_answer_is_kept_is_repaired_by_the_message_again(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await north.asked(external="TN-131")

    async def full(*_: Any) -> None:
        raise Unavailable("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "complete", full)
        assert await accept(north, "TN-131") == "Temporary Processing Failure"
    assert await accept(north, "TN-131") == ""

    assert (await north.see(request)).state is BorrowingState.RECEIVED
    assert (await north.kinds(request)).count("received") == 1


@pytest.mark.usefixtures("usual_way")
async def test_a_defect_of_ours_is_no_reason_to_say_that_the_library_did_nothing(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await north.asked(external="TN-132")

    def defect(*_: Any) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as broken:
        broken.setattr("gateway.services.exchange.circulation_link.find_by_any_reference", defect)
        assert await accept(north, "TN-132") == ""

    assert await north.see(request) == request
    assert (await north.town.context.system.item_by_barcode("SOUTH-4711")).temporary
