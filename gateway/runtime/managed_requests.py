"""Managed requests built: contexts, channels, outbox worker, timers, previews of mails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.policy import RequestPolicy, Retention
from gateway.domain.requests.request import Request, Role, RotaLineStatus
from gateway.domain.value import replace
from gateway.ports.adapter import ChannelContext, ChannelLibrary, SearchContext
from gateway.ports.catalogue import LinkFormat
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.incoming_mail import MailFormat
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.outgoing_mail import AnswerLink, Mailer
from gateway.ports.partner_channel import (
    NoPartnerConnections,
    OrderBatchFile,
    PartnerChannel,
    PartnerConnections,
    PartnerMessage,
    SendsBatches,
)
from gateway.ports.shared_store import Store, Transaction
from gateway.profiles import ProfileSet
from gateway.profiles.checks import is_spoken_to_by_connection
from gateway.runtime.background import WorkNotifier
from gateway.runtime.library_contexts import build_library_contexts
from gateway.runtime.mail_secrets import MailConcealer, find_mailbox_adapter
from gateway.runtime.partner_channels import NoMailServer
from gateway.runtime.sent_recording import RecordingConnections, RecordingMailer
from gateway.services.desks.bulk_actions import BulkActionService
from gateway.services.desks.copies import CopyService
from gateway.services.desks.journaled_messages import JournaledMessageService
from gateway.services.desks.printing import PrintService
from gateway.services.desks.replay_jobs import ReplayJobs
from gateway.services.desks.request_marks import RequestMarkService
from gateway.services.desks.request_statistics import StatisticsService
from gateway.services.desks.saved_filters import SavedFilterService
from gateway.services.desks.scans import ScanService
from gateway.services.desks.staff_service import PartnerDirectory, StaffService
from gateway.services.exchange.admission import Secrets
from gateway.services.exchange.peer_keys import PeerKeyRing, PeerTokenWriter
from gateway.services.letters.renderer import LetterRenderer, make_letter_renderer
from gateway.services.libraries.library_services import LibraryRegistry, LibraryServices
from gateway.services.mailbox.mail_replies import REPLY, MailReplyHandler
from gateway.services.mailbox.unmatched_mail import UnmatchedMailService
from gateway.services.operation import network_load
from gateway.services.operation.network_load import NetworkLoads
from gateway.services.operation.partner_probe import PartnerProbe
from gateway.services.outbox.queue import Handler, Observe, OutboxOptions, observe_nothing
from gateway.services.outbox.timers import TimerWorker
from gateway.services.outbox.webhooks import KIND as WEBHOOK
from gateway.services.outbox.webhooks import WebhookHandler, WebhookOptions, WebhookService
from gateway.services.outbox.worker import OutboxWorker
from gateway.services.patrons.patron_copies import PatronCopies
from gateway.services.patrons.patron_data import PatronDataService
from gateway.services.patrons.patron_requests import PatronRequestService
from gateway.services.people.api_keys import ApiKeyService
from gateway.services.people.users import UserService
from gateway.services.request_work.actions import ActionService
from gateway.services.request_work.outbox_handlers import RequestOutboxHandlers
from gateway.services.request_work.patron_notices import NoticeService
from gateway.services.request_work.questions import PatronQuestionService, make_partner_links
from gateway.services.request_work.request_reader import EventFeed
from gateway.services.request_work.request_service import RequestService
from gateway.services.requests.effects import (
    PARTNER,
    find_batch_channel,
    is_batched,
    next_batch_number,
    remove_patron_data,
)
from gateway.services.requests.library_context import NOT_SERVED, LibraryContext, find_library_context
from gateway.services.requests.order_batches import send_single
from gateway.services.requests.partner_closures import PartnerClosureService
from gateway.services.requests.partner_inbox import PartnerInbox
from gateway.services.requests.request_messages import MessageService
from gateway.services.requests.sent_messages import SentMessageJournal, record_sent_message
from gateway.services.requests.suppliers import KnownHoldings
from gateway.services.requests.transitions import apply_expired_timer
from gateway.services.searching.article_lookup import make_article_lookup
from gateway.services.searching.fulfilment import FulfilmentService
from gateway.services.searching.lookup import SearchCatalogue
from gateway.services.searching.search import CatalogueSearch
from gateway.services.searching.targets import CatalogueClient
from gateway.settings import Settings
from gateway.store.journal import Journal
from gateway.store.nodes import Node
from gateway.store.requests import history, order_batches, outbox, outbox_queries
from gateway.store.requests.order_batches import ORDER
from gateway.store.requests.outbox import OutboxStatus, Route
from gateway.store.requests.request_rows import parse_message
from gateway.store.requests.timers import TimerRow

LINKS = "openurl"

HIDDEN = "********"
"""What a preview shows in place of a password."""

SLICE = 500
"""Rows that retention takes at once."""


class ManagedRequests:
    """`policies` gives the rules in use now, by symbol of the library. `absent`: symbols of libraries whose work waits,
    since they have no settings.

    `wake` and `worker.run`, `timekeeper.run` are started by whoever keeps this for longer; commands call
    `drain_due_work`.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        adapters: AdapterRegistry,
        clock: Clock,
        secrets: Secrets,
        store: Store,
        journal: Journal,
        libraries: Mapping[str, ExchangeLibrary],
        profiles: Callable[[], ProfileSet],
        policies: Callable[[str], RequestPolicy],
        node: Node,
        observe: Observe = observe_nothing,
        network_asked: network_load.Observe = network_load.observe_nothing,
        lines: PartnerConnections = NoPartnerConnections(),  # noqa: B008 - it has no state
        absent: Sequence[str] = (),
    ) -> None:
        self._settings = settings
        self._channel_adapters = adapters.channels
        self._absent = tuple(absent)
        self._store = store
        self._clock = clock
        self.node = node
        self.wake = WorkNotifier(store, node.name)
        self.network = NetworkLoads(libraries, clock, secrets, network_asked, lambda: bool(node.outdated_by))
        self.peer_keys = PeerKeyRing(store, clock)
        self._peer_tokens = PeerTokenWriter(
            self.peer_keys, clock, lambda profile: settings.find_library(profile.library).symbol
        )
        search_context = SearchContext(secrets, AllowedAddresses(settings.api.webhook_networks))
        self._letters = letters = make_letter_renderer(settings)
        mailer = self._make_mailer(adapters, secrets)

        def make_channels(
            mailer: Mailer, lines: PartnerConnections, secrets: Secrets = secrets
        ) -> dict[str, PartnerChannel]:
            context = self._make_channel_context(secrets, mailer, letters, lines)
            return {name: adapter.make(context) for name, adapter in adapters.channels.items()}

        self._make_channels = make_channels
        self.channels: dict[str, PartnerChannel] = {}
        self._asker = CatalogueClient(
            {name: adapter.make(search_context) for name, adapter in adapters.searches.items()}, clock
        )
        catalogue = KnownHoldings(SearchCatalogue(self._asker, profiles))

        def make_contexts(libraries: Mapping[str, ExchangeLibrary]) -> dict[str, LibraryContext]:
            loads = {symbol: self.network.add_library(symbol).reported_load for symbol in libraries}
            nudge = self.wake.notify
            return build_library_contexts(
                settings, store, clock, libraries, profiles, policies, self.channels, nudge, loads, catalogue
            )

        self._make_contexts = make_contexts
        self.contexts: dict[str, LibraryContext] = make_contexts(libraries)
        self._channel_libraries = {symbol: _describe_for_channels(each) for symbol, each in self.contexts.items()}
        self.articles = make_article_lookup(settings, adapters, secrets, clock)
        self.partner_inbox = PartnerInbox(self.contexts, journal)
        self.channels.update(make_channels(mailer, lines))
        self._secrets = secrets
        conceal = MailConcealer(settings, adapters, profiles).conceal_sent
        sent = SentMessageJournal(journal, clock, conceal, settings.http.public_url)
        replies = MailReplyHandler(self.contexts, mailer, settings.mail.letter_sender, journal, clock, conceal)
        rows = RequestOutboxHandlers(self.contexts, letters, mailer, settings.mail.letter_sender, sent)
        self._webhooks = WebhookHandler(
            store, clock, WebhookOptions(addresses=AllowedAddresses(settings.api.webhook_networks))
        )
        handlers: dict[str, Handler] = {**rows.handlers_by_kind(), REPLY: replies.handle_reply, WEBHOOK: self._webhooks}
        self.worker = OutboxWorker(
            store,
            clock,
            handlers,
            OutboxOptions.from_settings(settings.outbox),
            node.name,
            observe,
            lambda: bool(node.outdated_by),
            self.list_held_back,
            lambda library, name: profiles().has_own_partner(library, name),
        )
        self.wake.subscribe(self.worker.wake)
        self.timekeeper = TimerWorker(store, clock, self._fire_timer, node.make_leader("timers"))
        self.wake.subscribe(self.timekeeper.wake)
        self._actions: dict[str, ActionService] = {}
        self.questions = PatronQuestionService(store, journal, self.contexts, self._actions, letters)
        self.replays_waiting = asyncio.Event()
        self.mail_formats: Mapping[str, MailFormat] = {
            name: mail_format.make() for name, mail_format in adapters.mail_formats.items()
        }
        link_adapter = adapters.links.get(LINKS)
        self.links: LinkFormat | None = link_adapter.make() if link_adapter is not None else None
        self.libraries = LibraryRegistry(self.list_held_back)
        self._make_library = partial(self._build_library, journal=journal, letters=letters, adapters=adapters)
        for context in self.contexts.values():
            self._put_services(context)

    def list_held_back(self) -> tuple[str, ...]:
        """List the symbols of libraries that are not served now."""
        known = (library.symbol for library in self._settings.libraries)
        return (*(symbol for symbol in known if symbol not in self.contexts), *self._absent)

    def put_library(self, library: ExchangeLibrary) -> None:
        """Serve a library from now on, or serve it as it is now: what is in hand ends as it began."""
        context = self._make_contexts({library.symbol: library})[library.symbol]
        self._letters.place_library(self._settings.find_library(library.symbol), self._settings)
        self._channel_libraries[library.symbol] = _describe_for_channels(context)
        self._put_services(context)
        self.contexts[library.symbol] = context
        self.wake.notify(library.symbol)

    def take_out_library(self, symbol: str) -> None:
        """Serve a library no more: its work waits."""
        del self.libraries[symbol], self.contexts[symbol]

    def _put_services(self, context: LibraryContext) -> None:
        self._actions[context.symbol] = ActionService(context, self.worker.run_row)
        self.libraries[context.symbol] = self._make_library(context)

    def _build_library(
        self, context: LibraryContext, journal: Journal, letters: LetterRenderer, adapters: AdapterRegistry
    ) -> LibraryServices:
        actions = self._actions[context.symbol]
        settings, mail = self._settings, self._settings.mail
        addresses = AllowedAddresses(settings.api.webhook_networks)
        requests, marks = RequestService(context, actions), RequestMarkService(context)
        search, notices = CatalogueSearch(context, self._asker), NoticeService(context, letters)
        return LibraryServices(
            context=context,
            requests=requests,
            patrons=PatronRequestService(requests, letters),
            partners=PartnerDirectory(context, self.network.libraries[context.symbol].find_contact),
            desk=StaffService(context),
            marks=marks,
            bulk=BulkActionService(requests, marks),
            saved_filters=SavedFilterService(context),
            statistics=StatisticsService(context),
            patron_copies=PatronCopies(requests),
            patron_data=PatronDataService(context),
            scans=ScanService(requests),
            messages=MessageService(context),
            copies=CopyService(context, requests),
            closures=PartnerClosureService(context),
            probe=PartnerProbe(
                context=context,
                adapters=adapters,
                secrets=self._secrets,
                addresses=addresses,
                mail_server=f"{mail.host}:{mail.port}" if mail.host else "",
            ),
            journaled=JournaledMessageService(context, journal),
            notices=notices,
            printing=PrintService(context, letters, notices),
            feed=EventFeed(context),
            search=search,
            network=self.network.libraries[context.symbol],
            mails=UnmatchedMailService(
                context, find_mailbox_adapter(adapters).parse, self.mail_formats, journal.cipher
            ),
            replay_jobs=ReplayJobs(context, journal, self.replays_waiting.set),
            users=UserService(context),
            keys=ApiKeyService(context),
            webhooks=WebhookService(context, addresses),
            offering=FulfilmentService(context, self.links, search.find_by_identifier, self.articles)
            if self.links is not None
            else None,
        )

    async def close_clients(self) -> None:
        await self._webhooks.close()
        await self._asker.close()
        await self.articles.close_connections()

    def make_mailer_channels(self, mailer: Mailer) -> Mapping[str, PartnerChannel]:
        """Channels like ours that hand their mail to another mailer, and reach nobody else."""
        return self._make_channels(mailer, NoPartnerConnections())

    def make_preview_channels(self, mailer: Mailer) -> Mapping[str, PartnerChannel]:
        """The same, but what they write is for people to see: secrets are looked for, and not shown."""
        return self._make_channels(
            mailer, NoPartnerConnections(), lambda reference: HIDDEN if self._secrets(reference) else ""
        )

    async def drain_due_work(self, besides: frozenset[Route] = frozenset()) -> int:
        """Timers that are due and all work that follows, until nothing is left to be done now but what goes by the
        routes `besides`; how many tries that were."""
        tries = 0
        while done := await self.timekeeper.drain() + await self.worker.drain(besides=besides):
            tries += done
        return tries

    def find_daemon_routes(self) -> frozenset[Route]:
        """Find the routes to partners that are spoken to on connections of the daemon."""
        partners = (pair for context in self.contexts.values() for pair in context.partners())
        return frozenset(
            Route(PARTNER, target=profile.name)
            for profile, partner in partners
            if is_spoken_to_by_connection(profile, partner, self._channel_adapters)
        )

    async def prune_outbox(self) -> int:
        """Finished rows of the outbox whose time is over by the rules of their library; how many there were."""
        now = self._clock.now()
        by_library = {
            symbol: now - timedelta(days=context.policy().retention.outbox_days)
            for symbol, context in self.contexts.items()
        }
        by_library |= dict.fromkeys(self.list_held_back(), datetime.min.replace(tzinfo=UTC))  # nobody knows their rules
        before = now - timedelta(days=Retention().outbox_days)  # of libraries that are here no more
        forgotten = 0
        while count := await self._store.write(lambda c: outbox.prune_ended_rows(c, before, SLICE, by_library)):
            forgotten += count
        while await self._store.write(lambda c: order_batches.prune_filed_orders(c, before, SLICE, by_library)):
            pass  # they are of rows that were counted already
        while await self._store.write(lambda c: order_batches.prune_order_files(c, SLICE)):
            pass
        return forgotten

    async def _fire_timer(self, row: TimerRow) -> None:
        """Fire a timer; raises Unavailable, so that it is tried again, while its library isn't served."""
        if row.library in self.list_held_back():
            raise Unavailable(NOT_SERVED)
        await apply_expired_timer(find_library_context(self.contexts, row.library), row)

    def _make_mailer(self, adapters: AdapterRegistry, secrets: Secrets) -> Mailer:
        server = self._settings.mail.make_mail_server(self._settings.folder)
        return adapters.mailers["smtp"].make(server, secrets) if server is not None else NoMailServer()

    def _make_channel_context(
        self,
        secrets: Secrets,
        mailer: Mailer,
        letters: LetterRenderer,
        lines: PartnerConnections,
    ) -> ChannelContext:
        return ChannelContext(
            libraries=self._channel_libraries,
            clock=self._clock,
            secrets=secrets,
            folder=self._settings.folder,
            mailer=RecordingMailer(mailer),
            sender=self._settings.mail.letter_sender,
            letters=letters,
            read_file=self._read_file,
            receive=self.partner_inbox.receive_message,
            answers=self._make_answer_links,
            lines=RecordingConnections(lines),
            record=record_sent_message,
            make_peer_headers=self._peer_tokens.make_headers,
        )

    async def _make_answer_links(self, message: PartnerMessage, days: int) -> tuple[AnswerLink, ...]:
        return await make_partner_links(self.contexts[message.request.library], message, days)

    async def _read_file(self, library: str, file_id: str) -> bytes:
        def load_file(connection: Transaction) -> bytes | None:
            return history.get_file(connection, library, file_id)

        content = await self._store.read(load_file)
        if content is None:
            raise KeyError(file_id)
        return content


