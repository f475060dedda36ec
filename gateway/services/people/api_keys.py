"""API keys: what they look like, what they allow, and who holds one.

A key is `ilg_PREFIX_SECRET`: 8 letters and digits by which people and logs name it, and 256 random bits. With so
many of them a fast hash is enough; it is keyed (HMAC-SHA-256 with a secret of the library), so that a stolen table
of keys says nothing about a key that somebody has in hand.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store, Transaction
from gateway.store import api_access
from gateway.store.api_access import API_KEYS, ApiKeyRow, get_or_create_secret, read_secret
from gateway.store.audit import add_audit_entry
from gateway.store.library_store import LibraryStore

_KEY = re.compile(r"ilg_([a-z2-7]{8})_([A-Za-z0-9_-]{43})")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

USE_NOTED_EVERY = timedelta(minutes=1)
"""`last_used` is only so exact, so that reading doesn't become writing."""


class KeyScope(StrEnum):
    """The right that a key gives; one operation asks for one of them."""

    REQUESTS_READ = "requests:read"
    REQUESTS_WRITE = "requests:write"
    LENDING = "lending"  # acts on lending requests
    PARTNERS_READ = "partners:read"
    TASKS_READ = "tasks:read"
    EVENTS_READ = "events:read"
    NETWORK_READ = "network:read"  # for other gateways: loads
    PATRON = "patron"  # patrons' own view of their requests, for a discovery system or portal
    STATISTICS_READ = "statistics:read"
    REPLAYS = "replays"  # carry received messages out again
    ADMIN = "admin"  # dead letters, webhooks; not the rest


SCOPES = {
    KeyScope.REQUESTS_READ: "See requests, their history and files",
    KeyScope.REQUESTS_WRITE: "Make borrowing requests and act on them",
    KeyScope.LENDING: "Make lending requests and act on them",
    KeyScope.PARTNERS_READ: "See partners and rotas",
    KeyScope.TASKS_READ: "See staff's lists and notices",
    KeyScope.EVENTS_READ: "Follow what happens",
    KeyScope.NETWORK_READ: "See how many requests are open with each partner",
    KeyScope.PATRON: "See the requests of patrons, in words for patrons",
    KeyScope.STATISTICS_READ: "See statistics, which have no patrons",
    KeyScope.REPLAYS: "Replay many received messages as a job, pause, resume and stop it",
    KeyScope.ADMIN: "See, release, edit and skip messages that could not be sent; manage webhooks",
}


class KeyExpiredError(Exception):
    """The key was right, but its time is over. `at`: since when, in UTC."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"the key expired at {at.isoformat(timespec='minutes')}")
        self.at = at


@value_object
class KeyHolder:
    """Whoever sent a valid key. `expires`: until when it is valid, in UTC; None: until it is revoked."""

    library: str
    prefix: str
    name: str
    scopes: frozenset[str]
    expires: datetime | None = None

    @property
    def actor(self) -> str:
        """The holder's name as histories have it."""
        return f"staff:{self.name}"


OPERATOR = "operator"
"""Of what is done at the machine by nobody who is named."""

NOBODY = KeyHolder("", "", "", frozenset())


@value_object
class NewKey:
    """`key` is shown once and kept nowhere."""

    key: str
    row: ApiKeyRow


class KeyVerifier:
    """The door of the API: who holds a key, whatever library it is for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find_holder(self, key: str) -> KeyHolder | None:
        """None: not a key of ours, or it is revoked. Raises KeyExpiredError, Unavailable.

        That a key has expired is told only to whoever has the whole key.
        """
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        row = await self._store.read(lambda c: _find_valid_key(c, match[1], key))
        if row is None:
            return None
        now = self._clock.now()
        if row.expires is not None and row.is_expired(now):
            raise KeyExpiredError(row.expires)
        await self._note_use(row, now)
        return KeyHolder(row.library, row.prefix, row.name, frozenset(row.scopes), row.expires)

    async def is_still_valid(self, holder: KeyHolder) -> bool:
        """Return whether the key that let somebody in would let them in now. Raises Unavailable."""
        row = await self._store.read(lambda c: api_access.find_api_key(c, holder.prefix))
        return row is not None and row.revoked is None and not row.is_expired(self._clock.now())

    async def _note_use(self, row: ApiKeyRow, now: datetime) -> None:
        if row.last_used is None or now - row.last_used >= USE_NOTED_EVERY:
            await self._store.write(lambda c: api_access.note_api_key_use(c, row.library, row.prefix, now))


class ApiKeyService:
    def __init__(self, library: LibraryStore) -> None:
        self._library = library

    async def create_key(
        self,
        name: str,
        scopes: Iterable[KeyScope],
        life: timedelta | None = None,
        actor: str = OPERATOR,
    ) -> NewKey:
        """`life`: how long it is valid from now on; None: until it is revoked. `actor`: who makes it, for the audit
        log."""
        now = self._library.now()
        expires = None if life is None else now + life
        prefix = "".join(secrets.choice(_LETTERS) for _ in range(8))
        key = f"ilg_{prefix}_{secrets.token_urlsafe(32)}"
        words = tuple(scope.value for scope in KeyScope if scope in set(scopes))

        def insert_key(c: Transaction) -> ApiKeyRow:
            hashed = digest_key(key, get_or_create_secret(c, self._library.symbol, API_KEYS, now))
            row = ApiKeyRow(
                library=self._library.symbol,
                prefix=prefix,
                name=name,
                digest=hashed,
                scopes=words,
                created=now,
                expires=expires,
            )
            api_access.add_api_key(c, row)
            add_audit_entry(c, self._library.symbol, now, actor, "key-created", prefix, f"{name}: {', '.join(words)}")
            return row

        return NewKey(key, await self._library.store.write(insert_key))

    async def list_keys(self) -> tuple[ApiKeyRow, ...]:
        return await self._library.store.read(lambda c: api_access.list_api_keys(c, self._library.symbol))

    async def revoke_key(self, prefix: str, actor: str = OPERATOR) -> bool:
        """False: there is no such key, or it is revoked already."""
        now = self._library.now()

        def end_key(c: Transaction) -> bool:
            is_ended = api_access.revoke_api_key(c, self._library.symbol, prefix, now)
            if is_ended:
                add_audit_entry(c, self._library.symbol, now, actor, "key-revoked", prefix)
            return is_ended

        return await self._library.store.write(end_key)


def digest_key(key: str, server_secret: bytes) -> bytes:
    return hmac.new(server_secret, key.encode(), hashlib.sha256).digest()


def _find_valid_key(c: Transaction, prefix: str, key: str) -> ApiKeyRow | None:
    row = api_access.find_api_key(c, prefix)
    if row is None or row.revoked is not None:
        return None
    server_secret = read_secret(c, row.library, API_KEYS)
    if server_secret is None or not hmac.compare_digest(digest_key(key, server_secret), row.digest):
        return None
    return row
