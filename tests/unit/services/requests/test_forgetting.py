"""What a request leaves in the store when it forgets its patron: every text of every document, on both sides; and what
still waits to go out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from demo.world import MailServer
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, partner_signal, timer_signal
from gateway.domain.requests.request import BorrowingState, LendingState, LibraryParty, Request, Role
from gateway.domain.requests.views import EventDenied
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Transaction
from gateway.services.exchange.handlers import CommandHandler
from gateway.services.outbox.attempts import describe_refusal
from gateway.services.patrons.patron_data import PatronDataService, PatronNumber
from gateway.services.requests.effects import new_outbox_row
from gateway.services.requests.forgetting import MAX_DELAY, MESSAGE_CLASSES, RETRY
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store import mailbox
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyCipher, JournalEnding, JournalOpening, JournalOptions
from gateway.store.library_changes import StoredLibraryChanges
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests import history, order_batches, outbox, outbox_queries, requests
from gateway.store.requests.history import EventRow
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_rows import dump_event, dump_message, dump_request, parse_message
from gateway.store.requests.tables import request_figure
from gateway.store.schema import make_exchange_id, message
from tests.support.canaries import Canaries, fill_value, find_canaries, find_left, find_places, forget_all
from tests.support.yaml_files import read_yaml_file, write_yaml_file
from tests.unit.services.requests.support import ANOTHER, EASY, PATRON, SOUTH, NcipTown, make_template, ncip

KEY = "sjøfartsboken-4711"
DAYS = 30
PROFILES = {
    "south": SOUTH,
    "desk": ncip(),
    "relais": ncip(circulation={"requests": {"managed": "borrowing"}}),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bodies and mails are encrypted."""
    folder = tmp_path_factory.mktemp("template")
    made = asyncio.run(make_template(folder, PROFILES, {**EASY, "retention": {"anonymise_days": DAYS}}))
    settings = read_yaml_file(made / "gateway.yml")
    settings["journal"] |= {"encryption_keys": ["file:key"]}
    write_yaml_file(made / "gateway.yml", settings)
    (made / "key").write_text(KEY, "utf-8")
    return made


def database_of(town: NcipTown) -> Path:
    found = list(Path(town.town.settings.folder).glob("**/*.db"))
    assert len(found) == 1
    return found[0]


def class_of(place: str) -> Any:
    name, _, field = place.partition(".")
    return next((listed.get(field) for kind, listed in MESSAGE_CLASSES.items() if kind.__name__ == name), None)


def may_stay(place: str) -> bool:
    kind = class_of(place)
    return kind is not None and not kind.goes


# --- every field ---------------------------------------------------------------------------------------------


def make_closed_request(role: Role, words: Canaries, at: Any) -> Request:
    """Full of canaries, and as a closed request of ours."""
    full: Request = fill_value(Request, words)
    state = BorrowingState.COMPLETED if role is Role.BORROWING else LendingState.UNFILLED  # for a reason in words
    party = replace(full.partner, profile="south")
    return replace(
        full,
        library="NORTH",
        id=make_exchange_id(at),
        role=role,
        state=state,
        number=f"{role.value}-1",
        partner=party,
        created=at,
        changed=at,
        version=1,
        before_cancel=None,
        other_leg=None,
        last_event="",
        attempts=tuple(replace(one, partner="south") for one in full.attempts),
    )


def add_rows(connection: Transaction, request: Request, words: Canaries, at: Any) -> None:
    """History, and a row of each kind in the outbox: dead, waiting, and waiting behind a dead one. None is due."""
    at += timedelta(days=1)
    event: Event = replace(fill_value(Event, words), signal=partner_signal(EventKind.MESSAGE))
    row = EventRow(
        make_exchange_id(at), "NORTH", request.id, at, event, "x", "y", note=words.make("request_event.note")
    )
    history.add_history_event(connection, row)
    told: PartnerMessage = replace(fill_value(PartnerMessage, words), sender=LibraryParty())
    letter = json.dumps({"event": dump_event(event), "request": dump_request(request)})
    undo = json.dumps({"before": dump_request(request), "version": 1, "kind": "received"})
    made = [
        new_outbox_row(request, "partner", "south", dump_message(told), at),
        new_outbox_row(request, "partner", "south", dump_message(told), at),
        new_outbox_row(request, "order", "south", dump_message(told), at),
        new_outbox_row(request, "letter", "placed", letter, at),
        new_outbox_row(request, "letter", "sent", letter, at),
        new_outbox_row(request, "library", "desk:undone", json.dumps({"event": dump_event(event), "undo": undo}), at),
    ]
    for one in made:
        outbox.add_outbox_row(connection, one)
    order_batches.keep_order_file(connection, "NORTH", made[0].id, words.make("order_file.document"), at)
    reason = words.make("request_figure.reason")
    connection.execute(update(request_figure).where(request_figure.c.request_id == request.id).values(reason=reason))
    for dead in (made[0], made[3], made[5]):
        give_up(connection, dead, describe_refusal(Refused(RefusalReason.OTHER, words.make("outbox.error"))))


