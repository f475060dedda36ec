"""A fake Alma: its REST API under `/almaws/v1`, as far as the gateway uses it (facts/ils-backends.md 1.4)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from aiohttp import web

from rehearsal.fakes.alma_cataloguing import GENERAL_ERROR, AlmaCataloguer, write_xml
from rehearsal.fakes.alma_state import AlmaError, AlmaState, Row, cut_page
from rehearsal.fakes.fake_server import FakeServer

API = "/almaws/v1"
API_KEY = "alma-rehearsal"
ERROR_NAMESPACE = "http://com/exlibris/urm/general/xmlbeans"
ITEM = "/bibs/{mms}/holdings/{holding}/items/{pid}"

Act = Callable[[web.Request], Awaitable[web.Response]]


class FakeAlma(FakeServer):
    """`state` may be changed at any time. `remaining`: calls that are left of the day's, counted down; 0: none is
    answered any more. `areas`: what the key may use; `read_only`: of these, where it may change nothing;
    `hidden_tables`: code tables that the API does not show."""

    damages = ("vanish-user",)

    def __init__(self, state: AlmaState | None = None, api_key: str = API_KEY) -> None:
        super().__init__()
        self.state = state or make_sample()
        self.api_key = api_key
        self.areas = {"users", "bibs", "items", "conf"}
        self.read_only = {"conf"}
        self.hidden_tables: set[str] = set()
        self.remaining = 100_000
        self.introduction = f"API key {api_key}; user P1 (barcode 21000000000017), item 39000000000011, library MAIN"

    def add_routes(self, app: web.Application) -> None:
        routes: tuple[tuple[str, str, Callable[[web.Request, Row], Any]], ...] = (
            ("GET", "/conf/libraries", self._list_libraries),
            ("GET", "/conf/libraries/{library}/locations", self._list_locations),
            ("GET", "/conf/libraries/{library}/circ-desks", self._list_desks),
            ("GET", "/conf/code-tables/{table}", self._show_code_table),
            ("POST", "/users", self._create_user),
            ("PUT", "/users/{user}", self._change_user),
            ("GET", "/users/{user}", self._show_user),
            ("POST", "/users/{user}", self._check_password),
            ("GET", "/users/{user}/loans", self._list_user_loans),
            ("POST", "/users/{user}/loans", self._lend_item),
            ("GET", "/users/{user}/loans/{number}", self._show_loan),
            ("PUT", "/users/{user}/loans/{number}", self._change_loan),
            ("POST", "/users/{user}/loans/{number}", self._renew_loan),
            ("GET", "/users/{user}/requests", self._list_user_requests),
            ("POST", "/users/{user}/requests", self._add_request),
            ("GET", "/users/{user}/requests/{number}", self._show_request),
            ("PUT", "/users/{user}/requests/{number}", self._change_request),
            ("DELETE", "/users/{user}/requests/{number}", self._cancel_request),
            ("GET", "/users/{user}/fees", self._list_fees),
            ("POST", "/users/{user}/fees", self._add_fee),
            ("GET", "/bibs", self._find_bibs),
            ("POST", "/bibs", self._add_record),
            ("GET", "/bibs/{mms}", self._show_bib),
            ("DELETE", "/bibs/{mms}", self._delete_record),
            ("GET", "/bibs/{mms}/holdings", self._list_holdings),
            ("POST", "/bibs/{mms}/holdings", self._add_holding),
            ("DELETE", "/bibs/{mms}/holdings/{holding}", self._delete_holding),
            ("GET", "/bibs/{mms}/requests", self._list_bib_requests),
            ("GET", "/bibs/{mms}/holdings/ALL/items", self._list_items),
            ("GET", "/bibs/{mms}/holdings/{holding}/items", self._list_holding_items),
            ("POST", "/bibs/{mms}/holdings/{holding}/items", self._add_item),
            ("GET", "/items", self._find_item),
            ("GET", ITEM, self._show_item),
            ("PUT", ITEM, self._change_item),
            ("DELETE", ITEM, self._delete_item),
            ("POST", ITEM, self._scan_item),
            ("GET", f"{ITEM}/loans", self._list_item_loans),
            ("GET", f"{ITEM}/requests", self._list_item_requests),
        )
        for method, path, act in routes:
            app.router.add_route(method, f"{API}{path}", self._make_handler(act))

    @property
    def _cataloguer(self) -> AlmaCataloguer:
        return AlmaCataloguer(self.state)

    def do_damage(self, name: str, subject: str) -> str:
        """`vanish-user`: subject is a primary identifier."""
        del self.state.users[subject]
        return "the user is gone"

    def _make_handler(self, act: Callable[[web.Request, Row], Any]) -> Act:
        async def handle(request: web.Request) -> web.Response:
            headers = {"X-Exl-Api-Remaining": str(max(self.remaining - 1, 0))}
            try:
                self._check_key(request)
                answer = act(request, await _read_body(request))
            except AlmaError as error:
                return _write_refusal(request, error, headers)
            if isinstance(answer, web.Response):
                return answer
            if _wants_xml(request):
                return _write_xml(_name_answer(request), answer, headers=headers)
            return web.json_response(answer, headers=headers)

        return handle

    def _check_key(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"apikey {self.api_key}":
            raise AlmaError("UNAUTHORIZED", "API-key not defined or not configured to allow this API.", 403)
        area = request.path.removeprefix(f"{API}/").split("/")[0]
        if area not in self.areas or (area in self.read_only and request.method != "GET"):
            raise AlmaError("UNAUTHORIZED", "API-key not defined or not configured to allow this API.", 403)
        if self.remaining <= 0:
            raise AlmaError("DAILY_THRESHOLD", "HTTP requests are more than allowed per day.", 429)
        self.remaining -= 1

    # --- users -------------------------------------------------------------------------------------------

    def _find_user(self, request: web.Request) -> Row:
        return self.state.find_user(request.match_info["user"])

    def _show_user(self, request: web.Request, _body: Row) -> Row:
        return self.state.describe_user(self._find_user(request))

    def _check_password(self, request: web.Request, _body: Row) -> web.Response:
        password = self.state.passwords.get(self._find_user(request)["primary_id"])
        sent = unquote(request.headers.get("Exl-User-Pw", ""))
        if request.query.get("op") != "auth" or password is None or sent != password:
            raise AlmaError("401866", "User authentication failed.")
        return web.Response(status=204)

    def _list_user_loans(self, request: web.Request, _body: Row) -> Row:
        user = self._find_user(request)["primary_id"]
        rows = (loan for loan in self.state.loans.values() if loan["user_id"] == user)
        return _cut_page(request, rows, "item_loan")

    def _lend_item(self, request: web.Request, body: Row) -> Row:
        return self.state.lend_item(request.match_info["user"], request.query.get("item_barcode", ""), body)

    def _find_loan(self, request: web.Request) -> Row:
        return self.state.find_loan(request.match_info["user"], request.match_info["number"])

    def _show_loan(self, request: web.Request, _body: Row) -> Row:
        return self._find_loan(request)

    def _change_loan(self, request: web.Request, body: Row) -> Row:
        return self.state.change_due_date(self._find_loan(request), body)

    def _renew_loan(self, request: web.Request, _body: Row) -> Row:
        if request.query.get("op") != "renew":
            raise AlmaError("401652", "General error.")
        return self.state.renew_loan(self._find_loan(request))

    def _list_user_requests(self, request: web.Request, _body: Row) -> Row:
        user = self._find_user(request)["primary_id"]
        rows = (row for row in self.state.requests.values() if row["user_primary_id"] == user)
        return _cut_page(request, map(self.state.describe_request, rows), "user_request")

    def _add_request(self, request: web.Request, body: Row) -> Row:
        pid, mms = request.query.get("item_pid", ""), request.query.get("mms_id", "")
        item = self.state.items.get(pid)
        if pid and item is None:
            raise AlmaError("401689", f"No items found for item {pid}.")
        mms = item["bib_data"]["mms_id"] if item is not None else mms
        return self.state.add_request(request.match_info["user"], item, mms, body)

    def _show_request(self, request: web.Request, _body: Row) -> Row:
        return self.state.find_request(request.match_info["user"], request.match_info["number"])

    def _cancel_request(self, request: web.Request, body: Row) -> web.Response:
        self.state.cancel_request(self._show_request(request, body), request.query.get("reason", ""))
        return web.Response(status=204)

    def _list_fees(self, request: web.Request, _body: Row) -> Row:
        user = self._find_user(request)["primary_id"]
        rows = [fee for fee in self.state.fees.values() if fee["user"] == user]
        return cut_page(rows, "fee", len(rows), 0)

    def _add_fee(self, request: web.Request, body: Row) -> Row:
        return self.state.add_fee(request.match_info["user"], body)

    def _create_user(self, _request: web.Request, body: Row) -> Row:
        return self._cataloguer.create_user(body)

    def _change_user(self, request: web.Request, body: Row) -> Row:
        overridden = request.query.get("override", "").split(",")
        return self._cataloguer.change_user(self._find_user(request), body, overridden)

    def _change_request(self, request: web.Request, body: Row) -> Row:
        return self.state.change_request(request.match_info["user"], request.match_info["number"], body)

    # --- records and items -------------------------------------------------------------------------------

    def _find_bibs(self, request: web.Request, _body: Row) -> Row:
        number, mms = request.query.get("other_system_id", ""), request.query.get("mms_id", "")
        rows = (
            bib
            for bib in self.state.bibs.values()
            if bib["mms_id"] == mms or (number and number in bib.get("network_number", ()))
        )
        return cut_page(rows, "bib", 100, 0)

    def _show_bib(self, request: web.Request, _body: Row) -> Row:
        return self.state.find_bib(request.match_info["mms"])

    def _add_record(self, _request: web.Request, body: Row) -> Row:
        return self._cataloguer.add_record(_require_xml(body))

    def _delete_record(self, request: web.Request, _body: Row) -> web.Response:
        self._cataloguer.delete_record(request.match_info["mms"], is_override=_is_override(request))
        return web.Response(status=204)

    def _list_holdings(self, request: web.Request, _body: Row) -> Row:
        mms = self._show_bib(request, {})["mms_id"]
        rows = [holding for holding in self.state.holdings.values() if holding["mms_id"] == mms]
        return cut_page(rows, "holding", len(rows), 0)

    def _add_holding(self, request: web.Request, body: Row) -> Row:
        return self._cataloguer.add_holding(request.match_info["mms"], _require_xml(body))

    def _delete_holding(self, request: web.Request, _body: Row) -> web.Response:
        self._cataloguer.delete_holding(request.match_info["holding"])
        return web.Response(status=204)

    def _list_holding_items(self, request: web.Request, _body: Row) -> Row:
        number = request.match_info["holding"]
        rows = (item for item in self.state.items.values() if item["holding_data"]["holding_id"] == number)
        return _cut_page(request, rows, "item")

    def _add_item(self, request: web.Request, body: Row) -> Row:
        return self._cataloguer.add_item(request.match_info["mms"], request.match_info["holding"], body)

    def _change_item(self, request: web.Request, body: Row) -> Row:
        return self._cataloguer.change_item(self._load_item(request), body)

    def _delete_item(self, request: web.Request, _body: Row) -> web.Response:
        holdings = request.query.get("holdings", "retain")
        self._cataloguer.delete_item(self._load_item(request), is_override=_is_override(request), holdings=holdings)
        return web.Response(status=204)

    def _list_bib_requests(self, request: web.Request, _body: Row) -> Row:
        mms = self._show_bib(request, {})["mms_id"]
        rows = (row for row in self.state.requests.values() if row["mms_id"] == mms)
        return _cut_page(request, map(self.state.describe_request, rows), "user_request")

    def _list_items(self, request: web.Request, _body: Row) -> Row:
        mms = self._show_bib(request, {})["mms_id"]
        return _cut_page(
            request, (item for item in self.state.items.values() if item["bib_data"]["mms_id"] == mms), "item"
        )

    def _find_item(self, request: web.Request, _body: Row) -> web.Response:
        """Answers by redirect to the item's own URL."""
        item = self.state.find_item(request.query.get("item_barcode", ""))
        mms, holding = item["bib_data"]["mms_id"], item["holding_data"]["holding_id"]
        place = f"{self.url}{API}/bibs/{mms}/holdings/{holding}/items/{item['item_data']['pid']}"
        return web.Response(status=302, headers={"Location": place})

    def _load_item(self, request: web.Request) -> Row:
        item = self.state.items.get(request.match_info["pid"])
        if item is None or item["bib_data"]["mms_id"] != request.match_info["mms"]:
            raise AlmaError("401689", "No items found.")
        return item

    def _show_item(self, request: web.Request, _body: Row) -> Row:
        return self._load_item(request)

    def _scan_item(self, request: web.Request, _body: Row) -> Row:
        if request.query.get("op") != "scan":
            raise AlmaError("401652", "General error.")
        item, query = self._load_item(request), request.query
        if (
            query.get("register_in_house_use", "true") == "true"
            and self.state.loan_of_item(item["item_data"]["barcode"]) is None
        ):
            self.state.in_house_uses += 1
        is_for_shelf = query.get("place_on_hold_shelf", "false") == "true"
        return self.state.scan_item(item, query.get("library", ""), query["circ_desk"], is_for_shelf=is_for_shelf)

    def _list_item_loans(self, request: web.Request, _body: Row) -> Row:
        loan = self.state.loan_of_item(self._load_item(request)["item_data"]["barcode"])
        return _cut_page(request, [loan] if loan is not None else [], "item_loan")

    def _list_item_requests(self, request: web.Request, _body: Row) -> Row:
        rows = self.state.requests_of_item(self._load_item(request))
        return _cut_page(request, map(self.state.describe_request, rows), "user_request")

    # --- configuration -----------------------------------------------------------------------------------

    def _list_libraries(self, _request: web.Request, _body: Row) -> Row:
        rows = [{"code": code, "name": name} for code, name in self.state.libraries.items()]
        return cut_page(rows, "library", len(rows), 0)

    def _list_locations(self, request: web.Request, _body: Row) -> Row:
        codes = self.state.locations.get(request.match_info["library"])
        if codes is None:
            raise AlmaError(GENERAL_ERROR, "The library was not found.")
        rows = [{"code": code, "name": code} for code in sorted(codes)]
        return cut_page(rows, "location", len(rows), 0)

    def _list_desks(self, request: web.Request, _body: Row) -> Row:
        code = self.state.desks.get(request.match_info["library"])
        if code is None:
            raise AlmaError(GENERAL_ERROR, "The library was not found.")
        return cut_page([{"code": code, "name": code}], "circ_desk", 1, 0)

    def _show_code_table(self, request: web.Request, _body: Row) -> Row:
        state, name = self.state, request.match_info["table"]
        tables = {
            "ItemPolicy": state.item_policies,
            "PhysicalMaterialType": state.material_types,
            "UserGroups": state.user_groups,
            "FineFeeTransactionType": state.fee_types,
            "RequestCancellationReasons": state.cancel_reasons,
            "UserIdentifierTypes": state.identifier_types,
        }
        if name not in tables or name in self.hidden_tables:
            raise AlmaError(GENERAL_ERROR, f"Code table {name} was not found.")
        rows = [{"code": code, "description": code, "enabled": True} for code in sorted(tables[name])]
        return {"name": name, "row": rows}


