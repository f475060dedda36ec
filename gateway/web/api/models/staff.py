"""Partners, rotas, staff's lists, patrons' view, webhooks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.patron_status import PatronStatus
from gateway.domain.requests.patron_views import PatronAction, PatronView
from gateway.domain.requests.staff_views import NoticeStatus
from gateway.store.api_records import WebhookSubscription
from gateway.web.api.models.bases import InputModel, OutputModel
from gateway.web.api.models.values import MoneyOut


class PartnerOut(OutputModel):
    profile: str
    name: str
    symbols: tuple[str, ...]
    roles: tuple[str, ...]
    channel: str
    email: str
    phone: str
    closed_now: bool
    open_borrowing: int
    open_lending: int
    reported: int = Field(description="requests that other members of the network have open with it, as they report")
    reported_by: int = Field(description="how many members report some")
    member: bool = Field(description="whether it is a member of the network itself")
    heard: datetime | None = Field(description="when it reported last; null: not yet")
    silent: str = Field(description="why it did not answer when it was asked last; empty: it did, or was not asked")
    mean_days: float | None = Field(description="from asking to shipping; null: fewer than five shipments")
    cost: MoneyOut | None


class PartnerList(OutputModel):
    items: tuple[PartnerOut, ...]


class ClosureOut(OutputModel):
    id: str = Field(description="empty: its profile says so")
    first: date
    last: date
    note: str
    made_by: str


class ClosureList(OutputModel):
    items: tuple[ClosureOut, ...]


class ProbeStepOut(OutputModel):
    name: str = Field(description="secrets, connection, catalogue, mail server")
    seconds: float
    said: str = Field(description="the address that was tried")
    problem: str = Field(description="empty: it went well")
    key: str = Field(description="of the profile, where to look")


class ProbeStepList(OutputModel):
    items: tuple[ProbeStepOut, ...]


class RotaLineView(OutputModel):
    partner: str
    last_resort: bool


class RotaOut(OutputModel):
    name: str
    description: str
    ordered: bool = Field(description="false: ranked by load, supply time, cost and reciprocity")
    lines: tuple[RotaLineView, ...]


class RotaList(OutputModel):
    items: tuple[RotaOut, ...]


class LoadOut(OutputModel):
    symbol: str
    open: int


class LoadList(OutputModel):
    """Open requests of this library with each partner."""

    library: str
    at: datetime
    items: tuple[LoadOut, ...]


class TaskOut(OutputModel):
    name: str
    role: str
    description: str
    count: int
    oldest: datetime | None = Field(description="since when what has waited longest stands there")
    href: str = Field(description="the list itself")


class TaskList(OutputModel):
    items: tuple[TaskOut, ...]


class MailboxFailureOut(OutputModel):
    mailbox: str
    since: datetime = Field(description="the first failure after it was read last")
    reason: str = Field(description="of the last failure")


class MailboxFailureList(OutputModel):
    items: tuple[MailboxFailureOut, ...]


class LetterOut(OutputModel):
    id: str
    kind: str
    target: str
    request_id: str
    created: datetime
    tries: int
    error: str


class LetterWhole(LetterOut):
    payload: str = Field(description="what is to be sent, as the outbox keeps it")


class LetterList(OutputModel):
    items: tuple[LetterOut, ...]
    next: str


class NoticeOut(OutputModel):
    id: str
    request_id: str
    letter: str
    status: NoticeStatus
    created: datetime
    sent: datetime | None
    error: str = Field(description="why it isn't sent, or not yet")


class NoticeWhole(OutputModel):
    """A notice as it is printed."""

    notice: NoticeOut
    name: str = Field(description="of the patron")
    address: tuple[str, ...] = Field(description="lines of the patron's postal address; empty: none is known")
    subject: str
    text: str
    html: str = Field(description="a page of its own that says the same")
    language: str


class NoticeList(OutputModel):
    items: tuple[NoticeOut, ...]
    next: str


class PatronActionOut(OutputModel):
    """What the patron may do now: POST to `href`, with If-Match."""

    act: PatronAction
    href: str
    method: str = "POST"


class PatronRequestOut(OutputModel):
    """A request as its patron sees it."""

    id: str
    number: str
    version: int
    created: datetime
    type: CitationType
    title: str
    author: str
    service: str
    status: PatronStatus
    text: str = Field(description="the status in one sentence")
    language: str = Field(description="of that sentence")
    due: datetime | None
    pickup: str
    need_by: date | None
    question: str = Field(description="what the library asks the patron; empty: nothing")
    answer_by: datetime | None = Field(description="until when the question can be answered")
    actions: tuple[PatronActionOut, ...]

    @classmethod
    def from_patron_view(cls, view: PatronView, place: str) -> PatronRequestOut:
        """`place`: where the patron's requests are."""
        request = view.request
        citation = request.citation
        query = request.query if request.query is not None and not request.query.answer else None
        return cls(
            id=request.id,
            number=request.number,
            version=request.version,
            created=request.created,
            type=citation.type,
            title=citation.component_title or citation.title,
            author=citation.component_author or citation.author,
            service=request.service.type.value,
            status=view.status,
            text=view.text,
            language=view.language,
            due=request.terms.patron_due,
            pickup=request.patron.pickup,
            need_by=request.dates.need_by,
            question=query.text if query is not None else "",
            answer_by=query.answer_by if query is not None else None,
            actions=tuple(
                PatronActionOut(act=act, href=f"{place}/{request.id}/actions/{act.value}") for act in view.actions
            ),
        )


class PatronRequestList(OutputModel):
    items: tuple[PatronRequestOut, ...]
    next: str


class NewWebhook(InputModel):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    url: str = Field(min_length=8, max_length=2_000, pattern=r"^https?://[!-~]+$")
    events: tuple[EventKind, ...] = Field((), max_length=100, description="which kinds of events; none: all")


class WebhookOut(OutputModel):
    id: str
    name: str
    url: str
    events: tuple[EventKind, ...]
    created: datetime
    enabled: bool
    disabled_why: str
    failing_since: datetime | None

    @classmethod
    def from_subscription(cls, subscription: WebhookSubscription) -> WebhookOut:
        return cls(
            id=subscription.id,
            name=subscription.name,
            url=subscription.url,
            events=subscription.kinds,
            created=subscription.created,
            enabled=subscription.enabled,
            disabled_why=subscription.disabled_why,
            failing_since=subscription.failing_since,
        )


class WebhookMade(WebhookOut):
    secret: str = Field(description="signs each delivery; shown only now")


class WebhookList(OutputModel):
    items: tuple[WebhookOut, ...]


class KeyOut(OutputModel):
    library: str
    prefix: str
    name: str
    scopes: tuple[str, ...]
    expires: datetime | None = Field(description="from then on the key opens nothing; null: it does not expire")
