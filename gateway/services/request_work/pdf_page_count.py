"""`python pdf_page_count.py < FILE`: prints the number of pages of a PDF. Exit code UNREADABLE: nobody can read it,
since it is damaged, locked or without pages; any other: it can't be told. Run by `attachments.count_pages`; it bounds
itself in memory and processor time."""

from __future__ import annotations

import io
import logging
import resource
import sys

MEMORY = 1_500_000_000
"""Bytes of address space; a PDF of 50 MB needs a good part of it."""

CPU_SECONDS = 15

UNREADABLE = 3
"""Unlike 1 and 2, with which Python itself ends."""


def count_pdf_pages(content: bytes) -> int:
    """Count pages; raises whatever pypdf makes of a damaged or locked file; 0 for one without pages."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise ValueError("the file is locked")
    return len(reader.pages)


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    logging.disable(logging.CRITICAL)  # its remarks could quote the file
    try:
        from pypdf.errors import DependencyError, LimitReachedError
    except ImportError:  # nothing is wrong with the file
        return 1
    try:
        pages = count_pdf_pages(sys.stdin.buffer.read())
    except (MemoryError, RecursionError, ImportError, DependencyError, LimitReachedError):
        return 1
    except Exception:  # noqa: BLE001 - a file from anywhere provokes anything; the exit code says it
        return UNREADABLE
    if pages < 1:
        return UNREADABLE
    sys.stdout.write(f"{pages}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
