"""Port PartnerChannel: requests pushed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from string import Formatter

from adapters.openurl.codec import Pair, context_pairs, encode_query, old_version_pairs
from adapters.openurl.dialect import OpenUrlDialect, OpenUrlVersion, Said, dialect_of
from adapters.openurl.transport import PushAnswer, PushDelivery, judge_push_answer, request_url, send_query
from gateway.domain.problems import ConfigurationError, MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.requests.volume_notes import tell_volumes
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.adapter import ChannelContext
from gateway.ports.partner_channel import ChannelMessage, DeliveryResult, PartnerMessage


class OpenUrlChannel:
    name = "openurl"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`. Neither errors nor notes say anything about the
        patron."""
        dialect = dialect_of(profile)
        if dialect is None:
            raise Refused(
                RefusalReason.DATA_MISSING, "The profile has no section `openurl`.", about=MessagePart.RECEIVER
            )
        if message.kind not in dialect.push:
            detail = f"'{message.kind.value}' cannot be sent by OpenURL (`openurl.push`)."
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, detail, about=MessagePart.SERVICE)
        push = build_push(message, dialect)
        delivery = self._build_delivery(push, dialect)
        try:
            answer = await self._send_push(push, delivery)
            secret = (message.request.patron.identifier,)
            number = await asyncio.to_thread(judge_push_answer, answer, dialect.answer, secret)  # a page, and patterns
        except OutcomeUnknown as unknown:
            if dialect.answer.unknown == "again":
                raise
            detail = f"Check whether it has arrived before you send it again: {unknown}."
            raise Refused(RefusalReason.TEMPORARY_FAILURE, detail) from unknown
        return DeliveryResult(_delivery_note(number, push), external=number)

    def has_message(self, kind: EventKind, role: Role, profile: Profile) -> bool:
        """See `gateway.ports.partner_channel.LimitedChannel`."""
        dialect = dialect_of(profile)
        return dialect is not None and kind in dialect.push

    async def _send_push(self, push: PushMessage, delivery: PushDelivery) -> PushAnswer:
        """Journaled without the address, which may hold a key."""
        try:
            answer = await send_query(delivery)
        except OutcomeUnknown:
            self._context.record(_sent_message(push, delivery))
            raise
        self._context.record(_sent_message(push, delivery, answer))
        return answer

    def _build_delivery(self, push: PushMessage, dialect: OpenUrlDialect) -> PushDelivery:
        try:
            secret = self._context.secrets(dialect.auth.secret) if dialect.auth.secret else ""
        except ConfigurationError as error:
            raise Unavailable(write_sentence("our authentication failed: %(report)s", report=error.detail)) from error
        posted = dialect.method == "POST"
        return PushDelivery(
            url=request_url(dialect.url, "" if posted else push.query),
            body=push.query.encode("ascii") if posted else None,
            content_type=f"application/x-www-form-urlencoded; charset={dialect.charset}",
            auth=dialect.auth,
            secret=secret,
            timing=dialect.timing,
        )


def _sent_message(push: PushMessage, delivery: PushDelivery, answer: PushAnswer | None = None) -> ChannelMessage:
    secret = delivery.secret
    answer_text = answer.text if answer is not None and answer.text else None
    if answer_text is not None and secret:
        answer_text = answer_text.replace(secret, CONCEALED)
    return ChannelMessage(
        protocol=OpenUrlChannel.name,
        transport="http",
        body=push.query.encode("ascii"),
        content_type="application/x-www-form-urlencoded",
        peer=delivery.url.host or "",
        answer=answer_text.encode() if answer_text is not None else None,
        answer_type="text/html; charset=utf-8" if answer_text is not None else "",
        status=answer.status if answer is not None else 0,
    )


def _delivery_note(number: str, push: PushMessage) -> str:
    remarks = [f"taken as {number}" if number else "taken"]
    if push.left_out:
        remarks.append(f"left out, since it was too long: {', '.join(push.left_out)}")
    if push.replaced:
        remarks.append(f"characters that the system doesn't know: {', '.join(push.replaced)}")
    return "; ".join(remarks)


