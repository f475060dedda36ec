"""Authorisation of the gateway at a library system by HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from time import monotonic
from typing import Protocol

from adapters.library.rest_answer import RestAnswer, RestCall
from gateway.domain.problems import ConfigurationError, Unavailable
from gateway.domain.value import value_object

SPARE_SECONDS = 30.0
"""So long before its end a token is no longer used."""

SendCall = Callable[[RestCall], Awaitable[RestAnswer]]
"""Sends without credentials. Raises Unavailable."""


class Authorisation(Protocol):
    async def get_headers(self, send: SendCall) -> Mapping[str, str]:
        """Fetched where none are at hand, once for all who wait. Raises Unavailable."""
        ...

    def withdraw_headers(self, used: Mapping[str, str]) -> bool:
        """The system doesn't accept these any more. True: there may be others now, so the call is sent again."""
        ...


@value_object
class FixedAuthorisation:
    """The same for each call: Basic, or a key."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def get_headers(self, send: SendCall) -> Mapping[str, str]:
        return self.headers

    def withdraw_headers(self, used: Mapping[str, str]) -> bool:
        return False


@value_object
class AccessToken:
    """`seconds`: how long it is good for from now on."""

    headers: Mapping[str, str] = field(repr=False)
    seconds: float


class TokenAuthorisation:
    """A token that ends. `fetch` gets a new one; it raises Unavailable. `read_time`: seconds that only grow."""

    def __init__(
        self, fetch: Callable[[SendCall], Awaitable[AccessToken]], read_time: Callable[[], float] = monotonic
    ) -> None:
        self._fetch = fetch
        self._read_time = read_time
        self._fetching = asyncio.Lock()
        self._headers: Mapping[str, str] | None = None
        self._ends = 0.0

    async def get_headers(self, send: SendCall) -> Mapping[str, str]:
        async with self._fetching:
            if self._headers is None or self._read_time() >= self._ends:
                begun = self._read_time()
                token = await self._fetch(send)
                self._headers = token.headers
                self._ends = begun + max(token.seconds - SPARE_SECONDS, token.seconds / 2)
            return self._headers

    def withdraw_headers(self, used: Mapping[str, str]) -> bool:
        """Another call may have fetched a new one meanwhile: that one stays."""
        if self._headers is used:
            self._headers = None
        return True


def resolve_secret(secrets: Callable[[str], str], reference: str) -> str:
    """Resolve a secret; raises Unavailable: without it nothing can be sent."""
    if not reference:
        return ""
    try:
        return secrets(reference)
    except ConfigurationError as error:
        raise Unavailable(error.problems[0].message) from error
