"""Services about users."""

from __future__ import annotations

from datetime import date

from adapters.ncip.messages.addresses import NameInformation, UserAddressInformation
from adapters.ncip.messages.base import Code, Structure, When, flag, many, maybe, maybe_one_of, one, one_of
from adapters.ncip.messages.fiscal import (
    Amount,
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
    ItemDetails,
    UserFiscalAccount,
)
from adapters.ncip.messages.identifiers import AuthenticationInput, Initiation, MandatableInitiation, Response, UserId
from adapters.ncip.messages.loans import LoanedItem, LoanedItemsCount, RequestedItem, RequestedItemsCount
from adapters.ncip.messages.patrons import BlockOrTrap, UserFields, UserOptionalFields, UserPrivilege
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class LookupUser(Initiation):
    """Ask about a user."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    user_element_types: tuple[Code, ...] = many("UserElementType")
    loaned_items_desired: bool = flag("LoanedItemsDesired")
    requested_items_desired: bool = flag("RequestedItemsDesired")
    user_fiscal_account_desired: bool = flag("UserFiscalAccountDesired")


@frozen_by_name
class LookupUserResponse(Response):
    """Answer to LookupUser."""

    user_id: UserId | None = one("UserId")
    user_fiscal_accounts: tuple[UserFiscalAccount, ...] = many("UserFiscalAccount")
    loaned_items_counts: tuple[LoanedItemsCount, ...] = many("LoanedItemsCount")
    loaned_items: tuple[LoanedItem, ...] = many("LoanedItem")
    requested_items_counts: tuple[RequestedItemsCount, ...] = many("RequestedItemsCount")
    requested_items: tuple[RequestedItem, ...] = many("RequestedItem")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@frozen_by_name
class CreateUser(MandatableInitiation):
    """Register a user."""

    choices = (maybe_one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    name_information: NameInformation | None = one("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = many("UserAddressInformation")
    date_of_birth: date | None = maybe("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = many("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = many("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = many("BlockOrTrap")


@frozen_by_name
class CreateUserResponse(Response):
    """Answer to CreateUser."""

    user_id: UserId | None = one("UserId")


@frozen_by_name
class UpdateUser(MandatableInitiation):
    """Change a user."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    delete_user_fields: UserFields | None = maybe("DeleteUserFields")
    add_user_fields: UserFields | None = maybe("AddUserFields")


@frozen_by_name
class UpdateUserResponse(Response):
    """Answer to UpdateUser."""

    user_id: UserId | None = one("UserId")


@frozen_by_name
class DeleteUser(MandatableInitiation):
    """Remove a user."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")


@frozen_by_name
class DeleteUserResponse(Response):
    """Answer to DeleteUser."""

    user_id: UserId | None = one("UserId")


@frozen_by_name
class CreateUserFiscalTransaction(MandatableInitiation):
    """Put a charge or payment on a user's account."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    fiscal_transaction_information: FiscalTransactionInformation | None = one("FiscalTransactionInformation")


@frozen_by_name
class CreateUserFiscalTransactionResponse(Response):
    """Answer to CreateUserFiscalTransaction."""

    user_id: UserId | None = one("UserId")
    fiscal_transaction_reference_id: FiscalTransactionReferenceId | None = one("FiscalTransactionReferenceId")


@frozen_by_name
class NoticeItem(Structure):
    """An item that a notice is about."""

    item_details: ItemDetails | None = one("ItemDetails")
    amount: Amount | None = maybe("Amount")


@frozen_by_name
class UserNoticeDetails(Structure):
    """What a notice to a user says."""

    choices = (one_of("notice_items", "user_fiscal_account", "user_privilege"),)

    notice_type: Code | None = one("NoticeType")
    notice_content: str | None = maybe("NoticeContent")
    notice_items: tuple[NoticeItem, ...] = many("NoticeItem")
    user_fiscal_account: UserFiscalAccount | None = maybe("UserFiscalAccount")
    user_privilege: UserPrivilege | None = maybe("UserPrivilege")


@frozen_by_name
class SendUserNotice(MandatableInitiation):
    """Send a notice to a user."""

    user_id: UserId | None = one("UserId")
    date_to_send: When | None = maybe("DateToSend")
    user_notice_details: UserNoticeDetails | None = one("UserNoticeDetails")


@frozen_by_name
class SendUserNoticeResponse(Response):
    """Answer to SendUserNotice."""

    choices = (maybe_one_of("date_sent", "date_will_send"),)

    user_id: UserId | None = one("UserId")
    date_sent: When | None = maybe("DateSent")
    date_will_send: When | None = maybe("DateWillSend")


@frozen_by_name
class AuthenticateUser(Initiation):
    """Recognise a user. Version 1 alone; version 2 has LookupUser for it."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")


@frozen_by_name
class AuthenticateUserResponse(Response):
    """Answer to AuthenticateUser."""

    user_id: UserId | None = one("UserId")
