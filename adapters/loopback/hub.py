"""Who can be reached in this process: the one thing that its gateways share, and all that joins them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from gateway.domain.problems import Unavailable

Deliver = Callable[[bytes], Awaitable[bytes]]
"""Message in, acknowledgement out. Raises Unavailable."""

Wire = Callable[[str, bytes, Deliver], Awaitable[bytes]]
"""How a message gets to the member of a symbol, and its acknowledgement back. Raises Unavailable, OutcomeUnknown."""


async def straight(_symbol: str, message: bytes, deliver: Deliver) -> bytes:
    return await deliver(message)


class Hub:
    """Libraries by symbol, without case. The last one that joins under a symbol is the one that is reached."""

    def __init__(self) -> None:
        self._members: dict[str, Deliver] = {}
        self._wire: Wire = straight

    def join(self, symbol: str, deliver: Deliver) -> None:
        self._members[symbol.casefold()] = deliver

    def leave(self, symbol: str, deliver: Deliver) -> None:
        """Nothing happens when another has taken its place."""
        if self._members.get(symbol.casefold()) == deliver:
            del self._members[symbol.casefold()]

    def member(self, symbol: str) -> Deliver:
        """Raises Unavailable when nobody is there under this symbol."""
        deliver = self._members.get(symbol.casefold())
        if deliver is None:
            raise Unavailable(f"no gateway in this process answers for {symbol}")
        return deliver

    async def send(self, symbol: str, message: bytes) -> bytes:
        """Raises Unavailable, and what the wire and the member raise."""
        return await self._wire(symbol, message, self.member(symbol))

    @contextmanager
    def over(self, wire: Wire) -> Iterator[None]:
        """Meanwhile messages go this way: a rehearsal loses, repeats and delays them."""
        before, self._wire = self._wire, wire
        try:
            yield
        finally:
            self._wire = before


HUB = Hub()
