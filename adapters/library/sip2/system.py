"""The port `LibrarySystem` on a system that speaks SIP2. What each method refuses stands at the port."""

from __future__ import annotations

import structlog

from adapters.library.change_sending import find_item_of_request, find_open_change
from adapters.library.refusals import make_refusal
from adapters.library.rest_authorisation import resolve_secret
from adapters.library.sip2.client import ServerAbility, Sip2Client
from adapters.library.sip2.codec import UnsendableValueError
from adapters.library.sip2.holds import Sip2HoldDesk
from adapters.library.sip2.loans import Sip2LoanDesk
from adapters.library.sip2.lookups import Sip2Desk
from adapters.library.sip2.messages import PatronList, QueryWriter
from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.probe import Sip2Probe
from adapters.library.sip2.records import RECORD_PREFIX, Sip2RecordReader, is_named_by
from gateway.domain.library import Bib, Hold, Item, Loan, Patron, PickupLocation, sort_loans
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_operations import HoldCancellation, HoldUpdate, LoanCheckIn, LoanCheckOut, Renewal
from gateway.ports.library_system import Capability, HoldWish, PatronKey, ProbeStep

ABILITIES = {
    Capability.PATRON_LOOKUP: ServerAbility.PATRON_INFORMATION,
    Capability.BLOCKS_DETAILED: ServerAbility.PATRON_INFORMATION,
    Capability.AUTHENTICATE: ServerAbility.PATRON_INFORMATION,
    Capability.CONTACT: ServerAbility.PATRON_INFORMATION,
    Capability.CHECK_OUT: ServerAbility.CHECK_OUT,
    Capability.OVERRIDE: ServerAbility.CHECK_OUT,
    Capability.CHECK_IN: ServerAbility.CHECK_IN,
    Capability.RENEW: ServerAbility.RENEW,
    Capability.HOLD_ITEM: ServerAbility.HOLD,
    Capability.HOLD_PICKUP: ServerAbility.HOLD,
    Capability.HOLD_CANCEL: ServerAbility.HOLD,
    Capability.HOLD_UPDATE: ServerAbility.HOLD,
    Capability.ITEM_BY_REQUEST: ServerAbility.ITEM_INFORMATION,
    Capability.PICKUP_LIST: ServerAbility.HOLD,
}
"""All that SIP2 can do for the gateway, and the message without which a server can't."""

BY_STATUS_MESSAGE = frozenset({Capability.PATRON_LOOKUP, Capability.BLOCKS_DETAILED, Capability.AUTHENTICATE})
HOLD_CAPABILITIES = frozenset(capability for capability, ability in ABILITIES.items() if ability is ServerAbility.HOLD)

log = structlog.get_logger(component="sip2")


async def open_sip2(context: LibraryAdapterContext, options: Sip2Options) -> Sip2Library:
    """Asks the server what it can do. One that is down meanwhile is asked with the first message, and is thought able
    to do all until then: the gateway starts without it.

    Raises Unavailable when a secret is not there."""
    library = Sip2Library(context, options)
    try:
        await library.ping()
    except Unavailable as down:
        log.warning("sip2.unreachable", library=context.library, reason=str(down))
    return library


