"""How requests run with one partner or family of partners: section `workflow` of a profile (with the defaults of the
installation below it). All days are business days of the library's calendar unless a key says otherwise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.policy import Section

LETTERS = (
    "placed",
    "sent",
    "available",
    "due-soon",
    "overdue",
    "recalled",
    "renewed",
    "renewal-refused",
    "cancelled",
    "not-supplied-yet",
    "not-supplied",
    "copy-ready",
    "query",
)
"""Notices to patrons. A reminder before the due date is usually the library system's own."""


class BorrowingWorkflow(Section):
    """What we may do, and expect, when this partner is the supplier."""

    patron_may_cancel: bool = Field(True, description="the patron may cancel before it is shipped")
    patron_may_renew: bool = Field(True, description="the patron may ask for a renewal")
    cancel: bool = Field(True, description="the partner understands a cancellation")
    renew: bool = Field(True, description="the partner understands a renewal")
    conditions: Literal["staff", "patron", "accept", "refuse"] = Field(
        "staff", description="who answers a supplier's condition"
    )
    tell_received: bool = Field(True, description="the partner is told that the item has arrived")
    tell_returned: bool = Field(True, description="the partner is told that the item is on its way back")
    expects_check_in: bool = Field(
        True, description="the partner says when it has the item back; off: returned is the end"
    )
    digital_only: bool = Field(False, description="only copies are asked of this partner")
    answer_days: int = Field(3, ge=1, le=365, description="without an answer by then the next supplier is asked")
    ship_days: int = Field(7, ge=1, le=365, description="promised and not shipped by then: the partner is asked why")
    cancel_days: int = Field(3, ge=1, le=365, description="a cancellation without an answer counts as accepted then")
    condition_days: int = Field(3, ge=1, le=365, description="a condition that nobody answers is refused then")
    renewal_days: int = Field(3, ge=1, le=365, description="longest wait for the answer to a renewal")
    renewal_fallback: Literal["refused", "granted"] = Field(
        "refused", description="what a renewal without an answer counts as"
    )
    renewal_fallback_days: int = Field(7, ge=1, le=365, description="days added when it counts as granted")


class LendingWorkflow(Section):
    """What we do when this partner is the requester."""

    will_supply: bool = Field(True, description="the partner is told that we will supply, before we ship")
    conditional: bool = Field(True, description="the partner understands conditions")
    hold_placed: bool = Field(True, description="the partner understands that it has to wait for a loan to end")
    condition_days: int = Field(5, ge=1, le=365, description="a condition that isn't answered by then ends the request")
    cancel: Literal["grant", "staff", "refuse"] = Field(
        "grant", description="how a cancellation before shipping is answered"
    )
    renew: Literal["grant", "staff", "refuse"] = Field("grant", description="how a renewal is answered")
    renewals: int = Field(2, ge=0, le=99, description="so many renewals are granted by rule")
    renewal_days: int = Field(14, ge=1, le=365, description="calendar days that a renewal adds")
    loan_days: int = Field(28, ge=1, le=365, description="calendar days of a loan")
    tell_checked_in: bool = Field(True, description="the partner is told that the item is back")
    overdue_notices: bool = Field(True, description="the partner is told when a loan is overdue")
    overdue_days: int = Field(1, ge=0, le=365, description="business days after the due date")
    clearance: Literal["required", "not-required"] = Field("required", description="copyright sign-off of copies")
    loan_to: Literal["institution", "requester"] = Field(
        "institution",
        description="whose account an item is lent on: the partner's, or that of its patron where a request names one: "
        "a temporary record here (`circulation.patrons` says its category and days)",
    )


def _letter(name: str) -> str:
    if name not in LETTERS:
        raise ValueError(f"no such letter; letters: {', '.join(LETTERS)}")
    return name


class PatronWorkflow(Section):
    """Notices to the patron of a borrowing request, by the name of their letter."""

    letters: tuple[Annotated[str, AfterValidator(_letter)], ...] = Field(
        (
            "placed",
            "sent",
            "available",
            "overdue",
            "recalled",
            "renewed",
            "renewal-refused",
            "cancelled",
            "not-supplied",
            "copy-ready",
            "query",
        ),
        description="which notices go out",
    )
    query_days: int = Field(3, ge=1, le=90, description="business days in which a patron answers a question")
    shelf_days: int = Field(7, ge=1, le=90, description="business days on the hold shelf")
    due_soon_days: int = Field(2, ge=0, le=60, description="calendar days before the due date for a reminder; 0: none")


class Workflow(Section):
    borrowing: BorrowingWorkflow = BorrowingWorkflow()
    lending: LendingWorkflow = LendingWorkflow()
    patron: PatronWorkflow = PatronWorkflow()
