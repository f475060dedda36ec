"""Hypothesis strategies for APDUs, built from what the message classes declare.

Values are as they come back from reading: text without blanks at its ends, optional structures that say something.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from hypothesis import strategies as st

from adapters import ber
from adapters.iso_ill.codec.declarations import FieldDeclaration, FieldKind, is_choice, list_declared_fields
from adapters.iso_ill.messages import APDUS, Apdu
from adapters.iso_ill.messages.declaration import Encoding, External
from adapters.iso_ill.messages.structures import (
    ConditionalReplyInfo,
    DeliveryInfo,
    Extension,
    OclcPatronRequest,
    OclcRequest,
    OclcRequesterNotification,
    Opaque,
    ShownCredentials,
    SuppliersReference,
)

MOST_OPTIONAL = 4

_WORDS = (
    "248705",
    "als:BVAS",
    "Das Schloß",
    "Преступление и наказание",
    "源氏物語",
    "كليلة ودمنة",
    "12 Main St\r\nSpringfield",
    "x" * 130,
    "😀 €",
)
texts = st.sampled_from(_WORDS) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(
    str.strip
).filter(bool)
printables = st.sampled_from(("25.00", "$35", "1 234,50", "USD", "0"))
days = st.dates(date(1, 1, 1), date(9999, 12, 31))
clocks = st.times().map(lambda one: one.replace(microsecond=0))
numbers = st.integers(-(2**31), 2**31) | st.integers(1, 200)
identifiers = st.sampled_from(("1.0.10161.9.1.1", "2.5.4.3", "1.2.840.113556.1.4.319", "0.4.0.127"))


def _value(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + ber.length_octets(len(content)) + content


tlvs = st.one_of(
    st.binary(max_size=200).map(lambda content: _value(0x04, content)),
    texts.map(lambda text: _value(0x30, _value(0x1B, text.encode()))),
    st.just(b"\x05\0"),
)
single = st.builds(External, identifiers, tlvs)
externals = single | st.builds(
    External,
    identifiers | st.just(""),
    st.binary(max_size=20).map(lambda octets: b"\0" + octets),
    st.sampled_from((Encoding.OCTET_ALIGNED, Encoding.ARBITRARY)),
    st.none() | numbers,
    st.sampled_from(("", "order form")),
)
known_items = st.one_of(
    st.deferred(lambda: structures(DeliveryInfo)),
    st.deferred(lambda: structures(OclcRequest)),
    st.deferred(lambda: structures(SuppliersReference)),
    st.deferred(lambda: structures(ConditionalReplyInfo)),
    st.deferred(lambda: structures(OclcRequesterNotification)),
    st.deferred(lambda: structures(OclcPatronRequest)),
    st.builds(ShownCredentials, texts, texts),
)
items = known_items | externals | tlvs.map(Opaque)


def apdus(cls: type[Apdu] | None = None) -> st.SearchStrategy[Apdu]:
    """Any APDU, or any of one kind."""
    return st.sampled_from(APDUS).flatmap(structures) if cls is None else structures(cls)


@cache
def structures(cls: type) -> st.SearchStrategy[Any]:
    return _choices(cls) if is_choice(cls) else _structures(cls)


def _choices(cls: type) -> st.SearchStrategy[Any]:
    return st.sampled_from(list_declared_fields(cls)).flatmap(
        lambda one: _values(one).map(lambda value: cls(**{one.attribute: value}))
    )


@st.composite
def _structures(draw: st.DrawFn, cls: type) -> Any:
    """What is mandatory, and a few of the other fields: each of them often enough, never all at once."""
    fields = list_declared_fields(cls)
    wanted = {one.attribute for one in fields if one.required}
    optional = [one.attribute for one in fields if not one.required]
    if optional:
        wanted |= draw(st.sets(st.sampled_from(optional), max_size=MOST_OPTIONAL))
    for choice in dict.fromkeys(one.tag.choice for one in fields if one.tag.choice):
        alternatives = [one.attribute for one in fields if one.tag.choice == choice]
        chosen = sorted(wanted & set(alternatives))
        if len(chosen) > 1 or (not chosen and choice == "damaged-portion"):  # damage is of some portion always
            wanted = wanted - set(alternatives) | {draw(st.sampled_from(alternatives))}
    return cls(**{one.attribute: draw(_values(one)) for one in fields if one.attribute in wanted})


def _values(one: FieldDeclaration) -> st.SearchStrategy[Any]:
    """That are there and not empty."""
    if one.many:
        return st.lists(_single(one), min_size=1, max_size=2).map(tuple)
    found = _single(one)
    if one.kind is FieldKind.STRUCTURE and not one.required and not one.alternative:
        return found.filter(lambda value: not _says_nothing(value))
    return found


def _says_nothing(value: Any) -> bool:
    fields = list_declared_fields(type(value))
    return not any(one.required for one in fields) and all(
        getattr(value, one.attribute) == one.default for one in fields
    )


def _single(one: FieldDeclaration) -> st.SearchStrategy[Any]:
    match one.kind:
        case FieldKind.CODE:
            return st.sampled_from(one.cls)
        case FieldKind.STRUCTURE if one.cls is Extension:
            return st.builds(Extension, identifier=numbers, critical=st.booleans(), item=items)
        case FieldKind.STRUCTURE:
            return st.deferred(lambda: structures(one.cls))
        case FieldKind.NULL:
            return st.just(True)
    return {
        FieldKind.TEXT: texts,
        FieldKind.PRINTABLE: printables,
        FieldKind.OBJECT_IDENTIFIER: identifiers,
        FieldKind.DAY: days,
        FieldKind.CLOCK: clocks,
        FieldKind.NUMBER: numbers,
        FieldKind.FLAG: st.booleans(),
        FieldKind.ANY: tlvs,
        FieldKind.EXTERNAL: externals,
    }[one.kind]
