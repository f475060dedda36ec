"""SRU: searching library catalogues over HTTP. README.md says what of the standard is spoken."""

from __future__ import annotations

from adapters.sru.client import SruSearch
from adapters.sru.dialect import SECTION, SruDialect
from gateway.ports.adapter import SearchAdapter


def target_url(dialect: SruDialect) -> str:
    return dialect.url


adapter = SearchAdapter(name=SECTION, dialect=SruDialect, make=SruSearch, address=target_url)
