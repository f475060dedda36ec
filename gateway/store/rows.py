"""Rows of the message journal made from values, and values from rows. Bodies are cut and encrypted here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from gateway.ports.protocol import OutcomeClass
from gateway.store.cipher import BodyUnreadable
from gateway.store.ids import ANSWER, QUESTION
from gateway.store.records import Direction, Ending, FullMessage, JournalOptions, Message, Opening

Row = dict[str, Any]

TEXT_LIMIT = 255
"""Characters kept of a value that a partner sent: PostgreSQL indexes no more than 2,704 bytes. The body has it whole."""

NOTE_LIMIT = 2_000


class RowMaker:
    """Makes the rows of an exchange as the options say."""

    def __init__(self, options: JournalOptions) -> None:
        self._limit = options.body_limit
        self._cipher = options.cipher

    def pending(self, exchange: str, opening: Opening) -> Row:
        """The row of an opening whose work has yet to be done."""
        o = opening
        row = self._row(o, exchange, QUESTION, o.direction, o.from_agency, o.to_agency, o.at, o.body, o.content_type)
        row["note"] = clean(o.note, NOTE_LIMIT)
        return row

    def finished(self, exchange: str, opening: Opening, ending: Ending) -> Row:
        """The row of an opening whose work is done."""
        row = self.pending(exchange, opening)
        row["outcome"] = ending.outcome.value
        row["reason"] = ending.reason
        row["duration_ms"] = ending.duration_ms
        row["repeat_of"] = ending.repeat_of
        if ending.note:
            row["note"] = _joined(opening, ending)
        return row

    def answer(self, exchange: str, opening: Opening, ending: Ending) -> Row:
        """The row of the answer; `ending.body` must be there."""
        o, e = opening, ending
        assert e.body is not None
        direction = o.direction.other
        row = self._row(o, exchange, ANSWER, direction, o.to_agency, o.from_agency, e.at, e.body, e.content_type)
        row["status"] = e.status
        row["outcome"] = e.outcome.value
        row["reason"] = e.reason
        row["duration_ms"] = e.duration_ms
        return row

    def _row(
        self,
        opening: Opening,
        exchange: str,
        number: str,
        direction: Direction,
        sender: str,
        receiver: str,
        at: datetime,
        body: bytes,
        content_type: str,
    ) -> Row:
        identifier = exchange + number
        kept = body if len(body) <= self._limit else body[: self._limit]
        key_id = ""
        if self._cipher is not None:
            kept = self._cipher.encrypt(kept, _place(opening.library, identifier))
            key_id = self._cipher.key_id
        return {
            "library": opening.library,
            "id": identifier,
            "exchange": exchange,
            "direction": direction.value,
            "profile": opening.profile,
            "protocol": opening.protocol,
            "transport": opening.transport,
            "service": clean(opening.service),
            "version": clean(opening.version),
            "peer": opening.peer,
            "from_agency": clean(sender),
            "to_agency": clean(receiver),
            "request_id": clean(opening.request_id),
            "item_id": clean(opening.item_id),
            "at": at,
            "body": kept,
            "body_size": len(body),
            "truncated": len(body) > self._limit,
            "body_key": key_id,
            "content_type": clean(content_type),
            "status": 0,
            "outcome": "pending",
            "reason": "",
            "note": "",
            "duration_ms": 0.0,
            "repeat_of": "",
            "replay_of": opening.replay_of if number == QUESTION else "",
        }


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
    return clean(" ".join(note for note in (opening.note, ending.note) if note), NOTE_LIMIT)
