"""One request to an SRU server and its answer, by HTTP. Knows bytes, no queries.

Whatever goes wrong is `Unavailable`, since asking again does no harm, but for a server that wants to know who we are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from yarl import URL

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import compose_sentence, write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.outgoing_http import (
    HttpClient,
    HttpFailure,
    HttpLimits,
    HttpOptions,
    HttpReply,
    HttpRequest,
    describe_large_reply,
    make_basic_header,
)

CONNECTIONS = 8
"""To one server at the same time."""

KEEP_SECONDS = 15.0

_KEEPS_METHOD = frozenset({307, 308})
_AGENT = "illgate"


@value_object
class SruEndpoint:
    """The address of a target, and the way of asking it. `key`: name and value of a parameter that says who we are."""

    url: str
    method: str
    connect: float
    answer: float
    redirects: int
    max_bytes: int
    user: str = ""
    password: str = field(default="", repr=False)
    key: tuple[str, str] = field(default=("", ""), repr=False)


class SruHttp:
    """Keeps connections; `close` ends them. `addresses`: where a server may redirect us to, beside itself: a catalogue
    that was taken over must not reach, through us, what only we can reach."""

    def __init__(self, addresses: AllowedAddresses) -> None:
        self._addresses = addresses
        self._client = HttpClient(_make_options(None))
        self._guarded_client = HttpClient(_make_options(addresses))

    async def request(self, place: SruEndpoint, parameters: Mapping[str, str]) -> bytes:
        """Send a request; raises Unavailable, Refused(SENDER_AUTH_FAILED). Errors name the server, never parameters or
        keys."""
        url = URL(place.url)
        query = {**parameters, **({place.key[0]: place.key[1]} if place.key[0] else {})}
        method, home = place.method, url.origin()
        if method == "GET":
            url = url.update_query(query)
        try:
            for _ in range(place.redirects + 1):
                reply = await self._request_once(place, method, url, query, at_home=url.origin() == home)
                if not reply.location:
                    return _check_answer(reply, home)
                method = method if reply.status in _KEEPS_METHOD else "GET"
                url = _find_target(url, reply, home)
                if url.origin() != home:
                    self._check_address(url, home)
        except HttpFailure as failure:
            raise Unavailable(failure.describe_place(home)) from failure
        raise Unavailable(write_about(home, write_sentence("more than %(most)s redirects", most=place.redirects)))

    async def close(self) -> None:
        for client in (self._client, self._guarded_client):
            await client.close()

    def _check_address(self, url: URL, home: URL) -> None:
        """Names are looked at once more when they are resolved. Raises Unavailable."""
        try:
            self._addresses.check_url(str(url))
        except Refused as refused:
            raise Unavailable(
                write_about(home, write_sentence("a redirect was not followed: %(report)s", report=refused.detail))
            ) from refused

    async def _request_once(
        self, place: SruEndpoint, method: str, url: URL, query: Mapping[str, str], *, at_home: bool
    ) -> HttpReply:
        """Send one request; what we say to sign in goes nowhere but to the server itself."""
        headers = make_basic_header(place.user, place.password) if place.user and at_home else {}
        if not at_home:
            query = {name: value for name, value in query.items() if name != place.key[0]}
        client = self._client if at_home else self._guarded_client
        request = HttpRequest(method, url, dict(query) if method == "POST" else None, headers)
        reply = await client.exchange(request, HttpLimits(place.connect, place.answer, place.max_bytes))
        if reply.is_cut:
            raise Unavailable(describe_large_reply(url.origin(), place.max_bytes))
        return reply


def _make_options(addresses: AllowedAddresses | None) -> HttpOptions:
    accepted = "application/sru+xml, application/xml, text/xml"
    return HttpOptions(
        keep_seconds=KEEP_SECONDS,
        connections=CONNECTIONS,
        addresses=addresses,
        headers={"User-Agent": _AGENT, "Accept": accepted},
    )


def _check_answer(reply: HttpReply, home: URL) -> bytes:
    """An answer in XML is read whatever the status: diagnostics come with 400 and 500 too."""
    if reply.status in (401, 403):
        raise Refused(
            RefusalReason.SENDER_AUTH_FAILED,
            write_sentence(
                "%(place)s: the server rejected our sign-in (HTTP %(status)s).", place=home, status=reply.status
            ),
        )
    if reply.status != 200 and not reply.body.lstrip().startswith(b"<?xml"):
        raise Unavailable(write_about(home, compose_sentence("HTTP %(status)s", status=reply.status)))
    return reply.body


def _find_target(url: URL, reply: HttpReply, home: URL) -> URL:
    """Find the target of a redirect; raises Unavailable for a place that we don't go to."""
    try:
        target = url.join(URL(reply.location))
    except ValueError as error:
        raise Unavailable(write_about(home, write_sentence("redirect without a valid URL"))) from error
    if target.scheme not in ("http", "https") or (url.scheme == "https" and target.scheme != "https"):
        raise Unavailable(
            write_about(home, write_sentence("a redirect to %(scheme)s was not followed", scheme=target.scheme))
        )
    if not target.host:
        raise Unavailable(write_about(home, write_sentence("redirect without a valid URL")))
    return target
