"""Rows of the message journal made from values, and values from rows. Bodies are cut and encrypted here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping

from gateway.ports.protocol import OutcomeClass
from gateway.store.cipher import BodyUnreadable
from gateway.store.ids import ANSWER, EPOCH, QUESTION
from gateway.store.records import Direction, Ending, FullMessage, JournalOptions, Message, Opening

Row = dict[str, Any]
MessageRow = tuple[Any, ...]

TEXT_LIMIT = 255
"""Characters kept of a value that a partner sent; the body has it whole. PostgreSQL indexes at most 2,704 bytes."""

NOTE_LIMIT = 2_000

_PENDING = Ending(at=EPOCH, outcome=OutcomeClass.PENDING)


class RowMaker:
    """Makes the message rows of an exchange as the options say: values in the order of the table's columns.

    Tuples, since every message passes here and dictionaries of 28 keys cost as much as all the rest.
    """

    def __init__(self, options: JournalOptions, node: str = "") -> None:
        self._node = node
        self._limit = options.body_limit
        self._cipher = options.cipher

    def pending(self, exchange: str, opening: Opening) -> MessageRow:
        """The opening of an exchange whose work has yet to be done."""
        return self._question(exchange, opening, _PENDING, clean(opening.note, NOTE_LIMIT), self._node)

    def finished(self, exchange: str, opening: Opening, ending: Ending) -> MessageRow:
        """The opening of an exchange whose work is done."""
        return self._question(exchange, opening, ending, _joined(opening, ending))

    def _question(self, exchange: str, opening: Opening, ending: Ending, note: str, node: str = "") -> MessageRow:
        o = opening
        identifier = exchange + QUESTION
        kept, key_id = self._kept(o.body, o.library, identifier)
        return (
            o.library,
            identifier,
            exchange,
            o.direction.value,
            o.profile,
            o.protocol,
            o.transport,
            clean(o.service),
            clean(o.version),
            o.peer,
            clean(o.from_agency),
            clean(o.to_agency),
            clean(o.request_id),
            clean(o.item_id),
            o.at,
            kept,
            len(o.body),
            len(o.body) > self._limit,
            key_id,
            clean(o.content_type),
            0,
            ending.outcome.value,
            ending.reason,
            note,
            ending.duration_ms,
            ending.repeat_of,
            o.replay_of,
            node,
        )

    def answer(self, exchange: str, opening: Opening, ending: Ending) -> MessageRow:
        """The answer; `ending.body` must be there."""
        o, body = opening, ending.body
        assert body is not None
        identifier = exchange + ANSWER
        kept, key_id = self._kept(body, o.library, identifier)
        return (
            o.library,
            identifier,
            exchange,
            o.direction.other.value,
            o.profile,
            o.protocol,
            o.transport,
            clean(o.service),
            clean(o.version),
            o.peer,
            clean(o.to_agency),
            clean(o.from_agency),
            clean(o.request_id),
            clean(o.item_id),
            ending.at,
            kept,
            len(body),
            len(body) > self._limit,
            key_id,
            clean(ending.content_type),
            ending.status,
            ending.outcome.value,
            ending.reason,
            "",
            ending.duration_ms,
            "",
            "",
            "",
        )

    def _kept(self, body: bytes, library: str, identifier: str) -> tuple[bytes, str]:
        """What is stored of a body, and the id of the key it is encrypted with."""
        kept = body if len(body) <= self._limit else body[: self._limit]
        if self._cipher is None:
            return kept, ""
        return self._cipher.encrypt(kept, _place(library, identifier)), self._cipher.key_id


def change(exchange: str, opening: Opening, ending: Ending) -> Row:
    """What completing changes in the row of an opening."""
    return {
        "in_library": opening.library,
        "with_id": exchange + QUESTION,
        "outcome": ending.outcome.value,
        "reason": ending.reason,
        "note": _joined(opening, ending),
        "duration_ms": ending.duration_ms,
        "repeat_of": ending.repeat_of,
    }


def processed(exchange: str, opening: Opening, ending: Ending) -> Row:
    return {
        "library": opening.library,
        "profile": opening.profile,
        "key": ending.key,
        "first_message": exchange + QUESTION,
        "answer_message": "" if ending.body is None else exchange + ANSWER,
        "count": 1,
        "first_at": ending.at,
        "last_at": ending.at,
    }


def message_of(row: RowMapping) -> Message:
    return Message(
        library=row["library"],
        id=row["id"],
        exchange=row["exchange"],
        direction=Direction(row["direction"]),
        profile=row["profile"],
        protocol=row["protocol"],
        transport=row["transport"],
        service=row["service"],
        version=row["version"],
        peer=row["peer"],
        from_agency=row["from_agency"],
        to_agency=row["to_agency"],
        request_id=row["request_id"],
        item_id=row["item_id"],
        at=row["at"],
        body_size=row["body_size"],
        truncated=row["truncated"],
        content_type=row["content_type"],
        status=row["status"],
        outcome=OutcomeClass(row["outcome"]),
        reason=row["reason"],
        note=row["note"],
        duration_ms=row["duration_ms"],
        repeat_of=row["repeat_of"],
        replay_of=row["replay_of"],
    )


def full_message_of(row: RowMapping, options: JournalOptions) -> FullMessage:
    """Raises BodyUnreadable."""
    body: bytes | None = row["body"]
    if body is not None and row["body_key"]:
        body = _decrypt(body, row, options)
    return FullMessage(message_of(row), body)


def _decrypt(body: bytes, row: RowMapping, options: JournalOptions) -> bytes:
    key_id, place = row["body_key"], _place(row["library"], row["id"])
    if options.cipher is None:
        raise BodyUnreadable(f"message {row['id']} was encrypted with key {key_id}, which is not configured")
    return options.cipher.decrypt(body, key_id, place)


def clean(value: str, limit: int = TEXT_LIMIT) -> str:
    """A partner's text as both databases take it: no NUL, no lone surrogates, not too long."""
    if len(value) > limit:
        value = f"{value[: limit - 1]}…"
    if value.isascii():
        return value if "\0" not in value else value.replace("\0", "\ufffd")
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _place(library: str, identifier: str) -> str:
    return f"{library} {identifier}"


def _joined(opening: Opening, ending: Ending) -> str:
    if not opening.note and not ending.note:
        return ""
    return clean(" ".join(note for note in (opening.note, ending.note) if note), NOTE_LIMIT)
