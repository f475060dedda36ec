"""Several processes of the town on one database: nodes with equal settings, that are killed one by one or all at once.

In the middle a later release comes: its node upgrades the database beside those of this release, which begin nothing
from then on; one more of this release is started even later.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import bindparam, text

from gateway.ports.shared_store import Store
from tests.faults.lifecycles import kills
from tests.faults.lifecycles.place import allow_lifecycles
from tests.support.forked_processes import ForkedProcess

TAKEN_SECONDS = 15.0
"""So soon a living node has what a dead one had in hand."""

STEP_SECONDS = 0.1

LONGEST_SECONDS = 120.0
"""Of a wait, on the busiest machine."""

OUTDATED_SECONDS = 30.0
"""By then a node of the release before has noticed the later one, and ended what it had in hand."""

_IN_HAND = text(
    "SELECT (SELECT count(*) FROM outbox WHERE status = 'in-hand' AND node IN :names) "
    "+ (SELECT count(*) FROM message WHERE outcome = 'pending' AND node IN :names)"
).bindparams(bindparam("names", expanding=True))
_KNOWN = text("SELECT count(*) FROM node WHERE id IN :names").bindparams(bindparam("names", expanding=True))
_EVER_HAD = text(
    "SELECT (SELECT count(*) FROM outbox WHERE node = :name) + (SELECT count(*) FROM task_leader WHERE node = :name)"
)


async def count_in_hand(store: Store, names: Collection[str]) -> int:
    """What nodes of these names have in hand, or had when they died."""
    return await store.read(lambda c: int(c.execute(_IN_HAND, {"names": list(names)}).scalar_one()))


async def are_taken(store: Store, names: Collection[str]) -> bool:
    """Whether another has all that these had in hand."""
    known = await store.read(lambda c: int(c.execute(_KNOWN, {"names": list(names)}).scalar_one()))
    return not known and not await count_in_hand(store, names)


@dataclass
class RunningNode:
    process: ForkedProcess
    name: str
    is_later: bool


@dataclass
class TownNodes:
    """`skews`: of the machines, in seconds; so many nodes there are. `later_release`: folder with its steps."""

    stack: AsyncExitStack
    config: Path
    log_file: Path
    chance: random.Random
    store: Store
    hours: float
    skews: Sequence[float]
    later_release: Path
    running: dict[int, RunningNode] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    upgraded: float | None = None
    """When the later release came, by the loop's clock."""
    killed: int = 0
    cut_short: int = 0
    taken: list[float] = field(default_factory=list)
    """How many seconds it took each time."""

    @property
    def places(self) -> range:
        return range(len(self.skews))

    async def start(self, *places: int) -> None:
        """Of the later release, once it has come."""
        await asyncio.gather(*(self._start_node(place, self.upgraded is not None) for place in places))

    async def start_one_of_before(self) -> str:
        """Beside all others, on a database that was upgraded; its name."""
        place = len(self.skews)
        await self._start_node(place, False)
        return self.running[place].name

    async def _start_node(self, place: int, is_later: bool) -> None:
        count = len(self.skews)
        newer = self.later_release if is_later else ""
        process = await self.stack.enter_async_context(
            kills.process(
                *(self.config, self.log_file, self.chance.randrange(1000), self.hours, "storm"),
                *(place, count, self.skews[place % count], newer, 1),
            )
        )
        self.running[place] = RunningNode(process, await kills.at_work(self.config, process), is_later)

    async def kill(self, *places: int) -> None:
        for place in places:
            node = self.running.pop(place)
            assert node.process.poll() is None, await self.read_log()
            await kills.kill(node.process)
            self.dead.append(node.name)
            self.killed += 1
            left = await count_in_hand(self.store, [node.name])
            self.cut_short += left
            now = asyncio.get_running_loop().time()
            if self.upgraded is not None and not node.is_later and now - self.upgraded > OUTDATED_SECONDS:
                assert left == 0, "a node of the release before has work in hand"

    async def wait_until_taken(self) -> None:
        """By one that lives. Counted by steps of our own, to which a busy machine comes as late as nodes to theirs."""
        loop = asyncio.get_running_loop()
        began, steps = loop.time(), 0
        while not await are_taken(self.store, self.dead):
            steps += 1
            assert steps * STEP_SECONDS <= TAKEN_SECONDS, f"what {self.dead} had in hand is not taken"
            assert loop.time() - began <= LONGEST_SECONDS, f"what {self.dead} had in hand is not taken"
            await asyncio.sleep(STEP_SECONDS)
        self.taken.append(loop.time() - began)
        self.dead.clear()

    async def has_ever_had(self, name: str) -> int:
        return await self.store.read(lambda c: int(c.execute(_EVER_HAD, {"name": name}).scalar_one()))

    async def read_log(self) -> str:
        return (await asyncio.to_thread(self.log_file.read_text))[-3000:]

    # --- a day ------------------------------------------------------------------------------------------

    async def live_through_kills(self, rounds: int, lifecycles: int) -> None:
        """All are dead at the end, and the later release has come."""
        late = rounds // 2
        before = ""
        allow_lifecycles(self.config, lifecycles // rounds)
        await self.start(*self.places)
        for number in range(1, rounds + 1):
            allow_lifecycles(self.config, lifecycles * number // rounds)
            await kills.after(self.chance, 3.0)
            if number == late + 1:
                await self._upgrade()
                before = await self.start_one_of_before()
            else:
                await self._kill_some()
        await self.kill(*self.running)
        taken = ", ".join(f"{seconds:.1f}" for seconds in self.taken)
        sys.stdout.write(f"{self.killed} killed; {self.cut_short} tries cut short; taken in {taken} s\n")
        assert before, "the later release came"
        assert await self.has_ever_had(before) == 0, "a node of the release before took something"

    async def _upgrade(self) -> None:
        first = self.places[0]
        await self.kill(first)
        self.upgraded = asyncio.get_running_loop().time()
        await self.start(first)
        await self.wait_until_taken()

    async def _kill_some(self) -> None:
        """Some or all; those that go on, or are started instead, take what they had in hand."""
        able = [place for place in self.places if self.running[place].is_later == (self.upgraded is not None)]
        others = [place for place in self.places if place not in able]
        if self.chance.random() < 0.2:
            chosen = list(self.places)
        else:
            most = max(1, len(able) - 1)
            chosen = self.chance.sample(able, self.chance.randint(1, most)) if len(able) > 1 else []
            chosen = others[:1] if others else chosen
        await self.kill(*chosen)
        if len(chosen) == len(self.places):
            await self.start(*chosen)
            await self.wait_until_taken()
        else:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.wait_until_taken())
                group.create_task(self._start_after_a_while(*chosen))

    async def _start_after_a_while(self, *places: int) -> None:
        await asyncio.sleep(TAKEN_SECONDS * max(0.0, self.chance.random() - 0.5))
        await self.start(*places)
