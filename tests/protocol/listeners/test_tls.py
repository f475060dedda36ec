"""TLS with and without client certificates."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path

import aiohttp
import pytest
import structlog

from gateway.runtime.listener_tls import RenewableServerContext, make_server_context
from gateway.web.inbound import TrustedProxies
from tests.protocol.listeners.support import HOST, Echo, http, site, talk, tcp
from tests.protocol.pages.support import running
from tests.support.certificates import Authority, Pair
from tests.support.daemon import Installation

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


def copy_pair(source: Pair, target: Pair) -> None:
    """As a renewal does it: one file after the other, each moved into place whole."""
    for new, old in ((source.certificate, target.certificate), (source.key, target.key)):
        shutil.copy(new, f"{old}.new")
        Path(f"{old}.new").replace(old)


async def see_certificate(port: int, client: ssl.SSLContext) -> str:
    """Common name of what the listener shows to a new connection."""
    _, writer = await asyncio.open_connection(HOST, port, ssl=client)
    shown = writer.get_extra_info("peercert")
    writer.close()
    return str(dict(part[0] for part in shown["subject"])["commonName"])


async def test_a_renewed_certificate_is_shown_to_new_connections(authority: Authority) -> None:
    used, renewed = authority.issue("before.example"), authority.issue("after.example")
    tls = RenewableServerContext(used.certificate, used.key)
    client = authority.client_context()
    async with http(site(Echo()), tls) as web, tcp(Echo(), tls=tls) as raw, aiohttp.ClientSession() as session:
        url = f"https://{HOST}:{web.port}/ncip"
        assert (await session.post(url, data=MESSAGE, ssl=client)).status == 200
        assert [await see_certificate(one.port, client) for one in (web, raw)] == ["before.example"] * 2

        copy_pair(renewed, used)
        assert tls.take_changed_files()

        assert [await see_certificate(one.port, client) for one in (web, raw)] == ["after.example"] * 2
        assert (await session.post(url, data=MESSAGE, ssl=client)).status == 200, "an open connection goes on"


async def test_an_authority_that_is_gone_is_trusted_no_more(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    pair = old.issue("gateway.example")
    authorities = tmp_path / "clients.pem"
    shutil.copy(old.certificate, authorities)
    tls = RenewableServerContext(pair.certificate, pair.key, authorities, ssl.CERT_REQUIRED)
    client = old.client_context(old.issue("Voyager"))
    echo = Echo()
    async with tcp(echo, tls=tls) as listener:
        assert b"<got>" in await exchange_message(listener.port, client)
        shutil.copy(new.certificate, authorities)
        assert tls.take_changed_files()

        assert b"<got>" not in await exchange_message(listener.port, client)
        newcomer = old.client_context()
        theirs = new.issue("Relais")
        newcomer.load_cert_chain(theirs.certificate, theirs.key)
        assert b"<got>" in await exchange_message(listener.port, newcomer)
    assert [one.certificate for one in echo.arrivals] == ["Voyager", "Relais"]


async def exchange_message(port: int, client: ssl.SSLContext) -> bytes:
    """Empty: the listener didn't take the certificate."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port, ssl=client)
    except (ConnectionError, ssl.SSLError):
        return b""
    try:
        writer.write(MESSAGE)
        return await reader.read(100)
    except (ConnectionError, ssl.SSLError):
        return b""
    finally:
        writer.close()


async def test_files_that_do_not_fit_together_leave_the_old_ones_in_use(authority: Authority) -> None:
    used, renewed = authority.issue("before.example"), authority.issue("after.example")
    tls = RenewableServerContext(used.certificate, used.key)
    client = authority.client_context()
    async with http(site(Echo()), tls) as listener:
        shutil.copy(renewed.certificate, used.certificate)
        with structlog.testing.capture_logs() as logs:
            assert [tls.take_changed_files() for _ in range(3)] == [False] * 3
        assert [one["event"] for one in logs] == ["tls.certificate_not_renewed"], "once, not at each look"
        assert "before.example.key can't be used" in listener.notes[0]
        assert await see_certificate(listener.port, client) == "before.example"

        shutil.copy(renewed.key, used.key)
        assert tls.take_changed_files()
        assert listener.notes == ()
        assert await see_certificate(listener.port, client) == "after.example"


async def wait_for_certificate(port: int, client: ssl.SSLContext, name: str) -> None:
    for _ in range(200):
        if await see_certificate(port, client) == name:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{name} is not shown")


async def test_the_daemon_looks_for_new_certificates(
    authority: Authority, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.runtime.daemon.LOOK_SECONDS", 0.05)
    used, renewed = authority.issue("before.example"), authority.issue("after.example")
    files = {"certificate": str(used.certificate), "key": str(used.key)}
    client = authority.client_context()
    async with running(installation, http={"port": 0, "tls": files}) as daemon:
        port = daemon.gateway.http_port
        assert await see_certificate(port, client) == "before.example"

        copy_pair(renewed, used)

        await wait_for_certificate(port, client, "after.example")

        used.key.write_text("nonsense", encoding="utf-8")
        assert not await daemon.gateway.reload(), "as SIGHUP does it"
        url = f"https://{HOST}:{port}/readyz"
        monkeypatch.setattr("gateway.runtime.monitoring.FRESH_SECONDS", 0.0)
        async with aiohttp.ClientSession() as session, session.get(url, ssl=client) as answer:
            assert (answer.status, "before.example.key can't be used" in await answer.text()) == (200, True)


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
