"""Messages between partners and us about requests."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.requests.views import MessageView
from gateway.web.api.models.bases import InputModel, OutputModel
from gateway.web.api.models.values import Identifier


class MessageOut(OutputModel):
    """What a partner wrote about a request, or we to it."""

    id: str = Field(description="of the event in the request's history, which has all that came with it")
    request_id: str
    number: str = Field(description="of the request")
    role: Role
    title: str = Field(description="title and author in one line")
    partner: str = Field(description="profile of the partner that wrote, or was written to")
    at: datetime
    kind: EventKind = Field(description="message, or what came with these words; damaged and lost may have none")
    by: str = Field(description="who wrote it")
    ours: bool
    text: str
    denied: str = Field(description="why the partner's message did not fit the request; empty: it did")
    unread: bool = Field(description="nobody of the staff has read it; never true of our own")
    read_at: datetime | None = Field(description="when somebody of the staff read it first")
    read_by: str
    sending: str = Field(
        description="of ours: waiting, in-hand, done, dead, skipped, or refused by the partner, in the outbox; empty: "
        "not known any more, or there is nobody to send it to"
    )

    @classmethod
    def from_message_view(cls, message: MessageView) -> MessageOut:
        request, event = message.request, message.event
        return cls(
            id=message.id,
            request_id=request.id,
            number=request.number,
            role=request.role,
            title=request.citation.short,
            partner=message.partner,
            at=message.at,
            kind=event.kind,
            by=event.actor,
            ours=message.ours,
            text=event.details.note,
            denied=message.denied,
            unread=message.unread,
            read_at=message.read_at,
            read_by=message.read_by,
            sending=message.sending,
        )


class MessageList(OutputModel):
    items: tuple[MessageOut, ...]
    next: str


class MessagesRead(InputModel):
    messages: tuple[Identifier, ...] = Field(min_length=1, max_length=1_000, description="ids of those that were read")
