"""Placing, finding, changing and cancelling requests; where they are fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.commands import (
    CancelRequest,
    CheckOut,
    LookUpRequest,
    Named,
    PatronRef,
    PlaceRequest,
    UpdateRequest,
)
from gateway.domain.library import Bib, HoldStatus, RecordId
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.ports.library_system import Capability, HoldWish, PatronKey
from gateway.services.circulation.holds import default_pickup
from tests.unit.services.circulation.support import (
    ANA,
    BOOK,
    CHIDI,
    EASTBROOK,
    PIN,
    PSEUDOPATRON,
    RECORD,
    RECORD_OCLC,
    Counter,
    Without,
    signs_in,
    who,
)

NUMBER = Named("WCNav1234")
TODAY = date(2026, 3, 10)


def wants_book(**more: Any) -> PlaceRequest:
    return PlaceRequest(who(ANA), **{"items": (Named(BOOK),), "request": NUMBER, **more})


def wants_record(type_: str, value: str, **more: Any) -> PlaceRequest:
    return PlaceRequest(who(ANA), **{"records": (RecordId(type_, value),), "request": NUMBER, **more})


# --- what is requested -----------------------------------------------------------------------------------


async def test_a_request_is_placed_and_repeated(counter: Counter) -> None:
    first = await counter.ask(wants_book(kind="page"))
    assert (first.hold.request_id, first.hold.kind, first.item.barcode) == (NUMBER.value, "page", BOOK)
    assert first.bib.id == RECORD
    again = await counter.ask(wants_book(kind="page"))
    assert again.hold.id == first.hold.id
    assert len(await counter.library.patron_holds(first.patron.id)) == 1


async def test_a_cancelled_request_can_be_placed_again(counter: Counter) -> None:
    first = await counter.ask(wants_book())
    await counter.ask(CancelRequest(who(ANA), NUMBER))
    second = await counter.ask(wants_book())
    assert second.hold.id != first.hold.id
    assert second.hold.status.is_open
    assert (await counter.ask(wants_book())).hold.id == second.hold.id
    await counter.ask(CancelRequest(who(ANA), NUMBER))
    assert (await counter.ask(wants_book())).hold.status.is_open


@pytest.mark.parametrize("scope", ["item", "title"])
@pytest.mark.parametrize("sent", ["NORTH", "north branch", "Zweigstelle Nord"])
async def test_a_copy_from_the_place_that_is_named(counter: Counter, scope: str, sent: str) -> None:
    rules = {"locations": {"zweigstelle nord": "NORTH", "North Branch": "NORTH"}}
    first = await counter.ask(wants_record("SYSNUMBER", RECORD, kind="page"))
    assert first.item.home.library == "MAIN"
    await counter.ask(CancelRequest(who(ANA), NUMBER))
    wish = wants_record("SYSNUMBER", RECORD, kind="page", scope=scope, locations=(sent,))
    placed = await counter.ask(wish, requests=rules)
    assert placed.item.home.library == "NORTH"
    assert placed.hold.item_id == placed.item.id
    await counter.ask(CancelRequest(who(ANA), NUMBER))
    anywhere = await counter.ask(wish, requests={**rules, "use_location": False})
    assert (anywhere.item is None) if scope == "title" else (anywhere.item.home.library == "MAIN")


async def test_no_copy_at_the_place_that_is_named(counter: Counter) -> None:
    refused = await counter.refusal(wants_record("SYSNUMBER", RECORD, locations=("MOON",)))
    assert (refused.reason, refused.about) == (RefusalReason.ITEM_DOES_NOT_CIRCULATE, MessagePart.RECORD)
    assert (await counter.ask(wants_book(locations=("MOON",)))).item.barcode == BOOK, "it is named itself"


async def test_staff_read_the_place_where_copies_cannot_be_listed(counter: Counter) -> None:
    wish = wants_record("SYSNUMBER", RECORD, scope="title", locations=("NORTH",))
    recording = RecordingHolds(Without(counter.library, Capability.ITEM_AVAILABILITY))
    assert (await counter.ask(wish, library=recording)).item is None
    assert recording.notes == ["location: NORTH"]


class RecordingHolds:
    """Passes everything on and keeps the notes of holds."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.notes: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    async def place_hold(self, wish: HoldWish, key: str) -> Any:
        self.notes.append(wish.note)
        return await self._library.place_hold(wish, key)


