"""Sending a document and waiting for the answer: HTTP(S) POST and raw TCP. Knows bytes, no messages.

What went wrong is told apart by what it means for the sender (gateway.domain.problems): `Unavailable` as long as
nothing was sent (name not found, connection refused, TLS not agreed), `OutcomeUnknown` from the first byte on.
Redirects are not followed: a POST would become a GET, and credentials would go elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import field
from typing import Protocol
from urllib.parse import quote

from yarl import URL

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.wire_dialect import BodyEncoding, HttpAuthKind, HttpDialect, TcpDialect
from adapters.ncip.xml_parser import FORM_TYPE, MAX_END_BYTES, find_document_end, wrap_body
from gateway.domain.problems import (
    MalformationKind,
    MalformedMessage,
    OutcomeUnknown,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.message_transport import HttpPlace, Place, SendTimeouts, TcpPlace, TransportReply
from gateway.ports.outgoing_http import (
    HttpClient,
    HttpFailure,
    HttpLimits,
    HttpOptions,
    HttpRequest,
    describe_connection_error,
    make_basic_header,
    make_sending_problem,
)
from gateway.ports.tls import require_client_context

MAX_ANSWER = 20_000_000

NO_CONTENT_TYPE = "none"
"""Bytes of the longest answer that is read."""

CHUNK = 65_536
TOKEN_SPARE = 30.0
"""Seconds before its end at which an OAuth2 token is no longer used."""

NEWLINE = b"&#10;"

LEAVE_SECONDS = 1.0


class NcipTransport(Protocol):
    async def exchange(self, document: bytes) -> TransportReply:
        """Send and wait. Raises Unavailable, OutcomeUnknown, Refused(SENDER_AUTH_FAILED), MalformedMessage when the
        answer is too long."""
        ...

    async def close(self) -> None: ...


@value_object
class HttpCredentials:
    """The credentials by which we show who we are; `secret` is the text itself, already resolved (see HttpAuth for the
    rest)."""

    kind: HttpAuthKind = HttpAuthKind.NONE
    user: str = ""
    secret: str = field(default="", repr=False)
    parameter: str = "apikey"
    token_url: str = ""
    scope: str = ""


def open_transport(
    place: Place, dialect: NcipDialect, credentials: HttpCredentials, content_type: str = ""
) -> NcipTransport:
    """`content_type`: what messages call themselves by HTTP, `none`: nothing; empty: as the dialect says. Raises
    Unavailable when a certificate file can't be used."""
    if isinstance(place, HttpPlace):
        return HttpTransport(place, dialect.http, credentials, content_type)
    return TcpTransport(place, dialect.tcp)


# --- HTTP ------------------------------------------------------------------------------------------------


