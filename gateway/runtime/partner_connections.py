"""Open connections to partners on which both sides may speak, by profile: those that we accepted and those that we
opened, served alike. Implements the port `PartnerConnections`.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext

import structlog

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.ports.partner_channel import OutgoingMessage
from gateway.ports.responder import CallbackAddress
from gateway.ports.tls import abort_transport, make_client_context
from gateway.runtime.logs import RateLimitedLogger
from gateway.runtime.tcp_connection import CHUNK, ConnectionHandlers, ConnectionRules, TcpConnection

log = structlog.get_logger(component="lines")

MAX_CALLS = 100
"""Reports that are called back at once; a partner that doesn't take them could make them ever more."""

Key = tuple[str, str]
"""Protocol and profile."""


class PartnerConnection:
    """One connection, as those see it who want to speak on it. `own`: opened for one message, nobody else uses it."""

    def __init__(self, lines: PartnerConnectionPool, protocol: str, *, own: bool = False) -> None:
        self._lines = lines
        self._protocol = protocol
        self._own = own
        self._connection: TcpConnection | None = None
        self._profiles: dict[str, object] = {}  # what they said when it was let in
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[Callable[[bytes], bool], asyncio.Future[bytes]]] = []
        self._end: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Done when the connection is at its end: True where it broke."""

    def attach_connection(self, connection: TcpConnection, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        raw = writer.get_extra_info("socket")
        if raw is not None:  # the other end may be gone without a word
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def mark_ended(self, broke: bool = False) -> None:
        if not self._end.done():
            self._end.set_result(broke)
        self.retire()

    @property
    def is_closed(self) -> bool:
        return self._end.done()

    @property
    def is_outdated(self) -> bool:
        return any(self._lines.says(profile) != then for profile, then in self._profiles.items())

    def retire(self) -> None:
        """Retire a connection: nobody finds it any more; what has come is answered, then it is closed."""
        for profile in self._profiles:
            self._lines.remove_connection((self._protocol, profile), self)
        if self._connection is not None:
            self._connection.finish_and_close()

    # --- as the exchange and the connection see it -------------------------------------------------------

    def is_admitted(self, profile: str) -> bool:
        return profile in self._profiles

    @property
    def sole_profile(self) -> str:
        return next(iter(self._profiles)) if len(self._profiles) == 1 else ""

    def admit(self, profile: str) -> None:
        if profile not in self._profiles:
            self._profiles[profile] = self._lines.says(profile)
            if not self._own:
                self._lines.add_connection((self._protocol, profile), self)

    @property
    def is_reply_awaited(self) -> bool:
        return bool(self._waiting)

    def find_waiting_reply(self, message: bytes) -> asyncio.Future[bytes] | None:
        return next((reply for is_it, reply in self._waiting if not reply.done() and is_it(message)), None)

    def call_back(self, place: CallbackAddress, answer: bytes) -> None:
        self._lines.call_back(self._protocol, place, answer)

    # --- speaking ----------------------------------------------------------------------------------------

    async def send(self, saying: OutgoingMessage) -> bytes | None:
        """One after the other, as OCLC wants it (facts/iso-ill-10161.md 10): the next when the answer is there.
        Raises Unavailable, OutcomeUnknown."""
        async with self._turn:
            connection = self._connection
            if connection is None or self.is_closed:
                raise Unavailable(write_sentence("the connection has just been closed"))
            reply = self._expect_reply(saying)
            try:
                await connection.send(saying.message)
                if self._own:
                    connection.end_sending()
                if self._own or reply is not None:
                    return await self._wait_for_reply(saying, reply)
            except ConnectionError as gone:
                raise OutcomeUnknown(
                    write_sentence("the connection was lost: %(report)s", report=gone or type(gone).__name__)
                ) from gone
            finally:
                self._waiting = [waiter for waiter in self._waiting if waiter[1] is not reply]
                if self._own:
                    connection.finish_and_close()
            return None

    def _expect_reply(self, saying: OutgoingMessage) -> asyncio.Future[bytes] | None:
        if saying.is_reply is None:
            return None
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((saying.is_reply, reply))
        return reply

    async def _wait_for_reply(self, saying: OutgoingMessage, reply: asyncio.Future[bytes] | None) -> bytes | None:
        """Wait for the reply, the end of the connection, or the end of our patience."""
        signs = (reply, self._end) if reply is not None else (self._end,)
        await asyncio.wait(signs, timeout=saying.seconds, return_when=asyncio.FIRST_COMPLETED)
        if reply is not None and reply.done():
            return reply.result()
        if self._end.done() and self._end.result():
            raise OutcomeUnknown(write_sentence("the connection was lost before an answer arrived"))
        if not saying.needs_reply:
            return None
        if self._end.done():
            raise OutcomeUnknown(write_sentence("the connection was closed without an answer"))
        self.mark_ended()  # the next try takes another one
        raise OutcomeUnknown(write_sentence("no answer within %(seconds)s s", seconds=saying.seconds))


class PartnerConnectionPool:
    """`manner`: how connections of a protocol and profile are served. `says`: what a profile says now, by its name.
    `folder`: that of gateway.yml."""

    def __init__(
        self, manner: Callable[[str, str], ConnectionRules], says: Callable[[str], object], folder: Path
    ) -> None:
        self._manner = manner
        self.says = says
        self._folder = folder
        self._inside: ConnectionHandlers | None = None
        self._open: dict[Key, list[PartnerConnection]] = defaultdict(list)
        self._dialling: dict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._connections: dict[asyncio.Task[None], TcpConnection] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._too_many = RateLimitedLogger(log)

    def start_serving(self, inside: ConnectionHandlers) -> None:
        """Let connections be opened from now on: what comes in on them goes there."""
        self._inside = inside

    def accept_connection(self, protocol: str) -> PartnerConnection:
        return PartnerConnection(self, protocol)

    def add_connection(self, key: Key, line: PartnerConnection) -> None:
        self._open[key].append(line)

    def remove_connection(self, key: Key, line: PartnerConnection) -> None:
        lines = self._open.get(key, [])
        if line in lines:
            lines.remove(line)
        if not lines:
            self._open.pop(key, None)

    def count_connections(self, protocol: str, profile: str) -> int:
        """Count the connections that are open to a partner."""
        return len(self._open.get((protocol, profile), ()))

    async def reload(self) -> bool:
        """Connections of partners whose profiles have changed come to their end: who is let in, where it is reached
        and how long it may take is found out anew with the next."""
        for line in {line for lines in self._open.values() for line in lines}:
            if line.is_outdated:
                line.retire()
        return True

    async def send(self, saying: OutgoingMessage) -> bytes | None:
        if saying.own:
            return await (await self._open_connection(saying)).send(saying)
        key = saying.protocol, saying.profile
        async with self._dialling[key]:
            line = self._find_newest_connection(key) or await self._open_connection(saying)
        return await line.send(saying)

    def call_back(self, protocol: str, place: CallbackAddress, answer: bytes) -> None:
        """Soon, or not at all: whoever needs it asks again."""
        if len(self._calls) >= MAX_CALLS:
            self._too_many.warning("connection.too_many_callbacks", profile=place.profile, open=len(self._calls))
            return
        saying = OutgoingMessage(
            protocol=protocol,
            profile=place.profile,
            message=answer,
            address=place.address,
            own=True,
            seconds=place.seconds,
            connect_seconds=place.connect_seconds,
            tls=place.tls.resolve_in_folder(self._folder) if place.tls is not None else None,
        )
        task = asyncio.create_task(self._call_back_partner(saying), name=f"call back {place.address}")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def close_connections(self, seconds: float) -> None:
        """Finish what has begun on the connections that we opened, for at most so long."""
        self._inside = None
        for connection in self._connections.values():
            connection.finish_and_close()
        tasks = {*self._connections, *self._calls}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    # --- opening -----------------------------------------------------------------------------------------

    def _find_newest_connection(self, key: Key) -> PartnerConnection | None:
        return next((line for line in reversed(self._open.get(key, [])) if not line.is_closed), None)

    async def _open_connection(self, saying: OutgoingMessage) -> PartnerConnection:
        """Open a connection; raises Unavailable."""
        inside = self._inside
        if inside is None:
            raise Unavailable(write_sentence("the gateway is stopping"))
        reader, writer = await _connect_to_partner(saying)
        if self._inside is None:  # meanwhile
            abort_transport(writer.transport)
            raise Unavailable(write_sentence("the gateway is stopping"))
        line = PartnerConnection(self, saying.protocol, own=saying.own)
        connection = TcpConnection(self._manner(saying.protocol, saying.profile), inside, reader, writer, line)
        line.attach_connection(connection, writer)
        line.admit(saying.profile)
        task = asyncio.create_task(
            self._serve_connection(inside, connection, line, writer), name=f"line to {saying.address}"
        )
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)
        return line

    async def _serve_connection(
        self,
        inside: ConnectionHandlers,
        connection: TcpConnection,
        line: PartnerConnection,
        writer: asyncio.StreamWriter,
    ) -> None:
        broke = True
        try:
            await connection.run()
            broke = False
        except ConnectionError:
            pass  # whoever waits is told by `mark_ended`
        except Exception:
            log.exception("connection.failed")
            inside.count_defect("connection.failed")
        finally:
            line.mark_ended(broke)
            abort_transport(writer.transport)

    async def _call_back_partner(self, saying: OutgoingMessage) -> None:
        try:
            await self.send(saying)
        except (Unavailable, OutcomeUnknown) as failed:
            log.warning("connection.callback_failed", profile=saying.profile, reason=str(failed))


async def _connect_to_partner(saying: OutgoingMessage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a partner; raises Unavailable."""
    if not saying.address:
        raise Unavailable(write_sentence("the partner has no open connection, and its address is not configured"))
    try:
        host, port = parse_host_port(saying.address)
        tls: SSLContext | None = make_client_context(saying.tls) if saying.tls is not None else None
        async with asyncio.timeout(saying.connect_seconds):
            return await asyncio.open_connection(host, port, ssl=tls, limit=CHUNK)
    except TimeoutError as error:
        raise Unavailable(
            write_about(
                saying.address, write_sentence("no connection within %(seconds)s s", seconds=saying.connect_seconds)
            )
        ) from error
    except (OSError, ValueError) as error:
        raise Unavailable(write_about(saying.address, str(error))) from error


def parse_host_port(address: str) -> tuple[str, int]:
    """`host:port`, `[2001:db8::1]:499`. Raises ValueError."""
    host, colon, port = address.strip().rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit()):
        raise ValueError("not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)
