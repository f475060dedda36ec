"""PINs and passwords of patrons: checked by the library's system, and wrong ones counted, wherever they come in.

Nobody is to find a PIN by trying, so a secret is checked here and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from gateway.domain.clock import Clock
from gateway.domain.library import Patron
from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.shared_store import Store
from gateway.services.people.sign_in_attempts import AttemptCounter, AttemptLimits, BrowserDevice, SignInPlace

NOT_FOUND = frozenset({RefusalReason.UNKNOWN_PATRON, RefusalReason.AMBIGUOUS_PATRON})

NOT_CHECKED = frozenset(
    {
        RefusalReason.UNSUPPORTED_SERVICE,
        RefusalReason.UNAUTHORIZED_SERVICE,
        RefusalReason.UNKNOWN_SENDER,
        RefusalReason.SENDER_AUTH_FAILED,
        RefusalReason.UNKNOWN_AGENCY,
        RefusalReason.TEMPORARY_FAILURE,
        RefusalReason.CALL_NOT_ACCEPTED,
    }
)
"""It is between us and the library's system: the patron's number and secret may be right."""


class TooManyAttemptsError(Refused):
    """The secret was not looked at, since too many before it were wrong."""

    def __init__(self) -> None:
        super().__init__(
            RefusalReason.PATRON_AUTH_FAILED,
            write_sentence("Too many wrong PINs or passwords were sent. Please try again later."),
            about=MessagePart.CREDENTIALS,
        )


class PatronLibrary(Protocol):
    """A library with its system, as an exchange or managed requests know it."""

    @property
    def symbol(self) -> str: ...

    @property
    def system(self) -> LibrarySystem: ...


class PatronAuthenticator:
    def __init__(self, store: Store, clock: Clock, limits: AttemptLimits) -> None:
        self.limits = limits
        self._attempts = AttemptCounter(store, clock, limits)

    async def authenticate(
        self,
        library: PatronLibrary,
        key: PatronKey,
        secret: str,
        address: str,
        address_failures: int | None = None,
        device: BrowserDevice | None = None,
    ) -> Patron:
        """The patron whose number and secret these are. `address`: IP address that the secret came from;
        `address_failures`: how many may be wrong there, where a partner sends those of all its patrons; `device`: the
        patron's browser, where that is what sends it.

        Raises TooManyAttemptsError, else as `LibrarySystem.authenticate`: Refused, Unavailable, OutcomeUnknown.
        """
        patron_mark = await _mark_of_patron(library.system, key)
        place = SignInPlace(library.symbol, address)
        keys = await self._attempts.count_attempt(place, patron_mark, address_failures, device)
        if keys is None:
            raise TooManyAttemptsError
        try:
            patron = await library.system.authenticate(key, secret)
        except Refused as refused:
            if refused.reason in NOT_CHECKED:
                await self._attempts.uncount_attempt(keys)
            raise
        except (Unavailable, OutcomeUnknown, asyncio.CancelledError):
            # nothing was learnt about the secret, and nobody waits for our fault
            await self._attempts.uncount_attempt(keys)
            raise
        await self._attempts.clear_failures(keys, device)
        return patron

    async def prune_failures(self, libraries: Iterable[str]) -> int:
        """Those that stop nobody any more; how many rows. Raises Unavailable."""
        return await self._attempts.prune_failures(libraries)


async def _mark_of_patron(system: LibrarySystem, key: PatronKey) -> str:
    """The same for every number of a patron; for a number that nobody has, the number."""
    if Capability.PATRON_LOOKUP in system.capabilities:
        try:
            return f"id {(await system.find_patron(key)).id}"
        except Refused as refused:
            if refused.reason not in NOT_FOUND:
                raise
    return f"number {''.join(key.value.split()).casefold()}"
