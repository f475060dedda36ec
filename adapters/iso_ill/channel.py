"""The port `PartnerChannel`: what we say to a partner, as an APDU by TCP or mail.

When has the partner got it? One that reports (dialect `acknowledges`): when its report is there. One that doesn't: when
the connection took it, or on a call-back connection, when the partner has closed its side.
"""

from __future__ import annotations

from adapters.iso_ill.codec import apdu_type_name, decode_apdu, encode_apdu, peek_apdu
from adapters.iso_ill.dialect import SECTION, IsoIllDialect, dialect_of, is_reported
from adapters.iso_ill.mail_format import build_apdu_mail
from adapters.iso_ill.mapping import IllContext, apdu_of_message, interpret_apdu, sendable_apdus
from adapters.iso_ill.mapping.identities import moment_in_zone, parse_transaction_key
from adapters.iso_ill.mapping.ill_request import REPLY_TO
from adapters.iso_ill.messages import Apdu, IllRequest, StatusOrErrorReport
from adapters.iso_ill.messages.codes import ApduType, HistoryService, TransactionIdProblem, UnableToPerform
from adapters.iso_ill.messages.structures import Extension, ServiceDateTime, ShownCredentials
from adapters.iso_ill.state_tables import FROM_RESPONDER
from gateway.domain.problems import (
    ConfigurationError,
    MalformedMessage,
    OutcomeUnknown,
    Refusal,
    RefusalReason,
    Unavailable,
)
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.adapter import ChannelContext
from gateway.ports.partner_channel import DeliveryResult, OutgoingMessage, PartnerMessage


