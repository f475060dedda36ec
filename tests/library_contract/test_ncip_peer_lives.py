"""Whole lives of requests on Koha's and FOLIO's NCIP servers, as peers play them: in each run one answer is lost, and
the same key is used until the outcome is known. Each operation has one key."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.domain.library import Bib, HoldStatus, ItemStatus, Money
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_system import HoldWish, TemporaryHold, TemporaryItem
from gateway.ports.shared_store import Store
from tests.library_contract.ncip_peer_world import PeerWorld, folio_peer_world, koha_peer_world
from tests.library_contract.suite import refused

T = TypeVar("T")
BARCODE = "ILL-880001"


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """On SQLite alone: the store is the same for all."""
    return f"sqlite:///{tmp_path / 'illgate.db'}"


@pytest.fixture
async def koha(store: Store, peers_folder: Path, tmp_path: Path) -> AsyncIterator[PeerWorld]:
    async with koha_peer_world(store, peers_folder, tmp_path / "koha") as world:
        yield world


@pytest.fixture
async def folio(store: Store, peers_folder: Path, tmp_path: Path) -> AsyncIterator[PeerWorld]:
    async with folio_peer_world(store, peers_folder, tmp_path / "folio") as world:
        yield world


async def act_until_known(act: Callable[[], Awaitable[T]]) -> T:
    """As the gateway's workers do: what is unknown is asked for again under the same key."""
    for _ in range(4):
        with contextlib.suppress(OutcomeUnknown, Unavailable):
            return await act()
    pytest.fail("the outcome was never known")


async def borrow(world: PeerWorld) -> None:
    """A partner's item comes, is lent, renewed where that is possible, taken back, and goes."""
    who, known = world.known.good.value, world.known
    wish = TemporaryItem(
        BARCODE,
        Bib(title="Über die Brücke & zurück", author="Söhnlein, Grete", medium="Book"),
        "REQ-1",
        known.ill,
        known.ill_policy,
        hold=TemporaryHold(who, known.desk),
    )
    received = await act_until_known(lambda: world.library.create_temporary_item(wish, "accept"))
    assert received.item.barcode == BARCODE
    assert (await world.library.find_hold("REQ-1")).status.is_open
    due = (world.now() + timedelta(days=60)).replace(microsecond=0)
    asked = due if world.options.due_dates == "ours" else None
    loan = await act_until_known(lambda: world.library.check_out(BARCODE, who, "lend", due=asked))
    assert loan.request_id == "REQ-1"
    assert (await world.library.find_hold("REQ-1")).status is HoldStatus.FILLED
    if world.options.is_answered("RenewItem"):
        # without the lost answer it is renewed once; NCIP tells no number of renewals
        renewed = await world.library.renew_loan(BARCODE, "renew")
        assert renewed.due > loan.due
    back = await act_until_known(lambda: world.library.check_in(BARCODE, "back"))
    assert back.loan is not None
    assert back.loan.id == loan.id
    await act_until_known(lambda: world.library.delete_temporary_item(BARCODE, "delete"))
    with refused(RefusalReason.UNKNOWN_ITEM):
        await world.library.item_by_barcode(BARCODE)


async def lend(world: PeerWorld) -> None:
    """An item of the library's own is reserved, the hold cancelled; reserved anew, lent and taken back."""
    who, item, desk = world.known.other.value, world.known.shelf_item, world.known.desk
    first = await act_until_known(
        lambda: world.library.place_hold(HoldWish(who, desk, "REQ-2", item_barcode=item), "hold")
    )
    if not await try_to_cancel(world, first.id):
        return
    again = HoldWish(who, desk, "REQ-3", item_barcode=item)
    await world.library.place_hold(again, "hold again")
    await world.restart_gateway()
    loan = await act_until_known(lambda: world.library.check_out(item, who, "ship", request_id="REQ-3"))
    assert (await world.library.item_by_barcode(item)).status is ItemStatus.ON_LOAN
    assert (await world.library.find_hold("REQ-3")).status is HoldStatus.FILLED
    back = await act_until_known(lambda: world.library.check_in(item, "received back"))
    assert back.loan is not None
    assert back.loan.id == loan.id
    assert await world.library.item_loan(item) is None


