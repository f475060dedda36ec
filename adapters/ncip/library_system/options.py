"""Settings of a library system that answers NCIP: section `libraries[].system` with `type: ncip`.
docs/library-systems/ncip.md explains each key, and has the settings of several systems to copy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from adapters.library.circuit_breaker import BreakerOptions
from adapters.ncip.dialect import NcipDialect
from gateway.domain.circulation_policy import CirculationPolicy, PickupRules, PickupSource, ProfileSection
from gateway.domain.library import IdentifierType
from gateway.domain.secret_reference import UrlWithoutSecret
from gateway.ports.message_transport import HttpPlace, Place, SendTimeouts, TcpPlace
from gateway.ports.tls import ClientTls

Seconds = Annotated[float, Field(gt=0, le=600)]

LibraryService = Literal[
    "LookupUser",
    "LookupItem",
    "LookupItemSet",
    "LookupRequest",
    "RequestItem",
    "UpdateRequestItem",
    "CancelRequestItem",
    "AcceptItem",
    "DeleteItem",
    "CheckOutItem",
    "CheckInItem",
    "RenewItem",
    "RecallItem",
    "CreateUserFiscalTransaction",
]
"""All that the gateway may ask of a library's system."""

DEFAULT_SERVICES: tuple[LibraryService, ...] = (
    "LookupUser",
    "LookupItem",
    "RequestItem",
    "CancelRequestItem",
    "AcceptItem",
    "DeleteItem",
    "CheckOutItem",
    "CheckInItem",
    "RenewItem",
)
"""What Koha answers (facts/ils-backends.md 1.6); others answer less or more."""

PatronList = Literal["loans", "holds", "fees"]


class SecondsOptions(ProfileSection):
    connect: Seconds = Field(5.0, description="until there is a connection")
    look_up: Seconds = Field(10.0, description="for the answer to a question")
    change: Seconds = Field(30.0, description="for the answer to a change; then its outcome is unknown")


class PatronOptions(ProfileSection):
    types: tuple[str, ...] = Field(
        (IdentifierType.BARCODE.value,), min_length=1, description="kinds of patron numbers that it finds"
    )
    inputs: tuple[str, ...] = Field(
        (), description="AuthenticationInputTypes by which it finds a patron too, tried after UserId, such as username"
    )
    name_input: str = Field("Barcode Id", min_length=1, description="type of the number that goes with a PIN")
    pin_input: str = Field("", description="type of a PIN, such as PIN; empty: it checks none")
    lists: tuple[PatronList, ...] = Field(
        ("loans", "holds"), description="what LookupUser lists when it is asked for: loans, holds, fees"
    )
    blocked_words: tuple[str, ...] = Field(
        ("BLOCKED", "N", "BARRED"), description="privilege STATUS of a patron who may not borrow"
    )
    expired_words: tuple[str, ...] = Field(
        ("EXPIRED",), description="privilege STATUS of one whose membership has ended"
    )


class RequestOptions(ProfileSection):
    item_type: str = Field("Hold", min_length=1, description="RequestType of a hold on an item")
    item_scope: str = Field("Item", min_length=1, description="its RequestScopeType")
    title_type: str = Field("Hold", min_length=1, description="RequestType of a hold on a title")
    title_scope: str = Field("Bibliographic Item", min_length=1, description="its RequestScopeType")
    accept_action: str = Field("Hold For Pickup", min_length=1, description="RequestedActionType of AcceptItem")
    item_as: Literal["item", "record", "request"] = Field(
        "item",
        description="how RequestItem names an item: by ItemId; with the number or ISBN of its record besides (Koha); "
        "or with its barcode as RequestId and an empty record number (FOLIO)",
    )
    numbers: Literal["ours", "theirs"] = Field(
        "ours", description="theirs: it knows a request by a number of its own alone, as Koha and FOLIO do"
    )


class PickupOptions(ProfileSection):
    code: str = Field(min_length=1, description="as the system knows it (PickupLocation)")
    name: str = Field("", description="for people; empty: the code")
    library: str = Field("", description="branch that it belongs to; empty: the code")
    resource_sharing: bool = Field(False, description="partners' items come and go here")


class TrialOptions(ProfileSection):
    """The values that `illgate check --live` looks up."""

    patron: str = Field("", description="number of a patron kept for this")
    item: str = Field("", description="barcode of an item kept for this")
    new_item: str = Field(
        "",
        description="barcode of a partner's item that is made for trial.patron and deleted, twice; empty: nothing is "
        "changed",
    )


