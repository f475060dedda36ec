"""Keys by which a library's messages are signed for partners' systems, among its other secrets."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, inspect, select

from gateway.domain.value import value_object
from gateway.store.api_access import server_secret

PREFIX = "peer-key:"


@value_object
class PeerKeyRow:
    """`kid`: the key's id (RFC 7517, 4.5); `private_key`: PEM; `created`: since when its public part is published, in
    UTC."""

    library: str
    kid: str
    private_key: bytes = field(repr=False)
    created: datetime


def add_peer_key(c: Connection, row: PeerKeyRow) -> None:
    c.execute(
        insert(server_secret).values(
            library=row.library, name=PREFIX + row.kid, value=row.private_key, created=row.created
        )
    )


def list_peer_keys(c: Connection) -> tuple[PeerKeyRow, ...]:
    """List the keys of all libraries, oldest first."""
    table = server_secret.c
    query = select(server_secret).where(table.name.startswith(PREFIX, autoescape=True))
    return tuple(
        PeerKeyRow(row["library"], row["name"].removeprefix(PREFIX), bytes(row["value"]), row["created"])
        for row in c.execute(query.order_by(table.created, table.name)).mappings()
    )


def list_signing_libraries(c: Connection) -> frozenset[str]:
    """Those that have a key; none in a database without tables."""
    if not inspect(c).has_table(server_secret.name):
        return frozenset()
    return frozenset(row.library for row in list_peer_keys(c))


def delete_peer_key(c: Connection, library: str, kid: str) -> bool:
    """False: there is no such key."""
    table = server_secret.c
    return c.execute(delete(server_secret).where(table.library == library, table.name == PREFIX + kid)).rowcount > 0
