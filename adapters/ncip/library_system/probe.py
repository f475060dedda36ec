"""`illgate check --live` on a system that answers NCIP, step by step, so that whoever sets it up sees where it
stops."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import get_args

from adapters.library.probe_recorder import ProbedServer, ProbeFailureError, ProbeRecorder
from adapters.ncip.client import MessageValues
from adapters.ncip.library_system.client import SenderRefusedError
from adapters.ncip.library_system.holds import choose_pickup
from adapters.ncip.library_system.lookups import NcipDesk
from adapters.ncip.library_system.options import NcipLibraryOptions, PatronList
from adapters.ncip.library_system.records import BLOCKED, CHARGED, EXPIRED, NcipPatron
from adapters.ncip.messages import AcceptItemResponse, CheckInItemResponse, DeleteItemResponse, RequestItemResponse
from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.sentences import write_sentence
from gateway.ports.library_system import PatronKey, ProbeStep
from gateway.ports.message_transport import HttpPlace, Place

NOBODY = "illgate-check-nobody"
"""A patron's number that no library gives."""


class NcipProbe:
    def __init__(self, options: NcipLibraryOptions, folder: Path, desk: NcipDesk) -> None:
        self._options = options
        self._desk = desk
        self._server = _find_server(options.make_place(folder, options.seconds.look_up), options.seconds.connect)

    async def try_steps(self) -> tuple[ProbeStep, ...]:
        """Try steps until one fails that the others need."""
        recorder = ProbeRecorder({SenderRefusedError: "ncip.header"})
        if not (
            await recorder.try_connection(self._server) and await recorder.try_step("message", self._look_up_nobody)
        ):
            return tuple(recorder.steps)
        if self._options.is_answered("RequestItem") or self._options.is_answered("CheckInItem"):
            await recorder.try_step("agency", self._try_agency)
        if self._options.trial.patron:
            await recorder.try_step("patron", self._look_up_patron)
            if self._options.patrons.pin_input:
                await recorder.try_step("PIN", self._try_wrong_pin)
        if self._options.trial.item:
            await recorder.try_step("item", self._look_up_item)
        if self._options.trial.new_item and self._options.trial.patron:
            await recorder.try_step("new item", self._make_and_delete_item)
        return tuple(recorder.steps)

    async def reach_server(self) -> None:
        """Reach the server; raises Unavailable."""
        try:
            await self._server.connect(None)
        except ProbeFailureError as failed:
            raise Unavailable(write_sentence("cannot be reached: %(report)s", report=failed)) from failed

    # --- the messages ------------------------------------------------------------------------------------

    async def _look_up_nobody(self) -> str:
        """Check that our messages are understood and let in: a system that is asked for nobody says so."""
        try:
            await self._desk.ask_patron(NOBODY)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_PATRON:
                return "LookupUser is answered"
            if refused.reason is RefusalReason.OTHER:
                words = refused.internal or "nothing"
                problem = f"in which words does it say that it knows no such patron? It says: {words}"
                raise ProbeFailureError("ncip.errors.map", problem) from refused
            raise ProbeFailureError("ncip", f"LookupUser is refused: {refused.internal}") from refused
        except SenderRefusedError:
            raise
        except Unavailable as down:
            raise ProbeFailureError(self._server.key, str(down)) from down
        raise ProbeFailureError(self._server.key, f"it claims to know a patron '{NOBODY}'")

    async def _try_agency(self) -> str:
        """Some look patrons up for any agency, and do nothing else for one that they have no settings for (FOLIO).
        Nothing comes of a request of nobody's, or of the return of what isn't there."""
        requests, desk = self._options.requests, self._desk
        try:
            if not self._options.is_answered("RequestItem"):
                await desk.client.change(CheckInItemResponse, MessageValues(items=(NOBODY,)))
                return "CheckInItem is answered"
            code = self._options.ncip.items.record_codes.get("local", "Accession Number")
            values = MessageValues(
                patron=NOBODY,
                request=NOBODY,
                items=(NOBODY,) if requests.item_as != "request" else (),
                records=(RecordId(code, ""),) if requests.item_as != "item" else (),
                kind=requests.item_type,
                scope=requests.item_scope,
            )
            await desk.client.change(RequestItemResponse, values)
        except Refused:
            return "changes are accepted"
        return "RequestItem is answered"

    async def _look_up_patron(self) -> str:
        """Look up the patron; what is said names nobody."""
        answer = await self._find_trial_patron()
        patron = answer.patron
        if not patron.name.surname:
            raise ProbeFailureError("ncip.patrons", "the answer has no name of the patron")
        if not patron.home_library:
            raise ProbeFailureError("branch", "the system names no branch of patrons (privilege LIBRARY): set branch")
        if patron.loan_count and not answer.loans:
            raise ProbeFailureError(
                "patrons.lists", "it counts loans and doesn't list them: a lost answer can't be asked about"
            )
        listed = (await self._desk.ask_patron(patron.id, get_args(PatronList))).told
        untold = [name for name in self._options.patrons.lists if name not in listed]
        if untold:
            raise ProbeFailureError(
                "patrons.lists",
                f"it neither counts nor lists {' and '.join(untold)}: leave them out, unless this patron has none",
            )
        more = [name for name in listed if name not in self._options.patrons.lists]
        blocks = [block.reason for block in patron.blocks]
        state = "blocked: " + ", ".join(blocks) if blocks else "not blocked"
        end = "" if patron.expires or BLOCKED in blocks or EXPIRED in blocks else "; without the end of the membership"
        lists = f"; patrons.lists may have {', '.join(more)}" if more else ""
        return f"found, {state}{end}{lists}"

    async def _find_trial_patron(self) -> NcipPatron:
        try:
            return await self._desk.find_patron(PatronKey(self._options.trial.patron))
        except Refused as refused:
            raise ProbeFailureError("trial.patron", refused.internal or refused.detail) from refused

    async def _try_wrong_pin(self) -> str:
        """A system that lets everybody in must not check PINs for us."""
        try:
            await self._desk.check_secret(self._options.trial.patron, secrets.token_hex(8))
        except Refused as refused:
            if refused.reason in (RefusalReason.PATRON_AUTH_FAILED, RefusalReason.UNKNOWN_PATRON):
                return "a wrong PIN is refused"
            raise
        raise ProbeFailureError("patrons.pin_input", "any PIN is taken for right: leave pin_input empty")

    async def _make_and_delete_item(self) -> str:
        """Check that a barcode can come again."""
        if not self._options.is_answered("AcceptItem", "DeleteItem"):
            return "not tried: the system has no DeleteItem"
        barcode = self._options.trial.new_item
        try:
            await self._accept_item(barcode)
        except Refused as refused:
            raise ProbeFailureError("trial.new_item", refused.internal or refused.detail) from refused
        await self._desk.client.change(DeleteItemResponse, MessageValues(items=(barcode,)))
        try:
            await self._accept_item(barcode)
        except Refused as refused:
            problem = f"DeleteItem keeps the barcode taken (FOLIO: item.soft.delete): {refused.internal}"
            raise ProbeFailureError("trial.new_item", problem) from refused
        await self._desk.client.change(DeleteItemResponse, MessageValues(items=(barcode,)))
        return f"{barcode} was made and deleted twice"

    async def _accept_item(self, barcode: str) -> None:
        values = MessageValues(
            patron=self._options.trial.patron,
            items=(barcode,),
            request=f"{barcode}-{secrets.token_hex(4)}",
            action=self._options.requests.accept_action,
            pickup=choose_pickup(self._desk, ""),
            title="illgate check",
        )
        await self._desk.client.change(AcceptItemResponse, values)

    async def _look_up_item(self) -> str:
        if not self._options.is_answered("LookupItem"):
            return "not asked: the system has no LookupItem"
        try:
            item = (await self._desk.look_up_item(self._options.trial.item)).item
        except Refused as refused:
            raise ProbeFailureError("trial.item", refused.internal or refused.detail) from refused
        if not item.home.library:
            raise ProbeFailureError("branch", "the system names no branch of items (Location): set branch")
        if item.status in CHARGED and item.due is None:
            raise ProbeFailureError("ncip.xml.date_in", "it is on loan, and no DateDue can be read")
        return f"found, {item.status.value}, at {item.home.library}"


def _find_server(place: Place, seconds: float) -> ProbedServer:
    if isinstance(place, HttpPlace):
        return ProbedServer.of_url(place.url, place.tls, seconds)
    return ProbedServer(place.host, place.port, "ncip.tcp.address", seconds, place.tls)