class IsoIllChannel:
    name = "iso-ill"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`."""
        dialect = dialect_of(profile)
        library = self._context.libraries[message.request.library]
        context = IllContext(
            library_zone=library.zone, currency=library.currency, ours=(message.sender.symbol,), dialect=dialect
        )
        apdu = self._set_repeat_time(apdu_of_message(message, context), message, context)
        if dialect.transport.by == "mail":
            return await self._send_by_mail(apdu, message, profile, context)
        return await self._send_by_tcp(self._add_credentials(apdu, dialect), message, profile, context)

    def has_message(self, kind: EventKind, role: Role, profile: Profile) -> bool:
        """See `gateway.ports.partner_channel.LimitedChannel`."""
        apdu = sendable_apdus(role).get(kind)
        return apdu is not None and dialect_of(profile).is_taken_by_partner(apdu.type)

    def is_request_name(self, transaction: str) -> bool:
        """See `gateway.ports.partner_channel.NamesRequests`."""
        try:
            parse_transaction_key(transaction)
        except ValueError:
            return False
        return True

    def _set_repeat_time(self, apdu: Apdu, message: PartnerMessage, context: IllContext) -> Apdu:
        """A repeat is the same but for its own time, and names that of the first sending (facts 9.3)."""
        if not message.repeated:
            return apdu
        now = moment_in_zone(self._context.clock.now(), context.zone)
        return replace(apdu, service_date_time=ServiceDateTime(this=now, original=apdu.service_date_time.this))

    def _add_credentials(self, apdu: Apdu, dialect: IsoIllDialect) -> Apdu:
        """Any APDU may be the first of its connection. Raises Unavailable, which says where the password should be."""
        user = dialect.credentials.user
        if not user:
            return apdu
        try:
            password = self._context.secrets(dialect.credentials.password)
        except ConfigurationError as error:
            raise Unavailable(
                write_sentence("the partner's password cannot be read: %(report)s", report=error.detail)
            ) from error
        signature = Extension.from_item(ShownCredentials(user, password))
        # every APDU declares `extensions`, the base can't: they stand last
        return replace(apdu, extensions=(signature, *apdu.carried_extensions))  # type: ignore[call-arg]

    # --- TCP ---------------------------------------------------------------------------------------------

    async def _send_by_tcp(
        self, apdu: Apdu, message: PartnerMessage, profile: Profile, context: IllContext
    ) -> DeliveryResult:
        dialect = context.dialect
        transport = dialect.transport
        reported = is_reported(apdu.type, dialect.acknowledges)
        own = transport.mode == "call-back"
        tls = transport.tls.to_client_tls()
        address = _choose_address(message, dialect)
        reply = await self._context.lines.send(
            OutgoingMessage(
                protocol=SECTION,
                profile=profile.name,
                message=encode_apdu(apdu, dialect.wire.style),
                address=address,
                own=own,
                is_reply=_ReplyMatcher(apdu) if reported or own else None,
                needs_reply=reported,
                seconds=transport.reply_seconds,
                connect_seconds=transport.connect_seconds,
                tls=tls.resolve_in_folder(self._context.folder) if tls is not None else None,
                service=apdu_type_name(apdu.type),
            )
        )
        return (
            read_delivery_reply(reply, apdu, context)
            if reply is not None
            else DeliveryResult(f"{apdu_type_name(apdu.type)} sent")
        )

    # --- mail --------------------------------------------------------------------------------------------

    async def _send_by_mail(
        self, apdu: Apdu, message: PartnerMessage, profile: Profile, context: IllContext
    ) -> DeliveryResult:
        library = self._context.libraries[message.request.library]
        partner = profile.partner
        mail = build_apdu_mail(
            encode_apdu(apdu, context.dialect.wire.style),
            to=message.receiver.email or (partner.email if partner is not None else ""),
            sender=self._context.sender.fill_from_library(library.info),
            message_id=message.id,
            subject=f"ISO ILL {apdu_type_name(apdu.type)} {message.request.number}".rstrip(),
            at=message.at,
        )
        return DeliveryResult(await self._context.mailer.send(mail))


def _choose_address(message: PartnerMessage, dialect: IsoIllDialect) -> str:
    """Choose where the request itself said to be answered, or else where the partner always is."""
    transport = dialect.transport
    if transport.follow_sender_info and message.role is Role.LENDING:
        address = next((extra.value for extra in message.request.extras if extra.name == REPLY_TO), "")
        if address:
            return address
    return transport.address


class _ReplyMatcher:
    """Knows the partner's answer to an APDU: a report about its transaction, or for an ILL-Request, any answer."""

    def __init__(self, asked: Apdu) -> None:
        self._asked = asked

    def __call__(self, raw: bytes) -> bool:
        try:
            header = peek_apdu(raw)
            if header.transaction_id is None or not self._is_same_transaction(header.transaction_id):
                return False
            if header.type is ApduType.STATUS_OR_ERROR_REPORT:
                report = decode_apdu(raw).apdu
                return isinstance(report, StatusOrErrorReport) and self._is_about_message(report)
        except MalformedMessage:
            return False
        return isinstance(self._asked, IllRequest) and header.type in FROM_RESPONDER

    def _is_same_transaction(self, id_: object) -> bool:
        ours = self._asked.transaction_id
        return all(
            getattr(id_, name).strip() == getattr(ours, name).strip()
            for name in ("group_qualifier", "qualifier", "sub_qualifier")
        )

    def _is_about_message(self, report: StatusOrErrorReport) -> bool:
        """A status report names the service that it is the answer to, where its list has it."""
        status = report.status_report
        if status is None:
            return True
        type_ = int(self._asked.type)
        return status.history.most_recent_service == type_ or type_ not in set(map(int, HistoryService))


def read_delivery_reply(reply: bytes, apdu: Apdu, context: IllContext) -> DeliveryResult:
    """Read what the partner's answer says. A request that it knows already has reached it before. Raises
    OutcomeUnknown, Unavailable."""
    try:
        report = decode_apdu(reply, context.dialect.wire.style).apdu
    except MalformedMessage as malformed:
        raise OutcomeUnknown(write_sentence("the answer cannot be parsed: %(report)s", report=malformed)) from malformed
    note = f"{apdu_type_name(apdu.type)} answered by {apdu_type_name(report.type)}"
    error = report.error_report if isinstance(report, StatusOrErrorReport) else None
    if error is None:
        return DeliveryResult(note)
    if error.user is not None and error.user.unable_to_perform == UnableToPerform.RESOURCE_LIMITATION:
        raise Unavailable(write_sentence("the partner cannot do it now"))
    provider = error.provider
    twice = TransactionIdProblem.DUPLICATE_TRANSACTION_ID
    if provider is not None and provider.transaction_id_problem == twice and apdu.service_date_time.original:
        return DeliveryResult(f"{note}: it was there already")
    _, details = interpret_apdu(report, context)
    return DeliveryResult(note, refused=Refusal(RefusalReason.OTHER, details.note or details.status))
