"""`illgate check --live` on an Alma: connection, key and its areas, each code that is set, and how to mend them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TypeVar

from adapters.library.alma.client import KEY_LACKS_AREA, AlmaClient, AlmaRefusalError
from adapters.library.alma.code_lists import (
    CANCEL_REASONS,
    FEE_TYPES,
    IDENTIFIER_TYPES,
    ITEM_POLICIES,
    MATERIAL_TYPES,
    CodeLists,
)
from adapters.library.alma.fees import AlmaFeeDesk
from adapters.library.alma.lookups import AlmaDesk
from adapters.library.alma.options import AlmaOptions
from adapters.library.alma.records import AlmaRecordReader, read_text
from adapters.library.probe_recorder import ProbedServer, ProbeFailureError, ProbeRecorder, fail_trial
from adapters.library.rest_authorisation import resolve_secret
from adapters.library.rest_options import resolve_tls
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.value import value_object
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import PatronKey, ProbeStep

A = TypeVar("A")

UNLIKELY = "illgate-probe"
"""What no user or item is called: that it is unknown shows that the key may ask, and may change what is there."""

NO_NUMBER = "0"

_ITEM_TITLE = "/bibs/{mms_id}/holdings/{holding_id}/items/{item_pid}"
_PAGE = {"limit": "1", "offset": "0"}
READS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "Users": {"/users/{user_id}/loans/{loan_id}": {}, "/users/{user_id}/requests/{request_id}": {}},
    "Bibs": {
        "/bibs": {"other_system_id": UNLIKELY},
        "/bibs/{mms_id}": {},
        "/bibs/{mms_id}/requests": {},
        "/bibs/{mms_id}/holdings": {},
        "/bibs/{mms_id}/holdings/ALL/items": _PAGE,
        "/bibs/{mms_id}/holdings/{holding_id}/items": _PAGE,
        _ITEM_TITLE: {},
        f"{_ITEM_TITLE}/loans": _PAGE,
        f"{_ITEM_TITLE}/requests": {},
    },
}
"""By area: what operations ask with numbers that they have from other answers, and the terms of each question. The
probe asks it of what isn't there: that Alma says so shows that it accepts the question."""


@value_object
class TableCheck:
    """Codes of one setting that must stand in a code table. `place`: where staff add one."""

    key: str
    table: str
    what: str
    codes: tuple[str, ...]
    place: str


