"""A word in every text that a partner says, in each protocol and on both sides, and in what staff write: with
`anonymise_days: 0` nothing of people is left as soon as the request has ended."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.messages import (
    Apdu,
    CheckedIn,
    IllAnswer,
    Message,
    Overdue,
    Shipped,
    StatusOrErrorReport,
)
from adapters.iso_ill.messages.codes import ReasonWillSupply, Results, ServiceType
from adapters.iso_ill.messages.request_phase import Explanation, WillSupplyResults
from adapters.iso_ill.messages.structures import (
    Client,
    DateDue,
    Location,
    Moment,
    Name,
    PostalAddress,
    ServiceDateTime,
    SystemAddress,
    SystemId,
)
from adapters.iso_ill.messages.tracking_phase import SupplyDetails
from adapters.loopback.channel import HUB
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LibraryParty, Request, Role
from gateway.services.requests.forgetting import RETRY
from tests.protocol.ends.far_words import DUE, NCIP_PATRON, write_text_mail
from tests.protocol.ends.world import BROKERED, BROKERING, EndsTown, make_ends_template
from tests.protocol.iso18626.far_side import EASY, PATRON, number_of
from tests.protocol.iso18626.test_forgetting import STAYS, write_request
from tests.support.canaries import Canaries, fill_value, find_canaries, find_database, find_left, find_places

LATER = RETRY + timedelta(minutes=1)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Path]:
    """By whether requests are brokered."""

    async def make_both() -> Mapping[bool, Path]:
        at_once = {"retention": {"anonymise_days": 0}}
        rules: dict[bool, dict[str, Any]] = {False: {**EASY, **at_once}, True: {**BROKERING, **at_once}}
        return {key: await make_ends_template(tmp_path_factory.mktemp("ends"), rule) for key, rule in rules.items()}

    return asyncio.run(make_both())


# --- what a partner says ---------------------------------------------------------------------------------


def write_ncip(service: str, inside: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><NCIPMessage xmlns="http://www.niso.org/2008/ncip" '
        'version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
        f"<{service}>{inside}</{service}></NCIPMessage>"
    ).encode()


def write_header(words: Canaries, service: str) -> str:
    return (
        "<InitiationHeader><FromAgencyId><AgencyId>NAV</AgencyId></FromAgencyId><ToAgencyId><AgencyId>OAK</AgencyId>"
        f"</ToAgencyId><FromSystemId>{words.make(f'{service} system')}</FromSystemId></InitiationHeader>"
    )


def write_user(words: Canaries) -> str:
    name = (
        f"<NameInformation><PersonalNameInformation><StructuredPersonalUserName><GivenName>{words.make('given')}"
        f"</GivenName><Surname>{words.make('surname')}</Surname></StructuredPersonalUserName></PersonalNameInformation>"
        "</NameInformation>"
    )
    address = (
        "<UserAddressInformation><UserAddressRoleType>Home</UserAddressRoleType><PhysicalAddress><UnstructuredAddress>"
        "<UnstructuredAddressType>Newline-Delimited Text</UnstructuredAddressType><UnstructuredAddressData>"
        f"{words.make('home')}</UnstructuredAddressData></UnstructuredAddress><PhysicalAddressType>Postal"
        "</PhysicalAddressType></PhysicalAddress></UserAddressInformation>"
    )
    return f"<UserOptionalFields>{name}{address}</UserOptionalFields>"


def write_item_fields(words: Canaries) -> str:
    names = ("Author", "Edition", "PlaceOfPublication", "PublicationDate", "Publisher", "Title")
    described = "".join(f"<{name}>{words.make(f'work {name}')}</{name}>" for name in names)
    return f"<ItemOptionalFields><BibliographicDescription>{described}</BibliographicDescription></ItemOptionalFields>"


def write_shipping(words: Canaries) -> str:
    return (
        f"<ShippingInformation><ShippingInstructions>{words.make('shipping')}</ShippingInstructions><PhysicalAddress>"
        "<UnstructuredAddress><UnstructuredAddressType>Newline-Delimited Text</UnstructuredAddressType>"
        f"<UnstructuredAddressData>{words.make('ship to')}</UnstructuredAddressData></UnstructuredAddress>"
        "<PhysicalAddressType>Ship To</PhysicalAddressType></PhysicalAddress></ShippingInformation>"
    )


def write_iso_mail(apdu: Apdu, town: EndsTown) -> bytes:
    text = base64.encodebytes(encode_apdu(apdu)).decode()
    mail = write_text_mail("ill@ash.example", town.clock.now(), type(apdu).__name__, "")
    head = mail.partition(b"\r\n\r\n")[0].replace(
        b"text/plain; charset=utf-8",
        b"application/iso-10161-ill-1; transfer-encoding=iso-8825-ber\r\nContent-Transfer-Encoding: base64",
    )
    return head + b"\r\n\r\n" + text.replace("\n", "\r\n").encode()


# --- stories that end ------------------------------------------------------------------------------------


class ForgettingTown(EndsTown):
    """`words`: that were made for what is said; `kept`: places of those that were found in the database meanwhile."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__(template, folder)
        self.words = Canaries()
        self.kept: set[str] = set()

    async def __aenter__(self) -> ForgettingTown:
        await super().__aenter__()
        return self

    def look(self) -> None:
        self.kept |= self.words.places_of(set(find_canaries(find_database(self._folder))))

    async def hear(self, partner: str, octets: bytes) -> None:
        self.look()
        self.clock.advance(timedelta(minutes=1))
        if partner == "ncip":
            answer = await self.post(octets, "ncip")
            assert "Problem>" not in answer, answer
        else:
            await self.deliver(octets)
        await self.quiet()

    async def write_notes(self, request: Request) -> None:
        await self.act(await self.see(request), EventKind.NOTE, note=self.words.make("our note"))
        await self.act(await self.see(request), EventKind.MESSAGE, note=self.words.make("our message"))
        await self.quiet()