def give_up(connection: Transaction, row: OutboxRow, error: str = "no such address") -> None:
    claimed = outbox.claim_single_row(connection, row.library, row.id, row.next_at, timedelta(minutes=1), "node")
    assert claimed is not None
    outbox.mark_dead(connection, claimed, error, row.next_at)


def add_mail(connection: Transaction, request: Request, words: Canaries, at: Any, cipher: Any) -> None:
    row = MailRow(
        id=make_exchange_id(at),
        spot=MailPosition("NORTH", "post", 1, int(request.role is Role.LENDING) + 1),
        message_id="<1@x.example>",
        digest="d",
        at=at,
        outcome=MailOutcome.DONE,
        request_id=request.id,
        sender=words.make("mail.sender"),
        subject=words.make("mail.subject"),
        content=words.make("mail.content").encode(),
    )
    mailbox.add_mail(connection, row, cipher)


@pytest.mark.parametrize("role", Role)
async def test_a_canary_in_every_text_is_gone(north: NcipTown, role: Role) -> None:
    context, cipher = north.town.context, BodyCipher([KEY])
    words, at = Canaries(), north.clock.now()
    request = make_closed_request(role, words, at)
    await context.store.write(lambda c: requests.insert_request(c, request))
    await context.store.write(lambda c: add_rows(c, request, words, at))
    await context.store.write(lambda c: add_mail(c, request, words, at, cipher))
    opening = JournalOpening(
        library="NORTH", at=at, body=words.make("message.body").encode(), protocol="ncip", transport="http"
    )
    answer = JournalEnding(
        at=at,
        outcome=OutcomeClass.OK,
        body=words.make("message.answer").encode("utf-16"),
        managed_requests=(request.id,),
    )
    await Journal(context.store, JournalOptions(cipher=cipher)).record_exchange(opening, answer)
    changes = StoredLibraryChanges(context.store, "NORTH")
    change = fill_value(LibraryChange, words)
    await changes.end_change(replace(change, kind=ChangeKind.CHECK_OUT, request_id=request.number, ended=at))
    before = find_canaries(database_of(north), KEY)
    unseen = set(words.made.values()) - words.places_of(set(before))
    assert all(may_stay(place) or place in OVERWRITTEN for place in unseen), unseen

    event = Event(timer_signal(EventKind.ANONYMISED), at, "timer")
    await apply_event(context, EventRequest(request_id=request.id, event=event))

    left = find_canaries(database_of(north), KEY)
    places = {words.made[word]: sorted(where) for word, where in left.items() if word in words.made}
    assert {place: where for place, where in places.items() if not may_stay(place)} == {}
    assert {"Citation.title", "SupplierAttempt.transaction", "PatronLink.category"} - set(places) == {
        "PatronLink.category"  # a code, and this one was none
    }
    assert (await north.see(request)).partner.email == SOUTH["partner"]["email"]
    rows = await context.store.read(lambda c: outbox_queries.list_rows_of_request(c, "NORTH", request.id, 100).rows)
    assert {row.kind for row in rows} >= {"partner", "order", "library"}
    assert {row.error for row in rows if row.error} == {"refused: other: The request was anonymised"}
    assert not [row for row in rows if row.kind == "letter"]


