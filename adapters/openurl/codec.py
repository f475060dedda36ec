"""OpenURL <-> citation. Pure: nothing is fetched.

`decode`: version 0.1 and 1.0, by GET, POST or both, KEV or an XML context object by value.
`encode`: 1.0 KEV as the standard has it. What its formats have no place for goes into `rft_dat` under our own key, so
that decode(encode(x)) is x; templates for partners are `adapters.openurl.template`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

from adapters.openurl.carrying import carried
from adapters.openurl.private import written
from adapters.openurl.reading import FIELDS, cited
from adapters.openurl.writing import Pair, write
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.ports.citing import ArrivedLink, Cited

MATRIX = "info:ofi/fmt:kev:mtx:"


def decode(link: ArrivedLink) -> Cited:
    """Raises MalformedMessage where nothing at all can be read."""
    return cited(carried(link))


def encode(citation: Citation, service: ServiceType) -> str:
    """A query string, percent-encoded UTF-8."""
    pairs = tuple(context(citation))
    lost = tuple(_lost(citation, service, pairs))
    return query_of((*pairs, ("rft_dat", written(lost))) if lost else pairs)


def context(citation: Citation, prefix: str = "rft.", genre: str = "", charset: str = "utf-8") -> Iterator[Pair]:
    """The keys of a 1.0 context object. `genre`: instead of the one that the citation's type has."""
    item = write(citation)
    yield "url_ver", "Z39.88-2004"
    yield "url_ctx_fmt", f"{MATRIX}ctx"
    yield "ctx_ver", "Z39.88-2004"
    yield "ctx_enc", f"info:ofi/enc:{charset.upper()}"
    if citation.source:
        yield "rfr_id", f"info:sid/{citation.source}"
    yield "rft_val_fmt", f"{MATRIX}{item.format}"
    yield f"{prefix}genre", genre or item.genre
    for key, value in item.pairs:
        yield f"{prefix}{key}", value
    for uri in item.ids:
        yield "rft_id", uri
    if citation.note:
        yield f"{prefix}notes", citation.note


def query_of(pairs: tuple[Pair, ...], charset: str = "utf-8") -> str:
    """What the character set lacks becomes `&#8211;`, as in the forms of browsers."""
    return "&".join(
        f"{quote_plus(key)}={quote_plus(value.encode(charset, 'xmlcharrefreplace'))}" for key, value in pairs
    )


def _lost(citation: Citation, service: ServiceType, pairs: tuple[Pair, ...]) -> Iterator[tuple[str, Any]]:
    """Fields that would be read back as something else."""
    read = decode(ArrivedLink(query_of(pairs).encode()))
    for name in FIELDS:
        value = getattr(citation, name)
        if getattr(read.citation, name) != value:
            yield name, value
    if read.service is not service:
        yield "service", service


class OpenUrl:
    """The port `LinkFormat`."""

    name = "openurl"

    def decode(self, link: ArrivedLink) -> Cited:
        return decode(link)

    def encode(self, citation: Citation, service: ServiceType) -> str:
        return encode(citation, service)
