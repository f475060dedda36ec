"""A library with a partner in each protocol, all of whom end a request in one way: what is left of it everywhere.

What ISO 18626 and the library of the same gateway say comes as octets written here; the words of the other partners are
put into the inbox, since their own tests read them.
"""

from __future__ import annotations

import json
import re
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
from adapters.loopback.channel import HUB
from gateway.domain.library import Money
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.patron_status import status_of_request
from gateway.domain.requests.request import LibraryParty, Request, RequestFlag, Role
from gateway.domain.requests.request_figures import WHOLE_REQUEST
from gateway.domain.requests.task_lists import list_task_names
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.services.letters import LetterRenderer
from gateway.services.requests.partner_inbox import LibraryInbox
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow
from gateway.store.requests.tables import request_figure
from tests.protocol.iso18626.far_side import (
    UNUSED_URL,
    FarTown,
    number_of,
    write_loan_request,
    write_ram,
    write_sam,
)
from tests.support.requests import lending

DUE = "2026-04-01"
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
    "letters": _profile("FIR", "Fir", "mail", email="ill@fir.example"),
    "tagged-mail": _profile("YEW", "Yew", "tagged-mail", extends="relais-gsm", email="ill@yew.example"),
    "one-gateway": _profile("BAY", "Bay", "loopback"),
}
SYMBOLS = {name: profile["partner"]["symbols"][0] for name, profile in PROFILES.items()}

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