async def try_to_cancel(world: PeerWorld, hold_id: str) -> bool:
    """False: the answer was lost that had the hold's number, so staff have to."""
    if len(world.sent("RequestItem")) > 1:
        with refused(RefusalReason.UNSUPPORTED_SERVICE):
            await world.library.cancel_hold(hold_id, "cancel")
        assert not world.sent("CancelRequestItem"), "a number of ours may be another patron's hold"
        return False
    await act_until_known(lambda: world.library.cancel_hold(hold_id, "cancel"))
    return True


KOHA_LOST = ("", "AcceptItem", "CheckOutItem", "CheckInItem", "DeleteItem", "LookupUser", "LookupItem")


@pytest.mark.parametrize("lost", KOHA_LOST)
async def test_a_partners_item_lives_on_koha(lost: str, koha: PeerWorld) -> None:
    koha.relay.lose = {lost: 1}
    await borrow(koha)

    assert len(koha.sent("AcceptItem")) == 1, "a second one would make another item"


async def test_a_renewal_without_an_answer_may_count_twice_on_koha(koha: PeerWorld) -> None:
    """Neither LookupItem nor LookupUser tells the due date there; the guide says so."""
    who, item = koha.known.good.value, koha.known.shelf_item
    loan = await koha.library.check_out(item, who, "lend")
    koha.relay.lose = {"RenewItem": 1}
    with pytest.raises(OutcomeUnknown):
        await koha.library.renew_loan(item, "renew")

    renewed = await koha.library.renew_loan(item, "renew")
    assert renewed.due - loan.due == timedelta(days=28), "both were carried out"


@pytest.mark.parametrize("lost", ["", "RequestItem", "CancelRequestItem", "CheckOutItem", "CheckInItem", "LookupUser"])
async def test_an_own_item_goes_out_and_comes_back_on_koha(lost: str, koha: PeerWorld) -> None:
    koha.relay.lose = {lost: 1}
    await lend(koha)


@pytest.mark.parametrize("lost", ["", "CheckInItem", "DeleteItem", "LookupUser"])
async def test_a_partners_item_lives_on_folio(lost: str, folio: PeerWorld) -> None:
    folio.relay.lose = {lost: 1}
    await borrow(folio)


@pytest.mark.parametrize("lost", ["", "RequestItem", "CancelRequestItem", "CheckInItem", "LookupUser"])
async def test_an_own_item_goes_out_and_comes_back_on_folio(lost: str, folio: PeerWorld) -> None:
    folio.relay.lose = {lost: 1}
    await lend(folio)


# --- what staff have to look at ---------------------------------------------------------------------------


async def test_folio_is_never_told_twice_to_lend(folio: PeerWorld) -> None:
    """It would end the loan. When staff have checked the item in, it is lent again under the same key."""
    who, item = folio.known.good.value, folio.known.shelf_item
    folio.relay.lose = {"CheckOutItem": 1}
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            await folio.library.check_out(item, who, "lend")
    assert len(folio.sent("CheckOutItem")) == 1
    with pytest.raises(OutcomeUnknown):
        await folio.library.check_out(item, folio.known.other.value, "lend to another")

    await folio.library.check_in(item, "seen by staff")
    loan = await folio.library.check_out(item, who, "lend")

    assert len(folio.sent("CheckOutItem")) == 2
    assert await folio.library.item_loan(item) == loan


async def test_a_lost_accept_item_is_told_as_a_barcode_that_is_taken_on_folio(folio: PeerWorld) -> None:
    """It can be asked about neither items nor holds, and the barcode may be that of an item of the library's own: staff
    look."""
    who, known = folio.known.good.value, folio.known
    wish = TemporaryItem(
        BARCODE, Bib(title="紅楼夢"), "REQ-1", known.ill, known.ill_policy, hold=TemporaryHold(who, known.desk)
    )
    folio.relay.lose = {"AcceptItem": 1}
    with pytest.raises(OutcomeUnknown):
        await folio.library.create_temporary_item(wish, "accept")

    with refused(RefusalReason.DUPLICATE_ITEM):
        await folio.library.create_temporary_item(wish, "accept")


# --- numbers of requests ----------------------------------------------------------------------------------


async def test_another_patrons_hold_is_never_cancelled_on_koha(koha: PeerWorld) -> None:
    """Koha cancels whatever has the number that it is sent: its reserves are numbered from 101."""
    item, desk = koha.known.shelf_item, koha.known.desk
    theirs = await koha.library.place_hold(HoldWish(koha.known.other.value, desk, "REQ-1", item_barcode=item), "a")
    ours = await koha.library.place_hold(HoldWish(koha.known.good.value, desk, "101", item_barcode=item), "b")
    await koha.library.cancel_hold(ours.id, "c")

    (message,) = koha.sent("CancelRequestItem")
    assert "<RequestIdentifierValue>102<" in message
    with refused(RefusalReason.DUPLICATE_REQUEST):  # the first is there still
        await koha.library.place_hold(HoldWish(koha.known.other.value, desk, "REQ-9", item_barcode=item), "d")
    assert (await koha.library.find_hold("REQ-1")).id == theirs.id


