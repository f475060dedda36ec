"""The listeners of a daemon: by HTTP, and by TCP as its settings say; their certificates, and the probe of them all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import KeyPath
from gateway.profiles import ProfileSet
from gateway.runtime.listener_tls import RenewableServerContext
from gateway.runtime.listeners import (
    HttpListener,
    HttpListenerOptions,
    ListenerAddressError,
    TcpListenerOptions,
    TcpMessageListener,
    describe_bind_failure,
    probe_http,
    probe_tcp,
)
from gateway.runtime.partner_connections import PartnerConnectionPool
from gateway.runtime.tcp_connection import ConnectionHandlers, ConnectionRules
from gateway.services.exchange import MessageExchange
from gateway.settings import Settings, Tls
from gateway.settings import TcpListener as TcpSettings
from gateway.web.app import HttpSite
from gateway.web.inbound import AdmissionQueue

MAX_SILENCE_SECONDS = 10.0
"""Inside a message."""


class DaemonListeners:
    """`profiles`: those in use; `gate`: what all messages pass."""

    def __init__(
        self,
        settings: Settings,
        adapters: AdapterRegistry,
        profiles: Callable[[], ProfileSet],
        gate: AdmissionQueue,
        clock: Clock,
    ) -> None:
        self.http: HttpListener | None = None
        self.tcp: tuple[TcpMessageListener, ...] = ()
        self.certificates: list[RenewableServerContext] = []
        self._settings = settings
        self._adapters = adapters
        self._profiles = profiles
        self._gate = gate
        self._clock = clock

    @property
    def all_listeners(self) -> tuple[HttpListener | TcpMessageListener, ...]:
        return (*((self.http,) if self.http is not None else ()), *self.tcp)

    async def start_listeners(self, site: HttpSite, exchange: MessageExchange, lines: PartnerConnectionPool) -> None:
        """Start the listeners in the order of the settings. Raises ListenerAddressError."""
        http, protocols = self._settings.http, self._adapters.protocols
        place = HttpListenerOptions(
            host=http.host,
            port=http.port,
            tls=self._make_tls_context(http.tls),
            head_seconds=http.header_seconds,
            connections=http.connections,
            per_peer=http.per_peer,
        )
        self.http = HttpListener(place, site)
        inside = ConnectionHandlers(exchange, self._gate, self._clock, site.count_defect)
        self.tcp = tuple(
            TcpMessageListener(
                self._make_tcp_options(tcp_listener),
                inside,
                lines if protocols[tcp_listener.protocol].for_all else None,
            )
            for tcp_listener in self._settings.tcp
        )
        lines.start_serving(inside)
        keys: list[KeyPath] = [("http", "port"), *(("tcp", index, "port") for index in range(len(self.tcp)))]
        for key, listener in zip(keys, self.all_listeners, strict=True):
            await self._start_listener(key, listener)

    async def _start_listener(self, key: KeyPath, listener: HttpListener | TcpMessageListener) -> None:
        try:
            await listener.start()
        except OSError as error:
            place = listener.place
            message = f"can't listen at {place.host}, port {place.port}: {describe_bind_failure(error)}"
            raise ListenerAddressError(str(self._settings.make_problem(key, message))) from error

    async def probe_listeners(self) -> None:
        """Returns when each has answered."""
        assert self.http is not None
        await probe_http(self.http)
        for listener in self.tcp:
            await probe_tcp(listener)

    async def close_listeners(self, seconds: float) -> None:
        """All at once, since they share the time."""
        await asyncio.gather(*(listener.stop(seconds) for listener in self.all_listeners))

    def make_connection_rules(self, protocol: str, name: str) -> ConnectionRules:
        """Make the rules of connections for a profile (the check of profiles lets no set pass that lacks a listener's),
        or for all partners."""
        profiles = self._profiles()
        profile = profiles.find_profile(name) if name else None
        limit = profile.max_bytes if profile is not None else profiles.max_bytes
        framing = self._adapters.protocols[protocol].responder().framing(profile)
        return ConnectionRules(protocol, name, framing, limit, MAX_SILENCE_SECONDS)

    def take_changed_certificates(self) -> bool:
        """False: some can't be used, and what was read before stays in use."""
        taken = [context.take_changed_files() for context in self.certificates]
        return all(taken)

    def _make_tcp_options(self, settings: TcpSettings) -> TcpListenerOptions:
        return TcpListenerOptions(
            host=settings.host,
            port=settings.port,
            profile=settings.profile,
            protocol=settings.protocol,
            framing=lambda: self.make_connection_rules(settings.protocol, settings.profile).framing,
            limit=lambda: self.make_connection_rules(settings.protocol, settings.profile).limit,
            tls=self._make_tls_context(settings.tls),
            connections=settings.connections,
            per_peer=settings.per_peer,
            idle_in_message=MAX_SILENCE_SECONDS,
        )

    def _make_tls_context(self, tls: Tls) -> ssl.SSLContext | None:
        if not tls.certificate:
            return None
        folder = self._settings.folder
        authorities = folder / tls.client_ca if tls.client_ca else None
        context = RenewableServerContext(folder / tls.certificate, folder / tls.key, authorities, ssl.CERT_OPTIONAL)
        self.certificates.append(context)
        return context
