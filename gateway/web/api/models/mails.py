"""Mails that fit no request."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.services.mailbox.unmatched_mail import MailCandidate, MailMeaning, OpenedMail
from gateway.store.mailbox import MailRow
from gateway.web.api.models.bases import InputModel, OutputModel


class UnmatchedMailOut(OutputModel):
    """A mail that nobody understood, or whose sender nobody knows."""

    id: str
    at: datetime = Field(description="when it was read")
    mailbox: str
    sender: str
    subject: str
    partner: str = Field(description="profile of its sender; empty: no profile has the address")
    reason: str = Field(description="why it waits for staff")

    @classmethod
    def from_row(cls, row: MailRow) -> UnmatchedMailOut:
        return cls(
            id=row.id,
            at=row.at,
            mailbox=row.spot.mailbox,
            sender=row.sender,
            subject=row.subject,
            partner=row.profile,
            reason=row.reason,
        )


class UnmatchedMailList(OutputModel):
    items: tuple[UnmatchedMailOut, ...]
    next: str


class MailCandidateOut(OutputModel):
    """A request that the mail may be about."""

    request_id: str
    number: str
    role: Role
    state: str
    title: str = Field(description="title and author in one line")
    numbers: tuple[str, ...] = Field(description="its numbers that stand in the mail")
    words: tuple[str, ...] = Field(description="of its title and author that stand in the mail, folded")
    with_sender: bool = Field(description="the mail comes from a partner of it")

    @classmethod
    def from_candidate(cls, candidate: MailCandidate) -> MailCandidateOut:
        return cls(
            request_id=candidate.request.id,
            number=candidate.request.number,
            role=candidate.request.role,
            state=candidate.request.state.value,
            title=candidate.request.citation.short,
            numbers=candidate.numbers,
            words=candidate.words,
            with_sender=candidate.with_sender,
        )


class MailFileOut(OutputModel):
    name: str
    media_type: str
    size: int = Field(description="bytes")


class UnmatchedMailWhole(OutputModel):
    mail: UnmatchedMailOut
    to: tuple[str, ...]
    text: str = Field(description="as plain text, whatever the mail is")
    files: tuple[MailFileOut, ...]
    says: tuple[EventKind, ...] = Field(description="what it is understood to say, once the request is known")
    explained: tuple[str, ...] = Field(description="how it was looked at, rule by rule")
    candidates: tuple[MailCandidateOut, ...] = Field(description="requests that it may be about, the likeliest first")
    automatic: bool = Field(description="a machine wrote it: it can't be answered")
    problem: str = Field(description="why its content can't be shown; empty: it can")

    @classmethod
    def from_opened(cls, opened: OpenedMail) -> UnmatchedMailWhole:
        return cls(
            mail=UnmatchedMailOut.from_row(opened.row),
            to=opened.to,
            text=opened.text,
            files=tuple(MailFileOut.model_validate(file) for file in opened.files),
            says=opened.says,
            explained=opened.explained,
            candidates=tuple(MailCandidateOut.from_candidate(candidate) for candidate in opened.candidates),
            automatic=opened.automatic,
            problem=opened.problem,
        )


class AssignMail(InputModel):
    request: Annotated[
        str,
        StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
        Field(description="id or number of the request that is meant"),
    ]
    meaning: MailMeaning = Field(
        MailMeaning.AS_READ,
        strict=False,
        description="message: its words are a message of the partner, and no more; from-partner: you vouch for an "
        "unknown sender, whose mail is else kept as that sender's words and changes nothing",
    )


class AnswerMail(InputModel):
    text: Annotated[
        str,
        StringConstraints(min_length=1, max_length=10_000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$"),
        Field(description="of the answer, in plain text; what is answered is quoted below it"),
    ]
