"""Plain data to a pydantic model; whatever doesn't fit becomes a Problem with its place and what is allowed."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.configuration.written_secrets import is_secret_path
from gateway.configuration.yaml_document import YamlDocument, nearest_match
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.secret_reference import SECRET_ERROR
from gateway.domain.sentences import mark_template, write_sentence

M = TypeVar("M", bound=BaseModel)

_WORDS = {
    "string_type": mark_template("expected text (put it in quotes)"),
    "int_type": mark_template("expected a whole number"),
    "int_parsing": mark_template("expected a whole number"),
    "int_from_float": mark_template("expected a whole number"),
    "float_type": mark_template("expected a number"),
    "float_parsing": mark_template("expected a number"),
    "decimal_type": mark_template("expected a number"),
    "decimal_parsing": mark_template("expected a number"),
    "bool_type": mark_template("expected true or false"),
    "bool_parsing": mark_template("expected true or false"),
    "dict_type": mark_template("expected `key: value` lines"),
    "mapping_type": mark_template("expected `key: value` lines"),
    "model_type": mark_template("expected `key: value` lines"),
    "model_attributes_type": mark_template("expected `key: value` lines"),
    "too_short": mark_template("expected more in this list"),
    "list_type": mark_template("expected a list"),
    "tuple_type": mark_template("expected a list"),
    "set_type": mark_template("expected a list"),
    "frozen_set_type": mark_template("expected a list"),
    "string_pattern_mismatch": mark_template("string should match pattern '%(pattern)s'"),
    "greater_than": mark_template("input should be greater than %(gt)s"),
    "greater_than_equal": mark_template("input should be greater than or equal to %(ge)s"),
    "less_than": mark_template("input should be less than %(lt)s"),
    "less_than_equal": mark_template("input should be less than or equal to %(le)s"),
}


def validate_section(model: type[M], document: YamlDocument, prefix: KeyPath = ()) -> M:
    """The part of the document at `prefix` as a model. Raises ConfigurationError with all that is wrong."""
    data: Any = document.data
    for part in prefix:
        data = data[part]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error
    data, mended = _restore_written_texts(data, document, prefix, first)
    if mended:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            first = error
    details = first.errors(include_url=False)
    problems = [
        _problem_of_detail(model, data, document, prefix, detail)
        for detail in details
        if not _is_consequence(detail, details)
    ]
    raise ConfigurationError(dict.fromkeys(problems))


def _is_consequence(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """A list that is too short only because its items are wrong."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(
        rest["loc"][: len(loc)] == loc for rest in details if rest is not detail
    )


def _restore_written_texts(
    data: object, document: YamlDocument, prefix: KeyPath, error: ValidationError
) -> tuple[object, bool]:
    """Take a number or truth value as it is written where text was wanted."""
    mended = False
    for detail in error.errors(include_url=False, include_context=False):
        if detail["type"] not in ("string_type", "enum", "literal_error"):
            continue
        path = _real_path(data, detail["loc"])
        text = document.texts.get((*prefix, *path))
        if text is not None:
            data, mended = _replace_value(data, path, text), True
    return data, mended


def _replace_value(data: Any, path: KeyPath, value: object) -> object:
    """A copy of the data with one value changed."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    copy: Any = dict(data) if isinstance(data, dict) else list(data)
    copy[key] = _replace_value(copy[key], rest, value)
    return copy


def _real_path(data: Any, loc: tuple[str | int, ...]) -> KeyPath:
    """The part of pydantic's location that is in the data: without the names of union members and the like."""
    path: list[str | int] = []
    for index, part in enumerate(loc):
        if (isinstance(data, dict) and part in data) or (isinstance(data, list) and part in range(len(data))):
            data = typing.cast("Any", data)[part]
        elif index == len(loc) - 1 and isinstance(data, dict) and part != "[key]":
            path.append(part)  # a missing key
            break
        else:
            continue
        path.append(part)
    return tuple(path)