# --- a second copy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patron", "rules", "reason"),
    [
        pytest.param(EASTBROOK, {}, RefusalReason.ITEM_NOT_AVAILABLE, id="a library"),
        pytest.param(CHIDI, {}, RefusalReason.DUPLICATE_REQUEST, id="a person"),
        pytest.param(CHIDI, {"institution_ids": [CHIDI]}, RefusalReason.ITEM_NOT_AVAILABLE, id="as the profile says"),
    ],
)
async def test_who_has_all_copies_asks_for_another(
    counter: Counter, patron: str, rules: dict[str, Any], reason: RefusalReason
) -> None:
    """A library asks for several of its patrons: it hears that there is none left."""
    wanted = (RecordId("SYSNUMBER", "1043"),)
    copies = (await counter.library.holdings("1043")).items
    for number in range(len(copies)):
        await counter.ask(PlaceRequest(who(patron), records=wanted, request=Named(f"R-{number}"), kind="page"))
    another = PlaceRequest(who(patron), records=wanted, request=Named("R-9"), kind="page")
    refused = await counter.refusal(another, patrons=rules)
    assert refused.reason is reason


# --- an item that is kept for somebody else --------------------------------------------------------------


async def put_on_hold_shelf(counter: Counter) -> None:
    """For Chidi."""
    await counter.ask(PlaceRequest(who(CHIDI), items=(Named(BOOK),)))
    await counter.library.check_in(BOOK, "scan", at="MAIN")


@pytest.mark.parametrize(
    ("kind", "rules"),
    [
        pytest.param("page", {}, id="a page"),
        pytest.param("loan", {}, id="a loan"),
        pytest.param("hold", {"immediate_kinds": ["hold"]}, id="as the profile says"),
        pytest.param("hold", {"managed": "lending"}, id="the item is located for a lending request"),
        pytest.param("hold", {"ignore": True}, id="no hold is placed"),
    ],
)
async def test_an_item_that_is_kept_for_another_is_not_promised(
    counter: Counter, kind: str, rules: dict[str, Any]
) -> None:
    await put_on_hold_shelf(counter)
    refused = await counter.refusal(wants_book(kind=kind), requests=rules)
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.REQUESTED_BY_OTHER,
        MessagePart.ITEM,
        BOOK,
    )
    assert len(await counter.library.item_holds((await counter.library.item_by_barcode(BOOK)).id)) == 1


@pytest.mark.parametrize("kind", ["hold", "recall"])
async def test_a_hold_waits_its_turn(counter: Counter, kind: str) -> None:
    await put_on_hold_shelf(counter)
    assert (await counter.ask(wants_book(kind=kind))).hold.position == 1  # the next after the one who is served


async def test_an_item_that_another_is_in_the_queue_for(counter: Counter) -> None:
    """Chidi's request comes first, though nobody has fetched the book yet; Ana's own stands in nobody's way."""
    await counter.ask(PlaceRequest(who(CHIDI), items=(Named(BOOK),)))
    assert (await counter.refusal(wants_book(kind="page"))).reason is RefusalReason.REQUESTED_BY_OTHER
    await counter.ask(CancelRequest(who(CHIDI), None, Named(BOOK)))
    first = await counter.ask(wants_book(kind="page"))
    await counter.ask(PlaceRequest(who(CHIDI), items=(Named(BOOK),)))
    assert (await counter.ask(wants_book(kind="page"))).hold.id == first.hold.id


async def test_what_has_been_granted_is_granted_when_it_is_asked_for_again(counter: Counter) -> None:
    first = await counter.ask(wants_book(kind="page"))
    await counter.ask(CheckOut(who(ANA), Named(BOOK), NUMBER))
    await counter.ask(PlaceRequest(who(CHIDI), items=(Named(BOOK),)))
    again = await counter.ask(wants_book(kind="page"))
    assert (again.hold.id, again.hold.status) == (first.hold.id, HoldStatus.FILLED)


