"""Models of requests, whole and in lists."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from gateway.domain.library import ItemStatus
from gateway.domain.requests.action_fields import ActionField
from gateway.domain.requests.event_catalogue import ACTS
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition, RequestEnding
from gateway.domain.requests.request import (
    AttemptStatus,
    BrokeredDelivery,
    Request,
    RequestFlag,
    Role,
    RotaLineStatus,
    VolumeState,
)
from gateway.domain.requests.staff_views import BulkResult
from gateway.domain.requests.views import HistoryLine, ListFacet, LocatedCopy, RequestView
from gateway.web.api.models.bases import OutputModel
from gateway.web.api.models.messages import MessageOut
from gateway.web.api.models.values import (
    CitationOut,
    DatesOut,
    ExtraOut,
    MoneyOut,
    PartyOut,
    ServiceOut,
)

ROOT = "/api/v1"
"""Below it is all of the JSON API."""


def request_href(request_id: str) -> str:
    return f"{ROOT}/requests/{request_id}"


class LocatedCopyOut(OutputModel):
    """The copy of ours that a partner is to get, as the library's system has it now."""

    barcode: str
    call_number: str
    branch: str = Field(description="code of the branch where it is")
    shelf: str = Field(description="code of its place there")
    place: str = Field(description="the same for people")
    status: ItemStatus | None
    problem: str = Field(description="why nothing is known of it; empty: it is known")


class RequestLine(OutputModel):
    """A request in a list."""

    id: str
    number: str
    role: Role
    state: str
    flags: tuple[RequestFlag, ...]
    version: int
    created: datetime
    changed: datetime
    title: str = Field(description="title and author in one line")
    service: ServiceOut
    need_by: date | None
    partner: PartyOut
    branch: str
    patron_id: str
    assignee: str = Field(description="of the staff, who sees to it; empty: nobody in particular")
    labels: tuple[str, ...] = Field(description="of staff's own")
    located_copy: LocatedCopyOut | None = Field(description="on the list to-pull: what is to be fetched, and where")

    @classmethod
    def from_request(cls, request: Request, located_copy: LocatedCopy | None = None) -> RequestLine:
        return cls(
            id=request.id,
            number=request.number,
            role=request.role,
            state=request.state.value,
            flags=_list_flags(request),
            version=request.version,
            created=request.created,
            changed=request.changed,
            title=request.citation.short,
            service=ServiceOut.model_validate(request.service),
            need_by=request.dates.need_by,
            partner=PartyOut.model_validate(request.partner),
            branch=request.branch,
            patron_id=request.patron.id,
            assignee=request.assignee,
            labels=request.labels,
            located_copy=LocatedCopyOut.model_validate(located_copy) if located_copy is not None else None,
        )


class RequestList(OutputModel):
    """`next`: where the next page is, as in the Link header; empty: this is the last."""

    items: tuple[RequestLine, ...]
    next: str


class CountsOut(OutputModel):
    """`total`, or the counts of a facet, are null where they are too many to be counted."""

    total: int | None
    counts: dict[ListFacet, dict[str, int] | None] = Field(description="by facet and value")


class CostsOut(OutputModel):
    maximum: MoneyOut | None
    offered: MoneyOut | None = Field(description="what the supplier asks")
    agreed: MoneyOut | None
    agreed_by: str = Field(
        description="who agreed: limit (it is within the maximum), staff:NAME, patron, rule, partner:SYMBOL or broker; "
        "empty: nobody, or not known"
    )
    charged: MoneyOut | None


class TermsOut(OutputModel):
    lender_due: date | datetime | None = Field(description="a day (until its end) or a moment")
    patron_due: datetime | None
    conditions: tuple[LoanCondition, ...]
    renewals_allowed: bool
    renewals: int
    note: str


class PatronOut(OutputModel):
    id: str
    identifier: str
    category: str
    pickup: str
    language: str
    note: str


class VolumeOut(OutputModel):
    id: str
    label: str
    state: VolumeState
    barcode: str
    theirs: str
    call_number: str = Field(description="of the library that lends it")
    in_transit: bool = Field(description="received, and on its way to the patron's pickup place")


class NoteOut(OutputModel):
    at: datetime
    by: str
    text: str
    for_partner: bool


class AttachmentOut(OutputModel):
    id: str
    name: str
    media_type: str
    size: int = Field(description="bytes")
    pages: int | None
    sha256: str
    at: datetime


class RotaLineOut(OutputModel):
    partner: str
    standing: RotaLineStatus
    why: str
    last_resort: bool


class NamedSupplierOut(OutputModel):
    """A library behind a broker, or the partner itself, as messages name it."""

    symbol: str
    name: str
    address: str = Field(description="where its items go back to")


class FormerSupplierOut(OutputModel):
    symbol: str
    name: str
    at: datetime
    status: AttemptStatus = Field(description="unfilled; no-answer where another spoke instead of it; what we did")
    reason: str
    note: str