CHANGES_OF_REQUEST = {
    "01J8": {"request_id": "borrowing-1"},
    "01J9:1": {"request_id": "borrowing-1", "barcode": "999"},
    "south/accept-item/S-7": {"request_id": "S-7"},
    "south/check-out/borrowing-1": {"request_id": "borrowing-1"},
    "desk/check-out/borrowing-1": {"request_id": "borrowing-1", "barcode": "4711"},
}
"""By their key, those for the request: the gateway's own, its partner's, and those for its item."""
CHANGES_OF_OTHERS = {
    "relais/accept-item/borrowing-1": {"request_id": "borrowing-1", "barcode": "999"},
    "relais/accept-item/S-7": {"request_id": "S-7"},
    "south/accept-item/S-8": {"request_id": "S-8"},
    "southern/accept-item/S-7": {"request_id": "S-7"},
}
"""Of requests to which others give the same number."""


async def test_changes_for_another_request_of_the_same_number_stay(north: NcipTown) -> None:
    context, at = north.town.context, north.clock.now()
    changes = StoredLibraryChanges(context.store, "NORTH")
    request = replace(make_closed_request(Role.BORROWING, Canaries(), at), item_barcode="4711")
    request = replace(request, attempts=tuple(replace(one, transaction="S-7") for one in request.attempts))
    await context.store.write(lambda c: requests.insert_request(c, request))
    for key, values in {**CHANGES_OF_REQUEST, **CHANGES_OF_OTHERS}.items():
        change = LibraryChange(ChangeKind.CHECK_OUT, key, values.get("barcode", ""), PATRON, at, values["request_id"])
        await changes.end_change(replace(change, ended=at))

    event = Event(timer_signal(EventKind.ANONYMISED), at, "timer")
    await apply_event(context, EventRequest(request_id=request.id, event=event))

    assert {change.key for change in await changes.changes_of_patron(PATRON)} == set(CHANGES_OF_OTHERS)
    for key in CHANGES_OF_REQUEST:
        with pytest.raises(Refused) as refused:  # a repeat of it does nothing once more
            await changes.find_change(ChangeKind.CHECK_OUT, key)
        assert refused.value.reason is RefusalReason.REQUEST_CLOSED
        assert await changes.find_change(ChangeKind.CHECK_IN, key) is None
    assert {change.key for change in await changes.changes_of_item("")} <= set(CHANGES_OF_OTHERS)


OVERWRITTEN = {"LibraryChange.request_id"}
"""By what the request is."""


# --- what waits to go out ------------------------------------------------------------------------------------


class HeldMail(MailServer):
    """Takes nothing as long as it is held."""

    is_held = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return "451 later" if self.is_held else await super().handle_DATA(server, session, envelope)


@pytest.fixture
async def north(template: Path, tmp_path: Path) -> AsyncIterator[NcipTown]:
    async with make_town(template, tmp_path) as town:
        yield town


def make_town(template: Path, folder: Path) -> NcipTown:
    town = NcipTown(template, folder)
    town.mail = HeldMail()
    return town


def hold_mail(town: NcipTown, *, held: bool = True) -> None:
    assert isinstance(town.mail, HeldMail)
    town.mail.is_held = held


async def end_request(town: NcipTown, request: Request) -> Request:
    """Its only partner can't supply it, and says so in words about its patron."""
    said = EventDetails(note="für Нина")
    event = Event(partner_signal(EventKind.UNFILLED), town.clock.now(), "partner:SOUTH", said, 1)
    await apply_event(town.town.context, EventRequest(request_id=request.id, event=event))
    await town.quiet()
    request = await town.see(request)
    if request.open:
        request = await town.act(request, EventKind.CLOSE)
    await town.quiet()
    return request


async def pass_time(town: NcipTown, by: timedelta) -> None:
    town.clock.advance(by)
    await town.quiet()


async def test_a_request_forgets_when_its_days_are_over(north: NcipTown) -> None:
    request = await end_request(north, await north.asked())

    await pass_time(north, timedelta(days=DAYS) - timedelta(minutes=1))
    assert (await north.see(request)).patron.identifier == PATRON
    await pass_time(north, timedelta(minutes=1))

    forgotten = await north.see(request)
    assert (forgotten.patron.identifier, forgotten.patron.id) == ("", "")
    assert [attempt.note for attempt in forgotten.attempts] == [""]
    assert not find_text(north, PATRON)


