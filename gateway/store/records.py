"""What goes into the message journal and what comes out of it."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from gateway.domain.frozen import frozen
from gateway.ports.protocol import OutcomeClass
from gateway.store.cipher import BodyCipher


class Direction(StrEnum):
    IN = "in"
    OUT = "out"

    @property
    def other(self) -> Direction:
        return Direction.OUT if self is Direction.IN else Direction.IN


@frozen
class JournalOptions:
    """`body_limit`: bytes of a body that are kept. Days None: kept for ever. `cipher` None: bodies as they came."""

    body_limit: int = 1_000_000
    keep_bodies_days: int | None = 90
    keep_rows_days: int | None = 730
    cipher: BodyCipher | None = None

    def __post_init__(self) -> None:
        if self.body_limit < 1:
            raise ValueError("body_limit must be at least 1 byte")
        for name, days in (("keep_bodies_days", self.keep_bodies_days), ("keep_rows_days", self.keep_rows_days)):
            if days is not None and days < 1:  # what is in hand must not be forgotten
                raise ValueError(f"{name} must be at least 1 day")


@frozen
class Opening:
    """The first message of an exchange: a partner's that came in, or ours that goes out.

    `note` holds what was repaired or not understood when it was read; plain sentences without personal data.
    """

    library: str
    at: datetime
    body: bytes = field(repr=False)
    protocol: str
    transport: str
    direction: Direction = Direction.IN
    profile: str = ""
    service: str = ""
    version: str = ""
    peer: str = ""  # IP address
    from_agency: str = ""
    to_agency: str = ""
    request_id: str = ""
    item_id: str = ""
    content_type: str = ""
    note: str = ""
    replay_of: str = ""  # id of the message that is played again


@frozen
class Ending:
    """How an exchange ended. `body` None: there was no answer.

    `note` is added to the opening's. `key` is the digest that makes the message idempotent; empty: it needs none.
    """

    at: datetime
    outcome: OutcomeClass
    body: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    status: int = 0  # of HTTP
    reason: str = ""
    note: str = ""
    duration_ms: float = 0.0
    repeat_of: str = ""  # id of the first message, where this one repeats it
    key: str = ""


@frozen
class Begun:
    """An exchange whose opening is in the journal, with outcome pending."""

    exchange: str
    opening: Opening


@frozen
class Message:
    """A message in the journal, without its body. `body_size`: bytes on the wire; `truncated`: fewer were kept."""

    library: str
    id: str
    exchange: str
    direction: Direction
    profile: str
    protocol: str
    transport: str
    service: str
    version: str
    peer: str
    from_agency: str
    to_agency: str
    request_id: str
    item_id: str
    at: datetime
    body_size: int
    truncated: bool
    content_type: str
    status: int
    outcome: OutcomeClass
    reason: str
    note: str
    duration_ms: float
    repeat_of: str
    replay_of: str


@frozen
class FullMessage:
    """`body` None: forgotten on schedule."""

    message: Message
    body: bytes | None = field(repr=False)

    def begun(self) -> Begun:
        """To take up interrupted work. Raises ValueError when the body is forgotten or was cut."""
        m = self.message
        if self.body is None or m.truncated:
            raise ValueError(f"the body of message {m.id} is not kept whole")
        opening = Opening(
            m.library,
            m.at,
            self.body,
            m.protocol,
            m.transport,
            m.direction,
            m.profile,
            m.service,
            m.version,
            m.peer,
            m.from_agency,
            m.to_agency,
            m.request_id,
            m.item_id,
            m.content_type,
            m.note,
            m.replay_of,
        )
        return Begun(m.exchange, opening)


@frozen
class Processed:
    """A message that was carried out before. `answer` None: its answer is forgotten, or was never given."""

    first_message: str
    count: int
    first_at: datetime
    last_at: datetime
    answer: FullMessage | None


@frozen
class Filter:
    """Which messages of a library; all that are set must fit. `since` ≤ start of the exchange < `until`."""

    library: str
    profile: str = ""
    service: str = ""
    outcome: OutcomeClass | None = None
    direction: Direction | None = None
    request_id: str = ""
    item_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    note: str = ""  # words in the note, without case
    node: str | None = None  # that began the work, of what is pending


@frozen
class Page:
    messages: tuple[Message, ...]
    cursor: str = ""  # empty: nothing follows


@frozen
class Forgotten:
    """What retention removed."""

    bodies: int = 0
    messages: int = 0
    processed: int = 0

    def __add__(self, other: Forgotten) -> Forgotten:
        return Forgotten(self.bodies + other.bodies, self.messages + other.messages, self.processed + other.processed)
