"""Log of what was exchanged with a system that is played, for the page. It is kept in memory, and only so much."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import field
from datetime import datetime

from gateway.domain.requests.request import LibraryParty
from gateway.domain.value import value_object

MAX_EXCHANGES = 500
MAX_SHOWN_BYTES = 20_000


@value_object
class MockParties:
    """`ours`: who is played; `theirs`: who is at the other end."""

    ours: LibraryParty
    theirs: LibraryParty


@value_object(kw_only=True)
class MockExchange:
    """A message that came or went, with its answer. `note`: what was out of the ordinary."""

    number: int  # from 1
    at: datetime
    came: bool
    service: str
    transaction: str = ""
    scenario: str = ""
    body: bytes = field(default=b"", repr=False)
    answer: bytes = field(default=b"", repr=False)
    status: int = 0
    note: str = ""


@value_object
class LoggedMessage:
    """`service`: what its protocol calls it; empty: it can't be read."""

    at: datetime
    service: str
    body: bytes = field(repr=False)


@value_object
class GivenAnswer:
    """`status`: of HTTP; 0: there is none."""

    body: bytes = field(default=b"", repr=False)
    status: int = 0


@value_object(kw_only=True)
class ShownRequest:
    """A request with whoever is played, in one line. `state` empty: it keeps none."""

    transaction: str
    scenario: str
    state: str = ""


class MockExchangeLog:
    """`show_body` makes of a message what people may see."""

    def __init__(self, show_body: Callable[[bytes], bytes]) -> None:
        self.exchanges: deque[MockExchange] = deque(maxlen=MAX_EXCHANGES)
        self._show_body = show_body
        self._count = 0

    def record_arrival(
        self, message: LoggedMessage, answer: GivenAnswer, note: str, transaction: str = "", scenario: str = ""
    ) -> None:
        self.record_sent(message, answer, note, transaction, scenario, came=True)

    def record_sent(
        self,
        message: LoggedMessage,
        answer: GivenAnswer,
        note: str,
        transaction: str = "",
        scenario: str = "",
        came: bool = False,
    ) -> None:
        self._count += 1
        self.exchanges.append(
            MockExchange(
                number=self._count,
                at=message.at,
                came=came,
                service=message.service or "unreadable",
                transaction=transaction,
                scenario=scenario,
                body=self._shorten_body(message.body),
                answer=self._shorten_body(answer.body),
                status=answer.status,
                note=note,
            )
        )

    def _shorten_body(self, body: bytes) -> bytes:
        return self._show_body(body)[:MAX_SHOWN_BYTES]
