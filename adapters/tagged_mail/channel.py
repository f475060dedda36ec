"""Port PartnerChannel: events as tagged mails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, tzinfo

from adapters.tagged_mail.codec import MessageTag, TaggedMessage, encode, is_tag_name, message_title
from adapters.tagged_mail.dialect import PATRON, TaggedMailDialect, dialect_of
from adapters.tagged_mail.message_names import CARRIED
from gateway.domain.due_dates import local_day
from gateway.domain.library import Money
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.prices import find_told_limit
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.volume_notes import tell_volumes
from gateway.domain.romanisation import fit_into_charset
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.adapter import ChannelContext, ChannelLibrary
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage

File = tuple[str, str, bytes]
"""Name, media type, content."""

FieldValues = Iterator[tuple[str, str]]
"""Field and value; empty ones are not written."""

STANDARD_NUMBERS = ("isbn", "issn", "ismn", "doi", "pmid")


class TaggedMailChannel:
    name = "tagged-mail"

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        """See `gateway.ports.partner_channel.PartnerChannel`."""
        dialect = dialect_of(profile)
        library = self._context.libraries[message.request.library]
        letter = self._compose_letter(message, profile, dialect, library, await self._context.load_copy_files(message))
        own = self._context.sender.fill_from_library(library.info)
        sender = LetterSender(dialect.sender or own.address, own.name, dialect.reply_to or own.reply_to)
        return DeliveryResult(await self._context.mailer.send(build_mail(letter, sender)))

    def has_message(self, kind: EventKind, role: Role, profile: Profile) -> bool:
        """See `gateway.ports.partner_channel.LimitedChannel`."""
        return kind in CARRIED

    def _compose_letter(
        self,
        message: PartnerMessage,
        profile: Profile,
        dialect: TaggedMailDialect,
        library: ChannelLibrary,
        files: tuple[File, ...],
    ) -> RenderedLetter:
        tagged = tagged_message(message, dialect, profile, library)
        partner = profile.partner
        subject = {
            "message": message_title(tagged.name, dialect.language),
            "number": message.transaction,
            "symbol": dialect.our_symbol or message.sender.symbol,
        }
        return RenderedLetter(
            to=dialect.address or message.receiver.email or (partner.email if partner is not None else ""),
            subject=dialect.subject.format(**subject),
            text=fit_into_charset(encode(tagged, dialect.layout), dialect.encoding),
            message_id=message.id,
            language="",
            attachments=files,
            at=message.at,
            charset=dialect.encoding,
        )


def tagged_message(
    message: PartnerMessage, dialect: TaggedMailDialect, profile: Profile, library: ChannelLibrary
) -> TaggedMessage:
    """Days are those of the library's zone. Raises Refused: there is no such message."""
    name = CARRIED.get(message.kind)
    if name is None:
        raise Refused(
            RefusalReason.UNSUPPORTED_SERVICE,
            write_sentence("Tagged mail has no message for '%(value)s'.", value=message.kind.value),
        )
    request, details = tell_volumes(message.request, message.kind, message.details)
    message = replace(message, request=request, details=details)
    pairs = [*_party_fields(message, dialect, profile), ("answer", dialect.answer_phrase(message.kind))]
    if message.kind is EventKind.REQUEST:
        pairs += [*_request_fields(message.request, dialect), *_delivery_fields(message, dialect, library.info)]
    else:
        pairs += [*_detail_fields(message, dialect, library.zone), ("title", _short_title(message.request))]
    pairs.append(("note", _note_text(message)))
    tags = [
        MessageTag(dialect.field_tags(field)[0], value) for field, value in pairs if value and dialect.field_tags(field)
    ]
    if message.kind is EventKind.REQUEST:
        tags += _extra_tags(message.request, dialect)
    return TaggedMessage(name=name, tags=tuple(tags))


