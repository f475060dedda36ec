"""A library with a partner in each protocol, all of whom end a request in one way: what is left of it everywhere.

What partners say comes as octets written here (`far_words`), by HTTP, by mail or by the gateway of both. Where we lend
by letter a request comes as a mail that staff read and enter, and what follows by the links of our letters.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select

from adapters.iso_ill.codec import decode_apdu
from adapters.iso_ill.messages import Apdu
from adapters.iso_ill.messages.structures import TransactionId
from adapters.loopback.channel import HUB
from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.patron_status import status_of_request
from gateway.domain.requests.request import LibraryParty, Request, RequestFlag, Role
from gateway.domain.requests.request_figures import WHOLE_REQUEST
from gateway.domain.requests.task_lists import list_task_names
from gateway.services.letters.renderer import LetterPlace, LetterRenderer
from gateway.services.mailbox.mail_records import MailboxInfo
from gateway.store.mailbox import MailOutcome, MailPosition
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow
from gateway.store.requests.tables import request_figure
from tests.protocol.ends.far_words import (
    DUE,
    LETTER_LINKS,
    LETTER_REPLIES,
    WANTED,
    WORDS,
    write_apdu_mail,
    write_art_mail,
    write_letter,
    write_ncip,
    write_tagged_mail,
    write_text_mail,
)
from tests.protocol.iso18626.far_side import (
    EASY,
    STAFF,
    UNUSED_URL,
    FarTown,
    number_of,
    write_loan_request,
    write_ram,
    write_sam,
)
from tests.support import reader
from tests.support.paths import ROOT
from tests.support.yaml_files import read_yaml_file

PRICE = Money(Decimal("45.00"), "EUR")


def _profile(symbol: str, name: str, channel: str, **more: Any) -> dict[str, Any]:
    sections = {key: value for key, value in more.items() if key not in ("extends", "email")}
    partner = {"symbols": [symbol], "name": name, "channel": channel}
    if "email" in more:
        partner["email"] = more["email"]
    extends = {"extends": more["extends"]} if "extends" in more else {}
    return {**extends, "auth": [{"kind": "none"}], "partner": partner, **sections}


PROFILES = {
    "iso18626": _profile(
        "ISIL:ELM", "Elm", "iso18626", extends="iso18626-2017", iso18626={"http": {"url": UNUSED_URL}}
    ),
    "iso-ill": _profile(
        "ISIL:ASH", "Ash", "iso-ill", extends="ipig", email="ill@ash.example", iso_ill={"transport": {"by": "mail"}}
    ),
    "letters": _profile(
        "FIR", "Fir", "mail", email="ill@fir.example", letters={"replies": LETTER_REPLIES, "links": {"days": 60}}
    ),
    "tagged-mail": _profile("YEW", "Yew", "tagged-mail", extends="relais-gsm", email="ill@yew.example"),
    "one-gateway": _profile("BAY", "Bay", "loopback"),
    "artemail": {
        "extends": "bldss",
        "abstract": False,
        "auth": [{"kind": "none"}],
        "partner": {"symbols": ["LOCAL:ART"], "email": "ill@art.example"},
        "artemail": {"customers": [{"code": "99-9999", "password": "file:art-password"}], "delivery": {"file": "none"}},
    },
    "ncip": {
        "extends": "ncip2",
        "match": [],
        "auth": [{"kind": "none"}],
        "circulation": {"requests": {"managed": "lending"}, "rights": {"library_services": ["check-out", "check-in"]}},
        "partner": {"symbols": ["NAV"], "name": "Consortium", "roles": ["requester"]},
    },
}
BROKERED = "brokered"
"""No protocol: Elm asks us by ISO 18626, and we ask Bay in the same gateway. What staff do of a lender's work is said
by Bay, of a borrower's by Elm."""

BROKERING = {
    **EASY,
    "rotas": {"others": {"lines": [{"partner": "one-gateway"}]}},
    "brokering": {"rota": "others", "what": "everything"},
}
COLUMNS = (*PROFILES, BROKERED)

