"""A profile as it works, defaults and inherited values included, and where each value was said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gateway.configuration.yaml_document import Path, dotted
from gateway.domain.value import value
from gateway.profiles.profile_set import LoadedProfile

DEFAULT = "default"

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@-]*(?: [A-Za-z0-9_./@-]+)*")
_NOT_TEXT = re.compile(r"(?i)true|false|null|yes|no|on|off|y|n")


def as_data(loaded: LoadedProfile) -> dict[str, object]:
    """All keys of a profile's file with the values that count; `extends` is left out, since it is done."""
    profile = loaded.profile
    data: dict[str, object] = profile.model_dump(mode="json", exclude={"dialects", "extends"})
    for protocol, dialect in profile.dialects.items():
        data[protocol] = dialect.model_dump(mode="json")
    return data


def source_of(loaded: LoadedProfile, path: Path) -> str:
    """`profiles/x.yml:12`, or `default`."""
    place = loaded.document.places.get(path)
    return f"{place.file}:{place.line}" if place else DEFAULT


# --- as YAML ---------------------------------------------------------------------------------------------


def as_yaml(loaded: LoadedProfile) -> str:
    """A file that means the same without extending another."""
    return "".join(f"{line}\n" for line, _ in _mapping(as_data(loaded), (), ""))


def as_yaml_with_sources(loaded: LoadedProfile) -> str:
    """The same, each value with a comment on where it was said."""
    lines = list(_mapping(as_data(loaded), (), ""))
    width = min(60, max((len(line) for line, path in lines if path is not None), default=0))
    return "".join(
        f"{line}\n" if path is None else f"{line:<{width}}  # {source_of(loaded, path)}\n" for line, path in lines
    )


_Lines = Iterator[tuple[str, Path | None]]
"""Lines of YAML; with the path where a line holds a value."""


def _mapping(data: dict[str, object], path: Path, indent: str) -> _Lines:
    for key, value in data.items():
        yield from _entry(f"{indent}{_scalar(key)}:", value, (*path, key), f"{indent}  ")


def _entry(head: str, value: object, path: Path, indent: str) -> _Lines:
    if isinstance(value, dict) and value:
        yield head, None
        yield from _mapping(value, path, indent)
    elif isinstance(value, list) and value:
        yield head, None
        for index, item in enumerate(value):
            yield from _item(item, (*path, index), indent)
    elif isinstance(value, str) and _as_block(value):
        yield f"{head} |", path
        for line in value.splitlines():
            yield (f"{indent}{line}" if line else ""), None
    else:
        yield f"{head} {_scalar(value)}", path


def _item(item: object, path: Path, indent: str) -> _Lines:
    if not isinstance(item, dict) or not item:
        yield from _entry(f"{indent}-", item, path, f"{indent}  ")
        return
    lines = list(_mapping(item, path, f"{indent}  "))
    first, first_path = lines[0]
    yield f"{indent}- {first[len(indent) + 2 :]}", first_path
    yield from lines[1:]


def _as_block(text: str) -> bool:
    """Texts of several lines that a block scalar keeps as they are."""
    lines = text.split("\n")
    printable = all(line.isprintable() and line == line.rstrip() for line in lines)
    return len(lines) > 1 and lines[-1] == "" and lines[-2] != "" and not lines[0].startswith(" ") and printable


def _scalar(value: object) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
            return value
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return json.dumps(value)  # null, true, numbers, and empty lists and mappings, are written alike


# --- differences -----------------------------------------------------------------------------------------


@value
class Difference:
    """One value that differs; empty where a side doesn't have the key at all."""

    key: str
    left: str
    right: str
    left_source: str
    right_source: str


def differences(left: LoadedProfile, right: LoadedProfile) -> list[Difference]:
    """All values that differ, in the order of the keys; the names of the profiles don't count."""
    a, b = dict(_leaves(as_data(left), ())), dict(_leaves(as_data(right), ()))
    return [
        Difference(
            dotted(path),
            _scalar(a[path]) if path in a else "",
            _scalar(b[path]) if path in b else "",
            source_of(left, path) if path in a else "",
            source_of(right, path) if path in b else "",
        )
        for path in dict.fromkeys([*a, *b])
        if path != ("name",) and (path not in a or path not in b or a[path] != b[path])
    ]


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value
