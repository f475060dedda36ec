"""How patrons are shown to the partner."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gateway.domain.policy import Section


class UserElement(StrEnum):
    """UserElementType values that can be asked for (facts/ncip.md 3.6)."""

    NAME = "Name Information"
    ADDRESS = "User Address Information"
    PRIVILEGE = "User Privilege"
    BLOCK = "Block Or Trap"
    USER_ID = "User Id"
    DATE_OF_BIRTH = "Date Of Birth"
    LANGUAGE = "User Language"


class Privilege(Section):
    """One UserPrivilege of the answer; the ILL convention is STATUS, PROFILE and LIBRARY (facts/ncip.md 3.4)."""

    type: str = Field("", description="AgencyUserPrivilegeType; empty: the value itself stands there (INN-Reach)")
    value: Literal["status", "category", "library", "institution", "text"] = Field(
        description="where UserPrivilegeStatusType comes from"
    )
    text: str = Field("", description="for value: text")
    valid_to: bool = Field(False, description="with the patron's expiry as ValidToDate (INN-Reach)")


class Patrons(Section):
    id_returned: Literal["as-sent", "barcode", "username", "external", "internal"] = "as-sent"
    id_type: str = Field("", description="UserIdentifierType that we write; empty: as sent, none if none was sent")
    id_types: dict[str, str] = Field(
        {"barcode": "Barcode", "username": "Username", "external": "Institution Id Number"},
        description="our identifier types -> UserIdentifierType, where several ids are listed",
    )
    default_elements: tuple[UserElement, ...] = Field((), description="returned when no element types are asked for")
    always_elements: tuple[UserElement, ...] = Field((), description="returned even when not asked for")
    never_elements: tuple[UserElement, ...] = Field((), description="never returned")
    omit: tuple[Literal["email", "phone", "postal", "internal-id"], ...] = Field(
        ("internal-id",), description="never given, whatever is asked"
    )
    name_format: Literal["structured", "unstructured", "both"] = Field(
        "both", description="ReShare and VuFind read the structured form, INN-Reach the other"
    )
    unstructured_name: Literal["inverted", "direct"] = Field("inverted", description="'Last, First' or 'First Last'")
    privileges: tuple[Privilege, ...] = Field(
        (
            Privilege(type="STATUS", value="status"),
            Privilege(type="PROFILE", value="category"),
            Privilege(type="LIBRARY", value="library"),
        ),
        description="UserPrivilege list, in this order",
    )
    status_ok: str = Field("ACTIVE", description="status word of a patron who may borrow")
    status_blocked: str = Field("BLOCKED", description="status word of one who may not")
    status_expired: str = Field("EXPIRED", description="status word after expiry")
    categories: dict[str, str] = Field({}, description="our patron category -> the partner's word")
    libraries: dict[str, str] = Field({}, description="our branch -> the partner's word")
    blocks: Literal["asked", "always"] = Field(
        "asked", description="Navigator stops restricted patrons only by BlockOrTrap"
    )
    block_words: dict[Literal["borrow", "request", "renew"], str] = Field(
        {"borrow": "Block Check Out", "request": "Block Request Item", "renew": "Block Renewal"},
        description="what a block forbids -> BlockOrTrapType; INN-Reach expects Block Hold",
    )
    email_type: str = Field("mailto", description="ElectronicAddressType of e-mail addresses")
    phone_type: str = Field("tel", description="ElectronicAddressType of phone numbers")
    address_roles: dict[str, str] = Field({}, description="our role of a contact -> UserAddressRoleType")
    postal_type: str = Field("Postal Address", description="PhysicalAddressType")
