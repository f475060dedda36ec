"""Managed requests put together: houses, channels, outbox worker, clockwork; for the daemon and for commands alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import Connection

from gateway.adapters import Adapters
from gateway.domain.clock import Clock
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.policy import RequestPolicy
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.channel import PartnerChannel, PartnerMessage
from gateway.ports.letters import AnswerLink
from gateway.ports.lines import Lines, NoLines
from gateway.ports.mailer import Mailer
from gateway.profiles import ProfileSet
from gateway.runtime.houses import houses_of
from gateway.runtime.wake import Wake
from gateway.services.authentication import Secrets
from gateway.services.hand import OpenLibrary
from gateway.services.letters import Letters
from gateway.services.network import loads
from gateway.services.network.loads import NetworkLoads
from gateway.services.outbox.handled import Handler, Observe, nobody
from gateway.services.outbox.options import Options
from gateway.services.outbox.worker import Worker
from gateway.services.requests.acts import Acts
from gateway.services.requests.catalogue import KnownHoldings
from gateway.services.requests.front import FeedFront, RequestsFront, house_of
from gateway.services.requests.handlers import Handlers
from gateway.services.requests.incoming import Doors
from gateway.services.requests.partner_questions import partner_links
from gateway.services.requests.partners_front import PartnersFront
from gateway.services.requests.patrons_front import PatronsFront
from gateway.services.requests.questions import QuestionsFront
from gateway.services.requests.staff_front import StaffFront
from gateway.services.requests.timekeeping import fire
from gateway.services.searching.asking import Asker
from gateway.services.searching.catalogue import SearchCatalogue
from gateway.services.searching.finder import Finder
from gateway.services.timekeeping import Timekeeper
from gateway.services.webhooks.addresses import Addresses
from gateway.services.webhooks.delivery import WebhookHandler, WebhookOptions
from gateway.services.webhooks.subscriptions import KIND as WEBHOOK
from gateway.settings import Settings
from gateway.store.engine import Store
from gateway.store.journal import Journal
from gateway.store.leader import leader
from gateway.store.requests import filed, files, outbox
from gateway.store.requests.timers import TimerRow

HIDDEN = "********"
"""What a preview shows in place of a password."""

SLICE = 500
"""Rows that retention takes at once."""


class NoMailServer:
    """`mail.host` is empty: nothing pretends to be sent."""

    async def send(self, message: EmailMessage) -> str:
        raise Refused(Reason.UNSUPPORTED_SERVICE, "No mail server is set up: see `mail` in gateway.yml.")


class Managed:
    """`policies` gives the rules in use now, by symbol of the library.

    `wake` and `worker.run`, `timekeeper.run` are started by whoever keeps this for longer; commands `drain`.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        adapters: Adapters,
        clock: Clock,
        secrets: Secrets,
        store: Store,
        journal: Journal,
        libraries: Mapping[str, OpenLibrary],
        profiles: Callable[[], ProfileSet],
        policies: Callable[[str], RequestPolicy],
        node: str,
        observe: Observe = nobody,
        network_asked: loads.Observe = loads.nobody,
        lines: Lines = NoLines(),  # noqa: B008 - it has no state
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self.wake = Wake(store, node)
        self.channels: dict[str, PartnerChannel] = {}
        self.network = NetworkLoads(clock, secrets, network_asked)
        self._asker = Asker({name: adapter.make(secrets) for name, adapter in adapters.searches.items()}, clock)
        self.houses = houses_of(
            settings,
            store,
            clock,
            libraries,
            profiles,
            policies,
            self.channels,
            self.wake.nudge,
            self.network.reported,
            KnownHoldings(SearchCatalogue(self._asker, profiles)),
        )
        self.finder = Finder(self.houses, self._asker)
        self.doors = Doors(self.houses)
        letters = Letters(settings.letters_folder, settings.letters.language)
        mailer = self._mailer(adapters, secrets)

        def make_channels(mailer: Mailer, lines: Lines, secrets: Secrets = secrets) -> dict[str, PartnerChannel]:
            return self._channels(adapters, secrets, mailer, letters, lines)

        self._make_channels = make_channels
        self._secrets = secrets
        self.channels.update(make_channels(mailer, lines))
        rows = Handlers(self.houses, letters, mailer, settings.mail.from_)
        self._webhooks = WebhookHandler(
            store, clock, WebhookOptions(addresses=Addresses(settings.api.webhook_networks))
        )
        handlers: dict[str, Handler] = {**rows.by_kind(), WEBHOOK: self._webhooks}
        self.worker = Worker(store, clock, handlers, Options.of(settings.outbox), node, observe)
        self.wake.join(self.worker.nudge)
        self.timekeeper = Timekeeper(store, clock, self._fire, leader(store, "timers"))
        self.wake.join(self.timekeeper.nudge)
        acts = {symbol: Acts(house, self.worker.run_one) for symbol, house in self.houses.items()}
        self.requests = RequestsFront(self.houses, acts)
        self.patrons = PatronsFront(self.requests, letters)
        self.questions = QuestionsFront(store, journal, self.houses, acts, letters)
        self.partners = PartnersFront(self.houses, self.network.heard)
        self.desk = StaffFront(self.houses)
        self.feed = FeedFront(self.houses)

    async def close(self) -> None:
        await self._webhooks.close()
        await self._asker.close()

    def channels_with(self, mailer: Mailer) -> Mapping[str, PartnerChannel]:
        """Channels like ours that hand their mail to another mailer, and reach nobody else."""
        return self._make_channels(mailer, NoLines())

    def previewing(self, mailer: Mailer) -> Mapping[str, PartnerChannel]:
        """The same, but what they write is for people to see: secrets are looked for, and not shown."""
        return self._make_channels(mailer, NoLines(), lambda reference: HIDDEN if self._secrets(reference) else "")

    async def drain(self) -> int:
        """Timers that are due and all work that follows, until nothing is left to be done now; how many tries that
        were."""
        tries = 0
        while done := await self.timekeeper.drain() + await self.worker.drain():
            tries += done
        return tries

    async def forget(self) -> int:
        """Finished rows of the outbox whose time is over; how many there were."""
        days = min(house.policy().retention.outbox_days for house in self.houses.values())
        before = self._clock.now() - timedelta(days=days)
        forgotten = 0
        while found := await self._store.write(lambda c: outbox.prune(c, before, SLICE)):
            forgotten += found
        while await self._store.write(lambda c: filed.prune(c, before, SLICE)):
            pass  # they are of rows that were counted already
        return forgotten

    async def _fire(self, row: TimerRow) -> None:
        await fire(house_of(self.houses, row.library), row)

    def _mailer(self, adapters: Adapters, secrets: Secrets) -> Mailer:
        server = self._settings.mail.server(self._settings.folder)
        return adapters.mailers["smtp"].make(server, secrets) if server is not None else NoMailServer()

    def _channels(
        self, adapters: Adapters, secrets: Secrets, mailer: Mailer, letters: Letters, lines: Lines
    ) -> dict[str, PartnerChannel]:
        context = ChannelContext(
            libraries={
                symbol: ChannelLibrary(house.info, house.zone, house.currency) for symbol, house in self.houses.items()
            },
            clock=self._clock,
            secrets=secrets,
            folder=self._settings.folder,
            mailer=mailer,
            sender=self._settings.mail.from_,
            letters=letters,
            read_file=self._read_file,
            receive=self.doors.receive,
            answers=self._answers,
            lines=lines,
        )
        return {name: adapter.make(context) for name, adapter in adapters.channels.items()}

    async def _answers(self, message: PartnerMessage, days: int) -> tuple[AnswerLink, ...]:
        return await partner_links(self.houses[message.request.library], message, days)

    async def _read_file(self, library: str, file_id: str) -> bytes:
        def work(connection: Connection) -> bytes | None:
            return files.get(connection, library, file_id)

        content = await self._store.read(work)
        if content is None:
            raise KeyError(file_id)
        return content
