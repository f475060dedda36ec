"""Services about agencies."""

from __future__ import annotations

from adapters.ncip.messages.addresses import AgencyAddressInformation, OrganizationNameInformation
from adapters.ncip.messages.base import Code, Structure, flag, many, maybe, one, some, text
from adapters.ncip.messages.identifiers import Initiation, MandatableInitiation, Response
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class PromptOutput(Structure):
    """The words of a prompt."""

    authentication_prompt_data: str = text("AuthenticationPromptData")
    authentication_prompt_type: Code | None = one("AuthenticationPromptType")


@frozen_by_name
class PromptInput(Structure):
    """What kind of answer a prompt expects."""

    authentication_input_type: Code | None = one("AuthenticationInputType")
    authentication_data_format_type: Code | None = one("AuthenticationDataFormatType")
    sensitive_data_flag: bool = flag("SensitiveDataFlag")


@frozen_by_name
class AuthenticationPrompt(Structure):
    """What an agency asks a user to say."""

    prompt_output: PromptOutput | None = one("PromptOutput")
    prompt_input: PromptInput | None = one("PromptInput")


@frozen_by_name
class AgencyFields(Structure):
    """What is to be added to an agency, or taken away."""

    organization_name_information: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@frozen_by_name
class LookupAgency(Initiation):
    """Ask about an agency."""

    agency_id: Code | None = one("AgencyId")
    agency_element_types: tuple[Code, ...] = some("AgencyElementType")


@frozen_by_name
class LookupAgencyResponse(Response):
    """Answer to LookupAgency."""

    agency_id: Code | None = one("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@frozen_by_name
class CreateAgency(MandatableInitiation):
    """Register an agency."""

    agency_id: Code | None = maybe("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = some("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@frozen_by_name
class CreateAgencyResponse(Response):
    """Answer to CreateAgency."""

    agency_id: Code | None = one("AgencyId")


@frozen_by_name
class UpdateAgency(MandatableInitiation):
    """Change an agency."""

    agency_id: Code | None = one("AgencyId")
    delete_agency_fields: AgencyFields | None = maybe("DeleteAgencyFields")
    add_agency_fields: AgencyFields | None = maybe("AddAgencyFields")


@frozen_by_name
class UpdateAgencyResponse(Response):
    """Answer to UpdateAgency."""

    agency_id: Code | None = one("AgencyId")
