"""Port PartnerChannel, batches of orders, and connections on which both sides speak.

Only the outbox calls a channel (design rule 5). It knows its wire format, never the state tables.

Whoever opened it, a connection is served in one way: what comes in is a message for the exchange, and what we want to
say goes out on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeGuard, runtime_checkable

from gateway.domain.problems import Refusal, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty, Request, Role
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.tls import ClientTls

ABOUT = "about"
"""Name of the extra in which a message of kind TROUBLE says which message of the partner's was refused, in the words of
its protocol."""


@value_object(kw_only=True)
class PartnerMessage:
    """One event to be told to the partner. `id` is unique and the same at every try, so that the partner can tell a
    repeat; `transaction` is the number by which requester and supplier know the request; `request` is as it was when
    the event happened. `repeated`: an earlier try may have reached the partner. `on_behalf_of`: the library on the
    other side of what we broker, for a partner that is to know of it; its address only where items go straight there.
    `items_told`: barcodes of pieces that an earlier message has told this partner of as sent. `part`: which of several
    messages of one event this is (`SendsInParts`), from 0; None: all of them. `refused_before`: the partner has read
    this very message and refused what it does, and keeps what it tells.
    """

    id: str
    kind: EventKind
    at: datetime
    sender: LibraryParty  # our library
    receiver: LibraryParty
    role: Role  # ours
    transaction: str
    details: EventDetails
    request: Request
    repeated: bool = False
    on_behalf_of: LibraryParty | None = None
    items_told: tuple[str, ...] = ()
    part: int | None = None
    refused_before: bool = False


@value_object
class DeliveryResult:
    """The partner's side has the message. `refused`: it said at once that it can't act on it. `note`: who took it and
    under which id, in one line, kept with the outbox row. `altered`: what had to be changed of it to fit into the
    partner's format, for the request's history. `external`: the number under which the partner's system has the
    request; it comes onto the request and, with `note`, into its history."""

    note: str = ""
    refused: Refusal | None = None
    altered: str = ""
    external: str = ""


@value_object(kw_only=True)
class ChannelMessage:
    """A message that has left for a partner by a channel, or may have left where the outcome is unknown, as the journal
    is to have it; or one that has come by it from a partner. `service`: what the protocol calls it; empty: the kind of
    the event. `answer`: what came back on the same way, where that isn't a message of its own. Neither holds a key by
    which we show who we are; passwords within mails and within what a `Responder` knows to conceal are taken out by the
    gateway."""

    protocol: str
    transport: str
    body: bytes = field(repr=False)
    content_type: str = ""
    service: str = ""
    peer: str = ""  # host or address
    answer: bytes | None = field(default=None, repr=False)
    answer_type: str = ""
    status: int = 0  # of HTTP


RecordSent = Callable[[ChannelMessage], None]
"""For the journal; it is written with what came of the message."""


def record_nothing(_sent: ChannelMessage) -> None:
    """Record nothing: for a preview, or a test of the channel alone."""


class PartnerChannel(Protocol):
    """A channel to partners; raises Unavailable (nothing was sent; try again), OutcomeUnknown (it may have been; sent
    again with the same id), Refused (this partner can never get this message: no address, no such service)."""

    @property
    def name(self) -> str:
        """The name in profiles and attempts: mail, loopback, iso-ill …"""
        ...

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult: ...


class LimitedChannel(PartnerChannel, Protocol):
    """A channel whose format, or whose partner, has no message for some events; see `is_limited`."""

    def has_message(self, kind: EventKind, role: Role, profile: Profile) -> bool:
        """Return whether such an event can be told at all; `role`: ours. Never raises."""
        ...


def is_limited(channel: PartnerChannel | None) -> TypeGuard[LimitedChannel]:
    """Return whether the channel has limits; None has none. It is asked for each act of each row of a list, and
    `isinstance` of a protocol takes 0.1 ms before Python 3.12."""
    return hasattr(channel, "has_message")


@runtime_checkable
class NamesRequests(PartnerChannel, Protocol):
    """A channel whose messages name a requester's request in a form of its protocol. One that has come in another way,
    by telephone say, has no such name, and nothing can be said of it."""

    def is_request_name(self, transaction: str) -> bool:
        """Return whether a lending request under this number of the requester's can be spoken of. Never raises."""
        ...


