"""Requests of two libraries of ours, OAK which asks and ELM which is asked, through CrossLink's broker as a process
(`tests.support.peers`): what both are after each step.

    async with open_two_libraries(folder, port) as libraries:
        with Broker(peers, logs, libraries, Entry("opaque"), Entry("transparent", "Alma")):
            await libraries.live(LIVES["loan"])
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from demo.world import MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.library import Money, RecordId
from gateway.domain.requests.citation import POSSIBLE_SUPPLIER, SUPPLIER_RECORD, Citation, CitationExtra
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.patron_status import status_of_request
from gateway.domain.requests.request import PatronLink, Request, RequestedService, Role, ServiceType
from gateway.domain.requests.views import ActionRequest, EventDenied
from tests.support.conversation_acts import read_act
from tests.support.conversation_profiles import BROKERED, HERE
from tests.support.http_relay import HttpFault, HttpRelay, RelayedMessages
from tests.support.iso_wires import held_port, port_of
from tests.support.peers import RealisticPeer

PATRON = "21000000000025"
PATIENCE = 20.0
"""Longest that both sides may need until they say what they should, in real seconds."""
LOOK = 0.03
RULES = {
    "intake": {
        "mediation_default": "straight-through",
        "locally_owned": "allow",
        "duplicates": {"action": "allow"},
    },
    "numbers": {"borrowing": "{library}-B{sequence}", "lending": "{library}-L{sequence}"},
}
OTHER = "ash"
"""The profile by which ELM's gateway is another lender, ISIL:ASH."""
VENDORS = {"Unknown": "crosslink", "Alma": "alma", "ReShare": "reshare"}


@dataclass(frozen=True)
class Entry:
    """Of a library in the broker's directory. `path`: of its url, the vendor's profile unless it is said."""

    mode: str = "opaque"
    vendor: str = "Unknown"
    path: str = ""

    @property
    def profile(self) -> str:
        """The one that the library takes for it."""
        return VENDORS[self.vendor]


@dataclass(frozen=True)
class LifeStep:
    """`who` does `act` (`ask …` makes the request); then the borrower's state, the patron's words, the lender's state
    and, where it is written, that of the other lender are `outcome`; `-` for a side that has no request, `*` for
    anything. `far down`, `far up`, `near down` and `near up`: whether the lenders or the borrower can be reached; `time
    30`: so many minutes pass. An act that ends with `!` is refused, and changes nothing."""

    who: str
    act: str
    outcome: str


def read_life(text: str) -> tuple[LifeStep, ...]:
    """A line for each step: `oak received → received shipped shipped`."""
    steps = []
    for line in text.strip().splitlines():
        act, _, outcome = line.strip().partition(" → ")
        who, _, what = act.partition(" ")
        steps.append(LifeStep(who, what.strip(), outcome.strip()))
    return tuple(steps)


@dataclass
class Library:
    symbol: str
    town: Town
    request_id: str = ""

    async def find_borrowing(self) -> Request | None:
        return next((one for one in await self.town.requests(Role.BORROWING) if one.id == self.request_id), None)

    async def find_lending(self, transaction: str, is_other: bool) -> Request | None:
        """The newest one that quotes this number or a further one of the same request. `is_other`: as the other of the
        two lenders."""
        found = [
            one
            for one in await self.town.requests(Role.LENDING)
            if one.transaction.startswith(transaction) and (one.partner.profile == OTHER) == is_other
        ]
        return max(found, key=lambda one: one.id, default=None)

    async def work(self) -> int:
        return await self.town.gateway.managed.drain_due_work()


