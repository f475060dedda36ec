"""New libraries as files: from a name and a symbol, or from a table with a line for each."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from gateway.configuration.yaml_document import display_path, nearest_match
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.value import value_object
from gateway.settings import LIBRARIES, LIBRARY_FILE, LibrarySettings

MAX_LIBRARIES = 2_000
MAX_TABLE_BYTES = 2_000_000

SECRETS_FOLDER = "secrets"

_SHORT = re.compile(r"[a-z0-9][a-z0-9._-]*")
_STATE_LINE = re.compile(r"^state:[^\r\n]*", re.MULTILINE)
_SYMBOL_LINE = re.compile(r"^symbol:[^\r\n]*", re.MULTILINE)
_LISTS = ("symbols", "secrets")
"""Keys whose values in a table are several words."""


@value_object
class AddedLibrary:
    """`values`: by key of library.yml, with dots where it is in a section (`system.url`)."""

    short: str
    values: Mapping[str, str]

    def format_file(self) -> str:
        data: dict[str, object] = {}
        for key, value in self.values.items():
            if value:
                _put_value(data, key, value.split() if key in _LISTS else value)
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def _put_value(data: dict[str, object], key: str, value: object) -> None:
    *sections, last = key.split(".")
    for name in sections:
        inner = data.setdefault(name, {})
        assert isinstance(inner, dict), key
        data = inner
    data[last] = value


def read_library_table(file: Path) -> tuple[AddedLibrary, ...]:
    """Read CSV: the first line has the keys, `short` and `symbol` among them. Raises ConfigurationError, OSError."""
    body = file.read_bytes()
    shown = display_path(file)
    if len(body) > MAX_TABLE_BYTES:
        raise ConfigurationError([ConfigurationProblem(shown, 0, (), f"larger than {MAX_TABLE_BYTES:,} bytes")])
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError([ConfigurationProblem(shown, 0, (), "not UTF-8 text")]) from None
    reader = csv.reader(io.StringIO(text))
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        raise ConfigurationError([ConfigurationProblem(shown, reader.line_num, (), f"not CSV: {error}")]) from error
    problems = list(_check_table(lines, shown))
    if problems:
        raise ConfigurationError(problems)
    head = lines[0][1]
    return tuple(_make_library(dict(zip(head, row, strict=False))) for _, row in lines[1:])


def _make_library(row: Mapping[str, str]) -> AddedLibrary:
    return AddedLibrary(row["short"], {key: value for key, value in row.items() if key != "short"})


def _check_table(lines: Sequence[tuple[int, Sequence[str]]], file: str) -> Iterator[ConfigurationProblem]:
    head = lines[0][1] if lines else ()
    known = tuple(LibrarySettings.model_fields)
    for key in ("short", "symbol"):
        if key not in head:
            yield ConfigurationProblem(file, 1, (key,), "no such column")
    for key in head:
        if (name := key.partition(".")[0]) not in known:
            yield ConfigurationProblem(file, 1, (key,), "unknown key", "", known, nearest_match(name, known))
        elif head.count(key) > 1 or any(other.startswith(f"{key}.") for other in head):
            yield ConfigurationProblem(file, 1, (key,), "stands twice")
    if len(lines) > MAX_LIBRARIES:
        yield ConfigurationProblem(file, 0, (), f"more than {MAX_LIBRARIES:,} libraries")
    for line, row in lines[1:]:
        if len(row) > len(head):
            yield ConfigurationProblem(file, line, (), "more values than columns")


def plan_library_files(config: Path, added: Sequence[AddedLibrary]) -> dict[Path, str]:
    """Plan the texts by file, beside gateway.yml at `config`. Raises ConfigurationError; nothing is written."""
    folder = config.parent / LIBRARIES
    problems: list[ConfigurationProblem] = []
    files: dict[Path, str] = {}
    for library in added:
        file = folder / library.short / LIBRARY_FILE
        shown = display_path(file)
        if not _SHORT.fullmatch(library.short):
            message = "a short name has small letters, digits, '.', '_' and '-', such as lib01"
            problems.append(ConfigurationProblem("", 0, (), message, f"'{library.short}'"))
        elif file in files:
            problems.append(ConfigurationProblem(shown, 0, (), "stands twice"))
        elif file.exists():
            problems.append(ConfigurationProblem(shown, 0, (), "is there already"))
        files[file] = library.format_file()
    if problems:
        raise ConfigurationError(problems)
    return files


def write_library_files(config: Path, files: Mapping[Path, str]) -> None:
    """Write each file, and a folder for the library's secrets that nobody else may read. They belong to the owner of
    gateway.yml. Raises OSError."""
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / SECRETS_FOLDER).mkdir(mode=0o700, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
        for made in (file.parent.parent, file.parent, file.parent / SECRETS_FOLDER, file):
            give_to_owner(made, config)


def set_library_state(text: str, state: str) -> str:
    """Set `state` in the text of a library.yml, in the line that has it, or in a new one below the symbol's."""
    line = f"state: {state}"
    changed, count = _STATE_LINE.subn(line, text, count=1)
    return changed if count else _SYMBOL_LINE.sub(lambda match: f"{match.group(0)}\n{line}", text, count=1)


def give_to_owner(made: Path, model: Path) -> None:
    """The daemon, which owns `model`, must be able to read what an administrator has made."""
    if os.geteuid() == 0:
        owner = model.stat()
        os.chown(made, owner.st_uid, owner.st_gid)


def write_new_key(file: Path, config: Path) -> None:
    """Write a random key of 256 bits that only the owner of gateway.yml may read. Raises OSError; FileExistsError where
    there is a file."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
        stream.write(f"{secrets.token_urlsafe(32)}\n")
    for made in (file.parent, file):
        give_to_owner(made, config)
