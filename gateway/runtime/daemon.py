"""The way from settings to a running gateway, and back.

Start: store, migrations, libraries, profiles, interrupted work, listeners, probe. Stop: the other way round.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import structlog

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock, StoreClock
from gateway.domain.problems import ConfigurationProblem
from gateway.domain.value import replace
from gateway.policies import PolicyStore
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.shared_store import Store
from gateway.profiles import (
    LoadedProfile,
    ProfileLoadResult,
    ProfileStore,
    load_profiles,
    read_profiles_with_fallback,
)
from gateway.runtime import periodic_tasks
from gateway.runtime.assembly import Assembly
from gateway.runtime.background import BackgroundTasks, FailurePolicy
from gateway.runtime.configuration_check import CheckProcess
from gateway.runtime.daemon_listeners import MAX_SILENCE_SECONDS, DaemonListeners
from gateway.runtime.database_setup import require_database_file, upgrade_database
from gateway.runtime.exchange_assembly import (
    build_exchange,
    make_journal_options,
    name_libraries,
)
from gateway.runtime.last_good_configuration import LastGoodFiles
from gateway.runtime.listeners import (
    HttpListener,
    TcpMessageListener,
)
from gateway.runtime.live_libraries import LibraryFiles, LiveLibraries
from gateway.runtime.logs import DefectLog
from gateway.runtime.mailbox_services import MailboxServices
from gateway.runtime.managed_requests import ManagedRequests
from gateway.runtime.monitoring import WRITE_SECONDS, GatewayMetrics, HealthMonitor
from gateway.runtime.page_assembly import (
    make_pages,
    make_staff_pages,
    make_start_page,
)
from gateway.runtime.partner_connections import PartnerConnectionPool
from gateway.runtime.periodic_tasks import GatewayMeasurement, RetentionTasks
from gateway.runtime.served_libraries import (
    OpenSystems,
    ServedLibraries,
    describe_held_back,
    hold_back_owners,
    list_absent_libraries,
)
from gateway.secrets import resolve_secret
from gateway.services.desks.replay_jobs import ReplayJobWorker
from gateway.services.directory.pull import DirectoryPull
from gateway.services.exchange import ExchangeRecord, MessageExchange
from gateway.services.exchange.recovery import count_set_aside
from gateway.services.operation.check import CheckSubject, check_examples
from gateway.services.operation.gateway_operation import GatewayOperation
from gateway.services.operation.nodes import RETRY_SECONDS, NodeBeats, NodeRecovery, SchemaWatch
from gateway.services.operation.profile_editing import ProfileEditing
from gateway.services.operation.profile_history import ProfileHistory
from gateway.services.requests.library_context import LibraryContext
from gateway.settings import Settings
from gateway.store.journal import Journal
from gateway.store.migration import SchemaTooNew
from gateway.store.nodes import BEAT_SECONDS, Node, make_node_name
from gateway.store.postgresql import require_fit_pooler
from gateway.web.api.app import JsonApi, make_api
from gateway.web.api.operation import ApiLimits
from gateway.web.app import HttpSite
from gateway.web.client_certificates import ForwardedCertificates
from gateway.web.inbound import AdmissionQueue, ReadTimeouts
from gateway.web.pages.app import PatronPages
from gateway.web.staff.app import StaffPages
from gateway.web.trusted_proxies import ForwardingNotes, TrustedProxies

if TYPE_CHECKING:
    from gateway.runtime.traces import Tracing

log = structlog.get_logger(component="gateway")

QUEUE = 4
"""So many times `http.max_concurrent` may wait for their turn."""

MIN_STOP_SECONDS = 1.0
"""So long each part that stops has in any case."""


class Daemon:
    """One installation at work. `start`, then `stop` once; several may run in one process."""

    def __init__(self, settings: Settings, adapters: AdapterRegistry, clock: Clock | None = None) -> None:
        self.settings = settings
        self.metrics = GatewayMetrics()
        if settings.store.backups:
            self.metrics.watch_backups(settings.folder / settings.store.backups)
        self._adapters = adapters
        self._clock = clock or StoreClock()
        self.node = make_node_name()
        self._tasks = BackgroundTasks()
        self._stack = AsyncExitStack()
        self._check = CheckProcess(settings.file, self._clock)
        self._stop_by: float | None = None
        self._secrets = lru_cache(maxsize=256)(lambda reference: resolve_secret(reference, settings.folder))
        self._parts = Assembly(settings, adapters, self._clock, self._secrets)
        self._directory = DirectoryPull(settings, self._secrets, self._clock)
        self._gate = AdmissionQueue(
            settings.http.max_concurrent,
            QUEUE * settings.http.max_concurrent,
            settings.http.queue_seconds,
            self.metrics.count_full_share,
        )
        self._forwarding = ForwardingNotes()
        self._tracing: Tracing | None = None
        self._listeners = DaemonListeners(settings, adapters, lambda: self._profiles.current, self._gate, self._clock)

    @property
    def http_port(self) -> int:
        assert self._listeners.http is not None, "not started"
        return self._listeners.http.port

    @property
    def url(self) -> str:
        """The URL at which this machine reaches the pages and the API."""
        assert self._listeners.http is not None, "not started"
        return self._listeners.http.url

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        """The ports in the order of the settings."""
        return tuple(listener.port for listener in self._listeners.tcp)

    @property
    def listeners(self) -> tuple[HttpListener | TcpMessageListener, ...]:
        return self._listeners.all_listeners

    async def start(self) -> None:
        """Returns when every listener has answered a probe.

        Raises ConfigurationError (also for a database that is missing or damaged), SchemaTooOld (no tables),
        SqliteTooOld, Unavailable (store or a library, or another daemon has the SQLite file) or OSError (an address, a
        certificate); then nothing is left open.
        """
        try:
            await self._start_parts()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Finish the messages in hand, for at most `shutdown_seconds` in all, then close everything."""
        self._stop_by = asyncio.get_running_loop().time() + self.settings.shutdown_seconds
        log.info("daemon.stopping", in_hand=self._gate.in_hand)
        await self._stack.aclose()
        log.info("daemon.stopped")

    def _remaining_seconds(self) -> float:
        """Return what the next part that stops may take of `shutdown_seconds`; a moment, where those before took them
        all."""
        if self._stop_by is None:
            return self.settings.shutdown_seconds
        return max(self._stop_by - asyncio.get_running_loop().time(), MIN_STOP_SECONDS)

    async def reload(self) -> bool:
        """Read profiles, secrets and listeners' certificates anew, as on SIGHUP. False: there are problems, and what
        they are in stays as it was."""
        self._secrets.cache_clear()
        renewed = self._listeners.take_changed_certificates()
        followed = await self._live.files.reload()
        return await self._profiles.reload() and followed and renewed

    def start_reload(self) -> None:
        """Reload meanwhile; what is at work on it when the gateway stops is cancelled."""

        async def reload() -> None:
            await self.reload()

        self._tasks.start("configuration: reload on SIGHUP", reload, FailurePolicy.REPORT)

    # --- from inside out ---------------------------------------------------------------------------------

    async def _start_parts(self) -> None:
        stack, parts = self._stack, self._parts
        for reason in self._adapters.broken:
            log.error("adapter.not_loaded", reason=reason)
        if self.settings.traces.endpoint:
            parts = self._start_traces()
        options = make_journal_options(parts)
        self._profiles = self._load_profiles()
        self._policies = self._load_policies()
        if (file := parts.database) is not None:
            require_database_file(file)
        if (lock := parts.database_lock) is not None:
            lock.acquire()
            stack.callback(lock.release)
        store = parts.open_store()
        stack.push_async_callback(store.close)
        http = self.settings.http
        node = Node(store, self.node, f"{socket.gethostname()} {http.host}:{http.port}", self._clock)
        if node.is_among_others:
            await require_fit_pooler(store.url)
        schema = SchemaWatch(store, node, parts.migration_histories)
        await self._upgrade_database(store, schema)
        self._gate.closed_by = lambda: node.outdated_by
        beats = await self._register_node(node)
        self._absent = await list_absent_libraries(self.settings, store, node)
        libraries = await parts.open_libraries(store)
        systems = OpenSystems(self.settings, self._tasks, libraries)
        stack.push_async_callback(systems.close_systems)
        journal = Journal(store, options, self.node)
        stack.push_async_callback(journal.close)
        self._lines = PartnerConnectionPool(
            self._listeners.make_connection_rules,
            lambda name: self._profiles.current.find_profile(name),
            self.settings.folder,
        )
        self._profiles.followers.append(self._lines)
        self._profile_history = ProfileHistory(self._profiles, store, self._clock)
        self._profiles.followers.append(self._profile_history)
        self.managed = self._make_managed_requests(store, journal, libraries, node)
        await self.managed.network.restore_reports(self.managed.contexts)
        self.mailboxes = MailboxServices(
            settings=self.settings,
            adapters=self._adapters,
            clock=self._clock,
            store=store,
            managed=self.managed,
            profiles=lambda: self._profiles.current,
            journal=journal,
            options=options,
        )
        if not node.outdated_by:
            await self.mailboxes.forget_removed_mailboxes()
        names = name_libraries(self.settings)
        exchange = build_exchange(
            parts,
            libraries,
            lambda: self._profiles.current,
            store,
            journal,
            self._record_exchange,
            self.managed.contexts,
            DefectLog(self.metrics.count_defect).report_defect,
            names,
        )
        if self._tracing is not None:
            self._tracing.trace_exchange(exchange, journal)
            self._tracing.trace_attempts(self.managed.worker.attempts, self.managed.contexts)
        recovery = NodeRecovery(
            node=node,
            store=store,
            journal=journal,
            exchange=exchange,
            libraries=libraries,
            clock=self._clock,
            wake=self.managed.wake.notify,
        )
        stack.push_async_callback(recovery.leave)
        await recovery.recover_left()
        health = HealthMonitor(
            store,
            {symbol: library.system for symbol, library in libraries.items()},
            self._profiles,
            lambda: self.listeners,
            lambda: count_set_aside(journal, libraries),
            self._forwarding.describe_recent,
            self._full_message_bytes,
            self.mailboxes.list_failures,
            beats.describe_skew if node.is_among_others else None,
            schema.look,
            {poller.box.name: poller.box.library for poller in self.mailboxes.pollers},
            describe_held_back(self.settings, self._absent),
            names,
            lambda: (*self._live.notes, *(problem.describe_problem() for problem in self._live.files.problems)),
        )
        stack.push_async_callback(self._tasks.stop)
        self._served = ServedLibraries(
            settings=self.settings,
            secrets=self._secrets,
            clock=self._clock,
            systems=systems,
            managed=self.managed,
            exchange=exchange,
            health=health,
            libraries=libraries,
            names=names,
            make_operation=self._make_operation,
        )
        self._live = self._make_live_libraries(store)
        self._pages: PatronPages | None = None
        if self.managed.links is not None and self.settings.pages.enabled:
            self._pages = make_pages(
                self.settings, self.managed.links, self.managed, store, self._clock, self._secrets, self._served.entries
            )
        self._replay_worker = ReplayJobWorker(
            store=store,
            replays=self._served.replays,
            leader=node.make_leader("replays"),
            clock=self._clock,
            woken=self.managed.replays_waiting,
        )
        self._api = self._make_api(store)
        self._staff_pages = self._make_staff_pages(store, health)
        await self._start_listeners(exchange, health)
        self._start_periodic_tasks(store, journal, health)
        self._tasks.start("node: look for a newer release", schema.run)
        self._tasks.run_every("node: take over from dead ones", BEAT_SECONDS, recovery.take_over_dead)
        self._tasks.run_every("node: finish what waits for libraries", RETRY_SECONDS, recovery.finish_waiting)
        await self._probe_listeners(health)

    def _start_traces(self) -> Assembly:
        """Start the traces; the assembly then traces the systems that it opens. Raises ConfigurationError."""
        from gateway.runtime.traces import Tracing

        tracing = self._tracing = Tracing(self.settings, self._secrets, self.node)
        self._stack.push_async_callback(lambda: tracing.close(self._remaining_seconds()))
        self._parts = replace(self._parts, trace_system=tracing.trace_system)
        return self._parts

    async def _upgrade_database(self, store: Store, schema: SchemaWatch) -> None:
        """Upgrade the database; where a newer release has been at it the node starts all the same, red: so one that is
        put back to the release before says why, and goes on by itself, where to end would be to be started again and
        again."""
        try:
            upgrade = await upgrade_database(store, self._parts)
        except SchemaTooNew:
            await schema.look()
            return
        if upgrade.copy is not None:
            log.info("store.copied_before_upgrade", copy=str(upgrade.copy))
        for step in upgrade.steps:
            log.info("store.migrated", step=step)

    async def _register_node(self, node: Node) -> NodeBeats:
        """Register the node before it has anything in hand, and until it has nothing any more."""
        self._stack.push_async_callback(node.leave)
        await node.tell_alive()
        beats = NodeBeats(node, self._clock)
        beats.log_skew()
        self._stack.push_async_callback(self._tasks.stop)
        self._tasks.start("node: keep its place", beats.run)
        return beats

    def _full_message_bytes(self) -> int:
        """Return the size of the largest message that any profile or mailbox takes now."""
        return max(self._profiles.current.max_bytes, *(settings.max_bytes for settings in self.settings.mailboxes), 0)

    def _load_profiles(self) -> ProfileStore:
        settings, adapters = self.settings, self._adapters
        folder = settings.profiles_folder
        profiles = ProfileStore(
            folder,
            lambda: load_profiles(folder, adapters, settings),
            lambda before: read_profiles_with_fallback(folder, adapters, settings, before).profiles,
            settings.partners_folder,
            settings.groups_file,
            lambda: tuple(path for library in settings.libraries if (path := settings.find_own_partners(library))),
            lambda file: settings.find_owner_of_file(file) is not None or settings.is_of_directory(file),
            self._directory.make_folders(),
        )
        hold_back_owners(settings, profiles.problems)
        self.metrics.watch_profiles(lambda: len(profiles.problems))
        return profiles

    def _load_policies(self) -> PolicyStore:
        policies = PolicyStore(self.settings, lambda: self._profiles.current)
        hold_back_owners(self.settings, policies.problems)
        self._profiles.followers.append(policies)
        return policies

    def _make_managed_requests(
        self, store: Store, journal: Journal, libraries: Mapping[str, ExchangeLibrary], node: Node
    ) -> ManagedRequests:
        settings = self.settings
        self._last_good = LastGoodFiles(
            settings, self._parts.database, lambda: bool(self._profiles.problems or self._policies.problems)
        )
        self._policies.followers.append(self._last_good)
        managed = ManagedRequests(
            settings=settings,
            adapters=self._adapters,
            clock=self._clock,
            secrets=self._secrets,
            store=store,
            journal=journal,
            libraries=libraries,
            profiles=lambda: self._profiles.current,
            policies=lambda symbol: self._policies.current.for_library(symbol),
            node=node,
            observe=self.metrics.count_outbox_attempt,
            network_asked=self.metrics.count_network_query,
            lines=self._lines,
            absent=self._absent,
        )
        self._stack.push_async_callback(managed.close_clients)
        return managed

    def _make_staff_pages(self, store: Store, health: HealthMonitor) -> StaffPages | None:
        settings = self.settings
        if not settings.staff.enabled:
            return None
        pages = make_staff_pages(
            settings,
            self.managed,
            store,
            self._clock,
            self._secrets,
            self._served.staff_providers,
            self._served.operations,
            self._make_profile_editing(store),
            self._served.replays,
            health.check_library,
            health.check,
            self._adapters,
        )

        def wake_count_streams(library: str) -> None:
            for symbol in [library] if library else self.managed.contexts:
                pages.wake_streams(symbol)

        self.managed.wake.subscribe_streams(wake_count_streams)
        return pages

    async def _check_examples(self, loaded: LoadedProfile) -> Sequence[ConfigurationProblem]:
        subject = CheckSubject(
            settings=self.settings,
            loading=ProfileLoadResult(self._profiles.current, ()),
            adapters=self._adapters,
            clock=self._clock,
        )
        return await check_examples(subject, loaded)

    def _make_profile_editing(self, store: Store) -> ProfileEditing:
        return ProfileEditing(
            settings=self.settings,
            adapters=self._adapters,
            profiles=self._profiles,
            history=self._profile_history,
            check_examples=self._check_examples,
            store=store,
            clock=self._clock,
        )

    def _make_operation(self, context: LibraryContext) -> GatewayOperation:
        return GatewayOperation(
            context=context,
            pollers=self.mailboxes.pollers,
            profiles=self._profiles,
            history=self._profile_history,
            check_examples=self._check_examples,
            check=self._check,
            settings=self.settings,
            list_jobs=self._tasks.list_jobs,
            clock=self._clock,
        )

    def _make_live_libraries(self, store: Store) -> LiveLibraries:
        files = LibraryFiles(self.settings, self._adapters)
        live = LiveLibraries(
            settings=self.settings,
            files=files,
            parts=self._parts,
            store=store,
            profiles=self._profiles,
            policies=self._policies,
            libraries=self._served.libraries,
            serve=self._served.serve_library,
            stop_serving=self._served.stop_serving,
        )
        files.followers.append(live)
        return live

    def _make_api(self, store: Store) -> JsonApi:
        settings, managed = self.settings.api, self.managed
        api = make_api(
            managed.libraries,
            managed.questions,
            store,
            self._clock,
            ApiLimits(attachment_bytes=settings.max_attachment_bytes),
        )

        def wake_event_streams(library: str) -> None:
            for symbol in [library] if library else managed.contexts:
                api.wake_streams(symbol)

        managed.wake.subscribe_streams(wake_event_streams)
        return api

    def start_workers(self) -> None:
        """Outbox and timers at work from now until the gateway stops. A rehearsal does without: it drains them."""
        managed = self.managed
        self.metrics.watch_outbox(managed.worker)
        self._stack.push_async_callback(lambda: managed.worker.stop(self._remaining_seconds()))
        self._tasks.start("outbox: do what waits", managed.worker.run)
        self._tasks.start("timers: fire what is due", managed.timekeeper.run)
        self._tasks.start("check: look at the configuration", self._check.run_regularly)
        self._tasks.start("replay: do what waits", self._replay_worker.run)
        self._tasks.start("wake: hear and tell other nodes", managed.wake.run)
        self._tasks.start("network: ask members for their loads", lambda: managed.network.run(managed.contexts))
        for poller in self.mailboxes.pollers:
            self._tasks.start(f"mailbox: read {poller.box.name}", poller.run)

    def _record_exchange(self, done: ExchangeRecord) -> None:
        self.metrics.record_message(done.protocol, done.profile, done.service, done.outcome, done.seconds)
        if self._tracing is not None:
            self._tracing.describe_message(done)

    # --- listeners ---------------------------------------------------------------------------------------

    async def _start_listeners(self, exchange: MessageExchange, health: HealthMonitor) -> None:
        settings, protocols = self.settings, self._adapters.protocols
        self.metrics.watch_gate(self._gate)
        site = HttpSite(
            exchange=exchange,
            find_address=exchange.find_address,
            find_library=exchange.find_library,
            protocols=tuple(name for name, protocol in protocols.items() if protocol.over_http),
            post_only=frozenset(name for name, protocol in protocols.items() if protocol.post_only),
            gate=self._gate,
            clock=self._clock,
            limit=lambda: self._profiles.current.max_bytes,
            readiness=health.check,
            library_readiness=health.check_library,
            metrics=self.metrics.render if settings.metrics else None,
            patience=ReadTimeouts(min(MAX_SILENCE_SECONDS, settings.http.body_seconds), settings.http.body_seconds),
            hsts_days=settings.http.hsts_days,
            count_refusal=self.metrics.count_refusal,
            count_defect=self.metrics.count_defect,
            proxies=TrustedProxies(settings.http.trusted_proxies),
            forwarding=self._forwarding,
            certificates=ForwardedCertificates(
                TrustedProxies(settings.http.certificate_proxies), settings.http.certificate_header
            ),
            api=self._api,
            pages=self._pages,
            staff=self._staff_pages,
            start=make_start_page(settings, has_reader_pages=self._pages is not None),
            peer_keys=self.managed.peer_keys,
            trace=self._tracing.make_middleware() if self._tracing is not None else None,
        )
        self._stack.push_async_callback(lambda: self._lines.close_connections(self._remaining_seconds()))
        self._stack.push_async_callback(lambda: self._listeners.close_listeners(self._remaining_seconds()))
        self._stack.callback(self._api.end_streams)  # before the listeners: streams would hold them up
        if self._staff_pages is not None:
            self._stack.callback(self._staff_pages.end_streams)
        self._stack.callback(health.stop_reporting)
        await self._listeners.start_listeners(site, exchange, self._lines)

    async def _probe_listeners(self, health: HealthMonitor) -> None:
        await self._listeners.probe_listeners()
        readiness = await health.check()
        log.info(
            "daemon.serving",
            listeners=[listener.name for listener in self.listeners],
            profiles=len(self._profiles.current),
            ready=readiness.is_ready,
        )

    # --- in the background -------------------------------------------------------------------------------

    def _start_periodic_tasks(self, store: Store, journal: Journal, health: HealthMonitor) -> None:
        async def take_changed_certificates() -> None:
            self._listeners.take_changed_certificates()

        async def watch_profile_files() -> None:
            await self._profiles.watch_folders(asyncio.Event())

        async def keep_good_files() -> None:
            await self._last_good.reload()

        async def watch_library_files() -> None:
            await self._live.files.watch_folders(asyncio.Event())

        async def watch_policy_files() -> None:
            await self._policies.watch_folders(asyncio.Event())

        measurement = GatewayMeasurement(
            settings=self.settings,
            store=store,
            journal=journal,
            managed=self.managed,
            mailboxes=self.mailboxes,
            profiles=self._profiles,
            libraries=self._served.libraries,
            health=health,
            metrics=self.metrics,
            clock=self._clock,
        )
        retention = RetentionTasks(
            parts=self._parts,
            store=store,
            journal=journal,
            managed=self.managed,
            mailboxes=self.mailboxes,
            api=self._api,
            pages=self._pages,
            staff_pages=self._staff_pages,
        )
        self._tasks.run_every("health: try to write", WRITE_SECONDS, health.try_writing)
        self._tasks.start("health: ask the libraries' systems", health.probe_libraries)
        measurement.start_tasks(self._tasks)
        retention.start_tasks(self._tasks)
        if self._listeners.certificates:
            self._tasks.run_every(
                "tls: look for new certificates", periodic_tasks.LOOK_SECONDS, take_changed_certificates
            )
        for source in self.settings.directory.sources:
            pull = partial(self._directory.pull_regularly, source)
            self._tasks.run_every(f"directory: pull {source.name}", source.every_seconds, pull)
        self._tasks.start("configuration: keep the last good one", keep_good_files, FailurePolicy.REPORT)
        if self.settings.profiles.reload:
            self._tasks.start("profiles: watch the folder", watch_profile_files, FailurePolicy.RESTART)
            self._tasks.start("requests.yml: watch", watch_policy_files, FailurePolicy.RESTART)
            self._tasks.start("libraries: watch their files", watch_library_files, FailurePolicy.RESTART)
