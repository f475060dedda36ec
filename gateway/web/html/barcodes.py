"""Codes for paper: Code 128 (ISO/IEC 15417) and QR, each as one path of an SVG without styles.

A code is drawn in modules; how large a module is on paper says the style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import segno

from gateway.domain.value import value_object

QUIET_MODULES = 10
"""White on both sides of a bar code, without which scanners don't find it."""

_TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
)
_WIDTHS = tuple(_TABLE.split())
"""Of each symbol: widths of bars and spaces in turn, beginning with a bar."""

_TO_C, _TO_B, _START_B, _START_C, _STOP = 99, 100, 104, 105, 106

_PRINTABLE = range(32, 127)
_RUNS = re.compile(r"[0-9]+|[^0-9]+")

MAX_BARCODE_CHARS = 24
"""A longer one is wider than a slip."""


@value_object
class BarcodeDrawing:
    """`path`: of dark rectangles, in modules; `width`: with what is white on both sides."""

    path: str
    width: int
    height: int


def has_barcode(text: str) -> bool:
    """Return whether Code 128 has all its signs, and it fits on a slip."""
    return 0 < len(text) <= MAX_BARCODE_CHARS and all(ord(sign) in _PRINTABLE for sign in text)


def draw_barcode(text: str, height: int) -> BarcodeDrawing:
    """Draw a bar code; raises ValueError for what `has_barcode` refuses."""
    if not has_barcode(text):
        raise ValueError("a bar code has 1 to 24 printable signs of ASCII")
    at = QUIET_MODULES
    bars = []
    for symbol in _encode_symbols(text):
        for number, width in enumerate(map(int, _WIDTHS[symbol])):
            if number % 2 == 0:
                bars.append(f"M{at} 0h{width}v{height}h-{width}z")
            at += width
    return BarcodeDrawing("".join(bars), at + QUIET_MODULES, height)


def _encode_symbols(text: str) -> Iterator[int]:
    """Encode a text with start, check symbol and stop. Pairs of digits are one symbol, where that makes it shorter."""
    symbols = list(_encode_text(text))
    check = symbols[0] + sum(number * symbol for number, symbol in enumerate(symbols[1:], 1))
    yield from (*symbols, check % 103, _STOP)


def _encode_text(text: str) -> Iterator[int]:
    runs = _RUNS.findall(text)
    in_pairs = False
    for number, run in enumerate(runs):
        at_edge = number in (0, len(runs) - 1)
        as_pairs = run[0].isdigit() and len(run) >= (4 if at_edge else 6)
        single, pairs = (run[: len(run) % 2], run[len(run) % 2 :]) if as_pairs else (run, "")
        if single or number == 0:
            if number == 0:
                yield _START_C if not single else _START_B
                in_pairs = not single
            elif in_pairs:
                yield _TO_B
                in_pairs = False
            yield from (ord(sign) - 32 for sign in single)
        if pairs:
            if not in_pairs:
                yield _TO_C
                in_pairs = True
            yield from (int(pairs[at : at + 2]) for at in range(0, len(pairs), 2))


def draw_qr_code(text: str) -> BarcodeDrawing:
    """Draw a QR code with its white edge; damage to a seventh of it does no harm (level M)."""
    code = segno.make_qr(text, error="m", boost_error=False)
    rows = [list(row) for row in code.matrix_iter(border=4)]
    marks = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return BarcodeDrawing(marks, len(rows), len(rows))
