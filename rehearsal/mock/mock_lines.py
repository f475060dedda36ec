"""The listeners and connections of the daemon on which a partner that is played listens and speaks by TCP, and a
library's system answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.profile import Profile
from gateway.ports.partner_channel import ChannelMessage, OutgoingMessage
from gateway.ports.responder import RawMessage, Responder, ResponderAnswer
from gateway.runtime.listeners import TcpListenerOptions, TcpMessageListener
from gateway.runtime.partner_connections import PartnerConnectionPool
from gateway.runtime.tcp_connection import ConnectionHandlers, ConnectionRules
from gateway.web.inbound import AdmissionQueue
from rehearsal.mock.mock_answers import MockReception

SILENT_SECONDS = 10.0
"""Longest silence inside a message."""

MESSAGES_AT_ONCE = 50
STOP_SECONDS = 1.0


class MockLines:
    """The port `PartnerConnections` for what the partner says. `start` begins once the partner is made. `profile`: as
    whoever is played would have it."""

    def __init__(self, responder: Responder, protocol: str, profile: Profile, folder: Path, clock: Clock) -> None:
        self._responder = responder
        self._protocol = protocol
        self._profile = profile
        self._clock = clock
        self._gate = AdmissionQueue(MESSAGES_AT_ONCE, MESSAGES_AT_ONCE, STOP_SECONDS)
        self._pool = PartnerConnectionPool(self._make_rules, lambda name: name, folder)
        self._listener: TcpMessageListener | None = None
        self._record: Callable[[ChannelMessage], None] | None = None

    def record_by(self, record: Callable[[ChannelMessage], None]) -> MockLines:
        """`record` is told of each message that has been sent."""
        self._record = record
        return self

    async def send(self, saying: OutgoingMessage) -> bytes | None:
        """See `gateway.ports.partner_channel.PartnerConnections`."""
        reply = await self._pool.send(saying)
        if self._record is not None:
            message = ChannelMessage(
                protocol=saying.protocol,
                transport="tcp",
                body=saying.message,
                service=saying.service,
                peer=saying.address,
                answer=reply,
            )
            self._record(message)
        return reply

    async def start(self, reception: MockReception, host: str = "127.0.0.1", port: int = 0) -> str:
        """HOST:PORT. `port` 0: a free one. Raises OSError."""
        profile = self._profile
        exchange = MockAnswerer(reception, profile.name)
        options = TcpListenerOptions(
            host=host,
            port=port,
            profile=profile.name,
            protocol=self._protocol,
            framing=lambda: self._responder.framing(profile),
            limit=lambda: profile.max_bytes,
        )
        inside = ConnectionHandlers(exchange, self._gate, self._clock)
        self._listener = TcpMessageListener(options, inside, self._pool)
        self._pool.start_serving(inside)
        await self._listener.start()
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{self._listener.port}"

    async def stop(self) -> None:
        if self._listener is not None:
            await self._listener.stop(STOP_SECONDS)
        await self._pool.close_connections(STOP_SECONDS)

    def _make_rules(self, protocol: str, profile: str) -> ConnectionRules:
        framing = self._responder.framing(self._profile)
        return ConnectionRules(protocol, profile, framing, self._profile.max_bytes, SILENT_SECONDS)


class MockAnswerer:
    """`MessageAnswerer` of whoever is played. Whoever reaches it is let in, under the profile."""

    def __init__(self, reception: MockReception, profile: str) -> None:
        self._reception = reception
        self._profile = profile

    async def handle(self, arrival: RawMessage) -> ResponderAnswer:
        """Answer a message; what the partner says of itself goes out behind its answer. Without an answer nothing is
        sent."""
        if arrival.line is not None:
            arrival.line.admit(self._profile)
        reply = await self._reception.receive_message(arrival)
        if reply.after_seconds:
            await self._reception.pass_seconds(reply.after_seconds)
        reply.speak()
        return reply.answer if reply.answer is not None else ResponderAnswer(b"")
