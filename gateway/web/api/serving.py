"""The way of every request through the API: key, scope, parameters, body, repetition, the operation, its answer."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel

from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.views import BadCursor, NotNow, NotThere, Outdated
from gateway.services.api_keys import NOBODY, KeyHolder
from gateway.web.api.events import TooMany
from gateway.web.api.operation import AnyOperation, Call, Precondition, Raw, RawBody, Repeats, Reply
from gateway.web.api.parts import Parts
from gateway.web.api.problem import ApiProblem, Problem, ProblemType, forbidden, mistaken
from gateway.web.api.reading import JSON, body_bytes, json_model, media_type, parameters, raw_body, wanted_version
from gateway.web.api.repeats import Repetition

log = structlog.get_logger(component="api")

RETRY_AFTER = (("Retry-After", "5"),)
CHALLENGE = ((hdrs.WWW_AUTHENTICATE, 'Bearer realm="illgate"'),)

IDEMPOTENCY_KEY = "Idempotency-Key"
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Served:
    """One operation; `handle` is the aiohttp handler."""

    def __init__(self, operation: AnyOperation, parts: Parts) -> None:
        self._operation = operation
        self._parts = parts

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except (ConnectionError, web.HTTPException):
            raise
        except Exception as error:
            problem = problem_of(error)
            if problem is None:  # a defect: say so without details, keep the traceback for the log
                log.exception("a request could not be answered", operation=self._operation.id)
                problem = Problem(ProblemType.INTERNAL, "The request could not be answered; the log says why.")
            return problem.response()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        operation, parts = self._operation, self._parts
        holder = await self._holder(request)
        path = parameters(operation.path_model, request.match_info.items(), "path")
        query = parameters(operation.query_model, request.query.items(), "query")
        version = wanted_version(request) if operation.precondition is Precondition.VERSION else None
        content = await self._content(request)
        call = Call(parts, holder, path, query, self._body(content), version, request)
        if operation.repeats is Repeats.BY_KEY and IDEMPOTENCY_KEY in request.headers:
            return await self._once(call, request, content)
        return _response(await operation.handler(call))

    async def _holder(self, request: web.Request) -> KeyHolder:
        scopes = self._operation.scopes
        if not scopes:
            return NOBODY
        kind, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        holder = await self._parts.keys.holder(key.strip()) if kind.lower() == "bearer" else None
        if holder is None:
            detail = "Send an API key that is valid as 'Authorization: Bearer ilg_…'."
            raise ApiProblem(Problem(ProblemType.UNAUTHENTICATED, detail, headers=CHALLENGE))
        if not any(scope.value in holder.scopes for scope in scopes):
            raise forbidden(*scopes)
        return holder

    async def _content(self, request: web.Request) -> Any:
        """Bytes of JSON, a RawBody, or None."""
        wanted, limits = self._operation.body, self._parts.limits
        if wanted is None:
            return None
        if isinstance(wanted, Raw):
            return await raw_body(request, wanted, self._parts)
        media_type(request, (JSON,))
        return await body_bytes(request, limits.body_bytes, limits)

    def _body(self, content: Any) -> Any:
        wanted = self._operation.body
        if wanted is None or isinstance(wanted, Raw):
            return content
        return json_model(wanted, content, self._parts.limits)

    async def _once(self, call: Call[Any, Any, Any], request: web.Request, content: Any) -> web.StreamResponse:
        """The answer that the first request with this key got, or this one's, kept for the next."""
        key = request.headers[IDEMPOTENCY_KEY]
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            raise mistaken(f"header.{IDEMPOTENCY_KEY}", "must be 1 to 200 visible ASCII characters")
        asked = _digest(request, call.version, content)
        repetition = Repetition(self._parts, call.holder, self._operation.id, key, asked)
        if (stored := await repetition.begin()) is not None:
            return stored
        try:
            response = _response(await self._operation.handler(call))
        except Exception as error:
            problem = problem_of(error)
            if problem is not None and problem.type is not ProblemType.OUTCOME_UNKNOWN:
                await repetition.give_up()
            raise  # after a defect nobody knows what was done: the key stays taken
        assert isinstance(response, web.Response)
        await repetition.keep(response)
        return response


def _digest(request: web.Request, version: int | None, content: bytes | RawBody | None) -> bytes:
    """Of all that makes two requests the same."""
    kind, data = (content.media_type, content.content) if isinstance(content, RawBody) else ("", content or b"")
    found = hashlib.sha256(repr((request.path_qs, version, kind)).encode())
    found.update(data)
    return found.digest()


def problem_of(error: Exception) -> Problem | None:
    """Errors that are expected, as problems; None for a defect."""
    match error:
        case ApiProblem():
            return error.problem
        case NotThere():
            return Problem(ProblemType.NOT_FOUND, f"There is no such {error.what}.")
        case Outdated():
            return Problem(ProblemType.OUTDATED, "Read it again, then decide.", version=error.version)
        case NotNow():
            return Problem(ProblemType.NOT_NOW, error.denied.detail, state=error.denied.state.value)
        case Refused():
            return Problem(ProblemType.REFUSED, error.detail, reason=error.reason.value)
        case BadCursor():
            return mistaken("query.cursor", "is not one that this list gave out").problem
        case TooMany():
            return Problem(ProblemType.UNAVAILABLE, "Too many streams are open.", headers=RETRY_AFTER)
        case Unavailable():
            return Problem(ProblemType.UNAVAILABLE, "Nothing was done; please try again.", headers=RETRY_AFTER)
        case OutcomeUnknown():
            return Problem(ProblemType.OUTCOME_UNKNOWN, "Look at the request before you try again.")
    return None


def _response(reply: Reply) -> web.StreamResponse:
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