def _describe_for_channels(context: LibraryContext) -> ChannelLibrary:
    return ChannelLibrary(context.info, context.zone, context.currency)


class _CapturingMailer:
    """A mailer that sends nothing."""

    def __init__(self) -> None:
        self.kept: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> str:
        self.kept.append(message)
        return "kept"


async def preview_mail(
    managed: ManagedRequests, adapters: AdapterRegistry, library: str, reference: str
) -> tuple[str, ...]:
    """Header and text of each mail. Raises NotFound, Refused (it has no partner, or one that isn't written mails)."""
    context = find_library_context(managed.contexts, library)
    request = await managed.libraries[context.symbol].requests.find_request(reference)
    message = await context.store.read(lambda c: _find_outbox_message(c, context, request)) or _compose_request_message(
        context, request
    )
    profile, partner = context.require_partner(message.receiver.profile)
    adapter = adapters.channels.get(partner.channel)
    if adapter is None or adapter.section not in adapters.mail_formats:
        detail = f"Partner {profile.name} is not written mails: its channel is '{partner.channel}'."
        raise Refused(RefusalReason.UNSUPPORTED_SERVICE, detail, about=MessagePart.RECEIVER)
    keeper = _CapturingMailer()
    channel = managed.make_preview_channels(keeper)[partner.channel]
    gathered = await context.store.read(lambda c: _find_order_batch(c, context, profile, channel, message))
    if gathered is not None and isinstance(channel, SendsBatches):
        file, messages = gathered
        composed = await context.store.read(lambda c: _find_kept_file(c, context, file.id))
        outcomes = await channel.send_composed(composed or channel.compose_batch(messages, file, profile))
        outcome = next(outcome for sent, outcome in zip(messages, outcomes, strict=True) if sent.id == message.id)
    elif isinstance(channel, SendsBatches):
        composed = await context.store.read(lambda c: _find_kept_file(c, context, message.id))
        outcome = await send_single(channel, message, profile, composed or channel.compose_single(message, profile))
    else:
        outcome = await channel.send(message, profile)
    if isinstance(outcome, Refused):
        raise outcome
    if not keeper.kept:
        detail = f"Nothing would go out now: {outcome.note or 'the channel waits'}."
        raise Refused(RefusalReason.OTHER, detail, about=MessagePart.REQUEST)
    return tuple(_format_mail(mail) for mail in keeper.kept)