@runtime_checkable
class RepeatsOctets(PartnerChannel, Protocol):
    """A channel whose partners know a repeat by its octets. Each message is written at its first try, and anew where
    staff release one that was refused; the tries between send the same."""

    def compose_message(self, message: PartnerMessage, profile: Profile) -> str:
        """The message as it goes out, without secrets: it is kept. Raises Refused."""
        ...

    async def send_octets(self, octets: str, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """`octets`: what `compose_message` has written of this message. Raises as `PartnerChannel.send`."""
        ...


@runtime_checkable
class SendsInParts(PartnerChannel, Protocol):
    """A channel that needs several messages for some events. Each is a delivery of its own: what has arrived isn't said
    again because of what hasn't."""

    def count_parts(self, message: PartnerMessage, profile: Profile) -> int:
        """Count the parts: at least one. Raises Refused, as `send`."""
        ...


class CarryWay(StrEnum):
    """The way in which a partner can be told of an event."""

    CARRIED = "carried"
    NOTE = "as note"
    LOST = "lost"


def choose_carry_way(channel: PartnerChannel | None, kind: EventKind, role: Role, profile: Profile) -> CarryWay:
    """`channel`: the partner's; None: it has none. `role`: ours."""
    if channel is None:
        return CarryWay.LOST
    if not is_limited(channel) or channel.has_message(kind, role, profile):
        return CarryWay.CARRIED
    return CarryWay.NOTE if channel.has_message(EventKind.MESSAGE, role, profile) else CarryWay.LOST


@value_object(kw_only=True)
class OrderBatchFile:
    """A mail of several messages. `id` as that of one message: the same at every try; `number`: ours, which the
    partner quotes; `at`: when it was put together, aware."""

    id: str
    number: str
    at: datetime


@runtime_checkable
class SendsBatches(PartnerChannel, Protocol):
    """A channel whose partners take several messages in one mail: an order file."""

    def batch_key(self, message: PartnerMessage, profile: Profile) -> str:
        """Messages with the same word can go in one mail. Never raises."""
        ...

    def compose_batch(self, messages: Sequence[PartnerMessage], file: OrderBatchFile, profile: Profile) -> str:
        """One mail of these messages, in words that the channel alone reads: it is kept, so that each try is the same
        octets, whatever is changed in the profile meanwhile. Without secrets. Raises Refused, about all of them."""
        ...

    def compose_single(self, message: PartnerMessage, profile: Profile) -> str | None:
        """The same of a message that goes alone. None: it is no order, and `PartnerChannel.send` sends it as the
        profile says at each try. Raises Refused."""
        ...

    async def send_composed(self, composed: str) -> Sequence[DeliveryResult | Refused]:
        """Send messages, and return the result of each, in their order. Whoever couldn't be written is Refused alone
        and isn't in it; if nobody could, nothing is sent. Raises as `PartnerChannel.send`, about all of them."""
        ...


@value_object(kw_only=True)
class IncomingPartnerMessage:
    """A partner's message about a managed request, decoded. `id`: the partner's id of the message, or a digest of
    it: a repeat is recognised by it. `request` comes with kind REQUEST: what is asked of us. `addressed`: which of our
    symbols the message names, where it names one. `guard`: a rule of the protocol about the request as it is now; its
    refusal is told to the sender, and nothing changes."""

    id: str
    kind: EventKind
    role: Role  # ours
    sender: str  # symbol
    receiver: str  # our symbol
    transaction: str
    details: EventDetails = EventDetails()
    request: LendingDraft | None = None
    addressed: str = ""
    guard: Callable[[Request], Refusal | None] | None = field(default=None, compare=False, repr=False)


@value_object
class StrangerMessage:
    """A message about a request that isn't its sender's. `role`: ours in it; `number`: the requester's; `receiver`: the
    symbol that it is addressed to, where it names one; `library`: that of ours whose address it came to, where that
    names one."""

    role: Role
    number: str
    sender: str
    receiver: str = ""
    library: str = ""


@value_object
class ReportedStranger:
    """The request that a stranger's message names. `library`: symbol of ours."""

    library: str
    request_id: str


@value_object
class InboxResult:
    """The result of a message that came. `refused` is told to the sender in the words of its protocol; `repeated`: it
    was here before and changed nothing; `is_trial`: it is about a request by which the partner's system was tried, and
    changed nothing either; `request` as it is after it, None where none was found."""

    request_id: str = ""
    refused: Refusal | None = None
    repeated: bool = False
    is_trial: bool = False
    event: Event | None = None
    request: Request | None = None


class ReceiveMessage(Protocol):
    """`services.requests.partner_inbox`: what every channel hands partners' messages to. Without a profile the partner
    is found by the sender's symbol. `carried` is journaled with what it changes. Raises Unavailable."""

    def __call__(
        self, message: IncomingPartnerMessage, profile: Profile | None, carried: ChannelMessage | None = None
    ) -> Awaitable[InboxResult]: ...


@value_object(kw_only=True)
class OutgoingMessage:
    """One message for the partner of a profile.

    `address`: host:port that is dialled where no connection is open; empty: only an open one will do. `own`: always on
    a connection of its own, on which nothing else is said. `is_reply` knows the partner's answer to it; with
    `needs_reply` it is not delivered without one. `seconds`: how long the answer may take, or else the partner's
    closing of the connection of its own.
    """

    protocol: str
    profile: str
    message: bytes = field(repr=False)
    address: str = ""
    own: bool = False
    is_reply: Callable[[bytes], bool] | None = None
    needs_reply: bool = False
    seconds: float = 30.0
    connect_seconds: float = 10.0
    tls: ClientTls | None = None
    service: str = ""
    """What the protocol calls it, for the journal; empty: the kind of the event."""


class PartnerConnections(Protocol):
    async def send(self, saying: OutgoingMessage) -> bytes | None:
        """The reply; None where none was to come, or none needed to. Raises Unavailable (nothing was sent),
        OutcomeUnknown (no reply, or the connection broke)."""
        ...


class NoPartnerConnections:
    """A pool for commands, which work beside a daemon, and for previews."""

    async def send(self, saying: OutgoingMessage) -> bytes | None:
        raise Unavailable(write_sentence("only the daemon can send messages to partners"))
