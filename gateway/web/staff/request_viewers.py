"""People who have a request open, by the pages that ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.clock import Clock
from gateway.domain.value import value_object

SILENCE = timedelta(minutes=1)
"""After which a page that says every 20 seconds that it is open is taken for closed."""

OPENED = timedelta(minutes=10)
"""For so long it is told that somebody opened a page that can't say whether it is still open: one without scripts."""

MAX_REQUESTS = 2_000
"""Of which viewers are known; those that were opened longest ago are forgotten first."""

MAX_VIEWERS = 20
"""Of one request."""


@value_object
class RequestViewer:
    """Somebody who has a request open. `since`: when they opened it; `is_there`: it is open still."""

    user: str
    shown_name: str
    since: datetime
    is_there: bool


@dataclass(slots=True)
class _OpenPage:
    shown_name: str
    since: datetime
    seen: datetime
    speaks: bool = False


class RequestViewers:
    """The viewers in the memory of this process alone: nothing of it is stored or logged, and staff whose pages another
    node serves are not among them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pages: OrderedDict[tuple[str, str], dict[str, _OpenPage]] = OrderedDict()

    def note_opening(self, library: str, request_id: str, user: str, shown_name: str) -> None:
        """Somebody has loaded its page."""
        now = self._clock.now()
        pages = self._pages.setdefault((library, request_id), {})
        pages.pop(user, None)
        pages[user] = _OpenPage(shown_name, now, now)
        while len(pages) > MAX_VIEWERS:
            del pages[next(iter(pages))]
        self._pages.move_to_end((library, request_id))
        while len(self._pages) > MAX_REQUESTS:
            self._pages.popitem(last=False)

    def note_reading(self, library: str, request_id: str, user: str, shown_name: str) -> None:
        """The page says that it is open still."""
        page = self._pages.get((library, request_id), {}).get(user)
        if page is None:
            self.note_opening(library, request_id, user, shown_name)
            page = self._pages[library, request_id][user]
        page.seen = self._clock.now()
        page.speaks = True

    def list_others(self, library: str, request_id: str, user: str) -> Sequence[RequestViewer]:
        """List viewers without this user, those first who are there, and of these who opened it first."""
        pages = self._pages.get((library, request_id), {})
        now = self._clock.now()
        for name in [name for name, page in pages.items() if _is_forgotten(page, now)]:
            del pages[name]
        others = [
            RequestViewer(name, page.shown_name, page.since, now - page.seen <= SILENCE)
            for name, page in pages.items()
            if name != user
        ]
        return sorted(others, key=lambda viewer: (not viewer.is_there, viewer.since))


def _is_forgotten(page: _OpenPage, now: datetime) -> bool:
    return now - page.seen > (SILENCE if page.speaks else OPENED)
