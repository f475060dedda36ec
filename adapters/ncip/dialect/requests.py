"""Words for requests and actions, in both directions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.domain.library import HoldStatus
from gateway.domain.policy import Section


class Requests(Section):
    id_type: str = Field("", description="RequestIdentifierType that we write; empty: as sent")
    types: dict[str, Literal["hold", "loan", "page", "recall"]] = Field(
        {
            "hold": "hold",
            "loan": "loan",
            "page": "page",
            "callslip": "page",
            "stack retrieval": "page",
            "recall": "recall",
            "physical": "loan",
        },
        description="RequestType as sent, lower case -> what is placed; an unlisted one is refused",
    )
    type_words: dict[Literal["hold", "loan", "page", "recall"], str] = Field(
        {"hold": "Hold", "loan": "Loan", "page": "Stack Retrieval", "recall": "Recall"},
        description="what was placed -> RequestType that we write where none was sent",
    )
    scopes: dict[str, Literal["item", "title"]] = Field(
        {"item": "item", "bibliographic item": "title", "title": "title"},
        description="RequestScopeType as sent, lower case",
    )
    scope_words: dict[Literal["item", "title"], str] = Field({"item": "Item", "title": "Bibliographic Item"})
    statuses: dict[HoldStatus, str] = Field({}, description="our hold status -> RequestStatusType, beside the standard")
    cancel_type: str = Field(
        "Hold",
        description="RequestType of a CancelRequestItem that we send; the schema needs one, ReShare leaves it out",
    )
    pickup_scheme: str = Field("", description="scheme URL of PickupLocation that we write (OCLC branchid.scm)")
    due_from: Literal["desired-date-due", "date-due", "either"] = Field(
        "either", description="where the due date of a CheckOutItem request stands (INN-Reach: DateDue)"
    )
