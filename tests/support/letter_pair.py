"""Gateways joined by letters (tests/support/iso_pair.py), and the people who read them.

A letter is words to the gateway that gets it. So whoever does something at a library also answers the partner's letter
by its link, or writes back a code where letters have no link for it; and whoever gets a request by letter enters it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from email.message import EmailMessage
from typing import Any

import yaml

from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.partner_answers import ANSWERS
from gateway.domain.requests.request import LibraryParty, Request
from gateway.domain.requests.views import LendingDraft
from tests.faults.joined.installations import SYMBOLS
from tests.support import reader
from tests.support.brokered_trio import MailedPair, MailInFormat
from tests.support.iso_mail import Mail
from tests.support.iso_wires import HOST, held_port, port_of
from tests.support.paths import ROOT

LETTERS: Mapping[str, Any] = {
    "extends": "email-partner",
    "partner": {"language": "en", "workflow": {"borrowing": {"expects_check_in": True}}},
    "letters": {"replies": {"RECALLED": {"means": "recall"}}},
}
"""Of a partner that says by link what has come back; the code is its own, none of the Forum for Interlending's says it
(docs/facts/artemail.md 4)."""

BY_LINK = {answer.kind: name for name, answer in ANSWERS.items() if answer.kind is not EventKind.MESSAGE}
"""Names of answers by what they say."""

_WORDS = yaml.safe_load((ROOT / "gateway" / "letters" / "words.yml").read_text("utf-8"))["pages"]


@dataclass
class Letters(MailInFormat):
    """Links lead to the gateway that wrote the letter."""

    content: Mapping[str, Any] = field(default_factory=lambda: LETTERS)

    def __post_init__(self) -> None:
        """Ports are held from now on, so that nobody else gets them."""
        self._doors = {symbol: held_port() for symbol in SYMBOLS}

    def settings(self, symbol: str) -> Mapping[str, Any]:
        port = port_of(self._doors[symbol])
        http = {"host": HOST, "port": port, "public_url": f"http://{HOST}:{port}"}
        return {**super().settings(symbol), "http": http}

    async def stop(self) -> None:
        for door in self._doors.values():
            door.close()


@dataclass(frozen=True)
class _SaidByStaff:
    """`to`: the partner; `crosses`: something of the partner's may be under way, so the link may be dead by now."""

    by: str
    to: str
    kind: EventKind
    details: EventDetails
    crosses: bool


class LetterPair(MailedPair):
    _unsaid: tuple[_SaidByStaff, ...] = ()

    async def quiet(self) -> None:
        """And nobody has anything left to enter or to answer."""
        await super().quiet()
        while await self._enter_requests() or await self._say_next():
            await super().quiet()

    async def nothing_is_left(self) -> None:
        await super().nothing_is_left()
        for symbol in SYMBOLS:
            mails = await self.towns[symbol].gateway.mailboxes.desk.list_mails(symbol, 100, "")
            assert [row.subject for row in mails.rows] == [], symbol

    def letters(self, by: str, to: str) -> list[EmailMessage]:
        """From one library to the other, oldest first."""
        assert isinstance(self.joining, Mail)
        address = self.joining.address(to)
        return [mail for mail in self.towns[by].mailbox.mails if str(mail["To"]) == address]

    # --- people

    async def _act(
        self, symbol: str, request: Request, kind: EventKind, details: Mapping[str, Any], quiet: bool
    ) -> None:
        to = (await self.attempt()).partner.upper() if symbol == "NORTH" else "NORTH"
        await super()._act(symbol, request, kind, details, quiet=False)
        others = [one for one in self._unsaid if (one.by, one.kind) != (symbol, kind)]  # one link for a whole parcel
        self._unsaid = (*others, _SaidByStaff(symbol, to, kind, EventDetails(**details), crosses=not quiet))
        if quiet:
            await self.quiet()

    async def _enter_requests(self) -> bool:
        """Staff read on their list of mails what is asked, enter it, and put the letter there."""
        entered = False
        for symbol in SYMBOLS[1:]:
            desk = self.towns[symbol].gateway.mailboxes.desk
            for waiting in (await desk.list_mails(symbol, 100, "")).rows:
                ours, attempt = await self.borrowing(), await self.attempt()
                assert attempt.transaction in waiting.subject
                draft = LendingDraft(
                    citation=ours.citation,
                    requester=LibraryParty(profile="north"),
                    transaction=attempt.transaction,
                    service=ours.service,
                    volumes=tuple(one.label for one in ours.volumes if one.label),
                    actor=f"staff:{symbol.lower()}",
                )
                theirs = await self.towns[symbol].front.create_lending(symbol, draft)
                await desk.assign_mail(symbol, waiting.id, theirs.number, draft.actor)
                entered = True
        return entered

    async def _say_next(self) -> bool:
        """To the partner, by its letters, what staff have done at home. False: nothing was left."""
        if not self._unsaid:
            return False
        said, *rest = self._unsaid
        self._unsaid = tuple(rest)
        if said.kind in BY_LINK:
            await self._click(said)
        elif (code := _find_code(said)) is not None:
            asked = [mail for mail in self.letters(said.to, said.by) if "request" in str(mail["Subject"])][-1]
            assert isinstance(self.joining, Mail)
            reply = reader.write_reply(asked, self.joining.address(said.by), code)
            self.joining.dovecot.deliver(self.joining.user(said.to), reply)
        return True

    async def _click(self, said: _SaidByStaff) -> None:
        words = _WORDS[f"say-{BY_LINK[said.kind]}"]
        links = [reader.links(letter) for letter in self.letters(said.to, said.by)]
        page = await reader.opens([one[words] for one in links if words in one][-1])
        if said.crosses and not page.document.forms:
            assert page.title == "This cannot be answered any more", page.text
            return
        filled = await self._fill_in(said)
        page = await reader.presses(page, **{name: filled[name] for name in page.fields if name in filled})
        assert (page.status, page.title) == (200, "Thank you"), page.text

    async def _fill_in(self, said: _SaidByStaff) -> Mapping[str, str]:
        details, filled = said.details, {"note": said.details.note or "As we wrote."}
        if said.by != "NORTH":
            due = details.due or (await self.lending(said.by)).terms.lender_due
            filled["due"] = _write_day(due)
        filled["reason"] = details.reason
        filled["condition"] = details.conditions[0].value if details.conditions else ""
        return {name: text for name, text in filled.items() if text}


def _write_day(due: date | datetime | None) -> str:
    return "" if due is None else due.strftime("%Y-%m-%d")


def _find_code(said: _SaidByStaff) -> str | None:
    """With which a reply begins; None: the letter itself is all that can be said."""
    if said.kind is EventKind.RETRY:
        return f"D/B {_write_day(said.details.retry_after)}"
    if said.kind is EventKind.HOLD_PLACED:
        return f"W/L {_write_day(said.details.expected)}"
    return "RECALLED" if said.kind is EventKind.RECALL else None
