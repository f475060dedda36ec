"""What a library behind SIP2 can and can't do, and how its answers are understood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.library.refusals import find_reason
from adapters.library.sip2.codec import decode_reply
from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.reasons import KNOWN_WORDS, refusal_of_message
from adapters.library.sip2.records import Sip2RecordReader, read_person_name
from adapters.library.sip2.system import Sip2Library, open_sip2
from gateway.domain.clock import FixedClock
from gateway.domain.library import (
    BlockCause,
    BlockScope,
    ContactKind,
    Item,
    ItemStatus,
    Location,
    Money,
    Patron,
    PersonName,
    PickupLocation,
)
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.library_system import Capability, HoldWish, PatronKey
from gateway.ports.shared_store import Store
from gateway.services.operation.check.outside_systems import ask_library
from gateway.store.engine import open_store
from tests.fakes.desk_library import DeskLibrary, FakeItem
from tests.library_contract.embedded_world import START, ZONE
from tests.library_contract.sip2_world import KNOWN, make_context, make_options, started_server, stock_library
from tests.support.pysip2_server import USER, Pysip2Server

ITEM, PATRON, OTHER = KNOWN.shelf_item, KNOWN.good.value, KNOWN.other.value
OPTIONS = Sip2Options(host="sip.library.example")
READER = Sip2RecordReader(OPTIONS, ZONE, "EUR")
STAMP = b"20261124    134007"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/illgate.db")
    yield opened
    await opened.close()


@pytest.fixture
async def server() -> AsyncIterator[Pysip2Server]:
    running = started_server(stock_library(FixedClock(START)))
    await running.start()
    yield running
    await running.stop()


@asynccontextmanager
async def opened(store: Store, port: int, **more: Any) -> AsyncIterator[Sip2Library]:
    library = await open_sip2(await make_context(store, FixedClock(START)), make_options(port, more))
    try:
        yield library
    finally:
        await library.close_connections()


async def refusal_of(coroutine: Coroutine[Any, Any, object]) -> Refused:
    with pytest.raises(Refused) as refused:
        await coroutine
    return refused.value


# --- what it can do ----------------------------------------------------------------------------------------


async def test_it_can_do_what_the_server_says_and_the_settings_allow(store: Store, server: Pysip2Server) -> None:
    async with opened(store, server.port) as library:
        everything = library.capabilities
    assert Capability.RENEW in everything
    assert not {Capability.TEMPORARY_ITEM, Capability.DUE_DATE_GIVEN, Capability.POST_FEE} & everything

    small = started_server(DeskLibrary(), without=("29", "15"))
    await small.start()
    async with opened(store, small.port) as library:
        assert everything - library.capabilities == {
            Capability.RENEW,
            Capability.HOLD_ITEM,
            Capability.HOLD_PICKUP,
            Capability.HOLD_CANCEL,
            Capability.HOLD_UPDATE,
        }
        assert (await refusal_of(library.renew_loan(ITEM, "k"))).reason is RefusalReason.UNSUPPORTED_SERVICE
    await small.stop()

    async with opened(store, server.port, holds="none", checks_passwords=False, pickups=[]) as library:
        assert Capability.HOLD_ITEM not in library.capabilities
        assert Capability.AUTHENTICATE not in library.capabilities
        assert Capability.PICKUP_LIST not in library.capabilities
        assert (await ask_library(library)).by_kind["pickup location"] is None, "so `illgate check` looks at none"


NEVER: dict[str, Callable[[Sip2Library], Coroutine[Any, Any, object]]] = {
    "keep temporary items": lambda one: one.delete_temporary_item(ITEM, "k"),
    "set a due date": lambda one: one.set_due_date("l", START, "k"),
    "move items": lambda one: one.move_to_ill(ITEM, Location("RS"), "k"),
    "post fees": lambda one: one.post_fee(PATRON, Money(Decimal(1), "EUR"), "ill", "k"),
    "list fees": lambda one: one.patron_charges(PATRON),
    "recall loans": lambda one: one.recall_loan(ITEM, "k"),
    "change patrons": lambda one: one.expire_patron(PATRON, date(2026, 1, 1), "k"),
    "change the status of items": lambda one: one.set_item_status(ITEM, ItemStatus.LOST, "k"),
    "place a hold on a title": lambda one: one.place_hold(HoldWish(PATRON, "MAIN", bib_id="b"), "k"),
}


@pytest.mark.parametrize("what", NEVER)
async def test_what_sip2_can_not_do_is_refused_in_plain_words(store: Store, server: Pysip2Server, what: str) -> None:
    async with opened(store, server.port) as library:
        refused = await refusal_of(NEVER[what](library))

    assert refused.reason is RefusalReason.UNSUPPORTED_SERVICE
    assert refused.detail == f"The library system cannot {what}."


async def test_an_item_is_not_taken_back_past_a_waiting_patron_unnoticed(store: Store, server: Pysip2Server) -> None:
    """The fallback of the capability leave-holds: refused, and nothing has happened."""
    async with opened(store, server.port) as library:
        await library.check_out(ITEM, PATRON, "k1")
        await library.place_hold(HoldWish(OTHER, "MAIN", item_barcode=ITEM), "k2")
        refused = await refusal_of(library.check_in(ITEM, "k3", at="MAIN", fill_hold=False))

        assert refused.reason is RefusalReason.UNSUPPORTED_SERVICE
        assert ITEM in server.library.loans
        assert (await library.check_in(ITEM, "k3", at="MAIN")).next_hold is not None


async def test_a_server_that_is_down_at_the_start_is_asked_later(store: Store, server: Pysip2Server) -> None:
    await server.stop()
    async with opened(store, server.port) as library:
        assert Capability.RENEW in library.capabilities
        with pytest.raises(Unavailable, match="not reached"):
            await library.find_patron(KNOWN.good)


async def test_a_password_that_is_not_there_is_named(store: Store, server: Pysip2Server) -> None:
    async with opened(store, server.port, login={"user": "t", "password": "env:NOT_THERE"}) as library:
        with pytest.raises(Unavailable, match="no secret at env:NOT_THERE"):
            await library.ping()
    with pytest.raises(Unavailable, match="no secret at env:NOT_THERE"):
        async with opened(store, server.port, terminal_password="env:NOT_THERE"):
            pytest.fail("opened without its password")


async def test_without_patron_information_patrons_are_still_looked_up(store: Store) -> None:
    small = started_server(stock_library(FixedClock(START)), without=("63",))
    await small.start()
    async with opened(store, small.port) as library:
        assert Capability.PATRON_LOOKUP in library.capabilities
        assert Capability.CONTACT not in library.capabilities
        assert (await library.find_patron(KNOWN.good)).name == PersonName("Müller", "Ana")
        assert (await library.authenticate(KNOWN.good, KNOWN.good_secret)).id == PATRON
    await small.stop()


# --- questions ---------------------------------------------------------------------------------------------


async def test_an_empty_pin_is_never_asked_about(store: Store, server: Pysip2Server) -> None:
    server.library.patrons[PATRON].pin = ""  # such a system would say that it is right
    async with opened(store, server.port) as library:
        assert (await refusal_of(library.authenticate(KNOWN.good, ""))).reason is RefusalReason.PATRON_AUTH_FAILED


@pytest.mark.parametrize("number", ["1|AD1234", "2\r9900802.00", "x" * 300, ""])
async def test_a_number_that_would_be_more_than_a_number_finds_nobody(
    store: Store, server: Pysip2Server, number: str
) -> None:
    async with opened(store, server.port) as library:
        heard = len(server.frames)
        assert (await refusal_of(library.find_patron(PatronKey(number)))).reason is RefusalReason.UNKNOWN_PATRON
        assert (await refusal_of(library.item_by_barcode(number))).reason is RefusalReason.UNKNOWN_ITEM
        assert len(server.frames) == heard


async def test_a_long_list_of_loans_is_read_to_its_end(store: Store, server: Pysip2Server) -> None:
    """The server gives ten at once."""
    for number in range(25):
        server.library.items[f"LONG{number}"] = FakeItem(f"LONG{number}", f"Band {number}")
        assert server.library.check_out(PATRON, f"LONG{number}").ok
    async with opened(store, server.port) as library:
        loans = await library.patron_loans(PATRON)

        assert {loan.item_barcode for loan in loans} == {f"LONG{number}" for number in range(25)}
        assert {loan.patron_id for loan in loans} == {PATRON}


async def test_loans_and_holds_of_the_librarys_own_desk_are_seen(store: Store, server: Pysip2Server) -> None:
    assert server.library.check_out(PATRON, ITEM).ok
    assert server.library.place_hold(OTHER, ITEM, "NORTH").ok
    async with opened(store, server.port) as library:
        loan = await library.item_loan(ITEM)
        assert loan is not None
        assert (loan.patron_id, loan.due) == ("", server.library.loans[ITEM].due)  # SIP2 doesn't say whose it is
        assert (await library.patron_loans(PATRON))[0].patron_id == PATRON
        (waiting,) = await library.item_holds(ITEM)
        assert waiting.patron_id == ""
        (hold,) = await library.patron_holds(OTHER)
        assert hold.patron_id == OTHER
        assert (await refusal_of(library.renew_loan(ITEM, "k"))).reason is RefusalReason.DATA_MISSING
        assert (await library.cancel_hold(hold.id, "k")).status.value == "cancelled"
        assert (await library.renew_loan(ITEM, "k2", patron_id=PATRON)).due == server.library.loans[ITEM].due
        assert (await library.check_in(ITEM, "k3", at="MAIN")).loan is not None


async def test_the_title_of_an_item_is_all_that_is_known_of_its_record(store: Store, server: Pysip2Server) -> None:
    async with opened(store, server.port) as library:
        item = await library.item_by_barcode(ITEM)
        assert (await library.get_bib(item.bib_id)).title == "Вишнёвый сад"
        assert (await refusal_of(library.get_bib("b1"))).reason is RefusalReason.UNKNOWN_RECORD
        assert (await refusal_of(library.get_bib("item:none"))).reason is RefusalReason.UNKNOWN_RECORD


async def test_an_item_is_found_by_the_request_that_it_was_lent_for(store: Store, server: Pysip2Server) -> None:
    async with opened(store, server.port) as library:
        await library.check_out(ITEM, PATRON, "k1", request_id="REQ-7")
        assert (await library.item_by_request("REQ-7")).barcode == ITEM
        await library.check_in(ITEM, "k2", at="MAIN")
        assert (await library.item_by_request("REQ-7")).barcode == ITEM
        await library.check_out(KNOWN.copies[0], PATRON, "k3", request_id="REQ-7")
        assert (await library.item_by_request("REQ-7")).barcode == KNOWN.copies[0], "what is out comes first"
        assert (await refusal_of(library.item_by_request("REQ-8"))).reason is RefusalReason.UNKNOWN_ITEM


# --- refusals ----------------------------------------------------------------------------------------------


async def test_words_that_nobody_knows_are_kept_for_staff(
    store: Store, server: Pysip2Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeskLibrary, "refusal_of_patron", lambda *_: "Bitte an der Theke melden (Code 7)")
    async with opened(store, server.port) as library:
        refused = await refusal_of(library.check_out(ITEM, PATRON, "k"))
        assert (refused.reason, refused.internal) == (RefusalReason.OTHER, "Bitte an der Theke melden (Code 7)")
        assert "Theke" not in refused.detail
    async with opened(store, server.port, reasons={"an der theke": "patron-blocked"}) as library:
        assert (await refusal_of(library.check_out(ITEM, PATRON, "k"))).reason is RefusalReason.PATRON_BLOCKED


async def test_a_refused_change_is_not_remembered(store: Store, server: Pysip2Server) -> None:
    server.library.items[ITEM].policy = "reference"
    async with opened(store, server.port, not_lent=[]) as library:
        refused = await refusal_of(library.check_out(ITEM, PATRON, "k"))
        assert (refused.reason, refused.internal) == (RefusalReason.ITEM_DOES_NOT_CIRCULATE, "Not for loan")
        server.library.items[ITEM].policy = "standard"
        assert (await library.check_out(ITEM, PATRON, "k")).key == "k"


async def test_a_loan_that_has_happened_goes_by_the_rules_unless_no_block_is_set(
    store: Store, server: Pysip2Server
) -> None:
    blocked = KNOWN.blocked.value
    async with opened(store, server.port, override="ordinary") as library:
        refused = await refusal_of(library.check_out(ITEM, blocked, "k", override=True))
        assert refused.reason is RefusalReason.PATRON_BLOCKED
    due = datetime(2026, 4, 1, 21, 59, tzinfo=UTC)
    async with opened(store, server.port) as library:
        assert (await library.check_out(ITEM, blocked, "k", override=True, due=due)).due == due


def test_the_longest_part_of_a_message_decides_and_the_librarys_own_comes_first() -> None:
    own = {"verlängerung": RefusalReason.NOT_RENEWABLE}

    words = (own, KNOWN_WORDS)

    assert find_reason("Too many renewals for this item", *words) is RefusalReason.RENEWAL_LIMIT_REACHED
    assert find_reason("VERLÄNGERUNG nicht möglich: already checked out", *words) is RefusalReason.NOT_RENEWABLE
    assert find_reason("Alles gut", *words) is None


# --- how answers are read ----------------------------------------------------------------------------------


def read_patron(body: bytes, flags: bytes = b" " * 14, reader: Sip2RecordReader = READER) -> Patron | None:
    reply = decode_reply(b"64" + flags + b"003" + STAMP + b"0001000000020000    0003" + body, "utf-8", is_checked=False)
    return reader.read_patron(reply, "P1", date(2026, 11, 24)).patron


def read_item(body: bytes, circulation: bytes = b"03", reader: Sip2RecordReader = READER) -> Item | None:
    reply = decode_reply(b"18" + circulation + b"0001" + STAMP + body, "utf-8", is_checked=False)
    return reader.read_item(reply, "I1")


def test_a_patron_is_read() -> None:
    patron = read_patron(
        b"AOLIB|AAP1|AEDoe, Jane|BLY|BHCHF|BV12.50|BEj@x.example|BF+41 1|BDMarktgasse 1, Bern|PA20271231|"
        b"PCadult|AQWEST|"
    )

    assert patron is not None
    assert (patron.id, patron.name) == ("P1", PersonName("Doe", "Jane"))
    assert (patron.category, patron.home_library) == ("adult", "WEST")
    assert patron.balance == Money(Decimal("12.50"), "CHF")
    assert (patron.expires, patron.language) == (date(2027, 12, 31), "de")
    assert (patron.loan_count, patron.hold_count, patron.blocks) == (2, 4, ())
    assert [contact.kind for contact in patron.contacts] == [ContactKind.POSTAL, ContactKind.EMAIL, ContactKind.PHONE]


@pytest.mark.parametrize("body", [b"AAP1|AE|BLN|", b"AAP1|AEDoe|BLN|", b"AAP1|AE|CQN|", b""])
def test_a_patron_that_is_not_there(body: bytes) -> None:
    assert read_patron(body) is None


@pytest.mark.parametrize(("last_day", "blocks"), [(b"20261124", []), (b"20261123", [BlockCause.EXPIRED])])
def test_a_membership_is_good_on_its_last_day(last_day: bytes, blocks: list[BlockCause]) -> None:
    patron = read_patron(b"AAP1|AEDoe|BLY|PA%s|" % last_day)

    assert patron is not None
    assert [block.cause for block in patron.blocks] == blocks


def test_blocks_say_why_and_for_what() -> None:
    patron = read_patron(b"AAP1|AEDoe|BLY|PA20260101|AFCard reported lost|", b"Y Y Y         ")

    assert patron is not None
    assert [block.reason for block in patron.blocks] == [
        "the membership has expired",
        "borrowing is not allowed",
        "the card was reported lost",
    ]
    assert [block.cause for block in patron.blocks] == [BlockCause.EXPIRED, BlockCause.OTHER, BlockCause.CARD_LOST]
    assert {block.message for block in patron.blocks[1:]} == {"Card reported lost"}
    assert patron.notes == "Card reported lost"
    unblocked = read_patron(b"AAP1|AEDoe|BLY|AFGood morning|")
    assert unblocked is not None
    assert (unblocked.find_block(BlockScope.BORROW), unblocked.notes) == (None, "")


def test_a_sum_that_is_none_is_not_shown() -> None:
    for text in (b"BV|", b"BVfree|", b"BVNaN|", b""):
        patron = read_patron(b"AAP1|AEDoe|BLY|" + text)
        assert patron is not None
        assert patron.balance is None
    patron = read_patron(b"AAP1|AEDoe|BLY|BV3,20|BHxx|")
    assert patron is not None
    assert patron.balance == Money(Decimal("3.20"), "EUR")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (b"01", ItemStatus.NOT_AVAILABLE),
        (b"03", ItemStatus.AVAILABLE),
        (b"04", ItemStatus.ON_LOAN),
        (b"08", ItemStatus.ON_HOLD_SHELF),
        (b"10", ItemStatus.IN_TRANSIT),
        (b"12", ItemStatus.LOST),
        (b"77", ItemStatus.NOT_AVAILABLE),
    ],
)
def test_circulation_statuses(code: bytes, status: ItemStatus) -> None:
    item = read_item(b"ABI1|AJA title|AQMAIN|APEAST|CF3|", code)

    assert item is not None
    assert (item.status, item.home.library, item.current.library, item.hold_count) == (status, "MAIN", "EAST", 3)


def test_words_say_that_an_item_is_not_there() -> None:
    """FOLIO's edge-sip2 gives it a title; a library adds words of its own. Only where nothing else is known of it."""
    folio = b"ABI1|AJUnknown|AFItem does not exist|"
    ours = b"ABI1|AJ-|AFKein Medium|"
    taught = replace(
        READER, options=OPTIONS.model_copy(update={"reasons": {"kein medium": RefusalReason.UNKNOWN_ITEM}})
    )

    assert read_item(folio, b"01") is None
    assert read_item(ours, b"01", taught) is None
    assert read_item(ours, b"01") is not None
    assert read_item(folio, b"04") is not None
    assert read_item(b"ABI1|AJUnknown|", b"01") is not None


