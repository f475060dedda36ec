"""The work that a daemon repeats beside its messages: it measures for the metrics, and deletes what is past its
retention period."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from gateway.domain.clock import Clock
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.shared_store import Store
from gateway.profiles import ProfileStore
from gateway.runtime.assembly import Assembly
from gateway.runtime.background import BackgroundTasks
from gateway.runtime.exchange_assembly import make_authenticator
from gateway.runtime.mailbox_services import MailboxServices
from gateway.runtime.managed_requests import ManagedRequests
from gateway.runtime.monitoring import GatewayMetrics, HealthMonitor
from gateway.services.operation.check.certificates import list_certificate_ends
from gateway.settings import Settings
from gateway.store import mailbox
from gateway.store.journal import Journal
from gateway.store.migration import measure_database_bytes
from gateway.store.requests import outbox_queries, request_messages
from gateway.web.api.app import JsonApi
from gateway.web.pages.app import PatronPages
from gateway.web.staff.app import StaffPages

log = structlog.get_logger(component="gateway")

LOOK_SECONDS = 15.0
SLOW_LOOK_SECONDS = 600.0
"""For what changes by the day."""

RETENTION_SECONDS = 6 * 3600.0
FAILURES_SECONDS = 600.0


@dataclass(kw_only=True)
class GatewayMeasurement:
    """Measures for the metrics what no message tells them. `libraries`: those that are served, by symbol."""

    settings: Settings
    store: Store
    journal: Journal
    managed: ManagedRequests
    mailboxes: MailboxServices
    profiles: ProfileStore
    libraries: Mapping[str, ExchangeLibrary]
    health: HealthMonitor
    metrics: GatewayMetrics
    clock: Clock

    def start_tasks(self, tasks: BackgroundTasks) -> None:
        tasks.run_every("health: look for the metrics", LOOK_SECONDS, self._measure_readiness)
        tasks.run_every("outbox: count for the metrics", LOOK_SECONDS, self._count_outbox_rows)
        tasks.run_every("messages: count the unread for the metrics", LOOK_SECONDS, self._count_unread)
        tasks.run_every("mailboxes: how long away, for the metrics", LOOK_SECONDS, self._measure_mailboxes)
        tasks.run_every("journal: oldest pending for the metrics", LOOK_SECONDS, self._measure_oldest_pending)
        tasks.run_every("database: size for the metrics", SLOW_LOOK_SECONDS, self._measure_database)
        tasks.run_every("certificates: ends for the metrics", SLOW_LOOK_SECONDS, self._measure_certificates)

    async def _measure_readiness(self) -> None:
        self.metrics.record_readiness(await self.health.check())

    async def _count_outbox_rows(self) -> None:
        counts = await self.store.read(outbox_queries.count_unfinished_rows)
        oldest = await self.store.read(outbox_queries.find_oldest_waiting)
        self.metrics.record_outbox_rows(counts, oldest, self.clock.now())

    async def _count_unread(self) -> None:
        libraries = tuple(self.managed.contexts)
        counts = await self.store.read(request_messages.count_unread_messages)
        self.metrics.record_unread_messages(libraries, counts, self.clock.now())
        mails = await self.store.read(mailbox.count_waiting_by_library)
        for library in libraries:
            self.metrics.record_unmatched_mails(library, mails.get(library, 0))

    async def _measure_mailboxes(self) -> None:
        self.metrics.record_mailboxes(await self.mailboxes.list_failures(), self.clock.now())

    async def _measure_oldest_pending(self) -> None:
        pending = await self.journal.find_oldest_pending()
        oldest = min((at for library, at in pending.items() if library in self.libraries), default=None)
        self.metrics.record_oldest_pending(oldest, self.clock.now())

    async def _measure_database(self) -> None:
        self.metrics.record_database_bytes(await measure_database_bytes(self.store))

    async def _measure_certificates(self) -> None:
        profiles = tuple(self.profiles.current.loaded.values())
        certificates = await asyncio.to_thread(list_certificate_ends, self.settings, profiles)
        self.metrics.record_certificates({certificate.file: certificate.ends for certificate in certificates})


@dataclass(kw_only=True)
class RetentionTasks:
    """Delete what is past its retention period, on one node at a time."""

    parts: Assembly
    store: Store
    journal: Journal
    managed: ManagedRequests
    mailboxes: MailboxServices
    api: JsonApi
    pages: PatronPages | None
    staff_pages: StaffPages | None

    def __post_init__(self) -> None:
        self._leader = self.managed.node.make_leader("retention")
        self._authenticator = make_authenticator(self.parts.settings, self.store, self.parts.clock)

    def start_tasks(self, tasks: BackgroundTasks) -> None:
        tasks.run_every("outbox: retention", RETENTION_SECONDS, self._prune_finished_work)
        tasks.run_every("sign-in: forget old failures", FAILURES_SECONDS, self._prune_failures)
        tasks.run_every("journal: retention", RETENTION_SECONDS, self._prune_journal)

    async def _prune_finished_work(self) -> None:
        if not await self._leader.is_leader():
            return
        if forgotten := await self.managed.prune_outbox():
            log.info("outbox.pruned", rows=forgotten)
        if forgotten := await self.mailboxes.prune_mails():
            log.info("mailbox.pruned", mails=forgotten)
        if forgotten := await self.parts.prune_library_changes(self.store):
            log.info("library.changes_pruned", changes=forgotten)
        if forgotten := await self.parts.prune_partner_things(self.store):
            log.info("library.things_pruned", things=forgotten)
        for library in self.managed.libraries.values():
            await library.replay_jobs.forget_old_jobs()
        await self.api.prune_stored_answers(self.managed.contexts)
        if self.pages is not None:
            await self.pages.prune_expired(self.managed.contexts)
        if self.staff_pages is not None:
            await self.staff_pages.prune_expired()

    async def _prune_failures(self) -> None:
        if await self._leader.is_leader():
            await self._authenticator.prune_failures(self.managed.contexts)

    async def _prune_journal(self) -> None:
        if not await self._leader.is_leader():
            return
        forgotten = await self.journal.apply_retention(self.parts.clock.now())
        if forgotten.messages or forgotten.bodies:
            log.info("journal.pruned", messages=forgotten.messages, contents=forgotten.bodies)
