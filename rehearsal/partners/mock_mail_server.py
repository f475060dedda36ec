"""The server where a partner that is played gets mails by SMTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.domain.clock import Clock
from gateway.domain.problems import RefusalReason, Refused
from rehearsal.partners.mock_mail_reception import MailReception

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN_ADDRESS = "250 2.1.5 Ok"
OTHER_ADDRESS = "550 5.1.1 Only mails to the partner that is played are taken here"


class MockMailServer:
    """Takes mails to the partner's address, and no others. `max_bytes`: of a mail."""

    def __init__(self, reception: MailReception, max_bytes: int, clock: Clock) -> None:
        self._reception = reception
        self._max_bytes = max_bytes
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._sessions: list[SMTP] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """HOST:PORT. `port` 0: a free one. Raises OSError, and Refused where the library for SMTP isn't installed."""
        try:
            from aiosmtpd.smtp import SMTP
        except ImportError as error:
            words = "aiosmtpd is not installed: pip install 'illgate[rehearsal]'."
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, words) from error

        def open_session() -> SMTP:
            session = SMTP(self, data_size_limit=self._max_bytes, hostname="mock.invalid")
            self._sessions = [smtp for smtp in self._sessions if smtp.transport is not None]
            self._sessions.append(session)
            return session

        self._server = await asyncio.get_running_loop().create_server(open_session, host, port)
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        await self._server.wait_closed()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.casefold() != self._reception.address.casefold():
            return OTHER_ADDRESS
        envelope.rcpt_tos.append(address)
        return TAKEN_ADDRESS

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        reception = self._reception
        assert isinstance(envelope.content, bytes), "aiosmtpd doesn't decode unless it is told to"
        reply = reception.receive_mail(envelope.content, self._clock.now())
        if reply.after_seconds:
            await reception.pass_seconds(reply.after_seconds)
        reply.speak()
        return reply.line
