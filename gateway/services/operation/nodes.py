"""Life of a node among others: signs of life, the work of those that are gone, and newer releases beside it.

What a dead node had in hand, rows of the outbox and messages, is taken by its heir. At a start that is all that no
living node has. Later a node looks every few seconds for others that died; should it die as well half-way, another
takes over from both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from gateway.domain.clock import Clock, StoreClock
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import mark_template, write_sentence
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.services.exchange import MessageExchange
from gateway.services.exchange.recovery import RecoveryReport, finish_interrupted, gather_all
from gateway.store.journal import Journal
from gateway.store.migration import find_other_schema
from gateway.store.nodes import BEAT_SECONDS, COMMAND, Node
from gateway.store.requests import outbox
from gateway.store.requests.order_batches import HANDS

log = structlog.get_logger(component="nodes")

RETRY_SECONDS = 30.0
"""After so long a library that was away is asked again, for the sake of messages that dead nodes left."""

COMMANDS = ""
"""The name that all commands have in the journal."""

COMMAND_SECONDS = 120.0
"""No command is at work on one message for so long: as long as it may have a row of the outbox."""

MAX_SKEW_SECONDS = 2.0
"""A machine whose clock is off by more is told of."""

CLOCK_AHEAD = mark_template("this machine's clock is %(seconds)s s ahead of the database's, which counts")
CLOCK_BEHIND = mark_template("this machine's clock is %(seconds)s s behind the database's, which counts")


class NodeBeats:
    def __init__(self, node: Node, clock: Clock) -> None:
        self._node = node
        self._clock = clock
        self._is_away = False
        self._is_skewed = False

    async def run(self) -> None:
        """Run until cancelled, at the same pace while the database is away: when it is back the others must soon know
        that this node lives."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while self._node.is_among_others:
            due = max(due + BEAT_SECONDS, clock())
            await asyncio.sleep(due - clock())
            try:
                await self._node.tell_alive()
            except Unavailable as away:
                if not self._is_away:
                    log.warning("node.not_seen", reason=str(away))
                self._is_away = True
            else:
                self._is_away = False
            self.log_skew()

    def log_skew(self) -> None:
        """Each change once."""
        if (notes := self.describe_skew()) and not self._is_skewed:
            log.warning("node.clock_differs", reason=notes[0])
        elif not notes and self._is_skewed:
            log.info("node.clock_agrees")
        self._is_skewed = bool(notes)

    def describe_skew(self) -> tuple[str, ...]:
        """Describe what is wrong with the machine's clock, in a sentence: the gateway goes by the database's
        nevertheless."""
        if not isinstance(self._clock, StoreClock):
            return ()
        ahead = -self._clock.offset.total_seconds()
        if abs(ahead) <= MAX_SKEW_SECONDS:
            return ()
        text = CLOCK_AHEAD if ahead > 0 else CLOCK_BEHIND
        return (write_sentence(text, seconds=format(abs(ahead), ".1f")),)


