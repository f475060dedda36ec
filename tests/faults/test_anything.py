"""Whatever bytes arrive at one running daemon: an answer or a clean close, in time; a quiet log; and a library that
is as before, unless a message was understood."""

from __future__ import annotations

import functools
import http.client
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.bench import messages
from tests.support.daemon import Installation
from tests.support.looking import Database, tracebacks
from tests.support.shipped_profiles import copy_shipped_profiles
from tests.support.yaml_files import read_yaml_file

ROOT = Path(__file__).parents[2]
SECONDS = 5.0
"""Longest wait for an answer or a close, where the whole of a message is sent at once."""

SILENCE = 10.0
"""So long a partner may be silent inside a message (gateway.runtime.daemon)."""

JOURNAL = ("message", "processed_message", "retention")
ROOTS = {"NCIPMessage", "NCIPVersionMessage"}


@dataclass
class Running:
    installation: Installation
    database: Database
    unfinished: list[tuple[float, socket.socket]] = field(default_factory=list)
    library: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def look(self) -> bool:
        """Whether the library is as it was at the last look."""
        before, self.library = self.library, self.database.content(*JOURNAL)
        return self.library == before

    def newest(self) -> str:
        return str(self.database.value("SELECT max(id) FROM message"))

    def outcomes(self, since: str) -> set[str]:
        return set(self.database.column("SELECT outcome FROM message WHERE id > ?", since))


