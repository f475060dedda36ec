"""Bases of all parameters, bodies and answers of the API.

Validators are built when a model is first used (`defer_build`): a command that shows one answer needs few of them.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class ParameterModel(BaseModel):
    """The parameters of a path or a query string: a name that isn't known is an error, not ignored."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class InputModel(BaseModel):
    """A body: JSON types as they are, nothing is converted silently, no name that nobody reads."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)
    value_class: ClassVar[type | None] = None
    """The class of the value that it stands for within another."""

    def to_value(self) -> Any:
        assert self.value_class is not None, "it stands for no value"
        return self.make_value(self.value_class)

    def make_value(self, kind: type[T], /, **others: Any) -> T:
        """Make a value of the fields that have the same names in both. `others`: those that are made in another way."""
        names = kind.__dataclass_fields__.keys() & type(self).model_fields.keys() - others.keys()  # type: ignore[attr-defined]
        return kind(**{name: _to_value(getattr(self, name)) for name in names}, **others)


def _to_value(given: Any) -> Any:
    if isinstance(given, InputModel):
        return given.to_value()
    return tuple(map(_to_value, given)) if isinstance(given, tuple) else given


class OutputModel(BaseModel):
    """An answer, made from the attributes of a value."""

    model_config = ConfigDict(defer_build=True, from_attributes=True, frozen=True)


class NoParameters(ParameterModel):
    """No parameters."""
