"""YAML text to values that know file, line and key; inheritance between documents; problems found in them.

Read as YAML 1.2 reads it: only `true` and `false` are truth values, `23:59:00` and `2024-05-01` are text, and so
is a number with leading zeros (a barcode). A key is always text. Anchors and `<<` are allowed; a key that stands
twice is an error.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path as FilePath
from typing import NamedTuple, TypeVar

import yaml

from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.sentences import mark_template, write_sentence
from gateway.domain.value import value_object

MAX_BYTES = 2_000_000
MAX_VALUES = 100_000
"""Most values in one file, aliases and merges expanded: a few nested anchors can ask for billions."""
MAX_DEPTH = 40

V = TypeVar("V")


def nearest_match(word: str, words: Iterable[str]) -> str:
    """The word that was probably meant; empty if none is near."""
    by_fold = {known.casefold(): known for known in words}
    close_matches = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[close_matches[0]] if close_matches else ""


class SourcePosition(NamedTuple):
    """Line and column count from 1. `path`: in the file, if the document has the value elsewhere. `is_default`: it
    counts where the document's own file says nothing; what both lack is missing in the own one."""

    file: str
    line: int
    column: int = 1
    path: KeyPath | None = None
    is_default: bool = False


@value_object
class YamlDocument:
    """`data` is what the file says, `places` where it says each thing; `texts` is how numbers and truth values
    were written, for keys where text is wanted (`2.00` as a profile type is not the number 2). `shipped`: the files
    among `places` that nobody may edit; what is wrong with their values is a problem of the line that extends them.
    `problems`: what is wrong with parts of it without which the others are whole."""

    file: str
    data: dict[str, object] = field(default_factory=dict)
    places: Mapping[KeyPath, SourcePosition] = field(default_factory=dict, repr=False)
    texts: Mapping[KeyPath, str] = field(default_factory=dict, repr=False)
    shipped: frozenset[str] = frozenset()
    problems: tuple[ConfigurationProblem, ...] = ()

    def find_position(self, path: KeyPath) -> SourcePosition:
        """Find the position of the value, or of the nearest thing around it that the file has."""
        place = self.places.get(path)
        around = path
        while place is None and around:
            around = around[:-1]
            place = self.places.get(around)
            if place is not None and place.is_default:
                place = None
        if place is not None and place.path is not None:
            return place._replace(path=(*place.path, *path[len(around) :]))
        return place or SourcePosition(self.file, 0)

    def make_problem(
        self, path: KeyPath, message: str, value: str = "", allowed: Iterable[str] = (), suggestion: str = ""
    ) -> ConfigurationProblem:
        place = self.find_position(path)
        if place.file in self.shipped and self.file not in self.shipped:
            said = f" (in {FilePath(place.file).name})" if path in self.places else ""  # else it is a default
            message, place = f"{message}{said}", self.find_position(("extends",))
        return ConfigurationProblem(
            place.file, place.line, path, message, value, tuple(allowed), suggestion, place.path
        )


if yaml.__with_libyaml__:
    from yaml import CSafeLoader as _Base
else:
    from yaml import SafeLoader as _Base  # type: ignore[assignment]


class _Yaml12Loader(_Base):
    """Composes nodes with the tags of YAML 1.2's core schema."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  PyYAML's own way


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("merge", r"^<<$", ["<"]),
):
    _Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)

_STR = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_MAP = "tag:yaml.org,2002:map"
_SEQ = "tag:yaml.org,2002:seq"


def display_path(file: FilePath) -> str:
    """Return a file's name for people: from the current folder where it is below it."""
    text = os.path.relpath(file)
    return str(file) if text.startswith("..") else text


