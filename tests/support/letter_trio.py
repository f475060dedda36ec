"""A broker with letters on one side or on both (tests/support/brokered_trio.py), and the people who read them.

What the broker does by itself on one leg it writes to the partner on the other. A letter is words to the gateway that
gets it, so whoever works for the broker also answers the partner's letter by its link, as staff of the other libraries
do for what they have done (tests/support/letter_pair.py).
"""

from __future__ import annotations

from gateway.domain.requests.events import BROKER, EventKind
from gateway.domain.requests.request import Request, Role
from gateway.store.requests.request_rows import parse_event
from tests.support.brokered_trio import Trio, TwoWays
from tests.support.iso_mail import Mail
from tests.support.letter_pair import LetterReaders, Letters, SaidByStaff

ASKS_OF = {("SOUTH", "NORTH"), ("EAST", "SOUTH")}
"""Who is asked, and by whom."""

TOLD_TO_NOBODY = (EventKind.CANCEL, "cancelled")
"""What an event has led to at once: no supplier was in hand."""


class LetterTrio(LetterReaders, Trio):
    _seen = 0
    """Lines of the broker's history that have been looked at."""

    def is_by_letter(self, one: str, other: str) -> bool:
        joining = self.joining
        if isinstance(joining, TwoWays):
            return isinstance(joining.far if "EAST" in (one, other) else joining.near, Letters)
        return isinstance(joining, Letters)

    @property
    def _mail(self) -> Mail:
        joining = self.joining
        ways = (joining.near, joining.far) if isinstance(joining, TwoWays) else (joining,)
        return next(one for one in ways if isinstance(one, Letters))

    async def quiet(self) -> None:
        await super().quiet()
        while await self._note_carried():
            await super().quiet()

    async def _note_carried(self) -> bool:
        """What the broker has written by itself since it was looked at last. False: nothing is left to say."""
        lines = await self.towns["SOUTH"].history()
        new, self._seen = lines[self._seen :], len(lines)
        requests = await self.towns["SOUTH"].requests()
        crosses = any(one.crosses for one in self._unsaid)
        for line in new:
            event, request = parse_event(line.document), requests[line.request_id]
            if event.actor != BROKER or line.denied or (event.kind, line.after) == TOLD_TO_NOBODY:
                continue
            if to := self._find_partner("SOUTH", request):
                kind = EventKind.SHIPPED if event.kind is EventKind.COPY_DELIVERED else event.kind
                self._remember(SaidByStaff("SOUTH", to, kind, event.details, crosses))
        return bool(self._unsaid)

    def _find_partner(self, symbol: str, request: Request) -> str:
        outside = "NORTH" if request.role is Role.LENDING else "EAST"
        to = outside if symbol == "SOUTH" else "SOUTH"
        return to if self.is_by_letter(symbol, to) else ""

    async def _find_asking(self, symbol: str) -> tuple[str, Request] | None:
        if symbol == "SOUTH" and self.is_by_letter("NORTH", "SOUTH"):
            return "NORTH", await self.borrowing()
        if symbol == "EAST" and self.is_by_letter("SOUTH", "EAST"):
            return "SOUTH", (await self.legs())[1]
        return None

    async def _find_lent(self, by: str, to: str) -> Request | None:
        if (by, to) not in ASKS_OF:
            return None
        return await self.supplied() if by == "EAST" else (await self.legs())[0]
