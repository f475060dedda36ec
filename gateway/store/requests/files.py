"""The bytes of attachments."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select
from sqlalchemy import delete as sql_delete

from gateway.store.bulk import insert_rows
from gateway.store.prepared import Prepared
from gateway.store.requests.tables import request_file

_file_columns = request_file.c
_ONE = (_file_columns.library == bindparam("library"), _file_columns.id == bindparam("id"))
_GET = Prepared(select(_file_columns.content).where(*_ONE))
_DELETE = Prepared(sql_delete(request_file).where(*_ONE))


def put(connection: Connection, library: str, id_: str, content: bytes) -> None:
    """Raises IntegrityError when the id is taken: a file never changes."""
    insert_rows(connection, request_file, [(library, id_, content)])


def get(connection: Connection, library: str, id_: str) -> bytes | None:
    row = _GET.first(connection, {"library": library, "id": id_})
    return None if row is None else bytes(row.content)


def delete(connection: Connection, library: str, id_: str) -> None:
    _DELETE.run(connection, [{"library": library, "id": id_}])