async def _read_body(request: web.Request) -> Row:
    """JSON; XML as bytes under `xml`."""
    data = await request.read()
    if request.content_type.endswith("xml"):
        return {"xml": data}
    try:
        body = json.loads(data) if data else {}
    except ValueError as error:
        raise AlmaError("60105", "JSON is not valid.") from error
    if not isinstance(body, dict):
        raise AlmaError("60105", "JSON is not valid.")
    return body


def _require_xml(body: Row) -> bytes:
    """Records and holdings are taken in XML only."""
    if not isinstance(body.get("xml"), bytes):
        raise AlmaError("60105", "This is supported in XML only.")
    return bytes(body["xml"])


def _is_override(request: web.Request) -> bool:
    return request.query.get("override") == "true"


def _cut_page(request: web.Request, rows: Any, name: str) -> Row:
    return cut_page(rows, name, min(int(request.query.get("limit", 10)), 100), int(request.query.get("offset", 0)))


def _wants_xml(request: web.Request) -> bool:
    return "xml" in request.headers.get("Accept", "")


def _name_answer(request: web.Request) -> str:
    """The root of its XML: that of the last part of the path that names a thing."""
    names = {"bibs": "bib", "holdings": "holding", "items": "item", "users": "user"}
    parts = request.path.split("/")
    known = [part for part in parts if part in names]
    is_list = request.method == "GET" and parts[-1] in names and parts[-1] != "bibs"
    return known[-1] if is_list else names.get(known[-1] if known else "", "result")


