"""Messages over HTTP from clients with all the habits of facts/ncip.md section 1."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
import structlog

from gateway.runtime import listeners
from gateway.runtime.listener_tls import make_server_context
from gateway.web import app, inbound
from gateway.web.app import GatewayReadiness, PartKind, ReadinessPart
from gateway.web.inbound import AdmissionQueue, ReadTimeouts
from gateway.web.trusted_proxies import MAX_NOTED_PROXIES, NOTED_SECONDS, ForwardingNotes
from tests.protocol.listeners.support import HOST, LIMIT, Echo, http, site, talk
from tests.support.certificates import Authority

MESSAGE = "<NCIPMessage><LookupUser>Øystein Çelik</LookupUser></NCIPMessage>".encode()


def post(body: bytes, *headers: str, path: str = "/ncip", version: str = "1.1", length: int | None = None) -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: gateway.example", *headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer_of(raw: bytes) -> tuple[int, bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def reset(writer: asyncio.StreamWriter) -> None:
    """Go away without a farewell."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    "content_type",
    [None, "text/html; charset=UTF-8", "application/x-www-form-urlencoded", "application/xml", "nonsense", ""],
)
async def test_any_content_type_is_taken_and_the_bytes_stay_as_they_are(content_type: str | None) -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        headers = ["Connection: close"] + ([f"Content-Type: {content_type}"] if content_type is not None else [])
        status, body = answer_of(await talk(listener.port, post(b"%3CNCIPMessage%3E+", *headers)))
    assert (status, body) == (200, b"<got>18</got>")
    assert echo.bodies == [b"%3CNCIPMessage%3E+"]
    assert echo.arrivals[0].content_type == (content_type or "")


@pytest.mark.parametrize(
    ("path", "profile", "query"),
    [
        ("/ncip", "", {}),
        ("/ncip/", "", {}),
        ("/ncip/illiad-alma", "illiad-alma", {}),
        ("/ncip/illiad-alma/", "illiad-alma", {}),
        ("/ncip/illiad-folio/k3y?x=1", "illiad-folio", {"x": "1"}),
        ("/ncip?apikey=k%26y", "", {"apikey": "k&y"}),
    ],
)
async def test_the_path_names_profile_and_key(path: str, profile: str, query: dict[str, str]) -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        await talk(listener.port, post(MESSAGE, "Connection: close", "X-Partner: Ü", path=path))
    arrival = echo.arrivals[0]
    assert (arrival.profile, arrival.query, arrival.path) == (profile, query, path.partition("?")[0])
    assert arrival.headers["host"] == "gateway.example"
    assert "x-partner" in arrival.headers
    assert arrival.peer == HOST
    assert arrival.received.tzinfo is not None


@pytest.mark.parametrize(
    "path",
    ["/ncip/partner/..", "/ncip/partner/%2e%2e", "/ncip/partner/.", "/ncip/./partner", "/ncip/partner/key%2F..%2F.."],
)
async def test_a_path_that_a_proxy_reads_otherwise_leads_nowhere(path: str) -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        status, _ = answer_of(await talk(listener.port, post(MESSAGE, "Connection: close", path=path)))
    assert status == 400
    assert echo.arrivals == []


async def test_a_name_may_have_dots() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        await talk(listener.port, post(MESSAGE, "Connection: close", path="/ncip/partner.v2/.key"))
    assert echo.arrivals[0].profile == "partner.v2"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "PROPFIND"])
async def test_any_method_with_a_body_is_a_message(method: str) -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        raw = post(MESSAGE, "Connection: close").replace(b"POST", method.encode(), 1)
        assert answer_of(await talk(listener.port, raw))[0] == 200
    assert echo.bodies == [MESSAGE]


