"""An order file: text lines <-> values (facts/artemail.md section 1). Pure, knows no request.

Strict in what is written, lenient in what is read: blanks, empty lines and line ends don't matter, the end line may be
missing, and text around it is kept as `rest`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from textwrap import wrap

from gateway.domain.patterns import fits_pattern
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

HELD_OPEN = "********"
"""In place of the password in a file that is kept: it is put in when the file is sent."""

GUARD = "'"
"""Put before a line that would be taken for the start or the end of a request."""

MAX_LINES = 100_000

MAX_START_CHARS = 400
"""Of the first line of a request. A longer one is none: to look for codes in it takes time by the square of its length.
"""


@value_object(kw_only=True)
class OrderFileLayout:
    """The layout of a file. `length`: most characters of an item's line; `indent`: blanks before the continuation of a
    wrapped line, by which it is known again; 0 where the partner wants none. `gap`: empty lines between parts."""

    start: str = "TX"
    end: str = "NNNN"
    item_address: str = ":DELIVER ABOVE ITEM TO:"
    file_address: str = ""
    gap: int = 3
    length: int = 40
    overflow: str = "wrap"  # or cut
    indent: int = 1
    customer: str = r"\d{2}-\d{4}"


@value_object
class ArtemailOrder:
    """One request, or what is said about one. `lines`: whole ones, of any length."""

    number: str
    keywords: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    address: tuple[str, ...] = ()


@value_object(kw_only=True)
class OrderFile:
    customer: str
    password: str = field(default="", repr=False)
    orders: tuple[ArtemailOrder, ...] = ()
    address: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()  # read only: what stands around it


@value_object
class CutLine:
    """A line that had to be cut."""

    number: str
    line: str


def encode(file: OrderFile, layout: OrderFileLayout) -> tuple[str, tuple[CutLine, ...]]:
    """The text in lines that end with \\n, and what didn't fit. Raises ValueError for a text that is no ASCII, or a
    head line that is none."""
    cuts: list[CutLine] = []
    gap = [""] * layout.gap
    lines = [
        _require_single_word(file.customer, "customer code"),
        _require_single_word(file.password, "password"),
        *gap,
    ]
    if file.address:
        if not layout.file_address:
            raise ValueError("the layout has no line for an address of the whole file")
        lines += [layout.file_address, *_write_body_lines(file.address, "", layout, cuts), *gap]
    for order in file.orders:
        number = _require_single_word(order.number, "request number")
        lines.append(" ".join((f"{layout.start}{number}", *order.keywords)))
        lines += _write_body_lines(order.lines, number, layout, cuts)
        if order.address:
            lines += [layout.item_address, *_write_body_lines(order.address, number, layout, cuts)]
        lines += gap
    lines.append(layout.end)
    text = "\n".join(lines) + "\n"
    if not text.isascii():
        raise ValueError("not in ASCII")
    return text, tuple(cuts)


def fill_password(text: str, password: str) -> str:
    """A file that was encoded with HELD_OPEN, as it is sent. Raises ValueError for a password that is no word of
    ASCII."""
    customer, _, rest = text.split("\n", 2)
    if not password.isascii():
        raise ValueError("the password is not in ASCII")
    return "\n".join((customer, _require_single_word(password, "password"), rest))


def _require_single_word(text: str, what: str) -> str:
    if not text or text.split() != [text]:
        raise ValueError(f"the {what} must be one word")
    return text


def _write_body_lines(texts: Iterable[str], number: str, layout: OrderFileLayout, cuts: list[CutLine]) -> Iterator[str]:
    for text in texts:
        for index, line in enumerate(_fit_line(" ".join(text.split()), number, layout, cuts)):
            indent = " " * layout.indent if index else ""
            yield f"{GUARD if not indent and _is_marker_line(line, layout) else indent}{line}"


def _fit_line(text: str, number: str, layout: OrderFileLayout, cuts: list[CutLine]) -> list[str]:
    room = layout.length
    guarded = _is_marker_line(text, layout)
    if len(text) + guarded <= room:
        return [text] if text else []
    if layout.overflow == "cut":
        cuts.append(CutLine(number, text))
        return [text[: room - guarded].rstrip()]
    # one character less than there would be room for: the guard may have to stand there
    first = wrap(text, room - 1, subsequent_indent=" " * layout.indent, break_on_hyphens=False)
    return [line.strip() for line in first]


def _is_marker_line(line: str, layout: OrderFileLayout) -> bool:
    word = line.lstrip(GUARD)
    addresses = [address for address in (layout.item_address, layout.file_address) if address]
    return word.startswith((layout.start, layout.end, *addresses))


# --- reading ---------------------------------------------------------------------------------------------


def is_order_file(text: str, layout: OrderFileLayout) -> bool:
    """Return whether a text begins as an order file: a customer code, and a request below it."""
    head = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return fits_pattern(layout.customer, head) and any(
        _match_order_start(line, layout) for line in text.splitlines()[:MAX_LINES]
    )


def decode(text: str, layout: OrderFileLayout) -> OrderFile:
    """Decode a file; raises MalformedMessage. Its reason never quotes the head of the file, where the password is."""
    lines = [line.rstrip() for line in text.splitlines()]
    if len(lines) > MAX_LINES:
        raise MalformedMessage("", f"more than {MAX_LINES} lines", MalformationKind.TOO_LARGE)
    starts = [n for n, line in enumerate(lines) if _match_order_start(line, layout)]
    if not starts:
        raise MalformedMessage(
            "", f"there is no request (a line that begins with {layout.start})", MalformationKind.DATA_MISSING
        )
    customer, password, address = _read_file_head(lines[: starts[0]], layout)
    end = next((n for n in range(starts[-1], len(lines)) if lines[n].strip() == layout.end), len(lines))
    bounds = [*starts[1:], end]
    orders = tuple(
        _read_order(lines[start:stop], start, layout)
        for start, stop in zip(starts, bounds, strict=True)
        if start < stop
    )
    rest = tuple(line for line in lines[end + 1 :] if line.strip())
    missing = () if end < len(lines) else (f"the line {layout.end} at the end is missing",)
    return OrderFile(customer=customer, password=password, orders=orders, address=address, rest=(*missing, *rest))


def _match_order_start(line: str, layout: OrderFileLayout) -> re.Match[str] | None:
    """The number has a digit, and what follows are codes: a title may begin with the same letters."""
    if not line.startswith(layout.start) or len(line) > MAX_START_CHARS:
        return None
    code = r"[A-Z0-9][A-Z0-9*/&+-]*"
    return re.fullmatch(rf"{re.escape(layout.start)}\s?(\S*\d\S*)((?:\s+{code})*)\s*", line)


def _read_file_head(lines: list[str], layout: OrderFileLayout) -> tuple[str, str, tuple[str, ...]]:
    filled = [line.strip() for line in lines if line.strip()]
    at = next((n for n, line in enumerate(filled) if fits_pattern(layout.customer, line)), None)
    if at is None:
        raise MalformedMessage(
            "line 1", "there is no customer code above the first request", MalformationKind.DATA_MISSING
        )
    below = filled[at + 1 :]
    mark = below.index(layout.file_address) if layout.file_address in below else len(below)
    return filled[at], below[0] if mark else "", tuple(below[mark + 1 :])


def _read_order(lines: list[str], at: int, layout: OrderFileLayout) -> ArtemailOrder:
    first = _match_order_start(lines[0], layout)
    if first is None:
        raise MalformedMessage(f"line {at + 1}", "no request starts here")
    body = [line for line in lines[1:] if line.strip()]
    mark = next((n for n, line in enumerate(body) if line.strip() == layout.item_address), len(body))
    return ArtemailOrder(
        first[1], tuple(first[2].split()), _unwrap_lines(body[:mark], layout), _unwrap_lines(body[mark + 1 :], layout)
    )


def _unwrap_lines(lines: list[str], layout: OrderFileLayout) -> tuple[str, ...]:
    """Whole lines again."""
    whole: list[str] = []
    for line in lines:
        if layout.indent and line.startswith(" ") and whole:
            whole[-1] += f" {line.strip()}"
        else:
            guarded = line.startswith(GUARD) and _is_marker_line(line, layout)
            whole.append(line.removeprefix(GUARD).strip() if guarded else line.strip())
    return tuple(whole)