_MINUTE = timedelta(minutes=1)

_STATUS = {
    "will-supply": "WillSupply",
    "shipped": "Loaned",
    "unfilled": "Unfilled",
    "recall": "Recalled",
    "lost": "CompletedWithoutReturn",
    "settled": "CompletedWithoutReturn",
    "checked-in": "LoanCompleted",
    "cancel-accepted": "Cancelled",
}
_ACTIONS = {"cancel": "Cancel", "received": "Received", "returned": "ShippedReturn", "lost": "Notification"}

LETTER_PAGES: Mapping[str, str] = read_yaml_file(ROOT / "gateway" / "letters" / "words.yml")["pages"]
"""What the links of our letters say."""

_OF_BORROWERS = frozenset({"cancel", "received", "returned", "lost"})
"""What staff of a borrower do that a broker hears from the borrower."""


async def make_ends_template(folder: Path, rules: Mapping[str, Any] = EASY) -> Path:
    """An installation with its sample library, to be copied."""
    site = Site("OAK", "Oak Library", PROFILES, rules, {"outbox": {"first_seconds": 1, "longest_seconds": 10}})
    config = await asyncio.to_thread(make_installation, folder / "oak", site, 25)
    (config.parent / "art-password").write_text("SESAM-0PEN-7", "utf-8")
    await fill_library(Town(config, FixedClock(START)))
    return config.parent


def find_obstacle(column: str, side: str, steps: Sequence[str]) -> str:
    """Why such a way can't be lived there; empty: it can."""
    if (column, side) == ("artemail", "lending"):
        return "it never orders from us"
    if (column, side) == ("ncip", "borrowing"):
        return "its suppliers are asked by other protocols"
    words = WORDS.get(column, {}).get(side)
    for number, (who, kind, *_) in enumerate(map(str.split, steps)):
        if who == "partner" and words is not None and kind not in words:
            return f"no message says {kind}"
        if (column, side, who) == ("letters", "lending", "partner") and LETTER_LINKS[kind] not in steps[:number]:
            return f"no letter of ours has a link for {kind}"
        if column == BROKERED and who == "patron":
            return "the patron is another library's"
        if column == BROKERED and side == "borrowing" and who == "us" and kind not in _OF_BORROWERS:
            return f"the borrower has no word for {kind}"
    return ""


