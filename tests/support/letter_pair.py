"""Gateways joined by letters (tests/support/iso_pair.py), and the people who read them.

A letter is words to the gateway that gets it. So whoever does something at a library also answers the partner's letter
by its link, or writes back a code where letters have no link for it; and whoever gets a request by letter enters it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from email.message import EmailMessage
from typing import Any

from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.partner_answers import ANSWERS
from gateway.domain.requests.request import LibraryParty, Request, ServiceType
from tests.faults.joined.installations import SYMBOLS
from tests.support import reader
from tests.support.brokered_trio import MailedPair, MailInFormat
from tests.support.iso18626_joining import Http18626
from tests.support.iso_mail import Mail
from tests.support.iso_wires import HOST, held_port, port_of
from tests.support.paths import ROOT
from tests.support.yaml_files import read_yaml_file

LETTERS: Mapping[str, Any] = {
    "extends": "email-partner",
    "partner": {"language": "en", "workflow": {"borrowing": {"expects_check_in": True}}},
    "letters": {"replies": {"RECALLED": {"means": "recall"}, "OVERDUE": {"means": "overdue"}}},
}
"""Of a partner that says by link what has come back; the codes are its own, none of the Forum for Interlending's says
that (docs/facts/artemail.md 4)."""

BY_LINK = {answer.kind: name for name, answer in ANSWERS.items() if answer.kind is not EventKind.MESSAGE}
"""Names of answers by what they say."""

_WORDS = read_yaml_file(ROOT / "gateway" / "letters" / "words.yml")["pages"]


@dataclass
class Letters(MailInFormat):
    """Links lead to the gateway that wrote the letter."""

    content: Mapping[str, Any] = field(default_factory=lambda: LETTERS)

    def __post_init__(self) -> None:
        """Ports are held from now on, so that nobody else gets them."""
        self._doors = {symbol: held_port() for symbol in SYMBOLS}
        self._ports = {symbol: port_of(door) for symbol, door in self._doors.items()}

    def share_listeners(self, http: Http18626) -> None:
        """Where gateways speak ISO 18626 besides: each has one listener."""
        self._ports = http.ports

    def settings(self, symbol: str) -> Mapping[str, Any]:
        port = self._ports[symbol]
        http = {"host": HOST, "port": port, "public_url": f"http://{HOST}:{port}"}
        return {**super().settings(symbol), "http": http}

    async def stop(self) -> None:
        for door in self._doors.values():
            door.close()


@dataclass(frozen=True)
class SaidByStaff:
    """`to`: the partner; `crosses`: something of the partner's may be under way, so the link may be dead by now."""

    by: str
    to: str
    kind: EventKind
    details: EventDetails
    crosses: bool


