"""`illgate check --live` on FOLIO: connection, login, permissions, each code that the settings name, and a patron and
an item kept for this. What is missing is named with where it is created in FOLIO. Nothing is changed.

Whether a change is permitted is found out by sending an empty list, which no operation takes: who lacks the permission
gets 403, all others a complaint about the list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from uuid import uuid4

from adapters.library.folio.code_tables import CodeTable
from adapters.library.folio.lookups import FolioDesk
from adapters.library.folio.options import FolioOptions
from adapters.library.folio.records import ITEM_STATUSES
from adapters.library.parallel_questions import ask_together
from adapters.library.probe_recorder import ProbedServer, ProbeFailureError, ProbeRecorder
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.value import value_object
from gateway.ports.library_system import PatronKey, ProbeStep

_ID = "{id}"


@value_object
class NeededPermission:
    """`method` and `path`: a call that needs it; `name`: as FOLIO lists it; `for_what`: what can't be done without."""

    method: str
    path: str
    name: str
    for_what: str


PERMISSIONS: tuple[NeededPermission, ...] = (
    NeededPermission("GET", "/users", "users.collection.get", "look up patrons"),
    NeededPermission("GET", f"/users/{_ID}", "users.item.get", "look up patrons"),
    NeededPermission("GET", "/groups", "usergroups.collection.get", "look up patrons"),
    NeededPermission("GET", "/addresstypes", "addresstypes.collection.get", "look up patrons"),
    NeededPermission("POST", "/users", "users.item.post", "record libraries and visitors as patrons"),
    NeededPermission("PUT", f"/users/{_ID}", "users.item.put", "change patrons"),
    NeededPermission("DELETE", f"/users/{_ID}", "users.item.delete", "delete visitors"),
    NeededPermission("POST", "/patron-pin", "patron-pin.post", "give visitors a PIN"),
    NeededPermission("GET", "/manualblocks", "manualblocks.collection.get", "see blocks"),
    NeededPermission("GET", f"/automated-patron-blocks/{_ID}", "automated-patron-blocks.collection.get", "see blocks"),
    NeededPermission("GET", "/accounts", "accounts.collection.get", "see fees"),
    NeededPermission("GET", "/service-points", "inventory-storage.service-points.collection.get", "know places"),
    NeededPermission(
        "GET", "/service-points-users", "inventory-storage.service-points-users.collection.get", "know a patron's place"
    ),
    NeededPermission("GET", "/locations", "inventory-storage.locations.collection.get", "know places"),
    NeededPermission("GET", "/loan-types", "inventory-storage.loan-types.collection.get", "know loan types"),
    NeededPermission("GET", "/inventory/items", "inventory.items.collection.get", "look up items"),
    NeededPermission("GET", f"/inventory/items/{_ID}", "inventory.items.item.get", "look up items"),
    NeededPermission("GET", "/inventory/instances", "inventory.instances.collection.get", "look up records"),
    NeededPermission("GET", f"/inventory/instances/{_ID}", "inventory.instances.item.get", "look up records"),
    NeededPermission(
        "GET", "/identifier-types", "inventory-storage.identifier-types.collection.get", "look up records"
    ),
    NeededPermission("GET", "/holdings-storage/holdings", "inventory-storage.holdings.collection.get", "list copies"),
    NeededPermission(
        "GET", f"/holdings-storage/holdings/{_ID}", "inventory-storage.holdings.item.get", "look up items"
    ),
    NeededPermission("GET", "/circulation/loans", "circulation.loans.collection.get", "see loans"),
    NeededPermission("GET", f"/circulation/loans/{_ID}", "circulation.loans.item.get", "see loans"),
    NeededPermission("GET", "/circulation/requests", "circulation.requests.collection.get", "see requests"),
    NeededPermission("GET", f"/circulation/requests/{_ID}", "circulation.requests.item.get", "see requests"),
    NeededPermission("POST", "/circulation/requests", "circulation.requests.item.post", "place requests"),
    NeededPermission("PUT", f"/circulation/requests/{_ID}", "circulation.requests.item.put", "cancel requests"),
    NeededPermission("POST", "/circulation/check-out-by-barcode", "circulation.check-out-by-barcode.post", "lend"),
    NeededPermission("POST", "/circulation/check-in-by-barcode", "circulation.check-in-by-barcode.post", "check in"),
    NeededPermission("POST", "/circulation/renew-by-barcode", "circulation.renew-by-barcode.post", "renew"),
    NeededPermission(
        "POST",
        f"/circulation/loans/{_ID}/change-due-date",
        "circulation.loans.change-due-date.post",
        "set the lender's due date",
    ),
    NeededPermission(
        "POST",
        f"/circulation/loans/{_ID}/declare-item-lost",
        "circulation.loans.declare-item-lost.post",
        "record what was lost",
    ),
    NeededPermission(
        "POST",
        f"/inventory/items/{_ID}/mark-missing",
        "inventory.items.item.mark-missing.post",
        "record what is missing",
    ),
    NeededPermission(
        "POST",
        f"/inventory/items/{_ID}/mark-in-process",
        "inventory.items.item.mark-in-process.post",
        "record what is in process",
    ),
    NeededPermission(
        "POST",
        f"/inventory/items/{_ID}/mark-unavailable",
        "inventory.items.item.mark-unavailable.post",
        "record what is not available",
    ),
    NeededPermission("PUT", f"/inventory/items/{_ID}", "inventory.items.item.put", "move items"),
)

