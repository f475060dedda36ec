"""What comes in, made into models: bodies within limits of size, depth and time, query strings, ETags."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar, get_origin

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.web.api.operation import Raw, RawBody
from gateway.web.api.parts import Limits, Parts
from gateway.web.api.problem import Mistake, ProblemType, fail, mistaken
from gateway.web.body import read_body
from gateway.web.pace import Patience

M = TypeVar("M", bound=BaseModel)

JSON = "application/json"
MOST_MISTAKES = 20
BAD_CHARACTER = "has a character that can't be stored (NUL or half of a surrogate pair)"

_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_ETAGS = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"(?:[ \t]*,[ \t]*(?:W/)?"[!#-~\x80-\xff]*")*')
_ETAG = re.compile(r'"([0-9]{1,18})"')


# --- parameters ------------------------------------------------------------------------------------------


def parameters(model: type[M], pairs: Iterable[tuple[str, str]], where: str) -> M:
    """Fields that are tuples take a parameter several times, others once; a model that ignores other names passes them
    over. Raises ApiProblem (INVALID)."""
    ignores = model.model_config.get("extra") == "ignore"
    lists = {name for name, one in model.model_fields.items() if get_origin(one.annotation) is tuple}
    found: dict[str, Any] = {}
    for name, value in pairs:
        if ignores and name not in model.model_fields:
            continue
        if _BAD_CHARACTER.search(name + value):
            raise mistaken(where, BAD_CHARACTER)
        if name in lists:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise mistaken(f"{where}.{name}", "is there more than once")
        else:
            found[name] = value
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise invalid(where, error) from None


# --- bodies ----------------------------------------------------------------------------------------------


async def body_bytes(request: web.Request, limit: int, limits: Limits) -> bytes:
    """Raises ApiProblem (TOO_LARGE, MALFORMED), ConnectionError."""
    if (request.content_length or 0) > limit:
        raise fail(ProblemType.TOO_LARGE, f"A body may have {limit:,} bytes here.")
    body = await read_body(request, limit, Patience(limits.idle_seconds, limits.body_seconds))
    if len(body.data) > limit:
        raise fail(ProblemType.TOO_LARGE, f"A body may have {limit:,} bytes here.")
    if not body.whole:
        raise fail(ProblemType.MALFORMED, "The body broke off.")
    return body.data


def media_type(request: web.Request, taken: tuple[str, ...]) -> str:
    """Raises ApiProblem (UNSUPPORTED_MEDIA_TYPE)."""
    said = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if said not in taken:
        raise fail(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be one of: {', '.join(taken)}.")
    return said


def json_model(model: type[M], data: bytes, limits: Limits) -> M:
    """Raises ApiProblem (MALFORMED, INVALID)."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise fail(ProblemType.MALFORMED, f"The body is not UTF-8 text (byte {error.start}).") from None
    try:
        document = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        detail = f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        raise fail(ProblemType.MALFORMED, detail) from None
    except (ValueError, RecursionError) as error:
        raise fail(ProblemType.MALFORMED, f"The body is not JSON that is taken here: {error}.") from None
    _check(document, "body", limits.depth)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise invalid("body", error) from None


async def raw_body(request: web.Request, raw: Raw, parts: Parts) -> RawBody:
    """Raises ApiProblem, ConnectionError."""
    kind = media_type(request, raw.media_types)
    return RawBody(kind, await body_bytes(request, raw.limit(parts), parts.limits))


def invalid(where: str, error: ValidationError) -> Exception:
    details = error.errors(include_url=False, include_input=False)[:MOST_MISTAKES]
    return fail(ProblemType.INVALID, "", [_mistake(where, one) for one in details])


def _mistake(where: str, detail: ErrorDetails) -> Mistake:
    place = ".".join([where, *(str(part) for part in detail["loc"])])
    message = str(detail["ctx"]["error"]) if detail["type"] == "value_error" and "ctx" in detail else detail["msg"]
    return Mistake(place=place[:200], message=message)


def _check(value: object, place: str, levels: int) -> None:
    """Depth and characters of what was parsed; the parser itself stops at Python's own limit of recursion."""
    if isinstance(value, str):
        if _BAD_CHARACTER.search(value):
            raise mistaken(place[:200], BAD_CHARACTER)
    elif isinstance(value, list | dict):
        if not levels:
            raise fail(ProblemType.MALFORMED, "The JSON is nested too deeply.")
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str) and _BAD_CHARACTER.search(name):
                raise mistaken(place[:200], f"has a name that {BAD_CHARACTER}")
            _check(one, f"{place}.{name}", levels - 1)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number of JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


# --- versions --------------------------------------------------------------------------------------------


def etag(version: int) -> str:
    return f'"{version}"'


def wanted_version(request: web.Request) -> int | None:
    """Of If-Match; None for `*`: whatever it is now. Raises ApiProblem (VERSION_REQUIRED, OUTDATED)."""
    said = ",".join(request.headers.getall(hdrs.IF_MATCH, ())).strip()
    if not said:
        raise fail(ProblemType.VERSION_REQUIRED, "Send If-Match with the ETag of what you have read.")
    if said == "*":
        return None
    if not _ETAGS.fullmatch(said):
        raise fail(ProblemType.MALFORMED, 'If-Match must be an ETag such as "7", or *.')
    found = _ETAG.fullmatch(said)
    if found is None:  # a weak tag, several, or one of something else: none of them can be the version now
        raise fail(ProblemType.OUTDATED, "If-Match is not an ETag of this request.")
    return int(found[1])
