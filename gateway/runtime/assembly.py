"""What settings ask for, built once for daemon and commands: libraries, exchange, pages, mailboxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, MalformedMessage, RefusalReason, Refused
from gateway.domain.requests.views import MailboxFailure
from gateway.domain.value import value_object
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext, MailboxAdapter
from gateway.ports.catalogue import LinkFormat
from gateway.ports.incoming_mail import MailboxClient, MailFormat, ParsedMail
from gateway.ports.library_system import LibrarySystem
from gateway.ports.partner_simulator import Secrets as PartnerSecrets
from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.profiles import ProfileSet
from gateway.runtime.mail_secrets import CLIENT, MailConcealer
from gateway.runtime.managed_requests import ManagedRequests
from gateway.secrets import resolve_secret
from gateway.services.exchange import ExchangeRecord, MessageExchange
from gateway.services.exchange.admission import Secrets
from gateway.services.exchange.handlers import DefectReporter, log_defect
from gateway.services.exchange.message_context import ExchangeLibrary
from gateway.services.fulfilment import FulfilmentService, LinkResolver
from gateway.services.localization import TextCatalogues
from gateway.services.mailbox.poller import MailboxPoller, PollingOptions
from gateway.services.mailbox.processor import MailboxInfo, MailProcessor
from gateway.services.mailbox.unmatched_mail import UnmatchedMailService
from gateway.services.oidc_journeys import OidcJourneys
from gateway.services.patron_authentication import PatronAuthenticator
from gateway.services.requests.broker import RequestBroker
from gateway.services.requests.circulation_link import CirculationLinker
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.partner_inbox import PartnerInbox
from gateway.services.sign_in_attempts import AttemptCounter, AttemptLimits
from gateway.services.staff_sign_in import SessionTimes, StaffSignInService
from gateway.services.users import UserService
from gateway.settings import LibrarySettings, Settings
from gateway.settings.sections import MailboxSettings
from gateway.store import mailbox
from gateway.store.engine import open_store
from gateway.store.file_lock import DatabaseFileLock
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyCipher, JournalOptions
from gateway.store.library_changes import StoredLibraryChanges, prune_library_changes
from gateway.store.mailbox import MailOutcome
from gateway.store.migration import OWN
from gateway.store.postgresql import make_task_leader
from gateway.web.html.visits import BrowserVisits
from gateway.web.oidc import OidcClient
from gateway.web.pages.app import PatronPages
from gateway.web.pages.page_request import LibraryEntry, PageServices
from gateway.web.pages.sign_in import NAME as PATRON_COOKIE
from gateway.web.pages.sign_in import PatronSessions, SignInService
from gateway.web.staff.app import StaffPages
from gateway.web.staff.live_counts import CountStreams
from gateway.web.staff.staff_request import COOKIE as STAFF_COOKIE
from gateway.web.staff.staff_request import StaffServices
from gateway.web.start_page import StartDoors, StartPage
from gateway.web.trusted_proxies import TrustedProxies

LINKS = "openurl"

STAFF_AREA = "staff"
"""Where wrong passwords of staff are counted, apart from those of patrons."""

SLICE = 500
"""Rows that retention takes at once."""

MISSING = f"no adapter called '{CLIENT}' is installed"


def observe_nothing(_done: ExchangeRecord) -> None:
    """Observes nothing."""


@value_object
class Assembly:
    """`secrets` resolves what settings and profiles name as env:NAME or file:PATH."""

    settings: Settings
    adapters: AdapterRegistry
    clock: Clock
    secrets: Secrets

    # --- the store ---------------------------------------------------------------------------------------

    @property
    def database(self) -> Path | None:
        """The store's file; None for a database server."""
        url = self.settings.resolve_store_url()
        in_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return Path(str(url.database)) if in_file else None

    def make_database(self) -> None:
        """Makes the store's file and folder where they aren't there, for nobody else's eyes: it names patrons."""
        if (file := self.database) is not None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)

    @property
    def database_lock(self) -> DatabaseFileLock | None:
        """Not held yet. None for a database server, where several daemons may work."""
        file = self.database
        return DatabaseFileLock(file) if file is not None else None

    def open_store(self) -> Store:
        """Raises ConfigurationError when the password isn't there."""
        return open_store(self.settings.resolve_store_url().render_as_string(hide_password=False))

    @property
    def migration_histories(self) -> tuple[SchemaMigrations, ...]:
        """Of all tables: the gateway's own and those of the library systems in use."""
        kinds = {library.system.type: self.adapter_of(library) for library in self.settings.libraries}
        return (OWN, *(adapter.migrations for adapter in kinds.values() if adapter.migrations is not None))

    def make_journal_options(self) -> JournalOptions:
        """Raises ConfigurationError naming the place in gateway.yml."""
        wanted = self.settings.journal
        keys = [self.secrets(reference) for reference in wanted.encryption_keys]
        try:
            cipher = BodyCipher(keys) if keys else None
        except ValueError as error:
            raise ConfigurationError(
                [self.settings.make_problem(("journal", "encryption_keys"), str(error))]
            ) from error
        return JournalOptions(
            wanted.body_limit, wanted.keep_bodies_days, wanted.keep_rows_days, cipher, self.make_body_concealers()
        )

    def make_body_concealers(self) -> Mapping[str, Callable[[bytes], bytes]]:
        """By protocol, as `JournalOptions` has them."""
        return {name: adapter.responder().conceal_secrets for name, adapter in self.adapters.protocols.items()}

    # --- libraries ---------------------------------------------------------------------------------------

    def adapter_of(self, library: LibrarySettings) -> LibraryAdapter:
        return self.adapters.libraries[library.system.type]

    def library_context(self, library: LibrarySettings, store: Store) -> LibraryAdapterContext:
        return LibraryAdapterContext(
            library=library.symbol,
            store=store,
            clock=self.clock,
            zone=library.zone,
            currency=library.currency,
            folder=self.settings.folder,
            info=library.info,
            secrets=self.secrets,
            changes=StoredLibraryChanges(store, library.symbol),
        )

    async def open_libraries(self, store: Store) -> dict[str, ExchangeLibrary]:
        """All, by symbol. Raises Unavailable, ConfigurationError."""
        found = {}
        for library in self.settings.libraries:
            adapter, context = self.adapter_of(library), self.library_context(library, store)
            found[library.symbol] = make_open_library(library, await adapter.open(context, library.system.options))
        return found

    async def prune_library_changes(self, store: Store) -> int:
        """Forgets what was asked of libraries' systems as long ago as messages are forgotten; how much that was."""
        before = self.clock.now() - timedelta(days=self.settings.journal.keep_rows_days)
        forgotten = 0
        while found := await store.write(lambda c: prune_library_changes(c, before, SLICE)):
            forgotten += found
        return forgotten

    # --- the exchange ------------------------------------------------------------------------------------

    def build_exchange(
        self,
        libraries: Mapping[str, ExchangeLibrary],
        profiles: Callable[[], ProfileSet],
        store: Store,
        journal: Journal,
        observe: Callable[[ExchangeRecord], None] = observe_nothing,
        contexts: Mapping[str, LibraryContext] | None = None,
        report_defect: DefectReporter = log_defect,
    ) -> MessageExchange:
        """`contexts`: managed requests of the libraries, by symbol; None: messages are for the libraries alone."""
        return MessageExchange(
            responders={name: adapter.responder() for name, adapter in self.adapters.protocols.items()},
            profiles=profiles,
            libraries=libraries,
            journal=journal,
            clock=self.clock,
            authenticator=make_authenticator(self.settings, store, self.clock),
            secrets=self.secrets,
            library_seconds=self.settings.library_timeout_seconds,
            observe=observe,
            link=CirculationLinker(contexts) if contexts is not None else None,
            broker=RequestBroker(contexts) if contexts is not None else None,
            partner_inbox=PartnerInbox(contexts) if contexts is not None else None,
            report_defect=report_defect,
        )


