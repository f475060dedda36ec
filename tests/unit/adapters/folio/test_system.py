"""FOLIO as it is in life: half-written records, numbers that two patrons have, what its own desk does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.library.folio.answers import ItemAnswer, read_answer
from adapters.library.folio.records import PatronReader, read_item_status
from gateway.domain.library import (
    BlockCause,
    BlockScope,
    Contact,
    ContactKind,
    ItemStatus,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    PostalAddress,
    RecordId,
)
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import Capability, HoldWish, PatronKey
from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.folio_circulation import ITEMS
from rehearsal.fakes.folio_records import make_id
from tests.library_contract.embedded_world import KNOWN, START
from tests.library_contract.folio_world import make_options
from tests.library_contract.suite import refused
from tests.unit.adapters.folio.operations import ITEM, TEMPORARY, FolioScene, make_temporary_item, open_scene

USER = make_id(f"/users/{KNOWN.good.value}")


@pytest.fixture
async def scene(context: LibraryAdapterContext) -> AsyncIterator[FolioScene]:
    scene = await open_scene(context, "LIB")
    yield scene
    await scene.close()


async def test_two_patrons_with_one_number_are_never_guessed(scene: FolioScene) -> None:
    scene.fake.do_damage("duplicate-patron", KNOWN.good.value)
    with refused(RefusalReason.AMBIGUOUS_PATRON):
        await scene.library.find_patron(KNOWN.good)


async def test_types_of_numbers_are_tried_in_order(scene: FolioScene) -> None:
    """What is the barcode of one is the username of another."""
    scene.fake.records.tables["/users"][make_id(f"/users/{KNOWN.other.value}")]["username"] = KNOWN.good.value

    assert (await scene.library.find_patron(KNOWN.good)).id == USER
    by_name = await scene.library.find_patron(PatronKey(KNOWN.good.value, ("username",)))
    assert by_name.id == scene.other


async def test_a_number_is_compared_letter_by_letter_and_a_username_is_not(scene: FolioScene) -> None:
    user = scene.fake.records.tables["/users"][USER]
    user["barcode"], user["username"] = "Ab1", "müller"

    assert (await scene.library.find_patron(PatronKey("Ab1"))).id == USER
    assert (await scene.library.find_patron(PatronKey("MÜLLER"))).id == USER
    for wrong in ("AB1", "muller", "Ab*"):
        with refused(RefusalReason.UNKNOWN_PATRON):
            await scene.library.find_patron(PatronKey(wrong))


async def test_a_half_written_record_is_a_failure_that_says_which_field(scene: FolioScene) -> None:
    scene.fake.do_damage("half-written-item", ITEM)
    with pytest.raises(Unavailable, match="record of the item is not valid: status missing"):
        await scene.library.item_by_barcode(ITEM)


def test_what_is_in_a_broken_field_is_never_said() -> None:
    with pytest.raises(Unavailable) as caught:
        read_answer(ItemAnswer, {"id": "x", "holdingsRecordId": ["secret"], "status": {"name": "Available"}}, "item")
    assert "secret" not in str(caught.value)
    assert "holdingsRecordId" in str(caught.value)


async def test_a_patron_who_vanishes_during_a_loan(scene: FolioScene) -> None:
    await scene.library.check_out(ITEM, USER, "lent", request_id="R")
    scene.fake.do_damage("vanish-patron", KNOWN.good.value)
    with refused(RefusalReason.UNKNOWN_PATRON):
        await scene.library.find_patron(KNOWN.good)
    back = await scene.library.check_in(ITEM, "back", at=KNOWN.desk)

    assert back.loan is not None
    assert back.patron is None


async def test_a_loan_of_folios_own_desk_is_seen_and_returned(scene: FolioScene) -> None:
    await scene.library.create_temporary_item(make_temporary_item(scene), "accept")
    scene.fake.circulation.check_out(
        {"itemBarcode": TEMPORARY, "userBarcode": KNOWN.good.value, "servicePointId": make_id("/service-points/MAIN")}
    )
    item = await scene.library.item_by_barcode(TEMPORARY)
    loan = await scene.library.item_loan(item.id)

    assert loan is not None
    assert (loan.key, loan.request_id, loan.patron_id) == ("", "REQ-1", USER)
    assert (await scene.library.item_by_request("REQ-1")).id == item.id
    with refused(RefusalReason.ON_LOAN_SAME_PATRON):
        await scene.library.check_out(TEMPORARY, USER, "ours")
    assert (await scene.library.check_in(TEMPORARY, "back", at="RS")).loan == replace(loan, returned=START)


async def test_a_temporary_item_is_known_by_its_note_when_all_is_forgotten(
    scene: FolioScene, context: LibraryAdapterContext
) -> None:
    await scene.library.create_temporary_item(make_temporary_item(scene), "accept")
    for change in await scene.context.changes.changes_of_request("REQ-1"):
        await scene.context.changes.drop_change(change.kind, change.key)

    assert (await scene.library.item_by_barcode(TEMPORARY)).temporary
    again = await scene.library.create_temporary_item(make_temporary_item(scene), "accept")
    assert len(scene.fake.records.find_records(ITEMS, barcode=TEMPORARY)) == 1
    assert again.item.temporary
    await scene.library.delete_temporary_item(TEMPORARY, "delete")
    assert scene.fake.records.find_records(ITEMS, barcode=TEMPORARY) == []


async def test_what_folio_refuses_half_way_is_taken_back(scene: FolioScene) -> None:
    """The policy allows no requests of that loan type: the item is there already when FOLIO says so."""
    scene.fake.rules.not_lent = frozenset({"reference", "ill"})
    before = scene.describe_state()
    with refused(RefusalReason.NOT_ALLOWED):
        await scene.library.create_temporary_item(make_temporary_item(scene), "accept")

    assert scene.describe_state() == before
    scene.fake.rules.not_lent = frozenset()
    assert (await scene.library.create_temporary_item(make_temporary_item(scene), "accept")).hold is not None


async def test_what_has_come_for_a_blocked_patron_is_recorded(scene: FolioScene) -> None:
    scene.patron = (await scene.library.find_patron(KNOWN.blocked)).id
    made = await scene.library.create_temporary_item(make_temporary_item(scene), "accept")

    assert made.hold is not None
    assert made.hold.patron_id == scene.patron


async def test_blocks_are_not_overridden_unless_the_settings_say_so(context: LibraryAdapterContext) -> None:
    scene = await open_scene(context, "STRICT", override="ordinary")
    try:
        scene.patron = (await scene.library.find_patron(KNOWN.blocked)).id
        with refused(RefusalReason.PATRON_BLOCKED):
            await scene.library.create_temporary_item(make_temporary_item(scene), "accept")
        with refused(RefusalReason.PATRON_BLOCKED):
            await scene.library.check_out(ITEM, scene.patron, "lent", override=True)
    finally:
        await scene.close()


async def test_a_release_before_poppy_spells_fulfilment_otherwise(context: LibraryAdapterContext) -> None:
    scene = await open_scene(context, "OLD", fulfillment_spelling="fulfilment")
    try:
        scene.fake.rules.fulfillment_key = "fulfilmentPreference"
        assert (await scene.library.create_temporary_item(make_temporary_item(scene), "accept")).hold is not None
    finally:
        await scene.close()


async def test_an_item_that_somebody_changes_at_the_same_time_is_read_again(
    scene: FolioScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_record = scene.fake.records.replace_record
    conflicts = iter([True, True, False])

    def change_before(path: str, record_id: str, body: dict[str, object]) -> dict[str, object]:
        if next(conflicts):
            scene.fake.records.tables[path][record_id]["_version"] += 1
        return replace_record(path, record_id, body)

    monkeypatch.setattr(scene.fake.records, "replace_record", change_before)
    moved = await scene.library.move_to_ill(ITEM, KNOWN.ill, "move")

    assert (moved.current.library, moved.home.library) == ("RS", "MAIN")


async def test_a_recall_is_a_request_of_a_patron(scene: FolioScene) -> None:
    await scene.library.check_out(ITEM, scene.other, "lent")
    hold = await scene.library.place_hold(HoldWish(USER, KNOWN.desk, item_barcode=ITEM, kind="recall"), "recall")

    assert hold.kind == "recall"
    with pytest.raises(Refused, match="without a patron"):
        await scene.library.recall_loan(ITEM, "nobody")


async def test_a_request_that_is_over_is_not_written(scene: FolioScene) -> None:
    hold = await scene.library.place_hold(HoldWish(USER, KNOWN.desk, item_barcode=ITEM), "hold")
    await scene.library.cancel_hold(hold.id, "cancel")
    scene.fake.clear_calls()

    with refused(RefusalReason.REQUEST_CLOSED):
        await scene.library.update_hold(hold.id, "edit", pickup=KNOWN.other_desk)

    assert {call.method for call in scene.fake.calls} == {"GET"}


async def test_a_renewal_that_would_not_move_folios_date_moves_to_the_lenders(scene: FolioScene) -> None:
    scene.fake.rules.renews_from = "SYSTEM_DATE"
    loan = await scene.library.check_out(ITEM, USER, "lent")
    wanted = loan.due + timedelta(days=5)
    with refused(RefusalReason.NOT_RENEWABLE):
        await scene.library.renew_loan(ITEM, "by the rules")

    assert (await scene.library.renew_loan(ITEM, "to the lender's date", due=wanted)).due == wanted


async def test_a_renewal_goes_no_further_than_the_lender_allows(scene: FolioScene) -> None:
    loan = await scene.library.check_out(ITEM, USER, "lent")
    latest = loan.due + timedelta(days=5)
    renewed = await scene.library.renew_loan(ITEM, "renew", latest=latest)

    assert (renewed.due, renewed.renewals) == (latest, 1)


async def test_what_is_lost(scene: FolioScene) -> None:
    loan = await scene.library.check_out(ITEM, USER, "lent")
    for key in ("lost", "lost again"):
        assert (await scene.library.set_item_status(ITEM, ItemStatus.LOST, key)).status is ItemStatus.LOST
    assert await scene.library.item_loan(loan.item_id) is not None
    with refused(RefusalReason.IN_USE):
        await scene.library.set_item_status(ITEM, ItemStatus.MISSING, "missing")

    missing = await scene.library.set_item_status(KNOWN.copies[0], ItemStatus.LOST, "not on loan")
    assert missing.status is ItemStatus.MISSING


async def test_blocks_of_all_kinds_are_told_apart(scene: FolioScene) -> None:
    user = scene.fake.records.tables["/users"][USER]
    scene.fake.records.automated_blocks[USER] = [{"message": "Owes too much", "blockRenewals": True}]
    scene.fake.records.insert_record(
        "/manualblocks",
        {"desc": "past", "userId": USER, "borrowing": True, "expirationDate": "2026-01-01T00:00:00.000+00:00"},
    )
    patron = await scene.library.find_patron(KNOWN.good)
    assert [(block.reason, block.scopes) for block in patron.blocks] == [("Owes too much", {BlockScope.RENEW})]
    assert patron.blocks[0].message == "Owes too much"

    user["active"] = False
    for words in ({"patronMessage": "Please come to the desk"}, {}):
        row = {"desc": "Suspected of fraud", "staffInformation": "see file 7", "userId": USER, "requests": True}
        scene.fake.records.insert_record("/manualblocks", row | words)
    patron = await scene.library.find_patron(KNOWN.good)
    told = {block.message for block in patron.list_blocks(BlockScope.REQUEST)[1:]}
    assert told == {"Please come to the desk", ""}
    assert patron.blocks[0].cause is BlockCause.INACTIVE
    assert patron.blocks[0].scopes == frozenset(BlockScope)
    assert patron.expires is not None
    assert patron.expires > START.date()


async def test_addresses_get_a_type_that_folio_has(scene: FolioScene) -> None:
    postal = PostalAddress("Hlavní 1", locality="Brno", postal_code="602 00", country="CZ")
    draft = PatronDraft(
        identifiers=(PatronIdentifier("barcode", "2990"),),
        name=PersonName("Δοκιμή", "Άννα"),
        category="visitor",
        contacts=(Contact(ContactKind.POSTAL, "work", postal=postal), Contact(ContactKind.EMAIL, value="a@b.example")),
    )
    made = await scene.library.create_patron(draft, "new")
    record = scene.fake.records.tables["/users"][made.id]

    assert record["personal"]["addresses"][0]["addressTypeId"] == make_id("/addresstypes/Home")
    assert Contact(ContactKind.POSTAL, "home", postal=postal) in made.contacts


async def test_numbers_of_records_are_compared_without_hyphens(scene: FolioScene) -> None:
    for spelling in ("9780000010018", "978-0-00-001001-8", "978 0 00 001001 8"):
        assert (await scene.library.find_bib(RecordId("isbn", spelling))).title == "Вишнёвый сад"
    for wrong in ("978000001001", "*", "80000010018"):
        with refused(RefusalReason.UNKNOWN_RECORD):
            await scene.library.find_bib(RecordId("isbn", wrong))


async def test_a_code_that_was_set_up_just_now_is_found(scene: FolioScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.library.folio.code_tables.RETRY_SECONDS", 0.0)
    wish = replace(make_temporary_item(scene), policy="fernleihe")
    with refused(RefusalReason.INVALID_VALUE):
        await scene.library.create_temporary_item(wish, "accept")
    scene.fake.records.insert_record("/loan-types", {"name": "fernleihe"})

    assert (await scene.library.create_temporary_item(wish, "accept")).item.policy == "fernleihe"


async def test_codes_stay_in_use_while_folio_does_not_answer(
    context: LibraryAdapterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await open_scene(context, "OLD")
    try:
        monkeypatch.setattr("adapters.library.folio.code_tables.monotonic", lambda: float("inf"))
        scene.fake.add_fault(FaultKind.ERROR_500, path="/service-points", times=0)
        assert {place.code for place in await scene.library.pickup_locations()} == {"MAIN", "NORTH", "RS"}
    finally:
        await scene.close()


async def test_what_the_settings_leave_out_cannot_be_done(context: LibraryAdapterContext) -> None:
    scene = await open_scene(
        context,
        "LESS",
        temporary_items={},
        cancellation_reason="",
        fee_owner="",
        title_requests=False,
        search=False,
        checks_pins=False,
    )
    try:
        gone = {
            Capability.AUTHENTICATE,
            Capability.SEARCH,
            Capability.HOLD_TITLE,
            Capability.HOLD_CANCEL,
            Capability.TEMPORARY_ITEM,
            Capability.POST_FEE,
        }
        assert not gone & scene.library.capabilities
        for refused_call in (
            scene.library.authenticate(KNOWN.good, "1234"),
            scene.library.search_bibs("x"),
            scene.library.place_hold(HoldWish(USER, KNOWN.desk, bib_id=USER), "k"),
            scene.library.cancel_hold("x", "k"),
            scene.library.create_temporary_item(make_temporary_item(scene), "k"),
        ):
            with refused(RefusalReason.UNSUPPORTED_SERVICE):
                await refused_call
    finally:
        await scene.close()


@pytest.mark.parametrize(
    ("ends", "last_day"),
    [
        (datetime(2027, 1, 1, 22, 59, 59, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2026, 12, 31)),  # midnight in Berlin
        (datetime(2027, 6, 30, 21, 59, 59, tzinfo=UTC), date(2027, 6, 30)),
    ],
)
def test_a_membership_ends_with_a_day_in_the_librarys_zone(ends: datetime, last_day: date) -> None:
    reader = PatronReader(make_options("https://okapi.example"), ZoneInfo("Europe/Berlin"), "EUR")
    assert reader.read_day(ends) == last_day
    assert reader.read_day(datetime.fromisoformat(reader.write_day(last_day))) == last_day


@pytest.mark.parametrize(
    ("name", "waiting", "status"),
    [
        ("Paged", 1, ItemStatus.AVAILABLE),
        ("Awaiting pickup", 1, ItemStatus.ON_HOLD_SHELF),
        ("Awaiting pickup", 0, ItemStatus.AVAILABLE),
        ("Aged to lost", 0, ItemStatus.LOST),
        ("Restricted", 0, ItemStatus.NOT_AVAILABLE),
        ("a status of the year after next", 0, ItemStatus.NOT_AVAILABLE),
    ],
)
def test_statuses_of_items(name: str, waiting: int, status: ItemStatus) -> None:
    assert read_item_status(name, waiting) is status
