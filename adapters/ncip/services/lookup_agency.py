"""LookupAgency: who are you, and where can things be picked up?

VuFind reads the pickup places from Ext/LocationName (facts/ncip.md 2.8).
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from adapters.ncip.messages import (
    AgencyAddressInformation,
    Code,
    ElectronicAddress,
    LookupAgency,
    LookupAgencyResponse,
    OrganizationNameInformation,
    PhysicalAddress,
    RawElement,
    UnstructuredAddress,
)
from adapters.ncip.services.reading import Reader
from adapters.ncip.services.reading import word as text_of
from adapters.ncip.services.wording import Writer
from adapters.ncip.versions import NAMESPACE
from gateway.domain.commands import AgencyFound, LookUpAgency
from gateway.domain.library import PickupLocation


def read_lookup_agency(message: LookupAgency, _reader: Reader) -> LookUpAgency:
    return LookUpAgency(text_of(message.agency_id))


def write_lookup_agency_response(found: AgencyFound, message: LookupAgency, writer: Writer) -> LookupAgencyResponse:
    asked = message.agency_id
    return LookupAgencyResponse(
        agency_id=asked if asked is not None and asked.value else writer.agency_code(),
        organization_name_information=(
            OrganizationNameInformation(name_type=Code("Full Name"), name=found.name or found.symbol),
        ),
        agency_address_information=_addresses(found, writer),
        ext=() if writer.version1 else tuple(_place(n, place) for n, place in enumerate(found.pickup_locations, 1)),
    )


def _addresses(found: AgencyFound, writer: Writer) -> tuple[AgencyAddressInformation, ...]:
    rules = writer.dialect.patrons
    role = Code("Official")
    addresses = []
    if found.address:
        lines = UnstructuredAddress(address_type=Code("Newline-Delimited Text"), data=found.address)
        physical = PhysicalAddress(unstructured=lines, address_type=Code(rules.postal_type))
        addresses.append(AgencyAddressInformation(agency_address_role_type=role, physical_address=physical))
    for kind, value in ((rules.email_type, found.email), (rules.phone_type, found.phone)):
        if value:
            electronic = ElectronicAddress(address_type=Code(kind), data=value)
            addresses.append(AgencyAddressInformation(agency_address_role_type=role, electronic_address=electronic))
    return tuple(addresses)


def _place(number: int, place: PickupLocation) -> RawElement:
    inside = (
        f"<LocationNameInstance><LocationNameLevel>{number}</LocationNameLevel>"
        f"<LocationNameValue>{escape(place.code)}</LocationNameValue></LocationNameInstance>"
    )
    return RawElement("LocationName", place.code, f'<LocationName xmlns="{NAMESPACE}">{inside}</LocationName>')
