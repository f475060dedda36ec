"""The API as a part of the HTTP side: all its routes, and problems for everything that has none."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version

import structlog
from aiohttp import hdrs, web

from gateway.domain.clock import Clock
from gateway.ports.shared_store import Store, Transaction
from gateway.services.libraries.library_services import LibraryRegistry
from gateway.services.people.api_keys import KeyVerifier
from gateway.services.request_work.questions import PatronQuestionService
from gateway.store import api_records
from gateway.store.api_access import MAX_TOKEN_LIFE
from gateway.web.api import openapi
from gateway.web.api.event_stream import EventStreams
from gateway.web.api.link_pages import COPY_PATH, QUESTION_PATH, CopyPages, QuestionPages
from gateway.web.api.openapi import POLICY, ROOT, render_docs_page
from gateway.web.api.operation import AnyOperation, ApiLimits, ApiServices
from gateway.web.api.operations import ALL
from gateway.web.api.operations.events import STREAM
from gateway.web.api.problems import ProblemDetails, ProblemType
from gateway.web.api.request_handler import OperationHandler

log = structlog.get_logger(component="api")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BY_STATUS = {
    400: ProblemType.MALFORMED,
    404: ProblemType.NOT_FOUND,
    405: ProblemType.METHOD_NOT_ALLOWED,
    413: ProblemType.TOO_LARGE,
    415: ProblemType.UNSUPPORTED_MEDIA_TYPE,
}


class JsonApi:
    """`HttpSite.api`. `close` ends the streams; call it before the listeners stop."""

    def __init__(self, parts: ApiServices, operations: Sequence[AnyOperation] = ALL) -> None:
        self._parts = parts
        self._operations = operations

    @cached_property
    def _openapi_documents(self) -> tuple[str, str]:
        """The documents as JSON and as a page. Made when somebody asks: it takes a tenth of a second, and most never
        do."""
        document = openapi.build_openapi(self._operations, version("illgate"))
        return json.dumps(document, ensure_ascii=False), render_docs_page(document)

    def register(self, app: web.Application) -> None:
        inner = web.Application(middlewares=[problem_middleware])
        for operation in self._operations:
            head = operation.method == "GET" and not any(STREAM in answer.media_types for answer in operation.answers)
            handle = OperationHandler(operation, self._parts).handle
            if head:
                inner.router.add_get(operation.path, handle)
            else:
                inner.router.add_route(operation.method, operation.path, handle)
        inner.router.add_get("/openapi.json", self._show_document)
        inner.router.add_get("/docs", self._show_page)
        app.add_subapp(ROOT, inner)
        app.router.add_route("*", "/api", _answer_not_found)
        app.router.add_route("*", "/api/{rest:.*}", _answer_not_found)
        copies = CopyPages(self._parts)
        app.router.add_get(COPY_PATH, copies.show_copy)
        app.router.add_post(COPY_PATH, copies.fetch_copy)
        questions = QuestionPages(self._parts)
        app.router.add_get(QUESTION_PATH, questions.show_question)
        app.router.add_post(QUESTION_PATH, questions.submit_answer)

    @property
    def streams(self) -> EventStreams:
        return self._parts.streams

    def wake_streams(self, library: str) -> None:
        """Events have been committed: the streams of this library look. Call it from the event loop."""
        self._parts.streams.wake_library(library)

    def end_streams(self) -> None:
        self._parts.streams.end_streams()

    async def prune_stored_answers(self, libraries: Iterable[str]) -> int:
        """Stored answers and counts of downloads whose time is over; how many there were. Raises Unavailable."""
        now = self._parts.clock.now()
        answered = now - timedelta(hours=self._parts.limits.answers_kept_hours)
        forgotten = 0
        for library in libraries:

            def prune_library(c: Transaction, library: str = library) -> int:
                return api_records.prune_answers(c, library, answered) + api_records.prune_downloads(
                    c, library, now - MAX_TOKEN_LIFE
                )

            forgotten += await self._parts.store.write(prune_library)
        return forgotten

    async def _show_document(self, _request: web.Request) -> web.StreamResponse:
        headers = {hdrs.CACHE_CONTROL: "no-cache", hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
        return web.json_response(text=self._openapi_documents[0], headers=headers)

    async def _show_page(self, _request: web.Request) -> web.StreamResponse:
        headers = {hdrs.CACHE_CONTROL: "no-cache", "Content-Security-Policy": POLICY}
        return web.Response(text=self._openapi_documents[1], content_type="text/html", headers=headers)


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what aiohttp says itself (no such path, no such method) as a problem."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _problem_of_http_error(error).to_response()


def _problem_of_http_error(error: web.HTTPException) -> ProblemDetails:
    kind = _BY_STATUS.get(error.status, ProblemType.MALFORMED if error.status < 500 else ProblemType.INTERNAL)
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return ProblemDetails(kind, f"Methods here: {allowed}.", headers=((hdrs.ALLOW, allowed),))
    return ProblemDetails(kind)


async def _answer_not_found(_request: web.Request) -> web.StreamResponse:
    return ProblemDetails(ProblemType.NOT_FOUND, f"The API begins at {ROOT}; {ROOT}/docs describes it.").to_response()


def make_api(
    libraries: LibraryRegistry,
    questions: PatronQuestionService,
    store: Store,
    clock: Clock,
    limits: ApiLimits | None = None,
) -> JsonApi:
    parts = ApiServices(
        libraries=libraries,
        questions=questions,
        store=store,
        clock=clock,
        keys=KeyVerifier(store, clock),
        streams=EventStreams(clock),
        limits=limits or ApiLimits(),
    )
    return JsonApi(parts)
