"""Messages to bytes: definite lengths, fields in the order of the standard, the outermost length in its long form."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from adapters import ber
from adapters.iso_ill.codec.declarations import (
    Defaults,
    EncodingStyle,
    FieldDeclaration,
    FieldKind,
    Strings,
    is_choice,
    list_declared_fields,
)
from adapters.iso_ill.codec.decoder import MAX_REMEMBERED, MAX_REMEMBERED_BYTES, REMEMBERED
from adapters.iso_ill.codec.extension_items import credentials_octets
from adapters.iso_ill.messages.declaration import Encoding, External
from adapters.iso_ill.messages.structures import OBJECT_IDENTIFIERS, DeliveryInfo, Item, Opaque, ShownCredentials
from gateway.domain.romanisation import fit_into_charset, romanise_text
from gateway.domain.value import value_object

PutValue = Callable[["ApduWriter", Any], bytes]
"""The contents of a value, without its tag; of a text, with the tag of its string type."""

_EDIFACT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz1234567890 .,-()/=!\"%&*;<>'+:?")
_LENGTHS = tuple(ber.length_octets(length) for length in range(0x80))


@value_object
class FieldShape:
    """A field: its tag, how its contents are written, and when it is left out."""

    name: str
    head: bytes
    put: PutValue
    default: Any
    required: bool
    silent: bool  # its default is never written, whatever the style
    plain: bool  # no structure
    choice: str


@value_object
class StructureShape:
    pieces: tuple[FieldShape, ...]
    steps: tuple[tuple[Any, bool, bool, bool, bytes, PutValue], ...]  # the pieces, for the loop that all writing is
    values: Callable[[Any], tuple[Any, ...]]
    choice: bool
    choices: tuple[tuple[int, ...], ...]  # positions of the alternatives of each untagged CHOICE


class ApduWriter:
    def __init__(self, style: EncodingStyle) -> None:
        self.style = style
        self._omit = style.defaults is Defaults.OMIT
        self._utf8 = style.charset.lower() in ("utf-8", "utf8") and style.strings is Strings.GENERAL
        self.usual = self._omit and self._utf8

    def write_structure(self, shape: StructureShape, value: Any) -> bytes:
        """The contents. Raises ValueError for what can't be: a CHOICE of none or several."""
        values = shape.values(value)
        parts = []
        omit = self._omit
        for (default, left_out, required, plain, head, put), item in zip(shape.steps, values, strict=True):
            if item is default and not required and (omit or left_out):
                continue  # nearly always: what follows is for values that are equal and not the same
            if not required:
                if item is None or (plain and (item == "" or item == ())):
                    continue
                if item == default and (omit or left_out):
                    continue
            content = put(self, item)
            length = len(content)
            parts.append(head + (_LENGTHS[length] if length < 0x80 else ber.length_octets(length)) + content)
        if shape.choice and len(parts) != 1:
            raise ValueError(f"{type(value).__name__}: exactly one alternative, not {len(parts)}")
        for positions in shape.choices:
            if sum(bool(values[position]) for position in positions) > 1:
                raise ValueError(
                    f"{type(value).__name__}: {shape.pieces[positions[0]].choice} has several alternatives"
                )
        return b"".join(parts)

    def encode_text(self, text: str) -> bytes:
        """Encode a text with the tag of its type."""
        text = text.strip()
        if self._utf8:
            octets = text.encode("utf-8", "replace")
            tag = b"\x1b"
        elif self.style.strings is Strings.EDIFACT:
            octets = to_edifact_repertoire(text).encode("ascii")
            tag = b"\x1a"
        else:
            octets = fit_into_charset(text, self.style.charset).encode(self.style.charset, "replace")
            tag = b"\x1b"
        length = len(octets)
        return tag + (_LENGTHS[length] if length < 0x80 else ber.length_octets(length)) + octets


def to_edifact_repertoire(text: str) -> str:
    """Write a text in the repertoire of EDIFACTString: letters without diacritics, those of other scripts as they are
    read."""
    return romanise_text(" ".join(text.split()), _EDIFACT.__contains__)


def wrap_in_tag(head: bytes, content: bytes) -> bytes:
    return head + ber.length_octets(len(content)) + content


# --- how each kind is written ----------------------------------------------------------------------------


def _put_text(writer: ApduWriter, value: str) -> bytes:
    return writer.encode_text(value)


def _put_printable(writer: ApduWriter, value: str) -> bytes:
    return fit_into_charset(value.strip(), "ascii").encode("ascii", "replace")


def _put_day(writer: ApduWriter, value: Any) -> bytes:
    return b"%04d%02d%02d" % (value.year, value.month, value.day)


def _put_clock(writer: ApduWriter, value: Any) -> bytes:
    return b"%02d%02d%02d" % (value.hour, value.minute, value.second)


def _put_number(writer: ApduWriter, value: int) -> bytes:
    return bytes((value,)) if 0 <= value < 0x80 else ber.integer_octets(value)


def _put_flag(writer: ApduWriter, value: bool) -> bytes:
    return b"\xff" if value else b"\0"


def _put_null(writer: ApduWriter, value: bool) -> bytes:
    return b""


def _put_identifier(writer: ApduWriter, value: str) -> bytes:
    return ber.identifier_octets(value)


def _put_octets(writer: ApduWriter, value: bytes) -> bytes:
    return value