@pytest.mark.parametrize("kind", [EventKind.MESSAGE, EventKind.STATUS_QUERY])
async def test_what_is_said_later_is_forgotten_in_its_time(north: NcipTown, kind: EventKind) -> None:
    """Whether it fits or not."""
    request = await end_request(north, await north.asked())
    await pass_time(north, timedelta(days=DAYS))

    said = EventDetails(note="Нина has asked again")
    late = Event(partner_signal(kind), north.clock.now(), "partner:SOUTH", said, 1)
    with contextlib.suppress(EventDenied):
        await apply_event(north.town.context, EventRequest(request_id=request.id, event=late))
    await pass_time(north, timedelta(days=DAYS) - timedelta(minutes=1))
    assert find_text(north, "Нина")
    await pass_time(north, timedelta(minutes=1))

    assert not find_text(north, "Нина")
    await pass_time(north, timedelta(days=DAYS))
    story = await north.town.context.store.read(lambda c: history.list_events_of_request(c, "NORTH", request.id))
    assert [row.event.kind for row in story].count(EventKind.ANONYMISED) == 2, "nothing was said since"


@pytest.fixture
async def at_once(template: Path, tmp_path: Path) -> AsyncIterator[NcipTown]:
    """A town whose requests forget as soon as they have ended."""
    folder = tmp_path / "template"
    shutil.copytree(template, folder)
    rules = read_yaml_file(folder / "requests.yml")
    write_yaml_file(folder / "requests.yml", {**rules, "retention": {"anonymise_days": 0}})
    async with make_town(folder, tmp_path / "town") as town:
        yield town


async def test_at_once_is_after_the_last_letter(at_once: NcipTown) -> None:
    request = await at_once.asked()
    hold_mail(at_once)
    request = await end_request(at_once, request)
    (letter,) = [row for row in await unfinished(at_once, request) if row.kind == "letter"]

    await pass_time(at_once, RETRY)
    assert (await at_once.see(request)).patron.identifier == PATRON, "the letter needs its reader"
    hold_mail(at_once, held=False)
    await pass_time(at_once, timedelta(hours=2))
    await pass_time(at_once, RETRY)

    assert letter.id not in {row.id for row in await unfinished(at_once, request)}
    assert (await at_once.see(request)).patron.identifier == ""
    assert not find_text(at_once, PATRON)


async def unfinished(town: NcipTown, request: Request) -> tuple[OutboxRow, ...]:
    context = town.town.context
    return await context.store.read(lambda c: outbox_queries.unfinished_of_request(c, "NORTH", request.id))


async def test_nothing_is_waited_for_longer_than_a_week(at_once: NcipTown) -> None:
    request = await at_once.asked()
    hold_mail(at_once)
    request = await end_request(at_once, request)

    for _ in range(MAX_DELAY.days - 1):
        await pass_time(at_once, timedelta(days=1))
    assert (await at_once.see(request)).patron.identifier == PATRON
    await pass_time(at_once, timedelta(days=1))

    assert (await at_once.see(request)).patron.identifier == ""
    assert not [row for row in await unfinished(at_once, request) if row.kind == "letter"]
    assert not find_text(at_once, PATRON)


def find_text(town: NcipTown, text: str) -> set[str]:
    """Tables of the gateway in which it stands, but for those of the library's own system."""
    return {place for place in find_places(database_of(town), text, KEY) if not place.startswith("embedded_")}


async def test_a_message_that_was_given_up_keeps_its_event_and_loses_its_words(north: NcipTown) -> None:
    draft = LendingDraft(
        citation=Citation(title="Λιμάνια"),
        requester=LibraryParty(profile="south", email="nina@south.example"),
        transaction="S-1",
    )
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    hold_mail(north)
    await north.act(request, EventKind.UNFILLED, note="Frau Нина hat es selbst")
    await north.quiet()
    (row,) = [one for one in await unfinished(north, request) if one.kind == "partner"]
    assert "nina@south.example" in row.payload
    await north.town.context.store.write(lambda c: give_up(c, row))

    await pass_time(north, timedelta(days=DAYS))

    (kept,) = [one for one in await unfinished(north, request) if one.kind == "partner"]
    message = parse_message(kept.payload)
    assert (kept.id, kept.status) == (row.id, OutboxStatus.DEAD)
    assert (message.kind, message.details.note, message.receiver.email) == (
        EventKind.UNFILLED,
        "",
        SOUTH["partner"]["email"],
    )
    assert not find_text(north, "Нина")
    assert not find_text(north, "nina@")


