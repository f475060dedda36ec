"""Calls of ours that a library system does not accept: it answers, and will answer the same tomorrow.

That is a fault of settings, rights or releases, which only operators can mend. Messages that need such a call are
refused, and are not sent again by themselves; what the system said is kept until it accepts a call like this one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import structlog

from adapters.library.refusals import make_refusal
from adapters.library.rest_answer import RestCall
from gateway.domain.clock import Clock
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence

MAX_CALLS = 50
MAX_WORDS = 500
HIDDEN = "…"
_LONG_NUMBER = re.compile(r"[0-9]{7,}")
"""Perhaps of a person whom the system names by itself; error codes are shorter."""

log = structlog.get_logger(component="library")


class UnacceptedCalls:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, str] = {}

    @property
    def alerts(self) -> tuple[str, ...]:
        """The alerts for operators, each with the call and the system's words; no values of a call stand in them."""
        return tuple(self._kept.values())

    def refuse_call(self, call: RestCall, status: int, words: str) -> Refused:
        """`words`: of the system. To be raised."""
        name = f"{call.method} {call.name}"
        text = f"{name}: HTTP {status}: {conceal_values(words, call)[:MAX_WORDS]}".rstrip(": ")
        if name not in self._kept and len(self._kept) < MAX_CALLS:
            self._kept[name] = write_sentence(
                "call not accepted since %(moment)s UTC: %(report)s", moment=self._clock.now(), report=text
            )
            log.error("library.call_not_accepted", call=name, status=status, said=text)
        return make_refusal(RefusalReason.CALL_NOT_ACCEPTED, text, about=MessagePart.SERVICE)

    def note_accepted(self, call: RestCall) -> None:
        self._kept.pop(f"{call.method} {call.name}", None)


def conceal_values(words: str, call: RestCall) -> str:
    """A system may quote what was sent, such as a patron's number, or name another patron."""
    body = _parse_json(call.body)
    hidden = {*call.path, *call.query.values(), *_list_texts(body)} - set(call.name.split("/"))
    for value in sorted(hidden, key=len, reverse=True):
        if len(value) > 1:
            words = words.replace(value, HIDDEN)
    return _LONG_NUMBER.sub(HIDDEN, words)


def _parse_json(body: bytes | None) -> Any:
    try:
        return json.loads(body or b"null")
    except ValueError:  # another format
        return None


def _list_texts(value: Any) -> Iterable[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _list_texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
