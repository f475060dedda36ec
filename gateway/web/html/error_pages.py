"""Errors that end a page with another one, which says what is wrong; and the page for a path that there isn't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageError(Exception):
    """Ends a page with another one that says what is wrong: `word` of the texts (fault-…)."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


def make_wrong_path_middleware(show_wrong_path: Handler, is_for_people: Callable[[str], bool]) -> Middleware:
    """`is_for_people`: whether people look at such a path. Programs send or ask the API, and get its own answers. A
    path that only takes forms is a wrong one for whoever loads it again from the address bar."""

    @web.middleware
    async def answer_wrong_path(request: web.Request, handler: Handler) -> web.StreamResponse:
        problem, method = request.match_info.http_exception, request.method
        if problem is None:
            return await handler(request)
        is_wrong = isinstance(problem, web.HTTPNotFound) and method in ("GET", "HEAD")
        is_for_forms = isinstance(problem, web.HTTPMethodNotAllowed) and method == "GET"
        if (is_wrong or is_for_forms) and is_for_people(request.path):
            return await show_wrong_path(request)
        return await handler(request)

    return answer_wrong_path