@pytest.mark.parametrize("said", ["Invalid Patron.", "Unknown patron", "kein Konto"])
def test_a_refusal_of_a_patron_who_was_found_is_not_that_nobody_knows_the_patron(said: str) -> None:
    refused = refusal_of_message(said, {"kein konto": RefusalReason.UNKNOWN_PATRON})

    assert (refused.reason, refused.internal) == (RefusalReason.OTHER, said)


def test_an_item_that_is_not_there() -> None:
    assert read_item(b"ABI1|AJ|AFUnknown item|", b"01") is None


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("20261222    235900", datetime(2026, 12, 22, 22, 59, tzinfo=UTC)),
        ("20261222   Z235900", datetime(2026, 12, 22, 23, 59, tzinfo=UTC)),
        ("2026-12-22 18:30", datetime(2026, 12, 22, 17, 30, tzinfo=UTC)),
        ("2026-12-22", datetime(2026, 12, 22, 22, 59, tzinfo=UTC)),
        ("20260701", datetime(2026, 7, 1, 21, 59, tzinfo=UTC)),
        ("12/22/2026,23:59", datetime(2026, 12, 22, 22, 59, tzinfo=UTC)),
        ("12-22-26", datetime(2026, 12, 22, 22, 59, tzinfo=UTC)),
        ("12/22/2026 11:59:59 PM", datetime(2026, 12, 22, 22, 59, 59, tzinfo=UTC)),
        ("12/22/2026", datetime(2026, 12, 22, 22, 59, tzinfo=UTC)),
        ("22.12.2026", datetime(2026, 12, 22, 22, 59, tzinfo=UTC)),
        ("22/12/2026", None),
        ("", None),
    ],
)
def test_due_dates_are_in_the_librarys_zone(text: str, due: datetime | None) -> None:
    assert READER.parse_due(text) == due


