"""Managed requests of all libraries, as the API and commands ask for them: by the symbol of the library.

What is shown is made here; what is done goes through `intake`, `incoming` and `acts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.events import Details, Event, Kind, by_us
from gateway.domain.requests.fields import BY_RULE
from gateway.domain.requests.machine import allowed
from gateway.domain.requests.page_counts import page_warning
from gateway.domain.requests.request import (
    Attachment,
    Borrowing,
    Lending,
    Request,
    Role,
    RotaLine,
    ServiceType,
    Standing,
    State,
)
from gateway.domain.requests.tasks import TASKS
from gateway.domain.requests.views import (
    Act,
    BadCursor,
    Draft,
    HistoryLine,
    LendingDraft,
    NotThere,
    Page,
    Shown,
    StoredFile,
    TimerLine,
    UnfinishedStep,
    Upload,
    Wanted,
)
from gateway.services.files.arriving import checked
from gateway.services.requests.acts import Acts, require_request
from gateway.services.requests.happen import Happening, happen, happen_in, line_of, must_fit
from gateway.services.requests.house import House, needs_role
from gateway.services.requests.incoming import staff_request
from gateway.services.requests.intake import create
from gateway.store.ids import exchange_id
from gateway.store.requests import files, history, listing, outbox, requests, timers
from gateway.store.requests.history import EventRow
from gateway.store.requests.outbox import Row


def house_of(houses: Mapping[str, House], library: str) -> House:
    """Raises NotThere."""
    found = next((house for symbol, house in houses.items() if symbol.casefold() == library.casefold()), None)
    if found is None:
        raise NotThere("library")
    return found


@frozen
class RequestsFront:
    """`acts` by symbol of the library."""

    houses: Mapping[str, House]
    acts: Mapping[str, Acts]

    def house(self, library: str) -> House:
        return house_of(self.houses, library)

    # --- making ------------------------------------------------------------------------------------------

    async def create_borrowing(self, library: str, draft: Draft) -> Request:
        return await create(self.house(library), draft)

    async def create_lending(self, library: str, draft: LendingDraft) -> Request:
        return await staff_request(self.house(library), draft)

    async def act(self, library: str, request_id: str, act: Act) -> Request:
        house = self.house(library)
        return await self.acts[house.symbol].act(request_id, act)

    # --- looking -----------------------------------------------------------------------------------------

    async def listing(self, library: str, wanted: Wanted, limit: int, cursor: str) -> Page[Request]:
        house = self.house(library)
        if wanted.task and wanted.task not in {task.name for task in TASKS}:
            raise Refused(Reason.INVALID_VALUE, "There is no such task list.", value=wanted.task)
        filtered = _filter(wanted)
        try:
            found = await house.store.read(lambda c: listing.listing(c, house.symbol, filtered, limit, cursor))
        except listing.BadCursor as bad:
            raise BadCursor(str(bad)) from bad
        return Page(found.requests, found.cursor)

    async def show(self, library: str, request_id: str) -> Shown:
        house = self.house(library)

        def work(
            connection: Connection,
        ) -> tuple[Request, Sequence[EventRow], Sequence[timers.TimerRow], Sequence[Row]]:
            request = requests.load(connection, house.symbol, request_id)
            if request is None:
                raise NotThere("request")
            return (
                request,
                history.of_request(connection, house.symbol, request_id),
                timers.of_request(connection, house.symbol, request_id),
                outbox.unfinished_of_request(connection, house.symbol, request_id),
            )

        request, rows, running, unfinished = await house.store.read(work)
        probe = Event(by_us(Kind.NOTE), house.now())
        kinds = tuple(kind for kind in allowed(request, house.workflow(request), probe) if kind not in BY_RULE)
        return Shown(
            request=request,
            history=tuple(line_of(row) for row in rows),
            timers=tuple(TimerLine(row.timer.value, row.at) for row in running),
            allowed=kinds,
            unfinished=tuple(_unfinished_step(row) for row in unfinished),
        )

    async def find(self, library: str, reference: str) -> Request:
        """By id or number. Raises NotThere."""
        house = self.house(library)

        def work(connection: Connection) -> Request | None:
            found = requests.load(connection, house.symbol, reference)
            if found is not None:
                return found
            by_number = requests.by_number(connection, house.symbol, reference)
            return requests.load(connection, house.symbol, by_number) if by_number is not None else None

        request = await house.store.read(work)
        if request is None:
            raise NotThere("request")
        return request

    # --- files -------------------------------------------------------------------------------------------

    async def attach(
        self, library: str, request_id: str, upload: Upload, actor: str, version: int | None
    ) -> tuple[Request, Attachment]:
        house = self.house(library)
        await require_request(house, request_id)  # before a scanner is bothered
        upload = await checked(upload, house.policy().copies)
        now = house.now()
        attachment = Attachment(
            id=exchange_id(now),
            name=upload.name,
            media_type=upload.media_type,
            size=len(upload.content),
            pages=upload.pages,
            sha256=hashlib.sha256(upload.content).hexdigest(),
            at=now,
        )
        event = Event(by_us(Kind.NOTE), now, actor, Details(attachment=attachment.id))
        happening = Happening(
            request_id=request_id,
            event=event,
            expected=version,
            prepare=lambda request: _with_file(request, attachment),
        )

        def work(connection: Connection) -> Request:
            files.put(connection, house.symbol, attachment.id, upload.content)
            return must_fit(happen_in(connection, house, happening)).request

        return await house.store.write(work), attachment

    async def attachment(self, library: str, request_id: str, attachment_id: str) -> StoredFile:
        house = self.house(library)
        request = await require_request(house, request_id)
        kept = next((one for one in request.attachments if one.id == attachment_id), None)
        content = await house.store.read(lambda c: files.get(c, house.symbol, attachment_id)) if kept else None
        if kept is None or content is None:
            raise NotThere("attachment")
        return StoredFile(kept, content)

    # --- the rota of one request -------------------------------------------------------------------------

    async def reorder(
        self, library: str, request_id: str, partners: Sequence[str], actor: str, version: int | None
    ) -> Request:
        house = self.house(library)
        partners = tuple(dict.fromkeys(partners))
        for partner in partners:
            house.known_partner(partner)

        def reordered(request: Request) -> Request:
            done = tuple(line for line in request.rota if line.standing is not Standing.WAITING)
            waiting = {line.partner: line for line in request.rota if line.standing is Standing.WAITING}
            first = [waiting.pop(name, RotaLine(name)) for name in partners]
            chosen = [replace(line, why="by hand", by_hand=True) for line in first]
            return replace(request, rota=(*done, *chosen, *waiting.values()))

        note = f"rota: {', '.join(partners)}"
        return await self._on_rota(house, request_id, reordered, actor, version, note)

    async def skip(
        self, library: str, request_id: str, partner: str, why: str, actor: str, version: int | None
    ) -> Request:
        house = self.house(library)

        def skipped(request: Request) -> Request:
            waits = any(line.partner == partner and line.standing is Standing.WAITING for line in request.rota)
            if not waits:
                raise NotThere("rota line")
            rota = tuple(
                replace(line, standing=Standing.SKIPPED, why=why)
                if line.partner == partner and line.standing is Standing.WAITING
                else line
                for line in request.rota
            )
            return replace(request, rota=rota)

        return await self._on_rota(
            house, request_id, skipped, actor, version, f"rota: {partner} skipped{f', {why}' if why else ''}"
        )

    async def _on_rota(
        self,
        house: House,
        request_id: str,
        change: Callable[[Request], Request],
        actor: str,
        version: int | None,
        note: str,
    ) -> Request:
        event = Event(by_us(Kind.NOTE), house.now(), actor, Details(note=note))

        def changed(request: Request) -> Request:
            needs_role(request, Role.BORROWING)
            return change(request)

        happening = Happening(request_id=request_id, event=event, expected=version, prepare=changed)
        return (await happen(house, happening)).request


def _with_file(request: Request, attachment: Attachment) -> Request:
    """A copy of another length than cited gets a warning for staff."""
    found = page_warning(request.citation, attachment.name, attachment.pages)
    warnings = (
        (*request.warnings, found) if found and request.service.type is not ServiceType.LOAN else request.warnings
    )
    return replace(request, attachments=(*request.attachments, attachment), warnings=warnings)


def _filter(wanted: Wanted) -> listing.Filter:
    """Raises Refused(INVALID_VALUE) for a state that doesn't exist."""
    sides: dict[Role, tuple[State, ...]] = {Role.BORROWING: tuple(Borrowing), Role.LENDING: tuple(Lending)}
    possible: list[State] = [one for role, states in sides.items() if wanted.role in (None, role) for one in states]
    unknown = [word for word in wanted.states if word not in {state.value for state in possible}]
    if unknown:
        raise Refused(Reason.INVALID_VALUE, "There is no such state.", value=unknown[0])
    return listing.Filter(
        role=wanted.role,
        states=tuple(state for state in possible if state.value in wanted.states),
        task=wanted.task,
        partner=wanted.partner,
        patron_id=wanted.patron_id,
        text=wanted.text,
        open=wanted.open,
        branch=wanted.branch,
        need_by_before=wanted.need_by_before,
    )


def _unfinished_step(row: Row) -> UnfinishedStep:
    return UnfinishedStep(row.id, row.kind, row.target, row.status.value, row.created, row.tries, row.error)


@frozen
class FeedFront:
    houses: Mapping[str, House]

    async def after(self, library: str, cursor: str, limit: int) -> Sequence[HistoryLine]:
        house = house_of(self.houses, library)
        rows = await house.store.read(lambda c: history.after(c, house.symbol, cursor, limit))
        return tuple(line_of(row) for row in rows)
