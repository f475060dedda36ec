"""Calls to Alma's REST API: within its limits, lists to their end, refusals as `AlmaRefusalError`."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from adapters.library.alma.options import AlmaOptions
from adapters.library.circuit_breaker import CircuitBreaker
from adapters.library.json_fields import Row, read_integer
from adapters.library.rest_answer import AnswerKind, RestAnswer, RestCall, make_json_call
from adapters.library.rest_authorisation import FixedAuthorisation, resolve_secret
from adapters.library.rest_client import RestClient, RestEndpoint
from adapters.library.rest_options import resolve_tls
from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence

REMAINING_HEADER = "X-Exl-Api-Remaining"
PAGE_ROWS = 100
MAX_PAGES = 100

KEY_LACKS_AREA = "the API key does not allow this"

_KEY_CODES = frozenset({"UNAUTHORIZED", "GENERAL_ERROR_UNAUTHORIZED", "60340", "60258"})
"""The API key may not do this, or not for this library."""

_UNKNOWN_CODES = frozenset({"401861", "401890", "401689", "402203", "402204", "401694", "401823"})
"""Of a question: there is no such user, item, record, request, loan."""

_XML_CODE = re.compile(r"<errorCode>([^<]*)</errorCode>")
_XML_MESSAGE = re.compile(r"<errorMessage>([^<]*)</errorMessage>")


class AlmaRefusalError(Exception):
    """Alma said no. `error`: its words; `code`: its number, empty where it gives none. Both are for staff."""

    def __init__(self, status: int, error: str, code: str) -> None:
        super().__init__(f"HTTP {status}: {code}")
        self.status = status
        self.error = error
        self.code = code

    @property
    def is_about_nothing(self) -> bool:
        return self.code in _UNKNOWN_CODES


class CallLimits:
    """Calls a second and a day, both shared by all programs of the institution (facts/ils-backends.md section 5).
    `per_second`: calls that begin within one second; `left_alone`: of the day's calls, so many are for others."""

    def __init__(self, per_second: int, left_alone: int, clock: Clock) -> None:
        self._begun: deque[float] = deque(maxlen=per_second)
        self._left_alone = left_alone
        self._clock = clock
        self._turn = asyncio.Lock()
        self._closed_until: datetime | None = None

    async def wait_for_turn(self) -> None:
        """Wait for our turn; raises Unavailable when the day's calls are used up: until midnight UTC, when Alma counts
        anew."""
        if self._closed_until is not None:
            if self._clock.now() < self._closed_until:
                raise Unavailable(
                    write_about(
                        "Alma",
                        write_sentence(
                            "today's API calls are used up until %(time)s UTC", time=format(self._closed_until, "%H:%M")
                        ),
                    )
                )
            self._closed_until = None
        async with self._turn:
            loop = asyncio.get_running_loop()
            if len(self._begun) == self._begun.maxlen and (left := self._begun[0] + 1.0 - loop.time()) > 0:
                await asyncio.sleep(left)
            self._begun.append(loop.time())

    def note_remaining(self, headers: Mapping[str, str]) -> None:
        """Note how many calls remain by an answer. One that doesn't say how many are left changes nothing."""
        header = headers.get(REMAINING_HEADER, "")
        if header.isascii() and header.isdigit() and int(header) <= self._left_alone:
            midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
            self._closed_until = midnight + timedelta(days=1)


