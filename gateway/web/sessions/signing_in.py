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
from gateway.domain.problems import Reason, Refused
from gateway.ports.library import Capability, LibrarySystem, PatronKey
from gateway.store.api.secrets import secret
from gateway.store.engine import Store
from gateway.store.pages import failures
from gateway.web.sessions.sessions import Method, SignedIn

log = structlog.get_logger(component="pages")

SECRET = "page-failures"
"""Name of the key by which tries are counted without saying who was tried."""

UNKNOWN = frozenset({Reason.UNKNOWN_PATRON, Reason.AMBIGUOUS_PATRON, Reason.PATRON_AUTH_FAILED})


class NotSignedIn(Exception):
    """Nobody is signed in. `word` says why: wrong, too-often, unknown, impossible."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@frozen
class Tries:
    """So many failures of one patron, and from one address, in so many minutes."""

    patron: int
    address: int
    minutes: int


class SigningIn:
    """All raise NotSignedIn, Unavailable."""

    def __init__(self, store: Store, clock: Clock, tries: Tries) -> None:
        self._store = store
        self._clock = clock
        self._tries = tries

    async def by_password(
        self, library: str, system: LibrarySystem, identifier: str, password: str, address: str
    ) -> SignedIn:
        """The answer is the same for a wrong number and a wrong secret."""
        if Capability.AUTHENTICATE not in system.capabilities:
            raise NotSignedIn("impossible")
        patron_key, address_key = await self._count(library, identifier, address)
        try:
            patron = await system.authenticate(PatronKey(identifier), password)
        except Refused as refused:
            if refused.reason not in UNKNOWN:
                log.warning("the library's system refused to check a patron", reason=refused.reason.value)
            raise NotSignedIn("wrong") from None
        await self._store.write(lambda c: failures.succeeded(c, library, patron_key, address_key))
        return SignedIn(patron, identifier, Method.PASSWORD)

    async def by_word(self, system: LibrarySystem, identifier: str, types: tuple[str, ...], method: Method) -> SignedIn:
        """Of a proxy or an identity provider that has signed somebody in; our library must know this patron."""
        try:
            return SignedIn(await system.find_patron(PatronKey(identifier, types)), identifier, method)
        except Refused as refused:
            log.warning("signed in, but no patron of the library", method=method.value, reason=refused.reason.value)
            raise NotSignedIn("unknown") from None

    async def _count(self, library: str, identifier: str, address: str) -> tuple[str, str]:
        """One more try, for the patron and for the address; raises NotSignedIn after too many."""
        now, tries = self._clock.now(), self._tries
        since = now - timedelta(minutes=tries.minutes)

        def work(c: Connection) -> tuple[bool, str, str]:
            key = secret(c, library, SECRET, now)
            patron_key = _keyed(key, "patron", "".join(identifier.split()).casefold())
            address_key = _keyed(key, "address", address_block(address))
            most = {patron_key: tries.patron, address_key: tries.address}
            return failures.try_once(c, library, most, now, since), patron_key, address_key

        allowed, patron_key, address_key = await self._store.write(work)
        if not allowed:
            log.warning("too many failures to sign in", library=library)
            raise NotSignedIn("too-often")
        return patron_key, address_key


def address_block(address: str) -> str:
    """Who has an address of IPv6 has all of its /64."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _keyed(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
