"""Standard numbers in one spelling, so that they can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.domain.library import RecordId

_TYPED = re.compile(r"([a-z][a-z0-9-]*):(.+)", re.IGNORECASE)
_ISBN_13 = 13
_OCLC = re.compile(r"\(ocolc\)|^oc[mn]|^on(?=\d)", re.IGNORECASE)
_DOI = re.compile(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)


def comparable(text: str) -> str:
    """`isbn:3-16-148410-0` -> `isbn:9783161484100`; empty when there is no type or no value."""
    match = _TYPED.fullmatch(text.strip())
    return normal(match[1].lower(), match[2]) if match else ""


def normal(type_: str, value: str) -> str:
    """`type:value` in a spelling that is equal for equal numbers; empty when nothing is left of the value.

    An ISBN of ten digits becomes the one of thirteen that it is part of; no check digit is looked at, since wrong
    ones are printed in books.
    """
    type_ = type_.strip().lower()
    value = value.strip()
    match type_:
        case "isbn":
            value = _isbn(value)
        case "issn":
            value = re.sub(r"[^0-9X]", "", value.upper())
        case "oclc":
            value = re.sub(r"\D", "", _OCLC.sub("", value)).lstrip("0")
        case "doi":
            value = _DOI.sub("", value).casefold()
        case _:
            value = re.sub(r"\s", "", value).casefold()
    return f"{type_}:{value}" if value else ""


def _isbn(value: str) -> str:
    """Without what stands behind it, such as `(pbk.)`."""
    digits = re.sub(r"[-\s]", "", value.upper())
    found = re.match(r"\d{13}|\d{9}[\dX]", digits)
    if found is None:
        return ""
    if len(found[0]) == _ISBN_13:
        return found[0]
    body = f"978{found[0][:9]}"
    check = -sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(body)) % 10
    return f"{body}{check}"


def normals(identifiers: Iterable[RecordId]) -> frozenset[str]:
    return frozenset(filter(None, (normal(one.type, one.value) for one in identifiers)))


def same_work(identifiers: Iterable[RecordId], listed: Iterable[str]) -> bool | None:
    """Whether one of the identifiers is in a list of `type:value`; None when the list has none of their types, so
    that it says nothing about them."""
    asked, there = normals(identifiers), frozenset(map(comparable, listed))
    if asked & there:
        return True
    types = {one.partition(":")[0] for one in there}
    return False if any(one.partition(":")[0] in types for one in asked) else None
