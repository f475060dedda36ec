"""Bytes to messages: lenient where real senders need it, with a note of everything that was out of the ordinary.

Each field is read by a function `(reader, start, stop, constructed) -> value`, chosen once from what the class
declares. ABSENT stands for a value that is there and empty, as yaz sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters import ber
from adapters.ber import DEFAULT_LIMITS, BerLimits
from adapters.iso_ill.codec.declarations import (
    EncodingStyle,
    FieldDeclaration,
    FieldKind,
    is_choice,
    list_declared_fields,
    parse_ill_date,
    parse_ill_time,
)
from adapters.iso_ill.messages.declaration import Encoding, External
from adapters.iso_ill.messages.structures import SystemId
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object


@value_object
class DecodingRemark:
    """Something that isn't as the standard has it and was read all the same. Without values of the message."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


class _AbsentValue:
    """There, and nothing in it."""


ABSENT = _AbsentValue()

ReadValue = Callable[["ApduReader", int, int, bool], Any]


@value_object
class FieldPlan:
    attribute: str
    name: str
    read: ReadValue


@value_object
class StructurePlan:
    cls: Any
    slots: Mapping[int, FieldPlan]
    steps: Mapping[int, tuple[str, str, ReadValue]]  # the slots, for the loop that all reading is
    required: frozenset[str]
    choice: bool
    defaults: Mapping[str, Any] | None  # what it says when nothing is there; None where something has to be


