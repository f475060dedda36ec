"""Calls to Koha's REST API: signed in, lists to their end, refusals as `KohaRefusalError`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from adapters.library.circuit_breaker import CircuitBreaker
from adapters.library.json_fields import Row
from adapters.library.koha.abilities import ALL_ABILITIES, KohaAbilities, read_abilities
from adapters.library.koha.options import KohaOptions
from adapters.library.rest_answer import RestAnswer, RestCall, make_json_call
from adapters.library.rest_authorisation import (
    AccessToken,
    Authorisation,
    FixedAuthorisation,
    SendCall,
    TokenAuthorisation,
    resolve_secret,
)
from adapters.library.rest_client import RestClient, RestEndpoint
from adapters.library.rest_options import resolve_tls
from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import make_basic_header

PAGE_ROWS = 100
MAX_PAGES = 100
MARCXML = "application/marcxml+xml"


class KohaRefusalError(Exception):
    """Koha said no. `error`: its words; `code`: empty where it gives none. Both are for staff."""

    def __init__(self, call: RestCall, status: int, error: str, code: str, body: Row) -> None:
        super().__init__(f"HTTP {status}: {error}")
        self.call = call
        self.status = status
        self.error = error
        self.code = code
        self.body = body


@value_object
class RowPage:
    """The page of a list; `total`: how long the whole list is."""

    rows: tuple[Row, ...]
    total: int


class KohaClient:
    """`abilities` are those of any release until the server was reached for the first time."""

    def __init__(self, options: KohaOptions, folder: Path, secrets: Callable[[str], str], clock: Clock) -> None:
        self._options = options
        self._secrets = secrets
        place = RestEndpoint(
            url=options.url,
            seconds=options.seconds,
            tls=resolve_tls(options.ca, options.certificate, folder),
            connections=options.connections,
            max_bytes=options.max_bytes,
            headers={"x-koha-library": options.acting_library} if options.acting_library else {},
        )
        self._rest = RestClient(place, self._make_authorisation(), CircuitBreaker(options.url, options.breaker), clock)
        self._known: KohaAbilities | None = None
        self._loading = asyncio.Lock()

    @property
    def abilities(self) -> KohaAbilities:
        return self._known or ALL_ABILITIES

    async def load_abilities(self) -> KohaAbilities:
        """Load the abilities, asked once, for all who wait. Raises Unavailable."""
        async with self._loading:
            if self._known is None:
                answer = await self._rest.ask(RestCall(method="GET", path=("",)))
                self._known = read_abilities(answer.value) if answer.is_success else None
                if self._known is None:
                    raise Unavailable(
                        write_about(
                            "Koha",
                            write_sentence("the document at this URL is not OpenAPI; does the URL end in /api/v1?"),
                        )
                    )
            return self._known

    @property
    def alerts(self) -> tuple[str, ...]:
        """Calls that it does not accept."""
        return self._rest.unaccepted.alerts

    def refuse_call(self, refusal: KohaRefusalError) -> Refused:
        """Refuse a call that Koha does not accept, whatever it is about. To be raised."""
        words = f"{refusal.error} {refusal.code}".strip()
        return self._rest.unaccepted.refuse_call(refusal.call, refusal.status, words)

    async def close_connections(self) -> None:
        await self._rest.close_connections()

    # --- signing in --------------------------------------------------------------------------------------

    def _make_authorisation(self) -> Authorisation:
        """Make the authorisation; raises Unavailable when a secret is not there."""
        who = self._options.sign_in
        if who.user:
            return FixedAuthorisation(make_basic_header(who.user, resolve_secret(self._secrets, who.password)))
        return TokenAuthorisation(self._fetch_token)

    async def _fetch_token(self, send: SendCall) -> AccessToken:
        who = self._options.sign_in
        form = {
            "grant_type": "client_credentials",
            "client_id": who.client_id,
            "client_secret": resolve_secret(self._secrets, who.client_secret),
        }
        answer = await send(
            RestCall(
                method="POST",
                path=("oauth", "token"),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
            )
        )
        token = answer.value.get("access_token") if isinstance(answer.value, dict) else None
        if not answer.is_success or not isinstance(token, str):
            raise Unavailable(
                write_about(
                    "Koha",
                    write_sentence(
                        "no token for client '%(user)s' (HTTP %(status)s)", user=who.client_id, status=answer.status
                    ),
                )
            )
        seconds = answer.value.get("expires_in", 3600)
        if not isinstance(seconds, int | float):
            raise Unavailable(write_about("Koha", write_sentence("the token has no expiry time in seconds")))
        return AccessToken({"Authorization": f"Bearer {token}"}, float(seconds))

    # --- questions ---------------------------------------------------------------------------------------
    #
    # Koha refuses a question with one parameter or embed more than its document lists, so none is sent unasked.

    async def get_row(self, *path: str, title: str) -> Row | None:
        """None: there is nothing there (404). `title`: the path without numbers.

        Raises Unavailable, Refused(CALL_NOT_ACCEPTED)."""
        try:
            answer = await self._ask(RestCall(method="GET", path=path, title=title))
        except KohaRefusalError as refusal:
            if refusal.status == 404 and f"GET {title}" in self.abilities.calls:
                return None
            raise self.refuse_call(refusal) from refusal
        return _require_row(title, answer.value)

    async def find_rows(
        self, *path: str, title: str = "", query: Mapping[str, str] | None = None, embeds: tuple[str, ...] = ()
    ) -> tuple[Row, ...]:
        """All, page by page. Plain parameters match whole values; of `embeds` those come that the release has.

        Raises Unavailable, Refused(CALL_NOT_ACCEPTED)."""
        rows: list[Row] = []
        for page in range(1, MAX_PAGES + 1):
            part = await self.find_page(*path, title=title, query=query, embeds=embeds, page=page, size=PAGE_ROWS)
            rows.extend(part.rows)
            if len(rows) >= part.total or len(part.rows) < PAGE_ROWS:
                return tuple(rows)
        raise Unavailable(
            write_about(
                "Koha",
                write_sentence(
                    "%(title)s has more than %(most)s rows",
                    title=title or path[-1],
                    most=format(MAX_PAGES * PAGE_ROWS, ","),
                ),
            )
        )

    async def find_page(
        self,
        *path: str,
        title: str = "",
        query: Mapping[str, str] | None = None,
        embeds: tuple[str, ...] = (),
        page: int = 1,
        size: int = 1,
    ) -> RowPage:
        """Find a page; without paging the whole list is the first one. Raises Unavailable,
        Refused(CALL_NOT_ACCEPTED)."""
        name = title or "/" + "/".join(path)
        known, asked = await self.load_abilities(), f"GET {name}"
        extra = {"_match": "exact", "_page": str(page), "_per_page": str(size)}
        parameters = {
            **(query or {}),
            **{key: value for key, value in extra.items() if known.may_ask(asked, key)},
        }
        headers = _embed(known.select_embeds(asked, embeds))
        call = RestCall(method="GET", path=path, query=parameters, title=name, headers=headers)
        try:
            answer = await self._ask(call)
        except KohaRefusalError as refusal:
            if refusal.status == 404 and "{" in name and asked in known.calls:
                return RowPage((), 0)  # of a patron or record that isn't there
            raise self.refuse_call(refusal) from refusal
        if not isinstance(answer.value, list):
            raise Unavailable(write_about(f"Koha: {name}", write_sentence("the answer is not a list")))
        rows = tuple(_require_row(name, row) for row in answer.value)
        total = answer.headers.get("X-Total-Count", "")
        return RowPage(rows, int(total) if total.isascii() and total.isdigit() else len(rows))

    async def ask_query(self, *path: str, title: str, query: Mapping[str, str]) -> Row:
        """Ask with a query; raises Unavailable, KohaRefusalError."""
        return _require_row(title, (await self._ask(RestCall(method="GET", path=path, query=query, title=title))).value)

    # --- changes -----------------------------------------------------------------------------------------

    async def send_row(
        self,
        method: str,
        *path: str,
        title: str,
        row: Row | None,
        query: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Send a row, and return what came back, and None where nothing did. `row` None: without a body; `repeatable`:
        a question in the form of a change. Raises Unavailable, OutcomeUnknown, KohaRefusalError."""
        if row is None:
            call = RestCall(method=method, path=path, title=title, query=query or {})
        else:
            call = make_json_call(method, path, row, title=title, query=query)
        return (await (self._ask if repeatable else self._change)(call)).value

    async def send_record(self, marcxml: bytes, schema: str) -> str:
        """The number of the new record. `schema`: MARC21 or UNIMARC.

        Raises Unavailable, OutcomeUnknown, KohaRefusalError."""
        headers = {"Content-Type": MARCXML, "x-confirm-not-duplicate": "1", "x-record-schema": schema}
        call = RestCall(method="POST", path=("biblios",), headers=headers, body=marcxml)
        answer = await self._change(call)
        number = answer.value.get("id") if isinstance(answer.value, dict) else None
        if number is None:
            raise OutcomeUnknown(write_about("Koha", write_sentence("/biblios: the answer has no number")))
        return str(number)

    async def delete_row(self, *path: str, title: str) -> int:
        """The status. Raises Unavailable, OutcomeUnknown, KohaRefusalError."""
        return (await self._change(RestCall(method="DELETE", path=path, title=title))).status

    # --- answers -----------------------------------------------------------------------------------------

    async def _ask(self, call: RestCall) -> RestAnswer:
        return self._check_answer(call, await self._rest.ask(call))

    async def _change(self, call: RestCall) -> RestAnswer:
        return self._check_answer(call, await self._rest.change(call))

    def _check_answer(self, call: RestCall, answer: RestAnswer) -> RestAnswer:
        """Check an answer; raises KohaRefusalError, Refused(CALL_NOT_ACCEPTED) where the gateway's patron lacks a
        permission, or where the call itself is not as the release has it."""
        if answer.is_success:
            return answer
        body: Row = answer.value if isinstance(answer.value, dict) else {}
        error = body.get("error")
        text = error if isinstance(error, str) else answer.text
        problems = [problem for problem in body.get("errors") or () if isinstance(problem, dict)]
        if problems:
            text = "; ".join(f"{problem.get('path')}: {problem.get('message')}" for problem in problems)
        code = body.get("error_code")
        refusal = KohaRefusalError(call, answer.status, text, code if isinstance(code, str) else "", body)
        if answer.status == 403 and (needed := body.get("required_permissions")):
            refusal.error = f"the gateway's patron lacks a permission: {json.dumps(needed)}"
            raise self.refuse_call(refusal)
        if problems and not any(str(problem.get("path")).startswith("/body") for problem in problems):
            raise self.refuse_call(refusal)
        raise refusal


def _require_row(title: str, value: Any) -> Row:
    if not isinstance(value, dict):
        raise Unavailable(write_about(f"Koha: {title}", write_sentence("the answer is not an object")))
    return value


def _embed(names: tuple[str, ...]) -> Mapping[str, str]:
    return {"x-koha-embed": ",".join(names)} if names else {}


def make_query(wanted: object) -> Mapping[str, str]:
    """Koha's parameter `q`: objects are joined by and, lists by or."""
    return {"q": json.dumps(wanted, ensure_ascii=False)}