async def test_a_copy_that_is_free_is_chosen_before_one_that_is_kept(counter: Counter) -> None:
    await put_on_hold_shelf(counter)
    placed = await counter.ask(wants_record("SYSNUMBER", RECORD, kind="page"))
    assert placed.item.barcode != BOOK
    free = placed.item.barcode
    await counter.ask(CancelRequest(who(ANA), NUMBER))
    assert (await counter.ask(wants_book(kind="page", items=(Named(BOOK), Named(free))))).item.barcode == free
    nobody = PlaceRequest(who(PSEUDOPATRON), items=(Named(BOOK), Named(free)), kind="page")
    assert (await counter.refusal(nobody)).reason is RefusalReason.REQUESTED_BY_OTHER


async def test_a_filled_request_is_not_placed_again(counter: Counter) -> None:
    first = await counter.ask(wants_book())
    await counter.ask(CheckOut(who(ANA), Named(BOOK), NUMBER))
    again = await counter.ask(wants_book())
    assert (again.hold.id, again.hold.status) == (first.hold.id, HoldStatus.FILLED)


@pytest.mark.parametrize(
    ("command", "rules", "kind", "on_item"),
    [
        pytest.param(wants_book(kind=""), {}, "hold", True, id="as shipped: a hold on the item"),
        pytest.param(
            wants_book(kind="", scope=""), {"default_kind": "loan", "default_scope": "title"}, "loan", False,
            id="the profile's kind and scope where none is said",
        ),
        pytest.param(wants_book(scope="title"), {}, "hold", False, id="any copy of the item's title"),
        pytest.param(wants_record("SYSNUMBER", RECORD), {}, "hold", True, id="a copy of the record (CrossLink)"),
        pytest.param(wants_record("OCLC", RECORD_OCLC, scope="title"), {}, "hold", False, id="a title (Navigator)"),
    ],
)  # fmt: skip
async def test_kind_and_scope(
    counter: Counter, command: PlaceRequest, rules: dict[str, Any], kind: str, on_item: bool
) -> None:
    placed = await counter.ask(command, requests=rules)
    assert (placed.hold.kind, bool(placed.hold.item_id), placed.bib.id) == (kind, on_item, RECORD)


@pytest.mark.parametrize(
    ("records", "rules"),
    [
        pytest.param((RecordId("", RECORD),), {}, id="no code: our own number"),
        pytest.param((RecordId("BibID", RECORD),), {}, id="code of Evergreen"),
        pytest.param((RecordId("katkey", RECORD),), {"types": {"katkey": "local"}}, id="a code of this partner"),
        pytest.param(
            (RecordId("OCLC", f"(OCoLC){RECORD_OCLC}"),), {"rewrite": {"oclc": {"strip_prefix": ["(OCoLC)"]}}},
            id="a prefix is taken off",
        ),
        pytest.param(
            (RecordId("SYSNUMBER", f".b{RECORD}x"),),
            {"rewrite": {"local": {"strip_prefix": [".b"]}}, "drop_check_digit": True}, id="Sierra's check digit",
        ),
        pytest.param(
            (RecordId("SYSNUMBER", "1002"), RecordId("OCLC", RECORD_OCLC)), {"order": ["oclc", "local"]},
            id="the order in which types are tried",
        ),
        pytest.param((RecordId("SYSNUMBER", "99"), RecordId("OCLC", RECORD_OCLC)), {}, id="the next one if unknown"),
    ],
)  # fmt: skip
async def test_record_numbers(counter: Counter, records: tuple[RecordId, ...], rules: dict[str, Any]) -> None:
    assert (await counter.ask(PlaceRequest(who(ANA), records=records), records=rules)).bib.id == RECORD


async def test_records_that_cannot_be_found(counter: Counter) -> None:
    unknown = await counter.refusal(wants_record("OCLC", "12"))
    assert (unknown.reason, unknown.about, unknown.value) == (RefusalReason.UNKNOWN_RECORD, MessagePart.RECORD, "12")
    not_tried = await counter.refusal(wants_record("OCLC", RECORD_OCLC), records={"order": ["local"]})
    assert (not_tried.reason, not_tried.about) == (RefusalReason.INVALID_VALUE, MessagePart.RECORD)
    nothing = await counter.refusal(PlaceRequest(who(ANA)))
    assert nothing.reason is RefusalReason.DATA_MISSING


