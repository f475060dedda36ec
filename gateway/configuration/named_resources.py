"""Secrets and files that values of settings and profiles name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel

from gateway.domain.problems import KeyPath
from gateway.domain.secret_reference import ResourceKind, is_secret_reference
from gateway.domain.value import value_object

_SIMPLE = (str, int, float, Decimal, Enum, date, time, timedelta, NoneType)
"""Types of values in settings that have nothing inside."""


@value_object
class NamedResource:
    """`reference`: `env:NAME` or `file:PATH`."""

    path: KeyPath
    reference: str


def iter_resources(section: BaseModel, path: KeyPath = ()) -> Iterator[NamedResource]:
    """Iterate over the resources of a section at `path`, at any depth, in their order."""
    for name, kind in _list_fields_with_resources(type(section)):
        yield from _iter_values(getattr(section, name), kind, (*path, name))


@cache
def _list_fields_with_resources(model: type[BaseModel]) -> tuple[tuple[str, ResourceKind | None], ...]:
    """List the fields that name a resource, with its kind, and those that may have sections inside."""
    marked = (
        (name, next(_iter_marks((*field.metadata, field.annotation)), None), field.annotation)
        for name, field in model.model_fields.items()
    )
    return tuple((name, kind) for name, kind, annotation in marked if kind or _may_hold_sections(annotation))


def _may_hold_sections(annotation: Any) -> bool:
    if inner := get_args(annotation):
        return any(_may_hold_sections(one) for one in inner)
    return annotation is Any or (isinstance(annotation, type) and not issubclass(annotation, _SIMPLE))


def _iter_values(value: Any, kind: ResourceKind | None, path: KeyPath) -> Iterator[NamedResource]:
    match value:
        case BaseModel():
            yield from iter_resources(value, path)
        case str() if kind is not None and value:
            reference = value if kind is ResourceKind.SECRET else f"file:{value}"
            if is_secret_reference(reference):
                yield NamedResource(path, reference)
        case tuple() | list():
            for index, inner in enumerate(value):
                yield from _iter_values(inner, kind, (*path, index))
        case Mapping():
            for key, inner in value.items():
                yield from _iter_values(inner, kind, (*path, key))


def _iter_marks(annotations: tuple[Any, ...]) -> Iterator[ResourceKind]:
    """Iterate over marks, also within containers and unions."""
    for annotation in annotations:
        if isinstance(annotation, ResourceKind):
            yield annotation
        else:
            yield from _iter_marks(get_args(annotation))
