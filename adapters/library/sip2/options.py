"""Settings of a SIP2 system: section `libraries[].system` with `type: sip2`. docs/library-systems/sip2.md explains each
key."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from adapters.library.circuit_breaker import BreakerOptions
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.library import IdentifierType
from gateway.domain.problems import RefusalReason
from gateway.domain.secret_reference import SecretReference
from gateway.ports.tls import ClientTls

Seconds = Annotated[float, Field(gt=0, le=600)]
FieldName = Annotated[str, Field(pattern=r"^([A-Z][A-Z0-9])?$")]

DEFAULT_DUE_FORMATS = (
    "%Y%m%d    %H%M%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y%m%d",
    "%Y-%m-%d",
    "%m/%d/%Y,%H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%m-%d-%y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
)
"""With slashes and hyphens the month comes first, as the systems do that were seen to write so."""


def _check_charset(value: str) -> str:
    try:
        codec = codecs.lookup(value)
    except LookupError:
        raise ValueError("Python knows no such character set; cp850, latin-1 and utf-8 are usual") from None
    if codec.encode("|")[0] != b"|":
        raise ValueError("ASCII must be a part of it")
    return value


Charset = Annotated[str, AfterValidator(_check_charset)]


class LoginOptions(ProfileSection):
    user: str = Field("", description="name of the terminal (CN); empty: without login")
    password: SecretReference = Field("", description="of that terminal (CO)")
    location: str = Field("", description="location of the terminal (CP)")

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        return self


class SecondsOptions(ProfileSection):
    connect: Seconds = Field(5.0, description="until there is a connection")
    look_up: Seconds = Field(10.0, description="for the answer to a question")
    change: Seconds = Field(15.0, description="for the answer to a change; then its outcome is unknown")
    idle: float = Field(240.0, ge=0, le=86_400, description="an unused connection is kept so long; 0: not at all")


class PickupOptions(ProfileSection):
    code: str = Field(min_length=1, description="as the system knows it (BS)")
    name: str = Field("", description="for people; empty: the code")
    library: str = Field("", description="branch that it belongs to; empty: the code")
    resource_sharing: bool = Field(False, description="partners' items come and go here")


class ExtensionFields(ProfileSection):
    """Fields beyond SIP2 in which a system says more; empty: it doesn't."""

    patron_category: FieldName = Field("PC", description="of a patron")
    patron_expiry: FieldName = Field("PA", description="last day of the membership")
    patron_library: FieldName = Field("AQ", description="branch of a patron")
    patron_birth: FieldName = Field("PB", description="day of birth")
    item_policy: FieldName = Field("CK", description="kind of item")
    call_number: FieldName = Field("", description="of an item, such as CS")
    borrower: FieldName = Field("", description="patron who has the item")
    record: FieldName = Field("", description="record number of an item, such as MA")


class TrialOptions(ProfileSection):
    """The values that `illgate check --live` looks up."""

    patron: str = Field("", description="number of a patron kept for this")
    item: str = Field("", description="barcode of an item kept for this")


class Sip2Options(ProfileSection):
    host: str = Field(min_length=1, description="where the SIP2 server is")
    port: int = Field(6001, ge=1, le=65_535)
    security: Literal["none", "tls"] = Field("none", description="tls: encrypted, and its certificate is checked")
    ca: str = Field("", description="PEM file of authorities to trust; empty: the system's")
    certificate: str = Field("", description="PEM file with our certificate and key, where the server asks for one")
    login: LoginOptions = LoginOptions.model_construct()
    institution: str = Field("", description="the library's institution id (AO)")
    terminal_password: SecretReference = Field("", description="AC, where the system wants one")
    charset: Charset = Field("cp850", description="of all texts")
    message_end: Literal["cr", "crlf"] = Field("cr", description="what ends a message of ours")
    error_detection: bool = Field(True, description="messages have sequence number and checksum")
    resends: int = Field(3, ge=0, le=9, description="so often the same message is sent or asked for again")
    sessions: Literal["kept", "one-message"] = Field(
        "kept", description="one-message: the server closes the connection after each answer"
    )
    end_session: bool = Field(False, description="end the patron's session after each change (35)")
    connections: int = Field(2, ge=1, le=20, description="terminals that work at once")
    max_bytes: int = Field(65_536, ge=1024, le=1_048_576, description="largest answer that is read")
    seconds: SecondsOptions = SecondsOptions.model_construct()
    breaker: BreakerOptions = BreakerOptions.model_construct()
    patron_types: tuple[str, ...] = Field(
        (IdentifierType.BARCODE.value,), min_length=1, description="kinds of patron numbers that it finds"
    )
    checks_passwords: bool = Field(True, description="whether its answer about a PIN (CQ) can be believed")
    holds: Literal["item", "none"] = Field("item", description="none: reservations are not placed by SIP2")
    hold_lists: Literal["separate", "all"] = Field(
        "separate", description="AS lists holds that are ready and CD the others, or AS lists all"
    )
    pickups: tuple[PickupOptions, ...] = Field((), description="where patrons collect reservations")
    branch: str = Field("", description="branch of items and patrons of which the system names none")
    resource_sharing_branch: str = Field("", description="where partners' items come and go; empty: the pickup's")
    override: Literal["ordinary", "no-block"] = Field(
        "ordinary", description="how a loan that has happened already is sent: as any other, or with the no-block flag"
    )
    not_lent: tuple[str, ...] = Field((), description="item policies that are not lent")
    due_formats: tuple[str, ...] = Field(
        DEFAULT_DUE_FORMATS, min_length=1, description="how due dates are written (strptime), in the library's zone"
    )
    fields: ExtensionFields = ExtensionFields.model_construct()
    reasons: Mapping[str, RefusalReason] = Field({}, description="part of a screen message (AF) -> our reason")
    trial: TrialOptions = TrialOptions.model_construct()

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.security == "none" and (self.ca or self.certificate):
            raise ValueError("ca and certificate are for security: tls")
        if self.sessions == "one-message" and self.login.user:
            raise ValueError("sessions: one-message leaves no time for a login")
        codes = [pickup.code for pickup in self.pickups]
        if len(set(codes)) < len(codes):
            raise ValueError("a pickup code stands twice")
        return self

    @property
    def resource_sharing_place(self) -> str:
        """Branch through which partners' items come and go; empty: the system decides."""
        shared = (pickup.library or pickup.code for pickup in self.pickups if pickup.resource_sharing)
        return self.resource_sharing_branch or next(shared, "")

    def make_tls(self, folder: Path) -> ClientTls | None:
        """None: not encrypted."""
        if self.security == "none":
            return None
        files = (Path(file) if file else None for file in (self.ca, self.certificate))
        return ClientTls(*files).resolve_in_folder(folder)

    def named_secrets(self) -> Mapping[str, str]:
        """Return the secrets by key within the section."""
        return {"login.password": self.login.password, "terminal_password": self.terminal_password}
