"""People who are at their identity provider: sent there by us, and expected back with the same `state`."""

from __future__ import annotations

from datetime import timedelta

import structlog

from gateway.domain.clock import Clock
from gateway.domain.network_addresses import address_block
from gateway.ports.shared_store import Store, Transaction
from gateway.services.people.sign_in_attempts import SECRET, AttemptLimits, SignInPlace, make_keyed_hash
from gateway.store import patron_sessions
from gateway.store.api_access import get_or_create_secret
from gateway.store.patron_sessions import FailureLimit, JourneyRow

log = structlog.get_logger(component="sign-in")


class TooManyJourneysError(Exception):
    """Too many journeys from this address are under way."""


class OidcJourneys:
    """Each keeps a row until it is back or too late, so from one address no more may be under way than may fail to sign
    in there. `area`: as of `AttemptCounter`."""

    def __init__(self, store: Store, clock: Clock, limits: AttemptLimits, area: str = "") -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._kind = f"{area} departures".strip()

    async def start_journey(self, journey: JourneyRow, address: str) -> None:
        """Start a journey; raises TooManyJourneysError, Unavailable."""
        now, library = self._clock.now(), journey.library
        since = now - timedelta(minutes=self._limits.minutes)

        def insert_journey(c: Transaction) -> bool:
            most = FailureLimit(self._departure_key(c, SignInPlace(library, address)), self._limits.address, since)
            allowed = patron_sessions.count_attempt(c, library, (most,), now)
            if allowed:
                patron_sessions.add_journey(c, journey)
            return allowed

        if not await self._store.write(insert_journey):
            log.warning("sign_in.too_many_pending", library=library)
            raise TooManyJourneysError

    async def finish_journey(self, place: SignInPlace, state: str) -> JourneyRow | None:
        """The journey with this `state` (its hash), which ends with this; None: there is none, or not any more. Raises
        Unavailable."""

        def end_journey(c: Transaction) -> JourneyRow | None:
            journey = patron_sessions.take_journey(c, place.library, state, self._clock.now())
            if journey is not None:
                patron_sessions.uncount_attempt(c, place.library, (self._departure_key(c, place),))
            return journey

        return await self._store.write(end_journey)

    def _departure_key(self, c: Transaction, place: SignInPlace) -> str:
        key = get_or_create_secret(c, place.library, SECRET, self._clock.now())
        return make_keyed_hash(key, self._kind, address_block(place.address))