async def lend_by_ncip(town: ForgettingTown) -> Request:
    words = town.words
    user = f"<UserId><UserIdentifierValue>{NCIP_PATRON}</UserIdentifierValue></UserId>"
    number = "<RequestId><RequestIdentifierValue>NAV-1</RequestIdentifierValue></RequestId>"
    item = f"<ItemId><ItemIdentifierValue>{await town.find_free_barcode()}</ItemIdentifierValue></ItemId>"
    wanted = "<RequestType>Hold</RequestType><RequestScopeType>Item</RequestScopeType>"
    fields = write_item_fields(words)
    wish = (
        f"{write_header(words, 'work')}{user}{item}{number}{wanted}{write_shipping(words)}{fields}{write_user(words)}"
    )
    await town.hear("ncip", write_ncip("RequestItem", wish))
    (request,) = await town.town.requests(Role.LENDING)
    await town.write_notes(request)
    await town.step(request, "ncip", "us shipped")
    await town.hear("ncip", write_ncip("CheckInItem", f"{write_header(words, 'last')}{item}"))
    return request


async def borrow_by_iso_ill(town: ForgettingTown) -> Request:
    words = town.words
    request = await town.begin("borrowing", "iso-ill")

    async def answer(kind: Any, last: str = "", **fields: Any) -> None:
        town.clock.advance(timedelta(minutes=1))
        at = town.clock.now()
        moment = Moment(day=at.date(), clock=at.time().replace(tzinfo=None))
        apdu = kind(
            protocol_version=2,
            transaction_id=town.transactions[request.id],
            service_date_time=ServiceDateTime(this=moment),
            requester_id=SystemId(
                symbol=SystemId.from_symbol("OAK").symbol, name=Name(person=words.make(f"{last}ours"))
            ),
            responder_id=SystemId(
                symbol=SystemId.from_symbol("ISIL:ASH").symbol, name=Name(person=words.make(f"{last}theirs"))
            ),
            note=words.make(f"{last}{kind.__name__} note"),
            **fields,
        )
        await town.hear("iso-ill", write_iso_mail(apdu, town))

    lines = ("extended", "street", "post_office_box", "city", "region", "country", "postal_code")
    address = PostalAddress(name=Name(person=words.make("person")), **{line: words.make(line) for line in lines})
    place = Location(
        id=SystemId.from_symbol("ISIL:ASH"),
        address=fill_value(SystemAddress, words),
        note=words.make("location note"),
    )
    promised = WillSupplyResults(
        reason=ReasonWillSupply.BEING_PROCESSED_FOR_SUPPLY, return_to_address=address, locations=(place,)
    )
    await answer(IllAnswer, results=Results.WILL_SUPPLY, explanation=Explanation(will_supply=promised))
    await answer(Message)
    await answer(StatusOrErrorReport)
    await town.write_notes(request)
    await answer(
        Shipped,
        responder_address=fill_value(SystemAddress, words),
        client=fill_value(Client, words),
        service_type=ServiceType.LOAN,
        supply_details=SupplyDetails(
            date_shipped=town.clock.now().date(),
            date_due=DateDue(due=DUE),
            physical_delivery=words.make("shipped via"),
        ),
        return_to_address=address,
    )
    await town.step(request, "iso-ill", "us received")
    await answer(Overdue, date_due=DateDue(due=DUE))
    for act in ("at-pickup", "loaned-to-patron", "returned-by-patron", "returned"):
        await town.step(request, "iso-ill", f"us {act}")
    await answer(CheckedIn, "last ", date_checked_in=town.clock.now().date())
    return request


