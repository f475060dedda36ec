"""The conversations by which a system that speaks ISO ILL by TCP is tried: as a responder that gets requests and
messages about them, and as a requester that gets a responder's messages.

What is looked at are the reports that come back on the connection of a message: the acknowledgements that the profile
says, and those of errors, which the standard wants (docs/facts/iso-ill-10161.md 9.3). Answers of people aren't waited
for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import monotonic

from adapters.iso_ill.codec import (
    DEFAULT_STYLE,
    BerLimits,
    apdu_type_name,
    conceal_credentials,
    decode_apdu,
    encode_apdu,
)
from adapters.iso_ill.dialect import IsoIllDialect, dialect_of, is_reported
from adapters.iso_ill.mapping import MappingContext, apdu_of_message
from adapters.iso_ill.messages import Apdu, IllRequest, StatusOrErrorReport
from adapters.iso_ill.messages.codes import GeneralProblem, TransactionIdProblem
from adapters.iso_ill.messages.structures import Credentials, Extension
from adapters.iso_ill.messages.tracking_phase import ProviderError
from adapters.iso_ill.rehearsal import IsoIllRehearsal
from adapters.iso_ill.responder import IllStreamSplitter
from gateway.domain.problems import (
    ConfigurationError,
    ConfigurationProblem,
    MalformedMessage,
    OutcomeUnknown,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    LibraryParty,
    Request,
    RequestedService,
    Role,
    ServiceType,
    SupplierAttempt,
)
from gateway.domain.sentences import sentence_of_system, write_sentence
from gateway.domain.value import value_object
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.rehearsal import (
    CheckedExchange,
    ConformanceContext,
    ConformanceConversation,
    ConformanceFinding,
    FindingWeight,
    TriedSide,
    make_conversation,
)
from gateway.ports.tls import make_client_context

TITLE = "Conformance trial: please don't supply"

MAX_ANSWER_BYTES = 1_000_000
READ_BYTES = 65_536

ENCODING = "ISO 10161-1, 9: APDUs in BER"
HEADER = "ISO 10161-1: what each APDU begins with"
REPORTS = "ISO 10160: STATUS-OR-ERROR-REPORT"
ERRORS = "ISO 10161-1: errors of the provider"

_UNKNOWN = ProviderError(transaction_id_problem=TransactionIdProblem.UNKNOWN_TRANSACTION_ID)
_DUPLICATE = ProviderError(transaction_id_problem=TransactionIdProblem.DUPLICATE_TRANSACTION_ID)
_OTHER_VERSION = ProviderError(general_problem=GeneralProblem.PROTOCOL_VERSION_NOT_SUPPORTED)

_ODD_VERSION = 9


@value_object(kw_only=True)
class ReportExpectation:
    """Of what comes back for `sent`. `problem`: the error that it must report, None: it mustn't report any;
    `has_status`: how the transaction stands must be in it."""

    sent: Apdu
    problem: ProviderError | None = None
    has_status: bool = False


class ConnectionEnded(OutcomeUnknown):
    """The other side has closed it, without a whole answer."""


class IsoIllTrial:
    """One conversation: its transaction, and what was exchanged."""

    def __init__(self, name: str, context: ConformanceContext) -> None:
        self.exchanges: list[CheckedExchange] = []
        is_partner = context.tried is TriedSide.PARTNER
        dialect = (
            dialect_of(context.profile)
            if is_partner
            else IsoIllRehearsal().mirror_dialect(context.profile, context.url)
        )
        assert isinstance(dialect, IsoIllDialect)
        ours, theirs = (context.library, context.partner) if is_partner else (context.partner, context.library)
        self._dialect = dialect
        self._ours, self._theirs = LibraryParty(symbol=ours), LibraryParty(symbol=theirs)
        self._mapping = MappingContext(
            library_zone=context.zone, currency=context.currency, ours=(ours,), dialect=dialect
        )
        self._number = f"{context.run}-{name}"
        self._context = context
        self._count = 0

    # --- messages ----------------------------------------------------------------------------------------

    def write_apdu(self, kind: EventKind, role: Role = Role.BORROWING, title: str = TITLE) -> Apdu | None:
        """`role`: ours. None: the profile says that the partner doesn't take it."""
        self._count += 1
        message = PartnerMessage(
            id=f"{self._number}-{self._count}",
            kind=kind,
            at=self._context.clock.now(),
            sender=self._ours,
            receiver=self._theirs,
            role=role,
            transaction=self._make_transaction(role),
            details=EventDetails(due=self._context.clock.now().date() + timedelta(days=28), reason="not-held"),
            request=self._write_request(role, title),
        )
        try:
            return apdu_of_message(message, self._mapping)
        except Refused as refused:
            if refused.reason is not RefusalReason.UNSUPPORTED_SERVICE:
                raise
            return None

    def _make_transaction(self, role: Role) -> str:
        """As the gateway keeps it: a partner's with its symbol."""
        return self._number if role is Role.BORROWING else f"{self._number}/1@{self._theirs.symbol}"

    def _write_request(self, role: Role, title: str) -> Request:
        now = self._context.clock.now()
        attempt = SupplierAttempt(
            number=1,
            partner=self._context.profile.name,
            symbol=self._theirs.symbol,
            channel="iso-ill",
            transaction=self._number,
            asked=now,
        )
        is_borrowing = role is Role.BORROWING
        return Request(
            library=self._ours.symbol,
            id=self._number,
            role=role,
            state=BorrowingState.REQUESTED if is_borrowing else LendingState.NEW,
            number=self._number,
            created=now,
            changed=now,
            citation=Citation(title=title, author="Ødegård, Sigrun"),
            service=RequestedService(ServiceType.LOAN),
            partner=self._theirs,
            transaction=self._make_transaction(role),
            attempts=(attempt,) if is_borrowing else (),
            current=1 if is_borrowing else 0,
        )

    # --- exchanges ---------------------------------------------------------------------------------------

    async def say_message(
        self, apdu: Apdu | None, *, problem: ProviderError | None = None, has_status: bool = False, title: str = ""
    ) -> None:
        """What isn't to be acknowledged, and has nothing wrong in it, is sent without a look at what comes."""
        if apdu is None:
            return
        is_awaited = problem is not None or has_status or is_reported(apdu.type, self._dialect.acknowledges)
        expected = ReportExpectation(sent=apdu, problem=problem, has_status=has_status) if is_awaited else None
        title = title or apdu_type_name(apdu.type)
        shown, body = (encode_apdu(one, self._dialect.wire.style) for one in (apdu, self._add_credentials(apdu)))
        await self._exchange_octets(title, conceal_credentials(shown), body, expected)

    async def say_octets(self, title: str, body: bytes) -> None:
        """What is no APDU, and then the end of what we send: it must be reported as an error, or the connection
        closed."""
        answers: tuple[bytes, ...] = ()
        findings: tuple[ConformanceFinding, ...] = ()
        try:
            answers = await self._send_octets(body, is_awaited=True, is_end=True)
            findings = tuple(check_error_report(answers[0]))
        except ConnectionEnded:
            pass  # as it may
        except (Unavailable, OutcomeUnknown, MalformedMessage) as error:
            findings = (_make_finding("report", REPORTS, f"neither a report nor an end: {error}"),)
        shown = tuple(map(conceal_credentials, answers))
        self.exchanges.append(CheckedExchange(title=title, sent=body, answer=b"".join(shown), findings=findings))

    def encode_body(self, apdu: Apdu) -> bytes:
        """Without what shows who we are."""
        return encode_apdu(apdu, self._dialect.wire.style)

    async def _exchange_octets(self, title: str, shown: bytes, body: bytes, expected: ReportExpectation | None) -> None:
        started = monotonic()
        try:
            answers = await self._send_octets(body, is_awaited=expected is not None)
        except (Unavailable, OutcomeUnknown, MalformedMessage) as error:
            is_malformed = isinstance(error, MalformedMessage)
            check, clause = ("well-formed", ENCODING) if is_malformed else ("report", REPORTS)
            finding = _make_finding(check, clause, str(error))
            self.exchanges.append(CheckedExchange(title=title, sent=shown, findings=(finding,)))
            return
        findings = tuple(check_answers(answers, expected)) if expected is not None else ()
        self.exchanges.append(
            CheckedExchange(
                title=title,
                sent=shown,
                answer=b"".join(map(conceal_credentials, answers)),
                seconds=monotonic() - started,
                findings=findings,
            )
        )

    def _add_credentials(self, apdu: Apdu) -> Apdu:
        """Raises ConfigurationError: the password isn't there."""
        credentials = self._dialect.credentials
        if not credentials.user:
            return apdu
        signature = Extension.from_item(Credentials(credentials.user, self._context.secrets(credentials.password)))
        # every APDU declares `extensions`, the base can't
        return replace(apdu, extensions=(signature, *apdu.carried_extensions))  # type: ignore[call-arg]

    async def _send_octets(self, body: bytes, *, is_awaited: bool, is_end: bool = False) -> tuple[bytes, ...]:
        """The APDUs that came, none where nothing is awaited. `is_end`: nothing more is sent.

        Raises Unavailable (nothing was sent), OutcomeUnknown (no answer, or the connection broke), MalformedMessage
        (what came can't be told apart)."""
        transport = self._dialect.transport
        host, _, port = self._context.url.rpartition(":")
        tls = transport.tls.to_client_tls()
        secure = make_client_context(tls.resolve_in_folder(self._context.folder)) if tls is not None else None
        try:
            async with asyncio.timeout(transport.connect_seconds):
                reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=secure)
        except (OSError, TimeoutError) as error:
            raise Unavailable(
                write_sentence(
                    "%(url)s cannot be reached: %(report)s", url=self._context.url, report=sentence_of_system(error)
                )
            ) from error
        try:
            writer.write(body)
            await writer.drain()
            if is_end and writer.can_write_eof():
                writer.write_eof()
            if not is_awaited:
                return ()
            async with asyncio.timeout(transport.reply_seconds):
                return await _read_apdus(reader)
        except TimeoutError as error:
            raise OutcomeUnknown(
                write_sentence("nothing was received within %(seconds)s seconds", seconds=transport.reply_seconds)
            ) from error
        except OSError as error:
            raise OutcomeUnknown(write_sentence("the connection was lost: %(report)s", report=error)) from error
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read_apdus(reader: asyncio.StreamReader) -> tuple[bytes, ...]:
    """The first, and what came with it. Raises OutcomeUnknown, MalformedMessage."""
    frames = IllStreamSplitter(MAX_ANSWER_BYTES)
    found: list[bytes] = []
    while not found:
        data = await reader.read(READ_BYTES)
        if not data:
            raise ConnectionEnded("the connection was closed without a whole answer")
        frames.add_octets(data)
        while (apdu := frames.take_message()) is not None:
            found.append(apdu)
        if frames.is_unrecoverable:
            raise MalformedMessage("octet 0", "what came is no APDU")
    return tuple(found)


