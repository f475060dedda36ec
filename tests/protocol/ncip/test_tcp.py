"""Over bare TCP: where the answer ends, and which failure is which."""

from __future__ import annotations

import pytest

from adapters.ncip.transport import TcpTransport
from adapters.ncip.wire_dialect import TcpDialect
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.message_transport import SendTimeouts, TcpPlace
from gateway.ports.tls import ClientTls
from tests.protocol.ncip.support import HOST, LOOKED_UP, PATIENT, SHORT, TcpPeer, closed_port, tcp_peer

DOCUMENT = "<NCIPMessage><a>Žofie\nNovotná</a></NCIPMessage>".encode()
V1_ANSWER = b'<?xml version="1.0"?><NCIPMessage version="v1_0"><a/></NCIPMessage>'


async def exchange(peer: TcpPeer, tcp: TcpDialect | None = None, timeouts: SendTimeouts = PATIENT) -> bytes:
    reply = await TcpTransport(peer.place(timeouts), tcp or TcpDialect()).exchange(DOCUMENT)
    assert reply.status == 0
    return reply.raw


@pytest.mark.parametrize("then", ["close", "wait"])
@pytest.mark.parametrize("pieces", [1, 3, 40])
async def test_the_answer_ends_with_its_closing_tag_whether_or_not_the_connection_does(then: str, pieces: int) -> None:
    async with tcp_peer(LOOKED_UP + b"\r\n", then=then, pieces=pieces) as peer:
        assert await exchange(peer) == LOOKED_UP

    assert peer.received == [DOCUMENT]


async def test_a_prefixed_root_and_an_empty_one_end_too() -> None:
    prefixed = b'<n:NCIPMessage xmlns:n="http://www.niso.org/2008/ncip"><n:a/></n:NCIPMessage >'
    empty = b'<?xml version="1.0"?><NCIPMessage version="http://www.niso.org/x.dtd"/>'  # BIB
    for answer in (prefixed, empty):
        async with tcp_peer(answer, then="wait") as peer:
            assert await exchange(peer) == answer


async def test_a_message_of_one_line_ends_with_it() -> None:
    async with tcp_peer(V1_ANSWER, until=b"\n", then="wait") as peer:
        await exchange(peer, TcpDialect(end="newline"))

    assert peer.received[0] == "<NCIPMessage><a>Žofie&#10;Novotná</a></NCIPMessage>\n".encode()


async def test_a_message_may_end_with_our_half_of_the_connection() -> None:
    async with tcp_peer(V1_ANSWER, until=b"never", then="wait") as peer:
        assert await exchange(peer, TcpDialect(end="close")) == V1_ANSWER


async def test_nobody_listens() -> None:
    with pytest.raises(Unavailable):
        await TcpTransport(TcpPlace(HOST, await closed_port(), None, SHORT), TcpDialect()).exchange(DOCUMENT)


async def test_tls_that_the_other_side_does_not_speak() -> None:
    async with tcp_peer(b"what?", until=b"\x16") as peer:
        with pytest.raises(Unavailable):
            await TcpTransport(TcpPlace(HOST, peer.port, ClientTls(), SHORT), TcpDialect()).exchange(DOCUMENT)


@pytest.mark.parametrize("then", ["close", "reset", "wait"])
@pytest.mark.parametrize("answer", [b"", LOOKED_UP[:150]])
async def test_no_whole_answer_leaves_the_outcome_unknown(answer: bytes, then: str) -> None:
    async with tcp_peer(answer, then=then) as peer:
        with pytest.raises(OutcomeUnknown):
            await exchange(peer, timeouts=SHORT)


async def test_words_that_are_no_document_come_back_for_the_reader_to_judge() -> None:
    async with tcp_peer(b"go away\r\n") as peer:
        assert await exchange(peer) == b"go away\r\n"
