"""Settings of a FOLIO system: section `libraries[].system` with `type: folio`. docs/library-systems/folio.md explains
each key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from adapters.library.circuit_breaker import BreakerOptions
from adapters.library.rest_options import RestSeconds, resolve_tls
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.library import IdentifierType
from gateway.domain.problems import RefusalReason
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret
from gateway.ports.tls import ClientTls


class LoginOptions(ProfileSection):
    user: str = Field(min_length=1, description="name of the FOLIO user that the gateway acts as")
    password: SecretReference = Field(min_length=1, description="of that user")


class SecondsOptions(RestSeconds):
    codes: float = Field(
        3600, ge=10, le=86_400, description="codes (locations, service points …) are read again so often"
    )


class TemporaryItemOptions(ProfileSection):
    """The options for making the record of a partner's item, where the profile doesn't say."""

    location: str = Field("", description="code of its location, where the profile names none")
    loan_type: str = Field("", description="name of its loan type, where the profile names none")
    material_type: str = Field("", description="name of its material type")
    instance_type: str = Field("zzz", description="code of the resource type of its instance; zzz: unspecified")
    holdings_source: str = Field("FOLIO", description="name of the holdings source")
    instance_source: str = Field("ILL", description="what the instance has as its source")


class TrialOptions(ProfileSection):
    """The values that `illgate check --live` looks up."""

    patron: str = Field("", description="number of a patron kept for this")
    item: str = Field("", description="barcode of an item kept for this")


PatronNumber = Literal["barcode", "external", "username"]


class FolioOptions(ProfileSection):
    url: UrlWithoutSecret = Field(
        pattern=r"^https?://[^/\s?#]+(/[^\s?#]*)?$", description="of Okapi, or of Eureka's gateway (Kong)"
    )
    tenant: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_-]+$", description="name of the tenant")
    login: LoginOptions
    ca: str = Field("", description="PEM file of authorities to trust; empty: the system's")
    certificate: str = Field("", description="PEM file with our certificate and key, where the server asks for one")
    connections: int = Field(8, ge=1, le=50, description="connections at once")
    max_bytes: int = Field(8_388_608, ge=65_536, le=67_108_864, description="largest answer that is read")
    seconds: SecondsOptions = SecondsOptions.model_construct()
    breaker: BreakerOptions = BreakerOptions.model_construct()
    service_point: str = Field(
        min_length=1, description="code of the service point through which partners' items come and go"
    )
    branch: str = Field("", description="branch of patrons who have no default service point; empty: service_point")
    patron_types: tuple[PatronNumber, ...] = Field(
        ("barcode", "external", "username"), min_length=1, description="kinds of patron numbers, in order"
    )
    checks_pins: bool = Field(
        True, description="a secret of a patron is the PIN that FOLIO has; false: none is checked"
    )
    not_lent: tuple[str, ...] = Field((), description="names of loan types that are not lent")
    title_requests: bool = Field(False, description="whether title-level requests are enabled in FOLIO")
    fulfillment_spelling: Literal["fulfillment", "fulfilment"] = Field(
        "fulfillment", description="fulfilment: mod-circulation before 24.0 (releases before Poppy)"
    )
    cancellation_reason: str = Field(
        "", description="name of the reason for cancelled requests; empty: none are cancelled"
    )
    override: Literal["ordinary", "override"] = Field(
        "ordinary",
        description="how a loan that has happened, and the request of a partner's item that has come, are sent: as any "
        "other, or with blocks overridden",
    )
    temporary_items: TemporaryItemOptions = TemporaryItemOptions.model_construct()
    fee_owner: str = Field("", description="name of the owner of fees; empty: none are posted")
    search: bool = Field(True, description="whether the search index (mod-search) may be asked")
    reasons: Mapping[str, RefusalReason] = Field({}, description="part of a message of FOLIO -> our reason")
    trial: TrialOptions = TrialOptions.model_construct()

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.url.startswith("http:") and (self.ca or self.certificate):
            raise ValueError("ca and certificate are for https")
        if len(set(self.patron_types)) < len(self.patron_types):
            raise ValueError("a kind of patron number stands twice in patron_types")
        return self

    @property
    def fulfillment_key(self) -> str:
        return f"{self.fulfillment_spelling}Preference"

    def make_tls(self, folder: Path) -> ClientTls:
        return resolve_tls(self.ca, self.certificate, folder)

    def named_secrets(self) -> Mapping[str, str]:
        """Return the secrets by key within the section."""
        return {"login.password": self.login.password}


USER_FIELDS: Mapping[str, str] = {
    IdentifierType.BARCODE.value: "barcode",
    IdentifierType.EXTERNAL.value: "externalSystemId",
    IdentifierType.USERNAME.value: "username",
    IdentifierType.INTERNAL.value: "id",
}
"""Our words for the numbers of a patron -> FOLIO's."""
