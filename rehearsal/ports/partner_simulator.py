"""Playing a partner: what `illgate send` needs of a protocol to build a partner's message, send it and read the answer.

The command knows no wire format: services and their parameters are listed by the protocol, values are texts as an
operator types them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from gateway.domain.value import value_object
from gateway.ports.message_transport import Place, TransportReply
from gateway.ports.responder import ExchangeContext

Values = Mapping[str, tuple[str, ...]]
"""Parameter name -> texts as typed; several only where the parameter is repeatable."""


@value_object
class ServiceParameter:
    """One thing that can be said with a service. `name` in kebab-case; `default` is what is sent if it isn't said,
    in words."""

    name: str
    help: str
    example: str = ""
    required: bool = False
    repeatable: bool = False
    flag: bool = False  # takes no value
    choices: tuple[str, ...] = ()
    default: str = ""


@value_object
class PartnerService:
    """A service by its name in kebab-case; `wire` is its name in the protocol."""

    name: str
    wire: str
    help: str
    parameters: tuple[ServiceParameter, ...]
    aliases: tuple[str, ...] = ()


class InvalidParameter(Exception):
    """A value that can't be used, or one that is missing; `parameter` empty: it concerns the message as a whole."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"--{parameter}: {reason}" if parameter else reason)
        self.parameter = parameter
        self.reason = reason


class MessageFate(StrEnum):
    """The result of a message that was sent."""

    DONE = "done"
    REFUSED = "refused"  # a business answer
    FAILED = "failed"  # technical: not reached, or an answer that can't be read
    UNKNOWN = "unknown"  # it may or may not have been carried out


@value_object
class AnswerExplanation:
    """An answer for people: indented lines, the first of which says service and outcome."""

    fate: MessageFate
    lines: tuple[str, ...]


class PartnerSimulator(Protocol):
    """The speech of a partner of one profile; `build` and `explain` are pure."""

    def services(self, exchange: ExchangeContext) -> tuple[PartnerService, ...]:
        """Those that the protocol has in the version which the profile speaks."""
        ...

    def build(self, service: str, values: Values, exchange: ExchangeContext) -> bytes:
        """The partner's message. `service` by name, alias or wire name.

        Raises InvalidParameter, ConfigurationError for a secret that isn't there.
        """
        ...

    async def send_message(self, body: bytes, exchange: ExchangeContext, place: Place) -> TransportReply:
        """Send as the partner would, with the credentials that the profile lets in.

        Raises Unavailable (nothing was sent), OutcomeUnknown (sent, no whole answer), ConfigurationError.
        """
        ...

    def explain(self, sent: bytes, reply: TransportReply, exchange: ExchangeContext) -> AnswerExplanation: ...
