"""`illgate check --live` on a Koha: connection, sign-in, release, each permission, each code, and how to mend them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from adapters.library.koha import abilities
from adapters.library.koha.client import KohaClient, KohaRefusalError
from adapters.library.koha.fees import KohaFeeDesk
from adapters.library.koha.lookups import KohaDesk
from adapters.library.koha.options import KohaOptions
from adapters.library.koha.records import KohaRecordReader, read_number
from adapters.library.koha.settings_lists import SettingsLists
from adapters.library.probe_recorder import ProbedServer, ProbeFailureError, ProbeRecorder, fail_trial
from adapters.library.rest_authorisation import resolve_secret
from adapters.library.rest_options import resolve_tls
from gateway.domain.problems import Refused, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import Capability, PatronKey, ProbeStep

PERMISSIONS = (
    ("borrowers", ("patrons",), "look up patrons"),
    ("catalogue", ("items",), "look up items"),
    ("reserveforothers", ("holds",), "look up and place holds"),
    ("circulate", ("checkouts",), "look up loans, lend and renew"),
    ("parameters", ("patron_categories",), "look up patron categories"),
)
"""Permission of Koha, the path that needs it, what for. Those to write (editcatalogue, updatecharges) have no question
that would show them; docs/library-systems/koha.md lists all."""


class KohaProbe:
    def __init__(self, context: LibraryAdapterContext, options: KohaOptions) -> None:
        self._context = context
        self._options = options
        self._recorder = ProbeRecorder()
        self._client: KohaClient | None = None

    async def try_steps(self) -> tuple[ProbeStep, ...]:
        """Try steps until one fails that the others need."""
        try:
            await self._try_all()
        finally:
            if self._client is not None:
                await self._client.close_connections()
        return tuple(self._recorder.steps)

    async def _try_all(self) -> None:
        options, recorder, context = self._options, self._recorder, self._context
        tls = resolve_tls(options.ca, options.certificate, context.folder)
        if not await recorder.try_connection(ProbedServer.of_url(options.url, tls, options.seconds.connect)):
            return
        if not await recorder.try_step("secret", self._find_secret):
            return
        client = self._client = KohaClient(options, context.folder, context.secrets, context.clock)
        if not await recorder.try_step("sign-in and release", self._ask_release):
            return
        reader = KohaRecordReader(options, context.zone, context.currency)
        desk = KohaDesk(client, options, reader, context.changes, context.clock)
        is_permitted = True
        for permission, path, what in PERMISSIONS:
            step = self._make_permission_step(path, what)
            is_permitted &= await recorder.try_step(f"permission {permission}", step)
        lists = SettingsLists(client, reader)

        async def check_branch() -> str:
            return await self._check_branch(lists)

        async def check_item_types() -> str:
            return await self._check_item_types(lists)

        async def find_trial_patron() -> str:
            return await self._find_trial_patron(desk)

        async def find_trial_item() -> str:
            return await self._find_trial_item(desk)

        await recorder.try_step("branch", check_branch)
        await recorder.try_step("item types", check_item_types)
        if options.trial.patron:
            await recorder.try_step("patron", find_trial_patron)
        if options.trial.item:
            await recorder.try_step("item", find_trial_item)
        if is_permitted:
            await self._try_questions(desk)

    async def _try_questions(self, desk: KohaDesk) -> None:
        """Try what is asked before each change, by the calls that the gateway makes then; of any patron and item where
        none is kept for this. What is said names nobody."""
        trial, recorder = self._options.trial, self._recorder
        people = {"cardnumber": trial.patron} if trial.patron else {}
        things = {"external_id": trial.item} if trial.item else {}
        patrons: list[str] = []
        items: list[str] = []

        async def look_up_patron() -> str:
            page = await desk.client.find_page("patrons", query=people)
            patrons.extend(read_number(row, "patron_id") for row in page.rows[:1])
            if not patrons:
                return "not tried: there is no patron"
            await desk.require_patron(patrons[0])
            await desk.list_patron_loans(patrons[0])
            await desk.list_patron_holds(patrons[0])
            if Capability.FEES_READ in desk.client.abilities.capabilities:
                await KohaFeeDesk(desk, desk.reader.currency).list_charges(patrons[0])
            return "patron by number, loans, holds, fees"

        async def look_up_item() -> str:
            page = await desk.client.find_page("items", query=things)
            items.extend(read_number(row, "item_id") for row in page.rows[:1])
            if not items:
                return "not tried: there is no item"
            await desk.find_item_loan(items[0])
            await desk.list_item_holds(items[0])
            bib_id = read_number(page.rows[0], "biblio_id")
            await desk.list_holdings(bib_id)
            await desk.find_marked_records("illgate:probe")
            return "item by number, loan, holds, record, its items"

        async def ask_for_loan() -> str:
            if not (patrons and items and Capability.CHECK_OUT in desk.client.abilities.capabilities):
                return "not tried"
            try:
                await desk.ask_availability(patrons[0], items[0])
            except KohaRefusalError as refusal:
                raise desk.client.refuse_call(refusal) from refusal
            return "whether a loan would be allowed"

        await recorder.try_step("questions of a patron", look_up_patron)
        await recorder.try_step("questions of an item", look_up_item)
        await recorder.try_step("question of a loan", ask_for_loan)

    async def _find_secret(self) -> str:
        for key, reference in self._options.named_secrets().items():
            try:
                resolve_secret(self._context.secrets, reference)
            except Unavailable as missing:
                raise ProbeFailureError(key, str(missing)) from missing
        return "found"

    async def _ask_release(self) -> str:
        client = self._client
        if client is None:
            raise ProbeFailureError("url", "not connected")
        try:
            koha_abilities = await client.load_abilities()
        except Unavailable as down:
            text = str(down)
            if "no token" in text or "401" in text:
                raise ProbeFailureError(
                    "sign_in",
                    f"{text}. In Koha: the gateway's patron > More > Manage API keys, and the system preference "
                    "RESTOAuth2ClientCredentials (RESTBasicAuth for user and password)",
                ) from down
            raise ProbeFailureError("url", f"{text}. The URL of Koha's API ends in /api/v1") from down
        missing = koha_abilities.list_missing_calls()
        can = len(koha_abilities.capabilities)
        lacking = f"; this release has no {', '.join(missing)}" if missing else ""
        if abilities.FIND_PATRONS not in koha_abilities.calls:
            raise ProbeFailureError("url", f"this release can't look up patrons{lacking}")
        return f"Koha's API is there, with {can} of {len(abilities.CALLS)} abilities{lacking}"

    def _make_permission_step(self, path: tuple[str, ...], what: str) -> Callable[[], Awaitable[str]]:
        async def try_permission() -> str:
            client = self._client
            if client is None:
                raise ProbeFailureError("url", "not connected")
            if f"GET /{'/'.join(path)}" not in client.abilities.calls:
                return "this release has no such list"
            try:
                await client.find_page(*path)
            except Refused as refused:
                if "lacks a permission" in refused.internal:
                    raise ProbeFailureError(
                        "sign_in",
                        f"may not {what}: {refused.internal}. In Koha: the gateway's patron > More > Set permissions",
                    ) from refused
                raise
            return f"may {what}"

        return try_permission

    async def _check_branch(self, lists: SettingsLists) -> str:
        wanted = self._options.resource_sharing_branch
        codes = await lists.find_codes("libraries")
        if not wanted:
            raise ProbeFailureError("resource_sharing_branch", "not set: say through which branch partners' items come")
        if codes is not None and wanted not in codes:
            raise ProbeFailureError(
                "resource_sharing_branch",
                f"Koha has no branch '{wanted}' (it has {', '.join(sorted(codes))}). "
                "In Koha: Administration > Libraries > New library",
            )
        if not any(place.code != wanted for place in await lists.list_pickups()):
            raise ProbeFailureError(
                "resource_sharing_branch",
                "no branch is a pickup location. In Koha: Administration > Libraries > Pickup location",
            )
        return f"branch {wanted} is there"

    async def _check_item_types(self, lists: SettingsLists) -> str:
        wanted = self._options.temporary_item_types
        codes = await lists.find_codes("item_types")
        if codes is None:
            return "this release doesn't list them"
        if missing := [code for code in wanted if code not in codes]:
            raise ProbeFailureError(
                "temporary_item_types",
                f"Koha has no item type {', '.join(missing)}. In Koha: Administration > Item types > New item type",
            )
        return f"{', '.join(wanted) or 'none'} of {len(codes)}"

    async def _find_trial_patron(self, desk: KohaDesk) -> str:
        """Find the patron; what is said names nobody."""
        try:
            patron = await desk.find_patron(PatronKey(self._options.trial.patron))
        except Refused as refused:
            raise fail_trial("trial.patron", refused) from refused
        blocks = ", ".join(block.reason for block in patron.blocks)
        return f"found, {'blocked: ' + blocks if blocks else 'not blocked'}"

    async def _find_trial_item(self, desk: KohaDesk) -> str:
        try:
            item = (await desk.require_item(self._options.trial.item)).item
        except Refused as refused:
            raise fail_trial("trial.item", refused) from refused
        return f"found, {item.status.value}, at {item.current.library}"
