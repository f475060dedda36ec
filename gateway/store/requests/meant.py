"""Which managed requests a message of another system may mean: one look-up by all the numbers and barcodes in it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, text

from gateway.store.prepared import Prepared
from gateway.store.requests.columns import external
from gateway.store.requests.requests import Found
from gateway.store.requests.tables import request_transaction

MAX_REFERENCES = 4
"""Names that one message gives a request."""

_NAMES = ", ".join(f":name{place}" for place in range(MAX_REFERENCES))
_n = request_transaction.c
_TYPES = {"library": _n.library.type, "profile": _n.symbol.type} | {
    f"name{p}": _n.reference.type for p in range(MAX_REFERENCES)
}
_MEANT = Prepared(
    text(
        "SELECT request_id, 0 AS attempt FROM request_external "
        f"WHERE library = :library AND value IN ({_NAMES}) "
        "UNION ALL "
        f"SELECT request_id, 0 FROM request_barcode WHERE library = :library AND barcode IN ({_NAMES}) "
        "UNION ALL "
        f"SELECT id, 0 FROM request WHERE library = :library AND number IN ({_NAMES}) "
        "UNION ALL "
        "SELECT request_id, attempt FROM request_transaction "
        "WHERE library = :library AND role IN ('borrowing', 'lending') AND symbol = :profile "
        f"AND reference IN ({_NAMES})"
    )
    .bindparams(*(bindparam(name, type_=type_) for name, type_ in _TYPES.items()))
    .columns(_n.request_id, _n.attempt)
)


def meant(connection: Connection, library: str, profile: str, names: tuple[str, ...]) -> tuple[Found, ...]:
    """Requests with one of these as their number, as a number elsewhere, as the barcode of an item under way, or as a
    number between us and this partner; newest first, each once. `attempt` is 0 unless the partner's number says which.
    """
    asked = tuple(dict.fromkeys(name for name in map(external, names) if name))[:MAX_REFERENCES]
    if not asked:
        return ()
    filled = (*asked, *asked[:1] * (MAX_REFERENCES - len(asked)))
    values = {"library": library, "profile": profile} | {f"name{place}": name for place, name in enumerate(filled)}
    attempts: dict[str, int] = {}
    for row in _MEANT.all(connection, values):
        attempts[row.request_id] = attempts.get(row.request_id, 0) or row.attempt
    return tuple(Found(id_, attempts[id_]) for id_ in sorted(attempts, reverse=True))
