"""TLS with and without client certificates."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from gateway.runtime.listeners import make_server_context
from gateway.web.inbound import TrustedProxies
from tests.protocol.listeners.support import HOST, Echo, http, site, talk, tcp
from tests.support.certificates import Authority

MESSAGE = b"<NCIPMessage></NCIPMessage>"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def context(authority: Authority, verify: ssl.VerifyMode) -> ssl.SSLContext:
    pair = authority.issue("gateway.example")
    return make_server_context(pair.certificate, pair.key, authority.certificate, verify)


async def test_https_says_who_the_client_is(authority: Authority) -> None:
    echo = Echo()
    client = authority.client_context(authority.issue("Relais D2D"))
    stranger = authority.client_context()
    async with http(site(echo), context(authority, ssl.CERT_OPTIONAL)) as listener, aiohttp.ClientSession() as session:
        assert listener.name.startswith("listener https ")
        for known in (client, stranger):
            url = f"https://{HOST}:{listener.port}/ncip"
            async with session.post(url, data=MESSAGE, ssl=known) as answer:
                assert await answer.read() == b"<got>27</got>"
    assert [arrival.certificate for arrival in echo.arrivals] == ["Relais D2D", ""]


async def test_https_refuses_clients_without_a_certificate_where_one_is_required(authority: Authority) -> None:
    echo = Echo()
    tls = context(authority, ssl.CERT_REQUIRED)
    async with http(site(echo), tls) as listener, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"https://{HOST}:{listener.port}/ncip", data=MESSAGE, ssl=authority.client_context())
    assert echo.bodies == []


async def test_tcp_over_tls(authority: Authority) -> None:
    echo = Echo()
    client = authority.client_context(authority.issue("Voyager"))
    async with tcp(echo, tls=context(authority, ssl.CERT_REQUIRED)) as listener:
        reader, writer = await asyncio.open_connection(HOST, listener.port, ssl=client)
        writer.write(MESSAGE)
        assert await reader.readuntil(b"\n") == b"<got>27</got>\r\n"
        writer.close()
        await writer.wait_closed()
    assert echo.arrivals[0].certificate == "Voyager"


async def test_plain_text_at_a_tls_port_is_closed(authority: Authority) -> None:
    tls = context(authority, ssl.CERT_OPTIONAL)
    async with http(site(Echo()), tls) as web, tcp(Echo(), tls=tls) as raw:
        assert b"<got>" not in await talk(web.port, b"POST /ncip HTTP/1.1\r\n\r\n", half_close=True)
        assert b"<got>" not in await talk(raw.port, MESSAGE, half_close=True)


def test_a_missing_or_wrong_file_is_named(authority: Authority, tmp_path: Path) -> None:
    pair, other = authority.issue("a"), authority.issue("b")
    with pytest.raises(OSError, match=r"b\.key"):
        make_server_context(pair.certificate, other.key)
    with pytest.raises(OSError, match=r"nowhere\.pem"):
        make_server_context(tmp_path / "nowhere.pem", pair.key)
    with pytest.raises(OSError, match=r"nobody\.pem"):
        make_server_context(pair.certificate, pair.key, tmp_path / "nobody.pem")


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "CN=Relais\\, D2D,O=Consortium,C=CA"}, "Relais, D2D"),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "O=Consortium,CN=relais"}, "relais"),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "O=CNN"}, ""),
        ({"X-Client-Verify": "FAILED:expired", "X-Client-Subject": "CN=relais"}, ""),
        ({"X-Client-Subject": "CN=relais"}, ""),
        ({}, ""),
    ],
)
async def test_a_trusted_proxy_may_say_whose_certificate_it_was(headers: dict[str, str], name: str) -> None:
    echo = Echo()
    proxy = TrustedProxies((f"{HOST}/32",))
    trusting, careful, deaf = (
        site(echo, proxies=(HOST,), certificate_proxies=proxy),
        site(echo, proxies=(HOST,)),
        site(echo),
    )
    async with aiohttp.ClientSession() as session:
        for made in (trusting, careful, deaf):
            async with http(made) as listener:
                await session.post(f"http://{HOST}:{listener.port}/ncip", data=MESSAGE, headers=headers)
    assert [arrival.certificate for arrival in echo.arrivals] == [name, "", ""]
