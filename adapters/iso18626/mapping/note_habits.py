"""What single systems put into notes: markers for programs, costs and conditions, addresses, packed item ids
(docs/facts/iso-18626.md 8). Their words are data of the profile; here is how they are written and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from adapters.iso18626.dialect import ItemIdForm, NoteHabits
from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.volume_notes import SEPARATOR
from gateway.domain.value import value_object

ITEM_LOST = "item lost"
ITEM_DAMAGED = "item damaged"
RETURN_TERMS: Mapping[bool, str] = {True: "return on hold", False: "return released"}
"""First in the note of a Notification, where the version has no word for it."""

SHIP_TO = ("#SHIP_TO#", "#ST_END#")
RETURN_TO = ("#RETURN_TO#", "#RT_END#")

SHIPPING_ADDRESS = "ship-to"
RETURN_ADDRESS = "return-to"
"""Names of the extras that have them."""

_BLOCKS = {
    SHIPPING_ADDRESS: re.compile(r"#SHIP_TO#(.{0,2000}?)#ST_END#", re.DOTALL),
    RETURN_ADDRESS: re.compile(r"#RETURN_TO#(.{0,2000}?)#RT_END#", re.DOTALL),
}
_COST = re.compile(r"(\d{1,9}(?:[.,]\d{1,4})?)\s*([A-Za-z]{3})|([A-Za-z]{3})\s*(\d{1,9}(?:[.,]\d{1,4})?)")
_PARTS = "##"
_VOLUMES = "multivol:"
_VOLUME_END = "###"
_ITEM_BLOCK = re.compile(r"#MultipleItems#(.{0,20000}?)#MultipleItemsEnd#", re.DOTALL)
_ITEM_FIELD = re.compile(r"((?:[^\\|]|\\.)*)(?:\||$)")


def write_return_term(is_held: bool | None) -> str:
    return "" if is_held is None else RETURN_TERMS[is_held]


def read_return_term(kind: EventKind, note: str) -> bool | None:
    """Of a message whose note begins with one."""
    first = note.split(SEPARATOR, 1)[0].strip().casefold()
    meant = {term: is_held for is_held, term in RETURN_TERMS.items()}
    return meant.get(first) if kind is EventKind.MESSAGE else None


def join_notes(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


@value_object
class ItemName:
    """An item as a supplier names it. `label`: of the volume; `call_number` as far as it is said."""

    barcode: str
    label: str = ""
    call_number: str = ""


@value_object
class ReadNote:
    """`text`: for people, without what is for programs. `addresses`: (ship-to or return-to, lines). `items`: of a
    block that names several (CrossLink). `barcode` and `call_number`: of the copy that is wanted (Koha). `supplier`:
    symbol of the library behind a broker that is meant."""

    text: str
    cost: Money | None = None
    has_condition: bool = False
    is_duplicate: bool = False
    barcode: str = ""
    call_number: str = ""
    addresses: tuple[tuple[str, str], ...] = ()
    items: tuple[ItemName, ...] = ()
    supplier: str = ""


def read_note(note: str, habits: NoteHabits) -> ReadNote:
    """What stays unsaid by fields, and the note as people are to see it."""
    supplier, note = _take_prefix(note, habits)
    addresses = []
    for name, pattern in _BLOCKS.items():
        addresses += [(name, block.strip()) for block in pattern.findall(note)]
        note = pattern.sub("", note)
    items = tuple(item for block in _ITEM_BLOCK.findall(note) for item in _read_item_lines(block))
    note = _ITEM_BLOCK.sub("", note)
    marked = bool(habits.condition_marker) and habits.condition_marker in note
    for pattern_text in habits.hidden:
        note = re.sub(pattern_text, "", note)
    if habits.condition_marker:
        note = note.replace(habits.condition_marker, "")
    note = note.strip().strip(";,").strip()
    return ReadNote(
        text=note,
        cost=_find_cost(note, habits.cost_prefix),
        has_condition=marked or bool(habits.condition_prefix and _has_part(note, habits.condition_prefix)),
        is_duplicate=bool(habits.duplicate_word) and note.casefold().startswith(habits.duplicate_word.casefold()),
        barcode=_find_part(note, habits.barcode_prefix),
        call_number=_find_part(note, habits.call_number_prefix),
        addresses=tuple(addresses),
        items=items,
        supplier=supplier,
    )


def _take_prefix(note: str, habits: NoteHabits) -> tuple[str, str]:
    """The symbol of the supplier that a broker has put before the note (empty: none), and the note without it. The
    vendor stands before that or alone; a condition and a price that the broker says stand before both, and stay."""
    if not habits.supplier_prefix:
        return "", note
    supplier, kept, rest, has_vendor = "", [], note.lstrip(), False
    while not supplier:
        prefix = next((one for one in _list_leading_prefixes(habits) if rest.startswith(one)), "")
        if not prefix:
            break
        value, rest = _split_prefixed_value(rest[len(prefix) :], habits.prefix_separator.strip())
        if prefix == habits.supplier_prefix.strip():
            supplier = value
        elif prefix == habits.vendor_prefix.strip():
            has_vendor = True
        else:
            kept.append(f"{prefix} {value}")
    if supplier or (has_vendor and not (rest or kept)):
        return supplier, join_notes(*kept, rest)
    return "", note


def _list_leading_prefixes(habits: NoteHabits) -> tuple[str, ...]:
    said = (habits.supplier_prefix, habits.vendor_prefix, habits.condition_prefix, habits.cost_prefix)
    return tuple(one.strip() for one in said if one.strip())


def _split_prefixed_value(text: str, separator: str) -> tuple[str, str]:
    """The value and what is behind it. It ends at the separator, or at a sign that no symbol has: before a marker the
    separator is missing."""
    ends = [place for sign in (separator, *",;#\r\n") if sign and (place := text.find(sign)) >= 0]
    end = min(ends, default=len(text))
    value, rest = text[:end].strip(), text[end:]
    behind = next((one for one in (separator, ",", ";") if one and rest.startswith(one)), "")
    return value, rest[len(behind) :].lstrip()


def _read_item_lines(block: str) -> Iterator[ItemName]:
    """`barcode|callnumber|name` in each line; a backslash stands before a bar or a backslash that is meant."""
    for line in block.splitlines():
        fields = [re.sub(r"\\(.)", r"\1", one).strip() for one in _ITEM_FIELD.findall(line.strip())]
        barcode, call_number, label = (*fields, "", "", "")[:3]
        if barcode:
            yield ItemName(barcode, label, call_number)


def _has_part(note: str, prefix: str) -> bool:
    return any(part.startswith(prefix.strip()) for part in _split_parts(note))


def _find_part(note: str, prefix: str) -> str:
    """What stands behind the prefix, up to the next semicolon."""
    parts = (part.strip() for part in note.split(";")) if prefix else ()
    return next((part[len(prefix.strip()) :].strip() for part in parts if part.startswith(prefix.strip())), "")


def _split_parts(note: str) -> Iterator[str]:
    return (part.strip() for part in re.split(r"[;\n]|, (?=[A-Z])", note))


def _find_cost(note: str, prefix: str) -> Money | None:
    if not prefix:
        return None
    for part in _split_parts(note):
        if part.startswith(prefix.strip()):
            found = _COST.search(part[len(prefix.strip()) :])
            if found is not None:
                amount, currency = (found[1], found[2]) if found[1] else (found[4], found[3])
                return Money(Decimal(amount.replace(",", ".")), currency.upper())
    return None


def write_conditional_note(
    conditions: Iterable[LoanCondition], codes: Iterable[str], cost: Money | None, habits: NoteHabits
) -> str:
    """In the partner's words, for conditions and cost of a conditional answer; empty where it has none."""
    parts = []
    if habits.condition_prefix:
        words = [*codes, *(one.value.replace("-", " ") for one in conditions)]
        parts += [f"{habits.condition_prefix}{word}" for word in words]
    if habits.cost_prefix and cost is not None:
        parts.append(f"{habits.cost_prefix}{cost.amount:f} {cost.currency}")
    if habits.condition_marker:
        parts.append(habits.condition_marker)
    return SEPARATOR.join(parts)


