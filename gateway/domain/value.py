"""`@value_object`: a slotted dataclass that the type checker holds frozen.

A dataclass with `frozen=True` sets each field by `object.__setattr__`, which made one seventh of the work of a whole
message (docs/decisions/0004-frozen-values.md). So values are really frozen with ILLGATE_FREEZE=1 in the environment
alone, as in the tests; else the type checker refuses to assign to them, and they compare and hash as frozen ones do.

A thousand such classes are made at each start, so only the constructor is compiled for each; the rest they share.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")

_FREEZE = os.environ.get("ILLGATE_FREEZE") == "1"


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_object(cls: type[T], /) -> type[T]: ...


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_object(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...


def value_object(cls: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a dataclass with slots, equality and hash. `kw_only`: it is built by field names only."""

    def make_value_class(cls: type[T]) -> type[T]:
        for name, method in _SHARED_METHODS.items():
            if vars(cls).get(name) is None:
                setattr(cls, name, method)
        cls.__doc__ = cls.__doc__ or cls.__name__  # else `dataclass` writes its signature there
        made = dataclass(slots=True, kw_only=kw_only, frozen=_FREEZE, repr=False, eq=False)(cls)
        compared = [field.name for field in fields(made) if field.compare]  # type: ignore[arg-type]
        made._compared_values = attrgetter(*compared or ["__class__"])  # type: ignore[attr-defined]
        return made

    return make_value_class if cls is None else make_value_class(cls)


def _equals(self: Any, other: Any) -> Any:
    read = self._compared_values
    return read(self) == read(other) if other.__class__ is self.__class__ else NotImplemented


def _hash_values(self: Any) -> int:
    return hash(self._compared_values(self))


def _describe(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


_SHARED_METHODS = {"__eq__": _equals, "__hash__": _hash_values, "__repr__": _describe}


if TYPE_CHECKING:  # mypy checks the fields that this one changes
    from dataclasses import replace as replace  # noqa: TID251
else:

    def replace(value: T, /, **changes: Any) -> T:
        """Make a value with some fields changed: what `dataclasses.replace` does, without a step for each field, since
        it happens several times for each message. Raises TypeError for a field that there isn't."""
        kind = value.__class__
        names, read_values = _plan_copy(kind)
        made = dict(zip(names, read_values(value), strict=False))
        made.update(changes)
        return kind(**made)

    @cache
    def _plan_copy(kind: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
        """Plan names of a class's fields, and what reads them; a tuple of them where there is but one or none, too."""
        names = tuple(field.name for field in fields(kind) if field.init)
        return names, attrgetter(*names, "__class__", "__class__")


def copy_fields(kind: type[T], source: Any, /, **others: Any) -> T:
    """Make a value of what another value, or a row, has by the same names. `others`: fields that it hasn't, or that are
    to be others. Raises AttributeError, for a mapping KeyError, where a field is in neither."""
    names = _list_names_besides(kind, tuple(others))  # type: ignore[arg-type]  # classes are hashable
    if isinstance(source, Mapping):
        return kind(**{name: source[name] for name in names}, **others)
    return kind(**{name: getattr(source, name) for name in names}, **others)


def dump_fields(value: Any, /, **others: Any) -> dict[str, Any]:
    """Make a dictionary of a value's fields by name. `others`: of those that are to be others."""
    names = _list_names_besides(type(value), tuple(others))  # type: ignore[arg-type]
    return {name: getattr(value, name) for name in names} | others


@cache
def _list_names_besides(kind: type, others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in others)
