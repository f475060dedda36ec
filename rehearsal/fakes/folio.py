"""A FOLIO that plays one: `illgate fake folio`, and the peer of the backend's tests.

Sign-in as Okapi and as Eureka have it, permissions, paging, CQL; rules are those of folio_records and
folio_circulation. Source: facts/ils-backends.md 1.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from aiohttp import web

from rehearsal.fakes.fake_server import FakeServer
from rehearsal.fakes.folio_circulation import ITEMS, LOANS, REQUESTS, CirculationRules, FolioCirculation
from rehearsal.fakes.folio_queries import FolioRecord, QueryError, read_plain_field, run_query
from rehearsal.fakes.folio_records import TABLES, FolioAnswerError, FolioRecords

DEFAULT_LIMIT = 10
TOKEN_SECONDS = 600
REFRESH_SECONDS = 604_800

MARKS: Mapping[str, str] = {
    "mark-missing": "Missing",
    "mark-long-missing": "Long missing",
    "mark-in-process": "In process",
    "mark-unavailable": "Unavailable",
    "mark-withdrawn": "Withdrawn",
    "mark-unknown": "Unknown",
    "mark-restricted": "Restricted",
}

_VERBS = {"GET": "get", "POST": "post", "PUT": "put", "DELETE": "delete"}
_PERMISSION_NAMES: Mapping[str, str] = {
    "/users": "users",
    "/groups": "usergroups",
    "/addresstypes": "addresstypes",
    "/service-points": "inventory-storage.service-points",
    "/service-points-users": "inventory-storage.service-points-users",
    "/locations": "inventory-storage.locations",
    "/loan-types": "inventory-storage.loan-types",
    "/material-types": "inventory-storage.material-types",
    "/instance-types": "inventory-storage.instance-types",
    "/identifier-types": "inventory-storage.identifier-types",
    "/contributor-name-types": "inventory-storage.contributor-name-types",
    "/holdings-sources": "inventory-storage.holdings-sources",
    "/holdings-storage/holdings": "inventory-storage.holdings",
    "/cancellation-reason-storage/cancellation-reasons": "circulation-storage.cancellation-reasons",
    "/inventory/instances": "inventory.instances",
    "/inventory/items": "inventory.items",
    "/circulation/requests": "circulation.requests",
    "/circulation/loans": "circulation.loans",
}


class FakeFolio(FakeServer):
    """`flavour`: "okapi" or "eureka", which word their refusals differently. `lacking`: permissions that our user
    doesn't have; `granted`: all that it has (None: every one), as a tenant gives them by a list; `used`: those that the
    calls needed. `now`: its clock, aware UTC."""

    damages = (
        "stale-token",
        "stale-refresh-token",
        "duplicate-patron",
        "vanish-patron",
        "half-written-item",
        "block-patron",
    )

    def __init__(
        self,
        now: Callable[[], datetime] | None = None,
        *,
        tenant: str = "diku",
        user: str = "illgate",
        password: str = "secret",
        flavour: str = "okapi",
    ) -> None:
        super().__init__()
        self.now = now or (lambda: datetime.now(UTC))
        self.records = FolioRecords(self.now)
        self.rules = CirculationRules()
        self.circulation = FolioCirculation(self.records, self.rules)
        self.tenant = tenant
        self.user = user
        self.password = password
        self.flavour = flavour
        self.lacking: set[str] = set()
        self.granted: frozenset[str] | None = None
        self.used: set[str] = set()
        self._half_written: set[str] = set()
        self._tokens: dict[str, datetime] = {}
        self._refresh_tokens: dict[str, datetime] = {}

    # --- routes ------------------------------------------------------------------------------------------

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/authn/login-with-expiry", self._log_in)
        app.router.add_post("/authn/refresh", self._refresh)
        app.router.add_route("*", "/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            self._check_tenant(request)
            self._check_token(request)
            body = await _read_json(request)
            self.circulation.expire_requests()
            return self._carry_out_call(request, body)
        except FolioAnswerError as error:
            return _write_error(error)

    def _carry_out_call(self, request: web.Request, body: Any) -> web.Response:
        path, method = request.path.rstrip("/"), request.method
        special = self._find_special(method, path)
        if special is not None:
            permission, act = special
            self._check_permission(permission)
            return act(_require_object(body) if method in ("POST", "PUT") else {})
        if path == "/search/instances" and method == "GET":
            self._check_permission("search.instances.collection.get")
            return self._search_instances(request)
        table, _, record_id = path.rpartition("/")
        if path in TABLES:
            return self._answer_table(request, path, body)
        if table in TABLES and record_id:
            return self._answer_record(request, table, record_id, body)
        raise FolioAnswerError(404, f"No suitable module found for path {path} for tenant {self.tenant}")

    def _find_special(self, method: str, path: str) -> tuple[str, Callable[[FolioRecord], web.Response]] | None:
        circulation = self.circulation
        parts = path.strip("/").split("/")
        if method == "POST":
            if path == "/circulation/check-out-by-barcode":
                return "circulation.check-out-by-barcode.post", lambda body: _json(circulation.check_out(body), 201)
            if path == "/circulation/check-in-by-barcode":
                return "circulation.check-in-by-barcode.post", lambda body: _json(circulation.check_in(body), 200)
            if path == "/circulation/renew-by-barcode":
                return "circulation.renew-by-barcode.post", lambda body: _json(circulation.renew(body), 200)
            if path == "/circulation/requests":
                return "circulation.requests.item.post", lambda body: _json(circulation.create_request(body), 201)
            if path == "/patron-pin/verify":
                return "patron-pin.validate", self._verify_pin
            if path == "/patron-pin":
                return "patron-pin.post", self._set_pin
            if len(parts) == 4 and parts[:2] == ["circulation", "loans"] and parts[3] == "change-due-date":
                return "circulation.loans.change-due-date.post", lambda body: self._change_due_date(parts[2], body)
            if len(parts) == 4 and parts[:2] == ["circulation", "loans"] and parts[3] == "declare-item-lost":
                return "circulation.loans.declare-item-lost.post", lambda body: self._declare_lost(parts[2], body)
            if len(parts) == 4 and parts[:2] == ["inventory", "items"] and parts[3] in MARKS:
                name = MARKS[parts[3]]
                return (
                    f"inventory.items.item.{parts[3]}.post",
                    lambda _body: _json(circulation.mark_item(parts[2], name), 200),
                )
        if method == "PUT" and len(parts) == 3 and parts[:2] == ["circulation", "requests"]:
            return "circulation.requests.item.put", lambda body: self._replace_request(parts[2], body)
        if method == "GET" and len(parts) == 2 and parts[0] == "automated-patron-blocks":
            blocks = self.records.automated_blocks.get(parts[1], [])
            return "automated-patron-blocks.collection.get", lambda _body: _json({"automatedPatronBlocks": blocks}, 200)
        return None

    def _answer_table(self, request: web.Request, path: str, body: Any) -> web.Response:
        rules = TABLES[path]
        if request.method == "GET":
            self._check_permission(_permission(path, "collection", "get"))
            return self._list_records(request, path, rules.key)
        if request.method != "POST" or path in (REQUESTS, LOANS):
            raise FolioAnswerError(405, "Method not allowed")
        self._check_permission(_permission(path, "item", "post"))
        record = self.records.insert_record(path, _require_object(body))
        if rules.has_body:
            return _json(self.records.show_record(path, record), 201)
        return web.Response(status=201, headers={"Location": f"{self.url}{path}/{record['id']}"})

    def _answer_record(self, request: web.Request, path: str, record_id: str, body: Any) -> web.Response:
        self._check_permission(_permission(path, "item", _VERBS.get(request.method, "other")))
        if request.method == "GET":
            return _json(self._show(path, self.records.get_record(path, record_id)), 200)
        if request.method == "PUT":
            self.records.replace_record(path, record_id, _require_object(body))
            return web.Response(status=204)
        if request.method == "DELETE":
            self.records.delete_record(path, record_id)
            return web.Response(status=204)
        raise FolioAnswerError(405, "Method not allowed")

    def _list_records(self, request: web.Request, path: str, key: str) -> web.Response:
        try:
            limit = int(request.query.get("limit", DEFAULT_LIMIT))
            offset = int(request.query.get("offset", 0))
            records = run_query(
                request.query.get("query", ""), self.records.list_table(path), self.records.read_field(path)
            )
        except ValueError as error:
            raise FolioAnswerError(400, "'limit' and 'offset' must be numbers") from error
        except QueryError as error:
            raise FolioAnswerError(400, f"CQL Parsing Error for '{request.query.get('query')}': {error}") from error
        page = [self._show(path, record) for record in records[offset : offset + limit]]
        return _json({key: page, "totalRecords": len(records)}, 200)

    def _show(self, path: str, record: FolioRecord) -> FolioRecord:
        if path == LOANS:
            return self.circulation.show_loan(record)
        if path == REQUESTS:
            return self.circulation.show_request(record)
        shown = self.records.show_record(path, record)
        if record["id"] in self._half_written:
            del shown["status"]
        return shown

    def _search_instances(self, request: web.Request) -> web.Response:
        """The search index: `keyword` is title, contributors and identifiers; what is suppressed says so."""

        def read_indexed(record: FolioRecord, name: str) -> list[Any]:
            if name == "keyword":
                words = [record["title"], *read_plain_field(record, "contributors.name")]
                return [" ".join([*words, *read_plain_field(record, "identifiers.value")])]
            if name in ("discoverySuppress", "staffSuppress"):
                return [record.get(name, False)]
            return list(read_plain_field(record, name))

        try:
            instances = run_query(
                request.query.get("query", ""), self.records.list_table("/inventory/instances"), read_indexed
            )
        except QueryError as error:
            raise FolioAnswerError(400, f"Failed to parse cql query: {error}") from error
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 100))
        return _json({"instances": instances[offset : offset + limit], "totalRecords": len(instances)}, 200)

    def _change_due_date(self, loan_id: str, body: FolioRecord) -> web.Response:
        self.circulation.change_due_date(loan_id, body)
        return web.Response(status=204)

    def _declare_lost(self, loan_id: str, body: FolioRecord) -> web.Response:
        self.circulation.declare_lost(loan_id, body)
        return web.Response(status=204)

    def _replace_request(self, request_id: str, body: FolioRecord) -> web.Response:
        self.circulation.replace_request(request_id, body)
        return web.Response(status=204)

    def _verify_pin(self, body: FolioRecord) -> web.Response:
        is_right = bool(body.get("pin")) and self.records.pins.get(str(body.get("id"))) == body["pin"]
        return web.Response(status=200 if is_right else 422)

    def _set_pin(self, body: FolioRecord) -> web.Response:
        self.records.pins[str(body["id"])] = str(body["pin"])
        return web.Response(status=201)

    # --- sign-in -----------------------------------------------------------------------------------------

    async def _log_in(self, request: web.Request) -> web.Response:
        try:
            self._check_tenant(request)
            body = _require_object(await _read_json(request))
        except FolioAnswerError as error:
            return _write_error(error)
        if body.get("username") != self.user or body.get("password") != self.password:
            if self.flavour == "eureka":
                return _json({"errors": [{"message": "Unauthorized error", "code": "unauthorized_error"}]}, 401)
            return _json({"errors": [{"message": "Password does not match", "code": "password.incorrect"}]}, 422)
        return self._hand_out_tokens()

    async def _refresh(self, request: web.Request) -> web.Response:
        token = request.cookies.get("folioRefreshToken", "")
        ends = self._refresh_tokens.pop(token, None)
        if ends is None or ends < self.now():
            return _json({"errors": [{"message": "Invalid token", "code": "token.refresh.unprocessable"}]}, 422)
        return self._hand_out_tokens()

    def _hand_out_tokens(self) -> web.Response:
        access, refresh = f"access.{uuid4()}", f"refresh.{uuid4()}"
        self._tokens[access] = self.now() + timedelta(seconds=TOKEN_SECONDS)
        self._refresh_tokens[refresh] = self.now() + timedelta(seconds=REFRESH_SECONDS)
        response = _json(
            {
                "accessTokenExpiration": self._tokens[access].strftime("%Y-%m-%dT%H:%M:%SZ"),
                "refreshTokenExpiration": self._refresh_tokens[refresh].strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            201,
        )
        response.set_cookie("folioAccessToken", access, max_age=TOKEN_SECONDS, path="/", httponly=True)
        response.set_cookie("folioRefreshToken", refresh, max_age=REFRESH_SECONDS, path="/authn", httponly=True)
        return response

    def _check_tenant(self, request: web.Request) -> None:
        if request.headers.get("X-Okapi-Tenant") != self.tenant:
            raise FolioAnswerError(400, f"No such Tenant {request.headers.get('X-Okapi-Tenant', '')}")

    def _check_token(self, request: web.Request) -> None:
        token = request.headers.get("X-Okapi-Token") or request.cookies.get("folioAccessToken", "")
        ends = self._tokens.get(token)
        if ends is None or ends < self.now():
            if self.flavour == "eureka":
                raise FolioAnswerError(
                    401,
                    {
                        "errors": [
                            {"type": "UnauthorizedException", "code": "authorization_error", "message": "Unauthorized"}
                        ]
                    },
                )
            raise FolioAnswerError(401, "Token is expired" if ends is not None else "Invalid token")

    def _check_permission(self, permission: str) -> None:
        self.used.add(permission)
        if permission not in self.lacking and (self.granted is None or permission in self.granted):
            return
        if self.flavour == "eureka":
            raise FolioAnswerError(
                403,
                {"errors": [{"type": "ForbiddenException", "code": "authorization_error", "message": "Access Denied"}]},
            )
        raise FolioAnswerError(403, f"Access for user '{self.user}' (ff00) requires permission: {permission}")

    # --- damages -----------------------------------------------------------------------------------------

    def do_damage(self, name: str, subject: str) -> str:
        """Subjects are barcodes of patrons and items."""
        if name == "stale-token":
            self._tokens.clear()
            return "all access tokens have ended"
        if name == "stale-refresh-token":
            self._tokens.clear()
            self._refresh_tokens.clear()
            return "all tokens have ended"
        if name == "half-written-item":
            item = _find(self.records.find_records(ITEMS, barcode=subject), subject)
            self._half_written.add(item["id"])
            return f"the item {subject} is shown without its status"
        user = _find(self.records.find_records("/users", barcode=subject), subject)
        if name == "duplicate-patron":
            twin = {**user, "id": str(uuid4())}
            self.records.tables["/users"][twin["id"]] = twin
            return f"two patrons have the barcode {subject}"
        if name == "vanish-patron":
            del self.records.tables["/users"][user["id"]]
            return f"the patron {subject} is gone"
        self.records.insert_record(
            "/manualblocks",
            {"desc": "card lost", "userId": user["id"], "borrowing": True, "renewals": True, "requests": True},
        )
        return f"the patron {subject} is blocked"


def _find(records: list[FolioRecord], subject: str) -> FolioRecord:
    if not records:
        raise KeyError(subject)
    return records[0]


def _permission(path: str, level: str, verb: str) -> str:
    base = _PERMISSION_NAMES.get(path, path.strip("/").replace("/", "."))
    return f"{base}.{level}.{verb}"


async def _read_json(request: web.Request) -> Any:
    """None: no body. Raises FolioAnswerError(400)."""
    raw = await request.read()
    if not raw:
        return None
    if "json" not in request.content_type:
        raise FolioAnswerError(400, "Content-Type must be application/json")
    try:
        return json.loads(raw)
    except ValueError as error:
        raise FolioAnswerError(400, f"Json content error {error}") from error


def _require_object(body: Any) -> FolioRecord:
    if not isinstance(body, dict):
        raise FolioAnswerError(400, "Json content error: cannot deserialize value of type object")
    return body


def _json(value: Any, status: int) -> web.Response:
    return web.json_response(value, status=status)


def _write_error(error: FolioAnswerError) -> web.Response:
    if isinstance(error.body, str):
        return web.Response(status=error.status, text=error.body, content_type="text/plain")
    return _json(error.body, error.status)
