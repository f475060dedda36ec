"""Checks of the APDUs that a tried responder sends of itself, by name and by clause (docs/facts/ iso-ill-10161.md 6, 7,
9).

A finding is against the standard where what was exchanged proves it: an answer to what was never asked, a service that
the requester's table has in no way after what was said before, another state than the end that was told. What is only
unlikely, such as a day in the future, is an advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from adapters.iso_ill.codec import apdu_type_name
from adapters.iso_ill.dialect import state_word
from adapters.iso_ill.messages import Apdu, CheckedIn, IllRequest, Overdue, RenewAnswer, Shipped, StatusOrErrorReport
from adapters.iso_ill.messages.codes import ApduType, CurrentState
from adapters.iso_ill.messages.structures import Moment, TransactionId
from adapters.iso_ill.state_tables import ALWAYS, REQUESTER, ServiceDirection, ServicePrimitive, service_of_apdu
from gateway.domain.clock import Clock
from gateway.domain.problems import MalformedMessage
from gateway.domain.value import replace
from rehearsal.ports.trials import ConformanceFinding, find_advice, find_broken
from rehearsal.protocols.iso_ill.report_check import ENCODING, check_header, decode_answer

ANSWERS = "ISO 10161-1, 8: an answer is to what the requester has asked in the transaction"
ORDER = "ISO 10161-1, 8: the requester's state table says which services may follow"
STATES = "ISO 10161-1, Status-Or-Error-Report: the provider's status report is the state of the transaction"

_ASKED_BY = {ApduType.CANCEL_REPLY: ApduType.CANCEL, ApduType.RENEW_ANSWER: ApduType.RENEW}

_ENDS = {
    CurrentState.NOT_SUPPLIED: frozenset({CurrentState.NOT_SUPPLIED, CurrentState.FORWARD}),
    CurrentState.CANCELLED: frozenset({CurrentState.CANCELLED, CurrentState.NOT_SUPPLIED}),
}
"""Of the requester, and how they stand at the responder."""

_CLOCKS_DIFFER = timedelta(hours=1)
_ONE_DAY = timedelta(days=1)


@dataclass
class TriedTransaction:
    """`first`: what we have said first in it; `state`: as the requester's table has it, None where we have asked for
    nothing."""

    first: Apdu
    state: CurrentState | None = None
    services: set[ApduType] = field(default_factory=set)


class HeardApdus:
    """The APDUs that the tried system has sent of itself in a trial, and ours. `zone`: of its days and times."""

    def __init__(self, clock: Clock, zone: tzinfo) -> None:
        self._clock, self._zone = clock, zone
        self._tried: dict[TransactionId, TriedTransaction] = {}
        self._bodies: set[bytes] = set()

    def note_sent(self, apdu: Apdu) -> None:
        tried = self._tried.setdefault(apdu.transaction_id, TriedTransaction(apdu))
        tried.services.add(apdu.type)
        if isinstance(apdu, IllRequest):
            tried.state = tried.state or CurrentState.PENDING
        elif (service := service_of_apdu(apdu)) is not None:
            _take_service(tried, replace(service, direction=ServiceDirection.REQ))

    def is_report(self, message: bytes, sent: Apdu | None) -> bool:
        """Return whether it may be the report about what was `sent`: of another transaction of the trial it only comes
        late. None: any report."""
        try:
            apdu = decode_answer(message).apdu
        except MalformedMessage:
            return False
        is_late = sent is not None and apdu.transaction_id != sent.transaction_id and apdu.transaction_id in self._tried
        return isinstance(apdu, StatusOrErrorReport) and not is_late

    def check_answers(self, answers: Sequence[bytes]) -> Iterator[ConformanceFinding]:
        """Check what came on the connection of a message, by what was said before. What else is wrong with it is found
        by `report_check`."""
        for answer in answers:
            try:
                apdu = decode_answer(answer).apdu
            except MalformedMessage:
                continue
            tried = self._tried.get(apdu.transaction_id)
            if tried is not None:
                yield from _check_service(apdu, tried)

    def judge_message(self, message: bytes) -> tuple[str, tuple[ConformanceFinding, ...]]:
        """A title, and what is wrong."""
        try:
            decoded = decode_answer(message)
        except MalformedMessage as malformed:
            return "came: no APDU", (find_broken("well-formed", ENCODING, str(malformed)),)
        apdu = decoded.apdu
        title = f"came: {apdu_type_name(apdu.type)}"
        findings = [find_advice("encoding", str(oddity)) for oddity in decoded.oddities]
        tried = self._tried.get(apdu.transaction_id)
        if tried is None:
            findings.append(find_advice("transaction-id", "it is about a transaction that isn't of this trial"))
            return title, tuple(findings)
        findings += check_header(apdu, tried.first)
        findings += _check_dates(apdu, self._clock.now(), self._zone)
        if message in self._bodies:
            findings.append(find_advice("repeated", "the same octets came before; illgate takes them for a repeat"))
        else:
            findings += _check_service(apdu, tried)
        self._bodies.add(message)
        return title, tuple(findings)


def _check_service(apdu: Apdu, tried: TriedTransaction) -> Iterator[ConformanceFinding]:
    """Check a service where we have asked for something: what a requester may say is another thing."""
    if tried.state is None:
        return
    if isinstance(apdu, StatusOrErrorReport):
        yield from _check_state(apdu, tried.state)
    name, asked = apdu_type_name(apdu.type), _ASKED_BY.get(apdu.type)
    if asked is not None and asked not in tried.services:
        yield find_broken("answer", ANSWERS, f"{name}, and no {apdu_type_name(asked)} was sent")
        return
    service = service_of_apdu(apdu)
    if service is None or service.apdu in ALWAYS:
        return
    before = tried.state
    if not _take_service(tried, service):
        yield find_broken("order", ORDER, f"{name} in the state {state_word(before).upper()}")


def _take_service(tried: TriedTransaction, service: ServicePrimitive) -> bool:
    """False: the table has it in no way, and nothing changes."""
    after = REQUESTER.get(tried.state, {}).get(service) if tried.state is not None else None
    if after is None:
        return False
    tried.state = after
    return True


def _check_state(report: StatusOrErrorReport, state: CurrentState) -> Iterator[ConformanceFinding]:
    reported = report.status_report.state if report.status_report is not None else None
    if reported is None or state not in _ENDS or reported in _ENDS[state]:
        return
    word = state_word(reported).upper() if isinstance(reported, CurrentState) else str(reported)
    yield find_broken("state", STATES, f"{word}, though it was {state_word(state).upper()} before")


def _check_dates(apdu: Apdu, now: datetime, zone: tzinfo) -> Iterator[ConformanceFinding]:
    today = now.astimezone(zone).date()
    yield from _check_moment(apdu.service_date_time.this, now, zone)
    match apdu:
        case Shipped():
            details = apdu.supply_details
            if details.date_shipped is not None and details.date_shipped > today:
                yield find_advice("date", "date-shipped is in the future")
            if details.date_due is not None and details.date_due.due < today:
                yield find_advice("date", "Shipped, and date-due is in the past")
        case RenewAnswer(answer=True) if apdu.date_due is not None and apdu.date_due.due < today:
            yield find_advice("date", "renewed, and date-due is in the past")
        case Overdue() if apdu.date_due.due >= today:
            yield find_advice("date", "Overdue, and date-due is not over")
        case CheckedIn() if apdu.date_checked_in > today:
            yield find_advice("date", "date-checked-in is in the future")


def _check_moment(moment: Moment, now: datetime, zone: tzinfo) -> Iterator[ConformanceFinding]:
    """Check a moment; of a sender that gives no time of day, by the day; one day is left for other zones."""
    if moment.clock is None:
        late = moment.day - now.astimezone(zone).date()
        is_future, is_past = late > _ONE_DAY, late < -_ONE_DAY
    else:
        late = datetime.combine(moment.day, moment.clock, zone) - now
        is_future, is_past = late > _CLOCKS_DIFFER, late < -_CLOCKS_DIFFER
    if is_future:
        yield find_advice("date", "date-time-of-this-service is in the future")
    elif is_past:
        yield find_advice("date", "date-time-of-this-service is long ago")
