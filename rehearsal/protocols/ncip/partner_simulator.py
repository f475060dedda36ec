"""Port PartnerSimulator; messages printed for people.

Everything is turned round: what the profile says about reading the partner is how this writes, and the credentials
that the profile lets in are the ones shown. A profile that lets nobody in is of a system that only we ask: there is no
partner to be played, and this writes as we do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from typing import Any

from adapters.ncip.client import (
    ASKS,
    MessageBuilder,
    MessageParties,
    MessageValues,
    ServiceRequest,
    UnsupportedValueError,
    build_message,
    find_service,
    mirror_dialect,
    read_reply,
)
from adapters.ncip.client.replies import RefusedByPartner
from adapters.ncip.client.services import COMMON, choose_style
from adapters.ncip.codec import decode_message, encode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.initiator import load_own_credentials, make_own_parties
from adapters.ncip.messages import Amount, Code, Message, RawElement, Structure
from adapters.ncip.messages.declaration import elements_of
from adapters.ncip.transport import HttpCredentials, open_transport
from adapters.ncip.wire_dialect import HttpAuthKind, Strictness
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.problems import MalformedMessage, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Authentication, AuthKind, MatchRule, Profile
from gateway.domain.value import replace
from gateway.ports.message_transport import Place, TransportReply
from gateway.ports.responder import ExchangeContext
from gateway.ports.secrets import Secrets
from rehearsal.ports.partner_simulator import (
    AnswerExplanation,
    InvalidParameter,
    MessageFate,
    PartnerService,
    ServiceParameter,
    Values,
)
from rehearsal.protocols.ncip.parameters import PARAMETERS, ParameterContext, ParameterSpec

_HTTP_KINDS = {
    AuthKind.BASIC: HttpAuthKind.BASIC,
    AuthKind.BEARER: HttpAuthKind.BEARER,
    AuthKind.PATH_KEY: HttpAuthKind.PATH_KEY,
    AuthKind.QUERY_KEY: HttpAuthKind.QUERY_KEY,
}
_NO_SECRET = (AuthKind.NONE, AuthKind.NETWORK, AuthKind.CERTIFICATE)

INDENT = "  "


class NcipPartnerSimulator:
    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def services(self, exchange: ExchangeContext) -> tuple[PartnerService, ...]:
        version = _get_ncip_dialect(exchange.profile).xml.version
        return tuple(_describe_service(ask) for ask in ASKS if version.has_service(ask.message.__name__))

    def build(self, service: str, values: Values, exchange: ExchangeContext) -> bytes:
        ask = find_service(service)
        if ask is None:
            raise InvalidParameter("", f"NCIP has no service '{service}'")
        dialect = _get_spoken_dialect(exchange.profile)
        parsed = _read_message_values(ask, values, ParameterContext(exchange.zone, exchange.currency, exchange.now))
        speaker = MessageBuilder(
            dialect, exchange.profile.circulation, self._build_parties(exchange, dialect), exchange.zone, exchange.now
        )
        try:
            message = build_message(ask, parsed, speaker)
            return encode_message(message, choose_style(message, dialect.xml), exchange.zone)
        except UnsupportedValueError as error:
            raise InvalidParameter(_parameter_of_field(error.name), error.reason) from error
        except ValueError as error:  # an amount finer than its currency
            raise InvalidParameter("amount", str(error)) from error

    async def send_message(self, body: bytes, exchange: ExchangeContext, place: Place) -> TransportReply:
        dialect = _get_ncip_dialect(exchange.profile)
        content_type = "" if is_only_asked(exchange.profile) else dialect.http.content_type_in
        transport = open_transport(place, dialect, self._build_credentials(exchange.profile), content_type)
        try:
            return await transport.exchange(body)
        finally:
            await transport.close()

    def explain(self, sent: bytes, reply: TransportReply, exchange: ExchangeContext) -> AnswerExplanation:
        ours = _get_ncip_dialect(exchange.profile)
        as_read = ours.xml.model_copy(update={"strictness": Strictness.LENIENT})
        message = decode_message(parse_xml(sent, as_read), as_read, exchange.zone)
        dialect = _get_spoken_dialect(exchange.profile)
        try:
            answered = read_reply(reply, message, dialect, exchange.zone)
        except Refused as refused:
            fate = MessageFate.FAILED if refused.reason is RefusalReason.TEMPORARY_FAILURE else MessageFate.REFUSED
            return AnswerExplanation(
                fate, (f"{message.service}: refused ({refused.reason.value})", *_format_problems(refused, exchange))
            )
        except Unavailable as error:
            return AnswerExplanation(MessageFate.FAILED, (f"{message.service}: not done", f"  {error}"))
        except OutcomeUnknown as error:
            return AnswerExplanation(
                MessageFate.UNKNOWN, (f"{message.service}: it is not known whether it was done", f"  {error}")
            )
        except MalformedMessage as error:
            return AnswerExplanation(MessageFate.FAILED, (f"{message.service}: the answer can't be read", f"  {error}"))
        structure = format_structure(answered.response, exchange.zone)
        return AnswerExplanation(
            MessageFate.DONE, (f"{message.service}: done", *structure, *format_unknown_elements(answered.message))
        )

    # --- who speaks --------------------------------------------------------------------------------------

    def _build_parties(self, exchange: ExchangeContext, dialect: NcipDialect) -> MessageParties:
        """The partner asks us, so that it fits a match rule of the profile where one says more; or we ask it."""
        if is_only_asked(exchange.profile):
            return make_own_parties(exchange.symbol, dialect, self._secrets)
        header, rule = dialect.header, _find_message_rule(exchange.profile)
        return MessageParties(
            from_agency=header.partner_agency or rule.from_agency or exchange.profile.name.upper(),
            to_agency=header.our_agency or rule.to_agency or exchange.symbol,
            profile_type=header.profile_type or rule.profile_type or "",
            from_system=header.partner_system or rule.from_system or "",
            to_system=header.our_system,
            agency_secret=self._get_message_secret(exchange.profile, AuthKind.AGENCY_SECRET),
            system_secret=self._get_message_secret(exchange.profile, AuthKind.SYSTEM_SECRET),
        )

    def _get_message_secret(self, profile: Profile, kind: AuthKind) -> str:
        entry = _choose_authentication(profile)
        return self._secrets(entry.secret) if entry is not None and entry.kind is kind else ""

    def _build_credentials(self, profile: Profile) -> HttpCredentials:
        if is_only_asked(profile):
            return load_own_credentials(_get_ncip_dialect(profile).http, self._secrets)
        entry = _choose_authentication(profile)
        kind = _HTTP_KINDS.get(entry.kind) if entry is not None else None
        if entry is None or kind is None:
            return HttpCredentials()
        return HttpCredentials(kind, entry.user, self._secrets(entry.secret), entry.parameter)


def _find_message_rule(profile: Profile) -> MatchRule:
    """The first rule by what stands in messages."""
    rules = (
        rule for rule in profile.match if rule.from_agency or rule.profile_type or rule.from_system or rule.to_agency
    )
    return next(rules, MatchRule())


def _choose_authentication(profile: Profile) -> Authentication | None:
    """The credential to show: the first way in, unless that is one where nothing needs to be said."""
    first = profile.auth[0] if profile.auth else None
    return first if first is not None and first.kind not in _NO_SECRET else None


def is_only_asked(profile: Profile) -> bool:
    """Return whether nobody is let in under this profile, so that it can only be of a system that we ask."""
    return not profile.auth


def _get_spoken_dialect(profile: Profile) -> NcipDialect:
    ours = _get_ncip_dialect(profile)
    return ours if is_only_asked(profile) else mirror_dialect(ours)


def _get_ncip_dialect(profile: Profile) -> NcipDialect:
    dialect = profile.dialects.get("ncip")
    return dialect if isinstance(dialect, NcipDialect) else NcipDialect()


# --- services and their values -----------------------------------------------------------------------------


def _describe_service(ask: ServiceRequest) -> PartnerService:
    names = (*ask.takes, *COMMON)
    needed = {group[0] for group in ask.needs if len(group) == 1}
    defaults = dict(ask.defaults)
    return PartnerService(
        name=ask.name,
        wire=ask.message.__name__,
        help=ask.help,
        parameters=tuple(_describe_parameter(ask, name, name in needed, defaults.get(name, "")) for name in names),
        aliases=ask.aliases,
    )


def _describe_parameter(ask: ServiceRequest, name: str, required: bool, default: str) -> ServiceParameter:
    parameter = PARAMETERS[name].parameter
    several = parameter.repeatable or (name == "item" and ask.name in _SEVERAL_ITEMS)
    return replace(parameter, required=required, default=default, repeatable=several)


_SEVERAL_ITEMS = frozenset({"request-item", "lookup-item-set"})


def _parameter_of_field(field: str) -> str:
    return next((name for name, spec in PARAMETERS.items() if spec.field == field), "")


def _read_message_values(ask: ServiceRequest, values: Values, typing: ParameterContext) -> MessageValues:
    """Read values; raises InvalidParameter for a parameter that the service doesn't have, a text that can't be read,
    one missing."""
    allowed = {parameter.name: parameter for parameter in _describe_service(ask).parameters}
    fields: dict[str, Any] = {}
    for name, texts in values.items():
        if name not in allowed:
            raise InvalidParameter(name, f"{ask.name} has no such option")
        if len(texts) > 1 and not allowed[name].repeatable:
            raise InvalidParameter(name, "can be given only once")
        _set_field(fields, PARAMETERS[name], texts, typing)
    for group in ask.needs:
        if not any(values.get(name) for name in group):
            raise InvalidParameter("", f"{ask.name} needs {' or '.join(f'--{name}' for name in group)}")
    read = MessageValues(**fields)
    return ask.fill(read, typing.today) if ask.fill is not None else read


def _set_field(fields: dict[str, Any], spec: ParameterSpec, texts: tuple[str, ...], typing: ParameterContext) -> None:
    for text in texts:
        choices = spec.parameter.choices
        if choices and text not in choices:
            raise InvalidParameter(spec.parameter.name, f"must be one of {', '.join(choices)}")
        try:
            value = spec.read(text, typing)
        except ValueError as error:
            raise InvalidParameter(spec.parameter.name, str(error)) from error
        if spec.field in _TUPLES:
            fields[spec.field] = (*fields.get(spec.field, ()), value)
        else:
            fields[spec.field] = value


_TUPLES = frozenset({"inputs", "items", "records", "elements"})


def _format_problems(refused: Refused, exchange: ExchangeContext) -> Iterator[str]:
    """The problems as they were sent."""
    problems = refused.problems if isinstance(refused, RefusedByPartner) else ()
    if not problems:
        yield f"  {refused.detail}"
    for problem in problems:
        yield "  Problem"
        yield from format_structure(problem, exchange.zone, 2)


def format_structure(structure: Structure, zone: tzinfo, depth: int = 1) -> Iterator[str]:
    """The content of a structure: one line for each value, one level deeper for each structure inside."""
    for name, element in elements_of(type(structure)).items():
        value = getattr(structure, name)
        for item in value if isinstance(value, tuple) else (value,):
            if item is not None and item is not False and item != "":
                yield from _format_field(element.name, item, zone, depth)
    for raw in structure.ext:
        yield f"{INDENT * depth}{raw.path}: {raw.text}"


def format_unknown_elements(message: Message, depth: int = 1) -> Iterator[str]:
    """Format what the model has no place for."""
    for element in message.unknown:
        yield f"{INDENT * depth}not understood: {element.path}: {element.text}"


def _format_field(name: str, value: object, zone: tzinfo, depth: int) -> Iterator[str]:
    start = f"{INDENT * depth}{name}"
    if isinstance(value, Amount):
        yield f"{start}: {_format_amount(value)}"
    elif isinstance(value, Structure):
        inner = list(format_structure(value, zone, depth + 1))
        if len(inner) == 1:
            yield f"{start}: {inner[0].partition(': ')[2] or inner[0].strip()}"
        else:
            yield start
            yield from inner
    elif value is True:
        yield start
    else:
        yield f"{start}: {_format_leaf(value, zone)}"


def _format_amount(amount: Amount) -> str:
    try:
        money = amount.money
    except ValueError:
        money = None
    if money is not None:
        return f"{money.amount} {money.currency}"
    currency = amount.currency.value if amount.currency is not None else "?"
    return f"{amount.minor_units} minor units of {currency}"


def _format_leaf(value: object, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Code):
        return value.value
    return value.text if isinstance(value, RawElement) else str(value)
