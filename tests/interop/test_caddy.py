"""The daemon behind the shipped Caddyfile, in a real Caddy: what a browser claims of itself is removed."""

from __future__ import annotations

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Installation, free_port, process
from tests.support.paths import ROOT


@pytest.fixture
def front(installation: Installation, tmp_path: Path) -> Iterator[str]:
    """Its address. Without TLS: there is no authority that would certify a test."""
    binary = shutil.which("caddy")
    if binary is None:
        reason = "no Caddy (apt-get install caddy)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    header = {"name": "X-Staff-User", "proxies": ["127.0.0.1"]}
    installation.change(http={"trusted_proxies": ["127.0.0.1"]}, staff={"header": header})
    installation.run("user", "add", "r.okafor", "--role", "staff", "--no-password")
    address = f"http://127.0.0.1:{free_port()}"
    shipped = (ROOT / "deploy" / "Caddyfile").read_text()
    assert "\nill.example.org {" in shipped
    site = shipped.replace("\nill.example.org {", f"\n{address} {{", 1)
    site = site.replace("127.0.0.1:8080 {", f"127.0.0.1:{installation.port} {{")
    (tmp_path / "Caddyfile").write_text(
        "{\n\tadmin off\n}\n" + site.replace("UPSTREAM", f"127.0.0.1:{installation.port}")
    )
    command = [binary, "run", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    with installation.serve(), process(command, tmp_path / "caddy.log"):
        end = time.monotonic() + 20
        while ask(address, "/healthz")[0] != 200:
            assert time.monotonic() < end, (tmp_path / "caddy.log").read_text()[-2000:]
            time.sleep(0.1)
        yield address


def ask(address: str, path: str, **headers: str) -> tuple[int, str]:
    """Status 0: nobody listens."""
    request = urllib.request.Request(address + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except urllib.error.URLError:
        return 0, ""


def test_pages_come_through_what_is_for_staff_does_not_and_no_header_of_a_browser(front: str) -> None:
    assert "Sign in" in ask(front, "/staff")[1]
    assert [ask(front, path)[0] for path in ("/metrics", "/readyz", "/readyz/DEMO")] == [404] * 3
    claimed = {"X_Staff_User": "r.okafor", "X_Forwarded_For": "192.0.2.1"}
    assert ask(front, "/staff/sign-in/proxy", **claimed)[0] == 422
