"""Services about users and agencies."""

from __future__ import annotations

from datetime import date

from adapters.ncip.messages.declaration import (
    Code,
    Structure,
    flag_element,
    optional_choice,
    optional_element,
    repeated_element,
    required_choice,
    required_element,
    required_elements,
    required_text,
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
    FiscalTransactionInformation,
    FiscalTransactionReferenceId,
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
from gateway.domain.value import value_object


@value_object(kw_only=True)
class LookupUser(Initiation):
    """Ask about a user."""

    choices = (required_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    user_element_types: tuple[Code, ...] = repeated_element("UserElementType")
    loaned_items_desired: bool = flag_element("LoanedItemsDesired")
    requested_items_desired: bool = flag_element("RequestedItemsDesired")
    user_fiscal_account_desired: bool = flag_element("UserFiscalAccountDesired")


@value_object(kw_only=True)
class LookupUserResponse(Response):
    """Answer to LookupUser."""

    user_id: UserId | None = required_element("UserId")
    user_fiscal_accounts: tuple[UserFiscalAccount, ...] = repeated_element("UserFiscalAccount")
    loaned_items_counts: tuple[LoanedItemsCount, ...] = repeated_element("LoanedItemsCount")
    loaned_items: tuple[LoanedItem, ...] = repeated_element("LoanedItem")
    requested_items_counts: tuple[RequestedItemsCount, ...] = repeated_element("RequestedItemsCount")
    requested_items: tuple[RequestedItem, ...] = repeated_element("RequestedItem")
    user_optional_fields: UserOptionalFields | None = optional_element("UserOptionalFields")


@value_object(kw_only=True)
class CreateUser(MandatableInitiation):
    """Register a user."""

    choices = (optional_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    name_information: NameInformation | None = required_element("NameInformation")
    user_address_information: tuple[UserAddressInformation, ...] = repeated_element("UserAddressInformation")
    date_of_birth: date | None = optional_element("DateOfBirth", day=True)
    user_languages: tuple[Code, ...] = repeated_element("UserLanguage")
    user_privileges: tuple[UserPrivilege, ...] = repeated_element("UserPrivilege")
    block_or_traps: tuple[BlockOrTrap, ...] = repeated_element("BlockOrTrap")


@value_object(kw_only=True)
class CreateUserResponse(Response):
    """Answer to CreateUser."""

    user_id: UserId | None = required_element("UserId")


@value_object(kw_only=True)
class UpdateUser(MandatableInitiation):
    """Change a user."""

    choices = (required_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    delete_user_fields: UserFields | None = optional_element("DeleteUserFields")
    add_user_fields: UserFields | None = optional_element("AddUserFields")


@value_object(kw_only=True)
class UpdateUserResponse(Response):
    """Answer to UpdateUser."""

    user_id: UserId | None = required_element("UserId")


@value_object(kw_only=True)
class DeleteUser(MandatableInitiation):
    """Remove a user."""

    choices = (required_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")


@value_object(kw_only=True)
class DeleteUserResponse(Response):
    """Answer to DeleteUser."""

    user_id: UserId | None = required_element("UserId")


@value_object(kw_only=True)
class CreateUserFiscalTransaction(MandatableInitiation):
    """Put a charge or payment on a user's account."""

    choices = (required_choice("user_id", "authentication_inputs"),)

    user_id: UserId | None = optional_element("UserId")
    authentication_inputs: tuple[AuthenticationInput, ...] = repeated_element("AuthenticationInput")
    fiscal_transaction_information: FiscalTransactionInformation | None = required_element(
        "FiscalTransactionInformation"
    )


@value_object(kw_only=True)
class CreateUserFiscalTransactionResponse(Response):
    """Answer to CreateUserFiscalTransaction."""

    user_id: UserId | None = required_element("UserId")
    fiscal_transaction_reference_id: FiscalTransactionReferenceId | None = required_element(
        "FiscalTransactionReferenceId"
    )


@value_object(kw_only=True)
class PromptOutput(Structure):
    """The words of a prompt."""

    authentication_prompt_data: str = required_text("AuthenticationPromptData")
    authentication_prompt_type: Code | None = required_element("AuthenticationPromptType")


@value_object(kw_only=True)
class PromptInput(Structure):
    """The kind of answer that a prompt expects."""

    authentication_input_type: Code | None = required_element("AuthenticationInputType")
    authentication_data_format_type: Code | None = required_element("AuthenticationDataFormatType")
    sensitive_data_flag: bool = flag_element("SensitiveDataFlag")


@value_object(kw_only=True)
class AuthenticationPrompt(Structure):
    """The prompt for what an agency asks a user to say."""

    prompt_output: PromptOutput | None = required_element("PromptOutput")
    prompt_input: PromptInput | None = required_element("PromptInput")


@value_object(kw_only=True)
class LookupAgency(Initiation):
    """Ask about an agency."""

    agency_id: Code | None = required_element("AgencyId")
    agency_element_types: tuple[Code, ...] = required_elements("AgencyElementType")


@value_object(kw_only=True)
class LookupAgencyResponse(Response):
    """Answer to LookupAgency."""

    agency_id: Code | None = required_element("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = repeated_element(
        "OrganizationNameInformation"
    )
    agency_address_information: tuple[AgencyAddressInformation, ...] = repeated_element("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = repeated_element("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = repeated_element("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = repeated_element("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = repeated_element("AgencyUserPrivilegeType")
