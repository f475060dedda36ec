"""Ports MailboxClient, MailParser and MailFormat.

The mailbox (adapters/mailbox) fetches a mail and moves it, but reads none; `services.mailbox` finds the partner's
profile and asks the formats that the profile has a section for, in order; what nobody understands goes to a list of
staff. Formats are pure. The gateway sees no MIME: the parser gives the parts of a mail as values and texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from gateway.domain.problems import Refusal
from gateway.domain.profile import Profile
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.secret_reference import SecretReference
from gateway.domain.sentences import strip_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_mail import MailSecurity

_ORIGINAL = re.compile(
    r"^\s*(-{2,}\s*(original message|ursprüngliche nachricht|message d'origine|mensaje original|oorspronkelijk bericht"
    r"|messaggio originale|forwarded message|weitergeleitete nachricht).*|_{10,}\s*)$",
    re.IGNORECASE,
)
"""Below such a line, mail programs put the mail that is answered without marking its lines."""

_INTRODUCTION = re.compile(
    r"^\s*(on|am|le|el|op|il|den)\b.{0,200}\b(wrote|schrieb|écrit|escribió|schreef|scritto|skrev)\b.{0,100}:\s*$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s{0,3}[>|]")
_SIGNATURE = re.compile(r"^-- ?$")


class SignIn(StrEnum):
    LOGIN = "login"
    PLAIN = "plain"
    XOAUTH2 = "xoauth2"  # the password is an access token


@value_object(kw_only=True)
class MailboxServer:
    """The server of a mailbox. `password` by reference, resolved at each sign-in (tokens change); `ca`: PEM file of the
    authorities to trust, None: the system's; `seconds`: longest wait for each answer of the server."""

    host: str
    port: int
    security: MailSecurity = MailSecurity.TLS
    sign_in: SignIn = SignIn.LOGIN
    user: str
    password: SecretReference
    ca: Path | None = None
    seconds: float = 30.0
    folder: str = "INBOX"


@value_object
class MailboxSnapshot:
    """The mails that wait in the folder: UIDs ascending, without those that are marked as done. A UID means a mail only
    together with `uid_validity` (RFC 9051 section 2.3.1.1)."""

    uid_validity: int
    uids: tuple[int, ...]


@value_object
class FetchedMail:
    uid: int
    content: bytes = field(repr=False)


class OpenMailbox(Protocol):
    """A mailbox, signed in and with its folder open. Every method raises Unavailable when the connection is gone;
    then it is of no use any more and must be closed."""

    async def list_messages(self) -> MailboxSnapshot:
        """The folder as it is now; opened anew, so a changed UIDVALIDITY is seen."""
        ...

    async def sizes(self, uids: Sequence[int]) -> Mapping[int, int]:
        """Return sizes in bytes; what has gone meanwhile is left out."""
        ...

    async def fetch(self, uids: Sequence[int]) -> Sequence[FetchedMail]:
        """Whole mails, not marked as seen by it; what has gone meanwhile is left out."""
        ...

    async def head(self, uid: int) -> bytes:
        """The header alone, of a mail too large to be fetched."""
        ...

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Into `folder`, which is made where it lacks; empty: they stay and are marked as done."""
        ...

    async def supports_idle(self) -> bool:
        """Return whether the server tells by itself that something came (IDLE, RFC 2177)."""
        ...

    async def wait(self, seconds: float) -> None:
        """Wait until something new comes (IDLE, where the server offers it), at most so long."""
        ...

    async def close(self) -> None:
        """Close the mailbox; never raises; a call that hangs elsewhere is broken off."""
        ...


class MailboxClient(Protocol):
    async def open(self, server: MailboxServer) -> OpenMailbox:
        """Open a mailbox; raises Unavailable (the server is away), Refused (it lets us not in, or there is no such
        folder)."""
        ...


@value_object
class MailPart:
    """An attached file."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@value_object
class MailRecipient:
    """The library whose mailbox it came to. `zone` and `currency`: what days, times and amounts that say none mean."""

    symbol: str = ""
    zone: tzinfo = UTC
    currency: str = ""


@value_object(kw_only=True)
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
    recipient: MailRecipient = MailRecipient()


@value_object(kw_only=True)
class BatchEvent:
    """A file of ours that an answer is about (`gateway.ports.partner_channel.OrderBatchFile`). `numbers`: its number as
    it stands there, then without what the format puts before ours; `each`: it is about every request in the file;
    `count`: so many are meant, None: it doesn't say."""

    numbers: tuple[str, ...]
    each: bool = False
    count: int | None = None


@value_object(kw_only=True)
class MailEvent:
    """One thing that a mail says. `transaction`: the number by which both sides know the request, as it stands in the
    mail; empty: it must be found by `file` or `references`. `role` is ours. `request` comes with kind REQUEST. `files`:
    indexes of attachments that belong to it. `explained`: how it was understood, one line a rule.

    For formats that are protocols: `id`, the message's own, by which it is known again in another mail; `at`, when its
    sender sent it, aware: mails of one round are taken in that order; `guard` as in
    `ports.partner_channel.IncomingPartnerMessage`; `named`, what a report about it calls it: its refusal is told to the
    sender by the channel (EventKind.TROUBLE); `unfilled`, with kind REQUEST: it asks for what can't be done here, is
    answered so, and no request is made of it."""

    kind: EventKind
    role: Role
    transaction: str = ""
    details: EventDetails = EventDetails()
    request: LendingDraft | None = None
    files: tuple[int, ...] = ()
    file: BatchEvent | None = None
    explained: tuple[str, ...] = ()
    id: str = ""
    at: datetime | None = None
    guard: Callable[[Request], Refusal | None] | None = field(default=None, compare=False, repr=False)
    named: str = ""
    unfilled: EventDetails | None = None


