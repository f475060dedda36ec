"""Port PartnerSimulator; messages printed for people.

Everything is turned round: what the profile says about reading the partner is how this writes, and the credentials
that the profile lets in are the ones shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any

from adapters.ncip.client import ASKS, Ask, CannotSay, Parties, Speaker, Values, build, find, mirrored, read_reply
from adapters.ncip.client.parameters import PARAMETERS, Spec, Typing
from adapters.ncip.client.replies import RefusedByPartner
from adapters.ncip.client.services import COMMON, style_for
from adapters.ncip.codec import decode, encode
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import Amount, Code, Message, RawElement, Structure
from adapters.ncip.messages.declaration import elements_of
from adapters.ncip.transport import Credentials, open_transport
from adapters.ncip.wire_dialect import HttpAuthKind, Strictness
from adapters.ncip.xml_parser import parse
from gateway.domain.problems import MalformedMessage, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Authentication, AuthKind, MatchRule, Profile
from gateway.ports import partner_simulator as port
from gateway.ports.partner_simulator import (
    AnswerExplanation,
    InvalidParameter,
    MessageFate,
    PartnerService,
    Place,
    Secrets,
    ServiceParameter,
    TransportReply,
)
from gateway.ports.responder import ExchangeContext

_HTTP_KINDS = {
    AuthKind.BASIC: HttpAuthKind.BASIC,
    AuthKind.BEARER: HttpAuthKind.BEARER,
    AuthKind.PATH_KEY: HttpAuthKind.PATH_KEY,
    AuthKind.QUERY_KEY: HttpAuthKind.QUERY_KEY,
}
_NO_SECRET = (AuthKind.NONE, AuthKind.NETWORK, AuthKind.CERTIFICATE)

INDENT = "  "


class NcipPartner:
    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def services(self, talk: ExchangeContext) -> tuple[PartnerService, ...]:
        version = _dialect(talk.profile).xml.version
        return tuple(_service(ask) for ask in ASKS if version.has_service(ask.message.__name__))

    def build(self, service: str, values: port.Values, talk: ExchangeContext) -> bytes:
        ask = find(service)
        if ask is None:
            raise InvalidParameter("", f"NCIP has no service '{service}'")
        dialect = mirrored(_dialect(talk.profile))
        said = _read(ask, values, Typing(talk.zone, talk.currency, talk.now))
        speaker = Speaker(dialect, talk.profile.circulation, self._build_parties(talk, dialect), talk.zone, talk.now)
        try:
            message = build(ask, said, speaker)
            return encode(message, style_for(message, dialect.xml), talk.zone)
        except CannotSay as error:
            raise InvalidParameter(_parameter_of(error.name), error.reason) from error
        except ValueError as error:  # an amount finer than its currency
            raise InvalidParameter("amount", str(error)) from error

    async def send(self, body: bytes, talk: ExchangeContext, place: Place) -> TransportReply:
        transport = open_transport(place, _dialect(talk.profile), self._build_credentials(talk.profile))
        try:
            return await transport.exchange(body)
        finally:
            await transport.close()

    def explain(self, sent: bytes, reply: TransportReply, talk: ExchangeContext) -> AnswerExplanation:
        ours = _dialect(talk.profile)
        as_read = ours.xml.model_copy(update={"strictness": Strictness.LENIENT})
        message = decode(parse(sent, as_read), as_read, talk.zone)
        dialect = mirrored(ours)
        try:
            answered = read_reply(reply, message, dialect, talk.zone)
        except Refused as refused:
            fate = MessageFate.FAILED if refused.reason is RefusalReason.TEMPORARY_FAILURE else MessageFate.REFUSED
            return AnswerExplanation(
                fate, (f"{message.service}: refused ({refused.reason.value})", *_why(refused, talk))
            )
        except Unavailable as error:
            return AnswerExplanation(MessageFate.FAILED, (f"{message.service}: not done", f"  {error}"))
        except OutcomeUnknown as error:
            return AnswerExplanation(
                MessageFate.UNKNOWN, (f"{message.service}: it is not known whether it was done", f"  {error}")
            )
        except MalformedMessage as error:
            return AnswerExplanation(MessageFate.FAILED, (f"{message.service}: the answer can't be read", f"  {error}"))
        shown = lines(answered.response, talk.zone)
        return AnswerExplanation(MessageFate.DONE, (f"{message.service}: done", *shown, *unknown(answered.message)))

    # --- who speaks --------------------------------------------------------------------------------------

    def _build_parties(self, talk: ExchangeContext, dialect: NcipDialect) -> Parties:
        """The partner asks us, so that it fits a match rule of the profile where one says more."""
        header, rule = dialect.header, _telling_rule(talk.profile)
        return Parties(
            from_agency=header.partner_agency or rule.from_agency or talk.profile.name.upper(),
            to_agency=header.our_agency or rule.to_agency or talk.symbol,
            profile_type=header.profile_type or rule.profile_type or "",
            from_system=header.partner_system or rule.from_system or "",
            to_system=header.our_system,
            agency_secret=self._get_message_secret(talk.profile, AuthKind.AGENCY_SECRET),
            system_secret=self._get_message_secret(talk.profile, AuthKind.SYSTEM_SECRET),
        )

    def _get_message_secret(self, profile: Profile, kind: AuthKind) -> str:
        entry = _entry(profile)
        return self._secrets(entry.secret) if entry is not None and entry.kind is kind else ""

    def _build_credentials(self, profile: Profile) -> Credentials:
        entry = _entry(profile)
        kind = _HTTP_KINDS.get(entry.kind) if entry is not None else None
        if entry is None or kind is None:
            return Credentials()
        return Credentials(kind, entry.user, self._secrets(entry.secret), entry.parameter)


def _telling_rule(profile: Profile) -> MatchRule:
    """The first rule by what stands in messages."""
    said = (
        rule for rule in profile.match if rule.from_agency or rule.profile_type or rule.from_system or rule.to_agency
    )
    return next(said, MatchRule())


def _entry(profile: Profile) -> Authentication | None:
    """The credential to show: the first way in, unless that is one where nothing needs to be said."""
    first = profile.auth[0] if profile.auth else None
    return first if first is not None and first.kind not in _NO_SECRET else None


def _dialect(profile: Profile) -> NcipDialect:
    dialect = profile.dialects.get("ncip")
    return dialect if isinstance(dialect, NcipDialect) else NcipDialect()


# --- services and their values -----------------------------------------------------------------------------


def _service(ask: Ask) -> PartnerService:
    names = (*ask.takes, *COMMON)
    needed = {group[0] for group in ask.needs if len(group) == 1}
    defaults = dict(ask.defaults)
    return PartnerService(
        name=ask.name,
        wire=ask.message.__name__,
        help=ask.help,
        parameters=tuple(_parameter(ask, name, name in needed, defaults.get(name, "")) for name in names),
        aliases=ask.aliases,
    )


def _parameter(ask: Ask, name: str, required: bool, default: str) -> ServiceParameter:
    parameter = PARAMETERS[name].parameter
    several = parameter.repeatable or (name == "item" and ask.name in _SEVERAL_ITEMS)
    return replace(parameter, required=required, default=default, repeatable=several)


_SEVERAL_ITEMS = frozenset({"request-item", "lookup-item-set"})


def _parameter_of(field: str) -> str:
    return next((name for name, spec in PARAMETERS.items() if spec.field == field), "")


def _read(ask: Ask, values: port.Values, typing: Typing) -> Values:
    """Raises WrongValue for a parameter that the service doesn't have, a text that can't be read, one missing."""
    allowed = {parameter.name: parameter for parameter in _service(ask).parameters}
    said: dict[str, Any] = {}
    for name, texts in values.items():
        if name not in allowed:
            raise InvalidParameter(name, f"{ask.name} has no such option")
        if len(texts) > 1 and not allowed[name].repeatable:
            raise InvalidParameter(name, "can be given only once")
        _say(said, PARAMETERS[name], texts, typing)
    for group in ask.needs:
        if not any(values.get(name) for name in group):
            raise InvalidParameter("", f"{ask.name} needs {' or '.join(f'--{name}' for name in group)}")
    read = Values(**said)
    return ask.fill(read, typing.today) if ask.fill is not None else read


def _say(said: dict[str, Any], spec: Spec, texts: tuple[str, ...], typing: Typing) -> None:
    for text in texts:
        choices = spec.parameter.choices
        if choices and text not in choices:
            raise InvalidParameter(spec.parameter.name, f"must be one of {', '.join(choices)}")
        try:
            value = spec.read(text, typing)
        except ValueError as error:
            raise InvalidParameter(spec.parameter.name, str(error)) from error
        if spec.field in _TUPLES:
            said[spec.field] = (*said.get(spec.field, ()), value)
        else:
            said[spec.field] = value


_TUPLES = frozenset({"inputs", "items", "records", "elements"})


def _why(refused: Refused, talk: ExchangeContext) -> Iterator[str]:
    """The problems as they were sent."""
    problems = refused.problems if isinstance(refused, RefusedByPartner) else ()
    if not problems:
        yield f"  {refused.detail}"
    for problem in problems:
        yield "  Problem"
        yield from lines(problem, talk.zone, 2)


def lines(structure: Structure, zone: tzinfo, depth: int = 1) -> Iterator[str]:
    """The content of a structure: one line for each value, one level deeper for each structure inside."""
    for name, element in elements_of(type(structure)).items():
        value = getattr(structure, name)
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None and one is not False and one != "":
                yield from _value(element.name, one, zone, depth)
    for raw in structure.ext:
        yield f"{INDENT * depth}{raw.path}: {raw.text}"


def unknown(message: Message, depth: int = 1) -> Iterator[str]:
    """What the model has no place for."""
    for element in message.unknown:
        yield f"{INDENT * depth}not understood: {element.path}: {element.text}"


def _value(name: str, value: object, zone: tzinfo, depth: int) -> Iterator[str]:
    start = f"{INDENT * depth}{name}"
    if isinstance(value, Amount):
        yield f"{start}: {_amount(value)}"
    elif isinstance(value, Structure):
        inner = list(lines(value, zone, depth + 1))
        if len(inner) == 1:
            yield f"{start}: {inner[0].partition(': ')[2] or inner[0].strip()}"
        else:
            yield start
            yield from inner
    elif value is True:
        yield start
    else:
        yield f"{start}: {_text(value, zone)}"


def _amount(amount: Amount) -> str:
    try:
        money = amount.money
    except ValueError:
        money = None
    if money is not None:
        return f"{money.amount} {money.currency}"
    currency = amount.currency.value if amount.currency is not None else "?"
    return f"{amount.minor_units} minor units of {currency}"


def _text(value: object, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Code):
        return value.value
    return value.text if isinstance(value, RawElement) else str(value)
