"""Payloads of outbox rows besides messages to partners, as types: to JSON and back.

Rows of earlier releases are read as well, so a key that is new has a default, and none changes its meaning.
"""

from __future__ import annotations

import json
from datetime import timedelta

from gateway.domain.requests.events import Event, EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.views import UndoableAct
from gateway.domain.value import value_object
from gateway.store.requests.request_rows import dump_event, dump_request, parse_event, parse_request


@value_object(kw_only=True)
class DeskPayload:
    """An act at the desk that the library's system says yes to first. `hold`: so long nothing goes out of what follows;
    `lists_untold`: as of `ActionRequest`; `undo`: the act that the event undoes."""

    event: Event
    hold: timedelta = timedelta(0)
    lists_untold: bool = False
    undo: UndoableAct | None = None

    def to_json(self) -> str:
        document: dict[str, object] = {"event": dump_event(self.event)}
        if self.undo is not None:
            return json.dumps({**document, "undo": _dump_act(self.undo)})
        return json.dumps({**document, "hold": self.hold.total_seconds(), "lists_untold": self.lists_untold})


@value_object
class LetterPayload:
    """The event and the request that a letter to the patron tells of."""

    event: Event
    request: Request

    def to_json(self) -> str:
        return json.dumps({"event": dump_event(self.event), "request": dump_request(self.request)})


@value_object
class LibraryPayload:
    """A call to the library's system. `attempt`: whose item it is about (borrowing); 0: the one in hand. `dated`:
    whether the event said until when."""

    attempt: int = 0
    dated: bool = True

    def to_json(self) -> str:
        return json.dumps({"attempt": self.attempt} if self.dated else {"attempt": self.attempt, "dated": False})


def parse_desk_payload(text: str) -> DeskPayload:
    """Parse the payload; raises UnreadableDocumentError, and ValueError, KeyError or TypeError for what staff wrote."""
    document = json.loads(text)
    return DeskPayload(
        event=parse_event(document["event"]),
        hold=timedelta(seconds=document.get("hold", 0)),
        lists_untold=document.get("lists_untold", False),
        undo=_parse_act(document["undo"]) if "undo" in document else None,
    )


def parse_letter_payload(text: str) -> LetterPayload:
    """Parse the payload; raises as `parse_desk_payload`."""
    document = json.loads(text)
    return LetterPayload(parse_event(document["event"]), parse_request(document["request"]))


def parse_library_payload(text: str) -> LibraryPayload:
    document = json.loads(text)
    return LibraryPayload(document.get("attempt", 0), document.get("dated", True))


def _dump_act(act: UndoableAct) -> str:
    return json.dumps({"before": dump_request(act.before), "version": act.version, "kind": act.kind.value})


def _parse_act(text: str) -> UndoableAct:
    document = json.loads(text)
    before = parse_request(document["before"])
    return UndoableAct(before=before, version=document["version"], kind=EventKind(document["kind"]))