async def test_get_says_what_this_is_and_an_empty_post_goes_to_the_protocol() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        page = await talk(listener.port, b"GET /ncip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"curl" in page
        assert echo.bodies == []
        await talk(listener.port, post(b"", "Connection: close"))
    assert echo.bodies == [b""]


async def test_chunked_body() -> None:
    echo = Echo()
    raw = b"POST /ncip HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with http(site(echo)) as listener:
        assert (
            answer_of(await talk(listener.port, raw, b"5\r\n<NCIP", 0.1, b"\r\n8\r\nMessage>\r\n0\r\n\r\n"))[0] == 200
        )
    assert echo.bodies == [b"<NCIPMessage>"]


async def test_a_wrong_chunk_gives_the_protocol_what_came_before() -> None:
    echo = Echo()
    raw = b"POST /ncip HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<NCIP\r\n"
    async with http(site(echo)) as listener:
        status, _ = answer_of(await talk(listener.port, raw, 0.1, b"zz\r\nMessage>\r\n0\r\n\r\n"))
    assert status == 200
    assert echo.bodies == [b"<NCIP"]


async def test_expect_100_continue() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        reader, writer = await asyncio.open_connection(HOST, listener.port)
        head = post(MESSAGE, "Expect: 100-continue", "Connection: close")[: -len(MESSAGE)]
        writer.write(head)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(MESSAGE)
        assert answer_of(await reader.read())[0] == 200
        writer.close()
    assert echo.bodies == [MESSAGE]


async def test_offers_to_upgrade_are_ignored() -> None:
    """Java's HttpClient offers HTTP/2 with its first request."""
    echo = Echo()
    headers = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk")
    async with http(site(echo)) as listener:
        status, _ = answer_of(await talk(listener.port, post(MESSAGE, *headers), half_close=True))
    assert status == 200
    assert echo.bodies == [MESSAGE]


async def test_compressed_body() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        raw = post(gzip.compress(MESSAGE), "Content-Encoding: gzip", "Connection: close")
        assert answer_of(await talk(listener.port, raw))[0] == 200
    assert echo.bodies == [MESSAGE]


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, LIMIT * 40])
async def test_too_large_a_body_is_cut_one_byte_above_the_limit(size: int) -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        raw = post(b"x" * size, "Connection: close")
        status, _ = answer_of(await talk(listener.port, raw))
    assert status == 200
    assert [len(body) for body in echo.bodies] == [min(size, LIMIT + 1)]


async def test_a_decompression_bomb_is_cut_as_well() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        raw = post(gzip.compress(bytes(20_000_000)), "Content-Encoding: gzip", "Connection: close")
        assert answer_of(await talk(listener.port, raw))[0] == 200
    assert [len(body) for body in echo.bodies] == [LIMIT + 1]


async def test_a_body_that_stops_half_way_is_answered_by_the_protocol() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        status, _ = answer_of(await talk(listener.port, post(b"<NCIPMessage><Look", length=500)))
    assert status == 200
    assert echo.bodies == [b"<NCIPMessage><Look"]


@pytest.mark.slow
async def test_a_slow_loris_is_cut_off_but_a_slow_sender_is_served() -> None:
    echo = Echo()
    head = post(b"", "Connection: close", length=2000)
    async with http(site(echo)) as listener:
        answers = await asyncio.gather(
            talk(listener.port, head, *(piece for _ in range(30) for piece in (b"a", 0.1))),
            talk(listener.port, head, *(piece for _ in range(8) for piece in (b"b" * 250, 0.2))),
        )
    assert [answer_of(raw)[0] for raw in answers] == [200, 200]
    by_letter = {body[:1]: len(body) for body in echo.bodies}
    assert by_letter[b"b"] == 2000
    assert by_letter[b"a"] < 30


async def test_a_head_that_comes_drop_by_drop_is_dropped() -> None:
    async with http(site(Echo())) as listener:
        drops = [piece for letter in "POST /ncip HTTP/1.1" for piece in (letter.encode(), 0.1)]
        assert await talk(listener.port, *drops) == b""