def make_open_library(library: LibrarySettings, system: LibrarySystem) -> ExchangeLibrary:
    return ExchangeLibrary(library.symbol, library.name, system, library.zone, library.currency)


def make_authenticator(settings: Settings, store: Store, clock: Clock) -> PatronAuthenticator:
    """By the limits of the pages, which count wherever a PIN comes in."""
    return PatronAuthenticator(store, clock, attempt_limits(settings))


def attempt_limits(settings: Settings) -> AttemptLimits:
    """Of wrong PINs and passwords, of patrons and of staff."""
    pages = settings.pages
    return AttemptLimits(pages.tries, pages.address_tries, pages.tries_minutes)


def make_link_format(adapters: AdapterRegistry) -> LinkFormat | None:
    """None: no adapter for OpenURL is installed."""
    adapter = adapters.links.get(LINKS)
    return adapter.make() if adapter is not None else None


def make_fulfilment_service(managed: ManagedRequests, links: LinkFormat) -> FulfilmentService:
    return FulfilmentService(managed.contexts, links, managed.finder.find_by_identifier, managed.articles)


def make_pages(
    settings: Settings,
    resolver: LinkResolver,
    managed: ManagedRequests,
    store: Store,
    clock: Clock,
    secrets: Secrets,
) -> PatronPages:
    pages, public_url = settings.pages, settings.http.public_url
    proxies = TrustedProxies(settings.http.trusted_proxies)
    return PatronPages(
        PageServices(
            links=resolver.links,
            offering=resolver.offering,
            patrons=managed.patrons,
            texts=TextCatalogues(settings.letters_folder, settings.letters.language),
            store=store,
            clock=clock,
            sessions=PatronSessions(store, clock, pages.session_minutes, [one.symbol for one in settings.libraries]),
            signing_in=SignInService(make_authenticator(settings, store, clock)),
            journeys=OidcJourneys(store, clock, attempt_limits(settings)),
            visits=BrowserVisits(PATRON_COOKIE, public_url, proxies, embedded=bool(pages.embed_in)),
            libraries={one.symbol: _make_library_entry(one, secrets, clock) for one in settings.libraries},
            proxies=proxies,
            public_url=public_url,
            embed_in=pages.embed_in,
            sends_mail=bool(settings.mail.host),
        )
    )


