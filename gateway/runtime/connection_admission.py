"""Limits of the connections that a listener takes: so many in all, so many from one address.

A connection counts from its first moment on, and with TLS before its handshake: whoever opens thousands and says
nothing takes no place from others.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from gateway.domain.network_addresses import address_block
from gateway.domain.value import value_object
from gateway.runtime.logs import RateLimitedLogger

MakeProtocol = Callable[[Callable[[], None]], asyncio.Protocol]
"""Makes what serves a connection. It calls what it is given once, when the connection has ended."""


def _is_never_exempt(_address: str) -> bool:
    return False


@value_object
class ConnectionLimits:
    """`in_all`: most connections at once; `per_peer`: most of them from one address, or one /64 of IPv6. `is_exempt`:
    addresses of which all may come, such as a proxy's, through which everybody comes."""

    in_all: int
    per_peer: int
    is_exempt: Callable[[str], bool] = _is_never_exempt


class ConnectionAdmission:
    """`make_door` is the protocol factory of a server without TLS; with `tls` the door makes the handshake.

    `log` hears of those that are turned away, as `event`, with the name that `listener` gives.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        make_protocol: MakeProtocol,
        *,
        tls: ssl.SSLContext | None,
        handshake_seconds: float,
        log: FilteringBoundLogger,
        event: str,
        listener: Callable[[], str],
    ) -> None:
        self.limits = limits
        self.make_protocol = make_protocol
        self.tls = tls
        self.handshake_seconds = handshake_seconds
        self.shaking_hands: set[asyncio.Task[None]] = set()
        self._log = RateLimitedLogger(log)
        self._event = event
        self._listener = listener
        self._by_block: Counter[str] = Counter()
        self._open = 0

    def make_door(self) -> ConnectionDoor:
        return ConnectionDoor(self)

    def enter(self, peer: str) -> bool:
        """Take a place for one more connection from this address, if there is one; then `leave` gives it back."""
        block = address_block(peer)
        is_full_for_peer = self._by_block[block] >= self.limits.per_peer and not self.limits.is_exempt(peer)
        if is_full_for_peer or self._open >= self.limits.in_all:
            of_peer = self._by_block[block]
            self._log.warning(self._event, listener=self._listener(), peer=peer, open=self._open, of_peer=of_peer)
            return False
        self._by_block[block] += 1
        self._open += 1
        return True

    def leave(self, peer: str) -> None:
        block = address_block(peer)
        self._open -= 1
        self._by_block[block] -= 1
        if not self._by_block[block]:
            del self._by_block[block]

    def close_waiting(self) -> None:
        """Those that are still in their handshake."""
        for task in self.shaking_hands:
            task.cancel()


class ConnectionDoor(asyncio.Protocol):
    """The first protocol of a connection, until it is admitted and, with TLS, its handshake is done."""

    def __init__(self, admission: ConnectionAdmission) -> None:
        self._admission = admission
        self._peer = ""
        self._early = bytearray()
        self._at_eof = False
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if name else ""
        if not self._admission.enter(self._peer):
            transport.abort()
            return
        if self._admission.tls is None:
            self._hand_over(transport)
            return
        task = asyncio.get_running_loop().create_task(self._shake_hands(transport, self._admission.tls))
        self._admission.shaking_hands.add(task)
        task.add_done_callback(self._admission.shaking_hands.discard)

    def data_received(self, data: bytes) -> None:
        """Keep what comes with the end of the handshake, before its task goes on."""
        self._early += data

    def eof_received(self) -> bool:
        self._at_eof = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True

    async def _shake_hands(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        seconds = self._admission.handshake_seconds
        loop = asyncio.get_running_loop()
        secure = None
        try:
            secure = await loop.start_tls(transport, self, tls, server_side=True, ssl_handshake_timeout=seconds)
        except OSError:
            return  # no TLS, a wrong certificate, too slow: nothing that we could answer
        finally:
            if secure is None or self._lost:  # the other side has gone, or we are stopping
                transport.abort()
                self._admission.leave(self._peer)
        if not self._lost and secure is not None:
            self._hand_over(secure)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        admission, peer = self._admission, self._peer
        protocol = admission.make_protocol(lambda: admission.leave(peer))
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._early:
            protocol.data_received(bytes(self._early))
        if self._at_eof:
            protocol.eof_received()