class ApduReader(ber.BerSource):
    """The reader of one message."""

    def __init__(self, data: bytes, style: EncodingStyle, limits: BerLimits = DEFAULT_LIMITS) -> None:
        super().__init__(data, limits)
        self.style = style
        self.oddities: list[DecodingRemark] = []
        self._path: list[str] = []

    def add_remark(self, what: str, name: str = "") -> None:
        if len(self.oddities) < self.limits.notes:
            self.oddities.append(DecodingRemark(".".join([*self._path, name] if name else self._path), what))

    def try_read(self, read: Callable[[], Any]) -> Any:
        """Return what is read, or the MalformedMessage that it raises; the place is where it was before."""
        depth = len(self._path)
        try:
            return read()
        except MalformedMessage as malformed:
            if malformed.fault is MalformationKind.TOO_LARGE:
                raise
            del self._path[depth:]
            return malformed

    # --- structures --------------------------------------------------------------------------------------

    def read_structure(self, plan: StructurePlan, at: int, end: int) -> Any:
        """The fields in any order. A SEQUENCE around them that the standard doesn't have here, or the lack of one
        that it has, makes no difference. ABSENT when it says no more than if it weren't there."""
        values: dict[str, Any] = {}
        steps, data, path = plan.steps, self.data, self._path
        seen = 0
        while at < end:
            tag = data[at]
            if tag & _LOW_TAG != _LOW_TAG and at + 1 < end and data[at + 1] < 0x80:  # nearly always
                constructed = tag & ber.CONSTRUCTED != 0
                tag &= ~ber.CONSTRUCTED
                start = at + 2
                stop = following = start + data[at + 1]
                if following > end:
                    self.read_header(at, end)  # says what is wrong
            else:
                tag, constructed, start, stop, following = self.read_header(at, end)
            step = steps.get(tag)
            if step is None:
                if tag == ber.SEQUENCE and constructed and not seen and following == end:
                    at, end = start, stop
                    continue
                self._skip_unknown_field(tag)
            else:
                attribute, name, read = step
                if attribute in values:
                    self.count_element()
                    self.add_remark("stands twice; the first one counts", name)
                else:
                    path.append(name)
                    value = read(self, start, stop, constructed)
                    path.pop()
                    if value is not ABSENT:
                        values[attribute] = value
            seen += 1
            at = following
        if plan.choice and len(values) > 1:
            self.add_remark("several alternatives; the first one counts")
            values = dict(list(values.items())[:1])
        if plan.defaults is None:
            if not plan.required <= values.keys():
                raise self.malformed_error(
                    f"{self._missing_field_name(plan, values)} is missing", MalformationKind.DATA_MISSING
                )
            return plan.cls(**values)
        for attribute, value in values.items():
            if value != plan.defaults[attribute]:
                return plan.cls(**values)
        return ABSENT

    def _skip_unknown_field(self, tag: int) -> None:
        self.count_element()
        self.add_remark(f"an unknown field with the tag {ber.tag_octets(tag, False).hex()} was passed over")

    @staticmethod
    def _missing_field_name(plan: StructurePlan, values: Mapping[str, Any]) -> str:
        return next(slot.name for slot in plan.slots.values() if slot.attribute in plan.required - values.keys())

    @property
    def place(self) -> str:
        return ".".join(self._path)

    def enter_field(self, name: str) -> None:
        self._path.append(name)

    def malformed_error(
        self, reason: str, fault: MalformationKind = MalformationKind.INVALID_VALUE
    ) -> MalformedMessage:
        return MalformedMessage(self.place, reason, fault)

    def read_elements(self, start: int, stop: int, structured: bool) -> list[tuple[int, bool, int, int]]:
        """Read the elements of a list: tag, whether constructed, start and stop of each. A SEQUENCE around all of them
        is peeled off: one that holds values of another kind than SEQUENCE, or (`structured`) SEQUENCEs in their
        turn."""
        elements: list[tuple[int, bool, int, int]] = []
        at = start
        while at < stop:
            self.count_element()
            tag, constructed, begin, end, at = self.read_header(at, stop)
            if tag == ber.SEQUENCE and constructed and not elements and at == stop and begin < end:
                inner = self.data[begin] & ~ber.CONSTRUCTED
                if inner == ber.SEQUENCE if structured else inner in _SIMPLE:
                    at, stop = begin, end
                    continue
            elements.append((tag, constructed, begin, end))
        return elements

    def unwrap_primitive(self, start: int, stop: int, constructed: bool) -> tuple[int, int]:
        """The contents of a primitive value, with or without a tag of its own around it."""
        depth = 0
        while constructed:
            _, constructed, start, stop, _ = self.read_header(start, stop)
            depth += 1
            if depth > self.limits.depth:
                raise ber.nesting_error(self.place, self.limits)
        return start, stop

    # --- text --------------------------------------------------------------------------------------------

    def read_text_octets(self, start: int, stop: int, constructed: bool) -> bytes:
        """Read the octets of a text, whatever string types it is wrapped in; segments are joined."""
        if not constructed:
            return self.data[start:stop]
        pieces: list[bytes] = []
        open_ = [(start, stop)]
        while open_:
            at, end = open_.pop()
            if at >= end:
                continue
            tag, inside, begin, finish, following = self.read_header(at, end)
            open_.append((following, end))
            self.count_element()
            if inside:
                if len(open_) > self.limits.depth:
                    raise ber.nesting_error(self.place, self.limits)
                open_.append((begin, finish))
            elif tag in ber.STRINGS or tag >= ber.CONTEXT:
                pieces.append(self.data[begin:finish])
            else:
                raise self.malformed_error("a text was expected here")
        return b"".join(pieces)

    def decode_text(self, octets: bytes) -> str:
        """Decode a text without blanks at its ends."""
        try:
            return octets.decode("utf-8").strip()
        except UnicodeDecodeError:
            self.add_remark(f"not UTF-8; read as {self.style.fallback}")
            return octets.decode(self.style.fallback, "replace").strip()


_LOW_TAG = ber.HIGH_TAG
_SIMPLE = frozenset({ber.EXTERNAL, ber.ENUMERATED, ber.INTEGER})


# --- how each kind is read -------------------------------------------------------------------------------