@dataclass
class EndsTown(FarTown):
    """`partner`: in whose protocol all goes on."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__(template, folder)
        self.said: list[str] = []
        self.is_refused = False
        self._ids = count(1)
        self._numbers = count(1)

    async def __aenter__(self) -> EndsTown:
        await super().__aenter__()
        HUB.add_member("BAY", self._hear)
        return self

    async def _hear(self, body: bytes) -> bytes:
        self.said.append(body.decode())
        return b'{"refused": null, "detail": "", "repeated": false}'

    # --- a request on its way ----------------------------------------------------------------------------

    async def begin(self, side: str, partner: str) -> Request:
        if side == "borrowing":
            return await self.asked(f"Sult {next(self._numbers)}", partner)
        number = f"E-{next(self._numbers)}"
        number = f"{number}/1" if partner == "iso-ill" else number  # its transactions have two parts
        await self._hear_request(number, partner)
        await self.quiet()
        return next(one for one in await self.town.requests(Role.LENDING) if one.transaction == number)

    async def _hear_request(self, number: str, partner: str) -> None:
        if partner == "iso18626":
            await self.say(_as_elm(write_loan_request(number)), "iso18626")
            return
        context = self.town.context
        asked = IncomingPartnerMessage(
            id=f"m-{next(self._ids)}",
            kind=EventKind.REQUEST,
            role=Role.LENDING,
            sender=SYMBOLS[partner],
            receiver="OAK",
            transaction=number,
            details=EventDetails(),
            request=lending(partner=LibraryParty(symbol=SYMBOLS[partner])),
        )
        profile, _ = context.require_partner(partner)
        taken = await LibraryInbox(context).receive_message(asked, profile)
        assert taken.refused is None, taken.refused

    async def step(self, request: Request, partner: str, step: str) -> None:
        """`us KIND`, `partner KIND`, with a price: `us settled 45 EUR`; `patron answers no`."""
        who, kind, *rest = step.split()
        cost = PRICE if rest else None
        self.clock.advance(_MINUTE)
        if who == "patron":
            await self._answer(await self.see(request), kind)
        elif who == "us":
            await self._do(await self.see(request), EventKind(kind), cost)
        else:
            await self._hear_of(await self.see(request), partner, kind, cost)
        await self.quiet()

    async def _do(self, request: Request, kind: EventKind, cost: Money | None) -> None:
        details: dict[str, Any] = {"cost": cost} if cost is not None else {}
        if kind is EventKind.AT_PICKUP and RequestFlag.IN_TRANSIT not in request.flags:
            return
        if kind is EventKind.SHIPPED:
            details["barcode"] = await self.find_free_barcode()
        if kind is EventKind.UNFILLED:
            details["reason"] = "not-on-shelf"
        if kind is EventKind.PATRON_ASKED:
            details |= {"reason": "wanted", "note": "Do you still want it?"}
        await self.act(request, kind, **details)

    async def _answer(self, request: Request, answer: str) -> None:
        await self.act(request, EventKind.PATRON_ANSWERED, answer=answer)

    async def _hear_of(self, request: Request, partner: str, kind: str, cost: Money | None) -> None:
        number = number_of(request) if request.role is Role.BORROWING else request.transaction
        note = f"cost: {cost}" if cost is not None else ""
        if partner == "iso18626":
            if request.role is Role.BORROWING:
                more = f"<dueDate>{DUE}T23:59:59Z</dueDate>" if kind == "shipped" else ""
                info = f"<note>{note}</note>" if note else ""
                octets = write_sam(number, _STATUS[kind], info=info, more=more)
            else:
                words = "item lost" if kind == "lost" else ""
                octets = write_ram(number, _ACTIONS[kind], words, self._moment())
            self.is_refused = ">ERROR<" in await self._post(_as_elm(octets))
            return
        if partner == "one-gateway":
            answer = json.loads(await HUB.send("OAK", self._write_json(request, number, kind, cost)))
            self.is_refused = answer["refused"] is not None
            return
        message = IncomingPartnerMessage(
            id=f"m-{next(self._ids)}",
            kind=EventKind(kind),
            role=request.role,
            sender=SYMBOLS[partner],
            receiver="OAK",
            transaction=number,
            details=EventDetails(cost=cost),
        )
        profile, _ = self.town.context.require_partner(partner)
        taken = await LibraryInbox(self.town.context).receive_message(message, profile)
        self.is_refused = taken.refused is not None

    async def _post(self, octets: str) -> str:
        url = f"http://127.0.0.1:{self.town.gateway.http_port}/iso18626/iso18626"
        headers = {"Content-Type": "application/xml"}
        async with aiohttp.ClientSession() as client, client.post(url, data=octets.encode(), headers=headers) as answer:
            return await answer.text()

    def _write_json(self, request: Request, number: str, kind: str, cost: Money | None) -> bytes:
        details = {"cost": {"amount": str(cost.amount), "currency": cost.currency}} if cost is not None else {}
        message = {
            "id": f"m-{next(self._ids)}",
            "kind": kind,
            "role": "lending" if request.role is Role.BORROWING else "borrowing",
            "sender": {"symbol": "BAY"},
            "receiver": "OAK",
            "transaction": number,
            "details": details,
        }
        return json.dumps(message).encode()

    def _moment(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- what is left of it ------------------------------------------------------------------------------

    async def live(self, side: str, partner: str, way: str, end: str) -> Outcome:
        request = await self.begin(side, partner)
        for step in filter(None, map(str.strip, way.split(","))):
            await self.step(request, partner, step)
        heard, mails, posted = len(self.said), len(self.mail.mails), len(self.far.octets)
        before = {row.id for row in await self._all_rows(request)}
        self.is_refused = False
        await self.step(request, partner, end)
        after = await self.see(request)
        rows = [row for row in await self._all_rows(request) if row.id not in before]
        words = status_of_request(after)
        shown = LetterRenderer(None, "en").resolve_language("en").words.patron[words.word]
        return Outcome(
            state=after.state.value,
            answer="refused" if self.is_refused else "",
            page=shown if side == "borrowing" else "",
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
    if part is None:
        return str(mail["Subject"]).partition(", ")[2].partition(":")[0] or str(mail["Subject"])
    apdu = decode_apdu(part.get_payload(decode=True)).apdu  # type: ignore[arg-type]
    note = getattr(apdu, "note_text", "") or ""
    return f"{type(apdu).__name__} {note}".strip()
