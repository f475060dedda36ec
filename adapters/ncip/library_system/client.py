"""Questions and changes sent to a library's system, and what its answers mean for the gateway.

A question may be asked again, a change may not. What the system says of us as its sender (that it doesn't know or let
in this agency) is a fault of the settings and no refusal of what a partner wants; so it is `Unavailable`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, get_args

from adapters.library.circuit_breaker import CircuitBreaker
from adapters.library.refusals import make_refusal
from adapters.ncip.client import ASKS, MessageBuilder, MessageValues, ServiceRequest, UnsupportedValueError
from adapters.ncip.client.replies import RefusedByPartner
from adapters.ncip.initiator import NcipInitiator, load_own_credentials, make_own_parties
from adapters.ncip.library_system.options import LibraryService, NcipLibraryOptions
from adapters.ncip.messages import Response
from adapters.ncip.transport import open_transport
from gateway.domain.problems import (
    ConfigurationError,
    MalformedMessage,
    OutcomeUnknown,
    RefusalReason,
    Refused,
    Unavailable,
)
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_operations import refuse_unsupported

R = TypeVar("R", bound=Response)


class SenderRefusedError(Unavailable):
    """The library system does not accept us as a sender: a mistake in our settings, not in a request."""


ABOUT_US = frozenset(
    {
        RefusalReason.SENDER_AUTH_FAILED,
        RefusalReason.UNKNOWN_SENDER,
        RefusalReason.UNKNOWN_AGENCY,
        RefusalReason.UNAUTHORIZED_SERVICE,
    }
)
"""Refusals of the gateway as a sender, whatever it asked for."""

WHAT_SERVICES_DO: dict[LibraryService, str] = {
    "LookupItem": "look up items",
    "LookupItemSet": "look up records",
    "LookupRequest": "look up requests",
    "RequestItem": "place holds",
    "UpdateRequestItem": "change holds",
    "CancelRequestItem": "cancel holds",
    "AcceptItem": "keep temporary items",
    "DeleteItem": "delete temporary items",
    "CheckOutItem": "check items out",
    "CheckInItem": "check items in",
    "RenewItem": "renew loans",
    "RecallItem": "recall loans",
    "CreateUserFiscalTransaction": "post fees",
}


@value_object
class SystemSpeaker:
    """A speaker to the system; a new `MessageBuilder` for each message, since it tells the time."""

    context: LibraryAdapterContext
    options: NcipLibraryOptions

    def make_builder(self) -> MessageBuilder:
        """Make a builder; raises ConfigurationError when a secret isn't there."""
        context, dialect = self.context, self.options.ncip
        parties = make_own_parties(context.library, dialect, context.secrets)
        return MessageBuilder(dialect, self.options.policy, parties, context.zone, context.clock.now())


class NcipLibraryClient:
    """Opens nothing until the first message is sent."""

    def __init__(self, context: LibraryAdapterContext, options: NcipLibraryOptions) -> None:
        self._options = options
        self._folder: Path = context.folder
        self._secrets: Callable[[str], str] = context.secrets
        self._speaker = SystemSpeaker(context, options)
        self._breaker = CircuitBreaker("the library's system", options.breaker)
        self._initiators: dict[float, NcipInitiator] = {}
        self.is_answering = True  # the last message was answered, or none was sent yet

    async def ask(self, kind: type[R], values: MessageValues) -> R:
        """A question, named by its answer; once more where that is lost. Raises Refused, Unavailable."""
        try:
            return await self._send_question(kind, values)
        except OutcomeUnknown:
            try:
                return await self._send_question(kind, values)
            except OutcomeUnknown as lost:
                raise Unavailable(write_about(service_of_answer(kind), lost.detail)) from lost

    async def _send_question(self, kind: type[R], values: MessageValues) -> R:
        try:
            return await self._send(kind, values, self._options.seconds.look_up)
        except MalformedMessage as error:
            raise Unavailable(
                write_about(service_of_answer(kind), write_sentence("the answer is not NCIP: %(report)s", report=error))
            ) from error

    async def change(self, kind: type[R], values: MessageValues) -> R:
        """A change, named by its answer and sent once. Raises Refused, Unavailable (nothing was done),
        OutcomeUnknown."""
        try:
            return await self._send(kind, values, self._options.seconds.change)
        except MalformedMessage as error:
            raise OutcomeUnknown(
                write_about(service_of_answer(kind), write_sentence("the answer is not NCIP: %(report)s", report=error))
            ) from error

    async def _send(self, kind: type[R], values: MessageValues, seconds: float) -> R:
        service = service_of_answer(kind)
        if not self._options.is_answered(service):
            refuse_unsupported(WHAT_SERVICES_DO[service])
        self._breaker.admit_call()
        try:
            reply = await self._get_initiator(seconds).send_request(find_request(service), values)
        except (Unavailable, OutcomeUnknown, MalformedMessage):
            self.is_answering = False
            self._breaker.record_failure()
            raise
        except ConfigurationError as error:
            raise Unavailable(error.problems[0].message) from error
        except UnsupportedValueError as error:
            raise make_refusal(
                RefusalReason.INVALID_VALUE,
                write_sentence("%(service)s: %(report)s", service=service, report=error),
                detail="The library's system has no place for this.",
            ) from error
        except Refused as refused:
            self._record_answer()
            raise reword_refusal(refused, service, values) from refused
        self._record_answer()
        if not isinstance(reply.response, kind):
            raise MalformedMessage(service, f"is answered by {type(reply.response).__name__}")
        return reply.response

    def _record_answer(self) -> None:
        self.is_answering = True
        self._breaker.record_answer()

    def _get_initiator(self, seconds: float) -> NcipInitiator:
        """One for each time limit. Raises ConfigurationError, Unavailable."""
        initiator = self._initiators.get(seconds)
        if initiator is None:
            credentials = load_own_credentials(self._options.ncip.http, self._secrets)
            place = self._options.make_place(self._folder, seconds)
            transport = open_transport(place, self._options.ncip, credentials)
            initiator = self._initiators[seconds] = NcipInitiator(self._speaker.make_builder, transport)
        return initiator

    async def close(self) -> None:
        initiators, self._initiators = self._initiators, {}
        for initiator in initiators.values():
            await initiator.close()


def service_of_answer(kind: type[Response]) -> LibraryService:
    """LookupUserResponse -> LookupUser."""
    name = kind.__name__.removesuffix("Response")
    return next(service for service in get_args(LibraryService) if service == name)


def conceal_persons(words: str, values: MessageValues) -> str:
    """Koha tells another borrower's card number and repeats a wrong PIN, FOLIO tells names."""
    for secret in filter(None, (credential_input.value for credential_input in values.inputs)):
        words = words.replace(secret, CONCEALED)
    known = {*values.items, values.request}
    words = _LONG_NUMBER.sub(lambda match: match[0] if match[0] in known else CONCEALED, words)
    return _NAMED_USER.sub(CONCEALED, words)


_LONG_NUMBER = re.compile(r"[0-9]{5,}")
_NAMED_USER = re.compile(r"(?<=\bto user ).+?(?= because\b)")


def find_request(service: LibraryService) -> ServiceRequest:
    return next(ask for ask in ASKS if ask.message.__name__ == service)


def reword_refusal(refused: Refused, service: LibraryService, values: MessageValues) -> Refused | Unavailable:
    """Reword a refusal in our words, with the system's own for staff, without what may name a patron."""
    words = conceal_persons(refused.internal or refused.detail, values)
    report = words if isinstance(refused, RefusedByPartner) else refused.detail
    if refused.reason in ABOUT_US:
        return SenderRefusedError(
            write_sentence(
                "%(service)s: the library system does not accept us as a sender: %(report)s",
                service=service,
                report=report,
            )
        )
    if refused.reason is RefusalReason.TEMPORARY_FAILURE:
        return Unavailable(write_about(service, report))
    if refused.reason is RefusalReason.UNSUPPORTED_SERVICE:
        what = WHAT_SERVICES_DO.get(service, "do this")
        return make_refusal(refused.reason, words, detail=f"The library system cannot {what}.")
    return make_refusal(refused.reason, words)
