"""Mailboxes put together: one poller each, and the desk for what nobody understood; for the daemon and for commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.adapters import Adapters
from gateway.configuration.problems import ConfigurationError
from gateway.domain.clock import Clock
from gateway.domain.problems import MalformedMessage, Reason, Refused
from gateway.ports.adapter import MailboxAdapter
from gateway.ports.mail_format import MailFormat
from gateway.ports.mail_reading import Hidden, ParsedMail
from gateway.ports.mailbox import MailboxClient
from gateway.ports.partner import Secrets
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


MISSING = f"no adapter called '{CLIENT}' is installed"


def _not_read(_content: bytes, _received: datetime) -> ParsedMail:
    raise MalformedMessage("", MISSING)


def _not_opened(_secrets: Secrets) -> MailboxClient:
    raise Refused(Reason.UNSUPPORTED_SERVICE, MISSING)


NOBODY = MailboxAdapter(name=CLIENT, make=_not_opened, parse=_not_read, conceal=lambda content, _hidden: content)


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
        self._reader = reader = adapters.mailboxes.get(CLIENT, NOBODY)
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
            conceal=lambda content: reader.conceal(content, self._hidden(profiles())),
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

    def _hidden(self, profiles: ProfileSet) -> Hidden:
        """Passwords of all profiles: our own as they are now, and where others' stand in mails."""
        references: set[str] = set()
        patterns: set[str] = set()
        for profile in (one for one in profiles if not one.abstract):
            for channel in self._adapters.channels.values():
                if channel.secrets is not None and (dialect := profile.dialects.get(channel.section)) is not None:
                    references |= set(channel.secrets(dialect).values())
            for name, one in self._adapters.mail_formats.items():
                if one.secret_pattern is not None and (dialect := profile.dialects.get(name)) is not None:
                    patterns.add(one.secret_pattern(dialect))
        return Hidden(tuple(filter(None, map(self._secret, sorted(references)))), tuple(sorted(patterns)))

    def _secret(self, reference: str) -> str:
        """Empty: it isn't there, so no mail of ours has it (`illgate check` says so)."""
        try:
            return resolve(reference, self._settings.folder)
        except ConfigurationError:
            return ""

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
            client=self._reader.make(lambda reference: resolve(reference, folder)),
            taker=self.taker,
            store=self._store,
            leader=leader(self._store, f"mailbox {one.name}"),
            clock=self._clock,
        )
