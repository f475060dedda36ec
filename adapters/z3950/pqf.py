"""PQF, the prefix notation of queries: text <-> values. As the YAZ toolkit has it (its guide, 'Prefix Query Format').

@attrset bib-1 @and @attr 1=4 "silent spring" @attr 1=1003 carson
"""

from __future__ import annotations

import re

from adapters.z3950.values import (
    ATTRIBUTE_SETS,
    BIB_1,
    BooleanOperator,
    BooleanQuery,
    Proximity,
    QueryOperand,
    ResultSet,
    Rpn,
    RpnQuery,
    TermAttribute,
    TermKind,
)
from gateway.domain.value import value_object

MAX_DEPTH = 100
"""Operators within operators."""

_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))', re.DOTALL)
_OID = re.compile(r"[0-2](\.\d+)+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NAMES = {oid: name for name, oid in ATTRIBUTE_SETS.items()}
_UNITS = {"known": False, "k": False, "private": True, "p": True}


class PqfSyntaxError(ValueError):
    """The fault of a query, in a plain sentence."""


@value_object
class _PqfToken:
    text: str
    quoted: bool = False


def parse_pqf(text: str) -> RpnQuery:
    """Parse a query; raises PqfSyntaxError."""
    return _PqfParser(_split_tokens(text)).parse_query()


def format_pqf(query: RpnQuery) -> str:
    """Write a query in PQF; `parse_pqf` makes the same of it."""
    prefix = f"@attrset {_attribute_set_name(query.attribute_set)} " if query.attribute_set != BIB_1 else ""
    return prefix + _format_rpn(query.rpn)


def _split_tokens(text: str) -> list[_PqfToken]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = _WORD.match(text, at)
        assert match is not None, "there is something that is no blank"
        quoted, bare = match.groups()
        if bare is not None and bare.startswith('"'):
            raise PqfSyntaxError("a quotation mark is not closed")
        tokens.append(_PqfToken(bare) if bare is not None else _PqfToken(_ESCAPED.sub(r"\1", quoted), quoted=True))
        at = match.end()
    return tokens


class _PqfParser:
    def __init__(self, tokens: list[_PqfToken]) -> None:
        self._tokens = tokens
        self._at = 0

    def parse_query(self) -> RpnQuery:
        attribute_set = BIB_1
        if self._accept_word("@attrset"):
            attribute_set = attribute_set_identifier(self._next_token("the name of an attribute set").text)
        rpn = self._parse_operand((), TermKind.GENERAL, 0)
        if self._at < len(self._tokens):
            raise PqfSyntaxError(
                f"'{self._tokens[self._at].text}' is one term too many: terms are joined by @and, @or, @not"
            )
        return RpnQuery(rpn, attribute_set)

    def _parse_operand(self, attributes: tuple[TermAttribute, ...], kind: TermKind, depth: int) -> Rpn:
        if depth > MAX_DEPTH:
            raise PqfSyntaxError(f"more than {MAX_DEPTH} operators within one another")
        while True:
            token = self._next_token("a term")
            word = "" if token.quoted else token.text.lower()
            match word:
                case "@and" | "@or" | "@not":
                    return self._parse_boolean(BooleanOperator(word[1:]), attributes, kind, depth)
                case "@prox":
                    return self._parse_boolean(self._parse_proximity(), attributes, kind, depth)
                case "@set":
                    return ResultSet(self._next_token("the name of a result set").text)
                case "@attr":
                    attributes = (*attributes, self._parse_attribute())
                case "@term":
                    kind = self._parse_term_kind()
                case _ if word.startswith("@"):
                    raise PqfSyntaxError(
                        f"'{token.text}' is not known; there are @attr, @and, @or, @not, @prox, @set, @term"
                    )
                case _:
                    return QueryOperand(
                        _innermost_attributes(attributes),
                        _check_number(token.text) if kind is TermKind.NUMERIC else token.text,
                        kind,
                    )

    def _parse_boolean(
        self, op: BooleanOperator | Proximity, attributes: tuple[TermAttribute, ...], kind: TermKind, depth: int
    ) -> BooleanQuery:
        left = self._parse_operand(attributes, kind, depth + 1)
        return BooleanQuery(op, left, self._parse_operand(attributes, kind, depth + 1))

    def _parse_attribute(self) -> TermAttribute:
        text, set_ = self._next_token("an attribute, such as 1=4").text, ""
        if "=" not in text:
            set_, text = attribute_set_identifier(text), self._next_token("an attribute, such as 1=4").text
        type_, _, value = text.partition("=")
        if not (type_.isascii() and type_.isdigit()) or not value:
            raise PqfSyntaxError(f"'{text}' is no attribute, such as 1=4")
        return TermAttribute(int(type_), int(value) if value.isascii() and value.isdigit() else value, set_)

    def _parse_term_kind(self) -> TermKind:
        word = self._next_token("a kind of term").text.lower()
        try:
            return TermKind(word)
        except ValueError:
            raise PqfSyntaxError(f"no terms of kind '{word}'; there are {', '.join(TermKind)}") from None

    def _parse_proximity(self) -> Proximity:
        exclusion, distance, ordered, relation = (
            int(_check_number(self._next_token(what).text)) for what in ("0 or 1", "a distance", "0 or 1", "a relation")
        )
        unit = self._next_token("known or private").text.lower()
        if unit not in _UNITS:
            raise PqfSyntaxError(f"'{unit}' is neither known nor private")
        code = int(_check_number(self._next_token("a unit").text))
        return Proximity(bool(exclusion), distance, bool(ordered), relation, _UNITS[unit], code)

    def _accept_word(self, word: str) -> bool:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None or token.quoted or token.text.lower() != word:
            return False
        self._at += 1
        return True

    def _next_token(self, what: str) -> _PqfToken:
        if self._at >= len(self._tokens):
            raise PqfSyntaxError(f"it ends where {what} should stand")
        self._at += 1
        return self._tokens[self._at - 1]


def _innermost_attributes(attributes: tuple[TermAttribute, ...]) -> tuple[TermAttribute, ...]:
    """Return, of each type, the innermost attribute, which counts."""
    return tuple({attribute.type: attribute for attribute in attributes}.values())


def _check_number(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise PqfSyntaxError(f"'{text}' is no number")
    return text


def attribute_set_identifier(name: str) -> str:
    """Return the identifier of an attribute set, by its name or as it stands. Raises PqfSyntaxError."""
    if _OID.fullmatch(name):
        return name
    if name.lower() not in ATTRIBUTE_SETS:
        raise PqfSyntaxError(
            f"no attribute set is called '{name}'; there are {', '.join(ATTRIBUTE_SETS)}, or its identifier"
        )
    return ATTRIBUTE_SETS[name.lower()]


def _attribute_set_name(oid: str) -> str:
    return _NAMES.get(oid, oid)


def _format_rpn(rpn: Rpn) -> str:
    if isinstance(rpn, ResultSet):
        return f"@set {_quote_term(rpn.name)}"
    if isinstance(rpn, BooleanQuery):
        return f"{_format_operator(rpn.op)} {_format_rpn(rpn.left)} {_format_rpn(rpn.right)}"
    attributes = [
        f"@attr {f'{_attribute_set_name(attribute.set)} ' if attribute.set else ''}{attribute.type}={attribute.value}"
        for attribute in rpn.attributes
    ]
    kind = [f"@term {rpn.kind.value}"] if rpn.kind is not TermKind.GENERAL else []
    return " ".join((*attributes, *kind, _quote_term(rpn.term)))


def _format_operator(op: BooleanOperator | Proximity) -> str:
    if not isinstance(op, Proximity):
        return f"@{op.value}"
    unit = "private" if op.private else "known"
    return f"@prox {int(op.exclusion)} {op.distance} {int(op.ordered)} {op.relation} {unit} {op.unit}"


def _quote_term(text: str) -> str:
    if re.fullmatch(r'[^\s"\\@][^\s"\\]*', text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