class AlmaClient:
    def __init__(self, options: AlmaOptions, folder: Path, secrets: Callable[[str], str], clock: Clock) -> None:
        """Make a client; raises Unavailable when the API key is not there."""
        place = RestEndpoint(
            url=options.url,
            seconds=options.seconds,
            tls=resolve_tls(options.ca, options.certificate, folder),
            connections=options.connections,
            max_bytes=options.max_bytes,
        )
        key = FixedAuthorisation({"Authorization": f"apikey {resolve_secret(secrets, options.api_key)}"})
        self._rest = RestClient(place, key, CircuitBreaker(options.url, options.breaker), clock)
        self._limits = CallLimits(options.calls_per_second, options.calls_left_alone, clock)

    async def close_connections(self) -> None:
        await self._rest.close_connections()

    @property
    def alerts(self) -> tuple[str, ...]:
        """Calls that it does not accept."""
        return self._rest.unaccepted.alerts

    # --- questions ---------------------------------------------------------------------------------------

    async def get_row(
        self, *path: str, title: str, query: Mapping[str, str] | None = None, may_be_refused: bool = False
    ) -> Row | None:
        """None: there is no such thing, or it is not shown where it `may_be_refused`. `title`: the path without
        numbers. Raises Unavailable, Refused(CALL_NOT_ACCEPTED)."""
        call = RestCall(method="GET", path=path, title=title, query=query or {})
        try:
            answer = await self._ask(call)
        except AlmaRefusalError as refusal:
            if refusal.is_about_nothing or may_be_refused:
                return None
            raise self._refuse_call(call, refusal) from refusal
        if not isinstance(answer.value, dict):
            raise Unavailable(write_about(f"Alma: {title}", write_sentence("the answer is not an object")))
        return answer.value

    async def find_rows(self, *path: str, name: str, title: str, is_paged: bool = True) -> tuple[Row, ...] | None:
        """All, page by page; `name`: of the list in the answer; `is_paged`: whether Alma has pages of it. None: of a
        thing that isn't there. Raises Unavailable, Refused(CALL_NOT_ACCEPTED)."""
        listed: list[Row] = []
        for page in range(MAX_PAGES):
            place = {"limit": str(PAGE_ROWS), "offset": str(page * PAGE_ROWS)} if is_paged else {}
            part = await self.get_row(*path, title=title, query=place)
            if part is None:
                return None
            rows = part.get(name) or ()  # an empty list is left out
            if not isinstance(rows, list | tuple) or not all(isinstance(row, dict) for row in rows):
                raise Unavailable(
                    write_about(f"Alma: {title}", write_sentence("the answer has no list of %(name)s", name=name))
                )
            listed.extend(rows)
            total = read_integer(part, "total_record_count")
            if not is_paged or len(rows) < PAGE_ROWS or (total and len(listed) >= total):
                return tuple(listed)
        raise Unavailable(
            write_about(
                "Alma",
                write_sentence(
                    "%(title)s has more than %(most)s rows", title=title, most=format(MAX_PAGES * PAGE_ROWS, ",")
                ),
            )
        )

    async def check_password(self, user_id: str, password: str) -> bool:
        """A question in the form of a change. Raises Unavailable."""
        title = "/users/{user_id}?op=auth"
        call = RestCall(
            method="POST",
            path=("users", user_id),
            query={"op": "auth"},
            headers={"Exl-User-Pw": quote(password, safe="")},  # Alma decodes it
            title=title,
        )
        try:
            await self._ask(call)
        except AlmaRefusalError as refusal:
            if refusal.code == "401866" or refusal.is_about_nothing:
                return False
            raise self._refuse_call(call, refusal) from refusal
        return True

    # --- changes -----------------------------------------------------------------------------------------

    async def send_row(
        self, method: str, *path: str, title: str, row: Row, query: Mapping[str, str] | None = None
    ) -> Row:
        """Send a row, and return what came back. Raises Unavailable, OutcomeUnknown, AlmaRefusalError."""
        answer = await self._change(make_json_call(method, path, row, title=title, query=query))
        if not isinstance(answer.value, dict):
            raise OutcomeUnknown(write_about(f"Alma: {title}", write_sentence("the answer is not an object")))
        return answer.value

    async def send_xml(self, *path: str, title: str, body: bytes) -> str:
        """Send XML, and return what came back, in XML too: records and holdings are made in no other way (60105).

        Raises Unavailable, OutcomeUnknown, AlmaRefusalError.
        """
        call = RestCall(
            method="POST",
            path=path,
            title=title,
            body=body,
            headers={"Content-Type": "application/xml", "Accept": "application/xml"},
            expects=AnswerKind.TEXT,
        )
        return (await self._change(call)).text

    async def delete_row(self, *path: str, title: str, query: Mapping[str, str]) -> None:
        """Delete a row; raises Unavailable, OutcomeUnknown, AlmaRefusalError."""
        await self._change(RestCall(method="DELETE", path=path, title=title, query=query))

    # --- answers -----------------------------------------------------------------------------------------

    async def _ask(self, call: RestCall) -> RestAnswer:
        for _ in range(2 if call.path == ("items",) else 1):  # that one is answered by a redirect
            await self._limits.wait_for_turn()
        return self._check_answer(call, await self._rest.ask(call))

    async def _change(self, call: RestCall) -> RestAnswer:
        await self._limits.wait_for_turn()
        return self._check_answer(call, await self._rest.change(call))

    def _check_answer(self, call: RestCall, answer: RestAnswer) -> RestAnswer:
        """Check an answer; raises AlmaRefusalError, Refused(CALL_NOT_ACCEPTED) where the key doesn't allow it."""
        self._limits.note_remaining(answer.headers)
        if answer.is_success:
            return answer
        refusal = read_refusal(answer)
        if answer.status == 403 or refusal.code in _KEY_CODES:
            refusal.error = f"{KEY_LACKS_AREA}: {refusal.error}".rstrip(": ")
            raise self._refuse_call(call, refusal)
        raise refusal

    def _refuse_call(self, call: RestCall, refusal: AlmaRefusalError) -> Refused:
        words = f"{refusal.error} {refusal.code}".strip()
        return self._rest.unaccepted.refuse_call(call, refusal.status, words)


def read_refusal(answer: RestAnswer) -> AlmaRefusalError:
    """Read a refusal in JSON or, where its gateway answers before Alma does, in XML."""
    body = answer.value if isinstance(answer.value, dict) else {}
    listed = body.get("errorList")
    errors = listed.get("error") if isinstance(listed, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code, error = str(first.get("errorCode") or ""), str(first.get("errorMessage") or "")
    if not code and (match := _XML_CODE.search(answer.text)) is not None:
        message = _XML_MESSAGE.search(answer.text)
        code, error = match[1], message[1] if message is not None else ""
    return AlmaRefusalError(answer.status, error, code)