class Sip2Library(LibrarySystem):
    def __init__(self, context: LibraryAdapterContext, options: Sip2Options) -> None:
        """Make the system; raises Unavailable when a secret is not there."""
        super().__init__(context)
        self._options = options
        terminal_password = resolve_secret(context.secrets, options.terminal_password)
        writer = QueryWriter(options.institution, terminal_password, context.zone)
        self._client = Sip2Client(options, context.folder, context.secrets, writer)
        reader = Sip2RecordReader(options, context.zone, context.currency)
        self._desk = Sip2Desk(self._client, options, writer, reader, context.changes, context.clock)
        self._holds = Sip2HoldDesk(self._desk)
        loans = Sip2LoanDesk(self._desk, self._holds)
        self.handlers = {
            HoldWish: self._holds.place_hold,
            HoldCancellation: self._holds.cancel_hold,
            HoldUpdate: self._holds.update_hold,
            LoanCheckOut: loans.check_out,
            LoanCheckIn: loans.check_in,
            Renewal: loans.renew_loan,
        }

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities that settings and server allow."""
        return frozenset(capability for capability in ABILITIES if self._is_able(capability))

    def _is_able(self, capability: Capability) -> bool:
        options, desk = self._options, self._desk
        if capability in HOLD_CAPABILITIES and options.holds == "none":
            return False
        if capability is Capability.PICKUP_LIST:
            return bool(options.pickups)
        if capability is Capability.AUTHENTICATE and not options.checks_passwords:
            return False
        if capability is Capability.OVERRIDE and options.override != "no-block":
            return False
        if capability in BY_STATUS_MESSAGE and desk.can_do(ServerAbility.PATRON_STATUS):
            return True
        return desk.can_do(ABILITIES[capability])

    async def ping(self) -> None:
        async with self._client.open_conversation() as talk:
            await talk.ask(self._desk.writer.status())

    async def probe(self) -> tuple[ProbeStep, ...]:
        """See `ports.library_system.ProbesItself`. What was kept is ended first: a server may allow few connections."""
        context, desk = self._context, self._desk
        self._client.end_idle_connections()
        return await Sip2Probe(
            self._options, context.folder, context.secrets, desk.writer, desk.reader, desk.clock
        ).try_steps()

    async def close_connections(self) -> None:
        """See `ports.library_system.HoldsConnections`."""
        self._client.end_connections()

    # patrons
    async def find_patron(self, key: PatronKey) -> Patron:
        if not is_named_by(key.types, self._options) or not key.value:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON)
        async with self._client.open_conversation() as talk:
            return await self._desk.require_patron(talk, key.value)

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        """An empty secret is never sent: some systems answer that it is right."""
        self.require_capability(Capability.AUTHENTICATE, "check a PIN or password")
        refusal = Refused(
            RefusalReason.PATRON_AUTH_FAILED, "the patron's PIN or password is incorrect", about=MessagePart.CREDENTIALS
        )
        if not (is_named_by(key.types, self._options) and key.value and secret):
            raise refusal
        async with self._client.open_conversation() as talk:
            try:
                answer = await self._desk.ask_patron(talk, key.value, secret)
            except UnsendableValueError:
                raise refusal from None
        if answer.patron is None or answer.password_ok is not True:
            raise refusal
        return answer.patron

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        desk = self._desk
        changes = await desk.changes.changes_of_patron(patron_id)
        loans: list[Loan] = []
        async with self._client.open_conversation() as talk:
            patron, entries = await desk.load_patron_and_list(talk, patron_id, PatronList.CHARGED)
            for entry in entries:
                barcode = entry.split(maxsplit=1)[0]
                answer = await desk.ask_item(talk, barcode)
                if answer is None or not answer.is_charged:
                    continue  # it has come back since the list was made
                of_item = tuple(change for change in changes if change.barcode == barcode)
                ours = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, of_item)
                loans.append(
                    desk.restore_loan(ours, answer)
                    if ours is not None
                    else desk.describe_foreign_loan(answer, patron.id)
                )
        return sort_loans(loans)

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        return await self._holds.list_patron_holds(patron_id)

    # catalogue
    async def item_by_barcode(self, barcode: str) -> Item:
        async with self._client.open_conversation() as talk:
            return (await self._desk.require_item(talk, barcode)).item

    async def item_by_request(self, request_id: str) -> Item:
        """Find the item of loans and holds that came by us. What is open comes before what has ended."""
        return await self.item_by_barcode(await find_item_of_request(self._desk.changes, request_id))

    async def get_bib(self, bib_id: str) -> Bib:
        """SIP2 tells the title of an item, and nothing else of its record."""
        if not bib_id.startswith(RECORD_PREFIX):
            raise Refused(
                RefusalReason.UNKNOWN_RECORD, "Record not found in the library system.", about=MessagePart.RECORD
            )
        async with self._client.open_conversation() as talk:
            answer = await self._desk.ask_item(talk, bib_id.removeprefix(RECORD_PREFIX))
        if answer is None:
            raise Refused(
                RefusalReason.UNKNOWN_RECORD, "Record not found in the library system.", about=MessagePart.RECORD
            )
        return Bib(id=bib_id, title=answer.title)

    async def item_loan(self, item_id: str) -> Loan | None:
        desk = self._desk
        changes = await desk.changes.changes_of_item(item_id)
        async with self._client.open_conversation() as talk:
            answer = await desk.ask_item(talk, item_id)
            return await desk.find_loan(talk, answer, changes) if answer is not None else None

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        async with self._client.open_conversation() as talk:
            answer = await self._desk.ask_item(talk, item_id)
            return await self._holds.list_item_holds(talk, answer) if answer is not None else ()

    # holds
    async def find_hold(self, request_id: str) -> Hold:
        return await self._holds.find_hold(request_id)

    # reference
    async def pickup_locations(self) -> tuple[PickupLocation, ...]:
        """List the pickup locations as the settings do: SIP2 has no message for it."""
        return tuple(
            PickupLocation(place.code, place.name or place.code, place.library or place.code, place.resource_sharing)
            for place in self._options.pickups
        )
