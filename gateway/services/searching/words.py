"""What staff type to search: `title:"der Zauberberg" author:mann isbn:978-3-10-348128-0`, and plain words.

All words must fit. In quotes they stand together; a word that ends in * stands for all that begin with it.
"""

from __future__ import annotations

import re

from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.identifiers import isbn_forms, issn_form, normal
from gateway.ports.search import Index, Match, Query, Term

_PART = re.compile(r'(?:(?P<index>[A-Za-z]+):(?=\S))?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))')

_INDEXES = {index.value: index for index in Index} | {
    "any": Index.ANY,
    "au": Index.AUTHOR,
    "ti": Index.TITLE,
    "pub": Index.PUBLISHER,
    "date": Index.YEAR,
}
NAMES = tuple(sorted(index.value for index in Index))


def parse(text: str) -> Query:
    """Raises Refused(INVALID_VALUE): nothing to look for, or an index that there isn't."""
    terms: list[Term] = []
    for found in _PART.finditer(text):
        if (term := _term(found)) is None:
            continue
        before = terms[-1] if terms else None
        if before is not None and _goes_on(before, term):
            terms[-1] = Term(before.index, f"{before.value} {term.value}")
        else:
            terms.append(term)
    if not terms:
        raise Refused(Reason.INVALID_VALUE, "There is nothing to look for.")
    return Query(tuple(terms))


def native(text: str) -> Query:
    """In the protocol's own notation. Raises Refused(INVALID_VALUE)."""
    if not text.strip():
        raise Refused(Reason.INVALID_VALUE, "There is nothing to look for.")
    return Query(native=text.strip())


def _term(found: re.Match[str]) -> Term | None:
    phrase = found["phrase"]
    value = (phrase if phrase is not None else found["word"]).strip()
    index = _index(found["index"] or "")
    if not value.strip("*"):
        return None
    if phrase is not None:
        return Term(index, _number(index, value), Match.PHRASE if index in _WORDED else Match.WORDS)
    if value.endswith("*"):
        return Term(index, value.rstrip("*"), Match.BEGINS)
    return Term(index, _number(index, value))


_WORDED = (Index.ANY, Index.TITLE, Index.AUTHOR, Index.SUBJECT, Index.PUBLISHER)


def _index(name: str) -> Index:
    if not name:
        return Index.ANY
    if (index := _INDEXES.get(name.lower())) is None:
        raise Refused(
            Reason.INVALID_VALUE,
            f"There is no index '{name}'; there are: {', '.join(NAMES)}. A colon in a title stands in quotes.",
            value=name,
        )
    return index


def _number(index: Index, value: str) -> str:
    """In the form in which catalogues have it; what isn't such a number stays as it is."""
    match index:
        case Index.ISBN:
            return next(iter(isbn_forms(value)), value)
        case Index.ISSN:
            return issn_form(value) or value
        case Index.OCLC | Index.LCCN:
            return normal(index.value, value).partition(":")[2] or value
    return value


def _goes_on(before: Term, term: Term) -> bool:
    """Plain words one after the other are one term."""
    return before.index is term.index is Index.ANY and before.match is term.match is Match.WORDS
