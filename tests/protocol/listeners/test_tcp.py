"""Messages over bare TCP connections."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import structlog

from gateway.ports.responder import StreamFraming, TransportKind
from gateway.web.inbound import AdmissionQueue
from tests.protocol.listeners.support import HOST, LIMIT, NCIP, Echo, talk, tcp

MESSAGE = "<NCIPMessage><LookupUser>Øystein Çelik</LookupUser></NCIPMessage>".encode()
ANSWER = b"<got>67</got>\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        MESSAGE,
        MESSAGE + b"\r\n",
        MESSAGE.replace(b"NCIPMessage>", b"ns1:NCIPMessage>"),
        MESSAGE.replace(b"</NCIPMessage>", b"</NCIPMessage \n>"),
        MESSAGE.replace(b"NCIPMessage", b"NCIPVersionMessage"),
        b"\r\n\x04 \x00" + MESSAGE,
    ],
)
async def test_an_end_tag_ends_a_message(raw: bytes) -> None:
    echo = Echo()
    async with tcp(echo) as listener:
        reader, writer = await asyncio.open_connection(HOST, listener.port)
        writer.write(raw)
        answer = await reader.readuntil(b"\r\n")
        assert answer.startswith(b"<got>")
        writer.close()
    assert echo.bodies == [raw.strip(b"\r\n \x04\x00")]
    arrival = echo.arrivals[0]
    assert (arrival.transport, arrival.profile, arrival.protocol) == (TransportKind.TCP, "voyager", "ncip")
    assert arrival.peer == HOST


async def test_byte_by_byte() -> None:
    echo = Echo()
    async with tcp(echo, replace(NCIP, keep_open=False)) as listener:
        pieces: list[bytes | float] = []
        for position in range(len(MESSAGE)):
            pieces += [MESSAGE[position : position + 1], 0.001]
        assert await talk(listener.port, *pieces) == ANSWER
    assert echo.bodies == [MESSAGE]


async def test_several_messages_on_one_connection_are_answered_in_order() -> None:
    echo = Echo()
    other = b"<ns:NCIPMessage/><x></ns:NCIPMessage>"
    async with tcp(echo) as listener:
        answer = await talk(listener.port, MESSAGE + b"\n" + other, MESSAGE[:20], 0.05, MESSAGE[20:], half_close=True)
    assert answer == ANSWER + b"<got>37</got>\r\n" + ANSWER
    assert echo.bodies == [MESSAGE, other, MESSAGE]


async def test_messages_count_for_their_libraries_until_they_are_answered() -> None:
    echo, gate = Echo(hold=asyncio.Event()), AdmissionQueue(places=5, queue=5, seconds=5)
    assert echo.hold is not None
    async with tcp(echo, replace(NCIP, keep_open=False), gate=gate) as listener:
        talks = []
        for number in range(3):
            talks.append(asyncio.create_task(talk(listener.port, MESSAGE)))
            while len(echo.arrivals) <= number:  # noqa: ASYNC110  the echo tells nobody
                await asyncio.sleep(0.01)
        taken = [arrival.take_share(name) for arrival, name in zip(echo.arrivals, ("A", "B", "B"), strict=True)]
        assert taken == [True] * 3
        assert not gate.has_share_left("B")
        echo.hold.set()
        await asyncio.gather(*talks)
    assert gate.has_share_left("B")


async def test_an_answer_goes_out_in_one_piece_with_a_line_end() -> None:
    """The Voyager client takes what one read gives it."""
    async with tcp(Echo()) as listener:
        reader, writer = await asyncio.open_connection(HOST, listener.port)
        writer.write(MESSAGE)
        assert await reader.read(1000) == ANSWER
        writer.close()


@pytest.mark.parametrize(("answer_end", "expected"), [(b"\n", b"<got>67</got>\n"), (b"", b"<got>67</got>")])
async def test_other_line_ends(answer_end: bytes, expected: bytes) -> None:
    async with tcp(Echo(), replace(NCIP, answer_end=answer_end, keep_open=False)) as listener:
        assert await talk(listener.port, MESSAGE) == expected


async def test_newline_mode() -> None:
    echo = Echo()
    async with tcp(echo, StreamFraming(end="newline", idle_seconds=0.6)) as listener:
        assert await talk(listener.port, b"<a/>\r\n\r\n<bb/>\n<ccc>", half_close=True) == (
            b"<got>6</got>\r\n<got>6</got>\r\n<got>5</got>\r\n"
        )
    assert echo.bodies == [b"<a/>\r\n", b"<bb/>\n", b"<ccc>"]


@pytest.mark.parametrize("half_close", [True, False])
async def test_close_mode_ends_with_the_connection_or_with_silence(half_close: bool) -> None:
    echo = Echo()
    async with tcp(echo, StreamFraming(end="close", message_seconds=5)) as listener:
        assert await talk(listener.port, MESSAGE[:30], 0.1, MESSAGE[30:], half_close=half_close) == ANSWER
    assert echo.bodies == [MESSAGE]


async def test_an_unfinished_message_is_answered_too() -> None:
    echo = Echo()
    async with tcp(echo) as listener:
        assert await talk(listener.port, b"<NCIPMessage><Look", half_close=True) == b"<got>18</got>\r\n"
        assert await talk(listener.port, b"<NCIPMessage><Look") == b"<got>18</got>\r\n"


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    echo = Echo()
    async with tcp(echo) as listener:
        started = asyncio.get_running_loop().time()
        assert await talk(listener.port, b"\r\n", 0.4, b"\r\n") == b""
        assert asyncio.get_running_loop().time() - started > 0.4
    assert echo.bodies == []


@pytest.mark.slow
async def test_a_slow_loris_is_cut_off_but_a_slow_sender_is_served() -> None:
    echo = Echo()
    text = b"<NCIPMessage>" + b"b" * 1987 + b"</NCIPMessage>"
    slow: list[bytes | float] = []
    for position in range(0, len(text), 250):
        slow += [text[position : position + 250], 0.2]
    async with tcp(echo) as listener:
        honest, _ = await asyncio.gather(
            talk(listener.port, *slow, half_close=True),
            talk(listener.port, *(piece for _ in range(30) for piece in (b"a", 0.1))),
        )
    assert honest == b"<got>2014</got>\r\n"
    assert {body[:1]: len(body) for body in echo.bodies}[b"a"] < 20


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 30])
async def test_too_long_a_message_is_cut_one_byte_above_the_limit(size: int) -> None:
    echo = Echo()
    text = b"<NCIPMessage>" + b"x" * (size - 27) + b"</NCIPMessage>"
    async with tcp(echo) as listener:
        assert await talk(listener.port, text, MESSAGE) == b"<got>%d</got>\r\n" % (LIMIT + 1)
    assert [len(body) for body in echo.bodies] == [LIMIT + 1]


async def test_a_message_of_the_largest_size_is_taken() -> None:
    echo = Echo()
    text = b"<NCIPMessage>" + b"x" * (LIMIT - 27) + b"</NCIPMessage>"
    async with tcp(echo) as listener:
        assert await talk(listener.port, text, MESSAGE, half_close=True) == b"<got>%d</got>\r\n" % LIMIT + ANSWER


async def test_connections_are_limited_in_all_and_per_peer() -> None:
    for limits in ({"connections": 2}, {"per_peer": 2}):
        async with tcp(Echo(), **limits) as listener:
            pair = [await asyncio.open_connection(HOST, listener.port) for _ in range(2)]
            while listener.open_connections < 2:  # noqa: ASYNC110  accepted a moment later
                await asyncio.sleep(0.01)
            assert await talk(listener.port, MESSAGE, half_close=True) == b""
            pair[0][1].close()
            while listener.open_connections == 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert await talk(listener.port, MESSAGE, half_close=True) == ANSWER
            pair[1][1].close()


async def test_a_partner_that_goes_away_does_no_harm() -> None:
    echo = Echo(hold=asyncio.Event())
    assert echo.hold is not None
    with structlog.testing.capture_logs() as logs:
        async with tcp(echo) as listener:
            _, writer = await asyncio.open_connection(HOST, listener.port)
            writer.write(MESSAGE)
            await echo.started.wait()
            writer.transport.abort()
            await asyncio.sleep(0.05)
            echo.hold.set()
            assert await talk(listener.port, MESSAGE, half_close=True) == ANSWER
    assert logs == []


async def test_a_defect_closes_the_connection_and_is_logged_and_counted() -> None:
    counted: list[str] = []
    with structlog.testing.capture_logs() as logs:
        async with tcp(Echo(error=ValueError("Øystein Çelik")), count_defect=counted.append) as listener:
            assert await talk(listener.port, MESSAGE) == b""
    assert counted == [entry["event"] for entry in logs] == ["tcp.connection_failed"]


async def test_a_graceful_stop_finishes_what_has_begun() -> None:
    echo = Echo(hold=asyncio.Event())
    assert echo.hold is not None
    async with tcp(echo) as listener:
        port = listener.port
        idle = asyncio.create_task(talk(port))
        busy = asyncio.create_task(talk(port, MESSAGE))
        partial = asyncio.create_task(talk(port, MESSAGE[:30], 0.3, MESSAGE[30:]))
        await echo.started.wait()
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(listener.stop(5))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)
        echo.hold.set()
        assert await idle == b""
        assert await busy == ANSWER
        assert await partial == ANSWER
        await asyncio.wait_for(stopping, 4)


async def test_a_stop_does_not_wait_for_ever() -> None:
    echo = Echo(hold=asyncio.Event())
    async with tcp(echo) as listener:
        busy = asyncio.create_task(talk(listener.port, MESSAGE))
        await echo.started.wait()
        await asyncio.wait_for(listener.stop(0.2), 2)
        assert await busy == b""
