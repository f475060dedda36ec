"""Codes on slips, drawn and read again by a library of somebody else's."""

from __future__ import annotations

import re

import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from gateway.web.html.barcodes import BarcodeDrawing, draw_barcode, draw_qr_code, has_barcode

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24)
SCALE = 4


def read_code(drawing: BarcodeDrawing, format_: zxingcpp.BarcodeFormat) -> list[str]:
    """As a scanner sees it on white paper. At a third of the size, which the library would try too, bars have no whole
    number of dots: there it read 053y030 as 0z3#030 besides."""
    image = Image.new("L", (drawing.width * SCALE, drawing.height * SCALE), 255)
    pen = ImageDraw.Draw(image)
    bars = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", drawing.path)
    assert "".join("M{} {}h{}v{}h-{}z".format(*bar, bar[2]) for bar in bars) == drawing.path
    for x, y, width, height in (tuple(map(int, bar)) for bar in bars):
        pen.rectangle((x * SCALE, y * SCALE, (x + width) * SCALE - 1, (y + height) * SCALE - 1), fill=0)
    return [found.text for found in zxingcpp.read_barcodes(image, formats=format_, try_downscale=False)]


@pytest.mark.parametrize(
    "text", ["L2026-00012", "39000000000011", "B2026-04417", "7", "1234", "12345", "A-1", "F-77001", "~ {|}", "a1234b"]
)
def test_a_number_is_read_as_it_was_drawn(text: str) -> None:
    assert read_code(draw_barcode(text, 32), zxingcpp.BarcodeFormat.Code128) == [text]


@settings(max_examples=150)
@given(PRINTABLE)
@example("053y030")
def test_any_printable_text_is_read_as_it_was_drawn(text: str) -> None:
    assert read_code(draw_barcode(text, 32), zxingcpp.BarcodeFormat.Code128) == [text]


def test_digits_go_in_pairs() -> None:
    assert draw_barcode("39000000000011", 32).width < draw_barcode("A9B0C0D0E0F0G1", 32).width
    assert draw_barcode("L2026-00012", 32).width == 2 * 10 + 11 * 12 + 13, "one symbol less than it has signs"


@pytest.mark.parametrize("text", ["", "Größe", "١٢٣", "x" * 25, "a\nb"])
def test_what_has_no_bar_code_is_known(text: str) -> None:
    assert not has_barcode(text)
    with pytest.raises(ValueError, match="printable"):
        draw_barcode(text, 32)


@pytest.mark.parametrize("text", ["https://ill.elveby.example/staff/requests/L2026-00012", "מספר 12"])
def test_a_qr_code_is_read_as_it_was_drawn(text: str) -> None:
    assert read_code(draw_qr_code(text), zxingcpp.BarcodeFormat.QRCode) == [text]
