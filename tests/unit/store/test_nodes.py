"""Who lives and who leads among nodes that share PostgreSQL, directly and through PgBouncer in transaction mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from gateway.cli.installation import Installation
from gateway.domain.clock import StoreClock, SystemClock, count_seconds
from gateway.domain.problems import Unavailable
from gateway.ports.shared_store import Store, Work
from gateway.store import nodes as module
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store
from gateway.store.nodes import Leader, Node, SharedLeader, SoleLeader, set_clock_by_store
from gateway.store.postgresql import UNPREPARED
from tests.support.pgbouncer import pooled
from tests.support.postgresql import DURABLE, Server

SILENT = 1.0
"""Seconds after which a node is dead in these tests; a pause before and after makes sure."""

GAP = 0.6

PAUSE = 0.3


@pytest.fixture(autouse=True)
def soon_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", SILENT)
    monkeypatch.setattr(module, "GAP_SECONDS", GAP, raising=False)
    monkeypatch.setattr(module, "MARGIN_SECONDS", PAUSE)


@pytest.fixture
def shared_url(request: pytest.FixtureRequest, copied_postgresql_url: str) -> Iterator[str]:
    """Directly, or with `through_pooler` also through PgBouncer."""
    if getattr(request, "param", "direct") == "direct":
        yield copied_postgresql_url
        return
    with pooled(copied_postgresql_url, size=2) as url:
        yield f"{url}?{UNPREPARED}"


through_pooler = pytest.mark.parametrize("shared_url", ["direct", "pooled"], indirect=True)


@dataclass
class Cluster:
    """Nodes, each with a store of its own, which give signs of life when told to."""

    url: str
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def join(self, name: str, clock: StoreClock | None = None) -> Node:
        store = open_store(self.url)
        self.stack.push_async_callback(store.close)
        node = Node(store, name, f"place of {name}", clock)
        self.stack.push_async_callback(node.leave)
        await node.tell_alive()
        return node

    async def live(self, *living: Node, seconds: float = SILENT + PAUSE) -> None:
        """These nodes give signs of life for so long; others are silent. It begins anew where a busy machine kept these
        silent, too."""
        now = asyncio.get_running_loop().time
        before, end = now(), now() + seconds
        while now() < end:
            for node in living:
                await node.tell_alive()
            await asyncio.sleep(PAUSE / 2)
            if now() - before > GAP:
                end = now() + seconds
            before = now()


@pytest.fixture
async def cluster(shared_url: str) -> AsyncIterator[Cluster]:
    made = Cluster(shared_url)
    yield made
    await made.stack.aclose()


async def leads(*leaders: Leader) -> list[bool]:
    return [await leader.is_leader() for leader in leaders]


async def test_on_sqlite_the_only_node_leads_and_inherits_all(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    node = Node(store, "only")
    await node.tell_alive()
    assert isinstance(node.make_leader("timers"), SoleLeader)
    assert await leads(node.make_leader("timers"), node.make_heir("gone")) == [True, True]
    assert await node.list_dead() == ()
    await node.leave()
    await store.close()


@through_pooler
@pytest.mark.postgresql
async def test_one_leads_until_it_gives_the_place_up(cluster: Cluster) -> None:
    one, other = await cluster.join("one"), await cluster.join("other")
    first, second = one.make_leader("timers"), other.make_leader("timers")

    assert await leads(first, second, first) == [True, False, True]
    await first.give_up_lead()
    await other.tell_alive()
    assert await leads(second, first) == [True, False]


@pytest.mark.postgresql
async def test_each_task_has_its_own_place(cluster: Cluster) -> None:
    one, other = await cluster.join("one"), await cluster.join("other")

    assert await leads(one.make_leader("timers"), other.make_leader("mailbox a")) == [True, True]
    assert await leads(other.make_leader("timers"), one.make_leader("mailbox a")) == [False, False]


@through_pooler
@pytest.mark.postgresql
async def test_of_many_that_ask_at_once_one_leads(cluster: Cluster) -> None:
    nodes = [await cluster.join(f"n{number}") for number in range(4)]

    found = await asyncio.gather(*(node.make_leader("timers").is_leader() for node in nodes for _ in range(3)))

    assert {sum(found[place : place + 3]) for place in range(0, 12, 3)} == {0, 3}
    assert sum(found) == 3


@pytest.mark.postgresql
async def test_who_leads_asks_no_more_while_others_know_that_it_lives(cluster: Cluster) -> None:
    one = await cluster.join("one")
    counting = Counting(open_store(cluster.url))
    cluster.stack.push_async_callback(counting.store.close)
    leader = SharedLeader(cast(Store, counting), one, "timers")

    assert await leads(*[leader] * 20) == [True] * 20
    assert counting.writes == 1

    await cluster.live(one)  # but for the time since its last sign of life
    await asyncio.sleep(SILENT)
    assert await leads(leader, leader) == [True, True]
    assert counting.writes == 3


@dataclass
class Counting:
    store: Store
    writes: int = 0

    async def write(self, work: Work[bool]) -> bool:
        self.writes += 1
        return await self.store.write(work)


@pytest.mark.postgresql
async def test_who_slept_is_not_sure_to_lead(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = await cluster.join("one"), await cluster.join("other")
    first, second = one.make_leader("timers"), other.make_leader("timers")
    assert await leads(first) == [True]
    await cluster.live(other)
    assert await leads(second) == [True]

    monkeypatch.setattr(module, "count_seconds", lambda: count_seconds() + 60)  # a monotonic clock slept as well

    assert await leads(first, second) == [False, True]


@through_pooler
@pytest.mark.postgresql
async def test_the_dead_are_known_by_their_silence_and_lose_their_places(cluster: Cluster) -> None:
    one, other = await cluster.join("one"), await cluster.join("other")
    first, second = one.make_leader("timers"), other.make_leader("timers")
    assert await leads(first, second) == [True, False]
    await cluster.live(one, other)
    assert await other.list_dead() == ()
    assert await other.make_heir("one").is_leader() is False

    await cluster.live(other)

    assert await other.list_dead() == ("one",)
    assert await leads(second, other.make_heir("one")) == [True, True]
    await other.forget_dead("one")
    assert await other.list_dead() == ()
    await one.tell_alive()
    assert await first.is_leader() is False, "it was dead for the others"


@pytest.mark.postgresql
async def test_one_that_comes_back_before_its_heir_is_done_is_not_forgotten(cluster: Cluster) -> None:
    one, other = await cluster.join("one"), await cluster.join("other")
    await cluster.live(other)
    assert await other.list_dead() == ("one",)

    await one.tell_alive()
    await other.forget_dead("one")

    assert await other.make_heir("one").is_leader() is False, "it lives"


@pytest.mark.postgresql
async def test_when_the_database_was_away_nobody_is_dead(cluster: Cluster) -> None:
    one, other = await cluster.join("one"), await cluster.join("other")
    first, second = one.make_leader("timers"), other.make_leader("timers")
    assert await leads(first, second) == [True, False]
    await cluster.live(one, other)

    await asyncio.sleep(SILENT + PAUSE)  # neither can say a word
    assert await other.list_dead() == (), "it asks before it says that it lives"
    assert await leads(second, other.make_heir("one")) == [False, False]
    await other.tell_alive()

    assert await other.list_dead() == ()
    assert await leads(second, other.make_heir("one"), first) == [False, False, True]


@pytest.mark.postgresql
async def test_after_a_shorter_outage_nobody_is_dead_for_one_that_was_heard_a_little_later(cluster: Cluster) -> None:
    one, other = await cluster.join("one"), await cluster.join("other")
    await cluster.live(one, other)
    await cluster.live(other, seconds=PAUSE)

    await asyncio.sleep(SILENT - PAUSE)  # neither can say a word
    await other.tell_alive()

    assert await other.list_dead() == ()
    assert await other.make_heir("one").is_leader() is False


@pytest.mark.postgresql
async def test_who_has_just_come_takes_nobody_for_dead(cluster: Cluster) -> None:
    one = await cluster.join("one")
    assert await one.make_leader("timers").is_leader()
    await asyncio.sleep(SILENT + PAUSE)

    new = await cluster.join("new")
    leader = new.make_leader("timers")
    assert (await new.list_dead(), await leader.is_leader()) == ((), False)

    await cluster.live(new)
    assert (await new.list_dead(), await leader.is_leader()) == (("one",), True)


@pytest.mark.postgresql
async def test_a_dead_heir_has_an_heir(cluster: Cluster) -> None:
    _gone, heir, third = [await cluster.join(name) for name in ("gone", "heir", "third")]
    await cluster.live(heir, third)
    assert await heir.make_heir("gone").is_leader()
    assert await third.make_heir("gone").is_leader() is False

    await cluster.live(third)

    assert await third.list_dead() == ("gone", "heir")
    assert await third.make_heir("gone").is_leader()


@pytest.mark.postgresql
async def test_who_ends_is_no_more_there_or_dead_at_once_if_it_leaves_work(cluster: Cluster) -> None:
    clean, hasty, third = [await cluster.join(name) for name in ("clean", "hasty", "third")]
    leader = clean.make_leader("timers")
    assert await leader.is_leader()
    await cluster.live(clean, hasty, third)

    await clean.leave()
    await hasty.leave(has_work=True)
    await third.tell_alive()

    assert await third.make_leader("timers").is_leader()
    assert await third.list_dead() == ("hasty",)


@pytest.mark.postgresql
@pytest.mark.parametrize("seconds", [7, -7])
async def test_a_clock_that_is_off_goes_by_the_databases(cluster: Cluster, seconds: int) -> None:
    clock = StoreClock(Skewed(seconds))

    node = await cluster.join("skewed", clock)

    assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=0.5)
    assert abs(clock.offset + timedelta(seconds=seconds)) < timedelta(seconds=0.5)
    offset = clock.offset
    await node.tell_alive()
    assert clock.offset == offset, "it doesn't move for milliseconds"


@pytest.mark.postgresql
async def test_commands_go_by_the_databases_clock(copied_postgresql_url: str, tmp_path: Path) -> None:
    (tmp_path / "gateway.yml").write_text(f"store: {{url: '{copied_postgresql_url}'}}\n", encoding="utf-8")
    installation = Installation(tmp_path / "gateway.yml")
    assert isinstance(installation.clock, StoreClock)
    installation.clock = clock = StoreClock(Skewed(7))

    async with installation.open_current_store():
        assert abs(clock.offset + timedelta(seconds=7)) < timedelta(seconds=0.5)


async def test_on_sqlite_the_machines_clock_counts(tmp_path: Path) -> None:
    store, clock = open_store(f"sqlite:///{tmp_path}/illgate.db"), StoreClock(Skewed(7))
    await set_clock_by_store(store, clock)
    assert clock.offset == timedelta()
    await store.close()


@dataclass
class Skewed:
    seconds: float

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(seconds=self.seconds)


@pytest.mark.postgresql
async def test_without_a_server_nobody_leads_and_then_the_same_one_does() -> None:
    server = Server(DURABLE)
    store = open_store(server.url())
    await migrate_store(store, OWN)
    node = Node(store, "one")
    await node.tell_alive()
    leader = node.make_leader("timers")
    assert await leader.is_leader()
    server.halt()
    await asyncio.sleep(SILENT)

    for question in (node.tell_alive, leader.is_leader, node.list_dead):
        with pytest.raises(Unavailable):
            await question()

    server.start()
    await node.tell_alive()
    assert await leader.is_leader()
    await node.leave()
    await store.close()
    server.stop()
