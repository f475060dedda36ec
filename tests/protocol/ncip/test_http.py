"""Over HTTP: what is sent, how we show who we are, and which failure is which."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from adapters.ncip.initiator import load_own_credentials
from adapters.ncip.transport import HttpCredentials, HttpTransport
from adapters.ncip.wire_dialect import BodyEncoding, HttpAuthKind, HttpDialect
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.message_transport import HttpPlace, SendTimeouts, TransportReply
from gateway.ports.tls import ClientTls
from tests.protocol.ncip.support import HOST, LOOKED_UP, SHORT, HttpPeer, answering, closed_port, http_peer, tcp_peer
from tests.support.certificates import Authority

DOCUMENT = "<NCIPMessage><a>Ångström & Søn</a></NCIPMessage>".replace("&", "&amp;").encode()


async def exchange(
    place: HttpPlace,
    http: HttpDialect | None = None,
    credentials: HttpCredentials = HttpCredentials(),  # noqa: B008
) -> TransportReply:
    transport = HttpTransport(place, http or HttpDialect(), credentials)
    try:
        return await transport.exchange(DOCUMENT)
    finally:
        await transport.close()


async def test_the_document_is_posted_and_the_answer_comes_back_with_status_and_time() -> None:
    async with http_peer(answering(LOOKED_UP, 200, "text/xml; charset=utf-8")) as peer:
        reply = await exchange(peer.place(), HttpDialect(content_type="text/xml"))

    assert (reply.raw, reply.status, reply.content_type) == (LOOKED_UP, 200, "text/xml; charset=utf-8")
    assert reply.seconds > 0
    assert peer.bodies == [DOCUMENT]
    assert peer.requests[0].method == "POST"
    assert peer.requests[0].headers["Content-Type"] == "text/xml"


@pytest.mark.parametrize(
    ("encoding", "begin"), [(BodyEncoding.URL_ENCODED, b"%3CNCIPMessage"), (BodyEncoding.FORM, b"xml=%3CNCIPMessage")]
)
async def test_a_document_may_be_wrapped(encoding: BodyEncoding, begin: bytes) -> None:
    async with http_peer(answering(LOOKED_UP)) as peer:
        await exchange(peer.place(), HttpDialect(body_encoding=encoding))

    assert peer.bodies[0].startswith(begin)
    assert peer.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


# --- who we are --------------------------------------------------------------------------------------------


async def test_basic_and_bearer() -> None:
    async with http_peer(answering(LOOKED_UP)) as peer:
        await exchange(peer.place(), credentials=HttpCredentials(HttpAuthKind.BASIC, "ill", "gehéim"))
        await exchange(peer.place(), credentials=HttpCredentials(HttpAuthKind.BEARER, secret="t0ken"))

    first, second = (request.headers["Authorization"] for request in peer.requests)
    assert base64.b64decode(first.removeprefix("Basic ")).decode() == "ill:gehéim"
    assert second == "Bearer t0ken"


async def test_keys_in_path_and_query() -> None:
    async with http_peer(answering(LOOKED_UP)) as peer:
        await exchange(peer.place("/ncip"), credentials=HttpCredentials(HttpAuthKind.PATH_KEY, secret="k/1 2"))
        await exchange(
            peer.place("/ncip?site=a"),
            credentials=HttpCredentials(HttpAuthKind.QUERY_KEY, secret="k&1", parameter="key"),
        )

    assert peer.requests[0].raw_path == "/ncip/k%2F1%202"
    assert dict(peer.requests[1].query) == {"site": "a", "key": "k&1"}


def token_server(lives: int, tokens: list[str]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Gives one token after the other; messages need the newest."""
    given: list[str] = []

    async def reply(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            given.append(tokens[len(given)])
            return web.json_response({"access_token": given[-1], "token_type": "bearer", "expires_in": lives})
        if request.headers.get("Authorization") != f"Bearer {tokens[-1]}":
            return web.Response(status=401)
        return web.Response(body=LOOKED_UP)

    return reply


def oauth2(peer: HttpPeer) -> HttpCredentials:
    said = {"user": "client", "secret": "env:WMS", "token_url": peer.url("/token"), "scope": "WMS_NCIP"}
    http = HttpDialect.model_validate({"auth": {"kind": HttpAuthKind.OAUTH2, **said}})
    return load_own_credentials(http, {"env:WMS": "s3cret"}.__getitem__)


async def test_a_token_is_fetched_once_and_used_until_it_ends() -> None:
    async with http_peer(token_server(3600, ["first"])) as peer:
        transport = HttpTransport(peer.place(), HttpDialect(), oauth2(peer))
        replies = [await transport.exchange(DOCUMENT), await transport.exchange(DOCUMENT)]
        await transport.close()

    assert [reply.status for reply in replies] == [200, 200]
    assert [request.path for request in peer.requests] == ["/token", "/ncip", "/ncip"]
    assert peer.bodies[0] == b"grant_type=client_credentials&scope=WMS_NCIP"
    assert base64.b64decode(peer.requests[0].headers["Authorization"].removeprefix("Basic ")) == b"client:s3cret"


async def test_a_token_that_was_withdrawn_is_fetched_anew() -> None:
    async with http_peer(token_server(3600, ["first", "second"])) as peer:
        transport = HttpTransport(peer.place(), HttpDialect(), oauth2(peer))
        refused = await transport.exchange(DOCUMENT)
        reply = await transport.exchange(DOCUMENT)
        await transport.close()

    assert refused.status == 401  # a fresh token isn't fetched again
    assert reply.status == 200
    assert [request.path for request in peer.requests] == ["/token", "/ncip", "/ncip", "/token", "/ncip"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(401, b"{}", Refused), (500, b"", Unavailable), (200, b"not JSON", Unavailable), (200, b"[]", Unavailable)],
)
async def test_without_a_token_nothing_is_sent(status: int, body: bytes, error: type[Exception]) -> None:
    async with http_peer(answering(body, status, "application/json")) as peer:
        with pytest.raises(error) as raised:
            await exchange(peer.place(), credentials=oauth2(peer))

    assert [request.path for request in peer.requests] == ["/token"]
    assert "s3cret" not in str(raised.value)
    if isinstance(raised.value, Refused):
        assert raised.value.reason is RefusalReason.SENDER_AUTH_FAILED


