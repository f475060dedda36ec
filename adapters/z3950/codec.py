"""APDUs <-> values.

Pure: no I/O, no clock, no settings.

    init_apdu, search_apdu, present_apdu, scan_apdu, close_apdu   -> bytes
    decode_apdu(bytes, charset)   -> InitAnswer, Z3950SearchAnswer, Z3950ScanAnswer, CloseNotice
    decode_opac(bytes)            -> an OPAC record, as asn1tools has it

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
    BooleanQuery,
    CloseNotice,
    InitAnswer,
    Proximity,
    QueryOperand,
    RawRecord,
    ResultSet,
    Rpn,
    RpnQuery,
    ScanEntry,
    TermAttribute,
    TermKind,
    Z3950Diagnostic,
    Z3950ScanAnswer,
    Z3950SearchAnswer,
)
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

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


class UndecodableError(Exception):
    """asn1tools can't read it; its reason as text."""


@lru_cache(maxsize=1)
def load_asn1_module() -> Any:
    """Takes a quarter of a second, the first time."""
    import asn1tools

    with as_file(files("adapters.z3950") / "z3950.asn") as file:
        return asn1tools.compile_files(str(file), "ber")


def decode_as(type_: str, data: bytes) -> Any:
    """Decode octets; raises UndecodableError; of octets that end too early also IndexError, ValueError, OverflowError,
    struct.error."""
    from asn1tools import DecodeError

    try:
        return load_asn1_module().decode(type_, data)
    except DecodeError as error:
        raise UndecodableError(str(error)) from error


def decode_apdu(data: bytes, charset: str = "utf-8") -> Answer:
    """One APDU of a target. `charset`: of its texts, where they aren't UTF-8. Raises MalformedMessage."""
    if not data.startswith(_ANSWERS):
        raise MalformedMessage(
            _FIRST, f"no answer begins with {data[:2].hex() or 'nothing'}", MalformationKind.UNKNOWN_SERVICE
        )
    name, body = _decode_type("APDU", data)
    texts = TextDecoder(charset)
    match name:
        case "initResponse":
            return _read_init_answer(body, texts)
        case "scanResponse":
            return _read_scan_answer(body, texts)
        case "close":
            number = body["closeReason"]
            reason = CLOSE_REASONS[number] if 0 <= number < len(CLOSE_REASONS) else f"reason {number}"
            return CloseNotice(reason, texts(body.get("diagnosticInformation", b"")))
        case _:
            return _read_search_answer(body, texts)


def decode_opac(data: bytes) -> dict[str, Any]:
    """An OPACRecord, as asn1tools gives it: `adapters.z3950.client` makes values of it. Raises MalformedMessage."""
    if not data.startswith(b"\x30"):
        raise MalformedMessage(_FIRST, "no OPAC record begins like this")
    record: dict[str, Any] = _decode_type("OPACRecord", data)
    return record


@value_object
class TextDecoder:
    """Octets to text: UTF-8 where they are, else as the profile says."""

    charset: str

    def __call__(self, octets: bytes | bytearray) -> str:
        try:
            return bytes(octets).decode()
        except UnicodeDecodeError:
            return bytes(octets).decode(self.charset, "replace")


def _decode_type(type_: str, data: bytes) -> Any:
    try:
        return _decode_octets(type_, data)
    except UndecodableError:
        return _decode_with_lengths(type_, data)


def _decode_with_lengths(type_: str, data: bytes) -> Any:
    """Indefinite lengths around an open value are what asn1tools can't read; then with all lengths said."""
    try:
        return _decode_octets(type_, ber.to_definite_lengths(data))
    except UndecodableError as error:
        raise MalformedMessage("", str(error)) from error


def _decode_octets(type_: str, data: bytes) -> Any:
    try:
        return decode_as(type_, data)
    except (IndexError, ValueError, OverflowError, struct.error) as error:  # asn1tools, of octets that end too early
        raise MalformedMessage("", f"{type_}: {error}") from error


def _read_init_answer(body: dict[str, Any], texts: TextDecoder) -> InitAnswer:
    versions = _read_bit_numbers(body["protocolVersion"])
    named = (texts(body.get(key, b"")) for key in ("implementationName", "implementationVersion"))
    return InitAnswer(
        accepted=body["result"],
        version=3 if 2 in versions else 2,
        options=frozenset(_read_bit_numbers(body["options"])),
        implementation=" ".join(part for part in named if part),
        diagnostics=tuple(_read_init_diagnostics(body, texts)),
    )


