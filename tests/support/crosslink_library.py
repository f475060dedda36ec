"""A library that runs CrossLink's patron requests, as a process (`tests.support.peers`), and OAK, which borrows from it
and lends to it: what both are after each step."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.world import MailServer, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.patron_status import status_of_request
from gateway.domain.requests.request import Request, Role
from tests.support.brokered_lives import (
    LOOK,
    OTHER,
    PATIENCE,
    RULES,
    Entry,
    LibraryRelay,
    LifeStep,
    act_or_be_refused,
    fits,
    list_items,
    make_draft,
    write_profiles,
)
from tests.support.peers import RealisticPeer


@dataclass
class OneLibrary:
    town: Town
    clock: FixedClock
    peer_port: int
    items: Iterator[str]
    relay: LibraryRelay
    """Before the peer."""
    entry: Entry = field(default_factory=Entry)
    symbol: str = ""
    """Its own, another at each start: with it begin its numbers, which nobody has seen before."""
    ours: str = ""
    """The id of our request."""
    theirs: str = ""

    @contextlib.contextmanager
    def run_peer(self, peers: Path, logs: Path, entry: Entry) -> Iterator[None]:
        self.entry, self.ours, self.theirs = entry, "", ""
        self.symbol = f"ISIL:C{time.monotonic_ns()}"
        url = f"{self.town.gateway.url}/iso18626/{entry.profile}"
        far = f"ISIL:OAK,{url},{entry.vendor},{entry.mode},Oak Library"
        other = f"ISIL:ASH,{self.town.gateway.url}/iso18626/{OTHER},{entry.vendor},{entry.mode},Ash Library"
        options = ("--symbol", self.symbol, "--name", "Cedar Library", "--far", far, "--far", other)
        with RealisticPeer(peers, "crosslink-library", logs, *options, port=self.peer_port):
            yield

    async def live(self, steps: Sequence[LifeStep]) -> None:
        """Raises AssertionError where a side isn't what it should be after a step. `us look`, `it look`, `all look`:
        from now on at the newest request there; `far down`, `far up`: whether we can reach it; `time 30`: so many
        minutes pass."""
        known = {one.id for role in Role for one in await self.town.requests(role)}
        item = next(self.items)
        self.relay.is_down = False
        for number, step in enumerate(steps, 1):
            self.clock.at = max(datetime.now(UTC), self.clock.at) + timedelta(seconds=1)
            match step.who:
                case "far":
                    self.relay.is_down = step.act == "down"
                case "time":
                    self.clock.advance(timedelta(minutes=int(step.act)))
                case who if step.act == "look":
                    known |= {self.ours}
                    self.ours = "" if who in ("us", "all") else self.ours
                    self.theirs = "" if who in ("it", "all") else self.theirs
                case "us":
                    await self._act(step, item)
                case _:
                    for one in step.act.split("; "):
                        await self._let_it_act(one)
            await self._await_outcome(number, step, known)

    async def call(self, path: str, body: Any = None) -> Any:
        def exchange() -> Any:
            data = None if body is None else json.dumps(body).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{self.peer_port}{path}", data, 30) as answer:
                text = answer.read()
            return json.loads(text) if text else None

        return await asyncio.to_thread(exchange)

    async def _act(self, step: LifeStep, item: str) -> None:
        if step.act.startswith("ask"):
            draft = make_draft(self.town, self.entry.profile, step.act, f"return-{self.symbol}::b1")
            self.ours = (await self.town.gateway.managed.libraries["OAK"].requests.create_borrowing(draft)).id
            return
        for one in step.act.replace("ITEM", item).split("; "):
            request = await self._find_request(set())
            assert request is not None, "we have no request"
            await act_or_be_refused(self.town, request, one)

    async def _let_it_act(self, act: str) -> None:
        action, *words = act.split()
        if action == "new":
            said = dict(one.partition("=")[::2] for one in words)
            wanted = {
                "bibliographicInfo": {
                    "supplierUniqueRecordId": said.get("of", "return-ISIL:OAK::b1"),
                    "title": f"Zzz {time.monotonic_ns()}",
                },
                "serviceInfo": {"serviceType": "Copy" if "Copy" in said else "Loan"},
            }
            new = {"patron": "CL-7", "illRequest": wanted, "id": f"{self.symbol[5:]}-N"}
            self.theirs = str((await self.call("/new", new))["id"])
            return
        parameters = dict(one.partition("=")[::2] for one in words)
        # the peer answers when its partner has: we must be at work meanwhile
        acting = asyncio.create_task(self.call("/act", {"request": self.theirs, "action": action, **parameters}))
        while not acting.done():
            await self.town.gateway.managed.drain_due_work()
            await asyncio.sleep(LOOK)
        done = acting.result()
        assert done["outcome"] == "success", done

    async def _find_request(self, known: set[str]) -> Request | None:
        found = [one for role in Role for one in await self.town.requests(role)]
        if not self.ours:
            new = [one.id for one in found if one.id not in known]
            self.ours = new[0] if new else ""
        return next((one for one in found if one.id == self.ours), None)

    async def _await_outcome(self, number: int, step: LifeStep, known: set[str]) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            await self.town.gateway.managed.drain_due_work()
            outcome = await self._describe(known)
            if fits(outcome, step.outcome):
                return
            if time.monotonic() > until:
                raise AssertionError(f"step {number}, {step.who} {step.act}: {outcome!r}, should be {step.outcome!r}")
            await asyncio.sleep(LOOK)

    async def _describe(self, known: set[str]) -> str:
        request = await self._find_request(known)
        if not self.theirs:
            listed = await self.call("/requests")
            self.theirs = str(listed[-1]["id"]) if listed else ""
        theirs = (await self.call(f"/requests/{self.theirs}"))["state"] if self.theirs else "-"
        if request is None:
            return f"- - {theirs}"
        words = status_of_request(request).word.removeprefix("borrowing-") if request.role is Role.BORROWING else "-"
        return f"{request.state.value} {words} {theirs}"


@contextlib.asynccontextmanager
async def open_library(folder: Path, peer_port: int) -> AsyncIterator[OneLibrary]:
    clock, mail = FixedClock(datetime.now(UTC)), MailServer()
    async with contextlib.AsyncExitStack() as stack:
        await mail.start()
        stack.push_async_callback(mail.stop)
        relay = LibraryRelay()
        await relay.start(peer_port)
        stack.push_async_callback(relay.stop)
        profiles = write_profiles(int(relay.url.rpartition(":")[2]))
        site = Site("OAK", "Oak Library", profiles, RULES, address="Main Street 1\n3000 Bern")
        config = await asyncio.to_thread(make_installation, folder, site, mail.port)
        town = Town(config, clock)
        await fill_library(town)
        await town.start()
        stack.push_async_callback(town.stop)
        yield OneLibrary(town, clock, peer_port, list_items(folder / "data" / "illgate.db"), relay)
