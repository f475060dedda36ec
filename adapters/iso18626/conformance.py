"""The conversations by which a system that speaks ISO 18626 is tried: as a supplier that takes requests and messages
about them, and as a requester that takes a supplier's messages.

What is compared are confirmations, which must come at once (docs/facts/iso-18626.md 1 to 4). What a partner decides, it
says in messages of its own when it likes: they aren't waited for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import monotonic

from yarl import URL

from adapters.http_exchange import HttpLimits, HttpMessage, HttpReply, exchange_http
from adapters.iso18626.codec import MAX_MESSAGE_BYTES, encode_message
from adapters.iso18626.confirmation_check import Expectation, check_confirmation, check_refusal, read_message_status
from adapters.iso18626.dialect import dialect_of
from adapters.iso18626.http_channel import AGENT, MEDIA_TYPE, add_account, choose_style
from adapters.iso18626.mapping.identities import agency_of_symbol
from adapters.iso18626.messages import Message, Request, RequestingAgencyMessage, SupplyingAgencyMessage
from adapters.iso18626.messages.codes import (
    Action,
    ErrorType,
    ReasonForMessage,
    RequestType,
    ServiceType,
    Status,
)
from adapters.iso18626.messages.declaration import SchemaVersion
from adapters.iso18626.messages.structures import (
    AgencyId,
    BibliographicInfo,
    Header,
    MessageInfo,
    RequesterHeader,
    ServiceInfo,
    StatusInfo,
    SupplierHeader,
)
from adapters.iso18626.rehearsal import mirror_dialect
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, OutcomeUnknown, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.value import value_object
from gateway.ports.rehearsal import (
    CheckedExchange,
    ConformanceContext,
    ConformanceConversation,
    ConformanceFinding,
    TriedSide,
    make_conversation,
)
from gateway.ports.tls import make_client_context

TITLE = "Conformance trial: please don't supply"

_ODD_WORD = "Juggle"
"""No action and no reason of the standard."""


@value_object
class SentTrial:
    """`shown`: without what shows who we are; `body` None: asked for by GET."""

    title: str
    shown: bytes
    body: bytes | None
    content_type: str = MEDIA_TYPE


class Iso18626Trial:
    """One conversation: its requests, and what was exchanged."""

    def __init__(self, name: str, context: ConformanceContext) -> None:
        self.exchanges: list[CheckedExchange] = []
        is_partner = context.tried is TriedSide.PARTNER
        self._context = context
        self._dialect = dialect_of(context.profile) if is_partner else mirror_dialect(context.profile, context.url)
        self._ours, self._theirs = (
            (context.library, context.partner) if is_partner else (context.partner, context.library)
        )
        self._number = f"{context.run}-{name}"

    # --- messages ----------------------------------------------------------------------------------------

    def write_request(self, number: str = "") -> Request:
        supplier, requester = self._write_parties(is_supplier=False)
        older = self._dialect.schema_version is SchemaVersion.V1_2
        return Request(
            header=Header(
                supplying_agency=supplier,
                requesting_agency=requester,
                multiple_item_request_id="" if older else None,
                timestamp=self._read_time(),
                requesting_agency_request_id=number or self._number,
            ),
            bibliographic_info=BibliographicInfo(title=TITLE, author="Ødegård, Sigrun"),
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

    def write_answer(self, reason: ReasonForMessage, status: Status) -> SupplyingAgencyMessage:
        """Of a supplier, about a request that was never made."""
        supplier, requester = self._write_parties(is_supplier=True)
        header = SupplierHeader(
            supplying_agency=supplier,
            requesting_agency=requester,
            timestamp=self._read_time(),
            requesting_agency_request_id=self._number,
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
        ours = agency_of_symbol(symbols.ours or self._ours, symbols)
        theirs = agency_of_symbol(symbols.theirs or self._theirs, symbols)
        return (ours, theirs) if is_supplier else (theirs, ours)

    def _read_time(self) -> datetime:
        return self._context.clock.now().replace(microsecond=0)

    # --- exchanges ---------------------------------------------------------------------------------------

    async def say_message(self, title: str, message: Message, expectation: Expectation) -> str:
        """What its confirmation says: OK, ERROR, or nothing."""
        signed = add_account(message, self._dialect, self._context.secrets)
        sent = SentTrial(title, self.encode_body(message), self.encode_body(signed))
        expected = replace(expectation, message=message, dialect=self._dialect)
        reply = await self._exchange_messages(sent, lambda reply: check_confirmation(reply, expected))
        return read_message_status(reply.body) if reply is not None else ""

    async def cancel_request(self) -> None:
        """So that nobody works on it."""
        expected = Expectation(may_refuse=ErrorType.UNSUPPORTED_ACTION_TYPE)
        await self.say_message("Cancel", self.write_action(Action.CANCEL), expected)

    async def say_odd_word(self, title: str, message: Message, word: str, error: ErrorType) -> None:
        """The message with a word that the standard doesn't have in the place of `word`."""
        signed = add_account(message, self._dialect, self._context.secrets)

        def replace_word(body: bytes) -> bytes:
            return body.replace(f">{word}<".encode(), f">{_ODD_WORD}<".encode())

        expected = Expectation(refused=True, error=error, message=message, dialect=self._dialect, echoes=False)
        sent = SentTrial(title, replace_word(self.encode_body(message)), replace_word(self.encode_body(signed)))
        await self._exchange_messages(sent, lambda reply: check_confirmation(reply, expected))

    async def say_octets(self, title: str, body: bytes | None, content_type: str = MEDIA_TYPE) -> None:
        """What is no message, and must not be taken for one. None: asked for by GET."""
        sent = SentTrial(title, body or b"", body, content_type)
        await self._exchange_messages(sent, lambda reply: check_refusal(reply, self._dialect))

    async def _exchange_messages(
        self, sent: SentTrial, judge: Callable[[HttpReply], tuple[ConformanceFinding, ...]]
    ) -> HttpReply | None:
        started = monotonic()
        try:
            reply = await self._post_message(sent)
        except (Unavailable, OutcomeUnknown) as error:
            missing = ConformanceFinding(
                check="confirmation", clause="ISO 18626:2021, 4.1: each message is answered at once", words=str(error)
            )
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
        for reference in filter(None, (self._dialect.http.secret, self._dialect.account.code)):
            secret = self._context.secrets(reference)
            answer = answer.replace(secret.encode(), CONCEALED.encode()) if secret else answer
        return answer

    async def _post_message(self, sent: SentTrial) -> HttpReply:
        http, context = self._dialect.http, self._context
        headers = {"User-Agent": AGENT, "Accept": "application/xml, text/xml", **http.headers}
        if http.secret:
            headers[http.secret_header] = context.secrets(http.secret)
        if sent.body is not None:
            headers["Content-Type"] = sent.content_type
        url = URL(context.url)
        tls = make_client_context(http.to_client_tls(context.folder)) if url.scheme == "https" else None
        limits = HttpLimits(http.connect_seconds, http.reply_seconds, MAX_MESSAGE_BYTES)
        return await exchange_http(HttpMessage(url, sent.body, headers), limits, tls)


