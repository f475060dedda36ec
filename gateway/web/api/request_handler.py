"""The way from HTTP request to operation and back: key, scope, body, idempotency."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar, get_origin

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.domain.problems import COLLISIONS, OutcomeUnknown, Refused, Unavailable, UnfinishedWork
from gateway.domain.requests.views import EventDenied, InvalidCursorError, NotFound, VersionConflict
from gateway.services.outbox.keyed_work import KeyTaken, use_key
from gateway.services.people.api_keys import NOBODY, KeyExpiredError, KeyHolder
from gateway.store.api_records import UNANSWERED, AnswerKey
from gateway.web.api.event_stream import TooManyStreamsError
from gateway.web.api.idempotency import REPLAYED, IdempotentReplay, in_progress_problem
from gateway.web.api.operation import (
    AnyOperation,
    ApiLimits,
    ApiServices,
    OperationCall,
    OperationReply,
    Precondition,
    RawBody,
    RawBodyType,
    RepeatPolicy,
)
from gateway.web.api.problems import (
    ApiProblem,
    Mistake,
    ProblemDetails,
    ProblemType,
    api_problem,
    forbidden_problem,
    validation_problem,
)
from gateway.web.inbound import ReadTimeouts, read_body

log = structlog.get_logger(component="api")

RETRY_AFTER = (("Retry-After", "5"),)
CHALLENGE = ((hdrs.WWW_AUTHENTICATE, 'Bearer realm="illgate"'),)
EXPIRED_CHALLENGE = (
    (hdrs.WWW_AUTHENTICATE, 'Bearer realm="illgate", error="invalid_token", error_description="The key has expired"'),
)
"""RFC 6750 section 3.1: `invalid_token` is an expired one too."""

IDEMPOTENCY_KEY = "Idempotency-Key"
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")

M = TypeVar("M", bound=BaseModel)

JSON = "application/json"
MAX_MISTAKES = 20
BAD_CHARACTER = "has a character that can't be stored (NUL or half of a surrogate pair)"

_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_ETAGS = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"(?:[ \t]*,[ \t]*(?:W/)?"[!#-~\x80-\xff]*")*')
_ETAG = re.compile(r'"([0-9]{1,18})"')


class OperationHandler:
    """One operation; `handle` is the aiohttp handler."""

    def __init__(self, operation: AnyOperation, parts: ApiServices) -> None:
        self._operation = operation
        self._parts = parts
        self._in_hand: set[AnswerKey] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer_request(request)
        except (ConnectionError, web.HTTPException):
            raise
        except Exception as error:
            problem = problem_of_error(error)
            if problem is None:  # a defect: say so without details, keep the traceback for the log
                log.exception("api.request_failed", operation=self._operation.id)
                problem = ProblemDetails(ProblemType.INTERNAL, "The request could not be answered; the log says why.")
            return problem.to_response()

    async def _answer_request(self, request: web.Request) -> web.StreamResponse:
        operation, parts = self._operation, self._parts
        holder = await self._authorize_request(request)
        path = parse_parameters(operation.path_model, request.match_info.items(), "path")
        query = parse_parameters(operation.query_model, request.query.items(), "query")
        version = parse_if_match(request) if operation.precondition is Precondition.VERSION else None
        content = await self._read_content(request)
        call = OperationCall(parts, holder, path, query, self._parse_content(content), version, request)
        if operation.repeats is RepeatPolicy.BY_KEY and IDEMPOTENCY_KEY in request.headers:
            return await self._answer_once(call, request, content)
        return _response_of_reply(await operation.handler(call))

    async def _authorize_request(self, request: web.Request) -> KeyHolder:
        scopes = self._operation.scopes
        if not scopes:
            return NOBODY
        try:
            holder = await self._parts.keys.find_holder(read_bearer_key(request))
        except KeyExpiredError as expired:
            detail = f"This API key expired at {expired.at:%Y-%m-%dT%H:%MZ}; `illgate key create` makes another."
            raise ApiProblem(ProblemDetails(ProblemType.UNAUTHENTICATED, detail, headers=EXPIRED_CHALLENGE)) from None
        if holder is None:
            detail = "Send an API key that is valid as 'Authorization: Bearer ilg_…'."
            raise ApiProblem(ProblemDetails(ProblemType.UNAUTHENTICATED, detail, headers=CHALLENGE))
        if not any(scope.value in holder.scopes for scope in scopes):
            raise forbidden_problem(*scopes)
        return holder

    async def _read_content(self, request: web.Request) -> Any:
        """Bytes of JSON, a RawBody, or None."""
        wanted, limits = self._operation.body, self._parts.limits
        if wanted is None:
            return None
        if isinstance(wanted, RawBodyType):
            return await read_raw_body(request, wanted, self._parts)
        require_media_type(request, (JSON,))
        return await read_body_bytes(request, limits.body_bytes, limits)

    def _parse_content(self, content: Any) -> Any:
        wanted = self._operation.body
        if wanted is None or isinstance(wanted, RawBodyType):
            return content
        return parse_json_model(wanted, content, self._parts.limits)

    async def _answer_once(
        self, call: OperationCall[Any, Any, Any], request: web.Request, content: Any
    ) -> web.StreamResponse:
        """The answer that the first request with this key got, or this one's, kept for the next."""
        key = request.headers[IDEMPOTENCY_KEY]
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            raise validation_problem(f"header.{IDEMPOTENCY_KEY}", "must be 1 to 200 visible ASCII characters")
        asked = _request_digest(request, call.version, content)
        replay = IdempotentReplay(self._parts, call.holder, read_bearer_key(request), self._operation.id, key, asked)
        if replay.key in self._in_hand:
            raise in_progress_problem()
        self._in_hand.add(replay.key)
        try:
            return await self._answer_or_repeat(call, replay)
        finally:
            self._in_hand.discard(replay.key)

    async def _answer_or_repeat(self, call: OperationCall[Any, Any, Any], replay: IdempotentReplay) -> web.Response:
        first = await replay.find_first()
        if first is not None and first.status != UNANSWERED:
            return replay.restore_response(first)
        work = replay.make_work_key()
        work.is_claimed = first is not None
        try:
            with use_key(work):
                if first is not None:
                    assert self._operation.recall is not None, self._operation.id
                    reply = await self._operation.recall(call, first.reference)
                else:
                    reply = await self._operation.handler(call)
        except KeyTaken as taken:  # by another node, in this moment
            raise in_progress_problem() from taken
        finally:
            if work.is_undone:
                await replay.release_key()  # else it leads to what was done, whatever went wrong after that
        response = _response_of_reply(reply)
        assert isinstance(response, web.Response)
        await replay.store_response(response)
        if first is not None:
            response.headers[REPLAYED] = "true"
        return response


