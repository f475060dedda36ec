"""OPAC records (record syntax 1.2.840.10003.5.102) and what other syntaxes bring -> FoundRecord."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.marc import opac, records
from adapters.marc.dialect import Records
from adapters.marc.opac import Circulation, OpacHolding
from adapters.z3950.codec import Texts, decode_opac
from adapters.z3950.diagnostics import words
from adapters.z3950.oids import syntax_of
from adapters.z3950.values import Diagnostic, RawRecord
from gateway.domain.problems import MalformedMessage
from gateway.ports.search import FoundRecord, HeldItem

_HOLDING_TEXTS = (
    "nucCode",
    "localLocation",
    "shelvingLocation",
    "callNumber",
    "shelvingData",
    "copyNumber",
    "publicNote",
    "reproductionNote",
    "termsUseRepro",
    "enumAndChron",
)
_ITEM_TEXTS = {
    "availablityDate": "availabilityDate",
    "availableThru": "availableThru",
    "restrictions": "restrictions",
    "itemId": "itemId",
    "enumAndChron": "enumAndChron",
    "midspine": "midspine",
    "temporaryLocation": "temporaryLocation",
}
_VOLUME_TEXTS = ("enumeration", "chronology", "enumAndChron")


def found(
    record: RawRecord | Diagnostic, position: int, how: Records, charset: str = "utf-8", source: str = ""
) -> FoundRecord:
    """Never raises: what can't be read is its `problem`. `charset`: of texts in OPAC records that aren't UTF-8."""
    if isinstance(record, Diagnostic):
        return FoundRecord(position=position, problem=words(record))
    syntax = syntax_of(record.syntax)
    if not syntax:
        problem = f"record syntax {record.syntax or 'without a name'} isn't read"
        return FoundRecord(position=position, raw=record.data, problem=problem)
    if syntax != "opac":
        return records.of_bytes(syntax, record.data, position, how, source)
    try:
        decoded = decode_opac(record.data)
    except MalformedMessage as malformed:
        return FoundRecord(position=position, syntax=syntax, raw=record.data, problem=f"no OPAC record: {malformed}")
    return _of_opac(decoded, record.data, position, how, Texts(charset), source)


def _of_opac(
    decoded: dict[str, Any], raw: bytes, position: int, how: Records, texts: Texts, source: str
) -> FoundRecord:
    bibliographic = None
    if "bibliographicRecord" in decoded:
        inner = _raw(decoded["bibliographicRecord"])
        if syntax_of(inner.syntax) != "opac":  # one in another would have no end
            bibliographic = found(inner, position, how, texts.charset, source)
    held = None
    if "holdingsData" in decoded:
        held = tuple(item for one in decoded["holdingsData"] for item in _held(one, how, texts))
    return records.of_opac(bibliographic, held, position, raw)


def _held(holding: tuple[str, Any], how: Records, texts: Texts) -> tuple[HeldItem, ...]:
    kind, inner = holding
    if kind == "marcHoldingsRecord":
        return records.held_by_marc(_raw(inner).data, how)
    volumes = (" ".join(_said(one, _VOLUME_TEXTS, texts).values()) for one in inner.get("volumes", ()))
    circulations = tuple(_circulation(one, texts) for one in inner.get("circulationData", ()))
    shown = OpacHolding(_said(inner, _HOLDING_TEXTS, texts), tuple(filter(None, volumes)), circulations)
    return opac.opac_holdings((shown,), how)


def _circulation(item: Mapping[str, Any], texts: Texts) -> Circulation:
    said = {_ITEM_TEXTS[key]: value for key, value in _said(item, tuple(_ITEM_TEXTS), texts).items()}
    return Circulation(said, item.get("availableNow"), item.get("onHold"))


def _said(values: Mapping[str, Any], names: tuple[str, ...], texts: Texts) -> dict[str, str]:
    return {name: text for name in names if name in values and (text := texts(values[name]).strip())}


def _raw(external: dict[str, Any]) -> RawRecord:
    kind, value = external["encoding"]
    return RawRecord(external.get("direct-reference", ""), bytes(value[0] if kind == "arbitrary" else value))
