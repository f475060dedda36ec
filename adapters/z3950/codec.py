"""APDUs <-> values.

Pure: no I/O, no clock, no settings.

    init(...), search(...), present(...), scan(...), close()   -> bytes
    decode(bytes, charset)                                     -> InitAnswer | Found | Scanned | Closed
    decode_opac(bytes)                                         -> an OPAC record, as asn1tools has it

asn1tools does the BER by `z3950.asn`; what can't be read is `MalformedMessage` with place and reason.

asn1tools is loaded at the first use: most installations search no Z39.50 target, and it would take its time at each
start.
"""

from __future__ import annotations

import struct
from dataclasses import field
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

from adapters import ber
from adapters.z3950.values import (
    BIB_1,
    INIT_DIAGNOSTICS,
    Answer,
    Closed,
    Diagnostic,
    Found,
    InitAnswer,
    Joined,
    Nearness,
    Operand,
    RawRecord,
    ResultSet,
    Rpn,
    RpnQuery,
    ScanEntry,
    Scanned,
    TermKind,
)
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value

CLOSE_REASONS = (
    "finished",
    "shutdown",
    "system problem",
    "cost limit",
    "resources",
    "security violation",
    "protocol error",
    "lack of activity",
    "peer abort",
    "unspecified",
)

_ANSWERS = (b"\xb5", b"\xb7", b"\xb9", b"\xbf\x24", b"\xbf\x30")
"""How the APDUs begin that a target sends: no others are read."""


_FIRST = "octet 0"

VERSIONS = (b"\xe0", 3)  # 1, 2 and 3: bit 0 is always set
SEARCH, PRESENT, SCAN, NAMED_RESULT_SETS = 0, 1, 7, 14
"""Numbers of options in Init."""

RESULT_SET = b"default"
"""Every server has it, named result sets or not."""

NO_LIMIT = 2_147_483_647
"""largeSetLowerBound: however many are found, records come along."""

FINISHED = 0
"""Reason of a Close."""


class Undecodable(Exception):
    """asn1tools can't read it; its reason as text."""


@lru_cache(maxsize=1)
def module() -> Any:
    """Takes a quarter of a second, the first time."""
    import asn1tools

    with as_file(files("adapters.z3950") / "z3950.asn") as file:
        return asn1tools.compile_files(str(file), "ber")


def decode_as(type_: str, data: bytes) -> Any:
    """Raises Undecodable; of octets that end too early also IndexError, ValueError, OverflowError, struct.error."""
    from asn1tools import DecodeError

    try:
        return module().decode(type_, data)
    except DecodeError as error:
        raise Undecodable(str(error)) from error


def decode(data: bytes, charset: str = "utf-8") -> Answer:
    """One APDU of a target. `charset`: of its texts, where they aren't UTF-8. Raises MalformedMessage."""
    if not data.startswith(_ANSWERS):
        raise MalformedMessage(
            _FIRST, f"no answer begins with {data[:2].hex() or 'nothing'}", MalformationKind.UNKNOWN_SERVICE
        )
    name, body = _decoded("APDU", data)
    texts = Texts(charset)
    match name:
        case "initResponse":
            return _init(body, texts)
        case "scanResponse":
            return _scanned(body, texts)
        case "close":
            number = body["closeReason"]
            reason = CLOSE_REASONS[number] if 0 <= number < len(CLOSE_REASONS) else f"reason {number}"
            return Closed(reason, texts(body.get("diagnosticInformation", b"")))
        case _:
            return _found(body, texts)


def decode_opac(data: bytes) -> dict[str, Any]:
    """An OPACRecord, as asn1tools gives it: `adapters.z3950.client` makes values of it. Raises MalformedMessage."""
    if not data.startswith(b"\x30"):
        raise MalformedMessage(_FIRST, "no OPAC record begins like this")
    found: dict[str, Any] = _decoded("OPACRecord", data)
    return found


@value
class Texts:
    """Octets to text: UTF-8 where they are, else as the profile says."""

    charset: str

    def __call__(self, octets: bytes | bytearray) -> str:
        try:
            return bytes(octets).decode()
        except UnicodeDecodeError:
            return bytes(octets).decode(self.charset, "replace")


def _decoded(type_: str, data: bytes) -> Any:
    try:
        return _read(type_, data)
    except Undecodable:
        return _again(type_, data)


def _again(type_: str, data: bytes) -> Any:
    """Indefinite lengths around an open value are what asn1tools can't read; then with all lengths said."""
    try:
        return _read(type_, ber.to_definite_lengths(data))
    except Undecodable as error:
        raise MalformedMessage("", str(error)) from error


def _read(type_: str, data: bytes) -> Any:
    try:
        return decode_as(type_, data)
    except (IndexError, ValueError, OverflowError, struct.error) as error:  # asn1tools, of octets that end too early
        raise MalformedMessage("", f"{type_}: {error}") from error