def read_yaml(file: FilePath) -> YamlDocument:
    """Read a file; raises ConfigurationError when it can't be read or is not YAML with a mapping at its top."""
    name = display_path(file)
    try:
        with file.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            [
                ConfigurationProblem(
                    name, 0, (), write_sentence("cannot be read: %(reason)s", reason=error.strerror or error)
                )
            ]
        ) from error
    if len(body) > MAX_BYTES:
        raise ConfigurationError(
            [ConfigurationProblem(name, 0, (), write_sentence("larger than %(most)s bytes", most=MAX_BYTES))]
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([ConfigurationProblem(name, line, (), mark_template("not UTF-8 text"))]) from error
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> YamlDocument:
    """Parse YAML; raises ConfigurationError as `read_yaml` does."""
    root = _compose_nodes(text, name)
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag == _NULL):
        return YamlDocument(name)
    if not isinstance(root, yaml.MappingNode):
        raise ConfigurationError(
            [ConfigurationProblem(name, root.start_mark.line + 1, (), "expected `key: value` lines")]
        )
    walk = _NodeReader(name)
    data = walk.read_root(root, ())
    if walk.problems:
        raise ConfigurationError(walk.problems)
    return YamlDocument(name, data, walk.places, walk.texts)


def _compose_nodes(text: str, name: str) -> yaml.Node | None:
    try:
        loader = _Yaml12Loader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigurationError(
            [
                ConfigurationProblem(
                    name, mark.line + 1 if mark else 0, (), write_sentence("not YAML: %(reason)s", reason=reason)
                )
            ]
        ) from error
    except yaml.YAMLError as error:
        raise ConfigurationError(
            [
                ConfigurationProblem(
                    name, 0, (), write_sentence("not YAML: %(reason)s", reason=str(error).splitlines()[0])
                )
            ]
        ) from error
    except RecursionError as error:
        raise ConfigurationError([ConfigurationProblem(name, 0, (), mark_template("nested too deep"))]) from error


class _DocumentTooLargeError(Exception):
    pass


