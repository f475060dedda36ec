"""The process that is killed: one gateway with both libraries, its outbox and timers at work, and busy staff.

    python -m tests.faults.lifecycles.town GATEWAY.YML SEED HOURS storm
    python -m tests.faults.lifecycles.town GATEWAY.YML SEED HOURS calm
    python -m tests.faults.lifecycles.town GATEWAY.YML SEED HOURS storm NODE NODES SKEW NEWER PACE

HOURS: so much later than it really is. NODE of NODES: several processes share the database; each begins lifecycles of
its own, and goes on with all. SKEW: seconds by which its machine's clock is off. NEWER: a folder with the steps of a
later release, which this process is then; empty: it is of this one. PACE: so many times sooner than usual nodes take
others for dead. In a storm libraries and partners fail at random and staff do anything, until the process is killed; in
a calm all is brought to its end but what staff leave alone, and the process ends by itself when nothing is left to be
done.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from sqlalchemy import Connection

from demo.world import COPY
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import StoreClock
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import PatronLink, Request, RequestedService, Role
from gateway.domain.requests.views import (
    ActionRequest,
    EventDenied,
    FileUpload,
    VersionConflict,
)
from gateway.runtime import assembly, daemon
from gateway.runtime.daemon import Daemon
from gateway.runtime.logs import set_up_logging
from gateway.services.operation import nodes as beats
from gateway.settings import load_settings
from gateway.store import nodes
from gateway.store.migration import OWN
from gateway.store.requests import outbox_queries, requests
from gateway.store.requests.outbox import OutboxStatus
from tests.faults.lifecycles.flaky import CALM, STORM, in_weather
from tests.faults.lifecycles.place import NORTH, SOUTH, Wish, count_lifecycles
from tests.faults.lifecycles.staff import Idea, by_chance, onward

COLLEAGUES = 14
"""So many people are at their desks at once, at all nodes; two may have the same request in hand."""

IDLE = 60
"""So many looks at the outbox, three seconds of the town's time later, without anything to do."""

LONGEST_CALM = 240.0
"""Seconds; then the process ends, quiet or not, and the test says what is left."""


def left_alone(number: int) -> bool:
    """Lifecycles that nobody brings to an end."""
    return number % 5 == 0


def file_of_name(config: Path, pid: int) -> Path:
    """It is there when the process is at work, and has the name of its node."""
    return config.with_name(f"name-{pid}")


@dataclass
class SkewedClock:
    """That of a machine which is off by so much."""

    skew: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew


class LaterClock(StoreClock):
    """The real time, as the nodes agree on it, and some more."""

    def __init__(self, later: timedelta, skew: timedelta) -> None:
        super().__init__(SkewedClock(skew))
        self.later = later

    def now(self) -> datetime:
        return super().now() + self.later