class HttpTransport:
    """One connection for each message: a kept one might be closed by the other side just when it is used, and then
    nobody could say whether the message arrived."""

    def __init__(
        self,
        place: HttpPlace,
        http: HttpDialect,
        credentials: HttpCredentials,
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers`: besides these, of each message, such as a token that shows who we are."""
        is_encoded = http.body_encoding in (BodyEncoding.URL_ENCODED, BodyEncoding.FORM)
        self._content_type = content_type or (FORM_TYPE if is_encoded else http.content_type)
        self._url = _parse_url(place.url)
        self._http = http
        self._credentials = credentials
        self._headers = {**place.headers, **(headers or {})}
        self._timeouts = place.timeouts
        self._client = HttpClient(HttpOptions(tls=place.tls))
        self._token = ""
        self._token_until = 0.0

    async def exchange(self, document: bytes) -> TransportReply:
        fresh = await self._renew_token() if self._credentials.kind is HttpAuthKind.OAUTH2 else True
        reply = await self._post_document(document)
        if reply.status == 401 and not fresh:  # the token was withdrawn before its time; nothing was done
            self._token = ""
            await self._renew_token()
            reply = await self._post_document(document)
        return reply

    async def close(self) -> None:
        await self._client.close()

    async def _post_document(self, document: bytes) -> TransportReply:
        url, headers = self._build_address()
        headers |= self._headers
        if self._content_type != NO_CONTENT_TYPE:
            headers["Content-Type"] = self._content_type
        return await self._send_request(url, wrap_body(document, self._http), headers)

    def _build_address(self) -> tuple[URL, dict[str, str]]:
        """URL and headers with the credentials in them."""
        who = self._credentials
        match who.kind:
            case HttpAuthKind.BASIC:
                return self._url, make_basic_header(who.user, who.secret)
            case HttpAuthKind.BEARER:
                return self._url, {"Authorization": f"Bearer {who.secret}"}
            case HttpAuthKind.OAUTH2:
                return self._url, {"Authorization": f"Bearer {self._token}"}
            case HttpAuthKind.PATH_KEY:
                path = f"{self._url.raw_path.rstrip('/')}/{quote(who.secret, safe='')}"
                return self._url.with_path(path, encoded=True, keep_query=True), {}
            case HttpAuthKind.QUERY_KEY:
                return self._url.update_query({who.parameter: who.secret}), {}
            case HttpAuthKind.NONE:
                return self._url, {}

    async def _send_request(self, url: URL, body: bytes, headers: Mapping[str, str]) -> TransportReply:
        started = time.perf_counter()
        timeouts = self._timeouts
        limits = HttpLimits(timeouts.connect, timeouts.total, MAX_ANSWER, read_seconds=timeouts.read)
        try:
            reply = await self._client.exchange(HttpRequest("POST", url, body, headers), limits)
        except HttpFailure as failure:
            raise failure.make_problem() from failure
        if reply.is_cut:
            raise MalformedMessage("answer", f"longer than {MAX_ANSWER} bytes", MalformationKind.TOO_LARGE)
        seconds = time.perf_counter() - started
        return TransportReply(reply.body, reply.headers.get("Content-Type", ""), reply.status, seconds)

    # --- OAuth2 client credentials (RFC 6749 section 4.4) ------------------------------------------------

    async def _renew_token(self) -> bool:
        """True: the token is new. Raises Unavailable, Refused(SENDER_AUTH_FAILED)."""
        if self._token and time.monotonic() < self._token_until:
            return False
        who = self._credentials
        form = {"grant_type": "client_credentials", **({"scope": who.scope} if who.scope else {})}
        headers = {**make_basic_header(who.user, who.secret), "Accept": "application/json"}
        limits = HttpLimits(self._timeouts.connect, self._timeouts.total, MAX_ANSWER, read_seconds=self._timeouts.read)
        try:
            reply = await self._client.exchange(HttpRequest("POST", URL(who.token_url), form, headers), limits)
            if reply.status in (400, 401, 403):
                detail = f"We got no token for the other system (HTTP {reply.status})."
                raise Refused(RefusalReason.SENDER_AUTH_FAILED, detail)
            if reply.status != 200:
                raise Unavailable(
                    write_sentence("no token for the other system (HTTP %(status)s)", status=reply.status)
                )
            answer = json.loads(reply.body)
        except HttpFailure as failure:
            raise Unavailable(
                write_sentence("no token for the other system: %(report)s", report=failure.report)
            ) from failure
        except ValueError as error:
            raise Unavailable(write_sentence("no token for the other system: the answer is not JSON")) from error
        self._store_token(answer)
        return True

    def _store_token(self, answer: object) -> None:
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise Unavailable(write_sentence("no token for the other system: the answer has no access_token"))
        lives = answer.get("expires_in") if isinstance(answer, dict) else None
        self._token = token
        self._token_until = time.monotonic() + (float(lives) if isinstance(lives, int | float) else 0) - TOKEN_SPARE


def _parse_url(text: str) -> URL:
    """Parse a URL; raises Unavailable."""
    try:
        url = URL(text)
    except ValueError as error:
        raise Unavailable(write_sentence("not a valid URL: %(text)s (%(report)s)", text=text, report=error)) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise Unavailable(write_sentence("not an http or https URL: %(text)s", text=text))
    return url


# --- TCP -------------------------------------------------------------------------------------------------


class TcpTransport:
    """One connection for each message; the answer ends with its closing tag or with the connection."""

    def __init__(self, place: TcpPlace, tcp: TcpDialect) -> None:
        self._place = place
        self._tcp = tcp
        self._tls = require_client_context(place.tls) if place.tls is not None else None

    async def exchange(self, document: bytes) -> TransportReply:
        started = time.perf_counter()
        timeouts = self._place.timeouts
        reader, writer = await self._open_connection()
        try:
            async with asyncio.timeout(timeouts.total):
                writer.write(self._frame_document(document))
                await writer.drain()
                if self._tcp.end == "close":
                    writer.write_eof()
                raw = await _read_tcp_answer(reader, timeouts)
        except OSError as error:  # time-outs and TLS errors are OSErrors
            raise make_sending_problem(describe_connection_error(error), is_sent=True) from error
        finally:
            await _close_writer(writer)
        return TransportReply(raw, seconds=time.perf_counter() - started)

    async def close(self) -> None:
        """Close nothing: nothing stays open between messages."""

    async def _open_connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        place = self._place
        if self._tls is not None and self._tcp.end == "close":
            raise Unavailable(
                write_sentence(
                    "a message that is ended by closing the connection cannot be sent over TLS (tcp.end: close)"
                )
            )
        try:
            async with asyncio.timeout(place.timeouts.connect):
                return await asyncio.open_connection(place.host, place.port, ssl=self._tls, limit=CHUNK)
        except OSError as error:
            raise make_sending_problem(describe_connection_error(error), is_sent=False) from error

    def _frame_document(self, document: bytes) -> bytes:
        """Frame a document; for a partner that reads lines it is one: a line end in a text becomes a reference."""
        if self._tcp.end != "newline":
            return document
        return document.replace(b"\r", b"").replace(b"\n", NEWLINE) + b"\n"


async def _close_writer(writer: asyncio.StreamWriter) -> None:
    """Close a connection; how the other side takes leave doesn't matter any more, so it gets a moment, and errors are
    not told."""
    writer.close()
    with contextlib.suppress(OSError):
        async with asyncio.timeout(LEAVE_SECONDS):
            await writer.wait_closed()


async def _read_tcp_answer(reader: asyncio.StreamReader, timeouts: SendTimeouts) -> bytes:
    """Read an answer; raises OutcomeUnknown when the connection ends before the answer does, MalformedMessage when it
    is too long."""
    raw = bytearray()
    while True:
        async with asyncio.timeout(timeouts.read):
            piece = await reader.read(CHUNK)
        if not piece:
            if raw and not raw.lstrip().startswith(b"<"):
                return bytes(raw)  # words that are no document: for the reader of answers to judge
            raise OutcomeUnknown(
                write_sentence(
                    "the connection was closed after %(count)s bytes, before the end of the answer", count=len(raw)
                )
            )
        begun = len(raw)
        raw += piece
        end = find_document_end(raw, begun - MAX_END_BYTES)
        if end is not None:
            return bytes(raw[:end])
        if len(raw) > MAX_ANSWER:
            raise MalformedMessage("answer", f"longer than {MAX_ANSWER} bytes", MalformationKind.TOO_LARGE)
