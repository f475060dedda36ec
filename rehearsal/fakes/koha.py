"""A fake Koha: its REST API under `/api/v1`, as far as interlibrary loan needs it (facts/ils-backends.md 1.2)."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aiohttp import web

from rehearsal.fakes.fake_server import FakeServer
from rehearsal.fakes.koha_queries import select_rows
from rehearsal.fakes.koha_schema import KohaError, Row, invalid_body
from rehearsal.fakes.koha_state import KohaState

API = "/api/v1"
TOKEN_SECONDS = 3600
DEFAULT_PAGE_ROWS = 20

ALL_PERMISSIONS = frozenset(
    {"borrowers", "catalogue", "circulate", "editcatalogue", "reserveforothers", "updatecharges", "parameters"}
)

_PATRON_EMBEDS = ("account_balance", "checkouts+count", "overdues+count", "extended_attributes", "library")
_CONTROL_PARAMETERS = frozenset({"q", "_match", "_page", "_per_page", "_order_by", "confirmation"})
_LIST = ("q", "_match", "_page", "_per_page", "_order_by")
_PATRON_COLUMNS = ("patron_id", "cardnumber", "userid", "surname", "firstname", "email", "library_id", "category_id")
_HOLD_COLUMNS = ("hold_id", "patron_id", "biblio_id", "item_id", "pickup_library_id", "hold_date", "status", "notes")
_HOLD_CHANGES = ("priority", "pickup_library_id", "suspended_until")

Act = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class _Route:
    """A path of the API. `permission`: without it 403; empty: whoever has signed in; `query`, `embeds`, `body`: what
    the query, `x-koha-embed` and the body may name (`body` empty: the state knows)."""

    method: str
    path: str
    act: Act
    permission: str
    query: tuple[str, ...] = ()
    embeds: tuple[str, ...] = ()
    body: tuple[str, ...] = ()

    @property
    def call(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class KohaAccess:
    """The account that may use the API, and what it has. `lacks`: calls that this release doesn't have, such as `POST
    /checkouts`; `is_near_main`: it embeds more and changes more of holds than releases that libraries run."""

    client_id: str = "illgate"
    client_secret: str = "koha-rehearsal"
    user: str = "illgate"
    password: str = "koha-rehearsal"
    user_id: int = 1
    permissions: frozenset[str] = ALL_PERMISSIONS
    lacks: frozenset[str] = frozenset()
    is_near_main: bool = False
    tokens: set[str] = field(default_factory=set)


class FakeKoha(FakeServer):
    """`state` and `access` may be changed at any time."""

    damages = ("stale-tokens", "duplicate-patron", "vanish-patron", "half-written-record", "check-in", "request-flow")
    introduction = (
        "API under /api/v1; client or user illgate, secret koha-rehearsal\n"
        "branches MAIN, NORTH, ILL; patrons 21000000000017 and 21000000000025, password 1234\n"
        "items 39000000000011 (in), 39000000000019 and 39000000000027 (two copies), 39000000000035 (not lent)"
    )

    def __init__(self, state: KohaState | None = None, access: KohaAccess | None = None) -> None:
        super().__init__()
        self.state = state or make_sample_koha()
        self.access = access or KohaAccess()
        self.only_requests_cancellation = False
        """Holds that wait on the shelf are not cancelled: only the wish is written down (202)."""

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(f"{API}/oauth/token", self._give_token)
        app.router.add_get(f"{API}/", self._guard(_Route("GET", "/", self._show_document, "")))
        for route in self._list_routes():
            app.router.add_route(route.method, API + route.path, self._guard(route))

    def do_damage(self, name: str, subject: str) -> str:
        state = self.state
        match name:
            case "stale-tokens":
                self.access.tokens.clear()
                return "all tokens have ended"
            case "duplicate-patron":
                twin = {**self._find_patron_by_card(subject), "patron_id": state.next_number()}
                state.patrons[twin["patron_id"]] = twin
                return "there are two patrons with this number"
            case "vanish-patron":
                state.patrons.pop(self._find_patron_by_card(subject)["patron_id"])
                return "the patron is gone"
            case "half-written-record":
                item = self._find_item_by_barcode(subject)
                del state.items[item["item_id"]]
                return "the record has lost its item"
            case "check-in":
                loan = state.checkout_of(self._find_item_by_barcode(subject)["item_id"])
                if loan is None:
                    raise KeyError("loan")
                state.end_checkout(loan["checkout_id"])
                return "taken back at the desk"
            case "request-flow":
                self.only_requests_cancellation = subject != "off"
                return "cancellations of holds are only requested"
        raise KeyError(name)

    def _find_patron_by_card(self, card: str) -> Row:
        for row in self.state.patrons.values():
            if row["cardnumber"] == card:
                return row
        raise KeyError("patron")

    def _find_item_by_barcode(self, barcode: str) -> Row:
        for row in self.state.items.values():
            if row["external_id"] == barcode:
                return row
        raise KeyError("item")

    # --- access ------------------------------------------------------------------------------------------

    async def _give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "Unimplemented grant type"}, status=400)
        access = self.access
        if (form.get("client_id"), form.get("client_secret")) != (access.client_id, access.client_secret):
            return web.json_response({"error": "unauthorized_client"}, status=403)
        token = secrets.token_urlsafe(24)
        access.tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    def _guard(self, route: _Route) -> Act:
        async def answer(request: web.Request) -> web.Response:
            if route.call in self.access.lacks:
                return web.json_response({"error": "Not found."}, status=404)
            if not self._is_signed_in(request):
                return web.json_response({"error": "Authentication failure."}, status=401)
            if route.permission and route.permission not in self.access.permissions:
                return web.json_response(
                    {
                        "error": "Authorization failure. Missing required permission(s).",
                        "required_permissions": {route.permission: "1"},
                    },
                    status=403,
                )
            try:
                await self.check_call(route, request)
                return await route.act(request)
            except KohaError as error:
                return web.json_response(error.body, status=error.status)

        return answer

    async def check_call(self, route: _Route, request: web.Request) -> None:
        """Check a call against what the document lists, as Koha does it before its own code is reached. Raises
        KohaError."""
        if unknown := set(_read_embeds(request)) - set(route.embeds):
            raise invalid_body("/x-koha-embed/0", f"Not in enum list: {', '.join(sorted(unknown))}.")
        if unknown := set(request.query) - set(route.query):
            raise invalid_body(f"/query/{min(unknown)}", "Malformed query string")
        if route.body and (unknown := set(await _read_body(request)) - set(route.body)):
            raise invalid_body("/body", f"Properties not allowed: {', '.join(sorted(unknown))}.")

    def _is_signed_in(self, request: web.Request) -> bool:
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            return value in self.access.tokens
        if kind == "Basic":
            return base64.b64decode(value).decode() == f"{self.access.user}:{self.access.password}"
        return False

    def _list_routes(self) -> tuple[_Route, ...]:
        """Queries and embeds are those of release 23.11."""
        state, is_near_main = self.state, self.access.is_near_main
        item_embeds, loan_embeds = (("biblio",), ("item", "item.biblio")) if is_near_main else ((), ())
        hold_changes = (*_HOLD_CHANGES, "expiration_date") if is_near_main else _HOLD_CHANGES
        patrons, loans = (*_PATRON_COLUMNS, *_LIST), ("patron_id", "checked_in", *_LIST)
        list_libraries = self._make_lister(lambda: state.libraries.values())
        list_item_types = self._make_lister(self._describe_item_types)
        list_categories = self._make_lister(self._describe_categories)
        list_biblios = self._make_lister(lambda: state.biblios.values())
        list_holds = self._make_lister(lambda: state.holds.values())
        return (
            _Route("GET", "/patrons", self._list_patrons, "borrowers", patrons, _PATRON_EMBEDS),
            _Route("POST", "/patrons", self._add_patron, "borrowers"),
            _Route("GET", "/patrons/{patron_id}", self._get_patron, "borrowers", (), ("extended_attributes",)),
            _Route("PUT", "/patrons/{patron_id}", self._change_patron, "borrowers"),
            _Route("DELETE", "/patrons/{patron_id}", self._delete_patron, "borrowers"),
            _Route("POST", "/patrons/{patron_id}/password", self._set_password, "borrowers"),
            _Route("GET", "/patrons/{patron_id}/account", self._get_account, "updatecharges"),
            _Route("GET", "/patrons/{patron_id}/account/debits", self._list_debits, "updatecharges", _LIST),
            _Route("POST", "/patrons/{patron_id}/account/debits", self._add_debit, "updatecharges"),
            _Route("POST", "/auth/password/validation", self._check_password, "borrowers"),
            _Route("GET", "/libraries", list_libraries, "", ("name", *_LIST)),
            _Route("GET", "/item_types", list_item_types, "catalogue", _LIST),
            _Route("GET", "/patron_categories", list_categories, "parameters", _LIST),
            _Route("GET", "/biblios", list_biblios, "catalogue", _LIST),
            _Route("POST", "/biblios", self._add_biblio, "editcatalogue"),
            _Route("GET", "/biblios/{biblio_id}", self._get_biblio, "catalogue"),
            _Route("DELETE", "/biblios/{biblio_id}", self._delete_biblio, "editcatalogue"),
            _Route("GET", "/biblios/{biblio_id}/items", self._list_biblio_items, "catalogue", _LIST),
            _Route("POST", "/biblios/{biblio_id}/items", self._add_item, "editcatalogue"),
            _Route("PUT", "/biblios/{biblio_id}/items/{item_id}", self._change_item, "editcatalogue"),
            _Route("GET", "/items", self._list_items, "catalogue", ("external_id", *_LIST), ("biblio",)),
            _Route("GET", "/items/{item_id}", self._get_item, "catalogue", (), item_embeds),
            _Route("DELETE", "/items/{item_id}", self._delete_item, "editcatalogue"),
            _Route("GET", "/holds", list_holds, "reserveforothers", (*_HOLD_COLUMNS, *_LIST)),
            _Route("POST", "/holds", self._add_hold, "reserveforothers"),
            _Route("PATCH", "/holds/{hold_id}", self._change_hold, "reserveforothers", body=hold_changes),
            _Route("DELETE", "/holds/{hold_id}", self._cancel_hold, "reserveforothers"),
            _Route("GET", "/checkouts", self._list_checkouts, "circulate", loans, loan_embeds),
            _Route("POST", "/checkouts", self._add_checkout, "circulate", ("confirmation",)),
            _Route("GET", "/checkouts/availability", self._judge_checkout, "circulate", ("patron_id", "item_id")),
            _Route("GET", "/checkouts/{checkout_id}", self._get_checkout, "circulate"),
            _Route("POST", "/checkouts/{checkout_id}/renewal", self._renew_checkout, "circulate", ("seen",)),
            _Route("POST", "/checkouts/{checkout_id}/renewals", self._renew_checkout, "circulate", ("seen",)),
        )

    async def _show_document(self, _request: web.Request) -> web.Response:
        return web.json_response(self.describe_api())

    def describe_api(self) -> Row:
        """Its own OpenAPI 2 document: what lists share is referred to, as in Koha's."""
        paths: dict[str, dict[str, Any]] = {}
        shared = {name: {"name": name, "in": "query", "type": "string"} for name in _LIST}
        for route in self._list_routes():
            if route.call in self.access.lacks:
                continue
            parameters: list[Row] = [
                {"$ref": f"#/parameters/{name}"} if name in shared else {"name": name, "in": "query", "type": "string"}
                for name in route.query
            ]
            if route.embeds:
                enum = {"type": "string", "enum": list(route.embeds)}
                parameters.append({"name": "x-koha-embed", "in": "header", "type": "array", "items": enum})
            if route.body:
                schema = {"type": "object", "properties": {key: {} for key in route.body}}
                parameters.append({"name": "body", "in": "body", "schema": schema})
            paths.setdefault(route.path, {})[route.method.lower()] = {"parameters": parameters}
        return {"swagger": "2.0", "basePath": API, "info": {"version": "1"}, "paths": paths, "parameters": shared}

    # --- lists -------------------------------------------------------------------------------------------

    def _make_lister(self, read_rows: Callable[[], Iterable[Row]]) -> Act:
        async def list_rows(request: web.Request) -> web.Response:
            return _render_page(request, read_rows())

        return list_rows

    def _describe_item_types(self) -> Iterable[Row]:
        return [{"item_type_id": code, "description": code} for code in sorted(self.state.item_types)]

    def _describe_categories(self) -> Iterable[Row]:
        return [{"patron_category_id": code, "name": code} for code in sorted(self.state.categories)]

    # --- patrons -----------------------------------------------------------------------------------------

    def _describe_patron(self, row: Row, request: web.Request) -> Row:
        more: Row = {}
        embeds = _read_embeds(request)
        if "account_balance" in embeds:
            more["account_balance"] = self.state.balance_of(row["patron_id"])
        if "checkouts+count" in embeds:
            borrowers = (loan["patron_id"] for loan in self.state.checkouts.values())
            more["checkouts_count"] = sum(borrower == row["patron_id"] for borrower in borrowers)
        return {**row, **more}

    async def _list_patrons(self, request: web.Request) -> web.Response:
        rows = [self._describe_patron(row, request) for row in self.state.patrons.values()]
        return _render_page(request, rows)

    async def _get_patron(self, request: web.Request) -> web.Response:
        row = self.state.find_patron(_read_number(request, "patron_id"))
        return web.json_response(self._describe_patron(row, request))

    async def _add_patron(self, request: web.Request) -> web.Response:
        return web.json_response(self.state.add_patron(await _read_body(request)), status=201)

    async def _change_patron(self, request: web.Request) -> web.Response:
        return web.json_response(
            self.state.change_patron(_read_number(request, "patron_id"), await _read_body(request))
        )

    async def _delete_patron(self, request: web.Request) -> web.Response:
        self.state.delete_patron(_read_number(request, "patron_id"))
        return web.Response(status=204)

    async def _set_password(self, request: web.Request) -> web.Response:
        row = self.state.find_patron(_read_number(request, "patron_id"))
        body = await _read_body(request)
        if body.get("password") != body.get("password_2"):
            raise KohaError(400, "Passwords don't match")
        if len(body["password"]) < 3:
            raise KohaError(400, "[Password length (2) is shorter than required (3)]")
        self.state.passwords[row["patron_id"]] = body["password"]
        return web.json_response("", status=200)

    async def _check_password(self, request: web.Request) -> web.Response:
        body = await _read_body(request)
        name = body.get("identifier") or body.get("userid")
        if not name or ("identifier" in body and "userid" in body) or "password" not in body:
            raise KohaError(400, "Bad request. Only one identifier attribute can be passed.")
        for row in self.state.patrons.values():
            if name in (row["cardnumber"], row["userid"]):
                password = self.state.passwords.get(row["patron_id"])
                if password is not None and password == body["password"]:
                    kept = {key: row[key] for key in ("cardnumber", "patron_id", "userid")}
                    return web.json_response(kept, status=201)
        raise KohaError(400, "Validation failed")

    async def _get_account(self, request: web.Request) -> web.Response:
        number = _read_number(request, "patron_id")
        self.state.find_patron(number)
        lines = [
            fee for fee in self.state.debits.values() if fee["patron_id"] == number and fee["amount_outstanding"] > 0
        ]
        balance = self.state.balance_of(number)
        return web.json_response(
            {
                "balance": balance,
                "outstanding_debits": {"total": balance, "lines": lines},
                "outstanding_credits": {"total": 0, "lines": []},
            }
        )

    async def _list_debits(self, request: web.Request) -> web.Response:
        number = _read_number(request, "patron_id")
        self.state.find_patron(number)
        return _render_page(request, [debit for debit in self.state.debits.values() if debit["patron_id"] == number])

    async def _add_debit(self, request: web.Request) -> web.Response:
        row = self.state.add_debit(_read_number(request, "patron_id"), await _read_body(request))
        return web.json_response(row, status=201)

    # --- records and items -------------------------------------------------------------------------------

    async def _add_biblio(self, request: web.Request) -> web.Response:
        if request.content_type != "application/marcxml+xml":
            raise KohaError(400, "Content-Type must be application/marcxml+xml here")
        is_confirmed = request.headers.get("x-confirm-not-duplicate") == "1"
        number = self.state.add_biblio(await request.read(), is_confirmed=is_confirmed)
        return web.json_response({"id": number})

    async def _get_biblio(self, request: web.Request) -> web.Response:
        return web.json_response(self.state.find_biblio(_read_number(request, "biblio_id")))

    async def _delete_biblio(self, request: web.Request) -> web.Response:
        self.state.delete_biblio(_read_number(request, "biblio_id"))
        return web.Response(status=204)

    def _describe_item(self, row: Row, request: web.Request) -> Row:
        return {**row, "biblio": self.state.biblios[row["biblio_id"]]} if "biblio" in _read_embeds(request) else row

    async def _list_items(self, request: web.Request) -> web.Response:
        return _render_page(request, [self._describe_item(row, request) for row in self.state.items.values()])

    async def _list_biblio_items(self, request: web.Request) -> web.Response:
        number = _read_number(request, "biblio_id")
        self.state.find_biblio(number)
        return _render_page(request, [self._describe_item(row, request) for row in self.state.items_of(number)])

    async def _get_item(self, request: web.Request) -> web.Response:
        return web.json_response(self._describe_item(self.state.find_item(_read_number(request, "item_id")), request))

    async def _add_item(self, request: web.Request) -> web.Response:
        row = self.state.add_item(_read_number(request, "biblio_id"), await _read_body(request))
        return web.json_response(row, status=201)

    async def _change_item(self, request: web.Request) -> web.Response:
        numbers = _read_number(request, "biblio_id"), _read_number(request, "item_id")
        return web.json_response(self.state.change_item(*numbers, await _read_body(request)))

    async def _delete_item(self, request: web.Request) -> web.Response:
        self.state.delete_item(_read_number(request, "item_id"))
        return web.Response(status=204)

    # --- holds -------------------------------------------------------------------------------------------

    async def _add_hold(self, request: web.Request) -> web.Response:
        return web.json_response(self.state.add_hold(await _read_body(request)), status=201)

    async def _change_hold(self, request: web.Request) -> web.Response:
        return web.json_response(self.state.change_hold(_read_number(request, "hold_id"), await _read_body(request)))

    async def _cancel_hold(self, request: web.Request) -> web.Response:
        number = _read_number(request, "hold_id")
        if self.only_requests_cancellation and self.state.find_hold(number)["status"] == "W":
            return web.Response(status=202)
        self.state.cancel_hold(number)
        return web.Response(status=204)

    # --- loans -------------------------------------------------------------------------------------------

    async def _list_checkouts(self, request: web.Request) -> web.Response:
        rows = []
        for row in self.state.checkouts.values():
            item = self.state.items[row["item_id"]]
            more: Row = {}
            if "item" in _read_embeds(request) or "item.biblio" in _read_embeds(request):
                more["item"] = dict(item)
            if "item.biblio" in _read_embeds(request):
                more["item"]["biblio"] = self.state.biblios[item["biblio_id"]]
            rows.append({**row, **more})
        return _render_page(request, rows)

    async def _get_checkout(self, request: web.Request) -> web.Response:
        return web.json_response(self.state.find_checkout(_read_number(request, "checkout_id")))

    async def _judge_checkout(self, request: web.Request) -> web.Response:
        patron = self.state.patrons.get(int(request.query["patron_id"]))
        item = self.state.items.get(int(request.query["item_id"]))
        if patron is None or item is None:  # Koha's own code fails here
            return web.json_response({"error": "Something went wrong, check the logs."}, status=500)
        blockers, confirms = self.state.judge_checkout(patron, item)
        token = self._make_confirmation(item, confirms)
        answer = {"blockers": blockers, "confirms": confirms, "warnings": {}, "confirmation_token": token}
        return web.json_response(answer)

    def _make_confirmation(self, item: Row, confirms: Row) -> str:
        text = ":".join((str(self.access.user_id), str(item["item_id"]), *sorted(confirms)))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    async def _add_checkout(self, request: web.Request) -> web.Response:
        body = await _read_body(request)
        if not body.get("item_id"):
            raise KohaError(400, "Missing or wrong parameters", "MISSING_OR_WRONG_PARAMETERS")
        item = self.state.items.get(body["item_id"])
        if item is None:
            raise KohaError(409, "Item not found", "ITEM_NOT_FOUND")
        patron = self.state.patrons.get(body.get("patron_id", 0))
        if patron is None:
            raise KohaError(409, "Patron not found", "PATRON_NOT_FOUND")
        blockers, confirms = self.state.judge_checkout(patron, item)
        if blockers:
            raise KohaError(403, f"Checkout not authorized ({' '.join(blockers)})")
        if confirms and request.query.get("confirmation") != self._make_confirmation(item, confirms):
            raise KohaError(412, "Confirmation error")
        return web.json_response(self.state.add_checkout(patron, item), status=201)

    async def _renew_checkout(self, request: web.Request) -> web.Response:
        row = self.state.find_checkout(_read_number(request, "checkout_id"))
        if reason := self.state.judge_renewal(row):
            raise KohaError(403, f"Renewal not authorized ({reason})", reason)
        return web.json_response(self.state.renew_checkout(row["checkout_id"]), status=201)


# --- requests and answers --------------------------------------------------------------------------------


def _read_embeds(request: web.Request) -> tuple[str, ...]:
    return tuple(part for part in request.headers.get("x-koha-embed", "").split(",") if part)


def _read_number(request: web.Request, name: str) -> int:
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit()):
        raise invalid_body(f"/{name}", "Expected integer - got string.")
    return int(text)


async def _read_body(request: web.Request) -> Row:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise KohaError(400, "Malformed JSON") from error
    if not isinstance(body, dict):
        raise invalid_body("/body", "Expected object.")
    return body


def _render_page(request: web.Request, rows: Iterable[Row]) -> web.Response:
    query = request.query
    plain = [(key, value) for key, value in query.items() if key not in _CONTROL_PARAMETERS]
    fitting = select_rows(rows, query.get("q"), plain, query.get("_match", "contains"))
    size = int(query.get("_per_page", DEFAULT_PAGE_ROWS))
    page = int(query.get("_page", 1))
    shown = fitting if size == -1 else fitting[(page - 1) * size : page * size]
    return web.json_response(shown, headers={"X-Total-Count": str(len(fitting))})


# --- a small library -------------------------------------------------------------------------------------


def make_sample_koha() -> KohaState:
    """A library to rehearse with: branches MAIN, NORTH and ILL, patrons 21000000000017 and …25 (password 1234), items
    39000000000011 (in), …19 and …27 (two copies), …35 (not lent)."""
    state = KohaState()
    state.next_number()  # 1 is the user of the API
    for code, name in (("MAIN", "Main library"), ("NORTH", "North branch"), ("ILL", "Interlibrary loan")):
        state.add_library(code, name)
    state.categories |= {"ADULT", "VISITOR", "ILLLIB"}
    state.item_types |= {"BK", "REF", "ILL"}
    expires = (state.now().date() + timedelta(days=700)).isoformat()
    for card, surname, given in (("21000000000017", "Müller", "Ana"), ("21000000000025", "Папалазарова", "Нина")):
        row = state.add_patron(make_patron_body(card, surname, given, "MAIN", "ADULT", expires))
        state.passwords[row["patron_id"]] = "1234"
    sakura = state.add_biblio(make_marcxml("Вишнёвый сад", "Чехов, А. П.", isbn="9780000010018"))
    dream = state.add_biblio(make_marcxml("紅楼夢", "曹雪芹"))
    atlas = state.add_biblio(make_marcxml("Atlas für den Lesesaal", "Grünwald, Öykü"))
    for biblio, barcode in (
        (sakura, "39000000000011"),
        (dream, "39000000000019"),
        (dream, "39000000000027"),
        (atlas, "39000000000035"),
    ):
        not_lent = 1 if barcode.endswith("35") else 0
        state.add_item(biblio, make_item_body(barcode, "MAIN", "REF" if not_lent else "BK", not_lent))
    return state


def make_patron_body(card: str, surname: str, given: str, library: str, category: str, expires: str | date) -> Row:
    return {
        "cardnumber": card,
        "surname": surname,
        "firstname": given,
        "library_id": library,
        "category_id": category,
        "email": f"{card}@library.example",
        "expiry_date": str(expires),
    }


def make_item_body(barcode: str, library: str, item_type: str, not_for_loan: int = 0) -> Row:
    return {
        "external_id": barcode,
        "home_library_id": library,
        "holding_library_id": library,
        "item_type_id": item_type,
        "not_for_loan_status": not_for_loan,
        "callnumber": f"S {barcode[-3:]}",
    }


def make_marcxml(title: str, author: str, *, isbn: str = "") -> bytes:
    """A short record; the texts may not hold `<` and `&`."""
    isbn_field = f'<datafield tag="020" ind1=" " ind2=" "><subfield code="a">{isbn}</subfield></datafield>'
    return (
        '<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam a2200000 i 4500</leader>'
        f"{isbn_field if isbn else ''}"
        f'<datafield tag="100" ind1="1" ind2=" "><subfield code="a">{author}</subfield></datafield>'
        f'<datafield tag="245" ind1="1" ind2="0"><subfield code="a">{title}</subfield></datafield></record>'
    ).encode()
