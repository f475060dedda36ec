"""Nodes that share a database: who lives, who leads, and who may take what another had in hand.

A node is one start of a daemon, under a name by chance: two with equal settings are two. On PostgreSQL each says every
few seconds that it lives, in a row, and the database's clock says how long ago that was. Who leads a task stands in a
row, too, so that no connection has to be kept: a pooler that gives each transaction another one is no hindrance.

When the database was away all rows are old, and nobody is dead. So a node takes others for dead only when it has said
without a gap, for as long as they were silent and until now, that it lives itself.

On SQLite one daemon has the file (gateway.store.file_lock), so all other names are those of the dead.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol

import structlog
from sqlalchemy import Column, Connection, PrimaryKeyConstraint, Select, Table, Text, func, select, text

from gateway.domain.clock import Clock, StoreClock, SystemClock, count_seconds
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Store
from gateway.sql import column_types
from gateway.store.postgresql import PostgresqlStore, lock_key_of
from gateway.store.schema import metadata

log = structlog.get_logger(component="nodes")

BEAT_SECONDS = 3.0
"""From one sign of life to the next."""

SILENT_SECONDS = 9.0
"""Who said nothing for so long is dead."""

GAP_SECONDS = 5.0
"""Who said nothing for so long, or longer, has no opinion of others: where the database was away for less, another is
silent for at most one beat longer, which makes nobody dead."""

MARGIN_SECONDS = 1.0
"""So much sooner a node that can't say that it lives stops to rely on it: machines count seconds differently."""

COMMAND = "command/"
"""Begins the names of commands, which nobody registers: what they have in hand is theirs until its lease is over."""

node = Table(
    "node",
    metadata,
    column_types.id_column("id"),
    column_types.text_column("place"),  # for people: which machine, which address
    column_types.moment_column("started"),
    column_types.moment_column("seen"),
    column_types.moment_column("steady_since"),  # no gap in its signs of life since then
    PrimaryKeyConstraint("id", name="pk_node"),
)
"""Nodes that live, or died and have no heir yet. All moments are of the database's clock."""

task_leader = Table(
    "task_leader",
    metadata,
    Column("task", Text, nullable=False),
    column_types.id_column("node"),
    PrimaryKeyConstraint("task", name="pk_task_leader"),
)
"""Which node does what only one at a time does. Whose node is dead is free."""

_SILENT = "now() - make_interval(secs => :silent)"
_GAP = "now() - make_interval(secs => :gap)"
_IS_STEADY = (
    f"EXISTS (SELECT FROM node AS mine WHERE mine.id = :node AND mine.steady_since <= {_SILENT} AND mine.seen > {_GAP})"
)


def _is_living(name: str) -> str:
    return (
        f"EXISTS (SELECT FROM node AS other WHERE other.id = {name} "
        f"AND (other.seen > {_SILENT} OR other.id = :node OR NOT {_IS_STEADY}))"
    )


_BEAT = text(
    "INSERT INTO node (id, place, started, seen, steady_since) VALUES (:node, :place, now(), now(), now()) "
    "ON CONFLICT (id) DO UPDATE SET seen = now(), "
    f"steady_since = CASE WHEN node.seen > {_GAP} THEN node.steady_since ELSE now() END "
    "RETURNING steady_since"
)
_TAKE_LEAD = text(
    f"INSERT INTO task_leader (task, node) SELECT :task, :node WHERE NOT {_is_living(':heir_of')} "
    "ON CONFLICT (task) DO UPDATE SET node = excluded.node "
    f"WHERE task_leader.node = excluded.node OR NOT {_is_living('task_leader.node')} "
    "RETURNING node"
)
_GIVE_UP_LEAD = text("DELETE FROM task_leader WHERE task = :task AND node = :node")
_DEAD = text(f"SELECT id FROM node WHERE id <> :node AND seen <= {_SILENT} AND {_IS_STEADY} ORDER BY id")
_FORGET_DEAD = text(f"DELETE FROM node WHERE id = :dead AND seen <= {_SILENT} RETURNING place")
_LEAVE = text("DELETE FROM node WHERE id = :node")
_LEAVE_WORK = text(f"UPDATE node SET seen = {_SILENT} WHERE id = :node")