def read_bearer_key(request: web.Request) -> str:
    """Read the key of Authorization; empty: there is none."""
    kind, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def _request_digest(request: web.Request, version: int | None, content: bytes | RawBody | None) -> bytes:
    """Make a digest of all that makes two requests the same."""
    kind, data = (content.media_type, content.content) if isinstance(content, RawBody) else ("", content or b"")
    digest = hashlib.sha256(repr((request.path_qs, version, kind)).encode())
    digest.update(data)
    return digest.digest()


def problem_of_error(error: Exception) -> ProblemDetails | None:
    """Errors that are expected, as problems; None for a defect."""
    match error:
        case ApiProblem():
            return error.problem
        case NotFound():
            return ProblemDetails(ProblemType.NOT_FOUND, f"There is no such {error.what}.")
        case VersionConflict():
            return ProblemDetails(ProblemType.OUTDATED, "Read it again, then decide.", version=error.version)
        case EventDenied():
            return ProblemDetails(ProblemType.NOT_NOW, error.denied.detail, state=error.denied.state.value)
        case Refused():
            type_ = ProblemType.NOT_NOW if error.reason in COLLISIONS else ProblemType.REFUSED
            return ProblemDetails(type_, error.detail, reason=error.reason.value)
        case InvalidCursorError():
            return validation_problem("query.cursor", "is not one that this list gave out").problem
        case TooManyStreamsError():
            return ProblemDetails(ProblemType.UNAVAILABLE, "Too many streams are open.", headers=RETRY_AFTER)
        case UnfinishedWork():
            return ProblemDetails(ProblemType.NOT_NOW, f"{error.detail}. It will be retried.", headers=RETRY_AFTER)
        case Unavailable():
            return ProblemDetails(ProblemType.UNAVAILABLE, "Nothing was done; please try again.", headers=RETRY_AFTER)
        case OutcomeUnknown():
            return ProblemDetails(ProblemType.OUTCOME_UNKNOWN, "Look at the request before you try again.")
    return None


def _response_of_reply(reply: OperationReply) -> web.StreamResponse:
    content = reply.content
    if isinstance(content, web.StreamResponse):
        return content
    headers = {hdrs.CACHE_CONTROL: "no-store", **reply.headers}
    if content is None:
        return web.Response(status=reply.status, headers=headers)
    if isinstance(content, BaseModel):
        return web.Response(text=content.model_dump_json(), status=reply.status, headers=headers, content_type=JSON)
    headers[hdrs.CONTENT_TYPE] = reply.media_type
    return web.Response(body=content, status=reply.status, headers=headers)


# --- parameters ------------------------------------------------------------------------------------------


