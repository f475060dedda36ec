"""Templates that were compiled before in this process: each gateway of a test has environments of its own for the same
two hundred files."""

from __future__ import annotations

from types import CodeType
from typing import Any

import jinja2

MAX_TEMPLATES = 2_000

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
