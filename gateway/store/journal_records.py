"""Journal records as values, JSON lines and files; encryption of bodies."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.domain.requests.search_terms import fold_number
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.value import copy_fields, value_object
from gateway.ports.responder import OutcomeClass
from gateway.store.request_names import RequestNames

SECRET_MIN = 16
"""Shortest secret in characters. It must be random, not a phrase: nothing here slows a guesser down."""

OFFICE = ""
"""The `library` of what belongs to none: messages of strangers that name no library by their address."""

NONCE = 12
"""Bytes; random, which is safe for 2**32 messages with one key (NIST SP 800-38D section 8.3)."""

ENDINGS = {"xml": ".xml", "html": ".html", "json": ".json", "text/plain": ".txt"}
"""Part of a content type -> ending of a file's name."""


class BodyUnreadable(Exception):
    """A body can't be decrypted: its key is not among those given, or the row was tampered with. `detail`: a sentence
    that says which key."""

    def __init__(self, detail: Sentence) -> None:
        super().__init__(detail)
        self.detail = detail


class BodyCipher:
    """The first secret writes; all of them read. A row keeps the id of the key that wrote it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Make a cipher; raises ValueError when there is no secret, or one is too short."""
        if not secrets:
            raise ValueError("encryption of bodies needs at least one secret")
        if any(len(secret) < SECRET_MIN for secret in secrets):
            raise ValueError(f"a secret for the encryption of bodies needs at least {SECRET_MIN} characters")
        self._keys = {
            _derive_key(secret, b"key id", 4).hex(): AESGCM(_derive_key(secret, b"body", 32)) for secret in secrets
        }
        self.key_id = next(iter(self._keys))
        self._writing = self._keys[self.key_id]

    def encrypt(self, body: bytes, row: str) -> bytes:
        """`row` (library and id) is bound in, so that a body can't be moved to another row."""
        nonce = os.urandom(NONCE)
        return nonce + self._writing.encrypt(nonce, body, row.encode())

    def decrypt(self, body: bytes, key_id: str, row: str) -> bytes:
        """Decrypt a body; raises BodyUnreadable."""
        key = self._keys.get(key_id)
        if key is None:
            raise BodyUnreadable(
                write_sentence("the body was encrypted with key %(key)s, which is not configured", key=key_id)
            )
        try:
            return key.decrypt(body[:NONCE], body[NONCE:], row.encode())
        except (InvalidTag, ValueError) as error:
            raise BodyUnreadable(
                write_sentence("the body does not match its row or key %(key)s", key=key_id)
            ) from error


def _derive_key(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"illgate journal " + purpose).derive(secret.encode())


def mark_patron(library: str, number: str) -> str:
    """Make the mark under which messages that name a patron by this number are found again, however it is written: a
    digest, since the number itself is in their bodies alone. Empty where there is no number."""
    folded = fold_number(number) if number else ""
    return hashlib.blake2b(f"{library} {folded}".encode(), digest_size=12).hexdigest() if folded else ""


class MessageDirection(StrEnum):
    IN = "in"
    OUT = "out"

    @property
    def opposite(self) -> MessageDirection:
        return MessageDirection.OUT if self is MessageDirection.IN else MessageDirection.IN


@value_object
class JournalOptions:
    """`body_limit`: bytes of a body that are kept. Days None: kept for ever. `cipher` None: bodies in clear.
    `concealers`: what takes the secrets out of a body, by protocol; one without has no secrets, or has taken them out
    before (mail)."""

    body_limit: int = 1_000_000
    keep_bodies_days: int | None = 90
    keep_rows_days: int | None = 730
    cipher: BodyCipher | None = None
    concealers: Mapping[str, Callable[[bytes], bytes]] = field(default_factory=dict)

    def conceal_secrets(self, protocol: str, body: bytes) -> bytes:
        """The body as it may be kept and shown."""
        conceal = self.concealers.get(protocol)
        return body if conceal is None else conceal(body)

    def __post_init__(self) -> None:
        if self.body_limit < 1:
            raise ValueError("body_limit must be at least 1 byte")
        for name, days in (("keep_bodies_days", self.keep_bodies_days), ("keep_rows_days", self.keep_rows_days)):
            if days is not None and days < 1:  # what is in hand must not be forgotten
                raise ValueError(f"{name} must be at least 1 day")


@value_object
class JournalOpening:
    """The first message of an exchange: a partner's that came in, or ours that goes out.

    `note` holds what was repaired or not understood when it was read; plain sentences without personal data.
    """

    library: str
    at: datetime
    body: bytes = field(repr=False)
    protocol: str
    transport: str
    direction: MessageDirection = MessageDirection.IN
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
    patron: str = field(default="", repr=False)  # number by which it names one; kept as a mark (`mark_patron`)


