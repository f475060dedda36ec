"""Services of mailboxes that settings ask for: a poller each, what takes their mails in, and what staff do with the
rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.requests.staff_views import MailboxFailure
from gateway.ports.shared_store import Store
from gateway.profiles import ProfileSet
from gateway.runtime.mail_secrets import MailConcealer, find_mailbox_adapter
from gateway.runtime.managed_requests import ManagedRequests
from gateway.secrets import resolve_secret
from gateway.services.mailbox.mail_records import MailboxInfo
from gateway.services.mailbox.poller import MailboxPoller, PollingOptions
from gateway.services.mailbox.processor import MailProcessor
from gateway.services.mailbox.unmatched_mail import DISMISSED_KEPT
from gateway.settings import Settings
from gateway.settings.sections import MailboxSettings
from gateway.store import mailbox
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalOptions
from gateway.store.mailbox import MailOutcome

SLICE = 500
"""Rows that retention takes at once."""


class MailboxServices:
    def __init__(
        self,
        *,
        settings: Settings,
        adapters: AdapterRegistry,
        clock: Clock,
        store: Store,
        managed: ManagedRequests,
        profiles: Callable[[], ProfileSet],
        journal: Journal,
        options: JournalOptions,
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._clock = clock
        self._store = store
        self._reader = reader = find_mailbox_adapter(adapters)
        self._days = options.keep_rows_days
        self.processor = MailProcessor(
            contexts=managed.contexts,
            profiles=profiles,
            parse=reader.parse,
            formats=managed.mail_formats,
            journal=journal,
            cipher=options.cipher,
            clock=clock,
            conceal=MailConcealer(settings, adapters, profiles).conceal_received,
        )
        self._node = managed.node
        self.pollers = tuple(
            self._make_poller(mailbox_settings)
            for mailbox_settings in settings.mailboxes
            if settings.find_library(mailbox_settings.library).is_served
        )

    async def list_failures(self) -> Mapping[str, MailboxFailure | None]:
        """All mailboxes by name; None: it is read, as far as we know. Raises Unavailable."""
        failures: dict[str, MailboxFailure | None] = {poller.box.name: None for poller in self.pollers}
        for library in sorted({poller.box.library for poller in self.pollers}):
            for away in await self._store.read(partial(mailbox.list_mailbox_failures, library=library)):
                failures[away.mailbox] = away
        return failures

    async def forget_removed_mailboxes(self) -> None:
        """Forget mailboxes that nobody reads any more, so that nobody could say that they are well again."""
        for library in self._settings.served_libraries:
            names = [poller.box.name for poller in self.pollers if poller.box.library == library.symbol]
            await self._store.write(partial(mailbox.forget_removed_mailboxes, library=library.symbol, names=names))

    async def prune_mails(self) -> int:
        """Mails whose time is over, but none that waits for staff; how many there were. Of those that were dismissed
        some days ago the contents."""
        dismissed_before = self._clock.now() - DISMISSED_KEPT
        for library in self._settings.served_libraries:
            forget = partial(mailbox.forget_dismissed, library=library.symbol, before=dismissed_before, limit=SLICE)
            while await self._store.write(forget):
                pass
        if self._days is None:
            return 0
        before = self._clock.now() - timedelta(days=self._days)
        forgotten = 0
        while count := await self._store.write(lambda c: mailbox.prune_mails(c, before, SLICE)):
            forgotten += count
        return forgotten

    def _make_poller(self, settings: MailboxSettings) -> MailboxPoller:
        folder = self._settings.folder
        folders = settings.folders
        return MailboxPoller(
            box=MailboxInfo(
                name=settings.name,
                library=self._settings.find_library(settings.library).symbol,
                authserv_id=settings.authserv_id,
            ),
            server=settings.make_mailbox_server(folder),
            rounds=PollingOptions(
                folders={
                    MailOutcome.DONE: folders.done,
                    MailOutcome.FAILED: folders.failed,
                    MailOutcome.UNKNOWN: folders.unknown,
                },
                batch=settings.batch,
                max_bytes=settings.max_bytes,
                poll_seconds=settings.poll_seconds,
            ),
            # Secrets anew each time: an access token is good for an hour.
            client=self._reader.make(lambda reference: resolve_secret(reference, folder)),
            processor=self.processor,
            store=self._store,
            leader=self._node.make_leader(f"mailbox {settings.name}"),
            clock=self._clock,
        )
