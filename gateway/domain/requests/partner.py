"""A partner of managed requests: section `partner` of a profile. Who it is, how it is asked, what it can do.

How requests run with it is its `workflow`; how its messages look is its protocol's own section.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.library import Money
from gateway.domain.policy import Section
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.identifiers import comparable, same_work
from gateway.domain.requests.network import NetworkMember
from gateway.domain.requests.number_template import NumberTemplate
from gateway.domain.requests.partner_mail import PartnerMail
from gateway.domain.requests.request import Borrowing, ServiceType
from gateway.domain.requests.workflow import Workflow


class PartnerRole(StrEnum):
    SUPPLIER = "supplier"  # we may ask it
    REQUESTER = "requester"  # it may ask us


class Closure(Section):
    """Closed from the first day to the last, both included."""

    first: date
    last: date
    note: str = Field("", description="why, for staff")

    @model_validator(mode="after")
    def _in_order(self) -> Closure:
        if self.last < self.first:
            raise ValueError("last is before first")
        return self

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"closed until {self.last.isoformat()}" + (f": {self.note}" if self.note else "")


class Price(Section):
    amount: Decimal = Field(ge=0, max_digits=12, decimal_places=3)
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


def _known_identifier(text: str) -> str:
    if not comparable(text):
        raise ValueError("not an identifier such as isbn:9783161484100 or issn:0317-8471")
    return text


ListedIdentifier = Annotated[str, AfterValidator(_known_identifier)]
Owns = Literal["everything", "nothing", "unknown"] | tuple[ListedIdentifier, ...]


def _different(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = {value for value in values if [v.casefold() for v in values].count(value.casefold()) > 1}
    if twice:
        raise ValueError(f"stands twice: {', '.join(sorted(twice))}")
    return values


class PartnerPolicy(Section):
    symbols: Annotated[tuple[str, ...], AfterValidator(_different)] = Field(
        (), description="its symbols, such as ISIL:NO-01; the first is the one that we write"
    )
    name: str = ""
    email: str = Field("", pattern=r"^([^@\s]+@[^@\s]+)?$", description="where letters and tagged mail go")
    mail: PartnerMail = PartnerMail()
    address: str = Field("", description="postal address, for parcels and letters")
    phone: str = Field("", description="for staff: `illgate partner show`")
    language: str = Field("", pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", description="of letters to it: en, de …")
    category: str = Field("", description="a word of yours for partners of one kind; loan days can go by it")
    campus: str = Field("", description="requests of this campus may ask it first (`ranking.near`)")
    roles: tuple[PartnerRole, ...] = Field(
        (PartnerRole.SUPPLIER, PartnerRole.REQUESTER), description="whether we ask it, it asks us, or both"
    )
    push_new: bool = Field(
        False,
        description="it is told of every new request of our patrons, with the patron's identifier: for a system of the "
        "library's own that looks after requests, not for another library",
    )
    push_states: tuple[Borrowing, ...] = Field(
        (),
        description="states of our patrons' requests in which it is told how they stand; for such a system as well",
    )
    channel: str = Field("", description="how it is told: mail, loopback, a protocol; empty: it can't be asked")
    closures: tuple[Closure, ...] = Field(
        (), description="when it isn't asked; what is open already goes on (facts/users-want.md 20)"
    )
    network: NetworkMember | None = Field(
        None, description="its gateway, where it is a member of our network: says how busy other suppliers are"
    )
    max_open: int = Field(0, ge=0, le=1_000_000, description="open requests with it at once; 0: `overload.max_open`")
    cost: Price | None = Field(None, description="what it usually charges; nothing said: it is free")
    copy_cost: Price | None = Field(None, description="what it usually charges for a copy; nothing said: as `cost`")
    cost_limit: Price | None = Field(
        None, description="the most that is paid to it, whatever a request allows; asked only where `cost` is no more"
    )
    reciprocity: float = Field(
        1.0, ge=0, le=100, description="1: give and take are even; more: it owes us, so it is asked first"
    )
    owns: Owns = Field(
        "unknown", description="what it has, where no catalogue says so: everything, nothing, unknown, or identifiers"
    )
    services: tuple[ServiceType, ...] = Field((), description="what it supplies; empty: loans and copies")
    formats: tuple[str, ...] = Field((), description="formats that it supplies, such as printed; empty: all")
    number: NumberTemplate | None = Field(
        None, description="template of the numbers of its requests, before those of requests.yml"
    )
    workflow: Workflow = Workflow()

    @property
    def symbol(self) -> str:
        """The main one; empty where none is said."""
        return self.symbols[0] if self.symbols else ""

    def is_closed(self, day: date) -> bool:
        return self.closure(day) is not None

    def closure(self, day: date) -> Closure | None:
        return next((closure for closure in self.closures if closure.holds(day)), None)

    def price(self, service: ServiceType) -> Money | None:
        """What it usually charges; None: nothing."""
        found = self.copy_cost if service is ServiceType.COPY and self.copy_cost is not None else self.cost
        return found.money if found is not None else None

    def supplies(self, service: ServiceType) -> bool:
        """`copy-or-loan` is supplied by whoever supplies one of them."""
        offered = set(self.services) or {ServiceType.COPY_OR_LOAN}
        if ServiceType.COPY_OR_LOAN in offered:
            offered |= {ServiceType.LOAN, ServiceType.COPY}
        if self.workflow.borrowing.digital_only:
            offered -= {ServiceType.LOAN}
        return bool(offered) if service is ServiceType.COPY_OR_LOAN else service in offered

    def has(self, citation: Citation) -> bool | None:
        """Whether it owns the work, by `owns`; None: that can't be told from here."""
        if isinstance(self.owns, str):
            return {"everything": True, "nothing": False, "unknown": None}[self.owns]
        return same_work(citation.identifiers, self.owns)
