"""Our messages beside what another ASN.1 library makes of the same bytes, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, Protocol

from adapters.iso_ill.codec.declarations import (
    DEFAULT_STYLE,
    FieldDeclaration,
    FieldKind,
    is_choice,
    list_declared_fields,
)
from adapters.iso_ill.codec.encoder import ApduWriter, _put_item
from adapters.iso_ill.messages.declaration import Encoding, External


class Other(Protocol):
    """How the other library hands out what isn't a number, a truth value or a mapping."""

    def text(self, value: Any) -> str: ...

    def identifier(self, value: Any) -> str: ...

    def octets(self, value: Any) -> bytes: ...

    def external(self, value: Any) -> External: ...


class Comparison:
    """`differences` names the fields that differ; `seen` counts those that were compared."""

    def __init__(self, other: Other) -> None:
        self._other = other
        self.seen = 0

    def differences(self, ours: Any, theirs: Mapping[str, Any], place: str = "") -> Iterator[str]:
        left = dict(theirs)
        for one in list_declared_fields(type(ours)):
            where = f"{place}.{one.name}".lstrip(".")
            value = getattr(ours, one.attribute)
            if one.tag.choice:
                alternative = left.get(one.tag.choice)
                found = alternative[1] if alternative is not None and alternative[0] == one.name else None
                if found is not None or (one.kind is FieldKind.NULL and value):
                    del left[one.tag.choice]
                    found = True if one.kind is FieldKind.NULL else found
            else:
                found = left.pop(one.name, None)
            yield from self._field(one, value, found, where)
        for name in left:
            yield f"{place}.{name}: only theirs"

    def _field(self, one: FieldDeclaration, ours: Any, theirs: Any, where: str) -> Iterator[str]:
        self.seen += 1
        if theirs is None:
            if ours != one.default:
                yield f"{where}: only ours"
        elif one.many:
            if len(ours) != len(theirs):
                yield f"{where}: {len(ours)} and {len(theirs)} entries"
            for index, (mine, yours) in enumerate(zip(ours, theirs, strict=False)):
                yield from self._value(one, mine, yours, f"{where}[{index}]")
        else:
            yield from self._value(one, ours, theirs, where)

    def _value(self, one: FieldDeclaration, ours: Any, theirs: Any, where: str) -> Iterator[str]:
        if one.kind is FieldKind.STRUCTURE:
            yield from self.differences(ours, dict((theirs,)) if is_choice(one.cls) else theirs, where)
            return
        mine, yours = self._plain(one.kind, ours, theirs)
        if mine != yours:
            yield f"{where}: {mine!r} and {yours!r}"

    def _plain(self, kind: FieldKind, ours: Any, theirs: Any) -> tuple[Any, Any]:
        other = self._other
        match kind:
            case FieldKind.TEXT:
                return ours, other.text(theirs[1])
            case FieldKind.DAY:
                assert isinstance(ours, date)
                return f"{ours.year:04}{ours.month:02}{ours.day:02}", theirs
            case FieldKind.CLOCK:
                assert isinstance(ours, time)
                return ours.strftime("%H%M%S"), theirs
            case FieldKind.CODE:
                return ours.name.lower().replace("_", "-"), theirs.lower()
            case FieldKind.OBJECT_IDENTIFIER:
                return ours, other.identifier(theirs)
            case FieldKind.ANY:
                return ours, other.octets(theirs)
            case FieldKind.ITEM:
                return _put_item(ApduWriter(DEFAULT_STYLE), ours), other.octets(theirs)
            case FieldKind.EXTERNAL:
                return ours, other.external(theirs)
        return ours, theirs


class Asn1Tools:
    def text(self, value: str) -> str:
        return value.encode("latin-1").decode("utf-8")

    def identifier(self, value: str) -> str:
        return value

    def octets(self, value: bytes) -> bytes:
        return bytes(value)

    def external(self, value: Mapping[str, Any]) -> External:
        name, content = value["encoding"]
        encoding = Encoding[name.upper().replace("-", "_")]
        if encoding is Encoding.ARBITRARY:
            octets, bits = content
            content = bytes((len(octets) * 8 - bits,)) + octets
        return External(
            value.get("direct-reference", ""),
            bytes(content),
            encoding,
            value.get("indirect-reference"),
            value.get("data-value-descriptor", ""),
        )
