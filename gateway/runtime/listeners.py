"""HTTP and TCP listeners, their TLS and the start probe.

A listener is for one profile (facts/ncip.md 1.1: Voyager, BIB, Relais tcp/ip), or for all partners of a protocol
whose messages say whose they are.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.domain.value import value_object
from gateway.ports.responder import StreamFraming
from gateway.ports.tls import abort_transport
from gateway.runtime.connection_admission import ConnectionAdmission, ConnectionLimits
from gateway.runtime.listener_tls import list_tls_notes
from gateway.runtime.partner_connections import PartnerConnectionPool
from gateway.runtime.tcp_connection import CHUNK, ConnectionHandlers, ConnectionRules, TcpConnection, peer_address_of
from gateway.web.app import HttpSite, make_app
from gateway.web.common_headers import make_request_handler
from gateway.web.http10_shim import Http10Shim

http_logger = structlog.get_logger(component="http")

KEEP_ALIVE_SECONDS = 75.0
"""How long an idle connection, or one whose head doesn't end, is kept."""

LINGER_SECONDS = 2.0

MAX_LINE_BYTES = 65_536
"""Bytes of a request's first line: links of discovery systems have 8 kB and more (facts/openurl.md section 1)."""

tcp_logger = structlog.get_logger(component="tcp")

PROBE_SECONDS = 20.0
"""Longest wait for a listener's answer at the start; a loaded machine has needed more than five."""

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where this machine reaches a listener at all addresses."""


def make_own_url(host: str, port: int, *, is_encrypted: bool) -> str:
    """Make the URL at which this machine reaches a listener; one at all addresses is reached at its own."""
    host = _HERE.get(host, host)
    return f"{'https' if is_encrypted else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


_ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@value_object
class HttpListenerOptions:
    """`connections`: most at once, each of which may hold a message of the largest size in memory; `per_peer`: most
    from one address that isn't a trusted proxy's. `head_seconds`: longest time for a TLS handshake, and then for the
    headers of the first request."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    head_seconds: float = 15.0
    connections: int = 5_000
    per_peer: int = 500


class _HttpLogAdapter(logging.LoggerAdapter[logging.Logger]):
    """aiohttp reports each bad request as an error, with traceback and the bytes it stumbled over, which may be
    a patron's: say only what kind of thing it was."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("gateway.http"), {})

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        error = kwargs.get("exc_info")
        if isinstance(error, HttpProcessingError):
            peer = args[0] if args else ""
            self.logger.info("not HTTP, answered with 400: %s from %s", type(error).__name__, peer)
            return
        super().exception(msg, *args, **kwargs)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, kwargs


class _Listener:
    """A place where a server listens once it has been started."""

    def __init__(self, port: int) -> None:
        self._wanted_port = port
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port in use; differs from the one asked for where that is 0."""
        if self._server is None or not self._server.sockets:
            return self._wanted_port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def is_listening(self) -> bool:
        return self._server is not None and self._server.is_serving()


