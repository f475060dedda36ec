"""Who is signed in. A session ends by signing out, after `idle_minutes` without a page, and at the latest after
`LONGEST`, whatever is done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen
from gateway.domain.library import IdentifierType, Patron
from gateway.store.engine import Store
from gateway.store.pages import sessions
from gateway.store.pages.sessions import SessionRow
from gateway.web.sessions.visits import Visit, hashed

LONGEST = timedelta(hours=12)


class Method(StrEnum):
    PASSWORD = "password"
    HEADER = "header"
    OIDC = "oidc"


@frozen
class SignedIn:
    """`said`: the identifier that the patron was found by."""

    patron: Patron
    said: str
    method: Method


class Sessions:
    """`libraries`: those whose pages share the cookie. All methods raise Unavailable."""

    def __init__(self, store: Store, clock: Clock, idle_minutes: int, libraries: Collection[str]) -> None:
        self._store = store
        self._clock = clock
        self._idle = timedelta(minutes=idle_minutes)
        self._libraries = tuple(libraries)

    async def find(self, library: str, visit: Visit) -> SessionRow | None:
        """It lives on with this, but a page every few seconds writes nothing."""
        if visit.is_new:
            return None
        now = self._clock.now()
        row = await self._store.read(lambda c: sessions.find(c, library, visit.id, now))
        if row is None:
            return None
        expires = min(now + self._idle, row.started + LONGEST)
        if expires - row.expires < self._idle / 10:
            return row
        found = row
        return await self._store.write(lambda c: sessions.extend(c, found, expires))

    async def start(self, library: str, old: Visit, new: Visit, who: SignedIn) -> SessionRow:
        """Under a cookie of its own, so that nobody who knew the old one is signed in with it."""
        now = self._clock.now()
        patron = who.patron
        row = SessionRow(
            library=library,
            id=new.id,
            patron_id=patron.id,
            identifier=_identifier(who),
            category=patron.category,
            branch=patron.home_library,
            name=patron.name.direct,
            method=who.method.value,
            proof=hashed(who.said) if who.method is Method.HEADER else "",
            started=now,
            expires=now + self._idle,
        )

        def work(c: Connection) -> None:
            sessions.end(c, self._libraries, old.id)
            sessions.add_session(c, row)

        await self._store.write(work)
        return row

    async def end(self, visit: Visit) -> None:
        await self._store.write(lambda c: sessions.end(c, self._libraries, visit.id))


def _identifier(who: SignedIn) -> str:
    """By which the library finds the patron again, whatever kind of identifier signed it in."""
    if who.method is Method.PASSWORD:
        return who.said
    return who.patron.identifier(IdentifierType.BARCODE) or who.said