# --- which failure is which ---------------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    place = HttpPlace(f"http://{HOST}:{await closed_port()}/ncip", timeouts=SHORT)

    with pytest.raises(Unavailable):
        await exchange(place)


async def test_a_name_that_is_not_there() -> None:
    with pytest.raises(Unavailable):
        await exchange(HttpPlace("http://no-such-host.invalid/ncip", timeouts=SHORT))


@pytest.mark.parametrize("url", ["ftp://library.example/ncip", "http://", "http://[::1/ncip", "http://a:99999/ncip"])
async def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(Unavailable, match=r"not (a valid|an http or https) URL"):
        await exchange(HttpPlace(url))


async def test_taken_but_never_answered() -> None:
    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        raise AssertionError

    async with http_peer(never) as peer:
        with pytest.raises(OutcomeUnknown, match="timeout"):
            await exchange(peer.place(timeouts=SHORT))

    assert peer.bodies == [DOCUMENT]


@pytest.mark.parametrize("then", ["close", "reset"])
async def test_closed_before_the_answer(then: str) -> None:
    async with tcp_peer(b"", then=then) as peer:
        with pytest.raises(OutcomeUnknown):
            await exchange(HttpPlace(f"http://{HOST}:{peer.port}/ncip", timeouts=SHORT))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 500\r\n\r\n"


@pytest.mark.parametrize("then", ["close", "reset", "wait"])
async def test_half_an_answer(then: str) -> None:
    async with tcp_peer(HEAD + LOOKED_UP[:100], then=then) as peer:
        with pytest.raises(OutcomeUnknown):
            await exchange(HttpPlace(f"http://{HOST}:{peer.port}/ncip", timeouts=SHORT))


async def test_an_answer_that_drips_for_ever_ends_with_the_total_time() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(50):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    async with http_peer(drip) as peer:
        with pytest.raises(OutcomeUnknown, match="timeout"):
            await exchange(peer.place(timeouts=SendTimeouts(connect=0.5, read=0.4, total=0.5)))


async def test_redirects_are_not_followed() -> None:
    async def elsewhere(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/other")

    async with http_peer(elsewhere) as peer:
        reply = await exchange(peer.place())

    assert reply.status == 302
    assert len(peer.requests) == 1


async def test_an_answer_of_500_with_a_page_comes_back_whole_for_the_reader_to_judge() -> None:
    async with http_peer(answering(b"<html>oops</html>", 500, "text/html")) as peer:
        assert (await exchange(peer.place())).status == 500


# --- TLS -----------------------------------------------------------------------------------------------------


async def test_certificates_are_checked_and_a_ca_can_be_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    async with http_peer(answering(LOOKED_UP), context) as peer:
        with pytest.raises(Unavailable):
            await exchange(peer.place())
        assert peer.bodies == []

        reply = await exchange(peer.place(tls=ClientTls(ca=authority.certificate)))

    assert reply.raw == LOOKED_UP


async def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    with pytest.raises(Unavailable, match="a TLS file"):
        await exchange(HttpPlace("https://library.example/ncip", ClientTls(ca=tmp_path / "ca.pem")))
