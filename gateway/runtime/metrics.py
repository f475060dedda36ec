"""Figures for Prometheus, in a registry of each gateway's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from gateway.ports.protocol import OutcomeClass
from gateway.services.outbox import Outcome, Worker
from gateway.store.requests.outbox import Status
from gateway.web.gate import Gate
from gateway.web.health import Readiness

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MOST_SERIES = 2_000
"""Service names come from outside: beyond this many combinations they are counted as 'other'."""

MESSAGE_SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """`message` is called for every message and costs a few microseconds: its label sets are bound beforehand."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        labels = ("protocol", "profile", "service", "outcome")
        self._messages = Counter("illgate_messages", "Messages answered", labels, registry=self.registry)
        self._seconds = Histogram(
            "illgate_message_seconds",
            "Time from a message's arrival to its answer",
            ("protocol", "service"),
            registry=self.registry,
            buckets=MESSAGE_SECONDS_BUCKETS,
        )
        self._up = Gauge("illgate_up", "1: this part works, 0: it doesn't", ("part",), registry=self.registry)
        self._notes = Gauge(
            "illgate_notes",
            "What /readyz notes of a part that works, such as little space",
            ("part",),
            registry=self.registry,
        )
        self._pending_age = Gauge(
            "illgate_oldest_pending_seconds",
            "Age of the oldest message that has no outcome yet; 0: there is none",
            registry=self.registry,
        )
        self._outbox_rows = Gauge(
            "illgate_outbox_rows",
            "Rows of the outbox that are not finished: waiting, in-hand, or dead until staff decide",
            ("library", "status"),
            registry=self.registry,
        )
        self._outbox_age = Gauge(
            "illgate_outbox_oldest_waiting_seconds",
            "Age of the oldest row of the outbox that waits; 0: there is none",
            registry=self.registry,
        )
        self._outbox_tries = Counter(
            "illgate_outbox_tries", "Tries of rows of the outbox", ("kind", "outcome"), registry=self.registry
        )
        self._network_asks = Counter(
            "illgate_network_asks", "Members of the network asked for their loads", ("outcome",), registry=self.registry
        )
        self._bound: dict[tuple[str, str, str, OutcomeClass], tuple[Counter, Histogram]] = {}

    def message(self, protocol: str, profile: str, service: str, outcome: OutcomeClass, seconds: float) -> None:
        """One message has been answered. `profile` and `service` may be empty (not known)."""
        key = (protocol, profile, service, outcome)
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bind(key)
        bound[0].inc()
        bound[1].observe(seconds)

    def _bind(self, key: tuple[str, str, str, OutcomeClass]) -> tuple[Counter, Histogram]:
        if len(self._bound) < MOST_SERIES:
            return self._bind_labels(key)
        other = (key[0], "other", "other", key[3])
        return self._bound.get(other) or self._bind_labels(other)

    def _bind_labels(self, key: tuple[str, str, str, OutcomeClass]) -> tuple[Counter, Histogram]:
        protocol, profile, service, outcome = key
        counter = self._messages.labels(protocol, profile, service, outcome.value)
        bound = self._bound[key] = (counter, self._seconds.labels(protocol, service))
        return bound

    def watch_profiles(self, problems: Callable[[], int]) -> None:
        """How many problems keep the last edit from being used; read when Prometheus asks."""
        text = "What is wrong in the profile files as they are now, so that older ones are in use"
        Gauge("illgate_profile_problems", text, registry=self.registry).set_function(problems)

    def readiness(self, readiness: Readiness) -> None:
        for part in readiness.parts:
            self._up.labels(part.name).set(part.up)
            self._notes.labels(part.name).set(len(part.notes))

    def oldest_pending(self, since: datetime | None, now: datetime) -> None:
        self._pending_age.set((now - since).total_seconds() if since is not None else 0.0)

    def outbox_tried(self, kind: str, outcome: Outcome) -> None:
        """One try of a row has ended; to be given to the worker as `observe`."""
        self._outbox_tries.labels(kind, outcome.value).inc()

    def network_asked(self, outcome: str) -> None:
        """A member was asked: answered, silent."""
        self._network_asks.labels(outcome).inc()

    def outbox(self, counts: Mapping[tuple[str, Status], int], oldest: datetime | None, now: datetime) -> None:
        """What `outbox.counts` and `outbox.oldest_waiting` say at `now`."""
        self._outbox_rows.clear()  # a library without rows is not counted there
        for (library, status), rows in counts.items():
            self._outbox_rows.labels(library, status.value).set(rows)
        self._outbox_age.set((now - oldest).total_seconds() if oldest is not None else 0.0)

    def watch_outbox(self, worker: Worker) -> None:
        """Read when Prometheus asks."""
        for name, text, value in (
            ("illgate_outbox_in_hand", "Rows of the outbox in the hands of this node", lambda: worker.in_hand),
            ("illgate_outbox_breakers_open", "Ways out that are left alone for now", lambda: worker.open_breakers),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)

    def watch_gate(self, gate: Gate) -> None:
        """Read when Prometheus asks, so that messages pay nothing for it."""
        for name, text, value in (
            ("illgate_messages_in_hand", "Messages being answered", lambda: gate.in_hand),
            ("illgate_messages_waiting", "Messages waiting for their turn", lambda: gate.waiting),
            ("illgate_messages_turned_away", "Answered with 503 since the start", lambda: gate.turned_away),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)

    def page(self) -> tuple[bytes, str]:
        """What Prometheus reads, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE
