"""Any bytes: a value or MalformedMessage, in bounded time, and a stream never holds more than it was fed."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.iso_ill.codec import ApduSplitter, BerLimits, decode_apdu, encode_apdu, peek_apdu
from adapters.iso_ill.commands import format_apdu
from adapters.iso_ill.messages import APDUS, Apdu
from gateway.domain.problems import MalformationKind, MalformedMessage
from tests.protocol.iso_ill.house import asked
from tests.protocol.iso_ill.strategies import apdus
from tests.support.processor_time import measure_processor_seconds

SLOW = settings(suppress_health_check=list(HealthCheck))


def read(octets: bytes) -> Apdu | None:
    """None for what can't be read."""
    with suppress(MalformedMessage):
        peek_apdu(octets)
    try:
        decoded = decode_apdu(octets)
    except MalformedMessage:
        return None
    assert list(format_apdu(decoded))
    return decoded.apdu


@settings(SLOW, max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes(octets: bytes) -> None:
    read(octets)


@settings(SLOW, max_examples=100)
@given(st.sampled_from(range(0x61, 0x75)), st.binary(max_size=200))
def test_any_contents(first: int, content: bytes) -> None:
    read(bytes((first, 0x80)) + content)
    read(bytes((first, 0x82)) + len(content).to_bytes(2, "big") + content)


@settings(SLOW, max_examples=100)
@given(apdus(), st.data())
def test_damaged_messages(apdu: Apdu, data: st.DataObject) -> None:
    octets = bytearray(encode_apdu(apdu))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets) - 1))
        change = data.draw(st.sampled_from(("set", "drop", "add")))
        if change == "set":
            octets[at] = data.draw(st.integers(0, 255))
        elif change == "drop" and len(octets) > 1:
            del octets[at]
        else:
            octets[at:at] = data.draw(st.binary(max_size=3))

    found = read(bytes(octets))

    if found is not None:
        assert type(found) in APDUS


@settings(SLOW, max_examples=100)
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_stream(pieces: list[bytes]) -> None:
    frames, fed, cut = ApduSplitter(BerLimits(size=500)), 0, 0
    try:
        for piece in pieces:
            frames.add_octets(piece)
            fed += len(piece)
            while (apdu := frames.take_message()) is not None:
                cut += len(apdu)
                read(apdu)
    except MalformedMessage:
        pass
    assert frames.begun == fed - cut


HOSTILE = {
    "nested indefinite": b"\x61\x80" + b"\x30\x80" * 400_000,
    "nested and closed": b"\x61\x80" + b"\x30\x80" * 200_000 + b"\0\0" * 200_000,
    "many unknown": b"\x61\x83\x0f\x00\x00\x30\x83\x0e\xff\xfb" + b"\xdf\x7f\x00" * 327_676 + b"\0" * 7,
    "many empty texts": b"\x61\x80\x30\x80\xbf\x2e\x80" + b"\x1b\x00" * 400_000 + b"\0\0" * 3,
    "many entries": b"\x61\x80\x30\x80\xa9\x80" + b"\x0a\x01\x01" * 300_000 + b"\0\0" * 3,
    "repeated field": b"\x61\x80\x30\x80" + b"\x80\x01\x02" * 300_000 + b"\0\0" * 2,
    "peeled for ever": b"\x61\x80" + b"\x30\x84\x00\x0f\x00\x00" * 100_000,
    "huge length": b"\x61\x88" + b"\x7f" * 8,
    "length of lengths": b"\x61\xfe" + b"\x00" * 126,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_cost_no_time(name: str) -> None:
    """No more than a thousand requests of a few hundred octets."""
    octets = HOSTILE[name]

    assert read(octets) is None

    request = encode_apdu(asked("ordinary"))
    assert read(request) is not None
    assert measure_processor_seconds(lambda: read(octets)) < 1000 * measure_processor_seconds(lambda: read(request))


def test_what_is_too_large_is_not_read_at_all() -> None:
    with pytest.raises(MalformedMessage) as found:
        decode_apdu(b"\x61\x80" + b"\0" * 2_000, limits=BerLimits(size=1_000))

    assert found.value.fault is MalformationKind.TOO_LARGE


def test_a_stream_that_announces_too_much_is_refused_at_once() -> None:
    frames = ApduSplitter(BerLimits(size=1_000))
    frames.add_octets(b"\x61\x82\xff\xff")

    with pytest.raises(MalformedMessage) as found:
        frames.take_message()

    assert found.value.fault is MalformationKind.TOO_LARGE


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\0\0\0\0", b"\x30\x02\x05\x00"]
)
def test_a_stream_of_something_else_is_refused_at_its_first_octets(first: bytes) -> None:
    frames = ApduSplitter()
    frames.add_octets(first)

    with pytest.raises(MalformedMessage) as found:
        frames.take_message()

    assert found.value.place == "octet 0"


def test_an_unknown_apdu_is_cut_out_so_that_it_can_be_answered() -> None:
    frames = ApduSplitter()
    frames.add_octets(b"\x7f\x21\x80\x05\x00\x00\x00\x75\x02")

    assert frames.take_message() == b"\x7f\x21\x80\x05\x00\x00\x00"
    assert frames.take_message() is None
    assert frames.begun == 2


def test_several_alternatives_of_a_choice_are_one() -> None:
    """Found by the fuzzer: an error report with such a symbol could not be written."""
    both = bytes.fromhex("a00ea0051b0349 4b4da1051b034f5a5a")
    octets = b"\x66\x80\x30\x80\x80\x01\x02\xa1\x0a\xa1\x03\x1b\x01a\xa2\x03\x1b\x01b"
    octets += b"\xa2\x0c\xa0\x0a\x80\x0820260302" + b"\xa3" + bytes((len(both),)) + both + b"\0\0\0\0"

    decoded = decode_apdu(octets)

    assert [one.what for one in decoded.oddities] == ["several alternatives; the first one counts"]
    assert decode_apdu(encode_apdu(decoded.apdu)).apdu == decoded.apdu
    assert peek_apdu(octets).requester_id == decoded.apdu.requester_id
