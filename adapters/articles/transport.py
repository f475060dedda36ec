"""Questions to one service by HTTP, no faster than it allows. Knows bytes, no articles.

Whatever goes wrong is `Unavailable`, since asking again does no harm, but for a service that doesn't accept who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import field

from yarl import URL

from gateway.domain.clock import Clock
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import compose_sentence, write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import (
    HttpClient,
    HttpFailure,
    HttpLimits,
    HttpOptions,
    HttpReply,
    HttpRequest,
    describe_large_reply,
    parse_retry_after,
)

KEEP_SECONDS = 15.0
MAX_ANSWER_BYTES = 4_000_000
MAX_REDIRECTS = 3
"""Crossref leads from an alias of a DOI to the one that counts."""

MAX_PAUSE_SECONDS = 3600.0
DEFAULT_PAUSE_SECONDS = 30.0
"""After "too many requests" without a Retry-After."""

_NOT_FOUND = frozenset({404, 410})
_NOT_ACCEPTED = frozenset({401, 403, 422})
_TOO_MANY = frozenset({429, 503})


@value_object(kw_only=True)
class ServiceLimits:
    """The limits that a service sets its users: questions begun in a second, and questions at once."""

    per_second: float
    at_once: int


@value_object(kw_only=True)
class ServiceEndpoint:
    """The address of a service, and the ways of asking it. `agent`: what we call ourselves, with the address to write
    to; `headers` may hold a key."""

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
        self._client = HttpClient(
            HttpOptions(
                keep_seconds=KEEP_SECONDS,
                connections=place.limits.at_once,
                headers={"User-Agent": place.agent, "Accept": "application/json", **place.headers},
            )
        )

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
                write_about(
                    self._home, write_sentence("no complete answer within %(seconds)s s", seconds=self._place.seconds)
                )
            ) from error
        except HttpFailure as failure:
            raise Unavailable(failure.describe_place(self._home)) from failure

    async def close_connections(self) -> None:
        await self._client.close()

    @property
    def _home(self) -> URL:
        return self._base.origin()

    def _make_url(self, path: tuple[str, ...]) -> URL:
        """A DOI may hold any character; its slashes stay, as the services have them in their examples."""
        escaped = "/".join(_escape_segment(segment) for part in path for segment in part.split("/"))
        return URL(f"{str(self._base).rstrip('/')}/{escaped}", encoded=True)

    async def _wait_for_turn(self) -> None:
        """Wait for our turn; raises Unavailable where it would come too late."""
        now = asyncio.get_running_loop().time()
        if self._silent_until > now:
            left = self._silent_until - now
            raise Unavailable(
                write_about(
                    self._home, write_sentence("too many requests; next attempt in %(seconds)s s", seconds=round(left))
                )
            )
        start = max(now, self._next_start)
        if start - now > self._place.seconds:
            raise Unavailable(write_about(self._home, write_sentence("too many requests are already waiting")))
        self._next_start = start + 1 / self._place.limits.per_second
        await asyncio.sleep(start - now)

    async def _follow_redirects(self, url: URL) -> bytes | None:
        limits = HttpLimits(None, self._place.seconds, MAX_ANSWER_BYTES)
        for _ in range(MAX_REDIRECTS + 1):
            reply = await self._client.exchange(HttpRequest("GET", url), limits)
            if reply.is_cut:
                raise Unavailable(describe_large_reply(self._home, MAX_ANSWER_BYTES))
            if not reply.location:
                return self._check_answer(reply)
            url = self._redirect_target(url, reply.location)
        raise Unavailable(write_about(self._home, write_sentence("more than %(most)s redirects", most=MAX_REDIRECTS)))

    def _redirect_target(self, url: URL, location: str) -> URL:
        """Return the target of a redirect, only on the same host: what we say of ourselves goes nowhere else."""
        try:
            target = url.join(URL(location))
            origin = target.origin()
        except ValueError as error:
            raise Unavailable(write_about(self._home, write_sentence("redirect without a valid URL"))) from error
        if origin != self._home:
            raise Unavailable(write_about(self._home, write_sentence("a redirect to another host was not followed")))
        return target.update_query(dict(url.query)) if not target.query else target

    def _check_answer(self, reply: HttpReply) -> bytes | None:
        status, body = reply.status, reply.body
        if status in _TOO_MANY:
            self._fall_silent(reply.headers.get("Retry-After", ""), named=status == 429)
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
            raise Unavailable(write_about(self._home, compose_sentence("HTTP %(status)s", status=status)))
        if "json" not in reply.content_type and not body.lstrip().startswith(b"{"):
            raise Unavailable(write_about(self._home, write_sentence("the answer is not JSON")))
        return body

    def _fall_silent(self, retry_after: str, *, named: bool) -> None:
        """`named`: too many questions is what the service complains of, whether it says how long or not."""
        pause = parse_retry_after(retry_after, self._clock.now())
        if pause is None and not named:
            return
        pause = min(DEFAULT_PAUSE_SECONDS if pause is None else pause, MAX_PAUSE_SECONDS)
        self._silent_until = asyncio.get_running_loop().time() + pause


def _escape_segment(text: str) -> str:
    escaped = "".join(
        char if char.isascii() and (char.isalnum() or char in "-_~.") else _escape_char(char) for char in text
    )
    return escaped.replace(".", "%2E") if text in (".", "..") else escaped  # else it would lead to another path


def _escape_char(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