TAGS = ("ADR", "A#C", "BIL", "NOT", "P/U", "COM", "ZZZ")


def write_tags(town: ForgettingTown, name: str, number: str, *tags: str, last: str = "") -> bytes:
    said = [f"{tag}: {town.words.make(f'{last}{name} {tag}', '')}" for tag in TAGS]
    below = town.words.make(f"{last}below the tags")
    lines = [name, "", "LSB: OAK", "LSP: YEW", f"NUM: {number}", *tags, *said, "", below, ""]
    return write_text_mail("ill@yew.example", town.clock.now(), f"{name} {number}", "\r\n".join(lines))


async def borrow_by_tagged_mail(town: ForgettingTown) -> Request:
    request = await town.begin("borrowing", "tagged-mail")
    number = number_of(request)
    await town.hear("", write_tags(town, "REPLY TO AN ILL REQUEST", number, "ANS: WILL SUPPLY"))
    await town.write_notes(request)
    await town.hear("", write_tags(town, "GENERAL MESSAGE", number))
    await town.hear("", write_tags(town, "ITEM SHIPPED", number, f"DUE: {DUE}"))
    for act in ("received", "at-pickup", "loaned-to-patron", "returned-by-patron", "returned"):
        await town.step(request, "tagged-mail", f"us {act}")
    await town.hear("", write_tags(town, "GENERAL MESSAGE", number, "ANS: ITEM CHECKED IN", last="last "))
    return request


async def lend_by_letter(town: ForgettingTown) -> Request:
    """Staff have typed in what a letter says; what the partner writes after that comes by mail."""
    words = town.words
    draft = LendingDraft(
        citation=Citation(title="Sult", note=words.make("citation note"), original=words.make("original")),
        requester=LibraryParty(
            symbol="FIR",
            profile="letters",
            name="Fir",
            email=words.make("requester mail", "@fir.example"),
            address=words.make("requester address"),
        ),
        transaction="F-1",
        note=words.make("lending note"),
    )
    request = await town.town.gateway.managed.libraries["OAK"].requests.create_lending(draft)
    await town.quiet()
    await town.write_notes(request)
    for text in (f"Re: {request.number}", words.make("subject")):
        body = f"{words.make('their words')}\r\n\r\n{words.make('signature')}\r\n"
        await town.hear("", write_text_mail("ill@fir.example", town.clock.now(), text, body))
    for row in (await town.town.gateway.managed.libraries["OAK"].mails.list_mails(20, "")).rows:
        await town.town.gateway.managed.libraries["OAK"].mails.assign_mail(row.id, request.number, "staff:ada")
    await town.step(request, "letters", "us shipped")
    town.look()
    await town.step(request, "letters", "us checked-in")
    return request


async def borrow_by_artemail(town: ForgettingTown) -> Request:
    words = town.words
    request = await town.begin("borrowing", "artemail")
    await town.write_notes(request)
    number = number_of(request)
    for said in (f"MESSAGE {words.make('their words', '')}", "NOT"):
        mail = write_text_mail("ill@art.example", town.clock.now(), words.make("subject", ""), f"{number} {said}\r\n")
        await town.hear("", mail)
    town.look()
    await town.act(await town.see(request), EventKind.CLOSE, note=words.make("last words"))
    return request


