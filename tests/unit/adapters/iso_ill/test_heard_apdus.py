"""What a system that is tried by ISO ILL says of itself, judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, time, timedelta

import pytest

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.mapping import apdu_of_message
from adapters.iso_ill.messages import Apdu, Shipped, StatusOrErrorReport
from adapters.iso_ill.messages.codes import CurrentState as S
from adapters.iso_ill.messages.codes import HistoryService
from adapters.iso_ill.messages.structures import DateDue, Moment, ServiceDateTime, SystemId
from adapters.iso_ill.messages.tracking_phase import HistoryReport, StatusReport
from gateway.domain.clock import FixedClock
from gateway.domain.requests.events import EventKind
from rehearsal.ports.trials import FindingWeight
from rehearsal.protocols.iso_ill.heard_apdus import HeardApdus
from tests.support.full_apdus import CONTEXT, LENDING, NOW, REQUESTING, THEM

BROKEN, ADVICE = FindingWeight.BROKEN, FindingWeight.ADVICE

ASKED = apdu_of_message(next(one for one in REQUESTING if one.kind is EventKind.REQUEST), CONTEXT)
CANCEL = apdu_of_message(next(one for one in REQUESTING if one.kind is EventKind.CANCEL), CONTEXT)


def write_answer(kind: EventKind) -> Apdu:
    return replace(
        apdu_of_message(next(one for one in LENDING if one.kind is kind), CONTEXT),
        transaction_id=ASKED.transaction_id,
        requester_id=ASKED.requester_id,
        responder_id=ASKED.responder_id,
    )


SHIPPED = write_answer(EventKind.SHIPPED)
UNFILLED = write_answer(EventKind.UNFILLED)
OTHER = replace(ASKED.transaction_id, qualifier="another")
TODAY = NOW.date()


def write_report(state: S) -> StatusOrErrorReport:
    history = HistoryReport(
        date_of_last_transition=TODAY,
        most_recent_service=HistoryService.ILL_ANSWER,
        date_of_most_recent_service=TODAY,
        initiator=SystemId.from_symbol(THEM.symbol),
    )
    return StatusOrErrorReport(
        protocol_version=2,
        transaction_id=ASKED.transaction_id,
        service_date_time=SHIPPED.service_date_time,
        requester_id=ASKED.requester_id,
        responder_id=ASKED.responder_id,
        status_report=StatusReport(history=history, state=state),
    )


def make_heard() -> HeardApdus:
    return HeardApdus(FixedClock(NOW), UTC)


def judge_apdus(*apdus: Apdu | bytes, said: tuple[Apdu, ...] = ()) -> list[tuple[str, FindingWeight]]:
    """What is found in the last of them, after what we have `said` besides the request."""
    heard = make_heard()
    for apdu in (ASKED, *said):
        heard.note_sent(apdu)
    judged = [heard.judge_message(one if isinstance(one, bytes) else encode_apdu(one)) for one in apdus]
    return [(one.check, one.weight) for one in judged[-1][1]]


def test_what_is_right_has_no_finding() -> None:
    assert judge_apdus(SHIPPED) == []


@pytest.mark.parametrize(
    ("apdus", "found"),
    [
        pytest.param((b"It works!",), ("well-formed", FindingWeight.BROKEN), id="no APDU"),
        pytest.param((replace(SHIPPED, protocol_version=9),), ("version", FindingWeight.BROKEN), id="version"),
        pytest.param(
            (replace(SHIPPED, requester_id=ASKED.responder_id),), ("requester-id", FindingWeight.BROKEN), id="requester"
        ),
        pytest.param(
            (replace(SHIPPED, responder_id=ASKED.requester_id),), ("responder-id", FindingWeight.BROKEN), id="responder"
        ),
        pytest.param((replace(SHIPPED, transaction_id=OTHER),), ("transaction-id", FindingWeight.ADVICE), id="another"),
        pytest.param((SHIPPED, SHIPPED), ("repeated", FindingWeight.ADVICE), id="twice"),
    ],
)
def test_what_is_wrong_is_found_by_name(apdus: tuple[Apdu | bytes, ...], found: tuple[str, FindingWeight]) -> None:
    assert judge_apdus(*apdus) == [found]


def test_a_message_about_the_request_is_no_report() -> None:
    for sent in (ASKED, None):
        assert not make_heard().is_report(encode_apdu(SHIPPED), sent)
        assert not make_heard().is_report(b"It works!", sent)


# --- what may follow, and how it stands ------------------------------------------------------------------

ANSWER, ORDER, STATE = (("answer", BROKEN), ("order", BROKEN), ("state", BROKEN))


@pytest.mark.parametrize(
    ("apdus", "said", "found"),
    [
        pytest.param((UNFILLED,), (), [], id="a no"),
        pytest.param((UNFILLED, write_report(S.NOT_SUPPLIED)), (), [], id="a no, and so it stands"),
        pytest.param((UNFILLED, write_report(S.SHIPPED)), (), [STATE], id="a no, and it stands otherwise"),
        pytest.param((write_report(S.IN_PROCESS),), (), [], id="in process"),
        pytest.param((write_answer(EventKind.CANCEL_ACCEPTED),), (CANCEL,), [], id="a Cancel is granted"),
        pytest.param((write_answer(EventKind.CANCEL_ACCEPTED),), (), [ANSWER], id="a Cancel that nobody sent"),
        pytest.param((SHIPPED, write_answer(EventKind.RENEW_ACCEPTED)), (), [ANSWER], id="a Renew that nobody sent"),
        pytest.param((write_answer(EventKind.CHECKED_IN),), (), [ORDER], id="back, and never sent"),
        pytest.param((SHIPPED, write_answer(EventKind.CHECKED_IN)), (), [], id="back again"),
        pytest.param((UNFILLED, write_answer(EventKind.OVERDUE)), (), [ORDER], id="overdue after a no"),
    ],
)
def test_what_follows_is_judged_by_what_was_said(
    apdus: tuple[Apdu, ...], said: tuple[Apdu, ...], found: list[tuple[str, FindingWeight]]
) -> None:
    assert [one for one in judge_apdus(*apdus, said=said) if one[0] != "date"] == found


def test_what_came_on_the_connection_of_a_message_counts_too() -> None:
    heard = make_heard()
    heard.note_sent(ASKED)
    assert list(heard.check_answers([encode_apdu(SHIPPED), b"It works!"])) == []
    assert heard.judge_message(encode_apdu(write_answer(EventKind.CHECKED_IN)))[1] == ()
    (found,) = heard.check_answers([encode_apdu(UNFILLED)])
    assert (found.check, found.words) == ("order", "ILL-Answer in the state RETURNED")


def test_what_a_requester_says_is_not_judged_by_the_requesters_table() -> None:
    heard = make_heard()
    heard.note_sent(SHIPPED)
    received = apdu_of_message(next(one for one in REQUESTING if one.kind is EventKind.RECEIVED), CONTEXT)
    came = replace(received, transaction_id=SHIPPED.transaction_id, requester_id=None, responder_id=None)
    assert [one.check for one in heard.judge_message(encode_apdu(came))[1]] == []


# --- days ------------------------------------------------------------------------------------------------


def at_moment(apdu: Apdu, day: date, clock: time | None) -> Apdu:
    return replace(apdu, service_date_time=ServiceDateTime(this=Moment(day=day, clock=clock)))


def ship(**days: object) -> Apdu:
    assert isinstance(SHIPPED, Shipped)
    return replace(SHIPPED, supply_details=replace(SHIPPED.supply_details, **days))


DAY = timedelta(days=1)
LATE = [("date", ADVICE)]


@pytest.mark.parametrize(
    ("apdu", "found"),
    [
        pytest.param(at_moment(SHIPPED, TODAY, time(10, 30, 15)), [], id="an hour from now"),
        pytest.param(at_moment(SHIPPED, TODAY, time(10, 30, 16)), LATE, id="more than an hour from now"),
        pytest.param(at_moment(SHIPPED, TODAY, time(8, 30, 15)), [], id="an hour ago"),
        pytest.param(at_moment(SHIPPED, TODAY, time(8, 30, 14)), LATE, id="more than an hour ago"),
        pytest.param(at_moment(SHIPPED, TODAY + DAY, None), [], id="tomorrow, without a time"),
        pytest.param(at_moment(SHIPPED, TODAY + 2 * DAY, None), LATE, id="the day after tomorrow"),
        pytest.param(at_moment(SHIPPED, TODAY - 2 * DAY, None), LATE, id="the day before yesterday"),
        pytest.param(ship(date_shipped=TODAY), [], id="sent today"),
        pytest.param(ship(date_shipped=TODAY + DAY), LATE, id="sent tomorrow"),
        pytest.param(ship(date_due=DateDue(due=TODAY)), [], id="due today"),
        pytest.param(ship(date_due=DateDue(due=TODAY - DAY)), LATE, id="due yesterday"),
    ],
)
def test_days_that_are_unlikely_are_told(apdu: Apdu, found: list[tuple[str, FindingWeight]]) -> None:
    assert judge_apdus(apdu) == found