def test_a_library_says_how_it_writes_due_dates() -> None:
    options = OPTIONS.model_copy(update={"due_formats": ("%d/%m/%Y",)})
    reader = replace(READER, options=options)

    assert reader.parse_due("01/07/2026") == datetime(2026, 7, 1, 21, 59, tzinfo=UTC)


async def test_each_setting_is_in_what_the_server_gets(store: Store, server: Pysip2Server) -> None:
    places = [{"code": "MAIN", "name": "Main desk", "library": "CENTRAL", "resource_sharing": True}]
    own = {"login": {"user": USER, "password": "env:TERMINAL", "location": "Desk 7"}, "end_session": True}
    received = []
    for more in ({"pickups": places}, {"pickups": places, "resource_sharing_branch": "NORTH", **own}):
        server.frames.clear()
        async with opened(store, server.port, **more) as library:
            await library.check_out(ITEM, PATRON, f"k{len(received)}")
            await library.check_in(ITEM, f"back{len(received)}")
            pickups = await library.pickup_locations()
        sent = b"\n".join([b"", *server.frames])
        received.append([part in sent for part in (b"|CPDesk 7|", b"\n35", b"APNORTH|", b"APCENTRAL|")])

    assert pickups == (PickupLocation("MAIN", "Main desk", "CENTRAL", resource_sharing=True),)
    assert received == [[False, False, False, True], [True, True, True, False]]


def test_names_are_split_at_their_comma() -> None:
    assert read_person_name("Папалазарова, Нина") == PersonName("Папалазарова", "Нина")
    assert read_person_name("欧阳思远") == PersonName("欧阳思远")


async def test_a_server_that_is_down_is_left_alone_and_tried_again(store: Store, server: Pysip2Server) -> None:
    async with opened(store, server.port, breaker={"failures": 2, "seconds": 0.3}) as library:
        await server.stop()
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"closed|not reached"):
                await library.item_by_barcode(ITEM)
        with pytest.raises(Unavailable, match="failed to respond 2 times in a row"):
            await library.item_by_barcode(ITEM)
        await asyncio.sleep(0.4)
        with pytest.raises(Unavailable, match="not reached"):
            await library.item_by_barcode(ITEM)