def _init(body: dict[str, Any], texts: Texts) -> InitAnswer:
    versions = _numbers(body["protocolVersion"])
    named = (texts(body.get(key, b"")) for key in ("implementationName", "implementationVersion"))
    return InitAnswer(
        accepted=body["result"],
        version=3 if 2 in versions else 2,
        options=frozenset(_numbers(body["options"])),
        implementation=" ".join(one for one in named if one),
        diagnostics=tuple(_init_diagnostics(body, texts)),
    )


def _numbers(bits: tuple[bytes, int]) -> set[int]:
    octets, length = bits
    return {number for number in range(length) if octets[number // 8] & (0x80 >> number % 8)}


def _init_diagnostics(body: dict[str, Any], texts: Texts) -> list[Diagnostic]:
    """In userInformationField, or in otherInfo as yaz has them. What isn't understood says nothing about why."""
    found = []
    externals = [body["userInformationField"]] if "userInformationField" in body else []
    externals += [
        one["information"][1] for one in body.get("otherInfo", ()) if one["information"][0] == "externallyDefinedInfo"
    ]
    for external in externals:
        if external.get("direct-reference") == INIT_DIAGNOSTICS and external["encoding"][0] == "single-ASN1-type":
            found += _diagnostic_format(bytes(external["encoding"][1]), texts)
        else:
            found += [Diagnostic(0, texts(octets)) for octets in _plain(external)]
    return found


def _plain(external: dict[str, Any]) -> list[bytes]:
    """Words in an EXTERNAL: a text type as it stands, or octets (yaz, of old)."""
    kind, value = external["encoding"]
    value = bytes(value) if kind != "arbitrary" else b""
    if kind == "single-ASN1-type" and value[:1] in (b"\x1a", b"\x1b", b"\x0c"):
        contents, length = ber.parse_ber_header(value, 0)
        return [value[contents : contents + (length or 0)]]
    return [value] if kind == "octet-aligned" and value else []


def _diagnostic_format(data: bytes, texts: Texts) -> list[Diagnostic]:
    found = []
    for one in _decoded("DiagnosticFormat", data):
        message = texts(one.get("message", b""))
        kind, inner = one.get("diagnostic", ("", None))
        found.append(_default(inner, texts) if kind == "defaultDiagRec" else Diagnostic(0, message))
    return found


def _found(body: dict[str, Any], texts: Texts) -> Found:
    kind, inner = body.get("records", ("", ()))
    records: tuple[RawRecord | Diagnostic, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    match kind:
        case "responseRecords":
            records = tuple(_record(one["record"], texts) for one in inner)
        case "nonSurrogateDiagnostic":
            diagnostics = (_default(inner, texts),)
        case "multipleNonSurDiagnostics":
            diagnostics = tuple(_diagnostic(one, texts) for one in inner)
    return Found(
        succeeded=body.get("searchStatus", True),
        hits=max(0, body.get("resultCount", 0)),
        records=records,
        diagnostics=diagnostics,
    )


def _record(record: tuple[str, Any], texts: Texts) -> RawRecord | Diagnostic:
    kind, inner = record
    if kind == "surrogateDiagnostic":
        return _diagnostic(inner, texts)
    if kind != "retrievalRecord":
        return Diagnostic(0, "a piece of a record, which we never asked for")
    encoding, value = inner["encoding"]
    octets = bytes(value[0]) if encoding == "arbitrary" else bytes(value)
    return RawRecord(inner.get("direct-reference", ""), octets)


def _diagnostic(diagnostic: tuple[str, Any], texts: Texts) -> Diagnostic:
    kind, inner = diagnostic
    if kind == "defaultFormat":
        return _default(inner, texts)
    words = "; ".join(texts(one) for one in _plain(inner))
    return Diagnostic(0, words, inner.get("direct-reference", ""))


def _default(inner: dict[str, Any], texts: Texts) -> Diagnostic:
    return Diagnostic(inner["condition"], texts(inner["addinfo"][1]), inner["diagnosticSetId"])


def _scanned(body: dict[str, Any], texts: Texts) -> Scanned:
    listed = body.get("entries", {})
    entries = tuple(
        ScanEntry(_shown(inner, texts), inner.get("globalOccurrences", 0))
        for kind, inner in listed.get("entries", ())
        if kind == "termInfo"
    )
    return Scanned(
        entries=entries,
        diagnostics=tuple(_diagnostic(one, texts) for one in listed.get("nonsurrogateDiagnostics", ())),
    )


def _shown(entry: dict[str, Any], texts: Texts) -> str:
    kind, value = entry["term"]
    if "displayTerm" in entry:
        return texts(entry["displayTerm"])
    return texts(value) if kind in ("general", "characterString") else str(value if value is not None else "")


@value
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
