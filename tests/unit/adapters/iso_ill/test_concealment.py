"""Passwords in APDUs: what is taken out before they are kept, and what stays."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ber
from adapters.iso_ill.codec import apdu_digest, conceal_credentials, decode_apdu, encode_apdu
from adapters.iso_ill.messages import StatusQuery
from adapters.iso_ill.messages.structures import (
    Extension,
    Moment,
    ServiceDateTime,
    ShownCredentials,
    SystemId,
    TransactionId,
)

SECRET = "åpen sesam"
IDENTIFIER = bytes.fromhex("06072a8648ce130801")


def value(tag: int, contents: bytes, *, indefinite: bool = False) -> bytes:
    if indefinite:
        return bytes((tag, 0x80)) + contents + b"\0\0"
    return bytes((tag,)) + ber.length_octets(len(contents)) + contents


def prompts(*answers: tuple[int, bytes], indefinite: bool = False) -> bytes:
    """PromptObject, a response: number of the prompt and its answer (1: user, 2: password)."""
    return value(
        0xA2,
        b"".join(
            value(0x30, value(0xA1, value(0xA1, value(0x81, bytes((kind,))))) + value(0xA2, value(0x81, text)))
            for kind, text in answers
        ),
        indefinite=indefinite,
    )


def external(contents: bytes, before: bytes = b"", tag: int = 0xA0, identifier: bytes = IDENTIFIER) -> bytes:
    return value(0x28, identifier + before + value(tag, contents))


def test_the_password_becomes_stars_and_the_apdu_is_read_as_before() -> None:
    apdu = StatusQuery(
        protocol_version=2,
        transaction_id=TransactionId(group_qualifier="2026-4", qualifier="1"),
        service_date_time=ServiceDateTime(this=Moment(day=date(2026, 3, 2))),
        requester_id=SystemId.from_symbol("NO:FJORDBY"),
        responder_id=SystemId.from_symbol("CLK"),
        extensions=(Extension.from_item(ShownCredentials("100-222", SECRET)),),
    )
    sent = encode_apdu(apdu)

    kept = conceal_credentials(sent)

    stars = "*" * len(SECRET.encode())
    assert kept == sent.replace(SECRET.encode(), stars.encode())
    again = decode_apdu(kept).apdu
    assert again.carried_extensions[0].item == ShownCredentials("100-222", stars)
    assert apdu_digest(kept) == apdu_digest(sent), "a repeat is known again"
    assert conceal_credentials(kept) == kept


USER, PASSWORD = (1, b"100-222"), (2, SECRET.encode())


@pytest.mark.parametrize(
    "octets",
    [
        external(prompts(USER, PASSWORD)),
        external(prompts(PASSWORD, USER)),
        external(prompts(USER, PASSWORD, indefinite=True)),
        external(prompts(USER, PASSWORD, (3, b"x"))),
        external(prompts(USER, PASSWORD), before=value(0x02, b"\x01") + value(0x07, b"prompt-1")),
        value(0x28, IDENTIFIER + value(0xA0, prompts(USER, PASSWORD), indefinite=True), indefinite=True),
        external(prompts(USER, PASSWORD))[:-1],
        external(prompts(USER, PASSWORD))[:-4],
        external(prompts(USER, PASSWORD), before=value(0x02, b"\x01"))[:-1],
        external(prompts(USER, PASSWORD), tag=0x81),
        external(value(0xA2, SECRET.encode())),
        external(value(0x1A, SECRET.encode())),
        external(SECRET.encode(), identifier=bytes.fromhex("06072a8648ce130802")),
        IDENTIFIER + SECRET.encode(),
        external(prompts(USER)) + external(prompts(USER, PASSWORD)),
    ],
)
def test_wherever_it_stands_and_whatever_is_wrong_around_it(octets: bytes) -> None:
    before, behind = "Ünïcode".encode(), b"\xa0\x03\x81\x01x"

    kept = conceal_credentials(before + octets + behind)

    assert len(kept) == len(before + octets + behind)
    assert kept.startswith(before)
    assert SECRET.encode()[:6] not in kept


def test_what_stands_behind_it_stays() -> None:
    octets = external(prompts(USER, PASSWORD)) + "Ünïcode".encode()

    assert conceal_credentials(octets) == octets.replace(SECRET.encode(), b"*" * len(SECRET.encode()))


@given(
    st.lists(
        st.sampled_from([IDENTIFIER, b"\xa0\x80", b"\xa2", b"\x30", b"\0\0", b"\xa1\x05", b"\x84\xff\xff\xff\xff"])
    )
)
def test_it_never_raises(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)

    assert len(conceal_credentials(octets)) == len(octets)


def test_what_holds_none_comes_back_as_it_is() -> None:
    octets = b"\x61\x03\x80\x01\x02"

    assert conceal_credentials(octets) is octets
