"""What an example expects, compared with what was understood: dotted paths into values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum

from gateway.configuration.problems import Path, Problem
from gateway.configuration.validation import describe
from gateway.domain.profile import Example
from gateway.profiles import LoadedProfile


def look(value: object, parts: list[str]) -> object:
    """The value at a path. Raises LookupError with a plain sentence."""
    for part in parts:
        if value is None:
            return None
        value = _step(value, part)
    return value


def unlike(loaded: LoadedProfile, example: Example, path: Path, at: Callable[[str], object]) -> Iterator[Problem]:
    """What was understood otherwise than the example says. `at` gives what there is at a key of `understood`, or
    raises LookupError with a plain sentence."""
    for key, expected in example.understood.items():
        here = (*path, "understood", key)
        try:
            actual = at(key)
        except LookupError as error:
            yield loaded.problem(here, f"{named(example)}: {error.args[0]}")
            continue
        if not _same(actual, expected):
            said = f"{named(example)}: expected {describe(expected)}, understood {_describe(actual)}"
            yield loaded.problem(here, said)


def named(example: Example) -> str:
    return f"example '{example.name}'"


def _step(value: object, part: str) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        if part in names:
            return getattr(value, part)
        raise LookupError(f"{type(value).__name__} has no '{part}', it has: {', '.join(names)}")
    if isinstance(value, list | tuple):
        if part.isdecimal():
            return value[int(part)] if int(part) < len(value) else None
        raise LookupError(f"'{part}' must be a position in the list, counted from 0")
    if isinstance(value, Mapping):
        return value.get(part)
    raise LookupError(f"there is nothing inside a {type(value).__name__}, so no '{part}'")


def _same(actual: object, expected: object) -> bool:
    actual = _plain(actual)
    if isinstance(actual, list) and isinstance(expected, list | tuple):
        return len(actual) == len(expected) and all(map(_same, actual, expected))
    if actual is None or expected is None or isinstance(actual, bool) or isinstance(expected, bool):
        return actual == expected
    return str(actual) == str(expected)


def _plain(value: object) -> object:
    """As it would stand in YAML."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date | time):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def _describe(value: object) -> str:
    plain = _plain(value)
    return f"[{', '.join(_describe(one) for one in plain)}]" if isinstance(plain, list) else describe(plain)
