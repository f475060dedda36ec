"""One connection, and the pool of connections. Knows no query.

Whatever goes wrong is `Unavailable`, since asking again does no harm; then the connection is of no further use.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from adapters.ber import MAX_DEPTH, BerLimits, BerSplitter
from adapters.z3950 import codec
from adapters.z3950.dialect import Z3950Dialect, Z3950Seconds, Z3950SignIn, Z3950Tls, split_address
from adapters.z3950.values import Answer, CloseNotice
from gateway.domain.problems import MalformedMessage, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.system_errors import describe_stream_error
from gateway.ports.tls import abort_transport, make_client_context

CHUNK = 65_536


class ConnectionGone(Unavailable):
    """The connection had ended before we asked: on a kept one that is no news about the target."""


@value_object
class Z3950Endpoint:
    """All that a connection depends on: who has the same may share it."""

    host: str
    port: int
    tls: Z3950Tls | None
    sign_in: Z3950SignIn
    charset: str
    max_bytes: int
    connections: int
    seconds: Z3950Seconds

    @classmethod
    def from_dialect(cls, dialect: Z3950Dialect) -> Z3950Endpoint:
        host, port = split_address(dialect.address)
        return cls(
            host,
            port,
            dialect.tls,
            dialect.sign_in,
            dialect.charset,
            dialect.max_bytes,
            dialect.connections,
            dialect.seconds,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Z3950Connection:
    def __init__(self, place: Z3950Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._place = place
        self._reader = reader
        self._writer = writer
        self._frames = BerSplitter(BerLimits(size=place.max_bytes, depth=MAX_DEPTH))
        self.options: frozenset[int] = frozenset()  # what was agreed on in Init, by number
        self.was_kept = False  # between two conversations: it may have ended meanwhile

    @classmethod
    async def open(cls, place: Z3950Endpoint) -> Z3950Connection:
        """Open a session; raises Unavailable."""
        try:
            async with asyncio.timeout(place.seconds.connect):
                tls = make_client_context(place.tls.client_tls()) if place.tls is not None else None
                reader, writer = await asyncio.open_connection(place.host, place.port, ssl=tls, limit=CHUNK)
        except TimeoutError as error:
            raise Unavailable(
                write_about(place, write_sentence("no connection within %(seconds)s s", seconds=place.seconds.connect))
            ) from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that can't be one
            raise Unavailable(
                write_about(place, write_sentence("not reached: %(report)s", report=describe_stream_error(error)))
            ) from error
        return cls(place, reader, writer)

    @property
    def is_unusable(self) -> bool:
        """The other side has closed it, or said something that nobody asked for."""
        return self._reader.at_eof() or self._writer.is_closing() or self._frames.begun > 0

    async def exchange_apdu(self, apdu: bytes) -> Answer:
        """Exchange APDUs; raises Unavailable, ConnectionGone. Neither then, nor when cancelled, may the connection be
        used again."""
        try:
            async with asyncio.timeout(self._place.seconds.answer):
                self._writer.write(apdu)
                await self._writer.drain()
                octets = await self._read_apdu()
            answer = codec.decode_apdu(octets, self._place.charset)
        except TimeoutError as error:
            raise Unavailable(
                write_about(
                    self._place, write_sentence("no answer within %(seconds)s s", seconds=self._place.seconds.answer)
                )
            ) from error
        except ConnectionError as error:
            raise ConnectionGone(
                write_about(
                    self._place,
                    write_sentence("the connection was lost: %(report)s", report=describe_stream_error(error)),
                )
            ) from error
        except OSError as error:
            raise Unavailable(write_about(self._place, describe_stream_error(error))) from error
        except MalformedMessage as malformed:
            raise Unavailable(
                write_about(self._place, write_sentence("the answer is not Z39.50: %(report)s", report=malformed))
            ) from malformed
        if isinstance(answer, CloseNotice):
            reason = f"{answer.reason} ({answer.said})" if answer.said else answer.reason
            raise ConnectionGone(
                write_about(self._place, write_sentence("the server closed the connection: %(report)s", report=reason))
            )
        return answer

    def send_close(self) -> None:
        """Send a Close; nobody waits for the answer to it."""
        if not self._writer.is_closing():
            self._writer.write(codec.close_apdu())
            self._writer.close()

    def abort_connection(self) -> None:
        """Abort at once: in doubt nothing more is said."""
        abort_transport(self._writer.transport)

    async def _read_apdu(self) -> bytes:
        """Read the octets of one APDU. Raises MalformedMessage, Unavailable, OSError."""
        while (message := self._frames.take_message()) is None:
            piece = await self._reader.read(CHUNK)
            if not piece and self._frames.begun:
                raise Unavailable(
                    write_about(self._place, write_sentence("the connection was closed in the middle of an answer"))
                )
            if not piece:
                raise ConnectionGone(
                    write_about(self._place, write_sentence("the connection was closed without an answer"))
                )
            self._frames.add_octets(piece)
        return message


class ConnectionPool:
    """The pool of connections to one place. `make` opens a connection and signs in; it raises Unavailable or
    Refused."""

    def __init__(self, place: Z3950Endpoint, make: Callable[[], Awaitable[Z3950Connection]]) -> None:
        self._place = place
        self._make = make
        self._turns = asyncio.Semaphore(place.connections)
        self._kept: dict[Z3950Connection, asyncio.TimerHandle] = {}
        self._closed = False

    @asynccontextmanager
    async def lease_connection(self, *, fresh: bool = False) -> AsyncIterator[Z3950Connection]:
        """A connection for one conversation. It is kept afterwards if the conversation came to its end: with an answer
        or with the target's no. `fresh`: a new one, and those that were kept are ended: they are hardly any better.

        Raises Unavailable when none is free in time, and what `make` does.
        """
        await self._wait_for_turn()
        try:
            if fresh:
                self._close_all()
            connection = self._reuse_connection() or await self._make()
            try:
                yield connection
            except Refused:
                self._keep_connection(connection)
                raise
            except BaseException:  # a cancelled search too: what is still to come would be taken for the next answer
                connection.abort_connection()
                raise
            self._keep_connection(connection)
        finally:
            self._turns.release()

    def close(self) -> None:
        self._closed = True
        self._close_all()

    async def _wait_for_turn(self) -> None:
        try:
            async with asyncio.timeout(self._place.seconds.answer):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable(
                write_about(
                    self._place, write_sentence("all %(most)s connections are busy", most=self._place.connections)
                )
            ) from None

    def _reuse_connection(self) -> Z3950Connection | None:
        """The one that was used last; those that are over are dropped."""
        while self._kept:
            connection, timer = self._kept.popitem()
            timer.cancel()
            if not connection.is_unusable:
                return connection
            connection.abort_connection()
        return None

    def _keep_connection(self, connection: Z3950Connection) -> None:
        if self._closed or not self._place.seconds.idle or connection.is_unusable:
            connection.send_close()
            return
        connection.was_kept = True
        loop = asyncio.get_running_loop()
        self._kept[connection] = loop.call_later(self._place.seconds.idle, self._close_kept, connection)

    def _close_all(self) -> None:
        for connection in tuple(self._kept):
            self._close_kept(connection)

    def _close_kept(self, connection: Z3950Connection) -> None:
        timer = self._kept.pop(connection, None)
        if timer is not None:
            timer.cancel()
            connection.send_close()
