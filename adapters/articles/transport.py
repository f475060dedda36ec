"""Questions to one service by HTTP, no faster than it allows. Knows bytes, no articles.

Whatever goes wrong is `Unavailable`, since asking again does no harm, but for a service that doesn't accept who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from gateway.domain.clock import Clock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import sentence_of_system, write_sentence
from gateway.domain.value import value_object

CHUNK_BYTES = 65_536
MAX_ANSWER_BYTES = 4_000_000
MAX_REDIRECTS = 3
"""Crossref leads from an alias of a DOI to the one that counts."""

MAX_PAUSE_SECONDS = 3600.0
DEFAULT_PAUSE_SECONDS = 30.0
"""After "too many requests" without a Retry-After."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_FOUND = frozenset({404, 410})
_NOT_ACCEPTED = frozenset({401, 403, 422})
_TOO_MANY = frozenset({429, 503})


@value_object(kw_only=True)
class ServiceLimits:
    """What a service asks of whoever uses it: questions begun in a second, and questions at once."""

    per_second: float
    at_once: int


@value_object(kw_only=True)
class ServiceEndpoint:
    """Where and how. `agent`: what we call ourselves, with the address to write to; `headers` may hold a key."""

    url: str
    agent: str
    seconds: float
    limits: ServiceLimits
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class ServiceHttp:
    """Keeps connections; `close_connections` ends them."""

    def __init__(self, place: ServiceEndpoint, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._base = URL(place.url)
        self._slots = asyncio.Semaphore(place.limits.at_once)
        self._next_start = float("-inf")
        self._silent_until = float("-inf")
        self._session: aiohttp.ClientSession | None = None

    async def fetch_json(self, path: tuple[str, ...], parameters: Mapping[str, str]) -> bytes | None:
        """`path`: what stands behind the service's URL, unescaped. None: there is nothing there.

        Raises Unavailable, Refused(SENDER_AUTH_FAILED). Errors name the service, never parameters or keys.
        """
        try:
            async with asyncio.timeout(self._place.seconds):
                await self._wait_for_turn()
                async with self._slots:
                    return await self._follow_redirects(self._make_url(path).with_query(dict(parameters)))
        except TimeoutError as error:
            raise Unavailable(
                write_sentence(
                    "%(place)s: no complete answer within %(seconds)s s",
                    place=self._home,
                    seconds=self._place.seconds,
                )
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(
                write_sentence("%(place)s: %(report)s", place=self._home, report=_describe_error(error))
            ) from error

    async def close_connections(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    @property
    def _home(self) -> URL:
        return self._base.origin()

    def _make_url(self, path: tuple[str, ...]) -> URL:
        """A DOI may hold any character; its slashes stay, as the services have them in their examples."""
        escaped = "/".join(_escape_segment(segment) for one in path for segment in one.split("/"))
        return URL(f"{str(self._base).rstrip('/')}/{escaped}", encoded=True)

    async def _wait_for_turn(self) -> None:
        """Raises Unavailable where the turn would come too late."""
        now = asyncio.get_running_loop().time()
        if self._silent_until > now:
            left = self._silent_until - now
            raise Unavailable(
                write_sentence(
                    "%(place)s: too many requests; next attempt in %(seconds)s s",
                    place=self._home,
                    seconds=round(left),
                )
            )
        start = max(now, self._next_start)
        if start - now > self._place.seconds:
            raise Unavailable(write_sentence("%(place)s: too many requests are already waiting", place=self._home))
        self._next_start = start + 1 / self._place.limits.per_second
        await asyncio.sleep(start - now)

    async def _follow_redirects(self, url: URL) -> bytes | None:
        for _ in range(MAX_REDIRECTS + 1):
            status, body, headers = await self._request_once(url)
            location = headers.get("Location", "")
            if status not in _REDIRECTS or not location:
                return self._check_answer(status, body, headers)
            url = self._redirect_target(url, location)
        raise Unavailable(
            write_sentence("%(place)s: more than %(most)s redirects", place=self._home, most=MAX_REDIRECTS)
        )

    def _redirect_target(self, url: URL, location: str) -> URL:
        """Only on the same host: what we say of ourselves goes nowhere else."""
        try:
            target = url.join(URL(location))
        except ValueError as error:
            raise Unavailable(write_sentence("%(place)s: redirect without a valid URL", place=self._home)) from error
        if target.origin() != self._home:
            raise Unavailable(
                write_sentence("%(place)s: a redirect to another host was not followed", place=self._home)
            )
        return target.update_query(dict(url.query)) if not target.query else target

    async def _request_once(self, url: URL) -> tuple[int, bytes, Mapping[str, str]]:
        async with self._get_session().get(url, allow_redirects=False) as response:
            body = bytearray()
            async for piece in response.content.iter_chunked(CHUNK_BYTES):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise Unavailable(
                        write_sentence(
                            "%(place)s: the answer is larger than %(most)s bytes",
                            place=self._home,
                            most=format(MAX_ANSWER_BYTES, ","),
                        )
                    )
            return response.status, bytes(body), response.headers.copy()

    def _check_answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> bytes | None:
        if status in _TOO_MANY:
            self._fall_silent(headers.get("Retry-After", ""), named=status == 429)
        if status in _NOT_FOUND:
            return None
        if status in _NOT_ACCEPTED:
            raise Refused(
                RefusalReason.SENDER_AUTH_FAILED,
                write_sentence(
                    "%(place)s: the service rejected our address or key (HTTP %(status)s).",
                    place=self._home,
                    status=status,
                ),
            )
        if status != 200:
            raise Unavailable(write_sentence("%(place)s: HTTP %(status)s", place=self._home, status=status))
        if "json" not in headers.get("Content-Type", "").lower() and not body.lstrip().startswith(b"{"):
            raise Unavailable(write_sentence("%(place)s: the answer is not JSON", place=self._home))
        return body

    def _fall_silent(self, retry_after: str, *, named: bool) -> None:
        """`named`: too many questions is what the service complains of, whether it says how long or not."""
        pause = _parse_retry_after(retry_after, self._clock.now())
        if pause is None and not named:
            return
        pause = min(DEFAULT_PAUSE_SECONDS if pause is None else pause, MAX_PAUSE_SECONDS)
        self._silent_until = asyncio.get_running_loop().time() + pause

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._place.limits.at_once),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._place.agent, "Accept": "application/json", **self._place.headers},
            )
        return self._session


def _escape_segment(text: str) -> str:
    escaped = "".join(
        char if char.isascii() and (char.isalnum() or char in "-_~.") else _escape_char(char) for char in text
    )
    return escaped.replace(".", "%2E") if text in (".", "..") else escaped  # else it would lead to another path


def _escape_char(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def _parse_retry_after(text: str, now: datetime) -> float | None:
    """Seconds, or a date (RFC 9110 10.2.3). None: neither."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip())
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _describe_error(error: Exception) -> str:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return write_sentence("the connection was closed")
    if isinstance(error, aiohttp.ClientConnectorError):
        return write_sentence("not reached: %(report)s", report=sentence_of_system(error.os_error))
    return sentence_of_system(error)