class LetterReaders(MailedPair):
    """Gateways of which some write letters to each other, with the people there."""

    _unsaid: tuple[SaidByStaff, ...] = ()

    @property
    def _mail(self) -> Mail:
        """By which the letters go."""
        raise NotImplementedError

    def _find_partner(self, symbol: str, request: Request) -> str:
        """To whom this library says by letter what it does with its request; empty: not by letter."""
        raise NotImplementedError

    async def _find_asking(self, symbol: str) -> tuple[str, Request] | None:
        """Who asks this library by letter, and its request."""
        raise NotImplementedError

    async def _find_lent(self, by: str, to: str) -> Request | None:
        """The lending request of `by` which `to` is written about; None: `by` borrows."""
        raise NotImplementedError

    async def quiet(self) -> None:
        """And nobody has anything left to enter or to answer."""
        await super().quiet()
        while await self._enter_requests() or await self._say_next():
            await super().quiet()

    async def nothing_is_left(self) -> None:
        await super().nothing_is_left()
        for symbol in SYMBOLS:
            mails = await self.towns[symbol].gateway.managed.libraries[symbol].mails.list_mails(100, "")
            assert [row.subject for row in mails.rows] == [], symbol

    def letters(self, by: str, to: str) -> list[EmailMessage]:
        """From one library to the other, oldest first."""
        address = self._mail.address(to)
        return [mail for mail in self.towns[by].mailbox.mails if str(mail["To"]) == address]

    # --- people

    async def _act(
        self, symbol: str, request: Request, kind: EventKind, details: Mapping[str, Any], quiet: bool
    ) -> None:
        to = self._find_partner(symbol, request)
        await super()._act(symbol, request, kind, details, quiet=False)
        is_kept = kind is EventKind.RECEIVED and request.service.type is ServiceType.COPY  # no letter asks for it
        if to and not is_kept:
            self._remember(SaidByStaff(symbol, to, kind, EventDetails(**details), crosses=not quiet))
        if quiet:
            await self.quiet()

    def _remember(self, said: SaidByStaff) -> None:
        """One link is for a whole parcel, and then no note names a volume of it."""
        others = tuple(one for one in self._unsaid if (one.by, one.to, one.kind) != (said.by, said.to, said.kind))
        if len(others) < len(self._unsaid):
            said = replace(said, details=replace(said.details, note=""))
        self._unsaid = (*others, said)

    async def _enter_requests(self) -> bool:
        """Staff read on their list of mails what is asked, enter it, and put the letter there."""
        entered = False
        for symbol in SYMBOLS:
            desk = self.towns[symbol].gateway.managed.libraries[symbol].mails
            for waiting in (await desk.list_mails(100, "")).rows:
                asking = await self._find_asking(symbol)
                assert asking is not None, (symbol, waiting.subject)
                asker, theirs = asking
                attempt = theirs.attempt
                assert attempt is not None
                assert attempt.transaction in waiting.subject
                draft = LendingDraft(
                    citation=theirs.citation,
                    requester=LibraryParty(profile=asker.lower(), address=self._read_address(asker, symbol)),
                    transaction=attempt.transaction,
                    service=theirs.service,
                    volumes=tuple(one.label for one in theirs.volumes if one.label),
                    actor=f"staff:{symbol.lower()}",
                )
                ours = await self.towns[symbol].front.create_lending(draft)
                await desk.assign_mail(waiting.id, ours.number, draft.actor)
                entered = True
        return entered

    def _read_address(self, asker: str, symbol: str) -> str:
        """Where the letter wants it sent."""
        body = self._find_request(asker, symbol).get_body(("plain",))
        assert body is not None
        paragraphs = str(body.get_content()).split("\n\n")
        return paragraphs[paragraphs.index("Please send the item or copy to:") + 1]

    def _find_request(self, asker: str, symbol: str) -> EmailMessage:
        return [mail for mail in self.letters(asker, symbol) if "request" in str(mail["Subject"])][-1]

    async def _say_next(self) -> bool:
        """To the partner, by its letters, what staff have done at home. False: nothing was left."""
        if not self._unsaid:
            return False
        said, *rest = self._unsaid
        self._unsaid = tuple(rest)
        if said.kind in BY_LINK:
            await self._click(said)
        elif (code := _find_code(said)) is not None:
            reply = reader.write_reply(self._find_request(said.to, said.by), self._mail.address(said.by), code)
            self._mail.dovecot.deliver(self._mail.user(said.to), reply)
        return True

    async def _click(self, said: SaidByStaff) -> None:
        words = _WORDS[f"say-{BY_LINK[said.kind]}"]
        links = [reader.links(letter) for letter in self.letters(said.to, said.by)]
        page = await reader.opens([one[words] for one in links if words in one][-1])
        if said.crosses and not page.document.forms:
            assert page.title == "This can no longer be answered", page.text
            return
        filled = await self._fill_in(said)
        page = await reader.presses(page, **{name: filled[name] for name in page.fields if name in filled})
        assert (page.status, page.title) == (200, "Thank you"), page.text

    async def _fill_in(self, said: SaidByStaff) -> Mapping[str, str]:
        details, filled = said.details, {"note": said.details.note or "As we wrote."}
        lent = await self._find_lent(said.by, said.to)
        if lent is not None:
            filled["due"] = _write_day(details.due or lent.terms.lender_due)
        filled["reason"] = details.reason
        filled["condition"] = details.conditions[0].value if details.conditions else ""
        return {name: text for name, text in filled.items() if text}


class LetterPair(LetterReaders):
    """NORTH asks and SOUTH and EAST lend, all by letters."""

    @property
    def _mail(self) -> Mail:
        assert isinstance(self.joining, Mail)
        return self.joining

    def _find_partner(self, symbol: str, request: Request) -> str:
        if symbol != "NORTH":
            return "NORTH"
        assert request.attempt is not None
        return request.attempt.partner.upper()

    async def _find_asking(self, symbol: str) -> tuple[str, Request] | None:
        return ("NORTH", await self.borrowing()) if symbol != "NORTH" else None

    async def _find_lent(self, by: str, to: str) -> Request | None:
        return await self.lending(by) if by != "NORTH" else None


def _write_day(due: date | datetime | None) -> str:
    return "" if due is None else due.strftime("%Y-%m-%d")


def _find_code(said: SaidByStaff) -> str | None:
    """With which a reply begins; None: the letter itself is all that can be said."""
    if said.kind is EventKind.RETRY:
        return f"D/B {_write_day(said.details.retry_after)}"
    if said.kind is EventKind.HOLD_PLACED:
        return f"W/L {_write_day(said.details.expected)}"
    return {EventKind.RECALL: "RECALLED", EventKind.OVERDUE: "OVERDUE"}.get(said.kind)