@pytest.mark.parametrize(
    ("kind", "target", "payload"),
    [
        ("library", "desk:undone", '{"words": "für Нина"}'),
        ("library", "desk:undone", '{"event": "für Нина"}'),
        ("partner", "south", "für Нина"),
    ],
)
async def test_what_nobody_can_read_keeps_no_request_from_forgetting(
    north: NcipTown, kind: str, target: str, payload: str
) -> None:
    """Staff can edit what was given up."""
    context, request = north.town.context, await end_request(north, await north.asked())

    def add_dead_row(connection: Transaction) -> None:
        row = new_outbox_row(request, kind, target, payload, context.now())
        outbox.add_outbox_row(connection, row)
        give_up(connection, row)

    await context.store.write(add_dead_row)

    await pass_time(north, timedelta(days=DAYS))

    assert (await north.see(request)).patron.identifier == ""
    assert not find_text(north, "Нина")


async def test_messages_that_name_the_card_lose_their_contents(north: NcipTown) -> None:
    """Those of circulation, which are about no request; another patron's stay."""
    for card in (PATRON, ANOTHER):
        assert not (await north.send("desk", "lookup-user", patron=card)).problem
    request = await end_request(north, await north.asked())
    assert find_text(north, PATRON) >= {"message.body"}

    await pass_time(north, timedelta(days=DAYS))

    assert (await north.see(request)).patron.identifier == ""
    assert not find_text(north, PATRON)
    assert find_text(north, ANOTHER) == {"message.body"}


@pytest.mark.parametrize("by_staff", [False, True])
async def test_messages_that_name_the_patron_otherwise_lose_their_contents(north: NcipTown, by_staff: bool) -> None:
    """By a user name, which no request has: whom it means says the answer."""
    named = (
        "<AuthenticationInput><AuthenticationInputData>reader02</AuthenticationInputData><AuthenticationDataFormatType>"
        "text</AuthenticationDataFormatType><AuthenticationInputType>Username</AuthenticationInputType>"
        "</AuthenticationInput>"
    )
    body = (
        '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" '
        'version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
        f"<LookupUser>{named}</LookupUser></NCIPMessage>"
    )
    assert not (await north.post("desk", body.encode())).problem
    request = await end_request(north, await north.asked())
    assert request.patron.id
    assert find_text(north, "reader02") == {"message.body"}

    if by_staff:
        patrons = PatronDataService(north.town.context)
        await patrons.forget_patron(PatronNumber(PATRON), "staff:ana")
    else:
        await pass_time(north, timedelta(days=DAYS))

    assert not find_text(north, "reader02")


@pytest.mark.parametrize("in_steps", [False, True])
async def test_an_answer_that_names_the_card_loses_its_content(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch, in_steps: bool
) -> None:
    """Where the question named the request alone."""
    if in_steps:
        monkeypatch.setattr(CommandHandler, "_find_shared_system", lambda *_: None)
    await north.send("desk", "accept-item", request="X-1", item="X-4711", patron=PATRON)
    found = await north.send("desk", "lookup-request", request="X-1")
    assert not found.problem
    assert PATRON.encode() in found.body
    await end_request(north, await north.asked())

    await pass_time(north, timedelta(days=DAYS))

    assert not find_text(north, PATRON)


@pytest.mark.parametrize("in_steps", [False, True])
@pytest.mark.parametrize("card", ["V-77", ""])
async def test_a_message_that_creates_a_patron_is_forgotten_with_him(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch, in_steps: bool, card: str
) -> None:
    """Whether it says the card, or the library gives the patron a number, which the answer alone names."""
    if in_steps:
        monkeypatch.setattr(CommandHandler, "_find_shared_system", lambda *_: None)
    named = (
        f"<AuthenticationInput><AuthenticationInputData>{card}</AuthenticationInputData><AuthenticationDataFormatType>"
        "text</AuthenticationDataFormatType><AuthenticationInputType>Barcode Id</AuthenticationInputType>"
        "</AuthenticationInput>"
    )
    body = (
        '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" '
        'version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
        f"<CreateUser>{named if card else ''}<NameInformation><PersonalNameInformation>"
        "<StructuredPersonalUserName><GivenName>Нина</GivenName>"
        "<Surname>Лис</Surname></StructuredPersonalUserName></PersonalNameInformation></NameInformation></CreateUser>"
        "</NCIPMessage>"
    )
    made = await north.post("desk", body.encode())
    assert not made.problem, made.body
    assert find_text(north, "Нина") == {"message.body"}

    number = PatronNumber(card or made.text("UserIdentifierValue"))
    await PatronDataService(north.town.context).forget_patron(number, "staff:ana")

    assert not find_text(north, "Нина")