async def test_a_citation_with_numbers_is_enough(counter: Counter) -> None:
    citation = Bib(title="The Three-Body Problem", identifiers=(RecordId("oclc", RECORD_OCLC),))
    assert (await counter.ask(PlaceRequest(who(ANA), citation=citation))).bib.id == RECORD


async def test_ignored_requests_place_nothing(counter: Counter) -> None:
    placed = await counter.ask(wants_book(), requests={"ignore": True})
    assert (placed.hold.id, placed.hold.request_id, placed.item.barcode) == ("", NUMBER.value, BOOK)
    assert await counter.library.patron_holds(placed.patron.id) == ()


@pytest.mark.parametrize(
    ("sent", "rules", "kept", "note"),
    [
        ("TN-77", {}, "TN-77", ""),
        ("TN-77", {"rewrite": {"strip_prefix": ["TN-"], "prefix": "ILL"}}, "ILL77", ""),
        ("LU-77", {"prefixes": [{"prefix": "LU-", "means": ["library-use-only"]}]}, "LU-77", "library use only"),
        (
            "LU-77",
            {"prefixes": [{"prefix": "LU-", "means": ["library-use-only"], "keep": False}]},
            "77",
            "library use only",
        ),
    ],
)
async def test_request_numbers(counter: Counter, sent: str, rules: dict[str, Any], kept: str, note: str) -> None:
    notes = _NotesOfHolds(counter.library)
    placed = await counter.ask(wants_book(request=Named(sent)), library=notes, requests=rules)
    assert (placed.hold.request_id, notes.seen) == (kept, [note])
    found = await counter.ask(LookUpRequest(Named(sent)), requests=rules)
    assert found.hold.id == placed.hold.id


