"""CQL, the notation of queries in SRU (CQL 1.2, which 2.0 contains): what is looked for -> text."""

from __future__ import annotations

import re

from adapters.marc.numbers import in_form
from adapters.sru.dialect import CqlIndex, SruDialect
from gateway.domain.problems import Reason, Refused
from gateway.ports.search import Match, Query, Term

_MASKING = re.compile(r'([\\"*?^])')


def written(query: Query, dialect: SruDialect, name: str) -> str:
    """`name`: of the target. Raises Refused for what can't be said to it."""
    if query.native:
        return query.native.strip()
    clauses = [clause(term, dialect, name) for term in query.terms if term.value.strip()]
    if not clauses:
        raise Refused(Reason.DATA_MISSING, f"{name}: nothing was said to look for.")
    return " and ".join(clauses)


def clause(term: Term, dialect: SruDialect, name: str) -> str:
    """One term, such as `dc.title all "silent spring"`. Raises Refused."""
    index = _cql_index(term, dialect, name)
    relation = index.relation or dialect.relation(term.match)
    mask = "*" if term.match is Match.BEGINS else ""
    return f'{index.name} {relation} "{_escaped(in_form(term.index, term.value, index.form))}{mask}"'


def start(term: Term, dialect: SruDialect, name: str) -> str:
    """For a scan: the index from this term on. Raises Refused."""
    index = _cql_index(term, dialect, name)
    return f'{index.name} = "{_escaped(in_form(term.index, term.value, index.form))}"'


def _cql_index(term: Term, dialect: SruDialect, name: str) -> CqlIndex:
    index = dialect.index(term.index)
    if index is None:
        raise Refused(Reason.INVALID_VALUE, f"{name}: there is no index '{term.index.value}' here.")
    return index


def _escaped(value: str) -> str:
    """Inside quotation marks these mean something else (CQL 1.2, masking)."""
    return _MASKING.sub(r"\\\1", " ".join(value.split()))
