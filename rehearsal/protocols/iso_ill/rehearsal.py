"""Ports `ProtocolRehearsal` and `MailRehearsal`: a partner of ISO ILL that is played, over TCP or by mail
(docs/rehearsing.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import BaseModel

from adapters.iso_ill.codec import decode_apdu, encode_apdu
from adapters.iso_ill.dialect import Credentials, IsoIllDialect, dialect_of
from adapters.iso_ill.messages import StatusOrErrorReport
from adapters.iso_ill.messages.codes import GeneralProblem, ReasonNoReport, ReportSource
from adapters.iso_ill.messages.structures import SystemId
from adapters.iso_ill.messages.tracking_phase import ErrorReport, ProviderError
from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import AuthKind, Profile
from gateway.domain.value import replace, value_object
from gateway.ports.responder import ResponderAnswer

_NO_MESSAGE = b"\x30\x03\x02\x01\x05"
"""BER that is no APDU: a sequence with a number."""

_NOBODY = SystemId.from_symbol("NOBODY")


@value_object
class SpoiledReport:
    """The fault in a report of the partner's, and the change that makes it."""

    words: str
    change: Callable[[bytes], bytes]


ChangeReport = Callable[[StatusOrErrorReport], StatusOrErrorReport]


def _change_report(change: ChangeReport) -> Callable[[bytes], bytes]:
    """Make the change of a report; what is none stays as it is."""

    def change_body(body: bytes) -> bytes:
        try:
            apdu = decode_apdu(body).apdu
        except MalformedMessage:
            return body
        return encode_apdu(change(apdu)) if isinstance(apdu, StatusOrErrorReport) else body

    return change_body


def _rename_transaction(report: StatusOrErrorReport) -> StatusOrErrorReport:
    return replace(report, transaction_id=replace(report.transaction_id, group_qualifier="000000"))


def _rename_requester(report: StatusOrErrorReport) -> StatusOrErrorReport:
    return replace(report, requester_id=_NOBODY)


def _rename_responder(report: StatusOrErrorReport) -> StatusOrErrorReport:
    return replace(report, responder_id=_NOBODY)


def _empty_report(report: StatusOrErrorReport) -> StatusOrErrorReport:
    return replace(report, status_report=None, error_report=None, reason_no_report=None)


def _accept_all(report: StatusOrErrorReport) -> StatusOrErrorReport:
    if report.error_report is None:
        return report
    return replace(report, error_report=None, reason_no_report=ReasonNoReport.TEMPORARY)


def _refuse_all(report: StatusOrErrorReport) -> StatusOrErrorReport:
    if report.error_report is not None:
        return report
    problem = ProviderError(general_problem=GeneralProblem.OTHER)
    error = ErrorReport(correlation="we don't feel like it", source=ReportSource.PROVIDER, provider=problem)
    return replace(report, error_report=error, reason_no_report=None)


def _change_problem(report: StatusOrErrorReport) -> StatusOrErrorReport:
    if report.error_report is None:
        return report
    problem = ProviderError(general_problem=GeneralProblem.UNRECOGNIZED_APDU)
    return replace(report, error_report=replace(report.error_report, user=None, provider=problem))


def _empty_correlation(report: StatusOrErrorReport) -> StatusOrErrorReport:
    if report.error_report is None:
        return report
    return replace(report, error_report=replace(report.error_report, correlation=""))


MISBEHAVIOURS: Mapping[str, SpoiledReport] = {
    "no-report": SpoiledReport("nothing is reported, whatever was agreed", lambda _body: b""),
    "broken-ber": SpoiledReport("a report ends in the middle", lambda body: body[: len(body) // 2]),
    "other-ber": SpoiledReport("a report is BER, but no APDU", lambda body: _NO_MESSAGE if body else body),
    "double-report": SpoiledReport("each report comes twice", lambda body: body + body),
    "other-version": SpoiledReport(
        "a report is in version 7", _change_report(lambda apdu: replace(apdu, protocol_version=7))
    ),
    "other-transaction": SpoiledReport("a report is about another transaction", _change_report(_rename_transaction)),
    "other-requester": SpoiledReport("a report names another requester", _change_report(_rename_requester)),
    "other-responder": SpoiledReport("a report names another responder", _change_report(_rename_responder)),
    "reports-nothing": SpoiledReport("a report has nothing in it", _change_report(_empty_report)),
    "reason-and-report": SpoiledReport(
        "a report gives a reason why there is none", _change_report(lambda apdu: replace(apdu, reason_no_report=1))
    ),
    "accepts-all": SpoiledReport("no error is ever reported", _change_report(_accept_all)),
    "refuses-all": SpoiledReport("an error is reported for everything", _change_report(_refuse_all)),
    "other-problem": SpoiledReport("another error is reported than there is", _change_report(_change_problem)),
    "no-correlation": SpoiledReport("an error says nothing of what it is about", _change_report(_empty_correlation)),
}


class IsoIllRehearsal:
    channel = "iso-ill"

    @property
    def misbehaviours(self) -> Mapping[str, str]:
        return {name: misbehaviour.words for name, misbehaviour in MISBEHAVIOURS.items()}

    def mirror_dialect(self, profile: Profile, address: str) -> BaseModel:
        """See `rehearsal.ports.rehearsals.ProtocolRehearsal`."""
        return _mirror_dialect(profile, address)

    def write_elements(self, profile: Profile, elements: Mapping[str, str | None]) -> Profile:
        """Scenarios name elements of ISO 18626 alone."""
        return profile

    def change_answer(self, answer: ResponderAnswer, elements: Mapping[str, str | None]) -> ResponderAnswer:
        return answer

    def spoil_answer(self, name: str, answer: ResponderAnswer, number: int) -> ResponderAnswer:
        return replace(answer, body=MISBEHAVIOURS[name].change(answer.body))


class IsoIllMailRehearsal:
    """Port `MailRehearsal`: a partner that is played by mail (RFC 2503)."""

    channel = "iso-ill"

    def find_address(self, profile: Profile) -> str:
        """See `rehearsal.ports.rehearsals.MailRehearsal`."""
        return profile.partner.email if profile.partner is not None else ""

    def mirror_dialect(self, profile: Profile) -> BaseModel:
        """See `rehearsal.ports.rehearsals.MailRehearsal`."""
        return _mirror_dialect(profile, "")


def _mirror_dialect(profile: Profile, address: str) -> IsoIllDialect:
    """Each reports what the other wants reported, and sends what the other takes."""
    ours = dialect_of(profile)
    transport = ours.transport.model_copy(update={"address": address, "follow_sender_info": False})
    changes: Mapping[str, object] = {
        "transport": transport,
        "acknowledges": ours.answers,
        "answers": ours.acknowledges,
        "never_sends": ours.withheld,
        "withheld": ours.never_sends,
        "credentials": _credentials_of_partner(profile),
        "symbols": ours.symbols.model_copy(update={"ours": ""}),
        "reply_to": "",
    }
    return ours.model_copy(update=dict(changes))


def _credentials_of_partner(profile: Profile) -> Credentials:
    """Return what is shown to be let in by the password of an extension."""
    shown = next((rule for rule in profile.auth if rule.kind is AuthKind.AGENCY_SECRET and rule.secret), None)
    return Credentials(user=profile.name, password=shown.secret) if shown is not None else Credentials()
