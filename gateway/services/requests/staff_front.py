"""Staff's lists besides the requests themselves: how much waits where, what could not be done, what was written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.tasks import TASKS
from gateway.domain.requests.views import DeadLetter, NoticeStatus, NoticeView, NotThere, Page, TaskView
from gateway.services.requests.effects import LETTER, PARTNER
from gateway.services.requests.front import house_of
from gateway.services.requests.house import House
from gateway.store.requests import counting, outbox
from gateway.store.requests.documents import Unreadable, parse_message
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
        house = house_of(self.houses, library)
        page = await house.store.read(lambda c: outbox.listing(c, house.symbol, Status.DEAD, limit, cursor))
        return Page(tuple(_dead(row) for row in page.rows), page.cursor)

    async def dead_letter(self, library: str, letter_id: str) -> DeadLetter:
        house = house_of(self.houses, library)
        return _dead(await self._row(house, letter_id))

    async def release(self, library: str, letter_id: str, actor: str) -> None:
        house = house_of(self.houses, library)
        await self._change(house, lambda c: outbox.release(c, house.symbol, letter_id, house.now()))

    async def edit(self, library: str, letter_id: str, payload: str, actor: str) -> None:
        house = house_of(self.houses, library)
        _is_usable(await self._row(house, letter_id), payload)
        await self._change(house, lambda c: outbox.edit(c, house.symbol, letter_id, payload, house.now()))

    async def skip(self, library: str, letter_id: str, reason: str, actor: str) -> None:
        house = house_of(self.houses, library)
        await self._change(house, lambda c: outbox.skip(c, house.symbol, letter_id, reason, actor, house.now()))

    async def _row(self, house: House, letter_id: str) -> Row:
        row = await house.store.read(lambda c: outbox.get(c, house.symbol, letter_id))
        if row is None or row.status is not Status.DEAD:
            raise NotThere("dead letter")
        return row

    async def _change(self, house: House, change: Callable[[Connection], bool]) -> None:
        if not await house.store.write(change):
            raise NotThere("dead letter")
        house.nudge()

    # --- notices -----------------------------------------------------------------------------------------

    async def notices(self, library: str, request_id: str, limit: int, cursor: str) -> Page[NoticeView]:
        house = house_of(self.houses, library)
        page = await house.store.read(lambda c: outbox.of_kind(c, house.symbol, LETTER, request_id, limit, cursor))
        return Page(tuple(_notice(row) for row in page.rows), page.cursor)


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
        if row.kind == PARTNER:
            parse_message(payload)
        elif not isinstance(json.loads(payload), dict):
            raise ValueError("an object is expected")
    except (ValueError, Unreadable) as error:
        raise Refused(Reason.INVALID_VALUE, f"This can't be what '{row.kind}' needs: {error}") from error
