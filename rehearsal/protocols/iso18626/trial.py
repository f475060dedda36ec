"""One conversation by which a system that speaks ISO 18626 is tried: what is sent in it, what comes, and how both are
judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic

from yarl import URL

from adapters.iso18626.codec import MAX_MESSAGE_BYTES, encode_message
from adapters.iso18626.dialect import Iso18626Dialect, dialect_of
from adapters.iso18626.http_channel import AGENT, MEDIA_TYPE, add_account, choose_style
from adapters.iso18626.mapping.identities import agency_of_symbol
from adapters.iso18626.messages import Message, Request, RequestingAgencyMessage, SupplyingAgencyMessage
from adapters.iso18626.messages.codes import (
    Action,
    ErrorType,
    MessageStatus,
    ReasonForMessage,
    RequestType,
    ServiceType,
    Status,
)
from adapters.iso18626.messages.declaration import SchemaVersion
from adapters.iso18626.messages.structures import (
    AgencyId,
    BibliographicInfo,
    MessageInfo,
    RequesterHeader,
    RequestHeader,
    ServiceInfo,
    StatusInfo,
    SupplierHeader,
)
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, OutcomeUnknown, Unavailable
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.value import replace, value_object
from gateway.ports.outgoing_http import HttpLimits, HttpReply, HttpRequest, exchange_http
from rehearsal.ports.trials import (
    ArrivedMessage,
    CheckedExchange,
    ConformanceContext,
    ConformanceFinding,
    TriedSide,
    find_advice,
    find_broken,
    report_arrival,
)
from rehearsal.protocols.iso18626.confirmation_check import (
    Expectation,
    check_confirmation,
    check_refusal,
    parse_xml,
    read_message_status,
)
from rehearsal.protocols.iso18626.rehearsal import mirror_dialect
from rehearsal.protocols.iso18626.schema_check import list_schema_faults
from rehearsal.protocols.iso18626.supplier_message_check import SupplierWords

TITLE = "Conformance trial: please don't supply"

_ODD_WORD = "Juggle"
"""No action and no reason of the standard."""

QUIET_SECONDS = 0.5
"""After what was waited for: so long for what comes with it."""


@value_object
class SentTrial:
    """`shown`: without what shows who we are; `body` None: asked for by GET."""

    title: str
    shown: bytes
    body: bytes | None
    content_type: str = MEDIA_TYPE


class Iso18626Trial:
    """One conversation: its requests, and what was exchanged."""

    def __init__(self, name: str, context: ConformanceContext, heard: SupplierWords) -> None:
        self.exchanges: list[CheckedExchange] = []
        self.values = context.values
        self._context = context
        self._heard = heard
        self._dialect = find_spoken_dialect(context)
        self._ours, self._theirs = name_parties(context)
        self._number = f"{context.run}-{name}"
        self._signatures: set[str] = set()

    @property
    def other_number(self) -> str:
        """The number of no request: nobody has asked under it."""
        return f"{self._number}-none"

    # --- messages ----------------------------------------------------------------------------------------

    def write_request(self) -> Request:
        supplier, requester = self._write_parties(is_supplier=False)
        older = self._dialect.schema_version is SchemaVersion.V1_2
        return Request(
            header=RequestHeader(
                supplying_agency=supplier,
                requesting_agency=requester,
                multiple_item_request_id="" if older else None,
                timestamp=self._read_time(),
                requesting_agency_request_id=self._number,
            ),
            bibliographic_info=BibliographicInfo(
                supplier_unique_record_id=self.values.get("record"), title=TITLE, author="Ødegård, Sigrun"
            ),
            service_info=ServiceInfo(request_type=RequestType.NEW, service_type=ServiceType.LOAN),
        )

    def write_action(self, action: Action, number: str = "", note: str = "") -> RequestingAgencyMessage:
        supplier, requester = self._write_parties(is_supplier=False)
        header = RequesterHeader(
            supplying_agency=supplier,
            requesting_agency=requester,
            timestamp=self._read_time(),
            requesting_agency_request_id=number or self._number,
        )
        return RequestingAgencyMessage(header=header, action=action, note=note or None)

    def write_answer(self, reason: ReasonForMessage, status: Status, number: str) -> SupplyingAgencyMessage:
        """Write an answer of a supplier."""
        supplier, requester = self._write_parties(is_supplier=True)
        header = SupplierHeader(
            supplying_agency=supplier,
            requesting_agency=requester,
            timestamp=self._read_time(),
            requesting_agency_request_id=number,
        )
        return SupplyingAgencyMessage(
            header=header,
            message_info=MessageInfo(reason_for_message=reason),
            status_info=StatusInfo(status=status, last_change=self._read_time()),
        )

    def encode_body(self, message: Message) -> bytes:
        dialect = self._dialect
        style = choose_style(dialect)
        return encode_message(message, dialect.schema_version, style, version_string=dialect.version_string).data

    def _write_parties(self, *, is_supplier: bool) -> tuple[AgencyId, AgencyId]:
        """Supplier and requester. We are the supplier, or the requester."""
        symbols = self._dialect.symbols
        ours = name_requester(self._context)
        theirs = agency_of_symbol(symbols.theirs or self._theirs, symbols)
        return (ours, theirs) if is_supplier else (theirs, ours)

    def _read_time(self) -> datetime:
        return self._context.clock.now().replace(microsecond=0)

    # --- exchanges ---------------------------------------------------------------------------------------

    async def make_request(self, request: Request | None = None) -> bool:
        """Make a request, and return whether the system has confirmed it: what follows is about it."""
        self._heard.note_request(self._number)
        return await self.say_message("request", request or self.write_request(), Expectation()) == MessageStatus.OK

    def skip_exchanges(self, *titles: str, why: str = "the request was not confirmed OK") -> None:
        self.exchanges += [CheckedExchange(title=title, untried=why) for title in titles]

    async def say_message(self, title: str, message: Message, expectation: Expectation) -> str:
        """Say a message, and return what its confirmation says: OK, ERROR, or nothing."""
        if isinstance(message, RequestingAgencyMessage):
            self._heard.note_action(self._number, message.action or "")
        signed = add_account(message, self._dialect, self._context.secrets)
        trial = SentTrial(title, self.encode_body(message), self.encode_body(signed))
        root = parse_xml(trial.shown)
        is_valid = root is not None and not list_schema_faults(root, self._dialect.schema_version)
        expected = replace(expectation, message=message, dialect=self._dialect, is_valid=is_valid)
        reply = await self._exchange_messages(trial, lambda reply: check_confirmation(reply, expected))
        return read_message_status(reply.body) if reply is not None else ""

    async def cancel_request(self) -> None:
        """Cancel the request, so that nobody works on it."""
        status = await self.say_message("Cancel", self.write_action(Action.CANCEL), Expectation())
        if status == MessageStatus.OK:
            await self.hear_messages(ReasonForMessage.CANCEL_RESPONSE)

    async def hear_messages(self, reason: ReasonForMessage | None = None, *, is_required: bool = True) -> None:
        """Hear what the system says of itself, until it has said something, for `reason`: until that. Where nobody
        listens nothing is awaited. A decision may take people days, so that nothing has come proves nothing."""
        arrivals, seconds = self._context.arrivals, self._context.wait_seconds
        if arrivals is None:
            return
        ends, is_heard = monotonic() + seconds, False
        while (left := ends - monotonic()) > 0:
            arrived = await arrivals.wait_for_message(min(left, QUIET_SECONDS) if is_heard else left)
            if arrived is None:
                break
            is_heard = self._note_arrival(arrived, reason) or is_heard
        if is_required and not is_heard:
            awaited = reason.value if reason is not None else "message"
            words = f"no {awaited} came within {seconds:g} seconds"
            advice = find_advice("silence", words)
            self.exchanges.append(CheckedExchange(title=f"waiting for a {awaited}", came=True, findings=(advice,)))

    def _note_arrival(self, arrived: ArrivedMessage, reason: ReasonForMessage | None) -> bool:
        """Note an arrival, and return whether it is what was waited for."""
        heard = self._heard.judge_message(arrived)
        self.exchanges.append(report_arrival(arrived, heard.title, heard.findings, self._conceal_secrets))
        info = heard.message.message_info if heard.message is not None else None
        return reason is None or (info is not None and info.reason_for_message == reason)

    async def say_odd_word(self, title: str, message: Message, word: str, error: ErrorType) -> None:
        """The message with a word that the standard doesn't have in the place of `word`."""
        signed = add_account(message, self._dialect, self._context.secrets)

        def replace_word(body: bytes) -> bytes:
            return body.replace(f">{word}<".encode(), f">{_ODD_WORD}<".encode())

        expected = Expectation(refused=True, error=error, message=message, dialect=self._dialect, echoes=False)
        trial = SentTrial(title, replace_word(self.encode_body(message)), replace_word(self.encode_body(signed)))
        await self._exchange_messages(trial, lambda reply: check_confirmation(reply, expected))

    async def say_octets(self, title: str, body: bytes | None, content_type: str = MEDIA_TYPE) -> None:
        """Say what is no message, and must not be taken for one. None: asked for by GET."""
        trial = SentTrial(title, body or b"", body, content_type)
        await self._exchange_messages(trial, lambda reply: check_refusal(reply, self._dialect))

    async def _exchange_messages(
        self, sent: SentTrial, judge: Callable[[HttpReply], tuple[ConformanceFinding, ...]]
    ) -> HttpReply | None:
        started = monotonic()
        try:
            reply = await self._post_message(sent)
        except (Unavailable, OutcomeUnknown) as error:
            missing = find_broken("confirmation", "ISO 18626:2021, 4.1: each message is answered at once", str(error))
            self.exchanges.append(CheckedExchange(title=sent.title, sent=sent.shown, findings=(missing,)))
            return None
        self.exchanges.append(
            CheckedExchange(
                title=sent.title,
                sent=sent.shown,
                status=reply.status,
                content_type=reply.content_type,
                answer=self._conceal_secrets(reply.body),
                seconds=monotonic() - started,
                findings=judge(reply),
            )
        )
        return reply

    def _conceal_secrets(self, answer: bytes) -> bytes:
        """Some systems repeat what they were sent."""
        references = filter(None, (self._dialect.http.secret, self._dialect.account.code))
        for secret in filter(None, (*map(self._context.secrets, references), *self._signatures)):
            answer = answer.replace(secret.encode(), CONCEALED.encode())
        return answer

    async def _post_message(self, sent: SentTrial) -> HttpReply:
        http, context = self._dialect.http, self._context
        headers = {"User-Agent": AGENT, "Accept": "application/xml, text/xml", **http.headers}
        if http.secret:
            headers[http.secret_header] = context.secrets(http.secret)
        headers |= await self._sign_message()
        if sent.body is not None:
            headers["Content-Type"] = sent.content_type
        url = URL(context.url)
        limits = HttpLimits(http.connect_seconds, http.reply_seconds, MAX_MESSAGE_BYTES)
        return await exchange_http(
            HttpRequest("GET" if sent.body is None else "POST", url, sent.body, headers),
            limits,
            http.to_client_tls(context.folder),
        )

    async def _sign_message(self) -> Mapping[str, str]:
        """Make what shows the partner that it is ours. Raises ConfigurationError where nothing can sign: without it the
        partner would be right to refuse all."""
        if self._context.tried is TriedSide.OURSELVES:
            return {}
        try:
            signed = await self._context.make_peer_headers(self._context.profile)
        except Unavailable as error:
            name, key = f"profile {self._context.profile.name}", ("peer_authentication", "ours")
            raise ConfigurationError([ConfigurationProblem(name, 0, key, str(error))]) from error
        self._signatures.update(value.rpartition(" ")[2] for value in signed.values())
        return signed


# --- who speaks ------------------------------------------------------------------------------------------


def find_spoken_dialect(context: ConformanceContext) -> Iso18626Dialect:
    if context.tried is TriedSide.PARTNER:
        return dialect_of(context.profile)
    return mirror_dialect(context.profile, context.url)


def name_parties(context: ConformanceContext) -> tuple[str, str]:
    """Name who tries, and who is tried."""
    is_partner = context.tried is TriedSide.PARTNER
    return (context.library, context.partner) if is_partner else (context.partner, context.library)


def name_requester(context: ConformanceContext) -> AgencyId:
    """Us, as the tried system knows us."""
    symbols = find_spoken_dialect(context).symbols
    return agency_of_symbol(symbols.ours or name_parties(context)[0], symbols)


def make_supplier_words(context: ConformanceContext) -> SupplierWords:
    return SupplierWords(name_requester(context), find_spoken_dialect(context), context.clock)
