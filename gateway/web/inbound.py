"""Bounded reading of bodies, and the admission queue with its shares of libraries."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web
from aiohttp.streams import StreamReader

from gateway.domain.value import value_object

MIN_RATE = 500
"""Bytes per second that buy a message more time, as Apache's mod_reqtimeout does it."""

GRACE = 0.3
"""Seconds of silence after which a whole document counts as all there is, whatever the announced length."""

SHARE = 0.4
"""Of all places, for one library, while others want some."""

WANTED_SECONDS = 60.0
"""So long after its last message a library counts as one that wants places, so that no other takes them all in a moment
in which nobody asks."""

TURN_SECONDS = 0.1
"""From the beginning of a library's message to that of its next, while others want places."""

REFUSAL_SECONDS = 1.0
"""So late a message beyond its library's share is refused by HTTP: a sender that sends again at once does so once a
second."""

_TAIL = 300
_ROOT = re.compile(rb"<([A-Za-z_][\w:.\-]{0,200})[\s/>]")


@value_object
class ReceivedBody:
    """`data` is at most one byte longer than the limit; `whole` False: the rest of the connection is of no use."""

    data: bytes
    whole: bool


async def read_body(request: web.Request, limit: int, patience: ReadTimeouts) -> ReceivedBody:
    """Read what can be had of the body. Too long: cut at `limit` + 1 bytes. Too slow, or broken off by a wrong chunk:
    what came until then. Raises ConnectionError when the client has gone."""
    content = request.content
    if content.is_eof():  # it came along with the head: nearly always so
        try:
            data = content.read_nowait()
        except web.RequestPayloadError:
            return ReceivedBody(b"", False)
        return ReceivedBody(data, True) if len(data) <= limit else ReceivedBody(data[: limit + 1], True)
    body = await _read_until_complete(content, limit, patience)
    if not body.whole and (request.transport is None or request.transport.is_closing()):
        raise ConnectionResetError("the client has gone in the middle of its message")
    return body


async def _read_until_complete(content: StreamReader, limit: int, patience: ReadTimeouts) -> ReceivedBody:
    clock = asyncio.get_running_loop().time
    started = clock()
    data = bytearray()
    while len(data) <= limit:
        now = clock()
        deadline = patience.compute_deadline(started, now, len(data))
        if ends_document(data):
            deadline = min(deadline, now + GRACE)
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await content.readany()
        except (TimeoutError, web.RequestPayloadError):
            return ReceivedBody(bytes(data), False)
        if not chunk and content.at_eof():
            return ReceivedBody(bytes(data), True)
        data += chunk
    return ReceivedBody(bytes(data[: limit + 1]), False)


@value_object
class ReadTimeouts:
    """`idle_seconds`: longest silence inside a message; `message_seconds`: from its first to its last byte,
    and one second more for every `MIN_RATE` bytes received."""

    idle_seconds: float = 10.0
    message_seconds: float = 30.0

    def compute_deadline(self, started: float, now: float, received: int) -> float:
        """Compute when to stop waiting for more, on the clock that `started` and `now` (seconds) come from."""
        return min(now + self.idle_seconds, started + self.message_seconds + received / MIN_RATE)


def ends_document(body: bytes | bytearray) -> bool:
    """Return whether an XML text ends with the end tag of its first element: then hardly anything will follow."""
    root = _ROOT.search(body, 0, 4096)
    if root is None:
        return False
    return body[-_TAIL:].rstrip().endswith(b"</" + root[1] + b">")


def count_nothing(_library: str) -> None:
    """Count nothing."""


class QueueFullError(Exception):
    """No place became free in time."""


class AdmissionQueue:
    """`places` messages at once, at most `queue` waiting, none longer than `seconds`; first come, first served. One
    library may take all places while no other wants any, else its share; `count_full_share` counts by library the
    messages that it refuses."""

    def __init__(
        self, places: int, queue: int, seconds: float, count_full_share: Callable[[str], None] = count_nothing
    ) -> None:
        self._free = places
        self._share = max(1, int(places * SHARE))
        self._taken: Counter[str] = Counter()
        """Places by library, of the messages of which it is known."""
        self._asked: dict[str, float] = {}
        """When each library wanted a place last, on the clock of the event loop."""
        self._turns: dict[str, float] = {}
        """When each library's next message may begin, on the same clock."""
        self._count_full_share = count_full_share
        self._queue = queue
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.in_hand = 0
        self.turned_away = 0
        self.closed_by: Callable[[], str] = lambda: ""
        """Why nothing may be begun now, in a sentence; empty: it may. Listeners ask before they begin."""

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def enter(self) -> None:
        """Take a place; whoever got one must `leave`. Raises QueueFullError."""
        if self._free:
            self._free -= 1
            self.in_hand += 1
            return
        if len(self._waiting) >= self._queue:
            self.turned_away += 1
            raise QueueFullError
        await self._wait_for_place(self._seconds)

    async def enter_or_wait(self) -> None:
        """Enter as `enter` does, but wait as long as it takes: for callers whose number is limited already."""
        if self._free:
            self._free -= 1
            self.in_hand += 1
            return
        await self._wait_for_place(None)

    def leave(self) -> None:
        self.in_hand -= 1
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                self.in_hand += 1
                first.set_result(None)
                return
        self._free += 1

    def has_share_left(self, library: str) -> bool:
        """Return whether one more message of this library may be taken."""
        if self._taken[library] < self._share or not self._is_wanted_besides(library):
            return True
        self._count_full_share(library)
        return False

    def _is_wanted_besides(self, library: str) -> bool:
        if self._asked.keys() <= {library}:
            return False
        recent = asyncio.get_running_loop().time() - WANTED_SECONDS
        return any(at > recent or self._taken[other] for other, at in self._asked.items() if other != library)

    @contextmanager
    def count_by_library(self) -> Iterator[Callable[[str], bool]]:
        """Give what counts a message for its library, once that is known, until the message has been dealt with;
        False: the library has its share, and the message is to be refused. It counts once, however often it asks."""
        counted: list[str] = []

        def take_share(library: str) -> bool:
            if library in counted:
                return True
            self._asked[library] = asyncio.get_running_loop().time()
            if not self.has_share_left(library):
                return False
            counted.append(library)
            self._taken[library] += 1
            return True

        try:
            yield take_share
        finally:
            for library in counted:
                self._taken[library] -= 1

    async def wait_for_turn(self, library: str) -> None:
        """Let the messages of a library begin one after the other while others want places: many that come at once
        would otherwise all be before each message of another library. Meanwhile they need no place."""
        if not self._is_wanted_besides(library):
            return
        now = asyncio.get_running_loop().time()
        turn = max(now, self._turns.get(library, now))
        self._turns[library] = turn + TURN_SECONDS
        await asyncio.sleep(turn - now)

    async def _wait_for_place(self, seconds: float | None) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except TimeoutError:
            self._withdraw_waiter(place)
            self.turned_away += 1
            raise QueueFullError from None
        except asyncio.CancelledError:
            self._withdraw_waiter(place)
            raise

    def _withdraw_waiter(self, place: asyncio.Future[None]) -> None:
        """Stop waiting; a place given in the same moment goes to the next."""
        if place.done() and not place.cancelled():
            self.leave()
        elif place in self._waiting:
            self._waiting.remove(place)
