"""Views of requests for patrons, and of a question for whoever is asked."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gateway.domain.requests.patron_status import PatronStatus
from gateway.domain.requests.request import Request
from gateway.domain.value import value_object


class PatronAction(StrEnum):
    """What patrons do themselves with a request of theirs."""

    CANCEL = "cancel"
    RENEW = "renew"
    ANSWER = "answer"  # the open question


class PatronReference(StrEnum):
    """The identifier by which a portal names a patron."""

    ANY = "any"  # whichever of the two it is
    ID = "id"  # in the library's system
    IDENTIFIER = "identifier"  # card number or the like, with which requests are made


@value_object(kw_only=True)
class PatronRefusal:
    """The lending library's refusal of a renewal or cancellation that the patron asked for. `reason`: its code;
    `is_sent`: the item had been sent before it could be cancelled."""

    action: PatronAction
    at: datetime
    reason: str = ""
    note: str = ""
    is_sent: bool = False


@value_object(kw_only=True)
class PatronView:
    """A request as its patron sees it. `text`: the status in one sentence of `language`; `actions`: possible now."""

    request: Request
    status: PatronStatus
    text: str
    language: str
    actions: tuple[PatronAction, ...] = ()


class QuestionState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    OVER = "over"  # its time is over, it was withdrawn, or the request is closed


@value_object(kw_only=True)
class AnswerField:
    """A field to fill in beside an answer. `choices`: value and words, where it is one of these; `value` as it was sent
    the last time, `fault`: what was wrong with it, in a sentence."""

    name: str
    label: str
    needed: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    value: str = ""
    fault: str = ""


@value_object(kw_only=True)
class QuestionView:
    """A question of ours behind a signed link. `library`: its symbol; `asked`: `patron` or `partner`; `answer`: what
    the link says; `given`: the answer that counts, once there is one, `when` as `language` writes it; `text`: the
    question in our own words; `rows`: what it is about, label and value; `until`: when its time is over, as `language`
    writes it."""

    state: QuestionState
    asked: str
    answer: str
    library: str
    language: str
    given: str = ""
    when: str = ""
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    until: str = ""
    fields: tuple[AnswerField, ...] = ()
