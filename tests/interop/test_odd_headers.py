"""Headers and addresses with octets that are no ASCII: refused in the ordinary way, never a failure of ours."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.daemon import Installation
from tests.support.looking import Database, tracebacks
from tests.support.yaml_files import write_yaml_file

LOOKUP = b"""<NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">
<LookupUser><UserId><UserIdentifierValue>21000000000017</UserIdentifierValue></UserId></LookupUser></NCIPMessage>"""

KINDS = {
    "basic": {"kind": "basic", "user": "ill", "secret": "file:partner.secret"},
    "bearer": {"kind": "bearer", "secret": "file:partner.secret"},
    "query": {"kind": "query-key", "parameter": "key", "secret": "file:partner.secret"},
    "header": {"kind": "header", "header": "X-Partner", "secret": "file:partner.secret"},
    "pathkey": {"kind": "path-key", "secret": "file:partner.secret"},
}
SECRET = "Schlüssel-Ω"


@pytest.fixture(scope="module")
def house(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with serve_partners(fresh_installation.copy(tmp_path_factory.mktemp("odd") / "illgate")) as made:
        yield made


@pytest.fixture(scope="module")
def flooded(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Gets hundreds of requests by strangers; the journal keeps some of them and then none for a while."""
    with serve_partners(fresh_installation.copy(tmp_path_factory.mktemp("flooded") / "illgate")) as made:
        yield made


@contextmanager
def serve_partners(made: Installation) -> Iterator[Installation]:
    (made.folder / "partner.secret").write_text(SECRET)
    for name, auth in KINDS.items():
        profile = {"extends": "ncip2", "match": [{"path": name}], "auth": [auth], "examples": []}
        write_yaml_file(made.folder / "profiles" / f"{name}.yml", profile)
    with made.serve():
        yield made
    assert not tracebacks(made)


def ask(port: int, method: bytes, target: bytes, *headers: bytes, body: bytes = b"") -> tuple[int, bytes]:
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    lines.append(b"Content-Length: %d" % len(body))
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), content


def rejections(installation: Installation) -> int:
    """Messages in the journal whose sender could not prove who it is."""
    count = "SELECT count(*) FROM message WHERE direction = 'in' AND outcome = 'rejected' AND reason = ?"
    return int(Database(installation.database).value(count, "sender-auth-failed"))


ODD = {
    "Basic with raw UTF-8": (b"/ncip/basic", "Authorization: Basic ill:Schlüssel".encode()),
    "Basic with raw Latin-1": (b"/ncip/basic", "Authorization: Basic aWxsOn\xfc".encode("latin-1")),
    "Basic, coded Latin-1": (
        b"/ncip/basic",
        b"Authorization: Basic " + base64.b64encode("ill:Schl\xfcssel".encode("latin-1")),
    ),
    "Basic, an odd blank": (b"/ncip/basic", b"Authorization: Basic\xc2\xa0aWxsOng="),
    "Bearer with raw UTF-8": (b"/ncip/bearer", "Authorization: Bearer Ключ".encode()),
    "Bearer with raw Latin-1": (b"/ncip/bearer", "Authorization: Bearer Schl\xfcssel".encode("latin-1")),
    "another scheme": (b"/ncip/bearer", "Authorization: Schlüssel x".encode()),
    "a key in the query": (b"/ncip/query?key=%FF%FE", b"X-Partner: \xff"),
    "a header of its own": (b"/ncip/header", b"X-Partner: Schl\xc3"),
    "a key in the path": (b"/ncip/pathkey/%FF%FE", b"X-Partner: \xff"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_partner_is_refused_and_journaled(house: Installation, case: str) -> None:
    before = rejections(house)
    target, header = ODD[case]

    status, answer = ask(house.port, b"POST", target, header, b"Content-Type: application/xml\xff", body=LOOKUP)

    assert status == 200, answer
    assert b"Problem" in answer
    assert rejections(house) == before + 1


@pytest.mark.parametrize(
    ("target", "header"),
    [
        (b"/ncip/basic", b"Authorization: Basic " + base64.b64encode(f"ill:{SECRET}".encode())),
        (b"/ncip/bearer", f"Authorization: Bearer {SECRET}".encode()),
        (b"/ncip/query?key=Schl%C3%BCssel-%CE%A9", b"X-Partner: x"),
        (b"/ncip/pathkey/Schl%C3%BCssel-%CE%A9", b"X-Partner: x"),
    ],
)
def test_a_secret_that_is_no_ascii_lets_in(house: Installation, target: bytes, header: bytes) -> None:
    _, answer = ask(house.port, b"POST", target, header, body=LOOKUP)

    assert b"LookupUserResponse" in answer
    assert b"Problem" not in answer


HEADERS = (
    *("Authorization", "Cookie", "Accept-Language", "Content-Type", "If-Match", "Idempotency-Key", "Last-Event-ID"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Origin", "Host", "If-None-Match", "Range"),
)
TARGETS = (
    *(b"/api/v1/requests", b"/api/v1/requests/%FF", b"/api/v1/requests?q=%FF", b"/api/v1/events", b"/api/v1/webhooks"),
    *(b"/openurl?genre=book&title=%FF%FE", b"/openurl/sign-in", b"/openurl/requests", b"/d/%FF%FE", b"/q/%FF%FE"),
    *(b"/readyz", b"/ncip/%FF", b"/%FF"),
)


@pytest.fixture(scope="module")
def token(flooded: Installation) -> bytes:
    """Of an API key."""
    said = flooded.run("key", "create", "odd", "--scope", "requests:read").stdout.split()
    return next(word for word in said if word.startswith("ilg_")).encode()


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=bytes.decode)
def test_nothing_else_fails_by_it(flooded: Installation, token: bytes, target: bytes) -> None:
    for method, body in ((b"GET", b""), (b"POST", b"{}")):
        for odd in ("Ünïcode Ω".encode(), b"Bearer \xff", b'a="\xff\xfe"'):
            for name in HEADERS:
                headers = [f"{name}: ".encode() + odd]
                if name != "Authorization":
                    headers.append(b"Authorization: Bearer " + token)
                status, answer = ask(flooded.port, method, target, *headers, body=body)
                assert status < 500, (method, name, odd, answer)
