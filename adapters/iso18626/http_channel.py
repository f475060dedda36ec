"""The port `PartnerChannel`: what we say to a partner, by HTTP; its confirmation says whether it has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from yarl import URL

from adapters.iso18626.codec import (
    MAX_MESSAGE_BYTES,
    NAMESPACE,
    EncodedMessage,
    Iso18626Style,
    decode_message,
    encode_message,
)
from adapters.iso18626.dialect import SECTION, Iso18626Dialect, dialect_of
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.mapping.messages_sent import action_of_event, list_sendable_kinds, messages_of_event
from adapters.iso18626.messages import (
    Confirmation,
    Message,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
    SupplyingAgencyMessageConfirmation,
)
from adapters.iso18626.messages.codes import ErrorType, MessageStatus
from adapters.iso18626.messages.structures import Authentication, ConfirmationHeader
from gateway.domain.problems import (
    ConfigurationError,
    MalformedMessage,
    MessagePart,
    OutcomeUnknown,
    Postponed,
    Refusal,
    RefusalReason,
    Refused,
    Unavailable,
    UnclearAnswer,
)
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.adapter import ChannelContext
from gateway.ports.outgoing_http import HttpLimits, HttpReply, HttpRequest, exchange_http
from gateway.ports.partner_channel import ChannelMessage, DeliveryResult, PartnerMessage

AGENT = "illgate-iso18626/1"
MEDIA_TYPE = 'application/xml; charset="utf-8"'

_NOT_NOW = frozenset({408, 423, 425, 429, 503})
"""Nothing was done: it is sent again."""

_CONFLICT = 409

_REFUSED = frozenset({400, 410, 413, 422})
"""What is said of a request by these is about that request: the next supplier may take it. Others are about the
partner's address or our authentication, for staff."""

_UNSUPPORTED = frozenset({ErrorType.UNSUPPORTED_ACTION_TYPE, ErrorType.UNSUPPORTED_REASON_FOR_MESSAGE_TYPE})
"""Nothing of the kind is ever taken."""