async def test_messages_about_an_open_request_of_the_same_patron_stay(north: NcipTown) -> None:
    opened = await north.asked()
    at, context = north.clock.now(), north.town.context
    opening = JournalOpening(
        library="NORTH",
        at=at,
        body=b"<AcceptItem/>",
        protocol="ncip",
        transport="http",
        service="AcceptItem",
        patron=PATRON,
    )
    ending = JournalEnding(at=at, outcome=OutcomeClass.OK, managed_requests=(opened.id,))
    await Journal(context.store, JournalOptions()).record_exchange(opening, ending)
    assert not (await north.send("desk", "lookup-user", patron=PATRON)).problem
    await end_request(north, await north.asked())

    await pass_time(north, timedelta(days=DAYS))

    assert (await north.see(opened)).patron.identifier == PATRON
    kept = select(message.c.service).where(message.c.body.is_not(None))
    services = await context.store.read(lambda c: set(c.execute(kept).scalars()))
    assert services & {"AcceptItem", "LookupUser"} == {"AcceptItem"}


async def test_a_canary_in_every_text_of_ncip_is_gone(north: NcipTown) -> None:
    """A wish of our patron's that a partner's system brings, and what it says of the patron besides."""
    words = Canaries()
    work = {name: words.make(name) for name in ("title", "author", "edition", "publisher", "published", "call-number")}
    person = {name: words.make(name) for name in ("surname", "given", "street", "city", "postcode", "phone")}
    wish = north.message(
        "relais", "request-item", request="RD-1", patron=PATRON, record="isbn:9783161484100", **_with_underscores(work)
    )
    shipping = (
        f"<ShippingInformation><ShippingInstructions>{words.make('shipping')}</ShippingInstructions><PhysicalAddress>"
        f"<UnstructuredAddress><UnstructuredAddressType>Street</UnstructuredAddressType><UnstructuredAddressData>"
        f"{words.make('address')}</UnstructuredAddressData></UnstructuredAddress><PhysicalAddressType>Ship To"
        "</PhysicalAddressType></PhysicalAddress></ShippingInformation>"
    )
    prefix = re.search(rb"</(\w+:)?RequestItem>", wish)
    assert prefix is not None
    named = re.sub(r"<(/?)", rf"<\1{(prefix[1] or b'').decode()}", shipping).encode()
    answer = await north.post("relais", wish.replace(prefix[0], named + prefix[0]))
    assert not answer.problem, answer.body
    await north.send("desk", "update-user", patron=PATRON, **_with_underscores(person))
    await north.quiet()
    (request,) = await north.all(Role.BORROWING)
    await north.act(request, EventKind.NOTE, note=words.make("our note"))
    database = database_of(north)
    assert not set(words.made.values()) - words.places_of(set(find_canaries(database, KEY)))

    await forget_all(north.town.context)

    assert find_left(words, database, set(work), KEY) == {}
    assert not find_text(north, PATRON)


