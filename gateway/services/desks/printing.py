"""PrintService: paper for the desks. What waits for it, batches of it as records, and what stands on each sheet.

What a sheet says is looked up whenever it is shown: a batch that is printed again says what is true then.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime

from gateway.domain.library import Patron
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.print_batches import (
    MAX_BATCH_REQUESTS,
    USES,
    PrintBatch,
    PrintKind,
    can_have_paper,
)
from gateway.domain.requests.request import LibraryParty, Request, Role
from gateway.domain.requests.scan_rules import is_at_branch
from gateway.domain.requests.staff_views import NoticeLetter, NoticeStatus
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.supplier_takeover import find_supplier_party
from gateway.domain.requests.views import LocatedCopy, NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.outgoing_mail import RenderedLetter
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.shared_store import Transaction
from gateway.services.letters.renderer import LetterRenderer
from gateway.services.request_work.patron_notices import NoticeService, find_reader
from gateway.services.requests.effects import remove_patron_data
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.located_copies import find_located_copies
from gateway.store.requests import print_batches, requests, timers
from gateway.store.schema import make_exchange_id

MAX_COUNTED = 1_000
"""Waiting sheets that are counted; of more it is said that there are more."""

MAX_NOTICES = 50

_LETTERS = frozenset({PrintKind.REQUEST_LETTERS, PrintKind.PATRON_LETTERS})

_PLACED = frozenset({PrintKind.PULL_SLIPS, PrintKind.HOLD_SLIPS, PrintKind.TRANSIT_SLIPS})
"""They name a branch."""

_WITH_COPY = frozenset({PrintKind.PULL_SLIPS, PrintKind.SHIPPING_SLIPS})

_NUMBERS = re.compile(r"\d+")


@value_object(kw_only=True)
class PrintSheet:
    """The facts of one slip, label or letter about its request. `copy`: of pull slips. `shelf_mark`: where it stands on
    the hold shelf, of the patron's name and number no more than that; `pickup`: the place's name. `partner`: whose item
    it is, or to whom it goes. `letter`: to a partner; `notice`: to a patron. `problem`: why there is nothing to
    print."""

    request: Request
    partner: LibraryParty
    copy: LocatedCopy | None = None
    shelf_mark: str = ""
    pickup: str = ""
    hold_until: datetime | None = None
    letter: RenderedLetter | None = None
    notice: NoticeLetter | None = None
    problem: str = ""


@value_object
class ScannedSlip:
    """The slip of a scanned request. `is_new`: it came there just now, and was on no such paper before."""

    batch: PrintBatch
    is_new: bool


@value_object
class RequestPaper:
    """A kind of paper of one request. `batch`: the newest that it is in, None: it was never printed; `problem`: why
    none can be made now, empty: it can."""

    kind: PrintKind
    batch: PrintBatch | None
    problem: str


@value_object
class PrintService:
    context: LibraryContext
    letters: LetterRenderer
    notices: NoticeService

    # --- batches -----------------------------------------------------------------------------------------

    async def count_waiting(self, branches: Collection[str] = ()) -> Mapping[PrintKind, int]:
        """Requests that need such a sheet and were in no batch of it; not counted past MAX_COUNTED. `branches`: of
        these alone, empty: of all."""
        by_post, now = _list_partners_by_post(self.context), self.context.now()

        def count_kinds(connection: Transaction) -> Mapping[PrintKind, int]:
            return {
                kind: print_batches.count_waiting_requests(
                    connection, self.context.symbol, kind, by_post, now, MAX_COUNTED + 1, branches
                )
                for kind in PrintKind
            }

        return await self.context.store.read(count_kinds)

    async def make_batch(self, kind: PrintKind, actor: str, branches: Collection[str] = ()) -> PrintBatch:
        """Make a batch of those that have waited longest, at most MAX_BATCH_REQUESTS. Pull slips are in the order of
        the shelves. `branches`: of these alone, empty: of all. Raises Refused(NOT_ALLOWED): nothing waits, or somebody
        else was quicker."""
        by_post, now = _list_partners_by_post(self.context), self.context.now()

        def find_waiting(connection: Transaction) -> tuple[str, ...]:
            return print_batches.find_waiting_requests(
                connection, self.context.symbol, kind, by_post, now, MAX_BATCH_REQUESTS, branches=branches
            )

        ids = await self._sort_requests(kind, await self.context.store.read(find_waiting))

        def insert_new_batch(connection: Transaction) -> PrintBatch | None:
            print_batches.lock_batches(connection, self.context.symbol)
            waiting = frozenset(
                print_batches.find_waiting_requests(
                    connection, self.context.symbol, kind, by_post, now, MAX_COUNTED, branches=branches
                )
            )
            left = tuple(id_ for id_ in ids if id_ in waiting)
            if not left:
                return None
            return self._insert_batch(connection, kind, left, actor)

        print_batch = await self.context.store.write(insert_new_batch)
        if print_batch is None:
            raise Refused(RefusalReason.NOT_ALLOWED, "Nothing is waiting to be printed.")
        return print_batch

    async def make_batch_of(self, kind: PrintKind, request_ids: Sequence[str], actor: str) -> PrintBatch:
        """Make a batch of these requests, whether or not they were on such paper before: at most MAX_BATCH_REQUESTS.
        Raises Refused (NOT_ALLOWED): none, or too many."""
        ids = tuple(dict.fromkeys(request_ids))
        if not 0 < len(ids) <= MAX_BATCH_REQUESTS:
            raise Refused(
                RefusalReason.NOT_ALLOWED,
                write_sentence("A batch can have 1 to %(most)s requests.", most=MAX_BATCH_REQUESTS),
            )
        in_order = await self._sort_requests(kind, ids)
        return await self.context.store.write(lambda c: self._insert_batch(c, kind, in_order, actor))

    async def add_scanned_request(
        self, kind: PrintKind, request_id: str, actor: str, numbers: Collection[int]
    ) -> ScannedSlip | None:
        """Add a request that was just scanned to the batch of these numbers that is this actor's, of this kind, not yet
        printed and has room, else to a new one. None: it needs no such paper now."""
        by_post, now = _list_partners_by_post(self.context), self.context.now()

        def insert_request(connection: Transaction) -> ScannedSlip | None:
            print_batches.lock_batches(connection, self.context.symbol)
            waiting = print_batches.find_waiting_requests(
                connection, self.context.symbol, kind, by_post, now, 1, among=(request_id,)
            )
            if not waiting:
                older = print_batches.find_newest_batch(connection, self.context.symbol, kind, request_id)
                return ScannedSlip(older, is_new=False) if older is not None else None
            batches = (print_batches.find_batch(connection, self.context.symbol, number) for number in numbers)
            run = next((batch for batch in batches if batch is not None and batch.can_take_slip(kind, actor)), None)
            if run is not None:
                return ScannedSlip(print_batches.extend_batch(connection, run, waiting), is_new=True)
            return ScannedSlip(self._insert_batch(connection, kind, waiting, actor), is_new=True)

        return await self.context.store.write(insert_request)

    def _insert_batch(self, connection: Transaction, kind: PrintKind, ids: Sequence[str], actor: str) -> PrintBatch:
        now = self.context.now()
        batch = PrintBatch(
            library=self.context.symbol,
            id=make_exchange_id(now),
            number=0,
            kind=kind,
            made_at=now,
            made_by=actor,
            request_ids=tuple(ids),
        )
        return print_batches.insert_batch(connection, batch)

    async def list_papers(self, request: Request) -> Sequence[RequestPaper]:
        """Every kind that requests of this side may have. Letters only where one was printed or is needed."""
        printed = await self.context.store.read(
            lambda c: print_batches.list_batches_of_request(c, self.context.symbol, request.id)
        )
        batches = {batch.kind: batch for batch in printed}
        papers = []
        for kind, use in USES.items():
            if use.role not in (None, request.role):
                continue
            is_needed = _is_paper_needed(self.context, request, kind)
            if is_needed or kind in batches or kind not in _LETTERS:
                papers.append(RequestPaper(kind, batches.get(kind), "" if is_needed else use.problem))
        return papers

    async def find_printable(
        self, kind: PrintKind, request_ids: Sequence[str], branches: Collection[str] = ()
    ) -> Sequence[str]:
        """Those of these requests that can have such paper now, in their order. `branches`: as of `make_batch`."""
        loaded = await _load_requests(self.context, tuple(dict.fromkeys(request_ids)))
        return [
            request.id
            for request in loaded
            if _is_paper_needed(self.context, request, kind) and is_at_branch(request, branches)
        ]

    async def narrow_batches(self, batches: Sequence[PrintBatch], branches: Collection[str]) -> Sequence[PrintBatch]:
        """Narrow batches to the requests of these branches alone (empty: to all); those without any are left out."""
        if not branches:
            return batches
        ids = [batch.id for batch in batches]
        own = await self.context.store.read(
            lambda c: print_batches.list_items_at(c, self.context.symbol, ids, branches)
        )
        narrowed = (replace(batch, request_ids=own[batch.id]) for batch in batches if batch.id in own)
        return tuple(narrowed)

    async def list_batches(self, limit: int) -> Sequence[PrintBatch]:
        """Newest first."""
        return await self.context.store.read(lambda c: print_batches.list_batches(c, self.context.symbol, limit))

    async def find_batch(self, number: int) -> PrintBatch:
        """Find a batch; raises NotFound."""
        batch = await self.context.store.read(lambda c: print_batches.find_batch(c, self.context.symbol, number))
        if batch is None:
            raise NotFound("batch")
        return batch

    async def mark_printed(self, number: int, actor: str) -> None:
        """It is on paper; said again, the last time counts. Raises NotFound."""
        batch = await self.find_batch(number)
        await self.context.store.write(
            lambda c: print_batches.mark_batch_printed(c, self.context.symbol, batch.id, actor, self.context.now())
        )

    async def _sort_requests(self, kind: PrintKind, ids: tuple[str, ...]) -> tuple[str, ...]:
        if kind is not PrintKind.PULL_SLIPS:
            return ids
        loaded = await _load_requests(self.context, ids)
        copies = await find_located_copies(self.context, loaded)
        return tuple(sorted((request.id for request in loaded), key=lambda id_: _shelf_order(copies.get(id_))))

    # --- sheets ------------------------------------------------------------------------------------------

    async def build_sheets(self, batch: PrintBatch) -> Sequence[PrintSheet]:
        """Build the sheets in the order of the batch, but slips of items for several branches by branch; requests that
        are forgotten have none."""
        build, sheets = self._builders[batch.kind], list[PrintSheet]()
        places = await _list_place_names(self.context) if batch.kind in _PLACED else {}
        loaded = await _load_requests(self.context, batch.request_ids)
        copies = await find_located_copies(self.context, loaded) if batch.kind in _WITH_COPY else {}
        for request in loaded:
            party = request.partner if batch.kind is PrintKind.REQUEST_LETTERS else find_supplier_party(request)
            partner = _complete_party(self.context, request, party)
            sheet = PrintSheet(request=request, partner=partner, copy=copies.get(request.id))
            try:
                sheets.append(_name_places(await build(self.context, sheet), places))
            except Refused as refused:
                sheets.append(replace(sheet, problem=refused.detail))
            except Unavailable:
                sheets.append(replace(sheet, problem=write_sentence("The library system is not responding.")))
            except NotFound:
                sheets.append(
                    replace(sheet, problem=write_sentence("The library system no longer has a record of the patron."))
                )
        return sorted(sheets, key=lambda sheet: sheet.pickup)

    @property
    def _builders(self) -> Mapping[PrintKind, Callable[[LibraryContext, PrintSheet], Awaitable[PrintSheet]]]:
        return {
            PrintKind.PULL_SLIPS: _keep_sheet,
            PrintKind.SHIPPING_SLIPS: _keep_sheet,
            PrintKind.HOLD_SLIPS: _add_shelf_place,
            PrintKind.TRANSIT_SLIPS: _add_shelf_place,
            PrintKind.BOOK_STRAPS: _keep_sheet,
            PrintKind.RETURN_SLIPS: _keep_sheet,
            PrintKind.ADDRESS_LABELS: _keep_sheet,
            PrintKind.REQUEST_LETTERS: self._add_partner_letter,
            PrintKind.PATRON_LETTERS: self._add_patron_letter,
        }

    async def _add_partner_letter(self, context: LibraryContext, sheet: PrintSheet) -> PrintSheet:
        profile, _ = context.require_partner(sheet.request.partner.profile)
        attempt = sheet.request.attempt
        message = PartnerMessage(
            id=sheet.request.id,
            kind=EventKind.REQUEST,
            at=attempt.asked if attempt is not None else context.now(),
            sender=context.party,
            receiver=sheet.partner,
            role=Role.BORROWING,
            transaction=attempt.transaction if attempt is not None else sheet.request.number,
            details=EventDetails(),
            request=remove_patron_data(sheet.request),
        )
        return replace(sheet, letter=self.letters.for_partner(message, profile, context.info, context.zone))

    async def _add_patron_letter(self, context: LibraryContext, sheet: PrintSheet) -> PrintSheet:
        """The newest that could not be sent."""
        page = await self.notices.list_notices(sheet.request.id, MAX_NOTICES, "")
        notice = next((view for view in page if view.status is NoticeStatus.NOT_SENT), None)
        if notice is None:
            raise NotFound("notice")
        return replace(sheet, notice=await self.notices.render_notice(notice.id))


async def _load_requests(context: LibraryContext, ids: Sequence[str]) -> tuple[Request, ...]:
    def load_all(connection: Transaction) -> tuple[Request, ...]:
        loaded = (requests.load_request(connection, context.symbol, id_) for id_ in ids)
        return tuple(request for request in loaded if request is not None)

    return await context.store.read(load_all)


def _is_paper_needed(context: LibraryContext, request: Request, kind: PrintKind) -> bool:
    if not can_have_paper(request, kind):
        return False
    partner = context.partner(request.partner.profile)  # all by post would be gone through for each request
    return kind is not PrintKind.REQUEST_LETTERS or (partner is not None and not partner.channel)


def _list_partners_by_post(context: LibraryContext) -> tuple[str, ...]:
    return tuple(profile.name for profile, partner in context.partners() if not partner.channel)


def _complete_party(context: LibraryContext, request: Request, party: LibraryParty) -> LibraryParty:
    """Complete a party as the request names it; what it leaves out as our profile has it, of a partner itself."""
    partner = context.partner(request.partner.profile)
    if partner is None or party.symbol != request.partner.symbol:
        return party
    return replace(party, name=party.name or partner.name, address=party.address or partner.address)


async def _keep_sheet(_context: LibraryContext, sheet: PrintSheet) -> PrintSheet:
    return sheet


async def _add_shelf_place(context: LibraryContext, sheet: PrintSheet) -> PrintSheet:
    request = sheet.request
    running = await context.store.read(lambda c: timers.list_timers_of_request(c, context.symbol, request.id))
    patron = await find_reader(context, request) if request.patron.id else None
    return replace(
        sheet,
        shelf_mark=_make_shelf_mark(patron, request) if patron is not None else "",
        pickup=request.patron.pickup,
        hold_until=next((row.at for row in running if row.timer is TimerKind.SHELF), None),
    )


async def _list_place_names(context: LibraryContext) -> Mapping[str, str]:
    """List names by the codes of branches and pickup locations; where nobody tells them, codes are shown."""
    try:
        places = await context.system.pickup_locations()
    except (Refused, Unavailable):
        return {}
    return {place.library: place.name for place in places} | {place.code: place.name for place in places}


def _name_places(sheet: PrintSheet, names: Mapping[str, str]) -> PrintSheet:
    copy = sheet.copy
    if copy is not None:
        copy = replace(copy, branch=names.get(copy.branch, copy.branch))
    return replace(sheet, copy=copy, pickup=names.get(sheet.pickup, sheet.pickup))


def _make_shelf_mark(patron: Patron, request: Request) -> str:
    """Three letters of the name and four signs of the card: who waits for it finds it, who passes by learns nothing."""
    name = "".join(filter(str.isalpha, patron.name.inverted))[:3].upper()
    return f"{name} {request.patron.identifier[-4:]}"


def _shelf_order(copy: LocatedCopy | None) -> tuple[str, str, str, str]:
    """Branch, place, then call number, in which numbers count as such; what is nowhere comes last."""
    if copy is None or copy.problem:
        return ("~", "", "", "")
    in_order = _NUMBERS.sub(lambda match: match[0].zfill(8), copy.call_number.casefold())
    return (copy.branch, copy.place, in_order, copy.barcode)