PIN_PERMISSIONS: tuple[NeededPermission, ...] = (
    NeededPermission("POST", "/patron-pin/verify", "patron-pin.validate", "check PINs"),
)

SEARCH_PERMISSIONS: tuple[NeededPermission, ...] = (
    NeededPermission("GET", "/search/instances", "search.instances.collection.get", "search"),
)

CANCELLATION_PERMISSIONS: tuple[NeededPermission, ...] = (
    NeededPermission(
        "GET",
        "/cancellation-reason-storage/cancellation-reasons",
        "circulation-storage.cancellation-reasons.collection.get",
        "cancel requests",
    ),
)

TEMPORARY_PERMISSIONS: tuple[NeededPermission, ...] = (
    NeededPermission(
        "GET", "/material-types", "inventory-storage.material-types.collection.get", "record partners' items"
    ),
    NeededPermission(
        "GET", "/instance-types", "inventory-storage.instance-types.collection.get", "record partners' items"
    ),
    NeededPermission(
        "GET", "/holdings-sources", "inventory-storage.holdings-sources.collection.get", "record partners' items"
    ),
    NeededPermission(
        "GET",
        "/contributor-name-types",
        "inventory-storage.contributor-name-types.collection.get",
        "record partners' items",
    ),
    NeededPermission("POST", "/inventory/instances", "inventory.instances.item.post", "record partners' items"),
    NeededPermission(
        "POST", "/holdings-storage/holdings", "inventory-storage.holdings.item.post", "record partners' items"
    ),
    NeededPermission("POST", "/inventory/items", "inventory.items.item.post", "record partners' items"),
    NeededPermission("DELETE", f"/inventory/items/{_ID}", "inventory.items.item.delete", "delete partners' items"),
    NeededPermission(
        "DELETE",
        f"/holdings-storage/holdings/{_ID}",
        "inventory-storage.holdings.item.delete",
        "delete partners' items",
    ),
    NeededPermission(
        "DELETE", f"/inventory/instances/{_ID}", "inventory.instances.item.delete", "delete partners' items"
    ),
)

FEE_PERMISSIONS: tuple[NeededPermission, ...] = (
    NeededPermission("GET", "/owners", "owners.collection.get", "charge fees"),
    NeededPermission("GET", "/feefines", "feefines.collection.get", "charge fees"),
    NeededPermission("POST", "/accounts", "accounts.item.post", "charge fees"),
    NeededPermission("GET", f"/accounts/{_ID}", "accounts.item.get", "find a fee whose answer was lost"),
    NeededPermission("POST", "/feefineactions", "feefineactions.item.post", "charge fees"),
    NeededPermission("GET", f"/feefineactions/{_ID}", "feefineactions.item.get", "find a fee whose answer was lost"),
)


