"""SIP2 messages as bytes: those of facts/ils-backends.md 1.5, and any that Hypothesis thinks of, which pysip2's
codec reads too."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.library.sip2.codec import (
    Query,
    ReplyCode,
    Sip2Reply,
    UnsendableValueError,
    add_checksum,
    decode_reply,
    encode_query,
    format_stamp,
    parse_stamp,
)
from adapters.library.sip2.messages import HoldMode, HoldTerms, PatronList, QueryWriter
from gateway.domain.problems import MalformedMessage
from tests.support.pysip2_server import require_pysip2

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 12, 40, 7, tzinfo=UTC)  # 13:40:07 in the zone
WRITER = QueryWriter("LIB", "", ZONE)


def decode(text: bytes, *, is_checked: bool = True) -> Sip2Reply:
    return decode_reply(text, "utf-8", is_checked=is_checked)


def fails(text: bytes, reason: str, *, is_checked: bool = True) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        decode(text, is_checked=is_checked)


@pytest.mark.parametrize(
    ("query", "sequence", "sent"),
    [
        (WRITER.login("user", "secret", "MAIN"), 0, b"9300CNuser|COsecret|CPMAIN|AY0AZF53B"),
        (
            WRITER.patron_information("P1", NOW, secret="1234", wanted=PatronList.CHARGED),
            2,
            b"6300020261124    134007  Y       AOLIB|AAP1|AC|AD1234|AY2AZF2B9",
        ),
        (WRITER.item_information("I1", NOW), 4, b"1720261124    134007AOLIB|ABI1|AC|AY4AZF692"),
        (
            WRITER.check_in("I1", "MAIN", NOW),
            0,
            b"09N20261124    13400720261124    134007APMAIN|AOLIB|ABI1|AC|AY0AZF0D4",
        ),
    ],
)
def test_messages_are_written_as_a_real_server_took_them(query: Query, sequence: int, sent: bytes) -> None:
    assert encode_query(query, "cp850", sequence) == sent


def test_checksums_are_those_that_a_real_server_computed() -> None:
    assert add_checksum(b"97AZ") == b"97AZFEF5"
    assert add_checksum(b"9900802.00AY1AZ") == b"9900802.00AY1AZFCA0"


def test_a_patron_is_read_with_fields_that_nobody_knows() -> None:
    sent = b"64" + b" " * 14 + b"00120261124    134007" + b"0001" * 6 + b"AOLIB|AAP1|AEDoe, Jane|BLY|ZZodd|AFone|AFtwo|"
    reply = decode(add_checksum(sent + b"AY2AZ"))

    assert (reply.code, reply.sequence) == (ReplyCode.PATRON_INFORMATION, "2")
    assert reply.first("AE") == "Doe, Jane"
    assert ("ZZ", "odd") in reply.fields
    assert reply.screen_message == "one two"
    assert reply.fixed["charged_count"] == "0001"


def test_a_last_field_without_its_end_and_a_stray_bar_are_read() -> None:
    reply = decode(b"161N20261124    135525|BSMAIN|ABI1", is_checked=False)

    assert (reply.first("BS"), reply.first("AB")) == ("MAIN", "I1")


def test_numbers_may_be_padded_with_blanks() -> None:
    reply = decode(b"98YYYNYN 10 1020261124    1340072.00AOLIB|", is_checked=False)

    assert (reply.fixed["timeout"], reply.fixed["retries"]) == (" 10", " 10")


def test_what_is_no_message_says_where_and_why() -> None:
    fails(b"941AY0AZFFFF", "AZ: the checksum is wrong")
    fails(b"941AY0AZFFFF", "AZ: the checksum is wrong", is_checked=False)
    fails(b"941", "error detection is on, and there is no checksum")
    fails(add_checksum(b"941AZ"), "there is no sequence number")
    fails(b"18030101", "date: message 18 ends before its fixed fields do", is_checked=False)
    fails(b"None", "it begins with b'No'")
    fails(b"", "it begins with b''")


def test_a_request_to_send_again_has_no_sequence_number() -> None:
    assert decode(b"96AZFEF6") == Sip2Reply(ReplyCode.SEND_AGAIN, {}, ())


@pytest.mark.parametrize("value", ["1|AD0000", "1\r9900802.00", "a\x00b", "x" * 256, "Ж"])
def test_a_value_that_would_be_taken_for_more_is_not_sent(value: str) -> None:
    with pytest.raises(UnsendableValueError, match="field AA"):
        encode_query(WRITER.patron_status(value, "", NOW), "cp850", 1)


def test_moments_are_in_the_librarys_zone() -> None:
    assert format_stamp(NOW, ZONE) == "20261124    134007"
    assert parse_stamp("20261124    134007", ZONE) == NOW
    assert parse_stamp("20261124   Z124007", ZONE) == NOW
    assert parse_stamp("20261324    134007", ZONE) is None
    assert parse_stamp("2026-11-24", ZONE) is None


TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="|"), max_size=40)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(patron=TEXTS, barcode=TEXTS, pickup=TEXTS, now=MOMENTS, sequence=st.integers(0, 9))
@example(patron="", barcode="AZ1234", pickup="AY1AZFFFF", now=NOW, sequence=9)
def test_pysip2_reads_whatever_we_write(patron: str, barcode: str, pickup: str, now: datetime, sequence: int) -> None:
    codec: Any = require_pysip2().codec
    writer = QueryWriter("Bücherei", "", ZONE)
    queries = (
        (writer.patron_information(patron, now), {"patron_identifier": patron}),
        (writer.patron_status(patron, "", now), {"patron_identifier": patron}),
        (writer.item_information(barcode, now), {"item_identifier": barcode}),
        (writer.check_out(patron, barcode, now, due=None, no_block=False), {"item_identifier": barcode}),
        (writer.check_in(barcode, pickup, now), {"current_location": pickup}),
        (writer.renew(patron, barcode, now), {"item_identifier": barcode, "third_party_allowed": "N"}),
        (writer.hold(HoldMode.ADD, patron, barcode, now, HoldTerms(pickup)), {"pickup_location": pickup or None}),
        (writer.end_session(patron, now), {"patron_identifier": patron}),
    )
    for query, said in queries:
        frame = encode_query(query, "utf-8", sequence)
        heard = codec.decode_message(frame + b"\r", encoding="utf-8")
        assert heard.sequence_number == sequence
        assert {name: getattr(heard.message, name) for name in said} == said


@given(title=TEXTS, said=st.lists(TEXTS, max_size=3), sequence=st.integers(0, 9))
@example(title="AZ0000", said=["AY0AZ"], sequence=0)
def test_we_read_whatever_pysip2_writes(title: str, said: list[str], sequence: int) -> None:
    sip: Any = require_pysip2()
    answer = sip.ItemInformationResponse(
        circulation_status="03",
        security_marker="00",
        fee_type="01",
        transaction_date="20261124    134007",
        item_identifier="I1",
        title_identifier=title,
        screen_message=tuple(said),
    )
    frame = sip.codec.encode_message(answer, sequence_number=sequence, checksum=True, encoding="utf-8")
    reply = decode(frame[:-1])

    assert reply.sequence == str(sequence)
    assert reply.first("AJ") == title.strip()
    assert reply.values_of("AF") == tuple(text.strip() for text in said if text.strip())


@given(st.binary(max_size=200), st.booleans())
@example(b"64", False)
@example(b"96AZFEF6", True)
def test_any_bytes_are_read_or_refused(sent: bytes, is_checked: bool) -> None:
    with contextlib.suppress(MalformedMessage):
        assert decode_reply(sent, "utf-8", is_checked=is_checked).code.encode() == sent[:2]


@given(sent=st.sampled_from([b"941AY3AZ", b"1803010120261124    134007ABI1|AJA title|AY4AZ"]), data=st.data())
def test_one_changed_byte_is_noticed(sent: bytes, data: st.DataObject) -> None:
    message = bytearray(add_checksum(sent))
    place = data.draw(st.integers(0, len(sent) - 1))
    message[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != message[place]))

    with pytest.raises(MalformedMessage):
        decode(bytes(message))
