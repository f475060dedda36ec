"""`make demo`: a library asks a broker, and the broker asks other libraries, each in a protocol of its own.

    python -m demo.brokered_requests

Three gateways in this process speak as they would anywhere: North asks South by ISO 18626 over HTTP, South asks East
by ISO ILL over TCP. South also orders from a document service by ARTEmail: the orders leave by SMTP, and this program
plays the service. Its answers are handed to South as the mails of a mailbox are, since there is none on this machine.

Each step says what is done and how the four requests stand then. At the end each of them is shown.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Awaitable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from demo.world import COPY, START, Site, Town, World
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, RequestedService, Role, ServiceType
from gateway.domain.requests.views import ActionRequest
from gateway.services.mailbox.mail_records import MailboxInfo
from gateway.store.mailbox import MailOutcome, MailPosition
from gateway.store.requests import outbox_queries
from gateway.store.schema import message

PATRON = "21000000000025"
HOST = "127.0.0.1"
AT_HOME = [{"kind": "network", "networks": ["127.0.0.0/8"]}]
SERVICE = "Document Service"
ORDERS, REPLIES = "orders@documents.example", "replies@documents.example"
MAX_WAIT_SECONDS = 60.0
"""Longest wait for a message that is under way; each comes at once."""

SIDES = ("North", "South for North", "South of others", "East")
"""Whose the four requests are."""

PASSWORD = "sluice-gate-7"
NAMES = {"NORTH": "Northern Library", "SOUTH": "Southern Library", "EAST": "Eastern Library"}
ADDRESSES = {
    "NORTH": "Kirkegata 7\n9710 Nordby",
    "SOUTH": "Calle Mayor 3\n41001 Sursol",
    "EAST": "Tähe 12\n50103 Idaküla",
}
BOOK = Citation(type=CitationType.BOOK, title="Ще не знайдена книга", author="Леся Приморська")
CHAPTER = Citation(
    type=CitationType.CHAPTER,
    title="Żegluga na wodach śródlądowych",
    author="Anna Rzeczna",
    component_title="Śluzy i pochylnie",
    pages="41",
)
PAGES = COPY
TRANSPORTS = {
    "iso18626": "ISO 18626 over HTTP",
    "iso_ill": "ISO ILL over TCP",
    "artemail": "ARTEmail",
    "mail": "ARTEmail",
}


# --- the three libraries ---------------------------------------------------------------------------------


def list_sites(http_ports: dict[str, int], tcp_ports: dict[str, int]) -> tuple[Site, ...]:
    """North, South and East; ports by symbol."""
    straight = {"mediation_default": "straight-through", "locally_owned": "allow", "duplicates": {"action": "allow"}}
    return (
        _make_site(
            "NORTH",
            http_ports,
            tcp_ports,
            {"south": _make_http_profile("SOUTH", "north", http_ports)},
            {"intake": straight, "rotas": {"usual": _make_rota("south")}, "default_rota": "usual"},
        ),
        _make_site(
            "SOUTH",
            http_ports,
            tcp_ports,
            {
                "north": _make_http_profile("NORTH", "south", http_ports),
                "east": _make_tcp_profile("EAST", "SOUTH", tcp_ports),
                "documents": _make_service_profile(),
            },
            {
                "rotas": {"others": _make_rota("documents", "east")},
                "brokering": {"rota": "others", "what": "everything"},
            },
        ),
        _make_site("EAST", http_ports, tcp_ports, {"south": _make_tcp_profile("SOUTH", "EAST", tcp_ports)}, {}),
    )


def _make_site(
    symbol: str,
    http_ports: dict[str, int],
    tcp_ports: dict[str, int],
    profiles: dict[str, dict[str, Any]],
    requests: dict[str, Any],
) -> Site:
    listener = {"host": HOST, "port": tcp_ports[symbol], "protocol": "iso_ill"}
    return Site(
        symbol=symbol,
        name=NAMES[symbol],
        profiles=profiles,
        requests=requests,
        settings={"http": {"host": HOST, "port": http_ports[symbol]}, "tcp": [listener]},
        address=ADDRESSES[symbol],
        secrets={"documents-password": PASSWORD},
    )


def _make_rota(*partners: str) -> dict[str, Any]:
    return {"only_owning": "no", "lines": [{"partner": one} for one in partners]}


def _make_http_profile(symbol: str, ours: str, http_ports: dict[str, int]) -> dict[str, Any]:
    """Of the library with this symbol, which calls us `ours` in its own profiles."""
    return {
        "auth": AT_HOME,
        "partner": {"symbols": [symbol], "name": NAMES[symbol], "channel": "iso18626"},
        "iso18626": {"version": "2021-2", "http": {"url": f"http://{HOST}:{http_ports[symbol]}/iso18626/{ours}"}},
    }


def _make_tcp_profile(symbol: str, ours: str, tcp_ports: dict[str, int]) -> dict[str, Any]:
    return {
        "auth": AT_HOME,
        "partner": {"symbols": [symbol], "name": NAMES[symbol], "channel": "iso-ill"},
        "iso_ill": {
            "transport": {"mode": "call-back", "address": f"{HOST}:{tcp_ports[symbol]}"},
            "reply_to": f"{HOST}:{tcp_ports[ours]}",
        },
    }


def _make_service_profile() -> dict[str, Any]:
    return {
        "extends": "bldss",
        "partner": {
            "symbols": ["LOCAL:DOCUMENTS"],
            "name": SERVICE,
            "email": ORDERS,
            "mail": {"addresses": [REPLIES]},
        },
        "artemail": {"customers": [{"code": "99-9999", "password": "file:documents-password"}]},
    }


def find_free_ports(count: int) -> list[int]:
    """Of this machine, all different."""
    held = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


# --- the document service --------------------------------------------------------------------------------


class DocumentService:
    """Reads the orders that have come by SMTP, and answers them."""

    def __init__(self, world: World, customer: Town) -> None:
        self._world = world
        self._customer = customer
        self._answers = 0

    def read_last_order(self) -> tuple[str, str]:
        """Its number, and the order as it came."""
        mail = [one for one in self._world.mail.mails if ORDERS in str(one["To"])][-1]
        body = mail.get_body(("plain",))
        assert body is not None, "an order is plain text"
        return str(mail["Subject"]).removeprefix("FILEREFNO "), str(body.get_content())

    async def answer_order(self, words: str, file: bytes = b"") -> None:
        """`words`: after the number of the order; `file`: a PDF."""
        number, _ = self.read_last_order()
        self._answers += 1
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = REPLIES, "ill@south.example", f"FILEREFNO {number}"
        mail["Date"], mail["Message-ID"] = self._world.clock.now(), f"<answer-{self._answers}@documents.example>"
        mail.set_content(f"{number} {words}\n")
        if file:
            mail.add_attachment(file, maintype="application", subtype="pdf", filename="pages.pdf")
        box = MailboxInfo(name="ill", library=self._customer.symbol)
        place = MailPosition(self._customer.symbol, box.name, 1, self._answers)
        outcome = await self._customer.gateway.mailboxes.processor.process(box, place, mail.as_bytes(policy=SMTP))
        assert outcome is MailOutcome.DONE, f"the answer was not understood: {words}"


# --- the story -------------------------------------------------------------------------------------------


class BrokeredStory:
    """Plays steps and shows how the four requests stand: North's, South's two, and East's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.north, self.south, self.east = world.towns
        self.service = DocumentService(world, self.south)
        self.asked: Request | None = None

    def begin_chapter(self, title: str) -> None:
        print(f"\n{title}\n{'-' * len(title)}")

    async def play_step(self, words: str, act: Awaitable[object], *states: str) -> None:
        """`states`: how the four stand afterwards; `-` where one isn't there."""
        await act
        await self._wait_for_states(states)
        print(f"  {words}")
        sides = zip(SIDES, states, strict=True)
        print(f"      {'; '.join(f'{side}: {state}' for side, state in sides)}")

    async def _wait_for_states(self, states: tuple[str, ...]) -> None:
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            while True:
                await self.world.quiet()
                if await self.list_states() == states:
                    return
                await asyncio.sleep(0.02)

    async def list_states(self) -> tuple[str, ...]:
        return tuple(one.state.value if one is not None else "-" for one in await self.list_requests())

    async def list_requests(self) -> tuple[Request | None, ...]:
        """North's, South's lending and borrowing leg, and East's, where it has been asked."""
        assert self.asked is not None, "nothing has been asked for"
        wish = await self.north.see(self.asked)
        legs = await self.south.requests(Role.LENDING)
        lending = next(
            (one for one in legs if wish.attempts and one.transaction == wish.attempts[-1].transaction), None
        )
        borrowing = await self._find_borrowing_leg(lending)
        is_east_asked = borrowing is not None and borrowing.partner.profile == "east"
        theirs = await self.east.requests(Role.LENDING) if is_east_asked else ()
        return wish, lending, borrowing, next(iter(theirs), None)

    async def _find_borrowing_leg(self, lending: Request | None) -> Request | None:
        if lending is None or lending.other_leg is None:
            return None
        legs = await self.south.requests(Role.BORROWING)
        return next((one for one in legs if lending.other_leg and one.id == lending.other_leg.request_id), None)

    # --- who does what -----------------------------------------------------------------------------------

    async def ask(self, citation: Citation, service: ServiceType) -> None:
        draft = BorrowingDraft(
            citation=citation, service=RequestedService(service), patron=PatronLink(identifier=PATRON), actor="patron"
        )
        self.asked = await self.north.gateway.managed.libraries["NORTH"].requests.create_borrowing(draft)

    async def act_in_north(self, kind: EventKind, **details: Any) -> None:
        await self._act(self.north, (await self.list_requests())[0], kind, details)

    async def act_in_east(self, kind: EventKind, **details: Any) -> None:
        await self._act(self.east, (await self.list_requests())[3], kind, details)

    async def _act(self, town: Town, request: Request | None, kind: EventKind, details: dict[str, Any]) -> None:
        assert request is not None, f"{town.symbol} has no such request"
        act = ActionRequest(
            kind=kind, details=EventDetails(**details), actor=f"staff:{town.symbol.lower()}", version=request.version
        )
        await town.act(request, act)

    async def find_free_barcode(self) -> str:
        """Of an item in East that may be lent."""
        system = self.east.context.system
        for bib in await system.search_bibs("a", 60):
            for item in (await system.holdings(bib.id)).items:
                if item.status.value == "available" and item.circulates and not item.hold_count:
                    return item.barcode
        raise AssertionError("the sample library has nothing to lend")

    # --- what each side says at the end ------------------------------------------------------------------

    async def show_requests(self) -> None:
        requests = await self.list_requests()
        for town, request in zip((self.north, self.south, self.south, self.east), requests, strict=True):
            if request is not None:
                await self._show_request(town, request)

    async def _show_request(self, town: Town, request: Request) -> None:
        shown = await town.gateway.managed.libraries[town.symbol].requests.load_view(request.id)
        whom = "asked of" if request.role is Role.BORROWING else "asked by"
        print(f"  {NAMES[town.symbol]}, {request.number}: {request.state.value}, {whom} {request.partner.name}")
        told = [line.event.kind.value for line in shown.history if line.event.kind is not EventKind.NOTE]
        print(f"      {', '.join(told)}")