class Iso18626Channel:
    name = SECTION

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`."""
        dialect = dialect_of(profile)
        url = dialect.http.choose_url(message.role)
        if not url:
            raise Refused(
                RefusalReason.DATA_MISSING,
                "The profile has no address for messages to the partner (`iso18626.http.url`).",
                about=MessagePart.RECEIVER,
            )
        messages = self._write_messages(message, dialect)
        results = [
            await self._send_one(
                part, URL(url), dialect, await self._context.make_peer_headers(profile), repeated=message.repeated
            )
            for part in (messages if message.part is None else messages[message.part : message.part + 1])
        ]
        if not results:  # the profile says it in fewer messages by now
            return DeliveryResult("said before")
        refused = next((result for result in results if result.refused is not None), None)
        return refused or replace(results[0], note="; ".join(result.note for result in results))

    def count_parts(self, message: PartnerMessage, profile: Profile) -> int:
        """See `gateway.ports.partner_channel.SendsInParts`."""
        return len(self._write_messages(message, dialect_of(profile)))

    def _write_messages(self, message: PartnerMessage, dialect: Iso18626Dialect) -> tuple[Message, ...]:
        library = self._context.libraries[message.request.library]
        context = MappingContext(
            library_zone=library.zone,
            currency=library.currency,
            ours=(message.sender.symbol,),
            library=library.info,
            dialect=dialect,
        )
        return tuple(map(dialect.finish_message, messages_of_event(message, context)))

    async def _send_one(
        self, message: Message, url: URL, dialect: Iso18626Dialect, peer_headers: Mapping[str, str], *, repeated: bool
    ) -> DeliveryResult:
        encoded = _encode_for_partner(message, dialect)
        signed = _encode_for_partner(add_account(message, dialect, self._resolve_secret), dialect)
        reply = await self._exchange(message, url, encoded, signed, dialect, peer_headers)
        result = judge_confirmation(reply, message, dialect, repeated=repeated)
        lost = ", ".join(sorted({detail.path for detail in encoded.lost}))
        words = f"not said, since ISO 18626 {dialect.version} has no place for it: {lost}" if lost else ""
        return replace(result, altered=words)

    def has_message(self, kind: EventKind, role: Role, profile: Profile) -> bool:
        """See `gateway.ports.partner_channel.LimitedChannel`."""
        if kind not in list_sendable_kinds(role):
            return False
        dialect = dialect_of(profile)
        action = action_of_event(kind, dialect.schema_version) if role is Role.BORROWING else None
        return action is None or dialect.takes_action(action)

    def _resolve_secret(self, reference: str) -> str:
        try:
            return self._context.secrets(reference)
        except ConfigurationError as error:
            raise Unavailable(write_sentence("our authentication failed: %(report)s", report=error.detail)) from error

    async def _exchange(
        self,
        message: Message,
        url: URL,
        encoded: EncodedMessage,
        signed: EncodedMessage,
        dialect: Iso18626Dialect,
        peer_headers: Mapping[str, str],
    ) -> HttpReply:
        """Journaled without account and secrets."""
        http = dialect.http
        headers = {"User-Agent": AGENT, "Accept": "application/xml, text/xml", **http.headers, **peer_headers}
        secret = self._resolve_secret(http.secret) if http.secret else ""
        if secret:
            headers[http.secret_header] = secret
        limits = HttpLimits(http.connect_seconds, http.reply_seconds, MAX_MESSAGE_BYTES)
        posted = HttpRequest("POST", url, signed.data, {**headers, "Content-Type": MEDIA_TYPE})
        try:
            reply = await exchange_http(posted, limits, dialect.http.to_client_tls(self._context.folder))
        except OutcomeUnknown:
            self._context.record(_sent_message(message, encoded, url, None, secret))
            raise
        self._context.record(_sent_message(message, encoded, url, reply, secret))
        return reply


def add_account(message: Message, dialect: Iso18626Dialect, resolve_secret: Callable[[str], str]) -> Message:
    """Add what shows who we are, where the partner wants that. Raises as `resolve_secret`."""
    if not dialect.account.id or isinstance(message, SupplyingAgencyMessage):
        return message
    authentication = Authentication(account=dialect.account.id, security_code=resolve_secret(dialect.account.code))
    if isinstance(message, Request):
        assert message.header is not None, "message_of_event writes it"
        return replace(message, header=replace(message.header, authentication=authentication))
    assert message.header is not None, "message_of_event writes it"
    return replace(message, header=replace(message.header, authentication=authentication))


def _encode_for_partner(message: Message, dialect: Iso18626Dialect) -> EncodedMessage:
    """Encode a message; raises Refused for what this version of the protocol can't say."""
    try:
        return encode_message(
            message, dialect.schema_version, choose_style(dialect), version_string=dialect.version_string
        )
    except ValueError as error:
        raise Refused(
            RefusalReason.DATA_MISSING, write_sentence("It cannot be expressed in ISO 18626: %(report)s.", report=error)
        ) from error


def choose_style(dialect: Iso18626Dialect) -> Iso18626Style:
    form = dialect.form
    return Iso18626Style(NAMESPACE, form.prefix, form.schemes, form.wrapped)


def _sent_message(
    message: Message, encoded: EncodedMessage, url: URL, reply: HttpReply | None, secret: str
) -> ChannelMessage:
    answer = reply.body if reply is not None else None
    if answer is not None and secret:
        answer = answer.replace(secret.encode(), CONCEALED.encode())
    return ChannelMessage(
        protocol=SECTION,
        transport="http",
        body=encoded.data,
        content_type="application/xml; charset=utf-8",
        service=name_message(message),
        peer=url.host or "",
        answer=answer or None,
        answer_type=reply.content_type if reply is not None else "",
        status=reply.status if reply is not None else 0,
    )


def name_message(message: Message) -> str:
    """Name a message as the journal calls it: with the word that says what it is about."""
    if isinstance(message, Request):
        return "request"
    if isinstance(message, RequestingAgencyMessage):
        return f"requestingAgencyMessage {message.action}"
    reason = message.message_info.reason_for_message if message.message_info is not None else ""
    return f"supplyingAgencyMessage {reason}"


def judge_confirmation(reply: HttpReply, sent: Message, dialect: Iso18626Dialect, *, repeated: bool) -> DeliveryResult:
    """Return the result that the partner's answer gives. A request that it knows already has reached it before.

    A confirmation counts whatever its HTTP status is: Koha gives 400 with an ERROR in it. Without one the status
    decides. Raises Refused, Postponed, OutcomeUnknown.
    """
    confirmation = _read_confirmation(reply)
    name = name_message(sent)
    if confirmation is None:
        if repeated and isinstance(sent, Request) and reply.status == _CONFLICT:
            return DeliveryResult(f"{name} was there already")  # Koha's words for it are no confirmation
        if isinstance(sent, Request) and reply.status in _REFUSED:
            return DeliveryResult(f"{name} refused", refused=_make_status_refusal(reply.status))
        _raise_for_status(reply)
    assert confirmation is not None
    header = confirmation.header
    if header is None or header.message_status is None:
        raise UnclearAnswer(
            write_sentence("the partner's confirmation does not state whether the message was accepted")
        )
    if header.message_status == MessageStatus.OK:
        return DeliveryResult(f"{name} confirmed")
    texts = (": ".join(filter(None, (error.type, error.value))) for error in confirmation.errors)
    words = "; ".join(filter(None, texts))
    if any(dialect.means_not_now(error.value or "") for error in confirmation.errors):
        raise Postponed(write_sentence("not now: %(report)s", report=words))
    if repeated and isinstance(sent, Request) and _says_known_already(words):
        return DeliveryResult(f"{name} was there already")
    unsupported = any(
        error.type in _UNSUPPORTED or dialect.means_not_taken(error.value or "") for error in confirmation.errors
    )
    reason = RefusalReason.UNSUPPORTED_SERVICE if unsupported else RefusalReason.OTHER
    return DeliveryResult(f"{name} refused", refused=Refusal(reason, words or "refused without a reason"))


def _says_known_already(words: str) -> bool:
    folded = words.casefold()
    return any(
        word in folded for word in ("requestidalreadyexists", "already", "duplicate", "requestingagencyrequestid")
    )


def _read_confirmation(reply: HttpReply) -> Confirmation | None:
    try:
        message = decode_message(reply.body).message
    except MalformedMessage:
        return _read_json_confirmation(reply.body)
    return message if isinstance(message, Confirmation) else None


def _read_json_confirmation(body: bytes) -> Confirmation | None:
    """Koha's plug-in writes one in JSON, which may reach us as it is (docs/facts/iso-18626.md 2)."""
    try:
        document = json.loads(body)
        status = document["supplyingAgencyMessageConfirmation"]["confirmationHeader"]["messageStatus"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(status, str):
        return None
    return SupplyingAgencyMessageConfirmation(header=ConfirmationHeader(message_status=status))


def _raise_for_status(reply: HttpReply) -> None:
    status = reply.status
    if status in _NOT_NOW:
        raise Postponed(write_sentence("the partner did not accept it (HTTP %(status)s)", status=status))
    if status >= 500 or 200 <= status < 400:
        raise UnclearAnswer(write_sentence("the answer is not a confirmation (HTTP %(status)s)", status=status))
    refusal = _make_status_refusal(status)
    raise Refused(refusal.reason, refusal.detail)


def _make_status_refusal(status: int) -> Refusal:
    reason = RefusalReason.SENDER_AUTH_FAILED if status in (401, 403) else RefusalReason.OTHER
    return Refusal(reason, write_sentence("The partner refused it (HTTP %(status)s).", status=status))
