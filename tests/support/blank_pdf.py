"""Copies as a scanner makes them, of empty pages."""

from __future__ import annotations

import io

from pypdf import PdfWriter


def write_blank_pdf(pages: int) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=595, height=842)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()
