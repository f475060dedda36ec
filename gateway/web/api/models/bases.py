"""Bases of all parameters, bodies and answers of the API.

Validators are built when a model is first used (`defer_build`): a command that shows one answer needs few of them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ParameterModel(BaseModel):
    """The parameters of a path or a query string: a name that isn't known is an error, not ignored."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class InputModel(BaseModel):
    """A body: JSON types as they are, nothing is converted silently, no name that nobody reads."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)


class OutputModel(BaseModel):
    """An answer, made from the attributes of a value."""

    model_config = ConfigDict(defer_build=True, from_attributes=True, frozen=True)


class NoParameters(ParameterModel):
    """No parameters."""
