"""Who speaks to whom: headers and agencies."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gateway.domain.policy import Section
from gateway.domain.secret_ref import SecretRef


class AgencySource(StrEnum):
    FROM_AGENCY = "from-agency"
    PROFILE_TYPE = "profile-type"
    REQUEST_AGENCY = "request-agency"
    AGENCY_AUTHENTICATION = "agency-authentication"


class Header(Section):
    """What stands in headers, read and written."""

    answer: Literal["always", "when-sent", "never"] = Field(
        "always", description="ResponseHeader: OCLC requires it, Koha left it out for Auto-Graphics"
    )
    agencies: Literal["swapped", "copied"] = Field(
        "swapped", description="from and to of the answer; INN-Reach responders copy them"
    )
    agencies_of: dict[str, Literal["swapped", "copied"]] = Field(
        {}, description="the same for single services, such as LookupUser (INC swaps them there alone)"
    )
    require: tuple[Literal["header", "from-agency", "to-agency", "profile-type"], ...] = Field(
        (), description="parts whose absence is answered with Needed Data Missing (OCLC profile 2.00)"
    )
    agency_from: tuple[AgencySource, ...] = Field(
        (AgencySource.FROM_AGENCY, AgencySource.REQUEST_AGENCY),
        description="where the sender's agency is read, tried in order (FOLIO falls back to RequestId, Alma uses the "
        "partner code in ApplicationProfileType)",
    )
    our_agency: str = Field("", description="our agency id when a message says none; empty: the library's symbol")
    partner_agency: str = Field("", description="the partner's agency id, for messages that we send")
    agency_scheme: str = Field("", description="scheme URL of agency ids that we write; empty: as sent, or none")
    profile_type: str = Field("", description="ApplicationProfileType of messages that we send")
    profile_type_scheme: str = ""
    our_system: str = Field("", description="FromSystemId that we send (ALMA_NCIP_ILL, WMS Circ …)")
    partner_system: str = Field("", description="ToSystemId that we send")
    system_scheme: str = ""
    agency_authentication: SecretRef = Field(
        "", description="FromAgencyAuthentication that we send (NCSU, CrossLink): env:NAME or file:PATH"
    )
    ids_agency: Literal["as-sent", "always", "never"] = Field(
        "as-sent", description="AgencyId on user, item and request ids that we write; version 1 always has one"
    )
