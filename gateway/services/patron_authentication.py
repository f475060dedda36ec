"""PINs and passwords of patrons: checked by the library's system, and wrong ones counted, wherever they come in.

Nobody is to find a PIN by trying, so a secret is checked here and nowhere else. Failures count by patron, whatever
number of theirs was used, and by address. Who was tried is kept as a keyed hash only, and nothing of it is logged.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterable
from datetime import timedelta

import structlog

from gateway.domain.clock import Clock
from gateway.domain.library import Patron
from gateway.domain.network_addresses import address_block
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, LibrarySystem, PatronKey
from gateway.ports.shared_store import Store, Transaction
from gateway.store import patron_sessions
from gateway.store.api_access import get_or_create_secret
from gateway.store.patron_sessions import FailureLimit

log = structlog.get_logger(component="sign-in")

SECRET = "page-failures"
"""Name of the key by which tries are counted without saying who was tried."""

LONGER = 4
"""Failures of a patron from anywhere are counted for so many times as long as those from one address."""

ANYWHERE = 2 * LONGER
"""So many times as many of them: one address, however long it goes on, never has as many (at most LONGER + 1 of its
own waits begin in that time), so it locks the patron out nowhere else; all addresses together are twice as quick."""

NOT_FOUND = frozenset({RefusalReason.UNKNOWN_PATRON, RefusalReason.AMBIGUOUS_PATRON})

NOT_CHECKED = frozenset(
    {
        RefusalReason.UNSUPPORTED_SERVICE,
        RefusalReason.UNAUTHORIZED_SERVICE,
        RefusalReason.UNKNOWN_SENDER,
        RefusalReason.SENDER_AUTH_FAILED,
        RefusalReason.UNKNOWN_AGENCY,
        RefusalReason.TEMPORARY_FAILURE,
    }
)
"""It is between us and the library's system: the patron's number and secret may be right."""


class TooManyAttemptsError(Refused):
    """The secret was not looked at, since too many before it were wrong."""

    def __init__(self) -> None:
        super().__init__(
            RefusalReason.PATRON_AUTH_FAILED,
            "Too many wrong PINs or passwords were sent. Please try again later.",
            about=MessagePart.CREDENTIALS,
        )


@value_object
class AttemptLimits:
    """So many failures of one patron at one address, and of anybody there, in so many minutes."""

    patron: int
    address: int
    minutes: int


@value_object
class _AttemptKeys:
    """Under which a try is counted: `pair` is the patron at this address, `patron` the patron from anywhere."""

    address: str
    pair: str
    patron: str

    @property
    def all_keys(self) -> tuple[str, str, str]:
        return self.address, self.pair, self.patron


class PatronAuthenticator:
    def __init__(self, store: Store, clock: Clock, limits: AttemptLimits) -> None:
        self.limits = limits
        self._store = store
        self._clock = clock

    async def authenticate(
        self,
        library: str,
        system: LibrarySystem,
        key: PatronKey,
        secret: str,
        address: str,
        address_failures: int | None = None,
    ) -> Patron:
        """The patron whose number and secret these are. `address`: IP address that the secret came from;
        `address_failures`: how many may be wrong there, where a partner sends those of all its patrons.

        Raises TooManyAttemptsError, else as `LibrarySystem.authenticate`: Refused, Unavailable, OutcomeUnknown.
        """
        patron_mark = await _mark_of_patron(system, key)
        keys = await self._count_attempt(library, patron_mark, address, address_failures or self.limits.address)
        try:
            patron = await system.authenticate(key, secret)
        except Refused as refused:
            if refused.reason in NOT_CHECKED:
                await self._uncount_attempt(library, keys)
            raise
        except (Unavailable, OutcomeUnknown, asyncio.CancelledError):
            # nothing was learnt about the secret, and nobody waits for our fault
            await self._uncount_attempt(library, keys)
            raise

        def clear_failures(c: Transaction) -> None:
            patron_sessions.forget_failures(c, library, keys.pair)
            patron_sessions.uncount_attempt(c, library, (keys.address, keys.patron))

        await self._store.write(clear_failures)
        return patron

    async def _count_attempt(self, library: str, patron: str, address: str, address_failures: int) -> _AttemptKeys:
        """One more try; raises TooManyAttemptsError after too many. The address comes first: from one that has had too
        many nothing more is counted, or anybody could be locked out from it."""
        now, limits = self._clock.now(), self.limits
        since = now - timedelta(minutes=limits.minutes)
        long_since = now - LONGER * timedelta(minutes=limits.minutes)

        def count_failures(c: Transaction) -> tuple[bool, _AttemptKeys]:
            key = get_or_create_secret(c, library, SECRET, now)
            place = address_block(address)
            keys = _AttemptKeys(
                make_keyed_hash(key, "address", place),
                make_keyed_hash(key, "pair", f"{place} {patron}"),
                make_keyed_hash(key, "patron", patron),
            )
            failures = (
                FailureLimit(keys.address, address_failures, since),
                FailureLimit(keys.pair, limits.patron, since),
                FailureLimit(keys.patron, limits.patron * ANYWHERE, long_since),
            )
            return patron_sessions.count_attempt(c, library, failures, now), keys

        allowed, keys = await self._store.write(count_failures)
        if not allowed:
            log.warning("sign_in.too_many_failures", library=library, peer=address)
            raise TooManyAttemptsError
        return keys

    async def prune_failures(self, libraries: Iterable[str]) -> int:
        """Those that stop nobody any more; how many rows. Raises Unavailable."""
        since = self._clock.now() - LONGER * timedelta(minutes=self.limits.minutes)
        return await self._store.write(
            lambda c: sum(patron_sessions.prune_failures(c, library, since) for library in libraries)
        )

    async def _uncount_attempt(self, library: str, keys: _AttemptKeys) -> None:
        await self._store.write(lambda c: patron_sessions.uncount_attempt(c, library, keys.all_keys))


async def _mark_of_patron(system: LibrarySystem, key: PatronKey) -> str:
    """The same for every number of a patron; for a number that nobody has, the number."""
    if Capability.PATRON_LOOKUP in system.capabilities:
        try:
            return f"id {(await system.find_patron(key)).id}"
        except Refused as refused:
            if refused.reason not in NOT_FOUND:
                raise
    return f"number {''.join(key.value.split()).casefold()}"


def make_keyed_hash(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
