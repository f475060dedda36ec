"""A wire protocol in which partners ask us things: the port `Responder`.

The way of a message through `services.exchange`: `open` (what can be known before a profile is chosen), choice
of profile, authentication, `decode` to a command or to a notification about a managed request, the use case, `encode`.
A responder does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Literal, Protocol

from gateway.domain.commands import Command, Result
from gateway.domain.problems import MalformedMessage, Refusal
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from gateway.ports.tls import ClientTls


class TransportKind(StrEnum):
    HTTP = "http"
    TCP = "tcp"
    REPLAY = "replay"


class DuplexConnection(Protocol):
    """A connection on which both sides may speak, whoever opened it."""

    def is_admitted(self, profile: str) -> bool:
        """Return whether its other end was let in under this profile already."""
        ...

    def admit(self, profile: str) -> None: ...

    @property
    def sole_profile(self) -> str:
        """The one profile under which it was let in; empty: none or several."""
        ...


@value_object
class ClientCertificate:
    """The values of a client certificate that was verified, by us or by a proxy.

    `common_name`: CN of its subject; empty unless there is exactly one. `alternative_names`: subject alternative names
    of the kinds DNS, email, URI and IP, as `domain.profile.normalize_alternative_name` writes them. `fingerprint`:
    SHA-256 of the whole, 64 hexadecimal digits in lower case. A proxy that tells the subject alone leaves the
    last two empty.
    """

    common_name: str = ""
    alternative_names: tuple[str, ...] = ()
    fingerprint: str = ""


def take_share_of_all(_library: str) -> bool:
    """Let every library carry out as much at once as it wants."""
    return True


@value_object
class MessageAddress:
    """The names in an address: the symbol of a library, and a profile or the path of a rule; empty: it names none."""

    library: str = ""
    profile: str = ""


@value_object
class RawMessage:
    """A message as it came in. Header names in lower case; `profile` where URL or listener names one, `library`: the
    symbol of the library that the URL names before it. `awaited`: a
    sender of ours waits for it, as the answer to what it sent. `take_share` is told which library it is for, once
    that is known; False: the library has as much in work as it may have."""

    body: bytes = field(repr=False)
    received: datetime
    transport: TransportKind
    protocol: str
    peer: str = ""  # IP address
    path: str = ""
    profile: str = ""
    library: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: ClientCertificate | None = None
    line: DuplexConnection | None = field(default=None, compare=False, repr=False)
    awaited: bool = False
    take_share: Callable[[str], bool] = field(default=take_share_of_all, compare=False, repr=False)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@value_object
class MessageEnvelope:
    """The statements of a message about itself and its sender, before any profile is known.

    `parsed` is the responder's own; `secrets` are credentials carried in the message. `symbols` are those of the
    parties, one of whom is the sender: a partner that has one of them is meant, beside those whom a rule fits.
    `request_role` and `request_number`: our part in the request that it names, and the requester's number of it.
    """

    service: str = ""
    version: str = ""
    from_agency: str = ""
    to_agency: str = ""
    profile_type: str = ""
    from_system: str = ""
    symbols: tuple[str, ...] = ()
    request_role: Role | None = None
    request_number: str = ""
    agency_secret: str = field(default="", repr=False)
    system_secret: str = field(default="", repr=False)
    repairs: tuple[str, ...] = ()
    parsed: object = field(default=None, repr=False)
    malformed: MalformedMessage | None = None


@value_object
class ExchangeContext:
    """Our side of an exchange: which library is addressed, under which profile, and when."""

    profile: Profile
    symbol: str  # of the library
    zone: tzinfo  # of the library; a profile's dialect may name another for its dates
    currency: str
    now: datetime  # when the message came in


@value_object
class DecodedMessage:
    """A decoded message. `command` is what it asks of the library, `told` what it says of a managed request; neither
    when the protocol itself answers (NCIP LookupVersion)."""

    service: str
    command: Command | None
    request_id: str = ""
    item_id: str = ""
    message: object = field(default=None, repr=False)
    unknown: tuple[str, ...] = ()  # what was not understood, kept for the journal
    told: IncomingPartnerMessage | None = None


class StreamSplitter(Protocol):
    """Cuts a stream into messages."""

    @property
    def begun(self) -> int:
        """Bytes of a message whose end has not come."""
        ...

    @property
    def is_unrecoverable(self) -> bool:
        """True if what has begun can't become a message, and where the next one would begin can't be told."""
        ...

    def add_octets(self, data: bytes) -> None: ...

    def take_message(self) -> bytes | None:
        """The next whole message, None if there is none yet."""
        ...

    def take_rest(self) -> bytes:
        """Take what there is of a message whose end won't come; then nothing is left."""
        ...