@pytest.mark.parametrize("patience", [b"", b"\r\n"])
async def test_http_10_with_a_length_that_counts_characters(patience: bytes) -> None:
    """ReShare's socket client: Content-Length is too small by one for each character beyond ASCII."""
    echo = Echo()
    characters = len(MESSAGE.decode())
    assert characters < len(MESSAGE)
    async with http(site(echo)) as listener:
        raw = post(MESSAGE + patience, version="1.0", length=characters + len(patience))
        status, _ = answer_of(await talk(listener.port, raw))
    assert status == 200
    assert echo.bodies == [MESSAGE + patience]


@pytest.mark.parametrize("split", [90, 100, 120, 135])
async def test_http_10_in_pieces(split: int) -> None:
    echo = Echo()
    raw = post(MESSAGE, version="1.0", length=len(MESSAGE.decode()))
    async with http(site(echo)) as listener:
        assert answer_of(await talk(listener.port, raw[:split], 0.1, raw[split:]))[0] == 200
    assert echo.bodies == [MESSAGE]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_length_that_is_too_large_costs_a_moment_only(version: str) -> None:
    """`talk` would give up."""
    echo = Echo()
    async with http(site(echo)) as listener:
        status, _ = answer_of(await talk(listener.port, post(MESSAGE, version=version, length=len(MESSAGE) + 9)))
    assert status == 200
    assert echo.bodies == [MESSAGE]


