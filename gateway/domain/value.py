"""`@value_object`: a dataclass that the type checker holds frozen, and that is fast at run time.

A dataclass with `frozen=True` sets each field by `object.__setattr__`, which made one seventh of the work of a whole
message (docs/decisions/0004-frozen-values.md). Values here are plain slotted dataclasses; the type checker refuses to
assign to them, and they compare and hash as frozen ones do. With ILLGATE_FREEZE=1 in the environment, as in the tests,
an assignment is an error at run time too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import Field, FrozenInstanceError, dataclass, field, fields, make_dataclass
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, NoReturn, TypeVar, dataclass_transform, overload

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

    def make_value_class(cls: type[T]) -> type[T]:
        if cls.__doc__ is None:
            cls.__doc__ = cls.__name__  # else dataclass works out a signature, which nobody reads
        made = dataclass(slots=True, init=False, eq=False, repr=False, kw_only=kw_only)(cls)
        _add_constructor(made)
        _add_value_methods(made)
        if _FREEZE:
            _freeze_values(made)
        return made

    return make_value_class if cls is None else make_value_class(cls)


def _add_constructor(cls: type) -> None:
    """One that dataclass writes and compiles when the first value is made: of a thousand classes a short command makes
    values of a hundred."""

    def write_constructor(self: Any, *values: Any, **named: Any) -> None:
        given = [(one.name, one.type, _copy_field(one)) for one in fields(cls)]
        after = {"__post_init__": cls.__post_init__} if hasattr(cls, "__post_init__") else {}
        written = make_dataclass(cls.__name__, given, namespace=after, slots=True, frozen=_FREEZE)
        cls.__init__ = written.__init__  # type: ignore[misc]
        cls.__init__(self, *values, **named)  # type: ignore[misc]

    if "__init__" not in vars(cls):
        cls.__init__ = write_constructor  # type: ignore[misc]


def _copy_field(one: Field[Any]) -> Any:
    """Copy what counts for a constructor."""
    return field(default=one.default, default_factory=one.default_factory, init=one.init, kw_only=one.kw_only)


def _add_value_methods(cls: type) -> None:
    """Equality, hash and representation as dataclass writes them, for those that the class doesn't have itself. It
    would write and compile source for each of a thousand classes, most of which are never compared or shown: half of
    the time that it takes to make them, and that is a seventh of a short command's."""
    compared = tuple(one.name for one in fields(cls) if one.compare)
    values_of = attrgetter(*compared) if compared else _no_values

    def is_equal(self: object, other: object) -> Any:
        if other is self:
            return True
        if other.__class__ is self.__class__:
            return values_of(self) == values_of(other)
        return NotImplemented

    def compute_hash(self: object) -> int:
        return hash(values_of(self))

    own = vars(cls)
    if "__eq__" not in own:
        cls.__eq__ = is_equal  # type: ignore[assignment]
        if own.get("__hash__") is None:
            cls.__hash__ = compute_hash  # type: ignore[assignment]
    if "__repr__" not in own:
        cls.__repr__ = _format_value  # type: ignore[assignment]


def _freeze_values(cls: type) -> None:
    """Freeze values as `frozen=True` does, which would write and compile two functions for each class."""
    cls.__setattr__ = _refuse_change  # type: ignore[method-assign]
    cls.__delattr__ = _refuse_change  # type: ignore[assignment]
    cls.__setstate__ = _restore_fields  # type: ignore[attr-defined]


def _refuse_change(_self: object, name: str, *_value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _restore_fields(self: object, state: tuple[None, dict[str, Any]]) -> None:
    """Restore the fields of a copy, or of what was pickled."""
    for name, value in state[1].items():
        object.__setattr__(self, name, value)


def _no_values(_value: object) -> tuple[()]:
    return ()


@recursive_repr()
def _format_value(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{self.__class__.__qualname__}({shown})"
