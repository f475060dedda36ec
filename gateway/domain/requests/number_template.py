"""Templates of request numbers, checked when they are read."""

from __future__ import annotations

import string
from typing import Annotated

from pydantic import AfterValidator

FIELDS = ("year", "month", "branch", "partner", "prefix", "sequence")
_SAMPLE: dict[str, object] = {
    "year": 2026,
    "month": 11,
    "branch": "x",
    "partner": "x",
    "prefix": "x",
    "sequence": 1,
}
LONGEST = 60


def _template(value: str) -> str:
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(value) if name is not None]
        if unknown := [name for name in names if name not in FIELDS]:
            raise ValueError(f"'{unknown[0]}' is no field")
        length = len(value.format(**_SAMPLE))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
    if names.count("sequence") != 1:
        raise ValueError("must contain {sequence} once, or {sequence:05d}, so that numbers differ")
    if "month" in names and "year" not in names:
        raise ValueError("with {month} it must contain {year} too, or numbers come again after a year")
    if length > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    return value


NumberTemplate = Annotated[str, AfterValidator(_template)]
"""Text with {year}, {month}, {branch}, {partner} (its main symbol), {prefix}, {sequence}."""
