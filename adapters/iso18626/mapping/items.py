"""Items as a supplier names them: in `itemId`, or in a block of the note (docs/facts/iso-18626.md 8).

| form | one item | several |
| --- | --- | --- |
| plain | `30100-88` | an element each, where the version has room |
| packed | `name##callnumber##barcode` (ReShare) | `multivol:…###multivol:…` |
| commas | `barcode,callnumber,title` (CrossLink) | `multivol:…,multivol:…` |
| joined | `30100-88` (Alma) | `30100-88,30100-89` |
| block | `barcode|callnumber|title` in a line of the note (CrossLink) | a line each |

Signs that part a form can't be said in it, but for the block's, which have an escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from adapters.iso18626.dialect import ItemIdForm
from gateway.domain.value import value_object

_PARTS = "##"
_VOLUMES = "multivol:"
_VOLUME_END = "###"
_BLOCK_START, _BLOCK_END = "#MultipleItems#", "#MultipleItemsEnd#"
_ESCAPED = re.compile(r"[\\|]")


@value_object
class ItemName:
    """An item as a supplier names it. `label`: of the volume, or what else it is called; `call_number` as far as it is
    said; `title`: of the work, where we name it."""

    barcode: str
    label: str = ""
    call_number: str = ""
    title: str = ""

    @property
    def whole_title(self) -> str:
        """`Kongespeilet, Bd. 1`: a record is made of it at the other library."""
        is_said = self.label.casefold().startswith(self.title.casefold())
        return self.label if is_said and self.label else ", ".join(filter(None, (self.title, self.label)))


# --- written ---------------------------------------------------------------------------------------------


def write_item_ids(items: Iterable[ItemName], form: ItemIdForm) -> tuple[str, ...]:
    """One for each item, or all in one."""
    named = tuple(items)
    if not named:
        return ()
    if form == "plain":
        return tuple(item.barcode for item in named if item.barcode)
    if form == "joined":
        return tuple(filter(None, (",".join(item.barcode for item in named if item.barcode),)))
    packed = form == "packed"
    names = [_pack_item(item) if packed else _write_commas(item) for item in named]
    if len(names) == 1:
        return (names[0],)
    return ((_VOLUME_END if packed else ",").join(f"{_VOLUMES}{name}" for name in names),)


def _pack_item(item: ItemName) -> str:
    parts = (item.label or item.title, item.call_number, item.barcode)
    return _PARTS.join(_put_on_line(part, _PARTS) for part in parts)


def _write_commas(item: ItemName) -> str:
    """Commas of the title are its own: it stands last."""
    return ",".join((item.barcode, _put_on_line(item.call_number, ","), _put_on_line(item.whole_title)))


def _put_on_line(text: str, parting: str = "") -> str:
    return " ".join((text.replace(parting, " ") if parting else text).split())


def write_item_block(items: Iterable[ItemName]) -> str:
    """Empty where there are none."""
    lines = ["|".join(map(_escape_field, (item.barcode, item.call_number, item.whole_title))) for item in items]
    return "\n".join((_BLOCK_START, *lines, _BLOCK_END)) if lines else ""


def _escape_field(text: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", _put_on_line(text))


# --- read ------------------------------------------------------------------------------------------------


def take_item_blocks(note: str) -> tuple[tuple[ItemName, ...], str]:
    """The items that a note names, each of them once, and the note without them."""
    blocks, words, place = [], [], 0
    while (start := note.find(_BLOCK_START, place)) >= 0 and (end := note.find(_BLOCK_END, start)) >= 0:
        words.append(note[place:start].strip())
        blocks.append(note[start + len(_BLOCK_START) : end])
        place = end + len(_BLOCK_END)
    if not blocks:
        return (), note
    items = [item for block in blocks for item in _read_item_lines(block)]
    by_barcode = {name.barcode: name for name in reversed(items)}
    once = (name for name in items if not name.barcode or by_barcode[name.barcode] is name)
    return tuple(once), "\n".join(filter(None, (*words, note[place:].strip())))


def _read_item_lines(block: str) -> Iterator[ItemName]:
    """A line of one field is what a supplier behind the broker had in its itemId."""
    for line in filter(None, map(str.strip, block.splitlines())):
        fields = _split_line(line)
        if len(fields) == 1:
            yield _read_item_id(fields[0])
            continue
        barcode, call_number, label = (*fields, "")[:3]
        if barcode or call_number or label:
            yield ItemName(barcode, label, call_number)


def _split_line(line: str) -> list[str]:
    """Its fields; behind a backslash each sign is meant as it is."""
    fields: list[list[str]] = [[]]
    signs = iter(line)
    for sign in signs:
        if sign == "|":
            fields.append([])
        else:
            fields[-1].append(next(signs, "") if sign == "\\" else sign)
    return ["".join(field).strip() for field in fields]


def read_item_ids(item_ids: Iterable[str], form: ItemIdForm = "plain") -> tuple[ItemName, ...]:
    """`form`: of the partner. Where it joins barcodes, `a,b,c` are three of them; from everybody else they are the
    barcode, the call number and the title of one, as CrossLink writes them."""
    if form == "joined":
        return tuple(ItemName(part.strip()) for item_id in item_ids for part in item_id.split(",") if part.strip())
    names = (_read_item_id(part) for item_id in item_ids for part in _split_volumes(item_id) if part)
    return tuple(name for name in names if name != ItemName(""))


def _split_volumes(text: str) -> list[str]:
    if _VOLUMES not in text:
        return [text.strip()]
    parts = text.split(_VOLUMES)
    return [*(part.strip().removesuffix(_VOLUME_END).removesuffix(",") for part in parts[:-1]), parts[-1].strip()]


def _read_item_id(text: str) -> ItemName:
    """Three parts are an item, anything else is the barcode."""
    packed = [part.strip() for part in text.split(_PARTS)]
    if len(packed) == 3:
        return ItemName(packed[2], packed[0], packed[1])
    parts = [part.strip() for part in text.split(",", 2)]
    if len(parts) == 3:
        return ItemName(parts[0], parts[2], parts[1])
    return ItemName(text.strip())
