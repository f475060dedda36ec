"""Questions and changes to FOLIO: its paths and errors, over the client that all systems asked by HTTP share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from adapters.library.circuit_breaker import CircuitBreaker
from adapters.library.folio.answers import FolioJson
from adapters.library.folio.options import FolioOptions
from adapters.library.folio.reasons import FolioRefusal, read_problems, refusal_of_answer
from adapters.library.folio.sign_in import FolioSignIn
from adapters.library.rest_answer import RestAnswer, RestCall, make_json_call
from adapters.library.rest_authorisation import TokenAuthorisation
from adapters.library.rest_client import RestClient, RestEndpoint
from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import compose_sentence, write_about, write_sentence

PAGE_RECORDS = 200
MAX_RECORDS = 20_000
NOT_ON_LOAN = "More than one open loan"
"""FOLIO refuses so, with HTTP 500, to renew what is not on loan (facts/ils-backends.md 1.3)."""

_LOCKED = "unable to acquire lock"


def is_refusal(answer: RestAnswer) -> bool:
    """Return whether an answer of 500 or above is a no all the same."""
    return NOT_ON_LOAN in answer.text


class FolioClient:
    """Paths are written as in FOLIO's documentation. `rest` is what carries them."""

    def __init__(
        self, options: FolioOptions, folder: Path, secrets: Callable[[str], str], clock: Clock, name: str
    ) -> None:
        self._options = options
        self.sign_in = FolioSignIn(options, secrets, clock)
        place = RestEndpoint(
            url=options.url,
            seconds=options.seconds,
            tls=options.make_tls(folder),
            connections=options.connections,
            max_bytes=options.max_bytes,
        )
        self.rest = RestClient(
            place,
            TokenAuthorisation(self.sign_in.fetch_token),
            CircuitBreaker(name, options.breaker),
            clock,
            is_refusal,
        )

    async def close_connections(self) -> None:
        await self.rest.close_connections()

    # --- questions ---------------------------------------------------------------------------------------

    async def ask(self, path: str, query: Mapping[str, str] | None = None, *, title: str = "") -> object:
        """The answer's JSON. Raises Unavailable."""
        answer = await self.rest.ask(_make_question(path, query, title))
        if not answer.is_success:
            raise self._question_failure(answer, path)
        return answer.value

    async def find_record(self, path: str, record_id: str) -> FolioJson | None:
        """The record of this id; None: there is none (any more). Raises Unavailable."""
        title = f"{path}/{{id}}"
        answer = await self.rest.ask(_make_question(f"{path}/{record_id}", None, title))
        if answer.status == 404:
            return None
        if not answer.is_success:
            raise self._question_failure(answer, title)
        return _require_object(answer.value, title)

    async def list_records(
        self, path: str, key: str, query: str, *, sort: str = "id", limit: int | None = None
    ) -> list[FolioJson]:
        """All that fit, page after page; with `limit` at most so many. Raises Unavailable."""
        collected: list[FolioJson] = []
        size = min(limit or PAGE_RECORDS, PAGE_RECORDS)
        whole = f"{query} sortby {sort}"
        while True:
            parameters = {"query": whole, "limit": str(size), "offset": str(len(collected))}
            page = _require_object(await self.ask(path, parameters), path)
            records = page.get(key)
            if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                raise Unavailable(
                    write_sentence("FOLIO's answer to %(title)s has no list '%(name)s'", title=path, name=key)
                )
            collected += records
            if limit is not None and len(collected) >= limit:
                return collected[:limit]
            if len(records) < size:
                return collected
            if len(collected) > MAX_RECORDS:
                raise Unavailable(
                    write_sentence(
                        "FOLIO returned more than %(most)s records for %(title)s",
                        most=format(MAX_RECORDS, ","),
                        title=path,
                    )
                )

    async def count_records(self, path: str, query: str) -> int:
        """Count records; raises Unavailable."""
        page = _require_object(await self.ask(path, {"query": query, "limit": "0"}), path)
        total = page.get("totalRecords")
        if not isinstance(total, int):
            raise Unavailable(write_sentence("FOLIO's answer to %(title)s has no total", title=path))
        return total

    async def is_accepted(self, path: str, value: object) -> bool:
        """A question that needs a body; 422 is a no. Raises Unavailable."""
        answer = await self.rest.ask(make_json_call("POST", tuple(path.strip("/").split("/")), value))
        if answer.is_success:
            return True
        if answer.status == 422:
            return False
        raise self._question_failure(answer, path)

    async def sign_in_now(self) -> None:
        """Sign in; raises Unavailable where FOLIO doesn't let us in."""
        await self.rest.ask(_make_question("/service-points", {"limit": "0"}, ""))

    async def is_forbidden(self, method: str, path: str, *, title: str) -> bool:
        """Return whether our user may not call this. Nothing is changed: no operation takes an empty list, and there is
        no record of the id in the path. Raises Unavailable, OutcomeUnknown."""
        segments = tuple(path.strip("/").split("/"))
        if method == "GET":
            answer = await self.rest.ask(RestCall(method=method, path=segments, query={"limit": "0"}, title=title))
        elif method == "DELETE":
            answer = await self.rest.change(RestCall(method=method, path=segments, title=title))
        else:
            answer = await self.rest.change(make_json_call(method, segments, [], title=title))
        return answer.status == 403

    # --- changes -----------------------------------------------------------------------------------------

    async def send(
        self, method: str, path: str, body: object = None, *, title: str = "", renews: bool = False
    ) -> object:
        """The answer's JSON, None where there is none. Raises FolioRefusal, Unavailable, OutcomeUnknown."""
        segments = tuple(path.strip("/").split("/"))
        if body is None:
            call = RestCall(method=method, path=segments, title=title)
        else:
            call = make_json_call(method, segments, body, title=title)
        answer = await self.rest.change(call)
        if not answer.is_success:
            raise self._failure(answer, title or path, renews=renews)
        return answer.value

    async def send_for_record(
        self, method: str, path: str, body: object, *, title: str = "", renews: bool = False
    ) -> FolioJson:
        """Send as `send` does, where the answer is a record. Raises FolioRefusal, Unavailable, OutcomeUnknown."""
        answer = await self.send(method, path, body, title=title, renews=renews)
        if not isinstance(answer, dict):
            raise OutcomeUnknown(
                write_sentence(
                    "FOLIO's answer to %(method)s %(title)s is not a record", method=method, title=title or path
                )
            )
        return answer

    async def delete_record(self, path: str, record_id: str) -> None:
        """One that is not there is as well. Raises FolioRefusal, Unavailable, OutcomeUnknown."""
        title = f"{path}/{{id}}"
        try:
            await self.send("DELETE", f"{path}/{record_id}", title=title)
        except FolioRefusal as refused:
            if refused.status != 404:
                raise

    def _question_failure(self, answer: RestAnswer, title: str) -> Unavailable:
        """Make the failure of a question; no rule of the library's stands behind it. FOLIO repeats the query in its
        words, which may name a patron."""
        failure = self._failure(answer, title)
        if isinstance(failure, Unavailable):
            return failure
        return Unavailable(
            write_sentence("FOLIO failed to answer %(title)s (HTTP %(status)s)", title=title, status=answer.status)
        )

    def _failure(self, answer: RestAnswer, title: str, *, renews: bool = False) -> FolioRefusal | Unavailable:
        """403 is no refusal of the library's: our user lacks a permission."""
        text = answer.text if not answer.is_json else _write_json(answer.value)
        if answer.status == 403:
            message = read_problems(text)[0].message
            wanted = message.partition("requires permission:")[2].strip()
            return Unavailable(
                _describe_forbidden(self._options.login.user, title, wanted if " " not in wanted else "")
            )
        if _LOCKED in text.casefold():
            return Unavailable(write_sentence("FOLIO is processing the same record (%(title)s)", title=title))
        return refusal_of_answer(answer.status, text, self._options.reasons, renews=renews)


def _make_question(path: str, query: Mapping[str, str] | None, title: str) -> RestCall:
    return RestCall(method="GET", path=tuple(path.strip("/").split("/")), query=query or {}, title=title)


def _require_object(answer: object, title: str) -> FolioJson:
    if not isinstance(answer, dict):
        raise Unavailable(write_sentence("FOLIO's answer to %(title)s is not a record", title=title))
    return answer


def _write_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _describe_forbidden(user: str, title: str, permission: str) -> str:
    report = write_sentence("user '%(user)s' is not allowed to call %(title)s (HTTP 403)", user=user, title=title)
    if permission:
        missing = write_sentence("permission %(permission)s is missing", permission=permission)
        report = compose_sentence("%(report)s; %(missing)s", report=report, missing=missing)
    return write_about("FOLIO", report)
