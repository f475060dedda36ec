"""The conversations by which a system that speaks ISO ILL by TCP is tried: as a responder that gets requests and
messages about them, and as a requester that gets a responder's messages.

What is looked at are the reports that come back on the connection of a message: the acknowledgements that the profile
says, and those of errors, which the standard wants (docs/facts/iso-ill-10161.md 9.3). Answers of people aren't waited
for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

from adapters.iso_ill.codec import apdu_type_name, conceal_credentials, encode_apdu
from adapters.iso_ill.dialect import IsoIllDialect, dialect_of, is_reported
from adapters.iso_ill.mapping import IllContext, apdu_of_message
from adapters.iso_ill.messages import Apdu
from adapters.iso_ill.messages.codes import GeneralProblem, TransactionIdProblem
from adapters.iso_ill.messages.structures import Extension, ShownCredentials
from adapters.iso_ill.messages.tracking_phase import ProviderError
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
from gateway.domain.value import replace
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.system_errors import describe_system_error
from gateway.ports.tls import make_client_context
from rehearsal.ports.trials import (
    CheckedExchange,
    ConformanceContext,
    ConformanceConversation,
    ConformanceFinding,
    TriedSide,
    find_broken,
    make_conversation,
    report_arrival,
)
from rehearsal.protocols.iso_ill.heard_apdus import HeardApdus
from rehearsal.protocols.iso_ill.rehearsal import IsoIllRehearsal
from rehearsal.protocols.iso_ill.report_check import (
    ENCODING,
    MAX_ANSWER_BYTES,
    REPORTS,
    ReportExpectation,
    check_answers,
    check_error_report,
    reports_status,
)

TITLE = "Conformance trial: please don't supply"

READ_BYTES = 65_536

_UNKNOWN = ProviderError(transaction_id_problem=TransactionIdProblem.UNKNOWN_TRANSACTION_ID)
_DUPLICATE = ProviderError(transaction_id_problem=TransactionIdProblem.DUPLICATE_TRANSACTION_ID)
_OTHER_VERSION = ProviderError(general_problem=GeneralProblem.PROTOCOL_VERSION_NOT_SUPPORTED)

_ODD_VERSION = 9

CALLS_BACK = "nothing came on this connection, and by the profile the partner may report on one of its own"


class ConnectionEnded(OutcomeUnknown):
    """The other side has closed it, without a whole answer."""


class IsoIllTrial:
    """One conversation: its transaction, and what was exchanged."""

    def __init__(self, name: str, context: ConformanceContext, heard: HeardApdus) -> None:
        self.exchanges: list[CheckedExchange] = []
        self._heard = heard
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
        self._mapping = IllContext(library_zone=context.zone, currency=context.currency, ours=(ours,), dialect=dialect)
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
        """Make a transaction as the gateway keeps it: a partner's with its symbol."""
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
    ) -> bool:
        """Say a message, and return whether how the transaction stands came back: it is there. What isn't to be
        acknowledged, and has nothing wrong in it, is sent without a look at what comes."""
        if apdu is None:
            return False
        self._heard.note_sent(apdu)
        is_awaited = problem is not None or has_status or is_reported(apdu.type, self._dialect.acknowledges)
        expected = ReportExpectation(sent=apdu, problem=problem, has_status=has_status) if is_awaited else None
        title = title or apdu_type_name(apdu.type)
        shown, body = (encode_apdu(apdu, self._dialect.wire.style) for apdu in (apdu, self._add_credentials(apdu)))
        answers = await self._exchange_octets(title, conceal_credentials(shown), body, expected)
        return any(map(reports_status, answers))

    def skip_message(self, title: str) -> None:
        why = "how the transaction stands was not reported, so that the request may have been refused"
        self.exchanges.append(CheckedExchange(title=title, untried=why))

    async def say_octets(self, title: str, body: bytes) -> None:
        """Say what is no APDU, and then the end of what we send: it must be reported as an error, or the connection
        closed."""
        answers: tuple[bytes, ...] = ()
        findings: tuple[ConformanceFinding, ...] = ()
        try:
            answers = await self._send_octets(body, is_awaited=True, is_end=True)
            findings = tuple(check_error_report(answers[0]))
        except ConnectionEnded:
            pass  # as it may
        except (Unavailable, OutcomeUnknown, MalformedMessage) as error:
            findings = (find_broken("report", REPORTS, f"neither a report nor an end: {error}"),)
        shown = tuple(map(conceal_credentials, answers))
        self.exchanges.append(CheckedExchange(title=title, sent=body, answer=b"".join(shown), findings=findings))

    def encode_body(self, apdu: Apdu) -> bytes:
        """Encode an APDU without what shows who we are."""
        return encode_apdu(apdu, self._dialect.wire.style)

    async def _exchange_octets(
        self, title: str, shown: bytes, body: bytes, expected: ReportExpectation | None
    ) -> tuple[bytes, ...]:
        started = monotonic()
        try:
            answers = await self._await_answers(body, expected)
        except (Unavailable, OutcomeUnknown, MalformedMessage) as error:
            calls_back = self._dialect.transport.mode == "call-back" and self._context.arrivals is None
            if isinstance(error, OutcomeUnknown) and calls_back:
                self.exchanges.append(CheckedExchange(title=title, untried=CALLS_BACK))
                return ()
            is_malformed = isinstance(error, MalformedMessage)
            check, clause = ("well-formed", ENCODING) if is_malformed else ("report", REPORTS)
            finding = find_broken(check, clause, str(error))
            self.exchanges.append(CheckedExchange(title=title, sent=shown, findings=(finding,)))
            return ()
        findings = tuple(check_answers(answers, expected)) if expected is not None else ()
        findings += tuple(self._heard.check_answers(answers))
        self.exchanges.append(
            CheckedExchange(
                title=title,
                sent=shown,
                answer=b"".join(map(conceal_credentials, answers)),
                seconds=monotonic() - started,
                findings=findings,
            )
        )
        return answers

    async def _await_answers(self, body: bytes, expected: ReportExpectation | None) -> tuple[bytes, ...]:
        """Await answers on the connection of the message, or where somebody listens on one of the system's own;
        whichever comes first. Raises as `_send_octets`."""
        if expected is None or self._context.arrivals is None:
            return await self._send_octets(body, is_awaited=expected is not None)
        reply = asyncio.create_task(self._send_octets(body, is_awaited=True))
        there = asyncio.create_task(self.hear_report(expected.sent))
        try:
            await asyncio.wait({reply, there}, return_when=asyncio.FIRST_COMPLETED)
            if reply.done() and isinstance(reply.exception(), OutcomeUnknown):
                await there
            report = there.result() if there.done() else b""
            return (report,) if report else await reply
        finally:
            for task in (reply, there):
                task.cancel()
            await asyncio.gather(reply, there, return_exceptions=True)

    async def hear_report(self, sent: Apdu | None = None) -> bytes:
        """The next report that the system sends of itself, about what was `sent`; what it says before is judged. Empty:
        none has come."""
        arrivals, ends = self._context.arrivals, monotonic() + self._context.wait_seconds
        while arrivals is not None and (left := ends - monotonic()) > 0:
            arrived = await arrivals.wait_for_message(left)
            if arrived is None:
                break
            body = arrived.arrival.body
            if arrived.is_of_trial and self._heard.is_report(body, sent):
                return body
            title, findings = self._heard.judge_message(body)
            self.exchanges.append(report_arrival(arrived, title, findings, conceal_credentials))
        return b""

    def _add_credentials(self, apdu: Apdu) -> Apdu:
        """Add credentials; raises ConfigurationError: the password isn't there."""
        credentials = self._dialect.credentials
        if not credentials.user:
            return apdu
        signature = Extension.from_item(ShownCredentials(credentials.user, self._context.secrets(credentials.password)))
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
            raise Unavailable(f"{self._context.url} cannot be reached: {describe_system_error(error)}") from error
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
            raise OutcomeUnknown(f"nothing was received within {transport.reply_seconds:g} seconds") from error
        except OSError as error:
            raise OutcomeUnknown(f"the connection was lost: {error}") from error
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read_apdus(reader: asyncio.StreamReader) -> tuple[bytes, ...]:
    """The first, and what came with it. Raises OutcomeUnknown, MalformedMessage."""
    frames = IllStreamSplitter(MAX_ANSWER_BYTES)
    apdus: list[bytes] = []
    while not apdus:
        data = await reader.read(READ_BYTES)
        if not data:
            raise ConnectionEnded("the connection was closed without a whole answer")
        frames.add_octets(data)
        while (apdu := frames.take_message()) is not None:
            apdus.append(apdu)
        if frames.is_unrecoverable:
            raise MalformedMessage("octet 0", "what came is no APDU")
    return tuple(apdus)