class AlmaProbe:
    def __init__(self, context: LibraryAdapterContext, options: AlmaOptions) -> None:
        self._context = context
        self._options = options
        self._recorder = ProbeRecorder()

    async def try_steps(self) -> tuple[ProbeStep, ...]:
        """Try steps until one fails that the others need."""
        options, recorder, context = self._options, self._recorder, self._context
        tls = resolve_tls(options.ca, options.certificate, context.folder)
        server = ProbedServer.of_url(options.url, tls, options.seconds.connect)
        if await recorder.try_connection(server) and await recorder.try_step("secret", self._find_secret):
            client = AlmaClient(options, context.folder, context.secrets, context.clock)
            try:
                await self._try_calls(client)
            finally:
                await client.close_connections()
        return tuple(recorder.steps)

    async def _find_secret(self) -> str:
        try:
            resolve_secret(self._context.secrets, self._options.api_key)
        except Unavailable as missing:
            raise ProbeFailureError("api_key", str(missing)) from missing
        return "found"

    async def _try_calls(self, client: AlmaClient) -> None:
        context = self._context
        reader = AlmaRecordReader(self._options, context.zone, context.currency)
        desk = AlmaDesk(client, self._options, reader, context.changes, context.clock)
        lists = CodeLists(client, reader)

        async def list_libraries() -> str:
            rows = await _ask_area(lists.load_libraries(), "Configuration")
            return f"{len(rows)} libraries"

        if await self._recorder.try_step("area Configuration", list_libraries):
            await self._try_libraries(lists)
            for check in self._list_table_checks():
                await self._try_table(lists, check)
        await self._try_areas(client, desk)
        await self._try_trial(desk)

    # --- codes -------------------------------------------------------------------------------------------

    async def _try_libraries(self, lists: CodeLists) -> None:
        options, recorder = self._options, self._recorder
        known = {read_text(row, "code") for row in await lists.load_libraries()}

        async def check_libraries(key: str, wanted: Iterable[str]) -> str:
            _require_codes(
                key, "library", wanted, known, "Configuration > General > Libraries > Add a Library or Edit Library"
            )
            return f"{', '.join(wanted)} is there"

        async def check_desks() -> str:
            desks = {options.library: options.circulation_desk, **options.desks}
            for library in sorted(set(desks) & known):
                key = "desks" if library in options.desks else "circulation_desk"
                place = f"Configuration > Fulfillment > Circulation Desks of {library}"
                _require_codes(key, "desk", [desks[library]], await lists.load_desks(library), place)
            return "each library has its desk"

        async def check_location() -> str:
            location = options.temporary_items.location
            if options.library not in known:
                return "not checked, for want of the library"
            _require_codes(
                "temporary_items.location",
                "location",
                [location],
                await lists.load_locations(options.library),
                f"Configuration > Fulfillment > Physical Locations of {options.library}",
            )
            return f"{location} is there"

        await recorder.try_step("library", lambda: check_libraries("library", (options.library,)))
        if options.desks:
            await recorder.try_step("libraries of desks", lambda: check_libraries("desks", tuple(options.desks)))
        if options.pickup_libraries:
            await recorder.try_step(
                "pickup libraries", lambda: check_libraries("pickup_libraries", options.pickup_libraries)
            )
        await recorder.try_step("desks", check_desks)
        if options.temporary_items.location:
            await recorder.try_step("temporary_items.location", check_location)

    def _list_table_checks(self) -> Iterable[TableCheck]:
        options, wanted = self._options, self._options.temporary_items
        policies = "Configuration > Fulfillment > Item Policy"
        if wanted.location:
            yield TableCheck(
                "temporary_items.policy", ITEM_POLICIES, "item policy", tuple(filter(None, (wanted.policy,))), policies
            )
            yield TableCheck(
                "temporary_items.material_type",
                MATERIAL_TYPES,
                "material type",
                (wanted.material_type,),
                "Configuration > Resources > Physical Item Material Types",
            )
        yield TableCheck("not_lent", ITEM_POLICIES, "item policy", options.not_lent, policies)
        yield TableCheck(
            "fee_types",
            FEE_TYPES,
            "fine/fee type",
            tuple(options.fee_types.values()),
            "Configuration > Fulfillment > Fines/Fees Behavior",
        )
        yield TableCheck(
            "cancel_reason",
            CANCEL_REASONS,
            "reason for cancelled requests",
            (options.cancel_reason,),
            "Configuration > Fulfillment > Request Cancellation Reasons",
        )
        yield TableCheck(
            "identifier_types",
            IDENTIFIER_TYPES,
            "type of identifiers",
            tuple(options.identifier_types.values()),
            "Configuration > User Management > User Identifier Types",
        )

    async def _try_table(self, lists: CodeLists, check: TableCheck) -> None:
        async def check_table() -> str:
            code_table = await lists.find_code_table(check.table)
            if code_table is None:
                return f"not checked: Alma does not show the code table {check.table}"
            _require_codes(check.key, check.what, check.codes, code_table, check.place)
            return f"{', '.join(check.codes)} is there"

        if check.codes:
            await self._recorder.try_step(check.key, check_table)

    # --- the key -----------------------------------------------------------------------------------------

    async def _try_areas(self, client: AlmaClient, desk: AlmaDesk) -> None:
        options, recorder = self._options, self._recorder

        async def try_users() -> str:
            patron = await _ask_area(desk.ask_patron(options.trial.patron or UNLIKELY, "all_unique"), "Users")
            user = patron.id if patron is not None else UNLIKELY
            for question in (
                desk.list_patron_loans,
                desk.list_patron_holds,
                AlmaFeeDesk(desk, desk.reader.currency).list_charges,
            ):
                await _ask_of_somebody(question(user))
            await _ask_reads(client, "Users")
            title, query = "/users/{user_id}/requests/{request_id}", {"reason": options.cancel_reason}
            await _try_change(client.delete_row(*_name_nothing(title), title=title, query=query), "Users")
            return "may look up and change users, and what they have"

        async def try_items() -> str:
            answer = await _ask_area(desk.ask_item(options.trial.item or UNLIKELY), "Bibs")
            if answer is not None:
                await _ask_area(desk.list_holdings(answer.item.bib_id), "Bibs")
            await _ask_reads(client, "Bibs")
            path = _name_nothing(_ITEM_TITLE)
            await _try_change(client.delete_row(*path, title=_ITEM_TITLE, query={}), "Bibs")
            return "may look up and change items"

        await recorder.try_step("area Users", try_users)
        await recorder.try_step("area Bibs", try_items)

    # --- a patron and an item ----------------------------------------------------------------------------

    async def _try_trial(self, desk: AlmaDesk) -> None:
        trial, recorder = self._options.trial, self._recorder

        async def find_patron() -> str:
            """Try to find a patron; what is said names nobody."""
            try:
                patron = await desk.find_patron(PatronKey(trial.patron))
            except Refused as refused:
                raise fail_trial("trial.patron", refused) from refused
            blocks = ", ".join(block.reason for block in patron.blocks)
            return f"found, {'blocked: ' + blocks if blocks else 'not blocked'}"

        async def find_item() -> str:
            try:
                item = (await desk.require_item(trial.item)).item
            except Refused as refused:
                raise fail_trial("trial.item", refused) from refused
            return f"found, {item.status.value}, at {item.current.library}"

        if trial.patron:
            await recorder.try_step("patron", find_patron)
        if trial.item:
            await recorder.try_step("item", find_item)