class Leader(Protocol):
    async def is_leader(self) -> bool:
        """True when this node has the place; takes it if it is free. Ask before each piece of work. Raises
        Unavailable when the database can't be reached."""
        ...

    async def give_up_lead(self) -> None:
        """Give the place up; where the database is away it is free when this node is dead."""
        ...


class SoleLeader:
    """There is no other node."""

    def __init__(self, is_outdated: Callable[[], bool] = lambda: False) -> None:
        self._is_outdated = is_outdated

    async def is_leader(self) -> bool:
        return not self._is_outdated()

    async def give_up_lead(self) -> None:
        return None


def make_node_name(kind: str = "") -> str:
    """Make a name by chance. It has no blank, and no stroke but that of `kind`: `HOST:PORT/…` are nodes of older
    releases."""
    return f"{kind}{secrets.token_hex(8)}"


class Node:
    """This process among those that share the database. `place` tells people where it is."""

    def __init__(self, store: Store, name: str, place: str = "", clock: Clock | None = None) -> None:
        self.name = name
        self.looks = 0
        """Grows when a place that another had may have become free."""
        self.unbroken = 0
        """Counts the times that others may have taken this node for dead."""
        self.outdated_by = ""
        """In a sentence, that the database is another release's; as long as it says something this node leads nothing
        and takes nothing up, and only ends what it has in hand."""
        self._store = store
        self._place = place
        self._clock = clock or SystemClock()
        self._fresh_until = 0.0
        self._steady_since: object = None
        self._is_registered = False
        # A connection of its own: where all others are busy a node isn't dead.
        self._own = PostgresqlStore(store.url, pool_size=1) if self.is_among_others else None

    @property
    def is_among_others(self) -> bool:
        """False on SQLite."""
        return self._store.url.get_backend_name() != "sqlite"

    @property
    def is_fresh(self) -> bool:
        """True if all others know that it lives, whatever becomes of the database now."""
        return count_seconds() < self._fresh_until

    async def tell_alive(self) -> None:
        """Tell the other nodes that it lives, every `BEAT_SECONDS`; the first time registers the node. A `StoreClock`
        is set by the database's. Raises Unavailable."""
        if self._own is None:
            return
        began = count_seconds()
        try:
            async with asyncio.timeout(BEAT_SECONDS):  # one that hangs must not cost the next ones
                steady_since = await self._own.write(self._write_beat)
        except TimeoutError as error:
            raise Unavailable(write_sentence("the database did not respond")) from error
        was_fresh, self._fresh_until = self.is_fresh, began + SILENT_SECONDS - MARGIN_SECONDS
        if steady_since != self._steady_since:
            if self._is_registered and not was_fresh:
                log.warning("node.silent", node=self.name, seconds=SILENT_SECONDS)
            self.unbroken += 1
        self._is_registered, self._steady_since = True, steady_since
        self.looks += 1

    def _write_beat(self, connection: Connection) -> object:
        parameters = {"node": self.name, "place": self._place, "silent": SILENT_SECONDS, "gap": GAP_SECONDS}
        steady_since: object = connection.execute(_BEAT, parameters).scalar_one()
        if isinstance(self._clock, StoreClock):
            set_clock(connection, self._clock)
        return steady_since

    async def list_dead(self) -> tuple[str, ...]:
        """Names of others that are silent for too long and have no heir yet. Raises Unavailable."""
        if not self.is_among_others:
            return ()
        parameters = {"node": self.name, "silent": SILENT_SECONDS, "gap": GAP_SECONDS}
        return await self._store.read(lambda connection: tuple(connection.execute(_DEAD, parameters).scalars()))

    async def forget_dead(self, name: str) -> None:
        """All that it had in hand is taken. Raises Unavailable."""
        if not self.is_among_others:
            return
        parameters = {"dead": name, "silent": SILENT_SECONDS}
        place = await self._store.write(lambda connection: connection.execute(_FORGET_DEAD, parameters).scalar())
        if place is not None:
            log.warning("node.taken_over", dead=name, place=place)
            self.looks += 1  # its places are free

    async def leave(self, has_work: bool = False) -> None:
        """It ends, if it hasn't. With `has_work` it counts as dead from now on, and another takes what it leaves."""
        if self._own is None:
            return
        parameters = {"node": self.name, "silent": SILENT_SECONDS} if has_work else {"node": self.name}
        try:
            if self._is_registered:
                self._is_registered = False
                await self._own.write(lambda c: c.execute(_LEAVE_WORK if has_work else _LEAVE, parameters) and None)
        except Unavailable as away:
            log.warning("node.not_signed_off", node=self.name, reason=str(away))
        finally:
            self._fresh_until = 0.0
            await self._own.close()

    def _is_outdated(self) -> bool:
        return bool(self.outdated_by)

    def make_leader(self, task: str) -> Leader:
        """Make the leader of the work called `task`, such as 'timers'."""
        return SharedLeader(self._store, self, task) if self.is_among_others else SoleLeader(self._is_outdated)

    def make_heir(self, dead: str) -> Leader:
        """Make the heir of what the node of this name had in hand, if it is dead."""
        if not self.is_among_others:
            return SoleLeader(self._is_outdated)
        return SharedLeader(self._store, self, f"node {dead}", dead)


