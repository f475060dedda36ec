"""The port `RecordSearch` in Z39.50."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.z3950 import conversation, opac, pqf
from adapters.z3950.codec import Login, module
from adapters.z3950.conversation import Results, Search
from adapters.z3950.dialect import SECTION, SignIn, Z3950Dialect
from adapters.z3950.pool import Pool
from adapters.z3950.query import operand_of, rpn_of
from adapters.z3950.transport import Connection, Gone, Place
from gateway.configuration.problems import ConfigurationError
from gateway.domain.problems import Reason, Refused
from gateway.domain.profile import Profile
from gateway.ports.partner import Secrets
from gateway.ports.search import Hits, Query, Term

T = TypeVar("T")


class Z3950Search:
    name = SECTION

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._pools: dict[Place, Pool] = {}
        self._understood: dict[tuple[Place, tuple[str, ...], tuple[str, ...]], str] = {}

    async def search(self, target: Profile, query: Query, *, start: int = 1, count: int = 10) -> Hits:
        dialect = _dialect(target)
        rpn = rpn_of(query, dialect, target.name)
        key = (Place.of(dialect), dialect.databases, dialect.wanted)
        syntax = self._understood.get(key, dialect.wanted[0])

        async def work(connection: Connection) -> Results:
            return await Search(connection, dialect, target.name, syntax).run(rpn, start, count)

        results = await self._on_a_connection(dialect, work)
        self._understood[key] = results.syntax
        records = tuple(
            opac.found(record, position, dialect.records, dialect.charset, target.name)
            for position, record in enumerate(results.records, start=start)
        )
        return Hits(total=results.total, records=records, asked=pqf.written(rpn), notes=results.notes)

    async def terms(self, target: Profile, term: Term, *, count: int = 10) -> tuple[tuple[str, int], ...]:
        dialect = _dialect(target)
        operand = operand_of(term, dialect, target.name)
        entries = await self._on_a_connection(
            dialect, lambda connection: conversation.scan(connection, operand, count, dialect, target.name)
        )
        return tuple((entry.term, entry.count) for entry in entries[:count])

    async def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    async def _on_a_connection(self, dialect: Z3950Dialect, work: Callable[[Connection], Awaitable[T]]) -> T:
        """A kept connection may have ended since: then once more, on a new one."""
        if not self._pools:
            await asyncio.to_thread(module)  # takes a tenth of a second, the first time
        pool = self._pool(Place.of(dialect))
        was_kept = False
        try:
            async with pool.lease() as connection:
                was_kept = connection.was_kept
                return await work(connection)
        except Gone:
            if not was_kept:
                raise
        async with pool.lease(fresh=True) as connection:
            return await work(connection)

    def _pool(self, place: Place) -> Pool:
        if place not in self._pools:
            self._pools[place] = Pool(place, lambda: self._open(place))
        return self._pools[place]

    async def _open(self, place: Place) -> Connection:
        login = self._login(place.sign_in)
        connection = await Connection.open(place)
        try:
            await conversation.sign_in(connection, login, place.max_bytes, place.charset, str(place))
        except BaseException:
            connection.drop()
            raise
        return connection

    def _login(self, sign_in: SignIn) -> Login:
        """Raises Refused when a secret isn't where the profile says."""
        try:
            return Login(
                open=self._secrets(sign_in.open) if sign_in.open else "",
                user=sign_in.user,
                group=sign_in.group,
                password=self._secrets(sign_in.password) if sign_in.password else "",
            )
        except ConfigurationError as error:
            raise Refused(Reason.SENDER_AUTH_FAILED, f"We can't sign in: {error}") from error


def _dialect(target: Profile) -> Z3950Dialect:
    found = target.dialects.get(SECTION)
    if not isinstance(found, Z3950Dialect):
        raise Refused(Reason.UNSUPPORTED_SERVICE, f"Profile '{target.name}' has no section {SECTION}.")
    return found