def _require_codes(key: str, what: str, wanted: Iterable[str], known: Iterable[str], place: str) -> None:
    """Require codes; raises ProbeFailureError."""
    if missing := sorted(set(wanted) - set(known)):
        raise ProbeFailureError(
            key, f"Alma has no {what} '{missing[0]}' (it has {', '.join(sorted(known))}). In Alma: {place}"
        )


async def _ask_area(question: Awaitable[A], area: str) -> A:
    """Ask; raises ProbeFailureError where the key doesn't have the area, Unavailable."""
    try:
        return await question
    except (Unavailable, Refused) as down:
        words = down.internal if isinstance(down, Refused) else str(down)
        if KEY_LACKS_AREA in words or "credentials" in words:
            raise ProbeFailureError(
                "api_key",
                f"{words}. In the Ex Libris Developer Network: Build My APIs > API Keys > the key > Add API, "
                f"area {area}, permission read/write where the guide says so; and its environment is that of url "
                "(Production or Sandbox)",
            ) from down
        raise


async def _ask_reads(client: AlmaClient, area: str) -> None:
    """Ask for reads; raises ProbeFailureError, Refused(CALL_NOT_ACCEPTED), Unavailable."""
    for title, query in READS[area].items():
        await _ask_area(client.get_row(*_name_nothing(title), title=title, query=query), area)


def _name_nothing(title: str) -> tuple[str, ...]:
    """The path of such a thing that isn't there."""
    names = {"{user_id}": UNLIKELY}
    return tuple(names.get(part, NO_NUMBER if part.startswith("{") else part) for part in title.strip("/").split("/"))


async def _ask_of_somebody(question: Awaitable[object]) -> None:
    """Ask of somebody: that there is nobody of this name is an answer too.

    Raises ProbeFailureError, Refused(CALL_NOT_ACCEPTED), Unavailable.
    """
    try:
        await _ask_area(question, "Users")
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_PATRON:
            raise


async def _try_change(change: Awaitable[None], area: str) -> None:
    """Try a change of what isn't there: that Alma says so shows that the key may change things.

    Raises ProbeFailureError, Unavailable.
    """
    try:
        await _ask_area(change, area)
    except AlmaRefusalError:
        return
    except OutcomeUnknown as unknown:
        raise Unavailable(unknown.detail) from unknown
