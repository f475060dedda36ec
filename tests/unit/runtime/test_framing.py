"""Cutting a stream into messages."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.ports.responder import StreamFraming
from gateway.runtime.tcp_connection import BLANK, TagSplitter
from tests.support.processor_time import measure_processor_seconds

TAGS = StreamFraming(tags=(b"NCIPMessage", b"NCIPVersionMessage"))
MESSAGES = st.lists(
    st.binary(max_size=40)
    .filter(lambda inner: b"<" not in inner)
    .map(lambda inner: b"<a:NCIPMessage>" + inner + b"</a:NCIPMessage>"),
    max_size=5,
)


@given(
    messages=MESSAGES,
    cuts=st.lists(st.integers(0, 300), max_size=8),
    between=st.sampled_from([b"", b"\r\n", b"\x04\n"]),
)
def test_however_the_bytes_are_cut_the_messages_are_the_same(
    messages: list[bytes], cuts: list[int], between: bytes
) -> None:
    stream = between.join([*messages, b""])
    frames = TagSplitter(TAGS, 1000)
    found = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for start, end in itertools.pairwise(edges):
        frames.add_octets(stream[start:end])
        while (message := frames.take_message()) is not None:
            found.append(message)
    assert found == messages
    assert frames.begun == 0


def test_the_limit_holds_for_whole_and_for_unfinished_messages() -> None:
    frames = TagSplitter(TAGS, 40)
    frames.add_octets(b"<NCIPMessage>" + b"x" * 14 + b"</NCIPMessage>")
    assert frames.take_message() is None
    assert frames.is_unrecoverable
    assert len(frames.take_rest()) == 41
    assert frames.begun == 0


def test_blanks_are_no_message() -> None:
    frames = TagSplitter(StreamFraming(end="newline"), 100)
    frames.add_octets(BLANK)
    assert frames.take_message() is None
    assert frames.begun == 0


def test_a_large_message_in_small_pieces_costs_linear_time() -> None:
    def feed_pieces(pieces: int) -> None:
        frames = TagSplitter(TAGS, 100_000_000)
        for _ in range(pieces):
            frames.add_octets(b"</NCIPMessag</x:" * 64)
            assert frames.take_message() is None

    feed_pieces(100)
    small = measure_processor_seconds(lambda: feed_pieces(500))
    large = measure_processor_seconds(lambda: feed_pieces(4000))
    assert large < small * 8 * 4
