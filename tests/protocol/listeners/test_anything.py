"""Whatever bytes arrive: an answer or a clean close, no traceback in the log, and the next partner is served."""

from __future__ import annotations

import asyncio
import logging

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.protocol.listeners.support import Echo, http, site, talk, tcp

HEADS = st.sampled_from(
    [
        b"",
        b"POST /ncip HTTP/1.1\r\nHost: x\r\n",
        b"POST /ncip/a/b HTTP/1.0\r\n",
        b"POST /ncip HTTP/1.1\r\nContent-Length: 12\r\n\r\n",
        b"POST /ncip HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /ncip HTTP/1.0\r\nContent-Length: 7\r\n\r\n",
        b"GET /ncip HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"POST /ncip HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
        b"POST /ncip HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /%zz\xff HTTP/1.1\r\n\r\n",
    ]
)
TAILS = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from(
            [b"<NCIPMessage>", b"</NCIPMessage>", b"</a:NCIPMessage\n>", b"\x00", b"\r\n", b"\xff", b"5\r\n"]
        ),
        max_size=12,
    ).map(b"".join),
)


def find_trouble(caplog: pytest.LogCaptureFixture, lines: list[EventDict]) -> list[object]:
    """What the libraries' logs and our own have, from a warning on."""
    theirs = [record for record in caplog.records if record.levelno >= logging.WARNING or record.exc_info]
    ours = [line for line in lines if line["log_level"] not in ("debug", "info") or line.get("exc_info")]
    return [*theirs, *ours]


def test_trouble_is_found_in_both_logs(caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as lines:
        logging.getLogger("aiohttp.server").error("theirs")
        structlog.get_logger().error("ours")

    assert len(find_trouble(caplog, lines)) == 2


@given(pieces=st.lists(st.tuples(HEADS, TAILS).map(b"".join), min_size=1, max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_http(pieces: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with http(site(Echo())) as listener:
            await talk(listener.port, *pieces, half_close=True)
            assert b" 200 OK" in await talk(
                listener.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )

    with capture_logs() as lines:
        asyncio.run(run())
    assert find_trouble(caplog, lines) == []


@given(pieces=st.lists(TAILS, min_size=1, max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tcp(pieces: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> bytes:
        async with tcp(Echo()) as listener:
            answer = await talk(listener.port, *pieces, half_close=True)
            assert await talk(listener.port, b"<NCIPMessage></NCIPMessage>", half_close=True) == b"<got>27</got>\r\n"
            return answer

    with capture_logs() as lines:
        answer = asyncio.run(run())
    assert answer == b"" or (answer.startswith(b"<got>") and answer.endswith(b"</got>\r\n"))
    assert find_trouble(caplog, lines) == []