class AttemptOut(OutputModel):
    number: int
    partner: str
    symbol: str
    channel: str
    transaction: str
    theirs: str
    asked: datetime
    status: AttemptStatus
    answered: datetime | None
    reason: str
    note: str
    retry_after: date | None
    expected: date | None
    cost: MoneyOut | None
    conditions: tuple[LoanCondition, ...]
    supplier: NamedSupplierOut = Field(description="the library in hand, of a broker one behind it")
    former: tuple[FormerSupplierOut, ...] = Field(description="libraries behind a broker that are out, in their order")
    holdings: str


class QueryOut(OutputModel):
    id: str
    about: str
    text: str
    asked: datetime
    answer_by: datetime | None
    answer: str
    answered: datetime | None


class CandidateOut(OutputModel):
    bib_id: str
    title: str
    author: str
    barcode: str
    call_number: str
    confidence: int
    how: str
    lendable: bool
    why_not: str


class SignOffOut(OutputModel):
    at: datetime
    by: str
    basis: str
    granted: bool
    note: str


class BulkFailureOut(OutputModel):
    request_id: str
    number: str
    reason: str = Field(description="in a sentence")


class BulkResultOut(OutputModel):
    done: tuple[str, ...] = Field(description="ids of the requests with which it was done")
    failed: tuple[BulkFailureOut, ...]

    @classmethod
    def from_result(cls, result: BulkResult) -> BulkResultOut:
        failed = tuple(map(BulkFailureOut.model_validate, result.failed))
        return cls(done=tuple(request.id for request in result.done), failed=failed)


class FilterOut(OutputModel):
    id: str
    place: str
    owner: str
    name: str
    query: str
    shared: bool


class FilterList(OutputModel):
    items: tuple[FilterOut, ...]


class CopyLinkOut(OutputModel):
    file: str = Field(description="name of the copy")
    sent: datetime
    expires: datetime
    downloads: int = Field(description="so often it can be fetched")
    fetched: int = Field(description="so often it was")
    last: datetime | None = Field(description="when it was fetched last")


class CopyLinkList(OutputModel):
    items: tuple[CopyLinkOut, ...]


class OtherLegOut(OutputModel):
    request_id: str
    number: str
    delivery: BrokeredDelivery = Field(description="direct: from supplier to requester and back; broker: by us")
    party: PartyOut = Field(description="the library there: the requester, or the supplier in hand")


class RequestOut(OutputModel):
    """A request, as it is now."""

    id: str
    number: str
    role: Role
    state: str
    open: bool
    flags: tuple[RequestFlag, ...]
    version: int
    created: datetime
    changed: datetime
    citation: CitationOut
    service: ServiceOut
    dates: DatesOut
    costs: CostsOut
    terms: TermsOut
    partner: PartyOut
    transaction: str
    source: str
    branch: str
    assignee: str = Field(description="of the staff, who sees to it; empty: nobody in particular")
    labels: tuple[str, ...] = Field(description="of staff's own")
    volumes: tuple[VolumeOut, ...]
    notes: tuple[NoteOut, ...]
    attachments: tuple[AttachmentOut, ...]
    extras: tuple[ExtraOut, ...]
    external: tuple[str, ...]
    warnings: tuple[str, ...]
    other_leg: OtherLegOut | None = Field(description="the request on our other side, where we broker it")
    patron: PatronOut
    mediated: bool
    rota: tuple[RotaLineOut, ...]
    attempts: tuple[AttemptOut, ...]
    current: int = Field(description="number of the attempt that counts; 0: none")
    query: QueryOut | None
    ending: RequestEnding | None = Field(description="how staff have closed it; none: it ended otherwise, or is open")
    hold_id: str
    candidates: tuple[CandidateOut, ...]
    item_barcode: str
    loan_id: str
    borrower_id: str
    direct_patron: PatronOut
    sign_offs: tuple[SignOffOut, ...]
    digitised_by: str = Field(description="who made the copy, as histories name them; empty: nobody yet")

    @classmethod
    def from_request(cls, request: Request) -> RequestOut:
        plain = {name: getattr(request, name) for name in cls.model_fields if name not in ("flags", "state")}
        return cls.model_validate({**plain, "state": request.state.value, "flags": _list_flags(request)})


class ItemOut(OutputModel):
    barcode: str
    label: str = Field(description="of the volume, where the supplier says it")