def _put_external(writer: ApduWriter, value: External) -> bytes:
    """The contents."""
    parts = []
    if value.direct_reference:
        parts.append(wrap_in_tag(b"\x06", ber.identifier_octets(value.direct_reference)))
    if value.indirect_reference is not None:
        parts.append(wrap_in_tag(b"\x02", ber.integer_octets(value.indirect_reference)))
    if value.descriptor:
        parts.append(wrap_in_tag(b"\x07", value.descriptor.encode()))
    single = value.encoding is Encoding.SINGLE_ASN1_TYPE
    parts.append(wrap_in_tag(ber.tag_octets(ber.CONTEXT | value.encoding, single), value.value))
    return b"".join(parts)


def _put_item(writer: ApduWriter, value: Item) -> bytes:
    return _put_delivery_info(writer, value) if isinstance(value, DeliveryInfo) else _put_extension_item(writer, value)


def _put_extension_item(writer: ApduWriter, value: Item) -> bytes:
    if isinstance(value, Opaque):
        return value.tlv
    if not isinstance(value, External):
        if isinstance(value, ShownCredentials):
            octets = credentials_octets(value)
        else:
            octets = wrap_in_tag(b"\x30", writer.write_structure(shape_of(type(value)), value))
        value = External(OBJECT_IDENTIFIERS[type(value)], octets)
    return wrap_in_tag(b"\x28", _put_external(writer, value))


def _make_structure_put(cls: type) -> PutValue:
    shapes: list[StructureShape] = []

    def put_structure(writer: ApduWriter, value: Any) -> bytes:
        if not shapes:
            shapes.append(shape_of(cls))
        return writer.write_structure(shapes[0], value)

    return _cache_puts(put_structure) if cls in REMEMBERED else put_structure


def _cache_puts(put: PutValue) -> PutValue:
    """Cache what was written before, as it mostly is written."""
    known: dict[Any, bytes] = {}

    def put_cached(writer: ApduWriter, value: Any) -> bytes:
        if not writer.usual:
            return put(writer, value)
        octets = known.get(value)
        if octets is None:
            octets = put(writer, value)
            if len(octets) <= MAX_REMEMBERED_BYTES:
                if len(known) >= MAX_REMEMBERED:
                    known.clear()
                known[value] = octets
        return octets

    return put_cached


_put_delivery_info = _cache_puts(_put_extension_item)
"""The same in all that goes to a partner."""

_PUT: dict[FieldKind, PutValue] = {
    FieldKind.TEXT: _put_text,
    FieldKind.PRINTABLE: _put_printable,
    FieldKind.OBJECT_IDENTIFIER: _put_identifier,
    FieldKind.DAY: _put_day,
    FieldKind.CLOCK: _put_clock,
    FieldKind.NUMBER: _put_number,
    FieldKind.FLAG: _put_flag,
    FieldKind.NULL: _put_null,
    FieldKind.CODE: _put_number,
    FieldKind.ANY: _put_octets,
    FieldKind.ITEM: _put_item,
    FieldKind.EXTERNAL: _put_external,
}
_OWN_TAG = {
    FieldKind.CODE: b"\x0a",
    FieldKind.NUMBER: b"\x02",
    FieldKind.DAY: b"\x1a",
    FieldKind.EXTERNAL: b"\x28",
    FieldKind.STRUCTURE: b"\x30",
}
_INSIDE_THEIR_TAG = frozenset({FieldKind.TEXT, FieldKind.ANY, FieldKind.ITEM})
"""These bring a tag of their own, so that the field's is always around it."""


def _choose_put(declaration: FieldDeclaration) -> PutValue:
    put = _make_structure_put(declaration.cls) if declaration.kind is FieldKind.STRUCTURE else _PUT[declaration.kind]
    if declaration.many:
        put = _make_list_put(put, _OWN_TAG[declaration.kind])
        return _make_tagged_put(put, b"\x30") if declaration.tag.explicit else put
    return _make_tagged_put(put, _OWN_TAG[declaration.kind]) if declaration.tag.explicit else put


def _make_list_put(put: PutValue, head: bytes) -> PutValue:
    return lambda writer, values: b"".join(wrap_in_tag(head, put(writer, value)) for value in values)


def _make_tagged_put(put: PutValue, head: bytes) -> PutValue:
    return lambda writer, value: wrap_in_tag(head, put(writer, value))


def _is_constructed(declared: FieldDeclaration) -> bool:
    kinds = (*_INSIDE_THEIR_TAG, FieldKind.STRUCTURE, FieldKind.EXTERNAL)
    return declared.many or declared.tag.explicit or declared.kind in kinds


_SHAPES: dict[type, StructureShape] = {}


def shape_of(cls: type) -> StructureShape:
    """Return the shape in which a class is written; made once."""
    shape = _SHAPES.get(cls)
    if shape is None:
        shape = _SHAPES[cls] = _build_shape(cls)
    return shape


def _build_shape(cls: type) -> StructureShape:
    fields = list_declared_fields(cls)
    pieces = tuple(
        FieldShape(
            field.name,
            ber.tag_octets(ber.context_tag(field.tag.number), _is_constructed(field)),
            _choose_put(field),
            field.default,
            field.required,
            field.kind is FieldKind.NULL or field.default is None or field.default == "" or field.default == (),
            field.many or field.kind is not FieldKind.STRUCTURE,
            field.tag.choice,
        )
        for field in fields
    )
    names = [field.attribute for field in fields]
    values = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
    choices = dict.fromkeys(field.tag.choice for field in fields if field.tag.choice)
    positions = tuple(tuple(i for i, field in enumerate(fields) if field.tag.choice == choice) for choice in choices)
    steps = tuple((piece.default, piece.silent, piece.required, piece.plain, piece.head, piece.put) for piece in pieces)
    return StructureShape(pieces, steps, values, is_choice(cls), positions)
