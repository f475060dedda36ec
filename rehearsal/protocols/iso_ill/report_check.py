"""Checks of the reports of a system, by name and by clause (docs/facts/iso-ill-10161.md 7, 9.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.iso_ill.codec import DEFAULT_STYLE, BerLimits, DecodedApdu, apdu_type_name, decode_apdu
from adapters.iso_ill.messages import Apdu, IllRequest, StatusOrErrorReport
from adapters.iso_ill.messages.tracking_phase import ProviderError
from gateway.domain.problems import MalformedMessage
from gateway.domain.value import value_object
from rehearsal.ports.trials import ConformanceFinding, find_advice, find_broken

MAX_ANSWER_BYTES = 1_000_000

ENCODING = "ISO 10161-1: APDUs in BER"
HEADER = "ISO 10161-1: each APDU has version, transaction-id, requester-id and responder-id of its transaction"
REPORTS = "ISO 10161-1, Status-Or-Error-Report: a status, an error, or reason-no-report where there is neither"
ERRORS = "ISO 10161-1, Provider-Error-Report: unknown or duplicate transaction, version not supported, badly structured"


@value_object(kw_only=True)
class ReportExpectation:
    """The report that must come back for `sent`. `problem`: the error that it must report, None: it mustn't report any;
    `has_status`: how the transaction stands must be in it."""

    sent: Apdu
    problem: ProviderError | None = None
    has_status: bool = False


def decode_answer(answer: bytes) -> DecodedApdu:
    """Decode an answer; raises MalformedMessage."""
    return decode_apdu(answer, DEFAULT_STYLE, BerLimits(size=MAX_ANSWER_BYTES))


def reports_status(answer: bytes) -> bool:
    try:
        apdu = decode_answer(answer).apdu
    except MalformedMessage:
        return False
    return isinstance(apdu, StatusOrErrorReport) and apdu.status_report is not None and apdu.error_report is None


def check_answers(answers: Sequence[bytes], expected: ReportExpectation) -> Iterator[ConformanceFinding]:
    first, *others = answers
    if others:
        yield find_broken("one-message", REPORTS, f"{len(answers)} APDUs came for one")
    try:
        decoded = decode_answer(first)
    except MalformedMessage as malformed:
        yield find_broken("well-formed", ENCODING, str(malformed))
        return
    for oddity in decoded.oddities:
        yield find_advice("encoding", str(oddity))
    apdu, sent = decoded.apdu, expected.sent
    yield from check_header(apdu, sent)
    if isinstance(apdu, StatusOrErrorReport):
        yield from _check_report(apdu, expected)
    elif expected.problem is not None or not isinstance(sent, IllRequest):
        yield find_broken("report-kind", REPORTS, f"{apdu_type_name(apdu.type)} came instead of a report")


def check_error_report(answer: bytes) -> Iterator[ConformanceFinding]:
    """Check the report of what was no APDU."""
    try:
        apdu = decode_answer(answer).apdu
    except MalformedMessage as malformed:
        yield find_broken("well-formed", ENCODING, str(malformed))
        return
    if not isinstance(apdu, StatusOrErrorReport):
        yield find_broken("report-kind", REPORTS, f"{apdu_type_name(apdu.type)} came instead of a report")
    elif apdu.error_report is None:
        yield find_broken("error-report", ERRORS, "no error is reported")


def check_header(apdu: Apdu, sent: Apdu) -> Iterator[ConformanceFinding]:
    if apdu.protocol_version not in (1, 2):
        yield find_broken("version", HEADER, f"its version is {apdu.protocol_version}")
    if apdu.transaction_id != sent.transaction_id:
        yield find_broken("transaction-id", HEADER, "it is about another transaction")
    for name, shown, meant in (
        ("requester-id", apdu.requester_id, sent.requester_id),
        ("responder-id", apdu.responder_id, sent.responder_id),
    ):
        if shown is not None and meant is not None and shown.symbol_text.casefold() != meant.symbol_text.casefold():
            yield find_broken(name, HEADER, "it names another library")


def _check_report(report: StatusOrErrorReport, expected: ReportExpectation) -> Iterator[ConformanceFinding]:
    has_report = report.status_report is not None or report.error_report is not None
    if has_report is (report.reason_no_report is not None):
        words = "there is a report, and a reason for none" if has_report else "there is neither a report nor a reason"
        yield find_broken("reason-no-report", REPORTS, words)
    if expected.has_status and report.status_report is None:
        yield find_advice("status-report", "how the transaction stands isn't in it")
    error = report.error_report
    if error is None:
        if expected.problem is not None:
            yield find_broken("error-report", ERRORS, "no error is reported")
        return
    if expected.problem is None:  # it may have refused the request, by a report that went elsewhere
        yield find_advice("unexpected-error", f"an error is reported: {_describe_problem(error.provider)}")
        return
    if error.provider != expected.problem:
        meant, described = _describe_problem(expected.problem), _describe_problem(error.provider)
        yield find_broken("problem", ERRORS, f"{described}, where it is {meant}")
    if not error.correlation.strip():
        yield find_advice("correlation", "correlation-information is empty: nobody can tell what the error is about")


def _describe_problem(problem: ProviderError | None) -> str:
    if problem is None:
        return "an error of the user"
    if problem.general_problem is not None:
        return f"general-problem {int(problem.general_problem)}"
    if problem.transaction_id_problem is not None:
        return f"transaction-id-problem {int(problem.transaction_id_problem)}"
    return "state-transition-prohibited"
