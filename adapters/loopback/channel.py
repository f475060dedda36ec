"""Port PartnerChannel within one process, and its hub."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from adapters.loopback import codec
from gateway.domain.problems import MalformedMessage, OutcomeUnknown, Refusal, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import write_sentence
from gateway.ports.adapter import ChannelContext
from gateway.ports.partner_channel import ChannelMessage, DeliveryResult, InboxResult, PartnerMessage

DeliverMessage = Callable[[bytes], Awaitable[bytes]]
"""Message in, acknowledgement out. Raises Unavailable."""

CarryMessage = Callable[[str, bytes, DeliverMessage], Awaitable[bytes]]
"""How a message gets to the member of a symbol, and its acknowledgement back. Raises Unavailable, OutcomeUnknown."""


class LoopbackChannel:
    """Hands messages for libraries of its own gateway to that gateway, on whatever node it runs. Others in this process
    find it at the hub, under the symbols of its libraries, from when it is made."""

    name = "loopback"

    def __init__(self, context: ChannelContext) -> None:
        self._receive = context.receive
        self._record = context.record
        self._libraries = context.libraries
        for symbol in context.libraries:
            HUB.add_member(symbol, self.accept_message)

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """Send a message; raises Unavailable, and what the wire raises."""
        symbol, body = message.receiver.symbol, codec.encode_partner_message(message)
        own = self.accept_message if symbol in self._libraries else None
        try:
            answer = await HUB.send(symbol, body, own)
        except OutcomeUnknown:
            self._record(_make_channel_message(body))
            raise
        self._record(_make_channel_message(body, answer))
        taken = codec.decode_acknowledgement(answer)
        return DeliveryResult(f"taken by {symbol}{' (a repeat)' if taken.repeated else ''}", taken.refused)

    async def accept_message(self, body: bytes) -> bytes:
        """A message for one of our libraries. Raises Unavailable."""
        try:
            message = codec.decode_partner_message(body)
        except MalformedMessage as malformed:
            return codec.encode_acknowledgement(
                InboxResult(refused=Refusal(RefusalReason.INVALID_VALUE, str(malformed)))
            )
        try:
            return codec.encode_acknowledgement(await self._receive(message, None, _make_channel_message(body)))
        except Refused as refused:
            return codec.encode_acknowledgement(InboxResult(refused=Refusal.from_error(refused)))


def _make_channel_message(body: bytes, answer: bytes | None = None) -> ChannelMessage:
    """Make the message as the journals of both sides have it."""
    return ChannelMessage(
        protocol=LoopbackChannel.name,
        transport="process",
        body=body,
        content_type="application/json",
        answer=answer,
        answer_type="application/json" if answer is not None else "",
    )


async def deliver_directly(_symbol: str, message: bytes, deliver: DeliverMessage) -> bytes:
    return await deliver(message)


class LoopbackHub:
    """Libraries by symbol, without case. The last one that joins under a symbol is the one that is reached."""

    def __init__(self) -> None:
        self._members: dict[str, DeliverMessage] = {}
        self._wire: CarryMessage = deliver_directly

    def add_member(self, symbol: str, deliver: DeliverMessage) -> None:
        self._members[symbol.casefold()] = deliver

    def remove_member(self, symbol: str, deliver: DeliverMessage) -> None:
        """Remove a member; nothing happens when another has taken its place."""
        if self._members.get(symbol.casefold()) == deliver:
            del self._members[symbol.casefold()]

    def find_member(self, symbol: str) -> DeliverMessage:
        """Find a member; raises Unavailable when nobody is there under this symbol."""
        deliver = self._members.get(symbol.casefold())
        if deliver is None:
            raise Unavailable(write_sentence("no gateway in this process has the symbol %(symbol)s", symbol=symbol))
        return deliver

    async def send(self, symbol: str, message: bytes, deliver: DeliverMessage | None = None) -> bytes:
        """Send a message to a member, or by `deliver`; raises Unavailable, and what the wire and the member raise."""
        return await self._wire(symbol, message, deliver or self.find_member(symbol))

    @contextmanager
    def use_wire(self, wire: CarryMessage) -> Iterator[None]:
        """Meanwhile messages go this way: a rehearsal loses, repeats and delays them."""
        before, self._wire = self._wire, wire
        try:
            yield
        finally:
            self._wire = before


HUB = LoopbackHub()
