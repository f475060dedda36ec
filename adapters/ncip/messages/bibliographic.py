"""Titles and their identifiers."""

from __future__ import annotations

from adapters.ncip.messages.base import Code, Structure, many, maybe, one, one_of, text
from adapters.ncip.versions import Version
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class BibliographicItemId(Structure):
    """An identifier printed on the thing: ISBN, ISSN."""

    identifier: str = text("BibliographicItemIdentifier")
    identifier_code: Code | None = maybe("BibliographicItemIdentifierCode")


@frozen_by_name
class BibliographicRecordId(Structure):
    """The number of a record in a catalogue: OCLC, LCCN, a local system number."""

    choices = (one_of("agency_id", "identifier_code"),)

    identifier: str = text("BibliographicRecordIdentifier")
    agency_id: Code | None = maybe("AgencyId")
    identifier_code: Code | None = maybe("BibliographicRecordIdentifierCode")


@frozen_by_name
class BibliographicId(Structure):
    """An ISBN or the like, or the number of a record."""

    choices = (one_of("bibliographic_item_id", "bibliographic_record_id"),)

    bibliographic_item_id: BibliographicItemId | None = maybe("BibliographicItemId")
    bibliographic_record_id: BibliographicRecordId | None = maybe("BibliographicRecordId")


@frozen_by_name
class ComponentId(Structure):
    """An identifier of a part: an article."""

    identifier_type: Code | None = one("ComponentIdentifierType")
    identifier: str = text("ComponentIdentifier")


@frozen_by_name
class BibliographicDescription(Structure):
    """Title, author and the like."""

    author: str | None = maybe("Author")
    author_of_component: str | None = maybe("AuthorOfComponent")
    bibliographic_item_ids: tuple[BibliographicItemId, ...] = many(
        "BibliographicItemId", single_in=(Version.V2_01, Version.V2_02)
    )
    bibliographic_record_ids: tuple[BibliographicRecordId, ...] = many("BibliographicRecordId")
    component_id: ComponentId | None = maybe("ComponentId")
    edition: str | None = maybe("Edition")
    pagination: str | None = maybe("Pagination")
    place_of_publication: str | None = maybe("PlaceOfPublication")
    publication_date: str | None = maybe("PublicationDate")
    publication_date_of_component: str | None = maybe("PublicationDateOfComponent")
    publisher: str | None = maybe("Publisher")
    series_title_number: str | None = maybe("SeriesTitleNumber")
    title: str | None = maybe("Title")
    title_of_component: str | None = maybe("TitleOfComponent")
    bibliographic_level: Code | None = maybe("BibliographicLevel")
    sponsoring_body: str | None = maybe("SponsoringBody")
    electronic_data_format_type: Code | None = maybe("ElectronicDataFormatType")
    language: Code | None = maybe("Language")
    medium_type: Code | None = maybe("MediumType")


@frozen_by_name
class ElectronicResource(Structure):
    """A file, or a reference to one."""

    choices = (one_of("electronic_data_format_type actual_resource", "reference_to_resource"),)

    electronic_data_format_type: Code | None = maybe("ElectronicDataFormatType")
    actual_resource: str | None = maybe("ActualResource")
    reference_to_resource: str | None = maybe("ReferenceToResource")
