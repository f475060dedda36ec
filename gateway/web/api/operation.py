"""Operations as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store
from gateway.services.libraries.library_services import LibraryRegistry, LibraryServices, find_library
from gateway.services.people.api_keys import KeyHolder, KeyScope, KeyVerifier
from gateway.services.request_work.questions import PatronQuestionService
from gateway.web.api.event_stream import EventStreams
from gateway.web.api.models.bases import ParameterModel
from gateway.web.api.problems import ProblemType


@value_object(kw_only=True)
class ApiLimits:
    """Bytes, levels, seconds. `answers_kept_hours`: how long a repeated POST gets the stored answer."""

    body_bytes: int = 200_000
    attachment_bytes: int = 50_000_000
    depth: int = 20
    idle_seconds: float = 10.0
    body_seconds: float = 30.0
    answers_kept_hours: int = 24


@value_object(kw_only=True)
class ApiServices:
    """`libraries` by symbol."""

    libraries: LibraryRegistry
    questions: PatronQuestionService
    store: Store
    clock: Clock
    keys: KeyVerifier
    streams: EventStreams
    limits: ApiLimits = ApiLimits()


P = TypeVar("P", bound=ParameterModel)
Q = TypeVar("Q", bound=ParameterModel)
B = TypeVar("B")


class Precondition(Enum):
    NONE = "none"
    VERSION = "version"  # If-Match with the ETag of what is changed


class RepeatPolicy(Enum):
    """The meaning of a second request of the same kind."""

    SAME = "same"  # it does no harm
    BY_KEY = "by-key"  # told apart by Idempotency-Key


@value_object
class RawBodyType:
    """A body that isn't JSON: its media types, and the most bytes of it."""

    media_types: tuple[str, ...]
    limit: Callable[[ApiServices], int]


@value_object
class RawBody:
    media_type: str
    content: bytes


@value_object
class OperationCall(Generic[P, Q, B]):
    """One request, read and checked. `version`: of If-Match; None: there was none, or `*`."""

    parts: ApiServices
    holder: KeyHolder
    path: P
    query: Q
    body: B
    version: int | None
    http: web.Request

    @property
    def library(self) -> LibraryServices:
        """The one of the key. Raises NotFound."""
        return find_library(self.parts.libraries, self.holder.library)


@value_object
class OperationReply:
    """`content`: a model, bytes with `media_type`, or a response that is being written already (a stream)."""

    content: BaseModel | bytes | web.StreamResponse | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


@value_object
class AnswerDescription:
    """`headers`: name -> what it says. `schema` None: no body, or one of `media_types` that isn't JSON."""

    status: int
    description: str
    schema: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_types: tuple[str, ...] = ()


@value_object(kw_only=True)
class Operation(Generic[P, Q, B]):
    """`path` below /api/v1, with {names} of the fields of `path_model`. A key needs one of `scopes`; none of them: the
    operation is open to everybody. `recall`: the reply to what was done under an Idempotency-Key and has none, from its
    reference (gateway.services.outbox.keyed_work); None: what is repeated changes nothing."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    scopes: tuple[KeyScope, ...]
    handler: Callable[[OperationCall[P, Q, B]], Awaitable[OperationReply]]
    answers: tuple[AnswerDescription, ...]
    description: str = ""
    path_model: type[P]
    query_model: type[Q]
    body: type[B] | RawBodyType | None = None
    precondition: Precondition = Precondition.NONE
    repeats: RepeatPolicy = RepeatPolicy.SAME
    recall: Callable[[OperationCall[P, Q, B], str], Awaitable[OperationReply]] | None = None
    problems: tuple[ProblemType, ...] = ()

    @property
    def all_problems(self) -> tuple[ProblemType, ...]:
        """Its own and those that come with what it is."""
        problems = [ProblemType.MALFORMED, *self.problems, ProblemType.INTERNAL, ProblemType.UNAVAILABLE]
        if self.scopes:
            problems += [ProblemType.UNAUTHENTICATED, ProblemType.FORBIDDEN]
        if self.path_model.model_fields:
            problems.append(ProblemType.NOT_FOUND)
        if self.body is not None:
            problems += [ProblemType.TOO_LARGE, ProblemType.UNSUPPORTED_MEDIA_TYPE]
        if self.precondition is Precondition.VERSION:
            problems += [ProblemType.OUTDATED, ProblemType.VERSION_REQUIRED]
        if self.repeats is RepeatPolicy.BY_KEY:
            problems += [ProblemType.IN_PROGRESS, ProblemType.KEY_REUSED]
        problems.append(ProblemType.INVALID)  # an unknown query parameter at least
        return tuple(dict.fromkeys(problems))


AnyOperation = Operation[Any, Any, Any]
AnyCall = OperationCall[Any, Any, Any]


async def recall_nothing(_call: AnyCall, _reference: str) -> OperationReply:
    """Recall nothing, where the reply says nothing but that it was done."""
    return OperationReply(status=204)