async def test_http_10_without_a_length_and_with_bare_line_feeds() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        raw = b"POST /ncip/aleph HTTP/1.0\nContent-Type: application/x-www-form-urlencoded\n\n" + MESSAGE
        assert answer_of(await talk(listener.port, raw))[0] == 200
    assert echo.bodies == [MESSAGE]
    assert echo.arrivals[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_http_10_with_the_right_length_does_not_wait() -> None:
    """`talk` would give up."""
    patient = ReadTimeouts(idle_seconds=3600, message_seconds=3600)
    async with http(site(Echo(), patience=patient)) as listener:
        assert answer_of(await talk(listener.port, post(MESSAGE, version="1.0")))[0] == 200


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_client_that_closes_its_sending_side_gets_its_answer(version: str) -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        status, body = answer_of(await talk(listener.port, post(MESSAGE, version=version), half_close=True))
        assert await talk(listener.port, half_close=True) == b""
    assert (status, body) == (200, b"<got>67</got>")


async def test_a_client_that_goes_away_does_no_harm() -> None:
    echo = Echo(hold=asyncio.Event())
    assert echo.hold is not None
    async with http(site(echo)) as listener:
        _, writer = await asyncio.open_connection(HOST, listener.port)
        writer.write(post(MESSAGE))
        await echo.started.wait()
        writer.transport.abort()
        echo.hold.set()
        _, writer = await asyncio.open_connection(HOST, listener.port)
        writer.write(post(MESSAGE)[:-10])
        await writer.drain()
        reset(writer)
        echo.started.clear()
        assert answer_of(await talk(listener.port, post(MESSAGE, "Connection: close")))[0] == 200
    assert echo.bodies == [MESSAGE, MESSAGE]


async def test_beyond_the_queue_callers_are_asked_to_come_back() -> None:
    echo = Echo(hold=asyncio.Event())
    assert echo.hold is not None
    gate = AdmissionQueue(places=1, queue=1, seconds=5)
    raw = post(MESSAGE, "Connection: close")
    async with http(site(echo, gate)) as listener:
        first = asyncio.create_task(talk(listener.port, raw))
        await echo.started.wait()
        second = asyncio.create_task(talk(listener.port, raw))
        while not gate.waiting:  # noqa: ASYNC110  the queue tells nobody
            await asyncio.sleep(0.01)
        third = await talk(listener.port, raw)
        assert answer_of(third)[0] == 503
        assert b"Retry-After:" in third
        echo.hold.set()
        assert [answer_of(await one)[0] for one in (first, second)] == [200, 200]
    assert gate.in_hand == 0


async def test_a_library_with_its_share_in_work_is_answered_before_its_message_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a while, or it would send again at once."""
    monkeypatch.setattr(app, "REFUSAL_SECONDS", 0.5)
    echo = Echo()
    gate = AdmissionQueue(places=5, queue=5, seconds=5)
    with gate.count_by_library() as first, gate.count_by_library() as second:
        assert (first("OTHER"), first("FULL"), second("FULL")) == (True, True, True)
        async with http(
            site(echo, gate, find_library=lambda address: {"full": "FULL", "other": "OTHER"}.get(address.profile, ""))
        ) as listener:
            head, _, _ = post(MESSAGE, "Connection: close").partition(b"\r\n\r\n")
            began = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(head.replace(b"/ncip", b"/ncip/full") + b"\r\n\r\n")
            full = await reader.readuntil(b"\r\n\r\n")
            assert time.monotonic() - began >= 0.5
            writer.close()
            assert b" 503 " in full
            assert b"Retry-After:" in full
            assert echo.bodies == []
            for address in (b"/ncip/other", b"/ncip"):
                raw = post(MESSAGE, "Connection: close").replace(b"/ncip", address)
                assert answer_of(await talk(listener.port, raw))[0] == 200
            assert [arrival.take_share("FULL") for arrival in echo.arrivals] == [False, False]


async def test_messages_at_an_address_of_one_library_begin_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "TURN_SECONDS", 0.2)
    echo, gate = Echo(), AdmissionQueue(places=10, queue=5, seconds=5)
    with gate.count_by_library() as take_share:
        assert take_share("OTHER")
        async with http(site(echo, gate, find_library=lambda _address: "FLOOD")) as listener:
            began = time.monotonic()
            talks = asyncio.gather(*(talk(listener.port, post(MESSAGE, "Connection: close")) for _ in range(3)))
            await asyncio.sleep(0.1)
            assert gate.in_hand <= 1, "who waits for a turn has no place"
            await talks
            assert time.monotonic() - began >= 0.4
    assert len(echo.bodies) == 3


async def test_a_defect_is_answered_without_details_and_logged() -> None:
    echo = Echo(error=KeyError("Øystein Çelik"))
    with structlog.testing.capture_logs() as logs:
        async with http(site(echo)) as listener:
            status, body = answer_of(await talk(listener.port, post(MESSAGE, "Connection: close")))
    assert status == 500
    assert b"elik" not in body
    assert [entry["event"] for entry in logs] == ["http.message_failed"]


@pytest.mark.parametrize(
    ("forwarded", "peer"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 127.0.0.1", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("2001:DB8::9", "2001:db8::9"),
        ("6.6.6.6, 127.0.0.1:80", "6.6.6.6"),
        ("127.0.0.7", "127.0.0.7"),
        ("rubbish", ""),
        ("203.0.113.9, unknown", ""),
        ("203.0.113.9, unknown, 127.0.0.1", ""),
        ("203.0.113.9,", ""),
        ("203.0.113.9:port", ""),
        ("", ""),
        (None, ""),
    ],
)
async def test_a_trusted_proxy_says_who_the_sender_is(forwarded: str | None, peer: str) -> None:
    echo = Echo()
    told = ForwardingNotes()
    header = ("Connection: close", *([f"X-Forwarded-For: {forwarded}"] if forwarded is not None else []))
    with structlog.testing.capture_logs() as logs:
        async with http(site(echo, proxies=("127.0.0.0/8",), forwarding=told)) as listener:
            assert answer_of(await talk(listener.port, post(MESSAGE, *header)))[0] == 200
    assert [arrival.peer for arrival in echo.arrivals] == [peer]
    assert [entry["event"] for entry in logs] == ([] if peer else ["http.sender_address_missing"])
    assert [note.partition(" ")[0] for note in told.describe_recent()] == ([] if peer else ["proxy"])


@pytest.mark.parametrize("header", ["X-Forwarded-For: 203.0.113.9", "forwarded: for=203.0.113.9", "X-Real-IP: ::1"])
async def test_what_a_proxy_passes_on_that_nobody_named_is_refused(header: str) -> None:
    echo = Echo()
    told = ForwardingNotes()
    with structlog.testing.capture_logs() as logs:
        async with http(site(echo, proxies=("127.0.0.9",), forwarding=told)) as listener:
            status, body = answer_of(await talk(listener.port, post(MESSAGE, "Connection: close", header)))
            open_to_all = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n" % header.encode()
            assert answer_of(await talk(listener.port, open_to_all))[0] == 200
    assert status == 403
    assert b"http.trusted_proxies" in body
    assert echo.arrivals == []
    assert [(entry["event"], entry["peer"]) for entry in logs] == [("http.proxy_not_trusted", HOST)]
    assert told.describe_recent() == (
        "proxy 127.0.0.1 is not in http.trusted_proxies, so what it passes on is refused (1 request)",
    )


def test_what_is_told_of_proxies_is_forgotten_and_has_a_bound() -> None:
    now = 0.0
    told = ForwardingNotes(lambda: now)
    for number in range(100):
        told.note_refused(f"192.0.2.{number}", "Forwarded")
    assert len(told.describe_recent()) == MAX_NOTED_PROXIES
    now = NOTED_SECONDS - 1
    told.note_unknown_sender("192.0.2.1")
    now = NOTED_SECONDS + 1
    (last,) = told.describe_recent()
    assert last.startswith("proxy 192.0.2.1 does not state")


async def test_pipelined_and_kept_alive() -> None:
    echo = Echo()
    async with http(site(echo)) as listener:
        raw = await talk(listener.port, post(b"<a/>"), post(b"<bb/>"), 0.2, post(b"<ccc/>", "Connection: close"))
    assert raw.count(b"HTTP/1.1 200") == 3
    assert [len(body) for body in echo.bodies] == [4, 5, 6]


async def test_pages_for_those_who_watch() -> None:
    async def unwell() -> GatewayReadiness:
        return GatewayReadiness(
            (
                ReadinessPart(PartKind.STORE),
                ReadinessPart(PartKind.STORE_WRITING, "disk full"),
                ReadinessPart(PartKind.LIBRARY, "does not answer", library="CLK", own_name="CLK"),
                ReadinessPart(PartKind.PROFILES, notes=("x.yml:3",)),
            )
        )

    made = site(Echo(), readiness=unwell, metrics=lambda: (b"figures 1\n", "text/plain"))
    async with http(made) as listener, aiohttp.ClientSession(f"http://{HOST}:{listener.port}") as session:
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/readyz") as answer:
            assert answer.status == 503
            document = json.loads(await answer.text())
        async with session.get("/metrics") as answer:
            assert await answer.text() == "figures 1\n"
        async with session.get("/nothing") as answer:
            assert answer.status == 404
    assert document == {
        "version": version("illgate"),
        "ready": False,
        "degraded": True,
        "parts": [
            {"name": "store", "up": True},
            {"name": "store writing", "up": False, "problem": "disk full"},
            {"name": "library CLK", "up": False, "library": "CLK", "problem": "does not answer"},
            {"name": "profiles", "up": True, "notes": ["x.yml:3"]},
        ],
    }


async def test_no_metrics_where_they_are_switched_off() -> None:
    async with http(site(Echo())) as listener:
        raw = await talk(listener.port, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer_of(raw)[0] == 404


async def test_a_graceful_stop_finishes_what_is_in_hand() -> None:
    echo = Echo(hold=asyncio.Event())
    assert echo.hold is not None
    async with http(site(echo)) as listener:
        port = listener.port
        idle = asyncio.create_task(talk(port))
        busy = asyncio.create_task(talk(port, post(MESSAGE)))
        await echo.started.wait()
        stopping = asyncio.create_task(listener.stop(5))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)
        assert await idle == b""
        echo.hold.set()
        assert answer_of(await busy)[0] == 200
        await asyncio.wait_for(stopping, 2)


async def test_a_stop_does_not_wait_for_ever() -> None:
    echo = Echo(hold=asyncio.Event())
    async with http(site(echo)) as listener:
        busy = asyncio.create_task(talk(listener.port, post(MESSAGE)))
        await echo.started.wait()
        await asyncio.wait_for(listener.stop(0.2), 2)
        assert await busy == b""


async def test_connections_are_limited() -> None:
    raw = post(MESSAGE, "Connection: close")
    async with http(site(Echo()), connections=2) as listener:
        pair = [await asyncio.open_connection(HOST, listener.port) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert await talk(listener.port, raw) == b""
        for _, writer in pair:
            writer.close()
        await asyncio.sleep(0.05)
        assert answer_of(await talk(listener.port, raw))[0] == 200


async def open_from(address: str, port: int, count: int) -> list[asyncio.StreamWriter]:
    opened = [await asyncio.open_connection(HOST, port, local_addr=(address, 0)) for _ in range(count)]
    await asyncio.sleep(0.05)
    return [writer for _, writer in opened]


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
async def test_connections_of_one_address_are_limited(encrypted: bool, tmp_path: Path) -> None:
    """With TLS before their handshake: whoever says nothing never has one."""
    authority = Authority(tmp_path)
    pair = authority.issue("gateway.example")
    server, client = make_server_context(pair.certificate, pair.key), authority.client_context()
    if not encrypted:
        server = client = None
    url = f"http{'s' if encrypted else ''}://{HOST}"
    with structlog.testing.capture_logs() as logs:
        async with http(site(Echo()), server, per_peer=5, connections=20) as listener:
            idle = await open_from("127.0.0.66", listener.port, 30)
            connector = aiohttp.TCPConnector(local_addr=("127.0.0.66", 0), ssl=client or False)
            async with aiohttp.ClientSession(connector=connector) as same, aiohttp.ClientSession() as other:
                with pytest.raises(aiohttp.ClientError):
                    await same.post(f"{url}:{listener.port}/ncip", data=MESSAGE)
                async with other.post(f"{url}:{listener.port}/ncip", data=MESSAGE, ssl=client or False) as answer:
                    assert await answer.read() == b"<got>67</got>"
                for writer in idle:
                    writer.close()
                await asyncio.sleep(0.1)
                async with same.post(f"{url}:{listener.port}/ncip", data=MESSAGE) as answer:
                    assert answer.status == 200, "the places of those that have gone are free again"
    facts = [(one["event"], one["peer"], one["of_peer"]) for one in logs]
    assert facts == [("http.too_many_connections", "127.0.0.66", 5)], "once, not for each"


async def test_a_proxy_may_have_more_connections_than_one_sender() -> None:
    async with http(site(Echo(), proxies=("127.0.0.66",)), per_peer=2, connections=10) as listener:
        idle = await open_from("127.0.0.66", listener.port, 8)
        raw = post(MESSAGE, "Connection: close")
        assert answer_of(await talk(listener.port, raw))[0] == 200
        assert not any(writer.transport.is_closing() for writer in idle)
        for writer in idle:
            writer.close()


async def test_whoever_does_not_shake_hands_is_cut_off(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("gateway.example")
    async with http(site(Echo()), make_server_context(pair.certificate, pair.key)) as listener:
        started = asyncio.get_running_loop().time()
        assert await talk(listener.port) == b""
        assert asyncio.get_running_loop().time() - started > 0.3
        waiting = asyncio.create_task(talk(listener.port))
        await asyncio.sleep(0.05)
    assert await waiting == b"", "nor does a stop wait for it"


async def test_a_listener_whose_answer_stays_out_is_named_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that fails for it says why: the text of a time-out is empty."""
    monkeypatch.setattr(listeners, "PROBE_SECONDS", 0.1)
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        listener = listeners.HttpListener(listeners.HttpListenerOptions(HOST, port, None), site(Echo()))
        with pytest.raises(listeners.ListenerNotAnsweringError) as caught:
            await listeners.probe_http(listener)
    assert str(caught.value) == f"listener http {HOST}:{port} has not answered within 0.1 seconds"
