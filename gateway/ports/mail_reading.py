"""A mail taken apart: what the adapter that reads mailboxes makes of its bytes. The gateway sees no MIME."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.ports.mail_format import IncomingMail


class Action(StrEnum):
    """What became of a mail of ours (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@frozen
class Bounce:
    """A report on a mail of ours. `status`: RFC 3463, such as 5.1.1, empty where none is said; `message_ids`: what
    the mail may have been called, without angle brackets; `why`: the server's words, without addresses."""

    action: Action
    status: str
    message_ids: tuple[str, ...]
    why: str = ""

    @property
    def hard(self) -> bool:
        """It will never arrive: not what is only late, nor what a server will try again."""
        return self.action is Action.FAILED and not self.status.startswith("4")


class Automatic(StrEnum):
    """Mails of programs (RFC 3834); none is ever answered."""

    NO = "no"
    GENERATED = "generated"  # of its own accord: a partner's system at work
    REPLIED = "replied"  # to a mail of ours, by nobody: absence notes


@frozen
class SenderCheck:
    """What a mail server found out about the sender (RFC 8601). `server`: who says so; only our own is to be believed.
    `method`: spf, dkim, dmarc …; `result`: pass, fail, none …; `domain`: whom it is about."""

    server: str
    method: str
    result: str
    domain: str = ""


@frozen_by_name
class ParsedMail:
    """`mail` is what formats are shown; the rest is for recognising what the mail is. `bounce`: it is a delivery
    report; `checks` topmost first; `dated`: its own Date, None where it has none that can be read; `repaired`: what was
    wrong with it, without personal data; `digest`: the same for the same content, whatever its header says."""

    mail: IncomingMail
    bounce: Bounce | None = None
    automatic: Automatic = Automatic.NO
    checks: tuple[SenderCheck, ...] = ()
    dated: datetime | None = None
    repaired: tuple[str, ...] = ()
    digest: str


ParseMail = Callable[[bytes, datetime], ParsedMail]
"""From a mail as it travels and the time when it was received. Pure. Raises MalformedMessage: no header, or too deep or
too many parts; all else is survived."""


@frozen
class Hidden:
    """What is not to be kept of a mail: `words` as they stand, `patterns` (of bytes) with a group `secret`."""

    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


Conceal = Callable[[bytes, Hidden], bytes]
"""The mail without them, also where its parts are coded."""
