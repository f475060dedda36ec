"""Who: systems, people, addresses."""

from __future__ import annotations

from typing import Annotated

from adapters.iso_ill.messages.base import Choice, Tag
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class Symbol(Choice):
    """Person-Or-Institution-Symbol: one of the two."""

    person: Annotated[str, Tag(0, "person-symbol")] = ""
    institution: Annotated[str, Tag(1, "institution-symbol")] = ""

    @property
    def text(self) -> str:
        return self.institution or self.person


@frozen_by_name
class Name(Choice):
    """Name-Of-Person-Or-Institution: one of the two."""

    person: Annotated[str, Tag(0, "name-of-person")] = ""
    institution: Annotated[str, Tag(1, "name-of-institution")] = ""

    @property
    def text(self) -> str:
        return self.institution or self.person


@frozen_by_name
class SystemId:
    """At least one of them is there, by the standard; yaz sends neither."""

    symbol: Annotated[Symbol | None, Tag(0, "person-or-institution-symbol")] = None
    name: Annotated[Name | None, Tag(1, "name-of-person-or-institution")] = None

    @classmethod
    def of(cls, symbol: str, name: str = "") -> SystemId:
        """An institution."""
        return cls(symbol=Symbol(institution=symbol) if symbol else None, name=Name(institution=name) if name else None)

    @property
    def symbol_text(self) -> str:
        return self.symbol.text if self.symbol is not None else ""

    @property
    def name_text(self) -> str:
        return self.name.text if self.name is not None else ""


@frozen_by_name
class SystemAddress:
    """Service such as TCP/IP or SMTP, and what it calls the address: host:port, a mailbox."""

    service: Annotated[str, Tag(0, "telecom-service-identifier")] = ""
    address: Annotated[str, Tag(1, "telecom-service-address")] = ""


@frozen_by_name
class PostalAddress:
    name: Annotated[Name | None, Tag(0, "name-of-person-or-institution")] = None
    extended: Annotated[str, Tag(1, "extended-postal-delivery-address")] = ""
    street: Annotated[str, Tag(2, "street-and-number")] = ""
    post_office_box: Annotated[str, Tag(3)] = ""
    city: Annotated[str, Tag(4)] = ""
    region: Annotated[str, Tag(5)] = ""
    country: Annotated[str, Tag(6)] = ""
    postal_code: Annotated[str, Tag(7)] = ""


@frozen_by_name
class DeliveryAddress:
    postal: Annotated[PostalAddress | None, Tag(0, "postal-address")] = None
    electronic: Annotated[SystemAddress | None, Tag(1, "electronic-address")] = None


@frozen_by_name
class Location:
    """Location-Info."""

    id: Annotated[SystemId, Tag(0, "location-id")]
    address: Annotated[SystemAddress | None, Tag(1, "location-address")] = None
    note: Annotated[str, Tag(2, "location-note")] = ""


@frozen_by_name
class Recipient:
    """An entry of a Send-To-List."""

    id: Annotated[SystemId, Tag(0, "system-id")]
    account_number: Annotated[str, Tag(1)] = ""
    address: Annotated[SystemAddress | None, Tag(2, "system-address")] = None


@frozen_by_name
class Client:
    """Client-Id: the patron."""

    name: Annotated[str, Tag(0, "client-name")] = ""
    status: Annotated[str, Tag(1, "client-status")] = ""
    identifier: Annotated[str, Tag(2, "client-identifier")] = ""
