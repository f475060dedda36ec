"""Thousands of connections from one address that say nothing: others are served as before."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import messages
from tests.support.certificates import Authority
from tests.support.daemon import ILLGATE, Installation, process

CONNECTIONS = 5_000
STRANGER = "127.0.0.66"


@pytest.fixture(autouse=True)
def many_open_files() -> Iterator[None]:
    """For this process and the daemon, which gets them from it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 2_000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{wanted} open files are needed, and {hard} allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_others_are_served_while_a_stranger_holds_connections(
    installation: Installation, tmp_path: Path, encrypted: bool
) -> None:
    """With TLS the stranger does not even shake hands."""
    authority = Authority(tmp_path)
    pair = authority.issue("ill.example.org")
    scheme = "https" if encrypted else "http"
    if encrypted:
        installation.change(http={"tls": {"certificate": str(pair.certificate), "key": str(pair.key)}})
    site = f"{scheme}://127.0.0.1:{installation.port}"
    context = authority.client_context()
    with serving(installation, site, context), contextlib.ExitStack() as stack:
        idle = [stack.enter_context(open_connection(installation.port)) for _ in range(CONNECTIONS)]
        for _ in range(10):  # `ask` would give up
            assert messages.succeeded("LookupUser")(ask(f"{site}/ncip/ncip2", context, messages.lookup_user()))
        still_open = sum(not is_closed(one) for one in idle)
    assert 0 < still_open <= 500, "http.per_peer"
    lines = [line for line in installation.log.read_text().splitlines() if "http.too_many_connections" in line]
    assert 1 <= len(lines) <= 10
    assert STRANGER in lines[0]


@contextlib.contextmanager
def serving(installation: Installation, site: str, context: ssl.SSLContext) -> Iterator[None]:
    """As `Installation.serve`, also by TLS."""
    with process([ILLGATE, "--config", str(installation.config), "serve"], installation.log):
        for _ in range(600):
            with contextlib.suppress(OSError):
                ask(f"{site}/healthz", context)
                break
            time.sleep(0.1)
        yield


def open_connection(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(STRANGER, 0))
    opened.setblocking(False)
    return opened


def is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def ask(url: str, context: ssl.SSLContext, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/xml"})
    with urllib.request.urlopen(request, timeout=30, context=context if url.startswith("https") else None) as answer:
        return bytes(answer.read())
