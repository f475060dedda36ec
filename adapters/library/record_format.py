"""The format in which a library system keeps its records."""

from __future__ import annotations

from enum import StrEnum


class RecordFormat(StrEnum):
    """The values are Alma's names."""

    MARC21 = "marc21"
    UNIMARC = "unimarc"
    KORMARC = "kormarc"  # its fields for what is written here are those of MARC 21