def _party_fields(message: PartnerMessage, dialect: TaggedMailDialect, profile: Profile) -> FieldValues:
    partner = profile.partner
    ours = dialect.our_symbol or message.sender.symbol
    theirs = dialect.their_symbol or message.receiver.symbol or (partner.symbol if partner is not None else "")
    borrower, lender = (ours, theirs) if message.role is Role.BORROWING else (theirs, ours)
    yield "borrower", borrower
    yield "lender", lender
    yield "number", message.transaction


def _request_fields(request: Request, dialect: TaggedMailDialect) -> FieldValues:
    citation, part = request.citation, request.citation.is_part or bool(request.citation.component_title)
    yield "service", request.service.type.value
    yield "title", f"{citation.title}: {citation.subtitle}" if citation.subtitle else citation.title
    yield "author", citation.author
    if part:
        yield "article_title", citation.component_title
        yield "article_author", citation.component_author
    yield "edition", citation.edition
    yield "place", citation.place
    yield "publisher", citation.publisher
    yield "published", citation.published
    yield "volume", citation.volume
    yield "issue", citation.issue
    yield "pages", citation.pages
    yield "call_number", citation.call_number
    for identifier in citation.identifiers:
        if identifier.type in ("oclc", "lccn", "dobis"):
            yield identifier.type, identifier.value
        elif identifier.type in STANDARD_NUMBERS:
            yield "standard_number", f"{identifier.type.upper()} {identifier.value}"
        else:
            yield "other", f"{identifier.type} {identifier.value}"
    yield "need_by", _format_day(request.dates.need_by, dialect)
    yield "maximum_cost", _format_money(find_told_limit(request.costs))


def _delivery_fields(message: PartnerMessage, dialect: TaggedMailDialect, library: LibraryInfo) -> FieldValues:
    """Our library, or where an item is to go that we broker: nothing about the patron is sent."""
    yield "account", dialect.account
    yield "billing", dialect.billing
    elsewhere = message.sender.address.strip()
    if elsewhere not in ("", library.address.strip()):
        yield "address", elsewhere
    else:
        yield "address", "\n".join(filter(None, (library.name, *library.address.splitlines(), library.email)))


def _extra_tags(request: Request, dialect: TaggedMailDialect) -> Iterator[MessageTag]:
    """Tags that we were given for it and don't know ourselves."""
    known = dialect.known_tags
    for extra in request.extras:
        if extra.name not in known and extra.name != PATRON and is_tag_name(extra.name):
            yield MessageTag(extra.name, extra.value)


def _detail_fields(message: PartnerMessage, dialect: TaggedMailDialect, zone: tzinfo) -> FieldValues:
    details = message.details
    yield "reason", details.reason.replace("-", " ")
    yield "due", _format_day(local_day(details.due, zone), dialect)
    yield "expected", _format_day(details.expected, dialect)
    yield "retry", _format_day(details.retry_after, dialect)
    yield "conditions", ", ".join(condition.value.replace("-", " ") for condition in _list_conditions(details))
    yield "cost", _format_money(details.cost)
    yield "barcode", details.barcode
    yield "link", details.link
    yield "status", details.status


def _list_conditions(details: EventDetails) -> tuple[LoanCondition, ...]:
    """There is no tag for whether renewals are allowed: that they aren't is a condition."""
    if details.renewals_allowed is not False or LoanCondition.NO_RENEWAL in details.conditions:
        return details.conditions
    return (*details.conditions, LoanCondition.NO_RENEWAL)


def _note_text(message: PartnerMessage) -> str:
    if message.kind is not EventKind.REQUEST:
        return message.details.note
    request = message.request
    notes = (note.text for note in request.notes if note.for_partner)
    return "\n".join(filter(None, (*notes, request.citation.note, message.details.note)))


def _short_title(request: Request) -> str:
    """Return the title, so that people see what it is about."""
    return request.citation.component_title or request.citation.title


def _format_day(day: date | None, dialect: TaggedMailDialect) -> str:
    return day.strftime(dialect.dates[0]) if day is not None else ""


def _format_money(money: Money | None) -> str:
    return f"{money.amount} {money.currency}" if money is not None else ""
