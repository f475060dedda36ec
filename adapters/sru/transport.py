"""One request to an SRU server and its answer, by HTTP. Knows bytes, no queries.

Whatever goes wrong is `Unavailable`, since asking again does no harm, but for a server that wants to know who we are.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import field

import aiohttp
from yarl import URL

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import sentence_of_system, write_sentence
from gateway.domain.value import value_object
from gateway.ports.guarded_resolver import AddressNotAllowedError, GuardedResolver
from gateway.ports.outgoing_addresses import AllowedAddresses

CHUNK = 65_536
CONNECTIONS = 8
"""To one server at the same time."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD = frozenset({307, 308})
_AGENT = "illgate"


@value_object
class SruEndpoint:
    """Where and how. `key`: name and value of a parameter that says who we are."""

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
        self._session: aiohttp.ClientSession | None = None
        self._guarded_session: aiohttp.ClientSession | None = None

    async def request(self, place: SruEndpoint, parameters: Mapping[str, str]) -> bytes:
        """Raises Unavailable, Refused(SENDER_AUTH_FAILED). Errors name the server, never parameters or keys."""
        url = URL(place.url)
        said = {**parameters, **({place.key[0]: place.key[1]} if place.key[0] else {})}
        method, home = place.method, url.origin()
        if method == "GET":
            url = url.update_query(said)
        try:
            for _ in range(place.redirects + 1):
                status, body, location = await self._request_once(
                    place, method, url, said, at_home=url.origin() == home
                )
                if status not in _REDIRECTS or not location:
                    return _check_answer(status, body, home)
                method = method if status in _KEEPS_METHOD else "GET"
                url = _redirect_target(url, location, home)
                if url.origin() != home:
                    self._check_address(url, home)
        except TimeoutError as error:
            raise Unavailable(
                write_sentence("%(place)s: no complete answer within %(seconds)s s", place=home, seconds=place.answer)
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(
                write_sentence("%(place)s: %(report)s", place=home, report=_describe_error(error))
            ) from error
        raise Unavailable(write_sentence("%(place)s: more than %(most)s redirects", place=home, most=place.redirects))

    async def close(self) -> None:
        for session in (self._session, self._guarded_session):
            if session is not None:
                await session.close()
        self._session = self._guarded_session = None

    def _check_address(self, url: URL, home: URL) -> None:
        """Names are looked at once more when they are resolved. Raises Unavailable."""
        try:
            self._addresses.check_url(str(url))
        except Refused as refused:
            raise Unavailable(
                write_sentence("%(place)s: a redirect was not followed: %(report)s", place=home, report=refused.detail)
            ) from refused

    async def _request_once(
        self, place: SruEndpoint, method: str, url: URL, said: Mapping[str, str], *, at_home: bool
    ) -> tuple[int, bytes, str]:
        """What we say to sign in goes nowhere but to the server itself."""
        headers = {"Authorization": _basic_authorization(place)} if place.user and at_home else None
        if not at_home:
            said = {name: value for name, value in said.items() if name != place.key[0]}
        timeout = aiohttp.ClientTimeout(total=place.answer, sock_connect=place.connect)
        session = self._get_session() if at_home else self._get_guarded_session()
        async with session.request(
            method,
            url,
            data=dict(said) if method == "POST" else None,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            body = bytearray()
            async for piece in response.content.iter_chunked(CHUNK):
                body += piece
                if len(body) > place.max_bytes:
                    raise Unavailable(
                        write_sentence(
                            "%(place)s: the answer is larger than %(most)s bytes",
                            place=url.origin(),
                            most=place.max_bytes,
                        )
                    )
            return response.status, bytes(body), response.headers.get("Location", "")

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = _make_session(aiohttp.TCPConnector(limit_per_host=CONNECTIONS))
        return self._session

    def _get_guarded_session(self) -> aiohttp.ClientSession:
        if self._guarded_session is None:
            resolver = GuardedResolver(self._addresses)
            self._guarded_session = _make_session(
                aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit_per_host=CONNECTIONS)
            )
        return self._guarded_session


def _make_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": _AGENT, "Accept": "application/sru+xml, application/xml, text/xml"},
    )


def _basic_authorization(place: SruEndpoint) -> str:
    """RFC 7617, in UTF-8."""
    return "Basic " + base64.b64encode(f"{place.user}:{place.password}".encode()).decode("ascii")


def _check_answer(status: int, body: bytes, home: URL) -> bytes:
    """An answer in XML is read whatever the status: diagnostics come with 400 and 500 too."""
    if status in (401, 403):
        raise Refused(
            RefusalReason.SENDER_AUTH_FAILED,
            write_sentence("%(place)s: the server rejected our sign-in (HTTP %(status)s).", place=home, status=status),
        )
    if status != 200 and not body.lstrip().startswith(b"<?xml"):
        raise Unavailable(write_sentence("%(place)s: HTTP %(status)s", place=home, status=status))
    return body


def _redirect_target(url: URL, location: str, home: URL) -> URL:
    """Raises Unavailable for a place that we don't go to."""
    try:
        target = url.join(URL(location))
    except ValueError as error:
        raise Unavailable(write_sentence("%(place)s: redirect without a valid URL", place=home)) from error
    if target.scheme not in ("http", "https") or (url.scheme == "https" and target.scheme != "https"):
        raise Unavailable(
            write_sentence("%(place)s: a redirect to %(target)s was not followed", place=home, target=target.scheme)
        )
    return target


def _describe_error(error: Exception) -> str:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return write_sentence("the connection was closed")
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressNotAllowedError):
        return write_sentence("a redirect was not followed: %(report)s", report=error.os_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return write_sentence("not reached: %(report)s", report=sentence_of_system(error.os_error))
    return sentence_of_system(error)
