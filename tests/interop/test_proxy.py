"""The daemon behind the shipped nginx.conf, in a real nginx: who gets in, and as whom."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.adapter_registry import load_adapters
from tests.bench import messages
from tests.support.certificates import Authority, Pair
from tests.support.daemon import Installation
from tests.support.installed import NotInstalled
from tests.support.nginx import proxy

BY_CERTIFICATE = """\
name: by-certificate
extends: ncip2
description: a partner known by its certificate alone
auth:
  - {kind: certificate, user: Fjord Consortium}
"""

BY_WHOLE_CERTIFICATE = """\
name: by-whole-certificate
extends: ncip2
description: a partner known by two names of its certificate and by its fingerprint
auth:
  - {{kind: certificate, user: Fjord Consortium, san: "DNS:ill.fjord.example", fingerprint: "{fingerprint}"}}
"""

BY_ADDRESS = """\
name: by-address
extends: ncip2
description: a partner known by its address alone
auth:
  - {kind: network, networks: [127.0.0.5/32]}
"""


BOTH_HEADERS = pytest.mark.parametrize("front", ["", "X-Client-Certificate"], indirect=True)


@dataclass(frozen=True)
class Front:
    installation: Installation
    authority: Authority
    port: int
    fjord: Pair | None = None
    certificate_header: str = ""

    def notes_of_proxies(self) -> list[str]:
        """What /readyz notes once it has looked anew."""
        for _ in range(50):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.installation.port}/readyz", timeout=10) as page:
                (part,) = (part for part in json.load(page)["parts"] if part["name"] == "proxies")
            if "notes" in part:
                return list(part["notes"])
            time.sleep(0.1)
        return []

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        name: str = "",
        headers: dict[str, str] | None = None,
        pair: Pair | None = None,
    ) -> tuple[int, bytes]:
        """Status and body. `name`: of the client's certificate, where it doesn't show `pair`."""
        shown = pair or (self.authority.issue(name) if name else None)
        context = self.authority.client_context(shown)
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}{path}", body, {"Content-Type": "application/xml", **(headers or {})}
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@contextlib.contextmanager
def nginx_before(
    installation: Installation, folder: Path, told: Mapping[str, str] | None = None, authority: Authority | None = None
) -> Iterator[Front]:
    """`told`: headers that it sets otherwise than the shipped file."""
    authority = authority or Authority(folder)
    try:
        with proxy(folder, installation.port, authority, told) as port:
            yield Front(installation, authority, port)
    except NotInstalled as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="module", params=[""])
def front(
    request: pytest.FixtureRequest, fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """One for all tests, which ask and change nothing. The parameter is `http.certificate_header`."""
    folder = tmp_path_factory.mktemp("front")
    installation = fresh_installation.copy(folder / "illgate")
    proxies = {"trusted_proxies": ["127.0.0.1"], "certificate_proxies": ["127.0.0.1"]}
    installation.change(http={**proxies, "certificate_header": request.param})
    (installation.folder / "profiles" / "by-certificate.yml").write_text(BY_CERTIFICATE)
    (installation.folder / "profiles" / "by-address.yml").write_text(BY_ADDRESS)
    authority = Authority(folder)
    fjord = authority.issue("fjord", [(NameOID.COMMON_NAME, "Fjord Consortium")], [x509.DNSName("ill.fjord.example")])
    (installation.folder / "profiles" / "by-whole-certificate.yml").write_text(
        BY_WHOLE_CERTIFICATE.format(fingerprint=fjord.fingerprint)
    )
    with installation.serve(), nginx_before(installation, folder, authority=authority) as front:
        yield replace(front, fjord=fjord, certificate_header=request.param)


def test_a_partner_is_known_by_its_certificate(front: Front) -> None:
    succeeded = messages.succeeded("LookupUser")
    asked = messages.lookup_user()

    assert succeeded(front.ask("/ncip/by-certificate", asked, "Fjord Consortium")[1])
    for refused in (
        front.ask("/ncip/by-certificate", asked),
        front.ask("/ncip/by-certificate", asked, "Somebody Else"),
        front.ask(  # what a client says of itself is replaced by nginx
            "/ncip/by-certificate",
            asked,
            headers={"X-Client-Verify": "SUCCESS", "X-Client-Subject": "CN=Fjord Consortium"},
        ),
    ):
        assert refused[0] == 200
        assert b"Problem" in refused[1]
        assert not succeeded(refused[1])


def test_messages_of_every_protocol_by_http_get_through(front: Front) -> None:
    protocols = [name for name, protocol in load_adapters().protocols.items() if protocol.over_http]

    answers = {name: front.ask(f"/{name}/nobody", b"<unknown/>")[1] for name in protocols}

    assert protocols
    assert b"nginx" in front.ask("/nothing-of-ours")[1], "its own pages say so"
    assert not [name for name, answer in answers.items() if b"nginx" in answer], answers


@BOTH_HEADERS
def test_nobody_is_a_partner_by_a_part_of_a_name(front: Front) -> None:
    common_name, organization = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME
    for subject in (
        # OpenSSL writes the last part first: O=x\\,CN=Fjord Consortium,CN=Harbour Consortium
        [(common_name, "Harbour Consortium"), (organization, "x,CN=Fjord Consortium")],
        [(common_name, "Harbour Consortium"), (common_name, "Fjord Consortium")],
        [(common_name, "Fjord Consortium,O=x")],
        [(common_name, "Fjord Consortium ")],
    ):
        stranger = front.authority.issue("stranger", subject)
        answer = front.ask("/ncip/by-certificate", messages.lookup_user(), pair=stranger)[1]
        assert b"Problem" in answer
        assert not messages.succeeded("LookupUser")(answer), subject


@BOTH_HEADERS
def test_a_partner_is_known_by_its_whole_certificate(front: Front) -> None:
    """By the subject alone fingerprint and other names can't be told, so nobody is let in by them."""
    succeeded, asked = messages.succeeded("LookupUser"), messages.lookup_user()
    other = front.authority.issue("Fjord Consortium", names=[x509.DNSName("ill.fjord.example")])
    assert front.fjord is not None
    forged = {"X-Client-Certificate": quote(front.fjord.certificate.read_text())}

    assert succeeded(front.ask("/ncip/by-certificate", asked, pair=front.fjord)[1])
    whole = front.ask("/ncip/by-whole-certificate", asked, pair=front.fjord)[1]
    assert bool(succeeded(whole)) == bool(front.certificate_header)
    assert not succeeded(front.ask("/ncip/by-whole-certificate", asked, headers=forged, pair=other)[1])


