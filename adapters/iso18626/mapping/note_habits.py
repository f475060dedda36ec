"""Habits of single systems in notes: markers for programs, costs and conditions, addresses (docs/facts/iso-18626.md 8).
Their words are data of the profile; here is how they are written and read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.iso18626.dialect import NoteHabits
from adapters.iso18626.mapping.condition_words import has_condition_marker, remove_markers
from adapters.iso18626.mapping.items import ItemName, take_item_blocks
from gateway.domain.patterns import replace_pattern
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.volume_notes import SEPARATOR
from gateway.domain.sentences import join_sentences
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
    SHIPPING_ADDRESS: re.compile(r"#SHIP_TO#((?:(?!#SHIP_TO#).){0,2000}?)#ST_END#", re.DOTALL),
    RETURN_ADDRESS: re.compile(r"#RETURN_TO#((?:(?!#RETURN_TO#).){0,2000}?)#RT_END#", re.DOTALL),
}


MAX_LEADING_TERMS = 20
"""What a broker may put before a note."""


def write_return_term(is_held: bool | None) -> str:
    return "" if is_held is None else RETURN_TERMS[is_held]


def read_return_term(kind: EventKind, note: str) -> bool | None:
    """Read the term of a message whose note begins with one."""
    first = note.split(SEPARATOR, 1)[0].strip().casefold()
    meant = {term: is_held for is_held, term in RETURN_TERMS.items()}
    return meant.get(first) if kind is EventKind.MESSAGE else None


def join_notes(*notes: str) -> str:
    return join_sentences("; ", notes)


def append_note(note: str, words: str) -> str:
    """Terms that the note has already aren't said once more: what came in one partner's note goes on to another's."""
    terms = set(note.split(SEPARATOR))
    return join_notes(note, SEPARATOR.join(part for part in words.split(SEPARATOR) if part not in terms))


@value_object
class ReadNote:
    """`text`: for people, without what is for programs. `addresses`: (ship-to or return-to, lines). `items`: of a
    block that names several (CrossLink). `barcode` and `call_number`: of the copy that is wanted (Koha). `supplier`:
    symbol of the library behind a broker that is meant."""

    text: str
    has_condition: bool = False
    is_duplicate: bool = False
    barcode: str = ""
    call_number: str = ""
    addresses: tuple[tuple[str, str], ...] = ()
    items: tuple[ItemName, ...] = ()
    supplier: str = ""


def read_note(note: str, habits: NoteHabits) -> ReadNote:
    """Read what stays unsaid by fields, and the note as people are to see it."""
    supplier, note = _take_prefix(note, habits)
    addresses = []
    for name, pattern in _BLOCKS.items():
        addresses += [(name, block.strip()) for block in pattern.findall(note)]
        note = pattern.sub("", note)
    items, note = take_item_blocks(note)
    marked = has_condition_marker(note, habits)
    for pattern_text in habits.hidden:
        note = replace_pattern(pattern_text, "", note)
    note = remove_markers(note, habits).strip().strip(";,").strip()
    return ReadNote(
        text=note,
        has_condition=marked,
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
    for _ in range(MAX_LEADING_TERMS):
        prefix = next((word for word in _list_leading_prefixes(habits) if rest.startswith(word)), "")
        if supplier or not prefix:
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
    prefixes = (habits.supplier_prefix, habits.vendor_prefix, habits.condition_prefix, habits.cost_prefix)
    return tuple(prefix.strip() for prefix in prefixes if prefix.strip())


def _split_prefixed_value(text: str, separator: str) -> tuple[str, str]:
    """The value and what is behind it. It ends at the separator, or at a sign that no symbol has: before a marker the
    separator is missing."""
    ends = [place for sign in (separator, *",;#\r\n") if sign and (place := text.find(sign)) >= 0]
    end = min(ends, default=len(text))
    value, rest = text[:end].strip(), text[end:]
    behind = next((sign for sign in (separator, ",", ";") if sign and rest.startswith(sign)), "")
    return value, rest[len(behind) :].lstrip()


def _find_part(note: str, prefix: str) -> str:
    """Find what stands behind the prefix, up to the next semicolon."""
    parts = (part.strip() for part in note.split(";")) if prefix else ()
    return next((part[len(prefix.strip()) :].strip() for part in parts if part.startswith(prefix.strip())), "")


def write_address_block(marks: tuple[str, str], name: str, address: str) -> str:
    """`#RETURN_TO#…#RT_END#`; empty where no address is known."""
    lines = [line.strip() for line in (name, *address.splitlines()) if line.strip()]
    return "\n".join((marks[0], *lines, marks[1])) if address.strip() else ""
