"""`@value_object`: a dataclass that the type checker holds frozen, and that is fast at run time.

A dataclass with `frozen=True` sets each field by `object.__setattr__`, which made one seventh of the work of a whole
message (docs/decisions/0004-frozen-values.md). Values here are plain slotted dataclasses; the type checker refuses to
assign to them, and they compare and hash as frozen ones do. With ILLGATE_FREEZE=1 in the environment, as in the tests,
an assignment is an error at run time too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform, overload

T = TypeVar("T")

_FREEZE = os.environ.get("ILLGATE_FREEZE") == "1"


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_object(cls: type[T], /) -> type[T]: ...


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_object(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...


def value_object(cls: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """`kw_only`: it is built by field names only."""

    def make_dataclass(cls: type[T]) -> type[T]:
        if _FREEZE:
            return dataclass(slots=True, frozen=True, kw_only=kw_only)(cls)
        return dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)(cls)

    return make_dataclass if cls is None else make_dataclass(cls)
