"""An IMAP server for tests, in the process of the test and on a free port of loopback, that keeps what it was sent: it
lets everybody in or nobody, and has no mail."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from gateway.ports.outgoing_mail import MailSecurity

ANSWERS = {
    b"SELECT": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n",
    b"SEARCH": b"* SEARCH\r\n",
    b"LOGOUT": b"* BYE\r\n",
}
"""By command, what comes before its OK."""

CONTROLS = bytes.maketrans(b"\0\1", b"  ")


@dataclass
class ImapSink:
    """`tls`: what it shows its certificate by; `security`: when it does so. `received`: for each connection the octets
    that it brought, in clear and by TLS; those that open a connection and say nothing have an entry too. Unless it
    `lets_in`, it repeats the password that it refuses."""

    tls: ssl.SSLContext
    security: MailSecurity
    lets_in: bool = True
    received: list[bytearray] = field(default_factory=list)
    port: int = 0

    def has_received(self, secret: str, connection: int) -> bool:
        """As it is, or within a word in base64."""
        said = bytes(self.received[connection])
        return any(secret.encode() in words for words in (said, *map(_decode_base64, said.split())))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = bytearray()
        self.received.append(said)
        try:
            # a handshake that the client breaks off, or a client that has gone
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                await self._talk(reader, writer, said)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytearray) -> None:
        if self.security is MailSecurity.TLS:
            await writer.start_tls(self.tls)
        capabilities = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2"
        offer = " STARTTLS" if self.security is MailSecurity.STARTTLS else ""
        writer.write(f"* OK [CAPABILITY {capabilities}{offer}] sink.example\r\n".encode())
        while line := await reader.readline():
            said += line
            tag, *words = line.split()
            command = b"SEARCH" if b"SEARCH" in words else words[0].upper()
            if command == b"CAPABILITY":
                writer.write(f"* CAPABILITY {capabilities}{offer}\r\n".encode())
            elif command == b"AUTHENTICATE" and len(words) == 2:
                writer.write(b"+ \r\n")
                line = await reader.readline()
                said += line
            if command in (b"LOGIN", b"AUTHENTICATE") and not self.lets_in:
                secret = (_decode_base64(line.strip()) or line.strip()).translate(CONTROLS)
                writer.write(tag + b" NO not you: " + secret + b"\r\n")
                continue
            writer.write(ANSWERS.get(command, b"") + tag + b" OK done\r\n")
            if command == b"STARTTLS":
                await writer.start_tls(self.tls)
                offer = ""


def _decode_base64(word: bytes) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except binascii.Error:
        return b""


@contextlib.asynccontextmanager
async def running(sink: ImapSink) -> AsyncIterator[ImapSink]:
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
