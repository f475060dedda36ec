"""`illgate send` and `illgate mock` where a proxy on this machine is named: what comes from its address says whose it
is, or nobody is let in by an address."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from gateway.adapter_registry import load_adapters
from gateway.domain.profile import Profile
from gateway.settings import Settings, load_settings
from rehearsal.addresses import add_sender_headers, make_sender_headers
from tests.support.daemon import Installation

PATRON = "21000000000017"
FORWARDED = "X-Forwarded-For"


@pytest.fixture(scope="module")
def behind_proxy(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = fresh_installation.copy(tmp_path_factory.mktemp("proxy") / "illgate")
    made.change(http={"trusted_proxies": ["127.0.0.1"]}, tcp=[])
    with made.serve():
        yield made


def settings_of(installation: Installation) -> Settings:
    return load_settings(installation.config, load_adapters())


def post(installation: Installation, **headers: str) -> bytes:
    url = f"http://127.0.0.1:{installation.port}/ncip/ncip2"
    body = installation.run("send", "ncip2", "lookup-user", "--patron", PATRON, "--dry-run").stdout
    document = body[body.index("<") :].encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, document, {"Content-Type": "application/xml", **named})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def test_send_is_let_in_by_the_address_of_this_machine(behind_proxy: Installation) -> None:
    done = behind_proxy.run("send", "ncip2", "lookup-user", "--patron", PATRON, check=False)

    assert done.returncode == 0, done.stdout


def test_what_the_proxy_passes_on_is_still_its_senders(behind_proxy: Installation) -> None:
    """Whoever sends the header itself gets its own address added behind it."""
    assert b"Problem" in post(behind_proxy, X_Forwarded_For="192.0.2.7")
    assert b"Problem" in post(behind_proxy, X_Forwarded_For="127.0.0.1, 192.0.2.7")
    assert b"Problem" in post(behind_proxy), "a proxy that says nothing of the sender"


def test_a_played_system_and_a_played_partner_say_it_too(behind_proxy: Installation) -> None:
    settings = settings_of(behind_proxy)
    own = f"http://127.0.0.1:{behind_proxy.port}/ncip/ncip2"

    assert make_sender_headers(settings, own) == {FORWARDED: "127.0.0.1"}
    assert make_sender_headers(settings, own.replace("127.0.0.1", "localhost")) == {FORWARDED: "127.0.0.1"}


@pytest.mark.parametrize(
    "url",
    [
        "https://ill.library.example/ncip/ncip2",  # by the proxy, which says the address itself
        "http://127.0.0.1:1/ncip/ncip2",  # another program
        "http://127.0.0.1:notaport/",
        "127.0.0.1:4000",
        "ill@partner.example",
    ],
)
def test_nobody_else_is_told(behind_proxy: Installation, url: str) -> None:
    assert make_sender_headers(settings_of(behind_proxy), url) == {}


def test_without_a_named_proxy_the_connection_says_it(installation: Installation) -> None:
    settings = settings_of(installation)

    assert make_sender_headers(settings, f"http://127.0.0.1:{installation.port}/ncip/ncip2") == {}


async def test_a_channel_adds_it_to_what_shows_who_we_are(behind_proxy: Installation) -> None:
    settings = settings_of(behind_proxy)
    profile = Profile(name="fjordby")

    headers = await add_sender_headers(settings, f"http://127.0.0.1:{behind_proxy.port}/iso18626/x")(profile)

    assert headers == {FORWARDED: "127.0.0.1"}
