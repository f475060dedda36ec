"""Services about agencies."""

# ruff: noqa: RUF009 (the helpers make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from adapters.ncip.messages.addresses import AgencyAddressInformation, OrganizationNameInformation
from adapters.ncip.messages.base import Code, Structure, flag, many, maybe, one, some, text
from adapters.ncip.messages.identifiers import Initiation, MandatableInitiation, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptOutput(Structure):
    """The words of a prompt."""

    authentication_prompt_data: str = text("AuthenticationPromptData")
    authentication_prompt_type: Code | None = one("AuthenticationPromptType")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptInput(Structure):
    """What kind of answer a prompt expects."""

    authentication_input_type: Code | None = one("AuthenticationInputType")
    authentication_data_format_type: Code | None = one("AuthenticationDataFormatType")
    sensitive_data_flag: bool = flag("SensitiveDataFlag")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationPrompt(Structure):
    """What an agency asks a user to say."""

    prompt_output: PromptOutput | None = one("PromptOutput")
    prompt_input: PromptInput | None = one("PromptInput")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyFields(Structure):
    """What is to be added to an agency, or taken away."""

    organization_name_information: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupAgency(Initiation):
    """Ask about an agency."""

    agency_id: Code | None = one("AgencyId")
    agency_element_types: tuple[Code, ...] = some("AgencyElementType")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupAgencyResponse(Response):
    """Answer to LookupAgency."""

    agency_id: Code | None = one("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = many("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAgency(MandatableInitiation):
    """Register an agency."""

    agency_id: Code | None = maybe("AgencyId")
    organization_name_information: tuple[OrganizationNameInformation, ...] = some("OrganizationNameInformation")
    agency_address_information: tuple[AgencyAddressInformation, ...] = many("AgencyAddressInformation")
    authentication_prompts: tuple[AuthenticationPrompt, ...] = many("AuthenticationPrompt")
    application_profile_supported_types: tuple[Code, ...] = many("ApplicationProfileSupportedType")
    consortium_agreements: tuple[Code, ...] = many("ConsortiumAgreement")
    agency_user_privilege_types: tuple[Code, ...] = many("AgencyUserPrivilegeType")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAgencyResponse(Response):
    """Answer to CreateAgency."""

    agency_id: Code | None = one("AgencyId")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAgency(MandatableInitiation):
    """Change an agency."""

    agency_id: Code | None = one("AgencyId")
    delete_agency_fields: AgencyFields | None = maybe("DeleteAgencyFields")
    add_agency_fields: AgencyFields | None = maybe("AddAgencyFields")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAgencyResponse(Response):
    """Answer to UpdateAgency."""

    agency_id: Code | None = one("AgencyId")
