"""Views of staff beside single requests: partners, rotas, tasks, mailboxes, order batches, dead letters, notices."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.state_machine import Denied
from gateway.domain.value import value_object


@value_object(kw_only=True)
class PartnerView:
    """A partner as staff see it. `open_borrowing`, `open_lending`: requests with it that are open now; `reported`:
    what members of the network have open with it, as `reported_by` so many of them say. `member`: it is one itself;
    `heard`: when it answered last; `silent`: why it didn't the last time; empty: it did, or wasn't asked."""

    profile: str
    name: str
    symbols: tuple[str, ...]
    roles: tuple[str, ...]
    channel: str
    email: str = ""
    phone: str = ""
    closed_now: bool = False
    open_borrowing: int = 0
    open_lending: int = 0
    reported: int = 0
    reported_by: int = 0
    member: bool = False
    heard: datetime | None = None
    silent: str = ""
    mean_days: float | None = None  # from asking to shipping; None: too few shipments to say so
    cost: Money | None = None


@value_object
class PartnerClosureView:
    """Days on which a partner isn't asked, both included. `id` empty: its profile says so; `made_by`: who of us wrote
    it, as histories name people."""

    id: str
    first: date
    last: date
    note: str
    made_by: str


@value_object
class RotaViewLine:
    partner: str
    last_resort: bool = False


@value_object(kw_only=True)
class RotaView:
    name: str
    description: str = ""
    ordered: bool = True
    lines: tuple[RotaViewLine, ...] = ()


@value_object
class MailboxFailure:
    """A mailbox that can't be read. `since`: the first failure after it was read last; `reason`: of the last one."""

    mailbox: str
    since: datetime
    reason: str


@value_object
class TaskView:
    """A list of staff's work, how much is on it, and since when the oldest waits there."""

    name: str
    role: str
    description: str
    count: int
    oldest: datetime | None = None


@value_object(kw_only=True)
class BatchedOrder:
    """An order in the outbox that waits for others, until `due`, or is in a file that isn't sent: `file` is its number,
    `error` why it could not be sent yet."""

    id: str
    partner: str
    request_id: str
    created: datetime
    due: datetime | None = None
    file: str = ""
    error: str = ""


@value_object(kw_only=True)
class DeadLetter:
    """A row of the outbox that could not be delivered. `payload` may be edited before it is released. `event`: which
    one a message tells its partner; None: it is for no partner, or can't be read."""

    id: str
    kind: str
    target: str
    request_id: str
    created: datetime
    tries: int
    error: str
    payload: str
    event: EventKind | None = None


@value_object
class DeadLetterCause:
    """Dead letters that were given up for the same reason. `error` may be empty. `oldest` and `newest`: when the first
    and the last of them were made, in UTC; `tries`: most that one of them has had."""

    kind: str
    target: str
    error: str
    count: int
    oldest: datetime
    newest: datetime
    tries: int


@value_object
class SilentPartner:
    """A partner that our messages don't reach now. `waiting`: how many wait for it; `since`: when the oldest that was
    tried in vain was made, in UTC; `error`: why one of them failed."""

    profile: str
    name: str
    waiting: int
    since: datetime
    error: str = ""


class NoticeStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    NOT_SENT = "not-sent"  # the patron has no address for it, or is not known any more
    FAILED = "failed"
    SKIPPED = "skipped"


@value_object(kw_only=True)
class NoticeView:
    """A letter to a patron: which, about which request, and whether it went out. Never its text or its address.
    `error`: why it isn't sent, or not yet."""

    id: str
    request_id: str
    letter: str
    status: NoticeStatus
    created: datetime
    sent: datetime | None = None
    error: str = ""


@value_object(kw_only=True)
class NoticeLetter:
    """A notice as it is printed. `name` and `address` (lines; empty: none is known) are the patron's; `text` and
    `html` say the same."""

    notice: NoticeView
    name: str
    address: tuple[str, ...]
    subject: str
    text: str
    html: str
    language: str


@value_object
class PartnerLoad:
    """Open requests that this library has with a partner, by the partner's first symbol, for load ranking in a
    network."""

    symbol: str
    open: int


@value_object
class BulkFailure:
    """A request with which it could not be done, and why, in a sentence. `denied`: where the request stands in a state
    for something else."""

    request_id: str
    number: str
    reason: str
    denied: Denied | None = None


@value_object
class BulkResult:
    """`done`: the requests after it; `hints`: what staff have to do besides."""

    done: tuple[Request, ...]
    failed: tuple[BulkFailure, ...]
    hints: tuple[str, ...] = ()