def read_text(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    if constructed and stop - start > 1:
        # nearly always: one string with a short length
        data = reader.data
        length = data[start + 1]
        if data[start] == ber.GENERAL_STRING and start + 2 + length == stop and length < 0x80:
            octets = data[start + 2 : stop]
            try:
                return octets.decode().strip() or ABSENT
            except UnicodeDecodeError:
                return reader.decode_text(octets) or ABSENT
    return reader.decode_text(reader.read_text_octets(start, stop, constructed)) or ABSENT


def read_printable(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    return reader.decode_text(reader.read_text_octets(start, stop, constructed)) or ABSENT


def read_day(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    text = reader.decode_text(reader.read_text_octets(start, stop, constructed))
    day = parse_ill_date(text, reader.style.day_formats)
    if day is None and text:
        reader.add_remark("not a date; taken as absent")
    return ABSENT if day is None else day


def read_clock(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    text = reader.decode_text(reader.read_text_octets(start, stop, constructed))
    clock = parse_ill_time(text)
    if clock is None and text:
        reader.add_remark("not a time of day; taken as absent")
    return ABSENT if clock is None else clock


def read_number(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    if constructed:
        start, stop = reader.unwrap_primitive(start, stop, constructed)
    if not 0 < stop - start <= 8:
        raise reader.malformed_error(f"a number of {stop - start} octets")
    return int.from_bytes(reader.data[start:stop], "big", signed=True)


def read_flag(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    if constructed:
        start, stop = reader.unwrap_primitive(start, stop, constructed)
    if stop - start != 1:
        raise reader.malformed_error(f"a truth value of {stop - start} octets")
    return reader.data[start] != 0


def read_null(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    return True


def read_identifier(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    start, stop = reader.unwrap_primitive(start, stop, constructed)
    try:
        return ber.object_identifier_of(reader.data[start:stop])
    except MalformedMessage as malformed:
        raise reader.malformed_error(malformed.reason) from malformed


def read_any(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    """The one TLV inside, as it is."""
    if not constructed or start == stop:
        raise reader.malformed_error("a value with its own tag was expected here")
    *_, following = reader.read_header(start, stop)
    return reader.data[start:following]


def read_external(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
    """Read an EXTERNAL inside an explicit tag, or with the tag replaced."""
    if constructed and start < stop and reader.data[start] & ~ber.CONSTRUCTED == ber.EXTERNAL:
        _, _, start, stop, _ = reader.read_header(start, stop)
    return read_external_contents(reader, start, stop)


def read_external_contents(reader: ApduReader, at: int, end: int) -> External:
    """Read the contents of an EXTERNAL. Raises MalformedMessage."""
    reference, indirect, descriptor = "", None, ""
    while at < end:
        tag, constructed, start, stop, at = reader.read_header(at, end)
        if tag == ber.OBJECT_IDENTIFIER:
            reference = read_identifier(reader, start, stop, constructed)
        elif tag == ber.INTEGER:
            indirect = read_number(reader, start, stop, constructed)
        elif tag == ber.OBJECT_DESCRIPTOR:
            descriptor = reader.decode_text(reader.read_text_octets(start, stop, constructed))
        elif tag == ber.CONTEXT and constructed and start < stop:
            return External(
                reference, read_any(reader, start, stop, constructed), Encoding.SINGLE_ASN1_TYPE, indirect, descriptor
            )
        elif tag in (ber.CONTEXT | 1, ber.CONTEXT | 2):
            octets = reader.read_text_octets(start, stop, constructed)
            return External(reference, octets, Encoding(tag & 3), indirect, descriptor)
        else:
            raise reader.malformed_error("not an EXTERNAL")
    raise reader.malformed_error("an EXTERNAL without a value")


def _make_code_reader(cls: Any) -> ReadValue:
    members = {int(code): code for code in cls}

    def read_code(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
        if not constructed and stop - start == 1:
            number = reader.data[start]
        else:
            number = read_number(reader, start, stop, constructed)
        member = members.get(number)
        if member is None:
            reader.add_remark(f"{number} is not in the list {cls.__name__}; kept as it is")
            return number
        return member

    return read_code


def _make_structure_reader(cls: type) -> ReadValue:
    plan = plan_of(cls)

    def read_structure(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
        if not constructed and start < stop:
            raise reader.malformed_error("a structure was expected here")
        return reader.read_structure(plan, start, stop)

    return _cache_reads(read_structure) if cls in REMEMBERED else read_structure


REMEMBERED = frozenset({SystemId})
"""Structures that are the same in message after message, and several times in each."""
MAX_REMEMBERED = 1_000
MAX_REMEMBERED_BYTES = 200


def _cache_reads(read: ReadValue) -> ReadValue:
    """Octets that were read before, and were not odd, needn't be read again."""
    known: dict[bytes, Any] = {}

    def read_cached(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
        if not constructed or stop - start > MAX_REMEMBERED_BYTES:
            return read(reader, start, stop, constructed)
        octets = reader.data[start:stop]
        value = known.get(octets)
        if value is None:
            notes = len(reader.oddities)
            value = read(reader, start, stop, constructed)
            if len(reader.oddities) == notes < reader.limits.notes:
                if len(known) >= MAX_REMEMBERED:
                    known.clear()
                known[octets] = value
        return value

    return read_cached


def _make_list_reader(read: ReadValue, declared: FieldDeclaration) -> ReadValue:
    expected = {FieldKind.CODE: ber.ENUMERATED, FieldKind.NUMBER: ber.INTEGER, FieldKind.EXTERNAL: ber.EXTERNAL}.get(
        declared.kind, ber.SEQUENCE
    )
    structured = expected == ber.SEQUENCE
    empty = declared.cls if declared.kind is FieldKind.STRUCTURE and not plan_of(declared.cls).required else None

    def read_list(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
        items = []
        for tag, inside, begin, end in reader.read_elements(start, stop, structured):
            if tag != expected:
                raise reader.malformed_error(f"an entry of the list has the tag {ber.tag_octets(tag, False).hex()}")
            value = read(reader, begin, end, inside)
            if value is ABSENT and empty is not None:
                value = empty()
            items.append(value)
        return tuple(items) or ABSENT

    return read_list


_READ: Mapping[FieldKind, ReadValue] = {
    FieldKind.TEXT: read_text,
    FieldKind.PRINTABLE: read_printable,
    FieldKind.OBJECT_IDENTIFIER: read_identifier,
    FieldKind.DAY: read_day,
    FieldKind.CLOCK: read_clock,
    FieldKind.NUMBER: read_number,
    FieldKind.FLAG: read_flag,
    FieldKind.NULL: read_null,
    FieldKind.ANY: read_any,
    FieldKind.EXTERNAL: read_external,
}


def _choose_reader(declaration: FieldDeclaration) -> ReadValue:
    if declaration.kind is FieldKind.CODE:
        read = _make_code_reader(declaration.cls)
    elif declaration.kind is FieldKind.STRUCTURE:
        read = _make_structure_reader(declaration.cls)
    elif declaration.kind is FieldKind.ITEM:
        from adapters.iso_ill.codec.extension_items import read_item  # it reads structures in its turn

        read = read_item
    else:
        read = _READ[declaration.kind]
    read = _make_list_reader(read, declaration) if declaration.many else read
    present = declaration.required or (declaration.alternative and declaration.kind is FieldKind.STRUCTURE)
    return _make_present_reader(read, declaration) if present else read


def _make_present_reader(read: ReadValue, declaration: FieldDeclaration) -> ReadValue:
    """Make a reader for what is there by being there: an empty text, list or structure is one; an empty date is not."""
    if declaration.many:
        empty: Any = tuple
    elif declaration.kind in (FieldKind.TEXT, FieldKind.PRINTABLE):
        empty = str
    elif declaration.kind is FieldKind.STRUCTURE and not is_choice(declaration.cls):
        empty = declaration.cls
    else:
        return read

    def read_present(reader: ApduReader, start: int, stop: int, constructed: bool) -> Any:
        value = read(reader, start, stop, constructed)
        return empty() if value is ABSENT else value

    return read_present


_PLANS: dict[type, StructurePlan] = {}


def plan_of(cls: type) -> StructurePlan:
    """Return the plan by which a class is read; made once."""
    plan = _PLANS.get(cls)
    if plan is None:
        plan = _PLANS[cls] = _build_plan(cls)
    return plan


def _build_plan(cls: type) -> StructurePlan:
    fields = list_declared_fields(cls)
    required = frozenset(field.attribute for field in fields if field.required)
    slots = {
        ber.context_tag(field.tag.number): FieldPlan(field.attribute, field.name, _choose_reader(field))
        for field in fields
    }
    return StructurePlan(
        cls,
        slots,
        {tag: (slot.attribute, slot.name, slot.read) for tag, slot in slots.items()},
        required,
        is_choice(cls),
        None if required else {field.attribute: field.default for field in fields},
    )