def test_nginx_turns_away_a_partner_that_must_have_a_certificate(front: Front) -> None:
    assert front.ask("/ncip/relais-d2d", messages.lookup_user())[0] == 403
    assert front.ask("/ncip/relais-d2d", messages.lookup_user(), "Relais")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/ncip/Relais-D2D",
        "/ncip/relais-d2d/",
        "/ncip/RELAIS-D2D/key",
        "/ncip/relais%2Dd2d",
        "/ncip/relai%C5%BF-d2d",
        "/ncip/relais-d2d/..",
        "/ncip/relais-d2d/%2e%2e",
        "/ncip/relais-d2d/key%2F..%2F..",
        "/ncip/relais-d2d/.",
        "//ncip/relais-d2d",
    ],
)
def test_no_other_way_of_writing_its_path_leads_past_the_gate(front: Front, path: str) -> None:
    status, answer = front.ask(path, messages.lookup_user())
    assert not messages.succeeded("LookupUser")(answer)
    assert status in (400, 403, 404) or b"Problem" in answer


def test_a_certificate_of_another_authority_is_refused(front: Front, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("Fjord Consortium")
    context = front.authority.client_context()
    context.load_cert_chain(stranger.certificate, stranger.key)
    url = f"https://127.0.0.1:{front.port}/ncip/by-certificate"
    with pytest.raises((urllib.error.HTTPError, ssl.SSLError)) as refused:
        urllib.request.urlopen(url, messages.lookup_user(), timeout=30, context=context).close()
    if isinstance(refused.value, urllib.error.HTTPError):
        assert refused.value.code == 400
        refused.value.close()


def test_what_patrons_and_programs_need_is_reachable(front: Front) -> None:
    status, page = front.ask("/openurl?genre=book&title=Of+Rivers+and+Rain")
    assert status == 200
    assert b"Of Rivers and Rain" in page
    assert front.ask("/openurl/_assets/pages.css")[0] == 200
    assert front.ask("/api/v1/openapi.json")[0] == 200
    assert front.ask("/api/v1/requests")[0] == 401
    assert b"There are no keys here" in front.ask("/.well-known/jwks.json")[1]
    assert b"nginx" in front.ask("/nothing-of-ours")[1], "its own pages say so"
    for link in ("/q/nothing", "/d/nothing"):
        status, page = front.ask(link)
        assert status in (400, 404, 410)
        assert b"nginx" not in page, f"{link} does not reach the daemon"


def test_what_is_for_ourselves_is_not(front: Front) -> None:
    for path in ("/metrics", "/readyz", "/healthz"):
        status, page = front.ask(path)
        assert status == 404
        assert b"nginx" in page


def test_a_message_that_is_too_large_for_its_profile_is_answered_in_its_protocol(front: Front) -> None:
    status, answer = front.ask("/ncip/by-certificate", b"<NCIPMessage>" + b" " * 3_000_000, "Fjord Consortium")
    assert status == 200
    assert b"Problem" in answer


def test_a_partner_is_known_by_its_address(front: Front) -> None:
    succeeded = messages.succeeded("LookupUser")

    assert succeeded(post_from("127.0.0.5", front))
    assert not succeeded(post_from("127.0.0.6", front))
    assert not succeeded(post_from("127.0.0.6", front, {"X-Forwarded-For": "127.0.0.5"}))


def test_a_proxy_that_nobody_named_makes_nobody_local(installation: Installation, tmp_path: Path) -> None:
    """Profile ncip2 lets in this machine, where the proxy is."""
    with installation.serve(), nginx_before(installation, tmp_path) as front:
        refused = front.ask("/ncip/ncip2", messages.lookup_user())
        local = installation.post(messages.lookup_user())
        notes = front.notes_of_proxies()
    assert refused[0] == 403
    assert b"http.trusted_proxies" in refused[1]
    assert messages.succeeded("LookupUser")(local), "who comes without a proxy is known by its address as before"
    assert notes == ["proxy 127.0.0.1 is not in http.trusted_proxies, so what it passes on is refused (1 request)"]
    assert "http.proxy_not_trusted" in installation.log.read_text()


@pytest.mark.parametrize("told", ["", '"unknown"'])
def test_a_proxy_that_does_not_say_who_the_sender_is_makes_nobody_local(
    installation: Installation, tmp_path: Path, told: str
) -> None:
    installation.change(http={"trusted_proxies": ["127.0.0.1"]})
    with installation.serve(), nginx_before(installation, tmp_path, {"X-Forwarded-For": told}) as front:
        answer = front.ask("/ncip/ncip2", messages.lookup_user())[1]
        notes = front.notes_of_proxies()
    assert b"Problem" in answer
    assert not messages.succeeded("LookupUser")(answer)
    assert notes == [
        "proxy 127.0.0.1 does not state in X-Forwarded-For who the sender is, so no `networks` of a profile fits "
        "(1 request)"
    ]
    assert "http.sender_address_missing" in installation.log.read_text()


def test_a_port_with_the_address_does_no_harm(installation: Installation, tmp_path: Path) -> None:
    """As some proxies write it, such as Azure's."""
    installation.change(http={"trusted_proxies": ["127.0.0.1"]})
    (installation.folder / "profiles" / "by-address.yml").write_text(BY_ADDRESS)
    told = {"X-Forwarded-For": "$remote_addr:$remote_port"}
    with installation.serve(), nginx_before(installation, tmp_path, told) as front:
        assert messages.succeeded("LookupUser")(post_from("127.0.0.5", front))
        assert not messages.succeeded("LookupUser")(post_from("127.0.0.6", front))


def post_from(address: str, front: Front, headers: dict[str, str] | None = None) -> bytes:
    connection = http.client.HTTPSConnection(
        "127.0.0.1",
        front.port,
        timeout=30,
        source_address=(address, 0),
        context=front.authority.client_context(),
    )
    with contextlib.closing(connection):
        connection.request("POST", "/ncip/by-address", messages.lookup_user(), headers or {})
        return connection.getresponse().read()
