"""What we say: values to APDUs."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from adapters.z3950.codec.compiled import module
from adapters.z3950.oids import BIB_1
from adapters.z3950.values import Joined, Nearness, Operand, ResultSet, Rpn, RpnQuery, TermKind
from gateway.domain.frozen import frozen

VERSIONS = (b"\xe0", 3)  # 1, 2 and 3: bit 0 is always set
SEARCH, PRESENT, SCAN, NAMED_RESULT_SETS = 0, 1, 7, 14
"""Numbers of options in Init."""

RESULT_SET = b"default"
"""Every server has it, named result sets or not."""

NO_LIMIT = 2_147_483_647
"""largeSetLowerBound: however many are found, records come along."""

FINISHED = 0
"""Reason of a Close."""


@frozen
class Login:
    """How we sign in: `open` alone, or user, group and password; all empty: not at all."""

    open: str = field(default="", repr=False)
    user: str = ""
    group: str = ""
    password: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        return not (self.open or self.user or self.group or self.password)


def init(login: Login, size: int, charset: str = "utf-8") -> bytes:
    """`size`: octets of the longest answer that we want to read."""
    body: dict[str, Any] = {
        "protocolVersion": VERSIONS,
        "options": _bits((SEARCH, PRESENT, SCAN, NAMED_RESULT_SETS)),
        "preferredMessageSize": size,
        "exceptionalRecordSize": size,
        "implementationName": b"illgate",
    }
    if login.open:
        body["idAuthentication"] = ("open", _octets(login.open, charset))
    elif not login.is_empty:
        said = {"groupId": login.group, "userId": login.user, "password": login.password}
        body["idAuthentication"] = ("idPass", {key: _octets(text, charset) for key, text in said.items() if text})
    return _apdu("initRequest", body)


def search(
    query: RpnQuery,
    databases: tuple[str, ...],
    *,
    charset: str = "utf-8",
    along: int = 0,
    syntax: str = "",
    elements: str = "",
) -> bytes:
    """`along`: so many records shall come with the answer, if the target does such things. `syntax`: object identifier.

    Raises UnicodeEncodeError for a term that the character set lacks.
    """
    body: dict[str, Any] = {
        "smallSetUpperBound": 0,
        "largeSetLowerBound": NO_LIMIT if along else 1,
        "mediumSetPresentNumber": along,
        "replaceIndicator": True,
        "resultSetName": RESULT_SET,
        "databaseNames": [one.encode() for one in databases],
        "query": ("type-1", {"attributeSet": query.attribute_set, "rpn": _rpn(query.rpn, charset)}),
    }
    if along and syntax:
        body["preferredRecordSyntax"] = syntax
    if along and elements:
        body["mediumSetElementSetNames"] = ("genericElementSetName", elements.encode())
    return _apdu("searchRequest", body)


def present(start: int, count: int, *, syntax: str = "", elements: str = "") -> bytes:
    """Positions count from 1."""
    body: dict[str, Any] = {
        "resultSetId": RESULT_SET,
        "resultSetStartPoint": start,
        "numberOfRecordsRequested": count,
    }
    if syntax:
        body["preferredRecordSyntax"] = syntax
    if elements:
        body["recordComposition"] = ("simple", ("genericElementSetName", elements.encode()))
    return _apdu("presentRequest", body)


def scan(
    term: Operand, databases: tuple[str, ...], count: int, *, charset: str = "utf-8", attribute_set: str = BIB_1
) -> bytes:
    """From the term on. Raises UnicodeEncodeError."""
    return _apdu(
        "scanRequest",
        {
            "databaseNames": [one.encode() for one in databases],
            "attributeSet": attribute_set,
            "termListAndStartPoint": _operand(term, charset),
            "numberOfTermsRequested": count,
            "preferredPositionInResponse": 1,
        },
    )


def close() -> bytes:
    return _apdu("close", {"closeReason": FINISHED})


def _apdu(name: str, body: dict[str, Any]) -> bytes:
    return bytes(module().encode("APDU", (name, body)))


def _bits(wanted: tuple[int, ...]) -> tuple[bytes, int]:
    length = max(wanted) + 1
    octets = bytearray((length + 7) // 8)
    for number in wanted:
        octets[number // 8] |= 0x80 >> number % 8
    return bytes(octets), length


def _octets(text: str, charset: str) -> bytes:
    return text.encode(charset)


def _rpn(rpn: Rpn, charset: str) -> tuple[str, Any]:
    if isinstance(rpn, Operand):
        return "op", ("attrTerm", _operand(rpn, charset))
    if isinstance(rpn, ResultSet):
        return "op", ("resultSet", rpn.name.encode())
    joined = {"rpn1": _rpn(rpn.left, charset), "rpn2": _rpn(rpn.right, charset), "op": _operator(rpn)}
    return "rpnRpnOp", joined


def _operator(joined: Joined) -> tuple[str, Any]:
    op = joined.op
    if not isinstance(op, Nearness):
        return {"and": "and", "or": "or", "not": "and-not"}[op.value], None
    return "prox", {
        "exclusion": op.exclusion,
        "distance": op.distance,
        "ordered": op.ordered,
        "relationType": op.relation,
        "proximityUnitCode": ("private" if op.private else "known", op.unit),
    }


def _operand(operand: Operand, charset: str) -> dict[str, Any]:
    return {
        "attributes": [_attribute(one.type, one.value, one.set) for one in operand.attributes],
        "term": _term(operand, charset),
    }


def _attribute(type_: int, value: int | str, set_: str) -> dict[str, Any]:
    said: tuple[str, Any] = (
        ("numeric", value) if isinstance(value, int) else ("complex", {"list": [("string", value.encode())]})
    )
    return {**({"attributeSet": set_} if set_ else {}), "attributeType": type_, "attributeValue": said}


def _term(operand: Operand, charset: str) -> tuple[str, Any]:
    match operand.kind:
        case TermKind.GENERAL:
            return "general", _octets(operand.term, charset)
        case TermKind.STRING:
            return "characterString", _octets(operand.term, charset)
        case TermKind.NUMERIC:
            return "numeric", int(operand.term)
        case TermKind.NULL:
            return "null", None