async def play_loan(story: BrokeredStory) -> None:
    story.begin_chapter("A book: the document service doesn't have it, East lends it")
    await story.play_step(
        "A reader in the North wants a book. North asks South by ISO 18626. South passes it on, first by ARTEmail.",
        story.ask(BOOK, ServiceType.LOAN),
        *("requested", "new", "requested", "-"),
    )
    number, order = story.service.read_last_order()
    print(f"      The order that the document service reads ({number}):")
    for line in filter(None, map(str.strip, order.splitlines())):
        print(f"        | {line.replace(PASSWORD, '(password)')}")
    await story.play_step(
        "The document service answers NOT: it isn't held there. South asks East by ISO ILL; North hears nothing of it.",
        story.service.answer_order("NOT"),
        *("requested", "new", "requested", "new"),
    )
    await story.play_step(
        "East's staff have found the book on their shelf and promise it. South passes that on.",
        story.act_in_east(EventKind.WILL_SUPPLY),
        *("will-supply", "will-supply", "will-supply", "will-supply"),
    )
    await story.play_step(
        "East sends it straight to the North.",
        story.act_in_east(EventKind.SHIPPED, barcode=await story.find_free_barcode()),
        *("shipped", "shipped", "shipped", "shipped"),
    )
    await _show_due_dates(story)
    await story.play_step(
        "It has come to the North: East hears so from South.",
        story.act_in_north(EventKind.RECEIVED),
        *("received", "shipped", "received", "shipped"),
    )
    await story.play_step(
        "The reader takes it home.",
        story.act_in_north(EventKind.LOANED_TO_PATRON),
        *("lent", "shipped", "received", "shipped"),
    )
    await story.play_step(
        "The reader brings it back.",
        story.act_in_north(EventKind.RETURNED_BY_PATRON),
        *("back", "shipped", "received", "shipped"),
    )
    await story.play_step(
        "North sends it home to the East.",
        story.act_in_north(EventKind.RETURNED),
        *("returned", "returned", "returned", "returned"),
    )
    await story.play_step(
        "East has it again.",
        story.act_in_east(EventKind.CHECKED_IN),
        *("completed", "completed", "completed", "completed"),
    )