@value_object
class PushMessage:
    """`query`: percent-encoded, for URL or form. `left_out`: keys that didn't fit; `replaced`: keys whose characters
    the character set lacks."""

    query: str
    left_out: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


def build_push(message: PartnerMessage, dialect: OpenUrlDialect) -> PushMessage:
    """Build a push; raises Refused when it is too long whatever is left out."""
    pairs = tuple(_push_pairs(message, dialect))
    left_out: list[str] = []
    room = dialect.max_length - (len(dialect.url) + 1 if dialect.method == "GET" else 0)
    for key in ("", *dialect.drop):
        if key and any(name == key for name, _ in pairs):
            pairs = tuple(pair for pair in pairs if pair[0] != key)
            left_out.append(key)
        query = encode_query(pairs, dialect.charset)
        if not dialect.max_length or len(query) <= room:
            return PushMessage(query, tuple(left_out), _find_replaced_keys(pairs, dialect.charset))
    detail = f"The OpenURL is longer than {dialect.max_length} bytes, whatever is left out."
    raise Refused(RefusalReason.INVALID_VALUE, detail, about=MessagePart.RECORD)


def _find_replaced_keys(pairs: tuple[Pair, ...], charset: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key, value in pairs if value.encode(charset, "ignore").decode(charset) != value))


def _push_pairs(message: PartnerMessage, dialect: OpenUrlDialect) -> Iterator[Pair]:
    """The partner's own keys come first: dispatchers such as ILLiad's go by them."""
    yield from dialect.fixed.items()
    ours = dict.fromkeys((*_citation_pairs(message.request.citation, dialect), *_field_pairs(message, dialect)))
    for key, value in ours:
        if value and key not in dialect.fixed:
            yield key, value


def _citation_pairs(citation: Citation, dialect: OpenUrlDialect) -> Iterator[Pair]:
    """The note goes with what is told."""
    bare = replace(citation, note="")
    genre = dialect.genres.get(citation.type, "")
    pairs: list[Pair] = []
    if dialect.version is not OpenUrlVersion.OLD:
        pairs += context_pairs(bare, dialect.prefix, genre, dialect.charset)
    if dialect.version is not OpenUrlVersion.NEW:
        pairs += old_version_pairs(bare, genre)
    for key, value in pairs:
        if name := dialect.names.get(key, key):
            yield name, value


def _field_pairs(message: PartnerMessage, dialect: OpenUrlDialect) -> Iterator[Pair]:
    values = push_values(message, dialect)
    values[Said.NOTE] = "\n".join(_fill_note_lines(dialect.note, values))
    for field, keys in dialect.fields.items():
        for key in keys:
            yield key, values[field]


def push_values(message: PartnerMessage, dialect: OpenUrlDialect) -> dict[Said, str]:
    request, _ = tell_volumes(message.request, EventKind.REQUEST, message.details)
    maximum = request.costs.maximum
    return {
        Said.NUMBER: message.transaction,
        Said.PATRON: request.patron.identifier,
        Said.CATEGORY: request.patron.category,
        Said.PICKUP: request.patron.pickup,
        Said.SERVICE: dialect.service_word(request.service.type),
        Said.FORMAT: request.service.format,
        Said.LEVEL: request.service.level,
        Said.NEED_BY: request.dates.need_by.strftime(dialect.date_format) if request.dates.need_by else "",
        Said.NOTE: request.citation.note,
        Said.MAXIMUM_COST: f"{maximum.amount} {maximum.currency}" if maximum is not None else "",
        Said.LIBRARY: message.sender.symbol,
        Said.KIND: message.kind.value,
        Said.STATUS: message.details.status,
        Said.MESSAGE: message.id,
    }


def _fill_note_lines(templates: tuple[str, ...], values: dict[Said, str]) -> Iterator[str]:
    for template in templates:
        named = [name for _, name, _, _ in Formatter().parse(template) if name]
        if all(values[Said(name)] for name in named):
            yield template.format(**values)
