"""Three towns, one clock, the wires and the things between them; and what must hold at every moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from demo.world import START
from gateway.domain.clock import FixedClock
from gateway.domain.problems import Refused
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, Role
from gateway.domain.requests.views import ActionRequest, EventDenied
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.requests.request_rows import parse_event
from tests.faults.joined.installations import SYMBOLS, Template
from tests.faults.joined.things import Things
from tests.faults.joined.town import Town
from tests.faults.joined.wires import FaultyWire

T = TypeVar("T")

Side = tuple[Town, Request]
"""A request in its town."""

SECOND = timedelta(seconds=1)


class World:
    def __init__(self, template: Template, folder: Path, workflows: Mapping[str, Mapping[str, Any]]) -> None:
        self.books = template.books
        self.clock = FixedClock(START)
        self.story: list[str] = []
        self.wire = FaultyWire(self.story)
        self.things = Things()
        configs = template.copy(folder, workflows)
        self.towns = {symbol: Town(symbol, configs[symbol], self.clock) for symbol in SYMBOLS}
        self._seen: set[str] = set()
        self._versions: dict[str, int] = {}

    async def start(self) -> None:
        for town in self.towns.values():
            await town.start()

    async def stop(self) -> None:
        for town in self.towns.values():
            await town.crash()

    def tell(self, what: str) -> None:
        """What happens next, a second later."""
        self.clock.advance(SECOND)
        self.story.append(f"{self.clock.now():%m-%d %H:%M:%S} {what}")

    # --- finding ----------------------------------------------------------------------------------------

    async def everything(self) -> tuple[Side, ...]:
        """All requests of all towns, in an order that doesn't depend on ids."""
        found = [(town, request) for town in self.towns.values() for request in (await town.requests()).values()]
        return tuple(sorted(found, key=lambda pair: (pair[0].symbol, pair[1].number)))

    async def lenders(self) -> tuple[Request, ...]:
        return tuple(request for _, request in await self.everything() if request.role is Role.LENDING)

    async def pairs(self) -> tuple[tuple[Side, Side], ...]:
        """Borrower and lender of all that was asked and came."""
        found = await self.everything()
        borrowed = {
            (town.symbol, attempt.transaction): (town, request)
            for town, request in found
            for attempt in request.attempts
        }
        return tuple(
            (borrowed[request.partner.symbol, request.transaction], (town, request))
            for town, request in found
            if request.role is Role.LENDING
        )

    async def possible(self, town: Town, request: Request, kind: EventKind, attempt: int = 0) -> bool:
        return self.things.possible(town.symbol, request, kind, attempt, await self.lenders())

    def pick(self, found: Sequence[T], choice: int) -> T:
        """Any of them; small numbers, which hypothesis likes, don't mean the first ones."""
        return Random(f"{choice} {len(self.story)}").choice(found)

    # --- doing ------------------------------------------------------------------------------------------

    async def ask(self, town: Town, draft: BorrowingDraft) -> Request:
        self.tell(f"{town.symbol} asks for {draft.citation.title!r} as {draft.service.type.value}")
        return await town.front.create_borrowing(draft)

    async def act(
        self,
        town: Town,
        request: Request,
        kind: EventKind,
        details: EventDetails,
        *,
        attempt: int = 0,
        actor: str = "staff:ana",
    ) -> EventDenied | Refused | None:
        """What refused it, if anything. What is refused must change nothing."""
        self.tell(f"{town.symbol} {request.number} ({request.state.value}): {kind.value} by {actor} {_shown(details)}")
        before = await town.all_of(request.id)
        try:
            after = await town.act(
                request.id, ActionRequest(kind=kind, details=details, actor=actor, version=None, attempt=attempt)
            )
        except (EventDenied, Refused) as refused:
            self.story.append(f"    refused: {refused}")
            assert await town.all_of(request.id) == before, f"{kind.value} was refused and changed something"
            return refused
        self.story.append(f"    → {after.state.value} {sorted(flag.value for flag in after.flags)}")
        assert after.version > request.version
        return None

    async def restart(self, town: Town, row: int | None = None, turns: int = 0) -> None:
        """Killed, after so many turns of the event loop in the middle of a row where one is said; started anew."""
        self.tell(f"{town.symbol} is killed and started")
        step = asyncio.ensure_future(town.step(row)) if row is not None else None
        for _ in range(turns):
            await asyncio.sleep(0)
        if step is not None:
            step.cancel()
            await asyncio.wait([step])
        await town.crash()
        await town.start()

    # --- what holds -------------------------------------------------------------------------------------

    async def look(self) -> None:
        """The history is a chain that ends in the state as it is; versions only grow; things follow the history."""
        for town in self.towns.values():
            requests = await town.requests()
            states: dict[str, str] = {}
            for line in await town.history():
                before = states.setdefault(line.request_id, line.before)
                assert line.before == before, f"{town.symbol}: the history of {line.request_id} is broken at {line}"
                assert not line.denied or line.after == line.before
                states[line.request_id] = line.after
                if line.id not in self._seen and not line.denied:
                    self.things.happened(town.symbol, requests[line.request_id], parse_event(line.document))
                self._seen.add(line.id)
            for request in requests.values():
                assert states[request.id] == request.state.value, (request.number, states[request.id], request.state)
                assert request.version >= self._versions.get(request.id, 0)
                self._versions[request.id] = request.version

    async def next_moment(self, since: datetime) -> datetime | None:
        """When something is due by itself that wasn't then: a row that is tried again, or a timer but for that of
        forgetting. It may be past already, for each act takes a second, refused ones too."""
        moments = []
        for town in self.towns.values():
            moments += [row.next_at for row in await town.unfinished() if row.status is OutboxStatus.WAITING]
            moments += [row.lease_until for row in await town.unfinished() if row.lease_until is not None]
            moments += [at for _, timer, at in await town.timers() if timer != "anonymise"]
        return min((at for at in moments if at > since), default=None)


def _shown(details: EventDetails) -> str:
    said = {
        name: value
        for name in EventDetails.__slots__  # type: ignore[attr-defined]
        if (value := getattr(details, name)) != getattr(EventDetails(), name)
    }
    return f"{said}" if said else ""


def draft(citation: Any, service: Any, dates: Any, **more: Any) -> BorrowingDraft:
    return BorrowingDraft(
        citation=citation,
        service=service,
        dates=dates,
        patron=PatronLink(identifier="21000000000025"),
        override=True,
        actor="patron",
        **more,
    )