def _find_kept_file(connection: Transaction, context: LibraryContext, row_id: str) -> str | None:
    """Find the file that the next try of the row sends; None: it is composed then."""
    row = outbox_queries.get_outbox_row(connection, context.symbol, row_id)
    if row is None or not row.tries or row.status not in (OutboxStatus.WAITING, OutboxStatus.IN_HAND):
        return None
    return order_batches.find_order_file(connection, context.symbol, row_id)


def _find_outbox_message(connection: Transaction, context: LibraryContext, request: Request) -> PartnerMessage | None:
    """Find what the outbox has for a partner: the oldest that isn't sent, else the newest that was."""
    listed = outbox_queries.list_rows_of_request(connection, context.symbol, request.id, 200).rows
    rows = [row for row in listed if row.kind in (PARTNER, ORDER)]
    unsent = [row for row in rows if row.status in (OutboxStatus.WAITING, OutboxStatus.IN_HAND, OutboxStatus.DEAD)]
    chosen = unsent[-1] if unsent else (rows[0] if rows else None)
    return parse_message(chosen.payload) if chosen is not None else None


def _find_order_batch(
    connection: Transaction, context: LibraryContext, profile: Profile, channel: PartnerChannel, message: PartnerMessage
) -> tuple[OrderBatchFile, Sequence[PartnerMessage]] | None:
    """The file that the message is in, or would be in if it was made now. None: it goes alone."""
    row = outbox_queries.get_outbox_row(connection, context.symbol, message.id)
    if (
        row is not None
        and row.kind == ORDER
        and (orders := order_batches.find_file_with_order(connection, context.symbol, row.id))
    ):
        rows = [outbox_queries.get_outbox_row(connection, context.symbol, order.order_id) for order in orders]
        file = OrderBatchFile(id=orders[0].file_id, number=orders[0].number, at=orders[0].at)
        return file, [parse_message(row.payload) for row in rows if row is not None]
    gathers = find_batch_channel(context, profile.name)
    waits = (
        row.kind == ORDER and row.status is OutboxStatus.WAITING if row is not None else is_batched(context, message)
    )
    if gathers is None or not waits or not isinstance(channel, SendsBatches):
        return None
    rule = gathers[1]
    ready = order_batches.find_waiting_orders(connection, context.symbol, profile.name, order_batches.ALL)
    messages = [parse_message(row.payload) for row in ready if row.id != message.id]
    word = channel.batch_key(message, profile)
    fitting = [other for other in messages if channel.batch_key(other, profile) == word][: rule.most - 1]
    number = next_batch_number(connection, context, profile, rule, taken=False)
    ordered = sorted((*fitting, message), key=lambda other: (other.id == "preview", other.id))
    return OrderBatchFile(id="preview", number=number, at=context.now()), ordered