# --- what is wrong with an answer ------------------------------------------------------------------------


def _make_finding(
    check: str, clause: str, words: str, weight: FindingWeight = FindingWeight.BROKEN
) -> ConformanceFinding:
    return ConformanceFinding(check=check, clause=clause, words=words, weight=weight)


def check_answers(answers: Sequence[bytes], expected: ReportExpectation) -> Iterator[ConformanceFinding]:
    first, *others = answers
    if others:
        yield _make_finding("one-message", REPORTS, f"{len(answers)} APDUs came for one")
    try:
        decoded = decode_apdu(first, DEFAULT_STYLE, BerLimits(size=MAX_ANSWER_BYTES))
    except MalformedMessage as malformed:
        yield _make_finding("well-formed", ENCODING, str(malformed))
        return
    for oddity in decoded.oddities:
        yield _make_finding("encoding", ENCODING, str(oddity), FindingWeight.ADVICE)
    apdu, sent = decoded.apdu, expected.sent
    yield from _check_header(apdu, sent)
    if isinstance(apdu, StatusOrErrorReport):
        yield from _check_report(apdu, expected)
    elif expected.problem is not None or not isinstance(sent, IllRequest):
        yield _make_finding("report-kind", REPORTS, f"{apdu_type_name(apdu.type)} came instead of a report")


