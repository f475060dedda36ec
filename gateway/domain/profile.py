"""An integration profile: everything that is particular to one partner, as values.

`gateway.profiles` reads them from YAML; this module knows no files.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.domain.circulation_policy import CirculationPolicy, ProfileSection
from gateway.domain.peer_authentication import PeerAuthentication
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.catalogue_policy import LocatePolicy
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.secret_reference import SecretReference
from gateway.domain.sentences import write_sentence

D = TypeVar("D")

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _check_network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise ValueError(f"not an IP address or network such as 192.0.2.0/24: {value}") from error
    return value


def normalize_fingerprint(text: str) -> str:
    """Write a certificate's fingerprint as OpenSSL prints it: 64 hexadecimal digits in lower case, without colons.
    Raises ValueError for what is no SHA-256."""
    digits = re.sub(r"[:\s]", "", text).casefold()
    if not _SHA256.fullmatch(digits):
        raise ValueError("not a SHA-256 fingerprint, which has 64 hexadecimal digits")
    return digits


def normalize_alternative_name(text: str) -> str:
    """Write an alternative name of a certificate as OpenSSL prints it: `KIND:VALUE`, where kind is DNS, email, URI or
    IP. Hosts are in lower case then, and an IP address in its shortest form. Raises ValueError for anything else."""
    kind, _, value = text.strip().partition(":")
    value = value.strip()
    match kind.casefold():
        case "dns" if value:
            return f"DNS:{value.casefold()}"
        case "email" if value:
            mailbox, at, host = value.rpartition("@")
            return f"email:{mailbox}{at}{host.casefold()}"
        case "uri" if value:
            return f"URI:{value}"
        case "ip" | "ip address" if value:
            return f"IP:{ipaddress.ip_address(value)}"  # raises ValueError
    raise ValueError("not a subject alternative name such as DNS:ill.example, or email:, URI:, IP: with a value")


Network = Annotated[str, AfterValidator(_check_network)]
AlternativeName = Annotated[str, AfterValidator(lambda value: normalize_alternative_name(value) if value else "")]
Fingerprint = Annotated[str, AfterValidator(lambda value: normalize_fingerprint(value) if value else "")]


class MatchRule(ProfileSection):
    """One rule by which a message belongs to a profile: all keys that are set must fit (texts without case).

    A message that names a profile by its URL or listener is matched by that alone.
    """

    path: str | None = Field(None, description="last part of the URL: /ncip/PATH")
    profile_type: str | None = Field(None, description="ApplicationProfileType")
    from_agency: str | None = None
    to_agency: str | None = None
    from_system: str | None = None
    version: str | None = Field(None, description="protocol version: 1 or 2, or 2.02")
    network: Network | None = Field(None, description="the sender's IP network")
    credential: str | None = Field(None, description="name of the credential in `auth` that the sender used")


class AuthKind(StrEnum):
    NONE = "none"
    NETWORK = "network"
    BASIC = "basic"
    BEARER = "bearer"
    PATH_KEY = "path-key"
    QUERY_KEY = "query-key"
    HEADER = "header"
    AGENCY_SECRET = "agency-secret"
    SYSTEM_SECRET = "system-secret"
    CERTIFICATE = "certificate"
    SIGNED_TOKEN = "signed-token"


class Authentication(ProfileSection):
    """A way to authenticate a sender."""

    kind: AuthKind
    name: str = Field("", description="a name for this credential, used by match rules and the journal")
    user: str = Field("", description="user name for basic; common name (CN) for a client certificate")
    san: AlternativeName = Field(
        "",
        description="subject alternative name for a client certificate: DNS:ill.partner.example, email:, URI: or IP:",
    )
    fingerprint: Fingerprint = Field("", description="SHA-256 fingerprint for a client certificate, in hexadecimal")
    secret: SecretReference = Field("", description="env:NAME or file:PATH")
    networks: tuple[Network, ...] = Field((), description="for kind network, or as a further condition for the others")
    agencies: tuple[str, ...] = Field(
        (),
        description="agency IDs (FromAgencyId) in whose name a sender with this credential speaks; a message that "
        "names another is refused. Empty: any but those that other profiles of the library name (`match.from_agency` "
        "and this key)",
    )
    parameter: str = Field("apikey", description="name of the query parameter for query-key")
    header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]*$",
        description="name of the HTTP header for kind header, such as X-ILL-Key; its whole value is the secret",
    )


class ProfileExample(ProfileSection):
    """A message and how it must be understood and answered; `illgate check` runs it."""

    name: str
    send: str = Field(description="message as sent by the partner")
    addressed_to: str = Field(
        "", description="symbol by which the message calls our library, if another one than gateway.yml; for this alone"
    )
    understood: Mapping[str, object] = Field(
        {}, description="dotted paths into the decoded command -> expected value; 'service' is the service's name"
    )
    answer_contains: tuple[str, ...] = ()
    answer_lacks: tuple[str, ...] = ()
    answer_paths: Mapping[str, str] = Field(
        {}, description="element paths by local names in the answer -> expected text ('' = present and empty)"
    )
    outcome: str = Field("ok", pattern="^(ok|refused|malformed)$")


class Profile(BaseModel):
    """A checked profile. `dialects` holds each protocol's own section, already a model of that protocol."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    description: str = ""
    contact: str = Field("", description="contacts for this partner, on our side and on theirs")
    extends: str | None = None
    abstract: bool = Field(False, description="for extending only; never matched to a message")
    library: str = Field("", description="symbol of the library; empty: the only one configured")
    match: tuple[MatchRule, ...] = ()
    auth: tuple[Authentication, ...] = Field(
        (), description="credentials; a sender needs one of them; empty: no sender is accepted"
    )
    peer_authentication: PeerAuthentication = Field(
        PeerAuthentication.model_construct(), description="signed tokens for mutual authentication"
    )
    max_bytes: int = Field(1_000_000, ge=1_000, le=50_000_000, description="maximum size of a message")
    circulation: CirculationPolicy = CirculationPolicy.model_construct()
    partner: PartnerPolicy | None = Field(
        None, description="section for managed requests: this partner as supplier or requester"
    )
    locate: LocatePolicy | None = Field(None, description="catalogue search for holdings before the partner is asked")
    examples: tuple[ProfileExample, ...] = ()
    dialects: Mapping[str, BaseModel] = Field(default_factory=dict)

    def require_dialect(self, section: str, kind: type[D]) -> D:
        """Return the section of a protocol. Raises Refused(UNSUPPORTED_SERVICE)."""
        dialect = self.dialects.get(section)
        if not isinstance(dialect, kind):
            raise Refused(
                RefusalReason.UNSUPPORTED_SERVICE,
                write_sentence("Profile '%(name)s' has no section %(section)s.", name=self.name, section=section),
            )
        return dialect
