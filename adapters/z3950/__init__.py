"""Z39.50: searching library catalogues. README.md says what of the standard is spoken."""

from __future__ import annotations

from adapters.z3950.dialect import SECTION, Z3950Dialect, split_address
from gateway.ports.adapter import SearchAdapter, SearchContext
from gateway.ports.catalogue import RecordSearch


def target_address(dialect: Z3950Dialect) -> str:
    host, port = split_address(dialect.address)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def make_search(context: SearchContext) -> RecordSearch:
    from adapters.z3950.client import Z3950Search  # profiles need the dialect alone

    return Z3950Search(context.secrets)


adapter = SearchAdapter(name=SECTION, dialect=Z3950Dialect, make=make_search, address=target_address)
