"""The exchange as the rest of the house knows it: what it is made of, and what may be asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from structlog.contextvars import clear_contextvars

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen
from gateway.ports.protocol import Answer, Arrival, OutcomeClass, Responder
from gateway.profiles import ProfileSet
from gateway.services.authentication import Secrets
from gateway.services.exchange.admission import Admission
from gateway.services.exchange.again import Again
from gateway.services.exchange.commands import CommandWay
from gateway.services.exchange.endings import Endings
from gateway.services.exchange.news import NewsWay
from gateway.services.exchange.stage import Stage
from gateway.services.hand import OpenLibrary
from gateway.services.managing import Broker, Doors, Link
from gateway.services.replay import Rehearsal, Replayed
from gateway.store.journal import Journal
from gateway.store.records import FullMessage


@frozen
class Done:
    """What is known of a finished exchange, for metrics."""

    protocol: str
    profile: str
    service: str
    outcome: OutcomeClass
    seconds: float


class Exchange:
    def __init__(
        self,
        *,
        responders: Mapping[str, Responder],
        profiles: Callable[[], ProfileSet],
        libraries: Mapping[str, OpenLibrary],
        journal: Journal,
        clock: Clock,
        secrets: Secrets,
        library_seconds: float,
        observe: Callable[[Done], None] = lambda _done: None,
        link: Link | None = None,
        broker: Broker | None = None,
        doors: Doors | None = None,
    ) -> None:
        """`library_seconds`: longest time for one use case. `link`, `broker` and `doors`: where the gateway manages
        requests."""
        if not libraries:
            raise ValueError("an exchange needs a library")
        endings = Endings(journal, clock)
        self._stage = Stage(
            responders=responders,
            profiles=profiles,
            libraries={symbol.casefold(): library for symbol, library in libraries.items()},
            main=next(iter(libraries.values())),
            admission=Admission(profiles, secrets),
            commands=CommandWay(
                journal=journal,
                clock=clock,
                endings=endings,
                library_seconds=library_seconds,
                link=link,
                broker=broker,
            ),
            news=NewsWay(journal=journal, clock=clock, endings=endings, doors=doors),
            endings=endings,
        )
        self._again = Again(self._stage, journal, clock)
        self._observe = observe

    async def handle(self, arrival: Arrival) -> Answer:
        """Never raises for anything that a message holds."""
        hand = self._stage.take(arrival)
        clear_contextvars()
        answer = await self._stage.converse(hand)
        seconds = time.perf_counter() - hand.started
        self._observe(Done(arrival.protocol, hand.profile, hand.envelope.service, hand.outcome, seconds))
        return answer

    async def replay(self, kept: FullMessage) -> Replayed:
        """See `again.Again.replay`. Raises NotReplayable."""
        return await self._again.replay(kept)

    async def finish(self, kept: FullMessage) -> Replayed:
        """See `again.Again.finish`. Raises NotReplayable."""
        return await self._again.finish(kept)

    async def rehearse(self, kept: FullMessage) -> Rehearsal:
        """See `again.Again.rehearse`. Raises NotReplayable."""
        return await self._again.rehearse(kept)
