"""One document over another: how a profile that extends another becomes whole, each value with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from gateway.configuration.problems import Path
from gateway.configuration.source import Document

V = TypeVar("V")


def merge(base: Document, top: Document) -> Document:
    """Mappings are merged, everything else is replaced; a null in `top` takes away what `base` says."""
    changes = _Changes(set(), set())
    data = _merged(base.data, top.data, (), changes)
    hidden = changes.replaced | changes.removed
    return Document(
        top.file,
        data,
        {**_without(base.places, hidden), **_without(top.places, changes.removed)},
        {**_without(base.texts, hidden), **_without(top.texts, changes.removed)},
    )


def only(document: Document, keys: frozenset[str]) -> Document:
    """The document without all top-level keys but these."""
    return Document(
        document.file,
        {key: value for key, value in document.data.items() if key in keys},
        {path: place for path, place in document.places.items() if path[0] in keys},
        {path: text for path, text in document.texts.items() if path[0] in keys},
    )


class _Changes(NamedTuple):
    replaced: set[Path]
    removed: set[Path]


def _merged(base: dict[str, object], top: dict[str, object], path: Path, changes: _Changes) -> dict[str, object]:
    result = dict(base)
    for key, value in top.items():
        here = (*path, key)
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            result[key] = _merged(below, value, here, changes)
        elif value is None and key in result:
            del result[key]
            changes.removed.add(here)
        else:
            changes.replaced.add(here)
            result[key] = value
    return result


def _without(found: Mapping[Path, V], hidden: set[Path]) -> dict[Path, V]:
    """All but these paths and what is below them."""
    if not hidden:
        return dict(found)
    return {path: v for path, v in found.items() if not any(path[:n] in hidden for n in range(1, len(path) + 1))}
