"""How a number is written in a query: targets index them with hyphens or without."""

from __future__ import annotations

import re
from enum import StrEnum

from stdnum import isbn
from stdnum.exceptions import ValidationError

from gateway.domain.requests.identifiers import issn_form
from gateway.ports.search import Index


class Form(StrEnum):
    COMPACT = "compact"  # 9780395683293, 03178471
    HYPHENS = "hyphens"  # 978-0-395-68329-3, 0317-8471
    AS_IS = "as-is"


def in_form(index: Index, value: str, form: Form) -> str:
    """Unchanged where it is no such number."""
    if form is Form.AS_IS or index not in (Index.ISBN, Index.ISSN):
        return value.strip()
    if index is Index.ISSN:
        written = issn_form(value) or value.strip()
        return written if form is Form.HYPHENS else re.sub(r"[\s-]", "", written)
    compact = str(isbn.compact(value))
    if form is Form.COMPACT:
        return compact
    try:
        return str(isbn.format(isbn.validate(compact)))
    except ValidationError:
        return value.strip()
