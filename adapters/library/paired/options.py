"""Settings of a pair of systems: section `libraries[].system` with `type: paired`. docs/library-systems/paired.md
explains each key."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.library import IdentifierType
from gateway.ports.adapter import NestedSystem
from gateway.ports.library_system import Capability


class PairedTask(StrEnum):
    """What one of the two systems does."""

    AUTHENTICATION = "authentication"
    NEW_PATRONS = "new-patrons"
    CATALOGUE = "catalogue"
    REQUESTS = "requests"  # holds and temporary items: each of these brings a hold with it
    CHECK_OUT = "check-out"
    CHECK_IN = "check-in"
    RENEWALS = "renewals"
    DUE_DATES = "due-dates"
    RECALLS = "recalls"
    STATUSES = "statuses"
    LOCATIONS = "locations"
    FEES = "fees"
    PICKUPS = "pickups"


TASKS: Mapping[Capability, PairedTask] = {
    Capability.AUTHENTICATE: PairedTask.AUTHENTICATION,
    Capability.FEES_READ: PairedTask.FEES,
    Capability.PATRON_CREATE: PairedTask.NEW_PATRONS,
    Capability.PATRON_UPDATE: PairedTask.NEW_PATRONS,
    Capability.PATRON_EXPIRE: PairedTask.NEW_PATRONS,
    Capability.PATRON_DELETE: PairedTask.NEW_PATRONS,
    Capability.BIB_FIND: PairedTask.CATALOGUE,
    Capability.SEARCH: PairedTask.CATALOGUE,
    Capability.ITEM_AVAILABILITY: PairedTask.CATALOGUE,
    Capability.HOLD_ITEM: PairedTask.REQUESTS,
    Capability.HOLD_TITLE: PairedTask.REQUESTS,
    Capability.HOLD_PICKUP: PairedTask.REQUESTS,
    Capability.HOLD_CANCEL: PairedTask.REQUESTS,
    Capability.HOLD_UPDATE: PairedTask.REQUESTS,
    Capability.TEMPORARY_ITEM: PairedTask.REQUESTS,
    Capability.ITEM_WITHOUT_HOLD: PairedTask.REQUESTS,
    Capability.HOLD_SHELF: PairedTask.REQUESTS,
    Capability.SHELF_CHOICE: PairedTask.REQUESTS,
    Capability.SUPPRESS: PairedTask.REQUESTS,
    Capability.CHANGE_BARCODE: PairedTask.REQUESTS,
    Capability.ITEM_BY_REQUEST: PairedTask.REQUESTS,
    Capability.CHECK_OUT: PairedTask.CHECK_OUT,
    Capability.OVERRIDE: PairedTask.CHECK_OUT,
    Capability.DUE_DATE_GIVEN: PairedTask.CHECK_OUT,
    Capability.DUE_DATE_CHANGE: PairedTask.DUE_DATES,
    Capability.CHECK_IN: PairedTask.CHECK_IN,
    Capability.LEAVE_HOLDS: PairedTask.CHECK_IN,
    Capability.RENEW: PairedTask.RENEWALS,
    Capability.RECALL: PairedTask.RECALLS,
    Capability.MOVE_LOCATION: PairedTask.LOCATIONS,
    Capability.STATUS_UPDATE: PairedTask.STATUSES,
    Capability.POST_FEE: PairedTask.FEES,
    Capability.PICKUP_LIST: PairedTask.PICKUPS,
}
"""By which task each capability comes; what isn't here is about patrons, whom the main system knows."""


class PairedOptions(ProfileSection):
    main: NestedSystem = Field(description="section `system` of the library system: its patrons and its items")
    second: NestedSystem = Field(description="section `system` of the one beside it")
    data: Literal["shared", "apart"] = Field(
        description="shared: both are ways to the same patrons, items and loans; apart: the second keeps partners' "
        "items, which the main system doesn't know"
    )
    second_does: tuple[PairedTask, ...] = Field(
        (), description="for shared: what the second system does; the main one does all else"
    )
    patron_number: str = Field(
        IdentifierType.BARCODE.value, min_length=1, description="kind of number by which a patron is found in both"
    )
    copy_category: str = Field("", description="for apart: category of patrons' copies in the second; empty: their own")
    copy_branch: str = Field("", description="for apart: branch of patrons' copies in the second; empty: their own")

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.data == "shared" and not self.second_does:
            raise ValueError("second_does: with data: shared, something must be done by the second system")
        if self.data == "apart" and self.second_does:
            raise ValueError("second_does is for data: shared; apart, the second system does all with partners' items")
        if self.data == "shared" and (self.copy_category or self.copy_branch):
            raise ValueError("copy_category and copy_branch are for data: apart")
        if "paired" in (self.main.type, self.second.type):
            raise ValueError("a pair in a pair is not supported")
        return self
