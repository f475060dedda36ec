"""Identifiers, problems and headers: what nearly every message has."""

from __future__ import annotations

from adapters.ncip.messages.base import Code, Structure, When, many, maybe, one, secret, text
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class VisibleItemId(Structure):
    """The number on an item's label, as version 1 carries it inside ItemDescription."""

    identifier_type: Code | None = one("VisibleItemIdentifierType")
    value: str = text("VisibleItemIdentifier")


@frozen_by_name
class UserId(Structure):
    """A user, in the agency's own numbering. Version 1: UniqueUserId, or VisibleUserId when it has a type."""

    agency_id: Code | None = maybe("AgencyId")
    identifier_type: Code | None = maybe("UserIdentifierType")
    value: str = text("UserIdentifierValue")


@frozen_by_name
class ItemId(Structure):
    """An item. Version 1: UniqueItemId."""

    agency_id: Code | None = maybe("AgencyId")
    identifier_type: Code | None = maybe("ItemIdentifierType")
    value: str = text("ItemIdentifierValue")


@frozen_by_name
class RequestId(Structure):
    """A request. Version 1: UniqueRequestId."""

    agency_id: Code | None = maybe("AgencyId")
    identifier_type: Code | None = maybe("RequestIdentifierType")
    value: str = text("RequestIdentifierValue")


@frozen_by_name
class PreviousUserId(Structure):
    """An id that the user had before."""

    agency_id: Code | None = one("AgencyId")
    value: str = text("UserIdentifierValue")
    valid_from_date: When | None = maybe("ValidFromDate")
    valid_to_date: When | None = maybe("ValidToDate")


@frozen_by_name
class AuthenticationInput(Structure):
    """One thing a user says to be recognised: a barcode, a PIN."""

    data: str = secret("AuthenticationInputData", required=True)
    format_type: Code | None = one("AuthenticationDataFormatType")
    input_type: Code | None = one("AuthenticationInputType")


@frozen_by_name
class Problem(Structure):
    """Why something was not done. `element` is a name or a path such as `InitiationHeader/FromAgencyId`.

    Version 1 nests it: Problem/ProcessingError/ProcessingErrorType and so on, and has no detail.
    """

    type: Code | None = one("ProblemType")
    detail: str | None = maybe("ProblemDetail")
    element: str | None = maybe("ProblemElement")
    value: str | None = maybe("ProblemValue")


@frozen_by_name
class MandatedAction(Structure):
    """The thing has already happened, at this moment: do it whatever your rules say (STD 5.3)."""

    date_event_occurred: When | None = one("DateEventOccurred")


@frozen_by_name
class InitiationHeader(Structure):
    """Who asks whom, and under which application profile."""

    from_system_id: Code | None = maybe("FromSystemId")
    from_system_authentication: str | None = secret("FromSystemAuthentication")
    from_agency_id: Code | None = one("FromAgencyId", inside="AgencyId")
    from_agency_authentication: str | None = secret("FromAgencyAuthentication")
    on_behalf_of_agency: Code | None = maybe("OnBehalfOfAgency", inside="AgencyId")
    to_system_id: Code | None = maybe("ToSystemId")
    to_agency_id: Code | None = one("ToAgencyId", inside="AgencyId")
    application_profile_type: Code | None = maybe("ApplicationProfileType")


@frozen_by_name
class ResponseHeader(Structure):
    """Who answers whom: from and to are those of the answer."""

    from_system_id: Code | None = maybe("FromSystemId")
    from_system_authentication: str | None = secret("FromSystemAuthentication")
    from_agency_id: Code | None = one("FromAgencyId", inside="AgencyId")
    from_agency_authentication: str | None = secret("FromAgencyAuthentication")
    to_system_id: Code | None = maybe("ToSystemId")
    to_agency_id: Code | None = one("ToAgencyId", inside="AgencyId")


@frozen_by_name
class Initiation(Structure):
    """A message that asks for something or tells of it."""

    initiation_header: InitiationHeader | None = maybe("InitiationHeader")


@frozen_by_name
class MandatableInitiation(Initiation):
    """A message that may say that the thing has already happened."""

    mandated_action: MandatedAction | None = maybe("MandatedAction")


@frozen_by_name
class Notification(Initiation):
    """A message that tells what has happened at the sender."""


@frozen_by_name
class Response(Structure):
    """An answer. Where `problems` stand, the rest is absent."""

    response_header: ResponseHeader | None = maybe("ResponseHeader", beside_problems=True)
    problems: tuple[Problem, ...] = many("Problem", beside_problems=True)
