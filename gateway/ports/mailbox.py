"""A mailbox that partners' mails come to: the port `MailboxClient`. It fetches and moves; it reads no mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.secret_ref import SecretRef
from gateway.ports.mailer import MailSecurity


class SignIn(StrEnum):
    LOGIN = "login"
    PLAIN = "plain"
    XOAUTH2 = "xoauth2"  # the password is an access token


@frozen_by_name
class MailboxServer:
    """Where a mailbox is. `password` by reference, resolved at each sign-in (tokens change); `ca`: PEM file of the
    authorities to trust, None: the system's; `seconds`: longest wait for each answer of the server."""

    host: str
    port: int
    security: MailSecurity = MailSecurity.TLS
    sign_in: SignIn = SignIn.LOGIN
    user: str
    password: SecretRef
    ca: Path | None = None
    seconds: float = 30.0
    folder: str = "INBOX"


@frozen
class Look:
    """What waits in the folder: UIDs ascending, without those that are marked as done. A UID means a mail only
    together with `uid_validity` (RFC 9051 section 2.3.1.1)."""

    uid_validity: int
    uids: tuple[int, ...]


@frozen
class Fetched:
    uid: int
    content: bytes = field(repr=False)


class OpenMailbox(Protocol):
    """A mailbox, signed in and with its folder open. Every method raises Unavailable when the connection is gone;
    then it is of no use any more and must be closed."""

    async def look(self) -> Look:
        """The folder as it is now; opened anew, so a changed UIDVALIDITY is seen."""
        ...

    async def sizes(self, uids: Sequence[int]) -> Mapping[int, int]:
        """In bytes; what has gone meanwhile is left out."""
        ...

    async def fetch(self, uids: Sequence[int]) -> Sequence[Fetched]:
        """Whole mails, not marked as seen by it; what has gone meanwhile is left out."""
        ...

    async def head(self, uid: int) -> bytes:
        """The header alone, of a mail too large to be fetched."""
        ...

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Into `folder`, which is made where it lacks; empty: they stay and are marked as done."""
        ...

    async def idles(self) -> bool:
        """Whether the server tells by itself that something came (IDLE, RFC 2177)."""
        ...

    async def wait(self, seconds: float) -> None:
        """Until something new comes (IDLE, where the server offers it), at most so long."""
        ...

    async def close(self) -> None:
        """Never raises; a call that hangs elsewhere is broken off."""
        ...


class MailboxClient(Protocol):
    async def open(self, server: MailboxServer) -> OpenMailbox:
        """Raises Unavailable (the server is away), Refused (it lets us not in, or there is no such folder)."""
        ...
