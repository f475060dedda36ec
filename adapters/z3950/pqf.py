"""PQF, the prefix notation of queries: text <-> values. As the YAZ toolkit has it (its guide, 'Prefix Query Format').

@attrset bib-1 @and @attr 1=4 "silent spring" @attr 1=1003 carson
"""

from __future__ import annotations

import re

from adapters.z3950.values import (
    ATTRIBUTE_SETS,
    BIB_1,
    Attribute,
    Joined,
    Nearness,
    Op,
    Operand,
    ResultSet,
    Rpn,
    RpnQuery,
    TermKind,
)
from gateway.domain.value import value

DEEPEST = 100
"""Operators within operators."""

_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))', re.DOTALL)
_OID = re.compile(r"[0-2](\.\d+)+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NAMES = {oid: name for name, oid in ATTRIBUTE_SETS.items()}
_UNITS = {"known": False, "k": False, "private": True, "p": True}


class NoQuery(ValueError):
    """What is wrong with a query, in a plain sentence."""


@value
class _Token:
    text: str
    quoted: bool = False


def parse(text: str) -> RpnQuery:
    """Raises NoQuery."""
    return _Parser(_tokens(text)).parse_query()


def written(query: RpnQuery) -> str:
    """In PQF; `parse` makes the same of it."""
    prefix = f"@attrset {_set_name(query.attribute_set)} " if query.attribute_set != BIB_1 else ""
    return prefix + _written(query.rpn)


def _tokens(text: str) -> list[_Token]:
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = _WORD.match(text, at)
        assert match is not None, "there is something that is no blank"
        quoted, bare = match.groups()
        if bare is not None and bare.startswith('"'):
            raise NoQuery("a quotation mark is not closed")
        found.append(_Token(bare) if bare is not None else _Token(_ESCAPED.sub(r"\1", quoted), quoted=True))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def parse_query(self) -> RpnQuery:
        attribute_set = BIB_1
        if self._accept_word("@attrset"):
            attribute_set = set_identifier(self._next_token("the name of an attribute set").text)
        rpn = self._parse_operand((), TermKind.GENERAL, 0)
        if self._at < len(self._tokens):
            raise NoQuery(f"'{self._tokens[self._at].text}' is one term too many: terms are joined by @and, @or, @not")
        return RpnQuery(rpn, attribute_set)

    def _parse_operand(self, attributes: tuple[Attribute, ...], kind: TermKind, depth: int) -> Rpn:
        if depth > DEEPEST:
            raise NoQuery(f"more than {DEEPEST} operators within one another")
        while True:
            token = self._next_token("a term")
            word = "" if token.quoted else token.text.lower()
            match word:
                case "@and" | "@or" | "@not":
                    return self._parse_boolean(Op(word[1:]), attributes, kind, depth)
                case "@prox":
                    return self._parse_boolean(self._parse_proximity(), attributes, kind, depth)
                case "@set":
                    return ResultSet(self._next_token("the name of a result set").text)
                case "@attr":
                    attributes = (*attributes, self._parse_attribute())
                case "@term":
                    kind = self._parse_term_kind()
                case _ if word.startswith("@"):
                    raise NoQuery(f"'{token.text}' is not known; there are @attr, @and, @or, @not, @prox, @set, @term")
                case _:
                    return Operand(
                        _latest(attributes), _number(token.text) if kind is TermKind.NUMERIC else token.text, kind
                    )

    def _parse_boolean(
        self, op: Op | Nearness, attributes: tuple[Attribute, ...], kind: TermKind, depth: int
    ) -> Joined:
        left = self._parse_operand(attributes, kind, depth + 1)
        return Joined(op, left, self._parse_operand(attributes, kind, depth + 1))

    def _parse_attribute(self) -> Attribute:
        text, set_ = self._next_token("an attribute, such as 1=4").text, ""
        if "=" not in text:
            set_, text = set_identifier(text), self._next_token("an attribute, such as 1=4").text
        type_, _, value = text.partition("=")
        if not (type_.isascii() and type_.isdigit()) or not value:
            raise NoQuery(f"'{text}' is no attribute, such as 1=4")
        return Attribute(int(type_), int(value) if value.isascii() and value.isdigit() else value, set_)

    def _parse_term_kind(self) -> TermKind:
        word = self._next_token("a kind of term").text.lower()
        try:
            return TermKind(word)
        except ValueError:
            raise NoQuery(f"no terms of kind '{word}'; there are {', '.join(TermKind)}") from None

    def _parse_proximity(self) -> Nearness:
        exclusion, distance, ordered, relation = (
            int(_number(self._next_token(what).text)) for what in ("0 or 1", "a distance", "0 or 1", "a relation")
        )
        unit = self._next_token("known or private").text.lower()
        if unit not in _UNITS:
            raise NoQuery(f"'{unit}' is neither known nor private")
        code = int(_number(self._next_token("a unit").text))
        return Nearness(bool(exclusion), distance, bool(ordered), relation, _UNITS[unit], code)

    def _accept_word(self, word: str) -> bool:
        here = self._tokens[self._at] if self._at < len(self._tokens) else None
        if here is None or here.quoted or here.text.lower() != word:
            return False
        self._at += 1
        return True

    def _next_token(self, what: str) -> _Token:
        if self._at >= len(self._tokens):
            raise NoQuery(f"it ends where {what} should stand")
        self._at += 1
        return self._tokens[self._at - 1]


def _latest(attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    """Of one type the innermost counts."""
    return tuple({one.type: one for one in attributes}.values())


def _number(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise NoQuery(f"'{text}' is no number")
    return text


def set_identifier(name: str) -> str:
    """Of an attribute set, by its name or as it stands. Raises NoQuery."""
    if _OID.fullmatch(name):
        return name
    if name.lower() not in ATTRIBUTE_SETS:
        raise NoQuery(f"no attribute set is called '{name}'; there are {', '.join(ATTRIBUTE_SETS)}, or its identifier")
    return ATTRIBUTE_SETS[name.lower()]


def _set_name(oid: str) -> str:
    return _NAMES.get(oid, oid)


def _written(rpn: Rpn) -> str:
    if isinstance(rpn, ResultSet):
        return f"@set {_quoted(rpn.name)}"
    if isinstance(rpn, Joined):
        return f"{_operator(rpn.op)} {_written(rpn.left)} {_written(rpn.right)}"
    attributes = [
        f"@attr {f'{_set_name(one.set)} ' if one.set else ''}{one.type}={one.value}" for one in rpn.attributes
    ]
    kind = [f"@term {rpn.kind.value}"] if rpn.kind is not TermKind.GENERAL else []
    return " ".join((*attributes, *kind, _quoted(rpn.term)))


def _operator(op: Op | Nearness) -> str:
    if not isinstance(op, Nearness):
        return f"@{op.value}"
    unit = "private" if op.private else "known"
    return f"@prox {int(op.exclusion)} {op.distance} {int(op.ordered)} {op.relation} {unit} {op.unit}"


def _quoted(text: str) -> str:
    if re.fullmatch(r'[^\s"\\@][^\s"\\]*', text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
