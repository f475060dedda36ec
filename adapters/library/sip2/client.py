"""Conversations with a SIP2 server: signed in, with what the server says that it can do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import IntEnum
from pathlib import Path

from adapters.library.circuit_breaker import CircuitBreaker
from adapters.library.rest_authorisation import resolve_secret
from adapters.library.sip2.codec import END, Query, Sip2Reply, UnsendableValueError
from adapters.library.sip2.messages import QueryWriter
from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.transport import Sip2Endpoint, TerminalConnection, TerminalPool
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object


class ServerAbility(IntEnum):
    """Place of each message among the flags of field BX."""

    PATRON_STATUS = 0
    CHECK_OUT = 1
    CHECK_IN = 2
    BLOCK_PATRON = 3
    STATUS = 4
    RESEND = 5
    LOGIN = 6
    PATRON_INFORMATION = 7
    END_SESSION = 8
    FEE_PAID = 9
    ITEM_INFORMATION = 10
    ITEM_STATUS_UPDATE = 11
    PATRON_ENABLE = 12
    HOLD = 13
    RENEW = 14
    RENEW_ALL = 15


@value_object
class ServerStatus:
    """The status of the server (98). `abilities` None: it has no field BX, so it may do everything.

    That check-in, check-out or renewal is off is a hint: some servers say so and carry them out all the same.
    """

    is_online: bool
    check_in_ok: bool
    check_out_ok: bool
    renewal_ok: bool
    retries: int | None
    institution: str
    library: str
    version: str
    abilities: frozenset[ServerAbility] | None

    def can_do(self, ability: ServerAbility) -> bool:
        return self.abilities is None or ability in self.abilities

    @property
    def named_off(self) -> tuple[str, ...]:
        """The services that the server says are off, and that may work all the same."""
        flags = {"check-in": self.check_in_ok, "check-out": self.check_out_ok, "renewal": self.renewal_ok}
        return tuple(name for name, is_ok in flags.items() if not is_ok)


def read_status(reply: Sip2Reply) -> ServerStatus:
    """Numbers may be padded with blanks; 999 retries: without limit."""
    flags = reply.first("BX")
    retries = reply.fixed["retries"].strip()
    return ServerStatus(
        is_online=reply.fixed["online"] == "Y",
        check_in_ok=reply.fixed["check_in_ok"] == "Y",
        check_out_ok=reply.fixed["check_out_ok"] == "Y",
        renewal_ok=reply.fixed["renewal_ok"] == "Y",
        retries=int(retries) if retries.isascii() and retries.isdigit() else None,
        institution=reply.first("AO"),
        library=reply.first("AM"),
        version=reply.fixed["version"],
        abilities=frozenset(ability for ability in ServerAbility if flags[ability : ability + 1] == "Y")
        if flags
        else None,
    )


def make_endpoint(options: Sip2Options, folder: Path) -> Sip2Endpoint:
    """`folder`: where relative paths begin."""
    return Sip2Endpoint(
        host=options.host,
        port=options.port,
        tls=options.make_tls(folder),
        charset=options.charset,
        message_end=END if options.message_end == "cr" else b"\r\n",
        error_detection=options.error_detection,
        resends=options.resends,
        max_bytes=options.max_bytes,
        connect_seconds=options.seconds.connect,
        idle_seconds=options.seconds.idle if options.sessions == "kept" else 0,
    )


class Sip2Client:
    """`status` is None until the server was reached for the first time."""

    def __init__(self, options: Sip2Options, folder: Path, secrets: Callable[[str], str], writer: QueryWriter) -> None:
        self._options = options
        self._secrets = secrets
        self._writer = writer
        self._place = make_endpoint(options, folder)
        self._pool = TerminalPool(self._place, options.connections, self._open_signed_in)
        self._breaker = CircuitBreaker(str(self._place), options.breaker)
        self.status: ServerStatus | None = None

    @asynccontextmanager
    async def open_conversation(self) -> AsyncIterator[Sip2Conversation]:
        """Open a conversation on one terminal, for the time of one piece of work. Raises Unavailable, at once where the
        server has not answered for some time."""
        self._breaker.admit_call()
        try:
            async with self._open_on_terminal() as conversation:
                yield conversation
        except (Unavailable, OutcomeUnknown):
            self._breaker.record_failure()
            raise
        except Refused:
            self._breaker.record_answer()
            raise
        self._breaker.record_answer()

    @asynccontextmanager
    async def _open_on_terminal(self) -> AsyncIterator[Sip2Conversation]:
        options = self._options
        async with self._pool.lease_turn(options.seconds.change):
            conversation = Sip2Conversation(self._pool, options)
            try:
                if self.status is None and options.sessions == "one-message":
                    self.status = _require_online(
                        read_status(await conversation.ask(self._writer.status())), self._place
                    )
                yield conversation
            finally:
                conversation.end()

    async def _open_signed_in(self) -> TerminalConnection:
        connection = await TerminalConnection.open(self._place)
        if self._options.sessions == "one-message":
            return connection
        is_ready = False
        try:
            await self._sign_in(connection)
            is_ready = True
        except OutcomeUnknown as unknown:
            raise Unavailable(write_sentence("sign-in failed: %(report)s", report=unknown.detail)) from unknown
        except UnsendableValueError as error:
            raise Unavailable(write_sentence("sign-in failed: %(report)s", report=error)) from error
        finally:
            if not is_ready:
                connection.abort_connection()
        connection.has_answered = False  # so far only to its sign-in
        return connection

    async def _sign_in(self, connection: TerminalConnection) -> None:
        login, seconds = self._options.login, self._options.seconds.look_up
        if login.user:
            password = resolve_secret(self._secrets, login.password)
            reply = await connection.exchange(self._writer.login(login.user, password, login.location), seconds)
            if reply.fixed["ok"] != "1":
                raise Unavailable(
                    write_about(
                        self._place,
                        write_sentence("the server rejected the login of terminal '%(user)s'", user=login.user),
                    )
                )
        self.status = _require_online(
            read_status(await connection.exchange(self._writer.status(), seconds)), self._place
        )
        if self.status.retries is not None:
            connection.resends = min(self._options.resends, self.status.retries)

    def end_connections(self) -> None:
        self._pool.end_all()

    def end_idle_connections(self) -> None:
        self._pool.end_kept()


def _require_online(status: ServerStatus, place: Sip2Endpoint) -> ServerStatus:
    if not status.is_online:
        raise Unavailable(write_about(place, write_sentence("the server reports that the library system is offline")))
    return status


class Sip2Conversation:
    """Messages on one terminal. Begin with a question: after its answer the connection is known to be alive, so that a
    change goes to a server that is there."""

    def __init__(self, pool: TerminalPool, options: Sip2Options) -> None:
        self._pool = pool
        self._options = options
        self._connection: TerminalConnection | None = None

    async def ask(self, query: Query) -> Sip2Reply:
        """Ask twice at most: once more where the connection was kept, and so may have ended before, or where the server
        has closed it after a good answer.

        Raises Unavailable, UnsendableValueError.
        """
        seconds = self._options.seconds.look_up
        connection = await self._take_connection()
        try:
            return await connection.exchange(query, seconds)
        except (Unavailable, OutcomeUnknown) as failure:
            self.end()
            if not (connection.was_kept or (connection.has_answered and connection.is_ended_by_server)):
                raise Unavailable(failure.detail) from failure
        try:
            return await (await self._take_connection(fresh=True)).exchange(query, seconds)
        except OutcomeUnknown as failure:
            raise Unavailable(failure.detail) from failure

    async def change(self, query: Query) -> Sip2Reply:
        """Send a change once, and on a new connection where the server has closed the one that answered the questions:
        of those that were kept nobody knows whether they are alive.

        Raises Unavailable (nothing was sent), OutcomeUnknown, UnsendableValueError.
        """
        is_closed = self._connection is not None and not self._connection.is_usable
        connection = await self._take_connection(fresh=is_closed)
        return await connection.exchange(query, self._options.seconds.change)

    def end(self) -> None:
        if self._connection is not None:
            self._pool.return_connection(self._connection)
            self._connection = None

    async def _take_connection(self, *, fresh: bool = False) -> TerminalConnection:
        if self._connection is not None and (self._options.sessions == "one-message" or not self._connection.is_usable):
            self.end()
        if self._connection is None:
            self._connection = await self._pool.take_connection(fresh=fresh)
        return self._connection
