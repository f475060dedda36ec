"""A mail server that is out of order at times, and keeps all that it took, whether it could say so or not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 2.0.0 kept"
LATER = "451 4.3.0 not now"


class Mailbox:
    """`trouble`: the share of mails, 0 to 1, that meets each kind of failure. `port` is where it listens."""

    def __init__(self, chance: random.Random, trouble: float) -> None:
        self._chance = chance
        self.trouble = trouble
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.hidden = 0
        """So many mails were kept without a word to whoever brought them."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._fails():
            return LATER
        envelope.mail_from = address
        return OK

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._fails():
            await _hang_up(server)
        envelope.rcpt_tos.append(address)
        return OK

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._fails():
            return LATER
        if self._fails():
            await _hang_up(server)
        mail = message_from_bytes(bytes(envelope.content or b""), policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        if self._fails():
            self.hidden += 1
            await _hang_up(server)
        return OK

    def _fails(self) -> bool:
        return self._chance.random() < self.trouble


async def _hang_up(server: SMTP) -> None:
    """The server cancels its conversation when the connection is gone, so this never returns."""
    assert server.transport is not None
    server.transport.abort()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


@asynccontextmanager
async def open_mailbox(chance: random.Random, trouble: float) -> AsyncIterator[Mailbox]:
    box, talking = Mailbox(chance, trouble), list[SMTP]()
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        one = SMTP(box, hostname="mail.town.example", loop=loop, enable_SMTPUTF8=True)
        talking.append(one)
        return one

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        for one in talking:
            if one.transport is not None:
                one.transport.abort()  # type: ignore[attr-defined]
        await server.wait_closed()
        await asyncio.sleep(0.1)  # the ends of the conversations
