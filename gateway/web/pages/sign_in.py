"""Sign-in of patrons: sessions, ways to sign in.

A session ends by signing out, after `idle_minutes` without a page, and at the latest after `MAX_SESSION_LIFE`, whatever
is done.

No name, number or secret is logged.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

import structlog

from gateway.domain.clock import Clock
from gateway.domain.library import IdentifierType, Patron
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.shared_store import Store, Transaction
from gateway.services.people.patron_authentication import (
    NOT_CHECKED,
    PatronAuthenticator,
    PatronLibrary,
    TooManyAttemptsError,
)
from gateway.services.people.sign_in_attempts import BrowserDevice
from gateway.store import patron_sessions
from gateway.store.patron_sessions import SessionRow
from gateway.web.html.visits import BrowserVisit, hash_token

log = structlog.get_logger(component="pages")

MAX_SESSION_LIFE = timedelta(hours=12)

NAME = "illgate_visit"
"""Of the cookie."""

UNKNOWN = frozenset({RefusalReason.UNKNOWN_PATRON, RefusalReason.AMBIGUOUS_PATRON, RefusalReason.PATRON_AUTH_FAILED})


class SignInMethod(StrEnum):
    PASSWORD = "password"
    HEADER = "header"
    OIDC = "oidc"


@value_object
class SignInResult:
    """`said`: the identifier that the patron was found by."""

    patron: Patron
    said: str
    method: SignInMethod


class PatronSessions:
    """`libraries`: those whose pages share the cookie. All methods raise Unavailable."""

    def __init__(self, store: Store, clock: Clock, idle_minutes: int, libraries: Collection[str]) -> None:
        self._store = store
        self._clock = clock
        self._idle = timedelta(minutes=idle_minutes)
        self._libraries = libraries

    async def find_session(self, library: str, visit: BrowserVisit) -> SessionRow | None:
        """It lives on with this, but a page every few seconds writes nothing."""
        if visit.is_new:
            return None
        now = self._clock.now()
        row = await self._store.read(lambda c: patron_sessions.find_session(c, library, visit.id, now))
        if row is None:
            return None
        expires = min(now + self._idle, row.started + MAX_SESSION_LIFE)
        if expires - row.expires < self._idle / 10:
            return row
        session_row = row
        return await self._store.write(lambda c: patron_sessions.extend_session(c, session_row, expires))

    async def start_session(self, library: str, old: BrowserVisit, new: BrowserVisit, who: SignInResult) -> SessionRow:
        """Start a session under a cookie of its own, so that nobody who knew the old one is signed in with it."""
        now = self._clock.now()
        patron = who.patron
        row = SessionRow(
            library=library,
            id=new.id,
            patron_id=patron.id,
            identifier=_choose_identifier(who),
            category=patron.category,
            branch=patron.home_library,
            name=patron.name.direct,
            method=who.method.value,
            proof=hash_token(who.said) if who.method is SignInMethod.HEADER else "",
            started=now,
            expires=now + self._idle,
        )

        def replace_session(c: Transaction) -> None:
            patron_sessions.end_session(c, tuple(self._libraries), old.id)
            patron_sessions.add_session(c, row)

        await self._store.write(replace_session)
        return row

    async def end_session(self, visit: BrowserVisit) -> None:
        await self._store.write(lambda c: patron_sessions.end_session(c, tuple(self._libraries), visit.id))


def _choose_identifier(who: SignInResult) -> str:
    """Choose the identifier by which the library finds the patron again, whatever kind of identifier signed it in."""
    if who.method is SignInMethod.PASSWORD:
        return who.said
    return who.patron.identifier(IdentifierType.BARCODE) or who.said


class SignInFailedError(Exception):
    """Nobody is signed in. `word` says why: wrong, too-often, unknown, impossible."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class SignInService:
    """All raise SignInFailedError, Unavailable."""

    def __init__(self, authenticator: PatronAuthenticator) -> None:
        self._authenticator = authenticator

    async def sign_in_by_password(
        self,
        library: PatronLibrary,
        identifier: str,
        password: str,
        address: str,
        device: BrowserDevice | None = None,
    ) -> SignInResult:
        """The answer is the same for a wrong number and a wrong secret. `device`: the browser, which is known for the
        patron afterwards. Also raises OutcomeUnknown."""
        if Capability.AUTHENTICATE not in library.system.capabilities:
            raise SignInFailedError("impossible")
        try:
            patron = await self._authenticator.authenticate(
                library, PatronKey(identifier), password, address, device=device
            )
        except TooManyAttemptsError:
            raise SignInFailedError("too-often") from None
        except Refused as refused:
            if refused.reason not in UNKNOWN:
                log.warning("sign_in.library_refused", reason=refused.reason.value)
            raise SignInFailedError("impossible" if refused.reason in NOT_CHECKED else "wrong") from None
        return SignInResult(patron, identifier, SignInMethod.PASSWORD)

    async def sign_in_by_assertion(
        self, system: LibrarySystem, identifier: str, types: tuple[str, ...], method: SignInMethod
    ) -> SignInResult:
        """Sign in somebody whom a proxy or an identity provider has signed in; our library must know this patron."""
        try:
            return SignInResult(await system.find_patron(PatronKey(identifier, types)), identifier, method)
        except Refused as refused:
            if refused.reason in NOT_CHECKED:
                log.warning("sign_in.library_refused", reason=refused.reason.value)
                raise SignInFailedError("impossible") from None
            log.warning("sign_in.unknown_patron", method=method.value, reason=refused.reason.value)
            raise SignInFailedError("unknown") from None
