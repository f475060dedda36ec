"""ISO ILL on the wire: bytes to messages and back. Pure: no I/O, no clock, no settings.

    ApduSplitter(limits)              cuts a stream into APDUs
    peek(bytes) -> Peek         what an error report needs of an APDU that can't be read
    decode(bytes, style)        -> Decoded: the message, and what was odd about it
    digest_of(bytes)            -> by what a repeat of it is known again
    encode(message, style)      -> bytes

What can't be read is `gateway.domain.problems.MalformedMessage` with place, reason and fault.
"""

from __future__ import annotations

from adapters import ber
from adapters.ber import DEFAULT_LIMITS, ApduSplitter, Limits
from adapters.iso_ill.codec.declarations import DEFAULT_STYLE, Defaults, Strings, Style, declared
from adapters.iso_ill.codec.decoder import ABSENT, Oddity, Reader, plan_of
from adapters.iso_ill.codec.encoder import Writer, shape_of
from adapters.iso_ill.codec.extension_items import digest_of
from adapters.iso_ill.messages import APDUS, Apdu
from adapters.iso_ill.messages.codes import ApduType
from adapters.iso_ill.messages.structures import ServiceDateTime, SystemId, TransactionId
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value


@value
class Decoded:
    apdu: Apdu
    oddities: tuple[Oddity, ...]


@value
class Peek:
    """As much of the header as could be read. `type` is None for an APDU that the standard doesn't have."""

    type: ApduType | None
    protocol_version: int | None = None
    transaction_id: TransactionId | None = None
    service_date_time: ServiceDateTime | None = None
    requester_id: SystemId | None = None
    responder_id: SystemId | None = None


def name_of(type_: ApduType) -> str:
    """As the standard writes it: ILL-Request."""
    words = ("ILL" if word == "ILL" else word.capitalize() for word in type_.name.split("_"))
    return "-".join(words)


def decode(data: bytes, style: Style = DEFAULT_STYLE, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Raises MalformedMessage; with fault UNKNOWN_SERVICE for an APDU that the standard doesn't have.

    Any protocol version is read as if it were 2: whether it is spoken is the receiver's question.
    """
    reader = Reader(data, style, limits)
    try:
        type_, start, stop, following = _outer(reader)
        if type_ is None:
            raise MalformedMessage("octet 0", f"no APDU begins with {data[:1].hex()}", MalformationKind.UNKNOWN_SERVICE)
        reader.enter_field(name_of(type_))
        apdu = reader.read_structure(plan_of(APDUS[type_ - 1]), start, stop)
    except MalformedMessage as malformed:
        raise _placed(malformed, reader) from None
    assert apdu is not ABSENT, "the header is mandatory"
    if following < len(data):
        reader.add_remark(f"{len(data) - following} octets after the APDU were passed over")
    return Decoded(apdu, tuple(reader.oddities))


def encode(apdu: Apdu, style: Style = DEFAULT_STYLE) -> bytes:
    """Raises ValueError for what no APDU can say: a CHOICE of none or several, an object identifier that is none."""
    contents = Writer(style).write_structure(shape_of(type(apdu)), apdu)
    inner = b"\x30" + ber.length_octets(len(contents)) + contents
    outer = ber.tag_octets(ber.APPLICATION | apdu.type, constructed=True)
    return outer + ber.long_length_octets(len(inner)) + inner


def peek(data: bytes, style: Style = DEFAULT_STYLE, limits: Limits = DEFAULT_LIMITS) -> Peek:
    """Raises MalformedMessage when it isn't even the beginning of an APDU."""
    reader = Reader(data, style, limits)
    tag, constructed, at, _ = _beginning(data)
    if tag & ber.CLASS != ber.APPLICATION or not constructed:
        raise MalformedMessage("octet 0", f"an APDU doesn't begin with {data[:1].hex()}", MalformationKind.PROTOCOL)
    type_ = _type(tag)
    end = len(data)
    found: dict[str, object] = {}
    slots = plan_of(APDUS[0]).slots
    while at < end:
        try:
            tag, constructed, start, stop, following = reader.read_header(at, end)
        except MalformedMessage:
            break  # what came before is all there is
        if tag == ber.SEQUENCE and not found:
            at, end = start, stop
            continue
        slot = slots.get(tag) if tag <= _LAST_OF_HEADER else None
        if slot is None:
            break
        value = reader.try_read(lambda slot=slot, at=(start, stop, constructed): slot.read(reader, *at))  # type: ignore[misc]
        if value is not ABSENT and not isinstance(value, MalformedMessage):
            found.setdefault(slot.attribute, value)
        at = following
    return Peek(type_, **found)  # type: ignore[arg-type]


_LAST_OF_HEADER = ber.context_tag(4)


def _beginning(data: bytes) -> tuple[int, bool, int, int]:
    try:
        return ber.parse_header(data, 0)
    except IndexError:
        raise MalformedMessage("octet 0", "not even a tag and a length") from None


def _type(tag: int) -> ApduType | None:
    number = tag & ~ber.CLASS
    return ApduType(number) if tag & ber.CLASS == ber.APPLICATION and 0 < number <= len(APDUS) else None


def _outer(reader: Reader) -> tuple[ApduType | None, int, int, int]:
    tag, constructed, start, stop, following = reader.read_header(0, len(reader.data))
    return _type(tag) if constructed else None, start, stop, following


def _placed(malformed: MalformedMessage, reader: Reader) -> MalformedMessage:
    """With the field in which the octet stands."""
    place = malformed.place
    if reader.place and not place.startswith(reader.place):
        place = f"{reader.place}, {place}" if place else reader.place
    return MalformedMessage(place, malformed.reason, malformed.fault)


__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_STYLE",
    "ApduSplitter",
    "Decoded",
    "Defaults",
    "Limits",
    "Oddity",
    "Peek",
    "Strings",
    "Style",
    "declared",
    "decode",
    "digest_of",
    "encode",
    "name_of",
    "peek",
]
