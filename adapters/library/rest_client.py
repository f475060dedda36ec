"""Questions and changes to a library system by HTTP. Knows bytes and JSON, no library words.

A question may be asked again, a change may not: one whose answer was lost is `OutcomeUnknown`. `Unavailable` is what
was surely not carried out: nothing was sent, or the system (or what stands before it) said that it won't. Errors name
the place and the path, never values, bodies or credentials. Only redirects of questions, within the same host, are
followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import TypeAlias

from yarl import URL

from adapters.library.circuit_breaker import CircuitBreaker
from adapters.library.rest_answer import RestAnswer, RestCall, read_answer
from adapters.library.rest_authorisation import Authorisation
from adapters.library.rest_options import RestSeconds
from adapters.library.unaccepted_calls import UnacceptedCalls
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import compose_sentence, write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import (
    REDIRECTS,
    HttpClient,
    HttpFailure,
    HttpLimits,
    HttpOptions,
    HttpRequest,
    describe_large_reply,
    parse_retry_after,
)
from gateway.ports.tls import ClientTls

MAX_REDIRECTS = 3
MAX_PAUSE_SECONDS = 3600.0
DEFAULT_PAUSE_SECONDS = 3.0
"""After "too many requests" without a Retry-After."""

_ExchangeCall: TypeAlias = Callable[[RestCall, Mapping[str, str]], Awaitable[RestAnswer]]


@value_object(kw_only=True)
class RestEndpoint:
    """The address of a system, and the ways of calling it. `url`: what all paths stand behind; `connections`: at once;
    `max_bytes`: of an answer."""

    url: str
    seconds: RestSeconds = RestSeconds.model_construct()
    tls: ClientTls = ClientTls()
    connections: int = 4
    max_bytes: int = 8_000_000
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def refuse_no_failure(_answer: RestAnswer) -> bool:
    """HTTP 500 and above say nothing about what was done."""
    return False


class RestClient:
    """Keeps connections; `close_connections` ends them. `is_refusal`: whether an answer of 500 or above is the
    system's way to say no (some do). `unaccepted`: for the adapter, which alone can tell a refusal of what it
    asked from that of the question."""

    def __init__(
        self,
        place: RestEndpoint,
        authorisation: Authorisation,
        breaker: CircuitBreaker,
        clock: Clock | None = None,
        is_refusal: Callable[[RestAnswer], bool] = refuse_no_failure,
    ) -> None:
        self._place = place
        self._authorisation = authorisation
        self._breaker = breaker
        self._clock = clock or SystemClock()
        self._is_refusal = is_refusal
        self._base = URL(place.url)
        self.unaccepted = UnacceptedCalls(self._clock)
        self._silent_until = float("-inf")
        self._client = HttpClient(
            HttpOptions(
                tls=place.tls,
                keep_seconds=place.seconds.idle,
                connections=place.connections,
                headers={"Accept": "application/json", **place.headers},
            )
        )
        self._is_closed = False

    async def ask(self, call: RestCall) -> RestAnswer:
        """Ask; once more where the connection broke. Answers below 500 come back, whatever they say, but for 401 and
        429.

        Raises Unavailable.
        """
        try:
            return await self._work_through(call, self._ask_twice)
        except OutcomeUnknown as unknown:
            raise Unavailable(unknown.detail) from unknown

    async def change(self, call: RestCall) -> RestAnswer:
        """Send a change once; again only where the answer was that it was not carried out for want of a fresh token or
        for too many calls. Answers below 500 come back. Raises Unavailable (not carried out), OutcomeUnknown."""
        return await self._work_through(call, self._change_once)

    async def close_connections(self) -> None:
        """Close connections for good: what is still under way fails as Unavailable, or with an unknown outcome."""
        self._is_closed = True
        await self._client.close()

    # --- one call ----------------------------------------------------------------------------------------

    async def _send_plainly(self, call: RestCall) -> RestAnswer:
        """Send for whoever fetches a token: without credentials, and whatever the status. Raises Unavailable."""
        try:
            return await self._exchange(call, {}, self._place.seconds.look_up)
        except OutcomeUnknown as unknown:
            raise Unavailable(unknown.detail) from unknown

    async def _work_through(self, call: RestCall, exchange: _ExchangeCall) -> RestAnswer:
        self._breaker.admit_call()
        try:
            answer = await self._exchange_accepted(call, exchange)
        except _TooManyCallsError as busy:
            self._breaker.record_answer()
            raise Unavailable(busy.detail) from busy
        except (Unavailable, OutcomeUnknown):
            self._breaker.record_failure()
            raise
        self._breaker.record_answer()
        if answer.is_success:
            self.unaccepted.note_accepted(call)
        return answer

    async def _exchange_accepted(self, call: RestCall, exchange: _ExchangeCall) -> RestAnswer:
        """Exchange through two obstacles that are no failures: a token that has ended, and a limit of calls."""
        may_renew = may_wait = True
        while True:
            await self._wait_for_silence(call)
            headers = await self._authorisation.get_headers(self._send_plainly)
            answer = await exchange(call, headers)
            if answer.status == 401:
                if may_renew and self._authorisation.withdraw_headers(headers):
                    may_renew = False
                    continue
                raise Unavailable(
                    write_about(self._name(call), write_sentence("our credentials were rejected (HTTP 401)"))
                )
            if answer.status == 429:
                self._fall_silent(answer)
                if may_wait:
                    may_wait = False
                    continue
                raise _TooManyCallsError(write_about(self._name(call), write_sentence("too many calls (HTTP 429)")))
            return answer

    async def _ask_twice(self, call: RestCall, headers: Mapping[str, str]) -> RestAnswer:
        seconds = self._place.seconds.look_up
        for is_last in (False, True):
            try:
                answer = await self._follow_redirects(call, headers, seconds)
            except _BrokenConnectionError:
                if is_last:
                    raise
                continue
            if answer.status >= 500 and not self._is_refusal(answer):
                raise Unavailable(
                    write_about(self._name(call), compose_sentence("HTTP %(status)s", status=answer.status))
                )
            break
        return answer

    async def _change_once(self, call: RestCall, headers: Mapping[str, str]) -> RestAnswer:
        answer = await self._exchange(call, headers, self._place.seconds.change, is_change=True)
        if answer.status in REDIRECTS:
            raise Unavailable(
                write_about(
                    self._name(call),
                    write_sentence("redirected (HTTP %(status)s); is the URL right?", status=answer.status),
                )
            )
        if answer.status >= 500 and not self._is_refusal(answer):
            if answer.status == 503 and (answer.is_json or "Retry-After" in answer.headers):
                raise Unavailable(write_about(self._name(call), write_sentence("under maintenance (HTTP 503)")))
            raise OutcomeUnknown(
                write_about(self._name(call), compose_sentence("HTTP %(status)s", status=answer.status))
            )
        return answer

    async def _follow_redirects(self, call: RestCall, headers: Mapping[str, str], seconds: float) -> RestAnswer:
        url = self._make_url(call)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._exchange(call, headers, seconds, url)
            location = answer.headers.get("Location", "")
            if answer.status not in REDIRECTS or not location:
                return answer
            try:
                url = url.join(URL(location))
                origin = url.origin()
            except ValueError as error:
                raise Unavailable(
                    write_about(self._name(call), write_sentence("redirect without a valid URL"))
                ) from error
            if origin != self._base.origin():
                raise Unavailable(
                    write_about(self._name(call), write_sentence("a redirect to another host was not followed"))
                )
        raise Unavailable(
            write_about(self._name(call), write_sentence("more than %(most)s redirects", most=MAX_REDIRECTS))
        )

    async def _exchange(
        self,
        call: RestCall,
        headers: Mapping[str, str],
        seconds: float,
        url: URL | None = None,
        *,
        is_change: bool = False,
    ) -> RestAnswer:
        """Send a call; raises Unavailable (not sent, or no answer of this system), OutcomeUnknown (the answer is
        lost)."""
        if self._is_closed:
            raise Unavailable(write_about(self._base.origin(), write_sentence("the connections were closed")))
        request = HttpRequest(
            call.method, url or self._make_url(call), call.body, {**call.headers, **headers}, once=is_change
        )
        limits = HttpLimits(self._place.seconds.connect, seconds, self._place.max_bytes)
        try:
            reply = await self._client.exchange(request, limits)
        except HttpFailure as failure:
            report = failure.describe_place(self._name(call))
            if not failure.is_sent:
                raise Unavailable(report) from failure
            raise (_BrokenConnectionError if failure.is_closed else OutcomeUnknown)(report) from failure
        if reply.is_cut:
            raise OutcomeUnknown(describe_large_reply(self._name(call), self._place.max_bytes))
        return read_answer(self._name(call), reply.status, reply.headers, reply.body, call.expects)

    # --- pauses ------------------------------------------------------------------------------------------

    async def _wait_for_silence(self, call: RestCall) -> None:
        """Wait; raises _TooManyCallsError where the system wants to be left alone for longer than a question may
        take."""
        left = self._silent_until - asyncio.get_running_loop().time()
        if left > self._place.seconds.look_up:
            raise _TooManyCallsError(
                write_about(
                    self._name(call),
                    write_sentence("too many calls; next attempt in %(seconds)s s", seconds=round(left)),
                )
            )
        if left > 0:
            await asyncio.sleep(left)

    def _fall_silent(self, answer: RestAnswer) -> None:
        retry_after = parse_retry_after(answer.headers.get("Retry-After", ""), self._clock.now())
        pause = min(DEFAULT_PAUSE_SECONDS if retry_after is None else retry_after, MAX_PAUSE_SECONDS)
        self._silent_until = asyncio.get_running_loop().time() + pause

    # --- the connection ----------------------------------------------------------------------------------

    def _make_url(self, call: RestCall) -> URL:
        return URL(f"{str(self._base).rstrip('/')}{call.escaped_path}", encoded=True)

    def _name(self, call: RestCall) -> str:
        """Name a call for errors: without values of the query, and without numbers of patrons in the path."""
        return f"{self._base.origin()} {call.method} {call.name}"


class _BrokenConnectionError(OutcomeUnknown):
    """The connection ended before the answer was there."""


class _TooManyCallsError(Unavailable):
    """It answers, and wants to be left alone."""