@value_object
class MailInterpretation:
    """`unknown`: what was not understood, kept and shown."""

    events: tuple[MailEvent, ...] = ()
    unknown: tuple[str, ...] = ()


class MailFormat(Protocol):
    @property
    def name(self) -> str:
        """The name of the section of a profile."""
        ...

    def recognises(self, mail: IncomingMail, profile: Profile) -> bool:
        """Return whether the mail looks like one of this format; quick, never raises."""
        ...

    def decode(self, mail: IncomingMail, profile: Profile) -> MailInterpretation:
        """Decode a mail; raises MalformedMessage: it is of this format and can't be read; staff look at it."""
        ...


@runtime_checkable
class NamesBatches(Protocol):
    """A format whose partners get several of our messages in one mail (`gateway.ports.partner_channel.SendsBatches`):
    they quote its number in mails of other formats too."""

    def named_batches(self, mail: IncomingMail, profile: Profile) -> tuple[str, ...]:
        """Numbers of files of ours that stand anywhere in the mail, whatever its format, each as in
        `BatchEvent.numbers`. Never raises."""
        ...


class BounceAction(StrEnum):
    """The outcome of a mail of ours (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@value_object
class BounceReport:
    """A report on a mail of ours. `status`: RFC 3463, such as 5.1.1, empty where none is said; `message_ids`: what
    the mail may have been called, without angle brackets; `why`: the server's words, without addresses."""

    action: BounceAction
    status: str
    message_ids: tuple[str, ...]
    why: str = ""

    @property
    def is_permanent(self) -> bool:
        """It will never arrive: not what is only late, nor what a server will try again."""
        return self.action is BounceAction.FAILED and not self.status.startswith("4")


class AutomaticMailKind(StrEnum):
    """Mails of programs (RFC 3834); none is ever answered."""

    NO = "no"
    GENERATED = "generated"  # of its own accord: a partner's system at work
    REPLIED = "replied"  # to a mail of ours, by nobody: absence notes


@value_object
class SenderCheck:
    """The finding of a mail server about the sender (RFC 8601). `server`: who says so; only our own is to be believed.
    `method`: spf, dkim, dmarc …; `result`: pass, fail, none …; `domain`: whom it is about."""

    server: str
    method: str
    result: str
    domain: str = ""


@value_object(kw_only=True)
class ParsedMail:
    """`mail` is what formats are shown; the rest is for recognising what the mail is. `bounce`: it is a delivery
    report; `checks` topmost first; `dated`: its own Date, None where it has none that can be read; `repaired`: what was
    wrong with it, without personal data; `digest`: the same for the same content, whatever its header says."""

    mail: IncomingMail
    bounce: BounceReport | None = None
    automatic: AutomaticMailKind = AutomaticMailKind.NO
    checks: tuple[SenderCheck, ...] = ()
    dated: datetime | None = None
    repaired: tuple[str, ...] = ()
    digest: str


ParseMail = Callable[[bytes, datetime], ParsedMail]
"""From a mail as it travels and the time when it was received. Raises MalformedMessage: no header, too deep, too many
parts or fields, or so made that taking it apart takes too long; all else is survived."""


@value_object
class PartConcealer:
    """A function that takes the secrets out of a part that isn't text, such as a message of another protocol. `marks`:
    words in lower case, one of which stands in the type or name of such a part. `conceal` gets its content, and never
    raises."""

    marks: tuple[str, ...]
    conceal: Callable[[bytes], bytes]


@value_object
class SecretPatterns:
    """The secrets that are not to be kept of a mail: `words` as they stand, `patterns` (RE2, bytes) with a group
    `secret`, and what `parts` take out of others than texts."""

    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    parts: tuple[PartConcealer, ...] = ()


ConcealSecrets = Callable[[bytes, SecretPatterns], bytes]
"""The mail without them, also where its parts are coded. Raises MalformedMessage where those can't be looked into."""


MAX_HEADER_BYTES = 32_000
"""Of a header that is read by itself."""

_HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")


def take_header(content: bytes) -> bytes:
    """The header of a mail that travels as `content`, without its body; of a longer one the first MAX_HEADER_BYTES."""
    head = content[:MAX_HEADER_BYTES]
    end = _HEADER_END.search(head)
    return head[: end.end()] if end is not None else head


def remove_quoted_text(text: str) -> str:
    """Return a text without what is quoted from the mail that is answered, and without the signature. Lines stay
    lines."""
    return "\n".join(list_own_lines(text))


def list_own_lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if _ORIGINAL.match(line) or _SIGNATURE.match(line):
            break
        if not _QUOTED.match(line) and not _INTRODUCTION.match(line):
            lines.append(line)
    return lines


def shorten_text(text: str, most: int) -> str:
    """Shorten a text to so many characters, with a mark where something was left out."""
    text = strip_sentence(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