async def test_a_hold_of_accept_item_is_not_cancelled_under_a_partners_number_on_koha(koha: PeerWorld) -> None:
    item, known = koha.known.shelf_item, koha.known
    await koha.library.place_hold(HoldWish(known.other.value, known.desk, "REQ-1", item_barcode=item), "a")
    hold = TemporaryHold(known.good.value, known.desk)
    wish = TemporaryItem(BARCODE, Bib(title="紅楼夢"), "101", known.ill, known.ill_policy, hold=hold)
    received = await koha.library.create_temporary_item(wish, "b")
    assert received.hold is not None

    with refused(RefusalReason.UNSUPPORTED_SERVICE):
        await koha.library.cancel_hold(received.hold.id, "c")
    assert not koha.sent("CancelRequestItem")


async def test_the_hold_of_a_partners_item_is_cancelled_on_folio(folio: PeerWorld) -> None:
    known = folio.known
    hold = TemporaryHold(known.good.value, known.desk)
    wish = TemporaryItem(BARCODE, Bib(title="紅楼夢"), "REQ-1", known.ill, known.ill_policy, hold=hold)
    received = await folio.library.create_temporary_item(wish, "accept")
    assert received.hold is not None
    await folio.restart_gateway()

    assert (await folio.library.cancel_hold(received.hold.id, "cancel")).status is HoldStatus.CANCELLED


async def test_a_title_is_reserved_by_its_number_on_folio(folio: PeerWorld) -> None:
    wish = HoldWish(folio.known.good.value, folio.known.desk, "REQ-5", bib_id="in00000000010")
    hold = await folio.library.place_hold(wish, "title")

    assert hold.item_barcode in ("10101", "10102"), "FOLIO has chosen a copy"
    assert (await folio.library.cancel_hold(hold.id, "cancel")).status is HoldStatus.CANCELLED
    with refused(RefusalReason.UNKNOWN_ITEM, RefusalReason.UNKNOWN_RECORD):
        await folio.library.place_hold(HoldWish(folio.known.good.value, folio.known.desk, bib_id="in9"), "no title")


async def test_a_title_is_reserved_by_its_number_on_koha(koha: PeerWorld) -> None:
    wish = HoldWish(koha.known.good.value, koha.known.desk, "REQ-5", bib_id="12")
    hold = await koha.library.place_hold(wish, "title")

    assert (await koha.library.cancel_hold(hold.id, "cancel")).status is HoldStatus.CANCELLED


# --- refusals ---------------------------------------------------------------------------------------------


async def test_folios_final_refusals_are_told_as_such(folio: PeerWorld) -> None:
    who, known = folio.known.good.value, folio.known
    hold = TemporaryHold(who, known.desk)
    wish = TemporaryItem(BARCODE, Bib(title="紅楼夢"), "REQ-1", known.ill, known.ill_policy, hold=hold)
    await folio.library.create_temporary_item(wish, "accept")
    await folio.library.delete_temporary_item(BARCODE, "delete")

    with refused(RefusalReason.DUPLICATE_ITEM):  # DeleteItem is soft
        await folio.library.create_temporary_item(wish, "accept again")
    with refused(RefusalReason.UNKNOWN_PATRON):
        await folio.library.check_out(known.shelf_item, "no-such-patron", "a")
    with refused(RefusalReason.UNKNOWN_ITEM):
        await folio.library.check_out("no-such-item", who, "b")
    with refused(RefusalReason.ITEM_ON_LOAN):
        await folio.library.check_out("10103", who, "c", override=True)


async def test_what_is_said_of_other_patrons_stays_out_of_notes(koha: PeerWorld, folio: PeerWorld) -> None:
    for world, item in ((koha, "K1"), (folio, "10101")):
        await world.library.place_hold(
            HoldWish(world.known.other.value, world.known.desk, item_barcode=item), f"theirs {item}"
        )
        with pytest.raises(Refused) as kept:
            await world.library.check_out(item, world.known.good.value, f"ours {item}")
        await world.library.check_out(item, world.known.other.value, f"lent {item}")
        with pytest.raises(Refused) as lent:
            await world.library.check_out(item, world.known.good.value, f"again {item}")
        for refusal in (kept.value, lent.value):
            assert world.known.other.value not in str(refusal) + refusal.internal
            assert "Müller" not in str(refusal) + refusal.internal