def check_error_report(answer: bytes) -> Iterator[ConformanceFinding]:
    """Of what was no APDU."""
    try:
        apdu = decode_apdu(answer, DEFAULT_STYLE, BerLimits(size=MAX_ANSWER_BYTES)).apdu
    except MalformedMessage as malformed:
        yield _make_finding("well-formed", ENCODING, str(malformed))
        return
    if not isinstance(apdu, StatusOrErrorReport):
        yield _make_finding("report-kind", REPORTS, f"{apdu_type_name(apdu.type)} came instead of a report")
    elif apdu.error_report is None:
        yield _make_finding("error-report", ERRORS, "no error is reported")


def _check_header(apdu: Apdu, sent: Apdu) -> Iterator[ConformanceFinding]:
    if apdu.protocol_version not in (1, 2):
        yield _make_finding("version", HEADER, f"its version is {apdu.protocol_version}")
    if apdu.transaction_id != sent.transaction_id:
        yield _make_finding("transaction-id", HEADER, "it is about another transaction")
    for name, said, meant in (
        ("requester-id", apdu.requester_id, sent.requester_id),
        ("responder-id", apdu.responder_id, sent.responder_id),
    ):
        if said is not None and meant is not None and said.symbol_text.casefold() != meant.symbol_text.casefold():
            yield _make_finding(name, HEADER, "it names another library")


