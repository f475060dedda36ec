"""Models of what is sent to make and change requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.domain.library import PersonName
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft, HomePatron, LendingDraft
from gateway.domain.requests.events import EventDetails, LoanCondition, RequestEnding
from gateway.domain.requests.request import PatronLink, ServiceType
from gateway.domain.requests.volume_notes import MAX_VOLUMES
from gateway.services.desks.bulk_actions import MAX_BULK
from gateway.web.api.models.bases import InputModel
from gateway.web.api.models.values import (
    NAME,
    CitationIn,
    DatesIn,
    Day,
    ExtraIn,
    Identifier,
    Line,
    Moment,
    MoneyIn,
    Name,
    PartyIn,
    ServiceIn,
    Text,
)

OptionalName = Annotated[str, StringConstraints(max_length=100, pattern=f"^$|{NAME}")]
VolumeLabels = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")], ...],
    Field(
        max_length=MAX_VOLUMES, description="what each of several volumes is called, such as Vol. 1; none: one piece"
    ),
]


class PatronIn(InputModel):
    value_class = PatronLink
    identifier: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        description="barcode or the like, by which the library finds the patron"
    )
    pickup: OptionalName = Field("", description="code of the location where the item is fetched")
    note: Text = ""


class NewBorrowing(InputModel):
    citation: CitationIn
    patron: PatronIn | None = Field(None, description="none: for the library itself")
    service: ServiceIn = ServiceIn()
    dates: DatesIn = DatesIn()
    maximum_cost: MoneyIn | None = None
    mediated: bool | None = Field(None, description="whether staff look at it first; none: the rules decide")
    partner: OptionalName = Field("", description="profile of the supplier to ask first, before those of the rota")
    rota: OptionalName = Field("", description="rota to use, instead of what the rules assign")
    branch: OptionalName = ""
    note: Text = ""
    external: tuple[Line, ...] = Field((), max_length=20, description="its numbers in other systems")
    extras: tuple[ExtraIn, ...] = Field((), max_length=100)
    volumes: VolumeLabels = ()

    def to_draft(self, actor: str) -> BorrowingDraft:
        patron = self.patron.to_value() if self.patron is not None else PatronLink()
        return self.make_value(BorrowingDraft, patron=patron, source="api", actor=actor)


class HomePatronIn(InputModel):
    """A patron of the library that asks, to whom the item is lent directly; its profile must allow that."""

    identifier: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        description="as that library knows the patron"
    )
    surname: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    given: Line = ""
    email: Line = ""
    language: Line = ""
    pickup: OptionalName = Field("", description="code of the location where the item is fetched")

    def to_value(self) -> HomePatron:
        return self.make_value(HomePatron, name=PersonName(self.surname, self.given))


class NewLending(InputModel):
    citation: CitationIn
    requester: PartyIn
    patron: HomePatronIn | None = Field(None, description="to whom it is lent directly; none: to the library")
    transaction: Line = Field("", description="the requester's number of the request")
    service: ServiceIn = ServiceIn()
    dates: DatesIn = DatesIn()
    maximum_cost: MoneyIn | None = None
    note: Text = ""
    external: tuple[Line, ...] = Field((), max_length=20)
    extras: tuple[ExtraIn, ...] = Field((), max_length=100)
    volumes: VolumeLabels = ()

    def to_lending_draft(self, actor: str) -> LendingDraft:
        return self.make_value(LendingDraft, source="api", actor=actor)


class ActBody(InputModel):
    """Details of an action. Which of them it needs and may have stands with it in `actions` of the request."""

    attempt: int = Field(0, ge=0, le=10_000, description="number of the attempt, where it isn't the current one")
    confirmed: bool = Field(
        False, description="true: also what is asked first, such as checking out an item that its lender has recalled"
    )
    due: Day | Moment | None = Field(None, description="a day (until its end) or a moment")
    reason: Line = ""
    note: Text = ""
    conditions: tuple[LoanCondition, ...] = Field((), max_length=20)
    cost: MoneyIn | None = None
    ending: RequestEnding | None = Field(None, description="of closing: how it ends, as the patron is told")
    retry_after: Day | None = None
    expected: Day | None = None
    partner: OptionalName = ""
    rota: OptionalName = ""
    barcode: Line = ""
    item_description: Line = ""
    volumes: tuple[Identifier, ...] = Field((), max_length=1_000)
    missing: tuple[Identifier, ...] = Field((), max_length=1_000)
    further_volume: Line = ""
    renewals_allowed: bool | None = None
    return_on_hold: bool | None = None
    link: str = Field("", max_length=2_000, pattern=r"^((https?|ftps?|sftp)://[!-~]+|mailto:[!-~]+@[!-~]+)?$")
    attachment: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,100}$")] = ""
    pickup: OptionalName = ""
    citation: CitationIn | None = Field(None, description="of an edit: fields that are left out stay as they are")
    need_by: Day | None = None
    maximum_cost: MoneyIn | None = None
    query: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,100}$")] = ""
    answer: Literal["", "yes", "no"] = ""
    extras: tuple[ExtraIn, ...] = Field((), max_length=100)

    def to_details(self, citation: Citation) -> EventDetails:
        """`citation`: of the request, of which the fields that weren't sent stay."""
        edited = self.citation.apply_to(citation) if self.citation is not None else None
        return self.make_value(EventDetails, citation=edited)


class RotaOrder(InputModel):
    partners: tuple[Name, ...] = Field(min_length=1, max_length=200, description="in the order in which to ask them")


class AssigneeBody(InputModel):
    assignee: Line = Field(description="name of the user who sees to it; empty: nobody in particular")


class LabelChange(InputModel):
    add: tuple[Line, ...] = Field((), max_length=20)
    remove: tuple[Line, ...] = Field((), max_length=100)


class BulkActBody(InputModel):
    requests: tuple[Identifier, ...] = Field(min_length=1, max_length=MAX_BULK)
    note: Line = Field("", description="kept with each, where the act takes a note")


class BulkMarkBody(InputModel):
    requests: tuple[Identifier, ...] = Field(min_length=1, max_length=MAX_BULK)
    assignee: Line | None = Field(None, description="who sees to them; empty: nobody in particular; null: as before")
    add: tuple[Line, ...] = Field((), max_length=20, description="labels")
    remove: tuple[Line, ...] = Field((), max_length=100, description="labels")


class FilterIn(InputModel):
    place: Literal["borrowing", "lending", "copies"] = Field(description="the list")
    name: Line
    query: str = Field("", max_length=1_000, description="of the list's address at staff's pages")
    shared: bool = Field(False, description="for everybody in the house")


class ClosureIn(InputModel):
    first: Day
    last: Day = Field(description="both days are included")
    note: Line = Field("", description="why, for staff")


class RotaTrialIn(InputModel):
    citation: CitationIn
    service: ServiceType = ServiceType.LOAN
    branch: OptionalName = ""
    rota: OptionalName = Field("", description="empty: the one that the rules give it")


class SkipLine(InputModel):
    why: Line = ""


class SkipLetter(InputModel):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class EditLetter(InputModel):
    payload: Annotated[str, StringConstraints(min_length=1, max_length=100_000, pattern=r"^[^\x00]+$")]
