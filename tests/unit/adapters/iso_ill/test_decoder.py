"""How deep values of an APDU may be wrapped in others (`BerLimits.depth`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from adapters.ber import BerLimits
from adapters.iso_ill.codec.declarations import DEFAULT_STYLE
from adapters.iso_ill.codec.decoder import ApduReader, read_number, read_text
from gateway.domain.problems import MalformationKind, MalformedMessage

DEPTH = 4


def wrap(tag: int, content: bytes, levels: int) -> bytes:
    for _ in range(levels):
        content = bytes((tag, len(content))) + content
    return content


@pytest.mark.parametrize(
    ("read", "tag", "innermost", "value"),
    [
        pytest.param(read_number, 0xA0, b"\x02\x01\x2a", 42, id="a number inside explicit tags"),
        pytest.param(read_text, 0x24, b"\x04\x03Pad", "Pad", id="segments of a text inside segments"),
    ],
)
def test_a_value_may_be_wrapped_as_deep_as_the_limit_and_no_deeper(
    read: Callable[[ApduReader, int, int, bool], object], tag: int, innermost: bytes, value: object
) -> None:
    def read_wrapped(levels: int) -> object:
        octets = wrap(tag, innermost, levels)
        return read(ApduReader(octets, DEFAULT_STYLE, BerLimits(depth=DEPTH)), 0, len(octets), True)

    tags = 1 if read is read_number else 0  # that of the number itself counts too
    assert read_wrapped(DEPTH - tags) == value
    with pytest.raises(MalformedMessage, match=f"nested more than {DEPTH} deep") as told:
        read_wrapped(DEPTH - tags + 1)
    assert told.value.fault is MalformationKind.TOO_LARGE


def test_segments_side_by_side_are_not_nested() -> None:
    octets = b"\x04\x01a" * 40

    assert ApduReader(octets, DEFAULT_STYLE, BerLimits(depth=1)).read_text_octets(0, len(octets), True) == b"a" * 40
