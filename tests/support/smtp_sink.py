"""SMTP servers for tests, in the process of the test and on a free port of loopback: one that keeps what it gets, and
one that says line by line what it is told to."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ALL_WELL = "250 2.0.0 Ok"

SILENCE = ""
"""An answer that never comes."""


@dataclass
class Sink:
    """`answers`: by step (MAIL, RCPT, DATA), what is answered instead of yes. `users`: who may sign in."""

    answers: dict[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    deliver: Callable[[str, bytes], None] | None = None
    received: list[Envelope] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    port: int = 0

    @property
    def mails(self) -> list[EmailMessage]:
        found = [message_from_bytes(bytes(one.content or b""), policy=default) for one in self.received]
        return [one for one in found if isinstance(one, EmailMessage)]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" not in self.answers:
            envelope.mail_from = address
        return self.answers.get("MAIL", ALL_WELL)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", ALL_WELL)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.received.append(envelope)
        assert server.transport is not None
        self.over_tls.append(server.transport.get_extra_info("ssl_object") is not None)
        if self.deliver is not None:
            for recipient in envelope.rcpt_tos:
                await asyncio.to_thread(self.deliver, recipient.partition("@")[0], bytes(envelope.content or b""))
        return ALL_WELL

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user = data.login.decode()
        good = self.users.get(user) == data.password.decode()
        if good:
            self.signed_in.append(user)
        return AuthResult(success=good, handled=False)


@asynccontextmanager
async def running(
    sink: Sink, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Sink]:
    """`starttls`: offered; `tls`: from the first byte on."""
    loop = asyncio.get_running_loop()

    talking: list[SMTP] = []

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it warns of AUTH without STARTTLS, which TLS doesn't need
            one = SMTP(
                sink,
                hostname="sink.example",
                loop=loop,
                tls_context=starttls,
                auth_require_tls=tls is None,
                auth_required=bool(sink.users),
                authenticator=sink.authenticate if sink.users else None,
            )
        talking.append(one)
        return one

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        for one in talking:
            await _ended(one)
        await server.wait_closed()


async def _ended(one: SMTP) -> None:
    """A client that went without a word leaves a conversation behind."""
    if one.transport is not None:
        one.transport.close()
    if one._handler_coroutine is not None:
        one._handler_coroutine.cancel()
        await asyncio.wait({one._handler_coroutine})


@asynccontextmanager
async def scripted(*answers: str | None) -> AsyncIterator[int]:
    """A server that gives these answers, one for each line that it is sent (the content of a mail counts as one); None
    ends the connection instead. The first is its greeting. It serves one client."""

    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in answers:
                if answer is None:
                    return
                if answer is not SILENCE:
                    writer.write(f"{answer}\r\n".encode())
                    await writer.drain()
                await (reader.readuntil(b"\r\n.\r\n") if answer.startswith("354") else reader.readline())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()
            ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
        await ended.wait()
    finally:
        server.close()
        await server.wait_closed()
