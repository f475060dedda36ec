"""Two gateways that lend to each other (tests/support/iso_pair.py), of which one library works by a system that speaks
NCIP with its gateway, as ILLiad, Relais or a consortium's broker does: what has an NCIP message is done by it, and
staff do the rest (docs/facts/ncip.md 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role, ServiceType
from gateway.ports.message_transport import HttpPlace
from gateway.ports.responder import ExchangeContext
from rehearsal.ports.partner_simulator import MessageFate
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.faults.joined.installations import Template
from tests.support.brokered_trio import MailedPair
from tests.support.iso_pair import PATRON, SECOND, Joining
from tests.support.letter_pair import LetterPair
from tests.support.partner_rights import ALL_RIGHTS
from tests.support.paths import ROOT
from tests.support.yaml_files import write_yaml_file

CLIENT = "illiad"
PROFILE = {
    "extends": "ncip2",
    "match": [{"path": CLIENT}],
    "circulation": {"requests": {"managed": "borrowing"}, "rights": ALL_RIGHTS},
}
RENEWED_BY = timedelta(days=28)
"""Beyond the lender's date, so that it is asked."""

Message = tuple[str, Mapping[str, str]]
"""A service of NCIP, and the values of the message."""


class NcipDesk(MailedPair):
    """`desk`: whose library it is. `by_staff`: what was done there without an NCIP message; `sent`: how many there
    were."""

    def __init__(
        self, template: Template, folder: Path, joining: Joining, workflow: Mapping[str, Any], desk: str
    ) -> None:
        self.desk = desk
        self.by_staff: list[EventKind] = []
        self.sent = 0
        super().__init__(template, folder, joining, workflow)

    async def __aenter__(self) -> NcipDesk:
        await super().__aenter__()
        return self

    def _install(self, symbol: str, config: Path, rota: tuple[str, ...]) -> None:
        super()._install(symbol, config, rota)
        if symbol != self.desk:
            return
        profiles = config.parent / "profiles"
        (profiles / "ncip2.yml").write_text((ROOT / "profiles" / "ncip2.yml").read_text("utf-8"), "utf-8")
        write_yaml_file(profiles / f"{CLIENT}.yml", PROFILE)

    async def ask(
        self,
        book: int = 0,
        service: ServiceType = ServiceType.LOAN,
        citation: Citation | None = None,
        volumes: tuple[str, ...] = (),
    ) -> None:
        """Of the borrower's client a RequestItem, for a whole work that is to be lent."""
        if self.desk != "NORTH" or service is not ServiceType.LOAN or citation is not None or volumes:
            self._note_staff("NORTH", EventKind.REQUEST)
            await super().ask(book, service, citation, volumes)
            return
        self.clock.advance(SECOND)
        wanted = self.books[book].citation
        record = f"isbn:{wanted.identifier('isbn')}"
        values = {"request": "TN-1", "patron": PATRON, "record": record, "title": wanted.title, "pickup": "NORTH"}
        await self._send(("request-item", values))
        found = [one for one in (await self.towns["NORTH"].requests()).values() if one.role is Role.BORROWING]
        self.ours = found[-1]
        await self.quiet()

    async def _act(
        self, symbol: str, request: Request, kind: EventKind, details: Mapping[str, Any], quiet: bool
    ) -> None:
        messages = _write_messages(request, kind, details) if symbol == self.desk else []
        if not messages:
            self._note_staff(symbol, kind)
            await super()._act(symbol, request, kind, details, quiet)
            return
        for message in messages:
            self.clock.advance(SECOND)
            await self._send(message)
        if quiet:
            await self.quiet()

    def _note_staff(self, symbol: str, kind: EventKind) -> None:
        if symbol == self.desk and kind not in self.by_staff:
            self.by_staff.append(kind)

    async def _send(self, message: Message) -> None:
        """Raises AssertionError where it is refused."""
        town, (service, values) = self.towns[self.desk], message
        profile = town.gateway._profiles.current.find_profile(CLIENT)
        assert profile is not None
        exchange = ExchangeContext(profile, self.desk, ZoneInfo("Europe/Zurich"), "CHF", self.clock.now())
        client = NcipPartnerSimulator(dict[str, str]().__getitem__)
        body = client.build(service, {name: [value] for name, value in values.items()}, exchange)
        url = f"http://127.0.0.1:{town.gateway.http_port}/ncip/{CLIENT}"
        explained = client.explain(body, await client.send_message(body, exchange, HttpPlace(url)), exchange)
        assert explained.fate is MessageFate.DONE, explained.lines
        self.sent += 1

    def describe_share(self) -> str:
        """What of it NCIP has said."""
        if not self.by_staff:
            return "yes"
        names = ", ".join(self.by_staff)
        return f"yes; by staff: {names}" if self.sent else f"– (NCIP has no message: {names})"


def _write_messages(request: Request, kind: EventKind, details: Mapping[str, Any]) -> list[Message]:
    """By which the client does it, one for each volume; none: no message says it."""
    if request.role is Role.LENDING:
        return _write_lender_messages(request, kind, details)
    return _write_borrower_messages(request, kind, details)


def _write_borrower_messages(request: Request, kind: EventKind, details: Mapping[str, Any]) -> list[Message]:
    items = _list_items(request, details)
    match kind:
        case EventKind.RECEIVED if request.service.type is ServiceType.LOAN:
            values = {"request": request.number, "patron": PATRON, "title": request.citation.title, "pickup": "NORTH"}
            volumes = details.get("volumes", ("1",))
            return [("accept-item", {**values, "item": f"{request.number}-{volume}"}) for volume in volumes]
        case EventKind.LOANED_TO_PATRON:
            return [("check-out-item", {"item": item, "patron": PATRON}) for item in items]
        case EventKind.RETURNED_BY_PATRON:
            return [("check-in-item", {"item": item}) for item in items]
        case EventKind.RETURNED:
            return [("delete-item", {"item": item}) for item in items]
        case EventKind.RENEW if request.terms.renewals == 0:  # the sample library's rule lets a patron renew once
            due = request.terms.lender_due
            assert due is not None
            until = _write_day(due + RENEWED_BY)
            return [("renew-item", {"item": item, "patron": PATRON, "due": until}) for item in items]
        case EventKind.CANCEL:
            return [("cancel-request-item", {"request": request.number, "patron": PATRON})]
    return []


def _write_lender_messages(request: Request, kind: EventKind, details: Mapping[str, Any]) -> list[Message]:
    items = _list_items(request, details)
    match kind:
        case EventKind.SHIPPED:
            values = {"patron": request.partner.symbol, "request": request.number}
            return [("check-out-item", {**values, "item": details.get("barcode") or request.item_barcode})]
        case EventKind.CHECKED_IN:
            return [("check-in-item", {"item": item}) for item in items]
        case EventKind.RENEW_ACCEPTED:
            return [("renew-item", {"item": item, "due": _write_day(details["due"])}) for item in items]
        case EventKind.RECALL:
            return [("recall-item", {"item": item}) for item in items]
    return []


def _list_items(request: Request, details: Mapping[str, Any]) -> list[str]:
    """Barcodes of the volumes that are meant; without a word all."""
    meant = details.get("volumes") or [one.id for one in request.volumes]
    return [one.barcode for one in request.volumes if one.id in meant and one.barcode]


def _write_day(due: date | datetime) -> str:
    return due.strftime("%Y-%m-%d")


class NcipLetterDesk(LetterPair, NcipDesk):
    """By letters: what is done by NCIP is said by links as well."""

    async def __aenter__(self) -> NcipLetterDesk:
        await super().__aenter__()
        return self
