"""A profile, or gateway.yml, as it works, defaults and inherited values included, and where each value was said."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.problems import KeyPath, format_key_path
from gateway.domain.value import value_object
from gateway.profiles.profile_set import LoadedProfile
from gateway.settings import Settings

DEFAULT = "default"

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@-]*(?: [A-Za-z0-9_./@-]+)*")
_NOT_TEXT = re.compile(r"(?i)true|false|null|yes|no|on|off|y|n")


def dump_profile(loaded: LoadedProfile) -> dict[str, object]:
    """All keys of a profile's file with the values that count; `extends` is left out, since it is done."""
    profile = loaded.profile
    data: dict[str, object] = profile.model_dump(mode="json", exclude={"dialects", "extends"})
    for protocol, dialect in profile.dialects.items():
        data[protocol] = dialect.model_dump(mode="json")
    return data


def dump_settings(settings: Settings) -> dict[str, object]:
    """All keys of gateway.yml with the values that count, those of the libraries' systems included. Secrets are
    references."""
    data = settings.model_dump(mode="json")
    for library, dumped in zip(settings.libraries, data["libraries"], strict=True):
        dumped["system"] |= library.system.options.model_dump(mode="json")
    return data


def source_of(document: YamlDocument, path: KeyPath) -> str:
    """`profiles/x.yml:12`, or `default`."""
    place = document.places.get(path)
    return f"{place.file}:{place.line}" if place else DEFAULT


@value_object
class SourcedValue:
    """A value, and where it was said: `profiles/x.yml:12`, or `default`."""

    key: str
    value: object
    source: str


def list_sourced_values(data: dict[str, object], document: YamlDocument) -> list[SourcedValue]:
    """All values with their sources, in the order of the keys."""
    return [
        SourcedValue(format_key_path(path), value, source_of(document, path)) for path, value in _iter_leaves(data, ())
    ]


# --- as YAML ---------------------------------------------------------------------------------------------


def format_yaml(data: dict[str, object]) -> str:
    """A file that means the same without extending another, and without defaults."""
    return "".join(f"{line}\n" for line, _ in _format_mapping(data, (), ""))


def format_yaml_with_sources(data: dict[str, object], document: YamlDocument) -> str:
    """The same, each value with a comment on where it was said."""
    lines = list_yaml_lines(data, document)
    width = min(60, max((len(line) for line, source in lines if source), default=0))
    return "".join(f"{line:<{width}}  # {source}\n" if source else f"{line}\n" for line, source in lines)


def list_yaml_lines(data: dict[str, object], document: YamlDocument) -> list[tuple[str, str]]:
    """The same as lines; with where it was said where a line holds a value, else empty."""
    return [
        (line, source_of(document, path) if path is not None else "") for line, path in _format_mapping(data, (), "")
    ]


_Lines = Iterator[tuple[str, KeyPath | None]]
"""Lines of YAML; with the path where a line holds a value."""


def _format_mapping(data: dict[str, object], path: KeyPath, indent: str) -> _Lines:
    for key, value in data.items():
        yield from _format_entry(f"{indent}{_format_scalar(key)}:", value, (*path, key), f"{indent}  ")


def _format_entry(head: str, value: object, path: KeyPath, indent: str) -> _Lines:
    if isinstance(value, dict) and value:
        yield head, None
        yield from _format_mapping(value, path, indent)
    elif isinstance(value, list) and value:
        yield head, None
        for index, item in enumerate(value):
            yield from _format_list_item(item, (*path, index), indent)
    elif isinstance(value, str) and _is_block_text(value):
        yield f"{head} |", path
        for line in value.splitlines():
            yield (f"{indent}{line}" if line else ""), None
    else:
        yield f"{head} {_format_scalar(value)}", path


def _format_list_item(item: object, path: KeyPath, indent: str) -> _Lines:
    if not isinstance(item, dict) or not item:
        yield from _format_entry(f"{indent}-", item, path, f"{indent}  ")
        return
    lines = list(_format_mapping(item, path, f"{indent}  "))
    first, first_path = lines[0]
    yield f"{indent}- {first[len(indent) + 2 :]}", first_path
    yield from lines[1:]


def _is_block_text(text: str) -> bool:
    """Texts of several lines that a block scalar keeps as they are."""
    lines = text.split("\n")
    printable = all(line.isprintable() and line == line.rstrip() for line in lines)
    return len(lines) > 1 and lines[-1] == "" and lines[-2] != "" and not lines[0].startswith(" ") and printable


def _format_scalar(value: object) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
            return value
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return json.dumps(value)  # null, true, numbers, and empty lists and mappings, are written alike


# --- differences -----------------------------------------------------------------------------------------


@value_object
class ProfileDifference:
    """One value that differs; empty where a side doesn't have the key at all."""

    key: str
    left: str
    right: str
    left_source: str
    right_source: str


def compare_profiles(
    left: LoadedProfile, right: LoadedProfile, leave_out: Collection[str] = ()
) -> list[ProfileDifference]:
    """All values that differ, in the order of the keys; the names of the profiles don't count, nor do the keys of a
    profile that `leave_out` names."""
    a, b = dict(_iter_leaves(dump_profile(left), ())), dict(_iter_leaves(dump_profile(right), ()))
    return [
        ProfileDifference(
            format_key_path(path),
            _format_scalar(a[path]) if path in a else "",
            _format_scalar(b[path]) if path in b else "",
            source_of(left.document, path) if path in a else "",
            source_of(right.document, path) if path in b else "",
        )
        for path in dict.fromkeys([*a, *b])
        if path != ("name",) and path[0] not in leave_out and (path not in a or path not in b or a[path] != b[path])
    ]


def _iter_leaves(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _iter_leaves(inner, (*path, key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for index, inner in enumerate(value):
            yield from _iter_leaves(inner, (*path, index))
    else:
        yield path, value
