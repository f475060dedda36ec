"""ISO ILL on the wire: bytes to messages and back. Pure: no I/O, no clock, no settings.

    ApduSplitter(limits)          cuts a stream into APDUs
    peek_apdu(bytes)              -> PartialHeader: what an error report needs of an APDU that can't be read
    decode_apdu(bytes, style)     -> DecodedApdu: the message, and what was odd about it
    apdu_digest(bytes)            -> by what a repeat of it is known again
    encode_apdu(message, style)   -> bytes
    parse_hex(bytes)              -> bytes written as hexadecimal digits
    conceal_credentials(bytes)    -> bytes without passwords, for all that is kept

What can't be read is `gateway.domain.problems.MalformedMessage` with place, reason and fault.
"""

from __future__ import annotations

import re

from adapters import ber
from adapters.ber import DEFAULT_LIMITS, BerLimits, BerSplitter
from adapters.iso_ill.codec.declarations import DEFAULT_STYLE, Defaults, EncodingStyle, Strings, list_declared_fields
from adapters.iso_ill.codec.decoder import ABSENT, ApduReader, DecodingRemark, plan_of
from adapters.iso_ill.codec.encoder import ApduWriter, shape_of
from adapters.iso_ill.codec.extension_items import apdu_digest, conceal_credentials
from adapters.iso_ill.messages import APDUS, Apdu
from adapters.iso_ill.messages.codes import ApduType
from adapters.iso_ill.messages.structures import ServiceDateTime, SystemId, TransactionId
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

MAIN_TYPE, SUB_TYPE = "application", "iso-10161-ill-1"
"""Of an APDU in a mail or file (RFC 2503)."""

FILE_ENDING = ".ber"

_HEX = re.compile(rb"[0-9A-Fa-f\s:]+")


@value_object
class DecodedApdu:
    apdu: Apdu
    oddities: tuple[DecodingRemark, ...]


@value_object
class PartialHeader:
    """The part of the header that could be read. `type` is None for an APDU that the standard doesn't have."""

    type: ApduType | None
    protocol_version: int | None = None
    transaction_id: TransactionId | None = None
    service_date_time: ServiceDateTime | None = None
    requester_id: SystemId | None = None
    responder_id: SystemId | None = None


class ApduSplitter(BerSplitter):
    """Cuts a stream into APDUs. An unknown APDU is one all the same: it can be answered with a report."""

    def _check_beginning(self, tag: int, constructed: bool) -> None:
        octets = ber.tag_octets(tag, constructed)
        if octets[0] & ber.CLASS != ber.APPLICATION or not constructed:
            raise MalformedMessage("octet 0", f"an APDU doesn't begin with {octets.hex()}", MalformationKind.PROTOCOL)


def apdu_type_name(type_: ApduType) -> str:
    """Return the name of a type as the standard writes it: ILL-Request."""
    words = ("ILL" if word == "ILL" else word.capitalize() for word in type_.name.split("_"))
    return "-".join(words)


def decode_apdu(data: bytes, style: EncodingStyle = DEFAULT_STYLE, limits: BerLimits = DEFAULT_LIMITS) -> DecodedApdu:
    """Decode an APDU; raises MalformedMessage; with fault UNKNOWN_SERVICE for one that the standard doesn't have.

    Any protocol version is read as if it were 2: whether it is spoken is the receiver's question.
    """
    reader = ApduReader(data, style, limits)
    try:
        type_, start, stop, following = _read_outer_header(reader)
        if type_ is None:
            raise MalformedMessage("octet 0", f"no APDU begins with {data[:1].hex()}", MalformationKind.UNKNOWN_SERVICE)
        reader.enter_field(apdu_type_name(type_))
        apdu = reader.read_structure(plan_of(APDUS[type_ - 1]), start, stop)
    except MalformedMessage as malformed:
        raise _add_place(malformed, reader) from None
    assert apdu is not ABSENT, "the header is mandatory"
    if following < len(data):
        reader.add_remark(f"{len(data) - following} octets after the APDU were passed over")
    return DecodedApdu(apdu, tuple(reader.oddities))


