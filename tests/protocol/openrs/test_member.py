"""A library of ours as a member of an OpenRS consortium, whose broker is played (tests/support/openrs_hub.py)."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.world import START, Town
from gateway.domain.clock import FixedClock
from gateway.domain.peer_authentication import TrustedPeer
from gateway.domain.requests.citation import WANTED_ITEM
from gateway.domain.requests.events import EventDetails, EventKind, ReasonCodes
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, Request, RequestFlag, Role
from gateway.domain.requests.views import ActionRequest
from gateway.services.exchange.peer_tokens import PeerTokenVerifier
from gateway.store.peer_keys import add_peer_key
from gateway.store.requests import outbox_decisions, outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from tests.support.openrs_hub import (
    ELM,
    NUMBER,
    OAK,
    HubMember,
    PlayedHub,
    write_accept_item,
    write_item_shipped,
    write_lookup_item_set,
    write_lookup_user,
    write_request_item,
)
from tests.support.peer_tokens import AUDIENCE, ISSUER, make_peer_key, public_jwk, sign_token
from tests.support.yaml_files import write_yaml_file

BOOK = "39000000000011"
PATRON = "21000000000025"
SECOND = timedelta(seconds=1)


def make_profile(member: HubMember, hub: PlayedHub, **section: Any) -> dict[str, Any]:
    return {
        "extends": "openrs-dcb",
        "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        "partner": {"symbols": ["OPENRS:RIVER"], "name": "River consortium"},
        "ncip": {
            "header": {"our_system": member.system, "partner_system": "DCB-RIVER", "our_agency": member.agency},
        },
        "openrs": {"http": {"url": hub.url}, **section},
    }


class Member:
    """One library with its gateway."""

    def __init__(self, town: Town, clock: FixedClock) -> None:
        self.town = town
        self._clock = clock

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.town.gateway.http_port}/openrs/river"

    async def find_request(self, role: Role) -> Request:
        (found,) = await self.town.requests(role)
        return found

    async def act(self, role: Role, kind: EventKind, **details: Any) -> Request:
        """And all that follows from it."""
        self._clock.advance(SECOND)
        request = await self.find_request(role)
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:ada", version=request.version)
        await self.town.act(request, act)
        await self.settle()
        return await self.find_request(role)

    async def settle(self) -> None:
        """Until nobody has anything left to do now."""
        store = self.town.context.store
        for _ in range(1000):
            done = await self.town.gateway.managed.drain_due_work()
            counts = await store.read(outbox_queries.count_unfinished_rows)
            if not done and not any(status is OutboxStatus.IN_HAND for _, status in counts):
                return
            await asyncio.sleep(0)
        raise AssertionError("the gateway doesn't come to rest")

    async def list_unsent(self, status: OutboxStatus) -> tuple[OutboxRow, ...]:
        """Messages to the hub."""
        symbol = self.town.symbol
        page = await self.town.context.store.read(
            lambda c: outbox_queries.list_oldest_by_status(c, symbol, status, 100, "")
        )
        return tuple(row for row in page.rows if row.kind == "partner")

    async def release_dead(self) -> None:
        """As staff do, when they have looked."""
        (row,) = await self.list_unsent(OutboxStatus.DEAD)
        self._clock.advance(SECOND)
        now, symbol = self._clock.now(), self.town.symbol
        assert await self.town.context.store.write(lambda c: outbox_decisions.release_row(c, symbol, row.id, now))
        await self.settle()

    async def pass_time(self, time: timedelta) -> None:
        self._clock.advance(time)
        await self.settle()


@contextlib.asynccontextmanager
async def run_member(template: Path, folder: Path, profile: dict[str, Any]) -> AsyncIterator[Member]:
    shutil.copytree(template, folder)
    write_yaml_file(folder / "profiles" / "river.yml", profile)
    clock = FixedClock(START)
    town = Town(folder / "gateway.yml", clock)
    await town.start()
    try:
        yield Member(town, clock)
    finally:
        await town.stop()


@pytest.fixture
async def oak(template: Path, tmp_path: Path, hub: PlayedHub) -> AsyncIterator[Member]:
    async with run_member(template, tmp_path / "oak", make_profile(OAK, hub)) as member:
        yield member


@pytest.fixture
async def elm(template: Path, tmp_path: Path, hub: PlayedHub) -> AsyncIterator[Member]:
    async with run_member(template, tmp_path / "elm", make_profile(ELM, hub)) as member:
        yield member


async def test_a_book_goes_to_another_library_and_comes_home(hub: PlayedHub, oak: Member, elm: Member) -> None:
    await hub.request_item(oak.url, barcode=BOOK)
    assert hub.supplier == "CONFIRMED"
    await hub.accept_item(elm.url, patron=PATRON, barcode=BOOK)

    await oak.settle()
    asked = await oak.find_request(Role.LENDING)
    assert (asked.state, asked.item_barcode) == (LendingState.LOCATED, BOOK)
    assert (asked.partner.symbol, asked.partner.name) == ("ELM", "Elmwood Library")
    assert asked.partner.address == "Elmwood Central\n4 Mill Lane, Elmwood"
    await oak.act(Role.LENDING, EventKind.SHIPPED)

    await elm.settle()
    awaited = await elm.find_request(Role.BORROWING)
    assert (awaited.state, awaited.partner) == (BorrowingState.WILL_SUPPLY, LibraryParty("OAK", "river"))
    assert awaited.patron.identifier == PATRON
    assert [one.theirs for one in awaited.volumes] == [BOOK]
    await elm.act(Role.BORROWING, EventKind.RECEIVED, barcode="ELM-0077")  # another item has its number here
    for kind in (EventKind.AT_PICKUP, EventKind.LOANED_TO_PATRON, EventKind.RETURNED_BY_PATRON, EventKind.RETURNED):
        came = await elm.act(Role.BORROWING, kind)
    assert came.state is BorrowingState.COMPLETED

    answer = await hub.declare(oak.url, write_item_shipped(barcode=BOOK))
    assert answer.number == f"{NUMBER}:SUPPLIER"
    assert (await oak.find_request(Role.LENDING)).state is LendingState.RETURNED
    home = await oak.act(Role.LENDING, EventKind.CHECKED_IN)

    assert home.state is LendingState.COMPLETED
    assert hub.services == [
        "ItemShipped:SUPPLIER",
        "ItemReceived:BORROWER",
        "ItemCheckedIn:BORROWER",
        "ItemCheckedOut:BORROWER",
        "ItemShipped:BORROWER",
        "ItemReceived:SUPPLIER",
    ]
    assert hub.state == "FINALISED"
    assert {one.find_text("ItemIdentifierValue") for one in hub.received} == {BOOK}
    assert [one.find_text("UserIdentifierValue") for one in hub.received[1:4]] == [PATRON] * 3
    header = ("FromSystemId", "FromAgencyId", "ToSystemId", "ToAgencyId")
    assert [hub.received[0].find_text(name) for name in header] == ["APPL-OAK", "OAK", "DCB-RIVER", "ELM"]
    assert [hub.received[1].find_text(name) for name in header] == ["APPL-ELM", "ELM", "DCB-RIVER", "OAK"]


async def test_what_is_not_on_the_shelf_goes_to_the_next_supplier(hub: PlayedHub, oak: Member) -> None:
    await hub.request_item(oak.url, barcode=BOOK)
    await oak.settle()
    await oak.act(Role.LENDING, EventKind.UNFILLED, reason=ReasonCodes.NOT_ON_SHELF.value, note="Searched twice")

    (told,) = hub.received
    assert (hub.supplier, told.service) == ("MISSING", "CancelRequestItem")
    assert (told.find_text("ReasonCode"), told.find_text("ProcessingNote")) == ("NOT_ON_SHELF", "Searched twice")
    assert told.find_text("UserIdentifierValue") == "9001"


async def test_a_request_that_comes_again_is_the_same(hub: PlayedHub, oak: Member) -> None:
    first = await hub.request_item(oak.url, barcode=BOOK)
    again = await hub.request_item(oak.url, barcode=BOOK)

    assert first.octets == again.octets
    await oak.find_request(Role.LENDING)


async def test_another_copy_may_be_asked_for_when_the_first_is_not_there(hub: PlayedHub, oak: Member) -> None:
    await hub.request_item(oak.url, barcode=BOOK)
    await oak.settle()
    await oak.act(Role.LENDING, EventKind.UNFILLED, reason=ReasonCodes.NOT_ON_SHELF.value)

    await hub.request_item(oak.url, barcode="39000000000029")

    assert hub.supplier == "CONFIRMED"
    assert {one.state for one in await oak.town.requests(Role.LENDING)} == {LendingState.UNFILLED, LendingState.NEW}


async def test_a_message_without_an_answer_is_sent_again_octet_for_octet(hub: PlayedHub, oak: Member) -> None:
    await hub.request_item(oak.url, barcode=BOOK)
    await oak.settle()
    hub.losing = 1
    await oak.act(Role.LENDING, EventKind.SHIPPED)
    await oak.pass_time(timedelta(hours=1))

    first, second = hub.received
    assert first.octets == second.octets
    assert (hub.trail, hub.state) == (["PICKUP_TRANSIT"], "PICKUP_TRANSIT")


async def test_what_was_refused_looks_different_when_staff_send_it_again(hub: PlayedHub, oak: Member) -> None:
    await hub.request_item(oak.url, barcode=BOOK)
    await oak.settle()
    hub.failing = 1
    await oak.act(Role.LENDING, EventKind.SHIPPED)
    (dead,) = await oak.list_unsent(OutboxStatus.DEAD)
    assert "the projection failed" in dead.error

    await oak.release_dead()

    first, second = hub.received
    assert first.octets != second.octets
    assert first.find_text("DateShipped") == second.find_text("DateShipped")
    assert hub.state == "PICKUP_TRANSIT"


async def test_who_is_not_let_in_looks_at_the_settings(hub: PlayedHub, oak: Member) -> None:
    await hub.request_item(oak.url, barcode=BOOK)
    await oak.settle()
    hub.shut = True
    await oak.act(Role.LENDING, EventKind.SHIPPED)

    (dead,) = await oak.list_unsent(OutboxStatus.DEAD)
    assert "No HostLMS is configured for NCIP SystemId APPL-OAK" in dead.error


PEERS: dict[str, Any] = {
    "theirs": {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "claims": {"protocol": "NCIP2"},
        "jwks": {"keys": [public_jwk("first", "k1")]},
    },
    "ours": {
        "issuer": "https://ill.oakfield.example",
        "subject": OAK.system,
        "audience": "dcb",
        "claims": {"protocol": "NCIP2"},
    },
}


async def test_both_show_by_signed_tokens_who_they_are(hub: PlayedHub, template: Path, tmp_path: Path) -> None:
    profile = make_profile(OAK, hub) | {"auth": [{"kind": "signed-token"}], "peer_authentication": PEERS}
    async with run_member(template, tmp_path / "oak", profile) as oak:
        refused = await hub.declare(oak.url, write_request_item(barcode=BOOK), status=401)
        assert (refused.find_text("ProblemDetail"), refused.number) == (
            "The sender could not be authenticated: the token is missing.",
            f"{NUMBER}:SUPPLIER",
        )
        hub.make_token = lambda: sign_token(at=START, sub="DCB-RIVER")
        await hub.request_item(oak.url, barcode=BOOK)
        await oak.settle()
        await oak.town.context.store.write(lambda c: add_peer_key(c, make_peer_key(oak.town.symbol)))
        key_set = f"http://127.0.0.1:{oak.town.gateway.http_port}/.well-known/jwks.json"
        said = {name: value for name, value in PEERS["ours"].items() if name != "subject"}
        member = TrustedPeer(**said, jwks_url=key_set)
        verifier = PeerTokenVerifier(FixedClock(START + SECOND))
        hub.check_token = lambda token: verifier.find_fault(member, token, OAK.system)
        await oak.act(Role.LENDING, EventKind.SHIPPED)

        assert not await oak.list_unsent(OutboxStatus.DEAD)
    assert hub.trail == ["PICKUP_TRANSIT"]


async def test_messages_about_one_request_keep_their_order(hub: PlayedHub, oak: Member) -> None:
    await hub.request_item(oak.url, barcode=BOOK)
    await oak.settle()
    hub.failing = 1
    await oak.act(Role.LENDING, EventKind.SHIPPED)
    await oak.act(Role.LENDING, EventKind.CHECKED_IN)
    assert hub.services == ["ItemShipped:SUPPLIER"]

    await oak.release_dead()

    assert hub.trail == ["PICKUP_TRANSIT", "FINALISED"]


TO_ASH = write_request_item().replace("<AgencyId>OAK</AgencyId></ToAgency", "<AgencyId>ASH</AgencyId></ToAgency")
NOBODY = write_accept_item(patron="21999999999999").replace("ELM</AgencyId></ToAgency", "OAK</AgencyId></ToAgency")
PROBLEMS = (
    (write_request_item(number=f"{NUMBER}:BORROWER"), f"{NUMBER}:BORROWER", "does not end with :SUPPLIER"),
    (write_request_item(system="DCB-LAKE"), f"{NUMBER}:SUPPLIER", "The sending system is not known here"),
    (TO_ASH, f"{NUMBER}:SUPPLIER", "Library not found"),
    (NOBODY, f"{NUMBER}:BORROWER", "Patron not found"),
    (write_item_shipped(barcode=BOOK), f"{NUMBER}:SUPPLIER", "There is no request with this number"),
    (write_lookup_item_set("999999"), "", "No items found"),
    (write_lookup_user("21000000000233"), "", "The patron may not request anything now"),
)
"""Messages, the number in the answer, and its words."""


async def test_what_can_not_be_done_is_a_problem_with_the_number(hub: PlayedHub, oak: Member) -> None:
    answers = [await hub.declare(oak.url, body) for body, _, _ in PROBLEMS]

    for answer, (_, number, words) in zip(answers, PROBLEMS, strict=True):
        assert words in answer.find_text("ProblemDetail")
        assert answer.number == number
    assert not await oak.town.requests(Role.LENDING)
    assert not await oak.town.requests(Role.BORROWING)


async def test_a_hub_may_use_other_words(template: Path, tmp_path: Path, hub: PlayedHub) -> None:
    words = {
        "supplier_suffix": "/S",
        "borrower_suffix": "/B",
        "accept_actions": ["hold for pickup"],
        "item_id_type": "Item Barcode",
        "no_items": "No copies",
    }
    accept = write_accept_item(patron=PATRON, number=f"{NUMBER}/B").replace(
        "ELM</AgencyId></ToA", "OAK</AgencyId></ToA"
    )
    async with run_member(template, tmp_path / "oak", make_profile(OAK, hub, **words)) as oak:
        asked = write_request_item(barcode=BOOK, number=f"{NUMBER}/S").replace(">barcode<", ">Item Barcode<")
        promised = await hub.declare(oak.url, asked)
        accepted = await hub.declare(oak.url, accept.replace("Accept For Loan", "Hold For Pickup"))
        nothing = await hub.declare(oak.url, write_lookup_item_set("999999"))
        await oak.settle()
        extras = (await oak.find_request(Role.LENDING)).extras

    assert (promised.service, extras[0].name, extras[0].value) == ("RequestItemResponse", WANTED_ITEM, BOOK)
    assert (accepted.service, accepted.find_text("ProblemDetail")) == ("AcceptItemResponse", "")
    assert nothing.find_text("ProblemDetail") == "No copies"


async def test_look_ups_say_all_unasked(hub: PlayedHub, oak: Member) -> None:
    copies = await hub.declare(oak.url, write_lookup_item_set("1001"))
    patron = await hub.declare(oak.url, write_lookup_user(PATRON))
    signed_in = await hub.declare(oak.url, write_lookup_user(PATRON, "1234"))

    items = copies.root.xpath("//*[local-name() = 'ItemInformation']")
    assert len(items) > 1
    assert copies.find_text("CirculationStatus") == "Available On Shelf"
    assert (copies.find_text("LocationNameValue"), bool(copies.find_text("CallNumber"))) == ("MAIN", True)
    for one in (patron, signed_in):
        assert one.find_text("UserIdentifierValue") == PATRON
        assert one.find_text("UnstructuredPersonalUserName")
        assert one.find_text("AgencyUserPrivilegeType") == "LIBRARY"


async def test_a_copy_that_nobody_has_named_is_promised_when_it_is_sent(hub: PlayedHub, oak: Member) -> None:
    answer = await hub.request_item(oak.url)
    assert (hub.supplier, answer.service) == ("PLACED", "RequestItemResponse")
    await oak.settle()
    await oak.act(Role.LENDING, EventKind.SHIPPED)

    assert hub.services == ["ItemRequested:SUPPLIER", "ItemShipped:SUPPLIER"]
    assert hub.received[0].find_text("SelectedItemBarcode") == BOOK
    assert (hub.supplier, hub.state) == ("CONFIRMED", "PICKUP_TRANSIT")


async def test_staff_may_promise_it_by_a_response(template: Path, tmp_path: Path, hub: PlayedHub) -> None:
    profile = make_profile(OAK, hub, confirm="later", promise="RequestItemResponse", back="ItemCheckedIn")
    async with run_member(template, tmp_path / "response", profile) as oak:
        await hub.request_item(oak.url, barcode=BOOK)
        assert hub.supplier == "PLACED"
        await oak.settle()
        for kind in (EventKind.WILL_SUPPLY, EventKind.SHIPPED, EventKind.CHECKED_IN):
            await oak.act(Role.LENDING, kind)

    assert hub.services == ["RequestItemResponse:SUPPLIER", "ItemShipped:SUPPLIER", "ItemCheckedIn:SUPPLIER"]
    assert hub.state == "FINALISED"


async def test_an_item_that_does_not_come_is_staffs_business(hub: PlayedHub, elm: Member) -> None:
    await hub.accept_item(elm.url, patron=PATRON)
    await elm.pass_time(timedelta(days=30))

    assert RequestFlag.CHASED in (await elm.find_request(Role.BORROWING)).flags
    assert not await elm.list_unsent(OutboxStatus.DEAD)
    await elm.act(Role.BORROWING, EventKind.RECEIVED)
    assert "ItemReceived:BORROWER" in hub.services


async def test_another_supplier_may_be_found_before_anything_came(hub: PlayedHub, elm: Member) -> None:
    await hub.accept_item(elm.url, patron=PATRON, barcode="30001")
    await hub.accept_item(elm.url, patron=PATRON, barcode="30001")
    await hub.accept_item(elm.url, patron=PATRON, barcode="30002")

    request = await elm.find_request(Role.BORROWING)
    assert [one.theirs for one in request.volumes] == ["30002"]
    await elm.act(Role.BORROWING, EventKind.RECEIVED)
    late = await hub.declare(elm.url, write_accept_item(patron=PATRON, barcode="30003"))

    assert "An item from another supplier has already been received" in late.find_text("ProblemDetail")
    assert hub.received[0].find_text("ItemIdentifierValue") == "30002"
