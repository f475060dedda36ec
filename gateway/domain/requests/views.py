"""Values that go in and out of the services of managed requests: drafts, filters, pages, and what is shown.

Values only, so that the JSON API, the commands and the pages speak with the services in the same words.
All datetimes aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from gateway.domain.library import ItemStatus, Money
from gateway.domain.requests.events import Event, EventDetails, EventKind
from gateway.domain.requests.request import (
    Attachment,
    BorrowingState,
    LendingState,
    Request,
    Role,
    ServiceType,
)
from gateway.domain.requests.search_terms import SearchQuestion, SearchTermKind, parse_search
from gateway.domain.requests.state_machine import Denied
from gateway.domain.value import value_object

T = TypeVar("T")

# --- what is wrong ---------------------------------------------------------------------------------------


class NotFound(Exception):
    """There is no such thing in this library. `what` is a word: request, attachment, partner, rota, message …"""

    def __init__(self, what: str) -> None:
        super().__init__(f"no such {what}")
        self.what = what


class SeveralRequests(Exception):
    """More than one request has the number by which one was asked for. `numbers`: ours."""

    def __init__(self, numbers: tuple[str, ...]) -> None:
        super().__init__(f"several requests have it: {', '.join(numbers)}")
        self.numbers = numbers


class VersionConflict(Exception):
    """The request has changed since the version that the caller has seen; nothing was done."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the request is at version {version} now")
        self.version = version


class EventDenied(Exception):
    """The state tables refuse the event; nothing was done."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.detail)
        self.denied = denied


class InvalidCursorError(Exception):
    """A cursor that no list gave out."""


# --- what is asked for -----------------------------------------------------------------------------------


@value_object(kw_only=True)
class ActionRequest:
    """An event that staff or a program want to happen. `version`: the one that they have seen; None: whatever it is.
    `attempt`: to which supplier's item it belongs, where that isn't the current one. `hold`: so long nothing goes out
    of what follows from it. `confirmed`: what people are asked first was answered with yes
    (`scan_rules.find_question`). `lists_untold`: nobody has read beforehand what no message can tell the partner, so it
    comes on the list."""

    kind: EventKind
    details: EventDetails = EventDetails()
    actor: str
    version: int | None
    attempt: int = 0
    hold: timedelta = timedelta(0)
    confirmed: bool = False
    lists_untold: bool = False


@value_object(kw_only=True)
class UndoableAct:
    """An act of staff that may be undone. `before`: the request as it was; `version`: the one that it has got by the
    act."""

    before: Request
    version: int
    kind: EventKind


@value_object(kw_only=True)
class FileUpload:
    """A file as it comes. `media_type` and `pages` (None: not counted) are what its sender says."""

    name: str
    media_type: str
    content: bytes
    pages: int | None = None


class RequestOrder(StrEnum):
    """`longest`: on a task list by when they came on it. `need-by`: open ones that are needed by a day, those first
    that are needed soonest. `number`, `title`: upwards, titles without case and accents."""

    NEWEST = "newest"  # change first
    LONGEST = "longest"  # waiting first
    NEED_BY = "need-by"
    NUMBER = "number"
    NUMBER_DOWN = "number-down"
    TITLE = "title"
    TITLE_DOWN = "title-down"


@value_object(kw_only=True)
class RequestFilter:
    """The requests that fit all that is set. `search`: what the search box was asked, any number or words of number,
    title and author (`domain.requests.search_terms`); `hides_patrons`: a card or an id of a patron finds nothing, for
    whom patrons are masked; `text`: parts of words of the same; `task`: a name of TASKS."""

    role: Role | None = None
    states: tuple[str, ...] = ()
    task: str = ""
    partners: tuple[str, ...] = ()  # names of profiles, any of them
    patron_id: str = ""
    text: str = ""
    search: str = ""
    hides_patrons: bool = False
    branches: tuple[str, ...] = ()
    services: tuple[ServiceType, ...] = ()
    assignee: str = ""  # name of a user
    unassigned: bool = False  # what nobody sees to
    label: str = ""
    open: bool | None = None
    need_by_before: date | None = None
    order: RequestOrder = RequestOrder.NEWEST

    @property
    def question(self) -> SearchQuestion:
        return parse_search(self.search)


# --- what is shown ---------------------------------------------------------------------------------------


@value_object
class ResultPage(Generic[T]):
    """`cursor`: where the next page begins; empty: this is the last."""

    items: tuple[T, ...]
    cursor: str = ""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


class ListFacet(StrEnum):
    """What requests of a list are told apart by."""

    TASK = "task"
    STATE = "state"
    PARTNER = "partner"
    SERVICE = "service"
    BRANCH = "branch"
    ASSIGNEE = "assignee"
    LABEL = "label"


@value_object
class ListCounts:
    """`total`: how many requests the filter gives; `counts`: of each facet how many it would give for each of the
    facet's values, if no other were chosen. None: too many to be counted."""

    total: int | None
    counts: Mapping[ListFacet, Mapping[str, int] | None]