def make_staff_pages(
    settings: Settings,
    managed: ManagedRequests,
    mailboxes: MailboxServices,
    store: Store,
    clock: Clock,
    secrets: Secrets,
    resolver: LinkResolver | None,
) -> StaffPages:
    staff, public_url = settings.staff, settings.http.public_url
    proxies = TrustedProxies(settings.http.trusted_proxies)
    symbols = tuple(one.symbol for one in settings.libraries)
    times = SessionTimes(timedelta(minutes=staff.idle_minutes), timedelta(hours=staff.session_hours))
    attempts = AttemptCounter(store, clock, attempt_limits(settings), STAFF_AREA)
    return StaffPages(
        StaffServices(
            requests=managed.requests,
            desk=managed.desk,
            partners=managed.partners,
            messages=managed.messages,
            copies=managed.copies,
            journaled=managed.journaled,
            notices=managed.notices,
            printing=managed.printing,
            patrons=managed.patrons,
            questions=managed.questions,
            search=managed.finder,
            feed=managed.feed,
            bulk=managed.bulk,
            saved_filters=managed.saved_filters,
            mails=mailboxes.desk,
            contexts=managed.contexts,
            users=UserService(store, clock),
            sign_in=StaffSignInService(store, clock, attempts, times, symbols[0], symbols),
            journeys=OidcJourneys(store, clock, attempt_limits(settings), STAFF_AREA),
            oidc=OidcClient(staff.oidc, secrets, clock) if staff.oidc.issuer else None,
            texts=TextCatalogues(settings.letters_folder, settings.letters.language),
            clock=clock,
            visits=BrowserVisits(STAFF_COOKIE, public_url, proxies, embedded=False),
            streams=CountStreams(),
            proxies=proxies,
            settings=staff,
            home=symbols[0],
            public_url=public_url,
            max_file_bytes=settings.api.max_attachment_bytes,
            links=resolver.links if resolver is not None else None,
            offering=resolver.offering if resolver is not None else None,
        )
    )


