"""Who is signed in and how: sessions, browser visits (cookies, CSRF), ways to sign in.

A session ends by signing out, after `idle_minutes` without a page, and at the latest after `MAX_SESSION_LIFE`, whatever
is done.

The cookie holds 256 random bits. What the server keeps of it is its SHA-256; the token of forms is made from it too, so
that only pages of ours, which see the cookie, can hold it (OWASP: HMAC-based double submit).

No name, number or secret is logged.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

import structlog
from aiohttp import hdrs, web

from gateway.domain.clock import Clock
from gateway.domain.library import IdentifierType, Patron
from gateway.domain.network_addresses import address_block
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, LibrarySystem, PatronKey
from gateway.ports.shared_store import Store, Transaction
from gateway.services.patron_authentication import (
    NOT_CHECKED,
    SECRET,
    PatronAuthenticator,
    TooManyAttemptsError,
    make_keyed_hash,
)
from gateway.store import patron_sessions
from gateway.store.api_access import get_or_create_secret
from gateway.store.patron_sessions import FailureLimit, JourneyRow, SessionRow
from gateway.web.common_headers import is_https
from gateway.web.trusted_proxies import TrustedProxies

log = structlog.get_logger(component="pages")

MAX_SESSION_LIFE = timedelta(hours=12)

NAME = "illgate_visit"
HOST_NAME = f"__Host-{NAME}"
"""By https: browsers take it from this host alone, for all of it, and by https."""

LANGUAGE = "illgate_language"
YEAR = 365 * 24 * 3600

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

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
        self._libraries = tuple(libraries)

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
        found = row
        return await self._store.write(lambda c: patron_sessions.extend_session(c, found, expires))

    async def start_session(self, library: str, old: BrowserVisit, new: BrowserVisit, who: SignInResult) -> SessionRow:
        """Under a cookie of its own, so that nobody who knew the old one is signed in with it."""
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
            patron_sessions.end_session(c, self._libraries, old.id)
            patron_sessions.add_session(c, row)

        await self._store.write(replace_session)
        return row

    async def end_session(self, visit: BrowserVisit) -> None:
        await self._store.write(lambda c: patron_sessions.end_session(c, self._libraries, visit.id))


def _choose_identifier(who: SignInResult) -> str:
    """By which the library finds the patron again, whatever kind of identifier signed it in."""
    if who.method is SignInMethod.PASSWORD:
        return who.said
    return who.patron.identifier(IdentifierType.BARCODE) or who.said


def hash_token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@value_object
class BrowserVisit:
    """`token`: what is in the cookie; `is_new`: the browser hasn't got it yet."""

    token: str
    is_new: bool
    secure: bool

    @property
    def id(self) -> str:
        return hash_token(self.token)

    @property
    def csrf(self) -> str:
        return hmac.new(self.token.encode(), b"illgate form", hashlib.sha256).hexdigest()

    def is_own_token(self, csrf: str) -> bool:
        """Whether a form with this token came from a page of this visit."""
        return not self.is_new and hmac.compare_digest(csrf.encode(), self.csrf.encode())


class BrowserVisits:
    """`public_url`: where the pages are reached from outside. `proxies`: whose X-Forwarded-Proto is believed.
    `embedded`: other sites show the pages in a frame, where browsers send only cookies that say so."""

    def __init__(self, public_url: str, proxies: TrustedProxies, embedded: bool) -> None:
        self._public_https = public_url.startswith("https://")
        self._proxies = proxies
        self._embedded = embedded

    def visit_of_request(self, request: web.Request) -> BrowserVisit:
        secure = self.is_https(request)
        token = request.cookies.get(HOST_NAME if secure else NAME, "")
        if _TOKEN.fullmatch(token):
            return BrowserVisit(token, False, secure)
        return self.new_visit(secure)

    def new_visit(self, secure: bool) -> BrowserVisit:
        return BrowserVisit(secrets.token_urlsafe(32), True, secure)

    def is_https(self, request: web.Request) -> bool:
        return self._public_https or is_https(request, self._proxies)

    def set_visit_cookie(self, response: web.StreamResponse, visit: BrowserVisit) -> None:
        """Until the browser is closed."""
        self._set_cookie(response, HOST_NAME if visit.secure else NAME, visit.token, visit.secure)

    def set_language_cookie(self, response: web.StreamResponse, language: str, secure: bool) -> None:
        self._set_cookie(response, LANGUAGE, language, secure, f"Max-Age={YEAR}")

    def _set_cookie(self, response: web.StreamResponse, name: str, value: str, secure: bool, *more: str) -> None:
        """Written here since Python before 3.14 knows no Partitioned, without which browsers keep nothing for a page in
        a frame. Name and value are letters and digits. SameSite=None is taken by https only."""
        framed = self._embedded and secure
        attributes = ["Path=/", "HttpOnly", *more, f"SameSite={'None' if framed else 'Lax'}"]
        attributes += ["Secure"] if secure else []
        attributes += ["Partitioned"] if framed else []
        response.headers.add(hdrs.SET_COOKIE, "; ".join((f"{name}={value}", *attributes)))


