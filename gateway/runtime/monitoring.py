"""Health, systemd notification and Prometheus metrics of one daemon."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from gateway.domain.problems import Unavailable
from gateway.domain.requests.request import Role
from gateway.domain.requests.staff_views import MailboxFailure
from gateway.domain.sentences import mark_template, write_sentence
from gateway.domain.value import replace
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import AlertsOperators
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Store
from gateway.profiles import ProfileStore
from gateway.services.outbox import AttemptOutcome, OutboxWorker
from gateway.services.requests.effects import PARTNER
from gateway.store.migration import free_disk_bytes, largest_write_bytes, ping_store, require_writable
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_messages import UnreadCount
from gateway.web.app import GatewayReadiness, PartKind, ReadinessPart
from gateway.web.inbound import AdmissionQueue

log = structlog.get_logger(component="health")

MAX_PROBE_SECONDS = 3.0
"""Longest wait for one part."""

FRESH_SECONDS = 1.0
"""So long a look counts for all who ask."""

PROBE_SECONDS = 60.0
"""In so long the system of each library is asked once, one after the other."""

MAX_PROBE_PAUSE_SECONDS = 15.0
"""From one library to the next, where there are few."""

FIRST_PROBE_PAUSE_SECONDS = 0.2
"""The same in the first round, after a start."""

WRITE_SECONDS = 10.0
"""From one try to write to the next: each is a page on the disk."""

MAX_WRITE_SECONDS = 30.0
"""A write may wait for others, such as an import by a command, as long as SQLite waits for its lock."""

UNFINISHED = ".part"
"""The end of the name of a backup that is being written."""

LOW_SPACE = 500_000_000
"""Bytes. Fewer on the disk of the database are told before there are none."""

HELD_BACK = mark_template("held back: %(reason)s")

AWAY = mark_template("away since %(moment)s UTC: %(report)s")

NOT_ASKED = mark_template("its system was not asked yet")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MAX_SERIES = 2_000
"""Beyond this many combinations of profile, service and outcome they are counted as 'other'."""

MESSAGE_SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ListenerHealth(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def is_listening(self) -> bool: ...

    @property
    def notes(self) -> tuple[str, ...]: ...


class HealthMonitor:
    """Parts are looked at side by side, none for longer than `MAX_PROBE_SECONDS`. Whether the store takes writes
    is tried by `try_writing` in the background, and the systems of libraries are asked by `probe_libraries`; a look
    tells how that went last, and so waits for nobody's system."""

    def __init__(
        self,
        store: Store,
        libraries: Mapping[str, LibrarySystem],
        profiles: ProfileStore,
        listeners: Callable[[], Sequence[ListenerHealth]],
        set_aside: Callable[[], Awaitable[int]],
        forwarding: Callable[[], tuple[str, ...]],
        full_message: Callable[[], int],
        mailboxes: Callable[[], Awaitable[Mapping[str, MailboxFailure | None]]],
        clock: Callable[[], tuple[str, ...]] | None = None,
        look_at_schema: Callable[[], Awaitable[str]] | None = None,
        mailbox_libraries: Mapping[str, str] = MappingProxyType({}),
        held_back: Mapping[str, str] = MappingProxyType({}),
        names: Mapping[str, str] = MappingProxyType({}),
        list_notes: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """`set_aside`: how many messages staff must look at; raises Unavailable. `forwarding`: what is wrong with
        proxies before us, in sentences. `full_message`: bytes of the largest message that is taken now. `mailboxes`:
        by name, with what is wrong; raises Unavailable. `clock`: what is wrong with the machine's, where nodes go
        by the database's. `look_at_schema`: what is wrong with the tables; raises Unavailable. `mailbox_libraries`:
        the symbol of its library by the name of a mailbox. `held_back`: libraries that can't be served, with why.
        `names`: the symbol of a library by its short name. `list_notes`: what of the settings isn't applied."""
        self._store = store
        self._libraries = dict(libraries)
        self._list_notes = list_notes
        self._profiles = profiles
        self._listeners = listeners
        self._set_aside = set_aside
        self._forwarding = forwarding
        self._full_message = full_message
        self._mailboxes = mailboxes
        self._clock = clock
        self._look_at_schema = look_at_schema
        self._mailbox_libraries = mailbox_libraries
        self._library_parts = {
            symbol: _make_library_part(symbol, write_sentence(HELD_BACK, reason=why))
            for symbol, why in held_back.items()
        }
        self._names = names
        self._lock = asyncio.Lock()
        self._last: tuple[ReadinessPart, ...] = ()
        self._looked = 0.0
        self._down: frozenset[str] = frozenset()
        self._not_written = ""
        self._writing_since: float | None = None
        self._is_reporting = True

    def stop_reporting(self) -> None:
        """Stop reporting when the gateway is being stopped: parts that end are no faults, so that they are logged no
        more."""
        self._is_reporting = False

    def put_library(self, symbol: str, system: LibrarySystem) -> None:
        """Look at a library that is served from now on."""
        self._libraries[symbol] = system
        self._library_parts.pop(symbol, None)

    def hold_back(self, symbol: str, why: str) -> None:
        """Look at a library no more that isn't served now; empty: it is closed."""
        self._libraries.pop(symbol, None)
        self._library_parts.pop(symbol, None)
        if why:
            self._library_parts[symbol] = _make_library_part(symbol, write_sentence(HELD_BACK, reason=why))

    async def try_writing(self) -> None:
        """Try to write, every `WRITE_SECONDS`."""
        self._writing_since = asyncio.get_running_loop().time()
        try:
            await require_writable(self._store)
        except Unavailable as error:
            self._not_written = error.detail
        else:
            self._not_written = ""
        finally:
            self._writing_since = None

    async def probe_libraries(self) -> None:
        """Ask the systems of all libraries again and again, until cancelled: spread over time, and none waits for
        another that hangs."""
        pause = FIRST_PROBE_PAUSE_SECONDS
        async with asyncio.TaskGroup() as probes:
            while True:
                for symbol in tuple(self._libraries):
                    probes.create_task(self._probe_library(symbol))
                    await asyncio.sleep(pause)
                pause = min(PROBE_SECONDS / len(self._libraries), MAX_PROBE_PAUSE_SECONDS)

    async def _probe_library(self, symbol: str) -> None:
        system = self._libraries.get(symbol)
        part = await probe_library(symbol, system) if system is not None else None
        if part is not None and self._libraries.get(symbol) is system:
            self._library_parts[symbol] = part

    async def check(self) -> GatewayReadiness:
        clock = asyncio.get_running_loop().time
        async with self._lock:
            if not self._last or clock() - self._looked > FRESH_SECONDS:
                self._last = await self._check_parts()
                self._looked = clock()
                self._log_changes((*self._last, *self._list_library_parts()))
            notes = self._list_notes()
            settings = (ReadinessPart(PartKind.SETTINGS, notes=notes),) if notes else ()
            return GatewayReadiness((*self._last, *settings, *self._list_library_parts()))

    async def check_library(self, name: str) -> GatewayReadiness | None:
        """Check one library, whose system is asked now, with what it needs of the office. `name`: its symbol or short
        name, in any case; None: there is no such library."""
        known = {symbol.casefold(): symbol for symbol in (*self._libraries, *self._library_parts)}
        symbol = known.get(name.casefold()) or self._names.get(name.casefold())
        if symbol is None:
            return None
        if symbol in self._libraries:
            await self._probe_library(symbol)
        return (await self.check()).for_library(symbol)

    def _list_library_parts(self) -> tuple[ReadinessPart, ...]:
        unknown = {symbol: _make_library_part(symbol, notes=(NOT_ASKED,)) for symbol in self._libraries}
        return tuple((unknown | self._library_parts).values())

    async def _check_parts(self) -> tuple[ReadinessPart, ...]:
        probes = [_probe_part(ReadinessPart(PartKind.STORE), self._ping_store), self._check_messages()]
        mailboxes = asyncio.ensure_future(self._check_mailboxes())
        parts = [*await asyncio.gather(*probes), *await mailboxes]
        parts.insert(1, self._check_writing())
        if self._clock is not None:
            parts.append(ReadinessPart(PartKind.CLOCK, notes=self._clock()))
        parts.append(ReadinessPart(PartKind.PROXIES, notes=self._forwarding()))
        parts.append(
            ReadinessPart(
                PartKind.PROFILES, notes=tuple(problem.describe_problem() for problem in self._profiles.problems)
            )
        )
        parts += [
            ReadinessPart(
                PartKind.LISTENER,
                "" if listener.is_listening else write_sentence("not listening"),
                listener.notes,
                own_name=listener.name.removeprefix("listener "),
            )
            for listener in self._listeners()
        ]
        return tuple(parts)

    async def _ping_store(self) -> None:
        """Ping the store; raises Unavailable."""
        if self._look_at_schema is None:
            await ping_store(self._store, MAX_PROBE_SECONDS)
        elif problem := await self._look_at_schema():
            raise Unavailable(problem)

    async def _check_messages(self) -> ReadinessPart:
        try:
            async with asyncio.timeout(MAX_PROBE_SECONDS):
                count = await self._set_aside()
        except (Unavailable, TimeoutError):  # of which the part `store` tells
            count = 0
        return ReadinessPart(
            PartKind.MESSAGES,
            notes=(write_sentence("set aside: %(count)s (illgate journal list --outcome failed)", count=count),)
            if count
            else (),
        )

    async def _check_mailboxes(self) -> tuple[ReadinessPart, ...]:
        """Check the mailboxes; they are never down: partners can be served, and their answers wait in the mailbox."""
        try:
            async with asyncio.timeout(MAX_PROBE_SECONDS):
                failures = await self._mailboxes()
        except (Unavailable, TimeoutError):  # of which the part `store` tells
            return ()
        return tuple(
            ReadinessPart(
                PartKind.MAILBOX,
                notes=(write_sentence(AWAY, moment=away.since, report=away.reason),) if away is not None else (),
                library=self._mailbox_libraries.get(name, ""),
                own_name=name,
            )
            for name, away in failures.items()
        )

    def _check_writing(self) -> ReadinessPart:
        problem, since = self._not_written, self._writing_since
        waited = asyncio.get_running_loop().time() - since if since is not None else 0.0
        if waited > MAX_WRITE_SECONDS:
            problem = write_sentence("a write has been waiting for %(seconds)s s", seconds=format(waited, ".0f"))
        try:
            notes = _note_low_space(self._store)
            problem = problem or _find_lack_of_space(self._store, self._full_message())
        except OSError as error:
            return ReadinessPart(
                PartKind.STORE_WRITING,
                problem or write_sentence("the database's folder cannot be read: %(report)s", report=error.strerror),
            )
        return ReadinessPart(PartKind.STORE_WRITING, problem, notes)

    def _log_changes(self, parts: Sequence[ReadinessPart]) -> None:
        """Each change once, not each look."""
        if not self._is_reporting:
            return
        down = frozenset(part.name for part in parts if not part.is_up)
        for part in parts:
            if not part.is_up and part.name not in self._down:
                log.error("health.part_down", part=part.name, problem=part.problem)
            elif part.is_up and part.name in self._down:
                log.info("health.part_up", part=part.name)
        self._down = down


def _note_low_space(store: Store) -> tuple[str, ...]:
    """A note where there is little left. Raises OSError."""
    free = free_disk_bytes(store)
    return (
        (write_sentence("%(size)s MB free on the disk", size=format(free / 1e6, ".0f")),)
        if free is not None and free < LOW_SPACE
        else ()
    )


def _find_lack_of_space(store: Store, full_message: int) -> str:
    """Empty: a message of full size fits. What can be written still is not enough to be at work: small messages would
    be taken and large ones not. Raises OSError."""
    room = largest_write_bytes(store)
    if room is None or room >= full_message:
        return ""
    return write_sentence(
        "too little space: a message may have %(most)s MB, and %(room)s MB would fit",
        most=format(full_message / 1e6, ".1f"),
        room=format(room / 1e6, ".1f"),
    )


async def probe_library(symbol: str, system: LibrarySystem) -> ReadinessPart:
    """Probe a library, with what its operators must mend though it answers."""
    part = await _probe_part(_make_library_part(symbol), system.ping)
    return replace(part, notes=system.alerts if isinstance(system, AlertsOperators) else ())


def _make_library_part(symbol: str, problem: str = "", notes: tuple[str, ...] = ()) -> ReadinessPart:
    return ReadinessPart(PartKind.LIBRARY, problem, notes, library=symbol, own_name=symbol)


async def _probe_part(part: ReadinessPart, probe: Callable[[], Awaitable[None]]) -> ReadinessPart:
    """Return the part with what is wrong with it now."""
    try:
        async with asyncio.timeout(MAX_PROBE_SECONDS):
            await probe()
    except Unavailable as error:
        return replace(part, problem=error.detail)
    except TimeoutError:
        return replace(
            part, problem=write_sentence("no answer within %(seconds)s seconds", seconds=format(MAX_PROBE_SECONDS, "g"))
        )
    except Exception as error:
        log.exception("health.check_failed", part=part.name)
        return replace(part, problem=write_sentence("failed with %(kind)s, see the log", kind=type(error).__name__))
    return part


def find_newest_backup(folder: Path) -> float:
    """Find when the newest file of a folder was written, in seconds since 1970; 0: there is none."""
    try:
        return max((file.stat().st_mtime for file in folder.iterdir() if file.suffix != UNFINISHED), default=0)
    except OSError:  # not there, or not for us to read: as good as no backup
        return 0


def notify_systemd(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send one state such as 'READY=1'; nothing happens where no systemd listens. Raises OSError."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(address)
        out.sendall(state.encode())


def read_watchdog_seconds(environment: Mapping[str, str] = os.environ) -> float | None:
    """Read how often systemd wants a sign of life; None if it doesn't."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    mine = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
    return int(microseconds) / 1_000_000 if mine and microseconds.isdigit() else None


class GatewayMetrics:
    """`record_message` is called for every message and costs a few microseconds: its label sets are bound
    beforehand."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = Info("illgate_build", "Version of illgate; the value is 1", registry=self.registry)
        build.info({"version": version("illgate")})
        labels = ("protocol", "profile", "service", "outcome")
        self._messages = Counter("illgate_messages", "Messages answered", labels, registry=self.registry)
        self._seconds = Histogram(
            "illgate_message_seconds",
            "Time from a message's arrival to its answer",
            ("protocol", "service"),
            registry=self.registry,
            buckets=MESSAGE_SECONDS_BUCKETS,
        )
        self._last_message = Gauge(
            "illgate_last_message_timestamp_seconds",
            "Time of the last message since the start",
            ("protocol", "profile"),
            registry=self.registry,
        )
        self._last_delivery = Gauge(
            "illgate_last_delivery_timestamp_seconds",
            "Time of the last delivery to the partner since the start",
            ("library", "partner"),
            registry=self.registry,
        )
        self._database_bytes = Gauge("illgate_database_bytes", "Size of the database", registry=self.registry)
        self._certificate_end = Gauge(
            "illgate_certificate_end_timestamp_seconds",
            "End of a certificate that settings or profiles name",
            ("file",),
            registry=self.registry,
        )
        self._up = Gauge("illgate_up", "1 if the component works, else 0", ("part", "library"), registry=self.registry)
        self._notes = Gauge(
            "illgate_notes",
            "Number of warnings in /readyz for a working component",
            ("part", "library"),
            registry=self.registry,
        )
        self._pending_age = Gauge(
            "illgate_oldest_pending_seconds",
            "Age of the oldest message without an outcome; 0 if there is none",
            registry=self.registry,
        )
        self._outbox_rows = Gauge(
            "illgate_outbox_rows",
            "Unfinished outbox rows by status: waiting, in-hand or dead",
            ("library", "status"),
            registry=self.registry,
        )
        self._outbox_age = Gauge(
            "illgate_outbox_oldest_waiting_seconds",
            "Age of the oldest waiting outbox row; 0 if there is none",
            registry=self.registry,
        )
        self._outbox_tries = Counter(
            "illgate_outbox_tries", "Attempts to process outbox rows", ("kind", "outcome"), registry=self.registry
        )
        self._mailbox_away = Gauge(
            "illgate_mailbox_away_seconds",
            "Seconds since the mailbox was last readable; 0 if it is readable",
            ("mailbox",),
            registry=self.registry,
        )
        self._unread_messages = Gauge(
            "illgate_unread_messages",
            "Unread messages from partners",
            ("library", "role"),
            registry=self.registry,
        )
        self._oldest_unread = Gauge(
            "illgate_oldest_unread_message_seconds",
            "Age of the oldest unread message; 0 if there is none",
            ("library", "role"),
            registry=self.registry,
        )
        self._unmatched_mails = Gauge(
            "illgate_unmatched_mails",
            "Emails that are not matched to a request",
            ("library",),
            registry=self.registry,
        )
        self._network_asks = Counter(
            "illgate_network_asks", "Members of the network asked for their loads", ("outcome",), registry=self.registry
        )
        self._defects = Counter(
            "illgate_defects",
            "Internal errors while processing a message or serving a connection, by log event",
            ("event",),
            registry=self.registry,
        )
        self._refusals = Counter(
            "illgate_access_refused",
            "Refused access to pages, API and links",
            ("place", "reason"),
            registry=self.registry,
        )
        self._over_share = Counter(
            "illgate_messages_over_share",
            "Messages refused because their library had its share of all places",
            ("library",),
            registry=self.registry,
        )
        self._bound: dict[tuple[str, str, str, OutcomeClass], tuple[Counter, Histogram, Gauge]] = {}

    def record_message(self, protocol: str, profile: str, service: str, outcome: OutcomeClass, seconds: float) -> None:
        """One message has been answered. `profile` and `service` may be empty (not known), and hold nothing that a
        sender has made up."""
        key = (protocol, profile, service, outcome)
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bind_series(key)
        bound[0].inc()
        bound[1].observe(seconds)
        bound[2].set_to_current_time()

    def _bind_series(self, key: tuple[str, str, str, OutcomeClass]) -> tuple[Counter, Histogram, Gauge]:
        if len(self._bound) < MAX_SERIES:
            return self._bind_labels(key)
        other = (key[0], "other", "other", key[3])
        return self._bound.get(other) or self._bind_labels(other)

    def _bind_labels(self, key: tuple[str, str, str, OutcomeClass]) -> tuple[Counter, Histogram, Gauge]:
        protocol, profile, service, outcome = key
        counter = self._messages.labels(protocol, profile, service, outcome.value)
        last = self._last_message.labels(protocol, profile)
        bound = self._bound[key] = (counter, self._seconds.labels(protocol, service), last)
        return bound

    def watch_backups(self, folder: Path) -> None:
        """Watch when the newest backup was written; read when Prometheus asks."""
        gauge = Gauge(
            "illgate_backup_timestamp_seconds", "Time of the newest backup; 0 if there is none", registry=self.registry
        )
        gauge.set_function(lambda: find_newest_backup(folder))

    def record_database_bytes(self, size: int) -> None:
        self._database_bytes.set(size)

    def record_certificates(self, ends: Mapping[str, datetime]) -> None:
        """Record by file when certificates end."""
        self._certificate_end.clear()
        for file, end in ends.items():
            self._certificate_end.labels(file).set(end.timestamp())

    def watch_profiles(self, problems: Callable[[], int]) -> None:
        """Watch how many problems keep the last edit from being used; read when Prometheus asks."""
        gauge = Gauge(
            "illgate_profile_problems",
            "Problems in the current profile files that keep them from being used",
            registry=self.registry,
        )
        gauge.set_function(problems)

    def record_readiness(self, readiness: GatewayReadiness) -> None:
        for part in readiness.parts:
            self._up.labels(part.name, part.library).set(part.is_up)
            self._notes.labels(part.name, part.library).set(len(part.notes))

    def record_oldest_pending(self, since: datetime | None, now: datetime) -> None:
        self._pending_age.set((now - since).total_seconds() if since is not None else 0.0)

    def count_outbox_attempt(self, row: OutboxRow, outcome: AttemptOutcome) -> None:
        """One try of a row has ended; to be given to the worker as `observe`."""
        self._outbox_tries.labels(row.kind, outcome.value).inc()
        if row.kind == PARTNER and outcome is AttemptOutcome.DONE:
            self._last_delivery.labels(row.library, row.target).set_to_current_time()

    def count_defect(self, event: str) -> None:
        """`event`: of the log."""
        self._defects.labels(event).inc()

    def count_refusal(self, place: str, reason: str) -> None:
        """`place`: api, staff, pages or links; `reason`: key, sign-in, too-often, forbidden or link."""
        self._refusals.labels(place, reason).inc()

    def count_network_query(self, outcome: str) -> None:
        """A member was asked: answered, silent."""
        self._network_asks.labels(outcome).inc()

    def record_mailboxes(self, mailboxes: Mapping[str, MailboxFailure | None], now: datetime) -> None:
        """Record mailboxes by name, with what is wrong."""
        for name, away in mailboxes.items():
            self._mailbox_away.labels(name).set((now - away.since).total_seconds() if away is not None else 0.0)

    def record_outbox_rows(
        self, counts: Mapping[tuple[str, OutboxStatus], int], oldest: datetime | None, now: datetime
    ) -> None:
        """Record what `outbox_queries.count_unfinished_rows` and `find_oldest_waiting` say at `now`."""
        self._outbox_rows.clear()  # a library without rows is not counted there
        for (library, status), rows in counts.items():
            self._outbox_rows.labels(library, status.value).set(rows)
        self._outbox_age.set((now - oldest).total_seconds() if oldest is not None else 0.0)

    def record_unread_messages(
        self, libraries: Collection[str], counts: Mapping[tuple[str, Role], UnreadCount], now: datetime
    ) -> None:
        """Record what `request_messages.count_unread_messages` says at `now`; every library and side has its place, so
        that none is missing where there is nothing to read."""
        for library in libraries:
            for role in Role:
                unread_count = counts.get((library, role), UnreadCount())
                age = (now - unread_count.oldest).total_seconds() if unread_count.oldest is not None else 0.0
                self._unread_messages.labels(library, role.value).set(unread_count.count)
                self._oldest_unread.labels(library, role.value).set(age)

    def record_unmatched_mails(self, library: str, count: int) -> None:
        self._unmatched_mails.labels(library).set(count)

    def watch_outbox(self, worker: OutboxWorker) -> None:
        """Read when Prometheus asks."""
        for name, text, value in (
            ("illgate_outbox_in_hand", "Outbox rows in progress on this node", lambda: worker.rows_in_hand),
            ("illgate_outbox_breakers_open", "Open circuit breakers of the outbox", lambda: worker.open_breakers),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)

    def count_full_share(self, library: str) -> None:
        self._over_share.labels(library).inc()

    def watch_gate(self, gate: AdmissionQueue) -> None:
        """Read when Prometheus asks, so that messages pay nothing for it."""
        for name, text, value in (
            ("illgate_messages_in_hand", "Messages in progress", lambda: gate.in_hand),
            ("illgate_messages_waiting", "Queued messages", lambda: gate.waiting),
            ("illgate_messages_turned_away", "Messages answered with 503 since the start", lambda: gate.turned_away),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)

    def render(self) -> tuple[bytes, str]:
        """Return what Prometheus reads, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE
