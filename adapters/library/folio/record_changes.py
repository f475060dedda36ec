"""Changes of FOLIO's records: how one is made, changed and removed so that a repeat is harmless.

A record has an id that we choose and can choose again: of a lost answer, and of a refusal, the record itself tells
whether it was made. A change reads the whole record, changes it and sends it back with its version; one that somebody
else has changed meanwhile is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

from adapters.library.folio.answers import FolioJson
from adapters.library.folio.client import FolioClient
from adapters.library.folio.reasons import FolioRefusal
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object

MAX_CONFLICTS = 3

EditRecord = Callable[[FolioJson], bool]
"""Changes the record in place; False: it is as wanted already."""


def make_record_id(library: str, kind: str, key: str, generation: int = 0) -> str:
    """The same for the same library, kind and idempotency key. `generation`: counts what was made anew under it."""
    return str(uuid5(NAMESPACE_URL, f"illgate:{library}:{kind}:{key}:{generation}"))


@value_object
class EnsuredRecord:
    """`record`: as FOLIO has it now, None where it doesn't show what it made; `is_new`: made by this call."""

    record: FolioJson | None
    is_new: bool


async def ensure_record(client: FolioClient, path: str, record: FolioJson) -> EnsuredRecord:
    """The record is there when this returns.

    Raises FolioRefusal, Unavailable, OutcomeUnknown."""
    record_id = str(record["id"])
    try:
        made = await client.send("POST", path, record)
    except (FolioRefusal, OutcomeUnknown) as failure:
        after = await _look_after(client, path, record_id, failure)
        if after is None:
            raise
        return EnsuredRecord(after, is_new=False)
    return EnsuredRecord(made if isinstance(made, dict) else None, is_new=True)


async def _look_after(
    client: FolioClient, path: str, record_id: str, failure: FolioRefusal | OutcomeUnknown
) -> FolioJson | None:
    """Look afterwards; where nobody can tell, a lost answer stays one."""
    try:
        return await client.find_record(path, record_id)
    except Unavailable as down:
        if isinstance(failure, OutcomeUnknown):
            raise failure from down
        raise


async def change_record(
    client: FolioClient, path: str, record_id: str, edit: EditRecord, known: FolioJson | None = None
) -> FolioJson | None:
    """The record as it is now; None: there is none. `known`: as it was just read; it is changed too.

    Raises FolioRefusal, Unavailable, OutcomeUnknown."""
    title = f"{path}/{{id}}"
    for is_last in [False] * (MAX_CONFLICTS - 1) + [True]:
        record = known if known is not None else await client.find_record(path, record_id)
        known = None
        if record is None or not edit(record):
            return record
        try:
            await client.send("PUT", f"{path}/{record_id}", record, title=title)
        except FolioRefusal as refused:
            if refused.status != 409:
                now = await _look_after(client, path, record_id, refused)
                if now is None or edit(now):
                    raise
                return now  # it has arrived twice: what stands between us may send it again
            if is_last:
                raise Unavailable(write_sentence("%(title)s kept being changed by others", title=title)) from refused
            continue
        except OutcomeUnknown as lost:
            now = await _look_after(client, path, record_id, lost)
            if now is None or edit(now):
                raise
            return now
        return record
    raise AssertionError("the last attempt returns or raises")


async def remove_record(client: FolioClient, path: str, record_id: str) -> bool:
    """False: FOLIO keeps it, since other records belong to it. Raises FolioRefusal, Unavailable, OutcomeUnknown."""
    try:
        await client.delete_record(path, record_id)
    except FolioRefusal as refused:
        if refused.status != 400:
            raise
        return False
    except OutcomeUnknown as lost:
        if await _look_after(client, path, record_id, lost) is not None:
            raise
    return True