class _NotesOfHolds:
    """Passes everything on and remembers the notes, which a Hold doesn't show."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.seen: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    async def place_hold(self, wish: Any, key: str) -> Any:
        self.seen.append(wish.note)
        return await self._library.place_hold(wish, key)


# --- a system that can't be asked about records -------------------------------------------------------------


async def test_a_title_is_reserved_unseen_by_the_number_of_its_record(counter: Counter) -> None:
    """FOLIO by NCIP: RequestItem takes a record number, and there is no look-up of records."""
    asked = Without(counter.library, Capability.BIB_FIND, Capability.ITEM_AVAILABILITY)
    placed = await counter.ask(wants_record("local", RECORD), library=asked)
    assert (placed.hold.bib_id, placed.item) == (RECORD, None)

    refused = await counter.refusal(wants_record("isbn", "9780140449136"), library=asked)
    assert refused.reason is RefusalReason.UNSUPPORTED_SERVICE


# --- dates -----------------------------------------------------------------------------------------------


async def test_hold_days_end_a_hold(counter: Counter) -> None:
    assert (await counter.ask(wants_book())).hold.expires is None
    other = wants_record("local", "1002", request=Named("2"))
    assert (await counter.ask(other, requests={"hold_days": 30})).hold.expires == TODAY + timedelta(days=30)


async def test_the_message_knows_better_when_a_hold_ends(counter: Counter) -> None:
    late = datetime(2026, 4, 1, 22, 30, tzinfo=UTC)  # the 2nd of April in Berlin
    placed = await counter.ask(wants_book(expires=late, need_by=date(2026, 3, 31)), requests={"hold_days": 30})
    assert (placed.hold.expires, placed.hold.need_by) == (date(2026, 4, 2), date(2026, 3, 31))


async def test_days_that_have_passed_are_refused(counter: Counter) -> None:
    refused = await counter.refusal(wants_book(need_by=date(2026, 3, 9)))
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.INVALID_DATE,
        MessagePart.NEED_BY,
        "2026-03-09",
    )
    refused = await counter.refusal(wants_book(expires=date(2026, 3, 9)))
    assert refused.reason is RefusalReason.INVALID_DATE


# --- pickup places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "receiver", "rules", "place"),
    [
        pytest.param("SCI", "", {}, "SCI", id="a code of ours"),
        pytest.param("sci", "", {}, "SCI", id="without regard to case"),
        pytest.param("olin,circ", "", {"map": {"Olin,Circ": "NORTH"}}, "NORTH", id="the profile's map (Cornell)"),
        pytest.param("", "", {}, "MAIN", id="none: the patron's home library"),
        pytest.param("", "", {"default": "EAST"}, "EAST", id="none: the profile's default"),
        pytest.param("nothing", "", {}, "MAIN", id="the addon's word for none"),
        pytest.param("k.A.", "", {"none_words": ["k.a."], "default": "EAST"}, "EAST", id="a partner's word for none"),
        pytest.param("Mars", "", {"unknown": "default", "default": "EAST"}, "EAST", id="unknown: the default"),
        pytest.param("", "SCI", {"source": ["receiver"]}, "SCI", id="in ToAgencyId (ReShare v1)"),
        pytest.param("MAIN", "SCI", {"source": ["receiver"]}, "SCI", id="only in ToAgencyId"),
        pytest.param("", "SCI", {"source": ["pickup-location", "receiver"]}, "SCI", id="the second source"),
        pytest.param("EAST", "SCI", {"source": ["pickup-location", "receiver"]}, "EAST", id="the first source"),
        pytest.param("EAST", "SCI", {"source": ["fixed"], "default": "NORTH"}, "NORTH", id="always the same place"),
    ],
)
async def test_pickup_places(counter: Counter, sent: str, receiver: str, rules: dict[str, Any], place: str) -> None:
    placed = await counter.ask(wants_book(pickup=sent, receiver=receiver), pickup=rules)
    assert (placed.hold.pickup, placed.pickup.code) == (place, place)


async def test_whose_home_library_keeps_no_hold_shelf_gets_it_where_partners_items_come(counter: Counter) -> None:
    patron = replace(await counter.library.find_patron(PatronKey(ANA)), home_library="STACKS")
    places = await counter.library.pickup_locations()

    chosen = await default_pickup(patron, counter.desk())

    assert places[0].code == "EAST"
    assert (chosen.code, chosen.resource_sharing) == ("RS", True)


async def test_an_unknown_pickup_place_is_refused(counter: Counter) -> None:
    refused = await counter.refusal(wants_book(pickup="Mars"))
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.BAD_PICKUP_LOCATION,
        MessagePart.PICKUP_LOCATION,
        "Mars",
    )


async def test_a_wrong_default_is_told_to_staff(counter: Counter) -> None:
    refused = await counter.refusal(wants_book(), pickup={"default": "WEST"})
    assert refused.reason is RefusalReason.BAD_PICKUP_LOCATION
    assert "circulation.pickup.default" in refused.internal
    assert "WEST" not in refused.detail


async def test_pickup_of_requests_can_be_left_unread(counter: Counter) -> None:
    placed = await counter.ask(
        wants_book(pickup="Mars"), requests={"use_pickup": False}, pickup={"default": "SCI", "no_hold_words": ["mars"]}
    )
    assert placed.hold.pickup == "SCI"


async def test_a_place_that_means_no_hold(counter: Counter) -> None:
    placed = await counter.ask(wants_book(pickup="NONE"), pickup={"none_words": [], "no_hold_words": ["none"]})
    assert placed.hold.id == ""
    assert await counter.library.patron_holds(placed.patron.id) == ()


# --- what the library's system can do --------------------------------------------------------------------


async def test_without_title_holds_a_copy_is_chosen(counter: Counter) -> None:
    limited = Without(counter.library, Capability.HOLD_TITLE)
    placed = await counter.ask(wants_record("local", RECORD, scope="title"), library=limited)
    assert placed.hold.item_id


async def test_without_item_holds_they_are_refused(counter: Counter) -> None:
    refused = await counter.refusal(wants_book(), library=Without(counter.library, Capability.HOLD_ITEM))
    assert (refused.reason, refused.about) == (RefusalReason.UNSUPPORTED_SERVICE, MessagePart.SERVICE)
    assert refused.detail == "The library system cannot place a hold on an item."


# --- finding, changing, cancelling -----------------------------------------------------------------------


async def test_a_request_is_found_by_number_or_by_patron_and_item(counter: Counter) -> None:
    placed = await counter.ask(wants_book())
    for command in (LookUpRequest(NUMBER), LookUpRequest(None, who(ANA), Named(BOOK))):
        found = await counter.ask(command)
        assert (found.hold.id, found.patron.id, found.bib.id) == (placed.hold.id, placed.patron.id, RECORD)


@pytest.mark.parametrize(
    "command",
    [
        LookUpRequest(Named("other")),
        LookUpRequest(NUMBER, who(CHIDI)),
        CancelRequest(who(CHIDI), NUMBER),
        UpdateRequest(who(CHIDI), NUMBER, pickup="SCI"),
        LookUpRequest(None, who(CHIDI), Named(BOOK)),
    ],
)
async def test_another_patrons_request_is_as_good_as_none(counter: Counter, command: Any) -> None:
    await counter.ask(wants_book())
    assert (await counter.refusal(command)).reason is RefusalReason.UNKNOWN_REQUEST


async def test_cancelling_is_repeatable(counter: Counter) -> None:
    placed = await counter.ask(wants_book())
    for _ in range(2):
        cancelled = await counter.ask(CancelRequest(who(ANA), NUMBER))
        assert (cancelled.hold.id, cancelled.hold.status) == (placed.hold.id, HoldStatus.CANCELLED)
        assert cancelled.item.barcode == BOOK


async def test_cancelling_by_item(counter: Counter) -> None:
    placed = await counter.ask(wants_book())
    cancelled = await counter.ask(CancelRequest(who(ANA), None, Named(BOOK), kind="hold"))
    assert cancelled.hold.id == placed.hold.id
    assert (await counter.refusal(CancelRequest(who(ANA)))).reason is RefusalReason.DATA_MISSING


async def test_a_closed_request_can_be_answered_as_cancelled(counter: Counter) -> None:
    await counter.ask(wants_book())
    await counter.ask(CheckOut(who(ANA), Named(BOOK), NUMBER))
    assert (await counter.refusal(CancelRequest(who(ANA), NUMBER))).reason is RefusalReason.REQUEST_CLOSED
    answered = await counter.ask(CancelRequest(who(ANA), NUMBER), as_success={"cancel-request": ["request-closed"]})
    assert answered.hold.status is HoldStatus.FILLED


async def test_a_duplicate_request_can_be_answered_with_the_first(counter: Counter) -> None:
    first = await counter.ask(wants_book())
    another = wants_book(request=Named("WCNav1235"))
    assert (await counter.refusal(another)).reason is RefusalReason.DUPLICATE_REQUEST
    answered = await counter.ask(another, as_success={"place-request": ["duplicate-request"]})
    assert answered.hold.id == first.hold.id


async def test_changing_pickup_there_and_back(counter: Counter) -> None:
    await counter.ask(wants_book(pickup="MAIN"))
    for place in ("SCI", "MAIN", "SCI"):
        changed = await counter.ask(UpdateRequest(who(ANA), NUMBER, pickup=place, need_by=date(2026, 5, 1)))
        assert (changed.hold.pickup, changed.hold.need_by) == (place, date(2026, 5, 1))
        counter.clock.advance(timedelta(minutes=1))
    unnamed = await counter.ask(UpdateRequest(None, NUMBER, expires=date(2026, 6, 1)))
    assert (unnamed.hold.expires, unnamed.hold.pickup) == (date(2026, 6, 1), "SCI")


async def test_a_closed_request_is_not_changed(counter: Counter) -> None:
    await counter.ask(wants_book())
    await counter.ask(CancelRequest(who(ANA), NUMBER))
    refused = await counter.refusal(UpdateRequest(who(ANA), NUMBER, pickup="SCI"))
    assert (refused.reason, refused.value) == (RefusalReason.REQUEST_CLOSED, NUMBER.value)


async def test_requests_by_card_and_pin(counter: Counter) -> None:
    """VDX cancels with `Barcode Id` and `Password` (facts/ncip.md 2.7)."""
    await counter.ask(wants_book())
    ref = PatronRef(None, signs_in(barcode_id=ANA, password=PIN))
    assert (await counter.ask(CancelRequest(ref, NUMBER))).hold.status is HoldStatus.CANCELLED