@value_object
class JournalEnding:
    """The end of an exchange. `body` None: there was no answer.

    `note` is added to the opening's. `key` is the digest that makes the message idempotent; empty: it needs none.
    `managed_requests`: ids of those that the exchange is about, whatever its messages call them. `patron`: the
    library's id of the one that it is about, by whatever number the opening names them; kept as a mark of the answer.
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
    managed_requests: tuple[str, ...] = ()
    patron: str = field(default="", repr=False)


def is_of_stranger(opening: JournalOpening, ending: JournalEnding) -> bool:
    """Return whether nobody knows who sent it: no profile let it in, or none fits and it is about no request."""
    unknown = ending.outcome is OutcomeClass.REJECTED or not (opening.profile or opening.request_id)
    return opening.direction is MessageDirection.IN and unknown


def is_for_staff(opening: JournalOpening, ending: JournalEnding) -> bool:
    """A stranger's message that has put a request on a list of staff, who are to read it."""
    return is_of_stranger(opening, ending) and any(ending.managed_requests)


@value_object
class JournalEntry:
    """An exchange whose opening is in the journal, with outcome pending."""

    exchange: str
    opening: JournalOpening


@value_object
class JournalMessage:
    """A message in the journal, without its body. `body_size`: bytes on the wire; `truncated`: its end is not kept."""

    library: str
    id: str
    exchange: str
    direction: MessageDirection
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


@value_object
class FullMessage:
    """`body` None: forgotten on schedule."""

    message: JournalMessage
    body: bytes | None = field(repr=False)

    def to_journal_entry(self) -> JournalEntry:
        """Make an entry, to take up interrupted work. Raises ValueError when the body is forgotten or was cut."""
        m = self.message
        if self.body is None or m.truncated:
            raise ValueError(f"the body of message {m.id} is not kept whole")
        opening = copy_fields(JournalOpening, m, body=self.body, patron="")
        return JournalEntry(m.exchange, opening)


@value_object
class ProcessedMessage:
    """A message that was carried out before. `answer` None: its answer is forgotten, or was never given."""

    first_message: str
    count: int
    first_at: datetime
    last_at: datetime
    answer: FullMessage | None


@value_object
class JournalFilter:
    """The messages of a library to look for; all that are set must fit. `since` ≤ start of the exchange < `until`. With
    `managed_request` also those about it that call it by another name than `request_id`."""

    library: str
    profile: str = ""
    protocol: str = ""
    service: str = ""
    outcome: OutcomeClass | None = None
    reason: str = ""  # code
    direction: MessageDirection | None = None
    request_id: str = ""
    item_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    note: str = ""  # words in the note, without case
    node: str | None = None  # that began the work, of what is pending
    replays: bool | None = None  # only replays, or none
    replay_of: str = ""  # id of the message that they play again
    managed_request: RequestNames | None = None


@value_object
class TroubleCount:
    """Messages that came in, were not done and have no good replay. `reason` may be empty; `first` and `last`: when
    they came."""

    profile: str
    service: str
    outcome: OutcomeClass
    reason: str
    count: int
    first: datetime
    last: datetime


@value_object
class JournalPage:
    messages: tuple[JournalMessage, ...]
    cursor: str = ""  # empty: nothing follows


@value_object
class RetentionResult:
    """The counts of what retention removed."""

    bodies: int = 0
    messages: int = 0
    processed: int = 0

    def __add__(self, other: RetentionResult) -> RetentionResult:
        return RetentionResult(
            self.bodies + other.bodies, self.messages + other.messages, self.processed + other.processed
        )


def format_json_line(message: FullMessage) -> str:
    """One line of JSON: the columns, and the body in base64 (null once forgotten), so that no byte is lost."""
    columns = {field.name: getattr(message.message, field.name) for field in fields(JournalMessage)}
    columns["at"] = message.message.at.isoformat()
    columns["body_base64"] = None if message.body is None else base64.b64encode(message.body).decode("ascii")
    return json.dumps(columns, ensure_ascii=False)


def make_file_name(full: FullMessage) -> str:
    """Make a file name for the raw body: `20260301T101500Z-<id>-in-LookupUser.xml`; letters, digits, '.', '-' and '_'
    only. Some clients name no content type (docs/facts/ncip.md 1): XML shows by its first sign."""
    message, body = full.message, full.body or b""
    service = "".join(c if c.isascii() and c.isalnum() else "_" for c in message.service) or "unknown"
    unnamed = ".xml" if not message.content_type and body.lstrip().startswith(b"<") else ".bin"
    ending = next((ending for part, ending in ENDINGS.items() if part in message.content_type.lower()), unnamed)
    return f"{message.at:%Y%m%dT%H%M%SZ}-{message.id}-{message.direction}-{service}{ending}"