class HttpListener(_Listener):
    """`start`, then `stop` once."""

    def __init__(self, place: HttpListenerOptions, site: HttpSite) -> None:
        super().__init__(place.port)
        self.place = place
        self._site = site
        self._runner: web.AppRunner | None = None
        self._fronts: set[Http10Shim] = set()
        self._admission = ConnectionAdmission(
            ConnectionLimits(place.connections, place.per_peer, site.proxies.is_trusted),
            self._make_shim,
            tls=place.tls,
            handshake_seconds=place.head_seconds,
            log=http_logger,
            event="http.too_many_connections",
            listener=lambda: self.name,
        )

    @property
    def name(self) -> str:
        return f"listener {'https' if self.place.tls else 'http'} {self.place.host}:{self.port}"

    @property
    def url(self) -> str:
        return make_own_url(self.place.host, self.port, is_encrypted=self.place.tls is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of /readyz on it."""
        return list_tls_notes(self.place.tls)

    async def start(self) -> None:
        """Start to listen; raises OSError when the address can't be had."""
        self._runner = web.AppRunner(
            make_app(self._site),
            access_log=None,
            logger=_HttpLogAdapter(),
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=MAX_LINE_BYTES,
        )
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(
            self._admission.make_door, self.place.host, self.place.port, backlog=1024, reuse_address=True
        )

    def _make_shim(self, leave: Callable[[], None]) -> Http10Shim:
        assert self._runner is not None
        assert self._runner.server is not None
        site = self._site
        return Http10Shim(
            partial(make_request_handler, self._runner.server),
            self._fronts,
            leave,
            site.limit(),
            site.patience,
            self.place.head_seconds,
        )

    async def stop(self, seconds: float) -> None:
        """Take no more connections, answer the messages in hand, then close. Never longer than `seconds`."""
        if self._runner is None or self._server is None:
            return
        self._server.close()
        self._admission.close_waiting()
        for front in list(self._fronts):
            front.close_if_unused()
        server = self._runner.server
        assert server is not None
        server.pre_shutdown()
        try:
            async with asyncio.timeout(seconds):
                await server.shutdown(None)
        except TimeoutError:
            http_logger.warning("http.aborted_on_shutdown", listener=self.name, connections=len(server.connections))
            await server.shutdown(0.05)
        await self._runner.cleanup()
        self._server = self._runner = None


@value_object
class TcpListenerOptions:
    """The place to listen at, and for whom: `profile` empty: for all partners of the protocol. `framing` and `limit`
    (bytes) are asked anew for every connection, so that a profile's reload takes effect. `per_peer`: most connections
    from one address."""

    host: str
    port: int
    profile: str
    protocol: str
    framing: Callable[[], StreamFraming]
    limit: Callable[[], int]
    tls: ssl.SSLContext | None = None
    connections: int = 200
    per_peer: int = 50
    idle_in_message: float = 10.0  # longest silence inside a message, in seconds


class TcpMessageListener(_Listener):
    """Answers each message of a connection in turn. `lines` are told of connections, where we may speak on
    them as well. `start`, then `stop` once."""

    def __init__(
        self,
        place: TcpListenerOptions,
        inside: ConnectionHandlers,
        lines: PartnerConnectionPool | None = None,
    ) -> None:
        super().__init__(place.port)
        self.place = place
        self._inside = inside
        self._lines = lines
        self._connections: set[TcpConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._admission = ConnectionAdmission(
            ConnectionLimits(place.connections, place.per_peer),
            self._make_stream_protocol,
            tls=place.tls,
            handshake_seconds=place.idle_in_message,
            log=tcp_logger,
            event="tcp.too_many_connections",
            listener=lambda: self.name,
        )

    @property
    def name(self) -> str:
        return f"listener tcp {self.place.host}:{self.port} ({self.place.profile or self.place.protocol})"

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of /readyz on it."""
        return list_tls_notes(self.place.tls)

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        """Start to listen; raises OSError when the address can't be had."""
        self._server = await asyncio.get_running_loop().create_server(
            self._admission.make_door, self.place.host, self.place.port, backlog=512, reuse_address=True
        )

    async def stop(self, seconds: float) -> None:
        """Take no more connections, finish the messages that have begun, then close. Never longer than `seconds`."""
        if self._server is None:
            return
        self._server.close()
        self._admission.close_waiting()
        for connection in list(self._connections):
            connection.finish_and_close()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                tcp_logger.warning("tcp.aborted_on_shutdown", listener=self.name, connections=len(late))
                await asyncio.wait(late)
        self._server = None

    def _make_stream_protocol(self, leave: Callable[[], None]) -> asyncio.StreamReaderProtocol:
        async def serve_and_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._serve_connection(reader, writer)
            finally:
                leave()

        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=CHUNK), serve_and_leave)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_address_of(writer)
        task = asyncio.current_task()
        assert task is not None
        line = self._lines.accept_connection(self.place.protocol) if self._lines is not None else None
        connection = TcpConnection(self._read_connection_rules(), self._inside, reader, writer, line)
        if line is not None:
            line.attach_connection(connection, writer)
        self._connections.add(connection)
        self._tasks.add(task)
        try:
            await connection.run()
        except ConnectionError:
            pass  # gone without waiting for its answer: nothing is left to be done
        except asyncio.CancelledError:
            abort_transport(writer.transport)  # stopping; the task ends here
        except Exception:
            tcp_logger.exception("tcp.connection_failed", listener=self.name, peer=peer)
            self._inside.count_defect("tcp.connection_failed")
            abort_transport(writer.transport)
        finally:
            if line is not None:
                line.mark_ended()
            self._connections.discard(connection)
            self._tasks.discard(task)

    def _read_connection_rules(self) -> ConnectionRules:
        place = self.place
        return ConnectionRules(place.protocol, place.profile, place.framing(), place.limit(), place.idle_in_message)


class ListenerAddressError(OSError):
    """An address can't be listened at. The text says which setting names it."""


def describe_bind_failure(error: OSError) -> str:
    """Describe why an address can't be had, in a few words; asyncio's own text repeats the address as a tuple."""
    is_known = error.errno is not None and error.errno in errno.errorcode and not isinstance(error, socket.gaierror)
    return os.strerror(error.errno).lower() if is_known and error.errno else str(error.strerror or error).lower()


class ListenerNotAnsweringError(OSError):
    """A listener was started but does not answer."""


async def probe_http(listener: HttpListener) -> None:
    """Ask /healthz. Where clients must show a certificate, only whether we are connected. Raises
    ListenerNotAnsweringError."""
    place = listener.place
    if place.tls is not None and place.tls.verify_mode is ssl.CERT_REQUIRED:
        await _send_probe(place.host, listener.port, listener.name)
        return
    tls = None
    if place.tls is not None:
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE  # it is ourselves, by an address that the certificate may not have
    answer = await _send_probe(place.host, listener.port, listener.name, _ALIVE, tls)
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise ListenerNotAnsweringError(f"{listener.name} does not answer as it should")


async def probe_tcp(listener: TcpMessageListener) -> None:
    """Check that we are connected. Raises ListenerNotAnsweringError."""
    await _send_probe(listener.place.host, listener.port, listener.name)


async def _send_probe(
    host: str, port: int, name: str, question: bytes = b"", tls: ssl.SSLContext | None = None
) -> bytes:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(_HERE.get(host, host), port, ssl=tls)
            try:
                if not question:
                    return b""
                writer.write(question)
                return await reader.read(1000)
            finally:
                writer.close()
    except TimeoutError as error:
        raise ListenerNotAnsweringError(f"{name} has not answered within {PROBE_SECONDS:g} seconds") from error
    except OSError as error:
        raise ListenerNotAnsweringError(f"{name} does not answer: {error}") from error
