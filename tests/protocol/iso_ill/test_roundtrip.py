"""What is written is read again as it was, for every APDU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import ber
from adapters.iso_ill.codec import (
    ApduSplitter,
    Defaults,
    EncodingStyle,
    apdu_type_name,
    decode_apdu,
    encode_apdu,
    peek_apdu,
)
from adapters.iso_ill.messages import APDUS, Apdu
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.structures import Opaque
from tests.protocol.iso_ill.strategies import apdus

SLOW = settings(suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("cls", APDUS, ids=lambda cls: apdu_type_name(cls.type))
def test_every_apdu_comes_back(cls: type[Apdu]) -> None:
    @settings(SLOW, max_examples=8)
    @given(apdus(cls))
    def check(apdu: Apdu) -> None:
        decoded = decode_apdu(encode_apdu(apdu))

        assert decoded.apdu == apdu
        assert decoded.oddities == ()

    check()


@settings(SLOW, max_examples=30)
@given(apdus())
def test_values_that_are_meant_anyhow_may_be_sent(apdu: Apdu) -> None:
    sent = encode_apdu(apdu, EncodingStyle(defaults=Defaults.SEND))

    assert len(sent) >= len(encode_apdu(apdu))
    assert decode_apdu(sent).apdu == apdu


@settings(SLOW, max_examples=30)
@given(apdus())
def test_the_first_octets_are_never_taken_for_text(apdu: Apdu) -> None:
    assert not all(0x20 <= octet < 0x7F for octet in encode_apdu(apdu)[:4])


def indefinite(octets: bytes) -> bytes:
    """The same values, every constructed one of indefinite length."""
    made, at = b"", 0
    while at < len(octets):
        tag, constructed, start, length = ber.parse_header(octets, at)
        content = octets[start : start + length] if length >= 0 else b""
        head = ber.tag_octets(tag, constructed)
        if constructed:
            made += head + b"\x80" + indefinite(content) + b"\0\0"
        else:
            made += head + ber.length_octets(length) + content
        at = start + length
    return made


def padded(octets: bytes) -> bytes:
    """The same values, every length in four octets more than it takes."""
    made, at = b"", 0
    while at < len(octets):
        tag, constructed, start, length = ber.parse_header(octets, at)
        content = octets[start : start + length]
        content = padded(content) if constructed else content
        made += ber.tag_octets(tag, constructed) + b"\x84" + len(content).to_bytes(4, "big") + content
        at = start + length
    return made


def opaque(value: object) -> bool:
    """Whether values are in it whose octets are kept."""
    if isinstance(value, tuple):
        return any(opaque(one) for one in value)
    if isinstance(value, bytes | External | Opaque):
        return True
    return is_dataclass(value) and any(opaque(getattr(value, one.name)) for one in fields(value))


@settings(SLOW, max_examples=40)
@given(apdus(), st.sampled_from((indefinite, padded)))
def test_lengths_may_be_written_in_any_form(apdu: Apdu, form: Callable[[bytes], bytes]) -> None:
    decoded = decode_apdu(form(encode_apdu(apdu)))

    assert decoded.oddities == ()
    if not opaque(apdu):  # what isn't ours to read stays as it came
        assert decoded.apdu == apdu


@settings(SLOW, max_examples=30)
@given(st.lists(apdus(), min_size=1, max_size=4), st.data())
def test_a_stream_is_cut_into_apdus_however_it_arrives(sent: list[Apdu], data: st.DataObject) -> None:
    octets = [data.draw(st.sampled_from((bytes, indefinite, padded)))(encode_apdu(one)) for one in sent]
    stream = b"".join(octets)
    frames, found = ApduSplitter(), []

    while stream:
        size = data.draw(st.integers(1, len(stream)))
        frames.add_octets(stream[:size])
        stream = stream[size:]
        while (apdu := frames.take_message()) is not None:
            found.append(apdu)

    assert found == octets
    assert frames.begun == 0


@settings(SLOW, max_examples=30)
@given(apdus())
def test_the_header_can_be_read_alone(apdu: Apdu) -> None:
    found = peek_apdu(encode_apdu(apdu))

    assert (found.type, found.transaction_id, found.requester_id) == (
        apdu.type,
        apdu.transaction_id,
        apdu.requester_id,
    )