def _compose_request_message(context: LibraryContext, request: Request) -> PartnerMessage:
    """The request to the supplier whose turn comes next."""
    line = next((line for line in request.rota if line.standing is RotaLineStatus.WAITING), None)
    if request.role is not Role.BORROWING or line is None:
        raise Refused(
            RefusalReason.DATA_MISSING, "No partner can be contacted about this request.", about=MessagePart.REQUEST
        )
    receiver = context.party_of_partner(line.partner)
    return PartnerMessage(
        id="preview",
        kind=EventKind.REQUEST,
        at=context.now(),
        sender=context.party,
        receiver=receiver,
        role=Role.BORROWING,
        transaction=request.number,
        details=EventDetails(),
        request=replace(remove_patron_data(request), partner=receiver),
    )


def _format_mail(mail: EmailMessage) -> str:
    """Format a mail as a mail program shows it: the text, and what else is in it by name."""
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    head = [f"{name}: {read[name]}" for name in ("From", "To", "Reply-To", "Subject", "Message-ID") if read[name]]
    body = read.get_body(("plain", "html"))
    text = str(body.get_content()) if body is not None else ""
    files = [f"[{part.get_filename() or 'file'}, {part.get_content_type()}]" for part in read.iter_attachments()]
    return "\n".join([*head, "", text.rstrip(), *files])