@dataclass
class TwoLibraries:
    oak: Library
    elm: Library
    clock: FixedClock
    broker_port: int
    items: Iterator[str]
    relays: dict[str, LibraryRelay]
    """Before the lenders (`far`) and the borrower (`near`)."""
    entries: dict[str, Entry] = field(default_factory=dict)

    def write_directory(self) -> list[dict[str, Any]]:
        """As the broker has both libraries; ISIL:ASH is the same gateway as ISIL:ELM, as another lender."""
        elm, ash = self.entries["ELM"], replace(self.entries["ELM"], path=f"/iso18626/{OTHER}")
        return [self._write_entry("OAK", self.relays["near"].url, self.entries["OAK"])] + [
            self._write_entry(symbol, self.relays["far"].url, entry) for symbol, entry in (("ELM", elm), ("ASH", ash))
        ]

    def _write_entry(self, symbol: str, url: str, entry: Entry) -> dict[str, Any]:
        return {
            "symbol": f"ISIL:{symbol}",
            "url": url + (entry.path or f"/iso18626/{entry.profile}"),
            "vendor": entry.vendor,
            "mode": entry.mode,
            "name": f"{symbol.title()} Library",
            "address": {"line1": "Main Street 1", "locality": "Bern", "postalCode": "3000", "country": "CH"},
        }

    async def live(self, steps: Sequence[LifeStep]) -> None:
        """Raises AssertionError where a side isn't what it should be after a step."""
        for relay in self.relays.values():
            relay.is_down = False
        item = next(self.items)
        for number, step in enumerate(steps, 1):
            self.clock.at = max(datetime.now(UTC), self.clock.at) + timedelta(seconds=1)
            if step.who == "time":
                self.clock.advance(timedelta(minutes=int(step.act)))
            elif step.who in self.relays:
                self.relays[step.who].is_down = step.act == "down"
            elif step.act.startswith("ask"):
                await self._ask(step.act)
            elif step.act != "nothing":
                await self._act(step, item)
            await self._await_outcome(number, step)

    async def _ask(self, act: str) -> None:
        draft = make_draft(self.oak.town, self.entries["OAK"].profile, act, "return-ISIL:ELM::b1")
        made = await self.oak.town.gateway.managed.libraries["OAK"].requests.create_borrowing(draft)
        self.oak.request_id = made.id

    async def _act(self, step: LifeStep, item: str) -> None:
        """`item` is what ITEM means."""
        library = self.oak if step.who == "oak" else self.elm
        for one in step.act.replace("ITEM", item).split("; "):
            request = await self.load(step.who)
            assert request is not None, f"{step.who} has no request"
            await act_or_be_refused(library.town, request, one)

    async def load(self, who: str) -> Request | None:
        ours = await self.oak.find_borrowing()
        if who == "oak" or ours is None:
            return ours if who == "oak" else None
        return await self.elm.find_lending(ours.number, who == "ash")

    async def _await_outcome(self, number: int, step: LifeStep) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            await self.oak.work()
            await self.elm.work()
            outcome = await self.describe()
            if fits(outcome, step.outcome):
                return
            if time.monotonic() > until:
                raise AssertionError(f"step {number}, {step.who} {step.act}: {outcome!r}, should be {step.outcome!r}")
            await asyncio.sleep(LOOK)

    async def describe(self) -> str:
        ours, theirs = await self.load("oak"), await self.load("elm")
        state = ours.state.value if ours is not None else "-"
        words = status_of_request(ours).word.removeprefix("borrowing-") if ours is not None else "-"
        other = await self.load("ash")
        lenders = " ".join(one.state.value if one is not None else "-" for one in (theirs, other))
        return f"{state} {words} {lenders}"


async def act_or_be_refused(town: Town, request: Request, words: str) -> None:
    """Raises AssertionError where an act with `!` is done all the same."""
    kind, details = read_act(words.removesuffix("!"))
    act = ActionRequest(kind=kind, details=details, actor="staff:ada", version=None)
    try:
        await town.act(request, act)
    except EventDenied:
        if not words.endswith("!"):
            raise
    else:
        assert not words.endswith("!"), f"{words} is done"


def make_draft(town: Town, profile: str, act: str, record: str) -> BorrowingDraft:
    """A request of the partner with this profile: `ask copy at-most=20 of=return-ISIL:ELM::1;return-ISIL:ASH::2`, where
    `of` stands in for `record`."""
    words = dict(one.partition("=")[::2] for one in act.split()[1:] if "=" in one)
    limit = words.get("at-most")
    partner = town.context.partner(profile)
    identifiers = (RecordId(SUPPLIER_RECORD, words.get("of", record)),)
    return BorrowingDraft(
        citation=Citation(title=f"Zzz {time.monotonic_ns()}", identifiers=identifiers),
        extras=(CitationExtra(POSSIBLE_SUPPLIER, partner.symbol if partner is not None else ""),),
        service=RequestedService(ServiceType.COPY if "copy" in act.split() else ServiceType.LOAN),
        patron=PatronLink(identifier=PATRON),
        maximum_cost=Money(Decimal(limit), "EUR") if limit else None,
        partner=profile,
        mediated=False,
        override=True,
        actor="staff:ada",
    )


