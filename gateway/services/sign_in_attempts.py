"""Tries to sign in, counted before a secret is looked at, so that nobody finds one by trying.

Failures count by account, whatever name of it was used, and by address. Who was tried is kept as a keyed hash only, and
nothing of it is logged.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import timedelta

import structlog

from gateway.domain.clock import Clock
from gateway.domain.network_addresses import address_block
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store, Transaction
from gateway.store import patron_sessions
from gateway.store.api_access import get_or_create_secret
from gateway.store.patron_sessions import FailureLimit

log = structlog.get_logger(component="sign-in")

SECRET = "page-failures"
"""Name of the key by which tries are counted without saying who was tried."""

LONGER = 4
"""Failures of an account from anywhere are counted for so many times as long as those from one address."""

ANYWHERE = 2 * LONGER
"""So many times as many of them: one address, however long it goes on, never has as many (at most LONGER + 1 of its
own waits begin in that time), so it locks the account out nowhere else; all addresses together are twice as quick."""


@value_object
class AttemptLimits:
    """So many failures of one account at one address, and of anybody there, in so many minutes."""

    patron: int
    address: int
    minutes: int


@value_object
class AttemptKeys:
    """Under which a try is counted: `pair` is the account at this address, `account` the account from anywhere."""

    address: str
    pair: str
    account: str

    @property
    def all_keys(self) -> tuple[str, str, str]:
        return self.address, self.pair, self.account


class AttemptCounter:
    """`area`: before the kinds of what is counted, so that those of patrons and of staff are counted apart; empty:
    patrons. All raise Unavailable."""

    def __init__(self, store: Store, clock: Clock, limits: AttemptLimits, area: str = "") -> None:
        self.limits = limits
        self._store = store
        self._clock = clock
        self._kinds = tuple(f"{area} {kind}".strip() for kind in ("address", "pair", "patron"))

    async def count_attempt(
        self, library: str, account: str, address: str, address_failures: int | None = None
    ) -> AttemptKeys | None:
        """One more try; None after too many. The address comes first: from one that has had too many nothing more is
        counted, or anybody could be locked out from it. `address_failures`: how many may be wrong there, where it
        isn't the limit of all."""
        now, limits = self._clock.now(), self.limits
        since = now - timedelta(minutes=limits.minutes)
        long_since = now - LONGER * timedelta(minutes=limits.minutes)
        of_address, of_pair, of_account = self._kinds

        def count_failures(c: Transaction) -> tuple[bool, AttemptKeys]:
            key = get_or_create_secret(c, library, SECRET, now)
            place = address_block(address)
            keys = AttemptKeys(
                make_keyed_hash(key, of_address, place),
                make_keyed_hash(key, of_pair, f"{place} {account}"),
                make_keyed_hash(key, of_account, account),
            )
            failures = (
                FailureLimit(keys.address, address_failures or limits.address, since),
                FailureLimit(keys.pair, limits.patron, since),
                FailureLimit(keys.account, limits.patron * ANYWHERE, long_since),
            )
            return patron_sessions.count_attempt(c, library, failures, now), keys

        allowed, keys = await self._store.write(count_failures)
        if not allowed:
            log.warning("sign_in.too_many_failures", library=library, peer=address)
            return None
        return keys

    async def uncount_attempt(self, library: str, keys: AttemptKeys) -> None:
        """Nothing was learnt about the secret."""
        await self._store.write(lambda c: patron_sessions.uncount_attempt(c, library, keys.all_keys))

    async def clear_failures(self, library: str, keys: AttemptKeys) -> None:
        """The secret was right."""

        def forget_pair(c: Transaction) -> None:
            patron_sessions.forget_failures(c, library, keys.pair)
            patron_sessions.uncount_attempt(c, library, (keys.address, keys.account))

        await self._store.write(forget_pair)

    async def prune_failures(self, libraries: Iterable[str]) -> int:
        """Those that stop nobody any more, whatever their area; how many rows."""
        since = self._clock.now() - LONGER * timedelta(minutes=self.limits.minutes)
        return await self._store.write(
            lambda c: sum(patron_sessions.prune_failures(c, library, since) for library in libraries)
        )


def make_keyed_hash(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