class DetailsOut(OutputModel):
    """What came with an event; what is empty was not said."""

    due: date | datetime | None
    reason: str
    note: str
    conditions: tuple[LoanCondition, ...]
    cost: MoneyOut | None
    ending: RequestEnding | None
    retry_after: date | None
    expected: date | None
    partner: str
    rota: str
    barcode: str
    items: tuple[ItemOut, ...] = Field(description="several that a supplier has sent at once, as it names them")
    item_description: str
    volumes: tuple[str, ...]
    missing: tuple[str, ...]
    further_volume: str
    renewals_allowed: bool | None
    return_on_hold: bool | None
    attachment: str
    pickup: str
    need_by: date | None
    maximum_cost: MoneyOut | None
    query: str
    answer: str
    transaction: str
    status: str
    supplier: NamedSupplierOut | None = Field(description="who of those behind a broker said it")
    extras: tuple[ExtraOut, ...]

    @classmethod
    def from_details(cls, details: EventDetails) -> DetailsOut:
        return cls.model_validate(details)


class HistoryOut(OutputModel):
    id: str
    at: datetime
    event: EventKind
    origin: str
    actor: str
    attempt: int
    before: str
    after: str
    denied: str = Field(description="why it did not fit; empty: it did")
    note: str
    details: DetailsOut

    @classmethod
    def from_history_line(cls, line: HistoryLine) -> HistoryOut:
        event = line.event
        return cls(
            id=line.id,
            at=line.at,
            event=event.kind,
            origin=event.signal.origin.value,
            actor=event.actor,
            attempt=event.attempt,
            before=line.before,
            after=line.after,
            denied=line.denied,
            note=line.note,
            details=DetailsOut.from_details(event.details),
        )


class TimerOut(OutputModel):
    timer: str
    at: datetime


class StepOut(OutputModel):
    """Something to be done outside the gateway that is not done: it waits, is being done, or failed."""

    id: str = Field(description="where it failed, this is the dead letter's id")
    kind: str = Field(description="partner, letter, library, work …")
    target: str
    status: str = Field(description="waiting, in-hand, or dead until staff release or skip it")
    created: datetime
    tries: int
    error: str = Field(description="why the last try failed")


class FieldOut(OutputModel):
    name: str
    type: str
    help: str

    @classmethod
    def from_action_field(cls, field: ActionField) -> FieldOut:
        return cls(name=field.name, type=field.type.value, help=field.help)


class ActionOut(OutputModel):
    """What may be done now: POST the fields to `href`, with If-Match."""

    kind: EventKind
    href: str
    method: str = "POST"
    required: tuple[FieldOut, ...]
    optional: tuple[FieldOut, ...]
    one_of: tuple[str, ...] = Field(description="at least one of these is needed; empty: none is")
    hint: str = Field(
        description="what to know before it is done: what staff do in the library's own system, or that the partner is "
        "not told of it; empty: nothing"
    )

    @classmethod
    def from_kind(cls, kind: EventKind, href: str, hint: str = "") -> ActionOut:
        fields = ACTS[kind]
        return cls(
            kind=kind,
            href=href,
            required=tuple(FieldOut.from_action_field(field) for field in fields.required),
            optional=tuple(FieldOut.from_action_field(field) for field in fields.optional),
            one_of=fields.one_of,
            hint=hint,
        )


class LibraryStepOut(OutputModel):
    target: str = Field(description="what was done; desk:KIND: what the act of this kind needed")
    at: datetime


class ShownOut(OutputModel):
    """A request with its history (oldest first), its timers, what is not done yet outside, and what may be done now."""

    request: RequestOut
    messages: tuple[MessageOut, ...] = Field(description="with the partner, oldest first")
    unread_messages: int = Field(description="how many of the partner's messages nobody has read")
    history: tuple[HistoryOut, ...]
    timers: tuple[TimerOut, ...]
    unfinished: tuple[StepOut, ...]
    refused: tuple[StepOut, ...] = Field(
        description="messages that the partner rejected, oldest first; POST /dead-letters/{id}/release sends one again"
    )
    library_steps: tuple[LibraryStepOut, ...] = Field(description="what the library's system has done, oldest first")
    actions: tuple[ActionOut, ...]
    located_copy: LocatedCopyOut | None = Field(description="lending, once it is known which copy is meant")

    @classmethod
    def from_request_view(cls, shown: RequestView, actions: tuple[ActionOut, ...]) -> ShownOut:
        return cls(
            request=RequestOut.from_request(shown.request),
            messages=tuple(MessageOut.from_message_view(message) for message in shown.messages),
            unread_messages=sum(message.unread for message in shown.messages),
            history=tuple(HistoryOut.from_history_line(line) for line in shown.history),
            timers=tuple(TimerOut.model_validate(timer) for timer in shown.timers),
            unfinished=tuple(StepOut.model_validate(unfinished_step) for unfinished_step in shown.unfinished),
            refused=tuple(StepOut.model_validate(unfinished_step) for unfinished_step in shown.refused),
            library_steps=tuple(LibraryStepOut.model_validate(step) for step in shown.library_steps),
            actions=actions,
            located_copy=LocatedCopyOut.model_validate(shown.located_copy) if shown.located_copy is not None else None,
        )


def _list_flags(request: Request) -> tuple[RequestFlag, ...]:
    return tuple(flag for flag in RequestFlag if flag in request.flags)