async def _show_due_dates(story: BrokeredStory) -> None:
    wish, _, _, theirs = await story.list_requests()
    assert wish is not None
    assert theirs is not None
    print(f"      Due in the East: {theirs.terms.lender_due}; South tells North: {wish.terms.lender_due}")


async def play_copy(story: BrokeredStory) -> None:
    story.begin_chapter("A chapter: the document service sends a file")
    await story.play_step(
        "A reader in the North wants a chapter.",
        story.ask(CHAPTER, ServiceType.COPY),
        *("requested", "new", "requested", "-"),
    )
    await story.play_step(
        "The document service sends the pages by mail. South makes a link to them, which North gets by ISO 18626.",
        story.service.answer_order("SHIPPED COPY", PAGES),
        *("completed", "completed", "completed", "-"),
    )


async def show_messages(story: BrokeredStory) -> None:
    """What the broker's journal has: messages in and out, by protocol."""
    query = select(message.c.protocol, message.c.direction, func.count()).group_by(
        message.c.protocol, message.c.direction
    )
    found = await story.south.context.store.read(lambda c: c.execute(query.order_by(message.c.protocol)).all())
    print("\nWhat the journal of South has")
    for protocol, direction, count in found:
        print(f"  {TRANSPORTS.get(protocol, protocol)}, {'received' if direction == 'in' else 'sent'}: {count}")


async def require_order(story: BrokeredStory) -> None:
    """Nothing undone in an outbox, no loan left. Raises AssertionError."""
    for town in story.world.towns:
        counts = await town.context.store.read(outbox_queries.count_unfinished_rows)
        assert not counts, f"{town.symbol}: rows are left in the outbox: {counts}"
        for request in await town.requests(Role.LENDING):
            if request.item_barcode:
                item = await town.context.system.item_by_barcode(request.item_barcode)
                assert await town.context.system.item_loan(item.id) is None, f"{request.number}: still on loan"


async def play(folder: Path) -> None:
    ports = find_free_ports(2 * len(NAMES))
    sites = list_sites(dict(zip(NAMES, ports, strict=False)), dict(zip(NAMES, ports[len(NAMES) :], strict=True)))
    async with World(folder, *sites) as world:
        story = BrokeredStory(world)
        print(f"Three libraries on {HOST}; it is {START:%Y-%m-%d}.")
        for play_chapter in (play_loan, play_copy):
            await play_chapter(story)
            print("\nWhat each request says now")
            await story.show_requests()
        await show_messages(story)
        await require_order(story)
        print("\nAll in order: nothing is left in an outbox, and no loan is open.")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


if __name__ == "__main__":
    main()
