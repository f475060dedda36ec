"""Tries to sign in, counted before a secret is looked at, so that nobody finds one by trying.

Failures count by account, whatever name of it was used, and by address and the networks around it. Who was tried is
kept as a keyed hash only, and nothing of it is logged.

Many people may share one address (a campus, a mobile network), and one of them can use up its tries. So a browser on
which an account was signed in before has tries of its own for this account, wherever it is: it shows a token that was
given to it then (OWASP: device cookies). A token says nothing without the key, and for no other account. All browsers
together have as many tries as all addresses, since whoever has known a secret can have made many known.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta

import structlog

from gateway.domain.clock import Clock
from gateway.domain.network_addresses import address_block, list_wider_blocks
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
"""So many times as many of them: one network, however long it goes on, never has as many (at most LONGER + 1 of its
own waits begin in that time), so it locks the account out nowhere else; all addresses together are twice as quick."""


WIDER_TIMES = (4, 16)
"""So many times the failures of one address may come from each of the networks around it (`list_wider_blocks`)."""

MAX_DEVICE_TOKENS = 24
"""Those of a browser: one for each account that it is known for, and one more for codes of second factors, so that all
who share a desk in turns have theirs. The one that was used longest ago goes."""

_DEVICE_TOKEN = re.compile(r"([0-9a-f]{16})\.([0-9a-f]{32})")


class BrowserDevice:
    """A browser, by the tokens that it shows; `is_changed`: it has earned one, and is to be given all of them."""

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        self.tokens = tuple(token for token in tokens if _DEVICE_TOKEN.fullmatch(token))[:MAX_DEVICE_TOKENS]
        self.is_changed = False

    def find_token(self, key: bytes, account: str) -> str:
        """Empty: nobody has signed in to this account on it."""
        fitting = (token for token in self.tokens if hmac.compare_digest(token, _sign_device(key, token[:16], account)))
        return next(fitting, "")

    def earn_token(self, token: str) -> None:
        self.is_changed = self.is_changed or token not in self.tokens[:1]
        self.tokens = tuple(dict.fromkeys((token, *self.tokens)))[:MAX_DEVICE_TOKENS]


def _sign_device(key: bytes, number: str, account: str) -> str:
    return f"{number}.{make_keyed_hash(key, 'device', f'{number} {account}')[:32]}"


@value_object
class AttemptLimits:
    """The limits: so many failures of one account at one address, and of anybody there, in so many minutes."""

    patron: int
    address: int
    minutes: int


@value_object
class SignInPlace:
    """The library at whose pages somebody signs in, and the IP address from which."""

    library: str
    address: str


@value_object
class AttemptKeys:
    """The keys under which a try is counted: `pair` is the account in this network or on this device, `shared` what
    counts those of others too. `token`: what the browser earns when the secret is right."""

    library: str
    pair: str
    shared: tuple[str, ...]
    token: str

    @property
    def all_keys(self) -> tuple[str, ...]:
        return self.pair, *self.shared


class AttemptCounter:
    """`area`: before the kinds of what is counted, so that those of patrons and of staff are counted apart; empty:
    patrons. All raise Unavailable."""

    def __init__(self, store: Store, clock: Clock, limits: AttemptLimits, area: str = "") -> None:
        self.limits = limits
        self._store = store
        self._clock = clock
        self._area = area
        self._kinds = tuple(f"{area} {kind}".strip() for kind in ("address", "pair", "patron"))

    async def count_attempt(
        self,
        place: SignInPlace,
        account: str,
        address_failures: int | None = None,
        device: BrowserDevice | None = None,
    ) -> AttemptKeys | None:
        """One more try; None after too many. The address comes first: from one that has had too many nothing more is
        counted, or anybody could be locked out from it. `address_failures`: how many may be wrong there, where it
        isn't the limit of all. `device`: when those of an account that it is known for are used up, it has those of its
        address, like any other."""
        now, limits = self._clock.now(), self.limits
        since = now - timedelta(minutes=limits.minutes)
        long_since = now - LONGER * timedelta(minutes=limits.minutes)
        of_address, of_pair, of_account = self._kinds
        library = place.library
        at_address = address_failures or limits.address

        def count_failures(c: Transaction) -> AttemptKeys | None:
            key = get_or_create_secret(c, library, SECRET, now)
            own = f"{self._area} {account}"
            if device is not None and (token := device.find_token(key, own)):
                pair = make_keyed_hash(key, of_pair, f"device {token}")
                devices = make_keyed_hash(key, of_account, f"devices {account}")
                patron_limits = (
                    FailureLimit(pair, limits.patron, since),
                    FailureLimit(devices, limits.patron * ANYWHERE, long_since),
                )
                if patron_sessions.count_attempt(c, library, patron_limits, now):
                    return AttemptKeys(library, pair, (devices,), token)
            own_block, wider = address_block(place.address), list_wider_blocks(place.address)
            most = {own_block: at_address} | {
                block: times * at_address for block, times in zip(wider, WIDER_TIMES, strict=False)
            }
            places = {make_keyed_hash(key, of_address, block): failures for block, failures in most.items()}
            pair = make_keyed_hash(key, of_pair, f"{[own_block, *wider][-1]} {account}")
            anywhere = make_keyed_hash(key, of_account, account)
            failures = (
                *(FailureLimit(hashed, number, since) for hashed, number in places.items()),
                FailureLimit(pair, limits.patron, since),
                FailureLimit(anywhere, limits.patron * ANYWHERE, long_since),
            )
            if not patron_sessions.count_attempt(c, library, failures, now):
                return None
            return AttemptKeys(library, pair, (*places, anywhere), _sign_device(key, secrets.token_hex(8), own))

        keys = await self._store.write(count_failures)
        if keys is None:
            log.warning("sign_in.too_many_failures", library=library, peer=place.address)
        return keys

    async def uncount_attempt(self, keys: AttemptKeys) -> None:
        """Uncount a try by which nothing was learnt about the secret."""
        await self._store.write(lambda c: patron_sessions.uncount_attempt(c, keys.library, keys.all_keys))

    async def clear_failures(self, keys: AttemptKeys, device: BrowserDevice | None = None) -> None:
        """The secret was right: from now on `device` is known for the account."""

        def forget_pair(c: Transaction) -> None:
            patron_sessions.forget_failures(c, keys.library, keys.pair)
            patron_sessions.uncount_attempt(c, keys.library, keys.shared)

        await self._store.write(forget_pair)
        if device is not None:
            device.earn_token(keys.token)

    async def prune_failures(self, libraries: Iterable[str]) -> int:
        """Those that stop nobody any more, whatever their area; how many rows."""
        since = self._clock.now() - LONGER * timedelta(minutes=self.limits.minutes)
        return await self._store.write(
            lambda c: sum(patron_sessions.prune_failures(c, library, since) for library in libraries)
        )


def make_keyed_hash(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
