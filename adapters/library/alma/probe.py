"""`illgate check --live` on an Alma: connection, key and its areas, library and desk, and how to mend them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from adapters.library.alma.client import AlmaClient
from adapters.library.alma.code_lists import CodeLists
from adapters.library.alma.lookups import AlmaDesk
from adapters.library.alma.options import AlmaOptions
from adapters.library.alma.records import RecordReader, read_text
from adapters.library.rest_authorisation import resolve_secret
from adapters.library.rest_options import resolve_tls
from adapters.library.rest_probe import ProbeFailureError, ProbeRecorder
from gateway.domain.problems import Refused, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import PatronKey, ProbeStep

A = TypeVar("A")

UNLIKELY = "illgate-probe"
"""What no user or item is called: that it is unknown shows that the key may ask."""


class AlmaProbe:
    def __init__(self, context: LibraryAdapterContext, options: AlmaOptions) -> None:
        self._context = context
        self._options = options
        self._recorder = ProbeRecorder()

    async def run(self) -> tuple[ProbeStep, ...]:
        """Until a step fails that the others need."""
        options, recorder, context = self._options, self._recorder, self._context
        tls = resolve_tls(options.ca, options.certificate, context.folder)
        if await recorder.try_connection(options.url, tls, options.seconds.connect) and await recorder.try_step(
            "secret", self._find_secret
        ):
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
        options, recorder, context = self._options, self._recorder, self._context
        reader = RecordReader(options, context.zone, context.currency)
        desk = AlmaDesk(client, options, reader, context.changes, context.clock)
        lists = CodeLists(client, reader)

        async def check_library() -> str:
            codes = {read_text(row, "code") for row in await _ask(lists.load_libraries(), "Configuration")}
            for key, wanted in (
                ("library", (options.library,)),
                ("desks", tuple(options.desks)),
                ("pickup_libraries", options.pickup_libraries),
            ):
                if missing := sorted(set(wanted) - codes):
                    raise ProbeFailureError(
                        key,
                        f"Alma has no library '{missing[0]}' (it has {', '.join(sorted(codes))}). "
                        "In Alma: Configuration > General > Libraries > Add a Library or Edit Library Information",
                    )
            return f"library {options.library} is there"

        async def try_users() -> str:
            await _ask(desk.ask_patron(options.trial.patron or UNLIKELY, "all_unique"), "Users")
            return "may look up users"

        async def try_items() -> str:
            await _ask(desk.ask_item(options.trial.item or UNLIKELY), "Bibs")
            return "may look up items"

        async def find_patron() -> str:
            """What is said names nobody."""
            try:
                patron = await desk.find_patron(PatronKey(options.trial.patron))
            except Refused as refused:
                raise ProbeFailureError("trial.patron", refused.detail) from refused
            blocks = ", ".join(block.reason for block in patron.blocks)
            return f"found, {'blocked: ' + blocks if blocks else 'not blocked'}"

        async def find_item() -> str:
            try:
                item = (await desk.require_item(options.trial.item)).item
            except Refused as refused:
                raise ProbeFailureError("trial.item", refused.detail) from refused
            return f"found, {item.status.value}, at {item.current.library}"

        if not await recorder.try_step("area Configuration, library", check_library):
            return
        await recorder.try_step("area Users", try_users)
        await recorder.try_step("area Bibs", try_items)
        if options.trial.patron:
            await recorder.try_step("patron", find_patron)
        if options.trial.item:
            await recorder.try_step("item", find_item)


async def _ask(question: Awaitable[A], area: str) -> A:
    """Raises ProbeFailureError where the key doesn't have the area, Unavailable."""
    try:
        return await question
    except Unavailable as down:
        if "does not allow" in str(down) or "credentials" in str(down):
            raise ProbeFailureError(
                "api_key",
                f"{down}. In the Ex Libris Developer Network: Build My APIs > API Keys > the key > Add API, "
                f"area {area}; and its environment is that of url (Production or Sandbox)",
            ) from down
        raise