# --- conversations ---------------------------------------------------------------------------------------


async def try_request(trial: Iso18626Trial) -> None:
    request = trial.write_request()
    first = await trial.say_message("request", request, Expectation())
    await trial.say_message("the same request again, octet by octet", request, Expectation(repeat_of=first))
    await trial.cancel_request()


async def try_cancellation(trial: Iso18626Trial) -> None:
    await trial.say_message("request", trial.write_request(), Expectation())
    status = trial.write_action(Action.STATUS_REQUEST)
    await trial.say_message("StatusRequest", status, Expectation(may_refuse=ErrorType.UNSUPPORTED_ACTION_TYPE))
    note = trial.write_action(Action.NOTIFICATION, note="Takk! Vennlig hilsen, Ødegård")
    await trial.say_message("Notification", note, Expectation(may_refuse=ErrorType.UNSUPPORTED_ACTION_TYPE))
    await trial.cancel_request()


async def try_unknown_request(trial: Iso18626Trial) -> None:
    action = trial.write_action(Action.RECEIVED)
    await trial.say_message("Received, about a request that was never made", action, Expectation(refused=True))


async def try_unknown_action(trial: Iso18626Trial) -> None:
    await trial.say_message("request", trial.write_request(), Expectation())
    action = trial.write_action(Action.RENEW)
    await trial.say_odd_word(
        "an action that there isn't", action, Action.RENEW.value, ErrorType.UNSUPPORTED_ACTION_TYPE
    )
    await trial.cancel_request()


async def try_supplier_message(trial: Iso18626Trial) -> None:
    answer = trial.write_answer(ReasonForMessage.STATUS_CHANGE, Status.LOANED)
    await trial.say_message("StatusChange, about a request that was never made", answer, Expectation(refused=True))


async def try_unknown_reason(trial: Iso18626Trial) -> None:
    answer = trial.write_answer(ReasonForMessage.STATUS_CHANGE, Status.LOANED)
    await trial.say_odd_word(
        "a reason that there isn't",
        answer,
        ReasonForMessage.STATUS_CHANGE.value,
        ErrorType.UNSUPPORTED_REASON_FOR_MESSAGE_TYPE,
    )


async def try_broken_messages(trial: Iso18626Trial) -> None:
    whole = trial.encode_body(trial.write_request())
    await trial.say_octets("XML that ends in the middle", whole[: len(whole) // 2])
    await trial.say_octets("XML that is no message", b"<order><title>Sult</title></order>")
    await trial.say_octets("plain text", b"Please send us a book.", "text/plain")
    await trial.say_octets("GET instead of POST", None)


_CONVERSATIONS: tuple[tuple[str, str, Callable[[Iso18626Trial], Awaitable[None]]], ...] = (
    ("request", "A request, and the same once more", try_request),
    ("cancellation", "A request, a question, a note, a cancellation", try_cancellation),
    ("unknown-request", "A requester's message about an unknown request", try_unknown_request),
    ("unknown-action", "A requester's message with an unknown action", try_unknown_action),
    ("supplier-message", "A supplier's message about an unknown request", try_supplier_message),
    ("unknown-reason", "A supplier's message with an unknown reason", try_unknown_reason),
    ("broken-messages", "What is no message", try_broken_messages),
)


class Iso18626Trials:
    @property
    def value_names(self) -> Mapping[str, str]:
        return {}

    def describe_version(self, profile: Profile) -> str:
        return dialect_of(profile).version

    def list_conversations(self, context: ConformanceContext) -> Sequence[ConformanceConversation]:
        """Raises ConfigurationError where the partner has no symbol."""
        if not context.partner:
            words = "names no symbol for the partner, and messages say who speaks with whom"
            name = f"profile {context.profile.name}"
            raise ConfigurationError([ConfigurationProblem(name, 0, ("partner", "symbols"), words)])
        return [
            make_conversation(name, title, hold, partial(Iso18626Trial, name, context))
            for name, title, hold in _CONVERSATIONS
        ]