def _problem_of_detail(
    model: type[BaseModel], data: object, document: YamlDocument, prefix: KeyPath, detail: ErrorDetails
) -> ConfigurationProblem:
    loc, kind = detail["loc"], detail["type"]
    path = _real_path(data, loc)
    say = _ProblemBuilder(document, prefix, path, detail)
    if kind == "extra_forbidden":
        return say.report_unknown_key(sorted(_find_allowed_keys(model, path[:-1])))
    if kind == "missing":
        return say(mark_template("is missing"))
    if kind in ("enum", "literal_error"):
        return say("", choices=_find_allowed_choices(model, path) or _parse_expected_choices(detail))
    if kind in _WORDS:
        return say(write_sentence(_WORDS[kind], **detail.get("ctx", {})))
    if kind == SECRET_ERROR:
        return say(detail["msg"], hide=True)
    if kind == "value_error":
        return say(str(detail["ctx"]["error"]), hide=isinstance(detail["input"], Mapping))
    return say(_lower_first_letter(detail["msg"]))


def _lower_first_letter(message: str) -> str:
    return message[:1].lower() + message[1:]


def _parse_expected_choices(detail: ErrorDetails) -> list[str]:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    return [word.strip("'") for part in expected.split(" or ") for word in part.split(", ")]


class _ProblemBuilder:
    def __init__(self, document: YamlDocument, prefix: KeyPath, path: KeyPath, detail: ErrorDetails) -> None:
        self._document, self._path, self._detail = document, (*prefix, *path), detail

    def __call__(self, message: str, choices: Iterable[str] = (), hide: bool = False) -> ConfigurationProblem:
        choices = tuple(choices)
        value = "" if hide or self._detail["type"] == "missing" else self._describe_found()
        near = nearest_match(str(self._detail["input"]), choices) if choices and value else ""
        return self._document.make_problem(self._path, message, value, choices, near)

    def report_unknown_key(self, allowed: list[str]) -> ConfigurationProblem:
        key = str(self._path[-1])
        return self._document.make_problem(
            self._path, mark_template("unknown key"), "", allowed, nearest_match(key, allowed)
        )

    def _describe_found(self) -> str:
        return "" if is_secret_path(self._path) else describe_value(self._detail["input"])


def describe_value(value: object) -> str:
    """A value as found, short, for a message to people."""
    if value is None:
        return mark_template("nothing")
    if isinstance(value, Mapping | BaseModel):
        return mark_template("`key: value` lines")
    if isinstance(value, list | tuple):
        return mark_template("a list")
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"'{text}'" if isinstance(value, str) else text


# --- what a model would take at a path -------------------------------------------------------------------


def _find_allowed_keys(model: type[BaseModel], path: KeyPath) -> set[str]:
    return {name for kind in _find_types_at([model], path) if _is_model(kind) for name in kind.model_fields}


def _find_allowed_choices(model: type[BaseModel], path: KeyPath) -> list[str]:
    choices: list[str] = []
    for kind in _find_types_at([model], path):
        if isinstance(kind, type) and issubclass(kind, Enum):
            choices += [str(member.value) for member in kind]
        elif get_origin(kind) is typing.Literal:
            choices += [str(value) for value in get_args(kind)]
    return choices


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _find_types_at(annotations: list[Any], path: KeyPath) -> list[Any]:
    """The types that a model has at a path: several where it is a union."""
    annotations = [plain for annotation in annotations for plain in _unwrap_annotation(annotation)]
    for part in path:
        inner = [inner_type for annotation in annotations for inner_type in _find_inner_types(annotation, part)]
        annotations = [plain for annotation in inner for plain in _unwrap_annotation(annotation)]
    return annotations


def _unwrap_annotation(annotation: Any) -> list[Any]:
    """Return an annotation without Annotated, aliases and unions."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _unwrap_annotation(get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [plain for argument in get_args(annotation) for plain in _unwrap_annotation(argument)]
    return [annotation]


def _find_inner_types(annotation: Any, part: str | int) -> list[Any]:
    if _is_model(annotation):
        model_field = annotation.model_fields.get(str(part))
        return [model_field.annotation] if model_field else []
    arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
    if not arguments or get_origin(annotation) is typing.Literal:
        return []
    if isinstance(part, int):
        return [arguments[min(part, len(arguments) - 1)]]
    return [arguments[-1]]
