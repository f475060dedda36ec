"""CrossLink's directory API: GET /entries, page by page (indexdata/crosslink, directory/api.yaml, as of August 2026).

Read is what tells who a library is and how to reach it. Systems, patrons' rules and catalogues behind it
(`lmsConfig`, `holdingsPolicy`, `catalogConfig`) are its broker's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object

_Text = Annotated[str, Field(min_length=1, max_length=500)]
_WEB = r"^https?://[^\s/?#@]+(/\S*)?$"


class _Read(BaseModel):
    """Fields have the API's own names. What a later release says besides isn't read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Symbol(_Read):
    authority: _Text
    symbol: _Text


class _Endpoint(_Read):
    type: str
    address: str


class _IllConfig(_Read):
    iso18626Url: str = ""
    iso18626Vendor: str = "Unknown"


class _AddressComponent(_Read):
    seq: int = 0
    type: str
    value: str


class _Address(_Read):
    type: str
    addressComponents: tuple[_AddressComponent, ...] = ()


class _Closure(_Read):
    startDate: date
    endDate: date
    reason: str = ""

    @model_validator(mode="after")
    def _check_days(self) -> Self:
        if self.endDate < self.startDate:
            raise ValueError("endDate is before startDate")
        return self


class _Tier(_Read):
    type: str = "loan"
    level: str = "standard"
    cost: Decimal = Field(Decimal(0), ge=0, max_digits=12, decimal_places=3)


class _Entry(_Read):
    name: _Text
    type: str = "Institution"
    symbols: tuple[_Symbol, ...] = ()
    email: str | None = None
    phoneNumber: str | None = None
    vendor: str = "Unknown"
    illConfig: _IllConfig = _IllConfig()
    endpoints: tuple[_Endpoint, ...] = ()
    addresses: tuple[_Address, ...] = ()
    closures: tuple[_Closure, ...] = ()
    tiers: tuple[_Tier, ...] = ()


class _About(_Read):
    count: int
    nextLink: str = ""


class _Page(_Read):
    about: _About
    items: tuple[dict[str, object], ...]


class _Checked(_Read):
    url: Annotated[str, Field(pattern=_WEB)]


@value_object
class TierPrice:
    """`service`: loan or copy. `cost` in the directory's currency, which it doesn't name."""

    service: Literal["loan", "copy"]
    level: str
    cost: Decimal


@value_object
class DirectoryEntry:
    """A library as a directory describes it; `symbols` as AUTHORITY:SYMBOL. `url`: where it takes ISO 18626; empty:
    it takes none."""

    symbols: tuple[str, ...]
    name: str
    vendor: str = ""
    url: str = ""
    address: str = ""
    email: str = ""
    phone: str = ""
    closures: tuple[tuple[date, date, str], ...] = ()
    tiers: tuple[TierPrice, ...] = ()


@value_object
class DirectoryPage:
    """`count`: entries on all pages together; `next_link`: of the next page, empty: this is the last."""

    count: int
    next_link: str
    items: tuple[dict[str, object], ...]


def read_page(body: bytes) -> DirectoryPage:
    """Read a page; raises Unavailable when it isn't one."""
    try:
        page = _Page.model_validate(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise Unavailable(write_sentence("the answer is not a page of CrossLink's directory")) from error
    return DirectoryPage(page.about.count, page.about.nextLink, page.items)


def read_entry(item: dict[str, object]) -> DirectoryEntry | None:
    """Read an entry; None for a consortium, and for who has no symbol or takes no ISO 18626, such as a branch. Raises
    ValueError, which says where it is wrong and shows nothing of it."""
    given = {key: value for key, value in item.items() if value is not None}
    try:
        entry = _Entry.model_validate(given)
        url, vendor = _find_endpoint(entry)
        if entry.type.casefold() == "consortium" or not entry.symbols or not url:
            return None
        _Checked(url=url)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return DirectoryEntry(
        symbols=tuple(dict.fromkeys(f"{one.authority}:{one.symbol}".upper() for one in entry.symbols)),
        name=entry.name,
        vendor=vendor,
        url=url,
        address=_format_address(entry.addresses),
        email=entry.email or "",
        phone=entry.phoneNumber or "",
        closures=tuple((closure.startDate, closure.endDate, closure.reason) for closure in entry.closures),
        tiers=tuple(
            TierPrice("copy" if tier.type.casefold() == "copy" else "loan", tier.level.casefold(), tier.cost)
            for tier in entry.tiers
        ),
    )


def _find_endpoint(entry: _Entry) -> tuple[str, str]:
    """The address and who made the system: `illConfig` comes before the list of endpoints."""
    if entry.illConfig.iso18626Url:
        return entry.illConfig.iso18626Url, entry.illConfig.iso18626Vendor
    urls = (endpoint.address for endpoint in entry.endpoints if endpoint.type.casefold() == "iso18626")
    return next(urls, ""), entry.vendor


def _format_address(addresses: Iterable[_Address]) -> str:
    """The lines of the address that parcels go to, where it is marked."""
    listed = sorted(addresses, key=lambda one: ("Shipping", "Default", "Other", "Billing", one.type).index(one.type))
    components = sorted(listed[0].addressComponents, key=lambda one: one.seq) if listed else []
    by_line: dict[str, list[str]] = {"street": [], "town": [], "country": []}
    for component in components:
        by_line[_LINES.get(component.type, "street")].append(component.value.strip())
    return "\n".join(" ".join(filter(None, words)) for words in by_line.values() if any(words))


_LINES = {"Locality": "town", "AdministrativeArea": "town", "PostalCode": "town", "CountryCode": "country"}