def parse_parameters(model: type[M], pairs: Iterable[tuple[str, str]], where: str) -> M:
    """Fields that are tuples take a parameter several times, others once; a model that ignores other names passes them
    over. Raises ApiProblem (INVALID)."""
    ignores = model.model_config.get("extra") == "ignore"
    lists = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple}
    values: dict[str, Any] = {}
    for name, value in pairs:
        if ignores and name not in model.model_fields:
            continue
        if _BAD_CHARACTER.search(name + value):
            raise validation_problem(where, BAD_CHARACTER)
        if name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise validation_problem(f"{where}.{name}", "is there more than once")
        else:
            values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_input_problem(where, error) from None


# --- bodies ----------------------------------------------------------------------------------------------


async def read_body_bytes(request: web.Request, limit: int, limits: ApiLimits) -> bytes:
    """Read a body; raises ApiProblem (TOO_LARGE, MALFORMED), ConnectionError."""
    if (request.content_length or 0) > limit:
        raise api_problem(ProblemType.TOO_LARGE, f"A body may have {limit:,} bytes here.")
    body = await read_body(request, limit, ReadTimeouts(limits.idle_seconds, limits.body_seconds))
    if len(body.data) > limit:
        raise api_problem(ProblemType.TOO_LARGE, f"A body may have {limit:,} bytes here.")
    if not body.whole:
        raise api_problem(ProblemType.MALFORMED, "The body broke off.")
    return body.data


def require_media_type(request: web.Request, taken: tuple[str, ...]) -> str:
    """Require a media type; raises ApiProblem (UNSUPPORTED_MEDIA_TYPE)."""
    media_type = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if media_type not in taken:
        raise api_problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be one of: {', '.join(taken)}.")
    return media_type


def parse_json_model(model: type[M], data: bytes, limits: ApiLimits) -> M:
    """Parse a body; raises ApiProblem (MALFORMED, INVALID)."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise api_problem(ProblemType.MALFORMED, f"The body is not UTF-8 text (byte {error.start}).") from None
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
    except json.JSONDecodeError as error:
        detail = f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        raise api_problem(ProblemType.MALFORMED, detail) from None
    except (ValueError, RecursionError) as error:
        raise api_problem(ProblemType.MALFORMED, f"The body is not JSON that is taken here: {error}.") from None
    _check_json_value(document, "body", limits.depth)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise invalid_input_problem("body", error) from None


async def read_raw_body(request: web.Request, raw: RawBodyType, parts: ApiServices) -> RawBody:
    """Read a body; raises ApiProblem, ConnectionError."""
    kind = require_media_type(request, raw.media_types)
    return RawBody(kind, await read_body_bytes(request, raw.limit(parts), parts.limits))


def invalid_input_problem(where: str, error: ValidationError) -> Exception:
    details = error.errors(include_url=False, include_input=False)[:MAX_MISTAKES]
    return api_problem(ProblemType.INVALID, "", [_mistake_of_error(where, detail) for detail in details])


def _mistake_of_error(where: str, detail: ErrorDetails) -> Mistake:
    place = ".".join([where, *(str(part) for part in detail["loc"])])
    message = str(detail["ctx"]["error"]) if detail["type"] == "value_error" and "ctx" in detail else detail["msg"]
    return Mistake(place=place[:200], message=message)


def _check_json_value(value: object, place: str, levels: int) -> None:
    """Depth and characters of what was parsed; the parser itself stops at Python's own limit of recursion."""
    if isinstance(value, str):
        if _BAD_CHARACTER.search(value):
            raise validation_problem(place[:200], BAD_CHARACTER)
    elif isinstance(value, list | dict):
        if not levels:
            raise api_problem(ProblemType.MALFORMED, "The JSON is nested too deeply.")
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str) and _BAD_CHARACTER.search(name):
                raise validation_problem(place[:200], f"has a name that {BAD_CHARACTER}")
            _check_json_value(inner, f"{place}.{name}", levels - 1)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number of JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return values


# --- versions --------------------------------------------------------------------------------------------


def format_etag(version: int) -> str:
    return f'"{version}"'


def parse_if_match(request: web.Request) -> int | None:
    """Parse the version of If-Match; None for `*`: whatever it is now. Raises ApiProblem (VERSION_REQUIRED,
    OUTDATED)."""
    etag = ",".join(request.headers.getall(hdrs.IF_MATCH, ())).strip()
    if not etag:
        raise api_problem(ProblemType.VERSION_REQUIRED, "Send If-Match with the ETag of what you have read.")
    if etag == "*":
        return None
    if not _ETAGS.fullmatch(etag):
        raise api_problem(ProblemType.MALFORMED, 'If-Match must be an ETag such as "7", or *.')
    match = _ETAG.fullmatch(etag)
    if match is None:  # a weak tag, several, or one of something else: none of them can be the version now
        raise api_problem(ProblemType.OUTDATED, "If-Match is not an ETag of this request.")
    return int(match[1])
