"""Mailboxes put together: one poller each, and the desk for what nobody understood; for the daemon and for commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateway.adapters import Adapters
from gateway.domain.clock import Clock
from gateway.ports.mail_format import MailFormat
from gateway.profiles import ProfileSet
from gateway.runtime.managed import Managed
from gateway.secrets import resolve
from gateway.services.mailbox.front import MailDesk
from gateway.services.mailbox.poller import Poller, Rounds
from gateway.services.mailbox.taking import Box, Taker
from gateway.settings import Settings
from gateway.settings.model import MailboxSettings
from gateway.store.engine import Store
from gateway.store.journal import Journal
from gateway.store.leader import leader
from gateway.store.mailbox import mails
from gateway.store.mailbox.mails import Outcome
from gateway.store.records import JournalOptions

SLICE = 500
"""Rows that retention takes at once."""

CLIENT = "imap"


class Mailboxes:
    def __init__(
        self,
        *,
        settings: Settings,
        adapters: Adapters,
        clock: Clock,
        store: Store,
        managed: Managed,
        profiles: Callable[[], ProfileSet],
        journal: Journal,
        options: JournalOptions,
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._clock = clock
        self._store = store
        reader = adapters.mailboxes[CLIENT]
        self._days = options.keep_rows_days
        formats: dict[str, MailFormat] = {name: one.make() for name, one in adapters.mail_formats.items()}
        self.taker = Taker(
            houses=managed.houses,
            profiles=profiles,
            parse=reader.parse,
            formats=formats,
            journal=journal,
            cipher=options.cipher,
            clock=clock,
        )
        self.desk = MailDesk(managed.houses, reader.parse, formats, options.cipher)
        self.pollers = tuple(self._poller(one) for one in settings.mailboxes)

    def poller(self, name: str) -> Poller:
        """Raises KeyError."""
        for one in self.pollers:
            if one.box.name == name:
                return one
        raise KeyError(name)

    async def forget(self) -> int:
        """Mails whose time is over, but none that waits for staff; how many there were."""
        if self._days is None:
            return 0
        before = self._clock.now() - timedelta(days=self._days)
        forgotten = 0
        while found := await self._store.write(lambda c: mails.prune(c, before, SLICE)):
            forgotten += found
        return forgotten

    def _poller(self, one: MailboxSettings) -> Poller:
        folder = self._settings.folder
        folders = one.folders
        return Poller(
            box=Box(
                name=one.name,
                library=self._settings.library(one.library).symbol,
                authserv_id=one.authserv_id,
            ),
            server=one.server(folder),
            rounds=Rounds(
                folders={
                    Outcome.DONE: folders.done,
                    Outcome.FAILED: folders.failed,
                    Outcome.UNKNOWN: folders.unknown,
                },
                batch=one.batch,
                max_bytes=one.max_bytes,
                poll_seconds=one.poll_seconds,
            ),
            # Secrets anew each time: an access token is good for an hour.
            client=self._adapters.mailboxes[CLIENT].make(lambda reference: resolve(reference, folder)),
            taker=self.taker,
            store=self._store,
            leader=leader(self._store, f"mailbox {one.name}"),
            clock=self._clock,
        )