def preferred_languages(request: web.Request) -> tuple[str, ...]:
    """Of Accept-Language, best first; what can't be read is left out."""
    found: list[tuple[float, str]] = []
    for part in request.headers.get(hdrs.ACCEPT_LANGUAGE, "").split(",")[:20]:
        code, _, weight = part.partition(";q=")
        try:
            found.append((-float(weight) if weight else -1.0, code.strip().lower()))
        except ValueError:
            continue
    found.sort(key=lambda one: one[0])
    return tuple(code for weight, code in found if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", code) and weight < 0)


class SignInFailedError(Exception):
    """Nobody is signed in. `word` says why: wrong, too-often, unknown, impossible."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class SignInService:
    """All raise SignInFailedError, Unavailable."""

    def __init__(self, store: Store, clock: Clock, authenticator: PatronAuthenticator) -> None:
        self._store = store
        self._clock = clock
        self._authenticator = authenticator

    async def sign_in_by_password(
        self, library: str, system: LibrarySystem, identifier: str, password: str, address: str
    ) -> SignInResult:
        """The answer is the same for a wrong number and a wrong secret. Also raises OutcomeUnknown."""
        if Capability.AUTHENTICATE not in system.capabilities:
            raise SignInFailedError("impossible")
        try:
            patron = await self._authenticator.authenticate(library, system, PatronKey(identifier), password, address)
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
        """Of a proxy or an identity provider that has signed somebody in; our library must know this patron."""
        try:
            return SignInResult(await system.find_patron(PatronKey(identifier, types)), identifier, method)
        except Refused as refused:
            if refused.reason in NOT_CHECKED:
                log.warning("sign_in.library_refused", reason=refused.reason.value)
                raise SignInFailedError("impossible") from None
            log.warning("sign_in.unknown_patron", method=method.value, reason=refused.reason.value)
            raise SignInFailedError("unknown") from None

    async def start_journey(self, journey: JourneyRow, address: str) -> None:
        """To an identity provider. Each keeps a row until it is back or too late, so from one address no more may be
        under way than may fail to sign in there."""
        now, library = self._clock.now(), journey.library
        since = now - timedelta(minutes=self._authenticator.limits.minutes)

        def insert_journey(c: Transaction) -> bool:
            id_ = self._departure_key(c, library, address)
            allowed = patron_sessions.count_attempt(
                c, library, (FailureLimit(id_, self._authenticator.limits.address, since),), now
            )
            if allowed:
                patron_sessions.add_journey(c, journey)
            return allowed

        if not await self._store.write(insert_journey):
            log.warning("sign_in.too_many_pending", library=library)
            raise SignInFailedError("too-often")

    async def finish_journey(self, library: str, state: str, address: str) -> JourneyRow | None:
        """The journey with this `state` (its hash), which ends with this; None: there is none, or not any more."""

        def end_journey(c: Transaction) -> JourneyRow | None:
            found = patron_sessions.take_journey(c, library, state, self._clock.now())
            if found is not None:
                patron_sessions.uncount_attempt(c, library, (self._departure_key(c, library, address),))
            return found

        return await self._store.write(end_journey)

    def _departure_key(self, c: Transaction, library: str, address: str) -> str:
        key = get_or_create_secret(c, library, SECRET, self._clock.now())
        return make_keyed_hash(key, "departures", address_block(address))
