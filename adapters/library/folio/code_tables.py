"""The codes that a FOLIO tenant has set up: locations, service points, loan types and the like. FOLIO's records name
them by id, profiles and settings by code or name. Kept for an hour, then read again, once for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import Enum
from time import monotonic
from typing import Generic, TypeVar

import structlog

from adapters.library.folio.answers import (
    FeeTypeRow,
    FolioAnswer,
    LocationRow,
    NamedRow,
    OwnerRow,
    ServicePointRow,
    read_answer,
)
from adapters.library.folio.client import FolioClient
from adapters.library.folio.cql import EVERYTHING, match_value
from adapters.library.folio.options import FolioOptions
from adapters.library.parallel_questions import ask_together
from adapters.library.refusals import make_refusal
from gateway.domain.problems import MessagePart, RefusalReason, Unavailable
from gateway.domain.value import value_object

RETRY_SECONDS = 60.0
"""A code that isn't there may have been set up just now: the table is read again, but not more often than this."""

R = TypeVar("R", bound=FolioAnswer)

log = structlog.get_logger(component="folio")


class CodeTable(Enum):
    """(path, key of its list, what it is to people)."""

    PATRON_GROUPS = ("/groups", "usergroups", "patron group")
    ADDRESS_TYPES = ("/addresstypes", "addressTypes", "address type")
    LOAN_TYPES = ("/loan-types", "loantypes", "loan type")
    MATERIAL_TYPES = ("/material-types", "mtypes", "material type")
    INSTANCE_TYPES = ("/instance-types", "instanceTypes", "resource type")
    IDENTIFIER_TYPES = ("/identifier-types", "identifierTypes", "identifier type")
    CONTRIBUTOR_NAME_TYPES = ("/contributor-name-types", "contributorNameTypes", "contributor name type")
    HOLDINGS_SOURCES = ("/holdings-sources", "holdingsRecordsSources", "holdings source")
    CANCELLATION_REASONS = (
        "/cancellation-reason-storage/cancellation-reasons",
        "cancellationReasons",
        "cancellation reason",
    )

    @property
    def words(self) -> str:
        return self.value[2]


class _KeptRows(Generic[R]):
    """Rows of one table, read when they are wanted."""

    def __init__(self, client: FolioClient, path: str, key: str, model: type[R], words: str, seconds: float) -> None:
        self._client = client
        self._path = path
        self._key = key
        self._model = model
        self._words = words
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._rows: tuple[R, ...] | None = None
        self._read = float("-inf")

    async def load_rows(self, *, older_than: float | None = None) -> tuple[R, ...]:
        """Those at hand, unless they are older than so many seconds. What is there stays in use while FOLIO doesn't
        answer. Raises Unavailable."""
        limit = self._seconds if older_than is None else older_than
        if self._rows is not None and monotonic() - self._read < limit:
            return self._rows
        async with self._lock:
            if self._rows is not None and monotonic() - self._read < limit:
                return self._rows
            try:
                records = await self._client.list_records(self._path, self._key, EVERYTHING)
            except Unavailable as down:
                if self._rows is None:
                    raise
                log.info("folio.codes_not_read", table=self._path, reason=str(down))
                return self._rows
            self._rows = tuple(read_answer(self._model, row, self._words) for row in records)
            self._read = monotonic()
            return self._rows


@value_object
class ServicePoints:
    by_id: Mapping[str, ServicePointRow]
    by_code: Mapping[str, ServicePointRow]

    def code_of(self, service_point_id: str) -> str:
        """Empty where there is none."""
        row = self.by_id.get(service_point_id)
        return row.code if row is not None else ""


