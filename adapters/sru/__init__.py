"""SRU: searching library catalogues over HTTP. README.md says what of the standard is spoken."""

from __future__ import annotations

from adapters.sru.dialect import SECTION, SruDialect
from gateway.ports.adapter import SearchAdapter, SearchContext
from gateway.ports.catalogue import RecordSearch


def target_url(dialect: SruDialect) -> str:
    return dialect.url


def make_search(context: SearchContext) -> RecordSearch:
    from adapters.sru.client import SruSearch  # profiles need the dialect alone

    return SruSearch(context)


adapter = SearchAdapter(name=SECTION, dialect=SruDialect, make=make_search, address=target_url)