@value_object
class HistoryLine:
    """One event of one request; `denied` says why it didn't fit. `id` sorts by time. `exchange`: of the journal, whose
    message it came from; empty: none, or it isn't known."""

    id: str
    request_id: str
    at: datetime
    event: Event
    before: str
    after: str
    denied: str = ""
    note: str = ""
    exchange: str = ""


@value_object
class LossSettlement:
    """The settlement of a loss. `cost`: what was to be paid for it; None: nobody said."""

    at: datetime
    cost: Money | None


_CLOSED = frozenset({BorrowingState.COMPLETED.value, LendingState.COMPLETED.value})
_TURNED_UP = frozenset({EventKind.CHECKED_IN, EventKind.RETURNED, EventKind.RETURNED_BY_PATRON})


def find_settlement_before(line: HistoryLine, history: Iterable[HistoryLine]) -> LossSettlement | None:
    """Find the loss settled before something came back by this event. `history`: oldest first."""
    if line.denied or line.event.kind not in _TURNED_UP or line.before not in _CLOSED:
        return None
    settled = [row for row in history if row.event.kind is EventKind.SETTLED and not row.denied and row.id < line.id]
    return LossSettlement(settled[-1].at, settled[-1].event.details.cost) if settled else None


@value_object
class TimerLine:
    timer: str
    at: datetime


@value_object
class UnfinishedStep:
    """A row of the outbox. `kind`: partner, letter, library, work …; `target`: to whom, or what; `status`: waiting,
    in-hand, or dead until staff release or skip it, or refused by the partner; `error`: why the last try failed, or
    what it waits for. `event`: of a refused message, which event it tells."""

    id: str
    kind: str
    target: str
    status: str
    created: datetime
    tries: int
    error: str
    event: EventKind | None = None


@value_object
class LibraryStep:
    """The act that the library's system was asked to do, and did. `target`: a word of LibraryAction, or desk:KIND for
    what the act of this kind needed; `at`: when it was done, aware UTC."""

    id: str
    target: str
    at: datetime


@value_object
class NumberMatch:
    """A request, and what a number that was looked for is to it."""

    request: Request
    kind: SearchTermKind


@value_object(kw_only=True)
class LocatedCopy:
    """The copy of ours that is to be fetched, as the library's system has it now. `branch` and `shelf`: codes of where
    it is; `place`: the same for people. `problem`: why nothing is known of it; empty: it is known."""

    barcode: str
    call_number: str = ""
    branch: str = ""
    shelf: str = ""
    place: str = ""
    status: ItemStatus | None = None
    problem: str = ""


@value_object(kw_only=True)
class RequestView:
    """A request with all that belongs to it. `allowed`: what staff may do now, without what only rules do;
    `unfinished`: what is still to be done outside, and what failed, oldest first; `located_copy`: lending, once it is
    known which copy is meant; `messages`: with the partner, oldest first; `hints`: what to know before an allowed act;
    `library_steps`: what the library's system has done for it, and `refused`: messages that the partner refused, both
    oldest first, as long as the outbox keeps them."""

    request: Request
    history: tuple[HistoryLine, ...]
    timers: tuple[TimerLine, ...]
    allowed: tuple[EventKind, ...]
    unfinished: tuple[UnfinishedStep, ...] = ()
    located_copy: LocatedCopy | None = None
    messages: tuple[MessageView, ...] = ()
    hints: Mapping[EventKind, str] = field(default_factory=dict)
    library_steps: tuple[LibraryStep, ...] = ()
    refused: tuple[UnfinishedStep, ...] = ()


@value_object(kw_only=True)
class MessageView:
    """The message that a partner wrote about a request, or we to it. `id`: of the event in the history; `ours`: we
    wrote it; `denied`: why the partner's message didn't fit the request; `read_at` None: nobody has read it; `sending`:
    of ours, how far the outbox has come with it (waiting, in-hand, done, dead, skipped, refused by the partner; empty:
    not known any more, or nobody to send it to)."""

    id: str
    request: Request
    at: datetime
    event: Event
    ours: bool
    denied: str = ""
    read_at: datetime | None = None
    read_by: str = ""
    sending: str = ""

    @property
    def unread(self) -> bool:
        return not self.ours and self.read_at is None

    @property
    def partner(self) -> str:
        """The profile of the partner that wrote, or was written to; empty: none is known any more."""
        attempt = self.request.find_attempt(self.event.attempt or self.request.current)
        return attempt.partner if attempt is not None else self.request.partner.profile


@value_object
class StoredFile:
    attachment: Attachment
    content: bytes


@value_object(kw_only=True)
class CopyLinkView:
    """A link to a copy that went out, as it stands. `file`: name of the copy; `sent`: when it went out; `expires`:
    until then it can be fetched (aware UTC); `downloads`: so often at most; `fetched`: so often it was; `last`: when
    last, None: never, or the link's time is long over."""

    file: str
    sent: datetime
    expires: datetime
    downloads: int
    fetched: int
    last: datetime | None

    def is_open(self, now: datetime) -> bool:
        return now < self.expires and self.fetched < self.downloads


@value_object
class DeliveredCopy:
    """`links` empty: it went another way, or by an address of somebody else's."""

    request: Request
    delivered: datetime
    links: tuple[CopyLinkView, ...]