def _read_bit_numbers(bits: tuple[bytes, int]) -> set[int]:
    octets, length = bits
    return {number for number in range(length) if octets[number // 8] & (0x80 >> number % 8)}


def _read_init_diagnostics(body: dict[str, Any], texts: TextDecoder) -> list[Z3950Diagnostic]:
    """Read diagnostics in userInformationField, or in otherInfo as yaz has them. What isn't understood says nothing
    about why."""
    init_diagnostics = []
    externals = [body["userInformationField"]] if "userInformationField" in body else []
    others = (info["information"] for info in body.get("otherInfo", ()))
    externals += [external for kind, external in others if kind == "externallyDefinedInfo"]
    for external in externals:
        if external.get("direct-reference") == INIT_DIAGNOSTICS and external["encoding"][0] == "single-ASN1-type":
            init_diagnostics += _read_diagnostic_format(bytes(external["encoding"][1]), texts)
        else:
            init_diagnostics += [Z3950Diagnostic(0, texts(octets)) for octets in _text_octets(external)]
    return init_diagnostics


def _text_octets(external: dict[str, Any]) -> list[bytes]:
    """Words in an EXTERNAL: a text type as it stands, or octets (yaz, of old). Raises MalformedMessage."""
    kind, value = external["encoding"]
    value = bytes(value) if kind != "arbitrary" else b""
    if kind == "single-ASN1-type" and value[:1] in (b"\x1a", b"\x1b", b"\x0c"):
        try:
            _, _, contents, length = ber.parse_header(value, 0)
        except IndexError:
            raise MalformedMessage("", "a text that ends in its header") from None
        return [value[contents : contents + max(length, 0)]]
    return [value] if kind == "octet-aligned" and value else []


def _read_diagnostic_format(data: bytes, texts: TextDecoder) -> list[Z3950Diagnostic]:
    diagnostic_format = []
    for report in _decode_type("DiagnosticFormat", data):
        message = texts(report.get("message", b""))
        kind, inner = report.get("diagnostic", ("", None))
        diagnostic_format.append(
            _read_default_diagnostic(inner, texts) if kind == "defaultDiagRec" else Z3950Diagnostic(0, message)
        )
    return diagnostic_format


def _read_search_answer(body: dict[str, Any], texts: TextDecoder) -> Z3950SearchAnswer:
    kind, inner = body.get("records", ("", ()))
    records: tuple[RawRecord | Z3950Diagnostic, ...] = ()
    diagnostics: tuple[Z3950Diagnostic, ...] = ()
    match kind:
        case "responseRecords":
            records = tuple(_read_response_record(record["record"], texts) for record in inner)
        case "nonSurrogateDiagnostic":
            diagnostics = (_read_default_diagnostic(inner, texts),)
        case "multipleNonSurDiagnostics":
            diagnostics = tuple(_read_diagnostic(report, texts) for report in inner)
    return Z3950SearchAnswer(
        succeeded=body.get("searchStatus", True),
        hits=max(0, body.get("resultCount", 0)),
        records=records,
        diagnostics=diagnostics,
    )


def _read_response_record(record: tuple[str, Any], texts: TextDecoder) -> RawRecord | Z3950Diagnostic:
    kind, inner = record
    if kind == "surrogateDiagnostic":
        return _read_diagnostic(inner, texts)
    if kind != "retrievalRecord":
        return Z3950Diagnostic(0, "a piece of a record, which we never asked for")
    encoding, value = inner["encoding"]
    octets = bytes(value[0]) if encoding == "arbitrary" else bytes(value)
    return RawRecord(inner.get("direct-reference", ""), octets)


def _read_diagnostic(diagnostic: tuple[str, Any], texts: TextDecoder) -> Z3950Diagnostic:
    kind, inner = diagnostic
    if kind == "defaultFormat":
        return _read_default_diagnostic(inner, texts)
    words = "; ".join(texts(octets) for octets in _text_octets(inner))
    return Z3950Diagnostic(0, words, inner.get("direct-reference", ""))


def _read_default_diagnostic(inner: dict[str, Any], texts: TextDecoder) -> Z3950Diagnostic:
    return Z3950Diagnostic(inner["condition"], texts(inner["addinfo"][1]), inner["diagnosticSetId"])


def _read_scan_answer(body: dict[str, Any], texts: TextDecoder) -> Z3950ScanAnswer:
    listed = body.get("entries", {})
    entries = tuple(
        ScanEntry(_display_term(inner, texts), inner.get("globalOccurrences", 0))
        for kind, inner in listed.get("entries", ())
        if kind == "termInfo"
    )
    return Z3950ScanAnswer(
        entries=entries,
        diagnostics=tuple(_read_diagnostic(report, texts) for report in listed.get("nonsurrogateDiagnostics", ())),
    )


def _display_term(entry: dict[str, Any], texts: TextDecoder) -> str:
    kind, value = entry["term"]
    if "displayTerm" in entry:
        return texts(entry["displayTerm"])
    return texts(value) if kind in ("general", "characterString") else str(value if value is not None else "")


@value_object
class Z3950Login:
    """The sign-in: `open` alone, or user, group and password; all empty: not at all."""

    open: str = field(default="", repr=False)
    user: str = ""
    group: str = ""
    password: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        return not (self.open or self.user or self.group or self.password)


def init_apdu(login: Z3950Login, size: int, charset: str = "utf-8") -> bytes:
    """`size`: octets of the longest answer that we want to read."""
    body: dict[str, Any] = {
        "protocolVersion": VERSIONS,
        "options": encode_bits((SEARCH, PRESENT, SCAN, NAMED_RESULT_SETS)),
        "preferredMessageSize": size,
        "exceptionalRecordSize": size,
        "implementationName": b"illgate",
    }
    if login.open:
        body["idAuthentication"] = ("open", _encode_text(login.open, charset))
    elif not login.is_empty:
        parts = {"groupId": login.group, "userId": login.user, "password": login.password}
        body["idAuthentication"] = ("idPass", {key: _encode_text(text, charset) for key, text in parts.items() if text})
    return encode_apdu("initRequest", body)


def search_apdu(
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
        "databaseNames": [database.encode() for database in databases],
        "query": ("type-1", {"attributeSet": query.attribute_set, "rpn": _encode_rpn(query.rpn, charset)}),
    }
    if along and syntax:
        body["preferredRecordSyntax"] = syntax
    if along and elements:
        body["mediumSetElementSetNames"] = ("genericElementSetName", elements.encode())
    return encode_apdu("searchRequest", body)


def present_apdu(start: int, count: int, *, syntax: str = "", elements: str = "") -> bytes:
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
    return encode_apdu("presentRequest", body)


def scan_apdu(
    term: QueryOperand, databases: tuple[str, ...], count: int, *, charset: str = "utf-8", attribute_set: str = BIB_1
) -> bytes:
    """Make the APDU of a scan from the term on. Raises UnicodeEncodeError."""
    return encode_apdu(
        "scanRequest",
        {
            "databaseNames": [database.encode() for database in databases],
            "attributeSet": attribute_set,
            "termListAndStartPoint": _encode_operand(term, charset),
            "numberOfTermsRequested": count,
            "preferredPositionInResponse": 1,
        },
    )


def close_apdu() -> bytes:
    return encode_apdu("close", {"closeReason": FINISHED})


def encode_apdu(name: str, body: dict[str, Any]) -> bytes:
    return bytes(load_asn1_module().encode("APDU", (name, body)))


def encode_bits(wanted: tuple[int, ...]) -> tuple[bytes, int]:
    length = max(wanted) + 1
    octets = bytearray((length + 7) // 8)
    for number in wanted:
        octets[number // 8] |= 0x80 >> number % 8
    return bytes(octets), length


def _encode_text(text: str, charset: str) -> bytes:
    return text.encode(charset)


def _encode_rpn(rpn: Rpn, charset: str) -> tuple[str, Any]:
    if isinstance(rpn, QueryOperand):
        return "op", ("attrTerm", _encode_operand(rpn, charset))
    if isinstance(rpn, ResultSet):
        return "op", ("resultSet", rpn.name.encode())
    joined = {
        "rpn1": _encode_rpn(rpn.left, charset),
        "rpn2": _encode_rpn(rpn.right, charset),
        "op": _encode_operator(rpn),
    }
    return "rpnRpnOp", joined


def _encode_operator(joined: BooleanQuery) -> tuple[str, Any]:
    op = joined.op
    if not isinstance(op, Proximity):
        return {"and": "and", "or": "or", "not": "and-not"}[op.value], None
    return "prox", {
        "exclusion": op.exclusion,
        "distance": op.distance,
        "ordered": op.ordered,
        "relationType": op.relation,
        "proximityUnitCode": ("private" if op.private else "known", op.unit),
    }


def _encode_operand(operand: QueryOperand, charset: str) -> dict[str, Any]:
    return {
        "attributes": [_encode_attribute(attribute) for attribute in operand.attributes],
        "term": _encode_term(operand, charset),
    }


def _encode_attribute(attribute: TermAttribute) -> dict[str, Any]:
    value, set_ = attribute.value, {"attributeSet": attribute.set} if attribute.set else {}
    written = ("numeric", value) if isinstance(value, int) else ("complex", {"list": [("string", value.encode())]})
    return {**set_, "attributeType": attribute.type, "attributeValue": written}


def _encode_term(operand: QueryOperand, charset: str) -> tuple[str, Any]:
    match operand.kind:
        case TermKind.GENERAL:
            return "general", _encode_text(operand.term, charset)
        case TermKind.STRING:
            return "characterString", _encode_text(operand.term, charset)
        case TermKind.NUMERIC:
            return "numeric", int(operand.term)
        case TermKind.NULL:
            return "null", None
