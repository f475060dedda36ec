"""Who somebody is: by number and secret, which the library's system checks, or by the word of those who checked it.

No name, number or secret is logged.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen
from gateway.domain.problems import OutcomeUnknown, Reason, Refused, Unavailable
from gateway.ports.library import Capability, LibrarySystem, PatronKey
from gateway.store.api.secrets import secret
from gateway.store.engine import Store
from gateway.store.pages import failures, journeys
from gateway.store.pages.failures import Most
from gateway.store.pages.journeys import JourneyRow
from gateway.web.sessions.sessions import Method, SignedIn

log = structlog.get_logger(component="pages")

SECRET = "page-failures"
"""Name of the key by which tries are counted without saying who was tried."""

LONGER = 4
"""Failures of a patron from anywhere are counted for so many times as long as those from one address."""

ANYWHERE = 2 * LONGER
"""So many times as many of them: one address, however long it goes on, never has as many (at most LONGER + 1 of its
own waits begin in that time), so it locks the patron out nowhere else; all addresses together are twice as quick."""

UNKNOWN = frozenset({Reason.UNKNOWN_PATRON, Reason.AMBIGUOUS_PATRON, Reason.PATRON_AUTH_FAILED})

NOT_CHECKED = frozenset(
    {
        Reason.UNSUPPORTED_SERVICE,
        Reason.UNAUTHORIZED_SERVICE,
        Reason.UNKNOWN_SENDER,
        Reason.SENDER_AUTH_FAILED,
        Reason.UNKNOWN_AGENCY,
        Reason.TEMPORARY_FAILURE,
    }
)
"""It is between us and the library's system: the patron's number and secret may be right."""


class NotSignedIn(Exception):
    """Nobody is signed in. `word` says why: wrong, too-often, unknown, impossible."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@frozen
class Tries:
    """So many failures of one patron at one address, and of anybody there, in so many minutes."""

    patron: int
    address: int
    minutes: int


@frozen
class _Keys:
    """Under which a try is counted: `pair` is the patron at this address, `patron` the patron from anywhere."""

    address: str
    pair: str
    patron: str

    @property
    def all(self) -> tuple[str, str, str]:
        return self.address, self.pair, self.patron


class SigningIn:
    """All raise NotSignedIn, Unavailable."""

    def __init__(self, store: Store, clock: Clock, tries: Tries) -> None:
        self._store = store
        self._clock = clock
        self._tries = tries

    async def by_password(
        self, library: str, system: LibrarySystem, identifier: str, password: str, address: str
    ) -> SignedIn:
        """The answer is the same for a wrong number and a wrong secret. Also raises OutcomeUnknown."""
        if Capability.AUTHENTICATE not in system.capabilities:
            raise NotSignedIn("impossible")
        keys = await self._count(library, identifier, address)
        try:
            patron = await system.authenticate(PatronKey(identifier), password)
        except Refused as refused:
            if refused.reason not in UNKNOWN:
                log.warning("the library's system refused to check a patron", reason=refused.reason.value)
            if refused.reason not in NOT_CHECKED:
                raise NotSignedIn("wrong") from None
            await self._store.write(lambda c: failures.take_back(c, library, keys.all))
            raise NotSignedIn("impossible") from None
        except (Unavailable, OutcomeUnknown):  # nothing was learnt about the secret, and nobody waits for our fault
            await self._store.write(lambda c: failures.take_back(c, library, keys.all))
            raise

        def succeeded(c: Connection) -> None:
            failures.forget(c, library, keys.pair)
            failures.take_back(c, library, (keys.address, keys.patron))

        await self._store.write(succeeded)
        return SignedIn(patron, identifier, Method.PASSWORD)

    async def by_word(self, system: LibrarySystem, identifier: str, types: tuple[str, ...], method: Method) -> SignedIn:
        """Of a proxy or an identity provider that has signed somebody in; our library must know this patron."""
        try:
            return SignedIn(await system.find_patron(PatronKey(identifier, types)), identifier, method)
        except Refused as refused:
            log.warning("signed in, but no patron of the library", method=method.value, reason=refused.reason.value)
            raise NotSignedIn("unknown") from None

    async def depart(self, journey: JourneyRow, address: str) -> None:
        """To an identity provider. Each keeps a row until it is back or too late, so from one address no more may be
        under way than may fail to sign in there."""
        now, library = self._clock.now(), journey.library
        since = now - timedelta(minutes=self._tries.minutes)

        def work(c: Connection) -> bool:
            id_ = self._departures(c, library, address)
            allowed = failures.try_once(c, library, (Most(id_, self._tries.address, since),), now)
            if allowed:
                journeys.add_journey(c, journey)
            return allowed

        if not await self._store.write(work):
            log.warning("too many are at the identity provider from one address", library=library)
            raise NotSignedIn("too-often")

    async def is_back(self, library: str, state: str, address: str) -> JourneyRow | None:
        """The journey with this `state` (its hash), which ends with this; None: there is none, or not any more."""

        def work(c: Connection) -> JourneyRow | None:
            found = journeys.take(c, library, state, self._clock.now())
            if found is not None:
                failures.take_back(c, library, (self._departures(c, library, address),))
            return found

        return await self._store.write(work)

    def _departures(self, c: Connection, library: str, address: str) -> str:
        key = secret(c, library, SECRET, self._clock.now())
        return _keyed(key, "departures", address_block(address))

    async def _count(self, library: str, identifier: str, address: str) -> _Keys:
        """One more try; raises NotSignedIn after too many. The address comes first: from one that has had too many
        nothing more is counted, or anybody could be locked out from it."""
        now, tries = self._clock.now(), self._tries
        since = now - timedelta(minutes=tries.minutes)
        long_since = now - LONGER * timedelta(minutes=tries.minutes)

        def work(c: Connection) -> tuple[bool, _Keys]:
            key = secret(c, library, SECRET, now)
            patron, place = "".join(identifier.split()).casefold(), address_block(address)
            keys = _Keys(
                _keyed(key, "address", place), _keyed(key, "pair", f"{place} {patron}"), _keyed(key, "patron", patron)
            )
            limits = (
                Most(keys.address, tries.address, since),
                Most(keys.pair, tries.patron, since),
                Most(keys.patron, tries.patron * ANYWHERE, long_since),
            )
            return failures.try_once(c, library, limits, now), keys

        allowed, keys = await self._store.write(work)
        if not allowed:
            log.warning("too many failures to sign in", library=library)
            raise NotSignedIn("too-often")
        return keys


def address_block(address: str) -> str:
    """Who has an address of IPv6 has all of its /64; `::ffff:192.0.2.1` is one of IPv4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _keyed(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