def _write_xml(name: str, row: Row, *, status: int = 200, headers: Mapping[str, str]) -> web.Response:
    data = write_xml(name, row)
    return web.Response(body=data, content_type="application/xml", charset="utf-8", status=status, headers=headers)


def _write_refusal(request: web.Request, error: AlmaError, headers: Mapping[str, str]) -> web.Response:
    error_fields = {"errorCode": error.code, "errorMessage": error.message, "trackingId": "E01-0101000000-FAKE"}
    if _wants_xml(request):
        parts = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in error_fields.items())
        text = (
            f'<web_service_result xmlns="{ERROR_NAMESPACE}"><errorsExist>true</errorsExist>'
            f"<errorList><error>{parts}</error></errorList></web_service_result>"
        )
        return web.Response(text=text, content_type="application/xml", status=error.status, headers=headers)
    listed = {"errorsExist": True, "errorList": {"error": [error_fields]}}
    return web.json_response(listed, status=error.status, headers=headers)


def make_sample() -> AlmaState:
    """A small library to rehearse with."""
    state = AlmaState(now=lambda: datetime.now(UTC))
    for code, name in (("MAIN", "Main Library"), ("NORTH", "North Library"), ("RS", "Resource Sharing")):
        state.add_library(code, name)
    state.add_user("P1", "21000000000017", "Müller", "Ana", date(2099, 12, 31))
    state.add_user("P2", "21000000000025", "Папалазарова", "Нина", date(2099, 12, 31))
    mms = state.add_bib("Вишнёвый сад", "Чехов, А. П.", isbn="9780000010018", network_number=["(OCoLC)1001"])
    state.add_item(mms, "39000000000011", "MAIN", "BOOK")
    return state