async def test_a_fee_that_folio_would_pass_over_is_refused(store: Store, peers_folder: Path, tmp_path: Path) -> None:
    services = {"services": ["LookupUser", "CreateUserFiscalTransaction"]}
    async with folio_peer_world(store, peers_folder, tmp_path / "folio", more=services) as folio:
        with refused(RefusalReason.NOT_ALLOWED):
            await folio.library.post_fee(folio.known.good.value, Money(Decimal("3.50"), "EUR"), "ill-fee", "fee")


# --- a proxy that repeats -----------------------------------------------------------------------------------


async def test_a_post_that_a_proxy_repeats_does_nothing_twice(store: Store, peers_folder: Path, tmp_path: Path) -> None:
    """Koha refuses the second; the answer of the second is what comes."""
    async with koha_peer_world(store, peers_folder, tmp_path / "koha", "--deny-duplicate-barcodes") as koha:
        who, item, desk = koha.known.good.value, koha.known.shelf_item, koha.known.desk
        koha.relay.double = {"RequestItem", "CheckInItem"}
        with refused(RefusalReason.DUPLICATE_REQUEST):
            await koha.library.place_hold(HoldWish(who, desk, "REQ-1", item_barcode=item), "hold")
        await koha.library.check_out(item, who, "lend")
        with refused(RefusalReason.NOT_CHECKED_OUT):
            await koha.library.check_in(item, "back")
        koha.relay.double = set()
        assert (await koha.library.item_by_barcode(item)).status is ItemStatus.AVAILABLE


# --- illgate check --live -----------------------------------------------------------------------------------


async def check_live(world: PeerWorld) -> dict[str, tuple[str, str]]:
    """What each step said, or its problem and the key to look at."""
    return {step.name: (step.problem or step.said, step.key) for step in await world.library.probe()}


async def test_check_live_finds_nothing_wrong(koha: PeerWorld, folio: PeerWorld) -> None:
    for world in (koha, folio):
        steps = await world.library.probe()
        assert [step.problem for step in steps if step.problem] == []
        assert "agency" in {step.name for step in steps}


async def test_check_live_finds_an_agency_without_settings(store: Store, peers_folder: Path, tmp_path: Path) -> None:
    other = {"ncip": {"header": {"our_agency": "OTHER", "partner_agency": "LIBRARY"}}}
    async with folio_peer_world(store, peers_folder, tmp_path / "folio", more=other) as folio:
        found = await check_live(folio)

    assert found["message"] == ("LookupUser is answered", "")
    assert "configuration value missing" in found["agency"][0]
    assert found["agency"][1] == "ncip.header"


@pytest.mark.parametrize("agency", ["ILL", "HARD"])
async def test_check_live_finds_barcodes_that_stay_taken(
    agency: str, store: Store, peers_folder: Path, tmp_path: Path
) -> None:
    more = {
        "ncip": {"header": {"our_agency": agency, "partner_agency": "LIBRARY"}},
        "trial": {"patron": "8377630", "new_item": "CHECK-1"},
    }
    async with folio_peer_world(store, peers_folder, tmp_path / "folio", more=more) as folio:
        said, _key = (await check_live(folio))["new item"]

    assert ("keeps the barcode taken" in said) is (agency == "ILL")


async def test_check_live_finds_lists_that_are_not_given(store: Store, peers_folder: Path, tmp_path: Path) -> None:
    more = {"patrons": {"lists": ["loans", "holds"]}, "trial": {"patron": "8377630"}}
    async with folio_peer_world(store, peers_folder, tmp_path / "folio", more=more) as folio:
        assert (await check_live(folio))["patron"][1] == "patrons.lists"


async def test_a_ping_sends_nothing_while_all_is_well(koha: PeerWorld) -> None:
    await koha.library.ping()
    assert koha.relay.seen == []
    koha.relay.lose = {"LookupUser": 2}
    with pytest.raises(Unavailable):
        await koha.library.find_patron(koha.known.good)
    await koha.library.ping()

    assert len(koha.sent("LookupUser")) == 3, "whether it answers again is asked"