def write_json(town: ForgettingTown, kind: str, role: Role, number: str, last: str = "") -> bytes:
    """What another library of this gateway says."""
    words, name = town.words, f"{last}{kind}"
    sender = {"symbol": "BAY", "name": "Bay"} | {part: words.make(f"{name} {part}") for part in ("email", "address")}
    said: dict[str, Any] = {
        "id": f"m-{kind}",
        "kind": kind,
        "role": role.value,
        "sender": sender,
        "receiver": "OAK",
        "transaction": number,
        "details": {"note": words.make(f"{name} note"), "reason": words.make(f"{name} reason")},
    }
    if kind == "request":
        citation = {"title": "Sult", "note": words.make("citation note"), "original": words.make("original")}
        extras = [{"name": "form-field", "value": words.make("extra")}]
        wanted = {"service": {}, "dates": {}, "costs": {}, "volumes": []}
        said["asked"] = {"citation": {**citation, "extras": extras}, "extras": extras, **wanted}
    return json.dumps(said).encode()


async def lend_in_one_gateway(town: ForgettingTown) -> Request:
    answer = json.loads(await HUB.send("OAK", write_json(town, "request", Role.BORROWING, "B-1")))
    assert not answer["refused"], answer
    await town.quiet()
    (request,) = await town.town.requests(Role.LENDING)
    await town.write_notes(request)
    town.look()
    await HUB.send("OAK", write_json(town, "cancel", Role.BORROWING, "B-1", "last "))
    await town.quiet()
    if (await town.see(request)).open:
        await town.act(await town.see(request), EventKind.CANCEL_ACCEPTED, note=town.words.make("last words"))
    return request


async def broker_a_request(town: ForgettingTown) -> Request:
    """Elm asks by ISO 18626 with everything that it may say, and Bay can't supply: both legs end."""
    await town.post(write_request(town.words, "E-1").replace("BROKER", "ELM").encode(), "iso18626")
    await town.quiet()
    (request,), (leg,) = [await town.town.requests(role) for role in (Role.LENDING, Role.BORROWING)]
    await town.write_notes(request)
    for kind, last in (("expect-to-supply", ""), ("unfilled", "last ")):
        town.look()
        await HUB.send("OAK", write_json(town, kind, Role.LENDING, number_of(leg), last))
        town.clock.advance(timedelta(minutes=1))
        await town.quiet()
    assert not (await town.see(leg)).open
    return request


STORIES: dict[str, Callable[[ForgettingTown], Awaitable[Request]]] = {
    "ncip, lending": lend_by_ncip,
    "iso-ill, borrowing": borrow_by_iso_ill,
    "tagged-mail, borrowing": borrow_by_tagged_mail,
    "letters, lending": lend_by_letter,
    "artemail, borrowing": borrow_by_artemail,
    "one gateway, lending": lend_in_one_gateway,
    BROKERED: broker_a_request,
}
"""Each says something in all texts that its protocol has. Those of its last message may be gone with it, and those of
the work, of which the other half stays."""


@pytest.mark.parametrize("story", STORIES)
async def test_at_once_nothing_of_people_is_left(templates: Mapping[bool, Path], tmp_path: Path, story: str) -> None:
    async with ForgettingTown(templates[story == BROKERED], tmp_path) as town:
        request = await STORIES[story](town)
        town.clock.advance(LATER)
        await town.quiet()
        assert not (await town.see(request)).open

    database, made = find_database(tmp_path), set(town.words.made.values())
    unheard = {place for place in made - town.kept if not place.startswith(("last ", "work"))}
    assert not unheard, "what was said was kept until then, in the journal if nowhere else"
    stays = {place for place in made if place.startswith("work")} | (STAYS if story == BROKERED else set())
    assert find_left(town.words, database, stays) == {}
    for card in {PATRON, NCIP_PATRON}:
        assert not {place for place in find_places(database, card) if not place.startswith("embedded_")}