@dataclass
class Staff:
    gateway: Daemon
    clock: LaterClock
    chance: random.Random
    config: Path
    node: int = 0
    nodes: int = 1
    begun: set[int] = field(default_factory=set)
    """Lifecycles that somebody has made, or is making: a wish is not brought to two desks at once."""

    # --- a storm -----------------------------------------------------------------------------------------

    async def work(self) -> None:
        """Until killed."""
        await asyncio.gather(*(self._colleague() for _ in range(COLLEAGUES // self.nodes)))

    async def _colleague(self) -> None:
        while True:
            if self.gateway.managed.node.outdated_by:  # who comes gets 503
                await asyncio.sleep(1)
                continue
            wish = Wish(self.chance.randint(1, count_lifecycles(self.config)))
            with contextlib.suppress(EventDenied, VersionConflict, Refused, Unavailable, OutcomeUnknown):
                await self._do_anything(wish)  # who hears a no goes on to the next
            await asyncio.sleep(0.05 * self.nodes * self.chance.random())

    async def _do_anything(self, wish: Wish) -> None:
        ours = await self._ours(wish)
        if ours is None:
            await self._create_once(wish)
            return
        today = self.clock.now().date()
        sides = [ours, *await self._theirs(ours)]
        ideas = [(request, by_chance(request, sides, wish, self.chance, today)) for request in sides]
        likely = [(request, idea) for request, idea in ideas if idea is not None]
        if likely:
            await self._act(*self.chance.choice(likely))

    # --- a calm ------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """Everything is brought to its end, but what is left alone."""
        end = asyncio.get_running_loop().time() + LONGEST_CALM
        quiet = 0
        while quiet < 3 and asyncio.get_running_loop().time() < end:
            acts = sum([await self._go_on(Wish(one)) for one in range(1, count_lifecycles(self.config) + 1)])
            await self._until_nothing_waits(end)
            quiet = 0 if acts else quiet + 1

    async def _go_on(self, wish: Wish) -> int:
        """How many acts that were."""
        ours = await self._ours(wish)
        if ours is None:
            await self._create(wish)
            return 1
        if left_alone(wish.number):
            return 0
        acts, sides = 0, (ours, *await self._theirs(ours))
        for request in sides:
            idea = onward(request, sides, wish, self.clock.now().date())
            if idea is not None:
                acts += await self._tried(request, idea)
        return acts

    async def _tried(self, request: Request, idea: Idea) -> int:
        try:
            await self._act(request, idea)
        except (EventDenied, VersionConflict, Refused) as no:
            sys.stderr.write(f"{request.number} ({request.state.value}): {idea.kind.value}: {no}\n")
            return 0
        except Unavailable:  # the worker has the same step in hand, left from the storm: it is done as soon as it can
            return 1
        return 1

    async def _until_nothing_waits(self, end: float) -> None:
        """Rows that are not due yet become so, since time goes by. What waits behind a dead row is left."""
        idle = 0
        while idle < IDLE and asyncio.get_running_loop().time() < end:
            tries = await self.gateway.managed.drain_due_work()
            counts = await self._store_counts()
            if not counts:
                return
            idle = 0 if tries else idle + 1
            self.clock.later += timedelta(seconds=3)
            await asyncio.sleep(0.05)

    async def _store_counts(self) -> int:
        counts = await self.gateway.managed.contexts[NORTH].store.read(outbox_queries.count_unfinished_rows)
        return sum(n for (_, status), n in counts.items() if status is not OutboxStatus.DEAD)

    # --- with a request ----------------------------------------------------------------------------------

    async def _ours(self, wish: Wish) -> Request | None:
        def work(connection: Connection) -> Request | None:
            found = requests.find_by_any_reference(connection, NORTH, "", (wish.external,))
            assert len(found) <= 1, f"{wish.external} is there twice"
            return requests.load_request(connection, NORTH, found[0].request_id) if found else None

        return await self.gateway.managed.contexts[NORTH].store.read(work)

    async def _theirs(self, ours: Request) -> tuple[Request, ...]:
        """Of all suppliers that have it."""

        def work(connection: Connection) -> tuple[Request, ...]:
            found = (
                requests.find_by_transaction(connection, SOUTH, Role.LENDING, "north", attempt.transaction)
                for attempt in ours.attempts
            )
            loaded = (requests.load_request(connection, SOUTH, one.request_id) for one in found if one is not None)
            return tuple(one for one in loaded if one is not None)

        return await self.gateway.managed.contexts[SOUTH].store.read(work)

    async def _create_once(self, wish: Wish) -> None:
        if wish.number in self.begun or wish.number % self.nodes != self.node:
            return
        self.begun.add(wish.number)
        try:
            await self._create(wish)
        except BaseException:
            self.begun.discard(wish.number)
            raise

    async def _create(self, wish: Wish) -> None:
        draft = BorrowingDraft(
            citation=wish.citation,
            service=RequestedService(wish.service),
            patron=PatronLink(identifier=wish.reader),
            external=(wish.external,),
            mediated=wish.number % 3 == 0,
            source="api",
            actor="patron",
        )
        await self.gateway.managed.libraries[NORTH].requests.create_borrowing(draft)

    async def _act(self, request: Request, idea: Idea) -> None:
        front = self.gateway.managed.libraries[request.library].requests
        version: int | None = request.version
        shown = await front.load_view(request.id)
        if idea.kind not in shown.allowed and not idea.attempt:
            return
        if idea.kind is EventKind.DIGITISED and not request.attachments:
            upload = FileUpload(name="copy.pdf", media_type="application/pdf", content=COPY, pages=17)
            await front.attach(request.id, upload, "staff:ben", None)
            return
        if self.chance.random() < 0.5:
            version = None
        act = ActionRequest(
            kind=idea.kind, details=idea.details, actor="staff:ada", version=version, attempt=idea.attempt
        )
        await front.apply_action(request.id, act)


async def run(config: Path, chance: random.Random, clock: LaterClock, storm: bool, node: int, count: int) -> None:
    adapters = in_weather(load_adapters(), STORM if storm else CALM, chance)
    settings = load_settings(config, adapters)
    set_up_logging(settings.log.format, settings.log.level)
    gateway = Daemon(settings, adapters, clock)
    await gateway.start()
    gateway.start_workers()
    told = config.with_name(f"new-name-{os.getpid()}")
    told.write_text(gateway.node)
    told.replace(file_of_name(config, os.getpid()))
    staff = Staff(gateway, clock, chance, config, node, count)
    await (staff.work() if storm else staff.finish())
    await gateway.stop()


def quicken(pace: float) -> None:
    for module, name in product((nodes, beats, daemon), ("BEAT", "SILENT", "GAP", "MARGIN")):
        if (seconds := getattr(module, f"{name}_SECONDS", None)) is not None:
            setattr(module, f"{name}_SECONDS", seconds / pace)


def main(file: str, seed: str, hours: str, weather: str, *which: str) -> None:
    node, count, skew, newer, pace = which or ("0", "1", "0", "", "1")
    quicken(float(pace))
    if newer:
        assembly.OWN = replace(OWN, folder=Path(newer))  # type: ignore[attr-defined]
    clock = LaterClock(timedelta(hours=float(hours)), timedelta(seconds=float(skew)))
    asyncio.run(run(Path(file), random.Random(int(seed)), clock, weather == "storm", int(node), int(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
