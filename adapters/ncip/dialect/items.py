"""How items and records are shown to the partner."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gateway.domain.library import ItemStatus
from gateway.domain.policy import Section


class ItemElement(StrEnum):
    """ItemElementType values that can be asked for (facts/ncip.md 3.6)."""

    BIBLIOGRAPHIC = "Bibliographic Description"
    STATUS = "Circulation Status"
    QUEUE = "Hold Queue Length"
    DESCRIPTION = "Item Description"
    RESTRICTION = "Item Use Restriction Type"
    LOCATION = "Location"


class Items(Section):
    id_type: str = Field(
        "", description="ItemIdentifierType that we write (CrossLink needs `Item Barcode`); empty: as sent"
    )
    default_elements: tuple[ItemElement, ...] = Field((), description="returned when no element types are asked for")
    always_elements: tuple[ItemElement, ...] = Field((), description="returned even when not asked for")
    never_elements: tuple[ItemElement, ...] = ()
    statuses: dict[ItemStatus, str] = Field({}, description="our item status -> CirculationStatus, beside the standard")
    status_words: dict[str, ItemStatus] = Field({}, description="their words, lower case -> our item status")
    location_type: str = Field("Permanent Location", description="LocationType that we write")
    location_levels: tuple[Literal["library", "branch", "shelf", "name"], ...] = Field(
        ("library", "branch", "shelf"), description="what LocationNameLevel 1, 2, 3 … hold (ReShare reads 3 and 4)"
    )
    record_codes: dict[str, str] = Field(
        {"local": "Accession Number", "oclc": "OCLC", "lccn": "LCCN", "isbn": "ISBN", "issn": "ISSN"},
        description="our record id types -> BibliographicRecordIdentifierCode that we write",
    )
    restriction_library_use: str = Field(
        "In Library Use Only", description="ItemUseRestrictionType for items that don't circulate"
    )
