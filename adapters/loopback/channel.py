"""The port `PartnerChannel` within one process."""

from __future__ import annotations

from adapters.loopback import codec
from adapters.loopback.hub import HUB
from gateway.domain.problems import MalformedMessage, Reason, Refusal, Refused
from gateway.domain.profile import Profile
from gateway.ports.adapter import ChannelContext
from gateway.ports.channel import Delivered, PartnerMessage, Taken


class LoopbackChannel:
    """Reachable under the symbols of the gateway's libraries from when it is made."""

    name = "loopback"

    def __init__(self, context: ChannelContext) -> None:
        self._receive = context.receive
        for symbol in context.libraries:
            HUB.join(symbol, self.deliver)

    async def send(self, message: PartnerMessage, profile: Profile) -> Delivered:
        """Raises Unavailable."""
        symbol = message.receiver.symbol
        answer = await HUB.send(symbol, codec.encode(message))
        taken = codec.read_acknowledgement(answer)
        return Delivered(f"taken by {symbol}{' (a repeat)' if taken.repeated else ''}", taken.refused)

    async def deliver(self, body: bytes) -> bytes:
        """A message for one of our libraries. Raises Unavailable."""
        try:
            message = codec.decode(body)
        except MalformedMessage as malformed:
            return codec.acknowledge(Taken(refused=Refusal(Reason.INVALID_VALUE, str(malformed))))
        try:
            return codec.acknowledge(await self._receive(message, None))
        except Refused as refused:
            return codec.acknowledge(Taken(refused=Refusal.of(refused)))
