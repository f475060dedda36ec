"""What is looked for -> a type-1 query, by the target's attributes."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from adapters.marc.numbers import in_form
from adapters.z3950 import pqf
from adapters.z3950.dialect import NUMBERS, IndexAttributes, Z3950Dialect
from adapters.z3950.values import Attribute, Joined, Op, Operand, Rpn, RpnQuery
from gateway.domain.problems import Reason, Refused
from gateway.ports.search import Match, Query, Term

WORD = 2
"""Structure: word."""


def rpn_of(query: Query, dialect: Z3950Dialect, name: str) -> RpnQuery:
    """`name`: of the target. Raises Refused for what can't be said to it."""
    if query.native:
        try:
            return pqf.parse(query.native)
        except pqf.NoQuery as error:
            raise Refused(Reason.INVALID_VALUE, f"{name}: no query in PQF: {error}.") from error
    operands: list[Rpn] = [one for term in query.terms for one in _operands(term, dialect, name)]
    if not operands:
        raise Refused(Reason.DATA_MISSING, f"{name}: nothing was said to look for.")
    return RpnQuery(reduce(_and, operands), pqf.set_identifier(dialect.attribute_set))


def operand_of(term: Term, dialect: Z3950Dialect, name: str) -> Operand:
    """For a scan: the whole term. Raises Refused."""
    index = _index(term, dialect, name)
    pairs = {**dialect.always.pairs(), **index.pairs()}
    return Operand(_attributes(pairs), in_form(term.index, term.value, index.form))


def _and(left: Rpn, right: Rpn) -> Rpn:
    return Joined(Op.AND, left, right)


def _operands(term: Term, dialect: Z3950Dialect, name: str) -> list[Operand]:
    index = _index(term, dialect, name)
    value = in_form(term.index, term.value, index.form)
    if not value:
        return []
    match = {} if term.index in NUMBERS and term.match is Match.WORDS else dialect.match(term.match).pairs()
    operand = Operand(_attributes({**dialect.always.pairs(), **match, **index.pairs()}), value)
    words = value.split()
    if dialect.each_word and term.match is Match.WORDS and len(words) > 1:
        single = _attributes({**dialect.always.pairs(), **match, 4: WORD, **index.pairs()})
        return [replace(operand, attributes=single, term=word) for word in words]
    return [operand]


def _index(term: Term, dialect: Z3950Dialect, name: str) -> IndexAttributes:
    index = dialect.index(term.index)
    if index is None:
        raise Refused(Reason.INVALID_VALUE, f"{name}: there is no index '{term.index.value}' here.")
    return index


def _attributes(pairs: dict[int, int | str]) -> tuple[Attribute, ...]:
    return tuple(Attribute(type_, pairs[type_]) for type_ in sorted(pairs))
