"""What every answer says of us, also those that the HTTP library gives by itself."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
import pytest

from gateway.runtime.listener_tls import make_server_context
from tests.protocol.listeners.support import HOST, Echo, http, site, talk
from tests.protocol.pages.support import running
from tests.support.certificates import Authority
from tests.support.daemon import Installation

STRICT = "Strict-Transport-Security"


def head_of(answer: bytes) -> str:
    return answer.partition(b"\r\n\r\n")[0].decode()


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (200, b"POST /ncip HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<a/>"),
        (200, b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        (403, b"GET /ncip HTTP/1.1\r\nHost: x\r\nForwarded: for=192.0.2.1\r\nConnection: close\r\n\r\n"),
        (404, b"GET /server-status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        (404, b"GET http://ill.example.org HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        (404, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        (405, b"DELETE /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        (417, b"POST /ncip HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nConnection: close\r\nContent-Length: 1\r\n\r\n<"),
        (400, b"GET /%00 HTTP/1.1\r\nBroken\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: minus\r\n\r\n"),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        (400, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 70_000 + b"\r\n\r\n"),
    ],
)
async def test_no_answer_tells_a_version_or_lets_its_type_be_guessed(status: int, request_: bytes) -> None:
    async with http(site(Echo())) as listener:
        head = head_of(await talk(listener.port, request_))
    assert head.split(" ", 2)[1] == str(status), head
    assert "\r\nServer: illgate" in head
    assert "\r\nX-Content-Type-Options: nosniff" in head
    assert "aiohttp" not in head
    assert "Python" not in head


async def test_nor_does_one_of_the_daemon(installation: Installation) -> None:
    """API, pages, links and assets, where they are and where they aren't."""
    async with running(installation) as gateway, aiohttp.ClientSession() as session:
        for path in (
            "/api", "/api/v1", "/api/v1/requests", "/api/v1/nothing", "/api/v1/docs", "/openurl", "/openurl/NOBODY",
            "/openurl/_assets/pages.css", "/openurl/_assets/nothing", "/d/nothing", "/q/nothing", "/", "/metrics",
            "/staff", "/staff/sign-in", "/staff/nothing", "/ncip", "/iso18626/nobody", "/healthz",
            "/.well-known/jwks.json",
        ):  # fmt: skip
            for method in ("GET", "POST", "DELETE"):
                async with session.request(method, f"{gateway.url}{path}", allow_redirects=False) as answer:
                    assert answer.headers["Server"] == "illgate", (method, path)
                    assert answer.headers.getall("X-Content-Type-Options") == ["nosniff"], (method, path)
                    assert STRICT not in answer.headers


@pytest.mark.parametrize(("days", "said"), [(180, "max-age=15552000"), (0, "max-age=0")])
async def test_browsers_that_come_by_tls_keep_to_it(tmp_path: Path, days: int, said: str) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("ill.example.org")
    tls = make_server_context(own.certificate, own.key, None, ssl.CERT_NONE)
    async with http(site(Echo(), hsts_days=days), tls) as listener, aiohttp.ClientSession() as session:
        for path in ("/ncip", "/readyz", "/nothing"):
            url = f"https://{HOST}:{listener.port}{path}"
            async with session.get(url, ssl=authority.client_context()) as answer:
                assert answer.headers[STRICT] == said


@pytest.mark.parametrize(
    ("proxies", "proto", "is_said"),
    [((HOST,), "https", True), ((HOST,), "http", False), ((HOST,), "", False), ((), "https", False)],
)
async def test_a_trusted_proxy_says_whether_the_client_came_by_tls(
    proxies: tuple[str, ...], proto: str, *, is_said: bool
) -> None:
    made = site(Echo(), proxies=proxies, hsts_days=180)
    async with http(made) as listener, aiohttp.ClientSession() as session:
        headers = {"X-Forwarded-Proto": proto} if proto else {}
        async with session.get(f"http://{HOST}:{listener.port}/nothing", headers=headers) as answer:
            assert (STRICT in answer.headers) is is_said