@value_object
class StreamFraming:
    """The way in which messages are told apart on a raw TCP connection. `cutter` makes, for a limit in bytes, what cuts
    the messages of a protocol whose own bytes say where they end (end = cut)."""

    end: Literal["tag", "newline", "close", "cut"] = "tag"
    tags: tuple[bytes, ...] = ()  # local names of the end tags that close a message, for end = tag
    cutter: Callable[[int], StreamSplitter] | None = None
    idle_seconds: float = 60.0
    message_seconds: float = 30.0  # from a message's first byte to its last
    keep_open: bool = True
    answer_end: bytes = b"\r\n"


class OutcomeClass(StrEnum):
    """How an exchange ended, for journal, metrics and exit codes."""

    OK = "ok"
    REFUSED = "refused"  # a business answer
    MALFORMED = "malformed"
    REJECTED = "rejected"  # sender unknown or not authenticated
    FAILED = "failed"  # technical: the library is down, a time-out, a defect
    PENDING = "pending"  # in hand, or interrupted by a crash


@value_object
class CallbackAddress:
    """A connection that is opened for an answer, since its receiver doesn't read answers where it asks. `address`:
    host:port; `profile` is the receiver's. Files of `tls` are relative to gateway.yml. Seconds until it is connected,
    and then until the receiver has closed it."""

    address: str
    profile: str
    tls: ClientTls | None = None
    connect_seconds: float = 10.0
    seconds: float = 30.0


@value_object
class ResponderAnswer:
    """Bytes to send back. HTTP uses `status` and `content_type`; TCP sends the body alone, and nothing at all where it
    is empty. `note` is for the journal. `call_back`: where else it goes."""

    body: bytes
    content_type: str = "application/xml; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    call_back: CallbackAddress | None = None


Outcome = Result | Refusal | InboxResult | None
"""Of a message: what the library did, what became of what it told, why it was refused; None where the protocol itself
answers."""


class Responder(Protocol):
    """One protocol's answering side; pure."""

    @property
    def protocol(self) -> str: ...

    @property
    def services(self) -> frozenset[str]:
        """All names of messages that the protocol has. What an envelope calls otherwise is counted as `other`, since
        its sender may invent as many names as it likes."""
        ...

    def framing(self, profile: Profile | None) -> StreamFraming:
        """None: a listener for all partners, so that the sender is not known yet."""
        ...

    def open(self, arrival: RawMessage, limit: int) -> MessageEnvelope:
        """Open a message; never raises: one that can't be parsed has `malformed` set. `limit`: most bytes accepted."""
        ...

    def decode(self, envelope: MessageEnvelope, exchange: ExchangeContext) -> DecodedMessage:
        """Decode a message; raises MalformedMessage, or Refused when a required part is missing or a value can't be
        used."""
        ...

    def encode(
        self, envelope: MessageEnvelope, incoming: DecodedMessage, outcome: Outcome, exchange: ExchangeContext
    ) -> ResponderAnswer:
        """The answer to a decoded message."""
        ...

    def refuse(
        self, envelope: MessageEnvelope, refusal: Refusal | MalformedMessage, exchange: ExchangeContext | None
    ) -> ResponderAnswer:
        """The answer when there is no decoded message: unknown sender, malformed, refused before its turn."""
        ...

    def conceal_secrets(self, body: bytes) -> bytes:
        """A message or answer as it is kept: without PINs, passwords and what else its sender proves itself by; all
        else byte for byte. Never raises: also of what can't be read. Done twice it changes nothing more."""
        ...

    def describe_concealed(self, envelope: MessageEnvelope, profile: Profile) -> str:
        """Describe what was concealed of a message that was kept and is needed to carry it out again, such as "the
        patron's PIN"; empty: nothing. Not needed is what the sender proved itself by, since it was let in the first
        time."""
        ...
