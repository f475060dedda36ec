"""What we hear: APDUs of a target to values."""

from __future__ import annotations

import struct
from typing import Any

from adapters.z3950 import ber
from adapters.z3950.codec.compiled import Undecodable, decode_as
from adapters.z3950.oids import INIT_DIAGNOSTICS
from adapters.z3950.values import Answer, Closed, Diagnostic, Found, InitAnswer, RawRecord, ScanEntry, Scanned
from gateway.domain.frozen import frozen
from gateway.domain.problems import Fault, MalformedMessage

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


def decode(data: bytes, charset: str = "utf-8") -> Answer:
    """One APDU of a target. `charset`: of its texts, where they aren't UTF-8. Raises MalformedMessage."""
    if not data.startswith(_ANSWERS):
        raise MalformedMessage(_FIRST, f"no answer begins with {data[:2].hex() or 'nothing'}", Fault.UNKNOWN_SERVICE)
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
    """An OPACRecord, as asn1tools gives it: `adapters.z3950.opac` makes values of it. Raises MalformedMessage."""
    if not data.startswith(b"\x30"):
        raise MalformedMessage(_FIRST, "no OPAC record begins like this")
    found: dict[str, Any] = _decoded("OPACRecord", data)
    return found


@frozen
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
        return _read(type_, ber.definite(data))
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
        contents, length = ber.header(value, 0)
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
