"""Questions to a fake Koha: the parameter q and plain parameters, compared as its database does."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable

from rehearsal.fakes.koha_schema import KohaError, Row


def select_rows(rows: Iterable[Row], query: str | None, parameters: Iterable[tuple[str, str]], match: str) -> list[Row]:
    """`query`: the parameter q; plain parameters match a part of the text unless `match` says `exact`."""
    fitting = list(rows)
    if query:
        try:
            document = json.loads(query)
        except ValueError as error:
            raise KohaError(400, "Invalid query", "invalid_query") from error
        fitting = [row for row in fitting if _fits_query(row, document)]
    for key, value in parameters:
        fitting = [row for row in fitting if _fits_text(row.get(key), value, match)]
    return fitting


def _fits_text(actual: object, value: str, match: str) -> bool:
    text, wanted = collate_text(_to_text(actual)), collate_text(value)
    return {
        "exact": text == wanted,
        "starts_with": text.startswith(wanted),
        "ends_with": text.endswith(wanted),
    }.get(match, wanted in text)


def _fits_query(row: Row, wanted: object) -> bool:
    """Objects are joined by and, lists by or."""
    if isinstance(wanted, list):
        return any(_fits_query(row, part) for part in wanted)
    if not isinstance(wanted, dict):
        raise KohaError(400, "Invalid query", "invalid_query")
    return all(
        (_fits_query(row, value) if key == "-or" else all(_fits_query(row, part) for part in value))
        if key in ("-or", "-and")
        else _fits_value(row, key, value)
        for key, value in wanted.items()
    )


def _fits_value(row: Row, key: str, value: object) -> bool:
    if key.removeprefix("me.") not in row:
        raise KohaError(400, f"Unknown attribute {key}", "invalid_query")
    actual = row[key.removeprefix("me.")]
    if isinstance(value, list):
        return any(_fits_value(row, key, part) for part in value)
    if isinstance(value, dict):
        (operator, operand), *_rest = value.items()
        if operator == "-like":
            pattern = "".join(".*" if char == "%" else re.escape(char) for char in collate_text(operand))
            return re.fullmatch(pattern, collate_text(_to_text(actual)), flags=re.DOTALL) is not None
        if operator in ("-in", "="):
            return _fits_value(row, key, operand)
        raise KohaError(400, f"Unknown operator {operator}", "invalid_query")
    if value is None or actual is None:
        return actual is value
    return collate_text(_to_text(actual)) == collate_text(_to_text(value))


def collate_text(text: str) -> str:
    """Equal for texts that its database takes for equal: without case and accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def _to_text(value: object) -> str:
    return "" if value is None else str(value)
