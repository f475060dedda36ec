"""What was compiled before in this process: each gateway of a test has environments of its own for the same two hundred
templates, an engine of its own for the same statements, and routes of its own with the same patterns."""

from __future__ import annotations

import re
from types import CodeType
from typing import Any

import jinja2
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

MAX_TEMPLATES = 2_000
MAX_STATEMENTS = 3_000
MAX_PATTERNS = 5_000

compile_anew = jinja2.Environment.compile

_COMPILED: dict[tuple[object, ...], CodeType] = {}
"""By all that the code depends on: the text, its names, and the ways of the environment."""


def keep_compiled_templates() -> None:
    """From now on Jinja compiles a file's text once in this process."""
    jinja2.Environment.compile = copy_compiled_template


def copy_compiled_template(
    environment: jinja2.Environment,
    source: Any,
    name: str | None = None,
    filename: str | None = None,
    raw: bool = False,
    defer_init: bool = False,
) -> Any:
    """What `Environment.compile` returns; kept where it is the code of a file."""
    if raw or defer_init or filename is None or not isinstance(source, str):
        return compile_anew(environment, source, name, filename, raw, defer_init)
    key = source, name, filename, *_ways_of_environment(environment)
    code = _COMPILED.get(key)
    if code is None:
        code = compile_anew(environment, source, name, filename)
        if len(_COMPILED) < MAX_TEMPLATES:
            _COMPILED[key] = code
    return code


def _ways_of_environment(environment: jinja2.Environment) -> tuple[object, ...]:
    return (
        type(environment),
        environment.autoescape,
        environment.trim_blocks,
        environment.lstrip_blocks,
        environment.keep_trailing_newline,
        tuple(environment.extensions),
        tuple(environment.filters),
        tuple(environment.globals),
    )


class SharedStatements(LRUCache[Any, Any]):
    """Compiled statements of all engines, where SQLAlchemy keeps those of one: by the kind of their dialect instead of
    the dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_replace_dialect(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_replace_dialect(key), value)


_STATEMENTS = SharedStatements(MAX_STATEMENTS)


def keep_compiled_statements() -> None:
    """From now on SQLAlchemy compiles a statement once in this process for all engines of a kind."""
    shared = property(lambda _engine: _STATEMENTS, lambda _engine, _of_its_own: None)
    Engine._compiled_cache = shared  # type: ignore[assignment]


def keep_compiled_patterns() -> None:
    """From now on Python keeps more than 512 regular expressions: the routes of a gateway have half as many."""
    re._MAXCACHE = MAX_PATTERNS  # type: ignore[attr-defined]


def _replace_dialect(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """`key` begins with the dialect, of which an engine finds out the server's version when it first connects."""
    dialect, *rest = key
    return type(dialect), dialect.paramstyle, dialect.server_version_info, *rest