# --- conversations ---------------------------------------------------------------------------------------


async def try_request(trial: IsoIllTrial) -> None:
    """The same number once more only where the first request is known to have been taken."""
    apdu = trial.write_apdu(EventKind.REQUEST)
    await trial.say_message(apdu)
    is_there = await trial.say_message(trial.write_apdu(EventKind.STATUS_QUERY), has_status=True)
    title = "ILL-REQUEST of another work under the same number"
    if is_there:
        other = trial.write_apdu(EventKind.REQUEST, title=f"{TITLE} (another work)")
        await trial.say_message(other, problem=_DUPLICATE, title=title)
    else:
        trial.skip_message(title)
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
    apdu = trial.write_apdu(EventKind.REQUEST)
    if apdu is not None:
        odd = replace(apdu, protocol_version=_ODD_VERSION)
        await trial.say_message(odd, problem=_OTHER_VERSION, title=f"ILL-REQUEST in version {_ODD_VERSION}")


async def try_broken_messages(trial: IsoIllTrial) -> None:
    apdu = trial.write_apdu(EventKind.REQUEST)
    if apdu is None:
        return
    whole = trial.encode_body(apdu)
    await trial.say_octets("half an ILL-REQUEST", whole[: len(whole) // 2])
    await trial.say_octets("an ILL-REQUEST whose inside is no BER", damage_inside(whole))


def damage_inside(apdu: bytes) -> bytes:
    """Tag and length of the whole stay; its first element, protocol-version-num, says that it is longer than all."""
    length = apdu[1]
    first = 2 + (length & 0x7F if length & 0x80 else 0)
    return apdu[: first + 1] + b"\x84\x7f\xff\xff\xff" + apdu[first + 6 :]


async def hear_late_messages(trial: IsoIllTrial) -> None:
    while await trial.hear_report():
        pass


_CONVERSATIONS: Sequence[tuple[str, str, Callable[[IsoIllTrial], Awaitable[None]]]] = (
    ("request", "A request, how it stands, the same number once more, and its cancellation", try_request),
    ("unknown-request", "What a requester says about a request that was never made", try_unknown_request),
    ("supplier-message", "What a responder says about a request that was never made", try_supplier_messages),
    ("other-version", "A version of the protocol that there isn't", try_other_version),
    ("broken-messages", "What is no APDU", try_broken_messages),
)


class IsoIllTrials:
    value_names: Mapping[str, str] = {}
    can_listen = True

    def describe_version(self, profile: Profile) -> str:
        return str(dialect_of(profile).version)

    def aim_section(self, section: Mapping[str, Any], address: str) -> Mapping[str, Any]:
        return {**section, "transport": {**section.get("transport", {}), "address": address}}

    def list_conversations(self, context: ConformanceContext) -> Sequence[ConformanceConversation]:
        """List conversations; raises ConfigurationError for a partner that is reached by mail, or that has no
        symbol."""
        by_mail = dialect_of(context.profile).transport.by == "mail"
        if by_mail or not context.partner:
            words = "a partner that is reached by mail can't be tried" if by_mail else "names no symbol of the partner"
            key = ("iso_ill", "transport", "by") if by_mail else ("partner", "symbols")
            raise ConfigurationError([ConfigurationProblem(f"profile {context.profile.name}", 0, key, words)])
        late = ("late-messages", "What came besides", hear_late_messages)
        chosen = [*_CONVERSATIONS, late] if context.arrivals is not None else _CONVERSATIONS
        zone = IllContext(library_zone=context.zone, currency="", dialect=dialect_of(context.profile)).zone
        heard = HeardApdus(context.clock, zone)
        return [
            make_conversation(name, title, hold, partial(IsoIllTrial, name, context, heard))
            for name, title, hold in chosen
        ]
