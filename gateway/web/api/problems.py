"""Errors as problem details (RFC 9457): each type has a name, a status and a title; nothing else ever goes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.value import value_object
from gateway.services.people.api_keys import KeyScope

CONTENT_TYPE = "application/problem+json"
DOCS = "/api/v1/docs"


class ProblemType(Enum):
    """Name, status, title. The URI is a place in the browsable page."""

    MALFORMED = ("malformed", 400, "The request can't be read")
    UNAUTHENTICATED = ("unauthenticated", 401, "A valid API key is needed")
    FORBIDDEN = ("forbidden", 403, "The API key does not allow this")
    NOT_FOUND = ("not-found", 404, "There is no such thing")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "This method is not possible here")
    NOT_NOW = ("not-now", 409, "Not possible in the present state")
    IN_PROGRESS = ("in-progress", 409, "The same request is being carried out")
    GONE = ("gone", 410, "The link is not valid any more")
    OUTDATED = ("outdated", 412, "It has changed since you have read it")
    TOO_LARGE = ("too-large", 413, "Too large")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported-media-type", 415, "This media type is not taken here")
    INVALID = ("invalid", 422, "The request has values that are not allowed")
    REFUSED = ("refused", 422, "Refused")
    KEY_REUSED = ("key-reused", 422, "The idempotency key belongs to another request")
    VERSION_REQUIRED = ("version-required", 428, "If-Match is needed")
    INTERNAL = ("internal", 500, "An error in the gateway")
    UNAVAILABLE = ("unavailable", 503, "Something that is needed can't be reached now")
    OUTCOME_UNKNOWN = ("outcome-unknown", 504, "It is not known whether it was done")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title

    @property
    def uri(self) -> str:
        return f"{DOCS}#problem-{self.slug}"


class Mistake(BaseModel):
    """One value that is wrong: where it stands, and why. The value itself is not repeated."""

    model_config = ConfigDict(frozen=True)

    place: str = Field(description="body, query, path or header, then the names that lead to the value")
    message: str


class ProblemBody(BaseModel):
    """RFC 9457; `mistakes`, `reason`, `state` and `version` are there where they say something."""

    type: str
    title: str
    status: int
    detail: str = ""
    mistakes: tuple[Mistake, ...] | None = None
    reason: str | None = Field(None, description="why it is refused, a word of the gateway's vocabulary")
    state: str | None = Field(None, description="of the request that can't do this now")
    version: int | None = Field(None, description="of the request as it is now")


@value_object
class ProblemDetails:
    """A problem as a value. `detail` is one plain sentence without personal data."""

    type: ProblemType
    detail: str = ""
    mistakes: tuple[Mistake, ...] = ()
    reason: str = ""
    state: str = ""
    version: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def to_response(self) -> web.Response:
        text = json.dumps(self.to_document(), ensure_ascii=False)
        headers = {**dict(self.headers), hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(text=text, status=self.type.status, content_type=CONTENT_TYPE, headers=headers)

    def to_document(self) -> Mapping[str, Any]:
        body = ProblemBody(
            type=self.type.uri,
            title=self.type.title,
            status=self.type.status,
            detail=self.detail,
            mistakes=self.mistakes or None,
            reason=self.reason or None,
            state=self.state or None,
            version=self.version,
        )
        return body.model_dump(mode="json", exclude_none=True)


class ApiProblem(Exception):
    """Ends an operation with a problem."""

    def __init__(self, problem: ProblemDetails) -> None:
        super().__init__(f"{problem.type.slug}: {problem.detail}")
        self.problem = problem


def api_problem(type_: ProblemType, detail: str = "", mistakes: Sequence[Mistake] = ()) -> ApiProblem:
    return ApiProblem(ProblemDetails(type_, detail, tuple(mistakes)))


def validation_problem(place: str, message: str) -> ApiProblem:
    return api_problem(ProblemType.INVALID, "", [Mistake(place=place, message=message)])


def forbidden_problem(*scopes: KeyScope) -> ApiProblem:
    words = " or ".join(f"'{scope.value}'" for scope in scopes)
    return api_problem(ProblemType.FORBIDDEN, f"This needs a key with the scope {words}.")