def _check_report(report: StatusOrErrorReport, expected: ReportExpectation) -> Iterator[ConformanceFinding]:
    has_report = report.status_report is not None or report.error_report is not None
    if has_report is (report.reason_no_report is not None):
        words = "there is a report, and a reason for none" if has_report else "there is neither a report nor a reason"
        yield _make_finding("reason-no-report", REPORTS, words)
    if expected.has_status and report.status_report is None:
        yield _make_finding("status-report", REPORTS, "how the transaction stands isn't in it")
    error = report.error_report
    if error is None:
        if expected.problem is not None:
            yield _make_finding("error-report", ERRORS, "no error is reported")
        return
    if expected.problem is None:
        yield _make_finding("unexpected-error", ERRORS, f"an error is reported: {_describe_problem(error.provider)}")
        return
    if error.provider != expected.problem:
        meant, said = _describe_problem(expected.problem), _describe_problem(error.provider)
        yield _make_finding("problem", ERRORS, f"{said}, where it is {meant}")
    if not error.correlation.strip():
        yield _make_finding("correlation", ERRORS, "correlation-information is empty", FindingWeight.ADVICE)


def _describe_problem(problem: ProviderError | None) -> str:
    if problem is None:
        return "an error of the user"
    if problem.general_problem is not None:
        return f"general-problem {int(problem.general_problem)}"
    if problem.transaction_id_problem is not None:
        return f"transaction-id-problem {int(problem.transaction_id_problem)}"
    return "state-transition-prohibited"


# --- conversations ---------------------------------------------------------------------------------------


async def try_request(trial: IsoIllTrial) -> None:
    asked = trial.write_apdu(EventKind.REQUEST)
    await trial.say_message(asked)
    await trial.say_message(trial.write_apdu(EventKind.STATUS_QUERY), has_status=True)
    other = trial.write_apdu(EventKind.REQUEST, title=f"{TITLE} (another work)")
    await trial.say_message(other, problem=_DUPLICATE, title="ILL-REQUEST of another work under the same number")
    await trial.say_message(trial.write_apdu(EventKind.CANCEL))


async def try_unknown_request(trial: IsoIllTrial) -> None:
    for kind in (
        EventKind.CANCEL,
        EventKind.RENEW,
        EventKind.RECEIVED,
        EventKind.RETURNED,
        EventKind.LOST,
        EventKind.STATUS_QUERY,
    ):
        await trial.say_message(trial.write_apdu(kind), problem=_UNKNOWN)


async def try_supplier_messages(trial: IsoIllTrial) -> None:
    for kind in (EventKind.WILL_SUPPLY, EventKind.UNFILLED, EventKind.SHIPPED, EventKind.OVERDUE, EventKind.RECALL):
        await trial.say_message(trial.write_apdu(kind, Role.LENDING), problem=_UNKNOWN)


async def try_other_version(trial: IsoIllTrial) -> None:
    asked = trial.write_apdu(EventKind.REQUEST)
    if asked is not None:
        odd = replace(asked, protocol_version=_ODD_VERSION)
        await trial.say_message(odd, problem=_OTHER_VERSION, title=f"ILL-REQUEST in version {_ODD_VERSION}")


async def try_broken_messages(trial: IsoIllTrial) -> None:
    asked = trial.write_apdu(EventKind.REQUEST)
    if asked is None:
        return
    whole = trial.encode_body(asked)
    await trial.say_octets("half an ILL-REQUEST", whole[: len(whole) // 2])
    await trial.say_octets("an ILL-REQUEST whose inside is no BER", damage_inside(whole))


def damage_inside(apdu: bytes) -> bytes:
    """Tag and length of the whole stay; its first element, protocol-version-num, says that it is longer than all."""
    length = apdu[1]
    first = 2 + (length & 0x7F if length & 0x80 else 0)
    return apdu[: first + 1] + b"\x84\x7f\xff\xff\xff" + apdu[first + 6 :]


_CONVERSATIONS: Sequence[tuple[str, str, Callable[[IsoIllTrial], Awaitable[None]]]] = (
    ("request", "A request, how it stands, the same number once more, and its cancellation", try_request),
    ("unknown-request", "What a requester says about a request that was never made", try_unknown_request),
    ("supplier-message", "What a responder says about a request that was never made", try_supplier_messages),
    ("other-version", "A version of the protocol that there isn't", try_other_version),
    ("broken-messages", "What is no APDU", try_broken_messages),
)


class IsoIllTrials:
    value_names: Mapping[str, str] = {}

    def describe_version(self, profile: Profile) -> str:
        return str(dialect_of(profile).version)

    def list_conversations(self, context: ConformanceContext) -> Sequence[ConformanceConversation]:
        """Raises ConfigurationError for a partner that is reached by mail, or that has no symbol."""
        by_mail = dialect_of(context.profile).transport.by == "mail"
        if by_mail or not context.partner:
            words = "a partner that is reached by mail can't be tried" if by_mail else "names no symbol of the partner"
            key = ("iso_ill", "transport", "by") if by_mail else ("partner", "symbols")
            raise ConfigurationError([ConfigurationProblem(f"profile {context.profile.name}", 0, key, words)])
        return [
            make_conversation(name, title, hold, partial(IsoIllTrial, name, context))
            for name, title, hold in _CONVERSATIONS
        ]
