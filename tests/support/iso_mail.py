"""Gateways joined by ISO ILL in mails (tests/support/iso_pair.py): what goes out is delivered into the mailboxes of a
real Dovecot, and each gateway reads its own by IMAP. On the way mails come twice, in another order, or later."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from gateway.services.mailbox.poller import find_poller
from tests.faults.joined.town import Town
from tests.support.dovecot import PASSWORD, Dovecot

BOX = "post"


@dataclass
class Mail:
    """`name`: of this pair's mailboxes in the server. `twice`: every mail comes two times, the second under another
    Message-ID; `shuffled`: those that are delivered together come in another order; `held`: subjects (regular
    expression) of mails that wait until `let_go`."""

    dovecot: Dovecot
    name: str
    twice: bool = False
    shuffled: random.Random | None = None
    held: str = ""
    delivered: list[EmailMessage] = field(default_factory=list)
    waiting: list[EmailMessage] = field(default_factory=list)
    _read: dict[str, int] = field(default_factory=dict)
    carries_extras = True

    def user(self, symbol: str) -> str:
        return f"{self.name}-{symbol.lower()}"

    def address(self, symbol: str) -> str:
        return f"{self.user(symbol)}@mail.example"

    # --- tests.support.iso_pair.Joining

    def settings(self, symbol: str) -> Mapping[str, Any]:
        return {
            "mail": {"host": "127.0.0.1", "security": "none", "sender": self.address(symbol)},
            "mailboxes": [
                {
                    "name": BOX,
                    "host": "127.0.0.1",
                    "port": self.dovecot.port,
                    "security": "none",
                    "user": self.user(symbol),
                    "password": f"file:{self.dovecot.maildir(symbol).parent.parent / 'password'}",
                }
            ],
        }

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        return {
            "partner": {"channel": "iso-ill", "email": self.address(theirs)},
            "iso_ill": {"transport": {"by": "mail"}},
        }

    async def start(self, towns: Mapping[str, Town]) -> None:
        self._towns = towns
        (self.dovecot.maildir("x").parent.parent / "password").write_text(PASSWORD, encoding="utf-8")

    async def stop(self) -> None:
        return None

    async def bring(self) -> int:
        new = [mail for town in self._towns.values() for mail in self._new(town)]
        self.waiting += [mail for mail in new if self._is_held(mail)]
        self._deliver([mail for mail in new if not self._is_held(mail)])
        return sum([await self._poll(town) for town in self._towns.values()])

    async def at_rest(self) -> bool:
        return True

    # --- the way

    def let_go(self) -> None:
        """What was held comes now."""
        self.held, waiting = "", self.waiting
        self.waiting = []
        self._deliver(waiting)

    def _new(self, town: Town) -> Sequence[EmailMessage]:
        sent = town.mailbox.mails
        start = self._read.get(town.symbol, 0)
        self._read[town.symbol] = len(sent)
        return [mail for mail in sent[start:] if str(mail["To"]).endswith("@mail.example")]

    def _is_held(self, mail: EmailMessage) -> bool:
        return bool(self.held) and re.search(self.held, str(mail["Subject"])) is not None

    def _deliver(self, mails: Sequence[EmailMessage]) -> None:
        on_way = [(mail, number) for mail in mails for number in range(2 if self.twice else 1)]
        if self.shuffled is not None:
            self.shuffled.shuffle(on_way)
        for mail, number in on_way:
            self.delivered.append(mail)
            content = mail.as_bytes(policy=SMTP)
            if number:  # a relay that gives every mail an id of its own
                content = content.replace(b"Message-ID: <", b"Message-ID: <again-", 1).replace(
                    b"ISO ILL", b"Fwd: ISO", 1
                )
            self.dovecot.deliver(str(mail["To"]).partition("@")[0], content)

    async def _poll(self, town: Town) -> int:
        """A mailbox that is known to be empty isn't read: signing in costs more than all else that a gateway does."""
        if not self.dovecot.has_mail(self.user(town.symbol)):
            return 0
        polled = await find_poller(town.gateway.mailboxes.pollers, BOX).poll_once()
        return polled.count