def write_address_block(marks: tuple[str, str], name: str, address: str) -> str:
    """`#RETURN_TO#…#RT_END#`; empty where no address is known."""
    lines = [line.strip() for line in (name, *address.splitlines()) if line.strip()]
    return "\n".join((marks[0], *lines, marks[1])) if address.strip() else ""


def write_item_ids(items: Iterable[ItemName], form: ItemIdForm) -> tuple[str, ...]:
    """One for each item, or all in one: `multivol:Bd. 1##QL 737##30100-88###multivol:Bd. 2##QL 737##30100-89`, or
    `30100-88,30100-89`."""
    named = tuple(items)
    if not named:
        return ()
    if form == "joined":
        return (",".join(one.barcode for one in named),)
    if form == "plain":
        return tuple(one.barcode for one in named)
    packed = [_PARTS.join((one.label, one.call_number, one.barcode)) for one in named]
    return (packed[0],) if len(packed) == 1 else (_VOLUME_END.join(f"{_VOLUMES}{one}" for one in packed),)


def read_item_ids(item_ids: Iterable[str], form: ItemIdForm = "plain") -> tuple[ItemName, ...]:
    """Plain barcodes, packed ones, and several in one element: `multivol:a##b##c###multivol:…` or `multivol:a,b,c`.
    `form`: of the partner, since `a,b,c` may be three barcodes or one item with all its parts."""
    if form == "joined":
        return tuple(ItemName(part.strip()) for one in item_ids for part in one.split(",") if part.strip())
    return tuple(_read_item_id(part) for one in item_ids for part in _split_volumes(one) if part.strip())


def _split_volumes(text: str) -> list[str]:
    if _VOLUMES not in text:
        return [text]
    return [part.strip().strip(",").removesuffix(_VOLUME_END).strip() for part in text.split(_VOLUMES)]


def _read_item_id(text: str) -> ItemName:
    """Three parts are a name, a call number and a barcode; anything else is the barcode."""
    for separator in (_PARTS, ","):
        parts = [part.strip() for part in text.split(separator)]
        if len(parts) == 3:
            return ItemName(parts[2], parts[0], parts[1])
    return ItemName(text.strip())
