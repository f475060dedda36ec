"""Sending mail: the port `Mailer`. Who calls it keeps what is to be sent (the outbox); it keeps nothing."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.secret_ref import SecretRef
from gateway.ports.library import LibraryInfo


@frozen
class Letter:
    """A letter in plain text and HTML, rendered. `message_id` without angle brackets; the same at every try; without
    `@` the sender's domain is added. `at`: when it was written (Date), aware. `automatic`: no person wrote it and
    nobody is expected to answer it (Auto-Submitted, RFC 3834). `charset`: used where all of the letter fits into it,
    else UTF-8."""

    to: str
    subject: str
    text: str
    html: str = ""
    message_id: str = ""
    reply_to: str = ""
    in_reply_to: str = ""
    language: str = "en"
    attachments: tuple[tuple[str, str, bytes], ...] = field(default=(), repr=False)  # name, media type, content
    at: datetime | None = None
    automatic: bool = False
    charset: str = "utf-8"


@frozen
class Sender:
    """Whose letters these are; what is empty is taken from the library."""

    address: str
    name: str = ""
    reply_to: str = ""

    def of(self, library: LibraryInfo) -> Sender:
        return Sender(self.address, self.name or library.name, self.reply_to or library.email)


class Mailer(Protocol):
    async def send(self, message: EmailMessage) -> str:
        """Returns the server's reply line. Raises Unavailable (not sent: the server is away or says 4xx),
        OutcomeUnknown (the connection broke after the content was sent), Refused (5xx: address or content)."""
        ...


class MailSecurity(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"  # from the first byte on
    NONE = "none"


@frozen_by_name
class MailServer:
    """Where mail is handed in. `password` by reference; `ca`: PEM file of the authorities to trust, None: the
    system's; `seconds`: longest wait for each answer of the server."""

    host: str
    port: int
    security: MailSecurity = MailSecurity.STARTTLS
    user: str = ""
    password: SecretRef = ""
    ca: Path | None = None
    seconds: float = 30.0