@dataclass
class EndsTown(FarTown):
    """`partner`: in whose protocol all goes on, or BROKERED."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__(template, folder)
        self.said: list[str] = []
        self.is_refused = False
        self._ids = count(1)
        self._numbers = count(1)
        self.transactions: dict[str, TransactionId] = {}

    async def __aenter__(self) -> EndsTown:
        await super().__aenter__()
        HUB.add_member("BAY", self._hear)
        return self

    async def _hear(self, body: bytes) -> bytes:
        self.said.append(body.decode())
        return b'{"refused": null, "detail": "", "repeated": false}'

    # --- a request on its way ----------------------------------------------------------------------------

    async def begin(self, side: str, partner: str) -> Request:
        if partner == BROKERED:
            lending = await self.begin("lending", "iso18626")
            return await self._find_other_leg(lending) if side == "borrowing" else lending
        if side == "borrowing":
            request = await self.asked(f"Sult {next(self._numbers)}", partner)
            if partner == "iso-ill":
                self.transactions[request.id] = self._read_last_apdu().transaction_id
            return request
        number = f"E-{next(self._numbers)}"
        await self._hear_request(number, partner)
        await self.quiet()
        transaction = f"{number}/1" if partner == "iso-ill" else number  # of two parts
        return next(one for one in await self.town.requests(Role.LENDING) if one.transaction == transaction)

    async def _hear_request(self, number: str, partner: str) -> None:
        if partner == "iso18626":
            await self.say(_as_elm(write_loan_request(number)), "iso18626")
        elif partner == "ncip":
            await self.post(write_ncip("request", number, await self.find_free_barcode()), "ncip")
        elif partner in ("iso-ill", "tagged-mail"):
            await self.deliver(self._write_mail(partner, "request", number, "lending"))
        elif partner == "letters":
            await self._enter_letter(number)
        else:
            await HUB.send("OAK", self._write_json(number, EventKind.REQUEST, Role.LENDING, asked=WANTED))

    async def _enter_letter(self, number: str) -> None:
        """Staff read a mail on their list, enter what is asked in it, and put it there."""
        await self.deliver(
            write_text_mail("ill@fir.example", self.clock.now(), f"Loan {number}", "Could you lend us Sult?")
        )
        desk, requests = (
            self.town.gateway.managed.libraries["OAK"].mails,
            self.town.gateway.managed.libraries["OAK"].requests,
        )
        (waiting,) = (await desk.list_mails(10, "")).rows
        draft = LendingDraft(
            citation=Citation(title="Sult", author="Hamsun, Knut"),
            requester=LibraryParty(profile="letters"),
            transaction=number,
            actor=STAFF,
        )
        entered = await requests.create_lending(draft)
        await desk.assign_mail(waiting.id, entered.number, STAFF)

    async def _find_other_leg(self, request: Request) -> Request:
        leg = request.other_leg
        assert leg is not None
        return (await self.town.gateway.managed.libraries["OAK"].requests.load_view(leg.request_id)).request

    def _read_last_apdu(self) -> Apdu:
        """Of a mail to Ash; a letter to the patron may have gone out after it."""
        mail = next(one for one in reversed(self.mail.mails) if one["To"] == "ill@ash.example")
        part = next(one for one in mail.walk() if one.get_content_maintype() == "application")
        return decode_apdu(part.get_payload(decode=True)).apdu  # type: ignore[arg-type]

    async def step(self, request: Request, partner: str, step: str) -> None:
        """`us KIND`, `partner KIND`, with a price: `us settled 45 EUR`; `patron no`."""
        who, kind, *rest = step.split()
        cost = PRICE if rest else None
        self.clock.advance(_MINUTE)
        seen = await self.see(request)
        if who == "patron":
            await self.act(seen, EventKind.PATRON_ANSWERED, answer=kind)
        elif partner == BROKERED:
            await self._hear_of_broker(seen, who, kind, cost)
        elif who == "us":
            await self._do(seen, EventKind(kind), cost)
        else:
            await self._hear_of(seen, partner, kind, cost)
        await self.quiet()

    async def _hear_of_broker(self, request: Request, who: str, kind: str, cost: Money | None) -> None:
        """What staff would do here is said by the library on the other side of what we broker."""
        is_other = who == "us"
        leg = await self._find_other_leg(request) if is_other else request
        await self._hear_of(leg, "one-gateway" if leg.role is Role.BORROWING else "iso18626", kind, cost)

    async def _do(self, request: Request, kind: EventKind, cost: Money | None) -> None:
        details: dict[str, Any] = {"cost": cost} if cost is not None else {}
        if kind is EventKind.AT_PICKUP and RequestFlag.IN_TRANSIT not in request.flags:
            return
        if kind is EventKind.SHIPPED and not request.item_barcode:
            details["barcode"] = await self.find_free_barcode()
        if kind is EventKind.UNFILLED:
            details["reason"] = "not-on-shelf"
        if kind is EventKind.PATRON_ASKED:
            details |= {"reason": "wanted", "note": "Do you still want it?"}
        await self.act(request, kind, **details)

    async def _hear_of(self, request: Request, partner: str, kind: str, cost: Money | None) -> None:
        is_borrowing = request.role is Role.BORROWING
        number = number_of(request) if is_borrowing else request.transaction
        note = f"cost: {cost}" if cost is not None else ""
        if partner == "iso18626":
            if is_borrowing:
                more = f"<dueDate>{DUE}T23:59:59Z</dueDate>" if kind == "shipped" else ""
                info = f"<note>{note}</note>" if note else ""
                octets = write_sam(number, _STATUS[kind], info=info, more=more)
            else:
                words = "item lost" if kind == "lost" else ""
                octets = write_ram(number, _ACTIONS[kind], words, self._moment())
            self.is_refused = ">ERROR<" in await self.post(_as_elm(octets).encode(), "iso18626")
        elif partner == "one-gateway":
            details = {"cost": {"amount": str(cost.amount), "currency": cost.currency}} if cost is not None else {}
            answer = json.loads(await HUB.send("OAK", self._write_json(number, kind, request.role, details)))
            self.is_refused = answer["refused"] is not None
        elif partner == "ncip":
            answered = await self.post(write_ncip(kind, number, request.item_barcode), "ncip")
            self.is_refused = "Problem>" in answered
        elif partner == "letters" and not is_borrowing:
            self.is_refused = await self._click(kind)
        else:
            side = request.role.value
            mail = self._write_mail(partner, kind, number, side, self.transactions.get(request.id), cost)
            self.is_refused = await self.deliver(mail) is not MailOutcome.DONE

    async def _click(self, kind: str) -> bool:
        """Opens the newest link for it in our letters and presses the button of its page; whether it is refused."""
        words = LETTER_PAGES[f"say-{kind}"]
        letters = [reader.links(mail) for mail in self.mail.mails if mail["To"] == "ill@fir.example"]
        link = [one[words] for one in letters if words in one][-1]
        here = f"http://127.0.0.1:{self.town.gateway.http_port}"
        page = await reader.presses(await reader.opens(link.replace("https://oak.example", here)))
        return page.status != 200

    def _write_mail(
        self,
        partner: str,
        kind: str,
        number: str,
        side: str,
        transaction: TransactionId | None = None,
        cost: Money | None = None,
    ) -> bytes:
        at = self.clock.now()
        if partner == "iso-ill":
            about = transaction or TransactionId(group_qualifier=number.partition("/")[0], qualifier="1")
            return write_apdu_mail(kind, about, side, at)
        if partner == "tagged-mail":
            return write_tagged_mail(kind, number, side, at, f"{cost.amount} EUR" if cost is not None else "")
        return write_letter(kind, number, at) if partner == "letters" else write_art_mail(kind, number, at)

    async def deliver(self, mail: bytes) -> MailOutcome:
        place = MailPosition("OAK", "ill", 1, next(self._ids))
        processor = self.town.gateway.mailboxes.processor
        return await processor.process(MailboxInfo(name="ill", library="OAK"), place, mail)

    async def post(self, octets: bytes, profile: str) -> str:
        protocol = "iso18626" if profile == "iso18626" else "ncip"
        url = f"http://127.0.0.1:{self.town.gateway.http_port}/{protocol}/{profile}"
        headers = {"Content-Type": "application/xml"}
        async with aiohttp.ClientSession() as client, client.post(url, data=octets, headers=headers) as answer:
            return await answer.text()

    def _write_json(
        self, number: str, kind: str, role: Role, details: Mapping[str, Any] | None = None, **more: Any
    ) -> bytes:
        """`role`: ours."""
        message = {
            "id": f"m-{next(self._ids)}",
            "kind": kind,
            "role": "lending" if role is Role.BORROWING else "borrowing",
            "sender": {"symbol": "BAY"},
            "receiver": "OAK",
            "transaction": number,
            "details": details or {},
            **more,
        }
        return json.dumps(message).encode()

    def _moment(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- what is left of it ------------------------------------------------------------------------------

    async def live(self, side: str, partner: str, steps: Sequence[str]) -> Outcome:
        """What its last step leaves."""
        request = await self.begin(side, partner)
        for step in steps[:-1]:
            await self.step(request, partner, step)
        return await self.live_on(request, partner, steps[-1])

    async def live_on(self, request: Request, partner: str, end: str) -> Outcome:
        """What this step leaves."""
        heard, mails, posted = len(self.said), len(self.mail.mails), len(self.far.octets)
        before = {row.id for row in await self._all_rows(request)}
        self.is_refused = False
        await self.step(request, partner, end)
        after = await self.see(request)
        rows = [row for row in await self._all_rows(request) if row.id not in before]
        words = status_of_request(after)
        shown = LetterRenderer(LetterPlace((), "en")).resolve_language("en").words.patron[words.word]
        return Outcome(
            state=after.state.value,
            answer="refused" if self.is_refused else "",
            page=shown if request.role is Role.BORROWING and partner != BROKERED else "",
            letters=[self._read_letter(mail) for mail in self.mail.mails[mails:] if _is_to_patron(mail)],
            lists=list(list_task_names(after)),
            outcome=await self._find_figure(after),
            library=[row.target for row in rows if row.kind == "library"],
            told=[
                *map(_describe_sam_or_ram, self.far.octets[posted:]),
                *(_describe_mail(mail) for mail in self.mail.mails[mails:] if not _is_to_patron(mail)),
                *map(_describe_json, self.said[heard:]),
            ],
        )

    def _read_letter(self, mail: EmailMessage) -> str:
        body = mail.get_body(("plain",))
        assert body is not None
        lines = re.split(r"\n\s*\n", str(body.get_content()).replace("\r", "").strip())
        return " ".join(lines[1].split())

    async def _all_rows(self, request: Request) -> tuple[OutboxRow, ...]:
        page = await self.town.context.store.read(
            lambda c: outbox_queries.list_rows_of_request(c, "OAK", request.id, 200)
        )
        return page.rows[::-1]

    async def _find_figure(self, request: Request) -> str:
        columns = request_figure.c
        query = select(columns.outcome).where(columns.request_id == request.id, columns.attempt == WHOLE_REQUEST)
        return str(await self.town.context.store.read(lambda c: c.execute(query).scalar_one()))


@dataclass
class Outcome:
    """`answer`: to the partner's word; `told`: what goes out, in the words of its protocol; the others as the table."""

    state: str = ""
    answer: str = ""
    page: str = ""
    letters: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    outcome: str = ""
    library: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def _as_elm(octets: str) -> str:
    return octets.replace("BROKER", "ELM")


