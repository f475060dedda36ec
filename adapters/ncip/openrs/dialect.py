"""Section `openrs` of a profile: what OpenRS's messages mean and where ours go. How they look, and the names of the two
systems, stand in the section `ncip`.

Evidence: docs/facts/openrs.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.requests.events import ReasonCodes
from gateway.domain.secret_reference import FileName, UrlWithoutSecret
from gateway.ports.message_transport import HttpPlace, SendTimeouts
from gateway.ports.tls import ClientTls

SECTION = "openrs"


def _validate_url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#]+\S*", text):
        raise ValueError(f"not a URL such as https://dcb.consortium.example/ncip/v2_02: {text}")
    return text


def _check_codes(codes: Mapping[str, str]) -> Mapping[str, str]:
    for code in codes.values():
        if not re.fullmatch(r"[A-Z0-9_]+", code):
            raise ValueError(f"not a code such as NOT_ON_SHELF: {code}")
    return codes


class OpenRsHttp(ProfileSection):
    """Headers by which we show who we are are those of `ncip.http`."""

    url: Annotated[UrlWithoutSecret, AfterValidator(_validate_url)] = Field(
        "", description="where OpenRS takes messages"
    )
    ca: FileName = Field(
        "", description="PEM file of authorities to trust, relative to gateway.yml; empty: the system's"
    )
    connect_seconds: float = Field(10.0, gt=0, le=60)
    reply_seconds: float = Field(50.0, gt=0, le=300, description="longest wait for the answer")

    def make_place(self, folder: Path) -> HttpPlace:
        timeouts = SendTimeouts(connect=self.connect_seconds, read=self.reply_seconds, total=self.reply_seconds)
        return HttpPlace(self.url, ClientTls(Path(self.ca) if self.ca else None).resolve_in_folder(folder), timeouts)


class OpenRsDialect(ProfileSection):
    http: OpenRsHttp = OpenRsHttp.model_construct()
    supplier_suffix: str = Field(":SUPPLIER", min_length=1, description="end of the numbers of requests to a supplier")
    borrower_suffix: str = Field(":BORROWER", min_length=1, description="end of the numbers of requests to a borrower")
    extension: str = Field(
        "https://openrs.org/ncip/fallback-host", min_length=1, description="namespace of its own elements in Ext"
    )
    confirm: Literal["at-once", "later"] = Field(
        "at-once",
        description="how RequestItem is answered: at-once: the copy that it names is promised, whatever is found on "
        "the shelf; later: it is only accepted, and promised when staff promise or ship it",
    )
    promise: Literal["ItemRequested", "RequestItemResponse"] = Field(
        "ItemRequested", description="the message by which an item is promised later"
    )
    back: Literal["ItemReceived", "ItemCheckedIn"] = Field(
        "ItemReceived", description="the message by which a supplier confirms that its item is back"
    )
    accept_actions: tuple[str, ...] = Field(
        ("accept for loan",), description="RequestedActionTypes of AcceptItem that are taken, in lower case"
    )
    request_type: str = Field("Hold", min_length=1, description="RequestType that we write")
    request_scope: str = Field("Bibliographic Item", min_length=1, description="RequestScopeType that we write")
    item_id_type: str = Field("barcode", description="ItemIdentifierType of a barcode, read and written")
    address_type: str = Field("Ship To", min_length=1, description="PhysicalAddressType that we write")
    no_items: str = Field("No items found", min_length=1, description="ProblemDetail where a record has no items")
    reasons: Annotated[Mapping[ReasonCodes, str], AfterValidator(_check_codes)] = Field(
        {}, description="our reason for not supplying -> ReasonCode"
    )
    reason_else: str = Field("NOT_SUPPLIED", pattern=r"^[A-Z0-9_]+$", description="ReasonCode of all other reasons")


DEFAULT_DIALECT = OpenRsDialect()


def get_openrs_dialect(profile: Profile | None) -> OpenRsDialect:
    """Return the dialect; of a profile without such a section: the defaults."""
    section = profile.dialects.get(SECTION) if profile is not None else None
    return section if isinstance(section, OpenRsDialect) else DEFAULT_DIALECT
