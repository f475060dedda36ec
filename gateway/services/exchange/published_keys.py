"""Public keys that somebody else publishes (JWK set, RFC 7517): fetched, kept, and fetched again when they change.

Strangers can name keys that don't exist as often as they like, so that asks the publisher only now and then.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import HttpClient, HttpFailure, HttpLimits, HttpRequest, parse_url

log = structlog.get_logger(component="keys")

Jwk = Mapping[str, Any]
"""A public key as its owner publishes it."""

FetchKeySet = Callable[[], Awaitable[Mapping[str, Any]]]
"""Raises Unavailable."""

MAX_KEY_AGE = timedelta(hours=1)
MIN_FETCH_PAUSE = timedelta(seconds=30)
"""Between two tries to fetch, whatever came of the first."""

MAX_WAITING_READERS = 8
"""Whoever comes while so many wait for a fetch has to do with the keys that are known."""

MAX_KEYS = 50
MAX_KEY_SET_BYTES = 1_000_000
MAX_FETCH_SECONDS = 5.0


class PublishedKeys:
    """The keys of one publisher; `name` says in the log whose they are."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._keys: tuple[Jwk, ...] = ()
        self._fetched: datetime | None = None
        self._tried: datetime | None = None
        self._lock = asyncio.Lock()
        self._waiting = 0

    async def find_keys(self, kid: str, fetch: FetchKeySet) -> tuple[Jwk, ...]:
        """Those with this id, or all where it is empty. Known ones count on when they can't be fetched again. Raises
        as `fetch`, and Unavailable, where none were ever fetched."""
        if self._is_fetch_due(kid) and self._waiting < MAX_WAITING_READERS:
            self._waiting += 1
            try:
                async with self._lock:
                    if self._is_fetch_due(kid):  # another reader may have done it meanwhile
                        await self._fetch_keys(fetch)
            finally:
                self._waiting -= 1
        if self._fetched is None:
            raise Unavailable(write_sentence("the keys could not be fetched a moment ago"))
        return self._find_known_keys(kid)

    def _is_fetch_due(self, kid: str) -> bool:
        now = self._clock.now()
        if self._tried is not None and now - self._tried < MIN_FETCH_PAUSE:
            return False
        return self._fetched is None or now - self._fetched > MAX_KEY_AGE or not self._find_known_keys(kid)

    async def _fetch_keys(self, fetch: FetchKeySet) -> None:
        try:
            self._keys = choose_signing_keys(await fetch())
            self._fetched = self._clock.now()
        except Unavailable as error:
            if self._fetched is None:
                raise
            log.warning("keys.not_fetched", publisher=self._name, reason=str(error))
        finally:
            self._tried = self._clock.now()

    def _find_known_keys(self, kid: str) -> tuple[Jwk, ...]:
        return tuple(key for key in self._keys if key.get("kid") == kid) if kid else self._keys


def choose_signing_keys(published: Mapping[str, Any]) -> tuple[Jwk, ...]:
    """Those of a set that sign; one that we can't use is passed over."""
    jwks: list[Jwk] = []
    listed = published.get("keys")
    for key in listed[:MAX_KEYS] if isinstance(listed, list | tuple) else ():
        if not isinstance(key, Mapping) or key.get("use", "sig") != "sig" or key.get("kty") == "oct":
            continue
        try:
            jwt.PyJWK(dict(key))
        except jwt.PyJWTError:
            continue
        jwks.append(key)
    return tuple(jwks)


@value_object
class FetchedKeySet:
    """`server_time`: what the publisher's clock said, in UTC; None: it didn't say."""

    published: Mapping[str, Any]
    server_time: datetime | None


async def fetch_key_set(url: str) -> FetchedKeySet:
    """Fetch keys; no redirect is followed. Raises Unavailable: no answer, or one that is no JWK set."""
    request = HttpRequest("GET", parse_url(url), headers={"Accept": "application/json"})
    try:
        async with HttpClient() as client:
            reply = await client.exchange(request, HttpLimits(None, MAX_FETCH_SECONDS, MAX_KEY_SET_BYTES))
    except HttpFailure as failure:
        raise Unavailable(write_sentence("the keys cannot be fetched: %(report)s", report=failure.report)) from failure
    if reply.status != 200:
        raise Unavailable(write_sentence("the keys cannot be fetched: HTTP %(status)s", status=reply.status))
    try:
        published = json.loads(reply.body)
    except (ValueError, RecursionError):
        published = None
    if not isinstance(published, dict) or not isinstance(published.get("keys"), list):
        raise Unavailable(write_sentence("the keys cannot be fetched: the answer is not a JWK set"))
    return FetchedKeySet(published, _parse_http_date(reply.headers.get("Date", "")))


def _parse_http_date(text: str) -> datetime | None:
    """Parse a date in the form that servers must write (RFC 9110, 5.6.7)."""
    try:
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