@pytest.fixture(scope="module")
def running(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = fresh_installation.copy(tmp_path_factory.mktemp("anything"))
    copy_shipped_profiles(made.folder, "illiad-aleph")
    made.change(http={"body_seconds": 5})
    with made.serve() as daemon:
        found = Running(made, Database(made.database))
        for port, begun in (
            (made.port, b"POST /ncip/ncip2 HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n<NCIPMessage><Look"),
            (made.tcp_port, b"<NCIPMessage><Look"),
        ):
            one = socket.create_connection(("127.0.0.1", port))
            one.sendall(begun)
            found.unfinished.append((time.monotonic(), one))
        made.post(messages.accept_item(1, "ANY"))  # so that the journal is not empty, and there is a temporary item
        found.look()
        yield found
        for _, one in found.unfinished:
            one.close()
        assert daemon.poll() is None
    assert tracebacks(made) == []


# --- talking -------------------------------------------------------------------------------------------------


def talk(port: int, sent: bytes, seconds: float = SECONDS) -> bytes:
    """All that comes until the other side closes. Raises TimeoutError when it doesn't in time."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return read(connection, seconds)
        except (ConnectionResetError, BrokenPipeError):
            return b""


def read(connection: socket.socket, seconds: float) -> bytes:
    end = time.monotonic() + seconds
    received = b""
    while True:
        connection.settimeout(max(0.001, end - time.monotonic()))
        data = connection.recv(65_536)
        if not data:
            return received
        received += data


def post(running: Running, path: str, body: bytes, content_type: str) -> bytes:
    """The answer, which comes with HTTP 200."""
    connection = http.client.HTTPConnection("127.0.0.1", running.installation.port, timeout=SECONDS)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type} if content_type else {})
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()
    finally:
        connection.close()


def check_ncip(answer: bytes) -> etree._Element:
    root = etree.fromstring(answer)
    assert etree.QName(root).localname in ROOTS
    assert len(root) == 1
    return root


def check_unchanged(running: Running, since: str) -> None:
    """The library, unless one of the messages since then was understood and carried out; and nothing is left open."""
    outcomes = running.outcomes(since)
    assert "pending" not in outcomes
    assert running.look() or "ok" in outcomes


# --- what is sent --------------------------------------------------------------------------------------------


@functools.cache
def examples() -> list[tuple[str, bytes]]:
    """Profile and message: those with which the shipped profiles are explained."""
    found = []
    for file in sorted((ROOT / "profiles").glob("*.yml")):
        profile = read_yaml_file(file)
        found += [(profile["name"], example["send"].encode()) for example in profile.get("examples", ())]
    return found


CHARSETS = ("utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp037", "shift_jis", "utf-7")
DECLARED = (b"UTF-16", b"EBCDIC-CP-US", b"x-unknown", b"ISO-2022-JP", b"utf-8\x00")
PIECES = (
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"&#0;", b"&#x110000;",
    b"&undefined;", b"<?xml version='1.1'?>", b"<?pi", b"</NCIPMessage>", b"<NCIPMessage>", b" xmlns='urn:x'",
    b"%3CNCIPMessage%3E", b"\r\n\r\n", b"\xed\xa0\x80", "\u202e\U0001f4da".encode(),
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, messages_: tuple[tuple[str, bytes], ...]) -> tuple[str, bytes]:
    """A message as partners send it, to which one to four things have happened on its way."""
    profile, body = draw(st.sampled_from(messages_))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        length = draw(st.integers(1, 200))
        body = draw(
            st.one_of(
                st.just(flipped(body, at, draw(st.integers(0, 7)))),
                st.just(body[:at]),
                st.just(body[:at] + body[at + length :]),
                st.just(body[: at + length] + body[at:]),  # a chunk twice
                st.sampled_from(PIECES).map(lambda piece, body=body, at=at: body[:at] + piece + body[at:]),
                st.binary(max_size=20).map(lambda piece, body=body, at=at: body[:at] + piece + body[at:]),
                st.sampled_from(CHARSETS).map(lambda name, body=body: recoded(body, name)),
                st.sampled_from(DECLARED).map(lambda name, body=body: declared(body, name)),
            )
        )
    return profile, body


def flipped(body: bytes, at: int, bit: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :] if at < len(body) else body


def recoded(body: bytes, charset: str) -> bytes:
    """In another charset than it says."""
    return body.decode("utf-8", "replace").encode(charset, "replace")


def declared(body: bytes, charset: bytes) -> bytes:
    return b'<?xml version="1.0" encoding="' + charset + b'"?>' + body.split(b"?>", 1)[-1]


CONTENT_TYPES = st.sampled_from(
    [
        "", "application/xml", "text/xml; charset=utf-16", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "application/xml; charset=nonsense", "application/octet-stream",
    ]
)  # fmt: skip

HEADS = st.sampled_from(
    [
        b"", b"POST /ncip HTTP/1.1\r\nHost: x\r\n", b"POST /ncip/ncip2 HTTP/1.1\r\nContent-Length: 12\r\n\r\n",
        b"POST /ncip/ncip2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET /readyz HTTP/1.1\r\n\r\n",
        b"POST /ncip HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /ncip HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST /%00\xff/../ncip HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS at a plain port
    ]
)  # fmt: skip


# --- the tests -----------------------------------------------------------------------------------------------


@given(sent=st.deferred(lambda: damaged(tuple(examples()))), content_type=CONTENT_TYPES)
@settings(max_examples=120)
def test_damaged_messages_by_http(running: Running, sent: tuple[str, bytes], content_type: str) -> None:
    since = running.newest()
    profile, body = sent

    answer = post(running, f"/ncip/{profile}", body, content_type)

    check_ncip(answer)
    check_unchanged(running, since)


@given(body=st.binary(max_size=400), path=st.sampled_from(["/ncip", "/ncip/ncip2", "/ncip/illiad-aleph", "/ncip/x"]))
@settings(max_examples=30)
def test_any_body_by_http(running: Running, body: bytes, path: str) -> None:
    since = running.newest()

    check_ncip(post(running, path, body, "application/xml"))

    check_unchanged(running, since)


@given(head=HEADS, rest=st.one_of(st.binary(max_size=300), st.sampled_from(PIECES)))
@settings(max_examples=60)
def test_any_bytes_at_the_http_port(running: Running, head: bytes, rest: bytes) -> None:
    answer = talk(running.installation.port, head + rest)

    assert answer == b"" or answer.startswith(b"HTTP/1.")
    assert b"Traceback" not in answer


def ncip_1() -> tuple[tuple[str, bytes], ...]:
    return tuple((profile, body) for profile, body in examples() if profile == "ncip1")


@given(sent=st.lists(st.one_of(st.deferred(lambda: damaged(ncip_1())).map(lambda one: one[1]), st.binary(max_size=300)),
                     min_size=1, max_size=3))  # fmt: skip
@settings(max_examples=60)
def test_any_bytes_at_the_tcp_port(running: Running, sent: list[bytes]) -> None:
    since = running.newest()

    answer = talk(running.installation.tcp_port, b"".join(sent))

    assert answer == b"" or answer.endswith(b"\r\n")
    for one in answer.split(b"\r\n"):
        if one:
            check_ncip(one)
    check_unchanged(running, since)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))
DEPTH = 50_000
ATTACKS = {
    "billion laughs": f'<!DOCTYPE NCIPMessage [<!ENTITY l0 "ha">{LAUGHS}]><NCIPMessage>&l29;</NCIPMessage>',
    "one long entity many times": f'<!DOCTYPE NCIPMessage [<!ENTITY a "{"a" * 50_000}">]>'
    f"<NCIPMessage>{'&a;' * 20_000}</NCIPMessage>",
    "a file of this machine": '<!DOCTYPE NCIPMessage [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    "<NCIPMessage><LookupUser><UserId><UserIdentifierValue>&f;</UserIdentifierValue></UserId></LookupUser></NCIPMessage>",
    "a page of another": '<!DOCTYPE NCIPMessage SYSTEM "http://127.0.0.1:9/ncip.dtd"><NCIPMessage/>',
    "a DTD with parameters": '<!DOCTYPE NCIPMessage [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><NCIPMessage/>',
    "too deep": f"<NCIPMessage>{'<a>' * DEPTH}{'</a>' * DEPTH}</NCIPMessage>",
    "never closed": "<NCIPMessage>" + "<a>" * DEPTH,
    "many attributes": "<NCIPMessage" + "".join(f" a{n}='1'" for n in range(DEPTH)) + "/>",
    "many namespaces": "<NCIPMessage" + "".join(f" xmlns:a{n}='urn:{n}'" for n in range(DEPTH)) + "/>",
    "many elements": f"<NCIPMessage><LookupUser>{'<UserId/>' * DEPTH}</LookupUser></NCIPMessage>",
    "many lesser-thans": "<" * 200_000,
    "many ampersands": "<NCIPMessage>" + "&" * 200_000 + "</NCIPMessage>",
    "two messages": messages.lookup_user().decode() * 2,
    "another root": "<html><body>It works!</body></html>",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(running: Running, name: str) -> None:
    since = running.newest()
    body = ATTACKS[name].encode()

    begun = time.monotonic()
    root = check_ncip(post(running, "/ncip/ncip2", body, "application/xml"))
    by_tcp = talk(running.installation.tcp_port, body)

    assert time.monotonic() - begun < SECONDS
    assert b"root:" not in etree.tostring(root) + by_tcp
    check_ncip(by_tcp.strip().split(b"\r\n")[0])
    check_unchanged(running, since)


def test_a_body_without_an_end(running: Running) -> None:
    """The answer comes when it is more than any profile takes; who goes on all the same is soon cut off."""
    end = time.monotonic() + SECONDS
    with socket.create_connection(("127.0.0.1", running.installation.port), timeout=SECONDS) as connection:
        connection.sendall(b"POST /ncip/ncip2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (65_536, b"<" * 65_536)
        try:
            while time.monotonic() < end:
                connection.sendall(chunk)
            pytest.fail("more and more was read")
        except ConnectionError:
            pass
        head, body = connection.recv(65_536).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert check_ncip(body).findtext(".//{*}ProblemDetail") == "message: larger than 1000000 bytes"


def test_a_message_that_never_ends_is_answered(running: Running) -> None:
    """One by HTTP and one by TCP, begun before the other tests of this module."""
    for begun, connection in running.unfinished:
        answer = read(connection, max(1.0, begun + SILENCE + SECONDS - time.monotonic()))
        check_ncip(answer.split(b"\r\n\r\n")[-1])


def test_after_all_that_everybody_is_served(running: Running) -> None:
    assert b"Problem>" not in running.installation.post(messages.lookup_user())
    database = running.database
    assert database.value("SELECT count(*) FROM message WHERE outcome = 'pending'") == 0
    assert database.rows("PRAGMA foreign_key_check") == []
    assert database.value("PRAGMA integrity_check") == "ok"
    assert tracebacks(running.installation) == []