def encode_apdu(apdu: Apdu, style: EncodingStyle = DEFAULT_STYLE) -> bytes:
    """Encode an APDU; raises ValueError for what no APDU can say: a CHOICE of none or several, an object identifier
    that is none."""
    contents = ApduWriter(style).write_structure(shape_of(type(apdu)), apdu)
    inner = b"\x30" + ber.length_octets(len(contents)) + contents
    outer = ber.tag_octets(ber.APPLICATION | apdu.type, constructed=True)
    return outer + ber.long_length_octets(len(inner)) + inner


def peek_apdu(data: bytes, style: EncodingStyle = DEFAULT_STYLE, limits: BerLimits = DEFAULT_LIMITS) -> PartialHeader:
    """Read the header; raises MalformedMessage when it isn't even the beginning of an APDU."""
    reader = ApduReader(data, style, limits)
    tag, constructed, at, _ = _parse_first_header(data)
    if tag & ber.CLASS != ber.APPLICATION or not constructed:
        raise MalformedMessage("octet 0", f"an APDU doesn't begin with {data[:1].hex()}", MalformationKind.PROTOCOL)
    type_ = _apdu_type_of_tag(tag)
    end = len(data)
    values: dict[str, object] = {}
    slots = plan_of(APDUS[0]).slots
    while at < end:
        try:
            tag, constructed, start, stop, following = reader.read_header(at, end)
        except MalformedMessage:
            break  # what came before is all there is
        if tag == ber.SEQUENCE and not values:
            at, end = start, stop
            continue
        slot = slots.get(tag) if tag <= _LAST_OF_HEADER else None
        if slot is None:
            break
        value = reader.try_read(lambda slot=slot, at=(start, stop, constructed): slot.read(reader, *at))  # type: ignore[misc]
        if value is not ABSENT and not isinstance(value, MalformedMessage):
            values.setdefault(slot.attribute, value)
        at = following
    return PartialHeader(type_, **values)  # type: ignore[arg-type]


_LAST_OF_HEADER = ber.context_tag(4)


def _parse_first_header(data: bytes) -> tuple[int, bool, int, int]:
    try:
        return ber.parse_header(data, 0)
    except IndexError:
        raise MalformedMessage("octet 0", "not even a tag and a length") from None


def _apdu_type_of_tag(tag: int) -> ApduType | None:
    number = tag & ~ber.CLASS
    return ApduType(number) if tag & ber.CLASS == ber.APPLICATION and 0 < number <= len(APDUS) else None


def _read_outer_header(reader: ApduReader) -> tuple[ApduType | None, int, int, int]:
    tag, constructed, start, stop, following = reader.read_header(0, len(reader.data))
    return _apdu_type_of_tag(tag) if constructed else None, start, stop, following


def parse_hex(data: bytes) -> bytes:
    """Return what the digits stand for; BER as it is, since an APDU never begins with a digit. Raises ValueError."""
    if not data or not _HEX.fullmatch(data):
        return data
    try:
        return bytes.fromhex(re.sub(rb"[\s:]", b"", data).decode())
    except ValueError as error:
        raise ValueError(f"not hexadecimal digits: {error}") from error


def _add_place(malformed: MalformedMessage, reader: ApduReader) -> MalformedMessage:
    """Add the field in which the octet stands."""
    place = malformed.place
    if reader.place and not place.startswith(reader.place):
        place = f"{reader.place}, {place}" if place else reader.place
    return MalformedMessage(place, malformed.reason, malformed.fault)


__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_STYLE",
    "FILE_ENDING",
    "MAIN_TYPE",
    "SUB_TYPE",
    "ApduSplitter",
    "BerLimits",
    "DecodedApdu",
    "DecodingRemark",
    "Defaults",
    "EncodingStyle",
    "PartialHeader",
    "Strings",
    "apdu_digest",
    "apdu_type_name",
    "conceal_credentials",
    "decode_apdu",
    "encode_apdu",
    "list_declared_fields",
    "parse_hex",
    "peek_apdu",
]