class SharedLeader:
    """A place that is held needs no asking while all know that its node lives. One that another has becomes free when
    that one gives it up or dies, which is soon enough found at this node's next sign of life."""

    def __init__(self, store: Store, own: Node, task: str, heir_of: str = "") -> None:
        self._store = store
        self._node = own
        self._task = task
        self._heir_of = heir_of
        self._answer = False
        self._asked: tuple[int, int] | None = None
        """`looks` and `unbroken` of this node then."""

    async def is_leader(self) -> bool:
        if self._node.outdated_by:
            await self.give_up_lead()
            return False
        if self._asked is not None and self._node.is_fresh:
            looks, unbroken = self._asked
            if (self._answer and unbroken == self._node.unbroken) or (not self._answer and looks == self._node.looks):
                return self._answer
        asked = self._node.looks, self._node.unbroken
        self._asked = None
        self._answer = await self._store.write(self._take_lead)
        self._asked = asked
        return self._answer

    def _take_lead(self, connection: Connection) -> bool:
        if "/" in self._heir_of and not connection.execute(_try_older_lock(self._heir_of)).scalar_one():
            return False
        parameters = {
            "task": self._task,
            "node": self._node.name,
            "heir_of": self._heir_of,
            "silent": SILENT_SECONDS,
            "gap": GAP_SECONDS,
        }
        return connection.execute(_TAKE_LEAD, parameters).first() is not None

    async def give_up_lead(self) -> None:
        self._asked, held, self._answer = None, self._answer, False
        if not held:
            return
        parameters = {"task": self._task, "node": self._node.name}
        try:
            await self._store.write(lambda connection: connection.execute(_GIVE_UP_LEAD, parameters) and None)
        except Unavailable as away:
            log.warning("leader.not_given_up", task=self._task, reason=str(away))


def _try_older_lock(name: str) -> Select[tuple[bool]]:
    """Nodes of releases before this table held a lock of their session for as long as they lived."""
    return select(func.pg_try_advisory_xact_lock(lock_key_of(f"node {name}")))


async def set_clock_by_store(store: Store, clock: Clock) -> None:
    """Set a `StoreClock` by the time of a database that several nodes share, from now on. Raises Unavailable."""
    if isinstance(clock, StoreClock) and store.url.get_backend_name() != "sqlite":

        def look_at_clock(connection: Connection) -> None:
            connection.execute(text("SELECT 1"))
            set_clock(connection, clock)

        await store.read(look_at_clock)


def set_clock(connection: Connection, clock: StoreClock) -> None:
    """Set the clock in a transaction that has begun: only the way there and back lies between two looks at the
    machine's clock."""
    before = clock.local_now()
    at = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    clock.set_by(before, at, clock.local_now())
