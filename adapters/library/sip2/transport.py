"""Connections to a SIP2 server: one terminal each, and the pool of them. Knows no library words.

A question may be asked again; a change may not, since servers carry out a repeat instead of answering it from memory
(facts/ils-backends.md section 5). So what was sent and got no whole answer is `OutcomeUnknown`, and that connection is
of no further use: the lost answer would be taken for the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from adapters.library.sip2.codec import END, Query, ReplyCode, Sip2Reply, add_checksum, decode_reply, encode_query
from gateway.domain.problems import MalformedMessage, OutcomeUnknown, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.system_errors import describe_stream_error
from gateway.ports.tls import ClientTls, abort_transport, make_client_context

LINE_ENDS = b"\r\n"


@value_object
class Sip2Endpoint:
    """All that a connection depends on. Times in seconds."""

    host: str
    port: int
    tls: ClientTls | None
    charset: str
    message_end: bytes
    error_detection: bool
    resends: int
    max_bytes: int
    connect_seconds: float
    idle_seconds: float

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class TerminalConnection:
    """One connection, on which one message is in hand at a time. `was_kept`: it has rested between two conversations
    and may have ended meanwhile. `has_answered`: to a message of this conversation. `is_ended_by_server`: instead of an
    answer."""

    def __init__(self, place: Sip2Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._place = place
        self._reader = reader
        self._writer = writer
        self._sequence = 9
        self._is_broken = False
        self.resends = place.resends
        self.was_kept = False
        self.has_answered = False
        self.is_ended_by_server = False

    @classmethod
    async def open(cls, place: Sip2Endpoint) -> TerminalConnection:
        """Open a session; raises Unavailable."""
        try:
            async with asyncio.timeout(place.connect_seconds):
                tls = make_client_context(place.tls) if place.tls is not None else None
                reader, writer = await asyncio.open_connection(place.host, place.port, ssl=tls, limit=place.max_bytes)
        except TimeoutError as error:
            raise Unavailable(
                write_about(place, write_sentence("no connection within %(seconds)s s", seconds=place.connect_seconds))
            ) from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that can't be one
            raise Unavailable(
                write_about(place, write_sentence("not reached: %(report)s", report=describe_stream_error(error)))
            ) from error
        return cls(place, reader, writer)

    @property
    def is_usable(self) -> bool:
        return not (self._is_broken or self._reader.at_eof() or self._writer.is_closing())

    async def exchange(self, query: Query, seconds: float) -> Sip2Reply:
        """The answer to this message. A message that the server asks for again (96) is sent again, and an answer that
        came damaged is asked for again (97): neither has anything done twice.

        Raises UnsendableValueError and Unavailable (nothing was sent), OutcomeUnknown (no whole answer came).
        """
        place = self._place
        if not self.is_usable:
            raise Unavailable(write_about(place, write_sentence("the connection was closed")))
        sequence = (self._sequence + 1) % 10
        message = encode_query(query, place.charset, sequence if place.error_detection else None)
        self._sequence = sequence
        is_answered = False
        try:
            async with asyncio.timeout(seconds):
                reply = await self._send_until_answered(query, message)
            is_answered = self.has_answered = True
            self.was_kept = False  # it is alive
        except TimeoutError as error:
            raise OutcomeUnknown(
                write_about(
                    place,
                    write_sentence(
                        "no answer to message %(code)s within %(seconds)s s", code=query.code, seconds=seconds
                    ),
                )
            ) from error
        except OSError as error:
            self.is_ended_by_server = True
            raise OutcomeUnknown(
                write_about(
                    place, write_sentence("the connection was lost: %(report)s", report=describe_stream_error(error))
                )
            ) from error
        finally:
            if not is_answered:  # cancelled, too
                self.abort_connection()
        return reply

    async def _send_until_answered(self, query: Query, message: bytes) -> Sip2Reply:
        sent, expected = message, f"{self._sequence}" if self._place.error_detection else ""
        place, problem = self._place, ""
        for _ in range(self.resends + 1):
            self._writer.write(sent + self._place.message_end)  # one write: some servers can't read halves
            await self._writer.drain()
            received = await self._read_message()
            try:
                reply = decode_reply(received, self._place.charset, is_checked=self._place.error_detection)
            except MalformedMessage as malformed:
                problem = write_about(place, write_sentence("the answer is not SIP2: %(report)s", report=malformed))
                if not self._place.error_detection:
                    break
                sent = add_checksum(b"97AZ")
                continue
            if reply.code is ReplyCode.SEND_AGAIN:
                problem = write_about(place, write_sentence("the server keeps asking for the same message"))
                sent = message
                continue
            if reply.code is not query.reply or reply.sequence != expected:
                report = write_sentence(
                    "the server answered %(code)s with %(answer)s, or answered a different message",
                    code=query.code,
                    answer=reply.code,
                )
                problem = write_about(place, report)
                break
            return reply
        raise OutcomeUnknown(problem)

    async def _read_message(self) -> bytes:
        """Read a message without its end and without the line feed that some servers put after the end before."""
        while True:
            try:
                received = await self._reader.readuntil(END)
            except asyncio.IncompleteReadError as error:
                self.is_ended_by_server = True
                raise OutcomeUnknown(
                    write_about(
                        self._place,
                        write_sentence("the connection was closed in the middle of an answer")
                        if error.partial.strip(LINE_ENDS)
                        else write_sentence("the connection was closed without an answer"),
                    )
                ) from error
            except asyncio.LimitOverrunError as error:
                raise OutcomeUnknown(
                    write_about(
                        self._place,
                        write_sentence(
                            "the answer is larger than %(most)s bytes", most=format(self._place.max_bytes, ",")
                        ),
                    )
                ) from error
            if message := received.strip(LINE_ENDS):
                return message

    def end_connection(self) -> None:
        if not self._writer.is_closing():
            self._writer.close()

    def abort_connection(self) -> None:
        self._is_broken = True
        abort_transport(self._writer.transport)


class TerminalPool:
    """The connections to one server. `make` opens one and signs in; it raises Unavailable."""

    def __init__(
        self, place: Sip2Endpoint, connections: int, make: Callable[[], Awaitable[TerminalConnection]]
    ) -> None:
        self._place = place
        self._make = make
        self._connections = connections
        self._turns = asyncio.Semaphore(connections)
        self._kept: dict[TerminalConnection, asyncio.TimerHandle] = {}
        self._is_closed = False

    @asynccontextmanager
    async def lease_turn(self, seconds: float) -> AsyncIterator[None]:
        """The right to use one connection. Raises Unavailable when no one's is over within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable(
                write_about(self._place, write_sentence("all %(most)s terminals are busy", most=self._connections))
            ) from None
        try:
            yield
        finally:
            self._turns.release()

    async def take_connection(self, *, fresh: bool) -> TerminalConnection:
        """The one that was used last, or a new one. `fresh`: a new one in any case, and those that were kept are ended:
        they are hardly any better. Raises Unavailable."""
        if fresh:
            self.end_kept()
        while self._kept:
            connection, timer = self._kept.popitem()
            timer.cancel()
            if connection.is_usable:
                return connection
            connection.end_connection()
        return await self._make()

    def return_connection(self, connection: TerminalConnection) -> None:
        if self._is_closed or not self._place.idle_seconds or not connection.is_usable:
            connection.end_connection()
            return
        connection.was_kept, connection.has_answered = True, False
        loop = asyncio.get_running_loop()
        self._kept[connection] = loop.call_later(self._place.idle_seconds, self._end_kept_connection, connection)

    def end_all(self) -> None:
        self._is_closed = True
        self.end_kept()

    def end_kept(self) -> None:
        for connection in tuple(self._kept):
            self._end_kept_connection(connection)

    def _end_kept_connection(self, connection: TerminalConnection) -> None:
        timer = self._kept.pop(connection, None)
        if timer is not None:
            timer.cancel()
            connection.end_connection()
