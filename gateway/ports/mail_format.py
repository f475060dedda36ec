"""What a mail from a partner means: the port `MailFormat`, one implementation a format (ARTEmail, tagged mail, plain).

The mailbox (adapters/mailbox) fetches a mail, `services.mailbox` finds the partner's profile and asks the formats that
the profile has a section for, in order; what nobody understands goes to a list of staff. Formats are pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import UTC, datetime, tzinfo
from typing import Protocol, runtime_checkable

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.problems import Refusal
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Details, Kind
from gateway.domain.requests.request import Request, Role


@frozen
class MailPart:
    """An attached file."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@frozen
class Recipient:
    """The library whose mailbox it came to. `zone` and `currency`: what days, times and amounts that say none mean."""

    symbol: str = ""
    zone: tzinfo = UTC
    currency: str = ""


@frozen_by_name
class IncomingMail:
    """A mail, taken apart: all that formats look at. `text`: the readable body in Unicode, from plain text or, if there
    is none, from HTML; `references`: ids of In-Reply-To and References without angle brackets, newest first."""

    id: str  # Message-ID without angle brackets, or a digest where there is none
    sender: str  # address of From, lower case
    to: tuple[str, ...] = ()
    subject: str = ""
    text: str = field(default="", repr=False)
    received: datetime
    references: tuple[str, ...] = ()
    attachments: tuple[MailPart, ...] = ()
    automatic: bool = False  # Auto-Submitted, bounces, vacation notes: never answered
    recipient: Recipient = Recipient()


@frozen_by_name
class OfFile:
    """A file of ours that an answer is about (`gateway.ports.channel.GatheredFile`). `numbers`: its number as it stands
    there, then without what the format puts before ours; `each`: it is about every request in the file; `count`: so
    many are meant, None: it doesn't say."""

    numbers: tuple[str, ...]
    each: bool = False
    count: int | None = None


@frozen_by_name
class MailEvent:
    """One thing that a mail says. `transaction`: the number by which both sides know the request, as it stands in the
    mail; empty: it must be found by `file` or `references`. `role` is ours. `request` comes with kind REQUEST. `files`:
    indexes of attachments that belong to it. `explained`: how it was understood, one line a rule.

    For formats that are protocols: `id`, the message's own, by which it is known again in another mail; `at`, when its
    sender sent it, aware: mails of one round are taken in that order; `guard` as in `ports.channel.FromPartner`;
    `named`, what a report about it calls it: its refusal is told to the sender by the channel (Kind.TROUBLE);
    `unfilled`, with kind REQUEST: it asks for what can't be done here, is answered so, and no request is made of it."""

    kind: Kind
    role: Role
    transaction: str = ""
    details: Details = Details()
    request: Request | None = None
    files: tuple[int, ...] = ()
    file: OfFile | None = None
    explained: tuple[str, ...] = ()
    id: str = ""
    at: datetime | None = None
    guard: Callable[[Request], Refusal | None] | None = field(default=None, compare=False, repr=False)
    named: str = ""
    unfilled: Details | None = None


@frozen
class Understood:
    """`unknown`: what was not understood, kept and shown."""

    events: tuple[MailEvent, ...] = ()
    unknown: tuple[str, ...] = ()


class MailFormat(Protocol):
    @property
    def name(self) -> str:
        """As the section of a profile is called."""
        ...

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        """Whether the mail looks like one of this format; quick, never raises."""
        ...

    def decode(self, mail: IncomingMail, profile: Profile) -> Understood:
        """Raises MalformedMessage: it is of this format and can't be read; staff look at it."""
        ...


@runtime_checkable
class NamesFiles(Protocol):
    """What a format can do besides whose partners get several of our messages in one mail
    (`gateway.ports.channel.Gathers`): they quote its number in mails of other formats too."""

    def files_named(self, mail: IncomingMail, profile: Profile) -> tuple[str, ...]:
        """Numbers of files of ours that stand anywhere in the mail, whatever its format, each as in `OfFile.numbers`.
        Never raises."""
        ...
