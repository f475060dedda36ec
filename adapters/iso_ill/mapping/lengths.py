"""Texts that a partner can take only so long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from adapters.iso_ill.codec.declared import Kind, declared
from adapters.iso_ill.messages import Apdu

A = TypeVar("A", bound=Apdu)


def shortened(apdu: A, longest: Mapping[str, int]) -> A:
    """Fields by the standard's name, wherever they stand. What was cut off goes into the note, in full."""
    if not longest:
        return apdu
    cut: dict[str, str] = {}
    made: A = _shortened(apdu, longest, cut)
    note_field = next((one for one in declared(type(apdu)) if one.attribute == "note"), None)
    if not cut or note_field is None or note_field.name in cut:
        return made
    words = "; ".join(f"{name}: {text}" for name, text in cut.items())
    note = "; ".join(part for part in (made.note_text, words) if part)
    limit = longest.get(note_field.name)
    return replace(made, note=note if limit is None else note[:limit])  # type: ignore[call-arg]


def _shortened(value: Any, longest: Mapping[str, int], cut: dict[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_shortened(one, longest, cut) for one in value)
    if not is_dataclass(value) or isinstance(value, type) or not _is_declared(value):
        return value
    changed = {}
    for one in declared(type(value)):
        old = getattr(value, one.attribute)
        limit = longest.get(one.name)
        if one.kind is Kind.TEXT and limit is not None and len(old) > limit:
            cut[one.name] = old
            changed[one.attribute] = old[:limit].strip()
        elif one.kind is Kind.STRUCTURE and old is not None:
            new = _shortened(old, longest, cut)
            if new != old:
                changed[one.attribute] = new
    return replace(value, **changed) if changed else value


def _is_declared(value: Any) -> bool:
    """External and the like have no declared fields."""
    return all("Annotated" in str(one.type) for one in fields(value))