class _NodeReader:
    """Turns nodes into data, noting places, texts and problems."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._left = MAX_VALUES
        self.places: dict[KeyPath, SourcePosition] = {}
        self.texts: dict[KeyPath, str] = {}
        self.problems: list[ConfigurationProblem] = []

    def read_root(self, root: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        try:
            return self._read_mapping(root, path)
        except _DocumentTooLargeError:
            self.problems = [
                ConfigurationProblem(
                    self._file, 0, (), f"more than {MAX_VALUES:,} values, or nested deeper than {MAX_DEPTH}"
                )
            ]
            return {}

    def _read_mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        data: dict[str, object] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._add_problem(key_node, path, "a key must be text")
                continue
            key: str = key_node.value
            if key in data:
                self._add_problem(key_node, (*path, key), f"stands twice; first in line {lines[key]}")
                continue
            lines[key] = key_node.start_mark.line + 1
            data[key] = self._read_value(value_node, (*path, key), key_node)
        self._apply_merge_keys(data, node, path, 0)
        return data

    def _apply_merge_keys(self, data: dict[str, object], node: yaml.MappingNode, path: KeyPath, depth: int) -> None:
        """`<<`: what is not said here is taken from there, the first that says it wins."""
        if depth > MAX_DEPTH:
            raise _DocumentTooLargeError
        for _, value in (pair for pair in node.value if pair[0].tag == _MERGE):
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                self._count_values(1)
                if not isinstance(source, yaml.MappingNode):
                    self._add_problem(source, path, "`<<` needs a mapping")
                    continue
                self._count_values(len(source.value))  # whatever of it is taken: it is gone through
                for key_node, value_node in source.value:
                    if key_node.tag != _MERGE and isinstance(key_node, yaml.ScalarNode) and key_node.value not in data:
                        data[key_node.value] = self._read_value(value_node, (*path, key_node.value), key_node)
                self._apply_merge_keys(data, source, path, depth + 1)

    def _read_value(self, node: yaml.Node, path: KeyPath, key: yaml.Node | None) -> object:
        self._count_values(1)
        if len(path) > MAX_DEPTH:
            raise _DocumentTooLargeError
        mark = node.start_mark if key is None or isinstance(node, yaml.ScalarNode) else key.start_mark
        self.places[path] = SourcePosition(self._file, mark.line + 1, mark.column + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._read_scalar(node, path)
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return self._read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _SEQ:
            return [self._read_value(item, (*path, index), None) for index, item in enumerate(node.value)]
        self._add_problem(node, path, f"the tag {node.tag} is not known here")
        return None

    def _read_scalar(self, node: yaml.ScalarNode, path: KeyPath) -> object:
        tag, text = node.tag, node.value
        if tag == _STR:
            return text
        if tag == _NULL:
            return None
        self.texts[path] = text
        try:
            if tag == _BOOL:
                return {"true": True, "false": False}[text.lower()]
            if tag == _INT:
                return int(text.replace("_", ""))
            if tag == _FLOAT:
                return float(text)
        except (KeyError, ValueError):  # an explicit tag, such as `!!int x`
            self._add_problem(node, path, f"is no {tag.rpartition(':')[2]}")
            return None
        self._add_problem(node, path, f"the tag {tag} is not known here")
        return None

    def _count_values(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise _DocumentTooLargeError

    def _add_problem(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.problems.append(ConfigurationProblem(self._file, node.start_mark.line + 1, path, message))


def merge_documents(base: YamlDocument, top: YamlDocument) -> YamlDocument:
    """Mappings are merged, everything else is replaced; a null in `top` takes away what `base` says, and so does the
    other name of a value (`_OTHER_NAMES`)."""
    changes = _MergeChanges(set(), set())
    data = _merge_mappings(base.data, top.data, (), changes)
    hidden = changes.replaced | changes.removed
    return YamlDocument(
        top.file,
        data,
        {**_drop_paths(base.places, hidden), **_drop_paths(top.places, changes.removed)},
        {**_drop_paths(base.texts, hidden), **_drop_paths(top.texts, changes.removed)},
        base.shipped | top.shipped,
    )


def drop_keys(document: YamlDocument, keys: frozenset[str]) -> YamlDocument:
    """The document without these top-level keys."""
    return YamlDocument(
        document.file,
        {key: value for key, value in document.data.items() if key not in keys},
        {path: place for path, place in document.places.items() if path[0] not in keys},
        {path: text for path, text in document.texts.items() if path[0] not in keys},
        document.shipped,
    )


def cut_section(document: YamlDocument, path: KeyPath) -> YamlDocument:
    """The mapping at a path as a document of its own; empty where there is none."""
    data: object = document.data
    for key in path:
        if isinstance(data, list) and isinstance(key, int):
            data = data[key]
        else:
            data = data.get(key) if isinstance(data, dict) else None
    depth = len(path)
    return YamlDocument(
        document.file,
        data if isinstance(data, dict) else {},
        {inner[depth:]: place for inner, place in document.places.items() if inner[:depth] == path and inner[depth:]},
        {inner[depth:]: text for inner, text in document.texts.items() if inner[:depth] == path and inner[depth:]},
        document.shipped,
    )


_OTHER_NAMES = {"answer": "answer_days", "answer_days": "answer"}
"""Keys of one value: a nearer file may use the other one."""


class _MergeChanges(NamedTuple):
    replaced: set[KeyPath]
    removed: set[KeyPath]


def _merge_mappings(
    base: dict[str, object], top: dict[str, object], path: KeyPath, changes: _MergeChanges
) -> dict[str, object]:
    result = dict(base)
    for key, value in top.items():
        key_path = (*path, key)
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            result[key] = _merge_mappings(below, value, key_path, changes)
        elif value is None and key in result:
            del result[key]
            changes.removed.add(key_path)
        else:
            changes.replaced.add(key_path)
            result[key] = value
            other = _OTHER_NAMES.get(key, "")
            if other in result and other not in top:
                del result[other]
                changes.removed.add((*path, other))
    return result


def _drop_paths(values: Mapping[KeyPath, V], hidden: set[KeyPath]) -> dict[KeyPath, V]:
    """All but these paths and what is below them."""
    if not hidden:
        return dict(values)
    return {path: v for path, v in values.items() if not any(path[:n] in hidden for n in range(1, len(path) + 1))}