class SchemaWatch:
    """A watch on the tables under this node: a newer release may have changed them, or a backup of an older one was put
    back. A newer one has only added to them (design rule 13), so what is in hand comes to its end; nothing else is
    begun."""

    def __init__(self, store: Store, node: Node, histories: Sequence[SchemaMigrations]) -> None:
        self._store = store
        self._node = node
        self._histories = tuple(histories)

    async def look(self) -> str:
        """`Node.outdated_by` from now on. Raises Unavailable."""
        other = await find_other_schema(self._store, *self._histories)
        if other and not self._node.outdated_by:
            log.error("node.outdated", reason=other)
        self._node.outdated_by = other
        return other

    async def run(self) -> None:
        """Run until cancelled; while the database is away nothing can be begun anyhow."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with suppress(Unavailable):
                await self.look()


class NodeRecovery:
    """`wake` is called when there are rows to be claimed and places to be had."""

    def __init__(
        self,
        *,
        node: Node,
        store: Store,
        journal: Journal,
        exchange: MessageExchange,
        libraries: Mapping[str, ExchangeLibrary],
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._node = node
        self._store = store
        self._journal = journal
        self._exchange = exchange
        self._libraries = libraries
        self._clock = clock
        self._wake = wake
        self._waiting: set[str] = set()
        """Names of dead nodes whose messages wait for a library; never COMMANDS, of whom one may be at work."""
        self._commands_seen: datetime | None = None
        """What commands began before then is finished, or can't be."""

    async def recover_left(self) -> RecoveryReport:
        """Recover, before this node listens, all that others left that don't live. Raises Unavailable."""
        return await self._recover(sorted(await self._list_holders() - {self._node.name}))

    async def take_over_dead(self) -> None:
        """Take over the work of dead nodes, every few seconds, also while the database is away, which the signs of life
        tell: a task that fails is tried again after a minute only. Raises Unavailable where it goes away half-way."""
        try:
            dead = await self._node.list_dead()
        except Unavailable:
            return
        await self._recover(name for name in dead if name not in self._waiting)

    async def finish_waiting(self) -> None:
        """Finish what waits, every `RETRY_SECONDS`: a library that was away is asked again, and what a command began
        and can't be at work on any more is finished. Raises Unavailable."""
        await self._recover(sorted(self._waiting))
        if COMMANDS in await self._list_holders():
            await self._finish_commands()

    async def leave(self) -> None:
        """Leave when all has ended here: what is left nevertheless is another's at once."""
        try:
            has_work = self._node.name in await self._list_holders()
        except Unavailable:
            has_work = True
        await self._node.leave(has_work)

    async def _list_holders(self) -> frozenset[str]:
        """Names of nodes, and COMMANDS."""
        rows = await self._store.read(outbox.list_nodes_in_hand)
        messages = [await self._journal.list_pending_nodes(symbol) for symbol in self._libraries]
        return frozenset(name for name in rows if not name.startswith((COMMAND, HANDS))).union(*messages)

    async def _recover(self, nodes: Iterable[str]) -> RecoveryReport:
        """Side by side: one whose library is slow must not hold up the others."""
        reports = await gather_all(map(self._recover_node, nodes))
        total = sum(reports, RecoveryReport())
        if total not in (RecoveryReport(), RecoveryReport(left=total.away, away=total.away)):
            log.warning("recovery.done", finished=total.finished, failed=total.failed, left=total.left)
        return total

    async def _finish_commands(self) -> None:
        until, heir = self._clock.now() - timedelta(seconds=COMMAND_SECONDS), self._node.make_heir(COMMANDS)
        try:
            if not await heir.is_leader():
                return
            report = await finish_interrupted(
                self._exchange, self._journal, self._libraries, self._clock, COMMANDS, self._commands_seen, until
            )
        finally:
            await heir.give_up_lead()
        if not report.away:
            self._commands_seen = until
        if report.finished or report.failed:
            log.warning("recovery.done", finished=report.finished, failed=report.failed, left=report.left)

    async def _recover_node(self, node: str) -> RecoveryReport:
        heir = self._node.make_heir(node)
        try:
            return await self._inherit(node) if await heir.is_leader() else RecoveryReport()
        finally:
            await heir.give_up_lead()

    async def _inherit(self, node: str) -> RecoveryReport:
        now = self._clock.now()
        if rows := await self._store.write(lambda connection: outbox.expire_node_leases(connection, node, now)):
            log.warning("outbox.recovered", rows=rows)
        report = await finish_interrupted(self._exchange, self._journal, self._libraries, self._clock, node)
        if report.away and node not in self._waiting:
            log.warning("recovery.library_unavailable", interrupted=report.away)
        if report.away and node:  # it stays known as dead, also to those who would take over from us
            self._waiting.add(node)
        else:
            self._waiting.discard(node)
            await self._node.forget_dead(node)
        self._wake()
        return report