def list_needed_permissions(options: FolioOptions) -> tuple[NeededPermission, ...]:
    """List the permissions by what the settings make use of."""
    groups = (
        (True, PERMISSIONS),
        (options.checks_pins, PIN_PERMISSIONS),
        (options.search, SEARCH_PERMISSIONS),
        (bool(options.cancellation_reason), CANCELLATION_PERMISSIONS),
        (bool(options.temporary_items.material_type), TEMPORARY_PERMISSIONS),
        (bool(options.fee_owner), FEE_PERMISSIONS),
    )
    return tuple(permission for is_used, group in groups if is_used for permission in group)


def name_all_permissions() -> frozenset[str]:
    """Name the permissions whatever the settings are: those that docs/library-systems/folio.md lists."""
    groups = (
        PERMISSIONS,
        PIN_PERMISSIONS,
        SEARCH_PERMISSIONS,
        CANCELLATION_PERMISSIONS,
        TEMPORARY_PERMISSIONS,
        FEE_PERMISSIONS,
    )
    return frozenset(permission.name for group in groups for permission in group)


WHERE_CREATED: Mapping[CodeTable, str] = {
    CodeTable.LOAN_TYPES: "Settings > Inventory > Loan types",
    CodeTable.MATERIAL_TYPES: "Settings > Inventory > Material types",
    CodeTable.INSTANCE_TYPES: "Settings > Inventory > Resource types",
    CodeTable.HOLDINGS_SOURCES: "Settings > Inventory > Holdings sources",
    CodeTable.CANCELLATION_REASONS: "Settings > Circulation > Request cancellation reasons",
}


