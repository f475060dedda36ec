"""Settings of a Koha: section `libraries[].system` with `type: koha`. docs/library-systems/koha.md explains each
key."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from adapters.library.circuit_breaker import BreakerOptions
from adapters.library.record_format import RecordFormat
from adapters.library.rest_options import RestSeconds
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import RefusalReason
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret

DEFAULT_CONFIRMED = ("ADDITIONAL_MATERIALS", "BORRNOTSAMEBRANCH", "HIGHHOLDS", "PREVISSUE")
NEVER_CONFIRMED = frozenset({"ISSUED_TO_ANOTHER", "RENEW_ISSUE", "RESERVED", "RESERVE_WAITING"})


class KohaSignIn(ProfileSection):
    """One of the two ways to show who we are."""

    client_id: str = Field("", description="of an API key of the gateway's patron (RESTOAuth2ClientCredentials)")
    client_secret: SecretReference = Field("", description="of that key")
    user: str = Field("", description="login of the gateway's patron, for Basic (RESTBasicAuth)")
    password: SecretReference = Field("", description="of that patron")

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        if bool(self.client_id) != bool(self.client_secret) or bool(self.user) != bool(self.password):
            raise ValueError("client_id and client_secret go together, and user and password")
        if bool(self.client_id) == bool(self.user):
            raise ValueError("either client_id or user must be there")
        return self


class KohaTrial(ProfileSection):
    """The values that `illgate check --live` looks up."""

    patron: str = Field("", description="card number of a patron kept for this")
    item: str = Field("", description="barcode of an item kept for this")


class KohaOptions(ProfileSection):
    url: UrlWithoutSecret = Field(pattern=r"^https?://[^\s/]+(/[^\s]*)?$", description="of the API, with /api/v1")
    sign_in: KohaSignIn
    ca: str = Field("", description="PEM file of authorities to trust; empty: the system's")
    certificate: str = Field("", description="PEM file with our certificate and key, where the server asks for one")
    acting_library: str = Field("", description="branch for which the gateway acts (x-koha-library)")
    connections: int = Field(4, ge=1, le=50, description="calls at once")
    max_bytes: int = Field(8_000_000, ge=65_536, description="largest answer that is read")
    seconds: RestSeconds = RestSeconds.model_construct()
    breaker: BreakerOptions = BreakerOptions.model_construct()
    checks_passwords: bool = Field(True, description="whether patrons sign in with their Koha password")
    resource_sharing_branch: str = Field("", description="where partners' items come and go")
    temporary_item_types: tuple[str, ...] = Field((), description="item types of partners' items alone")
    fine_limit: Decimal | None = Field(
        None,
        ge=0,
        description="who owes more may not borrow (noissuescharge); empty: Koha alone decides",
    )
    record_format: Literal[RecordFormat.MARC21, RecordFormat.UNIMARC] = Field(
        RecordFormat.MARC21, description="of this Koha (system preference marcflavour)"
    )
    moves_items: bool = Field(
        False,
        description="whether own items get another branch and shelf while they are away: with each such change Koha "
        "loses the item's subfields without a column of their own (952)",
    )
    missing_statuses: tuple[int, ...] = Field((4,), description="values of LOST that mean missing, not lost")
    confirmed: tuple[str, ...] = Field(
        DEFAULT_CONFIRMED, description="questions of Koha at a check-out that are answered with yes"
    )
    fee_types: Mapping[str, str] = Field({}, description="our fee types -> debit types; others are sent as they are")
    reasons: Mapping[str, RefusalReason] = Field({}, description="part of a refusal's text or code -> our reason")
    trial: KohaTrial = KohaTrial.model_construct()

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if wrong := NEVER_CONFIRMED.intersection(self.confirmed):
            raise ValueError(f"{min(wrong)} can't be confirmed: somebody else has the item or waits for it")
        if self.url.startswith("http://") and (self.ca or self.certificate):
            raise ValueError("ca and certificate are for https")
        return self

    def named_secrets(self) -> Mapping[str, str]:
        """Return the secrets by key within the section."""
        return {"sign_in.client_secret": self.sign_in.client_secret, "sign_in.password": self.sign_in.password}