class NcipLibraryOptions(ProfileSection):
    url: UrlWithoutSecret = Field(
        "", pattern=r"^(https?://.+)?$", description="where it answers; empty: by TCP, at ncip.tcp.address"
    )
    tcp_security: Literal["none", "tls"] = Field("none", description="for TCP: tls is encrypted, by certificate")
    ca: str = Field("", description="PEM file of authorities to trust; empty: the system's")
    certificate: str = Field("", description="PEM file with our certificate and key, where it asks for one")
    seconds: SecondsOptions = SecondsOptions.model_construct()
    breaker: BreakerOptions = BreakerOptions.model_construct()
    ncip: NcipDialect = Field(
        NcipDialect.model_construct(), description="what its messages look like, as section `ncip` of a profile"
    )
    services: tuple[LibraryService, ...] = Field(DEFAULT_SERVICES, description="what it answers; nothing else is sent")
    patrons: PatronOptions = PatronOptions.model_construct()
    requests: RequestOptions = RequestOptions.model_construct()
    due_dates: Literal["ours", "theirs"] = Field(
        "ours", description="theirs: it pays no heed to DesiredDateDue, its own rules decide"
    )
    check_out_again: bool = Field(
        True,
        description="whether CheckOutItem may be sent for an item that may be on loan already; not to FOLIO, which "
        "then ends the loan",
    )
    pickup_in: Literal["element", "receiver"] = Field(
        "element", description="element with the pickup location: PickupLocation, or ToAgencyId as in version 1"
    )
    pickups: tuple[PickupOptions, ...] = Field((), description="where patrons collect; empty: any code is sent")
    branch_agencies: Mapping[str, str] = Field(
        {}, description="branch -> ToAgencyId by which an item is checked in there; others go to partner_agency"
    )
    item_policies: Mapping[str, str] = Field(
        {}, description="policy of temporary items -> MediumType that makes it; empty: any, and none is sent"
    )
    branch: str = Field("", description="branch of items and patrons of which the system names none")
    resource_sharing_branch: str = Field("", description="where partners' items come and go; empty: the pickup's")
    trial: TrialOptions = TrialOptions.model_construct()

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        address = self.ncip.tcp.address
        if bool(self.url) == bool(address):
            raise ValueError("either url or ncip.tcp.address says where the system answers")
        if address and not (address.rpartition(":")[0] and address.rpartition(":")[2].isdigit()):
            raise ValueError("ncip.tcp.address is host:port")
        if "LookupUser" not in self.services:
            raise ValueError("services: without LookupUser no patron can be found, so nothing can be done")
        missing = [name for name in self.services if not self.ncip.xml.version.has_service(name)]
        if missing:
            raise ValueError(f"services: version {self.ncip.xml.version.value} has no {', '.join(missing)}")
        codes = [pickup.code for pickup in self.pickups]
        if len(set(codes)) < len(codes):
            raise ValueError("a pickup code stands twice")
        return self

    def is_answered(self, *services: LibraryService) -> bool:
        return all(service in self.services for service in services)

    @property
    def resource_sharing_place(self) -> str:
        """Branch through which partners' items come and go; empty: the system decides."""
        shared = (pickup.library or pickup.code for pickup in self.pickups if pickup.resource_sharing)
        return self.resource_sharing_branch or next(shared, "")

    @property
    def policy(self) -> CirculationPolicy:
        """The policy of what a message to the system looks like."""
        source = PickupSource.RECEIVER if self.pickup_in == "receiver" else PickupSource.PICKUP_LOCATION
        return CirculationPolicy(pickup=PickupRules(source=(source,)))

    def make_place(self, folder: Path, seconds: float) -> Place:
        """`seconds`: for the whole of a message and its answer."""
        tls = ClientTls(*(Path(file) if file else None for file in (self.ca, self.certificate)))
        tls = tls.resolve_in_folder(folder)
        timeouts = SendTimeouts(self.seconds.connect, seconds, self.seconds.connect + seconds)
        if self.url:
            return HttpPlace(self.url, tls, timeouts)
        host, _, port = self.ncip.tcp.address.rpartition(":")
        return TcpPlace(host.strip("[]"), int(port), tls if self.tcp_security == "tls" else None, timeouts)

    def named_secrets(self) -> Mapping[str, str]:
        """Return the secrets by key within the section."""
        return {
            "ncip.http.auth.secret": self.ncip.http.auth.secret,
            "ncip.header.agency_authentication": self.ncip.header.agency_authentication,
        }
