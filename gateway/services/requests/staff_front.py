"""Staff's lists besides the requests themselves: how much waits where, what could not be done, what was written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.events import Details, Event, Kind, by_us
from gateway.domain.requests.tasks import TASKS
from gateway.domain.requests.views import DeadLetter, GatheredOrder, NoticeStatus, NoticeView, NotThere, Page, TaskView
from gateway.services.requests.effects import LETTER, PARTNER
from gateway.services.requests.front import house_of
from gateway.services.requests.gathered import gathered, skip_orders
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.store.requests import counting, gathering, outbox
from gateway.store.requests.documents import Unreadable, parse_message
from gateway.store.requests.gathering import FILE, GATHER, ORDER
from gateway.store.requests.outbox import Row, Status

DEAD_LETTERS = "dead-letters"

NOTICE: Mapping[Status, NoticeStatus] = {
    Status.WAITING: NoticeStatus.WAITING,
    Status.IN_HAND: NoticeStatus.WAITING,
    Status.DONE: NoticeStatus.SENT,
    Status.DEAD: NoticeStatus.FAILED,
    Status.REFUSED: NoticeStatus.FAILED,
    Status.SKIPPED: NoticeStatus.SKIPPED,
}


@frozen
class StaffFront:
    houses: Mapping[str, House]

    async def tasks(self, library: str) -> Sequence[TaskView]:
        house = house_of(self.houses, library)
        counts = await house.store.read(lambda c: counting.task_counts(c, house.symbol))
        lists = tuple(
            TaskView(
                task.name, task.role.value if task.role is not None else "", task.description, counts.get(task.name, 0)
            )
            for task in TASKS
        )
        dead = TaskView(DEAD_LETTERS, "", "could not be done: release, edit or skip", counts.get(DEAD_LETTERS, 0))
        return (*lists, dead)

    # --- dead letters ------------------------------------------------------------------------------------

    async def dead_letters(self, library: str, limit: int, cursor: str) -> Page[DeadLetter]:
        """Oldest first."""
        house = house_of(self.houses, library)
        page = await house.store.read(lambda c: outbox.oldest_first(c, house.symbol, Status.DEAD, limit, cursor))
        return Page(tuple(_dead(row) for row in page.rows), page.cursor)

    async def dead_letter(self, library: str, letter_id: str) -> DeadLetter:
        house = house_of(self.houses, library)
        return _dead(await house.store.read(lambda c: _dead_row(c, house, letter_id)))

    async def release(self, library: str, letter_id: str, actor: str) -> None:
        """Also an order that waits for others: it goes alone."""
        house = house_of(self.houses, library)

        def work(connection: Connection) -> None:
            _decided(connection, house, letter_id, "released", actor, _held_row)
            outbox.release(connection, house.symbol, letter_id, house.now())

        await self._change(house, work)

    async def edit(self, library: str, letter_id: str, payload: str, actor: str) -> None:
        house = house_of(self.houses, library)

        def work(connection: Connection) -> None:
            _is_usable(_decided(connection, house, letter_id, "changed and released", actor), payload)
            outbox.edit(connection, house.symbol, letter_id, payload, house.now())

        await self._change(house, work)

    async def skip(self, library: str, letter_id: str, reason: str, actor: str) -> None:
        house = house_of(self.houses, library)

        def work(connection: Connection) -> None:
            row = _decided(connection, house, letter_id, f"skipped: {reason}", actor)
            if row.kind == FILE:
                skip_orders(connection, house, row, reason, actor)
            outbox.skip(connection, house.symbol, letter_id, reason, actor, house.now())

        await self._change(house, work)

    async def _change(self, house: House, change: Callable[[Connection], None]) -> None:
        await house.store.write(change)
        house.nudge()

    # --- orders that wait for others ---------------------------------------------------------------------

    async def gathered(self, library: str, limit: int, cursor: str) -> Page[GatheredOrder]:
        """Oldest first."""
        house = house_of(self.houses, library)
        return await house.store.read(lambda c: gathered(c, house, limit, cursor))

    async def send_now(self, library: str, partner: str) -> int:
        """What waits for others to go to this partner goes now; how many orders that are. Raises Refused: there is no
        such partner."""
        house = house_of(self.houses, library)
        profile, _ = house.known_partner(partner)
        sent = await house.store.write(lambda c: gathering.hurry(c, house.symbol, profile.name, house.now()))
        house.nudge()
        return sent

    # --- notices -----------------------------------------------------------------------------------------

    async def notices(self, library: str, request_id: str, limit: int, cursor: str) -> Page[NoticeView]:
        house = house_of(self.houses, library)
        page = await house.store.read(lambda c: outbox.of_kind(c, house.symbol, LETTER, request_id, limit, cursor))
        return Page(tuple(_notice(row) for row in page.rows), page.cursor)


def _dead_row(connection: Connection, house: House, letter_id: str) -> Row:
    """Raises NotThere, also when it isn't dead (any more)."""
    row = outbox.get(connection, house.symbol, letter_id)
    if row is None or row.status is not Status.DEAD:
        raise NotThere("dead letter")
    return row


def _held_row(connection: Connection, house: House, letter_id: str) -> Row:
    """The same, or an order that waits for others. Raises NotThere."""
    row = outbox.get(connection, house.symbol, letter_id)
    if row is not None and row.kind == ORDER and row.status is Status.WAITING:
        return row
    return _dead_row(connection, house, letter_id)


Look = Callable[[Connection, House, str], Row]


def _decided(
    connection: Connection, house: House, letter_id: str, what: str, actor: str, look: Look = _dead_row
) -> Row:
    """The row; who decided what about it stands in the history of its request, if that is still there. That locks the
    request, and only then is the row looked at for good: two of the staff at once decide one after the other.

    Raises NotThere.
    """
    row = look(connection, house, letter_id)
    if row.request_id:
        details = Details(note=f"outbox: {row.kind} {row.target} {what}")
        event = Event(by_us(Kind.NOTE), house.now(), actor, details)
        with suppress(NotThere):
            happen_in(connection, house, Happening(request_id=row.request_id, event=event))
    return look(connection, house, letter_id)


def _dead(row: Row) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        kind=row.kind,
        target=row.target,
        request_id=row.request_id,
        created=row.created,
        tries=row.tries,
        error=row.error,
        payload=row.payload,
    )


def _notice(row: Row) -> NoticeView:
    status = NOTICE[row.status]
    return NoticeView(
        id=row.id,
        request_id=row.request_id,
        letter=row.target,
        status=status,
        created=row.created,
        sent=row.ended if status is NoticeStatus.SENT else None,
        error=row.error,
    )


def _is_usable(row: Row, payload: str) -> None:
    """Raises Refused(INVALID_VALUE) when the row's handler could not read it."""
    try:
        if row.kind in (FILE, GATHER):
            raise ValueError("it is made from its orders; release it or skip it")
        if row.kind in (PARTNER, ORDER):
            parse_message(payload)
        elif not isinstance(json.loads(payload), dict):
            raise ValueError("an object is expected")
    except (ValueError, Unreadable) as error:
        raise Refused(Reason.INVALID_VALUE, f"This can't be what '{row.kind}' needs: {error}") from error