def fits(outcome: str, wanted: str) -> bool:
    """A word of `wanted` is anything (`*`), or one of several with `/` between."""
    words = wanted.split()
    return len(words) >= 3 and all(
        one == "*" or other in one.split("/") for one, other in zip(words, outcome.split(), strict=False)
    )


class Broker:
    """The broker with both libraries in its directory. `down`: symbols where nobody listens."""

    def __init__(self, peers: Path, logs: Path, libraries: TwoLibraries, oak: Entry, elm: Entry, *options: str) -> None:
        libraries.entries = {"OAK": oak, "ELM": elm}
        logs.mkdir(parents=True, exist_ok=True)
        directory = logs / "peers.json"
        directory.write_text(json.dumps(libraries.write_directory()), "utf-8")
        self._start = lambda: RealisticPeer(
            peers,
            "crosslink-broker",
            logs / "messages",
            "--peers",
            str(directory),
            *options,
            port=libraries.broker_port,
        )

    def __enter__(self) -> Broker:
        self._peer = self._start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._peer.stop()


class LibraryRelay:
    """Before a library's gateway; nothing gets to it while it `is_down`."""

    def __init__(self) -> None:
        self.is_down = False
        self._door = held_port()
        self.url = f"http://127.0.0.1:{port_of(self._door)}"

    async def start(self, gateway_port: int) -> None:
        faults = RelayedMessages(lambda _body, _before: HttpFault.UNDELIVERED if self.is_down else HttpFault.NONE)
        self._relay = HttpRelay(gateway_port, faults)
        await self._relay.start(self._door)

    async def stop(self) -> None:
        await self._relay.stop()
        self._door.close()


def list_items(database: Path) -> Iterator[str]:
    """Barcodes of items that may be lent."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        rows = opened.execute(
            "SELECT barcode FROM embedded_items WHERE status = 'available' AND policy = 'standard' ORDER BY barcode"
        ).fetchall()
    return iter([barcode for (barcode,) in rows])


def write_profiles(broker_port: int) -> dict[str, dict[str, Any]]:
    """By name, one for each vendor that our entry may have: at a path of its own, for all modes."""
    url = f"http://127.0.0.1:{broker_port}/iso18626"
    return {
        name: {
            "extends": f"{'crosslink' if name == OTHER else name}-18626",
            "auth": HERE,
            "partner": {
                "symbols": [f"ISIL:{name}"],
                "name": f"Broker as {name}",
                "workflow": {"borrowing": {"asks_others": True}},
            },
            "circulation": {"accept": {"barcode_from": "generated"}},
            "iso18626": {
                "http": {"url": url},
                "not_now": ["Could not send request to peer"],
                "not_taken": ["status change not allowed"],
                "symbols": {"theirs": "ISIL:BROKER", **({"ours": "ISIL:ASH"} if name == OTHER else {})},
            },
        }
        for name in (*BROKERED, OTHER)
    }


@contextlib.asynccontextmanager
async def open_two_libraries(
    folder: Path, broker_port: int, profiles: Mapping[str, dict[str, Any]] | None = None
) -> AsyncIterator[TwoLibraries]:
    """`profiles`: of the broker, instead of those for all vendors."""
    clock = FixedClock(datetime.now(UTC))
    mail = MailServer()
    async with contextlib.AsyncExitStack() as stack:
        await mail.start()
        stack.push_async_callback(mail.stop)
        libraries = []
        for symbol in ("OAK", "ELM"):
            known = profiles or write_profiles(broker_port)
            site = Site(symbol, f"{symbol.title()} Library", known, RULES, address="Main Street 1\n3000 Bern")
            config = await asyncio.to_thread(make_installation, folder / symbol, site, mail.port)
            town = Town(config, clock)
            await fill_library(town)
            await town.start()
            stack.push_async_callback(town.stop)
            libraries.append(Library(symbol, town))
        relays = {"near": LibraryRelay(), "far": LibraryRelay()}
        for library, relay in zip(libraries, relays.values(), strict=True):
            await relay.start(library.town.gateway.http_port)
            stack.push_async_callback(relay.stop)
        items = list_items(folder / "ELM" / "data" / "illgate.db")
        yield TwoLibraries(*libraries, clock=clock, broker_port=broker_port, items=items, relays=relays)