class CodeTables:
    def __init__(self, client: FolioClient, options: FolioOptions) -> None:
        self._client = client
        self._options = options
        seconds = options.seconds.codes
        self._named = {
            table: _KeptRows(client, table.value[0], table.value[1], NamedRow, table.words, seconds)
            for table in CodeTable
        }
        self._service_points = _KeptRows(
            client, "/service-points", "servicepoints", ServicePointRow, "service point", seconds
        )
        self._locations = _KeptRows(client, "/locations", "locations", LocationRow, "location", seconds)
        self._owners = _KeptRows(client, "/owners", "owners", OwnerRow, "fee owner", seconds)
        self._fee_types = _KeptRows(client, "/feefines", "feefines", FeeTypeRow, "fee type", seconds)
        self._own_user_id: str | None = None

    async def load_all(self) -> None:
        """All that the settings make use of, at once. Raises Unavailable."""
        options = self._options
        names = [
            CodeTable.PATRON_GROUPS,
            CodeTable.ADDRESS_TYPES,
            CodeTable.LOAN_TYPES,
            CodeTable.IDENTIFIER_TYPES,
        ]
        if options.temporary_items.material_type:
            names += [
                CodeTable.MATERIAL_TYPES,
                CodeTable.INSTANCE_TYPES,
                CodeTable.HOLDINGS_SOURCES,
                CodeTable.CONTRIBUTOR_NAME_TYPES,
            ]
        wanted = [self._named[name].load_rows() for name in names]
        if options.cancellation_reason:
            wanted.append(self._named[CodeTable.CANCELLATION_REASONS].load_rows())
        await ask_together(self._service_points.load_rows(), self._locations.load_rows(), *wanted)
        if options.cancellation_reason:
            await self.load_own_user_id()
        if options.fee_owner:
            await self.load_fee_types()

    # --- by id -------------------------------------------------------------------------------------------

    async def load_words(self, table: CodeTable) -> dict[str, str]:
        """id -> code, or name where the table has no codes. Raises Unavailable."""
        return {row.id: row.word for row in await self._named[table].load_rows()}

    async def load_service_points(self) -> ServicePoints:
        """Load the service points; raises Unavailable."""
        return _index_service_points(await self._service_points.load_rows())

    async def load_locations(self) -> dict[str, LocationRow]:
        """Load the locations by id. Raises Unavailable."""
        return {row.id: row for row in await self._locations.load_rows()}

    async def load_fee_types(self) -> dict[str, FeeTypeRow]:
        """Load the fee types of our owner and of all, by name. Raises Unavailable."""
        owner = await self.find_owner()
        owner_id = owner.id if owner is not None else ""
        return {row.fee_fine_type: row for row in await self._fee_types.load_rows() if row.owner_id in ("", owner_id)}

    # --- by word -----------------------------------------------------------------------------------------

    async def find_id(self, table: CodeTable, word: str) -> str | None:
        """None: the tenant has no such code, not even since the table was last read. Raises Unavailable."""
        for older_than in (None, RETRY_SECONDS):
            for row in await self._named[table].load_rows(older_than=older_than):
                if word in (row.code, row.name, row.group) and word:
                    return row.id
        return None

    async def require_id(self, table: CodeTable, word: str, about: MessagePart) -> str:
        """Find an id; raises Refused(INVALID_VALUE), Unavailable."""
        id_ = await self.find_id(table, word)
        if id_ is None:
            raise make_refusal(
                RefusalReason.INVALID_VALUE, about=about, detail=f"The library has no {table.words} '{word}'."
            )
        return id_

    async def find_service_point(self, code: str) -> ServicePointRow | None:
        """Find a service point; raises Unavailable."""
        for older_than in (None, RETRY_SECONDS):
            for row in await self._service_points.load_rows(older_than=older_than):
                if row.code == code:
                    return row
        return None

    async def require_service_point(self, code: str) -> ServicePointRow:
        """Empty: that of resource sharing. Raises Refused(INVALID_VALUE), Unavailable."""
        wanted = code or self._options.service_point
        service_point = await self.find_service_point(wanted)
        if service_point is None:
            raise make_refusal(
                RefusalReason.INVALID_VALUE,
                about=MessagePart.PICKUP_LOCATION,
                detail=f"The library has no service point '{wanted}'.",
            )
        return service_point

    async def require_pickup(self, code: str) -> ServicePointRow:
        """Empty: that of resource sharing, whether it keeps a hold shelf or not: then FOLIO refuses it.

        Raises Refused(BAD_PICKUP_LOCATION), Unavailable."""
        wanted = code or self._options.service_point
        service_point = await self.find_service_point(wanted)
        if service_point is None:
            raise make_refusal(RefusalReason.BAD_PICKUP_LOCATION)
        return service_point

    async def find_location(self, library: str, shelf: str) -> LocationRow | None:
        """Find a location by its own code, else the only one of a service point. Raises Unavailable."""
        point = await self.find_service_point(library) if library else None
        for older_than in (None, RETRY_SECONDS):
            rows = await self._locations.load_rows(older_than=older_than)
            if shelf:
                location_rows = [row for row in rows if row.code == shelf]
            else:
                location_rows = [row for row in rows if point is not None and row.primary_service_point == point.id]
            if len(location_rows) == 1:
                return location_rows[0]
        return None

    async def find_owner(self) -> OwnerRow | None:
        """Find the owner; raises Unavailable."""
        for older_than in (None, RETRY_SECONDS):
            for row in await self._owners.load_rows(older_than=older_than):
                if row.owner == self._options.fee_owner:
                    return row
        return None

    async def load_own_user_id(self) -> str:
        """Load the id of the user that the gateway acts as; empty where FOLIO knows it by another name. Raises
        Unavailable."""
        if self._own_user_id is None:
            query = match_value("username", self._options.login.user)
            rows = await self._client.list_records("/users", "users", query, limit=2)
            names = [
                row for row in rows if str(row.get("username", "")).casefold() == self._options.login.user.casefold()
            ]
            self._own_user_id = str(names[0].get("id", "")) if len(names) == 1 else ""
        return self._own_user_id


def _index_service_points(rows: tuple[ServicePointRow, ...]) -> ServicePoints:
    return ServicePoints({row.id: row for row in rows}, {row.code: row for row in rows})
