"""`@frozen`: a dataclass that is frozen for the type checker and fast at run time.

A dataclass with `frozen=True` sets each field by `object.__setattr__`, which made one seventh of the work of a whole
message (docs/decisions/0004-frozen-values.md). Values here are plain slotted dataclasses; the type checker refuses to
assign to them, and they compare and hash as frozen ones do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    return dataclass(slots=True, unsafe_hash=True)(cls)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def keyword_value(cls: type[T]) -> type[T]:
    """The same, built by field names only."""
    return dataclass(slots=True, unsafe_hash=True, kw_only=True)(cls)
