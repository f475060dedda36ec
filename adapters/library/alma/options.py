"""Settings of an Alma: section `libraries[].system` with `type: alma`. docs/library-systems/alma.md explains each
key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from adapters.library.circuit_breaker import BreakerOptions
from adapters.library.record_format import RecordFormat
from adapters.library.rest_options import RestSeconds
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import RefusalReason
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret


class AlmaTrial(ProfileSection):
    """The values that `illgate check --live` looks up."""

    patron: str = Field("", description="barcode or primary identifier of a patron kept for this")
    item: str = Field("", description="barcode of an item kept for this")


class TemporaryItemOptions(ProfileSection):
    """Codes of what is made for a partner's item while it is here."""

    location: str = Field("", description="location in `library` where partners' items belong; empty: none are made")
    policy: str = Field("", description="item policy of those for which a profile names none")
    material_type: str = Field("BOOK", min_length=1, description="material type of items")


class ScanOptions(ProfileSection):
    """The options of a scan (scan-in), as staff tick them on the page of that desk; null: not sent, where the page has
    no such box."""

    register_in_house_use: bool | None = Field(False, description="whether it counts as a use within the library")
    place_on_hold_shelf: bool | None = Field(True, description="whether requested items go to the hold shelf")
    confirm: bool | None = Field(True, description="whether Alma's questions are answered with yes")

    def make_query(self) -> Mapping[str, str]:
        boxes = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: str(value).lower() for name, value in boxes if value is not None}


class AlmaOptions(ProfileSection):
    url: UrlWithoutSecret = Field(pattern=r"^https?://[^\s/]+(/[^\s]*)?$", description="of the API, with /almaws/v1")
    api_key: SecretReference = Field(min_length=1, description="of the Developer Network")
    ca: str = Field("", description="PEM file of authorities to trust; empty: the system's")
    certificate: str = Field("", description="PEM file with our certificate and key, where the server asks for one")
    connections: int = Field(4, ge=1, le=50, description="calls at once")
    max_bytes: int = Field(8_000_000, ge=65_536, description="largest answer that is read")
    calls_per_second: int = Field(5, ge=1, le=25, description="Alma allows 25 to all programs of an institution")
    calls_left_alone: int = Field(0, ge=0, description="calls of each day that are left to other programs")
    seconds: RestSeconds = RestSeconds.model_construct()
    breaker: BreakerOptions = BreakerOptions.model_construct()
    library: str = Field(min_length=1, description="code of the library through which partners' items come and go")
    circulation_desk: str = Field("DEFAULT_CIRC_DESK", min_length=1, description="code of its desk")
    desks: Mapping[str, str] = Field({}, description="codes of other libraries -> of their desks")
    checks_passwords: bool = Field(False, description="whether patrons sign in with a password that Alma keeps")
    barcode_types: tuple[str, ...] = Field(("BARCODE", "01"), description="identifier types that are barcodes")
    identifier_types: Mapping[str, str] = Field({}, description="our types of identifiers -> Alma's")
    pickup_libraries: tuple[str, ...] = Field((), description="where patrons collect; empty: at all libraries")
    not_lent: tuple[str, ...] = Field((), description="item policies of what is neither lent nor reserved")
    cancel_reason: str = Field("CancelledAtPatronRequest", min_length=1, description="why we cancel a request")
    fee_types: Mapping[str, str] = Field({}, description="our fee types -> Alma's; others are sent as they are")
    reasons: Mapping[str, RefusalReason] = Field({}, description="part of a refusal's text or code -> our reason")
    temporary_items: TemporaryItemOptions = TemporaryItemOptions.model_construct()
    record_format: RecordFormat = Field(RecordFormat.MARC21, description="of the institution's records")
    scan: ScanOptions = ScanOptions.model_construct()
    external_system: str = Field("", description="where new users come from; empty: Alma keeps them itself (internal)")
    trial: AlmaTrial = AlmaTrial.model_construct()

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.url.startswith("http://") and (self.ca or self.certificate):
            raise ValueError("ca and certificate are for https")
        return self

    def find_desk(self, library: str) -> tuple[str, str]:
        """Library and desk where something happens; without a library, that for partners' items."""
        place = library or self.library
        return place, self.desks.get(place, self.circulation_desk)

    def make_scan_query(self, library: str, circulation_desk: str) -> Mapping[str, str]:
        return {"op": "scan", "library": library, "circ_desk": circulation_desk, **self.scan.make_query()}

    def named_secrets(self) -> Mapping[str, str]:
        """Return the secrets by key within the section."""
        return {"api_key": self.api_key}
