"""Ways to fulfil a wish, and the order in which they are offered: requests.yml, section `services`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from string import Formatter
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.request import ServiceType


class Availability(StrEnum):
    """What the library itself has of it."""

    AVAILABLE = "available"  # a copy stands on the shelf
    OUT = "out"  # we have it, and no copy can be had at once
    NOT_HELD = "not-held"
    UNKNOWN = "unknown"  # our own catalogue could not be asked


class Fulfilment(StrEnum):
    ELECTRONIC = "electronic"  # links into full text
    HOLD = "hold"  # on the library's own copy
    BORROW = "borrow"  # a request to other libraries, for a loan or a copy
    ASK = "ask"  # staff


# --- links ---------------------------------------------------------------------------------------------------

NUMBERS = ("doi", "pmid", "isbn", "issn", "oclc", "lccn")

FIELDS = (
    *NUMBERS,
    "title",
    "author",
    "part_title",
    "part_author",
    "volume",
    "issue",
    "pages",
    "first_page",
    "year",
    "openurl",
)
"""What a link may be filled with; `openurl` is the whole citation as a query string."""

_URL = re.compile(r"https?://[^{}/?#\s@]+([/?#]\S*)?")


def _parse_link_fields(url: str) -> tuple[str, ...]:
    """List the fields of a link; raises ValueError."""
    parts = list(Formatter().parse(url))
    names = tuple(name for _, name, _, _ in parts if name is not None)
    if unknown := [name for name in names if name not in FIELDS]:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise ValueError(f"{{{unknown[0]}}} is nothing that a link can be filled with; there is {known}")
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise ValueError("a field stands in braces as it is, without ':' or '!'")
    return names


def _check_link(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError("must be https://HOST/… or http://HOST/…, with fields in braces only behind the host")
    _parse_link_fields(url)
    return url


class LinkOut(ProfileSection):
    """A link into full text. It is offered when all its conditions fit and all of its fields are known."""

    name: dict[str, str] = Field(min_length=1, description="language -> label: {en: Full text, de: Volltext}")
    url: Annotated[str, AfterValidator(_check_link)] = Field(
        description="fields in braces are URL-encoded: https://doi.org/{doi}"
    )
    citation_types: tuple[CitationType, ...] = Field((), description="only for these; empty: for all")
    identifiers: tuple[str, ...] = Field(
        (), description="number types that the citation must have, besides those in the url"
    )

    def fill_link(self, citation: Citation, openurl: str) -> str:
        """Empty where it doesn't fit."""
        if self.citation_types and citation.type not in self.citation_types:
            return ""
        if not all(citation.identifier(type_) for type_ in self.identifiers):
            return ""
        known = link_values(citation)
        wanted = {
            name: quote(known[name], safe="") if name != "openurl" else openurl for name in _parse_link_fields(self.url)
        }
        return self.url.format(**wanted) if all(wanted.values()) else ""


def link_values(citation: Citation) -> Mapping[str, str]:
    """Return the values that links are filled with, unquoted, without `openurl`."""
    numbers = {type_: citation.identifier(type_).strip() for type_ in NUMBERS}
    numbers |= {type_: re.sub(r"[\s-]", "", numbers[type_]) for type_ in ("isbn", "issn")}
    first_page = re.match(r"\s*([A-Za-z]?\d+)", citation.pages)
    year = re.search(r"\d{4}", citation.published)
    return {
        **numbers,
        "title": citation.title,
        "author": citation.author,
        "part_title": citation.component_title,
        "part_author": citation.component_author,
        "volume": citation.volume,
        "issue": citation.issue,
        "pages": citation.pages,
        "first_page": first_page[1] if first_page else "",
        "year": year[0] if year else "",
    }


# --- rules ---------------------------------------------------------------------------------------------------


class OfferRule(ProfileSection):
    """All keys that are set must fit; in a list one value is enough."""

    availability: tuple[Availability, ...] = Field((), description="available, out, not-held, unknown")
    services: tuple[ServiceType, ...] = Field((), description="requested service: loan, copy, copy-or-loan")
    citation_types: tuple[CitationType, ...] = ()
    patron_categories: tuple[str, ...] = Field((), description="patron categories; matches only signed-in patrons")
    offer: tuple[Fulfilment, ...] = Field(description="best first: electronic, hold, borrow, ask")

    def matches_wish(self, availability: Availability, citation: Citation, service: ServiceType, category: str) -> bool:
        """`category` of the patron; empty: nobody knows."""
        categories = [patron_category.casefold() for patron_category in self.patron_categories]
        return (
            (not self.availability or availability in self.availability)
            and (not self.services or service in self.services)
            and (not self.citation_types or citation.type in self.citation_types)
            and (not categories or category.casefold() in categories)
        )


_RUNS = (CitationType.ARTICLE, CitationType.JOURNAL, CitationType.NEWSPAPER)
_E, _H, _B, _A = Fulfilment.ELECTRONIC, Fulfilment.HOLD, Fulfilment.BORROW, Fulfilment.ASK

USUAL = (
    # a hold on a journal would not say on which volume
    OfferRule(citation_types=_RUNS, offer=(_E, _B, _A)),
    OfferRule(availability=(Availability.AVAILABLE,), offer=(_E, _H, _A)),
    OfferRule(availability=(Availability.OUT,), offer=(_E, _H, _B, _A)),
    OfferRule(offer=(_E, _B, _A)),
)


class CopyDeclaration(ProfileSection):
    """The declaration that a patron makes before a copy is asked for."""

    services: tuple[ServiceType, ...] = Field(
        (), description="services for which the declaration is required; empty: none"
    )
    text: dict[str, Annotated[str, Field(min_length=1, max_length=2000)]] = Field(
        {}, description="language -> your own text; not set: the default text"
    )


class UsualDays(ProfileSection):
    """Calendar days that most things take to come, as patrons are told."""

    least: int = Field(0, ge=0, le=365)
    most: int = Field(0, ge=0, le=365, description="0: not shown")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.most and self.most < self.least:
            raise ValueError("most must not be less than least")
        return self


class UsualTimes(ProfileSection):
    loans: UsualDays = UsualDays.model_construct()
    copies: UsualDays = UsualDays.model_construct()

    def of_service(self, service: ServiceType) -> UsualDays:
        return self.copies if service is ServiceType.COPY else self.loans


class ItemFormats(ProfileSection):
    """Words of ISO 18626 (ItemFormat)."""

    loans: tuple[str, ...] = ()
    copies: tuple[str, ...] = ("pdf", "paper-copy")


class ServicesPolicy(ProfileSection):
    rules: tuple[OfferRule, ...] = Field(USUAL, description="rules for the options shown; the first match applies")
    links: tuple[LinkOut, ...] = Field((), description="full text, best first")
    formats: ItemFormats = Field(
        ItemFormats.model_construct(), description="pickup locations offered to patrons; empty: no choice"
    )
    least_days: int = Field(0, ge=0, le=365, description="calendar days to the earliest last-interest date")
    usual_days: UsualTimes = UsualTimes.model_construct()
    declaration: CopyDeclaration = CopyDeclaration.model_construct()

    def choose_fulfilments(
        self, availability: Availability, citation: Citation, service: ServiceType, category: str = ""
    ) -> tuple[Fulfilment, ...]:
        """Choose fulfilments; nothing where no rule fits."""
        rule = next((rule for rule in self.rules if rule.matches_wish(availability, citation, service, category)), None)
        return tuple(dict.fromkeys(rule.offer)) if rule is not None else ()

    def needs_declaration(self, service: ServiceType) -> bool:
        return service in self.declaration.services