async def test_a_canary_in_every_text_of_circulation_is_gone(north: NcipTown) -> None:
    """Of what a partner manages itself, and we lend, take back and charge: nothing of it is a request of ours."""
    words, system = Canaries(), north.town.context.system
    item, card = await north.free_item(), PATRON
    user = f"<UserId><UserIdentifierValue>{card}</UserIdentifierValue></UserId>"
    piece = f"<ItemId><ItemIdentifierValue>{item.barcode}</ItemIdentifierValue></ItemId>"
    number = "<RequestId><RequestIdentifierValue>B-1</RequestIdentifierValue></RequestId>"

    def make_note(place: str) -> str:
        return f"<Ext><Note>{words.make(place)}</Note></Ext>"

    def make_address(place: str) -> str:
        return (
            "<UserAddressInformation><UserAddressRoleType>Home</UserAddressRoleType><PhysicalAddress>"
            "<UnstructuredAddress><UnstructuredAddressType>Newline-Delimited Text</UnstructuredAddressType>"
            f"<UnstructuredAddressData>{words.make(place)}</UnstructuredAddressData></UnstructuredAddress>"
            "<PhysicalAddressType>Postal</PhysicalAddressType></PhysicalAddress></UserAddressInformation>"
        )

    charge = (
        "<FiscalTransactionInformation><FiscalActionType>Assess</FiscalActionType><FiscalTransactionType>Other"
        "</FiscalTransactionType><Amount><CurrencyCode>EUR</CurrencyCode><MonetaryValue>100</MonetaryValue></Amount>"
        f"<FiscalTransactionDescription>{words.make('fee')}</FiscalTransactionDescription>"
        "</FiscalTransactionInformation>"
    )
    wanted = "<RequestType>Hold</RequestType><RequestScopeType>Item</RequestScopeType>"
    for service, inside in (
        ("LookupUser", f"{user}<NameInformationDesired/>{make_note('look-up')}"),
        ("RequestItem", f"{user}{piece}{number}{wanted}{make_note('wish')}"),
        ("CheckOutItem", f"{user}{piece}{make_note('loan')}"),
        ("RenewItem", f"{user}{piece}{make_note('renewal')}"),
        ("CreateUserFiscalTransaction", f"{user}{charge}"),
        ("UpdateUser", f"{user}<AddUserFields>{make_address('moved')}</AddUserFields>"),
        ("CheckInItem", f"{piece}{user}{make_note('return')}"),
    ):
        message = (
            '<NCIPMessage xmlns="http://www.niso.org/2008/ncip" '
            'version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
            f"<{service}>{inside}</{service}></NCIPMessage>"
        )
        answer = await north.post("desk", message.encode())
        refused = {"RenewItem": "Item Not Renewable", "UpdateUser": "Unauthorized Service For Agency"}
        assert answer.problem in ("", refused.get(service)), answer.body
    database = database_of(north)
    assert set(words.made.values()) == words.places_of(set(find_canaries(database, KEY)))
    assert (await system.item_loan(item.id)) is None

    patrons = PatronDataService(north.town.context)
    await patrons.forget_patron(PatronNumber(card), "staff:ana")

    assert find_left(words, database, (), KEY) == {}
    assert not find_text(north, card)


@pytest.mark.parametrize("in_steps", [False, True])
async def test_a_message_that_comes_again_after_its_patron_was_forgotten_does_nothing_twice(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch, in_steps: bool
) -> None:
    """Its answer isn't kept any more; what it did is known to the library, and by the digest of what it asks."""
    if in_steps:
        monkeypatch.setattr(CommandHandler, "_find_shared_system", lambda *_: None)
    item = await north.free_item()
    messages = [
        north.message("desk", "accept-item", request="A-1", item="A-4711", patron=PATRON, title="Λιμάνια"),
        north.message("desk", "check-out-item", item=item.barcode, patron=PATRON),
        north.message("desk", "create-user-fiscal-transaction", request="A-1", amount="2.50 EUR", patron=PATRON),
    ]
    first = [await north.post("desk", one) for one in messages]
    assert [one.problem for one in first] == ["", "", ""]
    before = await _read_library(north)

    patrons = PatronDataService(north.town.context)
    await patrons.forget_patron(PatronNumber(PATRON), "staff:ana")
    assert not find_text(north, PATRON)
    again = [await north.post("desk", one) for one in messages]

    assert await _read_library(north) == before
    assert [one.problem for one in again] == ["", "", ""]
    assert [one.text("ItemIdentifierValue") for one in again] == [one.text("ItemIdentifierValue") for one in first]


async def _read_library(north: NcipTown) -> list[Any]:
    system, patron = north.town.context.system, await north.patron(PATRON)
    return [
        await system.patron_loans(patron.id),
        await system.patron_holds(patron.id),
        await system.patron_charges(patron.id),
        await system.item_by_barcode("A-4711"),
    ]


def _with_underscores(values: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in values.items()}
