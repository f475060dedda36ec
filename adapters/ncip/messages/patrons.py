"""What is said about a user."""

from __future__ import annotations

from datetime import date

from adapters.ncip.messages.addresses import NameInformation, UserAddressInformation
from adapters.ncip.messages.base import Code, Structure, When, many, maybe, one
from adapters.ncip.messages.fiscal import Amount
from adapters.ncip.messages.identifiers import AuthenticationInput, PreviousUserId, UserId
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class UserPrivilegeFee(Structure):
    """What a privilege costs."""

    amount: Amount | None = one("Amount")
    payment_method_type: Code | None = maybe("PaymentMethodType")


@frozen_by_name
class UserPrivilegeStatus(Structure):
    """The value of a privilege, and since when."""

    status_type: Code | None = one("UserPrivilegeStatusType")
    date_of_status: When | None = maybe("DateOfUserPrivilegeStatus")


@frozen_by_name
class UserPrivilege(Structure):
    """A kind of user or a right: one each for `STATUS`, `PROFILE`, `LIBRARY` by ILL convention (facts/ncip.md 3.4)."""

    agency_id: Code | None = one("AgencyId")
    agency_user_privilege_type: Code | None = one("AgencyUserPrivilegeType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")
    fee: UserPrivilegeFee | None = maybe("UserPrivilegeFee")
    status: UserPrivilegeStatus | None = maybe("UserPrivilegeStatus")
    description: str | None = maybe("UserPrivilegeDescription")


@frozen_by_name
class BlockOrTrap(Structure):
    """Something that a user may not do, or that staff must be told."""

    agency_id: Code | None = one("AgencyId")
    block_or_trap_type: Code | None = one("BlockOrTrapType")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")


@frozen_by_name
class UserOptionalFields(Structure):
    """What may be said about a user beside the id."""

    name_information: NameInformation | None = maybe("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = many("UserAddressInformation")
    date_of_birth: date | None = maybe("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = many("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = many("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = many("BlockOrTrap")
    user_ids: tuple[UserId, ...] = many("UserId")
    previous_user_ids: tuple[PreviousUserId, ...] = many("PreviousUserId")


@frozen_by_name
class UserFields(Structure):
    """What is to be added to a user, or taken away."""

    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    name_information: NameInformation | None = maybe("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = many("UserAddressInformation")
    date_of_birth: date | None = maybe("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = many("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = many("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = many("BlockOrTrap")
