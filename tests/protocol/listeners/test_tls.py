"""TLS with and without client certificates."""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import structlog
from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.domain.profile import normalize_fingerprint
from gateway.runtime.listener_tls import RenewableServerContext, make_server_context
from gateway.web.client_certificates import ForwardedCertificates
from gateway.web.trusted_proxies import TrustedProxies
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
    pair = authority.issue("Relais D2D")
    client = authority.client_context(pair)
    stranger = authority.client_context()
    async with http(site(echo), context(authority, ssl.CERT_OPTIONAL)) as listener, aiohttp.ClientSession() as session:
        assert listener.name.startswith("listener https ")
        for known in (client, stranger):
            url = f"https://{HOST}:{listener.port}/ncip"
            async with session.post(url, data=MESSAGE, ssl=known) as answer:
                assert await answer.read() == b"<got>27</got>"
    shown, not_shown = (arrival.certificate for arrival in echo.arrivals)
    assert shown is not None
    assert (shown.common_name, shown.alternative_names) == ("Relais D2D", ("IP:127.0.0.1",))
    assert shown.fingerprint == normalize_fingerprint(pair.fingerprint)
    assert not_shown is None


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
    assert echo.arrivals[0].certificate is not None
    assert echo.arrivals[0].certificate.common_name == "Voyager"


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
    shown = [one.certificate for one in echo.arrivals]
    assert [one.common_name for one in shown if one is not None] == ["Voyager", "Relais"]


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
        assert "before.example.key cannot be used" in listener.notes[0]
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
    monkeypatch.setattr("gateway.runtime.periodic_tasks.LOOK_SECONDS", 0.05)
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
            assert (answer.status, "before.example.key cannot be used" in await answer.text()) == (200, True)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "CN=Relais\\, D2D,O=Consortium,C=CA"}, "Relais, D2D"),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "O=Consortium,CN=relais"}, "relais"),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "O=CNN"}, ""),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": 'O="x,CN=relais", CN=partner-b'}, ""),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "O=x\\,CN\\=relais,CN=partner-b"}, "partner-b"),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "CN=relais,CN=partner-b"}, ""),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "CN=relais+CN=partner-b,O=x"}, ""),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "CN=relais\\00.example,O=x"}, "relais\0.example"),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "cn=\\C3\\98stfold+serialNumber=7"}, "Østfold"),
        ({"X-Client-Verify": "SUCCESS", "X-Client-Subject": "/O=x/CN=relais"}, ""),
        ({"X-Client-Verify": "FAILED:expired", "X-Client-Subject": "CN=relais"}, ""),
        ({"X-Client-Subject": "CN=relais"}, ""),
        ({}, ""),
    ],
)
async def test_a_trusted_proxy_may_say_whose_certificate_it_was(headers: dict[str, str], name: str) -> None:
    echo = Echo()
    certificates = ForwardedCertificates(TrustedProxies((f"{HOST}/32",)))
    trusting, careful, deaf = (
        site(echo, proxies=(HOST,), certificates=certificates),
        site(echo, proxies=(HOST,)),
        site(echo),
    )
    async with aiohttp.ClientSession() as session:
        for made in (trusting, careful, deaf):
            async with http(made) as listener:
                await session.post(f"http://{HOST}:{listener.port}/ncip", data=MESSAGE, headers=headers)
    told, *untold = (arrival.certificate for arrival in echo.arrivals)
    assert (told.common_name if told is not None else "") == name
    assert untold == [None, None]


async def test_a_name_that_is_there_twice_is_nobodys(authority: Authority) -> None:
    """Set by the proxy and by the client: which of them is which can't be told."""
    echo = Echo()
    certificates = ForwardedCertificates(TrustedProxies((HOST,)))
    headers = [("X-Client-Verify", "SUCCESS"), ("X-Client-Subject", "CN=relais"), ("X-Client-Subject", "CN=other")]
    with structlog.testing.capture_logs() as logs:
        async with http(site(echo, certificates=certificates)) as listener, aiohttp.ClientSession() as session:
            await session.post(f"http://{HOST}:{listener.port}/ncip", data=MESSAGE, headers=headers)
    assert echo.arrivals[0].certificate is None
    assert [(one["event"], one["problem"]) for one in logs] == [
        ("http.client_certificate_unreadable", "there more than once")
    ]


def escaped_pem(pair: Pair) -> str:
    """As nginx's `$ssl_client_escaped_cert`."""
    return quote(pair.certificate.read_text())


def structured_field(pair: Pair) -> str:
    """As RFC 9440 has it."""
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    return f":{base64.b64encode(der).decode()}:"


@pytest.mark.parametrize("write", [escaped_pem, structured_field])
async def test_a_proxy_may_tell_the_whole_certificate(authority: Authority, write: Callable[[Pair], str]) -> None:
    """Then its subject header, which might be the client's own, counts no more."""
    echo = Echo()
    pair = authority.issue(
        "forged",
        [(NameOID.ORGANIZATION_NAME, "x,CN=relais"), (NameOID.COMMON_NAME, "Bibliothèque du Nord")],
        [x509.DNSName("ILL.nord.example"), x509.UniformResourceIdentifier("urn:ill:nord")],
    )
    certificates = ForwardedCertificates(TrustedProxies((HOST,)), "X-Client-Certificate")
    headers = {
        "X-Client-Verify": "SUCCESS",
        "X-Client-Certificate": write(pair),
        "X-Client-Subject": "CN=relais",
    }
    async with http(site(echo, certificates=certificates)) as listener, aiohttp.ClientSession() as session:
        url = f"http://{HOST}:{listener.port}/ncip"
        await session.post(url, data=MESSAGE, headers=headers)
        await session.post(url, data=MESSAGE, headers={**headers, "X-Client-Certificate": "MIIC"})
        await session.post(url, data=MESSAGE, headers={**headers, "X-Client-Verify": "NONE"})
    told, broken, unverified = (arrival.certificate for arrival in echo.arrivals)
    assert told is not None
    assert told.common_name == "Bibliothèque du Nord"
    assert told.alternative_names == ("IP:127.0.0.1", "DNS:ill.nord.example", "URI:urn:ill:nord")
    assert told.fingerprint == normalize_fingerprint(pair.fingerprint)
    assert broken is None
    assert unverified is None


async def test_two_common_names_are_none(authority: Authority) -> None:
    echo = Echo()
    pair = authority.issue("two", [(NameOID.COMMON_NAME, "relais"), (NameOID.COMMON_NAME, "partner-b")])
    tls = context(authority, ssl.CERT_REQUIRED)
    async with http(site(echo), tls) as listener, aiohttp.ClientSession() as session:
        url = f"https://{HOST}:{listener.port}/ncip"
        await session.post(url, data=MESSAGE, ssl=authority.client_context(pair))
    assert echo.arrivals[0].certificate is not None
    assert echo.arrivals[0].certificate.common_name == ""
