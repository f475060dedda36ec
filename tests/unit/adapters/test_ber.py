"""Where a value ends, and lengths that are all said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ber import BerLimits, BerSource, BerSplitter, to_definite_lengths
from gateway.domain.problems import MalformationKind, MalformedMessage

INDEFINITE = bytes.fromhex("3080 0401aa 2480 0401bb 0000 0000".replace(" ", ""))
DEFINITE = bytes.fromhex("3008 0401aa 2403 0401bb".replace(" ", ""))


def test_lengths_are_said() -> None:
    assert to_definite_lengths(INDEFINITE) == DEFINITE
    assert to_definite_lengths(DEFINITE) == DEFINITE
    assert to_definite_lengths(b"\x04\x81\x80" + b"x" * 128) == b"\x04\x81\x80" + b"x" * 128


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_values_are_cut_from_a_stream_however_it_comes(size: int) -> None:
    stream = INDEFINITE + DEFINITE + b"\x1f\x81\x00\x01x" + INDEFINITE
    frames, found = BerSplitter(BerLimits(size=1000)), []
    for at in range(0, len(stream), size):
        frames.add_octets(stream[at : at + size])
        while (value := frames.take_message()) is not None:
            found.append(value)

    assert found == [INDEFINITE, DEFINITE, b"\x1f\x81\x00\x01x", INDEFINITE]
    assert not frames.begun


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"\x30\x84\x7f\xff\xff\xff", MalformationKind.TOO_LARGE),
        (b"\x30\x80" + b"\x04\x20" + b"x" * 32 + b"\x04\x81\xc8", MalformationKind.TOO_LARGE),
        (b"\x30\x80" * 80, MalformationKind.TOO_LARGE),
        (b"\x04\x80", MalformationKind.SYNTAX),
        (b"\x30\x89" + b"\x01" * 9, MalformationKind.SYNTAX),
        (b"\x1f" + b"\x81" * 20 + b"\x00\x00", MalformationKind.SYNTAX),
    ],
)
def test_what_can_become_no_value_is_told_at_once(octets: bytes, fault: MalformationKind) -> None:
    frames = BerSplitter(BerLimits(size=200))
    frames.add_octets(octets)

    with pytest.raises(MalformedMessage) as told:
        frames.take_message()
    assert told.value.fault is fault


@pytest.mark.parametrize("depth", [1, 4, 32])
def test_values_of_open_length_may_be_nested_as_deep_as_the_limit_and_no_deeper(depth: int) -> None:
    limits = BerLimits(depth=depth)

    def read_whole(levels: int) -> None:
        octets = b"\x30\x80" * levels + b"\0\0" * levels
        found = BerSource(octets, limits).read_header(0, len(octets))
        assert found == (0x10, True, 2, len(octets) - 2, len(octets))

    def cut(levels: int) -> None:
        octets = b"\x30\x80" * levels + b"\0\0" * levels
        frames = BerSplitter(limits)
        frames.add_octets(octets)
        assert frames.take_message() == octets

    for read in (read_whole, cut):
        read(depth)
        with pytest.raises(MalformedMessage, match=f"nested more than {depth} deep") as told:
            read(depth + 1)
        assert told.value.fault is MalformationKind.TOO_LARGE


@given(st.binary(max_size=200))
def test_no_octets_make_it_fail_otherwise(octets: bytes) -> None:
    frames = BerSplitter(BerLimits(size=1000))
    try:
        frames.add_octets(octets)
        while frames.take_message() is not None:
            continue
    except MalformedMessage:
        return


@given(st.binary(max_size=200))
def test_no_octets_make_the_other_fail_otherwise(octets: bytes) -> None:
    try:
        assert to_definite_lengths(to_definite_lengths(octets)) == to_definite_lengths(octets)
    except MalformedMessage:
        return