def make_start_page(settings: Settings, has_reader_pages: bool) -> StartPage:
    proxies = TrustedProxies(settings.http.trusted_proxies)
    doors = StartDoors(
        libraries=[one.info for one in settings.libraries], readers=has_reader_pages, staff=settings.staff.enabled
    )
    texts = TextCatalogues(settings.letters_folder, settings.letters.language)
    return StartPage(doors, texts, BrowserVisits(PATRON_COOKIE, settings.http.public_url, proxies, embedded=False))


def _make_library_entry(library: LibrarySettings, secrets: Secrets, clock: Clock) -> LibraryEntry:
    sign_in = library.sign_in
    return LibraryEntry(
        settings=sign_in,
        header_proxies=TrustedProxies(sign_in.header.proxies),
        oidc=OidcClient(sign_in.oidc, secrets, clock) if sign_in.oidc.issuer else None,
    )


def _refuse_parsing(_content: bytes, _received: datetime) -> ParsedMail:
    raise MalformedMessage("", MISSING)


def _refuse_mailbox(_secrets: PartnerSecrets) -> MailboxClient:
    raise Refused(RefusalReason.UNSUPPORTED_SERVICE, MISSING)


NOBODY = MailboxAdapter(
    name=CLIENT, make=_refuse_mailbox, parse=_refuse_parsing, conceal=lambda content, _hidden: content
)


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
        self._reader = reader = adapters.mailboxes.get(CLIENT, NOBODY)
        self._days = options.keep_rows_days
        formats: dict[str, MailFormat] = {name: one.make() for name, one in adapters.mail_formats.items()}
        self.taker = MailProcessor(
            contexts=managed.contexts,
            profiles=profiles,
            parse=reader.parse,
            formats=formats,
            journal=journal,
            cipher=options.cipher,
            clock=clock,
            conceal=MailConcealer(settings, adapters, profiles).conceal_received,
        )
        self.desk = UnmatchedMailService(managed.contexts, reader.parse, formats, options.cipher)
        self.pollers = tuple(self._make_poller(one) for one in settings.mailboxes)

    def find_poller(self, name: str) -> MailboxPoller:
        """Raises KeyError."""
        for one in self.pollers:
            if one.box.name == name:
                return one
        raise KeyError(name)

    async def list_failures(self) -> Mapping[str, MailboxFailure | None]:
        """All mailboxes by name; None: it is read, as far as we know. Raises Unavailable."""
        found: dict[str, MailboxFailure | None] = {one.box.name: None for one in self.pollers}
        for library in sorted({one.box.library for one in self.pollers}):
            for away in await self._store.read(partial(mailbox.list_mailbox_failures, library=library)):
                found[away.mailbox] = away
        return found

    async def forget_removed_mailboxes(self) -> None:
        """Nobody reads them any more, so nobody could say that they are well again."""
        for library in self._settings.libraries:
            names = [one.box.name for one in self.pollers if one.box.library == library.symbol]
            await self._store.write(partial(mailbox.forget_removed_mailboxes, library=library.symbol, names=names))

    async def prune_mails(self) -> int:
        """Mails whose time is over, but none that waits for staff; how many there were."""
        if self._days is None:
            return 0
        before = self._clock.now() - timedelta(days=self._days)
        forgotten = 0
        while found := await self._store.write(lambda c: mailbox.prune_mails(c, before, SLICE)):
            forgotten += found
        return forgotten

    def _make_poller(self, one: MailboxSettings) -> MailboxPoller:
        folder = self._settings.folder
        folders = one.folders
        return MailboxPoller(
            box=MailboxInfo(
                name=one.name,
                library=self._settings.find_library(one.library).symbol,
                authserv_id=one.authserv_id,
            ),
            server=one.make_mailbox_server(folder),
            rounds=PollingOptions(
                folders={
                    MailOutcome.DONE: folders.done,
                    MailOutcome.FAILED: folders.failed,
                    MailOutcome.UNKNOWN: folders.unknown,
                },
                batch=one.batch,
                max_bytes=one.max_bytes,
                poll_seconds=one.poll_seconds,
            ),
            # Secrets anew each time: an access token is good for an hour.
            client=self._reader.make(lambda reference: resolve_secret(reference, folder)),
            taker=self.taker,
            store=self._store,
            leader=make_task_leader(self._store, f"mailbox {one.name}"),
            clock=self._clock,
        )