class FolioProbe:
    def __init__(self, desk: FolioDesk, folder: Path) -> None:
        self._desk = desk
        self._options = desk.options
        self._folder = folder
        self._recorder = ProbeRecorder()

    async def try_steps(self) -> tuple[ProbeStep, ...]:
        """Try steps until one fails that the others need."""
        options, recorder = self._options, self._recorder
        tls = options.make_tls(self._folder)
        if not await recorder.try_connection(ProbedServer.of_url(options.url, tls, options.seconds.connect)):
            return tuple(recorder.steps)
        if not await recorder.try_step("login", self._sign_in):
            return tuple(recorder.steps)
        await self._try_permissions()
        await self._try_codes()
        if options.trial.patron:
            await recorder.try_step("patron", partial(_say_key, "trial.patron", self._look_up_patron))
        if options.trial.item:
            await recorder.try_step("item", partial(_say_key, "trial.item", self._look_up_item))
        return tuple(recorder.steps)

    async def _sign_in(self) -> str:
        """Sign in by a question about service points, which the gateway needs in any case."""
        user, tenant = self._options.login.user, self._options.tenant
        try:
            await self._desk.client.sign_in_now()
        except Unavailable as down:
            raise ProbeFailureError("login", str(down)) from down
        return f"user '{user}' of tenant '{tenant}' is accepted"

    # --- permissions -------------------------------------------------------------------------------------

    async def _try_permissions(self) -> None:
        options = self._options
        needed = list_needed_permissions(options)
        lacking = await ask_together(*(self._find_lack(permission) for permission in needed))
        missing = [permission for permission, is_missing in zip(needed, lacking, strict=True) if is_missing]
        for lack in missing:
            await self._recorder.try_step(
                "permission",
                partial(
                    _fail_step,
                    "login.user",
                    f"{lack.name} is missing, needed to {lack.for_what}: give it to '{options.login.user}' "
                    "in Settings > Developer or by a role (Eureka)",
                ),
            )
        if not missing:
            await self._recorder.try_step("permissions", partial(_say_words, f"all {len(needed)} are there"))

    async def _find_lack(self, needed: NeededPermission) -> bool:
        """Return whether FOLIO forbids it. Other failures say nothing about permissions."""
        path = needed.path.replace(_ID, str(uuid4()))
        client = self._desk.client
        try:
            return await client.is_forbidden(needed.method, path, title=needed.path)
        except (Unavailable, OutcomeUnknown):
            return False

    # --- codes -------------------------------------------------------------------------------------------

    async def _try_codes(self) -> None:
        options, wanted = self._options, self._options.temporary_items
        await self._try_code("service_point", self._check_service_point)
        if options.branch:
            await self._try_code("branch", self._check_branch)
        tables = [
            (CodeTable.CANCELLATION_REASONS, "cancellation_reason", options.cancellation_reason),
            (CodeTable.MATERIAL_TYPES, "temporary_items.material_type", wanted.material_type),
            (CodeTable.LOAN_TYPES, "temporary_items.loan_type", wanted.loan_type),
        ]
        if wanted.material_type:
            tables += [
                (CodeTable.INSTANCE_TYPES, "temporary_items.instance_type", wanted.instance_type),
                (CodeTable.HOLDINGS_SOURCES, "temporary_items.holdings_source", wanted.holdings_source),
            ]
        tables += [(CodeTable.LOAN_TYPES, "not_lent", name) for name in options.not_lent]
        for table, key, word in tables:
            if word:
                await self._try_code(key, partial(self._check_word, table, key, word))
        if wanted.location:
            await self._try_code("temporary_items.location", self._check_location)
        if options.fee_owner:
            await self._try_code("fee_owner", self._check_owner)

    async def _try_code(self, key: str, check: Callable[[], Awaitable[str]]) -> None:
        await self._recorder.try_step(key, check)

    async def _check_service_point(self) -> str:
        code = self._options.service_point
        point = await self._desk.codes.find_service_point(code)
        if point is None:
            raise ProbeFailureError(
                "service_point",
                f"FOLIO has no service point '{code}': create it in Settings > Tenant > Service points",
            )
        if not point.pickup_location:
            raise ProbeFailureError(
                "service_point", f"service point '{code}' is no pickup location: set it so in Settings > Tenant"
            )
        return f"'{code}' is {point.discovery_display_name or point.name}"

    async def _check_branch(self) -> str:
        code = self._options.branch
        if await self._desk.codes.find_service_point(code) is None:
            raise ProbeFailureError("branch", f"FOLIO has no service point '{code}'")
        return f"'{code}' is there"

    async def _check_word(self, table: CodeTable, key: str, word: str) -> str:
        if await self._desk.codes.find_id(table, word) is None:
            raise ProbeFailureError(key, f"FOLIO has no {table.words} '{word}': create it in {WHERE_CREATED[table]}")
        return f"'{word}' is there"

    async def _check_location(self) -> str:
        code = self._options.temporary_items.location
        location = await self._desk.codes.find_location("", code)
        if location is None:
            raise ProbeFailureError(
                "temporary_items.location",
                f"FOLIO has no location '{code}': create it in Settings > Tenant > Locations",
            )
        return f"'{code}' is {location.discovery_display_name or location.name}"

    async def _check_owner(self) -> str:
        owner = self._options.fee_owner
        if await self._desk.codes.find_owner() is None:
            raise ProbeFailureError(
                "fee_owner", f"FOLIO has no fee owner '{owner}': create it in Settings > Users > Fee/fine: Owners"
            )
        types = await self._desk.codes.load_fee_types()
        if not types:
            raise ProbeFailureError(
                "fee_owner", f"owner '{owner}' has no fee types: Settings > Users > Fee/fine: Manual charges"
            )
        return f"'{owner}' has {len(types)} fee types"

    # --- what is kept for trying -------------------------------------------------------------------------

    async def _look_up_patron(self) -> str:
        """Look up the patron; what is said names nobody."""
        patron = await self._desk.load_patron(await self._desk.find_user(PatronKey(self._options.trial.patron)))
        if not patron.category:
            raise ProbeFailureError("trial.patron", "the patron has no patron group: FOLIO will refuse requests")
        return "found, " + ("blocked" if patron.blocks else "not blocked")

    async def _look_up_item(self) -> str:
        state = await self._desk.require_item(self._options.trial.item)
        item = await self._desk.describe_item(state)
        if not item.home.library:
            raise ProbeFailureError("trial.item", "the item's location has no primary service point")
        known = "" if state.answer.status.name in ITEM_STATUSES else f" (FOLIO: {state.answer.status.name})"
        return f"found, {item.status.value}{known}, at {item.home.library}"


async def _say_key(key: str, look_up: Callable[[], Awaitable[str]]) -> str:
    try:
        return await look_up()
    except Refused as refused:
        raise ProbeFailureError(key, refused.detail) from refused


async def _fail_step(key: str, problem: str) -> str:
    raise ProbeFailureError(key, problem)


async def _say_words(words: str) -> str:
    return words
