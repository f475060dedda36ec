"""What real senders do that the standard doesn't have (facts/iso-ill-10161.md sections 13 to 15)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from adapters import ber
from adapters.iso_ill.codec import EncodingStyle, Strings, decode_apdu, encode_apdu
from adapters.iso_ill.messages import Cancel, IllAnswer, IllRequest, Message, Overdue, Shipped
from adapters.iso_ill.messages.codes import ApduType, Results
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.structures import (
    Amount,
    Extension,
    Moment,
    OclcRequest,
    Opaque,
    ServiceDateTime,
    ShownCredentials,
    SystemId,
    TransactionId,
)
from gateway.domain.problems import MalformationKind, MalformedMessage
from tests.support.full_apdus import build_full_apdus

MESSAGE = Message(
    protocol_version=2,
    transaction_id=TransactionId(group_qualifier="248705", qualifier="1"),
    service_date_time=ServiceDateTime(this=Moment(day=date(2026, 3, 2), clock=time(9, 30))),
    note="Grüße aus Køge",
)


def value(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + ber.length_octets(len(content)) + content


def without_inner_sequence(octets: bytes) -> bytes:
    _, _, start, _ = ber.parse_header(octets, 0)
    _, _, inner, _ = ber.parse_header(octets, start)
    return value(octets[0], octets[inner:])


def changed(octets: bytes, before: bytes, after: bytes) -> bytes:
    """The same length before and after."""
    assert octets.count(before) == 1
    assert len(before) == len(after)
    return octets.replace(before, after)


def test_the_request_of_yaz_is_read_with_its_empty_fields(samples_folder: Path) -> None:
    octets = (samples_folder / "iso-ill" / "yaz-illclient-request.ber").read_bytes()

    apdu = decode_apdu(octets).apdu

    assert isinstance(apdu, IllRequest)
    assert apdu.transaction_id == TransactionId(group_qualifier="", qualifier="")
    assert apdu.requester_id == SystemId.from_symbol("IKM")
    assert (apdu.client, apdu.billing_address) == (None, None)
    assert apdu.item.title == "Unknown Title"
    assert decode_apdu(encode_apdu(apdu)).apdu == apdu


@pytest.mark.parametrize("kind", [Cancel, Overdue, Shipped])
def test_the_inner_sequence_may_be_missing(kind: type[Cancel] | type[Overdue] | type[Shipped]) -> None:
    apdu = build_full_apdus(kind)[0]

    assert decode_apdu(without_inner_sequence(encode_apdu(apdu))).apdu == apdu


def test_extensions_of_an_overdue_are_read_in_both_ways() -> None:
    apdu = build_full_apdus(Overdue)[0]
    octets = encode_apdu(apdu)
    at = octets.index(b"\xbf\x31")
    _, _, start, _ = ber.parse_header(octets, at)
    _, _, inner, _ = ber.parse_header(octets, start)
    implicit = octets[:at] + b"\xbf\x31" + ber.length_octets(len(octets) - inner) + octets[inner:]
    _, _, contents, _ = ber.parse_header(implicit, 0)
    _, _, contents, _ = ber.parse_header(implicit, contents)

    read = decode_apdu(value(0x6C, value(0x30, implicit[contents:]))).apdu

    assert read == apdu
    assert len(read.carried_extensions) == 1


def test_an_amount_with_a_sign_is_kept() -> None:
    request = build_full_apdus(IllRequest)[0]
    assert isinstance(request, IllRequest)
    assert request.cost_info is not None
    request = replace(request, cost_info=replace(request.cost_info, maximum_cost=Amount(value="$35")))

    assert decode_apdu(encode_apdu(request)).apdu == request


def test_an_unknown_code_stays_and_is_noted() -> None:
    answer = replace(build_full_apdus(IllAnswer)[0], results=Results.ESTIMATE)  # type: ignore[call-arg]

    decoded = decode_apdu(changed(encode_apdu(answer), b"\x9f\x1f\x01\x07", b"\x9f\x1f\x01\x63"))

    assert isinstance(decoded.apdu, IllAnswer)
    assert decoded.apdu.results == 99
    assert "ILL-Answer.transaction-results: 99 is not in the list" in str(decoded.oddities[0])
    assert decode_apdu(encode_apdu(decoded.apdu)).apdu == decoded.apdu


def test_text_that_is_not_utf_8_is_read_in_the_partners_set() -> None:
    octets = encode_apdu(MESSAGE, EncodingStyle(charset="cp1252"))

    decoded = decode_apdu(octets, EncodingStyle(fallback="cp1252"))

    assert decoded.apdu == MESSAGE
    assert [str(one) for one in decoded.oddities] == ["Message.note: not UTF-8; read as cp1252"]


def test_a_partner_without_accents_is_written_edifact_strings() -> None:
    octets = encode_apdu(MESSAGE, EncodingStyle(strings=Strings.EDIFACT))

    assert b"\x1a\x0fGrusse aus Koge" in octets


@pytest.mark.parametrize(
    ("style", "written"),
    [
        (EncodingStyle(strings=Strings.EDIFACT), b"Voyna i mir, 1.-4. Lodz ?Krakow??"),
        (EncodingStyle(charset="iso-8859-1"), b"Voyna i mir, 1.-4. L\xf3dz [Krak\xf3w]?"),
        (EncodingStyle(charset="ascii"), b"Voyna i mir, 1.-4. Lodz [Krakow]?"),
    ],
    ids=["edifact", "latin-1", "ascii"],
)
def test_letters_that_the_partners_set_lacks_are_romanised(style: EncodingStyle, written: bytes) -> None:
    octets = encode_apdu(replace(MESSAGE, note="Война и мир, 1.–4. Łódź [Kraków]\ue000"), style)

    assert written in octets


def test_isbn_of_any_length_and_any_lengths_of_texts() -> None:
    request = build_full_apdus(IllRequest)[0]
    assert isinstance(request, IllRequest)
    request = replace(request, item=replace(request.item, isbn="978-3-16-148410-0", title="x" * 70_000))

    assert decode_apdu(encode_apdu(request)).apdu == request


@pytest.mark.parametrize(("sent", "read"), [("2026-03-02", date(2026, 3, 2)), ("20260302093000", date(2026, 3, 2))])
def test_other_spellings_of_a_date(sent: str, read: date) -> None:
    octets = encode_apdu(MESSAGE)
    short = value(0x80, b"20260302")
    contents = octets[octets.index(b"\x80\x01\x02") :].replace(
        value(0xA2, value(0xA0, short + value(0x81, b"093000"))), value(0xA2, value(0xA0, value(0x80, sent.encode())))
    )

    assert decode_apdu(value(0x71, value(0x30, contents))).apdu.service_date_time.this.day == read


def test_a_mandatory_date_that_is_none_is_refused_with_its_place() -> None:
    octets = changed(encode_apdu(MESSAGE), b"20260302", b"        ")

    with pytest.raises(MalformedMessage) as found:
        decode_apdu(octets)

    assert found.value.place == "Message.service-date-time.date-time-of-this-service"
    assert found.value.reason == "date is missing"
    assert found.value.fault is MalformationKind.DATA_MISSING


def test_an_unknown_apdu_is_told_apart() -> None:
    with pytest.raises(MalformedMessage) as found:
        decode_apdu(b"\x75\x02\x30\x00")

    assert found.value.fault is MalformationKind.UNKNOWN_SERVICE


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_message_that_is_cut_off_names_the_place(cut: int) -> None:
    octets = encode_apdu(MESSAGE)

    with pytest.raises(MalformedMessage) as found:
        decode_apdu(octets[:cut])

    assert found.value.reason


def test_object_identifiers_below_the_second_root() -> None:
    """The example of X.690, 8.19.5; asn1tools reads it as 4.20.3."""
    assert ber.identifier_octets("2.100.3") == bytes.fromhex("813403")
    assert ber.object_identifier_of(bytes.fromhex("813403")) == "2.100.3"


class TestExtensions:
    def test_the_credentials_of_yaz_are_read_as_yaz_writes_them(self) -> None:
        # prompt-1: {response {promptId type userId, string}, {promptId type password, string}}
        prompts = b"".join(
            value(0x30, value(0xA1, value(0xA1, value(0x81, bytes((kind,))))) + value(0xA2, value(0x81, text)))
            for kind, text in ((1, b"100-222"), (2, b"pa55"))
        )
        external = value(0x28, value(0x06, bytes.fromhex("2a8648ce130801")) + value(0xA0, value(0xA2, prompts)))

        apdu = self._read(external)

        assert apdu.carried_extensions[0].item == ShownCredentials("100-222", "pa55")
        assert "pa55" not in repr(apdu)
        assert external in encode_apdu(apdu)

    def test_an_empty_oclc_extension_is_one(self) -> None:
        external = value(0x28, value(0x06, bytes.fromhex("28cf310d02")) + value(0xA0, value(0x30, b"")))

        assert self._read(external).carried_extensions[0].item == OclcRequest()

    def test_what_is_not_known_is_passed_on_as_it_came(self) -> None:
        external = value(0x28, value(0x06, bytes.fromhex("28cf310d09")) + value(0xA0, value(0x30, value(0x1B, b"x"))))

        apdu = self._read(external)

        assert apdu.carried_extensions[0].name == "IPIG-ILL-Request-Extension"
        assert isinstance(apdu.carried_extensions[0].item, External)
        assert external in encode_apdu(apdu)

    def test_a_known_one_that_is_broken_or_holds_more_is_passed_on_as_it_came(self) -> None:
        more = value(0xBB, b"")
        external = value(0x28, value(0x06, bytes.fromhex("28cf310d02")) + value(0xA0, value(0x30, more)))

        apdu = self._read(external)

        assert isinstance(apdu.carried_extensions[0].item, External)
        assert external in encode_apdu(apdu)

    def test_an_item_that_is_no_external_is_passed_on_as_it_came(self) -> None:
        apdu = self._read(value(0x1B, b"local"))

        assert apdu.carried_extensions[0].item == Opaque(value(0x1B, b"local"))

    def _read(self, item: bytes) -> Message:
        octets = encode_apdu(replace(MESSAGE, extensions=(Extension.from_item(Opaque(item)),)))
        apdu = decode_apdu(octets).apdu
        assert isinstance(apdu, Message)
        assert apdu.type is ApduType.MESSAGE
        return apdu