def _is_to_patron(mail: EmailMessage) -> bool:
    return not str(mail["To"]).startswith("ill@")


def _describe_sam_or_ram(octets: str) -> str:
    found = [re.search(f"<{name}>([^<]*)<", octets) for name in ("action", "reasonForMessage", "status", "note")]
    kind = "Request" if "<request>" in octets else ""
    return " ".join(filter(None, (kind, *(match[1] for match in found if match))))


def _describe_json(body: str) -> str:
    message = json.loads(body)
    cost = message["details"].get("cost")
    return " ".join(filter(None, (message["kind"], f"{cost['amount']} {cost['currency']}" if cost else "")))


def _describe_mail(mail: EmailMessage) -> str:
    part = next((one for one in mail.walk() if one.get_content_maintype() == "application"), None)
    body = mail.get_body(("plain",))
    text = str(body.get_content()) if body is not None else ""
    if re.search("^LSB: ", text, re.MULTILINE):  # a tagged mail
        found = re.findall("^(?:ANS|NOT): (.*?)\r?$", text, re.MULTILINE)
        return " ".join(found) or text.splitlines()[0]
    if order := re.search(r"^TX\S+ (.*?)\r?$", text, re.MULTILINE):  # by ARTEmail
        return order[1]
    if part is None:
        return str(mail["Subject"]).partition(", ")[2].partition(":")[0] or str(mail["Subject"])
    apdu = decode_apdu(part.get_payload(decode=True)).apdu  # type: ignore[arg-type]
    note = getattr(apdu, "note_text", "") or ""
    return f"{type(apdu).__name__} {note}".strip()
