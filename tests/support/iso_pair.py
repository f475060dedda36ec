"""Gateways that lend to each other: NORTH asks, SOUTH and EAST lend. For tests of ISO ILL over TCP and by mail, and of
other protocols.

    async with Pair(template, folder, Tcp("call-back")) as pair:
        await pair.ask()
        await pair.south(EventKind.SHIPPED)
        assert await pair.states() == (BorrowingState.SHIPPED, LendingState.SHIPPED)

`Joining` says how they are joined; time stands still until it is moved, a second with each act.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import func, select

from demo.world import START
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    PatronLink,
    Request,
    RequestDates,
    RequestedService,
    Role,
    ServiceType,
    SupplierAttempt,
)
from gateway.domain.requests.views import ActionRequest
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.requests.request_rows import parse_event
from gateway.store.schema import message
from tests.faults.joined.installations import NAMES, SYMBOLS, Book, Template
from tests.faults.joined.town import Town
from tests.support.iso_wires import HOST, Fates, Wire, held_port, port_of
from tests.support.yaml_files import read_yaml_file, write_yaml_file

PATRON = "21000000000025"
SECOND = timedelta(seconds=1)
PATIENCE = 10.0
"""Longest that something under way may need, in real seconds."""
LOOK = 0.02


def day_of(due: date | datetime | None) -> date:
    """Of a date on which something is due back."""
    assert due is not None
    return due.date() if isinstance(due, datetime) else due


class Joining(Protocol):
    """How the gateways are joined. `towns` are there when it is started. `carries_extras`: a request says who was asked
    before, and that it is asked anew."""

    @property
    def carries_extras(self) -> bool: ...

    def settings(self, symbol: str) -> Mapping[str, Any]:
        """Sections of its gateway.yml."""
        ...

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        """What the profile of `theirs` says at `ours`, beside `partner` and `circulation`: auth, iso_ill …; a key
        `partner` is merged."""
        ...

    async def start(self, towns: Mapping[str, Town]) -> None: ...

    async def stop(self) -> None: ...

    async def bring(self) -> int:
        """Take to the gateways what waits on the way; how much that was."""
        ...

    async def at_rest(self) -> bool:
        """Whether all that was sent has come and been dealt with."""
        ...


@dataclass
class Tcp:
    """`acknowledged`: every APDU is reported by its receiver; then nothing that is lost on the way stays lost."""

    mode: str
    acknowledged: bool = False
    reply_seconds: float = 2.0
    fates: Fates = field(default_factory=Fates)
    carries_extras = True

    def __post_init__(self) -> None:
        """Ports are held from now on, so that nobody else gets them."""
        self._doors = {symbol: held_port() for symbol in SYMBOLS}
        self._ends = {(one, other): held_port() for one in SYMBOLS for other in SYMBOLS if one != other}
        self.ports = {symbol: port_of(door) for symbol, door in self._doors.items()}
        self.wires = {pair: port_of(end) for pair, end in self._ends.items()}
        self._running: list[Wire] = []

    def settings(self, symbol: str) -> Mapping[str, Any]:
        return {"tcp": [{"host": HOST, "port": self.ports[symbol], "protocol": "iso_ill"}]}

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        reports = "all" if self.acknowledged else "none"
        return {
            "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
            "partner": {"channel": "iso-ill"},
            "iso_ill": {
                "transport": {
                    "mode": self.mode,
                    "address": f"{HOST}:{self.wires[ours, theirs]}",
                    "reply_seconds": self.reply_seconds,
                },
                "acknowledges": reports,
                "answers": reports,
                "reply_to": f"{HOST}:{self.wires[theirs, ours]}",
            },
        }

    async def start(self, towns: Mapping[str, Town]) -> None:
        self._towns = towns
        for (one, other), end in self._ends.items():
            wire = Wire(f"{one} → {other}", self.ports[other], self.ports[one], self.fates)
            await wire.start(end)
            self._running.append(wire)

    async def stop(self) -> None:
        for wire in self._running:
            await wire.stop()
        for held in (*self._doors.values(), *self._ends.values()):
            held.close()

    async def bring(self) -> int:
        return 0

    async def at_rest(self) -> bool:
        """Each APDU that came through stands in a journal. Where they are acknowledged, some need not: those that were
        under way to a gateway that died, and the second answer on a connection that was for one."""
        seen, still = -1, 0
        for _ in range(round(PATIENCE / LOOK)):
            before, seen = seen, await self._seen()
            still = still + 1 if seen == before else 0
            if seen + self._gone >= self.fates.passed:
                return True
            if self.acknowledged and still > 10:
                self._gone = self.fates.passed - seen
                return True
            await asyncio.sleep(LOOK)
        return False

    _gone = 0

    async def _seen(self) -> int:
        query = select(func.count()).where(message.c.direction == "in", message.c.protocol == "iso_ill")
        return sum(
            [await town.context.store.read(lambda c: c.execute(query).scalar_one()) for town in self._towns.values()]
        )


class Pair:
    def __init__(
        self,
        template: Template,
        folder: Path,
        joining: Joining,
        workflow: Mapping[str, Any] | None = None,
        rota: tuple[str, ...] = ("SOUTH", "EAST"),
    ) -> None:
        self.books: tuple[Book, ...] = template.books
        self.clock = FixedClock(START)
        self.joining = joining
        self._stack = AsyncExitStack()
        configs = template.copy(folder, {symbol: workflow or {} for symbol in SYMBOLS})
        for symbol, config in configs.items():
            self._install(symbol, config, rota)
        self.towns = {symbol: Town(symbol, configs[symbol], self.clock) for symbol in SYMBOLS}
        self.ours: Request | None = None
        self.trouble: Callable[[], Awaitable[None]] | None = None
        """Comes before everything that is waited for; then each message is sent until it is delivered."""

    def _install(self, symbol: str, config: Path, rota: tuple[str, ...]) -> None:
        settings = read_yaml_file(config)
        settings.update(self.joining.settings(symbol))
        write_yaml_file(config, settings)
        requests = read_yaml_file(config.parent / "requests.yml")
        if symbol == "NORTH":
            requests["rotas"] = {"both": {"lines": [{"partner": one.lower()} for one in rota]}}
        write_yaml_file(config.parent / "requests.yml", requests)
        for other in SYMBOLS:
            if other == symbol:
                continue
            file = config.parent / "profiles" / f"{other.lower()}.yml"
            profile = read_yaml_file(file)
            said = dict(self.joining.profile(symbol, other))
            if "extends" in said:
                del profile["partner"]["channel"]  # it is that of the profile which is extended
            profile["partner"] |= {"name": NAMES[other], **said.pop("partner", {})}
            write_yaml_file(file, {**profile, **said})

    async def __aenter__(self) -> Pair:
        async with AsyncExitStack() as opened:
            await self.joining.start(self.towns)
            opened.push_async_callback(self.joining.stop)
            for town in self.towns.values():
                await town.start()
                opened.push_async_callback(town.crash)
            self._stack = opened.pop_all()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._stack.aclose()

    # --- time --------------------------------------------------------------------------------------------

    async def quiet(self) -> None:
        """Until nobody has anything left to do now, and nothing is under way."""
        if self.trouble is None:
            await self._quiet()
        else:
            await self.trouble()
            await self.settle()

    async def _quiet(self) -> None:
        for _ in range(500):
            done = [await town.fire_timers() + await town.drain() for town in self.towns.values()]
            brought = await self.joining.bring()
            assert await self.joining.at_rest(), "something that was sent never came"
            if not any(done) and not brought:
                return
        raise AssertionError("the gateways don't come to rest")

    async def settle(self, tries: int = 60) -> None:
        """Until everything is delivered, however often it has to be sent again."""
        for _ in range(tries):
            await self._quiet()
            rows = [row for town in self.towns.values() for row in await town.unfinished()]
            if not rows:
                return
            assert not any(row.status is OutboxStatus.DEAD for row in rows), rows
            later = [row.next_at for row in rows if row.next_at > self.clock.now()]
            self.clock.advance((min(later) - self.clock.now() if later else timedelta()) + SECOND)
        raise AssertionError(f"never delivered: {[(row.kind, row.error) for row in rows]}")

    async def pass_days(self, days: int) -> None:
        for _ in range(days):
            self.clock.advance(timedelta(days=1))
            await self.quiet()

    async def kill(self, symbol: str, seconds: float = 0.0) -> None:
        """After so long at work, and started again."""
        town = self.towns[symbol]
        work = asyncio.ensure_future(town.drain())
        await asyncio.wait([work], timeout=seconds)
        work.cancel()
        await asyncio.wait([work])
        await town.crash()
        await town.start()

    # --- who does what -----------------------------------------------------------------------------------

    async def ask(
        self,
        book: int = 0,
        service: ServiceType = ServiceType.LOAN,
        citation: Citation | None = None,
        volumes: tuple[str, ...] = (),
    ) -> None:
        """`volumes`: labels of several."""
        self.clock.advance(SECOND)
        draft = BorrowingDraft(
            citation=citation or self.books[book].citation,
            service=RequestedService(service),
            patron=PatronLink(identifier=PATRON),
            dates=RequestDates(need_by=date(2026, 12, 1)),
            volumes=volumes,
            override=True,
            actor="patron",
        )
        self.ours = await self.towns["NORTH"].front.create_borrowing(draft)
        await self.quiet()

    async def north(self, kind: EventKind, *, quiet: bool = True, **details: Any) -> None:
        await self._act("NORTH", await self.borrowing(), kind, details, quiet)

    async def south(self, kind: EventKind, *, quiet: bool = True, **details: Any) -> None:
        await self.lender("SOUTH", kind, quiet=quiet, **details)

    async def lender(self, symbol: str, kind: EventKind, *, quiet: bool = True, **details: Any) -> None:
        await self._act(symbol, await self.lending(symbol), kind, details, quiet)

    async def _act(
        self, symbol: str, request: Request, kind: EventKind, details: Mapping[str, Any], quiet: bool
    ) -> None:
        self.clock.advance(SECOND)
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor=f"staff:{symbol.lower()}", version=None)
        await self.towns[symbol].act(request.id, act)
        if quiet:
            await self.quiet()

    # --- what has become of it ---------------------------------------------------------------------------

    async def borrowing(self) -> Request:
        assert self.ours is not None
        return (await self.towns["NORTH"].requests())[self.ours.id]

    async def lending(self, symbol: str = "SOUTH") -> Request:
        """The newest that NORTH's request is about."""
        ours = await self.borrowing()
        known = {attempt.transaction for attempt in ours.attempts}
        found = [
            one
            for one in (await self.towns[symbol].requests()).values()
            if one.role is Role.LENDING
            and (one.transaction.partition("/")[0] == ours.number or one.transaction in known)
        ]
        assert found, f"{symbol} has no such request: {[one.status for one in ours.attempts]}"
        return found[-1]

    async def attempt(self) -> SupplierAttempt:
        found = (await self.borrowing()).attempt
        assert found is not None
        return found

    async def states(self, symbol: str = "SOUTH") -> tuple[str, str]:
        return (await self.borrowing()).state.value, (await self.lending(symbol)).state.value

    async def told(self, symbol: str) -> list[str]:
        """Kinds in the history of this town's request, and why those that were denied were."""
        request = await (self.borrowing() if symbol == "NORTH" else self.lending(symbol))
        lines = [line for line in await self.towns[symbol].history() if line.request_id == request.id]
        return [
            f"{parse_event(line.document).signal}{f' denied: {line.denied}' if line.denied else ''}" for line in lines
        ]

    async def nothing_is_left(self) -> None:
        """In no outbox, and nobody has refused anything."""
        for town in self.towns.values():
            assert not await town.unfinished(), town.symbol
            refused = [f"{line.document} denied: {line.denied}" for line in await town.history() if line.denied]
            assert not refused, (town.symbol, refused)
