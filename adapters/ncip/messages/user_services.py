"""Services about users and agencies."""

from __future__ import annotations

from datetime import date

from adapters.ncip.messages.declaration import (
    Code,
    Structure,
    When,
    flag,
    many,
    maybe,
    maybe_one_of,
    one,
    one_of,
    some,
    text,
)
from adapters.ncip.messages.envelope import (
    AgencyAddressInformation,
    AuthenticationInput,
    Initiation,
    MandatableInitiation,
    NameInformation,
    OrganizationNameInformation,
    Response,
    UserAddressInformation,
    UserId,
)
from adapters.ncip.messages.items import (
    Amount,
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
    ItemDetails,
    UserFiscalAccount,
)
from adapters.ncip.messages.users import (
    BlockOrTrap,
    LoanedItem,
    LoanedItemsCount,
    RequestedItem,
    RequestedItemsCount,
    UserFields,
    UserOptionalFields,
    UserPrivilege,
)
from gateway.domain.value import keyword_value


@keyword_value
class LookupUser(Initiation):
    """Ask about a user."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    user_element_types: tuple[Code, ...] = many("UserElementType")
    loaned_items_desired: bool = flag("LoanedItemsDesired")
    requested_items_desired: bool = flag("RequestedItemsDesired")
    user_fiscal_account_desired: bool = flag("UserFiscalAccountDesired")


@keyword_value
class LookupUserResponse(Response):
    """Answer to LookupUser."""

    user_id: UserId | None = one("UserId")
    user_fiscal_accounts: tuple[UserFiscalAccount, ...] = many("UserFiscalAccount")
    loaned_items_counts: tuple[LoanedItemsCount, ...] = many("LoanedItemsCount")
    loaned_items: tuple[LoanedItem, ...] = many("LoanedItem")
    requested_items_counts: tuple[RequestedItemsCount, ...] = many("RequestedItemsCount")
    requested_items: tuple[RequestedItem, ...] = many("RequestedItem")
    user_optional_fields: UserOptionalFields | None = maybe("UserOptionalFields")


@keyword_value
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


@keyword_value
class CreateUserResponse(Response):
    """Answer to CreateUser."""

    user_id: UserId | None = one("UserId")


@keyword_value
class UpdateUser(MandatableInitiation):
    """Change a user."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    delete_user_fields: UserFields | None = maybe("DeleteUserFields")
    add_user_fields: UserFields | None = maybe("AddUserFields")


@keyword_value
class UpdateUserResponse(Response):
    """Answer to UpdateUser."""

    user_id: UserId | None = one("UserId")


@keyword_value
class DeleteUser(MandatableInitiation):
    """Remove a user."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")


@keyword_value
class DeleteUserResponse(Response):
    """Answer to DeleteUser."""

    user_id: UserId | None = one("UserId")


@keyword_value
class CreateUserFiscalTransaction(MandatableInitiation):
    """Put a charge or payment on a user's account."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")
    fiscal_transaction_information: FiscalTransactionInformation | None = one("FiscalTransactionInformation")


@keyword_value
class CreateUserFiscalTransactionResponse(Response):
    """Answer to CreateUserFiscalTransaction."""

    user_id: UserId | None = one("UserId")
    fiscal_transaction_reference_id: FiscalTransactionReferenceId | None = one("FiscalTransactionReferenceId")


@keyword_value
class NoticeItem(Structure):
    """An item that a notice is about."""

    item_details: ItemDetails | None = one("ItemDetails")
    amount: Amount | None = maybe("Amount")


@keyword_value
class UserNoticeDetails(Structure):
    """What a notice to a user says."""

    choices = (one_of("notice_items", "user_fiscal_account", "user_privilege"),)

    notice_type: Code | None = one("NoticeType")
    notice_content: str | None = maybe("NoticeContent")
    notice_items: tuple[NoticeItem, ...] = many("NoticeItem")
    user_fiscal_account: UserFiscalAccount | None = maybe("UserFiscalAccount")
    user_privilege: UserPrivilege | None = maybe("UserPrivilege")


@keyword_value
class SendUserNotice(MandatableInitiation):
    """Send a notice to a user."""

    user_id: UserId | None = one("UserId")
    date_to_send: When | None = maybe("DateToSend")
    user_notice_details: UserNoticeDetails | None = one("UserNoticeDetails")


@keyword_value
class SendUserNoticeResponse(Response):
    """Answer to SendUserNotice."""

    choices = (maybe_one_of("date_sent", "date_will_send"),)

    user_id: UserId | None = one("UserId")
    date_sent: When | None = maybe("DateSent")
    date_will_send: When | None = maybe("DateWillSend")


@keyword_value
class AuthenticateUser(Initiation):
    """Recognise a user. Version 1 alone; version 2 has LookupUser for it."""

    choices = (one_of("user_id", "authentication_inputs"),)

    user_id: UserId | None = maybe("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = many("AuthenticationInput")


@keyword_value
class AuthenticateUserResponse(Response):
    """Answer to AuthenticateUser."""

    user_id: UserId | None = one("UserId")


@keyword_value
class PromptOutput(Structure):
    """The words of a prompt."""

    authentication_prompt_data: str = text("AuthenticationPromptData")
    authentication_prompt_type: Code | None = one("AuthenticationPromptType")


@keyword_value
class PromptInput(Structure):
    """What kind of answer a prompt expects."""

    authentication_input_type: Code | None = one("AuthenticationInputType")
    authentication_data_format_type: Code | None = one("AuthenticationDataFormatType")
    sensitive_data_flag: bool = flag("SensitiveDataFlag")


@keyword_value
class AuthenticationPrompt(Structure):
    """What an agency asks a user to say."""

    prompt_output: PromptOutput | None = one("PromptOutput")
    prompt_input: PromptInput | None = one("PromptInput")


@keyword_value
class AgencyFields(Structure):
    """What is to be added to an agency, or taken away."""

    organization_name_information: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@keyword_value
class LookupAgency(Initiation):
    """Ask about an agency."""

    agency_id: Code | None = one("AgencyId")
    agency_element_types: tuple[Code, ...] = some("AgencyElementType")


@keyword_value
class LookupAgencyResponse(Response):
    """Answer to LookupAgency."""

    agency_id: Code | None = one("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@keyword_value
class CreateAgency(MandatableInitiation):
    """Register an agency."""

    agency_id: Code | None = maybe("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = some("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@keyword_value
class CreateAgencyResponse(Response):
    """Answer to CreateAgency."""

    agency_id: Code | None = one("AgencyId")


@keyword_value
class UpdateAgency(MandatableInitiation):
    """Change an agency."""

    agency_id: Code | None = one("AgencyId")
    delete_agency_fields: AgencyFields | None = maybe("DeleteAgencyFields")
    add_agency_fields: AgencyFields | None = maybe("AddAgencyFields")


@keyword_value
class UpdateAgencyResponse(Response):
    """Answer to UpdateAgency."""

    agency_id: Code | None = one("AgencyId")
